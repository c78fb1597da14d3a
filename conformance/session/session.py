"""An open target: a client, a gate, what is known of the server, and what was made on it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from conformance.driver.driver import Driver
from conformance.driver.places import Places
from conformance.driver.resources import Resources
from conformance.driver.restarts import Restarts
from conformance.errors import NoServer
from conformance.events import Cleanup, Target
from conformance.peer.gate import Gate
from conformance.session.cleanup import clean
from conformance.session.connections import EXCLUSIVE, POLITE, see_connections
from conformance.session.neighbours import Neighbours
from conformance.session.storage import see_kept, see_removed, see_room, tells
from conformance.session.unreadable import heeding, see_readable
from conformance.session.yard import Yard
from conformance.sut.client import Client
from conformance.sut.identity import System, identify, with_plugins
from conformance.sut.managed import Managed
from conformance.sut.profile import NOTHING, Profile, inapplicable
from conformance.sut.target import Choice, profile_of
from conformance.sut.trouble import Doubts
from conformance.timing import TIMING
from spec.engine import Config
from spec.requirements import RELEASES, within

# Orthanc's default of JobsHistorySize, where nobody said another one.
ORTHANC_HISTORY = 10


@dataclass(kw_only=True)
class Session:
    """An open target. ``resources`` is what the kit has made on it.

    ``doubts``: of answers that may not be the server's.
    ``places`` and ``neighbours``: of a server in use, whose other jobs are guarded.
    ``had``: the ids of the cases that a managed server has had since it began, and
    `conformance.session.probe.PROBE`.
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
    doubts: Doubts = field(default_factory=Doubts)
    places: Places | None = None
    neighbours: Neighbours | None = None
    had: list[str] = field(default_factory=list)

    def check(self, within: float = 0.0) -> None:
        """Raise `ServerDied` where a managed server ended by itself, or does ``within`` seconds."""
        if self.server is not None:
            self.server.check(within)

    @property
    def waited(self) -> float:
        """Seconds that cases have waited while a managed server did nothing (`Managed.awaited`)."""
        return 0.0 if self.server is None else self.server.waited

    @property
    def restarts(self) -> Restarts | None:
        """What it takes to stop and start it, for a managed server."""
        if self.server is None:
            return None
        keeps, saves = (
            inapplicable(self.profile, id) is None
            for id in ("persist/error", "persist/saved-at-creation")
        )
        measured = within(self.system.version, RELEASES[0], None)  # all of them save so early
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

    def fit(self, jobs: int) -> bool:
        """Whether so many more jobs fit into the history. Raises `Unjudged`."""
        return self.places is None or self.places.fit(jobs)

    def look_around(self, after: str) -> None:
        """``after`` this case: see that nobody's job is gone. Raises `JobsLost`, `Unjudged`."""
        if self.neighbours is not None:
            self.neighbours.look(after)

    def see_kept(self, first: bool = False) -> None:
        """See that a server that is not ours keeps what we store, and lets us remove it.

        ``first``: nothing is wrong yet, so it is believed what it says. Raises `NotKept`,
        and `Unjudged` where it cannot be seen.
        """
        if self.server is not None:
            return
        if first and tells(self.system):
            see_removed(self.resources)
        else:
            see_kept(self.resources)

    def driver(
        self,
        config: Config,
        case: str,
        *,
        patience: float = 1.0,
        at_most: float = math.inf,
        blames: bool = True,
    ) -> Driver:
        """A driver for a case on this server: the only place where one is made.

        It waits ``patience`` times the deadline for each thing that has to come, and ``at_most``
        so many seconds. One that ``blames`` makes a deviation of an answer that a server of our own
        does not give; another leaves it open, as on any server.
        """
        deadline = min(self.deadline * patience, at_most)
        if not blames:
            return Driver(case, self.resources, config, deadline)
        limit = self.hold_limit
        self.gate.talk.begin()
        return Driver(
            case,
            self.resources,
            config,
            deadline if limit is None else min(deadline, limit - 1),
            hold_limit=limit,
            check=self.check,
            replaceable=self.server is not None,
            restarts=self.restarts,
        )

    @property
    def hold_limit(self) -> float | None:
        return TIMING.hold_limit if self.server is None else None

    def clean(self, cut_short: bool = False) -> Cleanup:
        """Remove what was made, but on a server whose folder goes with it.

        ``cut_short``: after an interrupt, which is to end the run soon.
        """
        if self.server is not None:
            if not cut_short:
                self.gate.drain()
            return Cleanup()
        seconds = TIMING.cleaning_cut_short if cut_short else TIMING.cleaning
        return clean(self.resources, self.profile.deletes, seconds)


@contextmanager
def opened(
    choice: Choice, config: Mapping[str, Any] = NOTHING, yard: Yard | None = None
) -> Iterator[Session]:
    """Open the target, with ``config`` where the kit starts it itself. Raises `KitError`."""
    with ExitStack() as stack:
        server = None
        if choice.address is None:
            lent = choice.server(config) if yard is None else yard.lend(choice, config)
            server = stack.enter_context(lent)
        address = server.address if server is not None else choice.address
        assert address is not None
        gate = stack.enter_context(Gate(choice.gate_host))
        doubts = Doubts()
        client = Client(address, choice.timeout, judge=doubts.judge, talk=gate.talk)
        stack.callback(client.close)
        system = with_plugins(client, identify(client))
        _check_jobs(client, own=server is not None)
        if server is None:
            see_readable(client)
            see_room(client, system)
            see_connections(client, EXCLUSIVE if choice.exclusive else POLITE)
        resources = Resources(client, gate)
        if server is None:
            client.judge = heeding(doubts.judge, resources.ids)
            # Not every release tells what it does by default (DicomDefaultRetrieveMethod).
            resources.modality["RetrieveMethod"] = "C-MOVE"
        resources.fields.clock.same_machine = server is not None
        stack.callback(resources.close)
        settings = {} if server is None else server.config
        profile = profile_of(choice, system, settings)
        places = neighbours = None
        if not profile.exclusive:
            size = ORTHANC_HISTORY if profile.history is None else profile.history
            places = Places(client, size)
            stack.callback(places.close)
            client.permit = places.permit
            neighbours = Neighbours(resources, places, profile.deletes)
        yield Session(
            target=Target(choice.name, system.version, choice.kind, choice.options),
            system=system,
            profile=profile,
            config=settings,
            client=client,
            gate=gate,
            resources=resources,
            deadline=choice.deadline,
            server=server,
            doubts=doubts,
            places=places,
            neighbours=neighbours,
        )


def _check_jobs(client: Client, own: bool) -> None:
    """Raise `NoServer` where no jobs are listed; cases say of the kit's ``own`` that it fails."""
    reply = client.get("/jobs")
    found = reply.json()
    if not reply.ok or not isinstance(found, list):
        if own and reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return
        shown = str(reply)[:100]
        raise NoServer(f"{client.address.url} has no jobs engine: GET /jobs gave {shown}")
