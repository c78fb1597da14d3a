"""The kit's power, as it was measured: which suites find which planted fault, and how soon.

`power.json` is evidence, written by `tools/power` from a run of all suites against the reference
server with one fault each. A suite is run until its first deviation, whatever the others find, so
each row says of each suite what it would have found alone. Cases that are aimed at a fault, because
something is reported by them that is not the first of its suite, are run by themselves.

What a requirement is worth is read from what was *reported*, and never from the case that did so: a
fault may show in a case of one requirement and be reported as another.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from typing import Any

from conformance.events import CaseEnds, Event, Verdict

FILE = "power.json"
SCHEMA = 3
NEVER = "-"
BY_LUCK = ("search", "concurrent")  # suites that do not do the same in every run


@dataclass(frozen=True, slots=True)
class Catch:
    """The first deviation of a suite: after so many actions and seconds of this suite."""

    suite: str
    case: str
    requirement: str
    actions: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """A fault was planted, this case deviated, and this requirement was reported."""

    fault: str
    case: str
    requirement: str


@dataclass(frozen=True, slots=True)
class Power:
    """What was found of one fault. ``replayed``: the replay of what came first shows it again.

    ``aimed``: case and requirement of what is reported where only cases chosen for it are run. A
    case may have reported several: it depends on moments which of them is seen first.
    """

    fault: str
    catches: tuple[Catch, ...]
    replayed: bool
    aimed: tuple[tuple[str, str], ...] = ()

    @property
    def reports(self) -> tuple[Report, ...]:
        """All that was reported, the cases that were aimed at it first, and each once."""
        caught = sorted(self.catches, key=lambda one: (one.actions, one.suite))
        found = [*self.aimed, *((one.case, one.requirement) for one in caught)]
        return tuple(Report(self.fault, *one) for one in dict.fromkeys(found))

    @property
    def quickest(self) -> Catch:
        """The catch of the suite that needs the fewest actions. Raises `ValueError` for none."""
        return min(self.catches, key=lambda one: (one.actions, one.suite))


@dataclass
class Collector:
    """Follows the events of a run."""

    catches: dict[str, Catch] = field(default_factory=dict)
    replays: dict[str, str] = field(default_factory=dict)
    _actions: dict[str, int] = field(default_factory=dict)
    _seconds: dict[str, float] = field(default_factory=dict)
    _so_far: int = 0

    def take(self, event: Event) -> None:
        if not isinstance(event, CaseEnds):
            return
        result = event.result
        suite = result.id.partition("/")[0]
        actions = self._actions.get(suite, 0) + event.actions - self._so_far
        seconds = self._seconds.get(suite, 0.0) + result.seconds
        self._so_far = event.actions
        self._actions[suite], self._seconds[suite] = actions, seconds
        if result.verdict is Verdict.DEVIATION and suite not in self.catches:
            self.catches[suite] = Catch(
                suite, result.id, result.requirement, actions, round(seconds, 2)
            )
            if result.replay is not None:
                self.replays[suite] = result.replay


def measured() -> Mapping[str, Power]:
    """What the kit ships, by fault."""
    return parse(files("conformance.evidence").joinpath(FILE).read_text(encoding="utf-8"))


def parse(text: str) -> dict[str, Power]:
    """The text of a `power.json`. Raises `ValueError` for one of another schema."""
    found = json.loads(text)
    if found["schema"] != SCHEMA:
        raise ValueError(f"schema {found['schema']}, not {SCHEMA}")
    return {
        name: Power(
            name,
            tuple(Catch(**one) for one in row["catches"]),
            row["replayed"],
            tuple((case, one) for case, told in row["aimed"].items() for one in told),
        )
        for name, row in found["faults"].items()
    }


def _by_case(aimed: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for case, requirement in aimed:
        found.setdefault(case, []).append(requirement)
    return found


def made_on(text: str) -> str:
    """The day of the last measurement in the text of a `power.json`."""
    return str(json.loads(text)["made"])


def planted(powers: Iterable[Power]) -> list[Report]:
    """What `make planted` measures again: all that was aimed at, and one of each other."""
    powers = list(powers)
    found = [Report(one.fault, *pair) for one in powers for pair in one.aimed]
    known = {one.requirement for one in found}
    caught = [(catch, one.fault) for one in powers for catch in one.catches]
    for catch, fault in sorted(caught, key=lambda pair: (pair[0].actions, pair[0].case, pair[1])):
        if catch.requirement not in known and catch.suite not in BY_LUCK:
            known.add(catch.requirement)
            found.append(Report(fault, catch.case, catch.requirement))
    return found


def to_json(powers: Sequence[Power], made: str) -> str:
    rows: dict[str, Any] = {
        one.fault: {
            "replayed": one.replayed,
            "aimed": _by_case(one.aimed),
            "catches": [asdict(c) for c in one.catches],
        }
        for one in powers
    }
    return json.dumps({"schema": SCHEMA, "made": made, "faults": rows}, indent=1) + "\n"


def table(powers: Sequence[Power], suites: Sequence[str], known: int, made: str) -> str:
    """The table of `docs/power.md`. ``known``: how many faults there are."""
    return "\n".join([*_head(powers, known, made), *_shares(powers, suites), *_rows(powers), ""])


def _head(powers: Sequence[Power], known: int, made: str) -> list[str]:
    found = sum(bool(one.catches) for one in powers)
    again = sum(one.replayed for one in powers)
    return [
        "# What finds which planted fault",
        "",
        "Made by `make faults`: one run of all suites against the reference server for each fault",
        "of `orthanc-jobs serve --list-faults`, at default settings. Each suite is run until its",
        "first deviation, so it is told of each what it finds alone; actions and seconds are those",
        "of that suite, up to there.",
        "",
        f"{len(powers)} of {known} faults measured, the last on {made}: {found} found;"
        f" the replay file of the first deviation showed it again for {again}.",
        "",
    ]


def _shares(powers: Sequence[Power], suites: Sequence[str]) -> list[str]:
    """How many each suite finds, and how many no other suite does."""
    lines = ["| suite | finds by itself | no other suite finds |", "| --- | ---: | ---: |"]
    for suite in suites:
        mine = [one for one in powers if suite in {catch.suite for catch in one.catches}]
        only = sum(len(one.catches) == 1 for one in mine)
        lines.append(f"| {suite} | {len(mine)} | {only} |")
    return [*lines, ""]


def _rows(powers: Sequence[Power]) -> list[str]:
    lines = [
        "| fault | found first by | after actions | seconds | found by |",
        "| --- | --- | ---: | ---: | --- |",
    ]
    for one in powers:
        if not one.catches:
            lines.append(f"| {one.fault} | {NEVER} | {NEVER} | {NEVER} | nothing |")
            continue
        first = one.quickest
        others = ", ".join(sorted(catch.suite for catch in one.catches))
        lines.append(
            f"| {one.fault} | `{first.case}` | {first.actions} | {first.seconds:.2f} | {others} |"
        )
    return lines
