"""`orthanc-jobs compare`: what is worse, what only changed, and what is no report."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from junitparser import JUnitXml

from conformance.errors import BadArgument
from conformance.events import (
    CaseEnds,
    Cleanup,
    Coverage,
    Ended,
    Result,
    RunVerdict,
    Share,
    Started,
    Statistics,
    Target,
    Verdict,
)
from conformance.reports.compared import junit, lines, markdown, to_json
from conformance.reports.comparing import Comparison, compare, load
from conformance.reports.json_report import JsonReport
from spec.relaxations import Relaxation
from spec.requirements import requirement
from spec.table import Ground
from tests.conformance.kit import Run, command

PAIRS = Path(__file__).resolve().parents[3] / "tools" / "pairs"
TIES, LOST = Relaxation.TIES_UNORDERED.value, Relaxation.REQUEST_LOST_ON_LAST_STEP.value
CASE = "race/pause/last-step-succeeds"
OTHER = "action/pause/paused"


def case(verdict: str, *relaxations: str, id: str = CASE, requirement: str = CASE) -> Result:
    return Result(
        id, requirement, Ground.DOCUMENTED, Verdict(verdict), relaxations=relaxations, actual="x"
    )


PASSED = case("pass", id=OTHER, requirement=OTHER)


def report(
    path: Path,
    *results: Result,
    missing: tuple[str, ...] = (),
    accepts: tuple[str, ...] = (),
    options: tuple[str, ...] = (),
) -> Path:
    writer = JsonReport(path)
    target = Target("orthanc", "1.2", "orthanc", options)
    writer.take(Started(target, 0, "2026-01-01", 1, None, accepts))
    for result in results:
        writer.take(CaseEnds(result))
    share = Share(24, (), missing)
    covered = Coverage(share, Share(15, (), ()), Share(1, (), ()))
    writer.take(Ended(RunVerdict.CONFORMS, False, covered, (), (), Cleanup(), Statistics()))
    return path


def compared(folder: Path, before: list[Result], after: list[Result]) -> Comparison:
    old = report(folder / "a.json", PASSED, *before, missing=("pause/paused",))
    new = report(folder / "b.json", PASSED, *after, missing=("cancel/paused",))
    return compare(load(old), load(new))


def ids(changes: Any) -> list[str]:
    return [change.case.id for change in changes]


MET = case("pass", id="race/cancel/last-step-succeeds")
WORSE = {
    "passed": ([case("pass")], [case("deviation")]),
    "passed, and the name is known": (
        [case("pass"), replace(case("deviation", LOST), id="race/x")],
        [case("deviation", LOST), replace(case("deviation", LOST), id="race/x")],
    ),
    "by another relaxation": ([case("deviation", TIES)], [case("deviation", LOST)]),
    "by one more relaxation": ([case("deviation", TIES)], [case("deviation", LOST, TIES)]),
    "explained before": ([case("deviation", TIES)], [case("deviation")]),
    "in another requirement": (
        [case("deviation")],
        [case("deviation", requirement="step/run-once")],
    ),
    "not run, and found nowhere": ([], [case("deviation")]),
    "skipped": ([case("skipped")], [case("deviation", TIES)]),
    "unknown": ([case("unknown")], [case("deviation", TIES)]),
}
NO_WORSE = {
    "the same": ([case("deviation")], [case("deviation")]),
    "the same by name": ([case("deviation", TIES)], [case("deviation", TIES)]),
    "the same in another order": ([case("deviation", LOST, TIES)], [case("deviation", TIES, LOST)]),
    "the same, with another actual": (
        [case("deviation")],
        [replace(case("deviation"), actual="y")],
    ),
    "accepted before": ([case("accepted", TIES)], [case("deviation", TIES)]),
    "accepted now": ([case("pass")], [case("accepted", TIES)]),
    "not run, and known elsewhere": (
        [case("deviation", TIES)],
        [case("deviation", TIES), replace(case("deviation", TIES), id="search/x")],
    ),
    "unknown now": ([case("pass")], [case("unknown")]),
    "not run now": ([case("pass")], []),
    "repaired": ([case("deviation")], [case("pass")]),
}


CHANCE, FOUND = "concurrent/pending", "search/stateful/ties-unordered"


def lucky(verdict: str, *relaxations: str, id: str = CHANCE, requirement: str = CASE) -> Result:
    return case(verdict, *relaxations, id=id, requirement=requirement)


WORSE_BY_CHANCE = {
    "seen by nobody before": ([lucky("pass")], [lucky("deviation", LOST)], CHANCE),
    "one of two seen by nobody before": (
        [lucky("pass"), case("deviation", LOST)],
        [lucky("deviation", LOST, TIES), case("deviation", LOST)],
        CHANCE,
    ),
    "explained before": ([lucky("deviation", LOST)], [lucky("deviation")], CHANCE),
    "nothing explains it": ([lucky("pass")], [lucky("deviation")], CHANCE),
    "found by the search": ([], [lucky("deviation", TIES, id=FOUND)], FOUND),
}
LUCK = {
    "shown by another case": (
        [lucky("pass"), case("deviation", LOST)],
        [lucky("deviation", LOST), case("deviation", LOST)],
    ),
    "shown by two others": (
        [lucky("pass"), case("deviation", LOST), lucky("deviation", TIES, id=FOUND)],
        [lucky("deviation", LOST, TIES), case("deviation", LOST)],
    ),
    "by another relaxation": (
        [lucky("deviation", LOST), case("accepted", TIES)],
        [lucky("deviation", TIES), case("accepted", TIES)],
    ),
    "of the same case, in another requirement": (
        [lucky("deviation")],
        [lucky("deviation", requirement="step/run-once")],
    ),
    "the same requirement, in another case": (
        [lucky("deviation"), lucky("pass", id="concurrent/paused")],
        [lucky("pass"), lucky("deviation", id="concurrent/paused")],
    ),
    "not seen this time": ([lucky("deviation", LOST)], [lucky("pass")]),
    "accepted this time": ([lucky("pass")], [lucky("accepted", LOST)]),
    "found by the search": (
        [case("deviation", TIES)],
        [case("deviation", TIES), lucky("deviation", TIES, id=FOUND)],
    ),
}


@pytest.mark.parametrize(("before", "after", "id"), WORSE_BY_CHANCE.values(), ids=WORSE_BY_CHANCE)
def test_what_is_worse_though_it_is_seen_by_chance(
    tmp_path: Path, before: list[Result], after: list[Result], id: str
) -> None:
    assert ids(compared(tmp_path, before, after).new) == [id]


@pytest.mark.parametrize(("before", "after"), LUCK.values(), ids=LUCK)
def test_what_is_luck_is_no_change(
    tmp_path: Path, before: list[Result], after: list[Result]
) -> None:
    found = compared(tmp_path, before, after)
    assert not found.new
    assert not found.gone
    assert not found.changed
    assert (found.only_before, found.only_after) == ((), ())


def test_what_the_old_ledger_took_for_granted_is_known(tmp_path: Path) -> None:
    """Where a case goes by chance, the run with a ledger does not show what that accepts."""
    old = report(tmp_path / "a.json", lucky("pass"), accepts=(LOST,))
    new = report(tmp_path / "b.json", lucky("deviation", LOST))
    assert not compare(load(old), load(new)).worse
    assert compare(load(report(tmp_path / "a.json", lucky("pass"))), load(new)).worse


def test_changes_that_tell_the_same_are_one_line(tmp_path: Path) -> None:
    full = [case("pass", id=f"a/{n}") for n in range(300)]
    skipped = [replace(one, verdict=Verdict.SKIPPED, reason="needs --exclusive") for one in full]
    told = list(lines(compared(tmp_path, full, skipped)))
    (line,) = [line for line in told if line.startswith("changed")]
    assert line.startswith(
        "changed  300 cases passed, now skipped (300 of them: needs --exclusive): a/0, a/1, "
    )
    assert line.endswith(" and 288 more")
    assert told[-1] == "not worse: 0 new deviations, 0 gone, 1 other verdict change"


def outcomes(folder: Path, before: list[Result], after: list[Result]) -> dict[str, list[str]]:
    """The test cases of the JUnit file that are no plain success."""
    path = folder / "j.xml"
    path.write_text(junit(compared(folder, before, after)), encoding="utf-8")
    return {
        one.name: [type(result).__name__ for result in one.result]
        for suite in JUnitXml.fromfile(str(path))
        for one in suite
        if one.result
    }


def test_junit_fails_in_what_is_worse_and_only_in_that(tmp_path: Path) -> None:
    known, skipped = case("deviation", TIES, id="a/1"), case("skipped", id="a/2")
    after = [case("deviation", LOST), known, skipped]
    assert outcomes(tmp_path, [case("pass"), known], after) == {
        CASE: ["Failure"],
        "a/2": ["Skipped"],
    }
    assert outcomes(tmp_path, [case("deviation", LOST), known], after) == {"a/2": ["Skipped"]}


@pytest.mark.parametrize(
    "change", [{"interrupted": True}, {"failed": "gone"}, {"verdict": "unknown"}], ids=str
)
def test_a_run_that_was_not_judged_is_not_green(tmp_path: Path, change: dict[str, Any]) -> None:
    old = load(report(tmp_path / "a.json", case("pass")))
    path = report(tmp_path / "b.json", case("pass"))
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    found = compare(old, load(path))
    assert (found.worse, found.gate) == (False, "unknown")
    (tmp_path / "j.xml").write_text(junit(found))
    assert JUnitXml.fromfile(str(tmp_path / "j.xml")).errors == 1
    assert list(lines(found))[-1].startswith("not worse as far as it was judged: ")
    assert compare(old, old).gate == "not worse"


@pytest.mark.parametrize(("before", "after"), WORSE.values(), ids=WORSE)
def test_what_is_worse(tmp_path: Path, before: list[Result], after: list[Result]) -> None:
    found = compared(tmp_path, before, after)
    assert ids(found.new) == [CASE]
    assert found.worse


@pytest.mark.parametrize(("before", "after"), NO_WORSE.values(), ids=NO_WORSE)
def test_what_is_not(tmp_path: Path, before: list[Result], after: list[Result]) -> None:
    assert not compared(tmp_path, before, after).worse


def test_what_else_has_changed(tmp_path: Path) -> None:
    found = compared(
        tmp_path,
        [case("deviation"), case("pass", id="a/1"), case("skipped", id="a/2"),
         case("pass", id="a")],
        [case("pass"), case("unknown", id="a/1"), case("pass", id="a/2"), case("pass", id="b")],
    )  # fmt: skip
    assert ids(found.gone) == [CASE]
    assert [(c.case.id, c.before, c.after) for c in found.changed] == [
        ("a/1", "pass", "unknown"),
        ("a/2", "skipped", "pass"),
    ]
    assert (found.only_before, found.only_after) == (("a",), ("b",))
    assert found.gained["cells"] == ("pause/paused",)
    assert found.lost["cells"] == ("cancel/paused",)
    assert (found.gained["edges"], found.lost["edges"]) == ((), ())


def test_a_requirement_is_lost_when_no_case_of_it_is_judged_any_more(tmp_path: Path) -> None:
    found = compared(tmp_path, [case("pass")], [case("unknown")])
    assert found.lost["requirements"] == (CASE,)
    assert compared(tmp_path, [case("pass")], [case("deviation")]).lost["requirements"] == ()


def test_the_text_ends_with_the_summary(tmp_path: Path) -> None:
    text = list(lines(compared(tmp_path, [case("pass")], [case("deviation", LOST)])))
    assert text[0] == "old  orthanc 1.2: conforms, ledger none, kit 0.1.0"
    assert f"new deviation {CASE} (it passed)" in text
    assert text[-1] == "worse: 1 new deviation, 0 gone, 0 other verdict changes"


def test_the_json_says_the_same(tmp_path: Path) -> None:
    made = json.loads(to_json(compared(tmp_path, [case("pass")], [case("deviation", LOST)])))
    assert (made["schema"], made["worse"]) == (1, True)
    (new,) = made["new"]
    assert (new["id"], new["before"], new["after"]) == (CASE, "pass", "deviation")
    assert new["relaxations"] == [LOST]
    assert made["coverage"]["cells"] == {"gained": ["pause/paused"], "lost": ["cancel/paused"]}
    assert made["gone"] == made["changed"] == made["only_before"] == []


def test_what_is_new_has_its_steps_its_time_and_the_whole_command_that_shows_it_again(
    tmp_path: Path,
) -> None:
    broken = replace(
        case("deviation"), program=("submit A", "pause A"), replay="replays/x.json", seconds=1.25
    )
    options = ("--server-command", "./Orthanc {config}")
    found = compare(
        load(report(tmp_path / "a.json", case("pass"))),
        load(report(tmp_path / "b.json", broken, options=options)),
    )
    again = "orthanc-jobs replay replays/x.json orthanc --server-command './Orthanc {config}'"
    assert f"  replay      {again}" in lines(found)
    assert f"- replay `{again}`" in markdown(found)
    (told,) = json.loads(to_json(found))["new"]
    assert told["commands"] == {"replay": again}
    (tmp_path / "j.xml").write_text(junit(found))
    (made,) = [one for suite in JUnitXml.fromfile(str(tmp_path / "j.xml")) for one in suite]
    assert made.time == 1.25
    text = made.result[0].text
    assert [line.split(maxsplit=1) for line in text.splitlines()][:2] == [
        ["run", "1. submit A"],
        ["run", "2. pause A"],
    ]
    assert f"\nsource      {requirement(CASE).source}\n" in text
    assert text.endswith(f"\nreplay      {again}")


def test_a_report_of_an_older_kit_names_the_replay_file(tmp_path: Path) -> None:
    path = report(tmp_path / "b.json", replace(case("deviation"), replay="replays/x.json"))
    old = json.loads(path.read_text())
    del old["options"], old["cases"][0]["commands"], old["cases"][0]["seconds"]
    path.write_text(json.dumps(old))
    found = compare(load(report(tmp_path / "a.json", case("pass"))), load(path))
    assert "  replay      replays/x.json" in lines(found)


@pytest.mark.parametrize("before", [[], [case("skipped")]], ids=["not run", "skipped"])
def test_what_another_mode_could_not_run_is_no_news(tmp_path: Path, before: list[Result]) -> None:
    path = report(tmp_path / "a.json", PASSED, *before)
    new = load(report(tmp_path / "b.json", PASSED, case("deviation")))
    assert compare(load(path), new).worse
    path.write_text(json.dumps(json.loads(path.read_text()) | {"mode": "polite"}))
    found = compare(load(path), new)
    assert (found.worse, found.modes) == (False, ("polite", "managed"))
    told = list(lines(found))
    assert told[2].startswith("warning: the old run is polite, the new one managed: ")
    assert CASE in "".join(told[3:])
    assert "**Warning:** `the old run is polite" in markdown(found)


def test_what_another_mode_did_run_is_compared(tmp_path: Path) -> None:
    path = report(tmp_path / "a.json", case("pass"))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"mode": "polite"}))
    assert compare(load(path), load(report(tmp_path / "b.json", case("deviation")))).worse


def test_a_fault_that_was_planted_is_told_with_the_server(tmp_path: Path) -> None:
    path = report(tmp_path / "b.json", case("pass"), options=("--fault", "jobs-lost"))
    assert load(path).about["server"] == "orthanc 1.2 with the fault jobs-lost"


def test_what_a_file_holds_cannot_leave_its_line(tmp_path: Path) -> None:
    evil = replace(case("deviation"), actual="\x1b[2J\n<b>\ud83d", replay="\x1b", reason="\x1b")
    found = compared(tmp_path, [case("pass")], [evil])
    assert "\x1b" not in "".join(lines(found))
    assert "- actual `\\x1b[2J\\n<b>\\ud83d`" in markdown(found)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "is not JSON"),
        ("[]", "is not a JSON report of a run"),
        ("7", "is not a JSON report of a run"),
        ("{}", "is not a JSON report of a run"),
        ('{"schema": 2}', "has schema 2, not 1"),
        ('{"schema": 1, "verdict": "holds", "properties": []}', "is not a JSON report of a run"),
    ],
)
def test_what_is_no_report(tmp_path: Path, text: str, part: str) -> None:
    path = tmp_path / "r.json"
    path.write_text(text)
    with pytest.raises(BadArgument, match=part):
        load(path)


@pytest.mark.parametrize("change", ["cases", "target", "ledger", "coverage", "kit", "verdict"])
def test_a_report_that_lacks_something(tmp_path: Path, change: str) -> None:
    path = report(tmp_path / "r.json", PASSED)
    found = json.loads(path.read_text())
    for broken in ({k: v for k, v in found.items() if k != change}, {**found, change: None}):
        if change == "verdict" and change in broken:
            continue
        path.write_text(json.dumps(broken))
        if change == "kit" and change in broken:
            continue
        with pytest.raises(BadArgument, match="is not a JSON report"):
            load(path)


def test_a_run_without_a_verdict_is_nothing_to_compare_with(tmp_path: Path) -> None:
    path = report(tmp_path / "r.json", case("skipped"), case("unknown", id="x"))
    with pytest.raises(BadArgument, match="nothing to compare"):
        load(path)


def test_a_report_that_cannot_be_finished(tmp_path: Path) -> None:
    report(tmp_path / "a.json", case("pass"))
    report(tmp_path / "b.json", case("deviation"))
    for new, status in (("a.json", 2), ("b.json", 1)):
        words = ["compare", "a.json", new, "--json", "/dev/full"]
        run = command(tmp_path, *words, report=False)
        assert run.status == status
        assert (
            run.err == "orthanc-jobs: cannot write the report /dev/full: No space left on device\n"
        )
        assert "worse: " in run.out.splitlines()[-1]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    run = command(tmp_path, "compare", "none", "none", report=False)
    assert run.status == 2
    assert run.err == "orthanc-jobs: cannot read the report none: No such file or directory\n"


# --- the regression story ------------------------------------------------------------------------

FAULT = "resume-starts-over"
BROKEN = "step/resumed-goes-on"


def pairs(folder: Path, *more: str) -> tuple[int, str, str]:
    """`tools/pairs` on the reports in a folder: its status, what it printed, and its errors."""
    words = [sys.executable, str(PAIRS), str(folder), *more]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_all_pairs_of_runs_are_compared_in_both_directions(tmp_path: Path) -> None:
    for name, verdict in (("1", "pass"), ("2", "pass"), ("3", "deviation")):
        report(tmp_path / f"{name}.json", PASSED, case(verdict))
    status, out, _ = pairs(tmp_path)
    assert status == 1
    assert out.splitlines()[-1] == "worse: 2 of 6"
    told = [line for line in out.splitlines() if " -> " in line]
    assert told == ["1.json -> 3.json", "2.json -> 3.json"]
    assert out.count(f"  new deviation {CASE} (it passed)") == 2


def test_each_fault_has_to_be_worse_than_the_clean_run(tmp_path: Path) -> None:
    clean, faults = tmp_path / "clean", tmp_path / "faults"
    clean.mkdir()
    faults.mkdir()
    for name in ("1", "2"):
        report(clean / f"{name}.json", PASSED, case("pass"))
    report(faults / "seen.json", PASSED, case("deviation"))
    assert pairs(clean, "--faults", str(faults))[:2] == (
        0,
        "worse: 0 of 2\nfaults that are not worse: 0 of 1\n",
    )
    report(faults / "hidden.json", PASSED, case("pass"))
    status, out, _ = pairs(clean, "--faults", str(faults))
    assert status == 1
    first, *figures = out.splitlines()
    assert first.startswith("not worse: hidden.json: not worse: 0 new deviations")
    assert figures == ["worse: 0 of 2", "faults that are not worse: 1 of 2"]


def test_pairs_of_one_report_or_of_what_is_none(tmp_path: Path) -> None:
    report(tmp_path / "1.json", PASSED)
    assert pairs(tmp_path)[0] == 2
    (tmp_path / "2.json").write_text("[]")
    status, out, err = pairs(tmp_path)
    assert (status, out) == (2, "")
    assert "2.json" in err


def test_a_run_without_a_verdict_is_told_among_pairs(tmp_path: Path) -> None:
    for name in ("1", "2"):
        report(tmp_path / f"{name}.json", PASSED)
    cut = json.loads((tmp_path / "2.json").read_text()) | {"verdict": "unknown"}
    (tmp_path / "2.json").write_text(json.dumps(cut))
    assert pairs(tmp_path)[:2] == (2, "no verdict: 2.json\nworse: 0 of 2\n")


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the reports of an old version, and of a new one in which one thing broke."""
    folder = tmp_path_factory.mktemp("versions")
    some = ("--case", "race/pause/", "--case", "race/cancel/")  # of which the fault breaks two
    for name, more in (("old", []), ("new", ["--fault", FAULT])):
        words = ["run", "reference", *some, *more, "--json", f"{name}.json"]
        command(folder, *words, report=False)
    return folder


