"""What a run has tried on jobs of each type."""

from __future__ import annotations

import pytest

from conformance.campaign.typed import UNNAMED, Field, Mark, Told, by_type, counts, was_tried
from conformance.events import Verdict
from spec.of_jobs import NOT_HELD

MOVE, GET, PAUSE = "DicomMoveScu", "DicomGetScu", "action/pause/paused"
CASE = "route/retrieve/studies/pause"
RACE = "route/retrieve/studies/race/pause/last-step-succeeds"


def told(
    id: str, verdict: Verdict, requirement: str = "x", *names: str, why: str | None = None
) -> Told:
    return Told(id, requirement, verdict, names, why)


@pytest.mark.parametrize(
    ("run", "field"),
    [
        ([told(CASE, Verdict.PASS)], Field(Mark.PASS)),
        ([told(CASE, Verdict.DEVIATION, PAUSE)], Field(Mark.DEVIATION, (UNNAMED,))),
        ([told(CASE, Verdict.DEVIATION, "monitor/id")], Field(Mark.UNKNOWN)),
        ([told(CASE, Verdict.ACCEPTED, "monitor/id", "ties-unordered")], Field(Mark.PASS)),
        ([told(CASE, Verdict.SKIPPED, why="so")], Field(Mark.NOT_REACHABLE, why=("so",))),
        ([], Field(Mark.NO_CASE)),
    ],
)
def test_a_cell(run: list[Told], field: Field) -> None:
    assert by_type(run, "1.13.0")[MOVE][PAUSE] == field


def test_a_relaxation_of_the_engine_is_one_of_the_type_of_the_case() -> None:
    lost = "request-lost-on-last-step"
    found = by_type([told(RACE, Verdict.ACCEPTED, "race/pause/last-step-succeeds", lost)], "1.13.0")
    assert found[MOVE]["race/pause/last-step-succeeds"] == Field(Mark.DEVIATION, (lost,))
    assert found[GET]["race/pause/last-step-succeeds"].mark is Mark.NO_CASE


def test_an_action_that_moves_no_job_is_told_of_its_cell_and_its_edge() -> None:
    lost = "archive-not-resubmitted"
    run = [told("route/media/study/resubmit", Verdict.DEVIATION, "route/resubmit", lost)]
    found = by_type(run, "1.13.0")["Media"]
    broken = {id for id, field in found.items() if field.mark is Mark.DEVIATION}
    assert broken == {"edge/failure/pending/resubmit", "action/resubmit/failure"}
    assert found["action/resubmit/paused"].mark is Mark.PASS


def test_of_a_case_with_several_types_those_are_meant_whose_row_has_the_name() -> None:
    lost, stays = "progress-lost-at-restart", "persist/completed-stays"
    run = [told("persist/stop/finished/others", Verdict.ACCEPTED, stays, lost)]
    found = by_type(run, "1.13.0")
    assert found[MOVE][stays] == Field(Mark.DEVIATION, (lost,))
    assert found["SplitStudy"][stays] == Field(Mark.PASS)


def test_what_is_told_of_one_type_is_kept_apart_from_what_another_lost() -> None:
    """Of several findings in one case the report names one requirement."""
    names = ("archive-not-saved", "progress-lost-at-restart")
    found = by_type(
        [told("persist/stop/types", Verdict.ACCEPTED, "persist/step", *names)], "1.13.0"
    )
    assert found[MOVE]["persist/step"] == Field(Mark.DEVIATION, names[1:])
    assert found["Archive"]["persist/paused-stays"] == Field(Mark.DEVIATION, names[:1])
    assert found["Archive"]["persist/times"].mark is Mark.PASS


def test_what_a_server_is_too_old_for_and_what_cannot_be_tried_at_all() -> None:
    found = by_type([told("persist/stop/finished/others", Verdict.PASS)], "1.10.1")
    assert found[GET]["persist/completed-stays"].mark is Mark.NOT_REACHABLE
    assert found["Archive"]["race/nothing/step-succeeds"] == Field(
        Mark.NOT_APPLICABLE, why=(NOT_HELD,)
    )
    assert not was_tried(found[GET])
    assert was_tried(found[MOVE])
    assert counts(found[MOVE])[Mark.PASS] >= 1
