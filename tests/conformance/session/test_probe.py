"""The first job on somebody's server: a proxy that fails once is no verdict on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.sut import servers
from conformance.sut.trouble import kind_of
from tests.conformance.kit import Run, command
from tests.conformance.misbehaving import Answer, Proxy, Request, Scripted, http_answer

pytestmark = pytest.mark.apart
WORDS = b"<html><h1>502 Bad Gateway</h1></html>"
STORE = ("POST", "/peers/*/store")


@pytest.mark.parametrize("mode", [(), ("--exclusive",)])
@pytest.mark.parametrize("call", [("PUT", "/peers/*"), ("POST", "/tools/create-dicom"), STORE])
def test_a_call_that_fails_once(
    tmp_path: Path, call: tuple[str, str], mode: tuple[str, ...]
) -> None:
    run = behind(tmp_path, call, 0, 1, *mode)
    assert run.status == 0, run.out + run.err


def test_one_of_the_jobs_by_which_workers_are_counted(tmp_path: Path) -> None:
    """The first job is made once; the second is the first of these."""
    run = behind(tmp_path, STORE, 1, 1, "--exclusive")
    assert run.status == 0, run.out + run.err


@pytest.mark.parametrize("mode", [(), ("--exclusive",)])
def test_a_call_that_always_fails(tmp_path: Path, mode: tuple[str, ...]) -> None:
    run = behind(tmp_path, STORE, 0, 1000, *mode)
    assert run.status == 2, run.out + run.err
    assert "HTTP 502" in run.err, run.out


def behind(folder: Path, call: tuple[str, str], first: int, times: int, *mode: str) -> Run:
    """A run through a proxy that fails at the ``first`` such call, so many ``times``."""
    calls = 0

    def rule(request: Request) -> Answer | None:
        nonlocal calls
        if kind_of(request.method, request.path, 502)[:2] != call:
            return None
        calls += 1
        return http_answer(502, WORDS) if first < calls <= first + times else None

    def unsaid(_: Request, found: object) -> object:
        """It does not say how many workers it has, as an Orthanc does not."""
        if isinstance(found, dict):
            found.pop("JobsConformance", None)
        return found

    with servers.reference() as server, Scripted(Proxy(server.port, rule, unsaid)) as proxy:
        words = ("--history-size", "10", "--case", "action/pause", *mode)
        return command(folder, "run", proxy.url, *words, report=False)
