"""`route/transfers/…`: what the calls of the transfers accelerator take, and what its jobs show.

The requests of a job wait at the gate, which is the receiver of a push, and the source of a pull.
What is asked of a job while one of its requests is held stands in `boundaries`, what is asked of
one that stands still in `matrix`, and how a peer is asked to pull itself in `pull_mode`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from conformance.driver.context import Context
from conformance.driver.tracked import Tracked
from conformance.peer.transfers import Kind
from conformance.suites.case import Case, Check
from conformance.suites.needs import EXPENDABLE
from conformance.suites.route import judge, pull_mode
from conformance.suites.route.boundaries import is_looked_at
from conformance.suites.route.calls import Call, Request
from conformance.suites.route.calls.sending import register
from conformance.suites.route.calls.transfers import (
    GIVEN,
    NAMES,
    REQUESTS,
    SIZES,
    closed,
    given_up,
    kind_of,
    pull,
    push,
    release,
)
from conformance.suites.route.outcomes import default_priority, of_call, own_jobs, submit
from conformance.suites.route.refusals import ABSENT, BAD, UNKNOWN
from conformance.suites.route.sending import forget_steps, holds_of, step_number
from conformance.suites.route.succeeding import has_succeeded
from conformance.sut.profile import Profile
from spec.relaxations import Shortfall
from spec.table import FINAL, Action, State
from spec.types import PULL, PUSH, row

ASYNCHRONOUS, SHOWN = "route/transfers-asynchronous", "route/transfers-shown"
GIVES_UP = "route/transfers-gives-up"
REFUSED, NO_INTEGER = "route/refused", "submit/priority-not-integer"
ONE_MORE, STARTS_OVER = "step/one-after-answer", "step/resubmitted-starts-over"
NO_RESOURCE, NOWHERE = "resource", "address"  # how a transfer fails before it sends anything
STATUSES = (503, 404, 201)  # of the first, the second and the third request: each is a failure
MODES: tuple[Mapping[str, Any], ...] = (
    {"Synchronous": True},
    {"Asynchronous": False},
    {"Synchronous": "x", "Asynchronous": None},
)
# What is wrong in a body, and the status that its call is answered: of fields, and of the whole.
FIELDS: tuple[tuple[int, Mapping[str, Any]], ...] = (
    *((BAD, {key: ...}) for key in GIVEN),  # without it
    (BAD, {"Resources": "x"}),
    (BAD, {"Peer": 3}),
    (BAD, {"Compression": None}),
    (BAD, {"Compression": "zip"}),
    (BAD, {"Compression": "Gzip"}),
    (BAD, {"SenderTransferID": 3}),
    (BAD, {"Originator": []}),
    (ABSENT, {"Peer": ""}),
    (ABSENT, {"Peer": "nobody"}),
)
WHOLE: tuple[Any, ...] = (b"", b"{", [], "x")
NO_INTEGERS: tuple[Any, ...] = (1.5, "7", None, True)
BUCKET = 2  # the request of a transfer by which its first bucket, or its first chunk, comes
# Each bucket has an instance, or two, and they come one after the other.
SMALL: Mapping[str, Any] = {"Transfers": {"Threads": 1, "BucketSize": 1}}  # KB
SEVERAL = 12  # instances: in that many buckets or in half as many
OF_SEVERAL: Mapping[str, Any] = {PUSH: push(range(SEVERAL)), PULL: pull(studies=SEVERAL)}


def cases(_: Profile, calls: list[Call]) -> Iterator[Case]:
    known = {call.name: call for call in calls}
    for type, name in NAMES.items():
        call = known[name]
        for case in _of_each(call):
            yield replace(case, needs=(*case.needs, *of_call(call)))
        if type == PUSH:
            for case in _of_push(call):
                yield replace(case, needs=tuple(of_call(call)))
            yield from pull_mode.cases(call)


def _of_each(call: Call) -> Iterator[Check]:
    name, failing = f"route/{call.name}", _failing(call)
    yield Check(
        f"{name}/modes", ASYNCHRONOUS, check=partial(is_asynchronous, call), leaves=len(MODES)
    )
    yield Check(  # its job has no Priority of ours: it goes with its server
        f"{name}/default-priority",
        "submit/priority-default",
        check=default_priority(call),
        needs=(EXPENDABLE,),
    )
    yield Check(f"{name}/moments", SHOWN, check=partial(shows, call))
    yield Check(
        f"{name}/fails/each", "monitor/state-failure", check=partial(fails, call),
        leaves=len(failing),
    )  # fmt: skip
    several = replace(call, make=OF_SEVERAL[call.type])
    check = partial(goes_no_further, several)
    at_once = f"{name}/race/pause/at-once"
    yield Check(at_once, ONE_MORE, check=check, config=SMALL, by_chance=True)
    yield Check(f"{name}/resubmitted", STARTS_OVER, check=partial(starts_over, call))
    yield Check(f"{name}/refused/body", REFUSED, check=partial(refuses, call), leaves=0)
    check = partial(refuses_priority, call)
    yield Check(f"{name}/refused/priority", NO_INTEGER, check=check, leaves=0)


def _of_push(call: Call) -> Iterator[Check]:
    name = f"route/{call.name}"
    yield Check(
        f"{name}/gives-up", GIVES_UP, check=partial(gives_up, call), leaves=len(REQUESTS[PUSH])
    )


# --- what a call takes -------------------------------------------------------------------------


def is_asynchronous(call: Call, context: Context) -> None:
    """Whatever a body says of its mode, the call answers while its job waits for the peer."""
    for mode in MODES:
        request = call.make(context)
        body = {**request.body, **mode, "Priority": context.resources.priority}
        under_way = context.call("POST", request.path, body)
        step_number(context, call, 1)
        reply = context.answered(under_way, ASYNCHRONOUS, "an answer while its job runs")
        made = context.driver.answers.handle(reply, ASYNCHRONOUS)
        context.other(made.id)
        context.driver.answers.path(made)
        judge.await_end(context, call.requirement, made.id)
        has_succeeded(context, call, request, made.id)


def refuses(call: Call, context: Context) -> None:
    """A body that lacks something, or has what is no such thing, or another peer: 400, or 404."""
    request = call.make(context)
    for status, changed in FIELDS:
        body = {key: value for key, value in {**request.body, **changed}.items() if value != ...}
        makes_no_job(context, request, body, REFUSED, status)
    for whole in WHOLE:
        context.equal(REFUSED, "HTTP status", BAD, context.post(request.path, whole).status)
    release(context, REFUSED)


def refuses_priority(call: Call, context: Context) -> None:
    """A Priority that is no integer is answered 400, and makes no job."""
    request = call.make(context)
    for value in NO_INTEGERS:
        body = {**request.body, "Priority": value}
        reply = context.post(request.path, body)
        context.equal(NO_INTEGER, f"HTTP status for Priority {value!r}", BAD, reply.status)
    release(context, NO_INTEGER)


def makes_no_job(context: Context, request: Request, body: Any, needed: str, status: int) -> None:
    """The call is answered this status, and no job of it is there."""
    before = set(own_jobs(context))
    reply = context.post(request.path, {"Priority": context.resources.priority, **body})
    made = [id for id in own_jobs(context) if id not in before]
    for id in made:
        context.other(id)
    context.equal(needed, "HTTP status", status, reply.status)
    context.equal(needed, "the jobs of the call are", [], made)


# --- what a job shows, and how it fails --------------------------------------------------------


def shows(call: Call, context: Context) -> None:
    """Content and Progress, while each of the requests waits, and at the end."""
    id, request = submit(context, call)
    kinds = REQUESTS[call.type]
    counted = len(kinds) - 1 - (call.type == PUSH)  # neither the first request nor a commit is
    for number in range(1, len(kinds) + 1):
        hold = step_number(context, call, number)
        context.equal(SHOWN, f"request {number}", kinds[number - 1], kind_of(hold))
        is_shown(context, id, _expected(call, request, number, counted))
        hold.reply(judge.TAKEN)
    judge.await_end(context, call.requirement, id)
    is_shown(context, id, _expected(call, request, len(kinds) + 1, counted))
    has_succeeded(context, call, request, id)


def _expected(call: Call, request: Request, number: int, counted: int) -> dict[str, Any]:
    """What is shown while a request waits; behind the last one: in Success."""
    content = {key: request.body[key] for key in GIVEN}
    done = min(number - 2, counted)
    if number > 1 or call.type == PUSH:
        content |= {"TotalInstances": request.instances, "TotalSizeMB": 0}
    if number > 1:
        content |= {"CompletedHttpQueries": done, SIZES[call.type]: 0}
    progress = 0 if number == 1 else round(100 * (1 + done) / (2 + counted))
    ended = number > len(REQUESTS[call.type])
    return {"Progress": 100 if ended else progress, **content}


def is_shown(context: Context, id: str, expected: Mapping[str, Any]) -> None:
    """Progress and Content are soon as expected; at what pace it was sent, is whatever it is."""

    def seen() -> dict[str, Any]:
        shown = context.job(id)
        content = {
            key: value for key, value in shown["Content"].items() if key != "NetworkSpeedKBs"
        }
        return {"Progress": shown["Progress"], **content}

    context.until(lambda: seen() == expected, SHOWN, str(dict(expected)), seen)


def _failing(call: Call) -> tuple[int | str, ...]:
    """By what transfers fail: one of their requests, by its number, or before the first."""
    sent = range(1, len(REQUESTS[call.type]) + 1)
    return (*sent, NOWHERE, *([NO_RESOURCE] if call.type == PUSH else []))


def fails(call: Call, context: Context) -> None:
    """Whatever goes wrong, a transfer ends in Failure, and always with the same ErrorCode."""
    for why in _failing(call):
        id, _ = submit(context, replace(call, make=partial(_wrong, call, why)))
        if isinstance(why, int):
            for number in range(1, why):
                step_number(context, call, number).reply(judge.TAKEN)
            step_number(context, call, why).reply(STATUSES[why - 1])
        has_failed(context, call, id)


def _wrong(call: Call, why: int | str, context: Context) -> Request:
    """A request whose job fails before it sends anything, where ``why`` says so."""
    request = call.make(context)
    *_, job = context.driver.prepared.values()
    if why == NO_RESOURCE:
        unknown = [{"Level": "Instance", "ID": UNKNOWN}]
        return replace(request, body={**request.body, "Resources": unknown})
    if why == NOWHERE:
        register(context, job.slot, Url=closed(context))
    return request


def has_failed(context: Context, call: Call, id: str) -> None:
    """It ends in Failure; a server that sends a request again is refused it again."""
    needed = "monitor/state-failure"
    context.until(
        lambda: judge.state(context, id, judge.REFUSED) in FINAL,
        needed,
        State.FAILURE,
        lambda: context.job(id)["State"],
    )
    shown = judge.look(context, call, id)
    judge.has_failed(context, shown, network=True)
    code = row(call.type).code
    context.equal("monitor/error-code-step", "ErrorCode", code, shown.get("ErrorCode"))


def gives_up(call: Call, context: Context) -> None:
    """The transaction of a bucket that is refused is deleted, and that of no other request."""
    for refused in range(1, len(REQUESTS[PUSH]) + 1):
        gives_up_after(call, refused, context)


def gives_up_after(call: Call, refused: int, context: Context) -> None:
    """The same of one job, of which the peer refuses the request of this number."""
    id, _ = submit(context, call)
    *_, job = context.driver.prepared.values()
    for number in range(1, refused):
        step_number(context, call, number).reply(judge.TAKEN)
    hold = step_number(context, call, refused)
    hold.reply(judge.REFUSED)
    has_failed(context, call, id)
    asked = hold.came.transfer
    expected = [asked.name] if refused == BUCKET and asked is not None else []
    context.until(
        lambda: _deleted(job) == expected,
        GIVES_UP,
        f"transactions deleted, request {refused} of which failed: {len(expected)}",
        lambda: len(_deleted(job)),
    )


def _deleted(job: Tracked) -> list[str]:
    """The names of the transactions that were deleted."""
    return [one.came.transfer.name for one in given_up(job) if one.came.transfer is not None]


# --- what is asked of a job --------------------------------------------------------------------


def goes_no_further(call: Call, context: Context) -> None:
    """A pause takes effect at the end of the bucket under way, however soon that is answered."""
    id, request = submit(context, call)
    step_number(context, call, 1).reply(judge.TAKEN)
    first = step_number(context, call, BUCKET)
    judge.ask(context, call, id, State.RUNNING, Action.PAUSE)
    first.reply(judge.TAKEN)
    rests = {State.PAUSED, *FINAL}
    context.until(
        lambda: judge.state(context, id) in rests,
        "edge/running/paused/pause",
        State.PAUSED,
        lambda: context.job(id)["State"],
    )
    state, came = context.job(id)["State"], [kind_of(hold) for hold in holds_of(context)]
    more = len(came) - BUCKET
    right = state == State.PAUSED and more <= 1
    goes_on = state == State.PAUSED and Kind.COMMIT not in came
    known = Shortfall.TRANSFER_GOES_ON if goes_on else None
    context.require(ONE_MORE, right, f"{State.PAUSED}, one more request at most",
                    f"{state}, {more} more", known)  # fmt: skip
    if state == State.PAUSED:
        judge.resume(context, call, id)
        judge.await_end(context, call.requirement, id)
    has_succeeded(context, call, request, id)


def starts_over(call: Call, context: Context) -> None:
    """A transfer that was paused, canceled and resubmitted begins with its first request again."""
    id, request = submit(context, call)
    first = step_number(context, call, 1)
    judge.ask(context, call, id, State.RUNNING, Action.PAUSE)
    is_looked_at(context, call)
    first.reply(judge.TAKEN)
    context.until(
        lambda: context.job(id)["State"] == State.PAUSED,
        "edge/running/paused/pause",
        State.PAUSED,
        lambda: context.job(id)["State"],
    )
    judge.act(context, call, id, Action.CANCEL)
    forget_steps(context)
    judge.ask(context, call, id, State.FAILURE, Action.RESUBMIT)
    begin, following, *_ = REQUESTS[call.type]
    kind = kind_of(step_number(context, call, 1))
    known = Shortfall.TRANSFER_NOT_STARTED_OVER if kind is following else None
    context.require(STARTS_OVER, kind is begin, f"its first request: {begin}", str(kind), known)
    judge.await_end(context, call.requirement, id)
    if kind is begin:
        has_succeeded(context, call, request, id)
