"""Control: what somebody who writes a test may do to the server."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from conformance.reference.control.calls import Call
from conformance.reference.control.controls import ControlError, NoSuchJob
from conformance.reference.control.steps import StepControl
from conformance.reference.double import ReferenceServer, reference_server
from conformance.reference.registry import Registry
from tests.conformance.reference.harness import DEADLINE, ROOT
from tests.waiting import until

HOUR = 3600.0


class Caller:
    """A client of a server, with a connection for each call, as a shell script would have."""

    def __init__(self, port: int) -> None:
        self.port = port

    def call(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def do(self, path: str, **fields: object) -> Any:
        status, body = self.call("POST", path, fields)
        assert status == 200, body
        return json.loads(body)

    def job(self, job: str) -> dict[str, Any]:
        status, body = self.call("GET", f"/jobs/{job}")
        assert status == 200
        read: dict[str, Any] = json.loads(body)
        return read

    def becomes(self, job: str, state: str) -> dict[str, Any]:
        until(lambda: self.job(job)["State"] == state, DEADLINE, f"it did not become {state}")
        return self.job(job)


@pytest.fixture
def server() -> Iterator[ReferenceServer]:
    with reference_server() as started:
        yield started


@pytest.fixture
def client(server: ReferenceServer) -> Caller:
    return Caller(server.port)


def reads(client: Caller, job: str) -> tuple[str, int]:
    read = client.job(job)
    return read["State"], read["Progress"]


MANY = 100  # what is late is not late each time


def test_a_job_stays_running_until_told_otherwise(server: ReferenceServer, client: Caller) -> None:
    for _ in range(MANY):
        job = server.control.job(steps=2)
        assert reads(client, job) == ("Running", 0)
        assert server.control.waiting() == [job]
        server.control.succeed(job)
        assert reads(client, job) == ("Running", 50)
        server.control.succeed(job)
        assert reads(client, job) == ("Success", 100)


def test_over_rest_too_what_was_asked_for_can_be_read_at_once(client: Caller) -> None:
    ends = {"succeed": "Success", "fail": "Failure", "retry": "Retry", "perform": "Success"}
    for word in [*ends] * (MANY // len(ends)):
        job = client.do("/_control/jobs")["ID"]
        assert client.job(job)["State"] == "Running"
        client.do(f"/_control/jobs/{job}/{word}")
        assert client.job(job)["State"] == ends[word]
        client.do(f"/jobs/{job}/cancel")


def test_the_next_job_runs_when_a_worker_is_free() -> None:
    """Who makes more jobs than there are workers is not kept waiting, and sees who is next."""
    with reference_server(ConcurrentJobs=1, LimitJobs=0) as server:
        client = Caller(server.port)
        jobs = [server.control.job() for _ in range(MANY)]
        for job in jobs:
            states = [client.job(each)["State"] for each in jobs[jobs.index(job) :][:2]]
            assert states == ["Running", "Pending"][: len(states)]
            server.control.succeed(job)


@pytest.mark.parametrize("fault", ["one-worker-too-few", "worker-lost-after-pause"])
def test_a_worker_that_there_is_not_is_not_waited_for(fault: str) -> None:
    with reference_server(fault=fault) as server:
        first = server.control.job()
        server.control.act(first, "pause")
        server.control.succeed(first)
        for _ in range(2):
            server.control.job()
        assert len(server.control.waiting()) == 1


def test_a_job_that_nobody_holds_goes_on_in_its_own_time(
    server: ReferenceServer, client: Caller
) -> None:
    job = server.control.job(100_000, held=False)
    state, progress = reads(client, job)
    assert (state, progress < 100) == ("Running", True)
    held = server.control.job()
    server.control.succeed(held)
    assert client.job(held)["State"] == "Success"


def test_who_waits_in_vain_is_told(
    server: ReferenceServer, client: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Registry, "next_job", lambda registry: None)  # no worker takes a job
    server.control.patience = 0.05
    with pytest.raises(TimeoutError, match="the server has not come to rest"):
        server.control.job()
    status, body = client.call("POST", "/_control/jobs")
    assert (status, b"not come to rest" in body) == (500, True)


def test_work_that_a_step_really_does_is_not_waited_for(
    server: ReferenceServer, client: Caller
) -> None:
    """Its peer may be the very thread that has let it be done."""
    made = client.do("/tools/create-dicom", Tags={"PatientName": "A"})
    server.control.hold()
    with socket.create_server(("127.0.0.1", 0)) as peer:
        url = f"http://127.0.0.1:{peer.getsockname()[1]}/"
        assert client.call("PUT", "/peers/here", {"Url": url})[0] == 200
        asked = {"Resources": [made["ID"]], "Synchronous": False}
        job = client.do("/peers/here/store", **asked)["ID"]
        server.control.perform(job)
        assert client.job(job)["State"] == "Running"
        accepted, _ = peer.accept()
        accepted.close()
    client.becomes(job, "Failure")


def test_steps_that_wait_do_not_wake_each_other(
    server: ReferenceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    may_go_on = StepControl._may_go_on
    monkeypatch.setattr(StepControl, "_may_go_on", lambda *job: looks.append(1) or may_go_on(*job))
    third = [server.control.job() for _ in range(3)][2]  # it finds no worker
    seen = len(looks)
    with pytest.raises(TimeoutError):
        server.control.wait(third, 0.1)
    assert len(looks) <= seen + 2


def test_words_may_come_before_their_steps(server: ReferenceServer, client: Caller) -> None:
    server.control.hold_queue()
    job = server.control.job(steps=3)
    server.control.succeed(job)
    server.control.perform(job)
    server.control.fail(job, 17, "<b>gone</b>")
    assert client.job(job)["State"] == "Pending"
    server.control.release_queue()
    read = client.becomes(job, "Failure")
    assert (read["ErrorCode"], read["ErrorDetails"], read["Progress"]) == (17, "<b>gone</b>", 67)


def test_a_word_for_a_job_that_has_completed_is_refused(
    server: ReferenceServer, client: Caller
) -> None:
    job = server.control.job()
    server.control.fail(job)
    with pytest.raises(ControlError, match=f"No step of the job {job} will end: it is in Failure"):
        server.control.succeed(job)
    assert client.call("POST", f"/_control/jobs/{job}/succeed", {})[0] == 400
    assert server.control.act(job, "resubmit")
    server.control.wait()
    assert client.job(job)["State"] == "Running"


def test_words_that_are_left_over_are_not_for_the_run_after_a_resubmit(
    server: ReferenceServer, client: Caller
) -> None:
    server.control.hold_queue()
    job = server.control.job()
    server.control.fail(job)
    server.control.succeed(job)  # for no step
    server.control.release_queue()
    assert client.job(job)["State"] == "Failure"
    assert server.control.act(job, "resubmit")
    server.control.wait()
    assert client.job(job)["State"] == "Running"


def test_retry_lasts_as_long_as_the_clock_says(server: ReferenceServer, client: Caller) -> None:
    job = server.control.job()
    server.control.retry(job, HOUR)
    before = client.becomes(job, "Retry")
    server.control.advance(HOUR / 2)
    assert client.job(job)["State"] == "Retry"
    server.control.advance(HOUR / 2)
    server.control.wait(job)
    assert client.job(job)["State"] == "Running"
    assert client.job(job)["Timestamp"] > before["Timestamp"]
    server.control.advance(HOUR)
    assert client.job(job)["EffectiveRuntime"] >= HOUR
    with pytest.raises(ControlError):
        server.control.advance(-1)


def test_a_job_of_any_kind(server: ReferenceServer, client: Caller) -> None:
    job = server.control.job(
        type="Plugin<i>", content={"A": 1}, priority=-3, description="of a test", held=False
    )
    read = client.becomes(job, "Success")
    assert (read["Type"], read["Priority"]) == ("Plugin<i>", -3)
    assert read["Content"] == {"A": 1, "Description": "of a test"}


def test_what_is_shown_and_what_is_true(server: ReferenceServer, client: Caller) -> None:
    job = server.control.job()
    server.control.wait(job)
    server.control.show(job, Progress=100, ErrorCode=9)
    read = client.job(job)
    assert (read["State"], read["Progress"], read["ErrorCode"]) == ("Running", 100, 9)
    listed = json.loads(client.call("GET", "/jobs?expand")[1])
    assert [each["Progress"] for each in listed] == [100]
    server.control.show(job)
    assert client.job(job)["Progress"] == 0


def test_jobs_that_clients_submit_are_held(server: ReferenceServer, client: Caller) -> None:
    server.control.hold()
    made = client.do("/tools/create-dicom", Tags={"PatientName": "A"})
    archive = client.do("/tools/create-archive", Resources=[made["ID"]], Asynchronous=True)["ID"]
    server.control.wait(archive)
    other = client.do("/tools/create-media", Resources=[made["ID"]], Asynchronous=True)["ID"]
    server.control.wait(other)
    server.control.fail(other)
    assert client.becomes(other, "Failure")["ErrorCode"] == 9
    server.control.release()
    client.becomes(archive, "Success")
    assert client.call("GET", f"/jobs/{archive}/archive")[0] == 200


def test_only_a_completed_job_is_evicted(server: ReferenceServer, client: Caller) -> None:
    job = server.control.job()
    server.control.wait(job)
    with pytest.raises(ControlError, match="completed"):
        server.control.evict(job)
    server.control.succeed(job)
    client.becomes(job, "Success")
    server.control.evict(job)
    assert client.call("GET", f"/jobs/{job}")[0] == 404
    for word in (server.control.evict, server.control.succeed, server.control.hold):
        with pytest.raises(NoSuchJob):
            word(job)
    with pytest.raises(ControlError, match="no error 4711"):
        server.control.fail(server.control.job(), 4711)


@pytest.mark.parametrize("killed", [False, True], ids=["ended", "killed"])
def test_the_server_ends_and_starts_again(
    server: ReferenceServer, client: Caller, killed: bool
) -> None:
    server.control.advance(HOUR)
    job = server.control.job(steps=2)
    server.control.succeed(job)
    until(lambda: client.job(job)["Progress"] == 50, DEADLINE)
    server.control.wait(job)
    before = client.job(job)["Timestamp"]
    server.end(killed=killed)
    with pytest.raises(ConnectionRefusedError):
        client.call("GET", "/jobs")
    server.start()
    server.control.wait(job)  # its second step begins once more
    read = client.job(job)
    assert (read["State"], read["Progress"]) == ("Running", 50)
    assert read["Timestamp"] > before  # the clock is where it was
    server.control.succeed(job)
    client.becomes(job, "Success")


def test_answers_are_spoiled(server: ReferenceServer, client: Caller) -> None:
    job = server.control.job()
    server.control.wait(job)
    server.control.disturb("/jobs/*", "GET", status=503, times=2)
    server.control.disturb("/jobs/*", "GET", reset=True)
    assert client.call("GET", "/jobs")[0] == 200
    assert [client.call("GET", f"/jobs/{job}")[0] for _ in range(2)] == [503, 503]
    with pytest.raises(ConnectionResetError):
        client.call("GET", f"/jobs/{job}")
    assert client.call("GET", f"/jobs/{job}")[0] == 200
    server.control.disturb(f"/jobs/{job}/cancel", reset=True, done=True)
    with pytest.raises(ConnectionResetError):
        client.call("POST", f"/jobs/{job}/cancel")
    server.control.succeed(job)
    assert client.becomes(job, "Failure")["ErrorCode"] == 37  # it was canceled all the same
    server.control.disturb(delay=0.05, times=None)
    began = time.monotonic()
    assert client.call("GET", "/jobs")[0] == 200
    assert time.monotonic() - began >= 0.05
    server.control.undisturb()
    with pytest.raises(ControlError):
        server.control.disturb("/jobs")


def test_control_over_rest(server: ReferenceServer, client: Caller) -> None:
    job = client.do("/_control/jobs", Steps=2, Type="Archive", Content={"X": 1})["ID"]
    until(lambda: json.loads(client.call("GET", "/_control")[1])["Waiting"] == [job], DEADLINE)
    client.do(f"/_control/jobs/{job}/show", Progress=7)
    assert client.job(job)["Progress"] == 7
    client.do(f"/_control/jobs/{job}/show")
    client.do(f"/_control/jobs/{job}/retry", Seconds=60)
    client.becomes(job, "Retry")
    client.do("/_control/queue/hold")
    client.do("/_control/clock/advance", Seconds=60)
    client.becomes(job, "Pending")
    client.do("/_control/queue/release")
    client.do(f"/_control/jobs/{job}/succeed")
    client.do(f"/_control/jobs/{job}/fail", ErrorCode=15, ErrorDetails="so")
    assert client.becomes(job, "Failure")["ErrorCode"] == 15
    client.do("/_control/disturbances", Path="/jobs", Status=503, Times=None)
    assert client.call("GET", "/jobs")[0] == 503
    assert client.call("DELETE", "/_control/disturbances")[0] == 200
    client.do(f"/_control/jobs/{job}/evict")
    assert json.loads(client.call("GET", "/jobs")[1]) == []
    client.do("/_control/jobs/hold")
    other = client.do("/_control/jobs", Held=False)["ID"]
    client.becomes(other, "Success")  # it was named itself
    client.do("/_control/jobs/release")


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/_control/jobs/none/succeed", {}, 404),
        ("/_control/jobs/none/evict", {}, 404),
        ("/_control/jobs", {"Steps": -1}, 400),
        ("/_control/jobs", {"Content": 5}, 400),
        ("/_control/disturbances", {"Path": "/jobs"}, 400),
        ("/_control/disturbances", {"Status": 1000}, 400),
        ("/_control/clock/advance", {"Seconds": -1}, 400),
        ("/_control/restart", {"Down": "soon"}, 400),
        ("/_control/no-such-thing", {}, 404),
    ],
)
def test_what_control_cannot_do(client: Caller, path: str, fields: Any, status: int) -> None:
    assert client.call("POST", path, fields)[0] == status


@pytest.mark.parametrize(
    ("path", "fields", "told"),
    [
        ("clock/advance", {"seconds": 5000}, b"no field seconds; there are Seconds"),
        (
            "jobs",
            {"held": True},
            b"no field held; there are Content, Description, Held, Priority, Steps, Type",
        ),
        ("jobs/{job}/succeed", {"Step": 7}, b"no field Step; there is none"),
        ("jobs/{job}/fail", {"Code": 7}, b"no field Code; there are ErrorCode, ErrorDetails"),
        ("jobs/{job}/retry", {"Delay": 7}, b"no field Delay; there are Seconds"),
        ("queue/hold", {"On": True}, b"no field On; there is none"),
        ("disturbances", {"Colour": "red"}, b"no field Colour; there are Delay, Done, Method"),
        ("restart", {"Wait": 1}, b"no field Wait; there are Down, Killed"),
    ],
)
def test_a_field_that_there_is_not_is_named_and_nothing_is_done(
    server: ReferenceServer, client: Caller, path: str, fields: Any, told: bytes
) -> None:
    job = server.control.job()
    before = server.control.clock.now()
    status, body = client.call("POST", f"/_control/{path.format(job=job)}", fields)
    assert (status, told in body) == (400, True), body
    assert server.control.standing()["Jobs"] == [job]
    assert client.job(job)["State"] == "Running"
    assert server.control.clock.now() - before < timedelta(seconds=DEADLINE)  # it was not moved


@pytest.mark.parametrize("killed", [False, True], ids=["ended", "killed"])
def test_a_restart_over_rest(server: ReferenceServer, client: Caller, killed: bool) -> None:
    job = client.do("/_control/jobs", Steps=1)["ID"]
    server.control.wait(job)
    client.do("/_control/restart", Down=0.02, Killed=killed)

    def is_down() -> bool:
        try:
            client.call("GET", "/jobs")
        except ConnectionError:
            return True
        return False

    until(is_down, DEADLINE)
    until(lambda: not is_down(), DEADLINE)
    server.control.wait(job)
    assert client.job(job)["State"] == "Running"


def test_nothing_is_left_and_many_run_at_once(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with reference_server() as one, reference_server(JobsHistorySize=0) as other:
        assert one.url != other.url
        job = other.control.job(held=False)
        until(lambda: Caller(other.port).call("GET", f"/jobs/{job}")[0] == 404, DEADLINE)
        assert json.loads(Caller(one.port).call("GET", "/jobs")[1]) == []
        other.end()
        one.control.wait(one.control.job())  # a step that waits does not hold the end up
    until(lambda: set(threading.enumerate()) == before, DEADLINE)


def test_it_starts_in_a_moment() -> None:
    """The median of five: a machine with other work may take its time now and then."""
    taken = []
    for _ in range(5):
        began = time.monotonic()
        with reference_server():
            taken.append(time.monotonic() - began)
    assert sorted(taken)[2] < 0.2


def test_a_process_offers_control_only_when_asked(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text("{}")
    command = [sys.executable, "-m", "conformance.reference", "--port", "0", "--config", config]
    for words, status in (([], 404), (["--control"], 200)):
        started = subprocess.Popen(
            [*command, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True, stderr=subprocess.PIPE
        )
        try:
            assert started.stdout is not None
            port = int(started.stdout.readline().rsplit(":", 1)[1])
            client = Caller(port)
            assert client.call("GET", "/_control")[0] == status
            if status == 200:
                job = client.do("/_control/jobs")["ID"]
                client.do("/_control/restart", Down=0.0)

                def runs_again(job: str = job, client: Caller = client) -> bool:
                    try:
                        return json.loads(client.call("GET", "/_control")[1])["Waiting"] == [job]
                    except ConnectionError:
                        return False

                until(runs_again, DEADLINE)
            started.send_signal(signal.SIGTERM)
            assert started.wait(DEADLINE) == 0  # though a step waits
            assert started.communicate() == ("", "")
        finally:
            started.kill()
            started.communicate()


def test_who_listens_hears_each_call_and_what_was_answered(
    server: ReferenceServer, client: Caller
) -> None:
    heard: list[Call] = []
    server.control.calls.listen(heard.append)
    job = server.control.job()
    assert client.call("GET", f"/jobs/{job}?x=1")[0] == 200
    server.control.disturb("/jobs", status=503)
    assert client.call("GET", "/jobs")[0] == 503
    assert client.call("POST", f"/jobs/{job}/pause")[0] == 200
    until(lambda: len(heard) == 3, DEADLINE)
    assert [(call.method, call.path, call.status) for call in heard] == [
        ("GET", f"/jobs/{job}?x=1", 200),
        ("GET", "/jobs", 503),
        ("POST", f"/jobs/{job}/pause", 200),
    ]
    assert json.loads(heard[0].answer)["ID"] == job
    assert all(call.at <= call.ended for call in heard)


def test_another_client_acts_without_a_call(server: ReferenceServer) -> None:
    heard: list[Call] = []
    server.control.calls.listen(heard.append)
    job = server.control.job()
    server.control.wait(job)
    assert not server.control.act(job, "resume")
    assert server.control.act(job, "cancel")
    server.control.succeed(job)
    until(lambda: server.control.read(job)["State"] == "Failure", DEADLINE)
    assert server.control.read(job)["ErrorCode"] == 37
    assert heard == []
    with pytest.raises(ControlError, match="no action stop"):
        server.control.act(job, "stop")
    with pytest.raises(NoSuchJob):
        server.control.read("nobody")


def test_a_script_finds_a_field_on_a_line_of_its_own(
    server: ReferenceServer, client: Caller
) -> None:
    """As ``grep`` finds it in the answers of a real Orthanc."""
    job = server.control.job()
    server.control.wait(job)
    assert b'\n   "State" : "Running",\n' in client.call("GET", f"/jobs/{job}")[1]
    assert client.call("GET", "/jobs")[1] == f'[\n   "{job}"\n]'.encode()
