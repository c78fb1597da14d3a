"""The verdict on a client in one scenario: by how it ended, and by what it was shown before.

A client is right if it ends with status 0 when it was shown Success, and with another status when
it was shown Failure or that the job is gone. What it could not know is never held against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conformance.clients.scenario import Scenario
from conformance.clients.stage import GONE, Watch
from conformance.text import counted
from spec.table import State

MOST_LOOKS = 50.0  # a second, on a waiting job
PROMISE = "client/success-and-failure"


@dataclass(frozen=True, slots=True)
class Run:
    """How a client was seen in a scenario. ``status``: with which it ended, None if it did not.

    ``to_the_end``: all of the scenario has happened. ``overdue``: it had its time limit, and more.
    """

    scenario: Scenario
    watch: Watch
    status: int | None
    to_the_end: bool
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """What a client did wrong. ``requirement``: the id of what it breaks."""

    requirement: str
    expected: str
    actual: str


def fault(run: Run, most_looks: float = MOST_LOOKS, submits: bool = False) -> Fault | None:
    """What is wrong, if anything is. ``most_looks``: a second, that a waiting job is asked for."""
    if submits and (wrong := _submission(run)) is not None:
        return wrong
    about, shown = run.scenario.requirement, run.watch.shown
    success = State.SUCCESS in shown
    over = success or State.FAILURE in shown or GONE in shown
    if run.status == 0 and not success:
        return Fault(
            about, _wanted(shown), "ended with status 0, without having been shown Success"
        )
    if run.status is None:
        if over:
            told = PROMISE if success or State.FAILURE in shown else about
            return Fault(told, _wanted(shown), "went on waiting after it was shown the end")
        ends = "an end after its time limit, with another status than 0"
        wanted = "that it looks again" if run.scenario.ends else ends
        return Fault(about, wanted, "neither looked again nor ended")
    if run.status != 0 and success:
        return Fault(PROMISE, "status 0", "ended with another status after it was shown Success")
    if run.status != 0 and not over and run.scenario.ends:
        return Fault(about, "that it goes on waiting", "gave up before the job had ended")
    rate = run.watch.rate
    if run.scenario.requirement == "client/periodic" and rate is not None and rate > most_looks:
        return Fault(
            about,
            f"at most {most_looks:g} calls a second",
            f"asked more than {most_looks:g} times a second",
        )
    return None


def _submission(run: Run) -> Fault | None:
    """What is wrong with how it made its job."""
    bodies = run.watch.submitted
    if len(bodies) > 1:
        actual = f"submitted {counted(len(bodies), 'job')}"
        return Fault("submit/synchronous-timeout", "one job", actual)
    if bodies and not _asynchronous(bodies[0]):
        actual = "called synchronously"
        return Fault("submit/asynchronous-advised", '"Asynchronous": true in its call', actual)
    return None


def _asynchronous(body: object) -> bool:
    assert isinstance(body, dict)
    return body.get("Asynchronous") is True or body.get("Synchronous") is False


def _wanted(shown: Sequence[str]) -> str:
    """What it should have done, by what it was shown."""
    if State.SUCCESS in shown:
        return "status 0"
    return (
        "another status than 0" if {State.FAILURE, GONE} & {*shown} else "that it goes on waiting"
    )


def asked(watch: Watch) -> str:
    """What a client asked, in words."""
    looks = watch.looks
    if not looks:
        return "it never asked for the job"
    seconds = looks[-1].ended - looks[0].at
    rate = f", about {watch.rate:.3g} a second" if watch.rate is not None else ""
    told = " then ".join(watch.shown) or "nothing of it"
    return f"asked {counted(len(looks), 'time')} in {seconds:.1f} s{rate}; shown {told}"
