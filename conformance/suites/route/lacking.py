"""`route/<call>/one-removed`, `…/fails/one-removed` and what follows: jobs that lack an instance.

An instance that a job works on may be removed while the job waits. What a job comes to then, what
it does when it was told to be permissive, or not to be, and whether it succeeds once the instance
is there again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from conformance.driver.context import Context
from conformance.driver.script import Step
from conformance.errors import Unjudged
from conformance.suites.case import Case, Check, Checking
from conformance.suites.needs import EXCLUSIVE
from conformance.suites.route import judge
from conformance.suites.route.calls import Call, Request
from conformance.suites.route.calls.archives import check_archive, uids_in
from conformance.suites.route.calls.copies import TYPE as COPIES
from conformance.suites.route.calls.stored import instances, one_instance
from conformance.suites.route.outcomes import FAILING, hold, let_go, of_call, remove, submit
from conformance.suites.route.sending import as_permissive, with_body
from conformance.suites.route.succeeding import has_succeeded
from conformance.sut.profile import Profile
from spec.table import Action, State

STUDIES = ("peer-store/study", "store/study")
ARCHIVES = ("archive/study", "media/study")
LEFT_OUT, PERMISSIVE = "route/archive-of-what-is-left", "route/permissive-gone"
STRICT = "route/permissive"
GONE, UNKNOWN_RESOURCE = "route/error-of-what-is-gone", 17
PUT_BACK, WHOLE_AGAIN = "route/put-back", "route/put-back-copy"
SENT_AGAIN = "route/put-back-sent"


def cases(_: Profile, calls: list[Call]) -> Iterator[Case]:
    for call in calls:
        for case in _cases(call):
            yield replace(case, needs=(EXCLUSIVE, *of_call(call)))


def _cases(call: Call) -> Iterator[Case]:
    name = f"route/{call.name}"
    if call.name in FAILING and judge.ignored(call.type) is None:
        yield Check(f"{name}/fails/not-permissive", STRICT, check=not_permissive(call))
    if call.name in ARCHIVES:
        yield Check(f"{name}/one-removed", LEFT_OUT, check=leaves_out(call))
    if (call.name in FAILING and call.sends is None) or call.name in STUDIES:
        failed = "monitor/state-failure"
        yield Check(f"{name}/fails/one-removed", failed, check=fails_without_one(call))
        if call.type == COPIES:
            yield Check(f"{name}/fails/error", GONE, check=fails_without_one(call))
        needed = WHOLE_AGAIN if call.type == COPIES else PUT_BACK
        needed = SENT_AGAIN if call.name in STUDIES else needed
        yield Check(f"{name}/fails/put-back", needed, check=put_back(call, needed))
        check = permissive_without_one(as_permissive(call))
        yield Check(f"{name}/permissive", PERMISSIVE, check=check)


def not_permissive(call: Call) -> Checking:
    """With Permissive false a job fails, as one does whose call says nothing of it."""

    def run(context: Context) -> None:
        held = [] if call.sends else hold(context, "X")
        id, request = submit(context, with_body(call, {"Permissive": False}))
        remove(context, *request.remove)
        let_go(context, held)
        judge.await_end(context, call.requirement, id, judge.REFUSED)
        judge.is_in(context, STRICT, judge.look(context, call, id), State.FAILURE)

    return run


def fails_without_one(call: Call) -> Checking:
    """A job that lacks one of its instances has failed, whichever it is and whatever it did."""

    def run(context: Context) -> None:
        held = hold(context, "X")
        lacking: list[tuple[str, Request]] = []
        many = 1
        while len(lacking) < many:
            id, request = submit(context, call)
            many = request.instances
            paths = sorted(one for path in request.remove for one in instances(context, path))
            remove(context, *paths[len(lacking) : len(lacking) + 1])
            lacking.append((id, request))
        let_go(context, held)
        for id, request in lacking:
            judge.await_end(context, call.requirement, id)
            if had_all(context, call, request):
                continue
            shown = judge.look(context, call, id)
            judge.has_failed(context, shown, network=False)
            if call.type == COPIES and context.binds(GONE):
                context.equal(GONE, "ErrorCode", UNKNOWN_RESOURCE, shown.get("ErrorCode"))
            if call.name in STUDIES:
                counted = shown["Content"].get("FailedInstancesCount")
                context.equal(SENT_AGAIN, "FailedInstancesCount", 1, counted)

    return run


def leaves_out(call: Call) -> Checking:
    """An archive is made of what is there when its job runs."""

    def run(context: Context) -> None:
        needed = "route/archive-of-what-is-left"
        held = hold(context, "X")
        id, request = submit(context, call)
        stored = instances(context, request.path.rpartition("/")[0])
        if not stored:
            raise Unjudged("the server has nothing of what it has stored for us")
        uid = one_instance(context, stored[0]).get("SOPInstanceUID", "")
        remove(context, stored[0])
        let_go(context, held)
        judge.await_end(context, needed, id)
        judge.is_in(context, needed, judge.look(context, call, id), State.SUCCESS)
        reply = context.get(f"/jobs/{id}/archive")
        context.require(needed, reply.ok, "HTTP 200 with the archive", reply)
        left = request.uids - {uid}
        whole = uids_in(reply.body) == request.uids
        has = request if whole else replace(request, uids=left)
        check_archive(context, has, call.type, reply.body)

    return run


def permissive_without_one(call: Call) -> Checking:
    """A permissive job goes on behind an instance that is gone, and counts it."""

    def run(context: Context) -> None:
        held = hold(context, "X")
        id, request = submit(context, call)
        remove(context, works_on(context, request.remove)[-1])
        let_go(context, held)
        judge.await_end(context, PERMISSIVE, id)
        if had_all(context, call, request):
            return
        shown = judge.look(context, call, id)
        judge.is_in(context, PERMISSIVE, shown, State.SUCCESS)
        if "FailedInstancesCount" in shown["Content"]:
            counted = shown["Content"]["FailedInstancesCount"]
            context.equal(PERMISSIVE, "FailedInstancesCount", 1, counted)
            many = shown["Content"].get("InstancesCount")
            context.equal(PERMISSIVE, "InstancesCount", request.instances, many)

    return run


def put_back(call: Call, needed: str, meanwhile: Sequence[Step] = ()) -> Checking:
    """A job that has failed for want of an instance succeeds once it is there again."""

    def run(context: Context) -> None:
        held = hold(context, "X")
        id, request = submit(context, call)
        gone = works_on(context, request.remove)[-1]
        file = context.resources.client.get(f"{gone}/file").body
        remove(context, gone)
        let_go(context, held)
        judge.await_end(context, call.requirement, id)
        if had_all(context, call, request):
            return
        judge.has_failed(context, judge.look(context, call, id), network=False)
        context.do(*meanwhile)
        reply = context.resources.client.post("/instances", file)
        if not reply.ok:
            raise Unjudged(f"the server does not take an instance back: {reply}")
        context.lines.append(f"store {gone} again")
        judge.ask(context, call, id, State.FAILURE, Action.RESUBMIT)
        judge.await_end(context, needed, id)
        shown = judge.look(context, call, id)
        judge.is_in(context, needed, shown, State.SUCCESS)
        if needed != PUT_BACK:
            has_succeeded(context, replace(call, requirement=needed), request, id)

    return run


def had_all(context: Context, call: Call, request: Request) -> bool:
    """Whether a job has sent what was removed as well: a 1.13.0 may have it in its cache."""
    path = request.path.removesuffix("/store")
    jobs = [job for job in context.driver.prepared.values() if job.slot.path == path]
    return call.name in STUDIES and all(len(job.holds) >= request.instances for job in jobs)


def works_on(context: Context, paths: tuple[str, ...]) -> list[str]:
    """The paths of the instances below these, in order. Raises `Unjudged` where there is none."""
    found = sorted(one for path in paths for one in instances(context, path))
    if not found:
        raise Unjudged("the server has nothing of what it has stored for us")
    return found
