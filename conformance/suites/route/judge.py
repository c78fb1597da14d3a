"""Jobs of any type before the table: what an action answers and where it leads.

The oracle follows peer stores, whose steps the gate holds. Of other jobs the kit can hold none:
they run to their end at once, or wait behind jobs that hold every worker. So they are judged in
the states in which they stand still, straight by `spec.table`, and each time they are read by
every call that reads jobs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.sut.reply import EXPAND
from spec import types
from spec.relaxations import Shortfall
from spec.table import EDGE, FINAL, Action, ErrorCode, State, cell, cell_id, target

if TYPE_CHECKING:
    from conformance.driver.context import Context
    from conformance.oracle.fields import Moment
    from conformance.suites.route.calls import Call

TAKEN, REFUSED = 200, 503  # what the gate answers to a step
WHOLE = 100  # per cent

Shown = dict[str, Any]


class Unreadable(Exception):
    """A job cannot be read, in a way that has a name."""


def look(context: Context, call: Call, id: str) -> Shown:
    """Read a job by every call that reads jobs. Their answers agree; the last one is given."""
    client, answers = context.resources.client, context.driver.answers
    one = answers.get(f"/jobs/{id}")
    asked, listed, expanded = answers.asked, client.get("/jobs"), client.get(EXPAND)
    names = listed.json()
    is_listed = isinstance(names, list) and names.count(id) == 1
    context.require("monitor/list", is_listed, f"{id}, once", f"GET /jobs: {listed}")
    if call.empty and one.status == expanded.status == 400:
        known = Shortfall.EMPTY_ARCHIVE_UNREADABLE
        expected = "HTTP 200 with the details of every job"
        context.deviates("monitor/list-expand", expected, f"GET {EXPAND}: {expanded}", known)
        raise Unreadable
    shown = answers.details(one, id)
    _is_whole(context, call, shown, asked)
    expected = f"HTTP 200 with an array that has job {id} once"
    context.require("monitor/list-expand", isinstance(expanded.json(), list), expected, expanded)
    mine = [job for job in expanded.jobs() if job["ID"] == id]
    context.require("monitor/list-expand", len(mine) == 1, expected, f"{len(mine)} times")
    same = lasting(mine[0]) == lasting(shown)
    context.require("monitor/list-expand", same, f"the same as GET /jobs/{id}: {shown}", mine[0])
    return dict(shown)


def _is_whole(context: Context, call: Call, shown: Shown, asked: Moment) -> None:
    """A reading has the fields of every job, and in its Content those of its type."""
    context.fields(shown, asked)
    progress, content = shown["Progress"], shown["Content"]
    context.require("monitor/progress", 0 <= progress <= WHOLE, "0 to 100", f"Progress {progress}")
    if call.empty or context.restarted:  # what a restart takes away is up to who restarts
        return
    moment = types.moment(State(shown["State"]), ran=False)
    missing = sorted(types.row(call.type).missing(content, moment))
    expected = f"Content of a {call.type} job {moment} with {', '.join(missing)}"
    context.require("route/content", not missing, expected, f"Content {content}")


def is_in(context: Context, requirement: str, shown: Shown, state: State) -> None:
    context.equal(requirement, f"State of a {shown.get('Type')} job", state, shown.get("State"))


def act(
    context: Context, call: Call, id: str, action: Action, before: Shown | None = None
) -> Shown:
    """Act on a job that stands still, and see that the table was followed; its last reading.

    ``before``: the one before, where there is one.
    """
    before = before or look(context, call, id)
    was = State(before["State"])
    rule = cell(was, action)
    leads = target(was, action) if rule is EDGE else was
    requirement = f"route/{action}" if rule is EDGE else cell_id(action, was)
    reply = context.post(f"/jobs/{id}/{action}")
    known = None
    if call.archives and action is Action.RESUBMIT and rule is EDGE and reply.status == 500:
        known = Shortfall.ARCHIVE_NOT_RESUBMITTED
    expected = f"HTTP {rule.status} for a {was} job of type {call.type}"
    context.require(requirement, reply.status == rule.status, expected, reply, known)
    after = look(context, call, id)
    if known is not None:
        context.require(requirement, lasting(after) == lasting(before), "no change", after)
        return after
    context.driver.answers.acted(reply)
    assert leads is not None
    is_in(context, requirement, after, leads)
    if leads is was:
        context.require(
            requirement, lasting(after) == lasting(before), f"as before: {before}", after
        )
    elif action is Action.CANCEL:
        code = int(ErrorCode.CANCELED_JOB)
        context.equal("monitor/error-code-cancelled", "ErrorCode", code, after.get("ErrorCode"))
    for key in ("Priority", "Type", "CreationTime"):
        context.equal(f"monitor/{KEPT[key]}", key, before.get(key), after.get(key))
    return after


def resume(context: Context, call: Call, id: str) -> None:
    """Resume a Paused job where workers are free, so that it may run at once."""
    ask(context, call, id, State.PAUSED, Action.RESUME)


def ask(context: Context, call: Call, id: str, state: State, action: Action) -> None:
    """Act on a job in this state that does not stand still afterwards: what is answered."""
    reply = context.post(f"/jobs/{id}/{action}")
    rule = cell(state, action)
    expected = f"HTTP {rule.status} for a {state} job of type {call.type}"
    context.require(f"route/{action}", reply.status == rule.status, expected, reply)


def has_failed(context: Context, shown: Shown, network: bool) -> None:
    """A job that has ended badly says so, by State, ErrorCode and ErrorDescription.

    ``network``: whether it sends, so that the network may be what went wrong.
    """
    failed, known = shown.get("State") == State.FAILURE, ignored(str(shown.get("Type")))
    state = f"State {shown.get('State')}"
    context.require("monitor/state-failure", failed, f"State {State.FAILURE}", state, known)
    if not failed:
        return
    code, said = shown.get("ErrorCode"), shown.get("ErrorDescription")
    others = {ErrorCode.SUCCESS, ErrorCode.CANCELED_JOB}
    others |= set() if network else {ErrorCode.NETWORK_PROTOCOL}
    named = isinstance(code, int) and code not in others
    context.require("monitor/state-failure", named, "the ErrorCode of what went wrong", code)
    told = isinstance(said, str) and bool(said) and said != "Success"
    context.require("monitor/state-failure", told, "an ErrorDescription of what went wrong", said)


def ignored(type: str) -> Shortfall | None:
    """The shortfall by which a job of a type goes on behind a step that has failed, if any."""
    names = {Shortfall.GET_FAILURE_IGNORED, Shortfall.OPERATION_FAILURE_IGNORED}
    return next(iter(names & types.row(type).short), None)


KEPT = {"Priority": "priority", "Type": "type", "CreationTime": "creation-time"}


def state(context: Context, id: str, answer: int = TAKEN) -> str:
    """The State that ``GET /jobs/{id}`` shows, or that it is refused.

    What the job has sent to the gate is answered: an HTTP status, as a peer gives it.
    """
    pump(context, answer)
    reply = context.resources.client.get(f"/jobs/{id}")
    return context.driver.answers.details(reply, id)["State"] if reply.ok else str(reply)


def pump(context: Context, answer: int = TAKEN) -> None:
    """Answer every step at the gate that no oracle follows."""
    for job in context.driver.prepared.values():
        for hold in job.holds:
            hold.reply(answer)


def await_end(context: Context, requirement: str, id: str, answer: int = TAKEN) -> None:
    context.until(
        lambda: state(context, id, answer) in FINAL,
        requirement,
        f"job {id} in Success or Failure",
        lambda: state(context, id, answer),
    )


def lasting(shown: Shown) -> Shown:
    """A reading without what changes by itself while a job stands still."""
    return {key: value for key, value in shown.items() if key != "Timestamp"}
