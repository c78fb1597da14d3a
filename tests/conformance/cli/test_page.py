"""The page of `serve`, as a browser shows it, and the document of its calls."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.cli.page import page
from conformance.reference.config import read_config
from conformance.reference.control.controls import Controls
from conformance.reference.database import Database
from conformance.reference.double import ReferenceServer
from conformance.reference.parts import Parts
from conformance.reference.server import Setting
from spec.table import ACTIONS, EDGES, Cell, State, cell
from tests.conformance.pages import browser
from tests.conformance.reference.harness import DEADLINE
from tests.conformance.reference.test_reference_control import Caller
from tests.waiting import until


@pytest.fixture
def server() -> Iterator[ReferenceServer]:
    controls = Controls()
    setting = Setting("127.0.0.1", read_config({}), Parts(), Database(), controls, page=page())
    started = ReferenceServer(setting, controls)
    started.start()
    yield started
    started.end(killed=True)


def looked(server: ReferenceServer, folder: Path, *options: str) -> str:
    """What the browser has made of the page, a moment after it was opened."""
    words = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}"]
    words += ["--virtual-time-budget=2000", *options, "--dump-dom", f"{server.url}/"]
    done = subprocess.run([browser(), *words], capture_output=True, text=True, timeout=4 * DEADLINE)
    return done.stdout


def test_it_needs_nothing_else() -> None:
    text = page()
    assert not re.search(r"""(src|href)=["'](?!data:)|@import|url\((?!#)""", text)
    assert "/*TABLE*/" not in text


def test_it_has_the_table() -> None:
    (table,) = re.findall(r"const TABLE = (.*);\n", page())
    read = json.loads(table)
    assert len(read["edges"]) == len(EDGES)
    for state in State:
        for action in ACTIONS:
            assert (action in read["may"][state]) == (cell(state, action) is not Cell.REFUSE)


@pytest.mark.long
def test_each_job_has_the_buttons_that_its_state_allows(
    server: ReferenceServer, tmp_path: Path
) -> None:
    client = Caller(server.port)
    paused, failed, running = (server.control.job(steps=2) for _ in range(3))
    for job, word in ((paused, "pause"), (failed, "cancel")):
        server.control.wait(job)
        client.do(f"/jobs/{job}/{word}")
        server.control.succeed(job)
        until(lambda job=job: client.job(job)["State"] != "Running", DEADLINE)  # type: ignore[misc]
    server.control.wait(running)
    shown = looked(server, tmp_path)
    cards = re.findall(r'<li class="job.*?</li>', shown, re.DOTALL)
    assert len(cards) == 3
    for job, state in ((paused, "Paused"), (failed, "Failure"), (running, "Running")):
        (card,) = (each for each in cards if job in each)
        assert f">{state}</span>" in card
        for action in ACTIONS:
            (button,) = re.findall(rf"<button[^>]*>{action}</button>", card)
            assert ("disabled" in button) == (cell(state, action) is Cell.REFUSE)
    (marked,) = re.findall(r'<rect[^>]*class="node on"[^>]*>', shown)
    assert 'data-state="Running"' in marked  # of the newest job
    assert re.search(r'<section id="control"(?![^>]*hidden)', shown)


@pytest.mark.long
def test_text_of_a_job_is_text(server: ReferenceServer, tmp_path: Path) -> None:
    server.control.job(type="<img src=x onerror=document.title='bad'>", held=False)
    shown = looked(server, tmp_path)
    assert "<title>Reference server: jobs</title>" in shown
    assert "&lt;img src=x" in shown


def test_the_document_of_its_calls(server: ReferenceServer) -> None:
    """Each path that it names is there, and answers the methods that it names."""
    client = Caller(server.port)
    described = json.loads(client.call("GET", "/openapi.json")[1])
    assert described["openapi"].startswith("3.")
    assert {"get", "delete"} <= set(described["paths"]["/jobs/{id}"])
    assert "/_control/jobs/{id}/succeed" in described["paths"]
    for path, methods in described["paths"].items():
        if "{" in path or path.startswith("/_control/restart"):
            continue
        for method in methods:
            status, _ = client.call(method.upper(), path, {} if method == "post" else None)
            assert status in map(int, methods[method]["responses"]), (method, path)
            assert status != 405
