"""The benchmark of peers: what is counted, what is believed, and the proxy that all share."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from benchmarks.peers import __main__ as conductor
from benchmarks.peers import floor, kit, schema
from benchmarks.peers.belief import STEPS, Belief
from benchmarks.peers.counting import (
    CELLS,
    HEADER,
    LOST,
    Outcome,
    actions,
    cause,
    cells,
    rate,
    row,
    table,
)
from benchmarks.peers.gated import Jobs
from benchmarks.peers.polling import STEP
from benchmarks.peers.proxy import Passed, Proxy
from benchmarks.peers.telling import Alarm, Asked, told
from conformance.sut import servers
from spec.relaxations import Relaxation
from spec.table import Action, State, cell, target
from spec.table import Asked as AskedFor

JOB = "6d9e5f3c-0000-4000-8000-000000000001"
LAST, CANCEL = Relaxation.REQUEST_LOST_ON_LAST_STEP, Relaxation.CANCEL_LOST_TO_PAUSE


def acted(action: str, before: str | None, at: float = 1.0, status: int = 200) -> Passed:
    return Passed(at, "POST", f"/jobs/{JOB}/{action}", status, before)


# --- counting -----------------------------------------------------------------------------------


def test_a_cell_is_an_action_of_a_job_that_there_is_when_it_was_tried_first() -> None:
    passed = [
        acted("pause", "Running", 1.0),
        acted("pause", "Running", 2.0),
        acted("cancel", "Retry", 3.0),
        acted("cancel", None, 4.0, 404),
        Passed(5.0, "GET", f"/jobs/{JOB}", 200),
    ]
    assert cells(passed) == {(State.RUNNING, Action.PAUSE): 1.0}
    assert actions(passed) == 3


def test_there_are_20_cells_without_retry() -> None:
    assert len(CELLS) == 20


@pytest.mark.parametrize(
    ("acts", "seen", "name"),
    [
        ([("pause", "Running")], "Success", LAST),
        ([("cancel", "Running")], "Success", LAST),
        ([("pause", "Running"), ("cancel", "Running")], "Paused", CANCEL),
        ([("pause", "Running")], "Running", None),
        ([("pause", "Success")], "Success", None),
        ([("pause", "Running"), ("resume", "Paused")], "Success", None),
        ([], "Success", None),
    ],
)
def test_an_alarm_is_right_where_its_job_was_asked_for_what_it_did_not_do(
    acts: list[tuple[str, str]], seen: str, name: str | None
) -> None:
    passed = [acted(action, before) for action, before in acts]
    assert cause(Alarm("", JOB, seen), passed) == name


def test_a_refused_request_and_one_of_another_job_are_none() -> None:
    alarm = Alarm("", JOB, "Success")
    assert cause(alarm, [acted("pause", "Running", status=400)]) is None
    assert cause(Alarm("", "another", "Success"), [acted("pause", "Running")]) is None
    assert cause(Alarm("", name="a name"), []) == "a name"


def test_requests_per_second_are_those_between_the_first_and_the_last() -> None:
    assert rate([Passed(at, "GET", "/", 200) for at in (1.0, 1.5, 2.0)]) == 2.0
    assert rate([]) == 0.0


def test_a_row_tells_all_that_the_header_names() -> None:
    passed = [acted("pause", "Running", 11.0)]
    alarms = [Alarm("one", JOB, "Success"), Alarm("two", JOB, "Running")]
    found = dict(zip(HEADER, row(Outcome("x", 10.0, 3.0, passed, alarms)), strict=True))
    assert found["cells"] == "1 of 20"
    assert found["seconds to all of them"] == "never"
    assert found["lost requests told"] == f"1 of {len(LOST)}"
    assert found["false alarms"] == "1"
    every = [acted(a, s, 10 + n) for n, (s, a) in enumerate(sorted(CELLS))]
    assert row(Outcome("x", 10.0, 30.0, every, ()))[2] == "19.0"
    missing = row(Outcome("x", 0.0, 0.0, (), (), "why"))
    assert (len(missing), missing[1]) == (len(HEADER), "why")
    assert len(table([missing])) == 3


def test_an_alarm_is_told_once(tmp_path: Path) -> None:
    asked = Asked("http://x", 2, 1.0, tmp_path / "alarms")
    assert told(asked.alarms) == []
    for _ in range(2):
        asked.tell(Alarm("said", JOB, "Paused"))
    assert told(asked.alarms) == [Alarm("said", JOB, "Paused")]


# --- the peers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "action"), sorted(CELLS))
def test_an_action_is_believed_to_do_what_the_table_says(state: State, action: Action) -> None:
    status, after = Belief(state).act(action)
    assert status == cell(state, action).status
    if state is not State.RUNNING:
        assert after.state is (target(state, action) or state)


def test_what_is_asked_for_in_a_step_is_done_at_its_end() -> None:
    running = Belief().start()
    paused = running.act(Action.PAUSE)[1]
    both = paused.act(Action.CANCEL)[1]
    assert both.asked is AskedFor.BOTH
    assert (running.state, running.end(good=True).left) == (State.RUNNING, STEPS - 1)
    assert paused.end(good=True).state is State.PAUSED
    assert both.end(good=True).state is State.FAILURE
    assert running.end(good=True).end(good=True) == Belief(State.SUCCESS, 0)
    assert Belief(State.PAUSED, 0).act(Action.RESUME)[1].start().state is State.SUCCESS


def test_a_learned_automaton_is_compared_with_what_is_believed() -> None:
    learned = pytest.importorskip("benchmarks.peers.learned")

    class Node:
        """A state of an automaton that does what is believed, but for what it is told to."""

        def __init__(self, belief: Belief, odd: tuple[str, str, str]) -> None:
            found = {one: learned.believed(belief, one) for one in learned.LETTERS}
            self.output_fun = {one: output for one, (output, _) in found.items()}
            self.transitions = {one: node(after, odd) for one, (_, after) in found.items()}
            if belief == Belief(State.RUNNING, 1, AskedFor.PAUSE):
                self.output_fun[odd[0]] = odd[1]

    known: dict[Belief, Node] = {}

    def node(belief: Belief, odd: tuple[str, str, str]) -> Node:
        if belief not in known:
            known[belief] = Node.__new__(Node)
            known[belief].__init__(belief, odd)  # type: ignore[misc]
        return known[belief]

    class Machine:
        def __init__(self, odd: tuple[str, str, str]) -> None:
            known.clear()
            self.initial_state = node(Belief(), odd)

    assert list(learned.differences(Machine(("succeed", "Paused", "")))) == []
    ((word, found, foreseen),) = learned.differences(Machine(("succeed", "Success", "")))
    assert (word[-2:], found, foreseen) == (("pause", "succeed"), "Success", "Paused")


def test_the_kit_tells_each_name_and_what_has_none() -> None:
    cases = [
        {"id": "a", "verdict": "deviation", "relaxations": ["x", "y"]},
        {"id": "b", "verdict": "deviation", "relaxations": None},
        {"id": "c", "verdict": "passed", "relaxations": []},
    ]
    names = [alarm.name for alarm in kit.alarms({"cases": cases})]
    assert names == ["x", "y", None]


def test_of_schemathesis_each_failed_check_is_told() -> None:
    failure = {"failure": {"operation": "POST /jobs/{id}/pause"}}
    checks = [
        {"name": "one", "status": "success"},
        {"name": "two", "status": "failure", "failure_info": failure},
    ]
    lines = [json.dumps({"ScenarioFinished": {"recorder": {"checks": {"a": checks}}}})]
    assert [one.said for one in schema.alarms(lines)] == ["POST /jobs/{id}/pause: two"]
    words = schema.words("http://x", Path("d"), 12.5, Path("r"), Path("c"))
    assert words[words.index("--max-time") + 1] == "12"
    assert words[words.index("--phases") + 1] == "stateful"


def test_a_peer_that_is_not_installed_has_a_row_that_says_so() -> None:
    with Proxy(9) as proxy:
        found = conductor.run(conductor.Peer("x", "x", "no_such_module"), proxy, 1.0, None)
        assert found.why == conductor.NOT_INSTALLED
        schemas = conductor.Peer("x", "schema")
        assert conductor.run(schemas, proxy, 1.0, None).why is not None


# --- the proxy ----------------------------------------------------------------------------------


class _Answering(BaseHTTPRequestHandler):
    """A server with a job that is Paused, and that closes each connection after an answer."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.dumps({"State": "Paused"}).encode()
        self.send_response(200 if self.command == "GET" else 400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    do_GET = do_POST = _answer

    def log_message(self, format: str, *args: object) -> None: ...


class _Closing(ThreadingHTTPServer):
    """``closed`` counts the connections that it has closed."""

    closed = threading.Semaphore(0)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.closed.release()


@pytest.fixture
def closing() -> Iterator[_Closing]:
    server = _Closing(("127.0.0.1", 0), _Answering)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def proxy(closing: _Closing) -> Iterator[Proxy]:
    with Proxy(closing.server_port) as found:
        yield found


def test_the_proxy_passes_on_and_reads_the_job_before_an_action(
    proxy: Proxy, closing: _Closing
) -> None:
    connection = http.client.HTTPConnection(proxy.url.removeprefix("http://"))
    answers = []
    for method, path in (("GET", "/jobs"), ("POST", f"/jobs/{JOB}/pause"), ("POST", "/x")):
        connection.request(method, path, b"sent" if method == "POST" else None)
        got = connection.getresponse()
        answers.append((got.status, json.loads(got.read())))
        for _ in range(2 if "pause" in path else 1):  # one that is closed later cuts a call off
            assert closing.closed.acquire(timeout=10)
    connection.close()
    assert answers == [(status, {"State": "Paused"}) for status in (200, 400, 400)]
    passed = proxy.taken()
    assert [(p.method, p.status, p.before) for p in passed] == [
        ("GET", 200, None),
        ("POST", 400, "Paused"),
        ("POST", 400, None),
    ]
    assert (passed[1].sent, passed[1].action) == (b"sent", (JOB, "pause"))
    assert json.loads(passed[1].got) == {"State": "Paused"}
    assert proxy.taken() == []


def test_a_server_that_is_not_there_is_told_as_such() -> None:
    with Proxy(9) as proxy:
        connection = http.client.HTTPConnection(proxy.url.removeprefix("http://"))
        connection.request("GET", "/jobs")
        assert connection.getresponse().status == 502
        connection.close()


# --- on servers ---------------------------------------------------------------------------------


@pytest.mark.long
def test_the_floor_covers_all_cells_and_finds_nothing_wrong_with_the_reference_server() -> None:
    alarms: list[Alarm] = []
    with servers.reference() as server, Proxy(server.port) as proxy:
        jobs = Jobs(proxy.url, server.config["ConcurrentJobs"])
        floor.cells(jobs, alarms.append)
        for asked, steps in floor.RACES:
            floor.race(jobs, asked, steps, alarms.append)
        assert set(cells(proxy.taken())) == CELLS
    assert alarms == []


@pytest.mark.long
def test_all_peers_are_measured_on_one_orthanc(installed_orthanc: str) -> None:
    with servers.orthanc(installed_orthanc) as server, Proxy(server.port) as proxy:
        for name in ("kit", "floor"):
            peer = next(one for one in conductor.PEERS if one.module == name)
            found = dict(zip(HEADER, row(conductor.run(peer, proxy, 10.0, None)), strict=True))
            assert found["cells"] == "20 of 20"
            assert found["lost requests told"] == "2 of 2"
            assert found["false alarms"] == "0"
            conductor.tidy(server)


def test_a_step_of_the_slow_peer_lasts_longer_than_a_nap() -> None:
    from benchmarks.peers.polling import NAP

    assert STEP > NAP
