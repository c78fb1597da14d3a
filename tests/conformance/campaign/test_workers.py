"""Workers side by side: the same for every number of them, and nothing left however they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import pytest

from conformance.campaign.crew import Crew, Worker
from conformance.errors import KitError
from tests.conformance.kit import COMMAND, Run, command
from tests.conformance.somebody import WITHIN
from tests.waiting import until

pytestmark = pytest.mark.apart

# Of several configurations, with a stop, two streams of the search, and what is skipped.
CHOSEN = (
    "action/cancel",
    "history/size-1",
    "persist/stop/paused",
    "race/nothing/step-times-out",
    "route/modify/study/asynchronous",
    "route/modify/study/cancel",
    "schedule/workers-3",
    "search",
)
EXAMPLES = "20"
FAULT = "modification-reads-split"  # so that something deviates, and not in the search
LONG = 60.0  # seconds for what takes a moment
SHORT = ("action", "race", "monitor", "schedule", "history")  # so that some have ended soon
STOPS = "persist/stop/"  # cases of many lots that mostly wait for an Orthanc to stop


def words(*more: str) -> tuple[str, ...]:
    return (*more, *(word for case in CHOSEN for word in ("--case", case)))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[int, Run]:
    made = {}
    for workers in (1, 2, 4):
        folder = tmp_path_factory.mktemp(f"workers-{workers}")
        more = ("--examples", EXAMPLES, "--seed", "3", "--fault", FAULT, "--workers", str(workers))
        made[workers] = command(folder, *words("run", *more, "--events", "events.ndjson"))
    return made


def judged(run: Run) -> list[Any]:
    """What a report says of the cases, in its order: all that is no time and no name of a run."""
    keys = ("id", "requirement", "verdict", "actual", "relaxations", "reason", "replay", "part_of")
    return [[case.get(key) for key in keys] for case in run.report["cases"]]


def events_of(run: Run) -> list[dict[str, Any]]:
    lines = (run.folder / "events.ndjson").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.long
@pytest.mark.together("workers")
@pytest.mark.parametrize("workers", [2, 4])
def test_verdicts_and_their_order_are_the_same(runs: Mapping[int, Run], workers: int) -> None:
    one, several = runs[1], runs[workers]
    assert one.status == several.status == 1, one.err + several.err
    assert judged(several) == judged(one)
    for key in ("verdict", "word", "why", "ledger", "failed", "interrupted"):
        assert several.report[key] == one.report[key], key
    # Which edges the search sees besides is luck: whether a job is read before it starts.
    covered = [run.report["coverage"]["requirements"] for run in (one, several)]
    assert covered[0] == covered[1]


@pytest.mark.long
@pytest.mark.together("workers")
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_search_makes_all_of_its_examples(runs: Mapping[int, Run], workers: int) -> None:
    """Of which sequences, the seeds of its streams say, which no number of workers changes."""
    progress = [event for event in events_of(runs[workers]) if event["event"] == "Progress"]
    assert {progress[-1][key] for key in ("done", "of")} == {int(EXAMPLES)}


@pytest.mark.long
@pytest.mark.together("workers")
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_there_is_one_stream_of_events(runs: Mapping[int, Run], workers: int) -> None:
    events = events_of(runs[workers])
    names = [event["event"] for event in events]
    assert (names.count("Started"), names.count("Ended")) == (1, 1)
    assert (names[0], names[-1]) == ("Started", "Ended")
    assert events[0]["workers"] == workers
    begun = [event["id"] for event in events if event["event"] == "CaseBegins"]
    ended = [event["result"]["id"] for event in events if event["event"] == "CaseEnds"]
    assert len(begun) == len(set(begun)) == events[0]["cases"]
    assert set(begun) <= set(ended)


@pytest.mark.long
@pytest.mark.together("workers")
def test_there_are_as_many_cases_as_were_selected(runs: Mapping[int, Run]) -> None:
    ids = [case["id"] for case in runs[1].report["cases"] if "part_of" not in case]
    assert {id for id in ids if not id.startswith(CHOSEN)} == set()
    assert all(any(id.startswith(chosen) for id in ids) for chosen in CHOSEN)


# --- over machines ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def merged(runs: Mapping[int, Run], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two shards, each run as on a machine of its own, and merged."""
    folder = tmp_path_factory.mktemp("shards")
    made = []
    for number in (1, 2):
        (own := folder / str(number)).mkdir()
        more = ("--examples", EXAMPLES, "--seed", "3", "--fault", FAULT, "--shard", f"{number}/2")
        shard = command(own, *words("run", *more))
        assert 0 < len(shard.report["cases"]) < len(runs[1].report["cases"])
        made.append(str(own / "report.json"))
    return command(folder, "merge", *made, "--junit", "merged.xml", "--html", "merged.html")


