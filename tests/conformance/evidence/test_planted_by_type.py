"""Faults of each type in turn: of its Progress, its Content, its outputs, what a restart leaves of
it, what a resubmit does to it, how it fails, and when a call that waits for it is answered. Each is
found by the cases of that type.
"""

from __future__ import annotations

import pytest

from conformance.reference.faults import FAULTS, by_type
from conformance.suites import suites
from conformance.suites.by_type import types_of
from conformance.sut.profile import Profile
from spec.of_jobs import TYPES
from spec.relaxations import Shortfall
from spec.types import CALLS, row
from tests.conformance.kit import Run, run_planted

AT_ONCE = 2
DEADLINE = "1"  # seconds: what does not come is waited for four times as long
# Of each kind of task: the call whose cases show a fault of it.
CALL = {
    "Archive": "archive/study",
    "Medium": "media/study",
    "Modification": "modify/study",
    "Split": "split/series",
    "Merge": "merge/study",
    "PeerStore": "peer-store/instances",
    "Store": "store/instances",
    "Retrieval": "retrieve/studies",
    "Push": "transfers/push",
    "Pull": "transfers/pull",
}
KNOWN = {case.id: case for case in suites(Profile())}
NOTHING = {"PeerStore": "peer-store/nothing", "Store": "store/nothing"}  # before the matrix
FINISHED = {
    "Archive": "finished/archives",
    "Medium": "finished/archives",
    "Modification": "finished/modifications",
    "Push": "transfers",
    "Pull": "transfers",
}
RESUBMIT = {"PeerStore": "race", "Store": "route/modality-store/race"}


def case(name: str, noun: str) -> str:
    """The case that has to show a fault of a kind of task."""
    return {
        "ProgressOf{}Ends99": f"route/{CALL[noun]}/asynchronous",
        "ContentOf{}GetsLost": f"route/{CALL[noun]}/asynchronous",
        "OutputOf{}IsWrong": f"route/{CALL[noun]}/asynchronous",
        "Finished{}LostOnRestart": f"persist/stop/{FINISHED.get(noun, 'finished/others')}",
        "Resubmitted{}DoesNothing": (
            f"{RESUBMIT[noun]}/cancel/step-succeeds"
            if noun in RESUBMIT
            else f"route/{CALL[noun]}/resubmit"
        ),
        "Failed{}HasNoCode": f"route/{NOTHING.get(noun, CALL[noun])}/cancel",
        "CallFor{}EndsWithPause": f"route/{CALL[noun]}/waits/paused",
    }[name]


# What only one type can do wrong, and was found by nothing before it was planted.
ALONE = {
    "retrieval-in-reverse": "route/retrieve/studies/asynchronous",
    "permissive-store-counts-refused": "route/store/instances/permissive",
    "canceled-archive-has-output": "route/archive/study/pause",
    "paused-modification-goes-on": "route/modify/halfway/paused",
    "paused-merge-goes-on": "route/merge/halfway/paused",
    "half-done-modification-ends": "persist/stop/halfway",
    "half-done-split-ends": "persist/stop/halfway",
    "resubmit-lost-on-restart": "persist/kill/resubmitted",
    "resubmitted-split-copies-twice": "route/split/halfway/canceled",
}
PLANTED_BY_TYPE = [
    (name, noun)
    for name in by_type.FAULTS
    for noun, kind in by_type.KINDS.items()
    if "CallFor" not in name or row(kind.type).waited
]
PLANTED = ALONE | {
    next(
        fault
        for fault, one in FAULTS.items()
        if vars(by_type)[name.format(noun)] in (one.parts.registry, one.parts.engine)
    ): case(name, noun)
    for name, noun in PLANTED_BY_TYPE
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    named = [(fault, fault, case) for fault, case in PLANTED.items()]
    return run_planted(tmp_path_factory, named, AT_ONCE, "--deadline", DEADLINE)


def test_each_type_that_the_reference_server_makes_has_each_fault() -> None:
    """A new kind of task is a row of `KINDS`, and has all of them."""
    kinds = {kind.type for kind in by_type.KINDS.values()}
    late = {type for type, calls in CALLS.items() if all(call.since for call in calls)}
    assert kinds == set(TYPES) - late
    never_waited = sum(not row(kind).waited for kind in kinds)
    assert len(PLANTED) == len(by_type.FAULTS) * len(kinds) - never_waited + len(ALONE)


def test_a_fault_is_shown_by_a_case_of_its_type() -> None:
    for name, noun in PLANTED_BY_TYPE:
        assert by_type.KINDS[noun].type in types_of(KNOWN[case(name, noun)])


@pytest.mark.faults
@pytest.mark.parametrize("fault", PLANTED)
def test_a_fault_of_a_type_is_found(fault: str, runs: dict[str, Run]) -> None:
    run = runs[fault]
    assert run.status == 1, run.out + run.err
    found = run.cases("deviation")
    assert PLANTED[fault] in found, run.out + run.err
    short = {str(name) for type in types_of(KNOWN[PLANTED[fault]]) for name in row(type).short}
    short.add(str(Shortfall.RESUBMIT_LOST_AT_RESTART))  # which is of the engine, and of every type
    assert set(found[PLANTED[fault]]["relaxations"]) <= short  # it looks like one of a release
