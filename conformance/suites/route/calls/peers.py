"""Sending to an Orthanc peer, and the options of the call."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.driver.context import Context
from conformance.driver.script import Via
from conformance.driver.tracked import Slot, Tracked
from conformance.peer.gate import MARKER
from conformance.suites.route.calls.model import RESULT, Call, Request, Result
from conformance.suites.route.calls.sending import (
    PEER,
    REPEATED,
    has_arrived,
    new_name,
    register,
    send,
    send_study,
)
from conformance.suites.route.files import read_file
from conformance.suites.route.samples import IMPLICIT, image, patient_id, store

SHOWS = ("Description", "InstancesCount", "FailedInstancesCount", "Peer")
ABOUT = "route/peer-store"
COMPRESS, TRANSCODE, LOGIN = "option/peer-compress", "option/peer-transcode", "option/peer-login"
SIZE, MEGABYTE = "route/peer-size", 2**20
JPEG_2000 = "1.2.840.10008.1.2.4.90"
HEADER = ("X-Orthanc-Jobs", "kit")


def calls() -> Iterator[Call]:
    via = Via.PEER
    plain = send(via, effect=is_plain)
    yield Call("peer-store/instances", ABOUT, PEER, plain, SHOWS, sends=via)
    yield Call("peer-store/repeated", ABOUT, PEER, send(via, REPEATED), SHOWS, sends=via)
    yield Call("peer-store/study", ABOUT, PEER, send_study(via), SHOWS, sends=via)
    yield Call("peer-store/nothing", ABOUT, PEER, send(via, ()), SHOWS, empty=True)
    compress, transcode = {"Compress": True}, {"Transcode": IMPLICIT}
    for name, option, make in (
        ("compressed", COMPRESS, send(via, body=compress, effect=is_compressed)),
        ("transcoded", TRANSCODE, send(via, body=transcode, effect=is_transcoded)),
        ("both", TRANSCODE, send(via, body={**compress, **transcode}, effect=is_both)),
        ("cannot-transcode", TRANSCODE, not_transcoded),
        ("login", LOGIN, send(via, effect=has_logged_in, arrange=with_login)),
    ):
        yield Call(f"peer-store/{name}", option, PEER, make, SHOWS, sends=via)


def is_plain(context: Context, job: Tracked, content: Result) -> None:
    """Without an option the files arrive as they are; in any case Size says how much was sent."""
    packed = [hold.came.headers.get("Content-Encoding") for hold in job.holds]
    context.equal(RESULT, "Content-Encodings", [None] * len(packed), packed)
    context.equal(RESULT, "Content.Compress", False, content.get("Compress"))
    has_size(context, job, content)


def has_size(context: Context, job: Tracked, content: Result) -> None:
    sent = sum(hold.came.size for hold in job.holds)
    context.equal(SIZE, "Content.Size", str(sent), content.get("Size"))
    context.equal(SIZE, "Content.SizeMB", sent // MEGABYTE, content.get("SizeMB"))


def is_compressed(context: Context, job: Tracked, content: Result) -> None:
    packed = [hold.came.headers.get("Content-Encoding") for hold in job.holds]
    context.equal(COMPRESS, "Content-Encodings", ["gzip"] * len(packed), packed)
    context.equal(COMPRESS, "Content.Compress", True, content.get("Compress"))
    has_size(context, job, content)


def is_transcoded(context: Context, job: Tracked, content: Result) -> None:
    found = [_syntax(hold.came.body) for hold in job.holds]
    context.equal(TRANSCODE, "transfer syntaxes that arrived", [IMPLICIT] * len(found), found)
    context.equal(TRANSCODE, "Content.Transcode", IMPLICIT, content.get("Transcode"))
    has_size(context, job, content)


def is_both(context: Context, job: Tracked, content: Result) -> None:
    is_compressed(context, job, content)
    is_transcoded(context, job, content)


def with_login(context: Context, slot: Slot) -> None:
    register(context, slot, HttpHeaders=dict([HEADER]))


def has_logged_in(context: Context, job: Tracked, content: Result) -> None:
    callers = context.resources.gate.callers
    for name, value in (("Authorization", callers.authorization), HEADER):
        found = {hold.came.headers.get(name) for hold in job.holds}
        context.equal(LOGIN, f"{name} that arrived", [value], list(found))
    hidden = callers.password not in str(content)
    context.require(LOGIN, hidden, "Content without the password", content.get("Peer"))


def not_transcoded(context: Context) -> Request:
    """Of an instance that nobody can transcode, for its image is none: it arrives as it is."""
    name = new_name(context)
    path, _ = context.prepare(name, 0, Via.PEER)
    job, file = context.driver.prepared[name], no_image(patient_id(context))
    made = store(context, file)

    def verify(context: Context, content: Result) -> None:
        has_arrived(context, job, [0])
        found = [_syntax(hold.came.body) for hold in job.holds]
        context.equal(TRANSCODE, "transfer syntaxes that arrived", [JPEG_2000], found)

    body = {"Resources": [made.get("ID")], "Transcode": IMPLICIT}
    return Request(path, body, verify, instances=1)


def _syntax(file: bytes) -> str | None:
    """The transfer syntax of a file."""
    return (read_file(file) or {}).get("TransferSyntaxUID")


def no_image(patient: str) -> bytes:
    """A file in JPEG 2000 with an image that is none."""
    from pydicom.encaps import encapsulate  # it takes its time

    marked = {"ImageComments": f"{MARKER.decode()}00"}
    return image(patient, 4, encapsulate([b"no image"]), JPEG_2000, marked)
