"""How a call creates a job, and what it answers: synchronous, asynchronous, Priority."""

from __future__ import annotations

from spec.requirements.model import NEWS, Bound, Requirement
from spec.requirements.section import OF_CALLS, Section

# An entry is two to four lines; the formatter would give each argument a line of its own.
# fmt: off

s = Section("submit")

ENTRIES: tuple[Requirement, ...] = (
    s.page(
        "creates-job", "A call that takes long adds one job to the queue, and only one.",
        f"{OF_CALLS}: sentence 1",
    ),
    s.page(
        "synchronous-waits", "A synchronous call answers only when its job has ended.",
        f"{OF_CALLS}: first bullet on modes, sentence 1",
    ),
    s.page(
        "synchronous-default", "A call that names no mode is synchronous.",
        f"{OF_CALLS}: first bullet on modes, sentence 2",
        reading="\"In general\": every job-creating call but those of the transfers accelerator.",
        note="The page's exception: route/transfers-asynchronous.",
    ),
    s.page(
        "asynchronous-returns", "An asynchronous call answers at once, whatever its job does.",
        f"{OF_CALLS}: second bullet on modes, sentence 1",
    ),
    s.page(
        "asynchronous-handle", "The answer of an asynchronous call names its job, by ID and Path.",
        f"{OF_CALLS}: second bullet on modes, sentence 1",
        reading="The handle is a JSON object: ID is the id of the job, Path is /jobs/{id}.",
    ),
    s.page(
        "asynchronous-monitored",
        "The job of an asynchronous call can be followed to its end by its id.",
        f"{OF_CALLS}: second bullet on modes, sentence 2",
    ),
    s.page(
        "synchronous-field", "Synchronous true or false in the body chooses the mode.",
        f"{OF_CALLS}: choice of mode, sentence 1",
    ),
    s.page(
        "asynchronous-field", "Asynchronous, with the opposite value, does the same.",
        f"{OF_CALLS}: choice of mode, sentence 1, in brackets",
    ),
    s.seen("both-fields", "When a body has both fields, Synchronous is the one that counts."),
    s.seen("mode-not-boolean", "A mode field that is no boolean is refused with 400."),
    s.page(
        "priority", "A body may set the job's Priority to any integer, also a negative one.",
        f"{OF_CALLS}: priority, sentence 1",
        reading="Any integer of 32 bits. Another may be refused, and if it is taken, it is "
        "monitor/priority that the job has it.",
        note="Beyond 32 bits servers differ: 500 up to 1.12.7, 400 in 1.13.0, which takes what is "
        "below them for the highest of all (relaxation priority-wraps).",
    ),
    s.page(
        "priority-default", "A job whose body sets no Priority has Priority 0.",
        f"{OF_CALLS}: priority, sentence 3",
    ),
    s.seen(
        "priority-not-integer", "A Priority that is no integer (text, 1.5, null) is refused: 400."
    ),
    s.later(
        "user-data",
        "What a body has as UserData, its job shows as UserData, as it was given, as long as it is "
        "there; the job of a body without it shows none.",
        f"{NEWS}, 1.12.9", since="1.12.9",
        reading="\"As given\": the same JSON, an object or a text. It travels along with the job, "
        "so that a job which is saved has it after a restart.",
        note="1.9.1, 1.10.1 and 1.12.7 take the field and show nothing of it. Of an archive or a "
        "medium 1.13.0 shows a text only (relaxation archive-user-data-ignored).",
    ),
    s.seen(
        "synchronous-failure",
        "A synchronous call whose job fails answers an HTTP error with OrthancStatus = ErrorCode.",
        note="A network error answers 500.",
    ),
    s.seen(
        "synchronous-content",
        "A synchronous call whose job succeeds answers 200 with the Content of the job.",
        note="Of a peer store. A call that makes an archive answers the archive.",
    ),
    s.page(
        "asynchronous-advised",
        "A caller whose job may last over a dozen seconds should call asynchronously.",
        f"{OF_CALLS}: last paragraph, sentence 1", binds=Bound.CLIENT,
    ),
    s.page(
        "synchronous-timeout",
        "A caller that waits too long for a synchronous answer may lose it to an HTTP timeout.",
        f"{OF_CALLS}: last paragraph, sentence 2", binds=Bound.CLIENT,
    ),
)
