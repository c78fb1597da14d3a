"""The catalogue: every requirement on a jobs engine, with its source and its ground.

A requirement is a sentence in our own words. Its *source* says where it comes from: a sentence
of the page "Advanced features of the REST API" of the Orthanc Book (6 March 2019), the
JobsEngineStates figure that the page links to, a later document of Orthanc, or a measurement
on released servers. Its *ground* says how far that carries: documented, or observed where the
documentation is silent. Where the page leaves room, *reading* holds our interpretation;
where two documents contradict each other, or servers fall short, *note* says so.

Ids are lower case and grouped by section. What the table states is derived from the table:

    edge/<from>/<to>/<trigger>   one per published edge
    action/<action>/<state>      one per cell of the action matrix
    race/<asked>/<ended>         one per way in which a Running job can leave a step

The other sections are literal: queue, history, persist, submit, route, monitor, step, answer.
An id never changes its meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from spec import table
from spec.table import Action, Asked, Cell, Edge, Ended, ErrorCode, Ground, Move, State, Trigger

PAGE = "Advanced features of the REST API"
FIGURE = "JobsEngineStates figure"
MEASURED = "measured on Orthanc 1.9.1, 1.10.1, 1.12.7, 1.13.0"
NEWS = "Orthanc's release notes (NEWS)"


class Bound(StrEnum):
    """Whom a requirement binds. Advice to callers is no verdict on a server."""

    SERVER = "server"
    CLIENT = "client"


class Need(StrEnum):
    """What it takes to check a requirement, beyond a server that answers."""

    EXCLUSIVE = "exclusive"  # all workers, or the whole history, of the server
    MANAGED = "managed"  # its configuration, its start and its stop
    RETRY = "retry"  # a step that can ask for Retry: no released Orthanc has one
    DICOM = "dicom"  # a DICOM modality that the server can reach
    TRANSFERS = "transfers"  # the transfers accelerator plugin


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that must hold.

    ``since`` and ``until`` are the first and the last server version that it applies to, both
    included; None is unbounded. ``reading`` is our interpretation of a source that leaves
    room, ``note`` what documents or servers say otherwise.
    """

    id: str
    sentence: str
    source: str
    ground: Ground
    since: str | None = None
    until: str | None = None
    reading: str | None = None
    note: str | None = None
    binds: Bound = Bound.SERVER
    needs: frozenset[Need] = frozenset()

    @property
    def section(self) -> str:
        return self.id.partition("/")[0]

    @property
    def unreachable(self) -> str | None:
        """Why no check from outside of a server can come to this, or None."""
        if self.binds is Bound.CLIENT:
            return "it advises the caller: a server can neither meet nor break it"
        if Need.TRANSFERS in self.needs:
            return (
                "it needs the transfers accelerator, a plugin that comes with neither Debian's"
                " Orthanc nor the reference server"
            )
        return None


