"""What a report for people tells, in the order of its weight. It is collected from the events."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from conformance.events import (
    CLIENT,
    GRAVITY,
    CaseEnds,
    Ended,
    Event,
    Failed,
    Left,
    Result,
    Searched,
    Share,
    Started,
    Statistics,
    Verdict,
    Warned,
)
from conformance.reports.calls import Call, call_of
from conformance.reports.script import why_none
from conformance.text import counted
from spec.relaxations import named
from spec.requirements import Requirement, requirement

STALE = "stale-ledger"  # the word for a run in which nothing is wrong but the ledger
UNEXPLAINED = "nothing in the catalogue of relaxations explains it"
WORDS = {
    Verdict.PASS: "passed",
    Verdict.DEVIATION: "deviations",
    Verdict.ACCEPTED: "accepted",
    Verdict.UNKNOWN: "unknown",
    Verdict.SKIPPED: "skipped",
}


@dataclass(frozen=True, slots=True)
class Group:
    """Results that tell the same: they break one requirement, or need the same relaxations."""

    results: tuple[Result, ...]
    names: tuple[str, ...] = ()

    @property
    def first(self) -> Result:
        return self.results[0]

    @property
    def requirement(self) -> Requirement:
        return requirement(self.first.requirement)

    @property
    def others(self) -> tuple[str, ...]:
        return tuple(result.id for result in self.results[1:])

    @property
    def title(self) -> str:
        """By what it is known: its relaxations, or what the ledger accepts as it is."""
        return " + ".join(self.names) or ", ".join(self.first.kept) or self.first.requirement

    @property
    def known_as(self) -> list[str]:
        """The relaxations, each with its sentence; or that nothing explains it."""
        known = zip(self.names, self.sentences, strict=True)
        return [f"{name}: {sentence}" for name, sentence in known] or [UNEXPLAINED]

    @property
    def sentences(self) -> list[str]:
        """What happens, by each of its relaxations."""
        return [named(name).sentence for name in self.names]


@dataclass
class Story:
    """A run as far as it has been told. ``failed``: why it could not begin, or not go on."""

    started: Started | None = None
    failed: str | None = None
    ended: Ended | None = None
    results: dict[str, Result] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    searched: Searched | None = None

    def take(self, event: Event) -> Ended | None:
        """Add an event. Returns the last one, which is when a report is written."""
        match event:
            case Started():
                self.started = event
            case CaseEnds(result):
                self.results[result.id] = result
            case Failed(reason):
                self.failed = reason
            case Searched():
                self.searched = event
            case Warned(reason):
                self.warnings.append(reason)
            case Ended():
                self.ended = event
                self.results = {one.id: one for one in sorted(self.results.values(), key=_place)}
        return self.ended

    def of(self, *verdicts: Verdict) -> list[Result]:
        return [result for result in self.results.values() if result.verdict in verdicts]

    @property
    def deviations(self) -> list[Group]:
        """What nothing explains first, a requirement each; then what relaxations explain."""
        found = self.of(Verdict.DEVIATION)
        groups: dict[str, list[Result]] = {}
        for result in found:
            if not result.relaxations:
                groups.setdefault(result.requirement, []).append(result)
        return [*(Group(tuple(group)) for group in groups.values()), *_by_relaxation(found)]

    @property
    def accepted(self) -> list[Group]:
        """What relaxations explain; then what the ledger accepts as it is, each by itself."""
        found = self.of(Verdict.ACCEPTED)
        kept = [Group((result,)) for result in found if not result.relaxations]
        return [*_by_relaxation(found), *kept]

    @property
    def bounds(self) -> list[str]:
        """What complete suites have shown, each in words, and what that takes for granted."""
        shown = {r.id: r.bound for r in self.results.values() if r.bound is not None}
        granted = sorted({bound.assumption for bound in shown.values()})
        return [
            *(f"{id} {bound}" for id, bound in shown.items()),
            *(f"that holds for a server of which this is true: {one}" for one in granted),
        ]

    @property
    def skipped(self) -> list[tuple[str, int]]:
        """Each reason for which cases were skipped, and how many."""
        reasons = [result.reason or "" for result in self.of(Verdict.SKIPPED)]
        return [(reason, reasons.count(reason)) for reason in sorted(set(reasons))]

    @property
    def unknown(self) -> list[tuple[str, list[str]]]:
        """Each reason for which there is no verdict, and the cases, in their order."""
        reasons: dict[str, list[str]] = {}
        for result in self.of(Verdict.UNKNOWN):
            reasons.setdefault(result.reason or "", []).append(result.id)
        return list(reasons.items())

    @property
    def left(self) -> list[tuple[str, str, list[str]]]:
        """What is still on the server: kind, why, and the ids."""
        left: Iterable[Left] = () if self.ended is None else self.ended.cleanup.left
        ordered = sorted(left, key=lambda one: (one.kind, one.why))
        return [
            (kind, why, [one.id for one in group])
            for (kind, why), group in groupby(ordered, key=lambda one: (one.kind, one.why))
        ]

    @property
    def counts(self) -> str:
        """The numbers of all verdicts, in words: of the cases that were announced.

        What was found in a case beside its own verdict counts with it, by the worst of them.
        """
        worst = {id: one.verdict for id, one in self.results.items() if one.part_of is None}
        for one in self.results.values():
            if one.part_of is not None:
                found = (one.verdict, worst.get(one.part_of, one.verdict))
                worst[one.part_of] = min(found, key=GRAVITY.index)
        counts = {verdict: [*worst.values()].count(verdict) for verdict in WORDS}
        return ", ".join(numbered(n, WORDS[verdict]) for verdict, n in counts.items())

    @property
    def word(self) -> str:
        """The verdict in a word; a run in which nothing deviates but the ledger has its own."""
        assert self.ended is not None
        if self.ended.stale and not self.of(Verdict.DEVIATION):
            return STALE
        return str(self.ended.verdict)

    @property
    def scope(self) -> str:
        """How much of the catalogue was judged, in which mode, and why not the rest."""
        assert self.ended is not None
        found = self.ended.coverage.requirements
        if not found.total:
            return "nothing"
        mode = [] if self.started is None else [self.started.mode]
        told = [*mode, *self.closed(found)]
        if found.missing:
            told.append(f"{len(found.missing)} not run")
        return f"{len(found.covered)} of {found.total} requirements ({'; '.join(told)})"

    def closed(self, share: Share) -> list[str]:
        """How many things of a catalogue could not be tried, and what they would have needed."""
        reasons = [why for _, why in share.unreachable]
        by_mode = sum(why.startswith("needs ") for why in reasons)
        polite = self.started is not None and self.started.mode == "polite"
        more = "--exclusive or a managed server" if polite else "another server or configuration"
        told = {f"need {more}": by_mode, self._not_reached: len(reasons) - by_mode}
        return [f"{number} {what}" for what, number in told.items() if number]

    @property
    def of_a_client(self) -> bool:
        """Whether no server is under test."""
        return self.started is not None and self.started.target.kind == CLIENT

    @property
    def _not_reached(self) -> str:
        return "need --submits" if self.of_a_client else "cannot be reached from outside"

    @property
    def told(self) -> str:
        """The whole run in a line: verdict, how far it goes, the numbers, and what to do."""
        assert self.ended is not None
        ended, cut = self.ended, self.failed is not None
        far = "as far as" if self.word == "conforms" else "judged"
        stopped = "interrupted, " if ended.interrupted else "cut short, " if cut else ""
        line = f"{self.tested}{self._but}, {stopped}{far} {self.scope}; cases: {self.counts}"
        return "; ".join([line, *self._next(ended)])

    @property
    def _but(self) -> str:
        """What a server that conforms does otherwise all the same, as the ledger knows."""
        found = self.of(Verdict.ACCEPTED)
        names = {name for one in found for name in one.relaxations or (one.requirement,)}
        known = counted(len(names), "known finding")
        return f", but for {known}" if names and self.word == "conforms" else ""

    def _next(self, ended: Ended) -> Iterator[str]:
        """What is to be known beside the numbers, and done next."""
        if self.failed is not None and not ended.interrupted:
            yield self.failed.partition("\n")[0].rstrip(".")
        if self.word == STALE:
            yield f"nothing deviates, but {_needless(ended.stale)}"
        if ended.interrupted and self.searched is not None:
            yield "begun again, it goes on with what it has kept"
        elif ended.interrupted:
            yield f"{'' if self.results else 'nothing was run: '}run it again from the start"
        if ended.why and not ended.interrupted and self.failed is None:
            yield ended.why
        if any(one.replay for one in self.of(Verdict.DEVIATION)):
            yield "what deviates alike is told once, with the command that runs it again"
        if self.started is not None and self.started.shard is not None:
            number, of = self.started.shard
            yield f"this is shard {number} of {of}: orthanc-jobs merge makes one report of all"

    @property
    def tested(self) -> str:
        """The server, and the fault that was planted in it where it is the reference server."""
        return self.server + fault_words(
            () if self.started is None else self.started.target.options
        )

    @property
    def server(self) -> str:
        target = None if self.started is None else self.started.target
        return "" if target is None else f"{target.name} {target.version}".strip()

    def details(self, group: Group) -> Iterator[tuple[str, str]]:
        """What a person needs to understand a failure and to see it again, a name and a line each.

        In the order in which it is asked for: what was done, and came of it; what that breaks, and
        where it stands; whether it is known; the call that decided it, and how to see it again.
        """
        result, stands = group.first, group.requirement
        yield from (("run", f"{at:2}. {line}") for at, line in enumerate(result.program, 1))
        yield "expected", " | ".join(result.expected)
        yield "actual", result.actual or ""
        if result.reason:
            yield "reason", result.reason
        yield "requirement", f"{stands.id} ({stands.ground}): {stands.sentence}"
        yield "source", stands.source
        if stands.url is not None:
            yield "source", stands.url
        if not self.of_a_client:
            yield from (("known as", words) for words in group.known_as)
        if group.others:
            yield "also in", ", ".join(group.others)
        if (call := self.call(result)) is not None:
            yield "call", call.asked
            yield "answer", call.answered
        yield from self.commands(result)

    def commands(self, result: Result) -> Iterator[tuple[str, str]]:
        """How to see a failure again, a name and a line each."""
        call = self.call(result)
        if call is not None and call.curl is not None:
            yield "again", call.curl
        yield "replay", self.replay(result) or "none"
        if result.replay is not None and why_none(result.talk, result.relaxations) is None:
            yield "script", shlex.join(["orthanc-jobs", "export", result.replay])

    def call(self, result: Result) -> Call | None:
        """The call that decided the verdict, raw."""
        return None if self.started is None else call_of(result, self.started.target)

    def replay(self, result: Result) -> str | None:
        """The command that runs a deviation again."""
        if self.started is not None and self.of_a_client:
            words = ["orthanc-jobs", "client", "--scenario", result.id]
            return shlex.join([*words, *self.started.target.options])
        if result.replay is None or self.started is None:
            return None
        target = self.started.target
        return shlex.join(["orthanc-jobs", "replay", result.replay, target.name, *target.options])


def slowest(results: Iterable[Result], number: int) -> list[Result]:
    """So many of the cases that took the longest."""
    return sorted(results, key=lambda one: -one.seconds)[:number]


def ledger(started: Started | None) -> str:
    """The ledger of a run, or that it has none."""
    return (started and started.ledger) or "none"


def times(spent: Statistics) -> str:
    """Actions, requests and seconds, in words."""
    return (
        f"{spent.actions} actions, {spent.requests} requests in {spent.seconds:.1f} s,"
        f" set-up {spent.setup_seconds:.1f} s, cleaning up {spent.cleanup_seconds:.1f} s"
    )


def fault_words(options: Sequence[str]) -> str:
    """The fault that was planted in the reference server, by the options that lead to it."""
    named = [name for flag, name in pairwise(options) if flag == "--fault"]
    return "".join(f" with the fault {name}" for name in named)


def lines(details: Iterable[tuple[str, str]]) -> list[str]:
    """The details of a failure, each line with its name."""
    return [f"{name:11} {text}" for name, text in details]


def block(story: Story, group: Group) -> Iterator[str]:
    """The details of a failure, for who reads them in a terminal."""
    before = ""
    for name, text in story.details(group):
        yield f"  {'' if name == before else name:11} {text}"
        before = name


def _by_relaxation(results: Iterable[Result]) -> Iterator[Group]:
    ordered = sorted((r for r in results if r.relaxations), key=lambda r: r.relaxations)
    for names, group in groupby(ordered, key=lambda r: r.relaxations):
        yield Group(tuple(group), names)


def _place(result: Result) -> tuple[int, bool, str]:
    """Where a result is told: with its case, in the order of these, whichever has ended first."""
    from conformance.suites import place  # not for a run that was interrupted before it began

    case = result.part_of or result.id
    return place(case), result.part_of is None, "" if result.part_of is None else result.id


def numbered(number: int, word: str) -> str:
    """A number of verdicts: ``word`` is the plural."""
    return f"{number} {word.removesuffix('s') if number == 1 else word}"


def _needless(entries: Sequence[str]) -> str:
    if len(entries) == 1:
        return f"no case needs the entry {entries[0]} of the ledger any more: take it out"
    return f"no case needs {len(entries)} entries of the ledger any more: take them out"


def searched_words(event: Searched) -> str:
    """How far a search has come that has no end of its own."""
    return (
        f"{counted(event.states, 'state')} of the model reached, {event.recent} of them in the last"
        f" {event.lately / 60:.0f} min; {counted(event.examples, 'example')},"
        f" {counted(event.actions, 'action')}, {counted(event.kept, 'sequence')} kept,"
        f" {counted(event.findings, 'finding')}"
    )


def stale_words(name: str) -> str:
    return (
        f"the ledger accepts {name}, and none of the cases that it names needed it:"
        " take the entry out"
    )
