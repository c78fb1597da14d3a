"""The cases of `route/`: which there are, what they tell apart, and what they leave behind."""

from __future__ import annotations

import io
import signal
import zipfile
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from conformance.marks import orthanc_id
from conformance.suites import SUITES
from conformance.suites.case import Case, Check
from conformance.suites.needs import EXCLUSIVE, EXPENDABLE, REMOVAL
from conformance.suites.route.calls import Request, calls
from conformance.suites.route.calls.archives import INDEX, check_archive
from conformance.suites.route.files import index_of, read_file
from conformance.suites.route.matrix import TYPES
from conformance.suites.route.samples import (
    Sample,
    _file,
    series_of,
    uid,
)
from conformance.sut import servers
from conformance.sut.client import Client
from conformance.sut.profile import NOT_THIS_VERSION, Profile
from spec.relaxations import Relaxation, Shortfall
from spec.requirements import CATALOGUE
from spec.table import ACTIONS
from spec.types import row
from tests.conformance.kit import Run, command
from tests.conformance.somebody import interrupted

FULL = Profile()
ORTHANC = Profile(version="1.10.1", implements=frozenset(), deletes=False)
POLITE = Profile(workers=None, history=None, exclusive=False, managed=False)
SAMPLE = Sample("number one", uid(), (uid(), uid()), (uid(), uid(), uid()))


def by_id(profile: Profile) -> dict[str, Case]:
    return {case.id: case for case in SUITES["route"].cases(profile)}


def own(profile: Profile) -> list[Case]:
    """Those that are not the cases of `action/` and `race/` once more."""
    return [case for case in by_id(profile).values() if isinstance(case, Check)]


# --- which there are ----------------------------------------------------------------------------


def test_every_call_is_made_in_both_modes_and_every_type_meets_every_action() -> None:
    found = by_id(FULL)
    for call in calls():
        modes = ("asynchronous", "synchronous") if row(call.type).waited else ("asynchronous",)
        assert {f"route/{call.name}/{mode}" for mode in modes} <= set(found)
    assert set(TYPES) <= {call.name for call in calls()}
    assert {call.type for call in calls()} == {c.type for c in calls() if c.name in TYPES} | {
        "OrthancPeerStore"
    }
    for name in TYPES:
        assert {found[f"route/{name}/{action}"].requirement for action in ACTIONS} == {
            f"route/{action}" for action in ACTIONS
        }


def test_every_requirement_of_the_section_that_can_be_reached_has_a_case_and_a_fault() -> None:
    section = {id for id, one in CATALOGUE.items() if one.section == "route"}
    assert section - {case.requirement for case in by_id(FULL).values()} == set()


def test_what_cannot_be_reached_says_why() -> None:
    profiles = (Profile(version=version) for version in ("1.12.7", "1.13.0"))
    one, other = ({case.id for case in own(each) if case.unreachable} for each in profiles)
    assert one & other == set()
    found = by_id(ORTHANC)
    assert found["route/archive/study/output-deleted"].unreachable == NOT_THIS_VERSION
    assert found["route/modify/several/asynchronous"].unreachable is None
    found = by_id(Profile(version="1.9.1", implements=frozenset()))
    assert found["route/modify/several/asynchronous"].unreachable == NOT_THIS_VERSION


def test_polite_cases_hold_no_worker_and_leave_no_job() -> None:
    found = by_id(POLITE)
    assert found["route/archive/study/asynchronous"].unreachable is None
    assert found["route/archive/study/waits"].unreachable == EXCLUSIVE.why
    assert found["route/archive/study/pause"].unreachable == EXCLUSIVE.why
    assert found["route/archive/nothing/asynchronous"].unreachable == EXPENDABLE.why
    assert found["route/store/instances/asynchronous"].unreachable == EXCLUSIVE.why
    keeps = Profile(workers=None, history=None, exclusive=False, managed=False, deletes=False)
    assert all(case.unreachable for case in own(keeps))
    assert by_id(keeps)["route/archive/study/asynchronous"].unreachable == REMOVAL.why


