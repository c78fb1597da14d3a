"""The search that goes on for as long as it is let, run by the campaign: `orthanc-jobs fuzz`.

What is found is a result of its own as soon as it is confirmed, with its replay file, and is told
once: by the relaxations that explain it, or by the requirement that it breaks.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from conformance.campaign.hunting import Hunt
from conformance.campaign.plan import Fuzzing
from conformance.campaign.telling import undecided
from conformance.campaign.verdict import Judgement
from conformance.driver.script import Step
from conformance.events import Result, Searched, Verdict
from conformance.search.executor import Found
from conformance.search.fuzzing import RECENT, Fuzz, Tally
from conformance.search.shrinking import Key, key_of

MOST_JOBS = 1000  # of one life of a server of the kit's own: then it is another one's turn
MOST_LOST = 3  # rounds in a row that came to no verdict: it is of no use to go on
DEAD: Key = ("", None)  # the key of a server that ended by itself


def fuzz(hunt: Hunt, wish: Fuzzing, seed: int, most: float = inf) -> Result:
    """Search for so long; the verdict on all beside what was found, which is told meanwhile.

    ``most``: findings, after which it ends.
    """
    runner = hunt.runner
    telling = _Telling(hunt, wish)
    search = Fuzz(
        run_by=_Runs(hunt.runner, hunt.case, hunt.interrupt, telling),
        profile=runner.session.profile,
        seed=seed,
        admitted=runner.book.ledger.accepted,
        shrinking_time=wish.shrinking,
        corpus=wish.corpus,
        until=time.monotonic() + wish.seconds,
        told=telling.goes_on,
        warned=runner.book.warn,
    )
    lost = 0
    while not search.ended and lost < MOST_LOST and telling.deviations < most:
        try:
            search.round()
            hunt.interrupt.check()
            if search.unjudged and search.died is None:
                hunt.once_more(search)
        finally:
            telling.tell(search)
        lost = lost + 1 if search.unjudged else 0
        telling.lost += search.unjudged
        search.unjudged, search.unfinished = [], []
        if len(runner.session.resources.jobs) > MOST_JOBS:
            runner.session.renew()
    telling.used(search)
    if telling.lost:
        return undecided(hunt.case, Verdict.UNKNOWN, telling.lost[0])
    return undecided(hunt.case, Verdict.PASS)


@dataclass
class _Telling:
    """Makes results of what is found. ``lost``: why sequences came to no verdict."""

    hunt: Hunt
    wish: Fuzzing
    lost: list[str] = field(default_factory=list)
    _tally: Tally = field(default_factory=Tally)
    _told: set[Key] = field(default_factory=set)
    _began: float = field(default_factory=time.monotonic)

    @property
    def deviations(self) -> int:
        """How much was found."""
        return len(self._told)

    def goes_on(self, tally: Tally) -> None:
        """An example begins."""
        self._tally = tally
        self.again()

    def again(self) -> None:
        """Something else is run, such as a shorter run of what was found."""
        tally = self._tally
        self.hunt.runner.book.tell(
            Searched(
                self.hunt.case.id,
                time.monotonic() - self._began,
                self.wish.seconds,
                tally.examples,
                tally.actions,
                tally.states,
                tally.recent,
                RECENT,
                tally.kept,
                self.deviations,
            )
        )

    def tell(self, search: Fuzz) -> None:
        """Tell what was found since it was told last."""
        found, search.found = search.found, []
        for one in found:
            if (key := key_of(one.finding)) not in self._told:
                self._told.add(key)
                self.hunt.tell(one)
        if search.died is not None:
            (died, performed), search.died = search.died, None
            if DEAD not in self._told:
                self._told.add(DEAD)
                judged = Judgement(performed=performed, died=died)
                part = self.hunt.part("server-ended")
                self.hunt.enter(self.hunt.runner.teller.result(part, judged))
        self.again()

    def used(self, search: Fuzz) -> None:
        """Tell what the ledger accepts, and was needed."""
        by_names = {found.finding.relaxations: found for found in search.used.values()}
        for names, found in by_names.items():
            if names is not None and key_of(found.finding) not in self._told:
                self.hunt.tell(found)


@dataclass(frozen=True)
class _Runs(Hunt):
    """Runs the examples. How far it has come, the search says by what it tells."""

    telling: _Telling

    def progress(self, done: int, of: int) -> None:
        self.interrupt.check()

    def attempt(self, steps: Sequence[Step], patience: int = 1) -> Found | None:
        self.telling.again()
        return super().attempt(steps, patience)
