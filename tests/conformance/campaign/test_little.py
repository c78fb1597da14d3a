"""When a run has judged too little for a verdict, why, and what is said that can be done."""

from __future__ import annotations

import pytest

from conformance.campaign.book import Book
from conformance.campaign.little import OVER, SLOW, too_little
from conformance.driver.places import HISTORY_FULL
from conformance.events import Result, Verdict
from conformance.suites.case import Case
from conformance.suites.needs import EXCLUSIVE, MANAGED
from spec.table import Ground

CROWD = "10 of 10 completed jobs are foreign"


def case(id: str, unreachable: str | None = None) -> Case:
    return Case(id, "action/pause/paused", unreachable=unreachable)


def results(verdict: Verdict, reason: str | None, *cases: Case) -> dict[str, Result]:
    return {
        one.id: Result(one.id, one.requirement, one.stands_for.ground, verdict, reason=reason)
        for one in cases
    }


RUN = [case(f"action/{n}") for n in range(4)]
PASSED = {n: results(Verdict.PASS, None, *RUN[:n]) for n in range(5)}
FULL = results(Verdict.SKIPPED, HISTORY_FULL, *RUN)


@pytest.mark.parametrize(("judged", "enough"), [(0, False), (1, False), (2, True), (4, True)])
@pytest.mark.parametrize("named", [(), ("action",)])
def test_half_of_what_can_be_run_has_to_be_judged(
    judged: int, enough: bool, named: tuple[str, ...]
) -> None:
    told = too_little(RUN, named, {**FULL, **PASSED[judged]}, CROWD)
    assert (told is None) is enough


def test_what_the_mode_does_not_allow_is_not_counted() -> None:
    closed = [case(f"schedule/{n}", EXCLUSIVE.why) for n in range(100)]
    found = {**PASSED[4], **results(Verdict.SKIPPED, EXCLUSIVE.why, *closed)}
    assert too_little([*RUN, *closed], (), found, None) is None


@pytest.mark.parametrize(
    ("need", "cure"),
    [
        (EXCLUSIVE.why, "say --exclusive where nobody else uses the server"),
        (MANAGED.why, "let the kit start one: orthanc-jobs run orthanc"),
    ],
)
def test_a_suite_that_was_named_has_to_be_judged(need: str, cure: str) -> None:
    closed = case("schedule/ties", need)
    found = {**PASSED[4], **results(Verdict.SKIPPED, need, closed)}
    told = too_little([*RUN, closed], ("action", "schedule"), found, None)
    assert told == f"no case of schedule was judged: {need}; {cure}"


def test_each_suite_that_could_be_run_has_to_be_judged() -> None:
    other = case("edge/x")
    found = {**PASSED[4], **results(Verdict.UNKNOWN, "it broke", other)}
    assert too_little([*RUN, other], (), found, None) == "no case of edge was judged: it broke"


def test_why_a_suite_was_not_judged_is_said_of_what_could_be_run() -> None:
    closed = [case(f"edge/{n}", EXCLUSIVE.why) for n in range(9)]
    open_ = case("edge/x")
    found = {
        **PASSED[4],
        **results(Verdict.SKIPPED, EXCLUSIVE.why, *closed),
        **results(Verdict.SKIPPED, HISTORY_FULL, open_),
    }
    told = too_little([*RUN, *closed, open_], (), found, CROWD)
    assert told is not None
    assert told.startswith("no case of edge was judged: history full: 10 of 10 ")


def test_a_full_history_is_told_with_its_figures_and_its_cure() -> None:
    told = too_little(RUN, (), {**FULL, **PASSED[1]}, CROWD)
    assert told == (
        "1 of 4 cases were judged: history full: 10 of 10 completed jobs are foreign;"
        " nothing is wrong with it, but new jobs would drive some of them out: give the server"
        " a larger JobsHistorySize and say --history-size"
    )


def test_a_run_that_did_not_come_to_its_cases() -> None:
    assert too_little(RUN, (), {}, None) is not None
    assert too_little([], (), {}, None) is not None


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (f"the time limit of 3 s is over {OVER}", "give it more time, or select less"),
        (f"{SLOW}: 0.40 s for an answer", "run it again when it has less to do"),
        ("the connection broke", "run it again"),
    ],
)
def test_what_came_to_no_verdict_has_a_cure(reason: str, told: str) -> None:
    book = Book(lambda _: None, whole=False)
    one = Result("a/1", "queue/engine", Ground.DOCUMENTED, Verdict.UNKNOWN, reason=reason)
    book.enter(one, 0)
    ended = book.ended(book.verdict(cut_short=False), interrupted=False)
    assert ended.why == f"1 case came to no verdict: {reason}; {told}"
