"""The fields of one job, in the order of the page's example, and what was seen of each."""

from __future__ import annotations

from spec.requirements.model import Bound, Requirement
from spec.requirements.section import EXCLUSIVE, OF_MONITORING, Section
from spec.table import ErrorCode

# An entry is two to four lines; the formatter would give each argument a line of its own.
# fmt: off

m = Section("monitor")
EXAMPLE = f"{OF_MONITORING}: example of one job"
TIME = "Times are written as in the example, YYYYMMDDTHHMMSS with an optional fraction."

FIELDS: tuple[Requirement, ...] = (
    m.page(
        "completion-time", "CompletionTime of a completed job says when it was completed.",
        f"{EXAMPLE}, CompletionTime", reading=TIME,
    ),
    m.page(
        "content", "Content is a JSON object with the parameters of the job.",
        f"{EXAMPLE}, Content; after the examples, sentence 2",
    ),
    m.page(
        "content-by-type", "A caller reads Content according to Type: no field of it is common.",
        f"{OF_MONITORING}: after the examples, sentence 2", binds=Bound.CLIENT,
    ),
    m.page(
        "creation-time", "CreationTime says when the job was created, and never changes.",
        f"{EXAMPLE}, CreationTime", reading=TIME,
    ),
    m.page(
        "effective-runtime", "EffectiveRuntime is the time for which the job ran, in seconds.",
        f"{EXAMPLE}, EffectiveRuntime",
        reading="Time spent as Pending or Paused does not count: in the example it is less than "
        "the time from CreationTime to CompletionTime. While the job runs it may stand still up "
        "to the end of the step, but it does not fall.",
        note="Every measured Orthanc counts what the job waited as Pending (relaxation "
        "pending-time-counted); 1.12.7 and 1.13.0 fall with each step (runtime-of-the-step).",
    ),
    m.seen(
        "effective-runtime-restarts", "EffectiveRuntime starts over with a resubmit.",
        source="measured on Orthanc 1.10.1, 1.12.7, 1.13.0",
        note="1.9.1 goes on counting (relaxation runtime-not-restarted).",
    ),
    m.page(
        "error-code", "ErrorCode is a number: 0 unless the job has failed.",
        f"{EXAMPLE}, ErrorCode; list of states, Failure",
        note="After a resubmit the old number stays for a while: monitor/resubmitted-error-code.",
    ),
    m.seen(
        "error-code-cancelled", f"A canceled job has ErrorCode {ErrorCode.CANCELED_JOB:d}."
    ),
    m.seen(
        "error-code-step", "A job that failed by a step has the ErrorCode of that step.",
        note=f"A peer that answers an HTTP error, or a modality that answers a C-STORE or a "
        f"C-MOVE with a failure: {ErrorCode.NETWORK_PROTOCOL:d}.",
    ),
    m.seen(
        "resubmitted-error-code",
        "A resubmitted job keeps its old ErrorCode while it is Pending; it is 0 when it starts.",
        needs=EXCLUSIVE,
    ),
    m.page(
        "error-description", "ErrorDescription is a text that says in words what ErrorCode says.",
        f"{EXAMPLE}, ErrorDescription; list of states, Failure",
    ),
    m.page("id", "ID is the id by which the job was asked for.", f"{EXAMPLE}, ID"),
    m.page(
        "priority", "Priority is the integer that was given at the submission.",
        f"{EXAMPLE}, Priority",
    ),
    m.page(
        "progress", "Progress is a number from 0 to 100, rises with the execution, ends at 100.",
        f"{EXAMPLE}, Progress; list of states, Running",
        reading="It never falls in one run, from the end of its first step on (before that, a "
        "resubmitted job shows the old one), and it is 100 in Success.",
    ),
    m.seen(
        "progress-rounded", "Progress is the rounded per cent of steps done: of 3, 0, 33, 67, 100.",
        note="The page says continuously updated; servers update it when a step has ended.",
    ),
    m.seen("progress-after-failure", "A failed step leaves Progress as it was."),
    m.seen(
        "resubmitted-progress",
        "A resubmitted job keeps its old Progress until its first step has ended.",
    ),
    m.page(
        "timestamp", "Timestamp says when the answer was made.", f"{EXAMPLE}, Timestamp",
        reading=f"It is later than CompletionTime in the example. {TIME}",
    ),
    m.page(
        "type", "Type is a text that names the kind of the job, and never changes.",
        f"{EXAMPLE}, Type",
    ),
)
