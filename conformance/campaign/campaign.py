"""The campaign: runs cases on a target, one after the other, and emits events.

It knows no output format. Cases that need another configuration of a managed server are run
on a server that was started with it. However the campaign ends, what it made is removed and
`Ended` is emitted, so that every report is written.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from conformance.campaign import ledger as ledgers
from conformance.campaign.coverage import coverage, seen
from conformance.campaign.ledger import Ledger
from conformance.campaign.replay import Recording, record
from conformance.driver.context import Context
from conformance.driver.driver import AT_ONCE, Deviated, Driver
from conformance.driver.script import LIVES, Do, Step
from conformance.errors import Interrupted, KitError, NoServer, ServerDied, Unjudged, masked
from conformance.events import (
    CaseBegins,
    CaseEnds,
    Cleanup,
    Coverage,
    Ended,
    Event,
    Failed,
    Progress,
    Result,
    Share,
    Started,
    Statistics,
    Target,
    Verdict,
)
from conformance.interrupts import Interrupt, interruptible, uninterrupted
from conformance.oracle.oracle import Finding
from conformance.search import complete
from conformance.search import stateful as search
from conformance.session.session import PROBE, Choice, KeepsWaiting, Session, Yard, opened, probe
from conformance.suites import select, suites
from conformance.suites.case import Case, Check, CompleteSuite, Script
from conformance.suites.needs import MANAGED
from conformance.sut.managed import STOPS
from conformance.sut.profile import NOTHING
from spec.engine import Config, View, describe
from spec.relaxations import Name, Relaxation
from spec.requirements import requirement
from spec.table import State

CUT_SHORT = 0.3  # seconds that a managed server may take to end when the run is cut short
MOST_CONFIRMED = 3  # cases in which something did not come that are run again
LINGERS = 2.0  # seconds after a replay for what came late when it was recorded
HASTY = 1.0  # seconds for what has to come, once so many of them were confirmed
HISTORY_FULL = "history full"
FOUND_FIRST = "a deviation of its suite was found before it"
DIED = "queue/engine"  # what a server breaks that ends by itself

Emit = Callable[[Event], None]
Performed = Sequence[tuple[Step, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. ``ledger``: a file, or None for the one that the kit ships."""

    suites: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    ledger: Path | None = None
    no_ledger: bool = False
    seed: int = 0
    examples: int = 100
    replays: Path | None = Path("replays")
    recording: Recording | None = None  # run this, instead of the suites
    extra: int = complete.EXTRA  # states that a server may have beyond those of the model
    first: bool = False  # of each suite no case is run any more once one was a deviation

    @property
    def whole(self) -> bool:
        """Whether all suites run, so that what they do not cover is missing."""
        return not (self.suites or self.prefixes or self.excluded or self.recording)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one run of a case came to: findings, or a reason why there is no verdict."""

    findings: tuple[Finding, ...]
    performed: tuple[tuple[Step, tuple[str, ...]], ...]
    unjudged: str | None = None
    died: ServerDied | None = None
    dirty: bool = False  # jobs of it are still under way
    lines: tuple[str, ...] = ()  # what a check did, in words
    before: tuple[str, ...] = ()  # the cases that its server had had

    @property
    def lost(self) -> bool:
        """Whether it came to nothing, and left nothing behind."""
        return bool(self.unjudged) and not (self.findings or self.died or self.dirty)

    @property
    def missing(self) -> bool:
        return any(finding.missing for finding in self.findings)


@dataclass
class Campaign:
    """One run. `run` returns the exit status of the contract: 0, 1 or 2."""

    choice: Choice
    plan: Plan
    emit: Emit
    results: dict[str, Result] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    behind: int = 0  # how many cases a recording was run behind
    _cases: list[Case] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    _retries: bool = False
    _confirmed: int = 0
    _spoilt: str | None = None
    _waits: str | None = None  # why only the cases about asynchronous calls can be run
    _cleanup: Cleanup = field(default_factory=Cleanup)
    _statistics: Statistics = field(default_factory=Statistics)
    _begun: bool = False
    _yard: Yard = field(default_factory=Yard)
    _interrupt: Interrupt = field(default_factory=Interrupt)

    def run(self) -> int:
        """Run everything. Raises `KitError`, after `Ended`, where it could not begin or go on."""
        interrupted, error = False, None
        try:
            with interruptible() as self._interrupt:
                try:
                    self._run()
                except BaseException:
                    self._yard.clear(CUT_SHORT)
                    raise
                self._yard.clear(STOPS)
        except Interrupted:
            interrupted = True
        except KitError as failed:
            error = failed
        except (Unjudged, ServerDied) as failed:  # outside of any case
            error = NoServer(f"the run cannot go on: {failed}")
        except Exception as mistake:  # noqa: BLE001 - of the kit: it costs no report, and is told
            interrupted = self._interrupt.came  # and became this on its way
            error = None if interrupted else _of_ours(mistake)
        verdict = self._verdict(interrupted or error is not None)
        if not self._begun:
            name = Target(self.choice.name, "", self.choice.kind)
            self._emit(Started(name, self.plan.seed, _now(), 0, None))
        if error is not None:
            self._emit(Failed(masked(str(error))))
        self._emit(self._ended(verdict, interrupted))
        if error is not None and verdict != "deviates":
            raise error
        return {"conforms": 0, "deviates": 1}.get(verdict, 2)

    def _emit(self, event: Event) -> None:
        """Tell the reports, which are never interrupted in the middle of writing."""
        with uninterrupted():
            self.emit(event)

    def _run(self) -> None:
        recording = self.plan.recording
        first = NOTHING if recording is None else recording.config
        groups: list[tuple[Mapping[str, Any], list[Case]]] = [(first, [])]
        while groups:
            config, cases = groups.pop(0)
            opening = time.perf_counter()
            with opened(self.choice, config, self._yard) as session, self._cleaning(session):
                session = self._probed(session)
                if not self._begun:
                    groups += self._begin(session)
                    _, cases = groups.pop(0)
                self._spend(setup_seconds=time.perf_counter() - opening)
                if groups and self.choice.address is None:
                    self._yard.prepare(self.choice, groups[0][0])
                self._group(session, cases)

    def _probed(self, session: Session) -> Session:
        """A probe leaves a job in the history: only where there is room for it."""
        room = session.profile.exclusive or session.resources.room(session.room_for)
        if self._waits or not room:
            return session
        try:
            return probe(session)
        except KeepsWaiting as waits:
            session.renew()
            self._waits = str(waits)
            return session

    def _begin(self, session: Session) -> list[tuple[Mapping[str, Any], list[Case]]]:
        """Choose ledger and cases for this server; the cases grouped by configuration."""
        plan = self.plan
        self._cases = suites(session.profile)
        known = [case.id for case in self._cases]
        if plan.recording is not None:
            self._cases = [_recorded(plan.recording, session)]
        if self.plan.ledger is not None:
            self.ledger = ledgers.load(self.plan.ledger, known, session.system.version)
        elif not self.plan.no_ledger:
            self.ledger = ledgers.shipped(session.system, known)
        chosen = select(self._cases, plan.suites, plan.prefixes, plan.excluded)
        if not chosen:
            raise KitError("nothing is selected: --case, --suite and --exclude leave no case")
        file = self.ledger.file
        self._begun = True
        self._emit(Started(session.target, plan.seed, _now(), len(chosen), file))
        first = NOTHING if plan.recording is None else plan.recording.config
        groups: list[tuple[Mapping[str, Any], list[Case]]] = [(first, [])]
        for case in chosen:
            config = case.config if session.profile.managed else first
            group = next((cases for known, cases in groups if known == config), None)
            if group is None:
                groups.append((config, group := []))
            group.append(case)
        return groups

    def _group(self, session: Session, cases: Sequence[Case]) -> None:
        """Run cases on an open server."""
        began = time.perf_counter()
        try:
            for case in cases:
                self._interrupt.check()
                self._emit(CaseBegins(case.id))
                hopeless = self._spoilt or (case.requirement != AT_ONCE and self._waits)
                if hopeless and case.unreachable is None:
                    self._tell(session, self._result(case, Verdict.UNKNOWN, hopeless))
                    continue
                if self.plan.first and case.suite in self._deviating:
                    self._tell(session, self._result(case, Verdict.SKIPPED, FOUND_FIRST))
                    continue
                self._tell(session, self._case(session, case))
                self._late(session)
        finally:
            self._spend(seconds=time.perf_counter() - began)

    def _spoil(self, session: Session, case: Case, dirty: bool) -> None:
        """After a fault the server is not to be relied on: start another, where we can."""
        self._late(session)
        if not session.renew() and dirty:
            self._spoilt = f"jobs of {case.id} do not end, and get in the way of all others"

    # --- one case -----------------------------------------------------------------------------

    def _case(self, session: Session, case: Case) -> Result:
        if case.unreachable is not None:
            return self._result(case, Verdict.SKIPPED, reason=case.unreachable)
        began = time.perf_counter()
        try:
            if not self._has_room(session, case):
                return self._result(case, Verdict.SKIPPED, reason=HISTORY_FULL)
            if self.plan.recording is not None:
                result = self._replay(session, case, self.plan.recording)
            elif isinstance(case, Script | Check):
                result = self._judge(session, case)
            elif isinstance(case, CompleteSuite):
                result = self._complete(session, case)
            else:
                result = self._search(session, case)
        except Unjudged as unjudged:  # not in a step of the case, but around them
            result = self._result(case, Verdict.UNKNOWN, str(unjudged))
        if result.verdict is Verdict.UNKNOWN:
            self._look_after(session)
        return replace(result, seconds=time.perf_counter() - began)

    def _look_after(self, session: Session) -> None:
        """A server that has gone or hangs is not waited for again in every later case."""
        if self._spoilt is not None:
            return
        try:
            session.client.get("/system")
        except Unjudged as gone:
            if not session.renew():
                self._spoilt = f"the server does not answer any more: {gone}"

    def _has_room(self, session: Session, case: Case) -> bool:
        if session.profile.exclusive:
            return True
        if isinstance(case, Check):
            return session.resources.room(session.room_for + 1 - case.leaves)
        if not isinstance(case, Script) or not case.makes_job:
            return True
        driver = self._driver(session, case)
        again = driver.can_take_up(case.steps)
        return session.resources.room(session.room_for + again)

    def _judge(self, session: Session, case: Script | Check) -> Result:
        judged = self._attempt(session, case)
        if judged.lost:  # what broke on the way says nothing of the server, nor does one more try
            judged = self._attempt(session, case)
        for number in range(1, case.repeat):
            if judged.unjudged or judged.died or not self._accepts(judged):
                break
            again = self._attempt(session, case, number=number)
            if again.findings or again.unjudged or again.died:
                judged = again
        if judged.missing:
            judged = self._confirm(session, case, judged)
        return self._weigh(session, case, judged)

    def _replay(self, session: Session, case: Case, recording: Recording) -> Result:
        """Run what was recorded; behind what its server had had before, where it takes that."""
        assert isinstance(case, Script | Check)
        result = self._judge(session, case)
        if recording.same(result) or not session.renew():
            return result
        known = {one.id: one for one in suites(session.profile)}
        for id in recording.before:
            self._interrupt.check()
            if id == PROBE:
                probe(session)
            elif isinstance(one := known[id], Script | Check) and one.unreachable is None:
                self._attempt(session, one)
        self.behind = len(recording.before)
        result = self._judge(session, case)
        if not recording.same(result):
            self._linger(session, case)
        return result

    def _linger(self, session: Session, case: Case) -> None:
        """Let what comes late of a case come, before the last look."""
        driver = Driver("", session.resources, Config(), session.deadline)
        end = time.monotonic() + LINGERS
        late = session.resources.late
        while all(name != case.id for name, _ in late) and time.monotonic() < end:
            driver.arrivals(LINGERS / 10)

    def _accepts(self, judged: Judgement) -> bool:
        """Whether all that was found is accepted by the ledger, if anything was."""
        found = {name for finding in judged.findings for name in finding.relaxations or ()}
        explained = all(finding.relaxations for finding in judged.findings)
        return explained and found <= self.ledger.accepted

    def _confirm(self, session: Session, case: Script | Check, judged: Judgement) -> Judgement:
        """What did not come is a deviation if it does not come in four times the time either.

        Waiting for that takes long, so it is done a few times only in one run.
        """
        if self._confirmed >= MOST_CONFIRMED:
            reason = f"{judged.findings[-1].actual}: not confirmed, like others of this run"
            found = [f for f in judged.findings if not f.missing]
            return replace(judged, findings=tuple(found), unjudged=reason)
        for number in range(case.repeat):
            patient = self._attempt(session, case, search.PATIENT, number)
            if patient.findings or patient.unjudged or patient.died:
                break
        self._confirmed += patient.missing
        return patient

    def _attempt(
        self, session: Session, case: Script | Check, patience: int = 1, number: int = 0
    ) -> Judgement:
        """Run the case once. ``number``: how often it was run before."""
        if case.fresh:
            kills = isinstance(case, Script) and any(step.do is Do.KILL for step in case.steps)
            session.empty(on_disk=kills)
        before = tuple(session.had)
        session.had.append(case.id)
        driver = self._driver(session, case, patience)
        draw = Random(f"{self.plan.seed}/{case.id}/{number}")
        context = Context(driver, session.profile, session.system.version, draw, number)
        reason, died, dirty = None, None, False
        session.client.timeout = self.choice.timeout * patience
        try:
            try:
                if isinstance(case, Check):
                    case.check(context)
                else:
                    for step in driver.take_up(case.steps):
                        driver.perform(step)
                if isinstance(case, Script) and case.watch:
                    driver.watch()
                driver.finish()
            except Deviated:
                driver.abandon()
            except Unjudged as unjudged:
                reason = str(unjudged)
                driver.abandon()
            context.close()
        except Unjudged as unjudged:
            reason, dirty = reason or str(unjudged), True
        except ServerDied as ended:
            died, dirty = ended, True
        session.client.timeout = self.choice.timeout
        self._close(session, driver)
        if dirty or driver.unexplained:
            self._spoil(session, case, dirty)
        elif driver.changed:
            session.renew()
        performed = driver.performed[: driver.deviated_at or None]
        lines = tuple(context.lines)
        found = tuple(driver.findings)
        return Judgement(found, tuple(performed), reason, died, dirty, lines, before)

    def _driver(self, session: Session, case: Case, patience: int = 1) -> Driver:
        profile = session.profile
        config = Config(
            workers=profile.workers,
            history=profile.history if profile.exclusive else None,
            retries=self._retries,
            relaxations=self._granted(case),
        )
        deadline = session.deadline * patience
        if self._confirmed >= MOST_CONFIRMED:
            deadline = min(deadline, HASTY)
        limit = session.hold_limit
        return Driver(
            case.id,
            session.resources,
            config,
            deadline if limit is None else min(deadline, limit - 1),
            limit,
            session.check,
            session.server is not None,
            session.restarts,
        )

    def _granted(self, case: Case) -> frozenset[Relaxation]:
        accepted = self.ledger.accepted
        if not isinstance(case, Check) or not case.by_chance:
            return frozenset()
        return frozenset(name for name in accepted if isinstance(name, Relaxation))

    def _close(self, session: Session, driver: Driver) -> None:
        self._seen |= seen(driver.trace)
        self._retries = self._retries or driver.oracle.config.retries
        frugal = not session.profile.exclusive
        driver.put_aside(keep=frugal and not session.profile.deletes)
        if frugal and session.profile.deletes:
            with suppress(Unjudged):  # what is left is looked for again at the end
                driver.remove()

    def _weigh(self, session: Session, case: Case, judged: Judgement) -> Result:
        """The verdict on what was found."""
        if judged.died is not None:
            return self._death(session, case, judged)
        named = {r for f in judged.findings for r in f.relaxations or ()}
        unexplained = [f for f in judged.findings if f.relaxations is None]
        if judged.unjudged is not None and not unexplained and named <= self.ledger.accepted:
            return self._result(case, Verdict.UNKNOWN, reason=judged.unjudged)
        if not judged.findings:
            return self._result(case, Verdict.PASS)
        worst = (unexplained or list(judged.findings))[0]
        return self._deviation(
            session, case, worst, judged.performed, named, judged.lines, judged.before
        )

    def _deviation(
        self,
        session: Session,
        case: Case,
        finding: Finding,
        performed: Performed,
        named: Set[Name],
        lines: tuple[str, ...] = (),
        before: Sequence[str] = (),
    ) -> Result:
        relaxations = () if finding.relaxations is None else tuple(sorted(named))
        accepted = bool(relaxations) and named <= self.ledger.accepted
        recording = record(
            case.id,
            session.config or self._url_config(session),
            performed,
            finding,
            relaxations,
            f"{session.target.name} {session.target.version}",
            case.repeat if isinstance(case, Script | Check) else 1,
            lines if isinstance(case, Check) else None,
            before if session.server is not None else (),
        )
        folder = self.plan.replays
        return Result(
            case.id,
            finding.requirement,
            requirement(finding.requirement).ground,
            Verdict.ACCEPTED if accepted else Verdict.DEVIATION,
            finding.expected,
            finding.actual,
            relaxations,
            reason=self._why(relaxations) if accepted else None,
            replay=str(recording.write(folder)) if folder and recording.program else None,
            program=recording.program,
        )

    def _url_config(self, session: Session) -> dict[str, Any]:
        profile = session.profile
        return {"ConcurrentJobs": profile.workers, "JobsHistorySize": profile.history}

    def _why(self, relaxations: Sequence[str]) -> str:
        return " ".join(e.reason for e in self.ledger.entries if e.relaxation in relaxations)

    def _death(self, session: Session, case: Case, judged: Judgement) -> Result:
        assert judged.died is not None
        finding = Finding(DIED, ("the server goes on",), f"{judged.died}", None)
        result = self._deviation(session, case, finding, judged.performed, set())
        return replace(result, reason=f"the end of its log: {judged.died.log}")

    def _result(self, case: Case, verdict: Verdict, reason: str | None = None) -> Result:
        ground = case.stands_for.ground
        return Result(case.id, case.requirement, ground, verdict, reason=reason)

    # --- the search ---------------------------------------------------------------------------

    def _search(self, session: Session, case: Case) -> Result:
        """Search on behind each deviation that has a name; each is told as a case of its own."""
        hunt = search.Search(
            session.profile,
            lambda: self._driver(session, case),
            lambda driver, faulty: self._close_example(session, case, driver, faulty),
            lambda steps, patience: self._again(session, case, steps, patience),
            lambda done: self._searched(case, done),
            self.plan.examples,
            self.plan.seed,
            self.ledger.accepted,
            search.SHRINKING_MORE if self._faulty else search.SHRINKING,
        )
        hunt.run()
        self._interrupt.check()
        if hunt.unjudged and hunt.died is None:
            self._once_more(session, case, hunt)
        return self._hunted(session, case, hunt)

    def _searched(self, case: Case, done: int) -> None:
        """An example begins. What Hypothesis made of an interrupt in the one before ends here."""
        self._interrupt.check()
        self._emit(Progress(case.id, done, self.plan.examples))

    def _once_more(self, session: Session, case: Case, hunt: search.Search) -> None:
        """As for any case, what broke on the way is tried once more."""
        known = self.ledger.accepted | hunt.admitted
        for steps in hunt.lost:
            judged = self._attempt(session, _example(case, steps))
            if judged.unjudged or judged.died or judged.missing:
                return
            hunt.found += [
                search.Found(finding, judged.performed)
                for finding in judged.findings
                if finding.relaxations is None or not finding.relaxations <= known
            ]
        hunt.unjudged.clear()

    def _complete(self, session: Session, case: Case) -> Result:
        """Run a complete test suite, and go on behind each deviation that has a name."""
        hunt = complete.Completing(
            complete.PLANTS[case.id],
            session.profile.workers or 1,
            self.plan.extra,
            lambda: self._driver(session, case),
            lambda driver, faulty: self._close_example(session, case, driver, faulty),
            lambda steps, patience: self._again(session, case, steps, patience),
            lambda done, of: self._emit(Progress(case.id, done, of)),
            self.ledger.accepted,
            search.SHRINKING_MORE,
        )
        hunt.run()
        return replace(self._hunted(session, case, hunt), bound=hunt.bound)

    def _hunted(
        self, session: Session, case: Case, hunt: search.Search | complete.Completing
    ) -> Result:
        """Tell what was found by a case that makes its own steps; the verdict on the rest."""
        named = {f.finding.relaxations: f for f in (*hunt.used.values(), *hunt.found)}
        for names, found in named.items():
            if names is not None:
                part = replace(case, id=f"{case.id}/{'+'.join(sorted(names))}")
                self._tell(session, self._found(session, part, found))
        if hunt.died is not None:
            died, performed = hunt.died
            return self._death(session, case, Judgement((), tuple(performed), None, died))
        if (last := named.get(None)) is not None:
            return self._found(session, case, last)
        if hunt.unjudged:
            return self._result(case, Verdict.UNKNOWN, reason=hunt.unjudged[0])
        return self._result(case, Verdict.PASS)

    @property
    def _faulty(self) -> bool:
        """Whether a deviation was found that nothing explains."""
        found = self.results.values()
        return any(r.verdict is Verdict.DEVIATION and not r.relaxations for r in found)

    def _close_example(self, session: Session, case: Case, driver: Driver, faulty: bool) -> None:
        dirty = False
        try:
            if faulty:
                driver.abandon()
        except (Unjudged, ServerDied):
            dirty = True
        self._close(session, driver)
        if dirty or driver.unexplained:
            self._spoil(session, case, dirty)

    def _again(
        self, session: Session, case: Case, steps: Sequence[Step], patience: int
    ) -> tuple[Finding, Performed] | None:
        """Run the steps of an example as a case of their own."""
        judged = self._attempt(session, _example(case, steps), patience)
        return (judged.findings[-1], judged.performed) if judged.findings else None

    def _found(self, session: Session, case: Case, found: search.Found) -> Result:
        named: Set[Name] = found.finding.relaxations or frozenset()
        return self._deviation(session, case, found.finding, found.steps, named)

    # --- after the cases ----------------------------------------------------------------------

    def _late(self, session: Session) -> None:
        """Book what came too late to the case that it belongs to."""
        late, session.resources.late = session.resources.late, []
        for name, finding in late:
            if name in self.results:
                self._amend(session, name, finding)
            else:  # of an earlier example of the search that is still under way
                session.resources.late.append((name, finding))

    def _sweep(self, session: Session) -> None:
        """A last look: nothing arrives any more, and completed jobs are as they were."""
        resources = session.resources
        driver = Driver("", resources, Config(), session.deadline)
        driver.watch()
        self._late(session)
        shown = driver.expanded()
        for job in resources.jobs:
            if job.last is None or job.id not in shown or job.case not in self.results:
                continue
            try:
                now = driver.fields(job, shown[job.id])
            except Deviated as deviated:
                self._amend(session, job.case, deviated.finding)
                continue
            if now != job.last:
                broken = _unchanging(job.last)
                finding = Finding(broken, (describe(job.last),), describe(now), None)
                self._amend(session, job.case, finding)

    def _amend(self, session: Session, name: str, finding: Finding) -> None:
        case = next((case for case in self._cases if case.id == name), None)
        if case is not None and self.results[name].verdict is not Verdict.DEVIATION:
            steps = case.steps if isinstance(case, Script) else ()
            performed = [(step, ()) for step in steps]
            self._tell(session, self._deviation(session, case, finding, performed, set()))

    def _tell(self, session: Session, result: Result) -> None:
        self.results[result.id] = result
        self._emit(CaseEnds(result, self._statistics.actions + session.resources.actions))

    @property
    def _deviating(self) -> Set[str]:
        """The suites of which a case was a deviation."""
        found = self.results.values()
        return {r.id.partition("/")[0] for r in found if r.verdict is Verdict.DEVIATION}

    @contextmanager
    def _cleaning(self, session: Session) -> Iterator[None]:
        try:
            yield
            with suppress(Unjudged, Deviated, ServerDied):  # there is nothing left to look at
                self._sweep(session)
        finally:
            with uninterrupted():
                began = time.perf_counter()
                done = session.clean()
                self._cleanup = Cleanup(
                    self._cleanup.removed + done.removed, (*self._cleanup.left, *done.left)
                )
                self._spend(
                    cleanup_seconds=time.perf_counter() - began,
                    actions=session.resources.actions,
                    requests=session.client.requests,
                )

    def _spend(self, **more: float) -> None:
        old = self._statistics
        self._statistics = replace(old, **{k: getattr(old, k) + v for k, v in more.items()})

    def _verdict(self, cut_short: bool) -> str:
        verdicts = [result.verdict for result in self.results.values()]
        if Verdict.DEVIATION in verdicts or self.ledger.stale(self.results.values()):
            return "deviates"
        judged = [v for v in verdicts if v is not Verdict.SKIPPED]
        if cut_short or not judged or Verdict.UNKNOWN in verdicts:
            return "unknown"
        found = self._coverage()
        missing = found.cells.missing or found.edges.missing or found.requirements.missing
        return "unknown" if self.plan.whole and missing else "conforms"

    def _coverage(self) -> Coverage:
        if not self._cases:
            nothing = Share(0, (), ())
            return Coverage(nothing, nothing, nothing)
        return coverage(self._cases, self.results.values(), self._seen)

    def _ended(self, verdict: str, interrupted: bool) -> Ended:
        results = self.results.values()
        return Ended(
            verdict,
            interrupted,
            self._coverage(),
            self.ledger.used(results),
            self.ledger.stale(results),
            self._cleanup,
            self._statistics,
        )


def _of_ours(mistake: Exception) -> KitError:
    """What a mistake in the kit itself is told as: what, and where."""
    *_, (frame, line) = traceback.walk_tb(mistake.__traceback__)
    where = f"{Path(frame.f_code.co_filename).name}, line {line}"
    error = KitError(
        f"the kit itself has failed: {type(mistake).__name__} in {where}: {mistake}\n"
        "This is a mistake in it, and says nothing of the server. Please report it."
    )
    error.__cause__ = mistake
    return error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _recorded(recording: Recording, session: Session) -> Case:
    """The case that a recording is. Raises `KitError` where this server is not made for it."""
    profile = session.profile
    known = {PROBE, *(case.id for case in suites(profile))}
    if unknown := [id for id in recording.before if id not in known]:
        raise KitError(f"the replay file names {unknown[0]!r} in 'before': no case is called so")
    if recording.check is not None:
        found = next(
            (c for c in suites(profile) if c.id == recording.case and isinstance(c, Check)), None
        )
        if found is None:
            raise KitError(f"the replay file is of {recording.case!r}, which no case is called")
        if found.unreachable is not None:
            raise KitError(f"this server cannot run {found.id}: {found.unreachable}")
        return found
    lives = any(step.do in LIVES for step, _ in recording.steps)
    if lives and not profile.managed:
        raise KitError(f"this replay {MANAGED.why}: it stops and starts it")
    jobs = sum(step.do is Do.SUBMIT for step, _ in recording.steps)
    if not profile.exclusive and jobs > 1:
        raise KitError("this replay needs --exclusive: it runs several jobs at once")
    has = {"ConcurrentJobs": profile.workers, "JobsHistorySize": profile.history}
    for key, value in recording.config.items():
        if has.get(key) not in (None, value):
            raise KitError(f"this replay needs a server with {key} {value}, not {has[key]}")
    return Script(
        recording.case or "replay",
        recording.requirement,
        tuple(step for step, _ in recording.steps),
        config=recording.config,
        watch=True,
        repeat=recording.repeat,
        fresh=lives,
    )


def _example(case: Case, steps: Sequence[Step]) -> Script:
    """Steps that a case has made, as a case of their own."""
    return Script(case.id, case.requirement, tuple(steps), config=case.config)


def _unchanging(view: View) -> str:
    return f"monitor/state-{view.state.lower()}" if view.state in State else "monitor/state"
