"""The calls that the page lists, and the later ones of the same kind: what each asks for, what
kind of job it makes, and how to see that the job has done it.

A `Call` is a way to make a job; a `Request` is one use of it, on a sample of its own.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from conformance.driver.script import Via
from conformance.errors import Unjudged
from conformance.suites.route.samples import (
    NAME,
    Sample,
    indexed_by,
    orthanc_id,
    patient_id,
    read_file,
    sample,
)
from conformance.sut.client import LARGEST

if TYPE_CHECKING:
    from conformance.driver.context import Context

ARCHIVE, MEDIA, INDEX = "Archive", "Media", "DICOMDIR"
MODIFICATION, SPLIT, MERGE = "ResourceModification", "SplitStudy", "MergeStudy"
LEVELS = {"patient": "patients", "study": "studies", "series": "series"}
SENT = 3  # instances, or matches of a query, that a job sends
REPEATED = (0, 0, 1, 0)  # one instance three times, another one in between
FIRST, SECOND = ["Series 1"], ["Series 2", "Series 2"]  # the SeriesDescriptions of a sample
CHANGED = "Changed by orthanc-jobs"
RESULT = "route/result"

NO_ZIP = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError)

Result = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One call. ``uids``: the SOPInstanceUIDs that an archive must hold.

    ``instances``: how many it works on.
    ``verify``: given the Content of the job that succeeded, requires what it had to do.
    ``remove``: paths of what the job works on: without them it must fail.
    """

    path: str
    body: dict[str, Any]
    verify: Callable[[Context, Result], None] = lambda context, content: None
    uids: frozenset[str] = frozenset()
    instances: int = 0
    remove: tuple[str, ...] = ()


@dataclass(frozen=True)
class Call:
    """One way to make a job. ``name`` is the part of case ids that says which.

    ``requirement`` says that it runs as a job, ``type`` which; ``shows`` are the fields of its
    Content in Success. ``needs``: the requirement that says which versions have the call.
    ``fails``: whether it fails without what it works on. ``empty``: whether it works on nothing.
    ``sends``: how its steps come to the gate.
    """

    name: str
    requirement: str
    type: str
    make: Callable[[Context], Request]
    shows: tuple[str, ...] = ()
    needs: str | None = None
    fails: bool = False
    empty: bool = False
    sends: Via | None = None

    @property
    def archives(self) -> bool:
        return self.type in (ARCHIVE, MEDIA)


@dataclass(frozen=True)
class Part:
    """What of a sample a call is about: a patient, a study, or one series of it."""

    level: str
    made: Sample = field(repr=False)

    @property
    def id(self) -> str:
        return {"patient": self.made.patient, "study": self.made.study}.get(
            self.level, self.made.series[0]
        )

    @property
    def path(self) -> str:
        return f"/{LEVELS[self.level]}/{self.id}"

    @property
    def uids(self) -> frozenset[str]:
        return frozenset(self.made.uids[:1] if self.level == "series" else self.made.uids)


# --- archives and media ------------------------------------------------------------------------


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


# --- modification and anonymization ------------------------------------------------------------


def modify(level: str, keep: bool = True) -> Callable[[Context], Request]:
    def make(context: Context) -> Request:
        part = Part(level, sample(context))
        body = _changes(context, level) | ({} if keep else {"KeepSource": False})
        return _modification(part, "modify", body, keep, _is_changed)

    return make


def anonymize(level: str, keep: bool = True) -> Callable[[Context], Request]:
    def make(context: Context) -> Request:
        part = Part(level, sample(context))
        body = _anonymous(context) | ({} if keep else {"KeepSource": False})
        return _modification(part, "anonymize", body, keep, _is_anonymous)

    return make


Copied = Callable[["Context", dict[str, Any], dict[str, str]], None]


def _modification(
    part: Part, action: str, body: dict[str, Any], keep: bool, copied: Copied
) -> Request:
    def verify(context: Context, content: Result) -> None:
        kind = part.level.capitalize()
        context.equal("route/content", "Type", kind, content.get("Type"))
        _says_which(context, action, content)
        path = f"/{LEVELS[part.level]}/{content.get('ID')}"
        context.equal("route/content", "Path", path, content.get("Path"))
        context.require(RESULT, path != part.path, "a copy of its own", path)
        tags = instance_tags(context, path)
        context.equal(RESULT, "instances of the copy", len(part.uids), len(tags))
        level = "patient" if action == "anonymize" else part.level
        for each in tags:
            copied(context, body, each)
            _is_its_own(context, each, level, part.made)
        stays(context, part, keep)

    path = f"{part.path}/{action}"
    return Request(path, body, verify, instances=len(part.uids), remove=(part.path,))


