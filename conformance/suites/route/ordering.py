"""`route/order/…`: jobs of every type in one queue.

Behind jobs that hold every worker there is a job of each type, the one with the lowest Priority
first. Then one worker is let go, and serves them one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from conformance.driver.context import Context
from conformance.suites.case import Case, Check
from conformance.suites.needs import EXCLUSIVE, EXPENDABLE, room_for
from conformance.suites.route import judge
from conformance.suites.route.calls import calls
from conformance.suites.route.calls.transfers import NAMES
from conformance.suites.route.outcomes import hold, let_go, of_call
from conformance.suites.submit.calls import ASYNCHRONOUS
from conformance.sut.profile import Profile
from spec.table import State

ORDER = "queue/priority-order"
# One of each type; a version may lack a call.
TYPES = {
    "copies": ("archive/study", "modify/study", "split/series", "merge/study"),
    "stores": ("media/study", "peer-store/instances", "store/instances", "retrieve/studies"),
    "retrieves": ("retrieve/studies", "retrieve/get"),
    "transfers": ("peer-store/instances", *NAMES.values()),
}


def cases(_: Profile) -> Iterator[Case]:
    # The jobs do not bear the Priority by which ours are found: they go with their server.
    known = {call.name: call for call in calls()}
    for group, names in TYPES.items():
        late = [need for name in names for need in of_call(known[name])]
        needs = (EXCLUSIVE, EXPENDABLE, room_for(len(names)), *late)
        check = partial(in_order, names)
        yield Check(f"route/order/{group}", ORDER, check=check, needs=needs, leaves=len(names))


def in_order(names: tuple[str, ...], context: Context) -> None:
    """Whatever their types are, the job with the highest Priority runs first."""
    known = {call.name: call for call in calls()}
    held = hold(context, "X")
    jobs: dict[str, str] = {}  # the types, by the ids of their jobs
    for priority, name in enumerate(names, start=1):
        request = known[name].make(context)
        reply = context.post(request.path, {**request.body, **ASYNCHRONOUS, "Priority": priority})
        id = context.driver.answers.handle(reply, known[name].requirement).id
        context.other(id)
        jobs[id] = known[name].type
        shown = context.job(id)
        judge.is_in(context, "queue/pending-first", shown, State.PENDING)
        context.equal("submit/priority", f"Priority of {name}", priority, shown["Priority"])
    let_go(context, held[:1])
    for id in reversed(jobs):
        judge.await_end(context, ORDER, id)
    let_go(context, held[1:])
    ended = sorted(jobs, key=lambda id: str(context.job(id).get("CompletionTime")))
    context.equal(
        ORDER, "types, as they ended", [*reversed(jobs.values())], [*map(jobs.get, ended)]
    )
