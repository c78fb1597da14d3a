"""`route/<kind>/lossy-quality`: archives whose images are compressed more, or less."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from urllib.parse import urlencode

from conformance.driver.context import Context
from conformance.suites.case import Case, Check
from conformance.suites.needs import EXPENDABLE
from conformance.suites.route.calls.archives import INDEX, NO_ZIP, unpacked
from conformance.suites.route.files import read_file
from conformance.suites.route.samples import EXPLICIT, image, patient_id, store
from conformance.sut.profile import Profile
from conformance.sut.reply import Reply

NEEDED = "option/archive-lossy-quality"
JPEG = "1.2.840.10008.1.2.4.50"
SIDE = 64  # of the image, in pixels
COARSE, FINE = 10, 100


def cases(_: Profile) -> Iterator[Case]:
    for kind in ("archive", "media"):
        check = partial(follows, kind)  # a GET makes a job without a Priority of ours
        yield Check(f"route/{kind}/lossy-quality", NEEDED, check=check, needs=(EXPENDABLE,))


def follows(kind: str, context: Context) -> None:
    """The lower the quality, the smaller the image: as asked by a POST and by a GET."""
    made = store(context, noise(patient_id(context)))
    path = f"/studies/{made.get('ParentStudy')}/{kind}"
    posted = [_posted(context, path, quality) for quality in (COARSE, FINE)]
    got = [_got(context, path, quality) for quality in (COARSE, FINE)]
    for how, (small, large) in (("POST", posted), ("GET", got)):
        expected = f"by {how}, a smaller image of quality {COARSE} than of {FINE}"
        context.require(NEEDED, 0 < small < large, expected, f"{small} and {large} bytes")


def _posted(context: Context, path: str, quality: int) -> int:
    body = {"Synchronous": True, "Transcode": JPEG, "LossyQuality": quality}
    return _size(context, context.post(path, body))


def _got(context: Context, path: str, quality: int) -> int:
    query = urlencode({"transcode": JPEG, "lossy-quality": quality})
    return _size(context, context.get(f"{path}?{query}"))


def _size(context: Context, reply: Reply) -> int:
    """The bytes of the only instance in an archive, which is compressed as it was asked for."""
    context.require(NEEDED, reply.ok, "HTTP 200 with the archive", reply)
    try:
        _, files = unpacked(reply.body)
    except NO_ZIP as error:
        context.deviates(NEEDED, "a ZIP file", f"{len(reply.body)} bytes: {error}")
        return 0
    (file,) = (file for name, file in files.items() if name != INDEX)
    syntax = (read_file(file) or {}).get("TransferSyntaxUID")
    context.equal(NEEDED, "the transfer syntax of the instance", JPEG, syntax)
    return len(file)


def noise(patient: str) -> bytes:
    """A file with an image of noise, which is not compressed; the same noise each time."""
    pixels = random.Random(SIDE).randbytes(SIDE * SIDE)
    more = {
        "StudyID": "1",
        "SeriesNumber": "1",
        "InstanceNumber": "1",
        "StudyDate": "20190306",
        "StudyTime": "112338",
        "Modality": "OT",
    }
    return image(patient, SIDE, pixels, EXPLICIT, more)
