"""Modification and anonymization: copies of a patient, a study, a series, or of several."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from conformance.driver.context import Context
from conformance.suites.route.calls.model import LEVELS, RESULT, Call, Part, Request, Result
from conformance.suites.route.calls.stored import dicts, instance_tags, one_instance, stays
from conformance.suites.route.samples import NAME, Sample, patient_id, sample

TYPE = "ResourceModification"
CHANGED = "Changed by orthanc-jobs"
SHOWS = ("ID", "Path", "PatientID", "Type")
SHOWS_OF_SEVERAL = (
    "Description", "InstancesCount", "FailedInstancesCount", "IsAnonymization", "Resources",
)  # fmt: skip


def calls() -> Iterator[Call]:
    for action, copy in (("modify", modify), ("anonymize", anonymize)):
        about, late = f"route/{action}", f"route/bulk-{action}"
        for level in LEVELS:
            yield Call(f"{action}/{level}", about, TYPE, copy(level), SHOWS, fails=True)
        yield Call(f"{action}/source-removed", about, TYPE, copy("study", False), SHOWS)
        several, none = bulk(action), bulk_of_nothing(action)
        yield Call(f"{action}/several", late, TYPE, several, SHOWS_OF_SEVERAL, late)
        yield Call(f"{action}/nothing", late, TYPE, none, SHOWS_OF_SEVERAL, late, empty=True)


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
