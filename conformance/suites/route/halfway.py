"""`route/<call>/halfway`: a job that nobody can hold is paused while it runs.

Each of its steps takes the server some milliseconds: so it is about a study of many instances, and
is asked to pause as soon as it runs. One that has ended by then says nothing, and a larger one is
tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from conformance.errors import Unjudged
from conformance.suites.case import Case, Check
from conformance.suites.needs import EXCLUSIVE
from conformance.suites.route import judge
from conformance.suites.route.calls import Call, Request, calls
from conformance.suites.route.calls.copies import anonymous, changes
from conformance.suites.route.calls.model import RESULT, Result
from conformance.suites.route.calls.stored import instances
from conformance.suites.route.outcomes import of_call, submit
from conformance.suites.route.samples import INSTANCES, Sample, orthanc_id, sample
from conformance.suites.route.succeeding import has_succeeded
from conformance.sut.profile import Profile
from spec.relaxations import Shortfall
from spec.table import Action, State
from spec.types import row

if TYPE_CHECKING:
    from conformance.driver.context import Context

NEEDED = "step/only-while-running"
SIZES = (60, 120, 240)  # instances of the study, one after the other
WHOLE, HALF = (
    100,
    50,
)  # per cent. So far a Progress may be from the part of the copies that it means


@dataclass(frozen=True)
class Kind:
    """A call that copies a large study. ``asked``: its path and its body, for that study.

    ``goes``: the field of Content that names the study which it makes or fills.
    ``more``: how many instances are there beside the copies; ``left``: how many it does not copy.
    """

    call: str
    asked: Callable[[Context, Sample], tuple[str, dict[str, Any]]]
    goes: str
    more: int = 0
    left: int = 0


@dataclass(frozen=True)
class Halfway:
    """A job that stands still between its first step and its last. ``shown``: its reading then.

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


KINDS = (
    Kind("modify/study", _modify, "ID"),
    Kind("anonymize/study", _anonymize, "ID"),
    Kind("split/source-kept", _split, "TargetStudy", left=1),
    Kind("merge/source-kept", _merge, "TargetStudy", more=INSTANCES),
)


def cases(_: Profile) -> Iterator[Case]:
    for kind in KINDS:
        call, name = called(kind), kind.call.partition("/")[0]
        needs = (EXCLUSIVE, *of_call(call))
        check = partial(stands_still, kind)
        yield Check(f"route/{name}/halfway", NEEDED, check=check, needs=needs, by_chance=True)


def called(kind: Kind) -> Call:
    return next(call for call in calls() if call.name == kind.call)


def halfway(context: Context, kind: Kind) -> Halfway:
    """A job of the kind that was paused while it ran. Raises `Unjudged` where each had ended."""
    for size in SIZES:
        patients = set[str]()
        call = replace(called(kind), make=partial(_request, kind, size, patients))
        id, request = submit(context, call)
        shown = _paused(context, id)
        context.lines.append(f"it is {shown['State']}, with Progress {shown['Progress']}")
        if shown["State"] == State.PAUSED:
            return Halfway(id, request, shown, frozenset(patients), size + kind.more)
    raise Unjudged(f"a {call.type} job of {size} instances ends before it can be paused")


def stands_still(kind: Kind, context: Context) -> None:
    """Once it is Paused nothing more is stored; when it is resumed it does all of it."""
    call = called(kind)
    job = halfway(context, kind)
    pauses(context, call, job)
    judge.resume(context, call, job.id)
    judge.await_end(context, call.requirement, job.id)
    has_succeeded(context, call, job.request, job.id)


def pauses(context: Context, call: Call, job: Halfway) -> None:
    """A Paused job stores nothing more, and has stored no more than its Progress can mean."""
    progress, many = int(job.shown["Progress"]), job.request.instances
    most = job.before + many * (progress + HALF) / WHOLE
    first = last = _stored(context, job.patients)

    def stands() -> bool:
        nonlocal last
        last = _stored(context, job.patients)
        return first == last <= most

    known = next(iter({Shortfall.MODIFICATION_GOES_ON_WHILE_PAUSED} & row(call.type).short), None)
    expected = f"no more copies of a {call.type} job that is Paused with Progress {progress}"
    holds = context.holds(stands)
    told = f"{first - job.before} copies at first, then {last - job.before} of {many}"
    context.require(NEEDED, holds, expected, told, known)


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

    def verify(context: Context, content: Result) -> None:
        found = len(instances(context, f"/studies/{content.get(kind.goes)}"))
        context.equal(RESULT, "instances of the study that it made", many + kind.more, found)

    return Request(f"/studies/{path}", body, verify, instances=many)


def _stored(context: Context, patients: Iterable[str]) -> int:
    """How many instances of these patients are on the server."""
    return sum(len(instances(context, f"/patients/{id}")) for id in patients)


def _paused(context: Context, id: str) -> judge.Shown:
    """Ask a job to pause as soon as it runs; its reading when it stands still, or has ended."""
    _leaves(context, id, "edge/pending/running/start", {State.PENDING})
    context.post(f"/jobs/{id}/{Action.PAUSE}")
    return _leaves(context, id, "edge/running/paused/pause", {State.PENDING, State.RUNNING})


def _leaves(context: Context, id: str, needed: str, states: set[State]) -> judge.Shown:
    """Wait until a job shows none of these states; the reading that does."""
    shown: judge.Shown = {}

    def has_left() -> bool:
        shown.update(context.job(id))
        return shown["State"] not in states

    expected = f"job {id} not {' or '.join(sorted(states))} any more"
    context.until(has_left, needed, expected, lambda: shown.get("State"))
    return shown
