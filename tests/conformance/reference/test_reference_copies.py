"""Modify, anonymize, split and merge, the results read with pydicom."""

from __future__ import annotations

import pytest

from tests.conformance.reference.harness import Server, busy_workers
from tests.conformance.reference.route_harness import (
    Study,
    below,
    dataset,
    refused,
    study,
    submit,
    succeeds,
)

IDENTIFIERS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


def test_modify_a_study(shared: Server) -> None:
    made = study(shared, 2, 1, patient="modify")
    sources = {str(dataset(shared, each).SOPInstanceUID) for each in made.instances}
    body = {"Replace": {"StudyDescription": "after"}, "Remove": ["0010,0030"]}
    answer = shared.call("POST", f"/studies/{made.id}/modify", body).json
    assert answer == {
        "Description": "REST API",
        "FailedInstancesCount": 0,
        "ID": answer["ID"],
        "InstancesCount": 3,
        "IsAnonymization": False,
        "Path": f"/studies/{answer['ID']}",
        "PatientID": made.patient,
        "Type": "Study",
    }
    copies = below(shared, answer["Path"])
    assert len(copies) == 3
    assert len({each.SeriesInstanceUID for each in copies}) == 2
    for copy in copies:
        assert (copy.StudyDescription, copy.PatientID) == ("after", "modify")
        assert "PatientBirthDate" not in copy
        assert copy.StudyInstanceUID != made.uid
        assert copy.SOPInstanceUID not in sources
        assert copy.file_meta.MediaStorageSOPInstanceUID == copy.SOPInstanceUID
    for source in below(shared, f"/studies/{made.id}"):
        assert (source.StudyDescription, source.PatientBirthDate) == ("before", "19700102")


def test_modify_a_series_and_a_patient(shared: Server) -> None:
    made = study(shared, 2, 1, patient="levels")
    series = next(iter(made.series))
    job = succeeds(shared, f"/series/{series}/modify", {"Replace": {"SeriesDescription": "x"}})
    assert job["Type"] == "ResourceModification"
    assert (job["Content"]["Type"], job["Content"]["InstancesCount"]) == ("Series", 2)
    copies = below(shared, job["Content"]["Path"])
    assert {each.StudyInstanceUID for each in copies} == {made.uid}

    path = f"/patients/{made.patient}/modify"
    refused(shared.call("POST", path, {"Replace": {"PatientName": "x"}}), 400, 8)
    refused(shared.call("POST", path, {"Replace": {"PatientID": "new"}}), 400, 8)
    body = {"Replace": {"PatientID": "levels 2"}, "Force": True}
    content = shared.call("POST", path, body).json
    assert (content["Type"], content["ID"]) == ("Patient", content["PatientID"])
    copies = below(shared, content["Path"])
    assert len(copies) == 5
    assert made.uid not in {each.StudyInstanceUID for each in copies}


def test_keep_source(shared: Server) -> None:
    made = study(shared, 1, patient="source")
    path = f"/studies/{made.id}/modify"
    content = shared.call("POST", path, {"KeepSource": False}).json
    assert content["InstancesCount"] == 1
    assert shared.call("GET", f"/studies/{made.id}").status == 404
    assert len(below(shared, content["Path"])) == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, 15),
        (b"[]", 400, 15),
        ({"Replace": []}, 400, 8),
        ({"Replace": {"NoTag": "x"}}, 500, 27),
        ({"Replace": {"PatientName": 5}}, 400, 5),
        ({"Replace": {"PatientID": "x"}}, 400, 8),
        ({"Keep": ["SeriesInstanceUID"]}, 400, 8),
        ({"Remove": "x"}, 400, 8),
        ({"KeepSource": 5}, 400, 15),
        ({"Priority": "x"}, 400, 15),
        ({"Asynchronous": 5}, 400, 15),
        ({"Transcode": "1.2.3"}, 400, 15),
    ],
)
def test_bad_modifications(shared: Server, body: object, status: int, code: int) -> None:
    made = study(shared, 1)
    before = shared.ids()
    refused(shared.call("POST", f"/studies/{made.id}/modify", body), status, code)
    refused(shared.call("POST", "/studies/nope/modify", {}), 404, 17)
    refused(shared.call("POST", f"/series/{made.id}/modify", {}), 404, 17)
    assert shared.ids() == before


def test_a_modification_that_fails(shared: Server) -> None:
    made = study(shared, 2)
    body = {"Replace": {"PatientID": "other"}, "Force": True}
    path = f"/studies/{made.id}/modify"
    job = submit(shared, path, body).becomes("Failure")
    assert job.standing() == ("Failure", 8, 0)
    assert "ID" not in job.read()["Content"]
    refused(shared.call("POST", path, body), 400, 8)


