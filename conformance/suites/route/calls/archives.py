"""Archives and media: of a patient, a study, a series, of several resources, and of nothing."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from conformance.driver.context import Context
from conformance.suites.route.calls.model import ARCHIVE, LEVELS, MEDIA, Call, Files, Part, Request
from conformance.suites.route.files import index_of, read_file
from conformance.suites.route.samples import (
    ACCESSION,
    IMPLICIT,
    sample,
)
from conformance.sut.reply import LARGEST, Reply

INDEX = "DICOMDIR"
MEGABYTE = 2**20
NO_ZIP = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError)
SHOWS = ("Description", "InstancesCount", "UncompressedSizeMB", "ArchiveSizeMB")
SEVERAL = "Archive.zip"  # the name of an archive of several resources
TRANSCODE, EXTENDED = "option/archive-transcode", "option/media-extended"
FILENAME, LIST = "option/archive-filename", "option/archive-list"

Make = Callable[[Context], Request]


def calls() -> Iterator[Call]:
    for kind, type in (("archive", ARCHIVE), ("media", MEDIA)):
        about = f"route/{kind}"
        for level in LEVELS:
            yield Call(f"{kind}/{level}", about, type, archive_of(kind, level), SHOWS)
        yield Call(f"{kind}/several", about, type, archive_of_several(kind), SHOWS)
        yield Call(f"{kind}/siblings", about, type, archive_of_siblings(kind), SHOWS)
        yield Call(f"{kind}/nothing", about, type, archive_of_nothing(kind), SHOWS, empty=True)
        for name, make, option in _options(kind):
            yield Call(f"{kind}/{name}", option, type, make, SHOWS, option)


def _options(kind: str) -> Iterator[tuple[str, Make, str]]:
    """The name of a use of an option, the use, and the requirement about the option."""
    study, several = archive_of(kind, "study"), archive_of_several(kind)
    for name, make in (("", study), ("several-", several)):
        transcoded = with_body(make, {"Transcode": IMPLICIT}, is_transcoded)
        yield f"{name}transcoded", transcoded, TRANSCODE
        yield f"{name}named", with_body(make, {"Filename": "a b.zip"}), FILENAME
    if kind == "media":
        extended = archive_of_several("media-extended")
        for asked, plain, always in ((True, study, several), (False, study, extended)):
            how, body = ("extended" if asked else "not-extended"), {"Extended": asked}
            yield how, with_body(plain, body, is_extended(asked)), EXTENDED
            yield f"several-{how}", with_body(always, body, is_extended(asked)), EXTENDED
        yield "by-default", with_body(several, {}, is_extended(False)), EXTENDED
        yield "extended-by-default", with_body(extended, {}, is_extended(True)), EXTENDED


def archive_of(kind: str, level: str) -> Make:
    def make(context: Context) -> Request:
        part = Part(level, sample(context))
        name = f"{part.id}.zip"
        path, many = f"{part.path}/{kind}", len(part.uids)
        return Request(path, {}, uids=part.uids, instances=many, filename=name)

    return make


def archive_of_several(kind: str) -> Make:
    """Of a study, of one series of another one, and of a patient."""

    def make(context: Context) -> Request:
        parts = [Part(level, sample(context)) for level in ("study", "series", "patient")]
        uids = frozenset(uid for part in parts for uid in part.uids)
        return _of(kind, [part.id for part in parts], uids)

    return make


def archive_of_siblings(kind: str) -> Make:
    """Of two studies of one patient, and of another one both series and two of the instances."""

    def make(context: Context) -> Request:
        first, other = sample(context), sample(context)
        second = sample(context, of=first.patient_id)
        named = [first.study, second.study, *other.series, *other.instances[1:]]
        return _of(kind, named, frozenset((*first.uids, *second.uids, *other.uids)))

    return make


def archive_of_nothing(kind: str) -> Make:
    return lambda context: _of(kind, [], frozenset())


def _of(kind: str, ids: Sequence[str], uids: frozenset[str]) -> Request:
    path, body = f"/tools/create-{kind}", {"Resources": [*ids]}
    return Request(path, body, uids=uids, instances=len(uids), filename=SEVERAL)


def with_body(
    make: Make,
    body: dict[str, Any],
    inside: Callable[[Context, Files], None] = lambda context, files: None,
) -> Make:
    """The same with an option, and what has to come of it."""

    def asked(context: Context) -> Request:
        made = make(context)

        def verify(context: Context, content: dict[str, Any]) -> None:
            if "Transcode" in body:
                named = content.get("Transcode")
                context.equal(TRANSCODE, "Content.Transcode", body["Transcode"], named)

        return Request(
            made.path,
            {**made.body, **body},
            verify,
            uids=made.uids,
            instances=made.instances,
            inside=inside,
            filename=body.get("Filename", made.filename),
        )

    return asked


def is_transcoded(context: Context, files: Files) -> None:
    for name, file in files.items():
        if name != INDEX:
            named = (read_file(file) or {}).get("TransferSyntaxUID")
            context.equal(TRANSCODE, f"the transfer syntax of {name}", IMPLICIT, named)


def is_extended(asked: bool) -> Callable[[Context, Files], None]:
    def check(context: Context, files: Files) -> None:
        described = [one.series for one in index_of(files[INDEX])]
        expected = "a SeriesDescription of each series" if asked else "no SeriesDescription"
        right = all(bool(words) is asked for words in described)
        context.require(EXTENDED, right, expected, f"SeriesDescriptions {described}")

    return check


# --- what an archive has to be -----------------------------------------------------------------


def check_archive(context: Context, request: Request, type: str, content: bytes) -> None:
    """A ZIP archive is whole, and holds exactly the instances; a medium has an index as well."""
    expected = f"a ZIP file of {len(request.uids)} instances"
    expected += f" and {INDEX}" if type == MEDIA else ""
    try:
        names, files = unpacked(content)
    except NO_ZIP as error:
        context.deviates("route/archive-output", expected, f"{len(content)} bytes: {error}")
        return
    if type == MEDIA:
        context.require("route/media-index", names.count(INDEX) == 1, expected, names)
    tags = {name: read_file(file) or {} for name, file in files.items() if name != INDEX}
    found = sorted(each.get("SOPInstanceUID", "") for each in tags.values())
    right = found == sorted(request.uids) and len(names) == len(set(names))
    context.require("route/archive-output", right, expected, f"{names} with {found}")
    if type == MEDIA:
        _is_indexed(context, request, files[INDEX], tags)
    else:
        for name, each in tags.items():
            _is_in_its_place(context, name, each, whole=len(request.uids) > 1)
    request.inside(context, files)


def unpacked(content: bytes) -> tuple[list[str], Files]:
    """The names in a ZIP file, and its files. Raises one of `NO_ZIP` where it is not whole."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        if sum(member.file_size for member in archive.infolist()) > LARGEST:
            raise zipfile.BadZipFile(f"more than {LARGEST} bytes when it is unpacked")
        if (broken := archive.testzip()) is not None:
            raise zipfile.BadZipFile(f"broken member {broken}")
        return names, {name: archive.read(name) for name in names}


