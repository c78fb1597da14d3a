"""Every sample of the program's output in README and docs is what the program prints.

A sample is a block behind a comment that says how it is made:

    <!-- sample: orthanc-jobs run reference --json a.json && orthanc-jobs compare a.json a.json -->

The commands run in an empty folder that has `docs/`. The block has to be a part of what the last
one prints, line for line; a line `...` stands for lines that are left out. What differs from run to
run is masked: times, numbers of requests and the like, and IDs of jobs.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conformance.kit import Run, command
from tests.rooms import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "spec" / "README.md"]
MARKED = re.compile(r"<!-- sample: (.+?) -->\n\n?```\w*\n(.*?)\n```", re.DOTALL)
BLOCK = re.compile(r"^```\w*\n(.*?)\n```", re.DOTALL | re.MULTILINE)
# What the program says, and nobody else: a block with such a line is a sample of it.
PROGRAM = re.compile(
    r"^(conforms|deviates|unknown|stale-ledger|deviation|different move|impossible:|old |"
    r"worse:|not worse:|reproduced:|\d+ impossible:)",
    re.MULTILINE,
)
VARIES = (
    (re.compile(r"\d+\.\d+ s\b"), "# s"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "#"),  # the ID of a job
    (re.compile(r"\b\d+ (actions|requests|words|inputs)\b"), r"# \1"),
)
# What a recorded run of several tests has printed already: the command, and the fixture.
RECORDED = {"orthanc-jobs run": "on_reference", "orthanc-jobs learn orthanc": "learned"}


@dataclass(frozen=True)
class Sample:
    page: Path
    made: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}: {self.made.rpartition('&& ')[2][:60]}"

    @property
    def on_orthanc(self) -> bool:
        return "orthanc-jobs run orthanc" in self.made


def samples() -> list[Sample]:
    return [
        Sample(page, " ".join(made.split()), text)
        for page in PAGES
        for made, text in MARKED.findall(page.read_text(encoding="utf-8"))
    ]


SAMPLES = samples()


def masked(text: str) -> list[str]:
    """The lines of a text, without what differs from run to run."""
    for pattern, mask in VARIES:
        text = pattern.sub(mask, text)
    return [line.rstrip() for line in text.splitlines()]


def part_of(lines: Sequence[str], whole: Sequence[str]) -> bool:
    """Whether the lines stand in a text one after the other; but for `...`, which passes over some.

    Where the same lines stand in it twice, the first ones are taken.
    """
    if "..." not in lines:
        return _end_of(lines, whole) is not None
    at = lines.index("...")
    end = _end_of(lines[:at], whole)
    return end is not None and part_of(lines[at + 1 :], whole[end:])


def _end_of(lines: Sequence[str], whole: Sequence[str]) -> int | None:
    """Where the lines end in a text, if they stand in it."""
    ends = range(len(lines), len(whole) + 1)
    return next((end for end in ends if whole[end - len(lines) : end] == lines), None)


def printed(folder: Path, made: str) -> str:
    """What the last of the commands prints."""
    (folder / "docs").symlink_to(ROOT / "docs")
    out = ""
    for one in made.split(" && "):
        program, *words = shlex.split(one)
        assert program == "orthanc-jobs"
        done = command(folder, *words, report=False)
        assert not done.err, done.err
        out = done.out
    return out


def check(sample: Sample, out: str) -> None:
    assert part_of(masked(sample.text), masked(out)), f"it prints:\n{out}"


@pytest.mark.parametrize(
    "sample",
    [
        pytest.param(s, marks=[pytest.mark.long] if "orthanc-jobs run" in s.made else [])
        for s in SAMPLES
        if s.made not in RECORDED and not s.on_orthanc
    ],
    ids=str,
)
def test_what_needs_no_orthanc(sample: Sample, tmp_path: Path) -> None:
    check(sample, printed(tmp_path, sample.made))


@pytest.mark.long
@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.on_orthanc], ids=str)
def test_what_the_installed_orthanc_does(
    sample: Sample, installed_orthanc: None, tmp_path: Path
) -> None:
    check(sample, printed(tmp_path, sample.made))


def recorded(fixture: str) -> list[Sample]:
    """The samples of a recorded run."""
    return [sample for sample in SAMPLES if RECORDED.get(sample.made) == fixture]


@pytest.mark.parametrize("sample", recorded("on_reference"), ids=str)
def test_what_make_run_ends_with(sample: Sample, on_reference: Run) -> None:
    check(sample, on_reference.out)


@pytest.mark.parametrize("sample", recorded("learned"), ids=str)
def test_what_was_learned_of_an_orthanc(sample: Sample, learned: Run) -> None:
    check(sample, learned.out)


def test_every_recorded_run_is_a_sample() -> None:
    assert {sample.made for sample in SAMPLES} >= set(RECORDED)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_sample_is_without_its_command(page: Path) -> None:
    marked = {sample.text for sample in SAMPLES if sample.page == page}
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    assert [block for block in blocks if PROGRAM.search(block) and block not in marked] == []


@pytest.mark.parametrize(
    ("sample", "same"),
    [
        ("b\nc", True),
        ("a\nb\nc", True),
        ("a\nc", False),
        ("b\nc\nd", False),
        ("x 9 s", False),
        ("a\n...\nc", True),
        ("...\nb", True),
        ("c\n...\na", False),
    ],
)
def test_a_sample_is_a_part_line_for_line(sample: str, same: bool) -> None:
    assert part_of(masked(sample), masked("a\nb\nc")) is same


def test_only_what_varies_is_masked() -> None:
    assert masked("7 actions, 9 requests in 1.5 s: 3 passed") == [
        "# actions, # requests in # s: 3 passed"
    ]
