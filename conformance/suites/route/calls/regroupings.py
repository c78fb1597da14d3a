"""Split and merge: series that go to a study of their own, or to another one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from conformance.driver.context import Context
from conformance.suites.route.calls.model import RESULT, Call, Part, Request, Result
from conformance.suites.route.calls.stored import instance_tags, stays
from conformance.suites.route.samples import sample

SPLIT, MERGE = "SplitStudy", "MergeStudy"
FIRST, SECOND = ["Series 1"], ["Series 2", "Series 2"]  # the SeriesDescriptions of a sample
SHOWS = ("Description", "InstancesCount", "FailedInstancesCount", "TargetStudy")


def calls() -> Iterator[Call]:
    split_shows = (*SHOWS, "TargetStudyUID")
    yield Call("split/series", "route/split", SPLIT, split(), split_shows, None, True)
    yield Call("split/source-kept", "route/split", SPLIT, split(True), SHOWS)
    yield Call("split/several", "route/split", SPLIT, split(True, True), SHOWS)
    yield Call("merge/study", "route/merge", MERGE, merge(), SHOWS, None, True)
    yield Call("merge/source-kept", "route/merge", MERGE, merge(True), SHOWS)
    yield Call("merge/nothing", "route/merge", MERGE, merge_of_nothing, SHOWS, empty=True)


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