@pytest.mark.long
@pytest.mark.together("workers")
def test_two_shards_that_are_merged_are_the_run_of_one(
    runs: Mapping[int, Run], merged: Run
) -> None:
    one = runs[1]
    assert merged.status == one.status == 1, merged.err
    assert sorted(judged(merged)) == sorted(judged(one))
    for key in ("verdict", "word", "why", "ledger", "failed", "interrupted", "target", "seed"):
        assert merged.report[key] == one.report[key], key
    assert merged.report["coverage"]["requirements"] == one.report["coverage"]["requirements"]
    assert "route/modify/study/asynchronous" in (merged.folder / "merged.html").read_text()
    assert "<failure" in (merged.folder / "merged.xml").read_text()


@pytest.mark.long
@pytest.mark.together("workers")
def test_what_is_not_of_one_run_is_not_merged(
    runs: Mapping[int, Run], merged: Run, tmp_path: Path
) -> None:
    first, second = (str(merged.folder / number / "report.json") for number in "12")
    whole = json.loads((merged.folder / "1" / "report.json").read_text())
    (tmp_path / "other.json").write_text(json.dumps({**whole, "seed": 4}))
    deeper = {**json.loads(Path(second).read_text()), "asked": {**whole["asked"], "examples": 7}}
    (tmp_path / "deeper.json").write_text(json.dumps(deeper))
    (tmp_path / "odd.json").write_text(json.dumps({**whole, "shard": [1]}))
    (tmp_path / "none.json").write_text("{}")
    for others, told in (
        ([first], "all shards of one run are needed, each once: there are 1/2"),
        ([first, first, second], "there are 1/2, 1/2, 2/2"),
        ([first, "other.json"], "are not of one run: seed differ"),
        ([first, "deeper.json"], "are not of one run: asked differ"),
        ([first, "odd.json"], "odd.json is not a JSON report of a run by this kit"),
        ([first, "none.json"], "none.json is not a JSON report of a run by this kit"),
    ):
        run = command(tmp_path, "merge", *others, report=False)
        assert (run.status, told in run.err) == (2, True), run.err
        assert "Traceback" not in run.err


def test_a_whole_run_in_two_parts_is_whole_again(on_reference: Run, tmp_path: Path) -> None:
    """What one part does not cover is missing only where the other does not cover it either."""
    whole = on_reference.report
    for number in (1, 2):
        part = json.loads(json.dumps(whole))
        part["shard"] = [number, 2]
        part["cases"] = whole["cases"][number - 1 :: 2]
        for name, covered in whole["covered"].items():
            part["covered"][name] = covered[number - 1 :: 2]
            part["coverage"][name]["missing"] = covered[2 - number :: 2]
        (tmp_path / f"{number}.json").write_text(json.dumps(part))
    run = command(tmp_path, "merge", "2.json", "1.json")
    assert run.status == 0, run.out + run.err
    assert judged(run) == judged(on_reference)
    assert run.report["coverage"] == whole["coverage"]
    assert run.report["whole"] is True
    part["coverage"]["cells"]["missing"] = [lost := whole["covered"]["cells"][0]]
    other = json.loads((tmp_path / "1.json").read_text())
    other["covered"]["cells"].remove(lost)
    other["coverage"]["cells"]["missing"].append(lost)
    for number, report in ((1, other), (2, part)):
        (tmp_path / f"{number}.json").write_text(json.dumps(report))
    run = command(tmp_path, "merge", "1.json", "2.json")
    assert (run.status, run.report["why"]) == (2, f"not covered: {lost}")


