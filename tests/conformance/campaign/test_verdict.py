"""The verdicts on a case and on a run, from what was found: no server is asked."""

from __future__ import annotations

import pytest

from conformance.campaign.verdict import DIED, Judgement, Weighed, of_run, weigh, weigh_one
from conformance.errors import ServerDied
from conformance.events import RunVerdict, Verdict
from conformance.oracle.oracle import Finding
from spec.relaxations import NONE, Relaxation

TIES, LOST = Relaxation.TIES_UNORDERED, Relaxation.REQUEST_LOST_ON_LAST_STEP
BROKEN = Finding("monitor/state", ("Success",), "Failure", None)
TIED = Finding("queue/ties-in-order", ("A",), "B", frozenset({TIES}))
LOSES = Finding("race/pause/last-step-succeeds", ("Paused",), "Success", frozenset({LOST}))
LATE = Finding("queue/engine", ("a step",), "no step", None, missing=True)


def came_to(*findings: Finding, unjudged: str | None = None) -> Judgement:
    return Judgement(findings=findings, unjudged=unjudged)


# --- a case -------------------------------------------------------------------------------------


def test_nothing_found_is_a_pass() -> None:
    assert weigh(came_to(), NONE) == Weighed(Verdict.PASS)


def test_what_nothing_explains_is_a_deviation_whatever_is_accepted() -> None:
    assert weigh(came_to(BROKEN), {TIES, LOST}) == Weighed(Verdict.DEVIATION, BROKEN)


@pytest.mark.parametrize(
    ("accepted", "verdict"),
    [
        (NONE, Verdict.DEVIATION),
        ({TIES}, Verdict.DEVIATION),
        ({LOST}, Verdict.DEVIATION),
        ({TIES, LOST}, Verdict.ACCEPTED),
    ],
)
def test_what_relaxations_explain_is_accepted_if_all_of_them_are(
    accepted: frozenset[Relaxation], verdict: Verdict
) -> None:
    weighed = weigh(came_to(TIED, LOSES), accepted)
    assert weighed == Weighed(verdict, TIED, tuple(sorted({TIES, LOST})))


def test_the_worst_of_several_findings_is_told_and_is_not_excused_by_the_others() -> None:
    weighed = weigh(came_to(TIED, BROKEN), {TIES})
    assert weighed == Weighed(Verdict.DEVIATION, BROKEN)


def test_what_cannot_be_judged_is_unknown() -> None:
    assert weigh(came_to(unjudged="it hangs"), NONE) == Weighed(Verdict.UNKNOWN, reason="it hangs")


def test_what_cannot_be_judged_is_no_excuse_for_what_was_found_before() -> None:
    assert weigh(came_to(BROKEN, unjudged="it hangs"), NONE).verdict is Verdict.DEVIATION
    assert weigh(came_to(TIED, unjudged="it hangs"), NONE).verdict is Verdict.DEVIATION
    assert weigh(came_to(TIED, unjudged="it hangs"), {TIES}).verdict is Verdict.UNKNOWN


def test_a_server_that_ended_by_itself_deviates_whatever_else_was_found() -> None:
    died = Judgement(findings=(TIED,), died=ServerDied(139, "a trap"))
    weighed = weigh(died, {TIES})
    assert weighed.verdict is Verdict.DEVIATION
    assert weighed.finding is not None
    assert (weighed.finding.requirement, weighed.relaxations) == (DIED, ())
    assert "139" in weighed.finding.actual
    assert weighed.reason == "the end of its log: a trap"


def test_one_finding_by_itself() -> None:
    assert weigh_one(TIED, {TIES}, {TIES}) == Weighed(Verdict.ACCEPTED, TIED, (TIES,))
    assert weigh_one(TIED, {TIES}, NONE) == Weighed(Verdict.DEVIATION, TIED, (TIES,))
    assert weigh_one(BROKEN, NONE, {TIES}) == Weighed(Verdict.DEVIATION, BROKEN)


# --- what is tried again ------------------------------------------------------------------------


def test_only_what_came_to_nothing_and_left_nothing_behind_is_lost() -> None:
    assert came_to(unjudged="a break").lost
    assert not came_to().lost
    assert not came_to(TIED, unjudged="a break").lost
    assert not Judgement(unjudged="a break", dirty=True).lost
    assert not Judgement(unjudged="a break", died=ServerDied(1, "")).lost


def test_something_that_did_not_come_is_seen_among_other_findings() -> None:
    assert came_to(TIED, LATE).missing
    assert not came_to(TIED, BROKEN).missing


def test_a_case_goes_on_as_long_as_all_that_was_found_is_accepted() -> None:
    assert came_to().accepted(NONE)
    assert came_to(TIED).accepted({TIES})
    assert not came_to(TIED).accepted({LOST})
    assert not came_to(TIED, BROKEN).accepted({TIES})


# --- a run --------------------------------------------------------------------------------------

PASS, SKIP, ACCEPT = Verdict.PASS, Verdict.SKIPPED, Verdict.ACCEPTED
UNKNOWN, DEVIATION = Verdict.UNKNOWN, Verdict.DEVIATION


def run(
    *verdicts: Verdict, stale: tuple[str, ...] = (), lacks: bool = False, cut: bool = False
) -> RunVerdict:
    return of_run(verdicts, stale=stale, lacks=lacks, cut_short=cut)


def test_a_run_conforms_if_all_of_it_was_judged_and_nothing_deviates() -> None:
    assert run(PASS, SKIP, ACCEPT) is RunVerdict.CONFORMS


@pytest.mark.parametrize(
    "verdict",
    [
        run(PASS, UNKNOWN),
        run(PASS, lacks=True),
        run(PASS, cut=True),
        run(SKIP, SKIP),
        run(),
    ],
)
def test_a_run_is_unknown_where_anything_is_open(verdict: RunVerdict) -> None:
    assert verdict is RunVerdict.UNKNOWN


@pytest.mark.parametrize(
    "verdict",
    [
        run(PASS, DEVIATION),
        run(UNKNOWN, DEVIATION, lacks=True, cut=True),
        run(PASS, stale=("ties-unordered",)),
        run(PASS, UNKNOWN, stale=("ties-unordered",)),
    ],
)
def test_a_run_deviates_with_one_case_or_a_stale_entry_whatever_else_is_open(
    verdict: RunVerdict,
) -> None:
    assert verdict is RunVerdict.DEVIATES
