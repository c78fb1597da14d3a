"""Shorter runs: nothing that matters is left out, and everything else is."""

from __future__ import annotations

from conformance.driver.script import Do, act, fail, read, submit, succeed
from conformance.search.shrinking import Steps, shorter
from spec.table import Action

LONG = (
    submit("A", 4, 2),
    submit("B", 1),
    read("B"),
    succeed("A"),
    succeed("B"),
    act(Action.PAUSE, "A"),
    submit("C", 3),
    act(Action.CANCEL, "A"),
    fail("C"),
    succeed("A"),
)


def needs_both_requests(steps: Steps) -> bool:
    asked = [step.do for step in steps if step.job == "A" and step.do.action]
    return asked[:2] == [Do.PAUSE, Do.CANCEL]


def test_what_does_not_matter_is_left_out() -> None:
    found = shorter(LONG, needs_both_requests, 10.0)
    assert found == (submit("A", 1), act(Action.PAUSE, "A"), act(Action.CANCEL, "A"))


def test_what_cannot_be_made_shorter_stays() -> None:
    assert shorter(LONG, lambda _: False, 10.0) == LONG


def test_no_try_is_made_once_the_time_is_over() -> None:
    tried: list[Steps] = []
    assert shorter(LONG, lambda steps: bool(tried.append(steps)), 0.0) == LONG
    assert tried == []


def test_a_job_that_is_acted_on_was_always_submitted() -> None:
    seen: list[Steps] = []

    def fails(steps: Steps) -> bool:
        seen.append(steps)
        return any(step.job == "A" for step in steps)

    shorter(LONG, fails, 10.0)
    for steps in seen:
        born = [step.job for step in steps if step.do is Do.SUBMIT]
        assert {step.job for step in steps} <= set(born)
