"""What is tested: a server at a URL, the reference server, or an Orthanc of our own.

A target can be opened, possibly with another configuration than before; what it opens is a
`Session`: a client, a gate, and what is known of the server.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from conformance.driver.driver import AT_ONCE, Deviated, Driver
from conformance.driver.resources import Resources, Tracked
from conformance.driver.restarts import Restarts
from conformance.driver.script import fail, submit
from conformance.errors import BadArgument, KitError, NoServer, Unjudged
from conformance.events import Cleanup, Target
from conformance.peer.gate import Gate
from conformance.session.cleanup import clean
from conformance.sut import servers
from conformance.sut.address import Address
from conformance.sut.client import Client
from conformance.sut.identity import System, identify
from conformance.sut.managed import Managed
from conformance.sut.processes import Keeper
from conformance.sut.profile import NOTHING, Profile, inapplicable
from spec.engine import Config
from spec.requirements import version_key
from spec.table import State

ORTHANC_HISTORY = 10  # Orthanc's default of JobsHistorySize
DELETES_SINCE = "1.12.2"
SAVES_SINCE = "1.9.1"  # the oldest version that was seen to save a job soon after its creation
HOLD_LIMIT = 20.0  # seconds for which a step is held on a server whose HttpTimeout we do not know
MOST_WORKERS = 64
PATIENCE = 0.5  # seconds without an arrival that show that no worker is free
PROBE = "probe"  # what `probe` is called among the cases that a server has had
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
    timeout: float = 10.0
    deadline: float = 5.0

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
            "--gate-address": self.gate_address,
        }
        words = [word for key, value in given.items() if value for word in (key, str(value))]
        return tuple(words if self.address is None else [*words, "--exclusive"])


@dataclass
class Session:
    """An open target. ``resources`` is what the kit has made on it.

    ``had``: the ids of the cases that a managed server has had since it began, `PROBE` included.
    """

    target: Target
    system: System
    profile: Profile
    config: Mapping[str, Any]
    client: Client
    gate: Gate
    resources: Resources
    deadline: float
    server: Managed | None = None
    had: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Raise `ServerDied` where a managed server has ended by itself."""
        if self.server is not None:
            self.server.check()

    @property
    def restarts(self) -> Restarts | None:
        """What it takes to stop and start it, for a managed server."""
        if self.server is None:
            return None
        keeps, saves = (
            inapplicable(self.profile, id) is None
            for id in ("persist/error", "persist/saved-at-creation")
        )
        measured = version_key(self.system.version) >= version_key(SAVES_SINCE)
        return Restarts(self.server, keeps, saves or measured)

    def renew(self) -> bool:
        """Make a managed server a new one; whether that could be done."""
        if self.server is None:
            return False
        self.server.renew()
        self.had.clear()
        self.client.move(self.server.address)
        self.resources.forget()
        return True

    def empty(self, on_disk: bool = False) -> None:
        """See to it that a managed server has no job, nor a trace of one.

        ``on_disk``: what it has saved is to be empty as well. An Orthanc saves every 10 s, or when
        a job is made: a job that has ended, or was deleted, is under way again after ``kill -9``.
        """
        if on_disk or not self._deletes_all():
            self.renew()

    def _deletes_all(self) -> bool:
        """Delete every job; whether none is left."""
        ids = self.client.get("/jobs").json()
        if not isinstance(ids, list) or (ids and not self.profile.deletes):
            return False
        return all(self.client.delete(f"/jobs/{id}").ok for id in ids)

    @property
    def room_for(self) -> int:
        """How many completed jobs the history holds, as far as anybody said."""
        return ORTHANC_HISTORY if self.profile.history is None else self.profile.history

    @property
    def hold_limit(self) -> float | None:
        return HOLD_LIMIT if self.server is None else None

    def clean(self) -> Cleanup:
        """Remove what was made. Nothing is left on a server whose folder goes with it."""
        done = clean(self.resources, self.profile.deletes)
        return done if self.server is None else Cleanup(done.removed)


def gate_host(choice: Choice) -> str:
    """How the server reaches this machine. Raises `BadArgument` where that must be said."""
    if choice.gate_address is not None:
        return choice.gate_address
    if choice.address is None or _loopback(choice.address.host):
        return "127.0.0.1"
    raise BadArgument(
        f"how does {choice.address.host} reach this machine? Its jobs send to a gate that the kit"
        " opens here:\nname this machine's address as the server sees it with --gate-address."
    )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass
class Yard:
    """Managed servers whose beginning and whose end nobody waits for: the run goes on meanwhile.

    ``ending``: those that were told to end. ``ready``: the next one, and its configuration.
    ``keeper`` starts them all: a second reference server is there at once.
    """

    ending: list[Managed] = field(default_factory=list)
    ready: tuple[Mapping[str, Any], Managed] | None = None
    keeper: Keeper = field(default_factory=Keeper)

    def prepare(self, choice: Choice, config: Mapping[str, Any]) -> None:
        """Let the server that is needed next begin. Raises `BadArgument`."""
        self._dismiss_ready()
        server = _server(choice, config, self.keeper)
        self.ready = (config, server)
        server.prepare()

    def _dismiss_ready(self) -> None:
        if self.ready is not None:
            self.ready[1].dismiss()
            self.ending.append(self.ready[1])
            self.ready = None

    @contextmanager
    def lend(self, choice: Choice, config: Mapping[str, Any]) -> Iterator[Managed]:
        if self.ready is None or self.ready[0] != config:
            server = _server(choice, config, self.keeper)
        else:
            (_, server), self.ready = self.ready, None
        server.__enter__()
        try:
            yield server
        finally:
            server.dismiss()
            self.ending.append(server)

    def clear(self, seconds: float) -> None:
        """Wait up to ``seconds`` in all for their ends, then end them."""
        deadline = time.monotonic() + seconds
        try:
            self._dismiss_ready()
            while self.ending:
                self.ending.pop().reap(max(0.0, deadline - time.monotonic()))
        finally:
            self.keeper.close()


