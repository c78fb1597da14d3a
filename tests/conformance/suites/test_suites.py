"""The cases: their ids, their requirements, what is reachable on which server."""

from __future__ import annotations

import pytest

from conformance.driver.script import Do, Step, check
from conformance.errors import BadArgument
from conformance.suites import SUITES, select, suites
from conformance.suites.case import Case, Check, Script
from conformance.suites.needs import EXCLUSIVE, RETRY
from conformance.sut.profile import Profile
from spec.requirements import CATALOGUE
from spec.table import ACTIONS, EDGES, UNKNOWN, Asked, Ended, State, cell_id

FULL = Profile()
ORTHANC = Profile(retry=False)
POLITE = Profile(workers=None, history=None, retry=False, exclusive=False, managed=False)


def by_id(profile: Profile) -> dict[str, Case]:
    return {case.id: case for case in suites(profile)}


def steps_of(case: Case) -> tuple[Step, ...]:
    return case.steps if isinstance(case, Script) else ()


def test_ids_are_unique_and_begin_with_their_suite() -> None:
    cases = suites(FULL)
    assert len(by_id(FULL)) == len(cases)
    assert {case.suite for case in cases} == set(SUITES)


def test_every_cell_and_every_edge_has_its_case() -> None:
    found = set(by_id(FULL))
    assert {cell_id(action, state) for state in [*State, UNKNOWN] for action in ACTIONS} <= found
    assert {edge.id for edge in EDGES} <= found


def test_every_way_out_of_a_step_is_tried_with_both_orders_of_two_requests() -> None:
    found = set(by_id(FULL))
    for ended in Ended:
        assert {f"race/{a}/{ended}" for a in Asked if a is not Asked.BOTH} <= found
        assert {f"race/{a}/{ended}" for a in ("pause-cancel", "cancel-pause")} <= found


def test_every_case_names_a_requirement_of_the_catalogue() -> None:
    assert all(case.requirement in CATALOGUE for case in suites(FULL))


@pytest.mark.parametrize("profile", [FULL, ORTHANC, POLITE, Profile(workers=7)])
def test_the_same_cases_for_every_server_and_only_runnable_steps(profile: Profile) -> None:
    assert list(by_id(profile)) == list(by_id(FULL))
    for case in suites(profile):
        if case.unreachable is None:
            check(steps_of(case))


def test_all_but_three_cases_are_scripts_and_checks() -> None:
    assert all(case.steps for case in suites(FULL) if isinstance(case, Script))
    neither = [c.id for c in suites(FULL) if not isinstance(c, Script | Check)]
    assert neither == ["complete/job", "complete/two-jobs", "search/stateful"]


def test_without_retry_four_cells_and_four_edges_cannot_be_reached() -> None:
    closed = [c.id for c in suites(ORTHANC) if c.unreachable == RETRY.why]
    assert sum(i.startswith("action/") for i in closed) == 4
    assert sum(i.startswith("edge/") for i in closed) == 4


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_no_more_jobs_wait_on_a_server_of_somebodys_than_the_limit_of_the_page(
    workers: int,
) -> None:
    """LimitJobs is 10 unless a server says otherwise, and holds back who submits one more."""
    for case in suites(Profile(workers=workers, managed=False)):
        jobs = 0  # in the queue or run by a worker, at least: one of several steps goes on
        for step in steps_of(case) if case.unreachable is None else ():
            if step.do in (Do.SUBMIT, Do.RESUME, Do.RESUBMIT):
                jobs += 1
            elif step.do in (Do.SUCCEED, Do.FAIL, Do.COMPLETE, Do.PAUSE, Do.CANCEL):
                jobs -= 1
            assert jobs - workers <= 10, case.id


def test_polite_cases_use_one_job_at_a_time() -> None:
    for case in suites(POLITE):
        if case.unreachable is None:
            assert sum(step.do == "submit" for step in steps_of(case)) <= 1, case.id


def test_polite_mode_leaves_alone_what_needs_the_whole_server() -> None:
    cases = by_id(POLITE)
    assert cases["action/cancel/pending"].unreachable == EXCLUSIVE.why
    assert cases["schedule/limit"].unreachable == EXCLUSIVE.why
    assert cases["search/stateful"].unreachable == EXCLUSIVE.why
    assert cases["action/cancel/running"].unreachable is None


def test_a_prefix_selects_and_excludes() -> None:
    cases = suites(FULL)
    found = select(cases, ["action"], ["action/cancel"], ["action/cancel/retry"])
    assert [c.id for c in found] == [
        f"action/cancel/{s}" for s in ("pending", "running", "paused", "success", "failure")
    ] + ["action/cancel/unknown"]


@pytest.mark.parametrize(
    ("names", "prefixes", "excluded"),
    [(["nope"], [], []), ([], ["action/stop"], []), ([], [], ["edge/x"])],
)
def test_what_selects_nothing_is_an_error(
    names: list[str], prefixes: list[str], excluded: list[str]
) -> None:
    with pytest.raises(BadArgument, match=r"nope|action/stop|edge/x"):
        select(suites(FULL), names, prefixes, excluded)
