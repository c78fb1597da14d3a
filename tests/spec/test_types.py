"""The table of types, against what servers were seen to show, written down by hand."""

from __future__ import annotations

import pytest

from conformance.suites.route.calls import calls
from spec import types
from spec.relaxations import Shortfall
from spec.requirements import version_key
from spec.table import Ground, State
from spec.types import CALLS, OTHER, ROWS, Gate, Moment, Progress, moment, row

# The types that the page's list of calls makes, as Orthanc names them.
OF_THE_PAGE = {
    "OrthancPeerStore", "DicomModalityStore", "DicomMoveScu", "Archive", "Media",
    "ResourceModification", "SplitStudy", "MergeStudy", "PushTransfer", "PullTransfer",
}  # fmt: skip

# Content, read from a server: its version, the Type, the moment, the fields.
SHOWN = """
1.9.1  OrthancPeerStore     unrun    Compress Description FailedInstancesCount InstancesCount ParentResources Peer Size SizeMB
1.13.0 OrthancPeerStore     success  Compress Description FailedInstancesCount InstancesCount ParentResources Peer Resources Size SizeMB
1.10.1 DicomModalityStore   failure  Description FailedInstancesCount InstancesCount LocalAet ParentResources RemoteAet
1.13.0 DicomModalityStore   paused   Description FailedInstancesCount InstancesCount LocalAet ParentResources RemoteAet Resources
1.10.1 DicomMoveScu         running  Description LocalAet Query RemoteAet
1.13.0 DicomMoveScu         success  Description Details LocalAet Query RemoteAet TargetAet
1.12.7 DicomGetScu          success  Description LocalAet Query RemoteAet
1.9.1  Archive              success  ArchiveSizeMB Description InstancesCount UncompressedSizeMB
1.10.1 Archive              unrun    ArchiveSize ArchiveSizeMB Description InstancesCount UncompressedSize UncompressedSizeMB
1.13.0 Media                success  ArchiveSize ArchiveSizeMB Description InstancesCount UncompressedSize UncompressedSizeMB Utf8
1.9.1  ResourceModification unrun    Description FailedInstancesCount InstancesCount IsAnonymization
1.9.1  ResourceModification success  ID Path PatientID Type
1.10.1 ResourceModification success  Description FailedInstancesCount ID InstancesCount IsAnonymization Path PatientID Type
1.10.1 ResourceModification running  Description FailedInstancesCount ID InstancesCount IsAnonymization Path PatientID Type
1.12.7 ResourceModification success  Description FailedInstancesCount InstancesCount IsAnonymization ParentResources Resources
1.12.7 ResourceModification unrun    Description FailedInstancesCount InstancesCount IsAnonymization ParentResources Resources
1.13.0 ResourceModification failure  Description FailedInstancesCount InstancesCount IsAnonymization ParentResources Resources
1.9.1  SplitStudy           unrun    Description FailedInstancesCount InstancesCount TargetStudyUID
1.10.1 SplitStudy           success  Description FailedInstancesCount InstancesCount TargetStudy TargetStudyUID
1.10.1 MergeStudy           failure  Description FailedInstancesCount InstancesCount TargetStudy
1.10.1 PushTransfer         unrun
1.10.1 PushTransfer         success  Compression CompletedHttpQueries NetworkSpeedKBs Peer Resources TotalInstances TotalSizeMB UploadedSizeMB
1.10.1 PullTransfer         success  Compression Peer Resources
1.10.1 SequenceOfOperations success  CountOperations Description
1.10.1 StorageCommitmentScp success  CalledAet Description RemoteAet TransactionUid
1.10.1 SomePlugin'sJob      success  whatever it likes
"""  # noqa: E501
READINGS = [line.split() for line in SHOWN.strip().splitlines()]


@pytest.mark.parametrize(("version", "type", "when", "fields"), [(*r[:3], r[3:]) for r in READINGS])
def test_what_a_server_shows_is_in_the_table(
    version: str, type: str, when: str, fields: list[str]
) -> None:
    known, now = row(type), Moment[when.upper()]
    assert known.missing(fields, now) == frozenset()
    if now is Moment.UNRUN:
        assert known.early(fields) == frozenset()
    if known.type != OTHER:
        assert set(fields) <= known.fields
        assert version in known.source.measured


@pytest.mark.parametrize(("type", "without"), [
    ("OrthancPeerStore", "Peer"), ("DicomMoveScu", "Query"), ("Archive", "ArchiveSizeMB"),
    ("SplitStudy", "TargetStudy"), ("MergeStudy", "TargetStudy"),
])  # fmt: skip
def test_a_field_that_is_not_there_is_missing(type: str, without: str) -> None:
    (form,) = row(type).must(Moment.SUCCESS)
    assert row(type).missing(form - {without}, Moment.SUCCESS) == {without}
    assert row(type).missing((), Moment.SUCCESS) == form


