"""The history of completed jobs: what it keeps, and what falls out of it."""

from __future__ import annotations

from spec.requirements.model import NEWS, Requirement
from spec.requirements.section import EXCLUSIVE, OF_JOBS, Section

# An entry is two to four lines; the formatter would give each argument a line of its own.
# fmt: off

h = Section("history", EXCLUSIVE)
polite = Section("history")  # what a shared server shows as well

ENTRIES: tuple[Requirement, ...] = (
    polite.page(
        "tagged", "A job that has been processed is marked as Success or as Failure.",
        f"{OF_JOBS}: sentence 4, first half",
        note="Failure is not for good: the figure lets Resubmit() take a job out of it.",
    ),
    polite.page(
        "kept", "A completed job stays readable: it is kept in the history.",
        f"{OF_JOBS}: sentence 4, second half",
    ),
    h.page(
        "size", "The history holds at most JobsHistorySize completed jobs.",
        f"{OF_JOBS}: sentence 4, in brackets",
        note="Without the option it is 10: the comments of Orthanc's configuration file say so.",
    ),
    h.page(
        "unfinished-never-evicted", "A job that is not completed never falls out of the history.",
        f"{OF_JOBS}: sentence 4", reading="Only processed jobs are in the history.",
    ),
    h.seen(
        "oldest-first", "When the history is full, the job that was completed first goes first."
    ),
    h.seen(
        "resubmitted-leaves", "A resubmitted job leaves the history and takes no place in it."
    ),
    h.seen(
        "zero", "With JobsHistorySize 0 a completed job is gone at once: reading it answers 404."
    ),
    h.seen(
        "zero-synchronous", "With JobsHistorySize 0 a synchronous call answers 404."
    ),
    polite.later(
        "delete-job", "DELETE /jobs/{id} removes a completed job from the history.",
        f"{NEWS}, 1.12.2", since="1.12.2",
    ),
    polite.later(
        "delete-archive", "DELETE /jobs/{id}/archive removes the archive that the job has made.",
        f"{NEWS}, 1.12.1", since="1.12.1",
    ),
)
