"""How the cases of a run are divided: into lots, each of which has a server of its own.

A lot is run from its beginning to its end on a server that was started for it, so what its cases
come to does not depend on other lots: neither on how many workers run them, nor on their order,
nor on which machine they are run. Hence the lots of a run depend on its cases alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from conformance.errors import BadArgument
from conformance.suites.case import Case, StatefulSearch
from conformance.sut.target import ORTHANC

FILE = Path(__file__).with_name("durations.json")  # `tools/durations` writes it
LONGEST = 8.0  # seconds that the cases of a lot take together, if it has more than one
MOST_STREAMS, LEAST_EXAMPLES = 8, 25  # of a search; in each of its streams


class Time(NamedTuple):
    """What a case is expected to take, in seconds.

    ``waited``: so much of it is spent while a server does nothing: before it ends or saves
    its jobs, or while a job of it waits for more.
    """

    seconds: float
    waited: float = 0.0


@dataclass(frozen=True, slots=True)
class Stream:
    """One of the parts that a search is divided into. ``number``: from 0, of ``of``."""

    number: int
    of: int
    examples: int

    def seed(self, seed: int) -> int:
        """The seed of its sequences, where ``seed`` is that of the run."""
        return seed if self.of == 1 else Random(f"{seed}/{self.number}").getrandbits(64)


@dataclass(frozen=True, slots=True)
class Lot:
    """Cases that run one after the other on one server. ``cases``: their ids.

    ``seconds``: what they are expected to take, of which ``waited``: see `Time`. ``stream``: of its
    one case only this is run.
    """

    number: int
    config: Mapping[str, Any]
    cases: tuple[str, ...]
    seconds: float = 0.0
    stream: Stream | None = None
    waited: float = 0.0

    @property
    def waits(self) -> bool:
        """Whether most of its time goes by while nothing is done."""
        return self.waited > self.seconds / 2


def grouped(
    cases: Iterable[Case], first: Mapping[str, Any]
) -> list[tuple[Mapping[str, Any], list[Case]]]:
    """The cases by the configuration that they need, as they come; but ``first`` is the first."""
    groups: list[tuple[Mapping[str, Any], list[Case]]] = [(first, [])]
    for case in cases:
        group = next((members for config, members in groups if config == case.config), None)
        if group is None:
            groups.append((case.config, group := []))
        group.append(case)
    return groups


def divided(
    cases: Iterable[Case], first: Mapping[str, Any], examples: int, kind: str = ORTHANC
) -> list[Lot]:
    """The lots of ``cases``, as they come; but those of the configuration ``first`` are first.

    ``kind``: of the server, of which `conformance.sut.target` knows the names.
    """
    found: list[Lot] = []
    for config, members in grouped(cases, first):
        for lot in _lots(dict(config), members, examples, kind):
            found.append(replace(lot, number=len(found)))
    return found


def _lots(
    config: Mapping[str, Any], cases: Sequence[Case], examples: int, kind: str
) -> Iterable[Lot]:
    ids: list[str] = []
    spent = Time(0.0)
    for case in cases:
        time = Time(0.0) if case.unreachable is not None else expected(case.id, kind)
        streams = _streams(examples) if isinstance(case, StatefulSearch) else ()
        if len(streams) > 1 and case.unreachable is None:
            each, waited = (one / len(streams) for one in time)
            for stream in streams:
                yield Lot(0, config, (case.id,), each, stream, waited)
            continue
        if ids and spent.seconds + time.seconds > LONGEST:
            yield Lot(0, config, tuple(ids), spent.seconds, waited=spent.waited)
            ids, spent = [], Time(0.0)
        ids.append(case.id)
        spent = Time(spent.seconds + time.seconds, spent.waited + time.waited)
    if ids:
        yield Lot(0, config, tuple(ids), spent.seconds, waited=spent.waited)


def _streams(examples: int) -> tuple[Stream, ...]:
    number = min(MOST_STREAMS, max(1, examples // LEAST_EXAMPLES))
    each, more = divmod(examples, number)
    return tuple(Stream(n, number, each + (n < more)) for n in range(number))


def longest_first(lots: Iterable[Lot]) -> list[Lot]:
    """The order in which lots are handed out."""
    return sorted(lots, key=lambda lot: (-lot.seconds, lot.number))


def shard(lots: Sequence[Lot], number: int, of: int) -> list[Lot]:
    """The lots of one shard, from 1, of so many that take about as long as each other.

    Raises `BadArgument` where there are too few lots.
    """
    if of > len(lots):
        most = "cannot be divided" if len(lots) == 1 else f"make {len(lots)} shards at most"
        raise BadArgument(
            f"--shard {number}/{of}: these cases {most}: select more of them, say fewer shards,\n"
            "or leave --shard out"
        )
    shards: list[list[Lot]] = [[] for _ in range(of)]
    for lot in longest_first(lots):
        least = min(shards, key=lambda one: (sum(lot.seconds for lot in one), len(one)))
        least.append(lot)
    return sorted(shards[number - 1], key=lambda lot: lot.number)


def expected(case: str, kind: str = ORTHANC) -> Time:
    """What a case is expected to take on such a server, as measured when the table was made.

    A server at a URL is taken for an Orthanc.
    """
    tables = _durations()
    table = tables.get(kind, tables[ORTHANC])
    return Time(*table["cases"].get(case, (table["else"],)))


@cache
def _durations() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found
