"""What outlives the process: a clean stop, ``kill -9``, and what the options say about it."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import forked
from tests.conformance.reference.harness import (
    DEADLINE,
    ROOT,
    SERVER,
    Arrival,
    Gate,
    Job,
    Server,
    busy_workers,
    running_server,
)

pytestmark = pytest.mark.apart

FIXED = ("Content", "CreationTime", "ErrorCode", "ErrorDescription", "ErrorDetails", "ID")
FIXED += ("EffectiveRuntime", "Priority", "Progress", "State", "Type")


def clean(server: Server, *steps: Arrival) -> None:
    """SIGTERM; the steps in flight succeed while the server waits for them."""
    server.is_told_to_stop()
    for step in steps:
        step.answer()
    assert server.process.wait(DEADLINE) == 0
    server.start()


def killed(server: Server, *steps: Arrival) -> None:
    """SIGKILL; the steps in flight have nobody to end for."""
    server.kill()
    for step in steps:
        step.answer()
    server.start()


WAYS = pytest.mark.parametrize("end", [clean, killed], ids=["sigterm", "sigkill"])
End = Callable[..., None]


def fixed(job: Job) -> dict[str, Any]:
    """What a restart must not change in a job that does not run."""
    described = job.read()
    return {name: described[name] for name in FIXED} | {
        "CompletionTime": described.get("CompletionTime")
    }


def paused_job(server: Server) -> Job:
    """A job of two steps that was paused during the first."""
    job = server.submit(steps=2)
    step = job.step()
    job.accepts("pause")
    step.answer()
    return job.becomes("Paused")


@WAYS
def test_every_state_survives(gate: Gate, tmp_path: Path, end: End) -> None:
    with running_server(tmp_path, gate, ConcurrentJobs=1) as server:
        done = server.submit(steps=2, priority=5).steps_succeed(2).becomes("Success")
        failed = server.submit(steps=3).steps_succeed(1)
        failed.step().answer(500)
        failed.becomes("Failure")
        canceled = server.submit(steps=3, priority=-3)
        step = canceled.step()  # before it must wait for one of higher priority
        paused = server.submit(steps=2)
        paused.accepts("pause")
        canceled.accepts("cancel")
        step.answer()
        canceled.becomes("Failure")
        stays = [done, failed, canceled, paused]
        before = [fixed(job) for job in stays]
        listed = server.ids()

        running, pending = server.submit(steps=4), server.submit(priority=-1)
        running.steps_succeed(2)
        end(server, running.step())

        assert [fixed(job) for job in stays] == before
        assert server.ids() == [*listed, running.id, pending.id]
        step = running.step()
        at_last_step = end is clean  # its third step has ended during the stop
        assert running.standing() == ("Running", 0, 75 if at_last_step else 50)
        assert running.read()["EffectiveRuntime"] >= 0
        assert pending.standing() == ("Pending", 0, 0)
        step.answer()
        running.steps_succeed(0 if at_last_step else 1).becomes("Success")
        assert gate.is_empty(running.slot)
        pending.steps_succeed(1).becomes("Success")
        paused.accepts("resume").steps_succeed(2).becomes("Success")
        failed.accepts("resubmit").steps_succeed(3).becomes("Success")


@WAYS
def test_retry_is_queued_at_once(gate: Gate, tmp_path: Path, end: End) -> None:
    with running_server(tmp_path, gate) as server:
        job = server.submit(steps=2, priority=3).steps_succeed(1)
        job.step().ask_for_retry(3_600_000)
        job.becomes("Retry")
        end(server)
        job.steps_succeed(1)
        assert job.becomes("Success").read()["Priority"] == 3
        assert gate.is_empty(job.slot)


@WAYS
def test_the_queue_keeps_its_order(gate: Gate, tmp_path: Path, end: End) -> None:
    with running_server(tmp_path, gate, ConcurrentJobs=1) as server:
        peer = server.peer()
        running = server.submit(steps=2, priority=100)
        step = running.step()
        jobs = [server.submit(peer=peer, priority=priority) for priority in (0, 0, 7, 0, -2, 0, 7)]
        jobs[0].accepts("pause", "resume")  # to the end of its equals
        jobs[3].accepts("cancel", "resubmit")
        end(server, step)
        urgent = server.submit(peer=server.peer(peer), priority=9)
        step = running.step()
        jobs.append(server.submit(peer=peer))
        step.answer()
        running.steps_succeed(0 if end is clean else 1).becomes("Success")
        started = []
        everything = {job.id: number for number, job in enumerate([*jobs, urgent])}
        for _ in everything:
            step = gate.arrival(peer)
            expanded = server.call("GET", "/jobs?expand").json
            (one,) = [each["ID"] for each in expanded if each["State"] == "Running"]
            started.append(everything[one])
            step.answer()
        assert started == [8, 2, 6, 1, 5, 0, 3, 7, 4]


@WAYS
def test_the_history_keeps_its_order(gate: Gate, tmp_path: Path, end: End) -> None:
    with running_server(tmp_path, gate, JobsHistorySize=3, ConcurrentJobs=1) as server:
        first, second, third = (server.submit() for _ in range(3))
        step = first.step()
        third.accepts("cancel")
        step.answer()
        second.steps_succeed(1).becomes("Success")
        first.becomes("Success")
        end(server)
        for evicted in (third, first, second):
            assert server.call("GET", f"/jobs/{evicted.id}").status == 200
            server.submit().steps_succeed(1).ends()
            assert server.call("GET", f"/jobs/{evicted.id}").status == 404


def test_a_smaller_history_keeps_the_newest(gate: Gate, tmp_path: Path) -> None:
    with running_server(tmp_path, gate, JobsHistorySize=5, ConcurrentJobs=1) as server:
        jobs = [server.submit().steps_succeed(1).becomes("Success") for _ in range(4)]
        paused = paused_job(server)
        server.restart(JobsHistorySize=2)
        assert server.ids() == [jobs[2].id, jobs[3].id, paused.id]
        server.restart(JobsHistorySize=0)
        assert server.ids() == [paused.id]
        server.restart()
        assert server.ids() == [paused.id]


def test_three_restarts_in_a_row(gate: Gate, tmp_path: Path) -> None:
    with running_server(tmp_path, gate, ConcurrentJobs=1) as server:
        job, waiting = server.submit(steps=4, priority=1), server.submit()
        created = job.read()["CreationTime"]
        for number, end in enumerate((clean, killed, clean), start=1):
            if end is killed:
                job.steps_succeed(1)
                end(server, job.step())
            else:
                end(server, job.step())
            assert waiting.state == "Pending", number
        job.steps_succeed(1)
        described = job.becomes("Success").read()
        assert (described["CreationTime"], described["Priority"]) == (created, 1)
        waiting.steps_succeed(1).becomes("Success")
        assert gate.is_empty(job.slot)


def test_restarts_without_a_pause_between_them(gate: Gate, tmp_path: Path) -> None:
    with running_server(tmp_path, gate, ConcurrentJobs=1) as server:
        paused, failed = paused_job(server), server.submit()
        failed.step().answer(500)
        failed.becomes("Failure")
        before = fixed(paused), fixed(failed)
        for _ in range(3):
            server.restart()
        server.kill()
        server.start()
        assert (fixed(paused), fixed(failed)) == before


@pytest.mark.parametrize("action", ["pause", "cancel"])
@pytest.mark.parametrize("last", [False, True], ids=["more-steps", "last-step"])
def test_a_request_survives_the_stop(gate: Gate, tmp_path: Path, action: str, last: bool) -> None:
    with running_server(tmp_path, gate) as server:
        job = server.submit(steps=1 if last else 3)
        step = job.step()
        job.accepts(action)
        clean(server, step)
        progress = 100 if last else 33
        if action == "pause":
            assert job.standing() == ("Paused", 0, progress)
        else:
            assert job.standing() == ("Failure", 37, 0 if last else progress)
        assert gate.is_empty(job.slot)


@pytest.mark.parametrize("action", ["pause", "cancel"])
def test_a_request_survives_the_death_too(gate: Gate, tmp_path: Path, action: str) -> None:
    with running_server(tmp_path, gate) as server:
        job = server.submit(steps=3)
        step = job.step()
        job.accepts(action)
        killed(server, step)
        assert job.standing() == (("Paused", 0, 0) if action == "pause" else ("Failure", 37, 0))


def test_a_step_that_fails_during_the_stop(gate: Gate, tmp_path: Path) -> None:
    with running_server(tmp_path, gate) as server:
        job = server.submit(steps=2)
        step = job.step()
        server.is_told_to_stop()
        step.answer(500)
        assert server.process.wait(DEADLINE) == 0
        server.start()
        assert job.standing() == ("Failure", 9, 0)
        assert "HTTP status 500" in job.read()["ErrorDetails"]


def test_no_step_that_has_ended_is_run_again_after_a_kill(gate: Gate, tmp_path: Path) -> None:
    """Kill it as soon as the next step has arrived, again and again: the step before is saved."""
    with running_server(tmp_path, gate) as server:
        server.instances(1)
        job = server.submit(steps=4)
        seen: list[bytes] = []
        for _ in range(3):
            step = job.step()
            seen.append(step.body)
            step.answer()
            following = job.step()
            killed(server, following)
            seen.append(following.body)
        job.steps_succeed(1).becomes("Success")
        assert gate.is_empty(job.slot)
        # each step arrives once, and once more if it was in flight when the server was killed
        files = list(dict.fromkeys(seen))
        assert [seen.count(file) for file in files] == [1, 2, 2, 1]


@pytest.mark.parametrize("saved", [True, False])
def test_runtime_goes_on_and_content_stays(gate: Gate, tmp_path: Path, saved: bool) -> None:
    with running_server(tmp_path, gate) as server:
        job = server.submit(steps=2)
        job.step().answer()
        step = job.step()
        runtime = job.read()["EffectiveRuntime"]
        content = job.read()["Content"]
        clean(server, step) if saved else killed(server, step)
        if not saved:
            job.step().answer()
        described = job.becomes("Success").read()
        assert described["EffectiveRuntime"] >= (runtime if saved else 0)
        assert {k: v for k, v in described["Content"].items() if k != "Size"} == {
            k: v for k, v in content.items() if k != "Size"
        }


@WAYS
def test_instances_survive_and_peers_do_not(gate: Gate, tmp_path: Path, end: End) -> None:
    with running_server(tmp_path, gate) as server:
        first, second = server.instances(2)
        file = server.call("GET", f"/instances/{first}/file").body
        assert server.call("DELETE", f"/instances/{second}").status == 200
        server.peer()
        end(server)
        assert server.call("GET", "/instances").json == [first]
        assert server.call("GET", f"/instances/{first}/file").body == file
        assert server.call("GET", "/peers").json == []


@pytest.mark.parametrize(
    ("arguments", "config"), [(["--no-jobs"], {}), ([], {"SaveJobs": False})], ids=str
)
def test_jobs_that_are_not_wanted_are_gone_for_good(
    gate: Gate, tmp_path: Path, arguments: list[str], config: dict[str, object]
) -> None:
    with running_server(tmp_path, gate) as server:
        server.submit().steps_succeed(1).becomes("Success")
        paused_job(server)
        server.restart(*arguments, **config)
        assert server.ids() == []
        assert len(server.call("GET", "/instances").json) == 2
        later = server.submit().steps_succeed(1).becomes("Success")
        server.restart()
        assert server.ids() == ([later.id] if arguments else [])


def test_save_jobs_false_loses_them(gate: Gate, tmp_path: Path) -> None:
    with running_server(tmp_path, gate, SaveJobs=False) as server:
        job = server.submit().steps_succeed(1).becomes("Success")
        assert server.ids() == [job.id]
        server.restart()
        assert server.ids() == []


def test_deleted_and_evicted_jobs_stay_away(gate: Gate, tmp_path: Path) -> None:
    with running_server(tmp_path, gate, JobsHistorySize=2) as server:
        jobs = [server.submit().steps_succeed(1).becomes("Success") for _ in range(3)]
        assert server.call("DELETE", f"/jobs/{jobs[2].id}").status == 200
        server.restart()
        assert server.ids() == [jobs[1].id]


def test_who_waited_is_told_and_the_job_goes_on(gate: Gate, tmp_path: Path) -> None:
    with running_server(tmp_path, gate) as server:
        job = server.submit()
        step = job.step()
        clean(server, step)
        assert job.standing() == ("Success", 0, 100)


# -- the database itself ---------------------------------------------------------------------------


def start(folder: Path, database: Path) -> subprocess.CompletedProcess[str]:
    """A server on this database, that ought to end at once."""
    file = folder / "config.json"
    file.write_text(f'{{"IndexDirectory": "{database}"}}')
    return forked.run(SERVER, ["--port", "0", "--config", str(file)], ROOT, DEADLINE)


def refused(folder: Path, database: Path, *parts: str) -> None:
    for command in (start,):
        ended = command(folder, database)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert len(ended.stderr.splitlines()) == 1, ended.stderr
        for part in (str(database), *parts):
            assert part in ended.stderr


@pytest.fixture
def database(gate: Gate, tmp_path: Path) -> Path:
    """The folder of the database of a server that has ended."""
    folder = tmp_path / "database"
    with running_server(tmp_path, gate, StorageDirectory=str(folder)) as server:
        for _ in range(3):
            server.submit(steps=3).steps_succeed(3).becomes("Success")
        assert server.stop() == 0
    assert stat.S_IMODE((folder / "jobs.db").stat().st_mode) == 0o600
    return folder


@pytest.mark.parametrize("content", [b"something else\n" * 500, b"{}"])
def test_a_file_that_is_no_database(database: Path, tmp_path: Path, content: bytes) -> None:
    (database / "jobs.db").write_bytes(content)
    refused(tmp_path, database, "not a database")


@pytest.mark.parametrize("offset", [100, 4096, 8192])
def test_a_damaged_database(database: Path, tmp_path: Path, offset: int) -> None:
    file = database / "jobs.db"
    content = bytearray(file.read_bytes())
    content[offset : offset + 2000] = b"\xa5" * 2000
    file.write_bytes(content)
    refused(tmp_path, database)


def test_a_database_that_was_cut_off(database: Path, tmp_path: Path) -> None:
    file = database / "jobs.db"
    file.write_bytes(file.read_bytes()[:6000])
    refused(tmp_path, database)


def change(database: Path, *statements: str) -> None:
    connection = sqlite3.connect(database / "jobs.db")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_database_of_another_program(tmp_path: Path) -> None:
    database = tmp_path / "theirs"
    database.mkdir()
    change(database, "CREATE TABLE jobs (id TEXT)")
    refused(tmp_path, database, "another program")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE jobs SET status = '{}'",
        "UPDATE jobs SET status = 'x'",
        'UPDATE jobs SET status = \'{"map": [["id", 5]]}\'',
        'UPDATE jobs SET task = \'{"class": "job.Job", "fields": {}}\'',
        'UPDATE jobs SET task = \'{"class": "errors.RestError", "fields": {}}\'',
        'UPDATE jobs SET task = \'{"class": "os.system", "fields": {"command": "true"}}\'',
        "UPDATE jobs SET task = '[]'",
        "UPDATE jobs SET task = '[1, [2]]'",
        "UPDATE instances SET named = '{}'",
        "UPDATE instances SET named = '5'",
        "UPDATE instances SET file = 'text'",
    ],
)
def test_a_database_with_records_of_something_else(
    database: Path, tmp_path: Path, statement: str
) -> None:
    change(database, statement)
    refused(tmp_path, database, "cannot be read")


def test_a_database_of_another_format(database: Path, tmp_path: Path) -> None:
    change(database, "PRAGMA user_version = 99")
    refused(tmp_path, database, "format 99")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused(tmp_path, tmp_path / "file" / "database", "Not a directory")


def test_a_database_that_another_server_has(gate: Gate, tmp_path: Path) -> None:
    database = tmp_path / "database"
    with running_server(tmp_path, gate, StorageDirectory=str(database)):
        refused(tmp_path, database, "another server")


def test_the_command_of_the_kit_says_the_same(database: Path, tmp_path: Path) -> None:
    (database / "jobs.db").write_bytes(b"something else\n" * 500)
    config = tmp_path / "config.json"
    config.write_text(f'{{"IndexDirectory": "{database}"}}')
    command = [sys.executable, "-c", "from conformance.cli.main import main; main()", "serve"]
    ended = subprocess.run(
        [*command, "--port", "0", "--config", str(config)],
        cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "not a database" in ended.stderr.replace("\n", " ")
    assert "Traceback" not in ended.stderr


def test_busy_workers_are_busy_again(gate: Gate, tmp_path: Path) -> None:
    with running_server(tmp_path, gate, ConcurrentJobs=2) as server, busy_workers(server, 2):
        waiting = server.submit()
        assert waiting.state == "Pending"


@pytest.mark.parametrize("kept", [True, False])
def test_peers_outlive_the_server_if_it_is_to_keep_them(
    tmp_path: Path, gate: Gate, kept: bool
) -> None:
    given = {"theirs": {"Url": "http://127.0.0.1:1/"}}
    options = {"OrthancPeers": given, "OrthancPeersInDatabase": kept}
    with running_server(tmp_path, gate, **options) as server:
        for name in ("mine", "gone"):
            peer = {"Url": "http://127.0.0.1:2/", "HttpHeaders": {"A": "B"}}
            server.call("PUT", f"/peers/{name}", peer)
        server.call("DELETE", "/peers/gone")
        before = server.call("GET", "/peers?expand").json
        assert set(before) == ({"mine"} if kept else {"mine", "theirs"})
        server.kill()
        server.start()
        after = server.call("GET", "/peers?expand").json
        assert after == (before if kept else {"theirs": before["theirs"]})
