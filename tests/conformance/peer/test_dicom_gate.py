"""The gate over DICOM: what waits there, what is turned away, and that nothing is left of it."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ImplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid
from pynetdicom import AE
from pynetdicom.association import Association

from conformance.peer import dicom_gate as module
from conformance.peer import dicom_server as connections
from conformance.peer.came import Counts
from conformance.peer.dicom_gate import FAILURE, MATCH, SUCCESS, DicomGate
from conformance.peer.dicom_taking import refuses
from conformance.peer.gate import LARGEST, MARKER, Gate, Hold
from tests.waiting import until

DEADLINE = 10.0  # seconds, generous: a machine may be busy
GIVES_UP = 30.0  # seconds for an answer that pynetdicom waits, where it has missed the end
FIND, MOVE, GET = (each.format(2) for each in (module.FIND, module.MOVE, module.GET))
CT = "1.2.840.10008.5.1.4.1.1.2"
OURS = "test"  # what the threads of a pool are called
ASSOCIATE_REQUEST, DATA, ABORT = 1, 4, 7  # types of a PDU


@pytest.fixture
def dicom() -> Iterator[DicomGate]:
    with Gate() as gate, DicomGate(gate) as opened:
        yield opened


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16, thread_name_prefix=OURS) as opened:
        yield opened


def associate(dicom: DicomGate, title: str | None = None, host: str | None = None) -> Association:
    """An association with the title of slot 3, or with another one."""
    entity = AE("SERVER")
    for service in module.SERVICES:
        entity.add_requested_context(service, module.SYNTAXES)
    called = dicom.gate.aet(3) if title is None else title
    where = host or dicom.gate.host
    return module.asking_only(entity.associate(where, dicom.port, ae_title=called))


def instance(step: int, size: int = 0) -> Dataset:
    found = Dataset()
    found.SOPClassUID = SecondaryCaptureImageStorage
    found.SOPInstanceUID = generate_uid()
    found.ImageComments = f"{MARKER.decode()}{step:02}"
    found.EncapsulatedDocument = b"\0" * size
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    return found


def store(association: Association, step: int = 7, size: int = 0) -> int:
    """Send a step; its status, or -1 where the connection ended instead."""
    return int(association.send_c_store(instance(step, size)).get("Status", -1))


def send(
    dicom: DicomGate, pool: ThreadPoolExecutor, association: Association, step: int = 7
) -> tuple[Hold, Future[int]]:
    """Send a step beside everything else: the hold that it becomes, and the status to come."""
    sent = pool.submit(store, association, step)
    assert dicom.gate.wait(DEADLINE)
    (hold,) = dicom.gate.arrivals()
    return hold, sent


def threads() -> set[threading.Thread]:
    """All threads but those of the test itself."""
    return {thread for thread in threading.enumerate() if not thread.name.startswith(OURS)}


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def wire(dicom: DicomGate) -> socket.socket:
    return socket.create_connection((dicom.gate.host, dicom.port), DEADLINE)


def ended(connection: socket.socket) -> bool:
    """Whether the other side has ended the connection, whatever it sent before."""
    with contextlib.suppress(ConnectionResetError):
        while connection.recv(4096):
            pass
    return True


# --- steps -------------------------------------------------------------------------------------


def test_a_step_is_held_until_it_is_answered(dicom: DicomGate, pool: ThreadPoolExecutor) -> None:
    association = associate(dicom)
    for reply, status in ((200, SUCCESS), (503, FAILURE), (404, FAILURE), (200, SUCCESS)):
        hold, sent = send(dicom, pool, association)
        assert (hold.slot, hold.step, hold.broken) == (3, 7, False)
        assert dicom.gate.arrivals() == []
        assert not sent.done()
        hold.reply(reply)
        hold.reply(500 - reply)  # the first reply counts
        assert sent.result(DEADLINE) == status
    association.release()


def test_each_slot_and_each_association_is_held_by_itself(
    dicom: DicomGate, pool: ThreadPoolExecutor
) -> None:
    associations = [associate(dicom, dicom.gate.aet(slot)) for slot in range(6)]
    sent = [send(dicom, pool, one, step) for step, one in enumerate(associations)]
    assert [(hold.slot, hold.step) for hold, _ in sent] == [(n, n) for n in range(6)]
    for hold, status in reversed(sent):
        hold.reply(200 if hold.slot % 2 else 503)
        assert status.result(DEADLINE) == (SUCCESS if hold.slot % 2 else FAILURE)
    for one in associations:
        one.release()


def test_an_echo_is_no_step(dicom: DicomGate) -> None:
    association = associate(dicom)
    assert association.send_c_echo().Status == SUCCESS
    association.release()
    assert not dicom.gate.wait(0.0)


def test_both_gates_feed_one_queue(dicom: DicomGate, pool: ThreadPoolExecutor) -> None:
    association = associate(dicom)
    first, sent = send(dicom, pool, association)
    assert first in dicom.gate._open
    first.reply(200)
    assert sent.result(DEADLINE) == SUCCESS
    until(lambda: not dicom.gate._open, DEADLINE)
    association.release()


# --- queries -----------------------------------------------------------------------------------


def test_each_match_of_a_query_is_a_step(dicom: DicomGate, pool: ThreadPoolExecutor) -> None:
    dicom.matches[3] = 3
    association = associate(dicom)
    asked = Dataset()
    asked.QueryRetrieveLevel = "STUDY"
    found = [match for _, match in association.send_c_find(asked, FIND) if match is not None]
    assert [match.StudyInstanceUID for match in found] == [f"{MATCH}{n:02}" for n in range(3)]
    for number, reply, status in ((0, 200, SUCCESS), (2, 503, 0xA801)):
        sent = pool.submit(lambda n=number: list(association.send_c_move(found[n], "HERE", MOVE)))
        assert dicom.gate.wait(DEADLINE)
        (hold,) = dicom.gate.arrivals()
        assert (hold.slot, hold.step) == (3, number)
        assert not sent.done()
        hold.reply(reply)
        ((answer, _),) = sent.result(DEADLINE)
        assert answer.Status == status
        assert answer.get("NumberOfCompletedSuboperations", 0) == (status == SUCCESS)
    association.release()


def test_a_query_finds_nothing_by_default(dicom: DicomGate) -> None:
    association = associate(dicom)
    asked = Dataset()
    asked.QueryRetrieveLevel = "STUDY"
    assert [match for _, match in association.send_c_find(asked, FIND) if match] == []
    association.release()


@pytest.mark.parametrize("uid", ["", "1.2.3", MATCH, f"{MATCH}1", f"{MATCH}001"])
def test_a_move_of_something_else_is_no_step_of_ours(
    dicom: DicomGate, pool: ThreadPoolExecutor, uid: str
) -> None:
    association = associate(dicom)
    asked = Dataset()
    asked.QueryRetrieveLevel = "STUDY"
    asked.StudyInstanceUID = uid
    sent = pool.submit(lambda: list(association.send_c_move(asked, "HERE", MOVE)))
    assert dicom.gate.wait(DEADLINE)
    (hold,) = dicom.gate.arrivals()
    assert hold.step == -1
    hold.reply(503)
    sent.result(DEADLINE)
    association.release()


@pytest.mark.parametrize("level", module.LEVELS)
def test_a_match_is_named_at_its_level(
    dicom: DicomGate, pool: ThreadPoolExecutor, level: str
) -> None:
    dicom.matches[3] = 2
    association = associate(dicom)
    asked = Dataset()
    asked.QueryRetrieveLevel = level
    _, last = [match for _, match in association.send_c_find(asked, FIND) if match is not None]
    named = dicom.match(level, 1)
    assert {key: last.get(key) for key in named} == named
    assert len(named) == module.LEVELS.index(level) + 1
    sent = pool.submit(lambda: list(association.send_c_get(last, GET)))
    assert dicom.gate.wait(DEADLINE)
    (hold,) = dicom.gate.arrivals()
    assert (hold.step, hold.target) == (1, None)
    assert named.items() <= hold.came.asked.items()
    hold.reply(503)
    assert sent.result(DEADLINE)[-1][0].Status == module.UNABLE
    association.release()


@pytest.mark.parametrize(
    ("told", "completed"), [(Counts(2, 1, 1, 0), 3), (Counts(), None), (None, 1)]
)
def test_what_is_told_of_a_move_comes_before_its_answer(
    dicom: DicomGate, pool: ThreadPoolExecutor, told: Counts | None, completed: int | None
) -> None:
    association = associate(dicom)
    asked = Dataset()
    asked.QueryRetrieveLevel, asked.StudyInstanceUID = "STUDY", f"{MATCH}00"
    sent = pool.submit(lambda: list(association.send_c_move(asked, "HERE", MOVE)))
    assert dicom.gate.wait(DEADLINE)
    (hold,) = dicom.gate.arrivals()
    if told is not None:
        hold.came.tell(told)
    hold.reply(200)
    *pending, (last, _) = sent.result(DEADLINE)
    assert [status.Status for status, _ in pending] == [module.PENDING] * (told is not None)
    assert [s.get("NumberOfRemainingSuboperations") for s, _ in pending] == (
        [] if told is None else [told.remaining]
    )
    assert last.Status == SUCCESS
    assert last.get("NumberOfCompletedSuboperations") == completed
    association.release()


# --- who calls, and what is asked for -----------------------------------------------------------


def test_a_step_says_who_sends_it_and_for_whom(dicom: DicomGate, pool: ThreadPoolExecutor) -> None:
    association = associate(dicom)
    assert dicom.callers(3) == 1
    for by in ({}, {"originator_aet": "ANOTHER", "originator_id": 9}):
        sent = pool.submit(association.send_c_store, instance(7), **by)
        assert dicom.gate.wait(DEADLINE)
        (hold,) = dicom.gate.arrivals()
        assert (hold.came.caller, MARKER in hold.came.body) == ("SERVER", True)
        assert hold.came.originator == (("ANOTHER", 9) if by else None)
        hold.reply(200)
        sent.result(DEADLINE)
    association.release()
    until(lambda: dicom.callers(3) == 0, DEADLINE)


def test_a_storage_commitment_is_kept_and_is_no_step(dicom: DicomGate) -> None:
    asked = module.Commitment("1.2.3", (("1.2.840.10008.5.1.4.1.1.7", "1.2.4"),))
    assert dicom.ask_commitment(5, (dicom.gate.host, dicom.port), dicom.gate.aet(3), asked)
    (kept,) = dicom.commitments[3]
    assert (kept.transaction, kept.files) == (asked.transaction, asked.files)
    assert not dicom.ask_commitment(5, (dicom.gate.host, dicom.port), "NOBODY", asked)
    assert not dicom.gate.wait(0.0)


def test_what_a_server_takes_is_asked(dicom: DicomGate) -> None:
    where = (dicom.gate.host, dicom.port)
    for sop_class, refused in (("1.2.840.10008.5.1.4.1.1.7", False), (CT, True)):
        assert refuses(where, dicom.gate.aet(3), "SERVER", sop_class) is refused
    assert not refuses(where, "NOBODY", "SERVER", CT), "it takes no association at all"
    assert not refuses((dicom.gate.host, 1), "NOBODY", "SERVER", CT), "nobody listens there"
    assert not dicom.gate.wait(0.0)


# --- what is no step ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "title", ["GATE", "ORTHANC", "000000000000", "0" * 16, "{}", "{}x", "{}-1"]
)
def test_who_calls_another_title_is_rejected(dicom: DicomGate, title: str) -> None:
    association = associate(dicom, title.format(dicom.gate.title))
    assert association.is_rejected
    assert not dicom.gate.wait(0.0)


def test_the_http_secret_is_no_title_and_no_title_is_the_secret(dicom: DicomGate) -> None:
    gate = dicom.gate
    assert gate.slot_of_aet(gate.secret[:12] + "0003") is None
    assert gate.place("POST", f"/{gate.title}/3/instances") is None
    assert gate.hidden(f"{gate.aet(3)} {gate.url(3)}").count("SECRET") == 2
    assert gate.is_named_in(gate.aet(12))
    assert gate.is_named_in(gate.url(12))
    assert not gate.is_named_in("ORTHANC http://127.0.0.1/")
    assert len(gate.aet(9999)) == 16  # the longest title that DICOM allows


@pytest.mark.parametrize(
    "text",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        struct.pack(">BBL", ASSOCIATE_REQUEST, 0, 4) + b"\0\1\0\0",
        struct.pack(">BBL", DATA, 0, 6) + b"\0\0\0\2\1\2",
        struct.pack(">BBL", ASSOCIATE_REQUEST, 0, 2**32 - 1) + b"\0" * (3 * LARGEST),
    ],
    ids=["HTTP", "short", "data first", "4 GB"],
)
def test_garbage_does_not_arrive(dicom: DicomGate, text: bytes) -> None:
    with wire(dicom) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(text)
            connection.shutdown(socket.SHUT_WR)
        assert ended(connection)
    assert not dicom.gate.wait(0.0)


def test_a_step_that_is_too_large_does_not_arrive(dicom: DicomGate) -> None:
    association = associate(dicom)
    assert store(association, size=3 * LARGEST) == -1
    assert not dicom.gate.wait(0.0)


def test_steps_of_good_size_may_be_many(dicom: DicomGate, pool: ThreadPoolExecutor) -> None:
    association = associate(dicom)
    for _ in range(4):
        sent = pool.submit(store, association, 7, LARGEST)
        assert dicom.gate.wait(DEADLINE)
        dicom.gate.arrivals()[0].reply(200)
        assert sent.result(DEADLINE) == SUCCESS
    association.release()


def test_silence_is_ended(dicom: DicomGate, monkeypatch: pytest.MonkeyPatch) -> None:
    dicom._server.ae.acse_timeout = 0.1
    with wire(dicom) as connection:
        assert ended(connection)


def test_strangers_do_not_keep_a_server_out(dicom: DicomGate, pool: ThreadPoolExecutor) -> None:
    known = associate(dicom)
    with contextlib.ExitStack() as stack:
        strangers = [
            stack.enter_context(wire(dicom)) for _ in range(2 * connections.MOST_STRANGERS)
        ]
        assert ended(strangers[0])
        late = associate(dicom)
        for one in (known, late):
            hold, sent = send(dicom, pool, one)
            hold.reply(200)
            assert sent.result(DEADLINE) == SUCCESS
            one.release()


# --- who hangs up ------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["abort", "close", "reset"])
def test_a_server_that_hangs_up_is_seen(
    dicom: DicomGate, pool: ThreadPoolExecutor, how: str
) -> None:
    association = associate(dicom)
    hold, sent = send(dicom, pool, association)
    assert not hold.broken
    connection = association.dul.socket.socket
    if how == "abort":
        connection.sendall(struct.pack(">BBL", ABORT, 0, 4) + bytes(4))
    elif how == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.shutdown(socket.SHUT_RD)  # wakes the reading end of ours
        connection.close()
    else:
        connection.shutdown(socket.SHUT_RDWR)
    until(lambda: hold.broken, DEADLINE)
    hold.reply(200)  # is too late, and no harm
    assert sent.result(DEADLINE) == -1
    until(lambda: not dicom.gate._open, DEADLINE)


def test_a_known_server_may_idle(
    dicom: DicomGate, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in (module, connections):
        monkeypatch.setattr(each, "TIMING", replace(module.TIMING, stranger=0.2))
    association = associate(dicom)
    for _ in range(2):
        hold, sent = send(dicom, pool, association)
        assert not threading.Event().wait(0.3)
        hold.reply(200)
        assert sent.result(DEADLINE) == SUCCESS
        assert not threading.Event().wait(0.3)
    association.release()


def test_nothing_is_left_of_100_holds(dicom: DicomGate, pool: ThreadPoolExecutor) -> None:
    before, files = threads(), descriptors()
    association = associate(dicom)
    for number in range(100):
        hold, sent = send(dicom, pool, association)
        if number % 10 == 0:
            connection = association.dul.socket.socket
            connection.shutdown(socket.SHUT_RDWR)
            until(lambda hold=hold: hold.broken, DEADLINE)
            assert sent.result(GIVES_UP + DEADLINE) == -1
            connection.close()  # the library leaves it open where it cannot shut it down again
            association = associate(dicom)
        else:
            hold.reply(200 if number % 2 else 503)
            sent.result(DEADLINE)
    association.release()
    until(lambda: threads() <= before and descriptors() <= files, DEADLINE)
    assert not dicom.gate._open
    assert not dicom._held


def test_an_answer_is_read_by_who_waits_for_it(dicom: DicomGate) -> None:
    """Also on a busy machine: `asking_only`. It came to who looks for requests, and was gone."""
    association, answer = associate(dicom), (1, object())
    association.dimse.msg_queue.put(answer)
    assert association.dimse.get_msg() == (None, None)
    assert association.dimse.get_msg(block=True) == answer
    association.release()


# --- drain, fill and the end --------------------------------------------------------------------


def test_a_drained_gate_holds_nothing_until_it_is_filled(
    dicom: DicomGate, pool: ThreadPoolExecutor
) -> None:
    first, second = associate(dicom), associate(dicom)
    held, sent = send(dicom, pool, first)
    dicom.gate.drain()
    assert sent.result(DEADLINE) == FAILURE
    assert not held.broken
    assert send(dicom, pool, second)[1].result(DEADLINE) == FAILURE
    dicom.gate.fill()
    held, sent = send(dicom, pool, second)
    held.reply(200)
    assert sent.result(DEADLINE) == SUCCESS
    first.release()
    second.release()


def test_a_closed_gate_has_ended_everything(pool: ThreadPoolExecutor) -> None:
    before, files = threads(), descriptors()
    with Gate() as gate:
        with DicomGate(gate) as dicom:
            idle, held = associate(dicom), associate(dicom)
            stranger = wire(dicom)
            _, sent = send(dicom, pool, held)
            began = time.monotonic()
        assert time.monotonic() - began < 2 * module.TIMING.parting
        assert sent.result(DEADLINE) in (FAILURE, -1)
        assert not gate._open
        with pytest.raises(ConnectionRefusedError):
            wire(dicom)
        assert ended(stranger)
        stranger.close()
    for one in (idle, held):
        until(lambda one=one: not one.is_established, DEADLINE)
    until(lambda: threads() <= before and descriptors() <= files, DEADLINE)


@pytest.mark.parametrize(
    ("host", "reached_at", "not_at"),
    [
        ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
        ("localhost", "127.0.0.1", "127.0.0.2"),
        ("::1", "::1", "127.0.0.1"),
        ("192.0.2.77", "127.0.0.2", None),
        ("2001:db8::1", "::1", None),
    ],
)
def test_what_is_bound(host: str, reached_at: str, not_at: str | None) -> None:
    with Gate(host) as gate, DicomGate(gate) as dicom:
        association = associate(dicom, host=reached_at)
        assert association.send_c_echo().Status == SUCCESS
        association.release()
        if not_at is not None:
            with pytest.raises(OSError, match="refused"):
                socket.create_connection((not_at, dicom.port), DEADLINE)
