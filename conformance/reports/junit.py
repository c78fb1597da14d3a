"""JUnit XML, as CI servers read it: a suite for each section, a test case for each case.

A file without a failure and an error is a run that ended with exit status 0, and none other. So
what goes wrong outside of the cases - a stale ledger entry, an interrupt, a server that went away -
is a test case as well, in a suite called `run`.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite
from junitparser.junitparser import FinalResult

from conformance.events import Ended, Result, Verdict
from conformance.reports.file_report import FileReport
from conformance.reports.story import UNEXPLAINED, Group, ledger, lines, stale_words

NAME = "orthanc-jobs"
RUN = "run"


class JUnitReport(FileReport):
    def _text(self, ended: Ended) -> str:
        suites: dict[str, list[TestCase]] = {}
        for result in self._story.results.values():
            section = result.id.partition("/")[0]
            suites.setdefault(section, []).append(self._case(section, result))
        if around := list(self._around(ended)):
            suites[RUN] = around
        root = JUnitXml(NAME)
        for section, cases in suites.items():
            suite = TestSuite(section)
            if self._story.started is not None:
                suite.timestamp = self._story.started.started.partition("+")[0]
                suite.add_property("server", self._story.server)
                suite.add_property("ledger", ledger(self._story.started))
                suite.add_property("seed", str(self._story.started.seed))
            suite.add_testcases(cases)  # after the properties: so the schemas want it
            root.add_testsuite(suite)
        root.update_statistics()  # type: ignore[no-untyped-call]
        text = BytesIO()
        root.write(text)
        return text.getvalue().decode("utf-8")

    def _case(self, section: str, result: Result) -> TestCase:
        made = case_of(section, result.id, result.seconds)
        reason = result.reason or ""
        match result.verdict:
            case Verdict.DEVIATION:
                kind = "+".join(result.relaxations) or "deviation"
                text = self._failure(result)
                made.result = [outcome(Failure, _short(result), kind, text)]
            case Verdict.UNKNOWN:
                made.result = [outcome(Error, reason, "unknown", reason)]
            case Verdict.SKIPPED:
                made.result = [Skipped(reason)]
            case Verdict.ACCEPTED:
                names = Group((result,), result.relaxations).title
                made.system_out = (
                    f"accepted by the ledger as {names}: {result.reason}\n{self._failure(result)}"
                )
        if result.bound is not None and result.verdict is Verdict.PASS:
            made.system_out = f"{result.bound}\ntaken for granted: {result.bound.assumption}"
        return made

    def _failure(self, result: Result) -> str:
        """What a person needs to understand it and to see it again."""
        return "\n".join(lines(self._story.details(Group((result,), result.relaxations))))

    def _around(self, ended: Ended) -> Iterator[TestCase]:
        """What kept the run from its end, or from a good one, as cases of their own."""
        for name in ended.stale:
            made = case_of(RUN, f"{RUN}/ledger/{name}")
            made.result = [outcome(Failure, stale_words(name), "stale", stale_words(name))]
            yield made
        troubles = {
            "interrupted": "the run was interrupted" if ended.interrupted else None,
            "failed": self._story.failed,
            "coverage": self._uncovered(ended),
        }
        for name, why in troubles.items():
            if why is not None:
                made = case_of(RUN, f"{RUN}/{name}")
                made.result = [outcome(Error, why, name, why)]
                yield made

    def _uncovered(self, ended: Ended) -> str | None:
        """What is missing, where nothing else is to blame for a verdict that is unknown."""
        blamed = ended.interrupted or self._story.failed or self._story.unknown
        return None if ended.verdict != "unknown" or blamed else ended.why or "nothing was judged"


def case_of(section: str, id: str, seconds: float = 0.0) -> TestCase:
    """A test case of a section, as yet without a failure."""
    return TestCase(id, f"{NAME}.{section}", round(seconds, 3))


def outcome(kind: type[FinalResult], message: str, type_: str, text: str) -> FinalResult:
    """What became of a test case, with a text that explains it."""
    made = kind(message, type_)
    made.text = text
    return made


def _short(result: Result) -> str:
    known = ", ".join(result.relaxations) or UNEXPLAINED
    return f"{result.requirement}: {result.actual} ({known})"
