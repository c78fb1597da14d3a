"""Somebody who has read on the server how to reach the gate sends to it: that judges no case."""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

from conformance import marks
from conformance.campaign.campaign import Campaign
from conformance.campaign.plan import Plan
from conformance.errors import Unjudged
from conformance.events import CaseEnds, Ended, Event, Verdict, Warned
from conformance.peer.gate import MARKER
from conformance.sut import servers
from conformance.sut.address import Address
from conformance.sut.client import Client
from conformance.sut.managed import Managed
from conformance.sut.target import Choice
from conformance.timing import TIMING

pytestmark = pytest.mark.apart
FAULT = "pause-runs-one-more-step"
MOST = 600  # requests of a storm
CALLERS = 3  # at once
OVER_HTTP = ("action/pause", "action/cancel/running", "race/pause", "monitor/field/content")
OVER_DICOM = ("route/modality-store/action/pause/running", "route/store/instances")


@dataclass
class Storm:
    """``read`` finds addresses on the server, ``send`` sends to one; ``sent`` is how often."""

    address: Address
    read: Callable[[Client], list[str]]
    send: Callable[[Client, str, int], None]
    sent: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def blow(self) -> None:
        client = Client(self.address)
        while not self.over.wait(TIMING.tick) and self.sent < MOST:
            with suppress(Unjudged, OSError, http.client.HTTPException):
                for where in self.read(client)[-2:]:
                    self.send(client, where, self.sent)
                    self.sent += 1
        client.close()


@contextmanager
def storm(
    server: Managed,
    read: Callable[[Client], list[str]],
    send: Callable[[Client, str, int], None],
    callers: int = CALLERS,
) -> Iterator[Storm]:
    made = Storm(server.address, read, send)
    threads = [threading.Thread(target=made.blow) for _ in range(callers)]
    for thread in threads:
        thread.start()
    try:
        yield made
    finally:
        made.over.set()
        for thread in threads:
            thread.join(30)


def found(pattern: str) -> Callable[[Client], list[str]]:
    """Reads in the list of jobs what looks so."""
    return lambda client: re.findall(pattern, client.get("/jobs?expand").body.decode())


def post(client: Client, url: str, number: int) -> None:
    """Nothing, or what is none of the kit's instances, or one of them as the server has it."""
    body = (b"", b"DICM" + MARKER + b"00", b"")[number % 3]
    if number % 3 == 2:
        (*_, last) = client.get("/instances").json()
        body = client.get(f"/instances/{last}/file").body
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    connection.request("POST", parts.path + "instances", body)
    assert connection.getresponse().status in (401, 503)
    connection.close()


def post_theirs(client: Client, url: str, number: int) -> None:
    """The same, but for the instances of the kit: so a server does that sends no login."""
    post(client, url, number - number % 3 + number % 2)


def store(client: Client, title: str, number: int) -> None:
    """An instance of somebody's by C-STORE, from an association that calls the right title."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ImplicitVRLittleEndian
    from pynetdicom.ae import ApplicationEntity
    from pynetdicom.sop_class import SecondaryCaptureImageStorage

    known = client.get("/modalities?expand").json().values()
    ports = {one["Port"] for one in known if one["AET"] == title}
    if not ports:  # it was registered anew, or is not there any more
        return
    entity = ApplicationEntity("SOMEBODY")
    entity.add_requested_context(SecondaryCaptureImageStorage)
    association = entity.associate("127.0.0.1", ports.pop(), ae_title=title)
    if association.is_established:
        made = Dataset()
        made.SOPClassUID, made.SOPInstanceUID = SecondaryCaptureImageStorage, f"1.2.{number}"
        made.PatientID, made.ImageComments = "somebody", MARKER.decode() + "00"
        made.file_meta = FileMetaDataset()
        made.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        association.send_c_store(made)
        association.release()


def run(
    server: Managed, cases: tuple[str, ...], most: int | None = None
) -> tuple[dict[str, Verdict], list[Event]]:
    """What each case came to, on a server that nobody else has jobs on; ``most`` may deviate."""
    told: list[Event] = []
    choice = Choice("url", server.address, exclusive=True)
    Campaign(choice, Plan(prefixes=cases, replays=None, max_failures=most), told.append).run()
    results = [event.result for event in told if isinstance(event, CaseEnds)]
    return {one.id: one.verdict for one in results}, told


def strangers(told: list[Event]) -> int:
    (ended,) = (event for event in told if isinstance(event, Ended))
    number = ended.statistics.strangers
    warned = [event.reason for event in told if isinstance(event, Warned)]
    assert [f"{number} requests that were not the server's" in one for one in warned] == [True]
    return number


HTTP_URL = rf"http://[^/\"]+/{marks.PREFIX}[0-9a-f]{{32}}/[0-9]+/"
TITLE = rf"\b{marks.TITLE}[0-9A-F]{{10}}[0-9]{{4}}\b"


@pytest.mark.long
def test_a_storm_of_who_knows_the_address_is_no_deviation() -> None:
    with servers.reference() as server, storm(server, found(HTTP_URL), post) as blown:
        verdicts, told = run(server, OVER_HTTP)
    assert blown.sent > 30, "it was no storm"
    assert strangers(told) > 30
    assert {*verdicts.values()} <= {Verdict.PASS, Verdict.SKIPPED}
    assert [*verdicts.values()].count(Verdict.PASS) > 10


def test_a_fault_is_seen_in_a_storm() -> None:
    with servers.reference(fault=FAULT) as server, storm(server, found(HTTP_URL), post) as blown:
        verdicts, told = run(server, OVER_HTTP)
    assert blown.sent > 30, "it was no storm"
    assert strangers(told) > 30
    assert verdicts["action/pause/running"] is Verdict.DEVIATION


@pytest.mark.long
def test_of_a_server_that_does_not_log_in_the_step_tells() -> None:
    server, send = servers.reference(fault="peer-login-not-sent"), post_theirs
    with server, storm(server, found(HTTP_URL), send) as blown:
        verdicts, told = run(server, OVER_HTTP)
    assert blown.sent > 30, "it was no storm"
    assert strangers(told) > 30
    assert {*verdicts.values()} <= {Verdict.PASS, Verdict.SKIPPED}


@pytest.mark.long
def test_a_storm_over_dicom_is_no_deviation() -> None:
    with servers.reference() as server, storm(server, found(TITLE), store, 1) as blown:
        verdicts, told = run(server, OVER_DICOM)
    assert blown.sent > 5, "it was no storm"
    assert strangers(told) > 5
    assert {*verdicts.values()} <= {Verdict.PASS, Verdict.SKIPPED}
    assert [*verdicts.values()].count(Verdict.PASS) > 2


@pytest.mark.long
def test_a_fault_over_dicom_is_seen_in_a_storm() -> None:
    with servers.reference(fault=FAULT) as server, storm(server, found(TITLE), store, 1) as blown:
        verdicts, told = run(server, OVER_DICOM, 1)
    assert blown.sent > 5, "it was no storm"
    assert strangers(told) > 5
    assert Verdict.DEVIATION in verdicts.values()
