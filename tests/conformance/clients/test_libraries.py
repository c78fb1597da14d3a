"""What docs/clients.md says of clients that others have written: each field of its table."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.clients.client import Command
from conformance.clients.playing import Patience
from conformance.clients.running import Wish, run
from conformance.reports.story import Story

DOCS = Path(__file__).parents[3] / "docs"
PROGRAMS = (  # by column, and by whether the client makes its job itself
    (("pyorthanc_waits.py", "orthanc_api_client_waits.py", "loop.py", "loop.sh"), False),
    (("pyorthanc_submits.py", "orthanc_api_client_submits.py"), True),
)
WITH = {"with Retry": ("trap/retry",), "with Paused": ("trap/paused-and-resumed",)}
WRONG = ("gives up", "never ends", "**submits two jobs**")
RIGHT = ("right", "ends")
PATIENT = Patience(looks=6.0, short=3.0)  # with one that waits for a second between two tries


def rows() -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """The rows of the table: the scenarios, and what is said of each program."""
    for line in (DOCS / "clients.md").read_text(encoding="utf-8").splitlines():
        name, *fields = (field.strip() for field in line.strip("| ").split(" | "))
        named = tuple(re.findall(r"`((?:trap|submit)/[a-z-]+)`", name))
        named += tuple(id for words, ids in WITH.items() if words in name for id in ids)
        if line.startswith("| ") and named:
            yield named, fields


def told(program: int, submits: bool) -> dict[str, bool]:
    """By scenario, whether a program is said to be right."""
    found: dict[str, bool] = {}
    for scenarios, fields in rows():
        if all(id.startswith("submit/") for id in scenarios) is submits:
            field = fields[program]
            assert field.startswith((*WRONG, *RIGHT)), field
            found |= dict.fromkeys(scenarios, field.startswith(RIGHT))
    assert found
    return found


@pytest.mark.long
@pytest.mark.apart
@pytest.mark.parametrize(
    ("program", "column", "submits"),
    [(name, n, submits) for names, submits in PROGRAMS for n, name in enumerate(names)],
)
def test_the_table_is_what_the_kit_finds(program: str, column: int, submits: bool) -> None:
    said = told(column, submits)
    words = ["sh" if program.endswith(".sh") else sys.executable, str(DOCS / "clients" / program)]
    story = Story()
    wish = Wish(
        client=Command(words),
        words=words,
        submits=submits,
        prefixes=tuple(said),
        patience=PATIENT,
    )
    run(wish, story.take)
    assert {id: one.verdict for id, one in story.results.items() if id in said} == {
        id: "pass" if right else "deviation" for id, right in said.items()
    }
