"""The main job, end to end: on the reference server and on a real Orthanc."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from conformance.suites.needs import RETRY_BY_C_STORE
from conformance.sut.profile import NOT_OFFERED, NOT_THIS_VERSION
from spec.relaxations import Relaxation, Shortfall
from spec.requirements import CATALOGUE, Bound, applies
from tests.conformance.kit import Run, command

pytestmark = pytest.mark.apart
AT_ONCE = 3  # replays: most of the time they wait for an Orthanc to end
# What Debian 12's Orthanc 1.10.1 is known for: docs/findings.md.
KNOWN = {
    Relaxation.CANCEL_LOST_TO_PAUSE,
    Relaxation.REQUEST_LOST_ON_LAST_STEP,
    Relaxation.TIES_UNORDERED,
    Shortfall.ARCHIVE_ANSWERED_EARLY,
    Shortfall.ARCHIVE_NOT_RESUBMITTED,
    Shortfall.ARCHIVE_NOT_SAVED,
    Shortfall.COPIES_DOUBLED,
    Shortfall.EMPTY_ARCHIVE_UNREADABLE,
    Shortfall.MODIFICATION_NOT_RESUBMITTED,
    Shortfall.MODIFICATION_RESULT_LOST,
    Shortfall.OPERATIONS_PROGRESS_FALLS,
    Shortfall.OPERATIONS_SUCCEED_BELOW_100,
    Shortfall.OPERATION_BLOCKS_CALLS,
    Shortfall.OPERATION_FAILURE_IGNORED,
    Shortfall.PENDING_TIME_COUNTED,
    Shortfall.REQUEST_LOST_AT_STOP,
    Shortfall.RESUBMIT_LOST_AT_RESTART,
}
NOT_ON_THE_REFERENCE = {NOT_OFFERED, NOT_THIS_VERSION, RETRY_BY_C_STORE.why}


def test_the_reference_server_conforms_without_a_ledger(on_reference: Run) -> None:
    report = on_reference.report
    assert on_reference.status == 0, on_reference.out
    assert report["verdict"] == "conforms"
    assert report["target"] == {"name": "reference", "version": "1.5.6", "kind": "reference"}
    assert report["ledger"] == {"file": None, "accepts": [], "used": [], "stale": []}
    for section, total in (("cells", 24), ("edges", 15)):
        assert report["coverage"][section] == {
            "covered": total,
            "reachable": total,
            "total": total,
            "missing": [],
            "unreachable": [],
        }
    assert {c["verdict"] for c in report["cases"]} == {"pass", "skipped"}
    reasons = {c["reason"] for c in on_reference.cases("skipped").values()}
    assert reasons == NOT_ON_THE_REFERENCE
    assert report["cleanup"]["left"] == []


def test_the_summary_is_the_last_thing_that_is_printed(on_reference: Run) -> None:
    assert on_reference.out.rstrip().splitlines()[-1].startswith("conforms reference 1.5.6")


def counted(run: Run) -> tuple[int, int]:
    """How many cases were announced, and how many were told of in the last line."""
    announced = re.search(r": (\d+) cases?, ", run.out.splitlines()[0])
    assert announced is not None
    told = run.out.splitlines()[-1].rpartition(": ")[2]
    return int(announced[1]), sum(map(int, re.findall(r"\d+", told)))


def test_as_many_cases_are_told_as_were_announced(on_reference: Run) -> None:
    announced, told = counted(on_reference)
    assert announced == told == len(on_reference.report["cases"])


def test_what_the_search_finds_besides_is_told_with_its_case(without_ledger: Run) -> None:
    announced, told = counted(without_ledger)
    cases = without_ledger.report["cases"]
    assert announced == told == sum("part_of" not in case for case in cases) < len(cases)


def test_the_denominator_is_the_catalogue_of_the_version(on_orthanc: Run) -> None:
    report = on_orthanc.report
    version = report["target"]["version"]
    servers = {id: one for id, one in CATALOGUE.items() if one.binds is Bound.SERVER}
    bound = {id for id, one in servers.items() if applies(one, version)}
    found = report["coverage"]["requirements"]
    assert found["total"] == len(bound)
    assert f" of {len(bound)} requirements (managed; " in on_orthanc.out.splitlines()[-1]
    assert {one["id"] for one in found["unreachable"]} <= bound
    assert found["covered"] == found["reachable"] == found["total"] - len(found["unreachable"])


def test_the_summary_names_orthanc(on_orthanc: Run) -> None:
    assert on_orthanc.out.rstrip().splitlines()[-1].startswith("conforms orthanc ")


def test_a_case_tells_how_long_it_has_waited_for_its_server(on_orthanc: Run) -> None:
    """By that it is chosen what takes no worker's place: an Orthanc takes seconds to stop."""
    cases = {case["id"]: case for case in on_orthanc.report["cases"]}
    stops = [case for id, case in cases.items() if id.startswith("persist/stop/")]
    stops = [case for case in stops if case["verdict"] != "skipped"]
    assert len(stops) > 20
    assert all(0.1 < case["waited"] < case["seconds"] for case in stops)
    assert sum(case["waited"] for case in stops) > 1.0 * len(stops)
    assert cases["persist/kill/settled"]["waited"] > 10  # until all is saved
    scripts = "route/autorouting/"  # whose jobs linger, to see whether more is sent
    search = "search/"  # which restarts its server now and then
    others = ("persist/", scripts, search)
    assert all(id.startswith(others) for id in cases if "waited" in cases[id])
    assert cases[f"{scripts}instances/sent"]["waited"] > 4


