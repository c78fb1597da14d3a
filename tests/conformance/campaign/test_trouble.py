"""What is no fault of the server is no deviation, is told once, and takes no time."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path

import pytest

from conformance.campaign import attempt
from conformance.campaign.attempt import MOST_HINDERED
from conformance.campaign.campaign import Campaign
from conformance.campaign.plan import Plan
from conformance.events import CaseBegins, CaseEnds, Event, Result, Verdict
from conformance.reference.double import reference_server
from conformance.session.session import opened
from conformance.sut import servers
from conformance.sut.address import Address
from conformance.sut.managed import Managed
from conformance.sut.target import Choice
from conformance.sut.trouble import kind_of
from conformance.timing import TIMING
from tests.conformance.kit import command
from tests.conformance.misbehaving import Answer, Proxy, Request, Scripted, hang, http_answer

pytestmark = pytest.mark.apart
CASES = ("action/pause/running", "action/resume/paused", "submit/synchronous/one-job")
MANY = ("action/", "edge/")
LATE = Choice("url", exclusive=True, deadline=0.5)
WORDS = b"<html><h1>503 Service Unavailable</h1></html>"


@dataclass
class Ran:
    """A run. ``results`` by the ids of the cases."""

    status: int = 0
    results: dict[str, Result] = field(default_factory=dict)

    def of(self, *verdicts: Verdict) -> list[Result]:
        return [one for one in self.results.values() if one.verdict in verdicts]

    @property
    def reasons(self) -> set[str]:
        return {str(one.reason) for one in self.of(Verdict.UNKNOWN)}


def run(
    choice: Choice,
    cases: tuple[str, ...],
    *,
    on: Callable[[Event], object] = repr,
    limit: float = inf,
) -> Ran:
    ran = Ran()

    def take(event: Event) -> None:
        on(event)
        if isinstance(event, CaseEnds):
            ran.results[event.result.id] = event.result

    plan = Plan(prefixes=cases, replays=None, no_ledger=True, time_limit=limit)
    ran.status = Campaign(choice, plan, take).run()
    return ran


@contextmanager
def behind(proxy: Callable[[int], Proxy], timeout: float = 10.0) -> Iterator[Choice]:
    """A reference server that is somebody's, behind a proxy."""
    with servers.reference() as server, Scripted(proxy(server.port)) as front:
        address = Address(front.url)
        yield Choice("url", address, exclusive=True, timeout=timeout, deadline=2.0)


