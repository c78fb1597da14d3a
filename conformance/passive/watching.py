"""What `orthanc-jobs watch` and `check-trace` do.

Watching creates nothing: it reads ``/system`` once and ``/jobs?expand`` at a polite rate, on one
connection that it keeps, so that a restart of the server is seen by the loss of it. Where the
server refuses that list, as for the sake of one job that it cannot show, jobs are read one by one.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from rich.live import Live

from conformance.campaign import ledger as ledgers
from conformance.errors import CannotWrite, Interrupted, Unjudged
from conformance.interrupts import interruptible, uninterrupted
from conformance.passive import trace
from conformance.passive.finding import Impossible, accepted, lines
from conformance.passive.judge import Judge
from conformance.passive.table import Changes, summary, table
from conformance.passive.watched import Watched
from conformance.reports.terminal import Terminal
from conformance.suites import suites
from conformance.sut.address import Address
from conformance.sut.client import Broken, Client
from conformance.sut.identity import System, identify, with_plugins
from conformance.sut.profile import Profile
from conformance.sut.reply import EXPAND, Reply
from conformance.text import counted, hidden, shown

READ_SINGLY = 100  # jobs that are read one by one where their list cannot be read
ID = re.compile(r"[\w-]{1,64}")  # of a job: a UUID
SILENT = 15.0  # seconds without a line at most, where the output is no terminal
Write: TypeAlias = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What to watch. Times in seconds; ``seconds`` None: until an interrupt or an alarm.

    ``strict``: no ledger says what is accepted of the server.
    """

    address: Address
    interval: float = 0.25
    seconds: float | None = None
    workers: int | None = None
    history: int | None = None
    timeout: float = 10.0
    record: Path | None = None
    strict: bool = False


def watch(wish: Wish) -> int:
    """Watch until the end, or an interrupt; the exit status: 1 with the first impossible history.

    An interrupt is how a watch ends that has no end of its own: 0 where nothing was found. 2 where
    the server was never there to be read. Raises `KitError` where no server with a jobs engine
    answers at first.
    """
    client = Client(wish.address, wish.timeout)
    console = Terminal()
    judge: Judge | None = None
    found: list[Impossible] = []
    outages = Outages(console, wish.address.secrets)
    try:
        with interruptible(), _writing(wish.record, wish.address.secrets) as write:
            system = with_plugins(client, identify(client))
            watched = _watched(wish, system)
            write(trace.head(watched))
            judge = Judge(watched)
            found = _Watch(wish, client, judge, console, write, outages).until_the_end()
    except Interrupted:  # which is how a watch ends that has no end of its own
        pass
    finally:
        client.close()
    if judge is None:
        console.say("unknown: interrupted before the server was read")
        return 2
    _tell(console, wish, (*accepted(judge.findings), *lines(found)))
    if not judge.answers:
        console.say("unknown: the server was not there to be read")
        return 2
    word = "alarm" if found else "holds"
    seen = f"{counted(judge.readings, 'reading')}, {counted(len(judge.seen), 'job')}"
    console.say(f"{word}: {seen}{outages.told}")
    return 1 if found else 0


def _watched(wish: Wish, system: System) -> Watched:
    known = [case.id for case in suites(Profile())]
    workers, history = wish.workers, wish.history
    return trace.allowing(
        frozenset() if wish.strict else ledgers.shipped(_unsure(system), known).accepted,
        workers=_declared(system, "ConcurrentJobs") if workers is None else workers,
        history=_declared(system, "JobsHistorySize") if history is None else history,
        version=system.version,
        live=bool(system.declared),
    )


def _unsure(system: System) -> System:
    """Who may not ask for plugins does not see one: that a server shows none proves nothing."""
    return system if system.transfers is not None else replace(system, transfers=ledgers.ANY)


def _tell(console: Terminal, wish: Wish, told: Iterable[str]) -> None:
    for line in told:
        console.say(shown(line, wish.address.secrets))


@dataclass
class Outages:
    """The times in which the server was not there: each is told when it begins and ends."""

    console: Terminal
    secrets: tuple[str, ...]
    reason: str | None = None  # of the one under way
    number: int = 0
    seconds: float = 0.0  # of those that are over
    _since: float = 0.0

    def begins(self, reason: str) -> None:
        """The server is not there, or still not."""
        if self.reason is None:
            self.number += 1
            self._since = time.monotonic()
            self._say(f"outage: {shown(reason, self.secrets)}")
        self.reason = reason

    def ends(self) -> None:
        """The server has answered."""
        if self.reason is not None:
            lasted = time.monotonic() - self._since
            self.seconds += lasted
            self.reason = None
            self._say(f"it answers again, after {lasted:.1f} s")

    def _say(self, line: str) -> None:
        with uninterrupted():
            self.console.say(line)

    @property
    def told(self) -> str:
        """For the last line; nothing where there was none."""
        if not self.number:
            return ""
        lasted = self.seconds
        if self.reason is not None:
            lasted += time.monotonic() - self._since
        end = "" if self.reason is None else ", and not there at the end"
        return f", {counted(self.number, 'outage')} of {lasted:.1f} s in all{end}"


