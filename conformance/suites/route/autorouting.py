"""`route/autorouting/…`: what a Lua script of the server's owner sends.

The server makes a job of Type SequenceOfOperations of it, an operation for each instance. As long
as that job has not ended, what is sent later is added to it. When all is done, an Orthanc lets it
run on for some seconds (`TIMING.operations_linger`), and waits for more: so the last step of such
a job is one that no gate can hold, and Success comes late. Some Orthancs still add to such a job
when it was canceled and deleted, and die of it: each case has a server that was started for it.

The kit gives a server of its own a script (`sut/scripts/autorouting.lua`) that sends what a stored
instance asks for. The steps are held as those of any store at a peer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from conformance.driver.requiring import Call as Beside
from conformance.driver.script import complete
from conformance.errors import Unjudged
from conformance.suites.case import QUICK_TO_STOP, Case, Check
from conformance.suites.needs import EXCLUSIVE, MANAGED, documented, of_a_call, offered
from conformance.suites.race import REQUESTS
from conformance.suites.route import judge
from conformance.suites.route.boundaries import leaves, refuses
from conformance.suites.route.calls import Call, Request
from conformance.suites.route.calls.model import Result
from conformance.suites.route.calls.sending import SENT, has_arrived, new_name
from conformance.suites.route.outcomes import hold, let_go
from conformance.suites.route.samples import patient_id
from conformance.suites.route.succeeding import has_succeeded
from conformance.suites.submit.calls import handle
from conformance.sut.profile import Profile
from conformance.sut.reply import EXPAND
from conformance.timing import TIMING
from spec import types
from spec.lookup import way_back
from spec.relaxations import Shortfall
from spec.table import (
    ACTIONS,
    BOUNDARY,
    FINAL,
    STAY,
    Action,
    Asked,
    Ended,
    State,
    boundary_id,
)
from spec.types import OPERATIONS as TYPE

if TYPE_CHECKING:
    from conformance.driver.context import Context
    from conformance.driver.tracked import Tracked
    from conformance.peer.gate import Hold

ROUTES = "route/autorouting"
NAME = "autorouting/instances"
DESCRIPTION = "Lua"  # who has asked for the job
CONFIG: Mapping[str, Any] = {**QUICK_TO_STOP, "LuaScripts": ["autorouting.lua"]}
NEEDS = (MANAGED, of_a_call(ROUTES), offered(ROUTES))
ENDS = (Ended.MORE, Ended.LAST, Ended.FAILED)  # none of them asks for Retry
DELETED, PROGRESS = "history/delete-job", "monitor/progress"
AT_ONCE = "submit/asynchronous-returns"
DONE = 100 * SENT // (SENT + 1)  # the least Progress when all is sent, of which more may follow


def cases(_: Profile) -> Iterator[Case]:
    for case in _cases():
        yield replace(case, needs=(*NEEDS, *case.needs), config=CONFIG, fresh=True, anew=True)


def _cases() -> Iterator[Case]:
    name = f"route/{NAME}"
    yield Check(f"{name}/sent", ROUTES, check=sent)
    yield Check(f"{name}/progress", PROGRESS, check=progress_rises)
    yield Check(f"{name}/meanwhile", AT_ONCE, check=meanwhile, needs=(EXCLUSIVE,))
    yield Check(f"{name}/job-deleted", DELETED, check=deleted, needs=(documented(DELETED),))
    for action in ACTIONS:
        check = partial(stands_still, action)
        yield Check(f"{name}/{action}", f"route/{action}", check=check, needs=(EXCLUSIVE,))
    for word, (asked, actions) in REQUESTS.items():
        for ended in ENDS:
            check = partial(races, asked, actions, ended)
            yield Check(f"{name}/race/{word}/{ended}", boundary_id(asked, ended), check=check)


def as_call() -> Call:
    """What stands in the place of a call, so that its jobs are held to what others are."""
    return Call(
        NAME,
        ROUTES,
        TYPE,
        lambda context: _started(context)[1],
        ("CountOperations", "Description"),
        ROUTES,
        start=_started,
    )


def _started(context: Context) -> tuple[str, Request]:
    id, request, _ = routed(context)
    return id, request


def routed(context: Context) -> tuple[str, Request, Tracked]:
    """Have `SENT` instances sent by the script: the job that it makes, and whose steps come.

    It takes longer to end than others: the deadline of the check is put off by so much.
    """
    name = new_name(context)
    _, given = context.prepare(name, SENT)
    job, before = context.driver.prepared[name], operations(context)
    ask(context, job, given["Resources"])
    id = new_operations(context, before)

    def verify(context: Context, content: Result) -> None:
        has_arrived(context, job, range(SENT))
        context.equal(ROUTES, "CountOperations", SENT, content.get("CountOperations"))
        context.equal(ROUTES, "Description", DESCRIPTION, content.get("Description"))

    return id, Request("", {}, verify, instances=SENT), job


def new_operations(context: Context, before: set[str]) -> str:
    """The one new job of this type. ``before``: those that there were before it."""
    found: set[str] = set()

    def is_there() -> bool:
        found.update(operations(context) - before)
        return bool(found)

    expected = f"a job of Type {TYPE}"
    context.until(is_there, ROUTES, expected, lambda: "none is listed")
    for id in found:
        context.other(id)
    context.equal(ROUTES, f"new jobs of Type {TYPE}", 1, len(found))
    context.deadline = context.driver.deadline + TIMING.operations_linger
    return found.pop()


def ask(
    context: Context,
    job: Tracked,
    instances: list[str],
    more: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Store an instance of which the script sends others to the peer of a job."""
    tags = {
        "PatientID": patient_id(context),
        "StudyDescription": job.slot.peer,
        "ImageComments": " ".join(instances),
        **more,
    }
    reply = context.post("/tools/create-dicom", {"Tags": tags})
    if not reply.ok:
        raise Unjudged(f"the server makes no instance for us: {reply}")


