"""The table of what is said of every job, and of which types it cannot be tried."""

from __future__ import annotations

import pytest

from spec import of_jobs
from spec.of_jobs import NEVER_FAILS, NO_CALL, NO_MODE, NO_OUTPUT, NOT_HELD, SAID, TYPES, why_not
from spec.requirements import CATALOGUE
from spec.table import ACTIONS, EDGES, Asked, Ended, State, boundary_id, cell_id
from spec.types import OTHER, ROWS


def test_each_entry_is_a_requirement_and_stands_in_the_order_of_the_catalogue() -> None:
    assert list(SAID) == [id for id in CATALOGUE if id in SAID]
    assert len(SAID) == len(of_jobs._SAID)


def test_all_that_the_table_of_states_says_is_said_of_every_job() -> None:
    assert {edge.id for edge in EDGES} <= set(SAID)
    assert {cell_id(action, state) for action in ACTIONS for state in State} <= set(SAID)
    assert {boundary_id(asked, ended) for asked in Asked for ended in Ended} <= set(SAID)


def test_every_field_of_a_job_is_asked_of_every_type_that_a_server_makes() -> None:
    fields = {id for id in SAID if id.startswith("monitor/")} - {
        "monitor/progress-rounded", "monitor/error-code-step", "monitor/state-running"
    }  # fmt: skip
    plain = [type for type in TYPES if why_not(type, "monitor/id") is None]
    assert len(plain) == 13
    assert all(why_not(type, id) is None for type in plain for id in fields)


@pytest.mark.parametrize(("type", "requirement", "why"), [
    ("Archive", "race/pause/step-succeeds", NOT_HELD),
    ("Archive", "edge/running/failure/fail", NEVER_FAILS),
    ("DicomMoveScu", "race/pause/step-fails", None),
    ("MergeStudy", "race/pause/step-fails", NOT_HELD),
    ("MergeStudy", "route/archive-output", NO_OUTPUT),
    ("Media", "route/archive-output", None),
    ("StorageCommitmentScp", "submit/synchronous-waits", NO_CALL),
    ("StorageCommitmentScp", "persist/paused-stays", None),
    ("PushTransfer", "monitor/id", None),
    ("PullTransfer", "race/pause/step-fails", None),
    ("PushTransfer", "submit/synchronous-waits", NO_MODE),
    ("StorageCommitmentScp", "submit/user-data", NO_CALL),
])  # fmt: skip
def test_why_something_cannot_be_tried(type: str, requirement: str, why: str | None) -> None:
    assert why_not(type, requirement) == why


def test_a_type_of_which_nothing_is_known_is_not_asked() -> None:
    assert set(TYPES) == set(ROWS) - {OTHER}
