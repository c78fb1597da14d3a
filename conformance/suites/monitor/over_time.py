"""What only shows over time: how long a job ran, when it will have ended, what stays as it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from conformance.driver.context import Context
from conformance.driver.script import EXPAND, Step, act, complete, fail, read, submit, succeed
from conformance.errors import Unjudged
from conformance.oracle.fields import parse, slack
from conformance.suites.action import JOB
from conformance.suites.case import OFTEN, Case, Check, blocker_names, blockers
from conformance.sut.profile import Profile
from conformance.timing import TIMING
from spec.relaxations import Shortfall
from spec.table import Action

LONGER = 3  # times as long as what the bounds leave open
RUNTIME = "monitor/effective-runtime"
SEVERAL = 5  # steps of a job of which one is done
FACTOR = 2  # by which an estimate may be off


def over_time() -> Iterator[Case]:
    yield Check("monitor/effective-runtime/grows", RUNTIME, check=runtime_grows)
    yield Check("monitor/effective-runtime/paused", RUNTIME, check=runtime_paused)
    restarts = "monitor/effective-runtime-restarts"
    yield Check("monitor/effective-runtime/restarts", restarts, check=runtime_restarts)
    yield Check("monitor/effective-runtime/often", RUNTIME, check=runtime_often)
    yield Check("monitor/estimated-time", "monitor/estimated-time", check=estimated_time)
    rest = "monitor/estimated-rest"
    yield Check("monitor/estimated-time/rest", rest, check=estimated_rest)
    yield Check("monitor/stays", "monitor/state-paused", check=stays, leaves=3)


@dataclass
class Bounds:
    """How long a job ran, in seconds: at least and at most."""

    least: float = 0.0
    most: float = 0.0

    def of(self, runtime: float) -> bool:
        allowed = slack(self.most)
        return self.least - allowed <= runtime <= self.most + allowed + TIMING.rounded

    def __add__(self, other: Bounds) -> Bounds:
        return Bounds(self.least + other.least, self.most + other.most)

    def __str__(self) -> str:
        return f"EffectiveRuntime {self.least:.3f} to {self.most:.3f} s"


def _run(context: Context, held: float, begins: tuple[Step, ...], ends: tuple[Step, ...]) -> Bounds:
    """How long a job runs whose step is held for ``held`` seconds, and which then rests."""
    begun = time.monotonic()
    context.do(*begins)
    arrived = time.monotonic()
    if held:
        context.pass_time(held)
    left = time.monotonic()
    context.do(*ends)
    return Bounds(left - arrived, time.monotonic() - begun)


def _runtime(context: Context, bounds: Bounds, known: dict[Shortfall, Bounds]) -> None:
    """The runtime lies within the bounds; or, by a name of its own, within others."""
    runtime = context.job(JOB)["EffectiveRuntime"]
    names = [name for name, other in known.items() if other.of(runtime)]
    context.require(
        RUNTIME,
        bounds.of(runtime),
        str(bounds),
        f"EffectiveRuntime {runtime}",
        names[0] if names else None,
    )


def runtime_grows(context: Context) -> None:
    """Over two steps it grows; when a step has ended at the latest, it includes that step."""
    begun = time.monotonic()
    context.do(submit(JOB, 2))
    arrived = time.monotonic()
    context.pass_time(TIMING.runs)
    left = time.monotonic()
    context.do(succeed(JOB))
    shown = context.job(JOB)["EffectiveRuntime"]
    one = Bounds(left - arrived, time.monotonic() - begun)
    step = Bounds(0.0, time.monotonic() - left)
    known = Shortfall.RUNTIME_OF_THE_STEP if step.of(shown) else None
    context.require(RUNTIME, one.of(shown), str(one), f"EffectiveRuntime {shown}", known)
    context.pass_time(TIMING.runs)
    left = time.monotonic()
    context.do(succeed(JOB))
    both = Bounds(left - arrived, time.monotonic() - begun)
    _runtime(context, both, {})


def runtime_paused(context: Context) -> None:
    """The time for which a job is Paused does not count, however long; what was before it does."""
    begins, ends = (submit(JOB, 2), act(Action.PAUSE, JOB)), (succeed(JOB),)
    first = _run(context, TIMING.rests, begins, ends)
    context.pass_time(max(TIMING.rests, LONGER * (first.most - first.least)))
    _runtime(context, first, {})
    second = _run(context, 0.0, (act(Action.RESUME, JOB),), (complete(JOB),))
    _runtime(context, first + second, {})


def runtime_pending(profile: Profile) -> Case:
    check = partial(_runtime_pending, profile)
    return Check("monitor/effective-runtime/pending", RUNTIME, check=check)


def _runtime_pending(profile: Profile, context: Context) -> None:
    """The time for which a job waits for a worker does not count."""
    context.do(*blockers(profile))
    begun = time.monotonic()
    context.do(submit(JOB))
    waits = time.monotonic()
    context.pass_time(TIMING.rests)
    least = time.monotonic() - waits
    _runtime(context, Bounds(), {})
    run = _run(context, 0.0, (complete(blocker_names(profile)[0]),), (complete(JOB),))
    both = Bounds(least + run.least, time.monotonic() - begun)
    if run.most >= both.least:
        raise Unjudged("the job may have run for as long as it waited: this machine is too busy")
    _runtime(context, run, {Shortfall.PENDING_TIME_COUNTED: both})


def runtime_restarts(context: Context) -> None:
    """A resubmitted job starts over, and so does the time for which it runs."""
    first = _run(context, TIMING.rests, (submit(JOB),), (fail(JOB),))
    _runtime(context, first, {})
    second = _run(context, 0.0, (act(Action.RESUBMIT, JOB),), (complete(JOB),))
    _restarted(context, first, second)


def _restarted(context: Context, before: Bounds, run: Bounds) -> None:
    """The runtime is that of the last run, without what was before it."""
    runtime = context.job(JOB)["EffectiveRuntime"]
    known = Shortfall.RUNTIME_NOT_RESTARTED if (before + run).of(runtime) else None
    context.require(
        "monitor/effective-runtime-restarts",
        run.of(runtime),
        str(run),
        f"EffectiveRuntime {runtime}",
        known,
    )


def runtime_often(context: Context) -> None:
    """All this is so however often a job is paused or resubmitted, and in every step of it."""
    total, begins = Bounds(), (submit(JOB, OFTEN + 1),)
    for _ in range(OFTEN - 1):
        total += _run(context, TIMING.runs / 2, begins, (act(Action.PAUSE, JOB), succeed(JOB)))
        context.pass_time(TIMING.runs)
        _runtime(context, total, {})
        begins = (act(Action.RESUME, JOB),)
    total += _run(context, TIMING.runs, (*begins, succeed(JOB)), (fail(JOB),))
    _runtime(context, total, {})
    to_the_last = (act(Action.RESUBMIT, JOB), *(succeed(JOB) for _ in range(OFTEN)))
    for _ in range(OFTEN - 1):
        run = _run(context, TIMING.runs / 2, to_the_last, (fail(JOB),))
        _restarted(context, total, run)
        total += run


def estimated_time(context: Context) -> None:
    """A job is read at every point of two runs."""
    context.do(submit(JOB, 3), read(JOB))
    for steps in (
        (succeed(JOB),),
        (act(Action.PAUSE, JOB), succeed(JOB)),
        (act(Action.RESUME, JOB),),
        (fail(JOB),),
        (act(Action.RESUBMIT, JOB),),
        (succeed(JOB),),
        (complete(JOB),),
    ):
        context.do(*steps)
        context.pass_time(TIMING.grace / 10)
        context.do(read(JOB), EXPAND)


def estimated_rest(context: Context) -> None:
    """The first step takes its time, and so do the last two: it is read in between, and at last."""
    begun = time.monotonic()
    context.do(submit(JOB, SEVERAL))
    ended = _held(context, TIMING.runs)
    context.do(succeed(JOB))
    _estimates(context, 1, ended, begun)
    context.do(*(succeed(JOB) for _ in range(SEVERAL - 3)))
    ended += _held(context, 2 * TIMING.runs)
    context.do(succeed(JOB))
    _estimates(context, SEVERAL - 1, ended, begun)
    _held(context, 4 * TIMING.runs)
    _estimates(context, SEVERAL - 1, ended, begun)
    context.do(complete(JOB))


def _held(context: Context, seconds: float) -> float:
    """Let the step under way take so long; how long it took at least, in seconds."""
    arrived = time.monotonic()
    context.pass_time(seconds)
    return time.monotonic() - arrived


def _estimates(context: Context, done: int, ended: float, begun: float) -> None:
    """The rest of a job of which ``done`` steps are done takes in proportion to what it ran.

    It ran since ``begun`` at most; the steps that are done took ``ended`` seconds at least, and
    the time of the one under way may not count yet. Where less is told, it has to be of the
    runtime that is shown, or of its share that is left.
    """
    shown = context.job(JOB)
    ran = time.monotonic() - begun
    given = "EstimatedTimeOfArrival" in shown
    expected = f"an EstimatedTimeOfArrival when {done} of {SEVERAL} steps are done"
    context.require("monitor/estimated-time", given, expected, "none is shown")
    arrival, now = parse(shown.get("EstimatedTimeOfArrival")), parse(shown.get("Timestamp"))
    if arrival is None or now is None:
        return
    rest, runtime = arrival.seconds - now.seconds, shown["EffectiveRuntime"]
    share = (SEVERAL - done) / done
    least, most = ended * share / FACTOR, ran * share * FACTOR
    lowest = (runtime - TIMING.rounded) * (SEVERAL - done) / SEVERAL / FACTOR
    known = Shortfall.ESTIMATE_TOO_SOON if lowest <= rest < least else None
    expected = f"{least:.3f} to {most:.3f} s after Timestamp"
    right = least <= rest <= most
    context.require("monitor/estimated-rest", right, expected, f"{rest:.3f} s after it", known)


def stays(context: Context) -> None:
    """What is Paused, has failed, or was canceled is left alone until somebody acts on it."""
    context.do(submit("U", 2), act(Action.PAUSE, "U"), succeed("U"))
    context.do(submit("F", 2), fail("F"))
    context.do(submit("C", 2), act(Action.CANCEL, "C"), succeed("C"))
    end = time.monotonic() + TIMING.stays
    while time.monotonic() < end:
        context.pass_time(TIMING.grace)
        context.do(EXPAND)
