"""What a requirement is, whom it binds, and for which versions of a server it holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from spec.table import Ground

PAGE = "Advanced features of the REST API"
FIGURE = "JobsEngineStates figure"
RELEASES = ("1.9.1", "1.10.1", "1.12.7", "1.13.0")  # that were measured, the oldest first
OF_TRANSFERS = (
    "measured on Orthanc 1.10.1, 1.12.7, 1.13.0 with transfers accelerator 1.4, 1.7, mainline"
)
PLUGIN = "Transfers accelerator plugin"
PLUGIN_NEWS = "release notes of the transfers accelerator (NEWS)"
MEASURED = f"measured on Orthanc {', '.join(RELEASES)}"
NEWS = "Orthanc's release notes (NEWS)"
BOOK = "https://orthanc.uclouvain.be/book/users/advanced-rest.html"
CODE = "https://orthanc.uclouvain.be/hg/orthanc"
PLUGIN_BOOK = "https://orthanc.uclouvain.be/book/plugins/transfers.html"
NOTES = f"{CODE}/raw-file/default/OrthancServer/Resources/ImplementationNotes"
SOURCES = {  # how a source begins, the longest first, and its address
    f"{PAGE}, Synchronous vs. asynchronous calls": f"{BOOK}#synchronous-vs-asynchronous-calls",
    f"{PAGE}, Monitoring jobs": f"{BOOK}#monitoring-jobs",
    f"{PAGE}, Interacting with jobs": f"{BOOK}#interacting-with-jobs",
    f"{PAGE}, Jobs": f"{BOOK}#jobs",
    PAGE: BOOK,
    FIGURE: f"{NOTES}/JobsEngineStates.pdf",
    f"{PLUGIN}, Description": f"{PLUGIN_BOOK}#description",
    f"{PLUGIN}, Advanced options": f"{PLUGIN_BOOK}#advanced-options",
    NEWS: f"{CODE}/file/default/NEWS",
    PLUGIN_NEWS: f"{CODE}-transfers/file/default/NEWS",
}


class Bound(StrEnum):
    """Whom a requirement binds. Advice to callers is no verdict on a server."""

    SERVER = "server"
    CLIENT = "client"


class Need(StrEnum):
    """What it takes to check a requirement, beyond a server that answers."""

    EXCLUSIVE = "exclusive"  # all workers, or the whole history, of the server
    MANAGED = "managed"  # its configuration, its start and its stop
    RETRY = "retry"  # a step that can ask for Retry: no released Orthanc has one
    DICOM = "dicom"  # a DICOM modality that the server can reach
    TRANSFERS = "transfers"  # the transfers accelerator, a plugin


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that must hold.

    ``since`` and ``until`` are the first and the last server version that it applies to, both
    included; None is unbounded. ``reading`` is our interpretation of a source that leaves
    room, ``note`` what documents or servers say otherwise.
    """

    id: str
    sentence: str
    source: str
    ground: Ground
    since: str | None = None
    until: str | None = None
    reading: str | None = None
    note: str | None = None
    binds: Bound = Bound.SERVER
    needs: frozenset[Need] = frozenset()

    @property
    def url(self) -> str | None:
        """The address of its source, where that is a document; None for what was measured."""
        return next((url for begin, url in SOURCES.items() if self.source.startswith(begin)), None)

    @property
    def section(self) -> str:
        return self.id.partition("/")[0]


class UnknownRequirement(KeyError):
    """An id that names no requirement of the catalogue."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.id = id

    def __str__(self) -> str:
        return f"unknown requirement {self.id!r}: the catalogue does not have this id"


class DuplicateRequirement(ValueError):
    """Two requirements with one id: a fault of the catalogue itself."""


def applies(requirement: Requirement, version: str) -> bool:
    """Whether ``requirement`` holds for a server whose ``/system`` says ``version``.

    A version that does not begin with a number, as "mainline" of a development build, counts
    as newer than every release.
    """
    return within(version, requirement.since, requirement.until)


def within(version: str, since: str | None, until: str | None) -> bool:
    """Whether ``version`` is one of those from ``since`` to ``until``; None is unbounded."""
    number = version_key(version)
    if since is not None and number < version_key(since):
        return False
    return until is None or number <= version_key(until)


def measured(since: str | None, until: str | None) -> str:
    """The source of what no document says: the releases from ``since`` to ``until``."""
    return f"measured on Orthanc {', '.join(one for one in RELEASES if within(one, since, until))}"


@lru_cache
def version_key(version: str) -> tuple[float, ...]:
    """``version`` made comparable: "1.10" equals "1.10.0", a suffix as "+dfsg" is ignored.

    What does not begin with a number, as "mainline", is newer than every release.
    """
    digits = re.match(r"\d+(\.\d+)*", version.strip())
    if digits is None:
        return (float("inf"),)
    parts = [float(part) for part in digits.group().split(".")]
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)
