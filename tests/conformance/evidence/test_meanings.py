"""docs/meanings.md: what the states, the answers and the fields of a job mean to who calls."""

from __future__ import annotations

import re

from conformance.evidence.meanings import markdown
from spec.requirements import CATALOGUE, Bound
from spec.table import ACTIONS, MATRIX, State
from tests.rooms import ROOT

PAGE = (ROOT / "docs" / "meanings.md").read_text(encoding="utf-8")


def test_the_committed_page_is_what_the_code_makes() -> None:
    assert "\n".join(markdown()) + "\n" == PAGE, "run tools/pages"


def test_each_state_has_its_sentence_and_an_answer_to_each_action() -> None:
    states, actions, *_ = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    assert re.findall(r"^\| (\w+) \| A job reads \1 ", states, re.MULTILINE) == [*State]
    rows = re.findall(r"^\| [\w ]+ \| (?:200|400) .*$", actions, re.MULTILINE)
    assert [len(re.findall(r"\| [24]00 ", row)) for row in rows] == [len(ACTIONS)] * len(MATRIX)


def test_whatever_is_said_of_fields_and_of_callers_stands_there_once() -> None:
    wanted = {
        id
        for id, one in CATALOGUE.items()
        if one.section in ("monitor", "answer") or one.binds is not Bound.SERVER
    }
    states = {f"monitor/state-{state.lower()}" for state in State}
    assert sorted(re.findall(r"\| `([\w/-]+)` \|$", PAGE, re.MULTILINE)) == sorted(wanted - states)
