"""The programs of benchmarks/: their help, and what they compute."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import islice

import pytest

from benchmarks import aims, remake, scale, workers
from benchmarks.peers.proxy import Passed
from benchmarks.resend import made, renamed
from conformance.campaign.lots import Lot
from conformance.driver.script import Do
from tests.rooms import ROOT

PROGRAMS = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py"))
PEERS = ("peers", "peers.kit", "peers.floor", "peers.learned", "peers.polling", "peers.schema")
OLD, NEW = (f"6d9e5f3c-0000-4000-8000-00000000000{n}" for n in (1, 2))


@pytest.mark.parametrize("name", [*PROGRAMS, *PEERS])
def test_each_program_says_what_it_does(name: str) -> None:
    if name == "peers.learned":
        pytest.importorskip("aalpy")
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if name == "resend":  # a part of `speed`
        assert (done.returncode, done.stdout) == (0, "")
    else:
        assert (done.returncode, "usage:" in done.stdout) == (0, True), done.stderr


# --- requests that are sent once more ---------------------------------------------------------


def test_what_is_sent_once_more_names_what_was_made_this_time() -> None:
    ids = made(json.dumps({"ID": OLD}).encode(), json.dumps({"ID": NEW}).encode())
    assert renamed(f"/jobs/{OLD}/pause".encode(), ids) == f"/jobs/{NEW}/pause".encode()
    assert renamed(b"/jobs", ids) == b"/jobs"
    assert made(b"", b"{}") == {}
    assert made(b"[]", b"[]") == {}
    assert Passed(0.0, "GET", "/jobs", 200).action is None


# --- growth of the kit ------------------------------------------------------------------------


def test_a_sequence_has_so_many_actions_behind_its_submission() -> None:
    steps = list(scale.sequence(12))
    assert [one.do for one in steps[:2]] == [Do.SUBMIT, Do.PAUSE]
    assert len(steps) == 1 + 12
    assert steps[1:6] == steps[6:11]


def test_a_crowd_has_four_actions_for_each_job() -> None:
    steps = list(scale.crowd(3))
    assert [one.do for one in islice(steps, 0, None, 3)] == [
        Do.SUBMIT,
        Do.PAUSE,
        Do.RESUME,
        Do.CANCEL,
    ]
    assert {one.job for one in steps} == {"J0", "J1", "J2"}


def test_a_row_is_told_by_the_action() -> None:
    one = scale.Grown("x", 1000, actions=200, seconds=0.5, requests=300, end=0.25, engines=7)
    assert one.row == ("x", "1,000", "200", "2.50", "1.50", "250", "7")
    assert len(one.row) == len(scale.HEADER)


@pytest.mark.long
def test_growth_is_measured_on_the_reference_server() -> None:
    sizes = {scale.ACTIONS: [10], scale.JOBS: [3], scale.FOREIGN: [20]}
    found = list(scale.grow("reference", sizes))
    assert [one.what for one in found] == [
        scale.ACTIONS,
        scale.JOBS,
        scale.FOREIGN,
        scale.FOREIGN_POLITE,
    ]
    assert all(one.actions > 0 and one.engines > 0 and one.end > 0 for one in found)


# --- making the tables anew -------------------------------------------------------------------


def test_each_table_has_one_place_in_the_page() -> None:
    page = remake.README.read_text(encoding="utf-8")
    for name in remake.TABLES:
        assert remake.put(page, name, "made") != page
    assert page.count("<!-- table: ") == len(remake.TABLES)
    with pytest.raises(ValueError, match="nowhere"):
        remake.put(page, "nowhere", "made")


def test_a_table_is_put_between_its_marks_and_nowhere_else() -> None:
    page = "before\n<!-- table: x -->\n\nold\n\n<!-- end of x -->\nafter"
    made = remake.put(page, "x", "| new |")
    assert made == "before\n<!-- table: x -->\n\n| new |\n\n<!-- end of x -->\nafter"
    assert remake.put(made, "x", "old") == page


def test_the_commands_of_the_tables_are_programs_that_are_there() -> None:
    for words in remake.TABLES.values():
        first, *others = words.split()
        name = others[0].replace(".", "/") if first == "-m" else first
        assert any((ROOT / f"{name}{end}").is_file() for end in ("", ".py", "/__main__.py"))


def test_what_a_program_says_before_its_table_is_left_out() -> None:
    assert remake.tables_in("Testing\n| a |\n| - |\n\nsaid\n") == "| a |\n| - |\n\nsaid"
    assert remake.tables_in("nothing") == ""


def test_a_run_is_told_by_what_it_judged() -> None:
    cases = [{"verdict": "passed", "seconds": 1.5}, {"verdict": "skipped", "seconds": 9.0}]
    target = {"name": "x", "version": "1"}
    found = {"target": target, "cases": cases, "statistics": {"seconds": 3.2}}
    assert workers.whole(found, 4) == ("x 1", "4", "1", "3", "2")


def test_a_simulated_run_hands_lots_out_as_a_run_does() -> None:
    lots = [Lot(n, {}, (), seconds) for n, seconds in enumerate((1, 4, 2, 3))]
    # Of two workers one has 4 and 1, the other 3 and 2.
    assert [workers.handed_out(lots, count) for count in (1, 2, 4)] == [10, 5, 4]
    waits = Lot(4, {}, (), 9.0, waited=8.0)
    assert workers.handed_out([*lots, waits], 2) == 9, "a spare one takes what waits"


def test_each_aim_has_its_figure_and_one_that_is_missed_its_reason() -> None:
    page = remake.README.read_text(encoding="utf-8")
    found = {what: told for what, *_, told in aims.rows(page)}
    assert list(found) == [aim.what for aim in aims.AIMS]
    assert [what for what, told in found.items() if told == "no: "] == []


def test_an_aim_is_held_to_the_figure_of_its_row() -> None:
    page = "<!-- table: x -->\n| a | b | c |\n| - | - | - |\n| k | 1 | 2,000 |\n<!-- end of x -->"
    assert aims.figure(page, aims.Aim("", 0, "x", "k 1", "c")) == 2000
    for table, row in (("y", "k"), ("x", "l")):
        with pytest.raises(LookupError):
            aims.figure(page, aims.Aim("", 0, table, row, "c"))