@pytest.mark.long
def test_the_gate_turns_red_for_exactly_what_got_worse(versions: Path) -> None:
    done = command(
        versions, "compare", "old.json", "new.json", "--json", "c.json", "--markdown", "c.md",
        report=False,
    )  # fmt: skip
    assert done.status == 1, done.out + done.err
    found = json.loads((versions / "c.json").read_text())
    failing = json.loads((versions / "new.json").read_text())["cases"]
    assert {one["id"] for one in found["new"]} == {
        one["id"] for one in failing if one["verdict"] == "deviation"
    }
    assert BROKEN in {one["requirement"] for one in found["new"]} <= {BROKEN, "step/run-once"}
    assert all(one["before"] == "pass" for one in found["new"])
    assert 0 < len(found["new"]) < len(failing)
    assert found["gone"] == found["changed"] == []
    assert done.out.splitlines()[-1].startswith("worse: ")
    assert (versions / "c.md").read_text().startswith("## Jobs engine, worse: ")


@pytest.mark.long
def test_the_same_version_again_is_green(versions: Path) -> None:
    for name in ("old.json", "new.json"):
        done = command(versions, "compare", name, name, report=False)
        assert (done.status, done.out.splitlines()[-1]) == (
            0,
            "not worse: 0 new deviations, 0 gone, 0 other verdict changes",
        )


