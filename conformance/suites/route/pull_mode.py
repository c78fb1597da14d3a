"""`route/transfers/push/pull-mode…`: a peer with RemoteSelf is asked to pull, and no job is made.

The gate is that peer: what it is asked waits there, as each request of a transfer does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.driver.context import Context
from conformance.errors import Unjudged
from conformance.peer.transfers import object_in
from conformance.suites.case import Case, Check
from conformance.suites.route import judge
from conformance.suites.route.calls import Call
from conformance.suites.route.calls.sending import register
from conformance.suites.route.calls.transfers import closed, release, to_the_gate
from conformance.suites.route.outcomes import ends, of_call, own_jobs
from conformance.suites.route.refusals import ABSENT

PULL_MODE = "route/transfers-pull-mode"
FAILED = 500  # the status of a call whose peer does not pull


def cases(call: Call) -> Iterator[Case]:
    """Of the call for a push."""
    name, needs = f"route/{call.name}/pull-mode", tuple(of_call(call))
    yield Check(name, PULL_MODE, check=asks_to_pull, leaves=0, needs=needs)
    yield Check(f"{name}/refused", PULL_MODE, check=is_refused_the_pull, leaves=0, needs=needs)


def asks_to_pull(context: Context) -> None:
    """A peer with RemoteSelf is asked to pull before the call is answered, and no job is made."""
    job, path, body = to_the_gate(context)
    named_by_gate = context.resources.gate.transfers.named
    had = len(named_by_gate)
    myself = f"{job.slot.peer}-itself"
    register(context, job.slot, RemoteSelf=myself)
    before = set(own_jobs(context))
    asked = {**body, "Priority": context.resources.priority}
    under_way = context.call("POST", path, asked)
    context.until(
        lambda: bool(job.holds), PULL_MODE, "the peer is asked to pull", lambda: "it is not"
    )
    said = object_in(job.holds[0].came.body)
    expected = {"Resources": body["Resources"], "Compression": "none", "Peer": myself}
    found = {key: said.get(key) for key in expected}
    context.equal(PULL_MODE, "what the peer is asked", expected, found)
    context.unanswered(under_way, PULL_MODE, "no answer before that of the peer")
    job.holds[0].reply(judge.TAKEN)
    reply = context.answered(under_way, PULL_MODE, "an answer")
    told, named = reply.json(), newest(named_by_gate[had:])
    right = (
        isinstance(told, dict)
        and (told.get("Peer"), told.get("RemoteJob")) == (job.slot.peer, named)
        and _alike(str(told.get("URL")), f"{job.slot.mark}jobs/{named}")
    )
    expected_answer = f"Peer {job.slot.peer}, RemoteJob {named} and its URL"
    context.require(PULL_MODE, reply.ok and right, expected_answer, reply)
    made = [id for id in own_jobs(context) if id not in before]
    for id in made:
        context.other(id)
    context.equal(PULL_MODE, "the jobs of the call are", [], made)
    release(context, PULL_MODE)


def newest(named: Sequence[str]) -> str:
    """The job that the gate said last that it pulls by. Raises `Unjudged` where it said none."""
    if not named:
        raise Unjudged("the server hung up before the gate had said by which job it pulls")
    return named[-1]


def _alike(one: str, other: str) -> bool:
    """Whether two addresses differ in doubled slashes at most."""
    first, second = ([part for part in url.split("/") if part] for url in (one, other))
    return first == second


def is_refused_the_pull(context: Context) -> None:
    """A peer that refuses to pull, or is not there, makes it HTTP 500, and no job."""
    for there in (True, False):
        job, path, body = to_the_gate(context)
        elsewhere = {} if there else {"Url": closed(context)}
        register(context, job.slot, RemoteSelf="nobody", **elsewhere)
        before = set(own_jobs(context))
        under_way = context.call("POST", path, {**body, "Priority": context.resources.priority})
        ends(context, under_way, PULL_MODE, ABSENT)
        status = under_way.answer().status
        context.equal(PULL_MODE, "HTTP status", FAILED, status)
        made = [id for id in own_jobs(context) if id not in before]
        context.equal(PULL_MODE, "the jobs of the call are", [], made)
    release(context, PULL_MODE)
