"""`orthanc-jobs compare`: what changed between two runs, from their JSON reports.

What is *worse* is a new deviation, and nothing else. A case that deviates in the new run is new

- where it passed in the old run;
- where it deviated there in another way: by other relaxations, or, where none explain it, in
  another requirement;
- where the old run has no verdict on it, unless the old run has this very deviation elsewhere.

A deviation that a ledger accepts is known: in the old run it makes the same deviation of the new
run no news, and in the new run it is none. Everything else is told and changes nothing: what is
gone, other changes of a verdict, cases and coverage that only one run has, and other versions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from conformance.errors import BadArgument
from conformance.events import Verdict
from conformance.files import read_json
from conformance.reports.coloring import SECTIONS
from conformance.reports.markdown import code
from conformance.suites import suites
from conformance.sut.profile import Profile
from conformance.text import shown
from spec.requirements import CATALOGUE

SCHEMA = 1
DEVIATES = (Verdict.DEVIATION, Verdict.ACCEPTED)
JUDGED = (Verdict.PASS, *DEVIATES)
NOT_RUN = "not run"
SHOWN = 12  # names in one line; the JSON has all of them


@dataclass(frozen=True, slots=True)
class CaseOf:
    """A case of one run."""

    id: str
    requirement: str
    verdict: Verdict
    expected: tuple[str, ...]
    actual: str | None
    relaxations: tuple[str, ...]
    reason: str | None
    replay: str | None

    @property
    def deviation(self) -> tuple[str, ...] | None:
        """By what its deviation is known again; None where it does not deviate."""
        if self.verdict not in DEVIATES:
            return None
        return self.relaxations or (self.requirement,)


@dataclass(frozen=True, slots=True)
class Report:
    """What a JSON report says. ``about``: server, kit, ledger and verdict, in words."""

    about: Mapping[str, str]
    cases: Mapping[str, CaseOf]
    covered: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Change:
    """A case that changed, as it is in the new run, or in the old one where it is gone."""

    case: CaseOf
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """``gained`` and ``lost``: ids by cells, edges and requirements."""

    before: Mapping[str, str]
    after: Mapping[str, str]
    new: tuple[Change, ...]
    gone: tuple[Change, ...]
    changed: tuple[Change, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    gained: Mapping[str, tuple[str, ...]]
    lost: Mapping[str, tuple[str, ...]]

    @property
    def worse(self) -> bool:
        return bool(self.new)


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
                "server": shown(f"{target['name']} {target['version']}".strip()),
                "kit": shown(str(found["kit"])),
                "ledger": shown(_ledger(ledger)),
                "verdict": shown(str(found["verdict"])) + (" (cut short)" * cut_short),
            },
            {case.id: case for case in cases},
            {**_covered(found["coverage"]), "requirements": _requirements(cases)},
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BadArgument(f"{path} is not a JSON report of a run") from None


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
    )


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
    return frozenset(meant.get(case.id, case.requirement) for case in judged)


def compare(before: Report, after: Report) -> Comparison:
    """What changed from ``before`` to ``after``."""
    known = {case.deviation for case in before.cases.values()}
    new, gone, changed = [], [], []
    for id in dict.fromkeys([*before.cases, *after.cases]):
        was, now = before.cases.get(id), after.cases.get(id)
        one = now or was
        assert one is not None
        change = Change(
            one, NOT_RUN if was is None else was.verdict, NOT_RUN if now is None else now.verdict
        )
        if now is not None and _is_new(was, now, known):
            new.append(change)
        elif was is not None and was.verdict in DEVIATES and now is not None and _passes(now):
            gone.append(Change(was, change.before, change.after))
        elif was is not None and now is not None and was.verdict is not now.verdict:
            changed.append(change)
    return Comparison(
        before.about,
        after.about,
        tuple(new),
        tuple(gone),
        tuple(changed),
        tuple(id for id in before.cases if id not in after.cases),
        tuple(id for id in after.cases if id not in before.cases),
        {name: tuple(sorted(after.covered[name] - ids)) for name, ids in before.covered.items()},
        {name: tuple(sorted(ids - after.covered[name])) for name, ids in before.covered.items()},
    )


def _is_new(was: CaseOf | None, now: CaseOf, known: set[tuple[str, ...] | None]) -> bool:
    if now.verdict is not Verdict.DEVIATION:
        return False
    if was is None or was.verdict not in JUDGED:
        return now.deviation not in known
    return was.deviation != now.deviation


def _passes(case: CaseOf) -> bool:
    return case.verdict is Verdict.PASS


# --- how it is told -----------------------------------------------------------------------------


def lines(found: Comparison) -> Iterator[str]:
    """The comparison for a terminal; the summary is the last line."""
    for title, about in (("old", found.before), ("new", found.after)):
        yield (
            f"{title}  {about['server']}: {about['verdict']}, ledger"
            f" {about['ledger']}, kit {about['kit']}"
        )
    for change, others in _groups(found.new):
        case = change.case
        yield ""
        yield f"new deviation {case.id} ({_was(change)})"
        yield f"  requirement {case.requirement}: {_sentence(case)}"
        yield f"  expected    {' | '.join(case.expected)}"
        yield f"  actual      {case.actual or ''}"
        if case.relaxations:
            yield f"  known as    {', '.join(case.relaxations)}"
        if others:
            yield f"  also in     {', '.join(others)}"
        yield f"  replay      {case.replay or 'none'}"
    yield ""
    for change in found.gone:
        yield f"gone     {change.case.id}: {_known(change.case)}"
    for change in found.changed:
        reason = f" ({change.case.reason})" if change.case.reason else ""
        yield f"changed  {change.case.id}: {change.before}, now {change.after}{reason}"
    for name, ids in _lists(found):
        yield f"{name}: {_short(ids)}"
    yield summary(found)


def _groups(changes: Iterable[Change]) -> Iterator[tuple[Change, list[str]]]:
    """The first case of each deviation, with the ids of the others that show the same."""
    groups: dict[Any, list[Change]] = {}
    for change in changes:
        groups.setdefault(change.case.deviation, []).append(change)
    for first, *others in groups.values():
        yield first, [one.case.id for one in others]


def _was(change: Change) -> str:
    if change.before in DEVIATES:
        return "it deviated in another way"
    return "it passed" if change.before == Verdict.PASS else f"it was {change.before}"


def _known(case: CaseOf) -> str:
    return ", ".join(case.relaxations) or f"{case.requirement} is met again"


def _sentence(case: CaseOf) -> str:
    known = CATALOGUE.get(case.requirement)
    return "" if known is None else known.sentence


def _lists(found: Comparison) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What only one of the runs has, where there is any."""
    named = [("cases only in the old run", found.only_before)]
    named.append(("cases only in the new run", found.only_after))
    for section in found.gained:
        named.append((f"{section} newly covered", found.gained[section]))
        named.append((f"{section} no longer covered", found.lost[section]))
    return ((name, ids) for name, ids in named if ids)