def test_orthanc_conforms_with_its_ledger(on_orthanc: Run) -> None:
    report = on_orthanc.report
    assert on_orthanc.status == 0, on_orthanc.out
    assert report["verdict"] == "conforms"
    assert report["ledger"]["file"] == "ledgers/orthanc.json"
    assert set(report["ledger"]["used"]) == KNOWN
    assert report["ledger"]["stale"] == []
    accepted = on_orthanc.cases("accepted")
    assert {r for c in accepted.values() for r in c["relaxations"]} == KNOWN
    assert all(c["reason"] for c in accepted.values())


def test_orthanc_without_a_ledger_deviates_in_exactly_what_is_known(without_ledger: Run) -> None:
    assert without_ledger.status == 1, without_ledger.out
    deviations = without_ledger.cases("deviation")
    assert {r for c in deviations.values() for r in c["relaxations"]} == KNOWN
    for case in deviations.values():
        assert case["relaxations"], case
        assert (without_ledger.folder / case["replay"]).is_file()
        assert case["requirement"] in CATALOGUE
        assert case["actual"] not in case["expected"]
    assert without_ledger.cases("unknown", "accepted") == {}


def test_all_is_covered_but_retry(on_orthanc: Run) -> None:
    coverage = on_orthanc.report["coverage"]
    for section, reachable, total in (("cells", 20, 24), ("edges", 11, 15)):
        found = coverage[section]
        assert (found["covered"], found["reachable"], found["total"]) == (
            reachable,
            reachable,
            total,
        )
        assert found["missing"] == []
        assert len(found["unreachable"]) == 4
        assert all("retry" in one["id"] and one["why"] for one in found["unreachable"])
    assert coverage["requirements"]["missing"] == []


def test_the_replay_of_each_deviation_shows_it_again(without_ledger: Run) -> None:
    by_relaxation = {
        c["relaxations"][0]: c["replay"] for c in without_ledger.cases("deviation").values()
    }
    assert set(by_relaxation) == KNOWN

    def replayed(file: str) -> Run:
        return command(without_ledger.folder, "replay", file, "orthanc", report=False)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for again in pool.map(replayed, by_relaxation.values()):
            assert again.status == 1, again.out
            assert "reproduced" in again.out


def test_a_replay_of_what_the_server_does_not_do_ends_with_0(without_ledger: Run) -> None:
    file = without_ledger.cases("deviation")["race/pause/last-step-succeeds"]["replay"]
    again = command(without_ledger.folder, "replay", file, "reference", report=False)
    assert again.status == 0, again.out
    assert "reproduced" not in again.out