def operations(context: Context) -> set[str]:
    """The jobs of this type that the server lists."""
    listed = context.resources.client.get(EXPAND).jobs()
    return {str(one["ID"]) for one in listed if one.get("Type") == TYPE}


def step(context: Context, job: Tracked, number: int) -> Hold:
    """Wait until so many steps of the job have arrived; the last of them."""
    context.until(
        lambda: len(job.holds) >= number,
        ROUTES,
        f"step {number} of the job at the gate",
        lambda: f"{len(job.holds)} steps have arrived",
    )
    return job.holds[number - 1]


def sent(context: Context) -> None:
    """What the script sends is done by one job, an operation each, in order, and it succeeds."""
    call = as_call()
    id, request, job = routed(context)
    for number in range(1, SENT + 1):
        here = step(context, job, number)
        shown = context.job(id)
        judge.is_in(context, "monitor/state-running", shown, State.RUNNING)
        missing = types.row(TYPE).missing(shown["Content"], types.Moment.RUNNING)
        expected = f"Content of a job that runs, with {', '.join(call.shows)}"
        context.require("route/content", not missing, expected, shown["Content"])
        here.reply(judge.TAKEN)
    await_end(context, id)
    has_succeeded(context, call, request, id)


def progress_rises(context: Context) -> None:
    """Progress does not fall, also when more is sent while the job waits for that."""
    id, _, job = routed(context)
    for number in range(1, SENT + 1):
        step(context, job, number).reply(judge.TAKEN)
    if _all_sent(context, id):
        return
    seen = [int(context.job(id)["Progress"])]
    ask(context, job, [context.resources.instance(number) for number in range(SENT)])
    for number in range(SENT + 1, 2 * SENT + 1):
        here = step(context, job, number)
        seen.append(int(context.job(id)["Progress"]))
        here.reply(judge.TAKEN)
    end(context, id)
    known = Shortfall.OPERATIONS_PROGRESS_FALLS
    rises = seen == sorted(seen)
    context.require(PROGRESS, rises, "a Progress that never falls", seen, known)


def meanwhile(context: Context) -> None:
    """An asynchronous call is answered at once, though a step of the job is under way, and the
    script is asked what to do with an instance that came meanwhile.
    """
    id, _, job = routed(context)
    step(context, job, 1)
    other = new_name(context)
    path, body = context.prepare(other)
    ask(context, job, [])  # it has nothing sent
    context.holds(partial(_answers, context), TIMING.stays)  # the server asks the script by and by
    under_way = context.call("POST", path, {**body, "Asynchronous": True})
    with lingering(context):
        at_once = under_way.ended(context.driver.deadline)

    def is_over() -> bool:
        """The step may have another one behind it, before anybody is answered."""
        for here in job.holds:
            here.reply(judge.TAKEN)
        return under_way.ended()

    expected = "an answer, though a step of a job of a Lua script is under way"
    context.until(is_over, AT_ONCE, expected, lambda: "no answer, though all steps have ended")
    known = Shortfall.OPERATION_BLOCKS_CALLS
    context.require(AT_ONCE, at_once, expected, "no answer until that has ended", known)
    handle(context, under_way.answer(), other)
    context.do(complete(other))
    end(context, id)


def _answers(context: Context) -> bool:
    """Whether the server answers what concerns no job, within a moment."""
    return Beside(context.resources.client.beside(), "GET", "/system", None).ended(
        TIMING.call_waits
    )


def stands_still(action: Action, context: Context) -> None:
    """An action on the job in every state in which it stands still."""
    call = as_call()
    held = hold(context, "X")
    id, request, _ = routed(context)
    judge.is_in(context, "queue/pending-first", judge.look(context, call, id), State.PENDING)
    for before in (None, Action.PAUSE, Action.CANCEL):
        if before is not None:
            judge.act(context, call, id, before)
        shown = judge.act(context, call, id, action)
        while (again := way_back(State(shown["State"]))) is not None:
            shown = judge.act(context, call, id, again)
    let_go(context, held)
    await_end(context, id)
    has_succeeded(context, call, request, id)
    judge.act(context, call, id, action)


