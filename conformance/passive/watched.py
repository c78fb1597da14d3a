"""What is known of a server whose history is judged."""

from __future__ import annotations

from dataclasses import dataclass, field

from spec.engine import Config
from spec.relaxations import Name
from spec.requirements import applies, requirement


@dataclass(frozen=True, slots=True)
class Watched:
    """What is known of the server: ``workers`` and ``history`` may not be (None).

    ``version``: None where it is not known; then what any version may do is allowed.
    ``accepted``: what is no alarm, as the ledger has it. ``others``: jobs may have been acted on by
    who is not in the history. ``live``: the runtime of a Running job is that of the moment in
    which it is read.
    """

    config: Config = field(default_factory=lambda: Config(workers=None, history=None))
    version: str | None = None
    accepted: frozenset[Name] = frozenset()
    others: bool = True
    live: bool = False

    def holds(self, id: str) -> bool:
        """Whether the server is held to a requirement that not every version meets."""
        return self.version is not None and applies(requirement(id), self.version)
