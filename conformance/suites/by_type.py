"""Which cases hold jobs of which type to what is said of every job: requirement by type.

`spec.of_jobs` says what has to be tried on each type. Most cases that try it are a product of calls
and of what is done with the job of each: what a kind of case holds its jobs to is a row of `KINDS`,
by the end of its id. What its `requirement` says, a case tries in any event.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from conformance.suites.case import Case, Check
from conformance.suites.persist.types import FAILED, FINISHED, HALF_DONE, OVER_A_KILL, PAUSED
from conformance.suites.persist.types import TYPES as WAITING
from conformance.suites.persist.user_data import CARRIED
from conformance.suites.route.by_c_store import PREFIX
from conformance.suites.route.calls import calls
from conformance.suites.route.calls.transfers import NAMES
from conformance.suites.route.halfway import COPIES as HALFWAY
from conformance.suites.route.ordering import TYPES as ORDERED
from spec.of_jobs import SAID, TYPES, why_not
from spec.table import ACTIONS, Action, Asked, Ended, State, boundary_id, cell_id
from spec.types import COMMITMENT, OPERATIONS, PEER, STORE

_STILL = (State.PENDING, State.PAUSED, State.SUCCESS, State.FAILURE)
# What `judge.look` holds each reading to, and `judge.act` each action.
READ = (
    "monitor/list", "monitor/job", "monitor/list-expand", "monitor/completion-time",
    "monitor/content", "monitor/creation-time", "monitor/effective-runtime", "monitor/error-code",
    "monitor/error-description", "monitor/id", "monitor/priority", "monitor/progress",
    "monitor/timestamp", "monitor/type", "monitor/state", "history/kept", "route/content",
)  # fmt: skip
DONE = (
    *READ, "route/type", "route/result", "history/tagged", "monitor/state-success",
    "monitor/polling", "submit/priority", "edge/new/pending/submit", "edge/pending/running/start",
    "edge/running/success/succeed",
)  # fmt: skip
FAILS = (
    *READ, "monitor/state-failure", "monitor/polling", "history/tagged",
    "edge/running/failure/fail",
)  # fmt: skip
STOPPED = (
    "queue/pending-first", "monitor/state-pending", "monitor/state-paused",
    "monitor/state-failure", "monitor/error-code-cancelled", "answer/accepted", "answer/json",
    "answer/refused", "edge/pending/paused/pause", "edge/pending/failure/cancel",
)  # fmt: skip
RESTARTED = ("persist/priority", "persist/times")
OF_TRANSFERS = (
    "persist/unfinished-requeued",
    "persist/paused-stays",
    "persist/completed-stays",
    "persist/step",
    "persist/error",
    *RESTARTED,
)
RACED = (
    *DONE, *(cell_id(action, State.RUNNING) for action in ACTIONS), "monitor/state-running",
    "step/only-while-running", "step/requests-end-with-run", "step/run-once",
    "step/one-after-answer",
)  # fmt: skip
FOLLOWED = (
    "step/resumed-goes-on", "step/resubmitted-starts-over", "monitor/error-code-step",
    "monitor/progress-rounded",
)  # fmt: skip
AUTOROUTING = "autorouting"
# What the cases of `persist.autorouting` try beyond their own requirement.
OF_A_SCRIPT: Mapping[str, tuple[str, ...]] = {
    "autorouting/ended": ("persist/error",),
    "autorouting/paused": ("persist/step",),
}
# What makes a job that no call makes, by the second part of the ids of its cases.
CALLED_BY_NOBODY = {"storage-commitment": COMMITMENT, AUTOROUTING: OPERATIONS}
_MATRIX = {
    Action.CANCEL: ("edge/paused/failure/cancel",),
    Action.PAUSE: (),
    Action.RESUME: ("edge/paused/pending/resume",),
    Action.RESUBMIT: ("edge/failure/pending/resubmit",),
}
# What a kind of case tries beyond the requirement that it is about, by the end of its id.
KINDS: Mapping[str, tuple[str, ...]] = {
    r"/asynchronous": (
        *DONE, "submit/creates-job", "submit/asynchronous-handle", "submit/asynchronous-field",
        "submit/asynchronous-monitored", "route/archive-output",
    ),
    r"/synchronous": (*DONE, "submit/synchronous-field", "submit/synchronous-content"),
    r"/(?:default-synchronous|both-fields)": DONE,
    r"/user-data": (*READ, "queue/pending-first", "monitor/state-pending", "monitor/state-success"),
    r"/waits": ("queue/pending-first", "submit/asynchronous-returns", "monitor/state-pending"),
    r"/fails/(?:a?synchronous|one-removed|error|each)": FAILS,
    r"/modes": (
        *DONE, "submit/creates-job", "submit/asynchronous-handle", "submit/asynchronous-monitored",
        "submit/asynchronous-returns",
    ),
    **{
        rf"/{action}": (
            *DONE, *STOPPED, *more, "submit/asynchronous-returns",
            *(cell_id(action, state) for state in _STILL),
        )
        for action, more in _MATRIX.items()
    },
    r"/race/[a-z-]+/step-succeeds": (*RACED, "step/resumed-goes-on"),
    r"/race/[a-z-]+/last-step-succeeds": RACED,
    r"/race/[a-z-]+/step-fails": (*RACED, *FAILS, "monitor/error-code-step"),
    r"/race/(?:pause|both|pause-cancel|cancel-pause)/.*": ("edge/running/paused/pause",),
    r"/action/pause/running": ("edge/running/paused/pause",),
    r"/action/cancel/running": ("edge/running/failure/cancel",),
    r"/autorouting/instances/sent": (*DONE, boundary_id(Asked.NOTHING, Ended.LAST)),
    r"/autorouting/instances/job-deleted": ("monitor/error-code-cancelled",),
    r"/repeated/asynchronous": ("step/repeated-instance",),
    r"/running/cancel": ("step/resubmitted-starts-over",),
    r"/job-deleted": READ,
    r"/waits/canceled": (*READ, cell_id(Action.CANCEL, State.PENDING)),
    r"/waits/paused": (*READ, cell_id(Action.PAUSE, State.PENDING)),
    r"/halfway/paused": (*DONE, "edge/running/paused/pause", "step/only-while-running"),
    r"/halfway/canceled": (*READ, "edge/running/failure/cancel", "step/only-while-running"),
    r"/race/cancel/.*": ("edge/running/failure/cancel", "step/resubmitted-starts-over"),
}  # fmt: skip


def cells(cases: Iterable[Case]) -> dict[tuple[str, str], tuple[str, ...]]:
    """The ids of the cases that try a requirement on a type, by (type, requirement)."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for case in cases:
        for type, tried in _tried(case):
            for requirement in dict.fromkeys((case.requirement, *tried)):
                if requirement in SAID and why_not(type, requirement) is None:
                    found[type, requirement].append(case.id)
    return {cell: tuple(ids) for cell, ids in found.items()}


