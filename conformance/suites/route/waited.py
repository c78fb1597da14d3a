"""`route/<call>/waits/…`: what is done to a job for which a synchronous call waits.

A call waits until its job has ended: while the job is paused the call stays open, and when it is
canceled the call says so.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from conformance.errors import AnswerTooLarge, NotAnswered, ServerStopped, TimeOver, Trouble
from conformance.suites.case import Case, Check, Checking
from conformance.suites.needs import EXCLUSIVE, MANAGED, room_for
from conformance.suites.route import judge
from conformance.suites.route.calls import Call, Request
from conformance.suites.route.calls.archives import NO_ZIP
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
from conformance.suites.route.samples import large_sample
from conformance.suites.route.succeeding import gives_the_result
from conformance.sut.profile import Profile
from conformance.timing import TIMING
from spec.relaxations import Shortfall
from spec.table import Action, ErrorCode
from spec.types import row

if TYPE_CHECKING:
    from conformance.driver.context import Context
    from conformance.driver.requiring import Call as Open

# What says nothing of how the server has ended a call.
UNTOLD = (AnswerTooLarge, NotAnswered, ServerStopped, TimeOver, Trouble)
LARGE = 48 * 2**20  # bytes: to compress them takes longer than what a server waits for the next
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

    yield Check("route/archive/large", WAITS, check=large, needs=(MANAGED,))


def large(context: Context) -> None:
    """An archive that takes a moment, in which nothing of it comes, is whole all the same."""
    made = large_sample(context, LARGE)
    under_way = context.call("POST", f"/studies/{made.study}/archive", {})
    ends(context, under_way, WAITS)
    if (told := _cut_off(context, under_way)) is not None:
        context.deviates(WAITS, "an answer that is whole", told)
        return
    reply = context.answered(under_way, WAITS, "the archive")
    context.require(WAITS, reply.ok, "HTTP 200 with the archive", reply)
    try:
        with zipfile.ZipFile(io.BytesIO(reply.body)) as archive:
            found: object = [one.file_size for one in archive.infolist() if not archive.testzip()]
    except NO_ZIP as error:
        found = f"{len(reply.body)} bytes: {error}"
    context.equal(WAITS, "sizes of the files in the archive", [LARGE], found)


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
    """Whether a server that is there has ended a call for an archive with nothing in its answer.

    A proxy before it may make a whole answer of that.
    """
    short = {Shortfall.ARCHIVE_ANSWERED_EARLY} & row(call.type).short
    told = _cut_off(context, under_way) if short else None
    if told is None:
        return False
    context.deviates(needed, expected, told, next(iter(short)))
    return True


def _cut_off(context: Context, under_way: Open) -> str | None:
    """How a server that is there has ended a call before its answer was whole, if it has."""
    if (reply := under_way.reply) is not None and reply.ok and not reply.body:
        return f"{reply} with nothing in it"
    if under_way.error is None or isinstance(under_way.error, UNTOLD):
        return None
    context.driver.check()
    return str(under_way.error)
