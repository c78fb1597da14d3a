"""`orthanc-jobs compare`: what changed between two runs, from their JSON reports.

What is *worse* is a new deviation, and nothing else. A case that deviates in the new run is new

- where it passed in the old run;
- where it deviated there in another way: by other relaxations, or, where none explain it, in
  another requirement;
- where the old run has no verdict on it, unless the old run has this very deviation elsewhere, or
  was made in another mode and could not run the case: then nothing is known of what was before.

What a case shows by chance - clients that act at the same moment, the random search - is compared
by kind and not by case. There a deviation is new where a relaxation that it needs was neither
shown by any case of the old run nor accepted by its ledger; or, where none explain it, where
neither the same case nor the same requirement deviated so before. That such a case passed, or
deviated in what is known, is luck, and no change.

A deviation that a ledger accepts is known: in the old run it makes the same deviation of the new
run no news, and in the new run it is none. Everything else is told and changes nothing: what is
gone, other changes of a verdict, cases and coverage that only one run has, and other versions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.errors import BadArgument
from conformance.events import RunVerdict, Verdict
from conformance.files import read_json
from conformance.reports.coloring import SECTIONS
from conformance.reports.story import fault_words
from conformance.suites import by_chance, suites
from conformance.sut.profile import Profile
from conformance.text import shown

SCHEMA = 1
DEVIATES = (Verdict.DEVIATION, Verdict.ACCEPTED)
JUDGED = (Verdict.PASS, *DEVIATES)
NOT_RUN = "not run"
WORSE, NOT_WORSE, UNKNOWN = "worse", "not worse", "unknown"  # what a gate says


@dataclass(frozen=True, slots=True)
class CaseOf:
    """A case of one run. ``program``: what was done; ``commands``: name and line of what shows a
    deviation again, where the report has them.
    """

    id: str
    requirement: str
    verdict: Verdict
    expected: tuple[str, ...]
    actual: str | None
    relaxations: tuple[str, ...]
    reason: str | None
    replay: str | None
    program: tuple[str, ...] = ()
    seconds: float = 0.0
    commands: tuple[tuple[str, str], ...] = ()

    @property
    def deviation(self) -> tuple[str, ...] | None:
        """By what its deviation is known again; None where it does not deviate."""
        if self.verdict not in DEVIATES:
            return None
        return self.relaxations or (self.requirement,)


@dataclass(frozen=True, slots=True)
class Report:
    """What a JSON report says. ``about``: server, kit, ledger, mode and verdict, in words.

    ``accepts``: the relaxations that its ledger takes for granted where a case goes by chance.
    ``judged``: the run came to its end, and to a verdict.
    """

    about: Mapping[str, str]
    cases: Mapping[str, CaseOf]
    covered: Mapping[str, frozenset[str]]
    accepts: frozenset[str] = frozenset()
    judged: bool = True


@dataclass(frozen=True, slots=True)
class Change:
    """A case that changed, as it is in the new run, or in the old one where it is gone."""

    case: CaseOf
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """``gained`` and ``lost``: ids by cells, edges and requirements. ``cases``: of the new run.

    ``judged``: the new run came to its end, and to a verdict.
    """

    before: Mapping[str, str]
    after: Mapping[str, str]
    new: tuple[Change, ...]
    gone: tuple[Change, ...]
    changed: tuple[Change, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    gained: Mapping[str, tuple[str, ...]]
    lost: Mapping[str, tuple[str, ...]]
    cases: tuple[CaseOf, ...] = ()
    judged: bool = True

    @property
    def worse(self) -> bool:
        return bool(self.new)

    @property
    def modes(self) -> tuple[str, str] | None:
        """Those of the old and the new run, where they are known and not the same."""
        return _modes(self.before, self.after)

    @property
    def gate(self) -> str:
        """What a gate says of it. Unknown: nothing is worse, as far as the new run was judged."""
        if self.worse:
            return WORSE
        return NOT_WORSE if self.judged else UNKNOWN


def load(path: Path) -> Report:
    """The report in a file. Raises `BadArgument` for what is no report of a run."""
    found = read_json(path, "the report")
    try:
        if found["schema"] != SCHEMA:
            raise BadArgument(f"the report {path} has schema {found['schema']!r}, not {SCHEMA}")
        target, ledger = found["target"], found["ledger"]
        cases = [_case(one) for one in found["cases"]]
        if not any(case.verdict in JUDGED for case in cases):
            raise BadArgument(
                f"the run of {path} came to no verdict on any case: nothing to compare"
            )
        cut_short = found["interrupted"] or found.get("failed") is not None
        return Report(
            {
                "server": shown(_server(target, found.get("options", ()))),
                "kit": shown(str(found["kit"])),
                "ledger": shown(_ledger(ledger)),
                "mode": shown(str(found.get("mode", UNKNOWN))),
                "verdict": shown(str(found["verdict"])) + (" (cut short)" * cut_short),
            },
            {case.id: case for case in cases},
            {**_covered(found["coverage"]), "requirements": _requirements(cases)},
            frozenset(str(one) for one in ledger.get("accepts", ledger["used"])),
            judged=not cut_short and found["verdict"] != RunVerdict.UNKNOWN,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BadArgument(f"{path} is not a JSON report of a run") from None


def _server(target: Mapping[str, Any], options: Sequence[Any]) -> str:
    return f"{target['name']} {target['version']}".strip() + fault_words([*map(str, options)])


def _ledger(found: Mapping[str, Any]) -> str:
    stale = found["stale"]
    return str(found["file"] or "none") + (f" (stale: {', '.join(stale)})" if stale else "")


def _case(found: Mapping[str, Any]) -> CaseOf:
    return CaseOf(
        shown(str(found["id"])),
        shown(str(found["requirement"])),
        Verdict(found["verdict"]),
        tuple(shown(str(one)) for one in found["expected"]),
        _text(found["actual"]),
        tuple(sorted(shown(str(one)) for one in found["relaxations"])),
        _text(found["reason"]),
        _text(found["replay"]),
        tuple(shown(str(one)) for one in found.get("program", ())),
        float(found.get("seconds", 0.0)),
        tuple((shown(str(name)), shown(str(line))) for name, line in _commands(found).items()),
    )


def _commands(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """What shows a deviation again; a report of an older kit names only the replay file."""
    commands: Mapping[str, Any] = found.get("commands", {"replay": found["replay"] or "none"})
    return commands


def _text(found: Any) -> str | None:
    return None if found is None else shown(str(found))


def _covered(found: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """The cells and edges that a run has seen: a report names those that it has not."""
    covered = {}
    for section, (prefix, ids) in SECTIONS.items():
        share = found[section]
        open_ = {*share["missing"], *(one["id"] for one in share["unreachable"])}
        names = {id.removeprefix(prefix) for id in ids} if share["total"] else set()
        covered[section] = frozenset(names - open_)
    return covered


def _requirements(cases: Iterable[CaseOf]) -> frozenset[str]:
    """The requirements on which a run has a verdict. A deviation names the one that it breaks."""
    meant = {case.id: case.requirement for case in suites(Profile())}
    judged = [case for case in cases if case.verdict in JUDGED]
    return frozenset(
        meant.get(case.id, case.requirement)
        for case in judged
        if case.id in meant or not by_chance(case.id)  # what a search finds besides is luck
    )


def compare(before: Report, after: Report) -> Comparison:
    """What changed from ``before`` to ``after``."""
    known, alike = _Known.of(before), _modes(before.about, after.about) is None
    new, gone, changed = [], [], []
    for id in dict.fromkeys([*before.cases, *after.cases]):
        was, now = before.cases.get(id), after.cases.get(id)
        one = now or was
        assert one is not None
        change = Change(
            one, NOT_RUN if was is None else was.verdict, NOT_RUN if now is None else now.verdict
        )
        could_run = was is not None and was.verdict is not Verdict.SKIPPED
        if now is not None and (alike or could_run) and known.is_new(was, now):
            new.append(change)
        elif was is None or now is None or _by_luck(was, now):
            continue
        elif was.verdict in DEVIATES and now.verdict is Verdict.PASS:
            gone.append(Change(was, change.before, change.after))
        elif was.verdict is not now.verdict:
            changed.append(change)
    return Comparison(
        before=before.about,
        after=after.about,
        new=tuple(new),
        gone=tuple(gone),
        changed=tuple(changed),
        only_before=_only(before, after),
        only_after=_only(after, before),
        gained={n: tuple(sorted(after.covered[n] - ids)) for n, ids in before.covered.items()},
        lost={n: tuple(sorted(ids - after.covered[n])) for n, ids in before.covered.items()},
        cases=tuple(after.cases.values()),
        judged=after.judged,
    )


def _modes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, str] | None:
    modes = before["mode"], after["mode"]
    return None if UNKNOWN in modes or modes[0] == modes[1] else modes


@dataclass(frozen=True, slots=True)
class _Known:
    """The deviations of an old run: as they were, and what of them may come again by chance."""

    deviations: frozenset[tuple[str, ...] | None]
    relaxations: frozenset[str]
    unexplained: frozenset[str]  # the requirements

    @classmethod
    def of(cls, report: Report) -> _Known:
        found = [case for case in report.cases.values() if case.verdict in DEVIATES]
        shown = {name for case in found for name in case.relaxations}
        return cls(
            frozenset(case.deviation for case in found),
            frozenset(shown | report.accepts),
            frozenset(case.requirement for case in found if not case.relaxations),
        )

    def is_new(self, was: CaseOf | None, now: CaseOf) -> bool:
        if now.verdict is not Verdict.DEVIATION:
            return False
        if by_chance(now.id):
            return self._is_new_by_chance(was, now)
        if was is None or was.verdict not in JUDGED:
            return now.deviation not in self.deviations
        return was.deviation != now.deviation

    def _is_new_by_chance(self, was: CaseOf | None, now: CaseOf) -> bool:
        if now.relaxations:
            return not self.relaxations.issuperset(now.relaxations)
        before = was is not None and was.verdict in DEVIATES and not was.relaxations
        return not before and now.requirement not in self.unexplained


def _by_luck(was: CaseOf, now: CaseOf) -> bool:
    """Whether both verdicts of a case are what chance made of them."""
    return by_chance(now.id) and {was.verdict, now.verdict} <= {*JUDGED}


def _only(one: Report, other: Report) -> tuple[str, ...]:
    """The cases of one run that the other has not; what a search finds besides is luck."""
    return tuple(id for id in one.cases if id not in other.cases and not by_chance(id))