def test_a_case_fits_into_the_history_or_says_so() -> None:
    small = by_id(Profile(history=3))
    assert "JobsHistorySize" in (small["route/archive/study/pause"].unreachable or "")


# --- samples and archives ------------------------------------------------------------------------


def test_the_ids_are_those_of_orthanc() -> None:
    assert orthanc_id("p") == "516b9783-fca517ee-cbd1d064-da2d1653-10b19759"


@pytest.mark.parametrize("number", range(3))
def test_the_file_of_an_instance_names_it_alone(number: int) -> None:
    file = dcmread(io.BytesIO(_file(SAMPLE, number, {"PatientComments": "more"})))
    assert file.file_meta.MediaStorageSOPInstanceUID == SAMPLE.uids[number] == file.SOPInstanceUID
    assert file.SeriesInstanceUID == SAMPLE.series_uids[series_of(number)]
    assert (file.StudyInstanceUID, file.PatientID) == (SAMPLE.study_uid, SAMPLE.patient_id)
    assert (file.PatientComments, file.InstanceNumber) == ("more", number + 1)


def test_what_is_no_file() -> None:
    assert read_file(b"PK") is None
    assert index_of(b"PK") == []


class Listener:
    """A context that only keeps what was found."""

    def __init__(self) -> None:
        self.broken: list[str] = []

    def require(self, requirement: str, holds: bool, expected: str, actual: object) -> None:
        self.broken += [] if holds else [requirement]

    def binds(self, _: str) -> bool:
        return True

    def equal(self, requirement: str, what: str, expected: object, actual: object) -> None:
        self.require(requirement, expected == actual, what, actual)

    def deviates(self, requirement: str, expected: str, actual: str) -> None:
        self.broken.append(requirement)


