"""`persist/stop/types`, `persist/stop/finished/…`: jobs of every type over a stop and a start.

Behind jobs that hold every worker there is one of each call that is Pending, and of some another
one that is Paused, before its first step or behind it. They are read before and after, and then
they have to do what was asked for before the server ended.
Of the jobs that have succeeded or failed, each must be there as it was, and those that have failed
can be resubmitted. What waits must be there after a kill as well (`persist/kill/types`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from conformance.driver.script import complete, kill, restart
from conformance.driver.script import submit as peer_store
from conformance.suites.case import QUICK_TO_STOP, Case, Check, blocker_names
from conformance.suites.route import judge
from conformance.suites.route.boundaries import is_looked_at
from conformance.suites.route.calls import Call, Request, calls
from conformance.suites.route.calls.model import ARCHIVE, MEDIA
from conformance.suites.route.calls.sending import GET
from conformance.suites.route.outcomes import hold, let_go, remove, submit
from conformance.suites.route.sending import as_permissive
from conformance.suites.route.succeeding import fails, has_succeeded
from conformance.sut.profile import Profile
from spec.relaxations import Shortfall
from spec.table import Action, State
from spec.types import row

if TYPE_CHECKING:
    from conformance.driver.context import Context
    from conformance.peer.gate import Hold

TYPES = (
    "modify/study", "modify/source-removed", "anonymize/study", "split/series",
    "split/source-kept", "merge/study", "merge/source-kept", "peer-store/instances",
    "store/instances", "retrieve/studies", "archive/study", "media/study",
)  # fmt: skip
PAUSED = (
    "modify/source-removed", "split/source-kept", "merge/source-kept", "store/instances",
    "retrieve/studies", "archive/series", "media/series",
)  # fmt: skip
OVER_A_KILL = (*TYPES, "retrieve/get")
PERMISSIVE = "store/instances"
HALF_DONE = ("peer-store/instances", "store/instances", "retrieve/studies", "retrieve/get")
FIRST = 9  # the priority of the jobs that hold the workers: they go first again
STEPS = 6  # of them: more than may end during the stop
ROOM = 100  # a JobsHistorySize that holds all of them
# As what a job is known that fails when its turn comes after a restart, by its ErrorCode.
FAILS_AFTER_RESTART = {6: Shortfall.MODIFICATION_FAILS_AFTER_RESTART}  # Bad sequence of calls
FINISHED = {
    "archives": ("archive/study", "media/study"),
    "modifications": ("modify/study", "anonymize/study"),
    # An Orthanc's Size of a store at a peer counts what earlier runs have sent: no row about it.
    "others": (
        "retrieve/studies",
        "retrieve/get",
        "split/series",
        "merge/study",
        "peer-store/repeated",
        "store/instances",
    ),
}
FAILED = {
    "finished/archives": FINISHED["archives"],
    "finished/modifications": FINISHED["modifications"],
    "failed": FINISHED["others"],
}
CANCELED = (ARCHIVE, MEDIA, GET)  # these do not fail by themselves, on every server
FORGOTTEN = Shortfall.TRANSFER_FORGOTTEN_AT_RESTART
NEW = "StorageCommitmentTransactionUID"
STAYS_THERE = "persist/completed-stays"
REQUEUED, STAYS = "persist/unfinished-requeued", "persist/paused-stays"
STEP, KILLED = "persist/step", "persist/killed"
NEWEST = "Z"  # a job
ERRORS = ("ErrorCode", "ErrorDescription", "ErrorDetails")
Job = tuple[Call, str, Request]


def cases(profile: Profile) -> Iterator[Case]:
    yield Check(
        "persist/stop/types",
        REQUEUED,
        check=over_a_restart,
        config={**QUICK_TO_STOP, "JobsHistorySize": ROOM},
        leaves=len(TYPES) + len(PAUSED) + len(HALF_DONE) + 1,
        fresh=True,
    )
    succeed = {f"finished/{name}": done for name, done in FINISHED.items()}
    yield Check(
        "persist/kill/types",
        "persist/killed",
        check=over_a_kill,
        config={**QUICK_TO_STOP, "JobsHistorySize": ROOM},
        leaves=len(OVER_A_KILL),
        fresh=True,
    )
    for name in (*succeed, "failed"):
        done, failed = succeed.get(name, ()), FAILED.get(name, ())
        yield Check(
            f"persist/stop/{name}",
            STAYS_THERE,
            check=partial(finished, done, failed),
            config={**QUICK_TO_STOP, "JobsHistorySize": ROOM},
            leaves=len(done) + len(failed),
            fresh=True,
        )


def over_a_restart(context: Context) -> None:
    """What waits is there again as it was, and does what was asked for when its turn comes."""
    known = {call.name: call for call in calls()}
    halfway = [half_done(context, call) for call in had_by(context, HALF_DONE)]
    held = blocker_names(context.profile)
    context.do(*(peer_store(name, STEPS, FIRST) for name in held))
    waiting = [(known[name], *submit(context, known[name])) for name in TYPES]
    lenient = as_permissive(known[PERMISSIVE])
    resting = [(call, *submit(context, call)) for call in (*(known[n] for n in PAUSED), lenient)]
    for call, id, _ in resting:
        judge.act(context, call, id, Action.PAUSE)
    before = {id: judge.look(context, call, id) for call, id, _ in (*waiting, *resting, *halfway)}
    context.do(restart())
    halfway = [job for job in halfway if is_kept(context, job[0], before[job[1]], STEP)]
    waiting = [job for job in waiting if is_kept(context, job[0], before[job[1]], REQUEUED)]
    resting = [job for job in resting if is_kept(context, job[0], before[job[1]], STAYS)]
    context.do(*(complete(name) for name in held))
    for job in waiting:
        ends_well(context, *job)
    *others, last = resting
    for job in (*others, *halfway):
        judge.resume(context, job[0], job[1])
        ends_well(context, *job)
    judge.resume(context, lenient, last[1])
    ends_well(context, *last, answer=judge.REFUSED)


def over_a_kill(context: Context) -> None:
    """What waits is there after `kill -9`, since a job is saved when it is made, and runs."""
    outlive_a_kill(context, had_by(context, OVER_A_KILL))


def outlive_a_kill(context: Context, made_by: Iterable[Call]) -> None:
    """The same of a job of each of these calls."""
    held = blocker_names(context.profile)
    context.do(*(peer_store(name, 1, FIRST) for name in held))
    waiting = [(call, *submit(context, call)) for call in made_by]
    before = {id: judge.look(context, call, id) for call, id, _ in waiting}
    # The next one is saved as the last one was, so that the kill waits for all of them.
    context.do(peer_store(NEWEST), kill())
    waiting = [job for job in waiting if is_kept(context, job[0], before[job[1]], KILLED)]
    context.do(*(complete(name) for name in (*held, NEWEST)))
    for job in waiting:
        ends_well(context, *job)


def had_by(context: Context, names: Iterable[str]) -> list[Call]:
    """The calls of these names that this version has."""
    known = {call.name: call for call in calls()}
    found = [known[name] for name in names]
    return [call for call in found if call.needs is None or context.binds(call.needs)]


def half_done(context: Context, call: Call) -> Job:
    """A job that is Paused behind the first of its steps."""
    id, request = submit(context, call)
    first = _step(context, call)
    judge.ask(context, call, id, State.RUNNING, Action.PAUSE)
    is_looked_at(context, call)
    first.reply(judge.TAKEN)
    context.until(
        lambda: context.job(id)["State"] == State.PAUSED,
        STEP,
        State.PAUSED,
        lambda: context.job(id)["State"],
    )
    return call, id, request


def _step(context: Context, call: Call, number: int = 1) -> Hold:
    """Wait until so many steps of the newest job have arrived; the last of them."""
    *_, job = context.driver.prepared.values()
    context.until(
        lambda: len(job.holds) >= number,
        call.requirement,
        f"step {number} of the job at the gate",
        lambda: f"{len(job.holds)} steps have arrived",
    )
    return job.holds[number - 1]


def is_as_before(
    context: Context, call: Call, before: judge.Shown, needed: str, state: State
) -> None:
    """A job that stands still is there again after a restart, and shows what it has shown."""
    if is_kept(context, call, before, needed):
        judge.is_in(context, needed, before, state)


def finished(names: tuple[str, ...], failing: tuple[str, ...], context: Context) -> None:
    """What has succeeded or failed is there again, and shows what it has shown."""
    known = had_by(context, names)
    failed = _fail(context, had_by(context, failing))
    jobs = [(call, submit(context, call)[0]) for call in known]
    jobs += [(call, id) for call, id, _ in failed]
    before = {}
    for call, id in jobs:
        judge.await_end(context, STAYS_THERE, id)
        before[id] = judge.look(context, call, id)
        state = State.FAILURE if (call, id) in jobs[len(known) :] else State.SUCCESS
        judge.is_in(context, call.requirement, before[id], state)
    context.do(restart())
    there = [(call, id) for call, id in jobs if is_kept(context, call, before[id])]
    for call, id, request in failed:
        if (call, id) in there:
            again(context, call, id, request)


def _fail(context: Context, many: Iterable[Call]) -> list[Job]:
    """A job of each that has failed at its second step, for want of its source, or by a cancel."""
    failed, held = [], hold(context, "W")
    for call in many:
        if call.sends is None or call.type in CANCELED:
            id, request = submit(context, call)
            if call.type in CANCELED:
                judge.act(context, call, id, Action.CANCEL)
            else:
                remove(context, *request.remove)
            failed.append((call, id, request))
    let_go(context, held)
    for call in many:
        if call.sends is not None and call.type not in CANCELED:
            id, request = submit(context, call)
            _step(context, call).reply(judge.TAKEN)
            _step(context, call, 2).reply(judge.REFUSED)
            failed.append((call, id, request))
    return failed


def is_kept(context: Context, call: Call, before: judge.Shown, needed: str = STAYS_THERE) -> bool:
    """A job is there after a restart, and shows what it has shown."""
    if not is_there(context, call, before, needed):
        return False
    is_the_same(context, call, before, judge.look(context, call, str(before["ID"])), needed)
    return True


def is_there(context: Context, call: Call, before: judge.Shown, needed: str) -> bool:
    """A job is there after a restart, unless it is gone in a way that has a name."""
    reply = context.get(f"/jobs/{before['ID']}")
    expected = f"the {call.type} job in {before['State']} is there after the server's next start"
    context.require(needed, reply.ok, expected, reply, _gone(call, before["State"]))
    return reply.ok


def _gone(call: Call, state: str) -> Shortfall | None:
    """The shortfall by which a job in this state is gone after a restart, if it is one."""
    names = {Shortfall.ARCHIVE_NOT_SAVED, Shortfall.GET_NOT_SAVED, Shortfall.TRANSFER_NOT_SAVED}
    names |= {Shortfall.FAILED_OVER_DICOM_NOT_SAVED} if state == State.FAILURE else set()
    return next(iter(names & row(call.type).short), None)


def is_the_same(
    context: Context, call: Call, before: judge.Shown, shown: judge.Shown, needed: str
) -> None:
    """A job shows after a restart what it has shown before it."""
    was, now = _known(context, before), _known(context, shown)
    for key in sorted(key for key in {*was, *now} if was.get(key) != now.get(key)):
        what = f"{key} of a {call.type} job in {before['State']}"
        named = _lost(call, key, was, now)
        context.deviates(needed, f"{what} {was.get(key)}", f"{key} {now.get(key)}", named)


def again(context: Context, call: Call, id: str, request: Request) -> None:
    """A job that has failed before the restart is resubmitted: it starts over."""
    for job in context.driver.prepared.values():
        job.holds.clear()
    judge.ask(context, call, id, State.FAILURE, Action.RESUBMIT)
    judge.await_end(context, STAYS_THERE, id)
    if call.sends is None and not call.archives:  # its source is gone
        judge.is_in(context, STAYS_THERE, judge.look(context, call, id), State.FAILURE)
    else:
        has_succeeded(context, replace(call, requirement=STAYS_THERE), request, id)


def _lost(call: Call, key: str, was: judge.Shown, now: judge.Shown) -> Shortfall | None:
    """The shortfall by which a server shows something else after a restart, if it is one."""
    short = row(call.type).short
    if key == "Progress":
        forgets = {FORGOTTEN} if not now[key] else set()
        return next(iter(({Shortfall.PROGRESS_LOST_AT_RESTART} | forgets) & short), None)
    if key == "Content":
        old, new = dict(was[key]), dict(now[key])
        if not new and FORGOTTEN in short:
            return FORGOTTEN
        lost = {name for name, value in old.items() if new.get(name) != value}
        if not lost <= frozenset().union(*row(call.type).content.made):
            return None  # what was asked for, or what is counted
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
    kept = {**judge.lasting(shown), "Content": content}
    return kept if context.binds("persist/error") else {**kept, **dict.fromkeys(ERRORS)}


def ends_well(
    context: Context, call: Call, id: str, request: Request, answer: int = judge.TAKEN
) -> None:
    judge.await_end(context, REQUEUED, id, answer)
    shown = judge.look(context, call, id)
    if not fails(context, call, shown, REQUEUED, FAILS_AFTER_RESTART):
        has_succeeded(context, replace(call, requirement=REQUEUED), request, id)
