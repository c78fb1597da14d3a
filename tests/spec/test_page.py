"""Every sentence of the newest page on jobs is a requirement, or has a reason why it is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from spec.page import SECTIONS, SENTENCES, Sentence
from spec.requirements import CATALOGUE, applies, requirement
from spec.restructured import sentences
from tests.rooms import ROOT

TOOL = ROOT / "tools" / "sentences"
NEWEST = "1.13.0"
PAGE = """
.. _jobs:

First
-----

Jobs are **tasks**. See the `notes
<https://example.org/a.b>`__, i.e. all of
:ref:`these notes <notes>` on ``/jobs/...`` URI
and more::

  $ curl http://example.org/ No. Sentence

* ``Paused``: The job was paused. It waits.
* Another one.

Second
^^^^^^

The end.
"""


def rebuilt(left_out: Sentence | None = None, more: str = "") -> str:
    """A page that begins each sentence as the newest one does, and goes on in other words."""
    parts = []
    for section in SECTIONS:
        own = [s for s in SENTENCES if s.section == section and s is not left_out]
        parts += [f"{section}\n{'-' * len(section)}", *(f"{s.begins} and so on." for s in own)]
    return "\n\n".join([*parts, more])


def compared(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    page = folder / "page.rst"
    page.write_text(text)
    words = [sys.executable, str(TOOL), str(page)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("one", SENTENCES, ids=lambda one: one.begins)
def test_a_sentence_is_a_requirement_of_the_newest_release_or_has_a_reason(one: Sentence) -> None:
    assert bool(one.requirements) != bool(one.reason)
    assert set(one.requirements) <= set(CATALOGUE)
    assert all(applies(requirement(id), NEWEST) for id in one.requirements)


def test_each_is_here_once_and_only_a_few_have_a_reason() -> None:
    begins = [(one.section, one.begins) for one in SENTENCES]
    assert len(set(begins)) == len(begins) == 64
    assert sum(bool(one.reason) for one in SENTENCES) == 2


def test_the_sentences_of_a_page_are_told_without_its_marks_and_examples() -> None:
    assert list(sentences(PAGE)) == [
        ("First", "Jobs are tasks."),
        ("First", "See the notes, i.e. all of these notes on /jobs/... URI and more"),
        ("First", "Paused: The job was paused."),
        ("First", "It waits."),
        ("First", "Another one."),
        ("Second", "The end."),
    ]


def test_a_page_that_says_the_same_in_a_later_release_is_known(tmp_path: Path) -> None:
    done = compared(tmp_path, rebuilt().replace("1.12.11", "1.14.0"))
    assert (done.returncode, done.stdout) == (0, "64 sentences known, 0 new, 0 gone\n")


def test_what_a_page_says_newly_and_no_more_is_named(tmp_path: Path) -> None:
    gone = SENTENCES[-1]
    done = compared(tmp_path, rebuilt(gone, "Jobs may be shared.\n\nElsewhere\n---------\n\nNo."))
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"new in {gone.section}: Jobs may be shared.",
        f"gone from {gone.section}: {gone.begins} ...",
        "63 sentences known, 1 new, 1 gone",
    ]
