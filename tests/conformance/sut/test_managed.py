"""Servers of our own: how they are started, watched and ended, by the example of scripts."""

from __future__ import annotations

import json
import os
import signal
import stat
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.errors import BadArgument, NoServer, ServerDied, ServerStopped
from conformance.sut import managed, servers
from conformance.sut.client import Client
from conformance.sut.managed import Managed
from tests.waiting import until

SLACK = 5.0  # seconds that a loaded machine may take

# A server of a few lines: answers GET /system, and writes down what it was started with.
SERVER = r"""
import http.server, json, os, pathlib, signal, sys, threading
config = json.loads(pathlib.Path(sys.argv[1]).read_text())
modes = sys.argv[2:]
print("started", os.environ.get("OF_THE_TEST"), flush=True)
here = pathlib.Path(sys.argv[1]).parent
(here / "seen").write_text(json.dumps({
    "config": config, "cwd": os.getcwd(), "sid": os.getsid(0), "pid": os.getpid(),
    "env": os.environ.get("OF_THE_TEST"), "modes": modes,
}))
if "deaf" in modes:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if "silent" in modes:
            threading.Event().wait()
        name = "somebody else" if "other" in modes else config["Name"]
        body = json.dumps({"Version": "1.0", "Name": name}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", config["HttpPort"]), Handler).serve_forever()
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "server"
    path.write_text(f"#!{sys.executable}{SERVER}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    path = tmp_path / "work dir"
    path.mkdir()
    return path


STARTS = 3.0  # seconds: the script has to be running in it


@pytest.fixture
def starts_in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(managed, "TIMING", replace(managed.TIMING, starts=STARTS))


@pytest.fixture
def stops_in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(managed, "TIMING", replace(managed.TIMING, stops=0.3))


def seen(server: Managed) -> dict[str, object]:
    assert server._folder is not None
    found: dict[str, object] = json.loads((server._folder / "seen").read_text())
    return found


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and was not fetched yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def awaits(pid: int) -> None:
    """Until the process has ended."""
    until(lambda: not is_alive(pid), SLACK)


def checks(server: Managed) -> None:
    deadline = time.monotonic() + SLACK
    while time.monotonic() < deadline:
        server.check()


# --- starting ----------------------------------------------------------------------------------


def test_a_template_is_filled_in_and_split_as_by_a_shell(script: Path, workdir: Path) -> None:
    template = f"'{script}' {{config}} \"two words\" --in={{workdir}}"
    with servers.orthanc(template, {"ConcurrentJobs": 3}, workdir) as server:
        found = seen(server)
        folder = server._folder
        assert folder is not None
        assert folder.parent == workdir
        assert found["modes"] == ["two words", f"--in={folder}"]
        config = found["config"]
        assert isinstance(config, dict)
        assert config["ConcurrentJobs"] == 3
        assert config["JobsHistorySize"] == 10
        assert config["StorageDirectory"] == config["IndexDirectory"] == f"{folder}/database"
        assert config["HttpPort"] == server.port != config["DicomPort"]
        assert config["TemporaryDirectory"] == f"{folder}/temporary"
        assert (folder / "database").is_dir()
        assert (folder / "temporary").is_dir()
    assert list(workdir.iterdir()) == []


def test_the_environment_is_passed_on(
    script: Path, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_TEST", "ä")
    with servers.orthanc(f"'{script}' {{config}}", workdir=workdir) as server:
        assert seen(server)["env"] == "ä"
        assert server.log() == "started ä"


def test_a_command_is_found_from_where_the_kit_was_started(
    script: Path, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(script.parent)
    with servers.orthanc("./server {config}", workdir=workdir) as server:
        assert seen(server)["cwd"] == str(script.parent)


def test_a_ctrl_c_in_the_terminal_is_not_for_the_server(script: Path, workdir: Path) -> None:
    with servers.orthanc(f"'{script}' {{config}}", workdir=workdir) as server:
        found = seen(server)
        assert found["sid"] == found["pid"] != os.getsid(0)


def test_the_reference_server(workdir: Path) -> None:
    with servers.reference({"JobsHistorySize": 4}, workdir) as server:
        client = Client(server.address)
        declared = client.get("/system").json()["JobsConformance"]
        assert (declared["ConcurrentJobs"], declared["JobsHistorySize"]) == (2, 4)
        client.close()
    assert list(workdir.iterdir()) == []


# --- what cannot be started --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "part"),
    [
        ("Orthanc", "{config}"),
        ("", "{config}"),
        ("Orthanc {configuration}", "{config}"),
        ("Orthanc '{config}", "split"),
        ("no-such-program {config}", "cannot start 'no-such-program'"),
        ("/ {config}", "cannot start '/'"),
    ],
)
def test_a_command_that_cannot_be_run(template: str, part: str, workdir: Path) -> None:
    with pytest.raises(BadArgument) as error, servers.orthanc(template, workdir=workdir):
        pytest.fail("it has started")
    assert part in str(error.value)
    assert len(str(error.value).splitlines()) <= 2
    assert list(workdir.iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    with (
        pytest.raises(BadArgument, match="--workdir") as error,
        servers.reference(workdir=tmp_path / "none"),
    ):
        pytest.fail("it has started")
    assert len(str(error.value).splitlines()) == 2


def test_a_server_that_ends_at_once_shows_its_log(workdir: Path) -> None:
    template = "sh -c 'seq 10000; printf \"\\033[31mno \\377such plugin\\n\" >&2; exit 3' {config}"
    began = time.monotonic()
    with pytest.raises(NoServer) as error, servers.orthanc(template, workdir=workdir):
        pytest.fail("it has started")
    assert time.monotonic() - began < SLACK
    text = str(error.value)
    assert text.splitlines()[0] == "the server ended by itself with status 3 while it started."
    assert "such plugin" in text.splitlines()[-1]
    assert text.replace("\n", "").isprintable()
    assert len(text) < managed.LOG_END + 200
    assert list(workdir.iterdir()) == []


@pytest.mark.parametrize("mode", ["silent", "other"])
@pytest.mark.usefixtures("starts_in_haste")
def test_a_server_that_does_not_answer_in_time(script: Path, workdir: Path, mode: str) -> None:
    began = time.monotonic()
    template = f"'{script}' {{config}} {mode}"
    with pytest.raises(NoServer) as error, servers.orthanc(template, workdir=workdir):
        pytest.fail("it has started")
    assert time.monotonic() - began < 2 * STARTS + SLACK
    first, *log = str(error.value).splitlines()
    assert first.startswith("the server did not answer within 3 s: ")
    assert log == ["The end of its log:", "started None"]
    assert list(workdir.iterdir()) == []


# --- ending ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("stops_in_haste")
@pytest.mark.parametrize("end", ["exit", "stop", "kill", "renew", "reap"])
def test_a_server_that_ignores_sigterm_is_killed(script: Path, workdir: Path, end: str) -> None:
    with servers.orthanc(f"'{script}' {{config}} deaf", workdir=workdir) as server:
        pid = int(str(seen(server)["pid"]))
        if end == "reap":
            server.dismiss()
            assert is_alive(pid)
            server.reap(0.05)
        elif end != "exit":
            getattr(server, end)()
        if end != "exit":
            awaits(pid)
    awaits(pid)
    assert list(workdir.iterdir()) == []


def test_a_server_behind_a_shell_ends_with_it(script: Path, workdir: Path) -> None:
    """The shell ends at once; the server, which is not its last command, takes its time."""
    template = f'sh -c \'"$0" "$1" deaf & trap "exit 0" TERM; wait\' \'{script}\' {{config}}'
    with servers.orthanc(template, workdir=workdir) as server:
        pid = int(str(seen(server)["pid"]))
        began = time.monotonic()
        server.dismiss()
        server.reap(0.3)
        assert time.monotonic() - began > 0.25  # it was given its time
        awaits(pid)


def test_dismiss_does_not_wait_and_reap_is_quick(script: Path, workdir: Path) -> None:
    server = servers.orthanc(f"'{script}' {{config}}", workdir=workdir)
    with server:
        pid = int(str(seen(server)["pid"]))
        server.dismiss()
        server.reap(SLACK)
        assert not is_alive(pid)
        server.dismiss()  # once more is no harm
        server.stop()
        server.kill()
    assert list(workdir.iterdir()) == []


def test_nothing_stays_open_of_servers_that_have_ended(script: Path, workdir: Path) -> None:
    files = len(os.listdir("/proc/self/fd"))
    with servers.orthanc(f"'{script}' {{config}}", workdir=workdir) as server:
        server.renew()
        server.stop()
        server.start()
    assert len(os.listdir("/proc/self/fd")) <= files


def test_renew_is_another_server_without_a_database(script: Path, workdir: Path) -> None:
    with servers.orthanc(f"'{script}' {{config}}", workdir=workdir) as server:
        assert server._folder is not None
        old, kept = seen(server), server._folder / "database" / "index"
        kept.write_text("")
        server.stop()
        server.start()
        assert kept.exists()
        server.renew()
        assert not kept.exists()
        assert seen(server)["pid"] != old["pid"]


def test_a_server_that_ends_by_itself_is_noticed(script: Path, workdir: Path) -> None:
    with servers.orthanc(f"'{script}' {{config}}", workdir=workdir) as server:
        server.check()
        os.kill(int(str(seen(server)["pid"])), signal.SIGABRT)
        with pytest.raises(ServerDied) as died:
            checks(server)
        assert died.value.status == -signal.SIGABRT
        assert died.value.log == "started None"


def test_a_server_that_has_broken_a_connection_is_given_time_to_end(
    script: Path, workdir: Path
) -> None:
    with servers.orthanc(f"'{script}' {{config}}", workdir=workdir) as server:
        pid = int(str(seen(server)["pid"]))
        server.check(0.01)
        end = threading.Timer(0.1, os.kill, (pid, signal.SIGABRT))
        end.start()
        server.check()
        with pytest.raises(ServerDied):
            server.check(SLACK)
        end.join()


def test_a_server_that_somebody_ends_has_not_ended_by_itself(script: Path, workdir: Path) -> None:
    with servers.orthanc(f"'{script}' {{config}}", workdir=workdir) as server:
        os.kill(int(str(seen(server)["pid"])), signal.SIGKILL)
        with pytest.raises(ServerStopped, match="somebody has ended the server: it got SIGKILL"):
            checks(server)
