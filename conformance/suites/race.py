"""`race/<asked>/<how the step ends>`: what a Running job was asked for, against its step's end.

Both requests are made in both orders. Afterwards the job is taken up again and run to its
end: a request ends with the run, and no step is run twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from conformance.driver.script import (
    Step,
    act,
    complete,
    fail,
    read,
    retry_later,
    submit,
    succeed,
)
from conformance.oracle.fields import slack
from conformance.oracle.shown import number_in
from conformance.suites.action import JOB
from conformance.suites.case import OFTEN, Case, Check, Script, blockers
from conformance.suites.needs import EXCLUSIVE
from conformance.sut.profile import Profile
from spec.table import FINAL, Action, Asked, Ended, ErrorCode, State, boundary_id

if TYPE_CHECKING:
    from conformance.driver.context import Context

REQUESTS: dict[str, tuple[Asked, tuple[Action, ...]]] = {
    "nothing": (Asked.NOTHING, ()),
    "pause": (Asked.PAUSE, (Action.PAUSE,)),
    "cancel": (Asked.CANCEL, (Action.CANCEL,)),
    "pause-cancel": (Asked.BOTH, (Action.PAUSE, Action.CANCEL)),
    "cancel-pause": (Asked.BOTH, (Action.CANCEL, Action.PAUSE)),
}
SHORT: Mapping[str, Any] = {"HttpTimeout": 1}  # seconds
EARLY = 8  # tries at a request that falls before the first step


def cases(profile: Profile) -> Iterator[Case]:
    for name, (asked, actions) in REQUESTS.items():
        for ended in Ended:
            yield Script(
                f"race/{name}/{ended}",
                boundary_id(asked, ended),
                steps(actions, ended),
                needs=(EXCLUSIVE,),
            )
    yield from in_turn(profile)
    yield from late(profile)
    yield Check(
        "race/nothing/step-times-out",
        "step/timeout",
        check=too_slow,
        config=SHORT,
    )
    for name in ("pause", "cancel"):
        _, actions = REQUESTS[name]
        yield Script(
            f"race/{name}/before-first-step",
            "step/request-before-first",
            (
                submit(JOB, 2, settle=False),
                *(act(action, JOB) for action in actions),
                complete(JOB),
                *again(),
            ),
            needs=(EXCLUSIVE,),
            repeat=EARLY,
        )


def too_slow(context: Context) -> None:
    """A step that nobody answers fails by itself, and its job with it."""
    path, body = context.prepare(JOB)
    begun = time.monotonic()
    reply = context.post(path, {**body, "Asynchronous": True})
    id = context.driver.answers.handle(reply).id
    context.other(id)
    needed = "step/timeout"
    context.until(
        lambda: context.job(id)["State"] in FINAL,
        needed,
        f"{State.FAILURE}, since HttpTimeout is {SHORT['HttpTimeout']} s",
        lambda: context.job(id)["State"],
    )
    shown, passed = context.job(id), time.monotonic() - begun
    ran, least = shown.get("EffectiveRuntime"), SHORT["HttpTimeout"] / 2
    seconds, most = number_in(ran), passed + slack(passed)
    expected = f"EffectiveRuntime {least} to {passed:.3f} s"
    right = seconds is not None and least <= seconds <= most
    context.require("monitor/effective-runtime", right, expected, f"EffectiveRuntime {ran}")
    context.equal(needed, "State", State.FAILURE, shown["State"])
    context.equal(needed, "ErrorCode", int(ErrorCode.NETWORK_PROTOCOL), shown["ErrorCode"])


def in_turn(profile: Profile) -> Iterator[Case]:
    """What happens a second time: a request ends with its run, and so does what it led to."""
    paused = (act(Action.PAUSE, JOB), succeed(JOB), read(JOB), act(Action.RESUME, JOB))
    canceled = (act(Action.CANCEL, JOB), succeed(JOB), read(JOB), act(Action.RESUBMIT, JOB))
    failed = (fail(JOB), read(JOB), act(Action.RESUBMIT, JOB))
    for name, parts in {
        "pause-twice": (paused, paused),
        "cancel-twice": (canceled, canceled),
        "fail-twice": (failed, failed),
        "all": (paused, canceled, failed, paused),
        "often": (*[paused] * OFTEN, *[canceled] * OFTEN, *[failed] * OFTEN, *[paused] * OFTEN),
    }.items():
        yield Script(
            f"race/in-turn/{name}",
            "step/requests-end-with-run",
            (
                submit(JOB, OFTEN + 2, -3),
                *(step for part in parts for step in part),
                complete(JOB),
                read(JOB),
            ),
            needs=(EXCLUSIVE,),
        )
    taken_out = (act(Action.PAUSE, JOB), read(JOB), act(Action.RESUME, JOB), read(JOB))
    called_off = (act(Action.CANCEL, JOB), read(JOB), act(Action.RESUBMIT, JOB), read(JOB))
    waiting = (*taken_out * OFTEN, *called_off * OFTEN, *taken_out * OFTEN)
    yield Script(
        "race/in-turn/while-pending",
        "step/requests-end-with-run",
        (*blockers(profile), submit(JOB, 2, -3), *waiting, complete(JOB), read(JOB)),
        needs=(EXCLUSIVE,),
    )


def late(profile: Profile) -> Iterator[Case]:
    """What holds for the first step of a run holds for each later one."""
    for name, asked, ended, steps in (
        ("pause", Asked.PAUSE, Ended.MORE, (act(Action.PAUSE, JOB), succeed(JOB))),
        ("cancel", Asked.CANCEL, Ended.MORE, (act(Action.CANCEL, JOB), succeed(JOB))),
        ("failure", Asked.NOTHING, Ended.FAILED, (fail(JOB),)),
        ("pause-failure", Asked.PAUSE, Ended.FAILED, (act(Action.PAUSE, JOB), fail(JOB))),
    ):
        for before in range(2, OFTEN + 1):
            run = (submit(JOB, OFTEN + 2), *(succeed(JOB) for _ in range(before)), *steps)
            yield Script(
                f"race/late/{name}/{before}-steps",
                boundary_id(asked, ended),
                (*run, read(JOB), *again()),
                needs=(EXCLUSIVE,),
            )


def steps(actions: tuple[Action, ...], ended: Ended) -> tuple[Step, ...]:
    ask = tuple(act(action, JOB) for action in actions)
    born = submit(JOB, 3)
    match ended:
        case Ended.MORE:
            run = (born, *ask, succeed(JOB))
        case Ended.LAST:
            run = (born, succeed(JOB), succeed(JOB), *ask, succeed(JOB))
        case Ended.FAILED:
            # A plain failure first: does this server send a failed step to Failure or to Retry?
            plain = (submit("B"), fail("B"))
            run = (*plain, born, succeed(JOB), *ask, fail(JOB))
        case Ended.RETRY:
            run = (born, succeed(JOB), *ask, retry_later(JOB))
    return (*run, read(JOB), *again())


def again() -> tuple[Step, ...]:
    """Take the job up from wherever it ended, and let it run to its end."""
    return (act(Action.RESUME, JOB), act(Action.RESUBMIT, JOB), complete(JOB), read(JOB))