class Point:
    """Answers one request with ``answer``: the one with this number, of those since a case began.

    How many come before it goes by the machine.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer, self.at, self.next, self.asked, self.met = answer, -1, -1, 0, ""

    def begin(self, at: int) -> None:
        """From the next case on it is the request with this number."""
        self.next, self.at, self.met = at, -1, ""

    def take(self, event: Event) -> None:
        if isinstance(event, CaseBegins):
            self.at, self.asked = self.next, 0

    def __call__(self, request: Request) -> Answer | None:
        self.asked += 1
        if self.asked - 1 != self.at:
            return None
        self.met = request.line
        return self.answer


@pytest.mark.long
@pytest.mark.parametrize("status", [502, 503, 504])
def test_one_such_answer_at_any_point_is_no_deviation(status: int) -> None:
    """Of one case, every request in turn; whatever else happens, it ends with a verdict."""
    point = Point(http_answer(status, WORDS))
    with behind(lambda port: Proxy(port, point)) as choice:
        assert run(choice, CASES[:1], on=point.take).status == 0
        last = point.asked
        passed = 0
        for at in range(0, last, 3 if status != 503 else 1):
            point.begin(at)
            ran = run(choice, CASES[:1], on=point.take)
            assert ran.of(Verdict.DEVIATION) == [], point.met
            passed += len(ran.of(Verdict.PASS))
        assert passed > 0


@pytest.mark.parametrize(
    ("method", "path", "case"),
    [
        ("POST", "/jobs/*/pause", "action/pause/running"),
        ("POST", "/jobs/*/cancel", "action/cancel/paused"),
        ("GET", "/jobs/*", "action/pause/running"),
        ("POST", "/peers/*/store", "submit/asynchronous/one-job"),
    ],
)
def test_a_call_that_is_always_answered_so_is_a_deviation(
    method: str, path: str, case: str
) -> None:
    """From the first case on: the probe has been let through."""
    begun = threading.Event()

    def rule(request: Request) -> Answer | None:
        meant = kind_of(request.method, request.path, 503)[:2] == (method, path)
        return http_answer(503, WORDS) if meant and begun.is_set() else None

    def on(event: Event) -> None:
        if isinstance(event, CaseBegins):
            begun.set()

    with behind(lambda port: Proxy(port, rule)) as choice:
        ran = run(choice, (case,), on=on)
    (result,) = ran.results.values()
    assert result.verdict is Verdict.DEVIATION, result.reason
    assert "503" in str(result.actual)


@pytest.mark.parametrize("every", [7, 11])
def test_a_proxy_that_fails_now_and_then_makes_no_deviation(every: int) -> None:
    asked = 0
    begun = threading.Event()

    def rule(_: Request) -> Answer | None:
        nonlocal asked
        asked += begun.is_set()
        return http_answer(502, WORDS) if asked % every == every - 1 else None

    def on(event: Event) -> None:
        if isinstance(event, CaseBegins):
            begun.set()

    with behind(lambda port: Proxy(port, rule)) as choice:
        ran = run(choice, MANY, on=on)
    deviations = ran.of(Verdict.DEVIATION)
    told = [(one.id, one.requirement, one.program, one.actual) for one in deviations]
    assert told == []
    assert ran.status == 2
    assert len(ran.of(Verdict.UNKNOWN)) > MOST_HINDERED


def test_a_call_that_fails_in_each_case_but_not_twice_at_once_is_no_deviation() -> None:
    """As a proxy may by chance that fails now and then: each first try to submit, no other."""
    begun, last = threading.Event(), ""

    def rule(request: Request) -> Answer | None:
        nonlocal last
        meant = kind_of(request.method, request.path, 502)[:2] == ("POST", "/peers/*/store")
        first = meant and begun.is_set() and last != request.line
        last = request.line
        return http_answer(502, WORDS) if first else None

    def on(event: Event) -> None:
        if isinstance(event, CaseBegins):
            begun.set()

    with behind(lambda port: Proxy(port, rule)) as choice:
        ran = run(choice, CASES[:2], on=on)
    assert ran.of(Verdict.DEVIATION) == []
    assert ran.results.keys() == set(CASES[:2])


@pytest.mark.parametrize("way", ["503 to all", "connection refused", "in the middle of a case"])
def test_a_server_that_is_stopped_is_told_once(way: str) -> None:
    stopped, asked, took = threading.Event(), 0, [0.0]

    def rule(request: Request) -> Answer | None:
        nonlocal asked
        asked += request.path.endswith("/pause")
        if way == "in the middle of a case" and asked > 1:
            stopped.set()
        return http_answer(503, WORDS) if stopped.is_set() else None

    with servers.reference() as server, Scripted(Proxy(server.port, rule)) as front:

        def on(event: Event) -> None:
            if isinstance(event, CaseEnds) and event.result.id == "action/pause/paused":
                took[0] = time.monotonic()
                if way == "connection refused":
                    server.kill()
                elif way == "503 to all":
                    stopped.set()

        url = server.address.url if way == "connection refused" else front.url
        ran = run(Choice("url", Address(url), exclusive=True, deadline=2.0), MANY, on=on)
        assert time.monotonic() - took[0] < 10
    assert ran.status == 2
    assert ran.of(Verdict.DEVIATION) == []
    unknown = ran.of(Verdict.UNKNOWN)
    assert len(unknown) > 10
    assert all("GET /system" in str(one.reason) for one in unknown[1:])
    assert len(ran.reasons) <= 2, "of the case under way, and of all others"


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV])
def test_who_has_ended_a_server_of_our_own(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a signal from outside one case is unknown, and the next ones run on another server."""
    ours: list[Managed] = []
    prepare = Managed.prepare

    def prepared(self: Managed) -> None:
        prepare(self)
        ours.append(self)

    monkeypatch.setattr(Managed, "prepare", prepared)

    def on(event: Event) -> None:
        if isinstance(event, CaseBegins) and event.id == "action/pause/paused":
            assert ours[0]._process is not None
            os.killpg(ours[0]._process.pid, number)
            assert ours[0]._process.wait(10)

    ran = run(Choice(), ("action/",), on=on)
    (hit,) = ran.of(Verdict.UNKNOWN, Verdict.DEVIATION)
    if number == signal.SIGSEGV:
        assert hit.verdict is Verdict.DEVIATION
        assert hit.actual == f"the server ended by itself with status {-number}"
    else:
        assert hit.verdict is Verdict.UNKNOWN
        assert str(hit.reason).startswith("somebody has ended the server")
    assert len(ran.of(Verdict.PASS)) > 10


