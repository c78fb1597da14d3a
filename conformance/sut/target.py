"""What is tested: a server at a URL, the reference server, or an Orthanc of our own.

What a user chooses of it, and what is known of it before the first job.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.errors import BadArgument, NoServer
from conformance.sut import servers
from conformance.sut.address import Address
from conformance.sut.identity import System
from conformance.sut.managed import Managed
from conformance.sut.processes import Keeper
from conformance.sut.profile import BY_DEFAULT, INGEST_TRANSCODING, LACKING, Profile
from conformance.sut.transport import unresolved
from conformance.text import counted
from spec.requirements import applies, requirement

TIMEOUT, DEADLINE = 10.0, 5.0  # seconds
URL, REFERENCE, ORTHANC = "url", "reference", "orthanc"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which target, and how it may be treated. Times are in seconds."""

    name: str = REFERENCE
    address: Address | None = None  # for a URL
    server_command: str | None = None
    workdir: Path | None = None
    fault: str | None = None
    exclusive: bool = False
    gate_address: str | None = None
    history_size: int | None = None
    timeout: float = TIMEOUT
    deadline: float = DEADLINE
    release: str | None = None
    plugins: tuple[Path, ...] = ()  # what an Orthanc of our own loads, as it sees their paths

    @property
    def kind(self) -> str:
        return self.name if self.address is None else URL

    @property
    def options(self) -> tuple[str, ...]:
        """The words of a command that choose this server again; no secret is among them."""
        given = {
            "--server-command": self.server_command,
            "--workdir": self.workdir,
            "--fault": self.fault,
            "--release": self.release,
            "--gate-address": self.gate_address,
            "--history-size": self.history_size,
            "--timeout": None if self.timeout == TIMEOUT else f"{self.timeout:g}",
            "--deadline": None if self.deadline == DEADLINE else f"{self.deadline:g}",
        }
        words = [w for key, value in given.items() if value is not None for w in (key, str(value))]
        words += [word for plugin in self.plugins for word in ("--plugin", str(plugin))]
        if self.address is not None:
            words += [*self.address.options, *(["--exclusive"] if self.exclusive else [])]
        return tuple(words)

    @property
    def gate_host(self) -> str:
        """How the server reaches this machine.

        Raises `BadArgument` where that must be said, `NoServer` where its own host is none.
        """
        if self.gate_address is not None:
            return self.gate_address
        if self.address is None or _loopback(self.address.host):
            return "127.0.0.1"
        if (why := unresolved(self.address.host, self.timeout)) is not None:
            raise NoServer(f"no server answers at {self.address.url}: {why}\nCheck its host.")
        raise BadArgument(
            f"how does {self.address.host} reach this machine? Its jobs send to a gate that the"
            " kit opens here:\nname this machine's address as the server sees it with"
            " --gate-address."
        )

    def server(self, config: Mapping[str, Any], keeper: Keeper | None = None) -> Managed:
        """A server of our own, which has not begun. Raises `BadArgument`."""
        if self.name == REFERENCE:
            return servers.reference(config, self.workdir, self.fault, keeper, self.release)
        loaded = {"Plugins": [str(plugin) for plugin in self.plugins]} if self.plugins else {}
        return servers.orthanc(self.server_command, {**config, **loaded}, self.workdir, keeper)


def plugins(named: Iterable[Path], *, seen_here: bool) -> tuple[Path, ...]:
    """The plugins of a server of our own, as it sees their paths.

    ``seen_here``: it sees the files that we do. Raises `BadArgument` where one is not there then.
    """
    if not seen_here:
        return tuple(named)
    found = tuple(path.resolve() for path in named)
    if gone := [path for path in found if not path.is_file()]:
        raise BadArgument(f"--plugin: there is no file {gone[0]}")
    return found


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _words(declared: Any) -> frozenset[str]:
    """A list of words that a server declares."""
    return frozenset(map(str, declared)) if isinstance(declared, list) else frozenset()


def _lacks(choice: Choice, system: System) -> frozenset[str]:
    """What it says that it has not. An Orthanc of our own cannot say so, and is not believed."""
    return frozenset() if choice.name == ORTHANC else _words(system.declared.get("Lacks"))


def on_its_word(choice: Choice, profile: Profile, cases: int) -> str | None:
    """What is told of ``cases`` that a server at a URL is spared because of what it says, or None.

    Of the reference server that the kit starts nothing is told: what it lacks is in its docs.
    """
    if not cases or choice.address is None:
        return None
    named = ", ".join(sorted(profile.lacks & frozenset(LACKING.values())))
    those = "about that was" if cases == 1 else "about these were"
    return f"the server says that it lacks {named}: {counted(cases, 'case')} {those} not judged"


def profile_of(choice: Choice, system: System, config: Mapping[str, Any]) -> Profile:
    """What is known before the first job. A managed server is as its configuration says."""
    declared = system.declared
    deletes = applies(requirement("history/delete-job"), system.version)
    has = _words(declared.get("Implements"))
    deletes = deletes or "DELETE /jobs/{id}" in has
    silent = {key: BY_DEFAULT.get(key) for key, value in config.items() if value is None}
    known = {**declared, **config, **silent}
    return Profile(
        workers=_workers(known.get("ConcurrentJobs"), choice.address is None),
        history=_count(known.get("JobsHistorySize"), 0)
        if choice.history_size is None
        else choice.history_size,
        retry=declared.get("Retry") is True,
        exclusive=choice.exclusive or choice.address is None,
        managed=choice.address is None,
        deletes=deletes,
        version=system.version,
        implements=has,
        lacks=_lacks(choice, system),
        transfers=system.transfers,
        sliced=not declared,
        on=frozenset() if choice.address is None else _on(system.told),
    )


def _on(told: Mapping[str, Any]) -> frozenset[str]:
    """The switches of a configuration that are told to be on."""
    transcodes = {INGEST_TRANSCODING} if told.get(INGEST_TRANSCODING) else set()
    return frozenset({key for key, value in told.items() if value is True} | transcodes)


def _workers(value: Any, ours: bool) -> int | None:
    """How many jobs run at a time. On a server of ``ours`` 0 is one for each processor."""
    return os.cpu_count() if ours and _count(value, 0) == 0 else _count(value, 1)


def _count(value: Any, least: int) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and value >= least else None
