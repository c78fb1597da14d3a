"""The command, in all that can go wrong: status 2, one message, nothing left, no password shown."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from conformance.cli import main as cli
from conformance.sut import managed, servers
from conformance.sut.managed import Managed
from conformance.text import HIDDEN
from tests.conformance.misbehaving import (
    Answer,
    Dripping,
    Proxy,
    Request,
    Scripted,
    hang,
    http_answer,
    json_answer,
    raw,
    reset,
)

SECRET = "s3cr3t/ä:@"
IN_URL = "s3cr3t%2F%C3%A4%3A%40"
CASE = "action/pause/running"
SLACK = 5.0  # seconds that a loaded machine may take
SYSTEM = {"Version": "1.12.7", "ApiVersion": 27, "DicomAet": "ORTHANC", "Name": "x"}


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str
    seconds: float

    def is_a_message(self, *parts: str, lines: int = 2) -> None:
        """Status 2, with one message of the kit that has all parts."""
        assert self.status == 2, self
        assert self.err.startswith("orthanc-jobs: "), self
        assert self.err.count("orthanc-jobs: ") == 1, self
        assert len(self.err.splitlines()) <= lines, self
        assert "Traceback" not in self.out + self.err
        for part in parts:
            assert part in self.err, self


Kit = Callable[..., Outcome]


@pytest.fixture
def kit(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Kit]:
    """Runs the command in this process, in a folder of its own."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["orthanc-jobs", *map(str, arguments)])
        capfd.readouterr()
        began = time.monotonic()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        for text in (out, err):
            assert "s3cr3t" not in text
        assert isinstance(ended.value.code, int)
        return Outcome(ended.value.code, out, err, time.monotonic() - began)

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)
    for file in tmp_path.rglob("*"):
        if file.is_file() and file.suffix != ".pem":
            assert b"s3cr3t" not in file.read_bytes()


@pytest.fixture(scope="module")
def reference() -> Iterator[Managed]:
    with servers.reference({"JobsHistorySize": 10_000}) as server:
        yield server


@pytest.fixture
def proxy(reference: Managed) -> Iterator[Scripted]:
    """In front of the reference server; ``rule_of(proxy)`` says when it misbehaves."""
    with Scripted(Proxy(reference.port)) as server:
        yield server


def behave(proxy: Scripted, rule: Callable[[Request], Answer | None]) -> None:
    assert isinstance(proxy.answer, Proxy)
    proxy.answer.rule = rule