def test_a_modification_shows_one_form_of_its_result() -> None:
    known = row("ResourceModification")
    assert known.missing(["Resources"], Moment.SUCCESS) == frozenset()
    assert known.missing(["ID", "Path", "Type"], Moment.SUCCESS) in ({"PatientID"}, {"Resources"})
    assert known.missing(["Description"], Moment.FAILURE) == frozenset()


def test_a_result_is_not_there_before_the_job_ran() -> None:
    assert row("SplitStudy").early(["Description", "TargetStudy"]) == {"TargetStudy"}
    assert row("MergeStudy").early(["Description", "TargetStudy"]) == frozenset()
    assert row("ResourceModification").early(["ID", "Resources"]) == {"ID"}


def test_the_tables_are_about_the_same_types() -> None:
    tables = (types.CALLS, types.RUN, types.CONTENT, types.SOURCES, types.SHORT)
    assert all(list(table) == list(CALLS) for table in tables)
    assert all(known.type == type for type, known in ROWS.items())
    assert {type for type, known in ROWS.items() if known.source.ground is Ground.DOCUMENTED} == (
        OF_THE_PAGE
    )


def test_each_call_of_the_suites_makes_a_type_of_the_table_and_shows_its_result() -> None:
    for call in calls():
        assert call.type in {*OF_THE_PAGE, "DicomGetScu"}, call.name
        known = row(call.type)
        if not call.empty:
            shown = {*call.shows, *known.content.given, *known.content.counted}
            assert known.missing(shown, Moment.SUCCESS) == frozenset(), call.name
            assert set(call.shows) <= known.fields, call.name


def test_a_call_says_since_when_it_makes_the_type() -> None:
    since = {call.path: call.since for calls in CALLS.values() for call in calls if call.since}
    assert since["POST /tools/bulk-modify"] == "1.9.4"
    assert all(version_key(version) > version_key("1.5.6") for version in since.values())
    assert row("OrthancPeerStore").calls[0] == types.Call("POST /peers/{id}/store")


def test_of_another_type_nothing_is_known_but_what_is_true_of_all_jobs() -> None:
    other = row("DicomWebStowClient")
    assert other is ROWS[OTHER] is row("")
    assert other.run.progress is Progress.FREE
    assert other.run.whole is None
    assert other.must(Moment.SUCCESS) == (frozenset(),)
    assert not other.calls


def test_what_the_kit_can_hold_and_what_it_cannot() -> None:
    held = {type for type, known in ROWS.items() if known.run.gate is not Gate.NOBODY}
    assert held == OF_THE_PAGE - {
        "Archive", "Media", "ResourceModification", "SplitStudy", "MergeStudy"
    } | {"DicomGetScu", "SequenceOfOperations"}  # fmt: skip


def test_progress_is_predicted_bounded_or_free() -> None:
    by_kind = {
        kind: {type for type, known in ROWS.items() if known.run.progress is kind}
        for kind in Progress
    }
    assert by_kind[Progress.STEPS] == {"OrthancPeerStore", "DicomModalityStore"}
    assert by_kind[Progress.FREE] == {OTHER}
    assert {type for type, known in ROWS.items() if known.run.whole is not True} == (
        by_kind[Progress.FREE]
    )


def test_only_archives_and_media_have_an_output() -> None:
    assert {type: known.run.outputs for type, known in ROWS.items() if known.run.outputs} == {
        "Archive": ("archive",), "Media": ("archive",)
    }  # fmt: skip


def test_a_row_states_what_the_page_says_and_names_who_falls_short() -> None:
    assert row("Archive").run.saved is True
    assert Shortfall.ARCHIVE_NOT_SAVED in row("Archive").short
    assert Shortfall.RETRIEVE_PROGRESS_FALLS in row("DicomMoveScu").short
    assert row("OrthancPeerStore").short == frozenset()


@pytest.mark.parametrize(("state", "ran", "when"), [
    (State.PENDING, False, Moment.UNRUN),
    (State.PAUSED, False, Moment.UNRUN),
    (State.FAILURE, False, Moment.UNRUN),
    (State.PENDING, True, Moment.RUNNING),
    (State.RUNNING, True, Moment.RUNNING),
    (State.PAUSED, True, Moment.PAUSED),
    (State.FAILURE, True, Moment.FAILURE),
    (State.SUCCESS, True, Moment.SUCCESS),
    (State.SUCCESS, False, Moment.SUCCESS),
])  # fmt: skip
def test_the_moment_of_a_reading(state: State, ran: bool, when: Moment) -> None:
    assert moment(state, ran) is when