def test_a_server_that_is_too_slow_is_told_after_a_few_cases(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quick = replace(TIMING, slow_case=0.3, slow_answer=0.02)
    monkeypatch.setattr(attempt, "TIMING", quick)
    begun = threading.Event()

    def rule(request: Request) -> Answer | None:
        if begun.is_set() and request.path.startswith("/jobs/"):
            threading.Event().wait(0.1)
        return None

    def on(event: Event) -> None:
        if isinstance(event, CaseBegins):
            begun.set()

    with behind(lambda port: Proxy(port, rule)) as choice:
        ran = run(choice, MANY, on=on)
    assert ran.of(Verdict.DEVIATION) == []
    assert len(ran.of(Verdict.PASS)) == MOST_HINDERED
    (why,) = ran.reasons
    assert why.startswith("the server is too slow to be judged: 0.")


def test_a_list_that_hangs_is_not_waited_for_case_after_case(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempt, "TIMING", replace(TIMING, slow_case=0.3, slow_answer=0.02))
    begun = threading.Event()

    def on(event: Event) -> None:
        if isinstance(event, CaseBegins):
            begun.set()

    def rule(request: Request) -> Answer | None:
        return hang if begun.is_set() and "expand" in request.path else None

    with behind(lambda port: Proxy(port, rule), timeout=0.5) as choice:
        ran = run(choice, MANY, on=on)
    assert ran.status == 2
    assert ran.of(Verdict.DEVIATION, Verdict.PASS) == []
    assert len(ran.reasons) <= MOST_HINDERED + 1


@pytest.mark.parametrize(
    "choice", [Choice(), pytest.param(None, marks=pytest.mark.long)], ids=["managed", "url"]
)
def test_the_whole_run_is_bounded(choice: Choice | None) -> None:
    """Also over the servers of other configurations, and in the middle of a case."""
    cases = ("action/", "edge/", "race/", "history/", "schedule/")
    began = time.monotonic()
    if choice is not None:
        ran = run(choice, cases, limit=2.0)
    else:
        with behind(lambda port: Proxy(port)) as choice:
            ran = run(choice, cases, limit=2.0)
    assert time.monotonic() - began < 2.0 + TIMING.cleaning + 5
    assert ran.status == 2
    assert ran.of(Verdict.DEVIATION) == []
    assert ran.reasons == {"the time limit of 2 s is over (--time-limit)"}


def test_cleaning_up_is_bounded() -> None:
    """200 jobs that look like ours, each of which takes its time to be deleted."""
    jobs: list[dict[str, object]] = []

    def rule(request: Request) -> Answer | None:
        if request.method == "DELETE":
            threading.Event().wait(0.2)
        return None

    def change(request: Request, found: object) -> object:
        return jobs if jobs and request.path == "/jobs?expand" else found

    with (
        behind(lambda port: Proxy(port, rule, change)) as choice,
        opened(choice) as session,
    ):
        priority = session.resources.priority
        jobs += [{"ID": str(n), "State": "Success", "Priority": priority} for n in range(200)]
        began = time.monotonic()
        cleaned = session.clean()
        assert time.monotonic() - began < TIMING.cleaning + 2
        assert {one.kind for one in cleaned.left} >= {"job"}


def test_what_is_no_call_of_the_jobs_engine_is_never_meant() -> None:
    """A peer that cannot be registered for a moment is no reason to stop, nor a deviation."""
    left = 6

    def rule(request: Request) -> Answer | None:
        nonlocal left
        if request.method != "PUT" or not begun.is_set() or not left:
            return None
        left -= 1
        return http_answer(503, WORDS)

    begun = threading.Event()

    def on(event: Event) -> None:
        if isinstance(event, CaseBegins):
            begun.set()

    with behind(lambda port: Proxy(port, rule)) as choice:
        ran = run(choice, MANY, on=on)
    assert ran.status == 2
    assert ran.of(Verdict.DEVIATION) == []
    assert ran.reasons
    assert all("PUT /peers/*: HTTP 503" in reason for reason in ran.reasons)


def test_a_server_of_our_own_that_ends_at_its_first_job_deviates_in_each_case(
    tmp_path: Path,
) -> None:
    run = command(tmp_path, "run", "--case", "action/pause", "--fault", "ends-on-first-job")
    assert run.status == 1, run.out + run.err
    found = run.cases("deviation")
    assert len(found) > 4
    assert {case["actual"] for case in found.values()} == {
        "the server ended by itself with status 1"
    }
    assert run.cases("unknown") == {}


@pytest.mark.parametrize("late", [True, False])
def test_a_step_that_comes_late_to_somebodys_server(late: bool) -> None:
    """Its job is waited for; one whose step does not come at all is a deviation."""
    released: list[threading.Timer] = []
    patient = TIMING.patient * LATE.deadline
    with reference_server(SaveJobs=False) as server:

        def on(event: Event) -> None:
            if isinstance(event, CaseBegins) and not released:
                server.control.hold()
                seconds = 2.5 * LATE.deadline if late else 3 * patient
                released.append(threading.Timer(seconds, server.control.release))
                released[0].start()

        ran = run(replace(LATE, address=Address(server.url)), CASES[:2], on=on)
        released[0].cancel()
        verdicts = [ran.results[case].verdict for case in CASES[:2]]
    assert verdicts == [Verdict.PASS, Verdict.PASS] if late else verdicts[0] is Verdict.DEVIATION
