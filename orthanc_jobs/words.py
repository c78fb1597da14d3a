"""The words of ``orthanc-jobs run`` as the target, the plan and the cases that they choose."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.campaign.lots import grouped
from conformance.campaign.plan import Plan
from conformance.suites import select, suites
from conformance.suites.case import Case
from conformance.sut.profile import NOTHING, Profile
from conformance.sut.target import Choice


def wanted(words: Sequence[str]) -> tuple[Choice, Plan, list[Case]]:
    """What is chosen, and its cases in the order in which they run. No server is asked.

    Raises `KitError` for words that ``run`` would not take, or that name a report.
    """
    from conformance.cli.run import parsed

    choice, plan = parsed(words)
    cases = select(suites(Profile()), plan.suites, plan.prefixes, plan.excluded)
    return choice, plan, [case for _, group in grouped(cases, NOTHING) for case in group]
