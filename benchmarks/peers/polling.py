"""What people write: a Hypothesis machine over a peer that takes its time, which sleeps and polls.

    python -m benchmarks.peers.polling URL [--workers N] [--seconds S] [--alarms FILE]

It has no gate. The peer takes 0.3 s for a step; after each action the machine sleeps 0.1 s and
polls until the job is where it should be, up to 2 s. It does not shrink what it finds, notes it as
known, and searches on until the seconds are over.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from benchmarks.peers.belief import asking
from benchmarks.peers.telling import Alarm, Asked, asked
from spec.table import BOUNDARY, STAY, Action, Cell, Ended, State, cell, target
from spec.table import Asked as AskedFor

NAP, STEP = 0.1, 0.3  # seconds: of the machine, and of a step
POLLS = 20
GOOD, BAD = "bench-good", "bench-bad"  # the peers: where steps succeed, and where they fail
MOST_JOBS, MOST_RULES, EXAMPLES = 4, 12, 1000


class Slow(BaseHTTPRequestHandler):
    """A peer that takes its time."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(STEP)
        self.send_response(500 if BAD in self.path else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        """It writes no log."""


@dataclass
class Job:
    """A job, what it is asked for in a worker, and where it has to come to."""

    id: str
    ends: State
    asked: AskedFor = AskedFor.NOTHING
    wanted: State | None = None


class Server:
    """The server, with two peers and two instances on it."""

    def __init__(self, given: Asked) -> None:
        self.given = given
        self.known: set[tuple[str, str]] = set()  # found before
        self._session = requests.Session()
        slow = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
        slow.daemon_threads = True
        threading.Thread(target=slow.serve_forever, daemon=True).start()
        for peer in (GOOD, BAD):
            self.call(
                "PUT", f"/peers/{peer}", {"Url": f"http://127.0.0.1:{slow.server_port}/{peer}/"}
            )
        made = (
            self.call("POST", "/tools/create-dicom", {"Tags": {"PatientID": f"bench-{n}"}})
            for n in range(2)
        )
        self.instances = [answer.json()["ID"] for answer in made]

    def call(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self._session.request(method, self.given.url + path, json=body, timeout=30)

    def submit(self, steps: int, peer: str) -> str:
        """A new job; its id."""
        body = {"Resources": self.instances[:steps], "Asynchronous": True}
        return str(self.call("POST", f"/peers/{peer}/store", body).json()["ID"])

    def state(self, job: str) -> State:
        return State(self.call("GET", f"/jobs/{job}").json()["State"])

    def finds(self, job: Job, what: str, seen: object) -> None:
        """Tell, and fail, where it is new."""
        if (what, str(seen)) not in self.known:
            self.known.add((what, str(seen)))
            self.given.tell(Alarm(f"{what}: {seen}", job.id, str(seen)))
            raise AssertionError(what)


def machine(server: Server) -> type[RuleBasedStateMachine]:
    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.jobs: list[Job] = []

        @property
        def on(self) -> bool:
            return time.monotonic() < server.given.until

        @precondition(lambda self: self.on and len(self.jobs) < MOST_JOBS)
        @rule(steps=st.integers(1, 2), peer=st.sampled_from([GOOD, BAD]))
        def submit(self, steps: int, peer: str) -> None:
            ends = State.SUCCESS if peer == GOOD else State.FAILURE
            self.jobs.append(Job(server.submit(steps, peer), ends))

        @precondition(lambda self: self.on and self.jobs)
        @rule(data=st.data(), action=st.sampled_from(list(Action)))
        def act(self, data: st.DataObject, action: Action) -> None:
            job = data.draw(st.sampled_from(self.jobs))
            before = server.state(job.id)
            status = server.call("POST", f"/jobs/{job.id}/{action}").status_code
            kind = cell(before, action)
            if status != kind.status:
                server.finds(job, f"{action} of a {before} job", status)
            elif kind is Cell.ASK:
                job.asked = asking(job.asked, action)
                trigger = BOUNDARY[job.asked][Ended.LAST][0]
                assert trigger != STAY
                job.wanted = target(before, trigger)  # type: ignore[arg-type]
            elif kind is Cell.EDGE:
                job.asked = AskedFor.NOTHING
                after = target(before, action)
                job.wanted = job.ends if after is State.PENDING else after

        @precondition(lambda self: self.on and self.jobs)
        @rule(data=st.data())
        def look(self, data: st.DataObject) -> None:
            self._look(data.draw(st.sampled_from(self.jobs)))

        def _look(self, job: Job) -> None:
            """Sleep and poll until it is where it has to come to."""
            if job.wanted is None:
                return
            found = None
            for _ in range(POLLS):
                time.sleep(NAP)
                if (found := server.state(job.id)) is job.wanted:
                    return
            server.finds(job, f"{job.asked} asked for, {job.wanted} expected", found)

        def teardown(self) -> None:
            try:
                for job in self.jobs if self.on else ():
                    self._look(job)
            finally:
                for job in self.jobs:
                    server.call("POST", f"/jobs/{job.id}/cancel")

    return Machine


def search(server: Server, number: int) -> None:
    """One search: until it finds something new, or the seconds are over."""
    chosen = settings(
        max_examples=EXAMPLES,
        stateful_step_count=MOST_RULES,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(number)(machine(server)), settings=chosen)


def main() -> None:
    random.seed(0)
    server = Server(asked(__doc__ or ""))
    for number in itertools.count():
        if time.monotonic() > server.given.until:
            return
        try:
            search(server, number)
        except (AssertionError, ExceptionGroup):
            continue  # it was told, and is known now
        except Exception as error:
            if type(error).__name__ not in ("FlakyFailure", "Flaky", "FlakyStrategyDefinition"):
                raise


if __name__ == "__main__":
    main()
