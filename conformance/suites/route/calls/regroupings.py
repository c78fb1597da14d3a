"""Split and merge: series that go to a study of their own, or to another one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from conformance.driver.context import Context
from conformance.suites.route.calls.model import RESULT, Call, Part, Request, Result
from conformance.suites.route.calls.stored import dicts, has_all, instance_tags, is_of_rest, stays
from conformance.suites.route.samples import NAME, Sample, sample, series_of

SPLIT, MERGE = "SplitStudy", "MergeStudy"
MERGED, INSTANCES, PARTS = "route/merged-tags", "option/split-instances", "option/merge-instances"
# What a study that is merged says of itself, and what the one that it goes to does.
ELSEWHERE = {
    "PatientName": "Somebody^else",
    "PatientBirthDate": "19800202",
    "StudyDescription": "Elsewhere",
    "ReferringPhysicianName": "Source",
}
THERE = {
    "PatientName": NAME,
    "PatientBirthDate": "19700101",
    "StudyDescription": "Study",
    "ReferringPhysicianName": "",
}
FIRST, SECOND = ["Series 1"], ["Series 2", "Series 2"]  # the SeriesDescriptions of a sample
SHOWS = ("Description", "InstancesCount", "FailedInstancesCount", "TargetStudy")


Effect = Callable[[Context, Mapping[str, str]], None]


def nothing_else(context: Context, tags: Mapping[str, str]) -> None:
    """No option was given."""


def calls() -> Iterator[Call]:
    split_shows = (*SHOWS, "TargetStudyUID")
    yield Call("split/series", "route/split", SPLIT, split(), split_shows, None, True)
    yield Call("split/source-kept", "route/split", SPLIT, split(True), SHOWS)
    yield Call("split/several", "route/split", SPLIT, split(True, True), SHOWS)
    yield Call("merge/study", "route/merge", MERGE, merge(), SHOWS, None, True)
    yield Call("merge/source-kept", "route/merge", MERGE, merge(True), SHOWS)
    without = dict.fromkeys(("StudyDescription", "AccessionNumber"))
    removed = split(more={"Remove": [*without]}, effect=has_all("remove", without))
    yield Call("split/removed", "option/remove", SPLIT, removed, SHOWS, "option/remove")
    named = {"PatientName": "Renamed", "StudyDescription": "Other"}
    renamed = split(more={"Replace": named}, effect=has_all("replace", named))
    yield Call("split/renamed", "option/replace", SPLIT, renamed, SHOWS, "option/replace")
    yield Call("split/instances", INSTANCES, SPLIT, split_instances, SHOWS, INSTANCES)
    yield Call("split/instances-and-series", INSTANCES, SPLIT, split_mixed, SHOWS, INSTANCES)
    yield Call("merge/series", "route/merge", MERGE, merge(True, "series"), SHOWS)
    yield Call("merge/instance", PARTS, MERGE, merge(True, "instance"), SHOWS, PARTS)
    yield Call("merge/several", PARTS, MERGE, merge_of_several, SHOWS, PARTS)
    yield Call("merge/nothing", "route/merge", MERGE, merge_of_nothing, SHOWS, empty=True)


def split(
    keep: bool = False,
    both: bool = False,
    more: Mapping[str, Any] = MappingProxyType({}),
    effect: Effect = nothing_else,
) -> Callable[[Context], Request]:
    """The second series of a study, or both of them, become a study of its own.

    ``more``: options; ``effect``: what they have to come to in each of the new instances.
    """
    moved, stayed = (FIRST + SECOND, []) if both else (SECOND, FIRST)

    def make(context: Context) -> Request:
        made = sample(context)
        named = [*made.series] if both else [made.series[1]]
        body = {"Series": named, **more} | ({"KeepSource": True} if keep else {})

        def verify(context: Context, content: Result) -> None:
            found = _new_study(context, made, content)
            series = sorted(_described(tags) for tags in found)
            context.equal(RESULT, "the series of the new study", moved, series)
            _are_in(context, len(named), found)
            for tags in found:
                effect(context, tags)
            left = sorted(
                _described(one) for one in instance_tags(context, f"/studies/{made.study}")
            )
            right = FIRST + SECOND if keep else stayed
            context.equal(RESULT, "the series of the old study", right, left)

        path, gone = f"/studies/{made.study}/split", tuple(f"/series/{id}" for id in named)
        return Request(path, body, verify, instances=len(moved), remove=gone)

    return make


def split_instances(context: Context) -> Request:
    """One instance of a series of two becomes a study of its own."""
    made = sample(context)
    body = {"Instances": [made.instances[1]]}
    return _split_of(made, body, ["2"], ["1", "3"])


def split_mixed(context: Context) -> Request:
    """A series, and one instance of another one, become a study of their own."""
    made = sample(context)
    body = {"Series": [made.series[0]], "Instances": [made.instances[1]]}
    return _split_of(made, body, ["1", "2"], ["3"])


def _split_of(
    made: Sample, body: Mapping[str, list[str]], moved: list[str], stayed: list[str]
) -> Request:
    """``moved``, ``stayed``: the InstanceNumbers in the new study and in the old one."""

    def verify(context: Context, content: Result) -> None:
        old = instance_tags(context, f"/studies/{made.study}")
        new = _new_study(context, made, content)
        for which, right, found in (("new", moved, new), ("old", stayed, old)):
            numbers = sorted(tags.get("InstanceNumber", "") for tags in found)
            context.equal(INSTANCES, f"InstanceNumbers in the {which} study", right, numbers)

    gone = tuple(f"/{key.lower()}/{id}" for key, ids in body.items() for id in ids)
    path = f"/studies/{made.study}/split"
    return Request(path, dict(body), verify, instances=len(moved), remove=gone)


def _new_study(context: Context, made: Sample, content: Result) -> list[dict[str, str]]:
    """The instances of the study that a split has made, which have UIDs of their own."""
    path = f"/studies/{content.get('TargetStudy')}"
    found = instance_tags(context, path)
    uid = content.get("TargetStudyUID")
    named = sorted({str(tags.get("StudyInstanceUID")) for tags in found})
    context.equal(RESULT, "its StudyInstanceUID", [uid], named)
    context.require(RESULT, uid != made.study_uid, "a study of its own", f"{uid}")
    _are_new(context, made, path, found)
    return found


def _are_new(context: Context, made: Sample, path: str, found: Sequence[dict[str, str]]) -> None:
    """What a job has moved has SOPInstanceUIDs of its own, and came by the REST API."""
    old = sorted({tags.get("SOPInstanceUID", "") for tags in found} & set(made.uids))
    context.equal(RESULT, "SOPInstanceUIDs of the source in what was made", [], old)
    for one in dicts(context.resources.client.get(f"{path}/instances").json()):
        tags = one.get("MainDicomTags")
        if isinstance(tags, dict) and tags.get("SOPInstanceUID") not in made.uids:
            is_of_rest(context, f"/instances/{one.get('ID')}")


def merge(keep: bool = False, part: str = "study") -> Callable[[Context], Request]:
    """The series of one study go to another. ``part``: what of it the call names."""
    numbers = {"study": (0, 1, 2), "series": (1, 2), "instance": (1,)}[part]

    def make(context: Context) -> Request:
        target = sample(context)
        source = sample(context, more=ELSEWHERE)
        named = {"study": source.study, "series": source.series[1]}.get(part, source.instances[1])
        body = {"Resources": [named]} | ({"KeepSource": True} if keep else {})

        def verify(context: Context, content: Result) -> None:
            context.equal("route/content", "TargetStudy", target.study, content.get("TargetStudy"))
            tags = instance_tags(context, f"/studies/{target.study}")
            series = sorted(_described(one) for one in tags)
            right = sorted(FIRST + SECOND + [(FIRST + SECOND)[number] for number in numbers])
            context.equal(RESULT, "the series of the study", right, series)
            _are_in(context, len(target.series) + len({series_of(n) for n in numbers}), tags)
            patients = {one.get("PatientID") for one in tags}
            context.equal(RESULT, "their patient", [target.patient_id], sorted(map(str, patients)))
            new = [one for one in tags if one.get("SOPInstanceUID") not in target.uids]
            _are_new(context, source, f"/studies/{target.study}", new)
            _are_of_the_target(context, tags)
            if part == "study":
                stays(context, Part("study", source), keep)

        path = f"/studies/{target.study}/merge"
        moved = {"study": "studies", "series": "series", "instance": "instances"}[part]
        return Request(path, body, verify, instances=len(numbers), remove=(f"/{moved}/{named}",))

    return make


def merge_of_several(context: Context) -> Request:
    """A study, a series of a second one and an instance of a third one go to a fourth."""
    target, *sources = (sample(context), *(sample(context, more=ELSEWHERE) for _ in range(3)))
    whole, second, third = sources
    named = [whole.study, second.series[1], third.instances[2]]

    def verify(context: Context, content: Result) -> None:
        tags = instance_tags(context, f"/studies/{target.study}")
        series = sorted(_described(one) for one in tags)
        moved = FIRST + SECOND + SECOND + SECOND[:1]
        context.equal(PARTS, "the series of the study", sorted(FIRST + SECOND + moved), series)
        _are_in(context, len(target.series) + len(whole.series) + 2, tags)
        _are_of_the_target(context, tags)
        stays(context, Part("study", whole), False)
        for one, numbers in ((second, ["1"]), (third, ["1", "2"])):
            left = instance_tags(context, f"/studies/{one.study}")
            found = sorted(each.get("InstanceNumber", "") for each in left)
            context.equal(PARTS, "InstanceNumbers in a study that was merged", numbers, found)

    path = f"/studies/{target.study}/merge"
    return Request(path, {"Resources": named}, verify, instances=6)


def _are_of_the_target(context: Context, instances: list[dict[str, str]]) -> None:
    """What a merge has brought has the patient's and the study's tags of where it went."""
    if context.binds(MERGED):
        for tag, value in THERE.items():
            found = sorted({one.get(tag, "") for one in instances})
            context.equal(MERGED, f"{tag} of them", [value], found)


def merge_of_nothing(context: Context) -> Request:
    return Request(f"/studies/{sample(context).study}/merge", {"Resources": []})


def _are_in(context: Context, many: int, instances: list[dict[str, str]]) -> None:
    """Instances of one series stay in one, and two series do not become one."""
    named = {(_described(tags), tags.get("SeriesInstanceUID")) for tags in instances}
    right = len(named) == len({uid for _, uid in named}) == many
    context.require(RESULT, right, f"{many} SeriesInstanceUIDs", sorted(map(str, named)))


def _described(tags: dict[str, str]) -> str:
    return tags.get("SeriesDescription", "")
