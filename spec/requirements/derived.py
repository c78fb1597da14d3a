"""The requirements that the table states: edges, cells of the matrix, and ways out of a step."""

from __future__ import annotations

from collections.abc import Iterator

from spec import table
from spec.requirements.model import FIGURE, MEASURED, Need, Requirement
from spec.table import Action, Asked, Cell, Edge, Ended, ErrorCode, Ground, Move, State, Trigger

_GERUND = {
    Action.CANCEL: "Canceling",
    Action.PAUSE: "Pausing",
    Action.RESUME: "Resuming",
    Action.RESUBMIT: "Resubmitting",
}

_BY_ITSELF = {
    Move.SUBMIT: "A job that was just submitted is {target}.",
    Move.START: "{A_job} becomes {target} when a worker takes it.",
    Move.SUCCEED: "{A_job} becomes {target} when its last step has succeeded.",
    Move.FAIL: "{A_job} becomes {target} when a step of it has failed.",
    Move.RETRY: "{A_job} becomes {target} when a step of it asks to be tried again later.",
    Move.TIMEOUT: "{A_job} becomes {target} again when its delay is over.",
}

_ASKED = {
    Asked.NOTHING: "was asked for nothing",
    Asked.PAUSE: "was asked to pause",
    Asked.CANCEL: "was asked to cancel",
    Asked.BOTH: "was asked to pause and to cancel, in any order,",
}

_ENDED = {
    Ended.MORE: "when a step succeeds and more are to come",
    Ended.LAST: "when its last step succeeds",
    Ended.FAILED: "when a step fails",
    Ended.RETRY: "when a step asks for Retry",
}

_STRICT = "Strict reading of the figure: a request that was answered 200 takes effect as if the \
edge had been taken at once; it is looked at before every step and after it."
_SERVERS_CHOICE = "Whether a failed step counts as one that asks for Retry is the server's \
choice: both edges are published. Released Orthancs never retry."
_LOST_ON_LAST = "Every measured Orthanc ends in Success: the request is lost (relaxation \
request-lost-on-last-step)."
_LOST_TO_PAUSE = "Every measured Orthanc ends in Paused: the cancel is lost (relaxation \
cancel-lost-to-pause)."
_RETRY_UNSEEN = "No job type of a released Orthanc reaches Retry, so no server could be measured \
in this state."
_RULE_OF_ENGINE = f"the engine's rule for a state without such an edge, {MEASURED} in the others"


def _a_job(state: State) -> str:
    """A noun phrase for a job in ``state``; some states are adjectives, some are not."""
    adjective = state in (State.PENDING, State.RUNNING, State.PAUSED)
    return f"a {state} job" if adjective else f"a job in {state}"


def _capital(text: str) -> str:
    """``text`` as the start of a sentence; unlike `str.capitalize` it keeps state names."""
    return text[:1].upper() + text[1:]


def _leads(source: State | None, trigger: Trigger) -> State:
    """The state that a published edge leads to. Raises ValueError where none is published."""
    found = table.target(source, trigger)
    if found is None:
        raise ValueError(f"no edge is published for {trigger} from {source}")
    return found


def needs_of(*states: State | str | None) -> frozenset[Need]:
    """What it takes to read a job in ``states`` from outside.

    A Pending job stays Pending only while all workers are held.
    """
    needs: dict[State | str | None, Need] = {
        State.PENDING: Need.EXCLUSIVE,
        State.RETRY: Need.RETRY,
    }
    return frozenset(needs[state] for state in states if state in needs)


def edges() -> Iterator[Requirement]:
    for edge in table.EDGES:
        yield Requirement(
            edge.id,
            _edge_sentence(edge),
            f"{FIGURE}: {edge.trigger} from {edge.source or 'outside'} to {edge.target}",
            Ground.DOCUMENTED,
            note=_SERVERS_CHOICE if edge.trigger is Move.FAIL else None,
            needs=needs_of(edge.source, edge.target),
        )


