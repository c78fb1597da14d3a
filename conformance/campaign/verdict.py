"""The verdicts: on a case from what one run of it came to, and on a run from those of its cases.

All of it is a function of what was found and of what the ledger accepts; no server is asked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass

from conformance.errors import Kind, ServerDied
from conformance.events import RunVerdict, Verdict
from conformance.oracle.oracle import Finding
from conformance.search.executor import Performed
from spec.relaxations import Name

DIED = "queue/engine"  # what a server breaks that ends by itself
TIMES = frozenset({"monitor/completion-time", "monitor/creation-time", "monitor/effective-runtime",
                   "monitor/estimated-time", "monitor/timestamp", "monitor/times-utc",
                   "persist/times"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one run of a case came to: findings, or a reason why there is no verdict.

    ``trouble``: there is none because of such an answer, which may not be the server's.
    ``full``: there is none because somebody else has the place that the case needs, be it in the
    history, or has configured the server without something that it needs. ``displaced``: because
    he took it meanwhile, and may not do so the next time.
    ``performed``: the steps up to the last finding, with what was expected of each. ``dirty``: jobs
    of it are still under way. ``lines``: what a check did, in words. ``before``: the ids of the
    cases that its server had had. ``clock_set``: the server's clock was, meanwhile.
    """

    findings: tuple[Finding, ...] = ()
    performed: Performed = ()
    unjudged: str | None = None
    died: ServerDied | None = None
    dirty: bool = False
    full: bool = False
    displaced: bool = False
    trouble: Kind | None = None
    clock_set: bool = False
    lines: tuple[str, ...] = ()
    before: tuple[str, ...] = ()

    @property
    def lost(self) -> bool:
        """Whether it came to nothing and left nothing behind, or went by a clock that was set."""
        if self.clock_set and not self.died and self.of_times:
            return True
        nothing = not (self.findings or self.died or self.dirty or self.full)
        return bool(self.unjudged) and nothing

    @property
    def of_times(self) -> bool:
        """Whether something that was found goes by the server's clock."""
        return any(finding.requirement in TIMES for finding in self.findings)

    @property
    def missing(self) -> bool:
        """Whether something did not come in time."""
        return any(finding.missing for finding in self.findings)

    @property
    def named(self) -> frozenset[Name]:
        """The relaxations that explain what was found, as far as any do."""
        return frozenset(name for one in self.findings for name in one.relaxations or ())

    def accepted(self, accepted: Set[Name]) -> bool:
        """Whether all that was found is accepted, if anything was."""
        return all(one.relaxations for one in self.findings) and self.named <= accepted


@dataclass(frozen=True, slots=True)
class Weighed:
    """A verdict, and what it stands on. ``finding``: the worst one, of a deviation.

    ``relaxations``: all that explain what was found, if any explain the worst of it.
    """

    verdict: Verdict
    finding: Finding | None = None
    relaxations: tuple[Name, ...] = ()
    reason: str | None = None


def weigh(judged: Judgement, accepted: Set[Name]) -> Weighed:
    """The verdict on a case. ``accepted``: the relaxations that the ledger accepts."""
    if judged.died is not None:
        found = Finding(DIED, ("the server goes on",), str(judged.died), None)
        log = f"the end of its log: {judged.died.log}"
        return Weighed(Verdict.DEVIATION, found, reason=log)
    unexplained = [finding for finding in judged.findings if finding.relaxations is None]
    if judged.unjudged is not None and not unexplained and judged.named <= accepted:
        verdict = Verdict.SKIPPED if judged.full else Verdict.UNKNOWN
        return Weighed(verdict, reason=judged.unjudged)
    if not judged.findings:
        return Weighed(Verdict.PASS)
    return weigh_one((unexplained or judged.findings)[0], judged.named, accepted)


def weigh_one(finding: Finding, named: Set[Name], accepted: Set[Name]) -> Weighed:
    """The verdict on one finding. ``named``: the relaxations that explain all that was found."""
    if finding.relaxations is None or not named:
        return Weighed(Verdict.DEVIATION, finding)
    verdict = Verdict.ACCEPTED if named <= accepted else Verdict.DEVIATION
    return Weighed(verdict, finding, tuple(sorted(named)))


def of_run(
    verdicts: Collection[Verdict], *, stale: Sequence[str], lacks: bool, cut_short: bool
) -> RunVerdict:
    """The verdict on a run. ``stale``: the entries of the ledger that nothing needs any more.

    ``lacks``: whether something is not covered that has to be, or too little was judged.
    ``cut_short``: whether the run did not come to its end.
    """
    if Verdict.DEVIATION in verdicts or stale:
        return RunVerdict.DEVIATES
    judged = any(verdict is not Verdict.SKIPPED for verdict in verdicts)
    if cut_short or lacks or not judged or Verdict.UNKNOWN in verdicts:
        return RunVerdict.UNKNOWN
    return RunVerdict.CONFORMS
