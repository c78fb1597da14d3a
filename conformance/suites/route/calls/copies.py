"""Modification and anonymization: copies of a patient, a study, a series, or of several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from conformance.driver.context import Context
from conformance.errors import Unjudged
from conformance.suites.route.calls.model import LEVELS, RESULT, Call, Part, Request, Result
from conformance.suites.route.calls.stored import (
    dicts,
    has,
    has_all,
    instance_tags,
    is_of_rest,
    stays,
)
from conformance.suites.route.samples import (
    DATE,
    IMPLICIT,
    ITEM,
    NAME,
    PATIENT,
    PRIVATE,
    SEQUENCE,
    Sample,
    patient_id,
    sample,
)

TYPE = "ResourceModification"
COMES_FROM, PARENTS = "route/made-from", "route/parent-resources"
ANONYMIZED = "Anonymized"
ATTACHED = "option/attached"
LABELS, LABEL = "option/keep-labels", "orthanc-jobs"
CHANGED = "Changed by orthanc-jobs"
FIRST, SECOND = ITEM
SHOWS = ("ID", "Path", "PatientID", "Type")


def calls() -> Iterator[Call]:
    for action, copy in (("modify", modify), ("anonymize", anonymize)):
        about = f"route/{action}"
        for level in LEVELS:
            yield Call(f"{action}/{level}", about, TYPE, copy(level), SHOWS, fails=True)
        yield Call(f"{action}/source-removed", about, TYPE, copy("study", False), SHOWS)
        for kept in (True, False):
            name = f"{action}/labels-{'kept' if kept else 'left'}"
            yield Call(name, LABELS, TYPE, labelled(action, kept), SHOWS, LABELS)
    for name, level in (("attached", "study"), ("patient-attached", "patient")):
        yield Call(f"modify/{name}", ATTACHED, TYPE, attached(level), SHOWS, ATTACHED)
    for action, rows in (("modify", MODIFY), ("anonymize", ANONYMIZE)):
        for row in rows:
            name, about, make = f"{action}/{row.name}", f"option/{row.option}", of(action, row)
            yield Call(name, about, TYPE, make, SHOWS, about)


def modify(level: str, keep: bool = True) -> Callable[[Context], Request]:
    def make(context: Context) -> Request:
        part = Part(level, sample(context))
        body = changes(context, level) | ({} if keep else {"KeepSource": False})
        return _modification(part, "modify", body, keep, is_changed)

    return make


def anonymize(level: str, keep: bool = True) -> Callable[[Context], Request]:
    def make(context: Context) -> Request:
        part = Part(level, sample(context))
        body = anonymous(context) | ({} if keep else {"KeepSource": False})
        return _modification(part, "anonymize", body, keep, is_anonymous)

    return make


Copied = Callable[["Context", dict[str, Any], dict[str, str]], None]


def _modification(
    part: Part, action: str, body: dict[str, Any], keep: bool, copied: Copied
) -> Request:
    def verify(context: Context, content: Result) -> None:
        path = _is_a_copy(context, part, action, content)
        context.require(RESULT, path != part.path, "a copy of its own", path)
        tags = instance_tags(context, path)
        context.equal(RESULT, "instances of the copy", len(part.uids), len(tags))
        level = "patient" if action == "anonymize" else part.level
        for each in tags:
            copied(context, body, each)
            is_its_own(context, each, level, part.made)
        stays(context, part, keep)

    path = f"{part.path}/{action}"
    return Request(path, body, verify, instances=len(part.uids), remove=(part.path,))


def _is_a_copy(context: Context, part: Part, action: str, content: Result) -> str:
    """What the result says of the copy, and the copy of where it comes from; its path."""
    kind = part.level.capitalize()
    context.equal("route/content", "Type", kind, content.get("Type"))
    says_which(context, action, content)
    path = f"/{LEVELS[part.level]}/{content.get('ID')}"
    context.equal("route/content", "Path", path, content.get("Path"))
    client = context.resources.client
    above = path if part.level == "patient" else f"{path}/patient"
    patient = client.get(above).json()
    named = patient.get("ID") if isinstance(patient, dict) else patient
    context.equal("route/content", "PatientID", named, content.get("PatientID"))
    if "Description" in content and context.binds(PARENTS):
        context.equal(PARENTS, "ParentResources", [part.id], content.get("ParentResources"))
    if context.binds(COMES_FROM):
        sources = {path: {part.id}}
        found = dicts(client.get(f"{path}/instances").json())
        sources |= {f"/instances/{one.get('ID')}": set(part.made.instances) for one in found}
        known = _known(part.made)
        for level, id in _around(context, path).items():
            if id not in known[level]:  # what the copy shares with its source is no copy
                sources[f"/{LEVELS[level]}/{id}"] = known[level]
        comes_from(context, action, sources)
    return path


def _known(made: Sample) -> dict[str, set[str]]:
    """The ids of a sample, by level."""
    return {"patient": {made.patient}, "study": {made.study}, "series": set(made.series)}


def _around(context: Context, path: str) -> dict[str, str]:
    """The patient, the study and the series of an instance of what is at ``path``, by level."""
    client = context.resources.client
    found = dicts(client.get(f"{path}/instances").json())
    if not found:
        return {}
    instance = f"/instances/{found[0].get('ID')}"
    shown = {level: client.get(f"{instance}/{level}").json() for level in LEVELS}
    return {level: str(one.get("ID")) for level, one in shown.items() if isinstance(one, dict)}


def comes_from(context: Context, action: str, sources: Mapping[str, Set[str]]) -> None:
    """What was made says which resource it is made of. ``sources``: which it may be, by path."""
    name = {"modify": "ModifiedFrom", "anonymize": "AnonymizedFrom"}[action]
    for path, ids in sources.items():
        reply = context.resources.client.get(f"{path}/metadata/{name}")
        said = reply.body.decode("utf-8", "replace").strip()
        expected = f"{name} of {path}: {' or '.join(sorted(ids))}"
        context.require(COMES_FROM, reply.ok and said in ids, expected, reply)
        if path.startswith("/instances/"):
            is_of_rest(context, path)


# --- options -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Option:
    """A use of an option on a study. ``body``: what is asked for.

    ``effect``: given the tags of each instance of the copy, requires what it has to be.
    """

    name: str
    option: str
    body: Mapping[str, Any]
    effect: Callable[[Context, Mapping[str, str], Sample], None]


def of(action: str, row: Option) -> Callable[[Context], Request]:
    def make(context: Context) -> Request:
        part = Part("study", sample(context, nested=row.option == "path"))

        def verify(context: Context, content: Result) -> None:
            path = _is_a_copy(context, part, action, content)
            tags = instance_tags(context, path)
            context.equal(RESULT, "instances of the copy", len(part.uids), len(tags))
            for each in tags:
                row.effect(context, each, part.made)
            if "Transcode" in row.body:
                named = content.get("Transcode")
                context.equal(f"option/{row.option}", "Transcode", row.body["Transcode"], named)

        replaced = {"PatientID": patient_id(context)} if action == "anonymize" else {}
        body = {**row.body, "Replace": {**replaced, **row.body.get("Replace", {})}}
        if action == "anonymize":
            body["Force"] = True
        path = f"{part.path}/{action}"
        return Request(path, body, verify, instances=len(part.uids), remove=(part.path,))

    return make


def attached(level: str) -> Callable[[Context], Request]:
    """A study, or all of a patient, goes to another patient, who has studies: by all its tags."""

    def make(context: Context) -> Request:
        part, other = Part(level, sample(context)), sample(context)
        more = sample(context, of=other.patient_id)
        there = {*other.uids, *more.uids}

        def verify(context: Context, content: Result) -> None:
            path = f"/{LEVELS[level]}/{content.get('ID')}"
            tags = instance_tags(context, path)
            new = [each for each in tags if each.get("SOPInstanceUID") not in there]
            context.equal(RESULT, "instances of the copy", len(part.uids), len(new))
            for each in new:
                found = each.get("PatientID")
                context.equal(ATTACHED, "PatientID of the copy", other.patient_id, found)
                is_its_own(context, each, level, part.made, other, more)
            above = path if level == "patient" else f"{path}/patient"
            patient = context.resources.client.get(above).json()
            named = patient.get("ID") if isinstance(patient, dict) else patient
            context.equal(ATTACHED, "the patient of the copy", other.patient, named)
            stays(context, part, True)

        body = {"Replace": {**PATIENT, "PatientID": other.patient_id}, "Force": True}
        path = f"{part.path}/modify"
        return Request(path, body, verify, instances=len(part.uids), remove=(part.path,))

    return make


def labelled(action: str, kept: bool) -> Callable[[Context], Request]:
    """A study, its series and its patient have a label. ``kept``: whether the copies have it."""
    row = Option("labelled", "keep-labels", {"KeepLabels": kept}, lambda context, tags, made: None)
    make = of(action, row)

    def asked(context: Context) -> Request:
        request = make(context)
        client, (source,) = context.resources.client, request.remove
        known = _around(context, source)
        series = dicts(client.get(f"{source}/series").json())
        labelled = [f"/{LEVELS[level]}/{id}" for level, id in known.items() if level != "series"]
        for path in (*labelled, *(f"/series/{one.get('ID')}" for one in series)):
            reply = client.put(f"{path}/labels/{LABEL}", {})
            if not reply.ok:
                raise Unjudged(f"the server takes no label: {reply}")

        def verify(context: Context, content: Result) -> None:
            request.verify(context, content)
            for level, id in _around(context, f"/studies/{content.get('ID')}").items():
                if id != known[level]:
                    found = client.get(f"/{LEVELS[level]}/{id}/labels").json()
                    what = f"the labels of the copy's {level}"
                    context.equal(LABELS, what, [LABEL] if kept else [], found)

        return replace(request, verify=verify)

    return asked


def is_named_by_number(context: Context, tags: Mapping[str, str], _: Sample) -> None:
    name = tags.get("PatientName", "")
    right = name.startswith(ANONYMIZED) and name.removeprefix(ANONYMIZED).isdigit()
    context.require("option/anonymous-name", right, f"{ANONYMIZED} and a number", name)


IDENTIFIERS: Mapping[str, Callable[[Sample], Iterable[str]]] = MappingProxyType(
    {"SOPInstanceUID": lambda made: made.uids, "SeriesInstanceUID": lambda made: made.series_uids}
)


def keeps(*identifiers: str) -> Callable[..., None]:
    """Each instance of the copy has these identifiers of the source: names of tags."""

    def effect(context: Context, tags: Mapping[str, str], made: Sample) -> None:
        for tag in identifiers:
            found = tags.get(tag, "")
            right = found in IDENTIFIERS[tag](made)
            context.require("option/keep", right, f"{tag} of the source", found)

    return effect


def has_no_date(context: Context, tags: Mapping[str, str], _: Sample) -> None:
    """A date may be emptied, or removed."""
    context.equal("option/dicom-version", "StudyDate", "", tags.get("StudyDate", ""))


MODIFY = (
    Option("removed", "remove", {"Remove": ["AccessionNumber"]},
           has("remove", "AccessionNumber", None)),
    Option("removed-first", "remove", {"Remove": ["StudyID", "StudyDescription"]},
           has("remove", "StudyID", None)),
    Option("replaced", "replace", {"Replace": {"AccessionNumber": "R1", "StudyID": "R2"}},
           has("replace", "StudyID", "R2")),
    Option("added", "replace", {"Replace": {"ReferringPhysicianName": "added"}},
           has("replace", "ReferringPhysicianName", "added")),
    Option("item-removed", "path", {"Remove": [f"{SEQUENCE}[0].{FIRST}"]},
           has_all("path", {f"{SEQUENCE}[0].{FIRST}": None, f"{SEQUENCE}[0].{SECOND}": "1"})),
    Option("item-replaced", "path", {"Replace": {f"{SEQUENCE}[0].{FIRST}": "R"}},
           has_all("path", {f"{SEQUENCE}[0].{FIRST}": "R", f"{SEQUENCE}[0].{SECOND}": "1"})),
    Option("private-removed", "private", {"RemovePrivateTags": True},
           has("private", PRIVATE, None)),
    Option("private-kept", "private", {"RemovePrivateTags": False},
           has("private", PRIVATE, "private")),
    Option("instances-kept", "keep", {"Keep": ["SOPInstanceUID"], "Force": True},
           keeps("SOPInstanceUID")),
    Option("series-kept", "keep", {"Keep": ["SeriesInstanceUID"], "Force": True},
           keeps("SeriesInstanceUID")),
    Option("series-and-instances-kept", "keep",
           {"Keep": ["SeriesInstanceUID", "SOPInstanceUID"], "Force": True},
           keeps("SeriesInstanceUID", "SOPInstanceUID")),
    Option("transcoded", "transcode", {"Transcode": IMPLICIT},
           has("transcode", "TransferSyntaxUID", IMPLICIT)),
)  # fmt: skip
ANONYMIZE = (
    Option("named", "anonymous-name", {}, is_named_by_number),
    Option("renamed", "replace", {"Replace": {"PatientName": "Renamed"}},
           has("replace", "PatientName", "Renamed")),
    Option("kept", "keep", {"Keep": ["StudyDescription"]},
           has("keep", "StudyDescription", "Study")),
    Option("removed", "remove", {"Remove": ["PatientSex"]}, has("remove", "PatientSex", None)),
    Option("private-removed", "private", {}, has("private", PRIVATE, None)),
    Option("private-kept", "private", {"KeepPrivateTags": True},
           has("private", PRIVATE, "private")),
    Option("transcoded", "transcode", {"Transcode": IMPLICIT},
           has("transcode", "TransferSyntaxUID", IMPLICIT)),
    Option("by-2008", "dicom-version", {"DicomVersion": "2008"},
           has("dicom-version", "StudyDate", DATE)),
    Option("by-2017c", "dicom-version", {"DicomVersion": "2017c"}, has_no_date),
)  # fmt: skip


# --- what a copy is ---------------------------------------------------------------------------


def says_which(context: Context, action: str, content: Result) -> None:
    if "IsAnonymization" in content:  # in the Content of a job, not in every result of a call
        said, right = content["IsAnonymization"], action == "anonymize"
        context.equal("route/content", "IsAnonymization", right, said)


def changes(context: Context, level: str) -> dict[str, Any]:
    if level == "instance":
        return {"Replace": {"ImageComments": CHANGED}}
    if level == "patient":
        name = {"PatientID": patient_id(context), "PatientName": CHANGED}
        return {"Replace": name, "Force": True}
    return {"Replace": {f"{level.capitalize()}Description": CHANGED}}


def anonymous(context: Context) -> dict[str, Any]:
    return {"Replace": {"PatientID": patient_id(context)}, "Force": True}


def is_changed(context: Context, body: dict[str, Any], tags: dict[str, str]) -> None:
    for tag, value in body["Replace"].items():
        context.equal(RESULT, f"{tag} of the copy", value, tags.get(tag))


def is_anonymous(context: Context, body: dict[str, Any], tags: dict[str, str]) -> None:
    is_changed(context, body, tags)
    context.require(
        RESULT, NAME not in tags.values(), "a copy without the patient's name", f"it has {NAME}"
    )
    for tag in ("StudyDescription", "SeriesDescription", "PatientBirthDate"):
        gone = not tags.get(tag)
        context.require(RESULT, gone, f"a copy without {tag}", f"it has {tags.get(tag)}")


def is_its_own(context: Context, tags: dict[str, str], level: str, *sources: Sample) -> None:
    """A copy has new UIDs, at the level that was changed and below."""
    known = {
        "StudyInstanceUID": {made.study_uid for made in sources},
        "SeriesInstanceUID": {uid for made in sources for uid in made.series_uids},
        "SOPInstanceUID": {uid for made in sources for uid in made.uids},
    }
    kept = {"series": ("StudyInstanceUID",), "instance": ("StudyInstanceUID", "SeriesInstanceUID")}
    for keyword in kept.get(level, ()):
        uid, old = tags.get(keyword), known.pop(keyword)
        context.require(RESULT, uid in old, f"the {keyword} of the source", f"{uid}")
    for keyword, old in known.items():
        uid = tags.get(keyword)
        context.require(RESULT, uid not in old, f"a {keyword} of its own", f"the source's: {uid}")
