"""The steps of a Running job: when they begin, how often, and where a job goes on."""

from __future__ import annotations

from spec.requirements.model import Requirement
from spec.requirements.section import MANAGED, OF_MONITORING, Section
from spec.table import ErrorCode

# An entry is two to four lines; the formatter would give each argument a line of its own.
# fmt: off

s = Section("step")

ENTRIES: tuple[Requirement, ...] = (
    s.page(
        "only-while-running", "No step begins of a job that is not Running.",
        f"{OF_MONITORING}: list of states, Running",
        reading="Only a Running job is being executed. One step may already be on its way when "
        "a request is answered: step/one-after-answer.",
    ),
    s.page(
        "request-before-first",
        "A request that a Running job gets before its first step takes effect without that step.",
        "Interacting with jobs: the figure it links to",
        reading="Running can be read before the first step has begun, and a request is looked "
        "at before every step, the first included.",
    ),
    s.page(
        "requests-end-with-run", "A resumed or resubmitted job starts with nothing asked of it.",
        "Interacting with jobs: the figure it links to",
        reading="Requests end with the run that they were made in: in the figure, an action "
        "belongs to the state in which it is taken.",
    ),
    s.seen("run-once", "In one run no step is run twice."),
    s.seen("resumed-goes-on", "A resumed job goes on with the step at which it stopped."),
    s.seen("resubmitted-starts-over", "A resubmitted job starts over from its first step."),
    s.seen(
        "one-after-answer",
        "After a pause or cancel of a Running job was answered, at most one more step arrives.",
        note="The step was on its way while the request was answered. That is no deviation.",
    ),
    s.seen("repeated-instance", "An instance that is listed three times is three steps."),
    s.seen("empty", "A job with an empty list of instances succeeds without a step."),
    s.seen(
        "timeout",
        f"A step held longer than HttpTimeout fails, with ErrorCode "
        f"{ErrorCode.NETWORK_PROTOCOL:d}.",
        note="HttpTimeout is 60 s by default.", needs=MANAGED,
    ),
)
