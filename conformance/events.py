"""What happens during a run, as values. The campaign emits them; every report consumes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from conformance.talk import Said
from spec.table import Ground


class Verdict(StrEnum):
    PASS = "pass"
    DEVIATION = "deviation"
    ACCEPTED = "accepted"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


# The worst first: what a case counts as, of several verdicts on it.
GRAVITY = (
    Verdict.DEVIATION,
    Verdict.UNKNOWN,
    Verdict.ACCEPTED,
    Verdict.PASS,
    Verdict.SKIPPED,
)


class RunVerdict(StrEnum):
    """What a whole run comes to. Unknown: something could not be judged, or was not covered."""

    CONFORMS = "conforms"
    DEVIATES = "deviates"
    UNKNOWN = "unknown"


CLIENT = "client"  # the kind of a target that is no server, and the mode of its run


@dataclass(frozen=True, slots=True)
class Target:
    """What is under test. ``kind``: url, reference or orthanc of a server; or `CLIENT`.

    ``options``: what a command needs beside the name to come to the same server again.
    """

    name: str
    version: str
    kind: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bound:
    """What a complete test suite has shown: the server is equivalent to an automaton.

    It holds for every server that ``assumption`` is true of, with ``states`` of the automaton and
    ``extra`` more. ``relaxations``: those that the automaton takes. ``sequences``: those of the
    suite; ``ran`` are all that were run on the way to it, with so many ``actions``.
    """

    method: str
    states: int
    extra: int
    sequences: int
    ran: int
    actions: int
    relaxations: tuple[str, ...]
    assumption: str

    def __str__(self) -> str:
        like = f" with {' and '.join(self.relaxations)}" if self.relaxations else ""
        return (
            f"like the specification{like}: {self.states} states, up to {self.extra} more in the"
            f" server, {self.sequences} sequences by the {self.method} method"
            f" ({self.ran} run on the way to that, {self.actions} actions)"
        )


@dataclass(frozen=True, slots=True)
class Result:
    """A case and its verdict. ``relaxations``: the smallest set that explains the deviation.

    ``waited``: how many of its ``seconds`` it has waited while its server did nothing, as before
    it ends.
    """

    id: str
    requirement: str
    ground: Ground
    verdict: Verdict
    expected: tuple[str, ...] = ()
    actual: str | None = None
    relaxations: tuple[str, ...] = ()
    reason: str | None = None
    replay: str | None = None
    program: tuple[str, ...] = ()  # the run in words, where it deviates
    seconds: float = 0.0
    bound: Bound | None = None  # what a complete suite has shown
    kept: tuple[str, ...] = ()  # what of it the ledger accepts as it is, though nothing explains it
    talk: tuple[Said, ...] = ()  # what was said up to then, where it deviates
    part_of: str | None = None  # the case in which it was found beside that case's own verdict
    waited: float = 0.0


@dataclass(frozen=True, slots=True)
class Share:
    """How much of one catalogue was covered. ``unreachable``: (id, why).

    A cell or an edge is covered when it was seen on the server, a requirement when it was judged.
    """

    total: int
    covered: tuple[str, ...]
    missing: tuple[str, ...]
    unreachable: tuple[tuple[str, str], ...] = ()

    @property
    def reachable(self) -> int:
        return self.total - len(self.unreachable)


@dataclass(frozen=True, slots=True)
class Coverage:
    cells: Share
    edges: Share
    requirements: Share

    @property
    def lacks(self) -> bool:
        """Whether something is missing that could have been covered."""
        return bool(self.cells.missing or self.edges.missing or self.requirements.missing)


UNCOVERED = Coverage(Share(0, (), ()), Share(0, (), ()), Share(0, (), ()))  # no case was chosen


@dataclass(frozen=True, slots=True)
class Left:
    """Something of ours that is still on the server, or may be.

    ``kind``: job, peer, modality, query, instance, study or patient.
    """

    kind: str
    id: str
    why: str


@dataclass(frozen=True, slots=True)
class Cleanup:
    removed: int = 0
    left: tuple[Left, ...] = ()


@dataclass(frozen=True, slots=True)
class Statistics:
    """``actions``: submissions, actions and gate answers. Times are in seconds.

    ``strangers``: requests that came to the gate from others than the server.
    """

    actions: int = 0
    requests: int = 0
    seconds: float = 0.0
    setup_seconds: float = 0.0
    cleanup_seconds: float = 0.0
    strangers: int = 0

    @property
    def told(self) -> str | None:
        """What is to be said of strangers, if there were any."""
        if not self.strangers:
            return None
        one = self.strangers == 1
        return (
            f"{self.strangers} request{' that was' if one else 's that were'} not the server's came"
            f" to the gate, and {'was' if one else 'were'} turned away: somebody has read its"
            " address on the server"
        )


# --- the events -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Started:
    """The run begins. ``ledger``: the file in use, or None; ``accepts``: what it accepts.

    ``mode``: polite, exclusive, or managed. ``whole``: all cases are run, not a selection.
    ``time_limit``: seconds for all of them, if that is bounded. ``command``: what was typed.
    ``workers``: how many servers are tested at once. ``shard``: which part of the cases, from 1, of
    how many, if not all of them are run. ``ids``: the cases, in their order. ``asked``: what was
    selected, and how deep it is to be searched, which all shards have to agree in.
    """

    target: Target
    seed: int
    started: str
    cases: int
    ledger: str | None
    accepts: tuple[str, ...] = ()
    mode: str = "managed"
    whole: bool = True
    time_limit: float | None = None
    command: str = ""
    workers: int = 1
    shard: tuple[int, int] | None = None
    ids: tuple[str, ...] = ()
    asked: Mapping[str, Any] = field(default_factory=dict)

    @property
    def alone(self) -> bool:
        """Whether all cases are run, and here, so that what is not covered is missing."""
        return self.whole and self.shard is None


@dataclass(frozen=True, slots=True)
class CaseBegins:
    id: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """A request was answered. Told only where it was asked for."""

    said: Said


@dataclass(frozen=True, slots=True)
class Progress:
    """A long case goes on. ``of`` is how many parts it has."""

    id: str
    done: int
    of: int


@dataclass(frozen=True, slots=True)
class Searched:
    """A search that has no end of its own goes on, for ``seconds`` of ``of``.

    ``states``: of the model, in which the server was seen; ``recent``: those of them that are new
    in the last ``lately`` seconds. ``kept``: sequences of its corpus.
    """

    id: str
    seconds: float
    of: float
    examples: int
    actions: int
    states: int
    recent: int
    lately: float
    kept: int
    findings: int


@dataclass(frozen=True, slots=True)
class CaseEnds:
    """A case has its verdict. One that is told again replaces the earlier one.

    ``actions``: so many were done in the run by then.
    """

    result: Result
    actions: int = 0


@dataclass(frozen=True, slots=True)
class Replayed:
    """What was recorded was run again: ``seen`` in so many of so many ``tries``.

    ``most``: so often it is tried, until it is seen. ``behind``: the cases that were run before it
    at last.
    """

    seen: int
    tries: int
    most: int
    behind: int = 0


@dataclass(frozen=True, slots=True)
class Failed:
    """The run could not begin, or not go on. ``reason``: what the user has to mend."""

    reason: str


@dataclass(frozen=True, slots=True)
class Warned:
    """What the user should know, and changes no verdict, as a replay that cannot be written."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The run is over, however it ended.

    ``why``: where the verdict is unknown, the reason, and what can be done about it.
    """

    verdict: RunVerdict
    interrupted: bool
    coverage: Coverage
    used: tuple[str, ...]
    stale: tuple[str, ...]
    cleanup: Cleanup
    statistics: Statistics
    why: str | None = None


Event: TypeAlias = (
    Started
    | CaseBegins
    | Spoken
    | Progress
    | Searched
    | CaseEnds
    | Replayed
    | Failed
    | Warned
    | Ended
)