def bulk(action: str) -> Callable[[Context], Request]:
    """Of a study, and of one series of another one."""

    def make(context: Context) -> Request:
        first, second = Part("study", sample(context)), Part("series", sample(context))
        body: dict[str, Any] = {"Resources": [first.id, second.id]}
        anonymous = action == "anonymize"
        body |= (
            _anonymous(context) if anonymous else {**_changes(context, "series"), "Level": "Series"}
        )
        made_of = len(first.uids) + len(second.uids)

        def verify(context: Context, content: Result) -> None:
            _says_which(context, action, content)
            made = [one.get("Path") for one in dicts(content.get("Resources"))]
            new = [str(path) for path in made if str(path).startswith("/instances/")]
            context.equal(RESULT, "instances that were made", made_of, len(new))
            for path in new:
                tags = one_instance(context, path)
                (_is_anonymous if anonymous else _is_changed)(context, body, tags)
                level = "patient" if anonymous else "series"
                _is_its_own(context, tags, level, first.made, second.made)
            stays(context, first, True)
            stays(context, second, True)

        paths = (first.path, second.path)
        return Request(f"/tools/bulk-{action}", body, verify, instances=made_of, remove=paths)

    return make


def bulk_of_nothing(action: str) -> Callable[[Context], Request]:
    def make(context: Context) -> Request:
        body: dict[str, Any] = {"Resources": []}
        if action == "modify":
            body |= {"Level": "Series", **_changes(context, "series")}
        return Request(f"/tools/bulk-{action}", body)

    return make


def _says_which(context: Context, action: str, content: Result) -> None:
    if "IsAnonymization" in content:  # in the Content of a job, not in every result of a call
        said, right = content["IsAnonymization"], action == "anonymize"
        context.equal("route/content", "IsAnonymization", right, said)


def _changes(context: Context, level: str) -> dict[str, Any]:
    if level == "patient":
        name = {"PatientID": patient_id(context), "PatientName": CHANGED}
        return {"Replace": name, "Force": True}
    return {"Replace": {f"{level.capitalize()}Description": CHANGED}}


def _anonymous(context: Context) -> dict[str, Any]:
    return {"Replace": {"PatientID": patient_id(context)}, "Force": True}


def _is_changed(context: Context, body: dict[str, Any], tags: dict[str, str]) -> None:
    for tag, value in body["Replace"].items():
        context.equal(RESULT, f"{tag} of the copy", value, tags.get(tag))


def _is_anonymous(context: Context, body: dict[str, Any], tags: dict[str, str]) -> None:
    _is_changed(context, body, tags)
    context.require(
        RESULT, NAME not in tags.values(), "a copy without the patient's name", f"it has {NAME}"
    )
    for tag in ("StudyDescription", "SeriesDescription", "PatientBirthDate"):
        gone = not tags.get(tag)
        context.require(RESULT, gone, f"a copy without {tag}", f"it has {tags.get(tag)}")


def _is_its_own(context: Context, tags: dict[str, str], level: str, *sources: Sample) -> None:
    """A copy has new UIDs, at the level that was changed and below."""
    known = {
        "StudyInstanceUID": {made.study_uid for made in sources},
        "SeriesInstanceUID": {uid for made in sources for uid in made.series_uids},
        "SOPInstanceUID": {uid for made in sources for uid in made.uids},
    }
    if level == "series":
        del known["StudyInstanceUID"]
    for keyword, old in known.items():
        uid = tags.get(keyword)
        context.require(RESULT, uid not in old, f"a {keyword} of its own", f"the source's: {uid}")


# --- split and merge ---------------------------------------------------------------------------


def split(keep: bool = False, both: bool = False) -> Callable[[Context], Request]:
    """The second series of a study, or both of them, become a study of its own."""
    moved, stayed = (FIRST + SECOND, []) if both else (SECOND, FIRST)

    def make(context: Context) -> Request:
        made = sample(context)
        named = [*made.series] if both else [made.series[1]]
        body = {"Series": named} | ({"KeepSource": True} if keep else {})

        def verify(context: Context, content: Result) -> None:
            path = f"/studies/{content.get('TargetStudy')}"
            found = instance_tags(context, path)
            series = sorted(_described(tags) for tags in found)
            context.equal(RESULT, "the series of the new study", moved, series)
            _are_in(context, len(named), found)
            uid = content.get("TargetStudyUID")
            context.equal(RESULT, "its StudyInstanceUID", uid, found[0].get("StudyInstanceUID"))
            context.require(RESULT, uid != made.study_uid, "a study of its own", f"{uid}")
            left = sorted(
                _described(one) for one in instance_tags(context, f"/studies/{made.study}")
            )
            right = FIRST + SECOND if keep else stayed
            context.equal(RESULT, "the series of the old study", right, left)

        path, gone = f"/studies/{made.study}/split", tuple(f"/series/{id}" for id in named)
        return Request(path, body, verify, instances=len(moved), remove=gone)

    return make


