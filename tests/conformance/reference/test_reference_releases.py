"""The server as a release: what each has of what came after the page of 1.5.6."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from conformance.reference.config import ConfigError
from conformance.reference.double import reference_server
from conformance.reference.releases import LATER, RELEASES
from spec.requirements import requirement, version_key
from tests.conformance.reference.test_reference_control import Caller


def ended(client: Caller, path: str, **fields: object) -> dict[str, Any]:
    return client.becomes(client.do(path, Asynchronous=True, **fields)["ID"], "Success")


@pytest.mark.parametrize("release", RELEASES)
def test_a_release_has_what_its_page_has(release: str) -> None:
    with reference_server(release=release) as server:
        client = Caller(server.port)
        system = json.loads(client.call("GET", "/system")[1])
        assert (system["Version"], system["JobsConformance"]["Implements"]) == (release, [])
        made = client.do("/tools/create-dicom", Tags={"PatientID": "A"})
        given = {"mine": [1, None, {"text": "ä"}]}
        job = ended(client, "/tools/create-archive", Resources=[made["ID"]], UserData=given)
        assert job.get("UserData") == (given if is_from(release, "1.12.9") else None)
        assert ("ErrorDetails" in job) == is_from(release, "1.9.4")
        assert ("ParentResources" in job["Content"]) == is_from(release, "1.12.7")
        path = f"/jobs/{job['ID']}"
        dropped = client.call("DELETE", f"{path}/archive")[0]
        assert (dropped == 200) == is_from(release, "1.12.1")
        deleted = client.call("DELETE", path)[0]
        assert (deleted == 200) == is_from(release, "1.12.2")
        bulk = client.call("POST", "/tools/bulk-modify", {"Resources": [made["ID"]]})[0]
        assert (bulk == 200) == is_from(release, "1.9.4")
        labels = client.call("GET", f"/studies/{made['ParentStudy']}/labels")[0]
        assert (labels == 200) == is_from(release, "1.12.0")


def is_from(release: str, version: str) -> bool:
    return version_key(release) >= version_key(version)


@pytest.mark.parametrize(
    ("given", "status"),
    [("null", 200), ("[" * 99 + "]" * 99, 200), ("[" * 100 + "]" * 100, 400), ("[1e999]", 400)],
)
def test_user_data_is_what_a_job_can_show(given: str, status: int) -> None:
    """What could not be told again would leave a list of jobs that nobody can read."""
    with reference_server(release="1.13.0") as server:
        client = Caller(server.port)
        made = client.do("/tools/create-dicom", Tags={"PatientID": "A"})
        body = f'{{"Asynchronous": true, "Resources": ["{made["ID"]}"], "UserData": {given}}}'
        answer = requests.post(f"{server.url}/tools/create-archive", body, timeout=10)
        assert answer.status_code == status
        for job in requests.get(f"{server.url}/jobs?expand", timeout=10).json():
            assert job.get("UserData") == json.loads(given)


def test_limit_jobs_has_a_meaning_up_to_1_10_0_only() -> None:
    for release, taken in (("1.5.6", 1), ("1.10.1", 3)):
        with reference_server(release=release, LimitJobs=1) as server:
            server.control.hold_queue()
            for number in range(3):
                if number < taken:
                    server.control.job()
                else:
                    with pytest.raises(ValueError, match="full"):
                        server.control.job()


def test_the_versions_are_those_of_the_catalogue() -> None:
    """The server knows nothing of the catalogue, and says the same."""
    ids = {
        "DELETE /jobs/{id}": "history/delete-job",
        "DELETE /jobs/{id}/archive": "history/delete-archive",
        "ErrorCode over a restart": "persist/error",
        "ErrorDetails": "monitor/error-details",
        "POST /tools/bulk-anonymize": "route/bulk-anonymize",
        "POST /tools/bulk-modify": "route/bulk-modify",
        "UserData": "submit/user-data",
        "jobs saved at their creation": "persist/saved-at-creation",
        "storage commitment": "route/storage-commitment",
    }
    assert {name: requirement(id).since for name, id in ids.items()} == LATER


def test_an_unknown_release_is_told_with_those_that_there_are() -> None:
    told = pytest.raises(ConfigError, match=r"^unknown release '1\.2\.3': there are 1\.5\.6, ")
    with told, reference_server(release="1.2.3"):
        pass


def test_a_key_without_effect_is_warned_of_where_the_server_is_asked_for() -> None:
    told = pytest.warns(UserWarning, match="JobHistorySize")
    with told as warned, reference_server(JobHistorySize=3, StableAge=1):
        pass
    assert [one.filename for one in warned] == [__file__]
    assert "StableAge" not in str(warned[0].message)


def test_what_would_lose_data_is_refused_by_the_newer_ones() -> None:
    for release in RELEASES:
        with reference_server(release=release) as server:
            client = Caller(server.port)
            made = client.do("/tools/create-dicom", Tags={"PatientID": "A"})
            study = f"/studies/{made['ParentStudy']}"
            kept = {"Keep": ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"]}
            lost = client.call("POST", f"{study}/modify", {**kept, "Force": True})[0]
            assert (lost == 400) == is_from(release, "1.12.7")
            copy = ended(client, f"{study}/anonymize", Permissive=True, DicomVersion="2008")
            assert copy["Content"]["FailedInstancesCount"] == 0
            wrong = client.call("POST", f"{study}/anonymize", {"DicomVersion": "1999"})[0]
            assert wrong == 400