def test_sources_that_are_gone(shared: Server) -> None:
    made, other = study(shared, 1), study(shared, 1)
    calls: list[tuple[str, dict[str, object]]] = [
        (f"/studies/{made.id}/modify", {}),
        (f"/studies/{made.id}/anonymize", {}),
        (f"/studies/{made.id}/split", {"Series": list(made.series)}),
        (f"/studies/{other.id}/merge", {"Resources": [made.id]}),
    ]
    with busy_workers(shared, 2):
        jobs = [submit(shared, path, body) for path, body in calls]
        assert shared.call("DELETE", f"/studies/{made.id}").status == 200
    for job in jobs:
        assert job.becomes("Failure").standing() == ("Failure", 17, 0)
        assert job.read()["Content"]["FailedInstancesCount"] == 1


@pytest.mark.parametrize("level", ["patients", "studies", "series"])
def test_anonymize(shared: Server, level: str) -> None:
    made = study(
        shared, 2, 1, patient=f"anonymize-{level}", PatientSex="F", AccessionNumber="ACC-77"
    )
    series = next(iter(made.series))
    identifier = {"patients": made.patient, "studies": made.id, "series": series}[level]
    job = succeeds(shared, f"/{level}/{identifier}/anonymize", {})
    content = job["Content"]
    assert job["Type"] == "ResourceModification"
    assert content["IsAnonymization"] is True
    sources = {
        str(each[keyword].value)
        for each in below(shared, f"/studies/{made.id}")
        for keyword in IDENTIFIERS
    }
    copies = below(shared, content["Path"])
    assert len(copies) == content["InstancesCount"]
    for copy in copies:
        assert copy.PatientIdentityRemoved == "YES"
        assert str(copy.PatientName).startswith("Anonymized")
        assert not {str(copy[keyword].value) for keyword in IDENTIFIERS} & sources
        assert copy.SOPClassUID == "1.2.840.10008.5.1.4.1.1.7"
        text = str(copy)
        for word in ("Doe", "19700102", "before", "anonymize-", "ACC-77", "PatientSex"):
            assert word not in text
    assert len({each.StudyInstanceUID for each in copies}) == 1


def test_anonymize_keeps_what_it_is_told_to(shared: Server) -> None:
    made = study(shared, 1)
    body = {"Keep": ["StudyDescription"], "Replace": {"PatientName": "Zed"}, "KeepSource": False}
    content = shared.call("POST", f"/studies/{made.id}/anonymize", body).json
    (copy,) = below(shared, content["Path"])
    assert (copy.StudyDescription, copy.PatientName) == ("before", "Zed")
    assert shared.call("GET", f"/studies/{made.id}").status == 404


def test_bulk_forms(shared: Server) -> None:
    first, second = study(shared, 2, patient="bulk 1"), study(shared, 1, patient="bulk 2")
    listed = {"Resources": [first.id, second.id]}
    body = {**listed, "Replace": {"StudyDescription": "x"}, "Level": "Study"}
    content = shared.call("POST", "/tools/bulk-modify", body).json
    kinds = [each["Type"] for each in content["Resources"]]
    assert kinds == ["Instance"] * 3 + ["Series"] * 2 + ["Study"] * 2 + ["Patient"] * 2
    patients = {each["ID"] for each in content["Resources"] if each["Type"] == "Patient"}
    assert patients == {first.patient, second.patient}
    for each in content["Resources"]:
        assert shared.call("GET", each["Path"]).status == 200

    job = succeeds(shared, "/tools/bulk-anonymize", listed)
    assert job["Content"]["IsAnonymization"] is True
    assert not {each["ID"] for each in job["Content"]["Resources"]} & patients
    empty = succeeds(shared, "/tools/bulk-anonymize", {"Resources": []})
    assert empty["Content"]["Resources"] == []
    refused(shared.call("POST", "/tools/bulk-modify", {"Resources": ["nope"]}), 404, 17)
    refused(shared.call("POST", "/tools/bulk-modify", {}), 400, 15)
    refused(shared.call("POST", "/tools/bulk-modify", {**listed, "Level": "x"}), 400, 3)


