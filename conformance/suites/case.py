"""What a case is, and what a server has to be like for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from conformance.steps import Step, submit
from spec.requirements import Requirement, requirement

if TYPE_CHECKING:
    from conformance.scene import Scene

NEEDS_EXCLUSIVE = "needs --exclusive"
NEEDS_MANAGED = "needs a server that the kit starts"
NEEDS_DELETE = "needs --exclusive: this server cannot delete the jobs that it leaves"
NO_RETRY = "no job of this server uses Retry"
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of the server under test before the first case.

    ``workers``: its ConcurrentJobs, or None where it was not found out (polite mode).
    ``history``: its JobsHistorySize, or None where nobody said it.
    ``retry``: it says that a step can ask for Retry. ``exclusive``: nobody else uses it.
    ``managed``: the kit starts it, so that a case may ask for a configuration.
    ``deletes``: it can delete a completed job.
    """

    workers: int | None = 2
    history: int | None = 10
    retry: bool = True
    exclusive: bool = True
    managed: bool = True
    deletes: bool = True


@dataclass(frozen=True, slots=True)
class Case:
    """One case: steps that the model judges, or a check that says itself what must hold.

    A search has neither, and makes its own steps.
    ``check``: what it does and requires, on a scene. ``leaves``: the completed jobs that it leaves.
    ``config``: Orthanc configuration keys that a managed server is started with for it.
    ``unreachable``: why it cannot be run on this server, or None.
    ``watch``: watch for a moment at its end that nothing comes which must not.
    ``repeat``: run it so often, because its steps fall at moments that nobody controls.
    """

    id: str
    requirement: str
    steps: tuple[Step, ...] = ()
    config: Mapping[str, Any] = field(default_factory=lambda: NOTHING, hash=False)
    unreachable: str | None = None
    watch: bool = False
    repeat: int = 1
    check: Callable[[Scene], None] | None = field(default=None, hash=False)
    leaves: int = 1

    @property
    def suite(self) -> str:
        return self.id.split("/", 1)[0]

    @property
    def stands_for(self) -> Requirement:
        return requirement(self.requirement)


def blockers(profile: Profile, steps: int = 1) -> tuple[Step, ...]:
    """Jobs that hold every worker, called X1, X2, …; none where workers may not be held."""
    if not profile.exclusive or profile.workers is None:
        return ()
    return tuple(submit(name, steps) for name in blocker_names(profile))


def blocker_names(profile: Profile) -> list[str]:
    return [f"X{n + 1}" for n in range(profile.workers or 1)]
