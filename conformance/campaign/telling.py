"""How a verdict becomes a result: with its replay file, where it is a deviation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from conformance.campaign import verdict
from conformance.campaign.book import Book
from conformance.campaign.ledger import Kept
from conformance.campaign.replay import Recording, record
from conformance.campaign.verdict import Judgement, Weighed
from conformance.errors import CannotWrite
from conformance.events import Result, Verdict
from conformance.oracle.oracle import Finding
from conformance.search.executor import Found, Performed
from conformance.session.session import Session
from conformance.suites.case import Case, Check, Script
from conformance.text import fit
from spec.requirements import requirement


def undecided(case: Case, verdict: Verdict, reason: str | None = None) -> Result:
    """A result that stands on no finding: a pass, or why there is none."""
    return Result(case.id, case.requirement, case.stands_for.ground, verdict, reason=reason)


@dataclass(frozen=True)
class Teller:
    """Makes results of cases on one open server. ``folder``: of the replay files, or None.

    ``part``: of its case, where others run other parts of it.
    """

    session: Session
    book: Book
    folder: Path | None
    part: int | None = None

    def enter(self, result: Result) -> None:
        """Put a result into the book."""
        self.book.enter(result, self.session.resources.actions)

    def result(self, case: Case, judged: Judgement) -> Result:
        """The verdict on what one run of a case came to."""
        kept = {one: entry for one in judged.findings if (entry := self._kept(case, one))}
        rest = tuple(one for one in judged.findings if one not in kept)
        weighed = verdict.weigh(replace(judged, findings=rest), self.book.ledger.accepted)
        if weighed.verdict is Verdict.PASS and kept:
            finding, entry = next(iter(kept.items()))
            weighed = Weighed(Verdict.ACCEPTED, finding, reason=entry.reason)
        if weighed.finding is None:
            return undecided(case, weighed.verdict, weighed.reason)
        more = () if judged.died is not None else (judged.lines, judged.before)
        result = self._deviation(case, weighed, judged.performed, *more)
        return replace(result, kept=tuple(sorted(map(str, kept.values()))))

    def _kept(self, case: Case, finding: Finding) -> Kept | None:
        """The entry of the ledger that accepts what nothing explains, if there is one."""
        if finding.relaxations is not None:
            return None
        told: Finding = fit(finding, self.session.client.address.secrets)
        return self.book.ledger.keeps(case.id, told.requirement, told.actual)

    def found(self, case: Case, found: Found, of: Case | None = None) -> Result:
        """A finding by itself, as that of a search. ``of``: the case that it is a part of."""
        return self.finding(case, found.finding, found.steps, of)

    def finding(
        self, case: Case, finding: Finding, performed: Performed, of: Case | None = None
    ) -> Result:
        """The verdict on one finding, and on nothing else of its case."""
        named = finding.relaxations or frozenset()
        entry = self._kept(of or case, finding)
        if entry is not None:
            weighed = Weighed(Verdict.ACCEPTED, finding, reason=entry.reason)
            return replace(self._deviation(case, weighed, performed), kept=(str(entry),))
        weighed = verdict.weigh_one(finding, named, self.book.ledger.accepted)
        return self._deviation(case, weighed, performed)

    def _deviation(
        self,
        case: Case,
        weighed: Weighed,
        performed: Performed,
        lines: tuple[str, ...] = (),
        before: Sequence[str] = (),
    ) -> Result:
        session = self.session
        secrets = session.client.address.secrets  # which a server may have told us again
        finding: Finding | None = fit(weighed.finding, secrets)
        assert finding is not None
        recording = record(
            case=case.id,
            config=session.config or self._url_config(),
            steps=[(step, fit(expected, secrets)) for step, expected in performed],
            finding=finding,
            relaxations=weighed.relaxations,
            server=f"{session.target.name} {session.target.version}",
            repeat=case.repeat if isinstance(case, Script | Check) else 1,
            check=fit(lines, secrets) if isinstance(case, Check) else None,
            before=before if session.server is not None else (),
        )
        accepted = weighed.verdict is Verdict.ACCEPTED and weighed.relaxations
        return Result(
            case.id,
            finding.requirement,
            requirement(finding.requirement).ground,
            weighed.verdict,
            finding.expected,
            finding.actual,
            weighed.relaxations,
            reason=self.book.ledger.why(weighed.relaxations) if accepted else weighed.reason,
            replay=self._written(recording),
            program=recording.program,
            talk=finding.talk,
        )

    def _written(self, recording: Recording) -> str | None:
        """The path of its replay file, if there is anything to run again and it can be written."""
        if self.folder is None or not recording.program:
            return None
        try:
            return str(recording.write(self.folder, self.part))
        except CannotWrite as error:
            self.book.warn(str(error))
            return None

    def _url_config(self) -> Mapping[str, Any]:
        profile = self.session.profile
        return {"ConcurrentJobs": profile.workers, "JobsHistorySize": profile.history}
