"""The matrix type by requirement: no cell is a hole, and what is in one is a case of that type."""

from __future__ import annotations

import re
from dataclasses import replace

from conformance.suites import suites
from conformance.suites.by_type import KINDS, cells, holes, types_of
from conformance.suites.case import Check
from conformance.sut.profile import Profile
from spec.of_jobs import SAID, TYPES, why_not

CASES = suites(Profile())
CELLS = cells(CASES)


def test_what_can_be_tried_on_a_type_is_tried() -> None:
    """A new type, and a new requirement on jobs, has cases, or `spec.of_jobs` says why not."""
    assert holes(CASES) == []


def test_a_cell_without_its_cases_is_a_hole() -> None:
    left = [case for case in CASES if not case.id.startswith("route/merge/")]
    assert ("MergeStudy", "action/pause/paused") in holes(left)
    assert ("SplitStudy", "action/pause/paused") not in holes(left)


def test_what_cannot_be_tried_has_no_case() -> None:
    assert all(why_not(*cell) is None for cell in CELLS)
    assert set(CELLS) <= {(type, id) for type in TYPES for id in SAID}


def test_cases_are_told_apart_by_the_type_of_their_jobs() -> None:
    known = {case.id: types_of(case) for case in CASES}
    assert known["action/pause/running"] == ("OrthancPeerStore",)
    assert known["route/modality-store/action/pause/running"] == ("DicomModalityStore",)
    assert known["route/retrieve/get/pause"] == ("DicomGetScu",)
    assert known["route/retrieve/refused/priority"] == ("DicomMoveScu",)
    assert known["route/storage-commitment/each/pause"] == ("StorageCommitmentScp",)
    assert known["persist/stop/finished/archives"] == ("Archive", "Media")
    assert "SplitStudy" in known["persist/stop/failed"]


def test_an_action_is_tried_in_the_states_in_which_a_job_of_the_type_can_be_held() -> None:
    assert "route/split/series/resume" in CELLS["SplitStudy", "action/resume/paused"]
    assert ("SplitStudy", "action/resume/running") not in CELLS
    races = CELLS["DicomMoveScu", "race/both/step-fails"]
    assert races == tuple(
        f"route/retrieve/studies/race/{both}/step-fails"
        for both in ("pause-cancel", "cancel-pause")
    )


def test_each_kind_of_case_is_there() -> None:
    """A pattern that fits no case would say that something is tried which is not."""
    for pattern in KINDS:
        assert cells([case for case in CASES if _fits(case.id, pattern)]), pattern


def _fits(id: str, pattern: str) -> bool:
    return re.search(pattern + r"\Z", id) is not None


def test_a_case_of_no_type_is_in_no_cell() -> None:
    alone = replace(next(case for case in CASES if isinstance(case, Check)), id="route/delete/x")
    assert types_of(alone) == ()
