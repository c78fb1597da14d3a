"""`route/modify/overwritten`: a modification in place, on a server that overwrites instances."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.driver.context import Context
from conformance.suites.case import Case, Check
from conformance.suites.route.calls.copies import CHANGED
from conformance.suites.route.calls.stored import instance_tags
from conformance.suites.route.samples import sample
from conformance.sut.profile import Profile

NEEDED = "route/overwritten"
UIDS = ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"]


def cases(_: Profile) -> Iterator[Case]:
    config = {"OverwriteInstances": True}
    yield Check("route/modify/overwritten", NEEDED, check=overwritten, config=config)


def overwritten(context: Context) -> None:
    """All identifiers are kept: the study itself is changed, and its main tags with it."""
    made = sample(context)
    path = f"/studies/{made.study}"
    body = {"Replace": {"StudyDescription": CHANGED}, "Keep": UIDS, "Force": True}
    reply = context.post(f"{path}/modify", body)
    context.require(NEEDED, reply.ok, "HTTP 200 with the result", reply)
    tags = instance_tags(context, path)
    uids = sorted(one.get("SOPInstanceUID", "") for one in tags)
    context.equal(NEEDED, "SOPInstanceUIDs", sorted(made.uids), uids)
    described = sorted({one.get("StudyDescription", "") for one in tags})
    context.equal(NEEDED, "StudyDescription of the instances", [CHANGED], described)
    found = context.get(path).json()
    main = found.get("MainDicomTags") if isinstance(found, dict) else None
    said = main.get("StudyDescription") if isinstance(main, dict) else None
    context.equal(NEEDED, "StudyDescription in MainDicomTags", CHANGED, said)