def merge(keep: bool = False) -> Callable[[Context], Request]:
    """The series of one study go to another."""

    def make(context: Context) -> Request:
        target, source = sample(context), sample(context)
        body = {"Resources": [source.study]} | ({"KeepSource": True} if keep else {})

        def verify(context: Context, content: Result) -> None:
            context.equal("route/content", "TargetStudy", target.study, content.get("TargetStudy"))
            tags = instance_tags(context, f"/studies/{target.study}")
            series = sorted(_described(one) for one in tags)
            right = 2 * FIRST + 2 * SECOND
            context.equal(RESULT, "the series of the study", right, series)
            _are_in(context, len(target.series) + len(source.series), tags)
            patients = {one.get("PatientID") for one in tags}
            context.equal(RESULT, "their patient", [target.patient_id], sorted(map(str, patients)))
            stays(context, Part("study", source), keep)

        path, moved = f"/studies/{target.study}/merge", f"/studies/{source.study}"
        return Request(path, body, verify, instances=len(source.uids), remove=(moved,))

    return make


def merge_of_nothing(context: Context) -> Request:
    return Request(f"/studies/{sample(context).study}/merge", {"Resources": []})


def _are_in(context: Context, many: int, instances: list[dict[str, str]]) -> None:
    """Instances of one series stay in one, and two series do not become one."""
    named = {(_described(tags), tags.get("SeriesInstanceUID")) for tags in instances}
    right = len(named) == len({uid for _, uid in named}) == many
    context.require(RESULT, right, f"{many} SeriesInstanceUIDs", sorted(map(str, named)))


def _described(tags: dict[str, str]) -> str:
    return tags.get("SeriesDescription", "")


# --- sending ------------------------------------------------------------------------------------
# Every step waits at the gate, and is answered as soon as it is seen there (`judge.state`).


def send(via: Via, sent: Sequence[int] = range(SENT)) -> Callable[[Context], Request]:
    """Instances to a peer, or to a modality: which of them, in this order."""

    def make(context: Context) -> Request:
        path, body = context.prepare(_new_name(context), max(sent, default=-1) + 1, via)
        listed = [body["Resources"][number] for number in sent]
        verify = _has_arrived(context, sent)
        return Request(path, {**body, "Resources": listed}, verify, instances=len(sent))

    return make


def retrieve(context: Context) -> Request:
    """All that a query has found, by one C-MOVE for each of two studies."""
    name = _new_name(context)
    context.prepare(name, SENT, Via.MODALITY)
    slot = context.driver.prepared[name].slot
    context.resources.dicom.matches[slot.number] = SENT
    reply = context.post(f"{slot.path}/query", {"Level": "Study", "Query": {"PatientID": ""}})
    made = reply.json()
    if not reply.ok or not isinstance(made, dict):
        raise Unjudged(f"the server makes no query for us: {reply}")
    path = f"/queries/{made.get('ID')}"
    context.resource(path)
    body = {"TargetAet": context.resources.gate.title}
    arrived, job = _has_arrived(context, range(SENT)), context.driver.prepared[name]

    def verify(context: Context, content: Result) -> None:
        arrived(context, content)
        named = {hold.target for hold in job.holds}
        context.equal(
            RESULT, "the targets of its C-MOVEs", [context.resources.gate.title], list(named)
        )

    return Request(f"{path}/retrieve", body, verify, instances=SENT)


def _new_name(context: Context) -> str:
    return f"S{len(context.driver.prepared) + 1}"


def _has_arrived(context: Context, sent: Sequence[int]) -> Callable[[Context, Result], None]:
    job = list(context.driver.prepared.values())[-1]

    about = {REPEATED: "step/repeated-instance", (): "step/empty"}.get(tuple(sent), RESULT)

    def verify(context: Context, content: Result) -> None:
        steps = [hold.step for hold in job.holds]
        context.equal(about, "steps that arrived", sorted(sent), sorted(steps))

    return verify


# --- what is stored ----------------------------------------------------------------------------


def instance_tags(context: Context, path: str) -> list[dict[str, str]]:
    """The tags of every instance of a resource, read from their files."""
    found = context.resources.client.get(f"{path}/instances").json()
    listed = [one.get("ID") for one in dicts(found)]
    return [one_instance(context, f"/instances/{id}") for id in listed]


def dicts(found: Any) -> list[dict[str, Any]]:
    """The JSON objects of what should be an array of them."""
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def one_instance(context: Context, path: str) -> dict[str, str]:
    return read_file(context.resources.client.get(f"{path}/file").body) or {}


