"""What a run is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from conformance.campaign.replay import Recording
from conformance.search.complete import EXTRA
from conformance.search.corpus import Corpus
from conformance.timing import TIMING


@dataclass(frozen=True, slots=True)
class Fuzzing:
    """A search that has no end of its own. ``seconds``: for so long.

    ``shrinking``: seconds for which each finding is shrunk, by Hypothesis and then by us.
    """

    seconds: float
    corpus: Corpus
    shrinking: float = TIMING.shrinking


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run. ``ledger``: a file, or None for the one that the kit ships.

    ``replays``: the folder of replay files, or None to write none. ``extra``: states that a server
    may have beyond those of the model. ``first``: of each suite no case is run any more once one
    was a deviation. ``time_limit``: seconds for all of the cases. ``recording``: run this,
    instead of the suites. ``command``: what was typed, for the reports. ``workers``: so many
    servers at once, where the kit starts them. ``shard``: only this part, from 1, of so many.
    ``max_failures``: when so many cases deviate, no other is begun. ``verbose``: each request and
    answer is told of. ``fuzzing``: the search goes on for so long.
    """

    suites: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    ledger: Path | None = None
    no_ledger: bool = False
    seed: int = 0
    examples: int = 100
    replays: Path | None = Path("replays")
    recording: Recording | None = None
    extra: int = EXTRA
    first: bool = False
    time_limit: float = inf
    command: str = ""
    workers: int = 1
    shard: tuple[int, int] | None = None
    max_failures: int | None = None
    verbose: bool = False
    fuzzing: Fuzzing | None = None

    @property
    def asked(self) -> Mapping[str, Any]:
        """What is selected, and how deep it is searched."""
        return {
            "suites": list(self.suites),
            "cases": list(self.prefixes),
            "excluded": list(self.excluded),
            "examples": self.examples,
            "extra_states": self.extra,
        }

    @property
    def whole(self) -> bool:
        """Whether all suites run, be it in several shards."""
        return not (self.suites or self.prefixes or self.excluded or self.recording)
