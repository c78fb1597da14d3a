"""What a run has made is removed, whatever a server answers; what may be left is named."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from conformance.events import Left
from conformance.session.cleanup import OfAnyRun, of_any_run
from conformance.session.session import Session, opened
from conformance.sut import servers
from conformance.sut.address import Address
from conformance.sut.client import Client
from conformance.sut.managed import Managed
from conformance.sut.target import Choice
from tests.conformance.kit import COMMAND
from tests.conformance.misbehaving import Answer, Proxy, Scripted, hang, http_answer, json_answer
from tests.waiting import until

REFUSED = http_answer(503)
NULL = json_answer(None)
LISTS = {
    "/jobs?expand": "job",
    "/peers": "peer",
    "/patients?expand": "patient",
}
SEARCHES = ("POST /tools/find",)  # else the list of patients is not asked for


@pytest.fixture(scope="module")
def server() -> Iterator[Managed]:
    with servers.reference({"DicomServerEnabled": False}) as server:
        yield server


@pytest.fixture
def proxy(server: Managed) -> Iterator[Scripted]:
    with Scripted(Proxy(server.port)) as made:
        yield made


def answers(proxy: Scripted, answer: Answer, *parts: str) -> None:
    """What is answered to a request whose line has one of the ``parts``."""
    assert isinstance(proxy.answer, Proxy)
    proxy.answer.rule = lambda request: (
        answer if any(part in request.line for part in parts) else None
    )


@contextmanager
def at_work(proxy: Scripted) -> Iterator[Session]:
    """A session with a peer, two instances, and a job of which one step waits at the gate."""
    choice = Choice(proxy.url, Address(proxy.url), exclusive=True)
    with opened(choice) as session:
        made = session.resources
        slot, ids = made.slot(), [made.instance(number) for number in range(2)]
        body = {"Resources": ids, "Asynchronous": True}
        made.client.post(f"{slot.path}/store", body)
        assert session.gate.wait(10)
        yield session


def there(server: Managed) -> list[str]:
    """What is on the server of what the kit makes."""
    client = Client(server.address)
    found = [f"{path}/{one}" for path in ("/jobs", "/peers", "/patients") for one in
             client.get(path).json()]  # fmt: skip
    client.close()
    return found


def test_everything_is_removed(server: Managed, proxy: Scripted) -> None:
    with at_work(proxy) as session:
        assert len(there(server)) == 3
        done = session.clean()
    assert done.left == ()
    assert there(server) == []


@pytest.mark.parametrize("answer", [REFUSED, NULL])
@pytest.mark.parametrize("path", LISTS)
def test_a_list_that_cannot_be_read_is_told_and_the_rest_is_removed(
    server: Managed, proxy: Scripted, path: str, answer: Answer
) -> None:
    """What the run remembers is removed even so; the job is not remembered, as nobody tracks it."""
    with at_work(proxy) as session:
        answers(proxy, answer, f"GET {path}", *SEARCHES)
        done = session.clean()
        told = session.resources.patient
    assert [(one.kind, one.id) for one in done.left] == [(LISTS[path], f"{told}*")]
    assert f"or not, as GET {path} gave HTTP" in done.left[0].why
    rest = there(server)
    assert all(one.startswith("/jobs/") for one in rest)
    assert len(rest) == (path == "/jobs?expand")
    clean_up(server)


def test_what_is_refused_is_named_and_the_rest_is_removed(server: Managed, proxy: Scripted) -> None:
    with at_work(proxy) as session:
        answers(proxy, REFUSED, "DELETE /peers/")
        done = session.clean()
        name = f"{session.resources.peer_prefix}0"
    assert done.left == (Left("peer", name, "the server refused to remove it: HTTP 503"),)
    assert there(server) == [f"/peers/{name}"]
    clean_up(server)


def test_an_answer_that_does_not_come_keeps_it_from_nothing_else(
    server: Managed, proxy: Scripted
) -> None:
    with at_work(proxy) as session:
        answers(proxy, hang, "DELETE /jobs/")
        began = time.monotonic()
        done = session.clean(cut_short=True)
        took = time.monotonic() - began
    assert took < 5  # one is promised, and the machine may have other work
    assert [one.kind for one in done.left] == ["job"]
    assert all(one.startswith("/jobs/") for one in there(server))
    clean_up(server)


def clean_up(server: Managed) -> None:
    """As `orthanc-jobs clean` does; the gate of the run is gone."""
    client = Client(server.address)
    cleaning = of_any_run(client, deletes=True, seconds=30, names_only=False)
    cleaning.run()
    client.close()
    assert cleaning.left == []
    assert there(server) == []


@pytest.mark.parametrize(("peer", "ours"), [
    ("orthanc-jobs-0123abcd-4", True), ("pacs", False), (["orthanc-jobs-0123abcd-4"], False),
])  # fmt: skip
def test_a_transfer_is_known_by_the_name_of_its_peer(peer: object, ours: bool) -> None:
    """Its Content has no address; and in pull mode it has no Priority of ours."""
    job = {"ID": "a", "Priority": 0, "Content": {"Peer": peer, "Resources": []}}
    assert OfAnyRun().job(job) is ours


def test_clean_hears_an_interrupt_and_tells_what_it_did(server: Managed, proxy: Scripted) -> None:
    with at_work(proxy) as session:
        session.gate.drain()
        name = f"{session.resources.peer_prefix}0"
        answers(proxy, hang, f"DELETE /peers/{name}")
        words = [*COMMAND, "clean", proxy.url]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        until(lambda: f"DELETE /peers/{name}" in proxy.lines(), 60)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    lines = out.splitlines()
    assert lines[0].startswith("removed job ")
    assert lines[1] == f"left peer {name}: it was being removed"
    assert lines[2] == f"{proxy.url}: interrupted, and more may be left; 1 removed, 1 left"
    clean_up(server)


def test_clean_is_bounded_in_time(server: Managed, proxy: Scripted) -> None:
    with at_work(proxy) as session:
        session.gate.drain()
        name = f"{session.resources.peer_prefix}0"
        answers(proxy, hang, "DELETE /peers/")
        words = [*COMMAND, "clean", proxy.url, "--seconds", "4"]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 2
    assert f"left peer {name}: not answered within" in done.stdout
    clean_up(server)
