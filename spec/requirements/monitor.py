"""What can be read of jobs: the list, one job, its states. Its fields: `fields`."""

from __future__ import annotations

from spec.requirements.derived import needs_of
from spec.requirements.fields import FIELDS
from spec.requirements.model import NEWS, Requirement
from spec.requirements.section import MANAGED, OF_MONITORING, Section
from spec.table import State

# An entry is two to four lines; the formatter would give each argument a line of its own.
# fmt: off

m = Section("monitor")

MEANING = {
    State.PENDING: ("while it waits to be executed", None, None),
    State.RUNNING: ("while it is being executed", None, None),
    State.SUCCESS: ("when it has ended well", None, None),
    State.FAILURE: (
        "when it has ended badly: ErrorCode and ErrorDescription say how", None,
        "The figure also sends a canceled job here, which never ended: ErrorCode tells it apart.",
    ),
    State.PAUSED: (
        "from the moment of its pause until an action takes it out",
        "Paused is where a user put the job: only the actions of the figure lead out of it.", None,
    ),
    State.RETRY: (
        "after a step of it has failed, until the delay is over that queues it again", None, None,
    ),
}


def _state(state: State) -> Requirement:
    """The meaning of one state, by the page's list."""
    meaning, reading, note = MEANING[state]
    return m.page(
        f"state-{state.lower()}", f"A job reads {state} {meaning}.",
        f"{OF_MONITORING}: list of states, {state}", reading=reading, note=note,
        needs=needs_of(state),
    )


ENTRIES: tuple[Requirement, ...] = (
    m.page(
        "list", "GET /jobs answers a JSON array with the id of every job.",
        f"{OF_MONITORING}: sentence 1 and its example",
    ),
    m.page(
        "job", "GET /jobs/{id} answers a JSON object with the details of that job.",
        f"{OF_MONITORING}: sentence 2 and its example",
    ),
    m.page(
        "list-expand", "GET /jobs?expand answers the details of every job in one array.",
        f"{OF_MONITORING}: after the examples, sentence 1",
    ),
    m.seen(
        "list-unexpanded", "GET /jobs?expand=false answers what GET /jobs does, and ?expand=true "
        "what ?expand does.", since="1.12.7", note="1.9.1 and 1.10.1 take any value for true.",
    ),
    m.seen("unknown-job", "GET /jobs/{id} of an id that names no job answers 404."),
    *FIELDS,
    m.page(
        "state", "State is one of the six states: " + ", ".join(State) + ".",
        f"{OF_MONITORING}: list of states",
    ),
    *map(_state, MEANING),
    m.page(
        "retry-unused",
        "A job reads Retry only on a server that says that it uses Retry.",
        f"{OF_MONITORING}: list of states, Retry, sentence 2", since="1.5.6",
        reading="The page says that no job type uses Retry so far. That is no ban, but a server "
        "that does use it has to declare it.",
    ),
    m.page(
        "polling", "Reading a job again and again shows Success or Failure once it has ended.",
        f"{OF_MONITORING}: last paragraph",
    ),
    m.seen(
        "result-not-late",
        "ErrorCode, Progress and Content of a step are readable no later than the state after it.",
        note="They may be a moment earlier: in about 1 of 100 readings a job is Running with the "
        "ErrorCode of its failed step, or with Progress 100. That is no deviation.",
    ),
    m.seen(
        "times-utc", "The times of a job are in UTC, whatever the server's time zone is.",
        note="The page does not say so, and its example agrees: it is the UTC of its commit.",
        needs=MANAGED,
    ),
    m.seen(
        "estimated-time",
        "EstimatedTimeOfArrival is shown of a Running job only, from the end of its first step on, "
        "and is not before Timestamp.",
    ),
    m.seen(
        "estimated-rest",
        "EstimatedTimeOfArrival of a Running job is right if the rest takes as long, in proportion "
        "to Progress, as what was done: within a factor of 2.",
        source=f"{NEWS}, 1.9.7, which speak of its repair; measured on Orthanc 1.10.1",
        note="1.9.1, 1.12.7 and 1.13.0 are far off: relaxation estimate-too-soon.",
    ),
    m.seen(
        "method-not-allowed",
        "POST, PUT and DELETE of /jobs, POST and PUT of /jobs/{id}, and PUT of an action are "
        "answered 405 and change nothing.",
        note="GET and DELETE of an action change nothing either; their answers differ.",
    ),
    m.seen(
        "unknown-action", "POST /jobs/{id}/… of what is no action is answered 405, changes nothing."
    ),
    m.seen(
        "metrics",
        "GET /tools/metrics-prometheus shows as orthanc_jobs_pending how many jobs are Pending or "
        "in Retry, and as orthanc_jobs_running how many are Running or Paused.", since="1.9.1",
        needs=MANAGED,
    ),
    m.seen(
        "metrics-completed",
        "GET /tools/metrics-prometheus shows as orthanc_jobs_success, orthanc_jobs_failed and "
        "orthanc_jobs_completed how many jobs of the history are in Success, in Failure, and in "
        "either.",
        since="1.9.1", until="1.12.7", needs=MANAGED,
        note="1.13.0 shows totals since its start, by other names.",
    ),
    m.later(
        "error-details", "A job has a field ErrorDetails, a text.", f"{NEWS}, 1.9.4", since="1.9.4"
    ),
)
