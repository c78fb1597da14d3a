"""What a case is, and what a server has to be like for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from conformance.driver.script import Do, Step, submit
from conformance.sut.profile import NOTHING, Profile
from spec.requirements import Requirement, requirement

if TYPE_CHECKING:
    from conformance.driver.context import Context

Check: TypeAlias = "Callable[[Context], None]"

NEEDS_EXCLUSIVE = "needs --exclusive"
NEEDS_MANAGED = "needs a server that the kit starts"
NEEDS_DELETE = "needs --exclusive: this server cannot delete the jobs that it leaves"
NO_RETRY = "no job of this server uses Retry"
OFTEN = 4  # times that the same is done to a job in turn: some faults come the third time only
# Of the seconds that an Orthanc takes to stop, these two take one each.
QUICK_TO_STOP: Mapping[str, Any] = MappingProxyType(
    {"DicomServerEnabled": False, "WebDavEnabled": False}
)


@dataclass(frozen=True, slots=True)
class Case:
    """One case: steps that the model judges, or a check that says itself what must hold.

    A search has neither, and makes its own steps; so has a ``complete`` suite.
    ``check``: what it does and requires. ``leaves``: the completed jobs that it leaves.
    ``by_chance``: what happens in it differs from run to run, and with it what relaxations it
    needs: those that the ledger accepts are taken for granted, so that its verdict does not.
    ``config``: Orthanc configuration keys that a managed server is started with for it.
    ``unreachable``: why it cannot be run on this server, or None.
    ``watch``: watch for a moment at its end that nothing comes which must not.
    ``repeat``: run it so often, because its steps fall at moments that nobody controls.
    ``fresh``: it needs a server that has no job yet, of whoever made it.
    """

    id: str
    requirement: str
    steps: tuple[Step, ...] = ()
    config: Mapping[str, Any] = field(default_factory=lambda: NOTHING, hash=False)
    unreachable: str | None = None
    watch: bool = False
    repeat: int = 1
    check: Check | None = field(default=None, hash=False)
    leaves: int = 1
    by_chance: bool = False
    fresh: bool = False
    complete: bool = False

    @property
    def suite(self) -> str:
        return self.id.split("/", 1)[0]

    @property
    def stands_for(self) -> Requirement:
        return requirement(self.requirement)


def makes_job(case: Case) -> bool:
    """Whether a job is left by the case that was not there before."""
    return bool(case.leaves) if case.check else any(step.do is Do.SUBMIT for step in case.steps)


def blockers(profile: Profile, steps: int = 1) -> tuple[Step, ...]:
    """Jobs that hold every worker, called X1, X2, …; none where workers may not be held."""
    if not profile.exclusive or profile.workers is None:
        return ()
    return tuple(submit(name, steps) for name in blocker_names(profile))


def blocker_names(profile: Profile) -> list[str]:
    return [f"X{n + 1}" for n in range(profile.workers or 1)]