def report(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return found


# --- arguments ---------------------------------------------------------------------------------

BAD_ARGUMENTS = [
    (["run", "orthank"], "'reference', 'orthanc', or a URL"),
    (["run", "localhost:8042"], "a URL such as http://localhost:8042"),
    (["run", "http://h:99999"], "port"),
    (["run", "http://h:0"], "port"),
    (["run", f"http://u:pa/{SECRET}@h"], "%2F"),
    (["run", f"http://u:{SECRET}@[h"], "URL"),
    (["run", f"http://u:{IN_URL}@h", f"http://u:{IN_URL}@h"], "unexpected extra"),
    (["run", f"http://u:{IN_URL}@h", "--user", "v"], "--user"),
    (["run", "http://h", "--password-env", "NOT_SET"], "NOT_SET is not set"),
    (["run", "http://h", "--password-env", SECRET], "a name, not the password"),
    (["run", "http://h", "--password-env", "OF_THE_TEST"], "--user"),
    (["run", "http://h", "--header-env", "X-Key:NOT_SET"], "NOT_SET is not set"),
    (["run", "http://h", "--header-env", f"X-Key:{SECRET}"], "a name, not the value"),
    (["run", "http://h", "--header-env", "NOT_SET"], "KEY:VAR"),
    (["run", "reference", "--header-env", "X-Key:OF_THE_TEST"], "--header-env"),
    (["run", "http://h", "--header", "no colon"], "KEY:VALUE"),
    (["run", "http://h", "--header", ": x"], "KEY:VALUE"),
    (["run", "http://h", "--header", "X y: z"], "--header"),
    (["run", "http://h", "--header", f"X: {SECRET}\u20ac"], "--header X"),
    (["run", "http://h", "--header", "Content-Length: 0"], "Content-Length"),
    (["run", "http://h", "--ca-cert", "none.pem"], "none.pem"),
    (["run", "http://h", "--ca-cert", __file__], "--ca-cert"),
    (["run", "http://h", "--client-cert", __file__], "--client-cert"),
    (["run", "http://192.0.2.1"], "--gate-address"),
    (["run", "http://pacs.invalid"], "no server answers at http://pacs.invalid: "),
    (["watch", "localhost:1"], "the target must be a URL such as http"),
    (["clean", "reference"], "the target must be a URL such as http"),
    (["run", "http://127.0.0.1:1", "--gate-address", "http://h:80"], "--gate-address"),
    (["run", "--timeout", "-1"], "--timeout"),
    (["run", "--timeout", "nan"], "--timeout"),
    (["run", "--timeout", "inf"], "--timeout"),
    (["run", "--deadline", "0"], "--deadline"),
    (["run", "--deadline", "inf"], "--deadline"),
    (["run", "--seed", "-1"], "--seed"),
    (["run", "--examples", "0"], "--examples"),
    (["run", "http://h", "--history-size", "-1"], "--history-size"),
    (["run", "--history-size", "3"], "--history-size"),
    (["run", "--user", "u"], "--user"),
    (["run", "orthanc", "--insecure"], "--insecure"),
    (["run", "--server-command", "Orthanc {config}"], "--server-command"),
    (["run", "http://h", "--workdir", "."], "--workdir"),
    (["run", "--workdir", "none"], "--workdir"),
    (["run", "http://h", "--fault", "x"], "--fault"),
    (["run", "--fault", "none"], "--list-faults"),
    (["run", "--suite", "none"], "unknown suite 'none'"),
    (["run", "--case", "none/"], "no case begins with 'none/': see 'orthanc-jobs list --cases'"),
    (["run", "--case", "action/puase"], "did you mean action/pause"),
    (["run", "--case", "rcae/"], "did you mean race"),
    (["run", "--exclude", "none/"], "no case begins with 'none/'"),
    (["run", "--suite", "action", "--exclude", "action/"], "nothing is selected"),
    (["run", "--json", "none/report.json"], "cannot write the report none/report.json"),
    (["run", "--events", "."], "cannot write the report"),
    (["run", "--ledger", "none"], "cannot read the ledger none"),
    (["run", "--ledger", "."], "cannot read the ledger"),
    (["run", "--ledger", __file__], "not JSON"),
    (["run", "--ledger", "x", "--no-ledger"], "exclude each other"),
    (["replay"], "FILE"),
    (["replay", "none"], "cannot read the replay file none"),
    (["replay", __file__], "not JSON"),
    (["run", "--none"], "--none"),
    (["none"], "none"),
    (["serve", "--port", "65536"], "--port"),
    (["serve", "--config", "none"], "none"),
    (["diagram", "--directory", "/proc/none"], "/proc/none"),
    (["diagram", "--coverage", "none"], "none"),
]


@pytest.mark.parametrize(("arguments", "part"), BAD_ARGUMENTS, ids=lambda x: str(x)[:60])
def test_bad_arguments(
    arguments: list[str], part: str, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_TEST", SECRET)
    monkeypatch.delenv("NOT_SET", raising=False)
    kit(*arguments).is_a_message(part)


@pytest.mark.parametrize(
    ("template", "parts", "lines"),
    [
        ("Orthanc", ["--server-command", "{config}"], 2),
        ("no-such-program {config}", ["cannot start 'no-such-program'", "--server-command"], 2),
        ("sh -c 'echo out of luck; exit 7' {config}", ["status 7", "out of luck"], 3),
        ("sh -c 'echo waits; exec sleep 60' {config}", ["did not answer within 0.3 s", "waits"], 3),
    ],
)
def test_a_server_command_that_does_not_come_to_anything(
    template: str, parts: list[str], lines: int, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(managed, "TIMING", replace(managed.TIMING, starts=0.3))
    done = kit("run", "orthanc", "--server-command", template, "--json", "report.json")
    done.is_a_message(*parts, lines=lines)
    assert done.seconds < SLACK


def test_no_arguments_show_the_help(kit: Kit) -> None:
    done = kit()
    assert (done.status, done.err) == (2, "")
    assert "Usage" in done.out
    assert kit("--help").status == 0


def test_who_reads_the_output_may_go() -> None:
    words = [sys.executable, "-m", "conformance.cli", "list"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(SLACK) in (0, 2)


def test_a_report_that_cannot_be_finished(kit: Kit) -> None:
    done = kit("run", "--case", CASE, "--json", "/dev/full", "--events", "events")
    done.is_a_message("cannot write a report: No space left on device")
    assert json.loads(Path("events").read_text().splitlines()[-1])["event"] == "Ended"
    assert done.out.rstrip().splitlines()[-1].startswith("conforms ")


# --- who is there ------------------------------------------------------------------------------

STRANGERS: dict[str, tuple[Answer, str]] = {
    "HTML": (http_answer(200, b"<html></html>"), "not an Orthanc server"),
    "other JSON": (json_answer({"status": "up"}), "not an Orthanc server"),
    "empty": (http_answer(200), "not an Orthanc server"),
    "an error": (http_answer(500, b"x" * 5000), "not an Orthanc server"),
    "wrong password": (http_answer(401), "--password-env"),
    "forbidden": (http_answer(403), "--password-env"),
    "redirect": (http_answer(302, b"", "Location: http://other/"), "http://other/"),
    "no HTTP": (raw(b"220 mail ESMTP\r\n"), "does not speak HTTP"),
    "reset": (reset, "does not speak HTTP"),
    "silence": (hang, "not answered within 0.2 s"),
    "header drip": (Dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), "not answered within 0.2 s"),
    "body drip": (
        Dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"),
        "not answered within 0.2 s",
    ),
}


@pytest.mark.parametrize(("answer", "part"), STRANGERS.values(), ids=STRANGERS)
@pytest.mark.parametrize("by", ["url", "environment"])
def test_strangers(
    answer: Answer, part: str, by: str, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_TEST", SECRET)
    with Scripted(answer) as server:
        url = server.url.replace("//", f"//us:{IN_URL}@") if by == "url" else server.url
        access = [] if by == "url" else ["--user", "us", "--password-env", "OF_THE_TEST"]
        patience = "0.2" if "0.2" in part else "10"
        done = kit("run", url, *access, "--timeout", patience, "--json", "report.json")
    done.is_a_message(part, server.url.split("//")[1])
    assert done.seconds < SLACK
    assert not server.lines("P")


def test_nobody(kit: Kit) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        kit("run", url).is_a_message(f"no server answers at {url}: connection refused")


def test_tls_on_a_plain_port(kit: Kit) -> None:
    with Scripted(json_answer(SYSTEM)) as server:
        kit("run", server.url.replace("http", "https")).is_a_message("http://")


@pytest.mark.parametrize("found", [{"jobs": []}, None, "x", 7])
def test_a_server_without_a_jobs_engine(found: Any, kit: Kit) -> None:
    def answer(request: Request, wire: socket.socket) -> bool:
        return json_answer(SYSTEM if request.path == "/system" else found)(request, wire)

    with Scripted(answer) as server:
        kit("run", server.url).is_a_message("no jobs engine", "GET /jobs")


# --- what is refused at the set-up ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("PUT /peers/", http_answer(403)),
        ("PUT /peers/", http_answer(500, b"a\nb")),
        ("POST /tools/create-dicom", http_answer(403)),
        ("POST /tools/create-dicom", http_answer(507, b"{}")),
        ("POST /tools/create-dicom", json_answer([])),
        ("POST /tools/create-dicom", json_answer({"ID": 7})),
    ],
)
def test_what_is_needed_is_refused(proxy: Scripted, kit: Kit, path: str, answer: Answer) -> None:
    behave(proxy, lambda request: answer if request.line.startswith(path) else None)
    kit("run", proxy.url, "--case", CASE).is_a_message(path.split("/")[0].strip(), "gave HTTP")
    assert not [line for line in proxy.lines("POST") if line.endswith("/store")]


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1"])
def test_a_gate_that_cannot_be_reached(reference: Managed, kit: Kit, host: str) -> None:
    done = kit("run", reference.address.url, "--case", CASE, "--gate-address", host)
    done.is_a_message(f"cannot reach the gate at {host}", "--gate-address")


def test_a_gate_that_swallows_connections(proxy: Scripted, kit: Kit) -> None:
    """The job hangs until the server gives up, which may be long after the kit has."""
    with Scripted(hang) as swallows:

        def elsewhere(request: Request, wire: socket.socket) -> bool:
            body = json.dumps({"Url": f"{swallows.url}/x/"}).encode()
            assert isinstance(proxy.answer, Proxy)
            moved = Request(request.method, request.path, {}, body, 0)
            return proxy.answer.forward(moved, wire)

        behave(proxy, lambda request: elsewhere if request.method == "PUT" else None)
        done = kit("run", proxy.url, "--case", CASE, "--deadline", "0.3")
    done.is_a_message("cannot reach the gate", "--gate-address")
    assert done.seconds < SLACK


# --- what breaks in the middle -------------------------------------------------------------------


class Breaks:
    """A rule: nothing happens until the case has begun; then it answers requests that match."""

    def __init__(self, answer: Answer, method: str = "", part: str = "", after: int = 0) -> None:
        self.answer, self.method, self.part, self.after = answer, method, part, after
        self.submitted = 0
        self.matched: list[str] = []

    def __call__(self, request: Request) -> Answer | None:
        self.submitted += request.path.endswith("/store")  # the first one is the probe's
        matches = request.method.startswith(self.method) and self.part in request.path
        if self.submitted < 2 + self.after or not matches:
            return None
        self.matched.append(request.line)
        return self.answer


@pytest.mark.parametrize("answer", [reset, raw(b""), raw(b"HTTP/1.1 200 OK\r\nContent-Le"), hang])
@pytest.mark.parametrize("method", ["", "POST", "GET"])
def test_a_server_that_goes_away(
    proxy: Scripted, kit: Kit, tmp_path: Path, answer: Answer, method: str
) -> None:
    behave(proxy, Breaks(answer, method, after=1))
    done = kit(
        "run", proxy.url, "--case", "action/pause", "--timeout", "0.5", "--json", "report.json",
        "--events", "events",
    )  # fmt: skip
    found = report(tmp_path)
    assert done.status == 2, done
    assert found["verdict"] == "unknown"
    verdicts = {case["verdict"] for case in found["cases"]}
    assert "unknown" in verdicts
    assert "deviation" not in verdicts
    assert all(case["reason"] for case in found["cases"] if case["verdict"] == "unknown")
    assert done.out.rstrip().splitlines()[-1].startswith("unknown ")
    assert "Traceback" not in done.out + done.err
    assert done.seconds < 2 * SLACK
    if method == "":
        assert {one["kind"] for one in found["cleanup"]["left"]} >= {"job", "peer", "patient"}


@pytest.mark.parametrize("action", ["store", "pause"])
def test_an_action_whose_answer_is_lost_is_not_repeated(
    proxy: Scripted, kit: Kit, tmp_path: Path, action: str
) -> None:
    """The request reaches the server, and its answer does not reach us."""

    def lost(request: Request, wire: socket.socket) -> bool:
        assert isinstance(proxy.answer, Proxy)
        proxy.answer.ask(request)
        return reset(request, wire)

    breaks = Breaks(lost, "POST", f"/{action}")
    behave(proxy, breaks)
    done = kit("run", proxy.url, "--case", CASE, "--json", "report.json")
    assert done.status == 2, done
    assert report(tmp_path)["cases"][0]["verdict"] == "unknown"
    assert len(breaks.matched) == 2  # the case is tried once more, with another job
    assert breaks.matched[0] != breaks.matched[1]
    assert report(tmp_path)["cleanup"]["left"] == []  # a job of which no id was seen, too


GARBAGE: dict[str, Answer] = {
    "no JSON": http_answer(200, b"<html>\x1b[31m</html>"),
    "zeros": http_answer(200, b"\0" * 1_000_000),
    "a list": json_answer([1, None, [], {"ID": []}]),
    "an object": json_answer({"ID": 7, "State": {}, "ErrorCode": "0"}),
    "500": http_answer(500, b"oh\nno"),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize(
    "where", ["GET /jobs/", "GET /jobs?expand", "GET /jobs", "POST /jobs/", "POST /peers/", "GET "]
)
def test_a_server_that_turns_garbage(
    proxy: Scripted, kit: Kit, tmp_path: Path, garbage: Answer, where: str
) -> None:
    """An answer that the documentation rules out is a deviation, or there is no verdict."""
    method, part = where.split(" ")
    behave(proxy, Breaks(garbage, method, part))
    done = kit("run", proxy.url, "--case", CASE, "--json", "report.json", "--deadline", "0.3")
    assert done.status in (1, 2), done
    assert report(tmp_path)["verdict"] in ("deviates", "unknown")
    assert "Traceback" not in done.out + done.err
    assert "\x1b" not in done.out + done.err
    assert done.seconds < 2 * SLACK


@pytest.mark.parametrize(
    "odd",
    [
        {"State": "Foo"},
        {"State": None},
        {"State": ["Running"]},
        {"State": "\ud800\x1b[31m"},
        {"ErrorCode": "0"},
        {"ErrorCode": 1e300},
        {"Progress": "0"},
        {"Progress": 10**400},
        {"Priority": True},
        {"ID": 7},
        {"Type": "\n"},
    ],
    ids=str,
)
def test_a_job_with_an_odd_field_is_a_deviation(
    proxy: Scripted, kit: Kit, tmp_path: Path, odd: dict[str, Any]
) -> None:
    """From the first job on, so in the probe as well."""

    def change(request: Request, found: Any) -> Any:
        return {**found, **odd} if request.line.startswith("GET /jobs/") else found

    assert isinstance(proxy.answer, Proxy)
    proxy.answer.change = change
    done = kit("run", proxy.url, "--case", CASE, "--json", "report.json")
    assert done.status == 1, done
    (case,) = report(tmp_path)["cases"]
    assert case["requirement"].startswith("monitor/")
    assert "Traceback" not in done.out + done.err
    assert "\x1b" not in done.out


def test_a_server_whose_first_answer_of_a_job_is_garbage(proxy: Scripted, kit: Kit) -> None:
    behave(proxy, lambda r: http_answer(200, b"?") if r.path.endswith("/store") else None)
    kit("run", proxy.url, "--case", CASE).is_a_message("does not take a first job", "HTTP 200 ?")


def test_a_server_that_goes_away_before_the_first_case(proxy: Scripted, kit: Kit) -> None:
    behave(proxy, lambda r: reset if r.path != "/system" and proxy.lines("PUT") else None)
    kit("run", proxy.url, "--case", CASE).is_a_message()


# --- secrets -----------------------------------------------------------------------------------


def test_a_password_is_in_no_report(
    reference: Managed, kit: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a server that lets everybody in; the fixture looks into the files and the output."""
    url = reference.address.url.replace("//", f"//us:{IN_URL}@")
    done = kit(
        "run", url, "--case", "action/", "--exclude", "action/cancel", "--json", "report.json",
        "--events", "events", "--header", f"X-Key: {SECRET.encode().decode('latin-1')}",
    )  # fmt: skip
    assert done.status == 0, done
    assert report(tmp_path)["target"]["name"] == reference.address.url
    assert reference.address.url in done.out


@pytest.mark.parametrize("field", ["State", "Type", "ErrorDescription", "ErrorCode", "ID"])
def test_a_server_that_tells_us_our_own_password_gets_it_nowhere(
    field: str, proxy: Scripted, kit: Kit, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not on the console, and by `kit` in no file: report, events and replays included."""

    def echo(request: Request, found: Any) -> Any:
        one = re.fullmatch(r"/jobs/[\w-]+", request.path) and request.method == "GET"
        token = request.headers["authorization"].removeprefix("Basic ")
        return {**found, field: f"{SECRET} {token}"} if one else found

    assert isinstance(proxy.answer, Proxy)
    proxy.answer.change = echo
    monkeypatch.setenv("OF_THE_TEST", SECRET)
    done = kit(
        "run", proxy.url, "--user", "us", "--password-env", "OF_THE_TEST", "--exclusive",
        "--case", CASE, "--json", "report.json", "--events", "events", "--junit", "junit.xml",
    )  # fmt: skip
    assert done.status == 1, done
    token = base64.b64encode(f"us:{SECRET}".encode()).decode()
    for path in (tmp_path / "report.json", *(tmp_path / "replays").iterdir()):
        assert token not in path.read_text()
    assert HIDDEN in done.out
    assert token not in done.out


# --- an interrupt -------------------------------------------------------------------------------


def test_a_signal_while_the_server_says_nothing(proxy: Scripted, kit: Kit, tmp_path: Path) -> None:
    stuck = threading.Event()

    def silent(request: Request, wire: socket.socket) -> bool:
        stuck.set()
        return hang(request, wire)

    behave(proxy, Breaks(silent, "POST", "/pause"))

    def press() -> None:
        assert stuck.wait(SLACK)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=press)
    thread.start()
    done = kit("run", proxy.url, "--case", CASE, "--json", "report.json", "--timeout", "60")
    thread.join()
    assert (done.status, report(tmp_path)["interrupted"]) == (2, True)
    assert report(tmp_path)["cleanup"]["left"] == []
    assert done.seconds < SLACK