def stays(context: Context, part: Part, keep: bool) -> None:
    """The source is there, unchanged, or it is gone: as asked."""
    there = context.resources.client.get(part.path).status
    context.equal(RESULT, f"HTTP status of the source {part.path}", 200 if keep else 404, there)
    if keep:
        found = {one.get("SOPInstanceUID", "") for one in instance_tags(context, part.path)}
        context.equal(RESULT, "instances that the source has lost", [], sorted(part.uids - found))


# --- all of them -------------------------------------------------------------------------------

OF_ARCHIVE = ("Description", "InstancesCount", "UncompressedSizeMB", "ArchiveSizeMB")
OF_COPY = ("ID", "Path", "PatientID", "Type")
OF_BULK = ("Description", "InstancesCount", "FailedInstancesCount", "IsAnonymization", "Resources")
OF_PEER = ("Description", "InstancesCount", "FailedInstancesCount", "Peer")
OF_STORE = ("Description", "InstancesCount", "FailedInstancesCount", "LocalAet", "RemoteAet")
OF_MOVE = ("Description", "LocalAet", "RemoteAet", "Query")
OF_MOVED = ("Description", "InstancesCount", "FailedInstancesCount", "TargetStudy")


def calls() -> list[Call]:
    """Every call that the suite knows."""
    found = []
    for kind, type in (("archive", ARCHIVE), ("media", MEDIA)):
        for level in LEVELS:
            made = archive_of(kind, level)
            found.append(Call(f"{kind}/{level}", f"route/{kind}", type, made, OF_ARCHIVE))
        found += [
            Call(f"{kind}/several", f"route/{kind}", type, archive_of_several(kind), OF_ARCHIVE),
            Call(
                f"{kind}/nothing",
                f"route/{kind}",
                type,
                archive_of_nothing(kind),
                OF_ARCHIVE,
                empty=True,
            ),
        ]
    for action, copy in (("modify", modify), ("anonymize", anonymize)):
        for level in LEVELS:
            made = copy(level)
            name = f"{action}/{level}"
            found.append(Call(name, f"route/{action}", MODIFICATION, made, OF_COPY, fails=True))
        late, several, none = f"route/bulk-{action}", bulk(action), bulk_of_nothing(action)
        found += [
            Call(
                f"{action}/source-removed",
                f"route/{action}",
                MODIFICATION,
                copy("study", False),
                OF_COPY,
            ),
            Call(f"{action}/several", late, MODIFICATION, several, OF_BULK, late),
            Call(f"{action}/nothing", late, MODIFICATION, none, OF_BULK, late, empty=True),
        ]
    found += [
        Call(
            "split/series", "route/split", SPLIT, split(), (*OF_MOVED, "TargetStudyUID"), None, True
        ),
        Call("split/source-kept", "route/split", SPLIT, split(True), OF_MOVED),
        Call("split/several", "route/split", SPLIT, split(True, True), OF_MOVED),
        Call("merge/study", "route/merge", MERGE, merge(), OF_MOVED, None, True),
        Call("merge/source-kept", "route/merge", MERGE, merge(True), OF_MOVED),
        Call("merge/nothing", "route/merge", MERGE, merge_of_nothing, OF_MOVED, empty=True),
    ]
    return found + _sending()


def _sending() -> list[Call]:
    peer, store, move = "OrthancPeerStore", "DicomModalityStore", "DicomMoveScu"
    to_peer, to_modality = send(Via.PEER, REPEATED), send(Via.MODALITY, REPEATED)
    found = [
        Call("peer-store/instances", "route/peer-store", peer, send(Via.PEER), OF_PEER),
        Call("peer-store/repeated", "route/peer-store", peer, to_peer, OF_PEER),
        Call("store/instances", "route/modality-store", store, send(Via.MODALITY), OF_STORE),
        Call("store/repeated", "route/modality-store", store, to_modality, OF_STORE),
        Call("retrieve/studies", "route/retrieve", move, retrieve, OF_MOVE),
    ]
    vias = (Via.PEER, Via.PEER, Via.MODALITY, Via.MODALITY, Via.MODALITY)
    found = [replace(call, sends=via) for call, via in zip(found, vias, strict=True)]
    none = [
        Call("peer-store/nothing", "route/peer-store", peer, send(Via.PEER, ()), OF_PEER),
        Call("store/nothing", "route/modality-store", store, send(Via.MODALITY, ()), OF_STORE),
    ]
    return found + [replace(call, empty=True) for call in none]


__all__ = ["Call", "Request", "Sample", "calls", "check_archive", "orthanc_id"]
