"""The queue: what waits, how many run at one time, and which job comes next."""

from __future__ import annotations

from spec.requirements.model import NEWS, PAGE, Requirement
from spec.requirements.section import EXCLUSIVE, MANAGED, OF_CALLS, OF_JOBS, Section

# An entry is two to four lines; the formatter would give each argument a line of its own.
# fmt: off

q = Section("queue", EXCLUSIVE)
polite = Section("queue")  # what a shared server shows as well

ENTRIES: tuple[Requirement, ...] = (
    polite.page(
        "engine", "The server has a jobs engine: it takes on tasks as jobs and processes them.",
        f"{OF_JOBS}: sentences 1 and 2", since="1.4.0",
    ),
    q.page(
        "pending-first", "Every job is first put into a queue, where it waits as Pending.",
        f"{OF_JOBS}: sentence 3, first half",
    ),
    q.page(
        "concurrent-jobs", "At most ConcurrentJobs jobs are Running at one time.",
        f"{OF_JOBS}: sentence 3, second half",
        note="0 is one for each processor, and without the option it is 2: the comments of "
        "Orthanc's configuration file say so.",
    ),
    q.page(
        "free-worker-takes", "As long as fewer than ConcurrentJobs jobs run, a Pending job starts.",
        f"{OF_JOBS}: sentence 3, second half",
        reading="A fixed number of jobs at once is also a promise: no worker idles while a job "
        "waits.",
    ),
    q.page(
        "priority-order", "Of the Pending jobs, one with the highest Priority starts first.",
        f"{OF_CALLS}: priority, sentence 2",
        note="Orthanc's OpenAPI description says that a lower value runs first. Every measured "
        "server does what the page says.",
    ),
    q.page(
        "ties-in-order",
        "Of Pending jobs with equal Priority, the one that became Pending first starts first.",
        f"{OF_JOBS}: sentence 3, first half",
        reading="A queue of pending tasks serves in the order of arrival; a resumed or a "
        "resubmitted job arrives anew.",
        note="Measured servers keep no such order (relaxation ties-unordered): six equal jobs "
        "ran as 0 2 5 4 1 3, each time.",
    ),
    q.page(
        "worker-freed",
        "A job that leaves Running, by success, failure, pause, cancel or retry, frees its worker.",
        f"{OF_JOBS}: sentence 3, second half",
        reading="A job that is not Running is not executed, so it holds no place among the "
        "ConcurrentJobs.",
    ),
    q.page(
        "limit-jobs", "The queue of Pending jobs has a greatest size: LimitJobs.",
        f"{OF_JOBS}: paragraph 3, sentence 1", since="1.5.6", until="1.10.0", needs=MANAGED,
        note="The page said so up to 1.10.0. The release notes of 1.10.1 say that no jobs engine "
        "ever used the option; 1.10.1 and 1.13.0 accept and ignore it.",
    ),
    q.page(
        "limit-jobs-blocks",
        "When the queue is full, a submission waits until some job finishes, and then goes on.",
        f"{OF_JOBS}: paragraph 3, sentence 2", since="1.5.6", until="1.10.0", needs=MANAGED,
        reading="To block is to let the call wait, not to refuse it.",
        note="As for queue/limit-jobs.",
    ),
    q.page(
        "limit-jobs-submissions-only", "A full queue holds back no resume and no resubmit.",
        f"{OF_JOBS}: paragraph 3, sentence 2", since="1.5.6", until="1.10.0", needs=MANAGED,
        reading="The page speaks of adding new jobs; a resumed or resubmitted job is not new.",
        note="As for queue/limit-jobs.",
    ),
    q.later(
        "no-limit", "The queue of Pending jobs has no greatest size: no submission waits for it.",
        f"{PAGE}, as of Orthanc 1.10.1 (7 March 2022), Jobs; {NEWS}, 1.10.1", since="1.10.1",
    ),
)
