"""What `orthanc-jobs list` prints: the catalogue, and what is done for each requirement of it."""

from __future__ import annotations

import json
import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace

from conformance.campaign.throughout import READ_AS, THROUGHOUT
from conformance.clients.scenarios import scenarios
from conformance.errors import BadArgument
from conformance.evidence.power import Power, Report, measured
from conformance.suites import select, suites
from conformance.suites.case import Case
from conformance.sut.profile import Profile, inapplicable
from conformance.text import counted
from spec.releases import KNOWN
from spec.requirements import CATALOGUE, RELEASES, Bound, Requirement, applies
from spec.table import Ground

SCHEMA = 1
FEW = 3  # faults that are shown where none is reported under the requirement's own name


@dataclass(frozen=True, slots=True)
class Entry:
    """A requirement, and what is done for it.

    ``faults``: those that were planted in the reference server and reported as this requirement.
    ``elsewhere``: those that a case of this requirement shows, and that were reported as another.
    ``scenarios``: in which a client is held to it.
    """

    requirement: Requirement
    cases: tuple[str, ...]
    throughout: bool
    faults: tuple[str, ...]
    elsewhere: tuple[Report, ...]
    scenarios: tuple[str, ...] = ()

    @property
    def checked(self) -> bool:
        return bool(self.cases or self.scenarios) or self.throughout

    @property
    def hole(self) -> str | None:
        """Why it is documented and checked, but no planted fault was ever reported as it."""
        one = self.requirement
        binds = one.ground is Ground.DOCUMENTED and one.binds is Bound.SERVER
        if not binds or not self.checked or self.faults:
            return None
        if self.elsewhere:
            return "what its cases show is reported as another requirement"
        if not applies(one, Profile().version):
            return f"it is not said of {Profile().version}, which the reference server is"
        return "no planted fault shows in its cases"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of it. ``prefixes``: ids of requirements or of cases begin so; ``suites``: cases are
    of one of these; ``release``: it is said of this version; ``words``: all of them stand in its id
    or in what is said of it, in capitals or not. Empty: all.

    Raises `BadArgument` for a release that is not known.
    """

    prefixes: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    release: str | None = None
    words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.release is not None and self.release not in KNOWN:
            raise BadArgument(
                f"unknown release {self.release!r}: known are {', '.join(KNOWN)}\n"
                "For another one, take the newest of these that is older."
            )

    def __str__(self) -> str:
        """In words, to be said of what there is nothing of."""
        told = []
        if self.prefixes:
            told.append(f"begins with {' or '.join(map(repr, self.prefixes))}")
        if self.suites:
            told.append(f"has a case in {' or '.join(self.suites)}")
        if self.release is not None:
            told.append(f"is said of {self.release}")
        if self.words:
            told.append(f"has {' and '.join(map(repr, self.words))} in it")
        return " and ".join(told)

    @property
    def all(self) -> bool:
        return self == ALL

    def takes(self, entry: Entry) -> bool:
        ids = entry.cases or (() if self.suites else (entry.requirement.id,))
        chosen = self._chosen(entry.requirement.id, ids)
        one = entry.requirement
        has = self._has(one.id, one.sentence, one.reading, one.note)
        return self._says(one) and has and bool(chosen)

    def cases(self) -> list[Case]:
        """The cases, in the order in which they run. Raises `BadArgument` where there are none.

        A prefix takes the cases that begin with it, and those of the requirements that do.
        """
        found = [
            case
            for case in select(suites(Profile()), self.suites)
            if self._says(case.stands_for)
            and self._has(case.id, case.sentence)
            and self._chosen(case.requirement, (case.id,))
        ]
        if not found:
            raise BadArgument(f"there is no case of anything that {self}")
        return found

    def _says(self, requirement: Requirement) -> bool:
        return self.release is None or applies(requirement, self.release)

    def _has(self, *texts: str | None) -> bool:
        text = " ".join(filter(None, texts)).lower()
        return all(word.lower() in text for word in self.words)

    def _chosen(self, requirement: str, cases: Iterable[str]) -> list[str]:
        """Those of its cases that are of one of the suites, and that a prefix takes."""
        begin = self.prefixes or ("",)
        return [
            id
            for id in cases
            if (id.startswith(begin) or requirement.startswith(begin))
            and (not self.suites or id.partition("/")[0] in self.suites)
        ]


ALL = Wanted()


def wanted_entries(wanted: Wanted) -> list[Entry]:
    """Those entries. Raises `BadArgument` where there are none."""
    select(suites(Profile()), wanted.suites)  # there are such suites
    found = [entry for entry in entries() if wanted.takes(entry)]
    if not found:
        raise BadArgument(f"there is nothing that {wanted}{_instead(wanted)}")
    return found


def _instead(wanted: Wanted) -> str:
    """What to type, where the beginnings of ids stand within others."""
    words = replace(wanted, prefixes=(), words=(*wanted.words, *wanted.prefixes))
    if not wanted.prefixes or not any(map(words.takes, entries())):
        return ""
    return f"\nThere is with {shlex.join(w for word in words.words for w in ('--grep', word))}."


def entries(powers: Iterable[Power] | None = None) -> list[Entry]:
    """The whole catalogue, in its order. ``powers``: what was measured, if not what is shipped."""
    cases = defaultdict(list)
    for case in suites(Profile()):
        cases[case.requirement].append(case.id)
    meant = {id: requirement for requirement, ids in cases.items() for id in ids}
    played = defaultdict(list)
    for scenario in scenarios():
        played[scenario.requirement].append(scenario.id)
    faults, elsewhere = defaultdict(list), defaultdict(list)
    for power in measured().values() if powers is None else powers:
        for one in power.reports:
            faults[one.requirement].append(one.fault)
            if meant.get(one.case, one.requirement) != one.requirement:
                elsewhere[meant[one.case]].append(one)
    return [
        Entry(
            one,
            tuple(cases[id]),
            id in THROUGHOUT,
            tuple(dict.fromkeys(faults[id])),
            tuple(elsewhere[id]),
            tuple(played[id]),
        )
        for id, one in CATALOGUE.items()
    ]


def holes(powers: Iterable[Power]) -> Iterator[str]:
    """The section of `docs/power.md` on what no fault is reported as, a line at a time."""
    found = [entry for entry in entries(powers) if entry.hole]
    yield ""
    yield "## Documented requirements that no fault is reported as"
    yield ""
    yield f"{len(found)} requirements are documented and have cases, and no planted fault was"
    yield "reported under their name. Where a fault shows in a case of theirs, it is told as what."
    yield ""
    yield "| requirement | why | for example | reported as |"
    yield "| --- | --- | --- | --- |"
    for entry in found:
        shown = entry.elsewhere[:1]
        example = "".join(f"{one.fault} in `{one.case}`" for one in shown)
        reported = "".join(f"`{one.requirement}`" for one in shown)
        yield f"| `{entry.requirement.id}` | {entry.hole} | {example} | {reported} |"


def lines(wanted: Wanted = ALL) -> Iterator[str]:
    """Every requirement: its ground, sentence and source, then what checks it."""
    found = wanted_entries(wanted)
    for entry in found:
        yield from _lines(entry)
    if not wanted.all:
        yield f"{counted(len(found), 'requirement')} of {len(CATALOGUE)}"
        return
    open_ = sum(entry.hole is not None for entry in found)
    yield f"{open_} documented requirements have cases, and no planted fault is reported as them"
    total = sum(len(entry.cases) for entry in found)
    checked = sum(entry.checked for entry in found)
    bound = sum(inapplicable(Profile(), entry.requirement.id) is None for entry in found)
    of_clients = sum(len(entry.scenarios) for entry in found)
    servers = [entry.requirement for entry in found if entry.requirement.binds is Bound.SERVER]
    by_version = (
        f"{sum(applies(one, version) for one in servers)} of {version}" for version in RELEASES
    )
    yield (
        f"{total} cases, and {of_clients} scenarios of clients, check {checked} of {len(found)}"
        f" requirements; {len(found) - checked} have no case;"
        f" by version: {bound} are said of the reference server, {', '.join(by_version)}"
    )


def _lines(entry: Entry) -> Iterator[str]:
    one = entry.requirement
    yield f"{one.id}  [{one.ground}{_versions(one)}]"
    yield f"    {one.sentence}"
    if one.reading:
        yield f"    reading: {one.reading}"
    if one.note:
        yield f"    note:    {one.note}"
    yield f"    source:  {one.source}"
    if one.url is not None:
        yield f"             {one.url}"
    throughout = "throughout, in every case"
    if one.id in READ_AS:
        throughout += f" (reported as {READ_AS[one.id]})"
    named = [*entry.cases, *([throughout] if entry.throughout else [])]
    if entry.scenarios:
        yield f"    clients: {', '.join(entry.scenarios)}"
    else:
        yield f"    cases:   {', '.join(named) or 'none yet'}"
    if entry.faults:
        yield f"    faults:  {', '.join(entry.faults)}"
    elif entry.hole:
        yield f"    hole:    no fault is reported as this requirement: {entry.hole}"
        for shown in entry.elsewhere[:FEW]:
            yield f"             {shown.fault} in {shown.case}, reported as {shown.requirement}"


def case_lines(wanted: Wanted = ALL) -> Iterator[str]:
    """Each case: its id, and what it does."""
    found = wanted.cases()
    yield from (f"{case.id}: {case.sentence}" for case in found)
    yield counted(len(found), "case")


def cases_to_json(wanted: Wanted = ALL) -> str:
    """The same for another program."""
    found = [
        {
            "id": case.id,
            "sentence": case.sentence,
            "suite": case.suite,
            "requirement": case.requirement,
        }
        for case in wanted.cases()
    ]
    return json.dumps({"schema": SCHEMA, "cases": found}, indent=2)


def to_json(wanted: Wanted = ALL) -> str:
    """The requirements for another program."""
    found = [
        {
            "id": entry.requirement.id,
            "sentence": entry.requirement.sentence,
            "source": entry.requirement.source,
            "url": entry.requirement.url,
            "ground": entry.requirement.ground.value,
            "since": entry.requirement.since,
            "until": entry.requirement.until,
            "reading": entry.requirement.reading,
            "note": entry.requirement.note,
            "cases": list(entry.cases),
            "throughout": entry.throughout,
            "scenarios": list(entry.scenarios),
            "faults": list(entry.faults),
            "elsewhere": [asdict(one) for one in entry.elsewhere],
            "hole": entry.hole,
        }
        for entry in wanted_entries(wanted)
    ]
    return json.dumps({"schema": SCHEMA, "requirements": found}, indent=2)


def _versions(one: Requirement) -> str:
    since = f", since {one.since}" if one.since else ""
    return since + (f", until {one.until}" if one.until else "")