class UnknownRequirement(KeyError):
    """An id that names no requirement of the catalogue."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.id = id

    def __str__(self) -> str:
        return f"unknown requirement {self.id!r}: the catalogue does not have this id"


class DuplicateRequirement(ValueError):
    """Two requirements with one id: a fault of the catalogue itself."""


def requirement(id: str) -> Requirement:
    """The requirement called ``id``. Raises `UnknownRequirement`."""
    try:
        return CATALOGUE[id]
    except KeyError:
        raise UnknownRequirement(id) from None


def applies(requirement: Requirement, version: str) -> bool:
    """Whether ``requirement`` holds for a server whose ``/system`` says ``version``.

    A version that does not begin with a number, as "mainline" of a development build, counts
    as newer than every release.
    """
    number = version_key(version)
    if requirement.since is not None and number < version_key(requirement.since):
        return False
    return requirement.until is None or number <= version_key(requirement.until)


def version_key(version: str) -> tuple[float, ...]:
    """``version`` made comparable: "1.10" equals "1.10.0", a suffix as "+dfsg" is ignored.

    What does not begin with a number, as "mainline", is newer than every release.
    """
    digits = re.match(r"\d+(\.\d+)*", version.strip())
    if digits is None:
        return (float("inf"),)
    parts = [float(part) for part in digits.group().split(".")]
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


# ------------------------------------------------------------------ derived from the table

_GERUND = {
    Action.CANCEL: "Cancelling",
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


def _needs(*states: State | str | None) -> frozenset[Need]:
    """What it takes to read a job in ``states`` from outside.

    A Pending job stays Pending only while all workers are held.
    """
    needs: dict[State | str | None, Need] = {
        State.PENDING: Need.EXCLUSIVE,
        State.RETRY: Need.RETRY,
    }
    return frozenset(needs[state] for state in states if state in needs)


def _edges() -> Iterator[Requirement]:
    for edge in table.EDGES:
        yield Requirement(
            edge.id,
            _edge_sentence(edge),
            f"{FIGURE}: {edge.trigger} from {edge.source or 'outside'} to {edge.target}",
            Ground.DOCUMENTED,
            note=_SERVERS_CHOICE if edge.trigger is Move.FAIL else None,
            needs=_needs(edge.source, edge.target),
        )


def _edge_sentence(edge: Edge) -> str:
    if isinstance(edge.trigger, Move):
        a_job = "" if edge.source is None else _a_job(edge.source)
        return _BY_ITSELF[edge.trigger].format(A_job=_capital(a_job), target=edge.target)
    if edge.source is None:
        raise ValueError(f"an action needs a job: {edge}")
    return f"{edge.trigger.capitalize()}() takes {_a_job(edge.source)} to {edge.target}."


def _cells() -> Iterator[Requirement]:
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
                needs=_needs(state),
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


def _races() -> Iterator[Requirement]:
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
# An entry is two to four lines; the formatter would give each argument a line of its own.
# fmt: off


@dataclass(frozen=True, slots=True)
class _Section:
    """Writes the entries of one section of ids; the keywords are those of `Requirement`."""

    name: str
    needs: frozenset[Need] = frozenset()

    def page(
        self,
        id: str,
        sentence: str,
        where: str,
        *,
        since: str | None = None,
        until: str | None = None,
        reading: str | None = None,
        note: str | None = None,
        binds: Bound = Bound.SERVER,
        needs: Iterable[Need] = (),
    ) -> Requirement:
        """An entry that the page states at ``where``: "heading: which sentence"."""
        return Requirement(
            f"{self.name}/{id}", sentence, f"{PAGE}, {where}", Ground.DOCUMENTED,
            since, until, reading, note, binds, self.needs | frozenset(needs),
        )

    def later(
        self, id: str, sentence: str, source: str, *, since: str, note: str | None = None
    ) -> Requirement:
        """An entry that a later document of Orthanc states."""
        return Requirement(
            f"{self.name}/{id}",
            sentence,
            source,
            Ground.DOCUMENTED,
            since,
            note=note,
            needs=self.needs,
        )

    def seen(
        self,
        id: str,
        sentence: str,
        *,
        note: str | None = None,
        needs: Iterable[Need] = (),
        source: str = MEASURED,
    ) -> Requirement:
        """An entry that no document states and that every measured server meets."""
        return Requirement(
            f"{self.name}/{id}", sentence, source, Ground.OBSERVED,
            note=note, needs=self.needs | frozenset(needs),
        )


_EXCLUSIVE = frozenset({Need.EXCLUSIVE})
_MANAGED = frozenset({Need.MANAGED})

_OF_JOBS = "Jobs"
_OF_CALLS = "Synchronous vs. asynchronous calls"
_OF_MONITORING = "Monitoring jobs"
_OF_ACTIONS = "Interacting with jobs"


def _queue() -> Iterator[Requirement]:
    q, polite = _Section("queue", _EXCLUSIVE), _Section("queue")
    yield polite.page(
        "engine", "The server has a jobs engine: it takes on tasks as jobs and processes them.",
        f"{_OF_JOBS}: sentences 1 and 2", since="1.4.0",
    )
    yield q.page(
        "pending-first", "Every job is first put into a queue, where it waits as Pending.",
        f"{_OF_JOBS}: sentence 3, first half",
    )
    yield q.page(
        "concurrent-jobs", "At most ConcurrentJobs jobs are Running at one time.",
        f"{_OF_JOBS}: sentence 3, second half",
    )
    yield q.page(
        "free-worker-takes", "As long as fewer than ConcurrentJobs jobs run, a Pending job starts.",
        f"{_OF_JOBS}: sentence 3, second half",
        reading="A fixed number of jobs at once is also a promise: no worker idles while a job "
        "waits.",
    )
    yield q.page(
        "priority-order", "Of the Pending jobs, one with the highest Priority starts first.",
        f"{_OF_CALLS}: priority, sentence 2",
        note="Orthanc's OpenAPI description says that a lower value runs first. Every measured "
        "server does what the page says.",
    )
    yield q.page(
        "ties-in-order",
        "Of Pending jobs with equal Priority, the one that became Pending first starts first.",
        f"{_OF_JOBS}: sentence 3, first half",
        reading="A queue of pending tasks serves in the order of arrival; a resumed or a "
        "resubmitted job arrives anew.",
        note="Measured servers keep no such order (relaxation ties-unordered): six equal jobs "
        "ran as 0 2 5 4 1 3, each time.",
    )
    yield q.page(
        "worker-freed",
        "A job that leaves Running, by success, failure, pause, cancel or retry, frees its worker.",
        f"{_OF_JOBS}: sentence 3, second half",
        reading="A job that is not Running is not executed, so it holds no place among the "
        "ConcurrentJobs.",
    )
    yield q.page(
        "limit-jobs", "The queue of Pending jobs has a greatest size: LimitJobs.",
        f"{_OF_JOBS}: paragraph 3, sentence 1", since="1.5.6", until="1.10.0", needs=_MANAGED,
        note="The page said so up to 1.10.0. The release notes of 1.10.1 say that no jobs engine "
        "ever used the option; 1.10.1 and 1.13.0 accept and ignore it.",
    )
    yield q.page(
        "limit-jobs-blocks",
        "When the queue is full, a submission waits until some job finishes, and then goes on.",
        f"{_OF_JOBS}: paragraph 3, sentence 2", since="1.5.6", until="1.10.0", needs=_MANAGED,
        reading="To block is to let the call wait, not to refuse it.",
        note="As for queue/limit-jobs.",
    )
    yield q.page(
        "limit-jobs-submissions-only", "A full queue holds back no resume and no resubmit.",
        f"{_OF_JOBS}: paragraph 3, sentence 2", since="1.5.6", until="1.10.0", needs=_MANAGED,
        reading="The page speaks of adding new jobs; a resumed or resubmitted job is not new.",
        note="As for queue/limit-jobs.",
    )
    yield q.later(
        "no-limit", "The queue of Pending jobs has no greatest size: no submission waits for it.",
        f"{PAGE}, as of Orthanc 1.10.1 (7 March 2022), Jobs; {NEWS}, 1.10.1", since="1.10.1",
    )


def _history() -> Iterator[Requirement]:
    h, polite = _Section("history", _EXCLUSIVE), _Section("history")
    yield polite.page(
        "tagged", "A job that has been processed is marked as Success or as Failure.",
        f"{_OF_JOBS}: sentence 4, first half",
        note="Failure is not for good: the figure lets Resubmit() take a job out of it.",
    )
    yield polite.page(
        "kept", "A completed job stays readable: it is kept in the history.",
        f"{_OF_JOBS}: sentence 4, second half",
    )
    yield h.page(
        "size", "The history holds at most JobsHistorySize completed jobs.",
        f"{_OF_JOBS}: sentence 4, in brackets", needs=_MANAGED,
    )
    yield h.page(
        "unfinished-never-evicted", "A job that is not completed never falls out of the history.",
        f"{_OF_JOBS}: sentence 4", reading="Only processed jobs are in the history.",
    )
    yield h.seen(
        "oldest-first", "When the history is full, the job that was completed first goes first."
    )
    yield h.seen(
        "resubmitted-leaves", "A resubmitted job leaves the history and takes no place in it."
    )
    yield h.seen(
        "zero", "With JobsHistorySize 0 a completed job is gone at once: reading it answers 404.",
        needs=_MANAGED,
    )
    yield h.seen(
        "zero-synchronous", "With JobsHistorySize 0 a synchronous call answers 404.",
        needs=_MANAGED,
    )
    yield polite.later(
        "delete-job", "DELETE /jobs/{id} removes a completed job from the history.",
        f"{NEWS}, 1.12.2", since="1.12.2",
    )
    yield polite.later(
        "delete-archive", "DELETE /jobs/{id}/archive removes the archive that the job has made.",
        f"{NEWS}, 1.12.1", since="1.12.1",
    )


def _persist() -> Iterator[Requirement]:
    p = _Section("persist", _MANAGED)
    yield p.page(
        "saved-by-default", "Without further configuration the jobs survive a restart.",
        f"{_OF_JOBS}: paragraph 2, sentence 1",
    )
    yield p.page(
        "save-jobs-false", "With SaveJobs false no job survives a restart.",
        f"{_OF_JOBS}: paragraph 2, sentence 1, in brackets",
        reading="The option controls the saving, so turning it off ends the saving.",
    )
    yield p.page(
        "unfinished-requeued",
        "A job that was Pending or Running at the stop is in the queue again after the start.",
        f"{_OF_JOBS}: paragraph 2, sentence 2",
        note="In which order those of equal Priority come back, no page says: any is allowed.",
    )
    yield p.page(
        "retry-requeued",
        "A job that was in Retry at the stop is in the queue again after the start.",
        f"{_OF_JOBS}: paragraph 2, sentence 2", needs={Need.RETRY},
        reading="Its processing was not finished, so it is queued at once, without its delay.",
    )
    yield p.page(
        "paused-stays", "A Paused job is still Paused after a restart.",
        f"{_OF_JOBS}: paragraph 2, sentence 2",
        reading="Paused is where a user put the job, not processing that was cut short.",
    )
    yield p.page(
        "completed-stays", "Jobs in Success and in Failure are still there after a restart.",
        f"{_OF_JOBS}: paragraph 2, sentence 1",
        reading="Saving the jobs includes those of the history.",
        note="Which of them counts as the oldest then, no page says: any order is allowed.",
    )
    yield p.page(
        "no-jobs", "A server that is started with --no-jobs has none of the earlier jobs.",
        f"{_OF_JOBS}: paragraph 2, sentence 3",
    )
    yield p.page(
        "request-survives-stop",
        "A pause or cancel that was answered 200 before a clean stop still takes effect.",
        f"{_OF_JOBS}: paragraph 2, sentences 1 and 2",
        reading="A request that was answered 200 survives a clean stop, and after kill -9 may "
        "be lost.",
    )
    yield p.seen("priority", "A job has the same Priority after a restart.")
    yield p.seen(
        "times", "A job that was Paused, in Success or in Failure has the same CompletionTime, if "
        "any, and EffectiveRuntime after a restart.",
    )
    yield p.seen(
        "step", "A job that was under way goes on after a restart from the step it had reached."
    )
    yield p.seen(
        "step-ends-before-stop", "On SIGTERM a Running job ends its current step before the stop.",
        note="A released Orthanc still begins steps for a while after SIGTERM, and does one again"
        " that ends after the jobs were saved: no page says otherwise, and the model allows it.",
    )
    yield p.seen(
        "killed", "After kill -9 the jobs are as they were at the last save, at most 10 s before.",
        note=f"{PAGE} says since its version for Orthanc 1.10.0 that jobs are saved every 10 s.",
    )
    yield p.later(
        "saved-at-creation", "A job is saved within 100 ms after its creation.",
        f"{PAGE}, version of 8 June 2022", since="1.11.1",
        note="The page of that day is the one for Orthanc 1.11.1; 1.9.1 and 1.10.1 do the same.",
    )
    yield p.later(
        "error", "A job in Failure has the same ErrorCode and ErrorDetails after a restart.",
        f"{NEWS}, 1.9.5", since="1.9.5",
    )


def _submit() -> Iterator[Requirement]:
    s = _Section("submit")
    yield s.page(
        "creates-job", "A call that takes long adds one job to the queue, and only one.",
        f"{_OF_CALLS}: sentence 1",
    )
    yield s.page(
        "synchronous-waits", "A synchronous call answers only when its job has ended.",
        f"{_OF_CALLS}: first bullet on modes, sentence 1",
    )
    yield s.page(
        "synchronous-default", "A call that names no mode is synchronous.",
        f"{_OF_CALLS}: first bullet on modes, sentence 2",
        reading="\"In general\": every job-creating call but those of the transfers accelerator.",
        note="The page's exception: route/transfers-asynchronous.",
    )
    yield s.page(
        "asynchronous-returns", "An asynchronous call answers at once, whatever its job does.",
        f"{_OF_CALLS}: second bullet on modes, sentence 1",
    )
    yield s.page(
        "asynchronous-handle", "The answer of an asynchronous call names its job, by ID and Path.",
        f"{_OF_CALLS}: second bullet on modes, sentence 1",
        reading="The handle is a JSON object: ID is the id of the job, Path is /jobs/{id}.",
    )
    yield s.page(
        "asynchronous-monitored",
        "The job of an asynchronous call can be followed to its end by its id.",
        f"{_OF_CALLS}: second bullet on modes, sentence 2",
    )
    yield s.page(
        "synchronous-field", "Synchronous true or false in the body chooses the mode.",
        f"{_OF_CALLS}: choice of mode, sentence 1",
    )
    yield s.page(
        "asynchronous-field", "Asynchronous, with the opposite value, does the same.",
        f"{_OF_CALLS}: choice of mode, sentence 1, in brackets",
    )
    yield s.seen("both-fields", "When a body has both fields, Synchronous is the one that counts.")
    yield s.seen("mode-not-boolean", "A mode field that is no boolean is refused with 400.")
    yield s.page(
        "priority", "A body may set the job's Priority to any integer, also a negative one.",
        f"{_OF_CALLS}: priority, sentence 1",
        reading="Any integer of 32 bits. Another may be refused, and if it is taken, it is "
        "monitor/priority that the job has it.",
        note="Beyond 32 bits servers differ: 500 up to 1.12.7, 400 in 1.13.0, which takes what is "
        "below them for the highest of all (relaxation priority-wraps).",
    )
    yield s.page(
        "priority-default", "A job whose body sets no Priority has Priority 0.",
        f"{_OF_CALLS}: priority, sentence 3",
    )
    yield s.seen(
        "priority-not-integer", "A Priority that is no integer (text, 1.5, null) is refused: 400."
    )
    yield s.seen(
        "synchronous-failure",
        "A synchronous call whose job fails answers an HTTP error with OrthancStatus = ErrorCode.",
        note="A network error answers 500.",
    )
    yield s.seen(
        "synchronous-content",
        "A synchronous call whose job succeeds answers 200 with the Content of the job.",
        note="Of a peer store. A call that makes an archive answers the archive.",
    )
    yield s.page(
        "asynchronous-advised",
        "A caller whose job may last over a dozen seconds should call asynchronously.",
        f"{_OF_CALLS}: last paragraph, sentence 1", binds=Bound.CLIENT,
    )
    yield s.page(
        "synchronous-timeout",
        "A caller that waits too long for a synchronous answer may lose it to an HTTP timeout.",
        f"{_OF_CALLS}: last paragraph, sentence 2", binds=Bound.CLIENT,
    )


def _route() -> Iterator[Requirement]:
    r = _Section("route")
    bullet = f"{_OF_CALLS}: list of calls"
    above = "Of patients, studies and series: for one instance the answer is the DICOM file itself."
    yield r.page("modify", "Modifying DICOM resources runs as a job.", f"{bullet}, 1st",
                 reading=above)
    yield r.page("anonymize", "Anonymizing DICOM resources runs as a job.", f"{bullet}, 1st",
                 reading=above)
    yield r.page("archive", "Creating a ZIP archive runs as a job.", f"{bullet}, 2nd")
    yield r.page("media", "Creating a media archive (with DICOMDIR) runs as a job.",
                 f"{bullet}, 2nd")
    yield r.page("retrieve", "A C-MOVE by POST /queries/{id}/retrieve runs as a job.",
                 f"{bullet}, 3rd", needs={Need.DICOM})
    yield r.page("modality-store", "A C-STORE by POST /modalities/{id}/store runs as a job.",
                 f"{bullet}, 4th", needs={Need.DICOM})
    yield r.page("peer-store", "Sending by POST /peers/{id}/store runs as a job.",
                 f"{bullet}, 5th")
    yield r.page("split", "A split by POST /studies/{id}/split runs as a job.",
                 f"{bullet}: split and merge")
    yield r.page("merge", "A merge by POST /studies/{id}/merge runs as a job.",
                 f"{bullet}: split and merge")
    yield r.later(
        "bulk-modify", "POST /tools/bulk-modify runs as one job for all resources that it lists.",
        f"{NEWS}, 1.9.4", since="1.9.4",
    )
    yield r.later(
        "bulk-anonymize",
        "POST /tools/bulk-anonymize runs as one job for all resources that it lists.",
        f"{NEWS}, 1.9.4", since="1.9.4",
    )
    yield r.seen(
        "type",
        "Type is Archive, Media, ResourceModification, SplitStudy, MergeStudy, OrthancPeerStore, "
        "DicomModalityStore or DicomMoveScu, by the call.",
        note="The page names one of them, in its example: Archive.",
    )
    yield r.page(
        "content",
        "Content shows what the page's example shows for its Type, and its like for the others.",
        f"{_OF_MONITORING}: example of one job, Content; after the examples, sentence 2",
        reading="Of an archive: Description, InstancesCount, UncompressedSizeMB. Of other types "
        "the fields that every measured server shows in Success: a modification its result.",
    )
    yield r.seen(
        "result",
        "When the job has succeeded, what was asked for is done: the copy is changed and has UIDs "
        "of its own, the anonymous one has no name, the series have moved, the source stays, or "
        "goes, as asked; all instances were sent, to the target that was named.",
        note="By default a modification keeps its source, a split and a merge do not.",
    )
    yield r.seen(
        "permissive",
        "A C-STORE or C-MOVE job with Permissive true goes on behind a step that fails, and ends "
        "in Success.",
    )
    yield r.seen(
        "archive-output",
        "A job that made an archive gives it at GET /jobs/{id}/archive, and a synchronous call "
        "answers it: a ZIP file of exactly the instances. A job has no output of another name.",
        note="1.10.1 to 1.13.0 send the synchronous answer while the archive is made: a failure "
        "then comes after the status 200, and only the broken connection tells of it.",
    )
    yield r.seen("media-index", "A media archive holds a DICOMDIR beside the instances.")
    yield r.page("transfers", "A transfer by the transfers accelerator runs as a job.",
                 f"{bullet}: transfers accelerator", needs={Need.TRANSFERS})
    yield r.page(
        "transfers-asynchronous", "The transfers accelerator runs in asynchronous mode only.",
        f"{_OF_CALLS}: choice of mode, sentence 2", needs={Need.TRANSFERS},
    )
    for position, action in enumerate(table.ACTIONS, start=1):
        sources = [edge.source for edge in table.EDGES if edge.trigger is action and edge.source]
        yield r.page(
            action,
            f"POST /jobs/{{id}}/{action} asks for {action.capitalize()}(): it moves a job in "
            f"{_enumerated(sources)}.",
            f"{_OF_ACTIONS}: bullet {position}, and the figure it links to",
            note=_WORDS_OF_RESUBMIT if action is Action.RESUBMIT else None,
        )


_WORDS_OF_RESUBMIT = "The page says to retry a job in Failed state. Its own list of states has \
no Failed but Failure, and Retry is another state: the call is Resubmit() of the figure. Every \
measured Orthanc answers 500 for a job that makes an archive (relaxation archive-not-resubmitted)."


def _enumerated(states: Iterable[State]) -> str:
    """``states`` as English: "Pending, Running or Paused"."""
    *rest, last = states
    return f"{', '.join(rest)} or {last}" if rest else str(last)


_MEANING = {
    State.PENDING: ("while it waits to be executed", None, None),
    State.RUNNING: ("while it is being executed", None, None),
    State.SUCCESS: ("when it has ended well", None, None),
    State.FAILURE: (
        "when it has ended badly: ErrorCode and ErrorDescription say how", None,
        "The figure also sends a cancelled job here, which never ended: ErrorCode tells it apart.",
    ),
    State.PAUSED: (
        "from the moment of its pause until an action takes it out",
        "Paused is where a user put the job: only the actions of the figure lead out of it.", None,
    ),
    State.RETRY: (
        "after a step of it has failed, until the delay is over that queues it again", None, None,
    ),
}

_FIELDS = f"{_OF_MONITORING}: example of one job"


def _monitor() -> Iterator[Requirement]:
    m = _Section("monitor")
    yield m.page(
        "list", "GET /jobs answers a JSON array with the id of every job.",
        f"{_OF_MONITORING}: sentence 1 and its example",
    )
    yield m.page(
        "job", "GET /jobs/{id} answers a JSON object with the details of that job.",
        f"{_OF_MONITORING}: sentence 2 and its example",
    )
    yield m.page(
        "list-expand", "GET /jobs?expand answers the details of every job in one array.",
        f"{_OF_MONITORING}: after the examples, sentence 1",
        note="?expand=false is taken as true by 1.10.1 and as false by 1.13.0: no requirement.",
    )
    yield m.seen("unknown-job", "GET /jobs/{id} of an id that names no job answers 404.")
    yield from _fields(m)
    yield m.page(
        "state", "State is one of the six states: " + ", ".join(State) + ".",
        f"{_OF_MONITORING}: list of states",
    )
    for state, (meaning, reading, note) in _MEANING.items():
        yield m.page(
            f"state-{state.lower()}", f"A job reads {state} {meaning}.",
            f"{_OF_MONITORING}: list of states, {state}", reading=reading, note=note,
            needs=_needs(state),
        )
    yield m.page(
        "retry-unused",
        "A job reads Retry only on a server that says that it uses Retry.",
        f"{_OF_MONITORING}: list of states, Retry, sentence 2", since="1.5.6",
        reading="The page says that no job type uses Retry so far. That is no ban, but a server "
        "that does use it has to declare it.",
    )
    yield m.page(
        "polling", "Reading a job again and again shows Success or Failure once it has ended.",
        f"{_OF_MONITORING}: last paragraph",
    )
    yield m.seen(
        "result-not-late",
        "ErrorCode, Progress and Content of a step are readable no later than the state after it.",
        note="They may be a moment earlier: in about 1 of 100 readings a job is Running with the "
        "ErrorCode of its failed step, or with Progress 100. That is no deviation.",
    )
    yield m.seen(
        "times-utc", "The times of a job are in UTC, whatever the server's time zone is.",
        note="The page does not say so, and its example agrees: it is the UTC of its commit.",
        needs=_MANAGED,
    )
    yield m.seen(
        "estimated-time",
        "EstimatedTimeOfArrival is shown of a Running job only, and is not before Timestamp.",
        note="No server shows it of every Running job: not before the first step has ended.",
    )
    yield m.seen(
        "method-not-allowed",
        "POST, PUT and DELETE of /jobs, POST and PUT of /jobs/{id}, and PUT of an action are "
        "answered 405 and change nothing.",
        note="GET and DELETE of an action change nothing either; their answers differ.",
    )
    yield m.seen(
        "unknown-action", "POST /jobs/{id}/… of what is no action is answered 405, changes nothing."
    )
    yield m.later(
        "error-details", "A job has a field ErrorDetails, a text.", f"{NEWS}, 1.9.4", since="1.9.4"
    )


def _fields(m: _Section) -> Iterator[Requirement]:
    """The fields of one job, in the order of the page's example, and what was seen of each."""
    time = "Times are written as in the example, YYYYMMDDTHHMMSS with an optional fraction."
    yield m.page(
        "completion-time", "CompletionTime of a completed job says when it was completed.",
        f"{_FIELDS}, CompletionTime", reading=time,
    )
    yield m.page(
        "content", "Content is a JSON object with the parameters of the job.",
        f"{_FIELDS}, Content; after the examples, sentence 2",
    )
    yield m.page(
        "content-by-type", "A caller reads Content according to Type: no field of it is common.",
        f"{_OF_MONITORING}: after the examples, sentence 2", binds=Bound.CLIENT,
    )
    yield m.page(
        "creation-time", "CreationTime says when the job was created, and never changes.",
        f"{_FIELDS}, CreationTime", reading=time,
    )
    yield m.page(
        "effective-runtime", "EffectiveRuntime is the time for which the job ran, in seconds.",
        f"{_FIELDS}, EffectiveRuntime",
        reading="Time spent as Pending or Paused does not count: in the example it is less than "
        "the time from CreationTime to CompletionTime. While the job runs it may stand still up "
        "to the end of the step, but it does not fall.",
        note="Every measured Orthanc counts what the job waited as Pending (relaxation "
        "pending-time-counted); 1.12.7 and 1.13.0 fall with each step (runtime-of-the-step).",
    )
    yield m.seen(
        "effective-runtime-restarts", "EffectiveRuntime starts over with a resubmit.",
        source="measured on Orthanc 1.10.1, 1.12.7, 1.13.0",
        note="1.9.1 goes on counting (relaxation runtime-not-restarted).",
    )
    yield m.page(
        "error-code", "ErrorCode is a number: 0 unless the job has failed.",
        f"{_FIELDS}, ErrorCode; list of states, Failure",
        note="After a resubmit the old number stays for a while: monitor/resubmitted-error-code.",
    )
    yield m.seen(
        "error-code-cancelled", f"A cancelled job has ErrorCode {ErrorCode.CANCELED_JOB:d}."
    )
    yield m.seen(
        "error-code-step", "A job that failed by a step has the ErrorCode of that step.",
        note=f"A peer that answers an HTTP error, or a modality that answers a C-STORE or a "
        f"C-MOVE with a failure: {ErrorCode.NETWORK_PROTOCOL:d}.",
    )
    yield m.seen(
        "resubmitted-error-code",
        "A resubmitted job keeps its old ErrorCode while it is Pending; it is 0 when it starts.",
        needs=_EXCLUSIVE,
    )
    yield m.page(
        "error-description", "ErrorDescription is a text that says in words what ErrorCode says.",
        f"{_FIELDS}, ErrorDescription; list of states, Failure",
    )
    yield m.page("id", "ID is the id by which the job was asked for.", f"{_FIELDS}, ID")
    yield m.page(
        "priority", "Priority is the integer that was given at the submission.",
        f"{_FIELDS}, Priority",
    )
    yield m.page(
        "progress", "Progress is a number from 0 to 100, rises with the execution, ends at 100.",
        f"{_FIELDS}, Progress; list of states, Running",
        reading="It never falls in one run, from the end of its first step on (before that, a "
        "resubmitted job shows the old one), and it is 100 in Success.",
    )
    yield m.seen(
        "progress-rounded", "Progress is the rounded per cent of steps done: of 3, 0, 33, 67, 100.",
        note="The page says continuously updated; servers update it when a step has ended.",
    )
    yield m.seen("progress-after-failure", "A failed step leaves Progress as it was.")
    yield m.seen(
        "resubmitted-progress",
        "A resubmitted job keeps its old Progress until its first step has ended.",
    )
    yield m.page(
        "timestamp", "Timestamp says when the answer was made.", f"{_FIELDS}, Timestamp",
        reading=f"It is later than CompletionTime in the example. {time}",
    )
    yield m.page(
        "type", "Type is a text that names the kind of the job, and never changes.",
        f"{_FIELDS}, Type",
    )