# --- how they end -------------------------------------------------------------------------------


@contextmanager
def running(
    folder: Path,
    asked: Sequence[str] = ("run", *(f"--suite={suite}" for suite in SHORT)),
    at_once: int = 2,
) -> Iterator[subprocess.Popen[bytes]]:
    """A run with two workers, and what spare ones come to them: ``at_once`` have begun."""
    (folder / "servers").mkdir()
    more = ("--workers", "2", "--workdir", "servers", "--json", "report.json")
    arguments = (*asked, *more, "--events", "events.ndjson")
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [*COMMAND, *arguments], cwd=folder, stdout=output, stderr=output, start_new_session=True
        )
    events = folder / "events.ndjson"
    try:
        until(lambda: len(workers_of(process.pid)) >= at_once, LONG)
        until(lambda: "CaseEnds" in events.read_text(encoding="utf-8"), LONG)
        yield process
    finally:
        process.kill()
        process.wait()


def processes() -> dict[int, int]:
    """All processes that have not ended, each with its parent."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                found[int(entry.name)] = int(parent)
    return found


def started_by(pid: int) -> set[int]:
    """The processes that a process has started, and those that they have."""
    found, new, parents = set[int](), {pid}, processes()
    while new:
        new = {child for child, parent in parents.items() if parent in new}
        found |= new
    return found


def workers_of(pid: int) -> list[int]:
    """The workers of a run: what its keepers have started, and has started something itself."""
    parents = processes()
    keepers = {child for child, parent in parents.items() if parent == pid}
    return [c for c, parent in parents.items() if parent in keepers and c in parents.values()]


def left(theirs: set[int], folder: Path) -> list[object]:
    return [*(theirs & processes().keys()), *(folder / "servers").iterdir()]


@pytest.mark.long
def test_an_interrupt_ends_all_of_them_and_reports_are_written(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        theirs = started_by(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(WITHIN) == 2
        assert left(theirs, tmp_path) == []
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["interrupted"], report["failed"]) == (True, None)
    assert report["cases"]
    assert b"Traceback" not in (tmp_path / "output").read_bytes()


def test_an_interrupt_ends_spare_workers_as_well(installed_orthanc: None, tmp_path: Path) -> None:
    """What stops an Orthanc is run by two workers more for each that was asked for."""
    with running(tmp_path, ("run", "orthanc", "--case", STOPS), at_once=6) as process:
        theirs = started_by(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(WITHIN) == 2
        assert left(theirs, tmp_path) == []
    assert json.loads((tmp_path / "report.json").read_text())["interrupted"] is True


@pytest.mark.long
def test_a_run_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        theirs = started_by(process.pid)
        process.kill()
        process.wait()
        until(lambda: left(theirs, tmp_path) == [], LONG)


@pytest.mark.long
def test_a_worker_that_is_killed_ends_the_run_and_that_is_told(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        theirs = started_by(process.pid)
        os.kill(workers_of(process.pid)[0], signal.SIGKILL)
        assert process.wait(LONG) == 2
    until(lambda: left(theirs, tmp_path) == [], LONG)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["failed"] == "a process that runs cases was ended from outside"
    assert report["verdict"] == "unknown"


def test_a_worker_that_has_ended_is_heard() -> None:
    """What it has told is why it has ended, though another lot was dealt to it meanwhile."""
    ours, theirs = Pipe()
    theirs.send(KitError("it cannot go on"))
    theirs.close()
    nothing: Any = None
    worker = Worker(nothing, ours)
    crew = Crew(nothing, nothing, nothing, [worker])
    crew._send(worker, None)
    with pytest.raises(KitError, match="it cannot go on"):
        crew._hear(0)