def holes(cases: Iterable[Case]) -> list[tuple[str, str]]:
    """What no case tries though it could be tried, as (type, requirement)."""
    known = cells(cases)
    every = ((type, requirement) for type in TYPES for requirement in SAID)
    return [cell for cell in every if cell not in known and why_not(*cell) is None]


def types_of(case: Case) -> tuple[str, ...]:
    """The types of the jobs that a case tries something on."""
    return tuple(dict.fromkeys(type for type, _ in _tried(case)))


def _tried(case: Case) -> Iterator[tuple[str, tuple[str, ...]]]:
    if case.id.startswith(PREFIX) or not case.id.startswith(("route/", "persist/")):
        yield (STORE if case.id.startswith(PREFIX) else PEER), _throughout(case)
    elif case.id.startswith("persist/"):
        yield from _of_restarts(case)
    elif case.id.startswith("route/order/"):
        for each in _types(ORDERED[case.id.rpartition("/")[2]]):
            yield each, ("queue/pending-first", "submit/priority")
    elif (type := _type_of_call(case.id)) is not None:
        yield type, _of_kind(case.id)


def _throughout(case: Case) -> tuple[str, ...]:
    """What the oracle looks at in each case that it follows."""
    if isinstance(case, Check):
        return ()
    return (*DONE, *STOPPED, *RACED, *FOLLOWED, *_of_kind(case.id))


def _of_restarts(case: Case) -> Iterator[tuple[str, tuple[str, ...]]]:
    name = case.id.removeprefix("persist/stop/")
    if name == "types":
        for type in _types(WAITING):
            yield type, ("persist/unfinished-requeued", *RESTARTED)
        for type in _types(PAUSED):
            yield type, ("persist/paused-stays", *RESTARTED)
        for type in _types(HALF_DONE):
            yield type, ("persist/paused-stays", "persist/step", *RESTARTED)
    elif name == "transfers":
        for type in _types(NAMES.values()):
            yield type, OF_TRANSFERS
    elif name == "halfway":
        for type in _types(kind.call for kind in HALFWAY):
            yield type, ("persist/step", "persist/paused-stays", *RESTARTED)
    elif name == "user-data":
        for type in _types(CARRIED):
            yield type, ("persist/completed-stays", "persist/unfinished-requeued")
    elif name == "failed" or name.startswith("finished/"):
        succeed = FINISHED.get(name.removeprefix("finished/"), ())
        for type in _types((*succeed, *FAILED.get(name, ()))):
            yield type, ("persist/completed-stays", *RESTARTED)
        for type in _types(FAILED.get(name, ())):
            yield type, ("persist/error", *RESTARTED)
    elif name.startswith(AUTOROUTING) or case.id.endswith(AUTOROUTING):
        yield OPERATIONS, (*RESTARTED, *OF_A_SCRIPT.get(name, ()))
    elif name.startswith("options/"):
        type = name.removeprefix("options/")
        yield type, ("persist/completed-stays", *RESTARTED) if type == COMMITMENT else RESTARTED
    elif case.id == "persist/kill/transfers":
        for type in _types(NAMES.values()):
            yield type, ("persist/unfinished-requeued", "persist/priority")
    elif case.id == "persist/kill/types":
        for type in _types(OVER_A_KILL):
            yield type, ("persist/unfinished-requeued", "persist/priority")
    else:
        yield PEER, RESTARTED


def _of_kind(id: str) -> tuple[str, ...]:
    return tuple(
        requirement
        for pattern, tried in KINDS.items()
        if re.search(pattern + r"\Z", id)
        for requirement in tried
    )


@cache
def _by_name() -> Mapping[str, str]:
    return {call.name: call.type for call in calls()}


def _types(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_by_name()[name] for name in names))


def _type_of_call(id: str) -> str | None:
    """The type of the call that a case of `route/` is about, if it is about one."""
    _, kind, name, *_ = id.split("/")
    if kind in CALLED_BY_NOBODY:
        return CALLED_BY_NOBODY[kind]
    known = _by_name()
    return known.get(f"{kind}/{name}") or next(
        (type for call, type in known.items() if call.startswith(f"{kind}/")), None
    )
