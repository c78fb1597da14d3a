"""What a job that has succeeded shows, and what its call answers where it was waited for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from conformance.driver.script import Via
from conformance.suites.route import judge
from conformance.suites.route.calls import Call, Request
from conformance.suites.route.calls.archives import check_archive, has_sizes, is_served
from conformance.suites.route.outputs import output
from conformance.sut.reply import Reply
from spec.relaxations import Shortfall
from spec.table import State
from spec.types import row

if TYPE_CHECKING:
    from conformance.driver.context import Context

BELOW_100 = {Shortfall.RETRIEVE_SUCCEEDS_BELOW_100, Shortfall.OPERATIONS_SUCCEED_BELOW_100}


def has_succeeded(context: Context, call: Call, request: Request, id: str) -> None:
    """The job is of the right Type, in Success, with the Content of its Type."""
    shown = judge.look(context, call, id)
    judge.is_in(context, call.requirement, shown, State.SUCCESS)
    context.equal("route/type", "Type", call.type, shown.get("Type"))
    known = next(iter(BELOW_100 & row(call.type).short), None)
    progress = f"Progress {shown.get('Progress')!r}"
    context.require("monitor/progress", progress == "Progress 100", "Progress 100", progress, known)
    priority = context.resources.priority if call.start is None else 0
    context.equal("submit/priority", "Priority", priority, shown.get("Priority"))
    content = shown.get("Content")
    if not isinstance(content, dict):
        context.deviates("monitor/content", "Content as a JSON object", str(content))
        return
    shows = call.shows if not call.empty else [k for k in call.shows if k != "TargetStudy"]
    missing = [key for key in shows if key not in content]
    context.require("route/content", not missing, f"Content with {', '.join(shows)}", content)
    if "InstancesCount" in content:
        context.equal(
            "route/content", "InstancesCount", request.instances, content["InstancesCount"]
        )
    if "FailedInstancesCount" in content and not request.body.get("Permissive"):
        failed = content["FailedInstancesCount"]
        context.equal("route/content", "FailedInstancesCount", 0, failed)
    if call.sends is Via.MODALITY:
        marks = [job.slot.mark for job in context.driver.prepared.values()]
        context.require(
            "route/content", content["RemoteAet"] in marks, f"RemoteAet in {marks}", content
        )
    request.verify(context, content)


def has_output(context: Context, call: Call, request: Request, id: str) -> None:
    """The job that succeeded last has the outputs of its type, each time that it is asked."""
    for name in row(call.type).run.outputs:
        reply = output(context, id, name)
        context.require("route/archive-output", reply.ok, f"HTTP 200 with the {name}", reply)
        check_archive(context, request, call.type, reply.body)
        is_served(context, request, reply)
        has_sizes(context, request, judge.look(context, call, id), reply.body)
        again = output(context, id, name)
        same = again.ok and again.body == reply.body
        context.require("route/archive-output", same, f"the same {name} once more", again)


def gives_the_result(
    context: Context, call: Call, request: Request, reply: Reply, requirement: str
) -> None:
    if call.archives:
        check_archive(context, request, call.type, reply.body)
        is_served(context, request, reply)
        return
    result = reply.json()
    expected = f"the result: {', '.join(call.shows)}"
    whole = isinstance(result, dict) and set(call.shows) <= set(result)
    context.require(requirement, whole, expected, reply)
    request.verify(context, result)


def fails(
    context: Context,
    call: Call,
    shown: judge.Shown,
    needed: str,
    known: Mapping[int, Shortfall],
) -> bool:
    """Whether a job has failed in a way that is ``known``, by its ErrorCode."""
    name = known.get(shown["ErrorCode"])
    if shown["State"] != State.FAILURE or name not in row(call.type).short:
        return False
    words = f"{shown['State']}, ErrorCode {shown['ErrorCode']}"
    context.deviates(needed, f"a {call.type} job in {State.SUCCESS}", words, name)
    return True