def uids_in(content: bytes) -> frozenset[str]:
    """The SOPInstanceUIDs of an archive's instances; none where it is no whole archive."""
    try:
        _, files = unpacked(content)
    except NO_ZIP:
        return frozenset()
    tags = [read_file(file) or {} for name, file in files.items() if name != INDEX]
    return frozenset(each.get("SOPInstanceUID", "") for each in tags)


def _is_indexed(
    context: Context, request: Request, index: bytes, tags: dict[str, dict[str, str]]
) -> None:
    needed, named = "route/media-index", index_of(index)
    found = sorted(one.uid for one in named)
    context.equal(needed, "instances in the index", sorted(request.uids), found)
    for one in named:
        there = tags.get(one.file, {}).get("SOPInstanceUID")
        context.equal(needed, f"the instance in {one.file}, by the index", one.uid, there)


def _is_in_its_place(context: Context, name: str, tags: dict[str, str], whole: bool) -> None:
    """Servers write the words of a folder's name in ways of their own: only letters count.

    ``whole``: the archive is of more than a series; for one, servers differ in where it begins.
    """
    *folders, file = name.split("/")
    words = (
        (tags.get("PatientID", ""), tags.get("PatientName", "")),
        (ACCESSION, tags.get("StudyDescription", "")),
        (modality := tags.get("Modality", ""), tags.get("SeriesDescription", "")),
    )
    right = (len(words) if whole else 1) <= len(folders) <= len(words) and all(
        _letters(word) in _letters(folder)
        for folder, each in zip(reversed(folders), reversed(words), strict=False)
        for word in each
    )
    context.require("route/archive-layout", right, f"folders with {words}", name)
    if context.binds("route/archive-file-name"):
        number = file.removeprefix(modality).partition(".")[0].lstrip("0")
        right = file.startswith(modality) and number == tags.get("InstanceNumber")
        expected = f"{modality} and {tags.get('InstanceNumber')} as its name"
        context.require("route/archive-file-name", right, expected, file)


def _letters(text: str) -> str:
    return "".join(char for char in text if char.isalnum()).lower()


def is_served(context: Context, request: Request, reply: Reply) -> None:
    """The headers of an answer that is an archive."""
    kind = reply.headers.get("Content-Type")
    context.equal("route/archive-served", "Content-Type", "application/zip", kind)
    if context.binds(FILENAME):
        offered = f'filename="{request.filename}"'
        disposition = reply.headers.get("Content-Disposition", "")
        right = disposition.endswith(offered)
        context.require(FILENAME, right, f"Content-Disposition {offered}", disposition)


def has_sizes(context: Context, request: Request, shown: dict[str, Any], archive: bytes) -> None:
    """The sizes in the Content of a job, by the archive that it has made.

    UncompressedSize is that of what is stored. Transcoded it is as large, unless somebody's server
    stores it in another way (IngestTranscoding).
    """
    needed = "route/archive-size"
    if not context.binds(needed):
        return
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        members = [one.file_size for one in files.infolist() if one.filename != INDEX]
    content = shown.get("Content")
    if not isinstance(content, dict):
        context.deviates("monitor/content", "Content as a JSON object", str(content))
        return
    sizes = {"ArchiveSize": len(archive), "UncompressedSize": sum(members)}
    if "Transcode" in request.body and not context.profile.managed:
        del sizes["UncompressedSize"]
    for key, size in sizes.items():
        context.equal(needed, key, str(size), content.get(key))
        context.equal(needed, f"{key}MB", size // MEGABYTE, content.get(f"{key}MB"))


__all__ = ["calls", "check_archive", "has_sizes", "is_served", "uids_in"]
