"""The examples of docs/python.md are run."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests

from orthanc_jobs import ReferenceServer
from tests.rooms import ROOT

PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")


def server_reads(server: ReferenceServer, job: str) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{server.url}/jobs/{job}", timeout=30).json()
    return found


@pytest.mark.long
def test_the_examples_do_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 5
    names: dict[str, Any] = {"server_reads": server_reads}
    for block in blocks:
        exec(compile(block, "docs/python.md", "exec"), names)
