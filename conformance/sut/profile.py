"""What is known of the server under test before the first case, and what binds it for that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from spec.requirements import Bound, applies, requirement, within

OF_CALLERS = "it binds those who call"
NOT_THIS_VERSION = "not documented for this version"
DELETE_JOB, ERROR_DETAILS, USER_DATA = "DELETE /jobs/{id}", "ErrorDetails", "UserData"
DELETE_ARCHIVE = "DELETE /jobs/{id}/archive"
BULK_MODIFY, BULK_ANONYMIZE = "POST /tools/bulk-modify", "POST /tools/bulk-anonymize"
COMMITMENT = "storage commitment"
ERRORS_KEPT, SAVED_AT_CREATION = "ErrorCode over a restart", "jobs saved at their creation"
# What a server of an earlier version may declare to have as well.
DECLARED = {
    "history/delete-archive": DELETE_ARCHIVE,
    "history/delete-job": DELETE_JOB,
    "monitor/error-details": ERROR_DETAILS,
    "persist/error": ERRORS_KEPT,
    "persist/saved-at-creation": SAVED_AT_CREATION,
    "route/bulk-anonymize": BULK_ANONYMIZE,
    "route/bulk-modify": BULK_MODIFY,
    "route/storage-commitment": COMMITMENT,
    "submit/user-data": USER_DATA,
}
# What the reference server may declare not to have, though it says that it is of such a version.
LACKING = {
    "option/archive-lossy-quality": "transfer syntaxes that lose something",
    "option/transcode-lossy": "transfer syntaxes that lose something",
    "route/autorouting": "Lua scripts",
    "route/autorouting-chain": "Lua scripts",
    "route/autorouting-told": "Lua scripts",
    "route/retrieve-progress": "Progress of sub-operations",
}
NOT_OFFERED = "the server says that it does not have it"
# Of earlier versions of the transfers accelerator nobody has measured what they do.
OLDEST_TRANSFERS = "1.4"
INGEST_TRANSCODING = "IngestTranscoding"  # a switch of a configuration that is a transfer syntax
NOTHING: Mapping[str, Any] = MappingProxyType({})
# What an Orthanc does whose configuration does not say, by the comments of its own one.
BY_DEFAULT: Mapping[str, int] = MappingProxyType({"ConcurrentJobs": 2, "JobsHistorySize": 10})


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of the server under test before the first case.

    ``workers``: its ConcurrentJobs, or None where it was not found out (polite mode).
    ``history``: its JobsHistorySize, or None where nobody said it.
    ``retry``: it says that a step can ask for Retry. ``exclusive``: nobody else uses it.
    ``managed``: the kit starts it, so that a case may ask for a configuration.
    ``deletes``: it can delete a completed job.
    ``lacks``: what it says that it has not, though others of its version have.
    ``version``: what its ``/system`` says. ``implements``: what it has of later versions.
    ``transfers``: the version of its transfers accelerator, or None where it has none.
    ``on``: the switches of its configuration that are on, as its ``/system`` says or it shows.
    ``sliced``: its transfers may look at what is asked of them every 200 ms only, as the plugin's.
    """

    workers: int | None = 2
    history: int | None = 10
    retry: bool = True
    exclusive: bool = True
    managed: bool = True
    deletes: bool = True
    version: str = "1.5.6"
    implements: frozenset[str] = frozenset(DECLARED.values())
    lacks: frozenset[str] = frozenset()
    transfers: str | None = "mainline"
    sliced: bool = False
    on: frozenset[str] = frozenset()

    @property
    def measured(self) -> bool:
        """Whether its transfers accelerator is not older than the oldest that was measured."""
        return self.transfers is not None and within(self.transfers, OLDEST_TRANSFERS, None)

    @property
    def mode(self) -> str:
        """How it may be treated, in a word."""
        return "managed" if self.managed else "exclusive" if self.exclusive else "polite"


def inapplicable(profile: Profile, id: str) -> str | None:
    """Why the requirement ``id`` does not bind this server, or None."""
    if requirement(id).binds is Bound.CLIENT:
        return OF_CALLERS
    if DECLARED.get(id) not in profile.implements:
        if not applies(requirement(id), profile.version):
            return NOT_THIS_VERSION
        if LACKING.get(id) in profile.lacks:
            return NOT_OFFERED
    return None