def races(asked: Asked, actions: tuple[Action, ...], ended: Ended, context: Context) -> None:
    """What the job was asked for takes effect when its step ends, as the table says."""
    call, needed = as_call(), boundary_id(asked, ended)
    id, _, job = routed(context)
    number = SENT if ended is Ended.LAST else 1
    for before in range(1, number):
        step(context, job, before).reply(judge.TAKEN)
    last = step(context, job, number)
    if ended is Ended.LAST:  # the last step is the one that waits whether there is more
        last.reply(judge.TAKEN)
        if _all_sent(context, id):
            return
    refuses(context, id)
    for action in actions:
        judge.ask(context, call, id, State.RUNNING, action)
    last.reply(judge.REFUSED if ended is Ended.FAILED else judge.TAKEN)
    if BOUNDARY[asked][ended] == (STAY,):
        step(context, job, number + 1)
        judge.is_in(context, needed, context.job(id), State.RUNNING)
    else:
        with lingering(context) if ended is Ended.LAST else nullcontext():
            leaves(context, call, id, asked, ended, number)
        state = State(context.job(id)["State"])
        if ended is not Ended.LAST and state is not State.RUNNING:  # otherwise by a shortfall
            _goes_on(context, call, id, job, state)
    end(context, id)


@contextmanager
def lingering(context: Context) -> Iterator[None]:
    """Within it the job does nothing but wait whether more is sent: other cases run meanwhile."""
    restarts = context.driver.restarts
    assert restarts is not None  # the server is one of ours
    with restarts.idle():
        yield


def await_end(context: Context, id: str, requirement: str = ROUTES) -> None:
    """Wait until the job of which all steps are done has ended."""
    with lingering(context):
        judge.await_end(context, requirement, id)


def end(context: Context, id: str) -> None:
    """Have the job end, wherever it is: what it sends yet is taken."""
    if context.job(id)["State"] not in FINAL:
        context.post(f"/jobs/{id}/{Action.CANCEL}")
        await_end(context, id, f"route/{Action.CANCEL}")


def _all_sent(context: Context, id: str) -> bool:
    """Wait until all is sent; whether the job has then ended at once."""
    context.until(
        lambda: context.job(id)["Progress"] >= DONE,
        PROGRESS,
        f"Progress {DONE} at least, since all is sent",
        lambda: context.job(id)["Progress"],
    )
    return context.job(id)["State"] in FINAL


def _goes_on(context: Context, call: Call, id: str, job: Tracked, state: State) -> None:
    """No step comes until the job is taken up; then it begins where it has to, and does not stop
    again for what it was asked before.
    """
    first, done = job.holds[0].step, len(job.holds)
    needed = "step/only-while-running"
    context.stays(lambda: len(job.holds) == done, needed, f"no step of a job in {state}")
    again = way_back(state)
    if again is None:
        return
    job.holds.clear()
    judge.ask(context, call, id, state, again)
    about = "step/resumed-goes-on" if again is Action.RESUME else "step/resubmitted-starts-over"
    begins = first + done if again is Action.RESUME else first
    context.equal(about, "the step that it begins with", begins, step(context, job, 1).step)
    job.holds[0].reply(judge.TAKEN)
    then = step(context, job, 2).step
    context.equal("step/run-once", "the step after it", begins + 1, then)


def deleted(context: Context) -> None:
    """DELETE of the job when it has ended, here by a cancel, removes it from every list."""
    call = as_call()
    id, _, job = routed(context)
    canceled(context, call, id, job)
    reply = context.ask("DELETE", f"/jobs/{id}")
    context.require(DELETED, reply.ok, "HTTP 200", reply)
    found = context.get(f"/jobs/{id}").status
    context.equal(DELETED, "HTTP status of the job", 404, found)
    context.require(DELETED, id not in context.jobs(), "a list without the job", "it is listed")


def canceled(context: Context, call: Call, id: str, job: Tracked) -> None:
    """Cancel the job while its first step waits, and see that it has ended."""
    _stopped(context, call, id, step(context, job, 1), Action.CANCEL, State.FAILURE)


def paused(context: Context, call: Call, id: str, job: Tracked) -> None:
    """Pause the job while its first step waits, and see that it stands still."""
    _stopped(context, call, id, step(context, job, 1), Action.PAUSE, State.PAUSED)


def _stopped(
    context: Context, call: Call, id: str, hold: Hold, action: Action, state: State
) -> None:
    judge.ask(context, call, id, State.RUNNING, action)
    hold.reply(judge.TAKEN)
    context.until(
        lambda: context.job(id)["State"] == state,
        f"route/{action}",
        state,
        lambda: context.job(id)["State"],
    )
