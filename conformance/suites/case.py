"""What a case is: a script of steps, a check, a complete suite, or a search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from conformance.driver.script import Do, Step, submit
from conformance.suites.needs import Needed
from conformance.sut.profile import NOTHING, Profile
from spec.requirements import Requirement, requirement

if TYPE_CHECKING:
    from conformance.driver.context import Context

Checking: TypeAlias = "Callable[[Context], None]"

OFTEN = 4  # times that the same is done to a job in turn: some faults come the third time only
# Of the seconds that an Orthanc takes to stop, these two take one each.
QUICK_TO_STOP: Mapping[str, Any] = MappingProxyType(
    {"DicomServerEnabled": False, "WebDavEnabled": False}
)
LISTENS: Mapping[str, Any] = MappingProxyType({"DicomServerEnabled": True})  # and waits for DICOM


@dataclass(frozen=True, slots=True)
class Case:
    """What all kinds of cases have. ``requirement``: the id of what it is about.

    ``config``: Orthanc configuration keys that a managed server is started with for it.
    ``needs``: what it takes of a server beyond what its requirement says.
    ``unreachable``: why it cannot be run on the server that it was made for, or None; filled in by
    `conformance.suites.suites`.
    ``fresh``: it needs a server that has no job yet, of whoever made it. ``anew``: and that has had
    none since it was started, as a job that is deleted may not be forgotten.
    """

    id: str
    requirement: str
    config: Mapping[str, Any] = field(default_factory=lambda: NOTHING, hash=False, kw_only=True)
    needs: tuple[Needed, ...] = field(default=(), kw_only=True)
    unreachable: str | None = field(default=None, kw_only=True)
    fresh: bool = field(default=False, kw_only=True)
    anew: bool = field(default=False, kw_only=True)

    @property
    def suite(self) -> str:
        return self.id.split("/", 1)[0]

    @property
    def stands_for(self) -> Requirement:
        return requirement(self.requirement)

    @property
    def sentence(self) -> str:
        """What is done, or else what has to hold, in a line."""
        return self.stands_for.sentence

    @property
    def makes_job(self) -> bool:
        """Whether a job is left by the case that was not there before."""
        return True


@dataclass(frozen=True, slots=True)
class Script(Case):
    """Steps that the model judges.

    ``watch``: watch for a moment at its end that nothing comes which must not.
    ``repeat``: run it so often, because its steps fall at moments that nobody controls.
    """

    steps: tuple[Step, ...] = ()
    watch: bool = field(default=False, kw_only=True)
    repeat: int = field(default=1, kw_only=True)

    @property
    def sentence(self) -> str:
        lines = [str(step).removesuffix(", priority 0") for step in self.steps]
        told = "; ".join(lines)
        return f"{told[:1].upper()}{told[1:]}."

    @property
    def makes_job(self) -> bool:
        return any(step.do is Do.SUBMIT for step in self.steps)


@dataclass(frozen=True, slots=True)
class Check(Case):
    """A function that says itself what must hold. ``check``: what it does and requires.

    ``leaves``: the completed jobs that it leaves. ``repeat``: as of a script.
    ``by_chance``: what happens in it differs from run to run, and with it what relaxations it
    needs: those that the ledger accepts are taken for granted, so that its verdict does not.
    """

    check: Checking = field(hash=False)
    leaves: int = field(default=1, kw_only=True)
    by_chance: bool = field(default=False, kw_only=True)
    repeat: int = field(default=1, kw_only=True)

    @property
    def sentence(self) -> str:
        told = getattr(self.check, "func", self.check)  # what a `partial` is of
        text = (told.__doc__ or self.stands_for.sentence).strip().partition("\n")[0]
        return f"{text[:1].upper()}{text[1:]}"

    @property
    def makes_job(self) -> bool:
        return bool(self.leaves)


@dataclass(frozen=True, slots=True)
class CompleteSuite(Case):
    """All sequences that are needed to know a server of bounded size; it makes them itself."""


@dataclass(frozen=True, slots=True)
class StatefulSearch(Case):
    """Random sequences over several jobs; it makes them itself."""


def blockers(profile: Profile, steps: int = 1) -> tuple[Step, ...]:
    """Jobs that hold every worker, called X1, X2, …; none where workers may not be held."""
    if not profile.exclusive or profile.workers is None:
        return ()
    return tuple(submit(name, steps) for name in blocker_names(profile))


def blocker_names(profile: Profile) -> list[str]:
    return [f"X{n + 1}" for n in range(profile.workers or 1)]
