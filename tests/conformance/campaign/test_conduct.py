"""On somebody's server: nothing foreign is touched, and nothing of ours is left."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from conformance.driver.places import HISTORY_FULL
from conformance.peer.gate import Gate
from conformance.suites import SUITES
from conformance.suites.needs import EXCLUSIVE, MANAGED, REMOVAL, RETRY, TRANSFERS
from conformance.sut.managed import Managed
from conformance.sut.profile import NOT_THIS_VERSION
from tests.conformance.kit import command
from tests.conformance.somebody import (
    HISTORY,
    WITHIN,
    check,
    interrupted,
    seen,
    somebodys,
    wait_for_ends,
)

pytestmark = pytest.mark.apart


def test_polite_by_default(orthanc: Managed, tmp_path: Path) -> None:
    with somebodys(orthanc, 3) as client:
        before = seen(client)
        run = command(tmp_path, "run", orthanc.address.url)
        assert run.status == 0, run.out + run.err
        check(client, before, run)
        assert run.report["verdict"] == "conforms"
        reasons = {c["reason"] for c in run.cases("skipped").values()}
        assert reasons == {
            *(needed.why for needed in (EXCLUSIVE, REMOVAL, MANAGED, RETRY, TRANSFERS)),
            NOT_THIS_VERSION,
        }
        assert run.report["coverage"]["cells"]["covered"] == 16
        assert run.report["coverage"]["edges"]["covered"] == 5


def test_one_worker_at_most_is_held(orthanc: Managed, tmp_path: Path) -> None:
    """With one of two workers held by somebody else, all that is polite still runs."""
    with somebodys(orthanc, 1) as client, Gate() as theirs:
        client.put("/peers/held", {"Url": theirs.url(1)})
        ids = client.get("/instances").json()
        client.post("/peers/held/store", {"Resources": ids, "Asynchronous": True})
        assert theirs.wait(10)
        run = command(tmp_path, "run", orthanc.address.url)
        assert run.status == 0, run.out + run.err
        states = [job["State"] for job in client.get("/jobs?expand").json()]
        assert states.count("Running") == 1


@pytest.mark.parametrize("jobs", [HISTORY, HISTORY - 1])
def test_no_foreign_job_is_driven_out_of_the_history(
    orthanc: Managed, tmp_path: Path, jobs: int
) -> None:
    with somebodys(orthanc, jobs) as client:
        before = seen(client)
        assert len(before[1]) == jobs
        run = command(tmp_path, "run", orthanc.address.url)
        check(client, before, run)
        assert run.status == 2, "what was not covered is missing"
        assert HISTORY_FULL in {c["reason"] for c in run.cases("skipped").values()}
        last = run.out.splitlines()[-1]
        assert last.startswith("unknown ")
        assert "requirements (polite; " in last
        if jobs == HISTORY:
            assert f"history full: {HISTORY} of {HISTORY} completed jobs are foreign" in last
            assert last.endswith("--history-size")
        assert run.cases("deviation", "unknown") == {}


def test_exclusive_runs_all_suites(orthanc: Managed, tmp_path: Path) -> None:
    """Of those that have many cases, some: managed servers see them all."""
    some = {
        "complete": "complete/two-jobs",
        "concurrent": "concurrent/paused",
        "route": "route/modify/study",
    }
    suites = set(SUITES) - {"persist"}  # that one needs a server of our own
    chosen = [word for suite in suites for word in ("--case", some.get(suite, f"{suite}/"))]
    with somebodys(orthanc, 2) as client:
        pages, _ = seen(client)
        arguments = ("--exclusive", "--history-size", str(HISTORY), "--examples", "20")
        arguments += tuple(chosen)
        run = command(tmp_path, "run", orthanc.address.url, *arguments)
        assert run.status == 0, run.out + run.err
        assert seen(client)[0] == pages
        assert {i.split("/")[0] for i in run.cases("pass", "accepted")} == suites
        assert run.report["coverage"]["cells"]["covered"] == 20


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after", ["Started", "action/pause/paused", "action/cancel/failure"])
def test_an_interrupt_leaves_nothing_behind(
    orthanc: Managed, tmp_path: Path, number: int, after: str
) -> None:
    with somebodys(orthanc, 2) as client:
        before = seen(client)
        run, took = interrupted(tmp_path, orthanc.address.url, number, after)
        assert run.status == 2
        assert took < WITHIN
        assert run.report["interrupted"] is True
        assert "interrupted" in run.out.splitlines()[-1]
        check(client, before, run)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after", ["race/pause/step-fails", "schedule/ties", '"Progress"'])
def test_an_interrupt_of_an_exclusive_run(
    orthanc: Managed, tmp_path: Path, number: int, after: str
) -> None:
    with somebodys(orthanc, 0) as client:
        pages, _ = seen(client)
        more = ["--exclusive", *(["--suite", "search"] if "Progress" in after else [])]
        run, took = interrupted(tmp_path, orthanc.address.url, number, after, *more)
        assert (run.status, took < WITHIN) == (2, True)
        assert run.report["interrupted"] is True
        wait_for_ends(client)
        assert seen(client)[0] == pages


def test_an_interrupt_ends_the_server_that_the_kit_has_started(
    installed_orthanc: None, tmp_path: Path
) -> None:
    folder = tmp_path / "servers"
    folder.mkdir()
    run, took = interrupted(
        tmp_path, "orthanc", signal.SIGTERM, "action/pause/failure", "--workdir", str(folder)
    )
    assert (run.status, took < WITHIN) == (2, True)
    assert os.listdir(folder) == []
    assert run.report["cleanup"]["left"] == []
    assert json.loads((tmp_path / "events.ndjson").read_text().splitlines()[-1])["interrupted"]