def _step() -> Iterator[Requirement]:
    s = _Section("step")
    yield s.page(
        "only-while-running", "No step begins of a job that is not Running.",
        f"{_OF_MONITORING}: list of states, Running",
        reading="Only a Running job is being executed. One step may already be on its way when "
        "a request is answered: step/one-after-answer.",
    )
    yield s.page(
        "request-before-first",
        "A request that a Running job gets before its first step takes effect without that step.",
        "Interacting with jobs: the figure it links to",
        reading="Running can be read before the first step has begun, and a request is looked "
        "at before every step, the first included.",
    )
    yield s.page(
        "requests-end-with-run", "A resumed or resubmitted job starts with nothing asked of it.",
        "Interacting with jobs: the figure it links to",
        reading="Requests end with the run that they were made in: in the figure, an action "
        "belongs to the state in which it is taken.",
    )
    yield s.seen("run-once", "In one run no step is run twice.")
    yield s.seen("resumed-goes-on", "A resumed job goes on with the step at which it stopped.")
    yield s.seen("resubmitted-starts-over", "A resubmitted job starts over from its first step.")
    yield s.seen(
        "one-after-answer",
        "After a pause or cancel of a Running job was answered, at most one more step arrives.",
        note="The step was on its way while the request was answered. That is no deviation.",
    )
    yield s.seen("repeated-instance", "An instance that is listed three times is three steps.")
    yield s.seen("empty", "A job with an empty list of instances succeeds without a step.")
    yield s.seen(
        "timeout",
        f"A step held longer than HttpTimeout fails, with ErrorCode "
        f"{ErrorCode.NETWORK_PROTOCOL:d}.",
        note="HttpTimeout is 60 s by default.", needs=_MANAGED,
    )


def _answer() -> Iterator[Requirement]:
    a = _Section("answer")
    yield a.seen("accepted", "An accepted action answers the JSON object {}.")
    yield a.seen("refused", "A refused action answers an empty body.")


# fmt: on


def _catalogue() -> Mapping[str, Requirement]:
    sections = (
        _edges, _cells, _races, _queue, _history, _persist,
        _submit, _route, _monitor, _step, _answer,
    )  # fmt: skip
    catalogue: dict[str, Requirement] = {}
    for entry in (entry for section in sections for entry in section()):
        if entry.id in catalogue:
            raise DuplicateRequirement(entry.id)
        catalogue[entry.id] = entry
    return MappingProxyType(catalogue)


CATALOGUE: Mapping[str, Requirement] = _catalogue()
