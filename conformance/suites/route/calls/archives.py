"""Archives and media: of a patient, a study, a series, of several resources, and of nothing."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator

from conformance.driver.context import Context
from conformance.suites.route.calls.model import ARCHIVE, LEVELS, MEDIA, Call, Part, Request
from conformance.suites.route.samples import indexed_by, read_file, sample
from conformance.sut.client import LARGEST

INDEX = "DICOMDIR"
NO_ZIP = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError)
SHOWS = ("Description", "InstancesCount", "UncompressedSizeMB", "ArchiveSizeMB")


def calls() -> Iterator[Call]:
    for kind, type in (("archive", ARCHIVE), ("media", MEDIA)):
        about = f"route/{kind}"
        for level in LEVELS:
            yield Call(f"{kind}/{level}", about, type, archive_of(kind, level), SHOWS)
        yield Call(f"{kind}/several", about, type, archive_of_several(kind), SHOWS)
        yield Call(f"{kind}/nothing", about, type, archive_of_nothing(kind), SHOWS, empty=True)


def archive_of(kind: str, level: str) -> Callable[[Context], Request]:
    def make(context: Context) -> Request:
        part = Part(level, sample(context))
        path = f"{part.path}/{kind}"
        return Request(path, {}, uids=part.uids, instances=len(part.uids))

    return make


def archive_of_several(kind: str) -> Callable[[Context], Request]:
    """Of a study, of one series of another one, and of a patient."""

    def make(context: Context) -> Request:
        parts = [Part(level, sample(context)) for level in ("study", "series", "patient")]
        uids = frozenset(uid for part in parts for uid in part.uids)
        body = {"Resources": [part.id for part in parts]}
        return Request(f"/tools/create-{kind}", body, uids=uids, instances=len(uids))

    return make


def archive_of_nothing(kind: str) -> Callable[[Context], Request]:
    return lambda context: Request(f"/tools/create-{kind}", {"Resources": []})


def check_archive(context: Context, request: Request, type: str, content: bytes) -> None:
    """A ZIP archive is whole, and holds exactly the instances; a medium has an index as well."""
    expected = f"a ZIP file of {len(request.uids)} instances"
    expected += f" and {INDEX}" if type == MEDIA else ""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            if sum(member.file_size for member in archive.infolist()) > LARGEST:
                raise zipfile.BadZipFile(f"more than {LARGEST} bytes when it is unpacked")
            broken = archive.testzip()
            files = {name: archive.read(name) for name in names} if broken is None else {}
    except NO_ZIP as error:
        context.deviates("route/archive-output", expected, f"{len(content)} bytes: {error}")
        return
    context.require("route/archive-output", broken is None, expected, f"broken member {broken}")
    if type == MEDIA:
        context.require("route/media-index", names.count(INDEX) == 1, expected, names)
        indexed = indexed_by(files.pop(INDEX))
        context.equal("route/media-index", "instances in the index", sorted(request.uids), indexed)
    found = sorted((read_file(file) or {}).get("SOPInstanceUID", "") for file in files.values())
    right = found == sorted(request.uids) and len(names) == len(set(names))
    context.require("route/archive-output", right, expected, f"{names} with {found}")
