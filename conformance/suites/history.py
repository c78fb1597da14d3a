"""`history/`: what the server keeps of completed jobs, and what goes first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.driver.context import Context
from conformance.driver.script import (
    EXPAND,
    LIST,
    Step,
    act,
    complete,
    fail,
    read,
    submit,
    succeed,
)
from conformance.suites.case import Case, Check, Script, blockers
from conformance.suites.needs import (
    EXCLUSIVE,
    HISTORY_FILLED,
    HISTORY_KNOWN,
    LARGEST,
    MANAGED,
    REMOVAL,
    history,
)
from conformance.suites.submit.calls import ASYNCHRONOUS, SYNCHRONOUS, begin
from conformance.sut.profile import BY_DEFAULT, Profile
from spec.table import ACTIONS, EDGE, FINAL, Action, State, cell

OTHER_SIZES = (0, 1)  # JobsHistorySize of managed servers, beside the default
JOB = "A"
# What changes nothing of a completed job, however it ended.
HARMLESS = tuple(a for a in ACTIONS if all(cell(state, a) is not EDGE for state in FINAL))


def cases(profile: Profile) -> Iterator[Case]:
    yield from tagged()
    yield Check("history/delete", "history/delete-job", check=delete, leaves=0)
    for case in _cases("history", replace(profile, history=min(profile.history or 0, LARGEST))):
        yield replace(case, needs=(EXCLUSIVE, HISTORY_KNOWN, HISTORY_FILLED))
    for size in OTHER_SIZES:
        other = replace(profile, history=size)
        for case in _nothing_kept() if size == 0 else _cases(f"history/size-{size}", other):
            needs = (EXCLUSIVE, history(size))
            yield replace(case, config={"JobsHistorySize": size}, needs=needs)
    yield by_default()


def bound(name: str, size: int) -> Case:
    """Of more completed jobs than the history holds, the first ones are gone."""
    names = [f"H{n + 1}" for n in range(size + 2)]
    full = tuple(step for each in names for step in (submit(each), complete(each)))
    return Script(name, "history/size", (*full, LIST, EXPAND))


def by_default() -> Case:
    """A server whose configuration does not say how many jobs are kept."""
    case = bound("history/by-default/bound", BY_DEFAULT["JobsHistorySize"])
    return replace(case, config={"JobsHistorySize": None}, needs=(EXCLUSIVE, MANAGED))


def tagged() -> Iterator[Case]:
    """However a job ends, it is a Success or a Failure, and stays one."""
    for name, ends in {
        "success": (succeed(JOB), succeed(JOB)),
        "failure": (succeed(JOB), fail(JOB)),
        "canceled": (act(Action.CANCEL, JOB), succeed(JOB)),
    }.items():
        steps = (submit(JOB, 2), *ends, read(JOB), EXPAND, read(JOB))
        yield Script(f"history/tagged/{name}", "history/tagged", steps, needs=(REMOVAL,))


def delete(context: Context) -> None:
    """A completed job that is deleted is gone, by every reading."""
    path, body = context.prepare(JOB)
    id = context.driver.answers.handle(context.post(path, {**body, **ASYNCHRONOUS})).id
    job = f"/jobs/{id}"
    context.until(
        lambda: bool(context.driver.prepared[JOB].holds),
        "queue/free-worker-takes",
        "a step of the job at the gate",
        lambda: "no step",
    )
    context.driver.prepared[JOB].holds[-1].reply(200)
    context.until(
        lambda: context.job(id)["State"] == State.SUCCESS,
        "monitor/polling",
        "the job in Success",
        lambda: context.job(id)["State"],
    )
    reply = context.ask("DELETE", job)
    context.require("history/delete-job", reply.ok, "HTTP 200: the job is completed", reply)
    context.equal("history/delete-job", f"the status of GET {job} is", 404, context.get(job).status)
    context.equal("history/delete-job", "the jobs of the call are", [], context.made(JOB))
    context.refused(JOB, "history/delete-job")


def _cases(prefix: str, profile: Profile) -> Iterator[Case]:
    size = profile.history or 1
    names = [f"H{n + 1}" for n in range(size + 2)]
    yield bound(f"{prefix}/bound", size)
    kept = (*(step for name in names[:size] for step in ended(name)), LIST, EXPAND)
    yield Script(f"{prefix}/kept", "history/kept", (*kept, *(read(name) for name in names[:size])))
    late = (
        submit("L"),
        submit("H1"),
        complete("H1"),
        complete("L"),
        *(step for name in names[1:] for step in (submit(name), complete(name), LIST)),
    )
    yield Script(f"{prefix}/oldest-completed-first", "history/oldest-first", late)
    mixed = (
        submit("L", 2),
        *(step for name in names[:size] for step in (*ended(name), LIST)),
        act(Action.CANCEL, "L"),
        succeed("L"),
        LIST,
        *(step for name in names[size:] for step in (*ended(name), LIST)),
        EXPAND,
    )
    yield Script(f"{prefix}/mixed-ends", "history/oldest-first", mixed)
    oldest = names[: min(size, 3)]  # one of each end
    touched = (
        *(step for name in names[:size] for step in ended(name)),
        *(act(action, name) for name in oldest for action in HARMLESS),
        *(step for name in names[size:] for step in (*ended(name), LIST)),
    )
    yield Script(f"{prefix}/acted-upon", "history/oldest-first", touched)
    again = (
        submit("R"),
        fail("R"),
        *blockers(profile),
        act(Action.RESUBMIT, "R"),
        *(step for name in names for step in (submit(name), act(Action.CANCEL, name))),
        LIST,
    )
    yield Script(f"{prefix}/resubmitted-leaves", "history/resubmitted-leaves", again)
    waiting = (
        *(step for name in "PQS" for step in paused(name)),
        submit("R", 2),
        *(step for name in names for step in (submit(name), complete(name), LIST)),
        EXPAND,
    )
    yield Script(f"{prefix}/unfinished-stay", "history/unfinished-never-evicted", waiting)


def paused(job: str, steps: int = 2, done: int = 1, priority: int = 0) -> tuple[Step, ...]:
    """A job that is Paused after ``done`` steps."""
    run = (submit(job, steps, priority), *(succeed(job) for _ in range(done - 1)))
    return (*run, act(Action.PAUSE, job), succeed(job))


def ended(name: str) -> tuple[Step, ...]:
    """A job that ends: each third in the same way."""
    number = int(name[1:]) % 3
    canceled = (act(Action.CANCEL, name), succeed(name))
    ways = ((succeed(name), succeed(name)), (fail(name),), canceled)
    return (submit(name, 2), *ways[number])


def _nothing_kept() -> Iterator[Case]:
    """JobsHistorySize 0."""
    ends = {
        "success": (complete(JOB),),
        "failure": (fail(JOB),),
        "canceled": (act(Action.PAUSE, JOB), succeed(JOB), act(Action.CANCEL, JOB)),
    }
    for name, steps in ends.items():
        gone = (*steps, read(JOB), LIST, EXPAND, *(act(action, JOB) for action in Action))
        yield Script(f"history/size-0/{name}", "history/zero", (submit(JOB, 2), *gone))
    waiting = (*paused("P"), submit("R"), LIST, EXPAND)
    name = "history/size-0/unfinished-stay"
    yield Script(name, "history/unfinished-never-evicted", (*waiting, read("P"), read("R")))
    yield Check("history/size-0/synchronous", "history/zero-synchronous", check=zero_synchronous)


def zero_synchronous(context: Context) -> None:
    """There is nothing left that could be answered, whether the job has succeeded or failed."""
    for name, end in {JOB: complete(JOB), "B": fail("B")}.items():
        call = begin(context, SYNCHRONOUS, name=name)
        context.unanswered(call, "submit/synchronous-waits", "no answer while the job runs")
        context.do(end)
        reply = context.answered(call, "submit/synchronous-waits", "an answer, since it has ended")
        context.equal("history/zero-synchronous", "the status is", 404, reply.status)
