"""What `watch` shows while it reads: how many jobs are in which state, and which changed last.

It never takes more rows than the terminal has, and its columns fit 80.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from rich.console import Group, JustifyMethod
from rich.table import Table
from rich.text import Text

from conformance.passive.shown import Shown
from conformance.text import counted, shown
from spec.table import FINAL, State

AROUND = 4  # rows beside those of jobs: the counts, an outage, the headings, how many more
GAP = 2  # between two columns
HEADINGS = ("job", "type", "state", "done", "priority", "ran", "changed")
MORE = frozenset({"priority", "ran"})  # where there is room for more than what matters most:
WIDE = 110  # columns
STYLE = {
    State.RUNNING: "cyan",
    State.SUCCESS: "green",
    State.FAILURE: "red",
    State.PAUSED: "yellow",
    State.RETRY: "magenta",
}


@dataclass
class Changes:
    """When each job was last seen to change, in seconds of whoever tells it."""

    _last: dict[str, tuple[object, ...]] = field(default_factory=dict)
    _at: dict[str, float] = field(default_factory=dict)
    _began: bool = False

    def read(self, jobs: Iterable[Shown], at: float) -> None:
        """All jobs of a reading. Nobody knows when those of the first one have changed."""
        found: dict[str, tuple[object, ...]] = {
            one.id: (one.state, one.error, one.progress, one.priority) for one in jobs
        }
        for id, stands in found.items():
            if self._began and self._last.get(id) != stands:
                self._at[id] = at
        self._last, self._began = found, self._began or bool(found)
        self._at = {id: when for id, when in self._at.items() if id in found}

    def of(self, job: str) -> float | None:
        return self._at.get(job)

    def latest_first(self, jobs: Iterable[Shown]) -> list[Shown]:
        """Those that changed last; then those that run, or may yet do so, the youngest first."""

        def key(one: Shown) -> tuple[float, bool, bool, str]:
            running, open_ = one.state is State.RUNNING, one.state not in FINAL
            return self._at.get(one.id, -1.0), running, open_, one.creation

        return sorted(jobs, key=key, reverse=True)


def summary(jobs: Iterable[Shown]) -> str:
    """How many there are, and in which states: ``3 jobs: 1 Running, 2 Success``."""
    states = Counter(one.state for one in jobs)
    each = ", ".join(f"{states[state]} {state}" for state in State if states[state])
    return counted(states.total(), "job") + (f": {each}" if each else "")


def table(
    jobs: Iterable[Shown],
    changes: Changes,
    now: float,
    size: tuple[int, int],
    outage: str | None = None,
    secrets: tuple[str, ...] = (),
) -> Group:
    """The jobs as they were read last. ``now``: seconds, as in ``changes``.

    ``size``: columns and rows of the terminal. ``outage``: why the server does not answer.
    """
    columns, rows = size
    each = changes.latest_first(jobs)
    room = max(1, rows - AROUND)
    headings = HEADINGS if columns >= WIDE else tuple(one for one in HEADINGS if one not in MORE)
    lines = []
    for one in each[:room]:
        shows = _cells(one, changes.of(one.id), now, secrets)
        lines.append((STYLE.get(one.state, ""), [shows[heading] for heading in headings]))
    made = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    widths = [
        max(len(heading), *(len(cells[at]) for _, cells in lines), 0)
        for at, heading in enumerate(headings)
    ]
    spare = columns - sum(widths) - GAP * (len(widths) - 1)  # what is missing, the type gives
    for heading, width in zip(headings, widths, strict=True):
        least = width + min(0, spare) if heading == "type" else width
        words = heading in ("job", "type", "state")
        side: JustifyMethod = "left" if words else "right"
        made.add_column(heading, no_wrap=True, width=max(1, least), justify=side)
    for style, cells in lines:
        made.add_row(*cells, style=style)
    return Group(*_around(each, made, room, outage))


def _around(
    each: list[Shown], made: Table, room: int, outage: str | None
) -> Iterator[Text | Table]:
    yield Text(summary(each), "bold", no_wrap=True, overflow="ellipsis")
    if outage is not None:
        yield Text(f"no answer: {shown(outage)}", "bold red", no_wrap=True, overflow="ellipsis")
    if each:
        yield made
    if len(each) > room:
        yield Text(f"and {len(each) - room} more that changed before")


def _cells(
    one: Shown, changed: float | None, now: float, secrets: tuple[str, ...]
) -> dict[str, str]:
    """What stands below each heading."""
    return {
        "job": shown(one.id, secrets),
        "type": shown(one.type, secrets),
        "state": f"{one.state} ({one.error})" if one.error else str(one.state),
        "done": f"{one.progress} %",
        "priority": str(one.priority),
        "ran": "" if one.runtime is None else f"{one.runtime:.1f} s",
        "changed": "" if changed is None else _ago(now - changed),
    }


def _ago(seconds: float) -> str:
    """``now``, ``5 s``, ``12 min``: how long ago."""
    if seconds < 1:
        return "now"
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
