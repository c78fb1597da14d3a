"""What a peer tells of itself: its arguments, and a file with a line for each alarm.

An alarm is something that the peer would have its user look at. Whether it is right is not the
peer's to say (`benchmarks.peers.counting`).
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Alarm:
    """``job``: the id of the job that it is about, where it is about one. ``seen``: its State.

    ``name``: of the relaxation that the peer itself gives as the explanation.
    """

    said: str
    job: str | None = None
    seen: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Asked:
    """``url``: of the server. ``workers``: how many jobs it runs at once. ``seconds``: to use."""

    url: str
    workers: int
    seconds: float
    alarms: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "until", time.monotonic() + self.seconds)

    until: float = 0.0  # by the monotonic clock

    def tell(self, alarm: Alarm) -> None:
        with self.alarms.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(alarm)) + "\n")


def asked(doc: str, words: list[str] | None = None) -> Asked:
    """The arguments that every peer has."""
    parser = argparse.ArgumentParser(description=doc.partition("\n")[0])
    parser.add_argument("url")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--alarms", type=Path, default=Path("/dev/stdout"))
    found = parser.parse_args(words)
    return Asked(found.url.rstrip("/"), found.workers, found.seconds, found.alarms)


def told(file: Path) -> list[Alarm]:
    """The alarms of a peer, each once."""
    if not file.exists():
        return []
    lines = file.read_text(encoding="utf-8").splitlines()
    return list(dict.fromkeys(Alarm(**json.loads(line)) for line in lines))
