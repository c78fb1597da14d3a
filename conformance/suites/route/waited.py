"""`route/<call>/waits/…`: what is done to a job for which a synchronous call waits.

A call waits until its job has ended: while the job is paused the call stays open, and when it is
canceled the call says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from conformance.errors import NotAnswered, ServerStopped, TimeOver, Trouble
from conformance.suites.case import Case, Check, Checking
from conformance.suites.needs import EXCLUSIVE, room_for
from conformance.suites.route import judge
from conformance.suites.route.calls import Call, Request
from conformance.suites.route.outcomes import (
    DEFAULT,
    appears,
    ends,
    hold,
    let_go,
    of_call,
    own_jobs,
    says_why,
)
from conformance.suites.route.succeeding import gives_the_result
from conformance.sut.profile import Profile
from conformance.timing import TIMING
from spec.relaxations import Shortfall
from spec.table import Action, ErrorCode
from spec.types import row

if TYPE_CHECKING:
    from conformance.driver.context import Context
    from conformance.driver.requiring import Call as Open

WAITS, FAILS = "submit/synchronous-waits", "submit/synchronous-failure"

Act = Callable[["Context", Call, Request, "Open", str, list[str]], None]


def cases(_: Profile, calls: list[Call]) -> Iterator[Case]:
    for call in calls:
        if call.name in DEFAULT:
            needs = (EXCLUSIVE, room_for(1), *of_call(call))
            for name, needed, act in (("canceled", FAILS, canceled), ("paused", WAITS, paused)):
                check = _waited(call, act)
                # When an Orthanc looks after the job of such a call, is a matter of chance.
                yield Check(
                    f"route/{call.name}/waits/{name}",
                    needed,
                    check=check,
                    needs=needs,
                    by_chance=call.archives,
                )


def _waited(call: Call, act: Act) -> Checking:
    def run(context: Context) -> None:
        request = call.make(context)
        before, held = set(own_jobs(context)), hold(context, "X")
        body = {**request.body, "Synchronous": True, "Priority": context.resources.priority}
        under_way = context.call("POST", request.path, body)
        act(context, call, request, under_way, appears(context, call, before), held)

    run.__doc__ = act.__doc__
    return run


def canceled(
    context: Context, call: Call, _: Request, under_way: Open, id: str, held: list[str]
) -> None:
    """The call whose job is canceled while it waits is answered an HTTP error, and says why."""
    judge.act(context, call, id, Action.CANCEL)
    code = int(ErrorCode.CANCELED_JOB)
    expected = f"an HTTP error with OrthancStatus {code}"
    context.until(under_way.ended, FAILS, expected, lambda: "no answer")
    if not _is_cut_off(context, call, under_way, FAILS, expected):
        says_why(context, FAILS, under_way.answer(), code)
    let_go(context, held)


def paused(
    context: Context, call: Call, request: Request, under_way: Open, id: str, held: list[str]
) -> None:
    """The call whose job is paused stays open, and gives the result when it was resumed."""
    judge.act(context, call, id, Action.PAUSE)
    expected = "no answer while the job is Paused"
    stays = context.holds(lambda: not under_way.ended(), TIMING.call_waits)
    judge.act(context, call, id, Action.RESUME)
    let_go(context, held)
    ends(context, under_way, WAITS)
    if _is_cut_off(context, call, under_way, WAITS, expected):  # the job has nobody to write to
        judge.await_end(context, call.requirement, id)
        return
    reply = context.answered(under_way, WAITS, "an answer")
    context.require(WAITS, stays, expected, reply)
    context.require(WAITS, reply.ok, "HTTP 200 with the result", reply)
    gives_the_result(context, call, request, reply, WAITS)


def _is_cut_off(context: Context, call: Call, under_way: Open, needed: str, expected: str) -> bool:
    """Whether a server that is there has ended a call for an archive with nothing in its answer."""
    short = {Shortfall.ARCHIVE_ANSWERED_EARLY} & row(call.type).short
    untold = isinstance(under_way.error, NotAnswered | Trouble | TimeOver | ServerStopped)
    if under_way.error is None or untold or not short:
        return False
    context.driver.check()
    context.deviates(needed, expected, str(under_way.error), next(iter(short)))
    return True
