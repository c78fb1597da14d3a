"""Make a failing run shorter by leaving things out: whole jobs first, then single steps.

Hypothesis shrinks what it drew; this works on the steps themselves, so it needs few tries and
works for every run, wherever it came from.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from conformance.driver.script import Do, Step, check
from conformance.errors import BadArgument
from conformance.oracle.oracle import Finding
from conformance.search.executor import Found, Repeater
from spec.relaxations import Name

Steps = tuple[Step, ...]
Key = tuple[str, frozenset[Name] | None]


class Elsewhere(Exception):
    """While one finding is shrunk, the example shows another: it is left for later."""


def key_of(finding: Finding) -> Key:
    """What makes two findings the same: the relaxations that explain them, or the requirement."""
    named = finding.relaxations
    return finding.requirement if named is None else "", named


def shortened(found: Found, run_by: Repeater, seconds: float) -> Found:
    """The shortest run found within ``seconds`` that shows the same."""
    best = found

    def fails(steps: Sequence[Step]) -> bool:
        nonlocal best
        again = run_by.attempt(steps)
        if again is None or key_of(again.finding) != key_of(found.finding):
            return False
        best = again
        return True

    if not found.finding.missing:  # or every try would take as long as the deadline
        shorter([step for step, _ in found.steps], fails, seconds)
    return best


def shorter(steps: Sequence[Step], fails: Callable[[Steps], bool], seconds: float) -> Steps:
    """The shortest run found within ``seconds`` that still ``fails``; at worst ``steps``."""
    best = tuple(steps)
    deadline = time.monotonic() + seconds
    better = True
    while better:
        better = False
        for candidate in _candidates(best):
            if time.monotonic() > deadline:
                return best
            if _possible(candidate) and fails(candidate):
                best, better = candidate, True
                break
    return best


def _candidates(steps: Steps) -> Iterator[Steps]:
    """What is simpler than ``steps``: a job less, a step less, a job with fewer steps."""
    for job in {step.job: None for step in steps}:
        yield tuple(step for step in steps if step.job != job)
    for at, step in enumerate(steps):
        yield steps[:at] + steps[at + 1 :]
        if step.do is Do.SUBMIT and step.steps > 1:
            fewer = (*steps[:at], replace(step, steps=step.steps - 1), *steps[at + 1 :])
            yield fewer
            replies = [i for i, s in enumerate(fewer) if s.job == step.job and s.do is Do.SUCCEED]
            yield from (fewer[:i] + fewer[i + 1 :] for i in replies[:1])
        if step.do is Do.SUBMIT and step.priority:
            yield (*steps[:at], replace(step, priority=0), *steps[at + 1 :])


def _possible(steps: Steps) -> bool:
    try:
        check(steps)
    except BadArgument:
        return False
    return bool(steps)
