"""A scenario: what happens to a job, one thing after the other, while a client waits for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

from conformance.clients.stage import Stage

Doing: TypeAlias = Callable[[Stage], None]

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Beat:
    """One thing that happens. ``words``: what it is; ``do``: makes it so, and waits until it is.

    ``looks``: so often the client has looked at the job, since the thing before, when it happens.
    """

    words: str
    do: Doing = field(hash=False)
    looks: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A history of one job. ``requirement``: the id of what it asks of a client.

    ``about``: what a client may take for what it is not, in words. ``before``: what has happened
    before the client begins. ``job``: how the job differs from one that stores instances at a peer.
    ``config``: of the server. ``ends``: the job comes to an end; otherwise the client has to, by
    its time limit. ``submits``: it is about how a client submits, and for such ones only.
    """

    id: str
    requirement: str
    about: str
    beats: tuple[Beat, ...]
    before: tuple[Beat, ...] = ()
    job: Mapping[str, Any] = field(default_factory=lambda: NOTHING, hash=False)
    config: Mapping[str, Any] = field(default_factory=lambda: NOTHING, hash=False)
    ends: bool = True
    submits: bool = False

    @property
    def made(self) -> bool:
        """Whether the job is one that no client could submit, and so is made before it begins."""
        return not self.submits and bool(self.job or self.before)