@pytest.mark.long
def test_the_way_back_is_green_and_says_what_is_gone(versions: Path) -> None:
    done = command(versions, "compare", "new.json", "old.json", report=False)
    assert done.status == 0
    assert f"{BROKEN} is met again" in done.out


# fault: a case that shows it each time
FAULTS = {
    "cancel-of-pending-ignored": "action/cancel/pending",
    "requests-lost-on-last-step": "race/pause/last-step-succeeds",
    "cancel-lost-after-pause": "race/pause-cancel/step-succeeds",
    "second-resubmit-refused": "race/in-turn/cancel-twice",
    "pause-of-running-ignored": "action/pause/running",
    "refused-answered-200": "action/resume/pending",
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a sound server, of the cases that show the faults."""
    folder = tmp_path_factory.mktemp("sound")
    chosen = (word for case in FAULTS.values() for word in ("--case", case))
    command(folder, "run", *chosen)
    return folder / "report.json"


@pytest.mark.parametrize("fault", FAULTS)
def test_each_planted_fault_is_worse(sound: Path, fault: str, tmp_path: Path) -> None:
    command(tmp_path, "run", "--case", FAULTS[fault], "--fault", fault)
    assert compare(load(sound), load(tmp_path / "report.json")).worse


def same(one: Run, other: Run) -> None:
    """Two runs of the same server are not worse than each other, nor than themselves."""
    found = [load(run.folder / "report.json") for run in (one, other)]
    assert not [1 for before in found for after in found if compare(before, after).worse]


def test_a_sound_server_is_never_worse_than_itself(
    on_reference: Run, seeded_otherwise: Run
) -> None:
    """Whatever fell by chance in each run."""
    same(on_reference, seeded_otherwise)


@pytest.mark.parametrize("fault", ["cancel-lost-after-pause", "pause-of-running-ignored"])
def test_a_fault_that_is_seen_by_chance_is_worse_as_well(
    on_reference: Run, fault: str, tmp_path: Path
) -> None:
    """With one seed or another, that is: whether clients meet in one run goes by the machine."""
    suite = ("--suite", "concurrent", "--max-failures", "1", "--fault", fault)
    runs = (command(tmp_path, "run", *suite, "--seed", str(seed)) for seed in range(10))
    found = next(run for run in runs if run.status == 1)
    before, after = (load(run.folder / "report.json") for run in (on_reference, found))
    assert compare(before, after).worse


def never_worse(*runs: Run) -> None:
    """Each after itself, and after all before it, which ran more."""
    found = [load(run.folder / "report.json") for run in runs]
    for before, after in itertools.combinations_with_replacement(found, 2):
        assert not compare(before, after).worse


def test_a_released_orthanc_is_never_worse_than_itself(
    on_orthanc: Run, without_ledger: Run
) -> None:
    """Whatever fell by chance in each run, with the ledger and without."""
    never_worse(on_orthanc, without_ledger)


@pytest.mark.weekly
def test_nor_is_it_with_another_seed(
    on_orthanc: Run, without_ledger: Run, orthanc_seeded_otherwise: Run
) -> None:
    never_worse(on_orthanc, without_ledger, orthanc_seeded_otherwise)
