"""Runs cases as somebody asks for them, one after the other, as a test runner does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from conformance.campaign.book import Emit
from conformance.campaign.campaign import Campaign
from conformance.campaign.lots import Lot
from conformance.campaign.plan import Plan
from conformance.suites.case import Case
from conformance.sut.profile import NOTHING
from conformance.sut.target import Choice


class OnDemand(Campaign):
    """A run whose cases are those of ``asked``, in its order; to wait for the next one is its part.

    ``plan`` selects at least these. A server of the kit's own is another one as soon as a case asks
    for another configuration.
    """

    def __init__(self, choice: Choice, plan: Plan, emit: Emit, asked: Iterator[str]) -> None:
        super().__init__(choice, plan, emit)
        self._asked = asked

    def _run(self) -> None:
        lot = Lot(0, NOTHING, ())
        serving = self._serving(lot)
        with self._noted(serving, lot):
            with self._opened(serving, NOTHING) as session:
                groups = self._groups(session.profile.managed)
                group = next(groups, None)
                if group is not None and group[0] == NOTHING:
                    serving.serve(session, group[1], lot)
                    group = next(groups, None)
            while group is not None:
                with serving.opened(group[0]) as session:
                    serving.serve(session, group[1], lot)
                    group = next(groups, None)

    def _groups(self, managed: bool) -> Iterator[tuple[Mapping[str, Any], Iterator[Case]]]:
        """The cases as they are asked for, those together that run on one server."""
        chosen = {case.id: case for case in self._book.selected}
        cases = (chosen[id] for id in self._asked)
        return groupby(cases, lambda case: case.config if managed else NOTHING)
