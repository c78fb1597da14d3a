"""The process: arguments, configuration, the stop, and what the package may import."""

from __future__ import annotations

import ast
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from conformance.reference.app import build_app, build_engine
from conformance.reference.config import Config, ConfigError, at_a_time, load_config, parse_config
from conformance.reference.database import Database
from conformance.reference.faults import FAULTS
from conformance.reference.peers import Peer
from conformance.reference.server import serve
from conformance.reference.storage import Storage
from conformance.reference.tasks.stores import PeerStore
from conformance.reference.told import Newcomer
from tests import forked
from tests.conformance.reference.harness import DEADLINE, ROOT, SERVER, Gate, running_server

SLACK = 5.0  # seconds that a loaded machine may take
PACKAGE = ROOT / "conformance" / "reference"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return forked.run(SERVER, arguments, ROOT, DEADLINE)


def test_nothing_imports_the_specification() -> None:
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file}: a relative import"
                modules = [node.module or ""]
            else:
                continue
            for module in modules:
                assert module.split(".")[0] != "spec", f"{file} imports {module}"
                if module.startswith("conformance"):
                    assert module.startswith("conformance.reference"), f"{file} imports {module}"


def test_configuration() -> None:
    config = parse_config(
        """{
          // Orthanc's files have comments, "quoted" ones too
          "Name" : "a // b", /* and
          these */ "ConcurrentJobs" : 0, "JobsHistorySize" : 7, "HttpTimeout" : 3600,
          "SaveJobs" : false, "NoSuchKey" : [1], "StorageDirectory" : "/tmp/x"
        }"""
    )
    assert (config.name, config.jobs_history_size, config.http_timeout) == ("a // b", 7, 3600)
    assert (config.concurrent_jobs, at_a_time(0), at_a_time(3)) == (0, os.cpu_count(), 3)
    assert not config.save_jobs
    assert config.index_directory == Path("/tmp/x")
    assert parse_config("{}") == Config()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"ConcurrentJobs": "two"}', "ConcurrentJobs"),
        ('{"ConcurrentJobs": true}', "ConcurrentJobs"),
        ('{"JobsHistorySize": -1}', "JobsHistorySize"),
        ('{"HttpTimeout": 1.5}', "HttpTimeout"),
        ('{"HttpPort": 65536}', "HttpPort"),
        ('{"Name": 5}', "Name"),
        ('{"SaveJobs": "yes"}', "SaveJobs"),
        ('{"AuthenticationEnabled": true}', "RegisteredUsers"),
        ('{"RegisteredUsers": ["a"]}', "RegisteredUsers"),
        ('{"RegisteredUsers": {"alice": 12345}}', "alice"),
        ("[]", "object"),
        ('{"Name": ', "JSON"),
    ],
)
def test_bad_configuration_names_the_key(text: str, named: str, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    message = str(caught.value)
    assert named in message
    assert "\n" not in message
    assert "12345" not in message


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "x"],
        ["--port", "65536"],
        ["--fault", "no-such-fault"],
        ["--config", "/no/such/file"],
        ["--host", "256.256.256.256"],
        ["--nonsense"],
    ],
)
def test_bad_arguments(arguments: list[str]) -> None:
    ended = run(*arguments)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1


def test_bad_configuration_ends_the_process(tmp_path: Path, gate: Gate) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"ConcurrentJobs": "two"}')
    ended = run("--config", str(file))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "ConcurrentJobs" in ended.stderr
    port = gate.url.rsplit(":", 1)[1]
    assert run("--port", port).returncode == 2  # taken


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_idle_stop(gate: Gate, tmp_path: Path, number: signal.Signals) -> None:
    with running_server(tmp_path, gate) as server:
        server.submit().steps_succeed(1).becomes("Success")
        began = time.monotonic()
        server.process.send_signal(number)
        assert server.process.wait(DEADLINE) == 0
        assert time.monotonic() - began < SLACK
        assert server.process.stdout is not None
        assert server.process.stdout.read() == ""


def test_stop_ends_the_step_in_flight_and_no_other(gate: Gate, tmp_path: Path) -> None:
    with running_server(tmp_path, gate, ConcurrentJobs=1) as server:
        job, waiting = server.submit(steps=2), server.submit()
        step = job.step()
        server.is_told_to_stop()
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.wait(0.4)
        step.answer()
        assert server.process.wait(DEADLINE) == 0
        assert gate.is_empty(job.slot)
        assert gate.is_empty(waiting.slot)


def test_fault_names_and_descriptions() -> None:
    assert len(FAULTS) >= 25
    for name, fault in FAULTS.items():
        assert name == fault.name
        assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", name), name
        assert re.fullmatch(r"[A-Z][^\n]*\.", fault.description), name
        assert len(fault.description) <= 100, name
    assert len({fault.description for fault in FAULTS.values()}) == len(FAULTS)
    listed = run("--list-faults")
    assert listed.returncode == 0
    assert [line.split(":")[0] for line in listed.stdout.splitlines()] == list(FAULTS)


@pytest.mark.parametrize("name", FAULTS)
def test_fault_can_be_planted(name: str) -> None:
    parts = FAULTS[name].parts
    storage = Storage()
    engine = build_engine(Config(), parts, storage, parts.store(Database()))
    build_app(Config(), parts, engine, storage)
    engine.restore()
    engine.start()
    job_ids = list[str | None]()
    engine.submit(Newcomer(PeerStore((), Peer("http://127.0.0.1:1/")), job_ids.append))
    (job_id,) = job_ids
    assert job_id is not None
    assert engine.knows(job_id)
    engine.stop()
    assert engine.join(DEADLINE)


def test_an_unknown_fault_is_told_with_where_they_are_listed() -> None:
    with pytest.raises(ConfigError, match=r"^unknown fault 'no-such-fault': .*--list-faults"):
        serve("127.0.0.1", 0, Config(), "no-such-fault")


def test_planted_fault_shows(gate: Gate, tmp_path: Path) -> None:
    with running_server(tmp_path, gate, "--fault", "cancel-leaves-error-code-0") as server:
        job = server.submit(steps=2)
        step = job.step()
        job.accepts("cancel")
        step.answer()
        assert job.becomes("Failure").read()["ErrorCode"] == 0
