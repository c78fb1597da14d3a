"""Which page of the documentation the server keeps to: one release's, or all of them."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.reference.config import ConfigError

_PAGE = "1.5.6"

LATER = {
    "DELETE /jobs/{id}": "1.12.2",
    "DELETE /jobs/{id}/archive": "1.12.1",
    "ErrorCode over a restart": "1.9.5",
    "ErrorDetails": "1.9.4",
    "POST /tools/bulk-anonymize": "1.9.4",
    "POST /tools/bulk-modify": "1.9.4",
    "UserData": "1.12.9",
    "jobs saved at their creation": "1.11.1",
    "storage commitment": "1.9.1",
}
"""What came after the page of Orthanc 1.5.6, and with which release."""

LACKS = (
    "Lua scripts",
    "Progress of sub-operations",
    "transfer syntaxes that lose something",
)
"""What later releases have as well, and this server has not."""

_WITHOUT_COMMIT_TIMEOUT = ("", "1.4")  # it came with version 1.6 of the plugin
_LIMITED_UNTIL = "1.10.0"  # from then on LimitJobs has no meaning


@dataclass(frozen=True, slots=True)
class Release:
    """A release by its version, and what it has; `implements`: of what came after that version;
    `transfers`: the version of the transfers accelerator that was measured with it, if any."""

    version: str
    api_version: int
    implements: tuple[str, ...] = ()
    transfers: str = ""

    def has(self, feature: str) -> bool:
        """Whether it has one of `LATER`."""
        return feature in self.implements or _key(LATER[feature]) <= _key(self.version)

    def is_from(self, version: str) -> bool:
        """Whether it is this one, or a later one."""
        return _key(version) <= _key(self.version)

    @property
    def hidden(self) -> tuple[str, ...]:
        """The fields of a job that came with a later release."""
        return tuple(name for name in ("ErrorDetails", "UserData") if not self.has(name))

    @property
    def plugins(self) -> dict[str, str]:
        """Its plugins, and their versions."""
        return {"transfers": self.transfers} if self.transfers else {}

    @property
    def waits_for_commits(self) -> bool:
        """Whether the commit of a push has a time of its own (PeerCommitTimeout)."""
        return self.transfers not in _WITHOUT_COMMIT_TIMEOUT

    @property
    def limits_jobs(self) -> bool:
        """Whether a full queue holds back who submits a job (LimitJobs)."""
        return _key(self.version) <= _key(_LIMITED_UNTIL)


EVERY_PAGE = Release(_PAGE, 2, tuple(LATER), transfers="1.7")
"""The page of 1.5.6, and what all later ones have added to it."""

RELEASES = {
    release.version: release
    for release in (
        Release(_PAGE, 2),
        Release("1.10.1", 16, transfers="1.4"),
        Release("1.12.7", 27, transfers="1.7"),
        Release("1.13.0", 31, transfers="mainline"),
    )
}
"""The releases that can be asked for, by their versions."""


def find_release(version: str | None) -> Release:
    """The release of this version, None = every page. Raises `ConfigError`."""
    if version is None:
        return EVERY_PAGE
    if version not in RELEASES:
        raise ConfigError(f"unknown release {version!r}: there are {', '.join(RELEASES)}")
    return RELEASES[version]


def _key(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
