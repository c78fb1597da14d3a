"""Runs on Orthancs that are configured as people have them: no false alarm is raised."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from conformance.sut import servers
from tests.conformance.kit import Run, command
from tests.conformance.misbehaving import Answer, Proxy, Request, Scripted, http_answer

pytestmark = pytest.mark.apart
KEPT = 1000
JSON = "Content-Type: application/json"
RELEASE = "1.12.7"  # it can delete what the kit has made


def on_orthanc(folder: Path, config: dict[str, Any], *words: str) -> Run:
    """A run on an Orthanc that is somebody's, of which nobody else makes use."""
    with servers.orthanc(config={"JobsHistorySize": KEPT, **config}) as server:
        words = ("--exclusive", "--history-size", str(KEPT), *words)
        return command(folder, "run", server.address.url, *words)


FAILS = ("submit/synchronous/fails", "submit/synchronous/running-canceled")
UNDESCRIBED = "the server does not describe its errors (HttpDescribeErrors)"


def test_errors_that_are_not_described(tmp_path: Path, installed_orthanc: None) -> None:
    """The status of HTTP is all that an Orthanc tells then."""
    cases = [word for case in FAILS for word in ("--case", case)]
    run = on_orthanc(tmp_path, {"HttpDescribeErrors": False}, *cases)
    assert run.cases("deviation", "unknown") == {}, run.out
    assert [one["reason"] for one in run.cases("skipped").values()] == [UNDESCRIBED] * 2


@pytest.mark.parametrize("case", [FAILS[0], "route/delete/unknown-job"])
@pytest.mark.parametrize(("kept", "verdict"), [("GET", "deviation"), ("", "skipped")])
def test_an_error_without_a_body(tmp_path: Path, case: str, kept: str, verdict: str) -> None:
    """It is a deviation where the server describes others: those of the method that is ``kept``."""

    def strip(request: Request, wire: socket.socket) -> bool:
        status, body = front.ask(request)
        bare = status >= 400 and request.method != kept
        return http_answer(status, b"" if bare else body, JSON)(request, wire)

    with servers.reference(release=RELEASE) as server:
        front = Proxy(server.port)
        with Scripted(strip) as proxy:
            run = command(tmp_path, "run", proxy.url, "--case", case, "--exclusive")
    assert list(run.cases(verdict)) == [case], run.out + run.err


def test_a_long_history_is_not_filled(tmp_path: Path) -> None:
    """Each list of a thousand jobs takes its time, and none would be left to remove them all."""
    most = 0

    def count(_: Request, found: object) -> object:
        nonlocal most
        most = max(most, len(found) if isinstance(found, list) else 0)
        return found

    with (
        servers.reference({"JobsHistorySize": KEPT}, release=RELEASE) as server,
        Scripted(Proxy(server.port, change=count)) as proxy,
    ):
        words = ("--exclusive", "--history-size", str(KEPT), "--suite", "action")
        run = command(tmp_path, "run", proxy.url, *words)
    assert run.cases("deviation", "unknown") == {}, run.out
    assert len(run.cases("pass")) > most


def test_a_proxy_of_the_server_that_keeps_its_jobs_from_us(
    tmp_path: Path, installed_orthanc: None
) -> None:
    with servers.orthanc(config={"HttpProxy": "127.0.0.1:1"}) as server:
        words = ("--exclusive", "--case", FAILS[0])
        run = command(tmp_path, "run", server.address.url, *words, report=False)
    assert run.status == 2
    assert "HttpProxy" in run.err, run.out + run.err


@pytest.mark.parametrize(("each", "verdict"), [(1, "skipped"), (3, "deviation")])
def test_what_the_user_may_not_do(tmp_path: Path, each: int, verdict: str) -> None:
    """It is left out where the user may never do it; one that may at times was refused wrongly."""
    asked = 0

    def rule(request: Request) -> Answer | None:
        nonlocal asked
        asked += request.path.endswith("/pause")
        forbidden = request.path.endswith("/pause") and asked % each == 0
        return http_answer(403) if forbidden else None

    with servers.reference(release=RELEASE) as server, Scripted(Proxy(server.port, rule)) as proxy:
        run = command(tmp_path, "run", proxy.url, "--case", "action/pause", "--exclusive")
    assert run.cases(verdict), run.out
    assert run.cases("deviation") == {} or each > 1
    if each == 1:
        reasons = {one["reason"] for one in run.cases("skipped").values()}
        assert "the server refuses its user POST /jobs/*/pause (HTTP 403)" in reasons


@pytest.mark.parametrize("kind", ["patients", "instances"])
def test_what_the_user_may_not_remove(tmp_path: Path, kind: str) -> None:
    """A run is not begun with where it could not remove what it stores: whole patients."""

    def rule(request: Request) -> Answer | None:
        removes = request.method == "DELETE" and request.path.startswith(f"/{kind}/")
        return http_answer(403) if removes else None

    with servers.reference(release=RELEASE) as server, Scripted(Proxy(server.port, rule)) as proxy:
        run = command(tmp_path, "run", proxy.url, "--case", "action/pause/paused")
    assert run.status == (2 if kind == "patients" else 0), run.out + run.err
    assert ("does not let its user remove it" in run.err) == (kind == "patients")


def test_a_modality_of_ours_is_retrieved_by_c_move_whatever_the_default(tmp_path: Path) -> None:
    """Not every release says in /system what its DicomDefaultRetrieveMethod is."""
    case = "route/retrieve/studies/asynchronous"
    with servers.reference(release=RELEASE) as server, Scripted(Proxy(server.port)) as proxy:
        run = command(tmp_path, "run", proxy.url, "--case", case, "--exclusive")
        told = [one.body for one in proxy.seen if one.line.startswith("PUT /modalities/")]
    assert list(run.cases("pass")) == [case], run.out + run.err
    assert [json.loads(body)["RetrieveMethod"] for body in told] == ["C-MOVE"] * len(told) != []
