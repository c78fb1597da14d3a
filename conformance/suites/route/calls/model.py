"""What a call is, and one use of it on a sample of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.driver.context import Context
from conformance.driver.script import Via
from conformance.suites.route.samples import Sample

ARCHIVE, MEDIA = "Archive", "Media"
LEVELS = {"patient": "patients", "study": "studies", "series": "series"}
RESULT = "route/result"

Result = dict[str, Any]
Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Request:
    """One call. ``uids``: the SOPInstanceUIDs that an archive must hold.

    ``instances``: how many it works on.
    ``verify``: given the Content of the job that succeeded, requires what it had to do.
    ``remove``: paths of what the job works on: without them it must fail.
    ``inside``: given the files of an archive by their names, requires what else they must be.
    ``filename``: the name that an archive is offered by.
    """

    path: str
    body: dict[str, Any]
    verify: Callable[[Context, Result], None] = lambda context, content: None
    uids: frozenset[str] = frozenset()
    instances: int = 0
    remove: tuple[str, ...] = ()
    inside: Callable[[Context, Files], None] = lambda context, files: None
    filename: str = ""


@dataclass(frozen=True)
class Call:
    """One way to make a job. ``name`` is the part of case ids that says which.

    ``requirement`` says that it runs as a job, ``type`` which; ``shows`` are the fields of its
    Content in Success. ``needs``: the requirement that says which versions have the call.
    ``fails``: whether it fails without what it works on. ``empty``: whether it works on nothing.
    ``sends``: how its steps come to the gate. ``start``: what makes its job where no call does,
    and gives the id of the job; such a job has the Priority 0.
    """

    name: str
    requirement: str
    type: str
    make: Callable[[Context], Request]
    shows: tuple[str, ...] = ()
    needs: str | None = None
    fails: bool = False
    empty: bool = False
    sends: Via | None = None
    start: Callable[[Context], tuple[str, Request]] | None = None

    @property
    def archives(self) -> bool:
        return self.type in (ARCHIVE, MEDIA)


@dataclass(frozen=True)
class Part:
    """What of a sample a call is about: a patient, a study, or one series of it."""

    level: str
    made: Sample = field(repr=False)

    @property
    def id(self) -> str:
        return {"patient": self.made.patient, "study": self.made.study}.get(
            self.level, self.made.series[0]
        )

    @property
    def path(self) -> str:
        return f"/{LEVELS[self.level]}/{self.id}"

    @property
    def uids(self) -> frozenset[str]:
        return frozenset(self.made.uids[:1] if self.level == "series" else self.made.uids)
