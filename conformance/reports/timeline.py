"""A deviation as a time line: jobs as lanes, and what was asked, began, ended and was read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from conformance.events import Result
from conformance.talk import ARRIVES, ID, KILLS, STARTS, STOPS, Said, arriving, deciding, values_of
from conformance.text import clipped

MOST = 70  # rows: where there are more, those in the middle are left out
TOLD = 110  # characters of an answer that is no job's
SLOT = re.compile(r"/(peers|modalities)/[^/]*-(\d+)/")
SUBMITS = re.compile(r"submit (\S+), ")
LIVES = {STOPS: "the server is told to end", KILLS: "it is killed", STARTS: "it is started"}


@dataclass(frozen=True, slots=True)
class Lane:
    """A job at a moment: its state, as it was last read; what becomes of a step of it (``begins``,
    ``held`` or ``ends``); and whether it is ``asked`` for something, or ``read``.
    """

    state: str = ""
    step: str = ""
    what: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A moment. ``kind``: asked, read, step or life, which is one of the server."""

    at: float
    kind: str
    text: str
    lanes: tuple[Lane, ...]
    decides: bool = False


@dataclass(frozen=True, slots=True)
class Timeline:
    names: tuple[str, ...]
    rows: tuple[Row, ...]
    left_out: int = 0


def timeline(result: Result) -> Timeline | None:
    """The time line of a result, where it is known what was said."""
    if not result.talk:
        return None
    drawn = _Drawn(result)
    rows = [*drawn.rows()]
    if (more := len(rows) - MOST) > 0:
        rows[MOST // 3 : MOST // 3 + more] = []
    lanes = len(drawn.names)
    unborn = (Lane(),)  # a job that there is not yet
    filled = (replace(one, lanes=one.lanes + unborn * (lanes - len(one.lanes))) for one in rows)
    return Timeline(tuple(drawn.names), tuple(filled), max(0, more))


@dataclass
class _Drawn:
    result: Result
    names: list[str] = field(default_factory=list)
    _lane: dict[str, int] = field(default_factory=dict)  # by the id of a job, or its slot
    _states: list[str] = field(default_factory=list)
    _held: set[int] = field(default_factory=set)
    _numbers: dict[str, int] = field(default_factory=dict)  # of arrivals, by slot

    def rows(self) -> Iterator[Row]:
        talk, actual = self.result.talk, self.result.actual or ""
        decider = arriving(talk, actual) or deciding(talk, actual)
        self._given = [m[1] for line in self.result.program for m in SUBMITS.finditer(line)]
        for at, said, ends in sorted(_moments(talk), key=lambda one: one[0]):
            if (row := self._row(at, said, ends)) is not None:
                kind, text, lane, what = row
                yield Row(at, kind, text, self._lanes(lane, what), said is decider and not ends)

    def _row(self, at: float, said: Said, ends: bool) -> tuple[str, str, int | None, str] | None:
        if said.method == ARRIVES:
            return self._step(said, ends)
        if not said.is_call:
            self._held.clear()
            return "life", f"{LIVES[said.method]} {said.sent}".strip(), None, ""
        answer = f"HTTP {said.status}" if said.status else "no answer"
        found = said.json()
        job = self._job(said, found)
        if said.method == "GET":
            shown = values_of(said)
            if job is not None and shown:
                self._states[job] = shown.get("State", "")
                told = ", ".join(v if k == "State" else f"{k} {v}" for k, v in shown.items())
                return "read", f"{self.names[job]} reads {told}", job, "read"
            told = "" if job is not None else f" {clipped(said.got, TOLD)}"
            return "read", f"GET {self._told(said.path)}: {answer}{told}", job, "read"
        if said.method == "PUT" or said.at == 0.0 == said.took:
            return None  # how the kit prepares: it explains nothing
        told = "" if said.status == 200 else f" {clipped(said.got, TOLD)}"
        made = job is not None and not said.path.startswith("/jobs/")
        whose = f"{self.names[job]}: " if made and job is not None else ""
        text = f"{whose}{said.method} {self._told(said.path)}: {answer}{told}"
        return "asked", text, job, "asked"

    def _step(self, said: Said, ends: bool) -> tuple[str, str, int | None, str]:
        lane = self._lane.get(f"slot {said.path}")
        name = "an unknown job" if lane is None else self.names[lane]
        if not ends:
            if lane is not None:
                self._held.add(lane)
            return "step", f"step {said.sent} of {name} begins", lane, "begins"
        if lane is not None:
            self._held.discard(lane)
        how = {200: "succeeds"}.get(said.status, f"is answered {said.status}")
        return "step", f"step {said.sent} of {name} {how}", lane, "ends"

    def _job(self, said: Said, found: object) -> int | None:
        """The lane of the job that a call is about; a new one for a job that it has made."""
        for id in ID.findall(said.path):
            if id in self._lane:
                return self._lane[id]
        made = isinstance(found, dict) and str(found.get("Path", "")).startswith("/jobs/")
        if not made or said.method == "GET":
            return None
        assert isinstance(found, dict)
        number = len(self.names)
        known = self._given[number : number + 1]
        self.names.append(known[0] if known else f"job {number + 1}")
        self._states.append("")
        self._lane[str(found.get("ID"))] = number
        if slot := SLOT.match(said.path):
            self._lane[f"slot {slot[2]}"] = number
        return number

    def _lanes(self, lane: int | None, what: str) -> tuple[Lane, ...]:
        found = [
            Lane(state, "held" if number in self._held else "")
            for number, state in enumerate(self._states)
        ]
        if lane is not None:
            mine = found[lane]
            steps = what in ("begins", "ends")
            found[lane] = replace(mine, step=what) if steps else replace(mine, what=what)
        return tuple(found)

    def _told(self, path: str) -> str:
        for id, lane in self._lane.items():
            path = path.replace(id, self.names[lane])
        return SLOT.sub(lambda found: f"/{found[1]}/\u2026/", path)


def _moments(talk: Sequence[Said]) -> Iterator[tuple[float, Said, bool]]:
    """Each thing that was said, by its time; a step twice: when it begins, and when it ends."""
    for one in talk:
        yield one.at, one, False
        if one.method == ARRIVES and one.status:
            yield one.ended, one, True
