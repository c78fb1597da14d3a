"""A burst: requests that several clients send at the same moment, to a server and to the gate.

Each client has a connection and a thread of its own. The connection is opened before, and a
barrier lets all of them go at once; from then on nobody waits for anybody. What they were
answered, and what the gate saw meanwhile, is one history for the oracle (`Together`). It leads
on from there as it does elsewhere: later readings and arrivals are judged by what the orders of
the burst have left possible.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.driver.arrivals import answer_step
from conformance.errors import NotAnswered, Unjudged
from conformance.oracle.history import GATE, LATER, Call, Together
from conformance.oracle.linearization import shortest
from conformance.oracle.picture import draw
from conformance.sut.reply import Reply as Answer
from conformance.timing import TIMING
from spec.engine import Act, Arrive, Event, Read, Replied, Reply, Submit
from spec.table import Action

if TYPE_CHECKING:
    from conformance.driver.context import Context
    from conformance.driver.tracked import Tracked
    from conformance.sut.client import Client


@dataclass(frozen=True, slots=True)
class Ask:
    """What one client asks once: an action on a job, or a reading of it if there is none."""

    job: str
    action: Action | None = None

    def __str__(self) -> str:
        return f"{self.action or 'read'} {self.job}"


@dataclass(frozen=True, slots=True)
class New:
    """A submission of a job that `Context.prepare` knows."""

    job: str
    path: str
    body: dict[str, object] = field(hash=False)
    priority: int = 0

    def __str__(self) -> str:
        return f"submit {self.job}"


@dataclass(frozen=True, slots=True)
class Plan:
    """``clients``: what each asks, one after the other. ``replies``: what the gate lets the step
    that it holds of a job do, at the same moment. ``meanwhile``: what it lets those steps do that
    arrive while the clients are not all answered yet, in order; any others it holds.
    """

    clients: tuple[tuple[Ask | New, ...], ...]
    replies: tuple[tuple[str, Reply], ...] = ()
    meanwhile: tuple[Reply, ...] = ()


@dataclass(frozen=True, slots=True)
class _Answered:
    ask: Ask | New
    reply: Answer
    begin: float
    end: float


class _Asker:
    """One client. ``answered`` is complete when its thread has ended without an ``error``."""

    def __init__(
        self, client: Client, asks: Sequence[tuple[Ask | New, str]], start: threading.Barrier
    ) -> None:
        self.answered: list[_Answered] = []
        self.error: Unjudged | None = None
        self._client = client
        self._asks = asks
        self._start = start
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    @property
    def requests(self) -> int:
        """How many it has sent."""
        return self._client.requests

    def _run(self) -> None:
        try:
            self._client.get("/system")  # opens the connection
            self._start.wait()
            for ask, path in self._asks:
                self._ask(ask, path)
        except threading.BrokenBarrierError:
            pass  # another one could not begin, and says why
        except Unjudged as error:
            self.error = error
            self._start.abort()
        finally:
            self._client.close()

    def _ask(self, ask: Ask | New, path: str) -> None:
        begin = time.monotonic()
        if isinstance(ask, New):
            reply = self._client.post(path, ask.body)
        elif ask.action is None:
            reply = self._client.get(path)
        else:
            reply = self._client.post(path)
        self.answered.append(_Answered(ask, reply, begin, time.monotonic()))


def burst(context: Context, plan: Plan, requirement: str) -> None:
    """Let all clients go at once, and tell the oracle what came of it.

    ``requirement``: what is broken where no order of the calls explains their answers.
    Raises `Unjudged` where a request was not answered, or the orders are too many.
    """
    driver = context.driver
    for number, asks in enumerate(plan.clients, 1):
        context.lines.append(f"at once, client {number}: {', then '.join(map(str, asks))}")
    for name, reply in plan.replies:
        context.lines.append(f"at once, the gate: let the step of {name} {reply}")
    driver.check()
    driver.arrivals(0.0)
    for job in driver.jobs.values():
        job.fields.touched()
    numbers = _numbers(context, plan)
    askers, gate = _go(context, plan, numbers)
    calls = list(gate)
    for number, asker in enumerate(askers, 1):
        client = f"client {number}"
        calls += [_call(context, client, one, numbers) for one in asker.answered]
    driver.see(Together(tuple(calls), requirement), None)
    driver.settle()


def _numbers(context: Context, plan: Plan) -> dict[str, int]:
    """The index of each job, also of those that are to be made: in the order of the plan."""
    known = {name: job.index for name, job in context.driver.jobs.items()}
    new = [ask.job for asks in plan.clients for ask in asks if isinstance(ask, New)]
    return known | {name: len(known) + at for at, name in enumerate(new)}


def _go(context: Context, plan: Plan, numbers: dict[str, int]) -> tuple[list[_Asker], list[Call]]:
    """All clients with their answers, and what the gate did and saw meanwhile."""
    driver, server = context.driver, context.resources.client
    start = threading.Barrier(len(plan.clients) + 1, timeout=server.timeout)
    askers = [_Asker(server.beside(), _paths(context, asks), start) for asks in plan.clients]
    held = [(driver.jobs[name], reply) for name, reply in plan.replies]
    with suppress(threading.BrokenBarrierError):  # who broke it says why
        start.wait()
    if start.broken:
        held = []
    calls: list[Call] = []
    began = time.monotonic()
    for job, reply in held:
        calls.append(_let(context, job, numbers, reply))
    meanwhile = list(plan.meanwhile)
    while True:
        done = not any(asker.thread.is_alive() for asker in askers)
        context.resources.gate.wait(0.0 if done else TIMING.tick)
        for job, hold in driver.held.mine(context.resources.gate.arrivals()):
            event = Arrive(numbers[job.name], hold.step)
            calls.append(Call(GATE, event, None, min(began, hold.since), hold.since))
            if meanwhile and not done:
                calls.append(_let(context, job, numbers, meanwhile.pop(0)))
        if done:
            server.requests += sum(asker.requests for asker in askers)
            for asker in askers:
                _raise(context, asker)
            if start.broken:
                raise Unjudged("the clients could not begin at the same moment")
            return askers, calls


def _paths(context: Context, asks: Sequence[Ask | New]) -> list[tuple[Ask | New, str]]:
    made = []
    for ask in asks:
        path = ask.path if isinstance(ask, New) else f"/jobs/{context.driver.jobs[ask.job].id}"
        if isinstance(ask, Ask) and ask.action is not None:
            path += f"/{ask.action}"
        made.append((ask, path))
        context.resources.actions += isinstance(ask, New) or ask.action is not None
    return made


def _let(context: Context, job: Tracked, numbers: dict[str, int], reply: Reply) -> Call:
    """Answer the step that the gate holds of the job."""
    context.resources.actions += 1
    begin = time.monotonic()
    answer_step(job.holds[-1], reply)
    return Call(GATE, Replied(numbers[job.name], reply), None, begin, time.monotonic())


def _raise(context: Context, asker: _Asker) -> None:
    """What kept a client from its answers. A managed server must answer: see the driver."""
    if isinstance(asker.error, NotAnswered):
        context.driver.unanswered(asker.error)
    if asker.error is not None:
        context.driver.check()
        raise asker.error


def _call(context: Context, client: str, one: _Answered, numbers: dict[str, int]) -> Call:
    """A request and its answer as a call of the model; what that does not know is checked here."""
    driver, number = context.driver, numbers[one.ask.job]
    if isinstance(one.ask, New):
        job = driver.take(one.ask.job, driver.answers.handle(one.reply).id, number)
        born = Submit(one.ask.priority, job.steps)
        return Call(client, born, True, one.begin, one.end, number)
    if one.ask.action is not None:
        driver.answers.acted(one.reply)
        acted = Act(one.ask.action, number)
        return Call(client, acted, one.reply.status, one.begin, one.end)
    job = driver.jobs[one.ask.job]
    shown = None if one.reply.status == 404 else driver.answers.view(job, one.reply)
    return Call(client, Read(number), shown, one.begin, one.end)


# --- what a deviation looks like ----------------------------------------------------------------


@contextmanager
def pictured(context: Context) -> Iterator[None]:
    """Where a deviation is found within it, the shortest history that shows it is drawn."""
    driver = context.driver
    config, engines = driver.oracle.config, driver.oracle.engines
    found, seen = len(driver.findings), len(driver.trace)
    try:
        yield
    finally:
        if len(driver.findings) > found:
            known = len(next(iter(engines)).jobs)
            calls = list(_calls(driver.trace[seen:], known))
            if least := shortest(config, engines, calls):
                context.lines.append(f"no order of {len(calls)} calls explains these of them:")
                context.lines += draw(least, driver.names)


def _calls(trace: Sequence[tuple[Event | Together, Any]], known: int) -> Iterator[Call]:
    """All that was seen as one history. What was seen alone came one after the other.

    ``known``: how many jobs there were before it; each one that is submitted is the next.
    """
    now = 0.0
    for event, answer in trace:
        if isinstance(event, Together):
            yield from event.calls
            now = max(now, *(call.end for call in event.calls))
            known += sum(call.job is not None for call in event.calls)
            continue
        now += TIMING.tick
        born = None
        if isinstance(event, Submit):
            born, known = known, known + 1
        yield Call(LATER, event, answer, now, now, born)
