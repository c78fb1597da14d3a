"""How a comparison of two runs is told: in lines, in Markdown, in JSON, and as JUnit XML.

Changes that tell the same are one line, however many cases show them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import Any

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from conformance.events import Verdict
from conformance.reports import story
from conformance.reports.comparing import (
    DEVIATES,
    SCHEMA,
    UNKNOWN,
    CaseOf,
    Change,
    Comparison,
)
from conformance.reports.junit import NAME, RUN, case_of, outcome
from conformance.reports.markdown import code
from conformance.text import counted
from spec.requirements import CATALOGUE

SHOWN = 12  # names in one line; the JSON has all of them
VERBS = {"pass": "passed", "deviation": "deviated", "accepted": "accepted deviation"}


def lines(found: Comparison) -> Iterator[str]:
    """The comparison for a terminal; the summary is the last line."""
    for title, about in (("old", found.before), ("new", found.after)):
        yield (
            f"{title}  {about['server']}: {about['verdict']}, ledger"
            f" {about['ledger']}, kit {about['kit']}"
        )
    if found.modes is not None:
        yield f"warning: {warning(found.modes)}"
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
            yield f"  also in     {_short(others)}"
        yield from (f"  {line}" for line in story.lines(case.commands))
    yield ""
    for change, others in _groups(found.gone):
        yield f"gone     {_known(change.case)}: {_short([change.case.id, *others])}"
    for what, ids in _changes(found.changed):
        yield f"changed  {what}: {_short(ids)}"
    for name, names in _lists(found):
        yield f"{name}: {_short(names)}"
    yield summary(found)


def warning(modes: tuple[str, str]) -> str:
    """What is to be known of runs that were made in two modes."""
    before, after = modes
    return (
        f"the old run is {before}, the new one {after}: what only one of them could run is not"
        " compared; make both in the same mode"
    )


def _groups(changes: Iterable[Change]) -> Iterator[tuple[Change, list[str]]]:
    """The first case of each deviation, with the ids of the others that show the same."""
    groups: dict[Any, list[Change]] = {}
    for change in changes:
        groups.setdefault(change.case.deviation, []).append(change)
    for first, *others in groups.values():
        yield first, [one.case.id for one in others]


def _changes(changes: Iterable[Change]) -> Iterator[tuple[str, list[str]]]:
    """What became of the verdicts of cases, and their ids: one for each two verdicts."""
    groups: dict[tuple[str, str], list[Change]] = {}
    for one in changes:
        groups.setdefault((one.before, one.after), []).append(one)
    for (before, after), members in groups.items():
        given = [one.case.reason for one in members if one.case.reason]
        reasons = {one: given.count(one) for one in dict.fromkeys(given)}
        why = "; ".join(f"{n} of them: {one}" for one, n in _most(reasons))
        yield (
            f"{counted(len(members), 'case')} {VERBS.get(before, before)}, now"
            f" {VERBS.get(after, after)}{f' ({why})' if why else ''}",
            [one.case.id for one in members],
        )


def _most(reasons: dict[str, int]) -> list[tuple[str, int]]:
    """The most frequent reasons; few enough for a line."""
    return sorted(reasons.items(), key=lambda item: -item[1])[:4]


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
        word = "judged" if section == "requirements" else "covered"
        named.append((f"{section} newly {word}", found.gained[section]))
        named.append((f"{section} no longer {word}", found.lost[section]))
    return ((f"{name} ({len(ids)})", ids) for name, ids in named if ids)


def _short(ids: Iterable[str]) -> str:
    names = list(ids)
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def summary(found: Comparison) -> str:
    """The last line. Deviations that are one, and changes that are alike, count once."""
    new, gone, changed = (
        len(list(group))
        for group in (_groups(found.new), _groups(found.gone), _changes(found.changed))
    )
    told = counted(new, "new deviation")
    if len(found.new) > new:
        told += f" (in {counted(len(found.new), 'case')})"
    told += f", {gone} gone, {counted(changed, 'other verdict change')}"
    return f"{_verdict(found)}: {told}"


def _verdict(found: Comparison) -> str:
    return "not worse as far as it was judged" if found.gate == UNKNOWN else found.gate


@dataclass(frozen=True, slots=True)
class Told:
    """A change, or several that tell the same: ``kind`` of change, in ``words``, and the cases.

    ``new``: it is a new deviation, which is what makes a run worse.
    """

    kind: str
    words: str
    ids: tuple[str, ...]
    new: bool = False


def told(found: Comparison) -> Iterator[Told]:
    """All that changed, what is worse first."""
    for change, others in _groups(found.new):
        case = change.case
        words = f"{_was(change)}; {', '.join(case.relaxations) or case.requirement}"
        yield Told("new deviation", words, (case.id, *others), new=True)
    for change, others in _groups(found.gone):
        yield Told("gone", _known(change.case), (change.case.id, *others))
    for what, ids in _changes(found.changed):
        yield Told("changed", what, tuple(ids))
    for name, names in _lists(found):
        yield Told("", name, names)


def to_json(found: Comparison) -> str:
    """The comparison for another program. ``gate``: what a gate says of it."""
    told: dict[str, Any] = {
        "schema": SCHEMA,
        "worse": found.worse,
        "gate": found.gate,
        "before": dict(found.before),
        "after": dict(found.after),
    }
    for name, changes in (("new", found.new), ("gone", found.gone), ("changed", found.changed)):
        told[name] = [
            {**asdict(one.case), "before": one.before, "after": one.after} for one in changes
        ]
        for one in told[name]:
            del one["verdict"]
            one["commands"] = dict(one["commands"])
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
    if found.modes is not None:
        told.append(f"\n**Warning:** {code(warning(found.modes))}")
    for change, others in _groups(found.new):
        case = change.case
        told += [
            f"\n### New deviation: {code(case.id)}\n",
            f"> {_sentence(case)}\n",
            f"- {_was(change)}; requirement {code(case.requirement)}",
            f"- expected {code(' | '.join(case.expected))}",
            f"- actual {code(case.actual or '')}",
            *([f"- known as {code(', '.join(case.relaxations))}"] if case.relaxations else []),
            *([f"- also in {code(_short(others))}"] if others else []),
            *(f"- {name} {code(line)}" for name, line in case.commands),
        ]
    told.append("")
    told += [
        f"- gone: {code(_known(one.case))}: {code(_short([one.case.id, *others]))}"
        for one, others in _groups(found.gone)
    ]
    told += [
        f"- changed: {code(what)}: {code(_short(ids))}" for what, ids in _changes(found.changed)
    ]
    told += [f"- {name}: {code(_short(ids))}" for name, ids in _lists(found)]
    return "\n".join(told) + "\n"


def junit(found: Comparison) -> str:
    """The new run as JUnit XML that fails in what is worse, and only in that.

    It is green when, and only when, the gate is: where the new run was not judged, that is an
    error, whatever its cases came to.
    """
    root, suites = JUnitXml(NAME), dict[str, list[TestCase]]()
    new = {change.case.id: change for change in found.new}
    for case in found.cases:
        section = case.id.partition("/")[0]
        suites.setdefault(section, []).append(_test_case(section, case, new.get(case.id)))
    if found.gate == UNKNOWN:
        made = case_of(RUN, f"{RUN}/verdict")
        made.result = [outcome(Error, summary(found), "unknown", summary(found))]
        suites[RUN] = [made]
    for section, cases in suites.items():
        suite = TestSuite(section)
        suite.add_property("server", found.after["server"])
        suite.add_property("baseline", found.before["server"])
        suite.add_testcases(cases)
        root.add_testsuite(suite)
    root.update_statistics()  # type: ignore[no-untyped-call]
    text = BytesIO()
    root.write(text)
    return text.getvalue().decode("utf-8")


def _details(case: CaseOf) -> Iterator[tuple[str, str]]:
    """What a person needs to understand a failure, and to see it again."""
    yield from (("run", f"{at:2}. {line}") for at, line in enumerate(case.program, 1))
    yield "expected", " | ".join(case.expected)
    yield "actual", case.actual or ""
    if known := CATALOGUE.get(case.requirement):
        yield "requirement", f"{known.id} ({known.ground}): {known.sentence}"
        yield "source", known.source
        if known.url is not None:
            yield "source", known.url
    else:
        yield "requirement", case.requirement
    yield "known as", ", ".join(case.relaxations) or story.UNEXPLAINED
    yield from case.commands


def _test_case(section: str, case: CaseOf, change: Change | None) -> TestCase:
    made = case_of(section, case.id, case.seconds)
    told = "\n".join(story.lines(_details(case)))
    if change is not None:
        message = f"new: {_was(change)}; {case.requirement}: {case.actual}"
        made.result = [outcome(Failure, message, "new deviation", told)]
    elif case.verdict in (Verdict.SKIPPED, Verdict.UNKNOWN):
        made.result = [Skipped(f"{case.verdict}: {case.reason or ''}")]
    elif case.verdict in DEVIATES:
        made.system_out = f"known from the old run, or accepted\n{told}"
    return made
