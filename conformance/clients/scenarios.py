"""The scenarios: every way of a job to an end, by the table, and what misleads clients.

A way is a path along the published edges from the queue to Success or Failure, of a bounded length;
its id names the triggers. What misleads was measured on released Orthancs, or happens to any
client: each is written out as a *trap*.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from conformance.clients.scenario import Beat, Doing, Scenario
from conformance.clients.stage import Stage, along
from conformance.timing import TIMING
from spec.table import EDGES, FINAL, Action, Move, State, Trigger, target

LENGTH = 4  # edges of a way, after the submission
MANY = 2000  # jobs in a long list
WORDS: dict[Trigger, str] = {
    Move.START: "a worker starts it",
    Move.SUCCEED: "its last step succeeds",
    Move.FAIL: "a step of it fails",
    Move.RETRY: "a step of it asks for Retry",
    Move.TIMEOUT: "the delay of the Retry is over",
    Action.CANCEL: "somebody else cancels it",
    Action.PAUSE: "somebody else pauses it",
    Action.RESUME: "somebody else resumes it",
    Action.RESUBMIT: "somebody else resubmits it",
}
TEXT = '"State" : "Success", "State":"Failure" <b>&amp;</b> \' $(false) `false` \\ é\u2028'


def scenarios(length: int = LENGTH) -> list[Scenario]:
    """All of them, with ways of up to ``length`` edges."""
    return [*ways(length), *TRAPS]


# --- ways ---------------------------------------------------------------------------------------


def ways(length: int) -> Iterator[Scenario]:
    """Every way of a job to an end."""
    for triggers in _to_an_end(State.PENDING, length):
        yield _way(triggers)
    again = (Move.START, Move.FAIL, Action.RESUBMIT)  # what is over before the client looks
    for triggers in _to_an_end(State.PENDING, length - len(again) + 1):
        way = _way(triggers)
        yield replace(
            way,
            id=f"path/again/{way.id.removeprefix('path/')}",
            requirement="client/state-alone",
            about="the ErrorCode of its run before, in Pending",
            before=_beats(again),
        )


def _to_an_end(state: State, length: int) -> Iterator[tuple[Trigger, ...]]:
    if state in FINAL:
        yield ()
    elif length > 0:
        for edge in EDGES:
            if edge.source is state:
                for rest in _to_an_end(edge.target, length - 1):
                    yield (edge.trigger, *rest)


def _way(triggers: tuple[Trigger, ...]) -> Scenario:
    passed = _passed(triggers)
    detour = sorted(passed & {State.PAUSED, State.RETRY})
    end = "success-and-failure" if State.FAILURE in passed else "until-the-end"
    return Scenario(
        id="path/" + "/".join(triggers),
        requirement=f"client/{'other-states' if detour else end}",
        about=f"{' and '.join(detour)} on its way" if detour else "an end as any",
        beats=_beats(triggers),
    )


def _passed(triggers: tuple[Trigger, ...]) -> set[State]:
    found, state = set(), State.PENDING
    for trigger in triggers:
        after = target(state, trigger)
        assert after is not None
        state = after
        found.add(state)
    return found


def _beats(triggers: tuple[Trigger, ...]) -> tuple[Beat, ...]:
    return tuple(Beat(WORDS[trigger], along(trigger)) for trigger in triggers)


# --- traps --------------------------------------------------------------------------------------


def start() -> Beat:
    return _beats((Move.START,))[0]


def succeed(looks: int = 1) -> Beat:
    return replace(_beats((Move.SUCCEED,))[0], looks=looks)


def fail(looks: int = 1) -> Beat:
    return replace(_beats((Move.FAIL,))[0], looks=looks)


def act(action: Action, looks: int = 1) -> Beat:
    return replace(_beats((action,))[0], looks=looks)


def shows(**fields: Any) -> Doing:
    return lambda stage: stage.server.control.show(stage.job, **fields)


def disturbed(**how: Any) -> Doing:
    return lambda stage: stage.server.control.disturb("/jobs*", "GET", **how)


def answer_lost(stage: Stage) -> None:
    stage.server.control.disturb("/peers/*/store", "POST", reset=True, done=True)


def evicted(stage: Stage) -> None:
    """It succeeds and goes in one: nobody is shown Success."""
    stage.server.control.show(stage.job, State=State.RUNNING.value)
    stage.evict_as_it_succeeds()


def last_step_paused(stage: Stage) -> None:
    """All steps of it are done; that it is paused is seen at the end of the last one."""
    stage.server.control.act(stage.job, Action.PAUSE)
    stage.server.control.succeed(stage.job)
    stage.await_state(State.PAUSED)


def restarted(stage: Stage) -> None:
    """The server is away for as long as the client needs to see it, and has its jobs again."""
    looks = stage.watch.looks
    pause = max((b.at - a.ended for a, b in itertools.pairwise(looks)), default=0.0)
    stage.server.end()
    threading.Event().wait(min(TIMING.away_longest, max(TIMING.away, 2 * pause)))
    stage.server.start()


def crowded(stage: Stage) -> None:
    for _ in range(MANY):
        stage.server.control.job(1, held=False)


def waits(stage: Stage) -> None:
    """The job waits until it is known how fast the client asks, or for some seconds."""
    with stage.watch.changed:
        stage.watch.changed.wait_for(lambda: stage.watch.rate is not None, TIMING.rate_seen)


TRAPS = (
    Scenario(
        id="trap/progress-100",
        requirement="client/state-alone",
        about="Progress 100 while it still runs, and then a step fails",
        beats=(start(), Beat("it reads Progress 100", shows(Progress=100)), fail(2)),
    ),
    Scenario(
        id="trap/error-code",
        requirement="client/state-alone",
        about="the ErrorCode of a run before, while it runs again",
        beats=(
            start(),
            Beat(
                "it reads ErrorCode 9",
                shows(ErrorCode=9, ErrorDescription="Error in the network protocol"),
            ),
            Beat("it reads as it is", shows(), 2),
            succeed(),
        ),
    ),
    Scenario(
        id="trap/retry",
        requirement="client/other-states",
        about="Retry for a while",
        beats=_beats((Move.START, Move.RETRY, Move.TIMEOUT, Move.START, Move.SUCCEED)),
    ),
    Scenario(
        id="trap/paused-and-resumed",
        requirement="client/other-states",
        about="Paused for a while",
        beats=(start(), act(Action.PAUSE), act(Action.RESUME, 3), start(), succeed()),
    ),
    Scenario(
        id="trap/paused-when-all-is-done",
        requirement="client/other-states",
        about="Paused with Progress 100: all its steps are done, and it is canceled then",
        job={"steps": 1},
        beats=(
            start(),
            Beat("somebody else pauses it in its last step", last_step_paused),
            act(Action.CANCEL, 2),
        ),
    ),
    Scenario(
        id="trap/paused-for-good",
        requirement="client/bounded",
        about="Paused, and nobody resumes it",
        beats=(start(), act(Action.PAUSE)),
        ends=False,
    ),
    Scenario(
        id="trap/pending-for-good",
        requirement="client/bounded",
        about="Pending, and no worker is ever free",
        beats=(),
        ends=False,
    ),
    Scenario(
        id="trap/evicted",
        requirement="client/gone",
        about="it succeeds, and is driven out of the history before anybody looks",
        beats=(start(), Beat("it succeeds, and others drive it out of the history", evicted, 2)),
    ),
    Scenario(
        id="trap/no-history",
        requirement="client/gone",
        about="a server whose JobsHistorySize is 0 forgets each job as it completes",
        config={"JobsHistorySize": 0},
        beats=(start(), succeed(2)),
    ),
    Scenario(
        id="trap/restart",
        requirement="client/restarted",
        about="the server is stopped and started while the client waits",
        beats=(
            start(),
            Beat("the server is stopped, and started again", restarted, 2),
            start(),
            succeed(),
        ),
    ),
    Scenario(
        id="trap/unavailable",
        requirement="client/trouble",
        about="one answer is 503",
        beats=(start(), Beat("the next answer is 503", disturbed(status=503)), succeed(2)),
    ),
    Scenario(
        id="trap/broken",
        requirement="client/trouble",
        about="a connection breaks before its answer",
        beats=(start(), Beat("the next connection breaks", disturbed(reset=True)), succeed(2)),
    ),
    Scenario(
        id="trap/slow",
        requirement="client/trouble",
        about="an answer takes two seconds",
        beats=(start(), Beat("the next answer takes 2 s", disturbed(delay=2.0)), succeed(2)),
    ),
    Scenario(
        id="trap/many-jobs",
        requirement="client/until-the-end",
        about=f"{MANY} other jobs are listed",
        config={"JobsHistorySize": MANY},
        before=(Beat(f"the server has {MANY} other jobs", crowded),),
        beats=(start(), succeed()),
    ),
    Scenario(
        id="trap/unknown-type",
        requirement="monitor/content-by-type",
        about="a type that no documentation names, with a Content of its own",
        job={"type": "SomePluginsJob", "content": {"State": "Failure", "Inner": {"ErrorCode": 1}}},
        beats=(start(), succeed()),
    ),
    Scenario(
        id="trap/texts",
        requirement="monitor/content-by-type",
        about="texts that look like fields, markup and commands",
        job={"description": TEXT, "content": {"Description": TEXT, "Peer": [TEXT]}},
        beats=(start(), fail(2)),
    ),
    Scenario(
        id="trap/waiting",
        requirement="client/periodic",
        about="it runs for a while",
        beats=(start(), Beat("it runs on", waits), succeed()),
    ),
    Scenario(
        id="submit/asynchronous",
        requirement="submit/asynchronous-advised",
        about="the job that it makes takes long",
        beats=(start(), succeed(2)),
        submits=True,
    ),
    Scenario(
        id="submit/answer-lost",
        requirement="submit/synchronous-timeout",
        about="the answer to its call is lost, and the job is made all the same",
        before=(Beat("the answer to the next call is lost", answer_lost),),
        beats=(start(), fail()),
        submits=True,
        ends=False,  # nobody can know of the job: to give up is right
    ),
)
