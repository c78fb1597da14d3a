"""The calls around jobs of two client libraries, as their users make them.

On the reference server they do what they do on Debian's Orthanc 1.10.1. What transfers is tried
between two reference servers, since Debian has no transfers accelerator.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pyorthanc
import pytest
from orthanc_api_client import OrthancApiClient, ResourceType, exceptions
from orthanc_api_client.job import Job
from orthanc_api_client.transfers import RemoteJob

from conformance.reference.double import reference_server
from conformance.sut import servers
from tests.conformance.reference.harness import DEADLINE
from tests.conformance.reference.route_harness import file
from tests.conformance.reference.transfers_harness import FAR, Client, pair
from tests.waiting import until

DOWN = "down"  # a peer and a modality where nobody listens
ENDS = {"timeout": DEADLINE, "polling_interval": 0.01}


@dataclass
class Used:
    """A server with an instance, by both libraries."""

    url: str
    instance: str
    study: str

    @property
    def api(self) -> OrthancApiClient:
        return OrthancApiClient(self.url)

    @property
    def pyorthanc(self) -> pyorthanc.Orthanc:
        return pyorthanc.Orthanc(self.url)

    def ended(self, id: str) -> dict[str, Any]:
        """A job that has ended, by orthanc-api-client."""
        assert Job(self.api, id).wait_completed(**ENDS)
        read: dict[str, Any] = self.api.jobs.get_json(id)
        return read


def used(url: str) -> Used:
    api = OrthancApiClient(url)
    (instance,) = api.upload(file(PatientID="P-1", StudyInstanceUID="1.2.840.99.7"))
    return Used(url, instance, api.instances.get_parent_study_id(instance))


@pytest.fixture(scope="module")
def both(installed_orthanc: None) -> Iterator[tuple[Used, Used]]:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    config = {
        "OrthancPeers": {DOWN: [f"http://127.0.0.1:{port}/"]},
        "DicomModalities": {DOWN: ["DOWN", "127.0.0.1", port]},
    }
    with (
        reference_server(release="1.10.1", **config) as ours,
        servers.orthanc(config=config) as orthanc,
    ):
        yield used(ours.url), used(orthanc.address.url)
        orthanc.kill()  # asked to end, it would think about it for some seconds


def outcome(call: Callable[[Used], Any], server: Used) -> Any:
    """What a call comes to: its result, or what its exception tells."""
    try:
        return call(server)
    except exceptions.HttpError as error:
        return type(error).__name__, error.http_status_code
    except httpx.HTTPError as error:
        return type(error).__name__, str(error).partition("{")[0].partition(" on ")[0]


def read(server: Used, job: Job | Mapping[str, Any]) -> dict[str, Any]:
    """What of a job that has ended is the same on every server."""
    shown = server.ended(job.orthanc_id if isinstance(job, Job) else job["ID"])
    same = ("ErrorCode", "ErrorDescription", "Priority", "Progress", "State", "Type")
    return {**{key: shown[key] for key in same}, "Content": sorted(shown["Content"])}


def failed(server: Used) -> pyorthanc.Job:
    """A job of pyorthanc that has ended in Failure."""
    answer = server.pyorthanc.post_peers_id_store(
        DOWN, json={"Resources": [server.instance], "Asynchronous": True}
    )
    server.ended(answer["ID"])
    return pyorthanc.Job(answer["ID"], server.pyorthanc)


def resubmitted(server: Used) -> tuple[Any, ...]:
    """Whether a job has run again, and all that pyorthanc tells of it."""
    job = failed(server)
    before = job.get_information()["CompletionTime"]  # its own shows no parts of a second
    server.pyorthanc.post_jobs_id_resubmit(job.id_)
    until(lambda: job.get_information().get("CompletionTime", before) != before, DEADLINE)
    told = job.state, job.type, job.error, job.progress, job.priority, sorted(job.content)
    assert job.completion_time is not None
    return *told, job.creation_time <= job.completion_time <= job.timestamp


def archived(server: Used) -> tuple[Any, ...]:
    """An archive that pyorthanc makes, and gets."""
    body = {"Resources": [server.study], "Asynchronous": True}
    made = server.pyorthanc.post_tools_create_archive(json=body)
    shown = read(server, made)
    got = server.pyorthanc.get_jobs_id_key(made["ID"], "archive")
    return shown, bytes(got)[:2], bytes(server.pyorthanc.get_studies_id_archive(server.study))[:2]


def _acted(action: str, server: Used, id: str | None = None) -> Any:
    """What pyorthanc is answered to an action on a job: this one, or one that has failed."""
    return getattr(server.pyorthanc, f"post_jobs_id_{action}")(id or failed(server).id_)


def _copied(server: Used, how: str) -> dict[str, Any]:
    """A copy of a study by orthanc-api-client."""
    studies = server.api.studies
    if how == "modify":
        made = studies.modify_bulk_async([server.study], {"StudyID": "1"}, delete_original=False)
    else:
        made = studies.anonymize_bulk_async([server.study])
    return read(server, made)


API: Mapping[str, Callable[[Used], Any]] = {
    "peers.send_async": lambda s: read(s, s.api.peers.send_async(DOWN, s.instance)),
    "peers.send": lambda s: s.api.peers.send(DOWN, s.instance),
    "peers.send to nobody": lambda s: s.api.peers.send("nobody", s.instance),
    "modalities.send_async": lambda s: read(s, s.api.modalities.send_async(DOWN, s.instance)),
    "modalities.send": lambda s: s.api.modalities.send(DOWN, s.instance),
    "modalities.query_studies": lambda s: s.api.modalities.query_studies(DOWN, {"PatientID": "P"}),
    "Job.refresh": lambda s: Job(s.api, "none").refresh(),
    "studies.modify_bulk_async": lambda s: _copied(s, "modify"),
    "studies.anonymize_bulk_async": lambda s: _copied(s, "anonymize"),
}
PYORTHANC: Mapping[str, Callable[[Used], Any]] = {
    "get_jobs": lambda s: {type(one) for one in s.pyorthanc.get_jobs()},
    "get_jobs_id": lambda s: s.pyorthanc.get_jobs_id("none"),
    **{
        f"post_jobs_id_{action}, none": partial(_acted, action, id="none")
        for action in ("cancel", "pause", "resume", "resubmit")
    },
    **{
        f"post_jobs_id_{action}, failed": partial(_acted, action)
        for action in ("cancel", "pause", "resume")
    },
    "post_jobs_id_resubmit, failed": resubmitted,
    "get_jobs_id_key": lambda s: s.pyorthanc.get_jobs_id_key(failed(s).id_, "archive"),
    "post_tools_create_archive": archived,
    "post_peers_id_store": lambda s: s.pyorthanc.post_peers_id_store(DOWN, json=s.instance),
    "Modality.store": lambda s: pyorthanc.Modality(s.pyorthanc, DOWN).store(s.instance),
    "Modality.echo": lambda s: pyorthanc.Modality(s.pyorthanc, DOWN).echo(),
}


@pytest.mark.parametrize("name", [*API, *PYORTHANC])
def test_a_call_does_what_it_does_on_orthanc(name: str, both: tuple[Used, Used]) -> None:
    call = {**API, **PYORTHANC}[name]
    ours, orthancs = (outcome(call, server) for server in both)
    assert ours == orthancs


# --- transfers ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def near_and_far() -> Iterator[tuple[Client, Client]]:
    with ExitStack() as stack:
        yield pair(stack)


@pytest.mark.parametrize("compress", [True, False])
def test_a_transfer_of_orthanc_api_client_arrives(
    near_and_far: tuple[Client, Client], compress: bool
) -> None:
    near, far = near_and_far
    sent = near.store(2)
    api = OrthancApiClient(near.server.url)
    job = api.transfers.send_async(FAR, sent, ResourceType.INSTANCE, compress)
    assert isinstance(job, Job)
    assert job.wait_completed(**ENDS)
    assert (job.info.status, job.info.type) == ("Success", "PushTransfer")
    assert [far.file(id) for id in sent] == [near.file(id) for id in sent]
    api.transfers.send(FAR, sent[0], ResourceType.INSTANCE, compress, polling_interval=0.01)


def test_a_pull_mode_of_orthanc_api_client_names_the_job_there() -> None:
    with ExitStack() as stack:
        near, far = pair(stack)
        near.call("PUT", f"/peers/{FAR}", {"Url": far.server.url, "RemoteSelf": FAR})
        (sent,) = near.store(1)
        api = OrthancApiClient(near.server.url)
        remote = api.transfers.send_async(FAR, sent, ResourceType.INSTANCE)
        assert isinstance(remote, RemoteJob)
        assert far.ended(f"/jobs/{remote.remote_job_id}")["State"] == "Success"
        assert far.file(sent) == near.file(sent)


def test_a_transfer_to_nobody_is_an_exception(near_and_far: tuple[Client, Client]) -> None:
    near, _ = near_and_far
    (sent,) = near.store(1)
    api = OrthancApiClient(near.server.url)
    with pytest.raises(exceptions.ResourceNotFound):
        api.transfers.send_async("nobody", sent, ResourceType.INSTANCE)
