"""`persist/stop/types`, `persist/stop/finished/…`: jobs of every type over a stop and a start.

Behind jobs that hold every worker there is one of each call that is Pending, and of some another
one that is Paused. They are read before and after, and then they have to do what was asked for
before the server ended.
Archives are left out: no measured Orthanc can save one (`docs/findings.md`). Of the jobs that have
succeeded, each must be there as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from conformance.driver.script import complete, restart
from conformance.driver.script import submit as peer_store
from conformance.suites.case import QUICK_TO_STOP, Case, Check, blocker_names
from conformance.suites.route import judge
from conformance.suites.route.calls import Call, Request, calls
from conformance.suites.route.calls.copies import TYPE as MODIFICATION
from conformance.suites.route.outcomes import has_succeeded, submit
from conformance.suites.route.sending import as_permissive
from conformance.sut.profile import Profile
from spec.relaxations import Shortfall
from spec.table import Action, State
from spec.types import row

if TYPE_CHECKING:
    from conformance.driver.context import Context

TYPES = (
    "modify/study", "modify/source-removed", "anonymize/study", "split/series",
    "split/source-kept", "merge/study", "merge/source-kept", "peer-store/instances",
    "store/instances", "retrieve/studies",
)  # fmt: skip
PAUSED = ("modify/source-removed", "split/source-kept", "store/instances", "retrieve/studies")
PERMISSIVE = "store/instances"
FIRST = 9  # the priority of the jobs that hold the workers: they go first again
STEPS = 6  # of them: more than may end during the stop
ROOM = 100  # a JobsHistorySize that holds all of them
BAD_SEQUENCE_OF_CALLS = 6  # an ErrorCode
FINISHED = {
    "archives": ("archive/study", "media/study"),
    "modifications": ("modify/study", "anonymize/study"),
    "others": ("retrieve/studies", "split/series", "merge/study", "store/instances"),
}
NEW = "StorageCommitmentTransactionUID"
STAYS_THERE = "persist/completed-stays"
REQUEUED, STAYS = "persist/unfinished-requeued", "persist/paused-stays"


def cases(profile: Profile) -> Iterator[Case]:
    yield Check(
        "persist/stop/types",
        REQUEUED,
        check=over_a_restart,
        config={**QUICK_TO_STOP, "JobsHistorySize": ROOM},
        leaves=len(TYPES) + len(PAUSED) + 1,
        fresh=True,
    )
    for name, done in FINISHED.items():
        yield Check(
            f"persist/stop/finished/{name}",
            STAYS_THERE,
            check=partial(finished, done),
            config={**QUICK_TO_STOP, "JobsHistorySize": ROOM},
            leaves=len(done),
            fresh=True,
        )


def over_a_restart(context: Context) -> None:
    """What waits is there again as it was, and does what was asked for when its turn comes."""
    known = {call.name: call for call in calls()}
    held = blocker_names(context.profile)
    context.do(*(peer_store(name, STEPS, FIRST) for name in held))
    waiting = [(call, *submit(context, call)) for call in (known[name] for name in TYPES)]
    lenient = as_permissive(known[PERMISSIVE])
    resting = [(call, *submit(context, call)) for call in (*(known[n] for n in PAUSED), lenient)]
    for call, id, _ in resting:
        judge.act(context, call, id, Action.PAUSE)
    before = {id: judge.look(context, call, id) for call, id, _ in (*waiting, *resting)}
    context.do(restart())
    for jobs, needed, state in ((waiting, REQUEUED, State.PENDING), (resting, STAYS, State.PAUSED)):
        for call, id, _ in jobs:
            is_as_before(context, call, before[id], needed, state)
    context.do(*(complete(name) for name in held))
    for job in waiting:
        ends_well(context, *job)
    *others, last = resting
    for job in others:
        judge.resume(context, job[0], job[1])
        ends_well(context, *job)
    judge.resume(context, lenient, last[1])
    ends_well(context, *last, answer=judge.REFUSED)


def is_as_before(
    context: Context, call: Call, before: judge.Shown, needed: str, state: State
) -> None:
    """A job that stands still is there again after a restart, and shows what it has shown."""
    id = str(before["ID"])
    _is_there(context, needed, call, id)
    shown = judge.look(context, call, id)
    judge.is_in(context, needed, shown, state)
    now = _known(context, shown)
    for key, value in _known(context, before).items():
        context.equal(needed, f"{key} of a {call.type} job", value, now.get(key))


def finished(names: tuple[str, ...], context: Context) -> None:
    """What has succeeded is there again, and shows what it has shown."""
    known = {call.name: call for call in calls()}
    jobs = [(known[name], submit(context, known[name])[0]) for name in names]
    before = {}
    for call, id in jobs:
        judge.await_end(context, STAYS_THERE, id)
        before[id] = judge.look(context, call, id)
        judge.is_in(context, call.requirement, before[id], State.SUCCESS)
    context.do(restart())
    for call, id in jobs:
        reply = context.get(f"/jobs/{id}")
        if not reply.ok:
            expected = f"the {call.type} job is there after a restart"
            gone = Shortfall.ARCHIVE_NOT_SAVED if call.archives else None
            context.deviates(STAYS_THERE, expected, str(reply), gone)
            continue
        was, shown = _known(context, before[id]), _known(context, judge.look(context, call, id))
        changed = {key for key in {*was, *shown} if was.get(key) != shown.get(key)}
        for key in sorted(changed):
            named = _lost(call, key)
            what = f"{key} of a {call.type} job in {State.SUCCESS}"
            context.deviates(
                STAYS_THERE, f"{what} {was.get(key)}", f"{key} {shown.get(key)}", named
            )


def _lost(call: Call, key: str) -> Shortfall | None:
    """The shortfall by which a server shows something else after a restart, if it is one."""
    short = row(call.type).short
    if key == "Progress":
        return next(iter({Shortfall.PROGRESS_LOST_AT_RESTART} & short), None)
    if key == "Content":
        return next(iter({Shortfall.MODIFICATION_RESULT_LOST} & short), None)
    return None


def _known(context: Context, shown: judge.Shown) -> judge.Shown:
    """What a job is known by. The Description in its Content is nobody's promise: Orthancs from
    1.12.7 on lose that of a modification. A storage commitment has a new transaction.
    """
    found = shown.get("Content")
    if not isinstance(found, dict):
        context.deviates("monitor/content", "Content as a JSON object", str(found))
        return judge.lasting(shown)
    content = {key: value for key, value in found.items() if key not in ("Description", NEW)}
    return {**judge.lasting(shown), "Content": content}


def _is_there(context: Context, needed: str, call: Call, id: str) -> None:
    reply = context.resources.client.get(f"/jobs/{id}")
    context.require(needed, reply.ok, f"the {call.type} job is there after a restart", reply)


def ends_well(
    context: Context, call: Call, id: str, request: Request, answer: int = judge.TAKEN
) -> None:
    judge.await_end(context, REQUEUED, id, answer)
    shown = judge.look(context, call, id)
    if call.type == MODIFICATION and shown["ErrorCode"] == BAD_SEQUENCE_OF_CALLS:
        known = Shortfall.MODIFICATION_FAILS_AFTER_RESTART
        words = f"{shown['State']}, ErrorCode {BAD_SEQUENCE_OF_CALLS}"
        context.deviates(REQUEUED, f"a {call.type} job in {State.SUCCESS}", words, known)
        return
    has_succeeded(context, replace(call, requirement=REQUEUED), request, id)