def _short(ids: tuple[str, ...]) -> str:
    more = len(ids) - SHOWN
    return ", ".join(ids[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def summary(found: Comparison) -> str:
    return (
        f"{'worse' if found.worse else 'not worse'}: {len(found.new)} new deviations,"
        f" {len(found.gone)} gone, {len(found.changed)} other changes"
    )


def to_json(found: Comparison) -> str:
    told: dict[str, Any] = {
        "schema": SCHEMA,
        "worse": found.worse,
        "before": dict(found.before),
        "after": dict(found.after),
    }
    for name, changes in (("new", found.new), ("gone", found.gone), ("changed", found.changed)):
        told[name] = [
            {**asdict(one.case), "before": one.before, "after": one.after} for one in changes
        ]
        for one in told[name]:
            del one["verdict"]
    told["only_before"], told["only_after"] = list(found.only_before), list(found.only_after)
    told["coverage"] = {
        section: {"gained": list(found.gained[section]), "lost": list(found.lost[section])}
        for section in found.gained
    }
    return json.dumps(told, indent=2) + "\n"


def markdown(found: Comparison) -> str:
    """The comparison for the page of a CI server."""
    told = [f"## Jobs engine, {summary(found)}", "", "| | old | new |", "| --- | --- | --- |"]
    told += [
        f"| {key} | {code(found.before[key])} | {code(found.after[key])} |" for key in found.after
    ]
    for change, others in _groups(found.new):
        case = change.case
        told += [
            f"\n### New deviation: {code(case.id)}\n",
            f"> {_sentence(case)}\n",
            f"- {_was(change)}; requirement {code(case.requirement)}",
            f"- expected {code(' | '.join(case.expected))}",
            f"- actual {code(case.actual or '')}",
            *([f"- known as {code(', '.join(case.relaxations))}"] if case.relaxations else []),
            *([f"- also in {code(', '.join(others))}"] if others else []),
            f"- replay {code(case.replay or 'none')}",
        ]
    told.append("")
    told += [f"- gone: {code(one.case.id)}: {code(_known(one.case))}" for one in found.gone]
    told += [
        f"- changed: {code(one.case.id)}: {one.before}, now {one.after}" for one in found.changed
    ]
    told += [f"- {name}: {code(_short(ids))}" for name, ids in _lists(found)]
    return "\n".join(told) + "\n"
