"""What the page asks of those who call: advice that a client can follow, and no server break."""

from __future__ import annotations

from spec.requirements.model import FIGURE, PAGE, Bound, Requirement
from spec.requirements.section import OF_JOBS, OF_MONITORING, Section
from spec.table import Ground

# An entry is two to four lines; the formatter would give each argument a line of its own.
# fmt: off

c = Section("client")
POLLING = f"{OF_MONITORING}: last paragraph"
STATES = f"{OF_MONITORING}: list of states"
HTTP = "RFC 9110 (HTTP), 15.6.4 and 9.2.2; no document of Orthanc"

ENTRIES: tuple[Requirement, ...] = (
    c.page(
        "until-the-end",
        "A caller that waits for a job reads it again until State is Success or Failure.",
        POLLING, binds=Bound.CLIENT,
    ),
    c.page(
        "success-and-failure",
        "A caller takes Success for success, and Failure, however it came to be, for none.",
        f"{STATES}, Success and Failure", binds=Bound.CLIENT,
    ),
    c.page(
        "other-states",
        "A caller goes on waiting while a job is Pending, Running, Paused or Retry.",
        f"{STATES}; last paragraph", binds=Bound.CLIENT,
        reading="Somebody else may resume a Paused job, and Retry ends by itself.",
    ),
    c.page(
        "state-alone",
        "A caller learns from State alone that a job has ended: not from Progress or ErrorCode.",
        POLLING, binds=Bound.CLIENT,
        note="Both may be those of an earlier run, or a moment early: monitor/result-not-late, "
        "monitor/resubmitted-error-code.",
    ),
    c.page(
        "periodic", "A caller reads a job periodically, and not as fast as it can.",
        POLLING, binds=Bound.CLIENT,
        reading="Not more than 50 times a second: the page gives no figure.",
    ),
    c.page(
        "gone",
        "A caller does not take a job that is not there any more for one that has succeeded.",
        f"{OF_JOBS}: sentence 4, the size of the history", binds=Bound.CLIENT,
        reading="A completed job may be driven out of the history before anybody reads it.",
    ),
    c.page(
        "restarted",
        "A caller goes on waiting when the server is stopped and started: its job is kept.",
        f"{OF_JOBS}: paragraph 2, sentence 2", binds=Bound.CLIENT,
        reading="Meanwhile nothing answers, which says nothing of the job.",
    ),
    Requirement(
        "client/trouble",
        "A caller that gets 503, a broken connection or a late answer asks again.",
        HTTP, Ground.OBSERVED, binds=Bound.CLIENT,
    ),
    Requirement(
        "client/bounded",
        "A caller that is given a time limit ends after it, without success.",
        f"{FIGURE}: only actions lead out of Paused; {PAGE}, {STATES}, Paused",
        Ground.DOCUMENTED, binds=Bound.CLIENT,
        reading="A Paused job stays so until somebody acts, so a wait without a limit has no end.",
    ),
)