class _Watch:
    """The readings of a server, one after the other."""

    def __init__(
        self,
        wish: Wish,
        client: Client,
        judge: Judge,
        console: Terminal,
        write: Write,
        outages: Outages,
    ) -> None:
        self.wish, self.client, self.judge = wish, client, judge
        self.console, self.write, self.outages = console, write, outages
        self._began = self._said = time.monotonic()
        self._changes = Changes()
        self._made = client.connections
        self._fresh = False  # the server may be a new one since the judge was told of a reading

    def until_the_end(self) -> list[Impossible]:
        """Read until the time is over, or something is impossible."""
        seconds, tick = self.wish.seconds, threading.Event()
        ends = None if seconds is None else self._began + seconds
        with Live(console=self.console, auto_refresh=False, transient=True) as live:
            while True:
                if found := self._look():
                    return found
                self._show(live)
                left = self.wish.interval
                left = left if ends is None else min(left, ends - time.monotonic())
                if left <= 0:
                    return []
                tick.wait(left)

    def _show(self, live: Live) -> None:
        """The jobs, on a terminal; elsewhere a line about them now and then.

        An interrupt waits for it: else rich would not know how much of the terminal to clear.
        """
        now, jobs = time.monotonic(), list(self.judge.jobs.values())
        self._changes.read(jobs, now)
        if self.console.is_terminal:
            outage, secrets = self.outages.reason, self.wish.address.secrets
            size = self.console.width, self.console.height
            made = table(jobs, self._changes, now, size, outage, secrets)
            with uninterrupted():
                live.update(made, refresh=True)
        elif now - self._said >= SILENT:
            self._said = now
            self.console.say(f"{counted(self.judge.readings, 'reading')}, {summary(jobs)}")

    def _look(self) -> list[Impossible]:
        """Read all jobs, if the server is there; what is impossible."""
        answer = self._ask(EXPAND)
        if answer is None:
            return []
        reply, at = answer
        if reply.ok:
            jobs, fresh = reply.json(), self._is_fresh()
            self.write({"at": at, "fresh": fresh, "jobs": jobs})
            return self.judge.reading(*at, jobs, fresh)
        self.write({"at": at, "status": reply.status})
        return self.judge.refused(reply.status) or self._look_at_each()

    def _look_at_each(self) -> list[Impossible]:
        """Read the jobs that can be read, one by one, as the list of all is refused."""
        answer = self._ask("/jobs")
        names = None if answer is None else answer[0].json()
        for id in names[:READ_SINGLY] if isinstance(names, list) else ():
            answer = self._ask(f"/jobs/{id}") if isinstance(id, str) and ID.fullmatch(id) else None
            if answer is None or not answer[0].ok:
                continue
            reply, at = answer
            job, fresh = reply.json(), self._is_fresh()
            self.write({"at": at, "fresh": fresh, "id": id, "job": job})
            if found := self.judge.one(*at, id, job, fresh):
                return found
        return []

    def _is_fresh(self) -> bool:
        """Whether the server may be a new one since this was asked last."""
        fresh, self._fresh = self._fresh, False
        return fresh

    def _ask(self, path: str) -> tuple[Reply, tuple[float, float]] | None:
        """The answer, and when it was asked for and came.

        None: the server is not there, or says that it is not ready (HTTP 5xx).
        """
        begin = time.monotonic() - self._began
        try:
            reply = self.client.read(path)
        except (Broken, Unjudged) as error:
            reply, why = None, str(error)
        at = begin, time.monotonic() - self._began
        if reply is not None and reply.status >= 500:  # as 503 while it starts
            reply, why = None, str(reply)
        if reply is None:
            self.outages.begins(why)
            self.write({"at": at, "outage": why})
            return None
        self._fresh |= self.client.connections != self._made or self.outages.reason is not None
        self._made = self.client.connections
        self.outages.ends()
        return reply, at


def _declared(system: Any, key: str) -> int | None:
    value = system.declared.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


@contextmanager
def _writing(path: Path | None, secrets: tuple[str, ...]) -> Iterator[Any]:
    """A function that writes a line of the trace; none of the ``secrets`` gets into it."""
    if path is None:
        yield lambda line: None
        return
    try:
        with path.open("w", encoding="utf-8", buffering=1) as file:

            def write(line: dict[str, Any]) -> None:
                file.write(hidden(json.dumps(line), secrets) + "\n")

            yield write
    except OSError as error:
        raise CannotWrite(f"cannot write the trace {path}: {error.strerror}") from None


def check_trace(path: Path, strict: bool = False) -> int:
    """Judge a recorded history, or a document of jobs; the exit status. Raises `BadArgument`."""
    judge, found = trace.check(path, strict)
    console = Terminal()
    for line in (*accepted(judge.findings), *lines(found)):
        console.say(shown(line))
    missing = sum(one.wrong.missing for one in found)
    words = [f"{number} {word}" for number, word in (
        (len(found) - missing, "impossible"), (missing, "missing")
    ) if number]  # fmt: skip
    verdict = ", ".join(words) or "holds"
    console.say(f"{verdict}: {judge.readings} readings in {shown(str(path))}")
    return 1 if found else 0
