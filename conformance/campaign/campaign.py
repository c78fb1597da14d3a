"""The campaign: one run, from the first look at its server to the last event.

It knows no output format. The cases of a server that the kit starts are divided into lots, each of
which has a server of its own (`conformance.campaign.lots`), and which workers may run side by side.
However the campaign ends, what it made is removed and `Ended` is emitted, so that every report is
written.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from math import inf
from typing import Any

from conformance.campaign import ledger as ledgers
from conformance.campaign.book import Book, Emit
from conformance.campaign.crew import Crew
from conformance.campaign.gathering import Gathering, done
from conformance.campaign.lots import Lot, divided, shard
from conformance.campaign.plan import Plan
from conformance.campaign.replaying import case_of
from conformance.campaign.serving import Bench, Serving, error_of
from conformance.campaign.worker import Setup
from conformance.errors import Interrupted, KitError, masked
from conformance.events import Failed, Result, RunVerdict, Started, Target
from conformance.interrupts import interruptible
from conformance.session.session import Session
from conformance.suites import select, suites
from conformance.suites.case import Case
from conformance.sut.identity import System
from conformance.sut.profile import (
    NOT_OFFERED,
    NOT_THIS_VERSION,
    NOTHING,
    OF_CALLERS,
    Profile,
    inapplicable,
)
from conformance.sut.target import Choice, on_its_word, profile_of
from conformance.timing import TIMING
from spec.requirements import CATALOGUE

STATUS = {RunVerdict.CONFORMS: 0, RunVerdict.DEVIATES: 1, RunVerdict.UNKNOWN: 2}


class Campaign:
    """One run. ``behind``: how many cases a recording was run after."""

    def __init__(self, choice: Choice, plan: Plan, emit: Emit) -> None:
        self.choice = choice
        self.plan = plan
        self.behind = 0
        self._book = Book(emit, plan.whole and plan.shard is None)
        self._gathering = Gathering(self._book)
        self._bench = Bench(choice, plan, time.monotonic() + plan.time_limit)
        self._begun = False

    @property
    def results(self) -> Mapping[str, Result]:
        """What the cases came to, by their ids."""
        return self._book.results

    def run(self) -> int:
        """Run everything. The exit status of the contract: 0, 1 or 2.

        Raises `KitError`, after `Ended`, where it could not begin or go on.
        """
        interrupted, error = False, None
        try:
            with interruptible() as heard:
                self._bench = replace(self._bench, interrupt=heard)
                try:
                    self._run()
                except BaseException:
                    self._bench.yard.cut_short()
                    raise
                self._bench.yard.clear(TIMING.stops)
        except Interrupted:
            interrupted = True
        except Exception as failed:  # noqa: BLE001 - it costs no report, and is told
            interrupted = self._bench.interrupt.came  # and became this on its way
            error = None if interrupted else error_of(failed)
        verdict = self._conclude(interrupted, error)
        if error is not None and verdict is not RunVerdict.DEVIATES:
            raise error
        return STATUS[verdict]

    def _conclude(self, interrupted: bool, error: KitError | None) -> RunVerdict:
        """Tell how the run ended."""
        book = self._book
        self._gathering.flush()
        verdict = book.verdict(cut_short=interrupted or error is not None)
        if not self._begun:
            name = Target(self.choice.name, "", self.choice.kind)
            book.tell(Started(name, self.plan.seed, _now(), 0, None))
        if book.statistics.told is not None:
            book.warn(book.statistics.told)
        if error is not None:
            book.tell(Failed(masked(str(error))))
        book.tell(book.ended(verdict, interrupted))
        return verdict

    # --- its lots -----------------------------------------------------------------------------

    def _run(self) -> None:
        """The first server tells which cases there are."""
        recording = self.plan.recording
        first = NOTHING if recording is None else recording.config
        if self.choice.address is not None:
            self._run_there(first)
            return
        began = time.perf_counter()
        system, config = self._bench.yard.look(self.choice, first)
        target = Target(self.choice.name, system.version, self.choice.kind, self.choice.options)
        profile = profile_of(self.choice, system, config)
        lots = self._begin(target, system, profile, first)
        self._book.spend(setup_seconds=time.perf_counter() - began)
        self._gathering.foresee(lots)
        workers = min(self.plan.workers, len(lots))
        if workers > 1 or lots[0].config != first:
            self._bench.yard.dismiss()
        if workers > 1:
            self._run_side_by_side(lots, workers, profile)
            return
        for lot, following in zip(lots, [*lots[1:], None], strict=True):
            self._run_here(lot, following)

    def _run_here(self, lot: Lot, following: Lot | None) -> None:
        serving = self._serving(lot)
        with self._noted(serving, lot):
            serving.run(lot, None if following is None else following.config)

    def _run_there(self, first: Mapping[str, Any]) -> None:
        """Run all on a server that somebody has started, and that is known when it is open."""
        lot = Lot(0, first, ())
        serving = self._serving(lot)
        with self._noted(serving, lot), self._opened(serving, first) as session:
            serving.serve(session, self._book.selected, lot)

    @contextmanager
    def _opened(self, serving: Serving, first: Mapping[str, Any]) -> Iterator[Session]:
        """The server, which tells what it is when it is open; then the cases are chosen."""
        began = time.perf_counter()
        with serving.opened(first) as session:
            self._begin(session.target, session.system, session.profile, first)
            serving.book.cases, serving.book.ledger = self._book.cases, self._book.ledger
            serving.book.spend(setup_seconds=time.perf_counter() - began)
            yield session

    def _serving(self, lot: Lot) -> Serving:
        """A lot that this process runs."""
        book, brief = self._book, self._gathering.brief(lot)
        own = Book(partial(self._gathering.take, lot), whole=False, earlier=brief.earlier)
        own.cases, own.ledger = book.cases, book.ledger
        return Serving(self._bench, own, brief.experience)

    @contextmanager
    def _noted(self, serving: Serving, lot: Lot) -> Iterator[None]:
        """Within it the lot is run; what it came to is noted, also of one that was cut short."""
        brief = self._gathering.brief(lot)
        whole = False
        try:
            yield
            whole = True
        finally:
            self._gathering.close(done(brief, serving.book, serving.experience, whole))
            self.behind = serving.behind

    def _run_side_by_side(self, lots: Sequence[Lot], workers: int, profile: Profile) -> None:
        setup = Setup(self.choice, self.plan, self._bench.ends, profile, self._book.ledger)
        before, began = self._book.statistics, time.perf_counter()
        try:
            Crew(setup, self._gathering).run(lots, workers)
        finally:
            self._book.took(before, time.perf_counter() - began)

    def _begin(
        self, target: Target, system: System, profile: Profile, first: Mapping[str, Any]
    ) -> list[Lot]:
        """Choose ledger and cases for this server; the lots of them."""
        plan, book = self.plan, self._book
        every: Sequence[Case] = suites(profile)
        known = [case.id for case in every]
        book.ledger = ledgers.chosen(plan.ledger, plan.no_ledger, system, known)
        if plan.recording is not None:
            every = [case_of(plan.recording, profile)]
        book.cases = every
        chosen = select(every, plan.suites, plan.prefixes, plan.excluded)
        if not chosen:
            raise KitError("nothing is selected: --case, --suite and --exclude leave no case")
        lots = divided(chosen, first, plan.examples, self.choice.kind)
        if plan.shard is not None:
            lots = shard(lots, *plan.shard)
            ids = {id for lot in lots for id in lot.cases}
            chosen = [case for case in chosen if case.id in ids]
        self._begun = True
        book.selected = chosen
        here = {case.suite for case in chosen if case.unreachable is None}
        book.named = [one for one in plan.suites if plan.shard is None or one in here]
        others = (NOT_THIS_VERSION, OF_CALLERS)  # what is said of another version, or of no server
        book.bound = [id for id in CATALOGUE if inapplicable(profile, id) not in others]
        book.tell(
            Started(
                target,
                plan.seed,
                _now(),
                len(chosen),
                book.ledger.file,
                tuple(sorted(name.value for name in book.ledger.accepted)),
                profile.mode,
                plan.whole,
                None if plan.time_limit == inf else plan.time_limit,
                plan.command,
                min(plan.workers, len(lots)),
                plan.shard,
                tuple(case.id for case in chosen),
                plan.asked,
            )
        )
        if book.ledger.note is not None:
            book.warn(book.ledger.note)
        spared = sum(case.unreachable == NOT_OFFERED for case in chosen)
        if (told := on_its_word(self.choice, profile, spared)) is not None:
            book.warn(told)
        return lots


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