def test_a_replay_file_can_be_read(without_ledger: Run) -> None:
    file = without_ledger.cases("deviation")["race/pause/last-step-succeeds"]["replay"]
    found = json.loads((without_ledger.folder / file).read_text())
    assert [(s["do"], s.get("job")) for s in found["steps"]] == [
        ("submit", "A"),
        ("succeed", "A"),
        ("succeed", "A"),
        ("pause", "A"),
        ("succeed", "A"),
    ]
    assert found["config"] == {"ConcurrentJobs": 2, "JobsHistorySize": 10}
    assert found["deviation"]["requirement"] == "race/pause/last-step-succeeds"
    assert found["deviation"]["actual"] == "Success, ErrorCode 0, Progress 100"


def test_the_search_shrinks_what_it_finds(without_ledger: Run) -> None:
    """The shortest run that loses a request: one job of one step, one request, one reply."""
    found = without_ledger.cases("deviation")["search/stateful/request-lost-on-last-step"]
    steps = json.loads((without_ledger.folder / found["replay"]).read_text())["steps"]
    assert len(steps) == 3
    assert steps[0]["do"] == "submit"
    assert steps[1]["do"] in ("pause", "cancel")
    assert steps[2]["do"] == "succeed"


def test_a_replay_that_needs_another_configuration_cannot_be_judged(
    without_ledger: Run, orthanc: Any
) -> None:
    file = without_ledger.cases("deviation")["schedule/workers-3/ties"]["replay"]
    url = orthanc.address.url
    again = command(without_ledger.folder, "replay", file, url, "--exclusive", report=False)
    assert again.status == 2
    assert "ConcurrentJobs 3" in again.err


def test_the_event_log_tells_the_run(on_reference: Run) -> None:
    lines = (on_reference.folder / "events.ndjson").read_text().splitlines()
    events = [json.loads(line)["event"] for line in lines]
    assert events[0] == "Started"
    assert events[-1] == "Ended"
    assert (
        events.count("CaseBegins") == events.count("CaseEnds") == len(on_reference.report["cases"])
    )


def test_the_same_seed_gives_the_same_sequences(installed_orthanc: None, tmp_path: Any) -> None:
    counts = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        run = command(
            folder, "run", "orthanc", "--suite", "search", "--examples", "20", "--seed", "7"
        )
        counts.append((run.report["statistics"]["actions"], sorted(run.cases("accepted"))))
    assert counts[0] == counts[1]


# --- the ledger ---------------------------------------------------------------------------------


def test_an_entry_that_nothing_needs_any_more_is_stale(tmp_path: Any) -> None:
    entry = {
        "relaxation": "request-lost-on-last-step",
        "reason": "It was so once.",
        "reference": "a test",
        "cases": ["race/pause/last-step-succeeds", "race/cancel/last-step-succeeds"],
    }
    (tmp_path / "ledger.json").write_text(json.dumps({"schema": 1, "entries": [entry]}))
    arguments = ("run", "reference", "--ledger", "ledger.json")
    whole = [word for case in entry["cases"] for word in ("--case", case)]
    run = command(tmp_path, *arguments, *whole)
    assert run.status == 1
    assert run.report["ledger"]["stale"] == ["request-lost-on-last-step"]
    last = run.out.splitlines()[-1]
    assert last.startswith("stale-ledger reference 1.5.6, judged ")
    assert (
        "no case needs the entry request-lost-on-last-step of the ledger any more: take it out"
        in last
    )
    part = command(tmp_path, *arguments, *whole[:2])
    assert part.status == 0, "not all of its cases ran, so nothing is known"
    assert part.report["ledger"]["stale"] == []


def test_a_ledger_accepts_no_more_than_it_names(installed_orthanc: None, tmp_path: Any) -> None:
    entry = {
        "relaxation": "cancel-lost-to-pause",
        "reason": "A reason.",
        "reference": "a test",
        "cases": ["race/pause-cancel/step-succeeds"],
    }
    (tmp_path / "ledger.json").write_text(json.dumps({"schema": 1, "entries": [entry]}))
    needing = ("--case", "race/pause", "--case", "race/cancel")  # no other case of races needs one
    run = command(tmp_path, "run", "orthanc", "--ledger", "ledger.json", *needing)
    assert run.status == 1
    assert {r for c in run.cases("deviation").values() for r in c["relaxations"]} == {
        "request-lost-on-last-step"
    }
    assert {r for c in run.cases("accepted").values() for r in c["relaxations"]} == {
        "cancel-lost-to-pause"
    }