def test_split(shared: Server) -> None:
    made = study(shared, 2, 1, 1, patient="split")
    first, second, third = made.series
    path = f"/studies/{made.id}/split"
    body = {"Series": [first], "Replace": {"PatientName": "Zed"}, "Remove": ["StudyDescription"]}
    content = shared.call("POST", path, body).json
    assert content == {
        "Description": "REST API",
        "FailedInstancesCount": 0,
        "InstancesCount": 2,
        "TargetStudy": content["TargetStudy"],
        "TargetStudyUID": content["TargetStudyUID"],
    }
    assert shared.call("GET", f"/studies/{made.id}").json["Series"] == [second, third]
    copies = below(shared, f"/studies/{content['TargetStudy']}")
    assert len(copies) == 2
    for copy in copies:
        assert copy.StudyInstanceUID == content["TargetStudyUID"] != made.uid
        assert (copy.PatientID, copy.PatientName) == ("split", "Zed")
        assert "StudyDescription" not in copy

    job = succeeds(shared, path, {"Instances": made.series[second], "KeepSource": True})
    assert job["Type"] == "SplitStudy"
    assert shared.call("GET", f"/studies/{made.id}").json["Series"] == [second, third]
    for bad, status, code in (
        ({"Series": []}, 400, 8),
        ({}, 400, 8),
        ({"Series": "x"}, 400, 15),
        ({"Series": ["nope"]}, 404, 17),
        ({"Series": list(study(shared, 1).series)}, 404, 17),
    ):
        refused(shared.call("POST", path, bad), status, code)
    refused(shared.call("POST", "/studies/nope/split", {"Series": []}), 404, 17)


def test_merge(shared: Server) -> None:
    target = study(shared, 1, patient="merge", StudyDescription="target")
    source = study(shared, 2, 1, patient="merge 2")
    first, second = source.series
    path = f"/studies/{target.id}/merge"
    content = shared.call("POST", path, {"Resources": [first]}).json
    assert content == {
        "Description": "REST API",
        "FailedInstancesCount": 0,
        "InstancesCount": 2,
        "TargetStudy": target.id,
    }
    assert shared.call("GET", f"/studies/{source.id}").json["Series"] == [second]
    merged = below(shared, f"/studies/{target.id}")
    assert len(merged) == 3
    assert len({each.SeriesInstanceUID for each in merged}) == 2
    assert {(each.PatientID, each.StudyDescription) for each in merged} == {("merge", "target")}

    assert succeeds(shared, path, {"Resources": [source.id]})["Type"] == "MergeStudy"
    assert shared.call("GET", f"/studies/{source.id}").status == 404
    assert len(shared.call("GET", f"/studies/{target.id}").json["Series"]) == 3
    assert succeeds(shared, path, {"Resources": []})["Content"]["InstancesCount"] == 0
    for bad, status, code in (
        ({}, 400, 15),
        ({"Resources": ["nope"]}, 404, 17),
        ({"Resources": [target.id]}, 404, 17),
        ({"Resources": target.instances}, 404, 17),
        ({"Resources": [target.patient]}, 404, 17),
    ):
        refused(shared.call("POST", path, bad), status, code)
    refused(shared.call("POST", "/studies/nope/merge", {"Resources": []}), 404, 17)


def calls_of_all_types(made: Study, other: Study) -> dict[str, tuple[str, dict[str, object]]]:
    return {
        "ResourceModification": (f"/studies/{made.id}/modify", {}),
        "SplitStudy": (
            f"/studies/{made.id}/split",
            {"Series": list(made.series), "KeepSource": True},
        ),
        "MergeStudy": (
            f"/studies/{made.id}/merge",
            {"Resources": [other.id], "KeepSource": True},
        ),
        "Archive": (f"/studies/{made.id}/archive", {}),
        "Media": (f"/studies/{made.id}/media", {}),
    }


def test_every_type_goes_through_the_same_states(shared: Server) -> None:
    made, other = study(shared, 2), study(shared, 1)
    with busy_workers(shared, 2):
        jobs = {
            kind: submit(shared, path, body, priority=3)
            for kind, (path, body) in calls_of_all_types(made, other).items()
        }
        for kind, job in jobs.items():
            read = job.read()
            assert (read["Type"], read["State"], read["Priority"]) == (kind, "Pending", 3)
            assert "CompletionTime" not in read
            assert (job.act("resume").status, job.act("resubmit").status) == (400, 400)
            assert job.accepts("pause").standing() == ("Paused", 0, 0)
            assert job.act("resubmit").status == 400
            assert job.accepts("cancel").standing() == ("Failure", 37, 0)
            assert job.accepts("resubmit", "pause").state == "Paused"
            job.accepts("resume")
    for job in jobs.values():
        assert job.becomes("Success").standing() == ("Success", 0, 100)
        assert job.accepts("cancel", "pause").state == "Success"
        assert (job.act("resume").status, job.act("resubmit").status) == (400, 400)
