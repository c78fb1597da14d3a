"""The examples of docs/python.md and docs/reference-server.md are run."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest
import requests

from orthanc_jobs import ReferenceServer, reference_server
from tests.rooms import ROOT


def server_reads(server: ReferenceServer, job: str) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{server.url}/jobs/{job}", timeout=30).json()
    return found


def wait_for(url: str, job: str) -> str:
    """A client that blocks."""
    while (
        state := str(requests.get(f"{url}/jobs/{job}", timeout=30).json()["State"])
    ) == "Running":
        pass
    return state


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.mark.long
@pytest.mark.parametrize(("page", "many"), [("docs/python.md", 6), ("docs/reference-server.md", 1)])
def test_the_examples_do_what_is_said(
    page: str, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    examples = blocks(page, "python")
    assert len(examples) == many
    names: dict[str, Any] = {"server_reads": server_reads, "wait_for": wait_for}
    for example in examples:
        exec(compile(example, page, "exec"), names)
    for test in (found for name, found in names.items() if name.startswith("test_")):
        with reference_server() as server:
            test(server)


def test_who_follows_the_lines_for_a_shell_reads_what_they_say() -> None:
    (lines,) = blocks("docs/reference-server.md", "sh")
    with reference_server() as server:
        here = lines.replace("localhost:8042", f"127.0.0.1:{server.port}")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", here], capture_output=True, text=True, timeout=30
        )
    assert (done.returncode, done.stderr) == (0, "")
    said = re.findall(r'# (?:now )?("\w+" : \S+)$', lines, re.MULTILINE)
    read = re.findall(r'"(?:State|Progress)" : [^,]+', done.stdout)
    assert read == ['"Progress" : 0', said[0], '"Progress" : 50', said[2]]
    assert said[1] == '"Progress" : 50'
