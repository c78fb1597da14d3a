"""Archives and media: the calls, the jobs, and what is in the files, by zipfile and pydicom."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pydicom
import pytest
from pydicom.fileset import FileSet

from tests.conformance.reference.harness import Server, busy_workers
from tests.conformance.reference.route_harness import names, refused, study, submit, succeeds, uids

LEVELS = ("patients", "studies", "series")


@pytest.mark.parametrize("word", ["archive", "media"])
@pytest.mark.parametrize("level", LEVELS)
def test_of_one_resource(shared: Server, level: str, word: str) -> None:
    made = study(shared, 2, 1, patient=f"{level}-{word}")
    series = next(iter(made.series))
    identifier = {"patients": made.patient, "studies": made.id, "series": series}[level]
    count = 2 if level == "series" else 3
    path = f"/{level}/{identifier}/{word}"

    waited = shared.call("POST", path, {})
    assert waited.status == 200
    assert waited.headers["Content-Type"] == "application/zip"
    assert waited.headers["Content-Disposition"] == f'filename="{identifier}.zip"'
    assert len(uids(waited.body)) == count
    assert uids(shared.call("GET", path).body) == uids(waited.body)

    job = submit(shared, path, {}, priority=-4).becomes("Success")
    described = job.read()
    assert (described["Type"], described["Priority"]) == (word.title(), -4)
    fetched = shared.call("GET", f"/jobs/{job.id}/archive")
    assert uids(fetched.body) == uids(waited.body)
    sizes = [shared.call("GET", f"/instances/{each}").json["FileSize"] for each in made.instances]
    assert described["Content"] == {
        "ArchiveSize": str(len(fetched.body)),
        "ArchiveSizeMB": 0,
        "Description": "REST API",
        "InstancesCount": count,
        "UncompressedSize": str(sum(sizes[:count])),
        "UncompressedSizeMB": 0,
    }


def test_layout_of_an_archive(shared: Server) -> None:
    made = study(shared, 2, 1, patient="layout", StudyDescription="brain/../x")
    archive = shared.call("POST", f"/studies/{made.id}/archive", {}).body
    assert sorted(names(archive)) == [
        "layout Doe Jane/brain..x/CT-2/CT000000.dcm",
        "layout Doe Jane/brain..x/CT/CT000000.dcm",
        "layout Doe Jane/brain..x/CT/CT000001.dcm",
    ]


def test_a_medium_can_be_read_by_its_index(shared: Server, tmp_path: Path) -> None:
    first, second = study(shared, 2, 1, patient="medium"), study(shared, 1, patient="medium 2")
    body = {"Resources": [first.patient, second.id, first.instances[0]]}
    archive = shared.call("POST", "/tools/create-media", body).body
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        opened.extractall(tmp_path)
    indexed = FileSet(tmp_path / "DICOMDIR")
    assert len(indexed) == 4
    assert {str(each.SOPInstanceUID) for each in indexed} == uids(archive)
    assert set(indexed.find_values("PatientID")) == {"medium", "medium 2"}
    for each in indexed:
        assert pydicom.dcmread(each.path).SOPInstanceUID == each.SOPInstanceUID


@pytest.mark.parametrize("word", ["archive", "media"])
def test_of_several_resources(shared: Server, word: str) -> None:
    made = study(shared, 2, 1, patient=f"several-{word}")
    path = f"/tools/create-{word}"
    for body in (made.instances[:2], {"Resources": made.instances[:2]}):
        assert len(uids(shared.call("POST", path, body).body)) == 2
    everything = [made.patient, made.id, *made.instances]
    assert len(uids(shared.call("POST", path, everything).body)) == 3
    assert uids(shared.call("POST", path, []).body) == set()
    nothing = succeeds(shared, path, {"Resources": []})
    assert (nothing["Content"]["InstancesCount"], nothing["Progress"]) == (0, 100)
    refused(shared.call("POST", path, {"Resources": ["nope"]}), 404, 17)
    refused(shared.call("POST", path, {"Resources": ["nope"], "Asynchronous": True}), 404, 17)
    refused(shared.call("POST", path, {"Resources": "nope"}), 400, 15)
    refused(shared.call("POST", path, {}), 400, 15)
    assert shared.call("GET", path).status == 405


@pytest.mark.parametrize(
    "body",
    [b"", b"x", {"Synchronous": 1}, {"Priority": "x"}, {"Priority": 1.5, "Asynchronous": True}],
)
def test_bad_bodies(shared: Server, body: object) -> None:
    made = study(shared, 1)
    before = shared.ids()
    refused(shared.call("POST", f"/studies/{made.id}/archive", body), 400, 15)
    refused(shared.call("POST", "/studies/nope/archive", {}), 404, 17)
    assert shared.ids() == before


def test_output_of_a_job(shared: Server) -> None:
    made = study(shared, 2)
    with busy_workers(shared, 2):
        job = submit(shared, f"/studies/{made.id}/archive", {})
        refused(shared.call("GET", f"/jobs/{job.id}/archive"), 404, 7)
        assert job.read()["Content"]["ArchiveSize"] == "0"
        job.accepts("pause")
        assert job.state == "Paused"
        job.accepts("cancel")
        assert job.standing() == ("Failure", 37, 0)
        refused(shared.call("GET", f"/jobs/{job.id}/archive"), 404, 7)
        job.accepts("resubmit")
    job.becomes("Success")
    path = f"/jobs/{job.id}/archive"
    assert shared.call("GET", path).headers["Content-Disposition"] == 'filename="archive.zip"'
    assert shared.call("GET", path).status == 200
    dropped = shared.call("DELETE", path)
    assert (dropped.status, dropped.body) == (200, b"")
    refused(shared.call("GET", path), 404, 7)
    refused(shared.call("DELETE", path), 404, 7)
    assert job.read()["Content"]["ArchiveSize"] != "0"
    refused(shared.call("GET", "/jobs/nope/archive"), 404, 7)


def test_who_waited_has_got_the_archive(shared: Server) -> None:
    before = set(shared.ids())
    shared.call("POST", f"/studies/{study(shared, 1).id}/archive", {"Priority": 5})
    (job,) = set(shared.ids()) - before
    assert shared.call("GET", f"/jobs/{job}").json["Priority"] == 5
    refused(shared.call("GET", f"/jobs/{job}/archive"), 404, 7)


def test_an_instance_that_is_gone_is_left_out(shared: Server) -> None:
    made = study(shared, 3)
    with busy_workers(shared, 2):
        job = submit(shared, f"/studies/{made.id}/archive", {})
        shared.call("DELETE", f"/instances/{made.instances[1]}")
    job.becomes("Success")
    assert len(uids(shared.call("GET", f"/jobs/{job.id}/archive").body)) == 2
