"""A client in all scenarios: its results, as events for the reports."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from conformance.campaign import ledger as ledgers
from conformance.campaign import verdict
from conformance.campaign.book import Emit
from conformance.clients.client import Client
from conformance.clients.judge import MOST_LOOKS, Fault, asked, fault
from conformance.clients.playing import Patience, Played, play
from conformance.clients.scenario import Scenario
from conformance.clients.scenarios import LENGTH, scenarios
from conformance.errors import BadArgument, Interrupted, KitError, Unjudged
from conformance.events import (
    CLIENT,
    CaseBegins,
    CaseEnds,
    Cleanup,
    Coverage,
    Ended,
    Event,
    Failed,
    Result,
    RunVerdict,
    Share,
    Started,
    Statistics,
    Target,
    Verdict,
)
from conformance.interrupts import interruptible, uninterrupted
from spec.requirements import CATALOGUE, Bound, requirement

NEEDS_SUBMITS = "it takes a client that submits its job itself (--submits)"
NEEDS_WAITS = "no client could submit such a job: without --submits"
STATUS = {RunVerdict.CONFORMS: 0, RunVerdict.DEVIATES: 1, RunVerdict.UNKNOWN: 2}
NOTHING = Share(0, (), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to run. ``words``: how the client is called. ``prefixes``: of scenarios; none: all.

    ``at_once``: so many scenarios side by side. ``most_looks``: a second, at a waiting job.
    """

    client: Client
    words: Sequence[str]
    submits: bool = False
    prefixes: Sequence[str] = ()
    length: int = LENGTH
    at_once: int = 4
    most_looks: float = MOST_LOOKS
    patience: Patience = field(default_factory=Patience)
    ledger: ledgers.Ledger = field(default_factory=ledgers.Ledger)

    def chosen(self) -> list[Scenario]:
        """The scenarios. Raises `BadArgument` for a prefix that none has."""
        every = scenarios(self.length)
        for prefix in self.prefixes:
            if not any(one.id.startswith(prefix) for one in every):
                raise BadArgument(
                    f"no scenario begins with {prefix!r}: see 'orthanc-jobs client --list'"
                )
        return [
            one for one in every if not self.prefixes or one.id.startswith(tuple(self.prefixes))
        ]


def run(wish: Wish, emit: Emit) -> int:
    """Run the client in each scenario; the exit status. Raises `KitError`, after `Ended`."""
    chosen, results, calls = wish.chosen(), list[Result](), [0]
    began, interrupted, error = time.perf_counter(), False, None
    _tell(emit, _started(wish, len(chosen)))
    try:
        with interruptible():
            for played, result in _results(wish, chosen, emit):
                results.append(result)
                calls[0] += 0 if played is None else played.run.watch.calls
                _tell(emit, CaseEnds(result, 0))
    except Interrupted:
        interrupted = True
    except KitError as failed:
        error = failed
        _tell(emit, Failed(str(failed)))
    stale = wish.ledger.stale(results)
    came_to = verdict.of_run(
        [one.verdict for one in results],
        stale=stale,
        lacks=False,
        cut_short=interrupted or error is not None,
    )
    spent = Statistics(requests=calls[0], seconds=time.perf_counter() - began)
    _tell(
        emit,
        Ended(
            came_to,
            interrupted,
            Coverage(NOTHING, NOTHING, _share(results, wish.submits)),
            wish.ledger.used(results),
            stale,
            Cleanup(),
            spent,
            _why(came_to, results),
        ),
    )
    if error is not None:
        raise error
    return STATUS[came_to]


def _tell(emit: Emit, event: Event) -> None:
    with uninterrupted():
        emit(event)


def _started(wish: Wish, cases: int) -> Started:
    again = (*(["--submits"] if wish.submits else []), "--", *wish.words)
    target = Target(shlex.join(wish.words), "", CLIENT, again)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    whole = not wish.prefixes
    return Started(target, 0, now, cases, wish.ledger.file, mode=CLIENT, whole=whole)


def _results(
    wish: Wish, chosen: Sequence[Scenario], emit: Emit
) -> Iterator[tuple[Played | None, Result]]:
    """The results, in the order of the scenarios; several are played side by side."""
    pool = ThreadPoolExecutor(wish.at_once)
    try:
        under_way = [(one, pool.submit(_judged, wish, one)) for one in chosen]
        for scenario, future in under_way:
            _tell(emit, CaseBegins(scenario.id))
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _judged(wish: Wish, scenario: Scenario) -> tuple[Played | None, Result]:
    """Play a scenario, and judge what was seen."""
    began = time.perf_counter()
    result = _undecided(scenario, Verdict.SKIPPED, _left_out(wish, scenario))
    if result.reason is not None:
        return None, result
    try:
        played = play(scenario, wish.client, wish.submits, wish.patience)
    except Unjudged as reason:
        return None, _undecided(scenario, Verdict.UNKNOWN, str(reason))
    found = fault(played.run, wish.most_looks, wish.submits)
    if found is None:
        result = _undecided(scenario, Verdict.PASS, asked(played.run.watch))
    else:
        result = _deviation(wish, scenario, played, found)
    return played, replace(result, seconds=time.perf_counter() - began)


def _left_out(wish: Wish, scenario: Scenario) -> str | None:
    """Why a scenario is none for such a client, or None."""
    if scenario.submits and not wish.submits:
        return NEEDS_SUBMITS
    return NEEDS_WAITS if wish.submits and scenario.made else None


def _undecided(scenario: Scenario, verdict: Verdict, reason: str | None) -> Result:
    stands = requirement(scenario.requirement)
    return Result(scenario.id, stands.id, stands.ground, verdict, reason=reason)


def _deviation(wish: Wish, scenario: Scenario, played: Played, found: Fault) -> Result:
    kept = wish.ledger.keeps(scenario.id, found.requirement, found.actual)
    told = asked(played.run.watch) + (f"; it said: {played.said}" if played.said else "")
    return Result(
        scenario.id,
        found.requirement,
        requirement(found.requirement).ground,
        Verdict.DEVIATION if kept is None else Verdict.ACCEPTED,
        (found.expected,),
        found.actual,
        reason=told if kept is None else kept.reason,
        program=(f"about: {scenario.about}", *played.lines),
        kept=() if kept is None else (str(kept),),
    )


def _share(results: Iterable[Result], submits: bool) -> Share:
    """The requirements that bind clients, and which of them were judged."""
    bound = [id for id, one in CATALOGUE.items() if one.binds is Bound.CLIENT]
    about = {one.requirement for one in scenarios() if one.submits is False or submits}
    judged = {
        one.requirement
        for one in results
        if one.verdict in (Verdict.PASS, Verdict.DEVIATION, Verdict.ACCEPTED)
    }
    closed = [id for id in bound if id not in about]
    return Share(
        len(bound),
        tuple(id for id in bound if id in judged),
        tuple(id for id in bound if id in about and id not in judged),
        tuple((id, NEEDS_SUBMITS) for id in closed if id not in judged),
    )


def _why(came_to: RunVerdict, results: Sequence[Result]) -> str | None:
    """Why the verdict is unknown, if it is."""
    if came_to is not RunVerdict.UNKNOWN:
        return None
    open_ = [one for one in results if one.verdict is Verdict.UNKNOWN]
    return open_[0].reason if open_ else "no scenario was judged"
