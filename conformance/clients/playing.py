"""One scenario with one client: what happens next waits for what the client has asked."""

from __future__ import annotations

import time
from dataclasses import dataclass

import requests

from conformance.clients.client import Begun, Client, Task
from conformance.clients.judge import Run
from conformance.clients.scenario import Beat, Scenario
from conformance.clients.stage import MANY_STEPS, PEER, Stage, stage_with
from conformance.timing import TIMING

NOBODY = "http://127.0.0.1:9/"  # where the peer would be: no step is ever sent


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. ``begins``: until the first sign of it, a look or a job of its own; ``looks``: for
    any later look; ``limit``: that a client is given for a job that ends; ``short``: for one that
    does not.
    """

    begins: float = TIMING.client_begins
    looks: float = TIMING.client_looks
    limit: float = TIMING.client_limit
    short: float = TIMING.client_limit_short


@dataclass(frozen=True, slots=True)
class Played:
    """A run of a scenario, with what happened, in lines, and what the client said last."""

    run: Run
    lines: tuple[str, ...]
    said: str


def play(scenario: Scenario, client: Client, submits: bool, patience: Patience) -> Played:
    """Run a client in a scenario. ``submits``: it makes its job itself.

    Raises `BadArgument` where it cannot be run, and `Unjudged` where the server is too slow.
    """
    with stage_with(scenario.config) as stage:
        made = () if not submits else _instances(stage)
        if not submits:
            stage.make(scenario.job)
        for beat in scenario.before:
            _let(stage, beat)
        stage.server.control.calls.listen(stage.watch.hear)
        limit = patience.limit if scenario.ends else patience.short
        job = None if submits else stage.job
        begun = client.begin(Task(stage.url, limit, job, PEER, made))
        try:
            done = _follow(stage, scenario, begun, patience)
        finally:
            begun.stop()
        status = begun.status() if done.ended else None
        said = begun.said()
        lines = (*stage.lines, _end(status))
        return Played(Run(scenario, stage.watch, status, done.all), lines, said)


def _let(stage: Stage, beat: Beat) -> None:
    """Let it happen."""
    beat.do(stage)
    stage.lines.append(beat.words)


@dataclass
class _Done:
    ended: bool = False  # the client has, by itself
    all: bool = False  # that was to happen has


def _follow(stage: Stage, scenario: Scenario, begun: Begun, patience: Patience) -> _Done:
    """Let one thing happen after the other, until the client has ended, or looks no more."""
    done, since = _Done(), time.monotonic()
    for beat in scenario.beats:
        if not _looks(stage, begun, since, beat.looks, patience):
            break
        _let(stage, beat)
        since = time.monotonic()
    else:
        done.all = True
        _wait_for_end(stage, scenario, begun, patience)
    done.ended = begun.status() is not None
    return done


def _looks(stage: Stage, begun: Begun, since: float, times: int, patience: Patience) -> bool:
    """Wait until the client has looked so often ``since``; False: it does not any more."""
    watch = stage.watch
    while begun.status() is None:
        if not stage.job and (made := stage.submitted()):
            stage.take(made)
            stage.submitted_at = time.monotonic()
        with watch.changed:
            watch.changed.wait_for(lambda: stage.looked(since, times), TIMING.client_tick)
            if stage.job and stage.looked(since, times):
                return True
            if time.monotonic() > _idle_until(stage, since, patience):
                return False
    return False


def _idle_until(stage: Stage, since: float, patience: Patience) -> float:
    """Until when the client may be silent."""
    looks = stage.watch.looks
    last = looks[-1].ended if looks else stage.submitted_at
    return since + patience.begins if last is None else max(since, last) + patience.looks


def _wait_for_end(stage: Stage, scenario: Scenario, begun: Begun, patience: Patience) -> None:
    """Wait for the end of the client: for some time since it could know, or since its limit."""
    watch, since = stage.watch, time.monotonic()
    latest = None if scenario.ends else since + patience.short + patience.looks
    while begun.status() is None:
        with watch.changed:
            watch.changed.wait(TIMING.client_tick)
            now, told = time.monotonic(), watch.over
        if latest is None and told is not None:
            latest = told + patience.looks
        if now > (_idle_until(stage, since, patience) if latest is None else latest):
            return


def _end(status: int | None) -> str:
    if status is None:
        return "the client does not end"
    return f"the client ends with status {status}"


def _instances(stage: Stage) -> tuple[str, ...]:
    """What a client is to send, and where to: made in the way of any client."""
    with requests.Session() as session:
        session.trust_env = False
        for_each = {"PatientName": "A^B"}
        made = [
            session.post(
                f"{stage.url}/tools/create-dicom", json={"Tags": for_each}, timeout=TIMING.starts
            ).json()["ID"]
            for _ in range(MANY_STEPS)
        ]
        peer = f"{stage.url}/peers/{PEER}"
        session.put(peer, json={"Url": NOBODY}, timeout=TIMING.starts).raise_for_status()
    return tuple(made)
