"""`route/<call>/user-data`: what a call gives as UserData, its job shows, and the job of no other.

A job is read while it waits behind jobs that hold every worker, and when it has succeeded, each
time by every call that reads jobs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from conformance.suites.case import Case, Check, Checking
from conformance.suites.needs import EXCLUSIVE, room_for
from conformance.suites.route import judge
from conformance.suites.route.calls import Call
from conformance.suites.route.outcomes import DEFAULT, hold, let_go, of_call, submit
from conformance.suites.route.sending import with_body
from conformance.sut.profile import Profile
from spec.relaxations import Shortfall
from spec.table import State
from spec.types import row

if TYPE_CHECKING:
    from conformance.driver.context import Context

NEEDED, FIELD = "submit/user-data", "UserData"
JOBS = 3  # of one case
OBJECT = {
    "": {"nested": [1, [2.5, -3], {"text": '"\u00e4" \n'}, None, True, False, [], {}]},
    "number": 0,
    "null": None,
    "boolean": False,
}
TEXT = "\u00e4 {text}"


def cases(_: Profile, calls: list[Call]) -> Iterator[Case]:
    for call in calls:
        if call.name in DEFAULT:
            yield Check(
                f"route/{call.name}/user-data",
                NEEDED,
                check=travels(call),
                needs=(EXCLUSIVE, room_for(JOBS), *of_call(call)),
                leaves=JOBS,
            )


def carrying(call: Call, given: object) -> Call:
    """The same call, with UserData in its body."""
    return with_body(call, {FIELD: given})


def travels(call: Call) -> Checking:
    """A job shows the UserData of its call, an object or a text, and none where there was none."""

    def run(context: Context) -> None:
        held = hold(context, "X")
        given = {submit(context, carrying(call, one))[0]: {FIELD: one} for one in (OBJECT, TEXT)}
        given[submit(context, call)[0]] = {}
        for id, expected in given.items():
            shown = shows(context, call, id, expected)
            judge.is_in(context, "queue/pending-first", shown, State.PENDING)
        let_go(context, held)
        for id, expected in given.items():
            judge.await_end(context, call.requirement, id)
            shown = shows(context, call, id, expected)
            judge.is_in(context, call.requirement, shown, State.SUCCESS)

    return run


def shows(context: Context, call: Call, id: str, given: dict[str, Any]) -> judge.Shown:
    """A job shows ``given``, its UserData if it has any, and no other. Its reading."""
    shown = judge.look(context, call, id)
    found = {key: value for key, value in shown.items() if key == FIELD}
    same, job = _text(found) == _text(given), f"the {call.type} job in {shown['State']}"
    ignored = not found and not isinstance(given.get(FIELD), str)
    known = {Shortfall.ARCHIVE_USER_DATA_IGNORED} & row(call.type).short if ignored else ()
    expected, actual = (f"{job} shows {_told(one)}" for one in (given, found))
    context.require(NEEDED, same, expected, actual, next(iter(known), None))
    return shown


def _text(value: object) -> str:
    """JSON in one form: 1, 1.0 and true are three things in it, and equal in Python."""
    return json.dumps(value, sort_keys=True)


def _told(found: dict[str, Any]) -> str:
    return f"{FIELD} {json.dumps(found[FIELD])}" if found else f"no {FIELD}"
