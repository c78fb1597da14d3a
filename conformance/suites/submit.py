"""`submit/`: synchronous and asynchronous calls, and the fields that choose between them.

The call is a peer store, whose job waits at the gate: so it is seen that a synchronous call
waits, and for what.
"""

from __future__ import annotations

from collections.abc import Iterator

from conformance.scene import Scene
from conformance.steps import complete
from conformance.suites.case import NEEDS_DELETE, Case, Profile

JOB = "A"


def cases(profile: Profile) -> Iterator[Case]:
    why = None if profile.exclusive or profile.deletes else NEEDS_DELETE
    yield Case(
        "submit/default-synchronous", "submit/synchronous-default", check=default, unreachable=why
    )


def default(scene: Scene) -> None:
    """A call that names no mode waits for its job."""
    waits_for_the_end(scene, {})


def waits_for_the_end(scene: Scene, mode: dict[str, object]) -> None:
    path, body = scene.prepare(JOB)
    call = scene.call("POST", path, {**body, **mode})
    scene.adopt(JOB)
    scene.require(
        "submit/synchronous-waits", not call.ended(), "no answer while the job runs", "an answer"
    )
    scene.do(complete(JOB))
    reply = scene.answered(call, "submit/synchronous-waits", "an answer, since the job has ended")
    scene.require("submit/synchronous-waits", reply.ok, "HTTP 200 with the result", reply)
