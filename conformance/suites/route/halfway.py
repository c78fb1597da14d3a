"""`route/<call>/halfway/…`: a job that nobody can hold is paused, or canceled, while it runs.

Each of its steps takes the server a millisecond or some: so it is about a study of many instances,
and is acted upon as soon as it runs. One that has ended by then says nothing, and a larger one is
tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from conformance.errors import Unjudged
from conformance.marks import orthanc_id
from conformance.suites.case import Case, Check
from conformance.suites.needs import EXCLUSIVE
from conformance.suites.route import judge
from conformance.suites.route.calls import Call, Request, calls
from conformance.suites.route.calls.copies import anonymous, changes
from conformance.suites.route.calls.model import RESULT
from conformance.suites.route.calls.stored import instances
from conformance.suites.route.outcomes import of_call, submit
from conformance.suites.route.samples import INSTANCES, Sample, sample
from conformance.suites.route.succeeding import fails, has_output, has_succeeded
from conformance.sut.profile import Profile
from conformance.timing import TIMING
from spec.relaxations import Shortfall
from spec.table import Action, ErrorCode, State, cell_id, target
from spec.types import row

if TYPE_CHECKING:
    from conformance.driver.context import Context

NEEDED, CANCELED = "step/only-while-running", "monitor/error-code-cancelled"
SIZES = (60, 120, 240)  # instances of the study, one after the other
TIMES = 2  # as many for an archive: a file is written in less time than a copy is stored
WHOLE = 100  # per cent
HALF = 50  # so far a Progress may be from the part of the copies that it stands for
OVER = "step/resubmitted-starts-over"
# As what a job is known that fails when it is resubmitted, by its ErrorCode: Cannot store.
NOT_AGAIN = {2018: Shortfall.MODIFICATION_NOT_RESUBMITTED}


@dataclass(frozen=True)
class Kind:
    """A call about a large study. ``asked``: its path and its body, for that study.

    ``goes``: the field of Content that names the study which it makes or fills, if it does.
    ``more``: how many instances are there beside the copies; ``left``: how many it does not copy.
    """

    call: str
    asked: Callable[[Context, Sample], tuple[str, dict[str, Any]]]
    goes: str | None = None
    more: int = 0
    left: int = 0


@dataclass(frozen=True)
class Halfway:
    """A job that was stopped between its first step and its last. ``shown``: its reading then.

    ``patients``: the ids of those that it is about; they had ``before`` instances before it ran.
    """

    id: str
    request: Request
    shown: judge.Shown
    patients: frozenset[str]
    before: int


def _modify(context: Context, made: Sample) -> tuple[str, dict[str, Any]]:
    return f"{made.study}/modify", changes(context, "study")


def _anonymize(context: Context, made: Sample) -> tuple[str, dict[str, Any]]:
    return f"{made.study}/anonymize", anonymous(context)


def _split(_: Context, made: Sample) -> tuple[str, dict[str, Any]]:
    return f"{made.study}/split", {"Series": [made.series[1]], "KeepSource": True}


def _merge(context: Context, made: Sample) -> tuple[str, dict[str, Any]]:
    """The study goes to another one of its patient."""
    into = sample(context, of=made.patient_id)
    return f"{into.study}/merge", {"Resources": [made.study], "KeepSource": True}


COPIES = (
    Kind("modify/study", _modify, "ID"),
    Kind("anonymize/study", _anonymize, "ID"),
    Kind("split/source-kept", _split, "TargetStudy", left=1),
    Kind("merge/source-kept", _merge, "TargetStudy", more=INSTANCES),
)
ARCHIVES = (
    Kind("archive/study", lambda _, made: (f"{made.study}/archive", {})),
    Kind("media/study", lambda _, made: (f"{made.study}/media", {})),
)


def cases(_: Profile) -> Iterator[Case]:
    for kind in (*COPIES, *ARCHIVES):
        call, name = called(kind), kind.call.partition("/")[0]
        for word, about, check in (("paused", NEEDED, stands), ("canceled", CANCELED, is_over)):
            yield Check(
                f"route/{name}/halfway/{word}",
                about,
                check=partial(check, kind),
                needs=(EXCLUSIVE, *of_call(call)),
                by_chance=True,
            )


def called(kind: Kind) -> Call:
    return next(call for call in calls() if call.name == kind.call)


def halfway(context: Context, kind: Kind, action: Action = Action.PAUSE) -> Halfway:
    """A job of the kind that an action has stopped while it ran.

    Raises `Unjudged` where each had ended before.
    """
    times = TIMES if kind in ARCHIVES else 1
    for size in SIZES:
        patients, many = set[str](), size * times
        call = replace(called(kind), make=partial(_request, kind, many, patients))
        id, request = submit(context, call)
        shown = _stopped(context, id, action)
        context.lines.append(f"it is {shown['State']}, with Progress {shown['Progress']}")
        if shown["State"] == target(State.RUNNING, action):
            return Halfway(id, request, shown, frozenset(patients), many + kind.more)
    raise Unjudged(f"a {call.type} job of {many} instances ends before {action} is asked for")


def stands(kind: Kind, context: Context) -> None:
    """Once it is Paused nothing more is stored; when it is resumed it does all of it."""
    job = halfway(context, kind)
    known = {Shortfall.MODIFICATION_GOES_ON_WHILE_PAUSED} & row(called(kind).type).short
    stores_no_more(context, kind, job, next(iter(known), None))
    judge.resume(context, called(kind), job.id)
    does_all(context, kind, job, "step/resumed-goes-on")


def is_over(kind: Kind, context: Context) -> None:
    """Once it is canceled nothing more is stored, nothing can be got; a resubmit does all of it."""
    call = called(kind)
    job = halfway(context, kind, Action.CANCEL)
    context.equal(CANCELED, "ErrorCode", int(ErrorCode.CANCELED_JOB), job.shown["ErrorCode"])
    done = stores_no_more(context, kind, job)
    for name in row(call.type).run.outputs:
        found = context.get(f"/jobs/{job.id}/{name}").status
        context.equal("route/archive-output", f"HTTP status of its {name}", 404, found)
    if not call.archives:  # whether those can be resubmitted, their action matrix tells
        judge.ask(context, call, job.id, State.FAILURE, Action.RESUBMIT)
        does_all(context, kind, job, OVER, NOT_AGAIN, done)


def does_all(
    context: Context,
    kind: Kind,
    job: Halfway,
    needed: str,
    known: Mapping[int, Shortfall] = MappingProxyType({}),
    before: int = 0,
) -> None:
    """It succeeds, as if nothing had stopped it, or fails in a way that is ``known``.

    ``before``: the copies that a run has left which is over.
    """
    call = replace(called(kind), requirement=needed)
    judge.await_end(context, needed, job.id)
    shown = judge.look(context, call, job.id)
    if fails(context, call, shown, needed, known):
        return
    has_succeeded(context, call, job.request, job.id)
    has_output(context, call, job.request, job.id)
    if kind.goes is not None:
        found = len(instances(context, f"/studies/{shown['Content'].get(kind.goes)}"))
        right = job.request.instances + kind.more
        twice = {Shortfall.COPIES_DOUBLED} & row(call.type).short
        name = next(iter(twice), None) if right < found <= right + before else None
        what = "instances of the study that it made"
        context.require(RESULT, found == right, f"{right} {what}", f"{found} of them", name)


def stores_no_more(
    context: Context, kind: Kind, job: Halfway, known: Shortfall | None = None
) -> int:
    """What has stopped stores nothing more, and has stored no more than its Progress can mean.

    The number of its copies.
    """
    state, progress = job.shown["State"], int(job.shown["Progress"])
    many = job.request.instances
    most = job.before + many * (progress + HALF) / WHOLE
    first = last = _stored(context, job.patients)

    def stays() -> bool:
        nonlocal last
        last = _stored(context, job.patients)
        return first == last <= most

    holds = context.holds(stays, TIMING.rests)  # on a busy machine a copy may take long
    expected = f"no more copies of a {called(kind).type} job in {state} with Progress {progress}"
    told = f"{first - job.before} copies at first, then {last - job.before} of {many}"
    context.require(NEEDED, holds, expected, told, known)
    return last - job.before


def _request(kind: Kind, size: int, patients: set[str], context: Context) -> Request:
    """The call on a new study of ``size`` instances. ``patients``: gets the ids of those which
    have it or what is made of it.
    """
    made = sample(context, instances=size)
    path, body = kind.asked(context, made)
    many = size - kind.left
    patients.add(made.patient)
    if (other := body.get("Replace", {}).get("PatientID")) is not None:
        patients.add(orthanc_id(other))

    name, uids = f"{made.study}.zip", frozenset(made.uids)
    return Request(f"/studies/{path}", body, uids=uids, instances=many, filename=name)


def _stored(context: Context, patients: Iterable[str]) -> int:
    """How many instances of these patients are on the server."""
    return sum(len(instances(context, f"/patients/{id}")) for id in patients)


def _stopped(context: Context, id: str, action: Action) -> judge.Shown:
    """Act on a job as soon as it runs; its reading when it stands still, or has ended."""
    _leaves(context, id, "edge/pending/running/start", {State.PENDING})
    context.post(f"/jobs/{id}/{action}")
    return _leaves(context, id, cell_id(action, State.RUNNING), {State.PENDING, State.RUNNING})


def _leaves(context: Context, id: str, needed: str, states: set[State]) -> judge.Shown:
    """Wait until a job shows none of these states; the reading that does."""
    shown: judge.Shown = {}

    def has_left() -> bool:
        shown.update(context.job(id))
        return shown["State"] not in states

    expected = f"job {id} not {' or '.join(sorted(states))} any more"
    context.until(has_left, needed, expected, lambda: shown.get("State"))
    return shown
