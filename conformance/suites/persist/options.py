"""`persist/stop/options/<type>`: jobs with options over a stop and a start.

Of each type of job there is one for every option of its calls, Pending behind jobs that hold every
worker. After the restart each must be as it was, and do what its option says.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from conformance.driver.context import Context
from conformance.driver.script import complete, restart
from conformance.driver.script import submit as peer_store
from conformance.suites.case import LISTENS, QUICK_TO_STOP, Case, Check, blocker_names
from conformance.suites.needs import documented
from conformance.suites.persist.types import (
    FIRST,
    REQUEUED,
    ROOM,
    STAYS,
    STEPS,
    ends_well,
    is_as_before,
)
from conformance.suites.route import judge
from conformance.suites.route.calls import Call, calls
from conformance.suites.route.calls.sending import GET, MOVE
from conformance.suites.route.committing import COMMITS, ROWS, asks, reports
from conformance.suites.route.lacking import (
    PERMISSIVE,
    STUDIES,
    WHOLE_AGAIN,
    had_all,
    put_back,
    works_on,
)
from conformance.suites.route.outcomes import hold, let_go, remove, submit
from conformance.suites.route.sending import as_permissive, with_body
from conformance.suites.route.sent import SHORT, TIMEOUTS, has_timed_out
from conformance.sut.profile import Profile, inapplicable
from spec.relaxations import Shortfall
from spec.table import Action, State
from spec.types import COMMITMENT

SOP_INSTANCE_UID = "0008,0018"
OPTION = "option/"  # how the requirement of an option begins
COUNTED = (*STUDIES, "split/series", "modify/study")  # jobs that count what they lack
COPIES = ("modify/study", "anonymize/study")
# 1.12.7 and 1.13.0 do not save KeepLabels: what it is after a start is up to chance, once one way
# and once the other, so neither a requirement nor a ledger can be held to it.
BY_CHANCE = "option/keep-labels"


def cases(profile: Profile) -> Iterator[Case]:
    """One for each type, of the options that this version has; archives cannot be saved."""
    of_type: dict[str, list[Call]] = {}
    for call in calls():
        asks_for_option = call.requirement.startswith(OPTION) and call.requirement != BY_CHANCE
        if asks_for_option and not call.archives:
            of_type.setdefault(call.type, []).append(call)
    for type, rows in of_type.items():
        known = [call for call in rows if inapplicable(profile, call.requirement) is None]
        yield Check(
            f"persist/stop/options/{type}",
            REQUEUED,
            check=partial(over_a_restart, known),
            config={**QUICK_TO_STOP, "JobsHistorySize": ROOM},
            needs=() if known else (documented(rows[0].requirement),),
            leaves=len(known),
            fresh=True,
        )
    yield Check(
        "persist/stop/failed-instances",
        "persist/completed-stays",
        check=counts_after_a_restart,
        config={**QUICK_TO_STOP, "JobsHistorySize": ROOM},
        needs=(documented(PERMISSIVE),),
        fresh=True,
    )
    for call in calls():
        if call.name in COPIES:
            yield Check(
                f"persist/stop/put-back/{call.name}",
                WHOLE_AGAIN,
                check=put_back(call, WHOLE_AGAIN, (restart(),)),
                config={**QUICK_TO_STOP, "JobsHistorySize": ROOM},
                needs=(documented(WHOLE_AGAIN),),
                fresh=True,
            )
    for name, needed in TIMEOUTS.items():
        yield Check(
            f"persist/stop/timeout/{name}",
            needed,
            check=partial(times_out_after_a_restart, name),
            config={**QUICK_TO_STOP, "JobsHistorySize": ROOM},
            fresh=True,
        )
    yield Check(
        f"persist/stop/options/{COMMITMENT}",
        STAYS,
        check=commits_after_a_restart,
        config={**LISTENS, "JobsHistorySize": ROOM},
        needs=(documented(COMMITS),),
        fresh=True,
    )


def counts_after_a_restart(context: Context) -> None:
    """What a permissive job has gone on behind is still counted after a restart."""
    known = {call.name: call for call in calls()}
    done = []
    for name, letter in zip(COUNTED, "XWVU", strict=True):
        call = as_permissive(known[name])
        held = hold(context, letter)
        id, request = submit(context, call)
        remove(context, works_on(context, request.remove)[-1])
        let_go(context, held)
        judge.await_end(context, PERMISSIVE, id)
        judge.is_in(context, PERMISSIVE, judge.look(context, call, id), State.SUCCESS)
        if not had_all(context, call, request):
            done.append((call, id))
    context.do(restart())
    for call, id in done:
        content = judge.look(context, call, id)["Content"]
        counted = content.get("FailedInstancesCount") if isinstance(content, dict) else content
        context.equal("persist/completed-stays", "FailedInstancesCount", 1, counted)


def times_out_after_a_restart(name: str, context: Context) -> None:
    """The Timeout that a call has named counts after a restart as well."""
    (call,) = (call for call in calls() if call.name == name)
    held = blocker_names(context.profile)
    context.do(*(peer_store(name, STEPS, FIRST) for name in held))
    id, _ = submit(context, with_body(call, SHORT))
    context.do(restart())
    context.do(*(complete(name) for name in held))
    has_timed_out(context, call, id, TIMEOUTS[name])


def commits_after_a_restart(context: Context) -> None:
    """A storage commitment that was asked for before the stop is reported on after the start.

    Its job is Paused meanwhile: it takes a moment, and the stop lasts.
    """
    done, slot, expected = asks(ROWS["stored"], context)
    reports(context, done, slot, expected)
    ended = context.job(done)
    held = blocker_names(context.profile)
    context.do(*(peer_store(name, STEPS, FIRST) for name in held))
    id, slot, expected = asks(ROWS["each"], context)
    before = context.job(id)
    judge.is_in(context, "queue/pending-first", before, State.PENDING)
    context.post(f"/jobs/{id}/{Action.PAUSE}")
    context.do(restart())
    reply = context.get(f"/jobs/{id}")
    if not reply.ok:
        expected_job = f"the {COMMITMENT} job is there after a restart"
        context.deviates(STAYS, expected_job, str(reply), Shortfall.COMMITMENT_NOT_SAVED)
        return
    shown = context.job(id)
    judge.is_in(context, STAYS, shown, State.PAUSED)
    context.equal(STAYS, "Content", before.get("Content"), shown.get("Content"))
    for key in ("State", "Content", "CompletionTime", "EffectiveRuntime"):
        context.equal("persist/completed-stays", key, ended.get(key), context.job(done).get(key))
    context.do(*(complete(name) for name in held))
    context.post(f"/jobs/{id}/{Action.RESUME}")
    reports(context, id, slot, expected)


def over_a_restart(rows: list[Call], context: Context) -> None:
    """What waits is there again as it was, and does what its option says."""
    held = blocker_names(context.profile)
    context.do(*(peer_store(name, STEPS, FIRST) for name in held))
    waiting = [(call, *submit(context, call)) for call in rows]
    before = {id: judge.look(context, call, id) for call, id, _ in waiting}
    context.do(restart())
    lost = {id for call, id, _ in waiting if _is_lost(context, call, before[id])}
    for call, id, _ in waiting:
        if id not in lost:
            is_as_before(context, call, before[id], REQUEUED, State.PENDING)
    context.do(*(complete(name) for name in held))
    for call, id, request in waiting:
        if id not in lost:
            ends_well(context, call, id, request)


def _is_lost(context: Context, call: Call, before: judge.Shown) -> bool:
    """A job that a server does not have any more, or not as it was, in a way that has a name."""
    reply = context.get(f"/jobs/{before['ID']}")
    if call.type == GET and reply.status == 404:
        expected = f"the {call.type} job is there after a restart"
        context.deviates(REQUEUED, expected, str(reply), Shortfall.GET_NOT_SAVED)
        return True
    if call.type == MOVE and _names_instances(before) and not _names_instances(reply.json()):
        expected, actual = "a Query with SOPInstanceUIDs", "a Query without SOPInstanceUIDs"
        context.deviates(REQUEUED, expected, actual, Shortfall.INSTANCE_FORGOTTEN)
        return True
    return False


def _names_instances(shown: Any) -> bool:
    """Whether the Query of a retrieve names SOPInstanceUIDs."""
    content = shown.get("Content") if isinstance(shown, dict) else None
    return isinstance(content, dict) and SOP_INSTANCE_UID in str(content.get("Query"))
