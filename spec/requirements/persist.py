"""What survives a stop, a restart and a kill of the server."""

from __future__ import annotations

from spec.requirements.model import NEWS, PAGE, Need, Requirement
from spec.requirements.section import MANAGED, OF_JOBS, Section

# An entry is two to four lines; the formatter would give each argument a line of its own.
# fmt: off

p = Section("persist", MANAGED)

ENTRIES: tuple[Requirement, ...] = (
    p.page(
        "saved-by-default", "Without further configuration the jobs survive a restart.",
        f"{OF_JOBS}: paragraph 2, sentence 1",
    ),
    p.page(
        "save-jobs-false", "With SaveJobs false no job survives a restart.",
        f"{OF_JOBS}: paragraph 2, sentence 1, in brackets",
        reading="The option controls the saving, so turning it off ends the saving.",
    ),
    p.page(
        "unfinished-requeued",
        "A job that was Pending or Running at the stop is in the queue again after the start.",
        f"{OF_JOBS}: paragraph 2, sentence 2",
        note="In which order those of equal Priority come back, no page says: any is allowed.",
    ),
    p.page(
        "retry-requeued",
        "A job that was in Retry at the stop is in the queue again after the start.",
        f"{OF_JOBS}: paragraph 2, sentence 2", needs={Need.RETRY},
        reading="Its processing was not finished, so it is queued at once, without its delay.",
    ),
    p.page(
        "paused-stays", "A Paused job is still Paused after a restart.",
        f"{OF_JOBS}: paragraph 2, sentence 2",
        reading="Paused is where a user put the job, not processing that was cut short.",
    ),
    p.page(
        "completed-stays", "Jobs in Success and in Failure are still there after a restart.",
        f"{OF_JOBS}: paragraph 2, sentence 1",
        reading="Saving the jobs includes those of the history.",
        note="Which of them counts as the oldest then, no page says: any order is allowed.",
    ),
    p.page(
        "no-jobs", "A server that is started with --no-jobs has none of the earlier jobs.",
        f"{OF_JOBS}: paragraph 2, sentence 3",
    ),
    p.page(
        "request-survives-stop",
        "A pause or cancel that was answered 200 before a clean stop still takes effect.",
        f"{OF_JOBS}: paragraph 2, sentences 1 and 2",
        reading="A request that was answered 200 survives a clean stop, and after kill -9 may "
        "be lost.",
    ),
    p.seen("priority", "A job has the same Priority after a restart."),
    p.seen(
        "times", "A job that was Paused, in Success or in Failure has the same CompletionTime, if "
        "any, and EffectiveRuntime after a restart.",
    ),
    p.seen(
        "step", "A job that was under way goes on after a restart from the step it had reached."
    ),
    p.seen(
        "step-ends-before-stop", "On SIGTERM a Running job ends its current step before the stop.",
        note="A released Orthanc still begins steps for a while after SIGTERM, and does one again"
        " that ends after the jobs were saved: no page says otherwise, and the model allows it.",
    ),
    p.seen(
        "killed", "After kill -9 the jobs are as they were at the last save, at most 10 s before.",
        note=f"{PAGE} says since its version for Orthanc 1.10.0 that jobs are saved every 10 s.",
    ),
    p.seen(
        "saved-at-end", "A Running job that ends, in Success or in Failure, is saved at once: a "
        "kill half a second later leaves it so.",
    ),
    p.later(
        "saved-at-creation", "A job is saved within 100 ms after its creation.",
        f"{PAGE}, version of 8 June 2022", since="1.11.1",
        note="The page of that day is the one for Orthanc 1.11.1; 1.9.1 and 1.10.1 do the same.",
    ),
    p.later(
        "error", "A job in Failure has the same ErrorCode and ErrorDetails after a restart.",
        f"{NEWS}, 1.9.5", since="1.9.5",
    ),
)