@contextmanager
def opened(
    choice: Choice, config: Mapping[str, Any] = NOTHING, yard: Yard | None = None
) -> Iterator[Session]:
    """Open the target, with ``config`` where the kit starts it itself. Raises `KitError`."""
    with ExitStack() as stack:
        server = None
        if choice.address is None:
            lent = _server(choice, config) if yard is None else yard.lend(choice, config)
            server = stack.enter_context(lent)
            address = server.address
        else:
            address = choice.address
        gate = stack.enter_context(Gate(gate_host(choice)))
        client = Client(address, choice.timeout)
        stack.callback(client.close)
        system = identify(client)
        _check_jobs(client)
        resources = Resources(client, gate)
        resources.fields.clock.same_machine = server is not None
        stack.callback(resources.close)
        target = Target(choice.name, system.version, choice.kind, choice.options)
        profile = profile_of(choice, system, {} if server is None else server.config)
        yield Session(
            target,
            system,
            profile,
            {} if server is None else server.config,
            client,
            gate,
            resources,
            choice.deadline,
            server,
        )


def _server(choice: Choice, config: Mapping[str, Any], keeper: Keeper | None = None) -> Managed:
    if choice.name == REFERENCE:
        return servers.reference(config, choice.workdir, choice.fault, keeper)
    return servers.orthanc(choice.server_command, config, choice.workdir, keeper)


def _check_jobs(client: Client) -> None:
    reply = client.get("/jobs")
    found = reply.json()
    if not reply.ok or not isinstance(found, list):
        shown = str(reply)[:100]
        raise NoServer(f"{client.address.url} has no jobs engine: GET /jobs gave {shown}")


def profile_of(choice: Choice, system: System, config: Mapping[str, Any]) -> Profile:
    """What is known before the first job. A managed server is as its configuration says."""
    declared = system.declared
    deletes = version_key(system.version) >= version_key(DELETES_SINCE)
    implements = declared.get("Implements")
    has = frozenset(map(str, implements)) if isinstance(implements, list) else frozenset()
    deletes = deletes or "DELETE /jobs/{id}" in has
    known = {**declared, **config}
    return Profile(
        workers=_count(known.get("ConcurrentJobs"), 1),
        history=_count(known.get("JobsHistorySize"), 0)
        if choice.history_size is None
        else choice.history_size,
        retry=declared.get("Retry") is True,
        exclusive=choice.exclusive or choice.address is None,
        managed=choice.address is None,
        deletes=deletes,
        version=system.version,
        implements=has,
    )


def _count(value: Any, least: int) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and value >= least else None


class KeepsWaiting(KitError):
    """The server answers an asynchronous call only when its job has ended: no case can begin."""


def probe(session: Session) -> Session:
    """See that the server reaches the gate, and, where it is ours alone, how many workers it has.

    Raises `KitError` where the server cannot reach the gate or has no free worker, and
    `KeepsWaiting`, another one.
    """
    session.had.append(PROBE)
    driver = Driver("", session.resources, Config(workers=None, history=None), session.deadline)
    try:
        for step in (submit("A", 2), fail("A")):
            driver.perform(step)
        driver.finish()
    except (Deviated, Unjudged) as error:
        _see_arrival(session, driver, error)
        driver.abandon()  # what is wrong with it, the cases will say
    driver.put_aside()
    if session.profile.exclusive and session.profile.workers is None:
        return replace(session, profile=replace(session.profile, workers=_workers(session)))
    return session


def _workers(session: Session) -> int:
    """How many jobs run at once: one more is added until one does not start."""
    driver = Driver("", session.resources, Config(workers=None, history=None), session.deadline)
    try:
        for number in range(MOST_WORKERS):
            name = f"W{number + 1}"
            driver.perform(submit(name, settle=False))
            if not driver.arrives(name, PATIENCE):
                if number == 0:
                    raise KitError(_no_arrival(session, driver))
                return number
        raise KitError(f"more than {MOST_WORKERS} jobs run at once: too many for this kit")
    finally:
        driver.abandon()
        driver.put_aside()


def _see_arrival(session: Session, driver: Driver, error: Deviated | Unjudged) -> None:
    """After a probe that failed: raise `KitError` unless its job has reached the gate."""
    job = next(iter(driver.jobs.values()), None)
    if job is None:
        if isinstance(error, Deviated) and error.finding.requirement == AT_ONCE:
            driver.abandon()
            raise KeepsWaiting("an asynchronous call of this server waits for its job") from None
        why = error.finding.actual if isinstance(error, Deviated) else error
        raise KitError(f"the server does not take a first job from us: {why}") from None
    arrived = bool(job.holds) or (
        _state(session, job) != State.FAILURE and session.gate.wait(PATIENCE)
    )
    if not arrived:
        raise KitError(_no_arrival(session, driver)) from None


def _state(session: Session, job: Tracked) -> str:
    found = session.client.get(f"/jobs/{job.id}").json()
    return str(found.get("State")) if isinstance(found, dict) else "not to be read"


def _no_arrival(session: Session, driver: Driver) -> str:
    host = session.gate.host
    state = _state(session, next(iter(driver.jobs.values())))
    with suppress(Unjudged):  # its job may hang until the server gives up; it is said anyway
        driver.abandon()
    if state == State.PENDING:
        return "no worker of the server is free: jobs that are not ours hold all of them"
    return (
        f"the server cannot reach the gate at {host} (its job is {state}).\n"
        "Name this machine's address as the server sees it with --gate-address."
    )