def _edge_sentence(edge: Edge) -> str:
    if isinstance(edge.trigger, Move):
        a_job = "" if edge.source is None else _a_job(edge.source)
        return _BY_ITSELF[edge.trigger].format(A_job=_capital(a_job), target=edge.target)
    if edge.source is None:
        raise ValueError(f"an action needs a job: {edge}")
    return f"{edge.trigger.capitalize()}() takes {_a_job(edge.source)} to {edge.target}."


def cells() -> Iterator[Requirement]:
    for state in table.MATRIX:
        for action in table.ACTIONS:
            cell = table.cell(state, action)
            yield Requirement(
                table.cell_id(action, state),
                _cell_sentence(state, action),
                _cell_source(state, action),
                cell.ground,
                reading=_STRICT if cell is Cell.ASK else None,
                note=_RETRY_UNSEEN if state is State.RETRY else None,
                needs=needs_of(state),
            )


def _cell_sentence(state: State | str, action: Action) -> str:
    cell = table.cell(state, action)
    if not isinstance(state, State):
        return f"{_GERUND[action]} a job by an id that names none is refused with {cell.status}."
    start = f"{_GERUND[action]} {_a_job(state)}"
    match cell:
        case Cell.REFUSE:
            return f"{start} is refused with {cell.status} and changes nothing."
        case Cell.KEEP:
            return f"{start} is answered {cell.status} and changes nothing."
        case Cell.EDGE:
            when = ""
        case Cell.ASK:
            when = " at the next step boundary"
    extra = {
        Action.CANCEL: f" with ErrorCode {ErrorCode.CANCELED_JOB:d}",
        Action.RESUBMIT: ", to start over from its first step",
    }.get(action, "")
    target = _leads(state, action)
    return f"{start} is answered {cell.status} and leads to {target}{extra}{when}."


def _cell_source(state: State | str, action: Action) -> str:
    if table.cell(state, action).ground is Ground.OBSERVED:
        return _RULE_OF_ENGINE if state is State.RETRY else MEASURED
    status = "" if state is State.RETRY else f"; status {MEASURED}"
    return f"{FIGURE}: {action.capitalize()}() from {state}{status}"


def races() -> Iterator[Requirement]:
    for asked, row in table.BOUNDARY.items():
        for ended, triggers in row.items():
            yield Requirement(
                table.boundary_id(asked, ended),
                _race_sentence(asked, ended, triggers),
                f"{FIGURE}: the edges out of {State.RUNNING}, taken at a step boundary",
                Ground.DOCUMENTED,
                reading=_STRICT,
                note=_race_note(asked, ended),
                needs=frozenset({Need.RETRY}) if ended is Ended.RETRY else frozenset(),
            )


def _race_sentence(asked: Asked, ended: Ended, triggers: tuple[Trigger | str, ...]) -> str:
    start = f"{_capital(_a_job(State.RUNNING))} that {_ASKED[asked]} "
    if triggers == (table.STAY,):
        return f"{start}stays {State.RUNNING} {_ENDED[ended]}."
    moves = [trigger for trigger in triggers if isinstance(trigger, Action | Move)]
    (target,) = {_leads(State.RUNNING, move) for move in moves}
    codes = {
        Move.FAIL: "the step's ErrorCode",
        Action.CANCEL: f"ErrorCode {ErrorCode.CANCELED_JOB:d}",
    }
    code = " or ".join(codes[move] for move in moves if move in codes)
    become = f"becomes {target}" + (f" with {code}" if code else "")
    after = ""
    if ended is Ended.LAST and Action.PAUSE in moves:
        after = " All its steps are done and Progress is 100: resumed, it succeeds without a step."
    if ended is Ended.LAST and Action.CANCEL in moves:
        after = " Progress stays as it was."
    return f"{start}{become} {_ENDED[ended]}.{after}"


def _race_note(asked: Asked, ended: Ended) -> str | None:
    if ended is Ended.FAILED:
        return _SERVERS_CHOICE
    if ended is Ended.LAST and asked is not Asked.NOTHING:
        return _LOST_ON_LAST
    return _LOST_TO_PAUSE if asked is Asked.BOTH else None


# ------------------------------------------------------------------------ literal entries