def zipped(files: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return written.getvalue()


ONE, TWO = _file(SAMPLE, 0), _file(SAMPLE, 1)
IN = f"{SAMPLE.patient_id} orthancjobs route/ACC7 Study/OT Series 1 OT Series 2"
ASKED = Request("", {}, uids=frozenset(SAMPLE.uids[:2]), instances=2)


@pytest.mark.parametrize(
    ("files", "right"),
    [
        ({f"{IN}/OT1": ONE, f"{IN}/OT2": TWO}, True),
        ({f"{IN}/OT1": ONE}, False),
        ({f"{IN}/OT1": ONE, f"{IN}/OT2": ONE}, False),
        ({f"{IN}/OT1": ONE, f"{IN}/OT2": TWO, f"{IN}/OT3": TWO}, False),
        ({f"{IN}/OT1": ONE, f"{IN}/OT2": TWO, "readme": b"text"}, False),
        ({}, False),
    ],
)
def test_an_archive_holds_exactly_the_instances(files: dict[str, bytes], right: bool) -> None:
    context: Any = Listener()
    check_archive(context, ASKED, "Archive", zipped(files))
    assert context.broken[:1] == ([] if right else ["route/archive-output"])


@pytest.mark.parametrize(
    ("names", "broken"),
    [
        ((f"{IN}/OT1", f"{IN}/OT2"), []),
        ((f"{IN}/OT000001.dcm", f"{IN}/OT000002.dcm"), []),
        ((f"{IN}/OT1", f"{IN}/OT3"), ["route/archive-file-name"]),
        ((f"{IN}/OT1", f"{IN}/XY2"), ["route/archive-file-name"]),
        (("OT1", "OT2"), ["route/archive-layout"] * 2),
        ((f"{IN}/OT1", f"{IN.replace('ACC7', '')}/OT2"), ["route/archive-layout"]),
        ((f"{IN}/OT1", f"other/{IN}/OT2"), ["route/archive-layout"]),
    ],
)
def test_a_file_of_an_archive_stands_in_its_place(
    names: tuple[str, str], broken: list[str]
) -> None:
    context: Any = Listener()
    check_archive(context, ASKED, "Archive", zipped(dict(zip(names, (ONE, TWO), strict=True))))
    assert context.broken == broken


def test_an_archive_that_is_none_or_was_cut_is_reported() -> None:
    whole = zipped({"a": ONE, "b": TWO})
    for content in (b"", b"no archive", whole[:-30], whole[: len(whole) // 2]):
        context: Any = Listener()
        check_archive(context, ASKED, "Archive", content)
        assert context.broken == ["route/archive-output"]


def test_a_medium_needs_an_index_of_its_instances() -> None:
    context: Any = Listener()
    check_archive(context, ASKED, "Media", zipped({"a": ONE, "b": TWO, INDEX: b"none"}))
    assert context.broken == ["route/media-index"]


# --- on servers ----------------------------------------------------------------------------------


PAGES = ("/statistics", "/jobs", "/peers", "/modalities", "/patients")
PREFIXES = tuple(
    f"route/{name}"
    for name in ("archive/study", "archive/nothing", "modify/study", "merge/study", "retrieve")
)
CHOSEN = [word for prefix in PREFIXES for word in ("--case", prefix)]


def test_orthanc_deviates_in_what_has_a_name(without_ledger: Run) -> None:
    assert without_ledger.cases("unknown", of=PREFIXES) == {}
    deviations = without_ledger.cases("deviation", of=PREFIXES)
    found = {name: case["relaxations"] for name, case in deviations.items()}
    empty = [Shortfall.EMPTY_ARCHIVE_UNREADABLE.value]
    both, asked = (
        ("pause-cancel", "cancel-pause"),
        ("pause", "cancel", "pause-cancel", "cancel-pause"),
    )
    race, lost = "route/retrieve/studies/race", [Relaxation.CANCEL_LOST_TO_PAUSE.value]
    late = [Relaxation.REQUEST_LOST_ON_LAST_STEP.value]
    early = [Shortfall.ARCHIVE_ANSWERED_EARLY.value]
    assert found == {
        "route/archive/study/resubmit": [Shortfall.ARCHIVE_NOT_RESUBMITTED.value],
        **{f"route/archive/nothing/{action}": empty for action in ACTIONS},
        **{f"route/archive/study/waits/{done}": early for done in ("canceled", "paused")},
        **{f"{race}/{actions}/step-succeeds": lost for actions in both},
        **{f"{race}/{actions}/last-step-succeeds": late for actions in asked},
    }


@pytest.mark.long
@pytest.mark.parametrize("exclusive", [False, True])
def test_nothing_is_left_on_a_server_in_use(tmp_path: Path, exclusive: bool) -> None:
    with servers.reference() as server:
        client = Client(server.address)
        client.post("/tools/create-dicom", {"Tags": {"PatientID": "theirs"}})
        before = {page: client.get(page).json() for page in PAGES}
        more = ["--exclusive"] if exclusive else []
        run = command(tmp_path, "run", server.address.url, *CHOSEN, *more)
        assert run.status == 0, run.out + run.err
        assert len(run.cases("pass")) > 10
        assert run.report["cleanup"]["left"] == []
        assert {page: client.get(page).json() for page in PAGES} == before


@pytest.mark.long
@pytest.mark.parametrize("after", ["route/modify/study/waits", "route/retrieve/studies/pause"])
def test_an_interrupt_leaves_nothing_behind(tmp_path: Path, after: str) -> None:
    with servers.reference() as server:
        client = Client(server.address)
        before = {page: client.get(page).json() for page in PAGES}
        run, _ = interrupted(
            tmp_path, server.address.url, signal.SIGINT, after, "--exclusive", *CHOSEN
        )
        assert run.status == 2, run.out + run.err
        assert run.report["cleanup"]["left"] == []
        assert {page: client.get(page).json() for page in PAGES} == before
