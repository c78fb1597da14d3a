"""What is printed on a terminal breaks between words, and stays whole where it is to be copied."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.reports.terminal import broken
from tests.conformance.pseudoterminal import OnTerminal

URL = "https://orthanc.uclouvain.be/book/users/advanced-rest.html#jobs"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("it fits", ["it fits"]),
        (
            "two of its cases and one other",
            ["two of its cases and", "  one other"],
        ),
        (
            "  actual  what was seen of it",
            ["  actual  what was", "          seen of it"],
        ),
        (
            "  requirement what it has to do",  # below which there is no place
            ["  requirement what", "  it has to do"],
        ),
        ("  replay  orthanc-jobs replay a-file.json orthanc",) * 2,
        ("  again   curl -i -X POST http://localhost:8042/jobs",) * 2,
        (f"          {URL}",) * 2,
    ],
)
def test_a_line_breaks_below_its_text(line: str, shown: str | list[str]) -> None:
    assert list(broken(line, 20)) == ([shown] if isinstance(shown, str) else shown)


def test_on_a_narrow_terminal_no_word_is_broken(tmp_path: Path) -> None:
    words = ("run", "reference", "--case", "race/in-turn/cancel-twice")
    terminal = OnTerminal(tmp_path, 80, 60, *words, "--fault", "second-resubmit-refused")
    try:
        assert terminal.until_the_end() == 1
        lines = terminal.screen.above + terminal.screen.lines
    finally:
        terminal.close()
    at = next(n for n, line in enumerate(lines) if line.startswith("  requirement "))
    assert lines[at].endswith(" in")
    assert (
        lines[at + 1]
        == " " * 14 + "Failure is answered 200 and leads to Pending, to start over from"
    )
    assert any(line.startswith("deviates reference 1.5.6 with the fault") for line in lines)
    assert "what deviates alike is told once, with the command that runs it again" in " ".join(
        " ".join(lines).split()
    )
