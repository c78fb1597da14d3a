"""The kit's power: what is told of a run against a planted fault."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.events import CaseEnds, Event, Result, Verdict
from conformance.evidence.power import (
    Catch,
    Collector,
    Power,
    Report,
    parse,
    planted,
    table,
    to_json,
)
from spec.table import Ground

FOUND = Power(
    "one", (Catch("race", "race/a", "r", 9, 1.5), Catch("edge", "edge/a", "e", 4, 2)), True
)
ALONE = Power("two", (Catch("race", "race/b", "r", 3, 0.25),), False)
HIDDEN = Power("three", (), False)
AIMED = Power("four", (Catch("race", "race/a", "r", 5, 0.25),), True, (("x/1", "x"), ("x/1", "z")))


def ends(id: str, verdict: Verdict, actions: int, seconds: float = 1.0) -> Event:
    replay = f"{id}.json" if verdict is Verdict.DEVIATION else None
    result = Result(id, f"of-{id}", Ground.OBSERVED, verdict, seconds=seconds, replay=replay)
    return CaseEnds(result, actions)


def test_the_first_deviation_of_each_suite_counts_with_what_that_suite_did() -> None:
    seen = Collector()
    for event in (
        ends("race/a", Verdict.PASS, 10),
        ends("edge/a", Verdict.PASS, 13),
        ends("race/b", Verdict.DEVIATION, 20, 0.5),
        ends("race/c", Verdict.DEVIATION, 30),
        ends("edge/b", Verdict.ACCEPTED, 31),
    ):
        seen.take(event)
    assert seen.catches == {"race": Catch("race", "race/b", "of-race/b", 17, 1.5)}
    assert seen.replays == {"race": "race/b.json"}


def test_what_is_written_is_read_again() -> None:
    powers = [FOUND, ALONE, HIDDEN, AIMED]
    assert list(parse(to_json(powers, "2026-01-01")).values()) == powers


def test_another_schema_is_refused() -> None:
    with pytest.raises(ValueError, match="schema 1"):
        parse('{"schema": 1, "faults": {}}')


def test_what_was_reported_is_told_once_what_was_aimed_at_first() -> None:
    found = [(one.case, one.requirement) for one in AIMED.reports]
    assert found == [("x/1", "x"), ("x/1", "z"), ("race/a", "r")]
    assert [one.case for one in FOUND.reports] == ["edge/a", "race/a"]  # by their actions
    twice = replace(AIMED, aimed=(("race/a", "r"),))
    assert [one.case for one in twice.reports] == ["race/a"]


def test_planted_again_is_all_that_was_aimed_at_and_one_of_every_other_requirement() -> None:
    assert planted([FOUND, ALONE, AIMED]) == [
        Report("four", "x/1", "x"),
        Report("four", "x/1", "z"),
        Report("two", "race/b", "r"),
        Report("one", "edge/a", "e"),
    ]


def test_the_suite_with_the_fewest_actions_is_the_quickest() -> None:
    assert FOUND.quickest.suite == "edge"


def test_the_table_tells_who_finds_what_alone_and_what_stays_hidden() -> None:
    lines = table([FOUND, ALONE, HIDDEN], ["edge", "race", "submit"], 4, "2026-01-01").splitlines()
    assert "| edge | 1 | 0 |" in lines
    assert "| race | 2 | 1 |" in lines
    assert "| submit | 0 | 0 |" in lines
    assert "| one | `edge/a` | 4 | 2.00 | edge, race |" in lines
    assert "| three | - | - | - | nothing |" in lines
    assert any(line.startswith("3 of 4 faults measured") and "2 found" in line for line in lines)
