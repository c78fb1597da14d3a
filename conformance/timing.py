"""How long the kit waits, watches and allows: every figure of time that a run depends on.

Seconds, unless a name says otherwise. A *deadline* bounds what has to come, a *grace* is how long
something that must not come is watched for, a *tick* lies between two looks at the same thing. What
a user can choose (the deadline of a case, the timeout of a request) is in the options of a command.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One figure a line, with what it is for."""

    # --- driving a case ---
    grace: float = 0.05
    """For so long it is watched that nothing comes which must not."""
    tick: float = 0.002
    """Between two looks at an answer, a job or a step that has to come."""
    glance: float = 0.0005
    """Between two readings of a job that has not changed, while the server comes to rest."""
    arrival: float = 0.02
    """For so long an arrival is waited for that is due, before the job is read."""
    abandon: float = 0.5
    """In it the jobs of a failed case end, where the server can be made anew otherwise."""
    rest: float = 0.25
    """For so long a peer is not given to another job: a late step is still known for what it is."""

    # --- stopping and starting a server ---
    late: float = 1.5
    """So many times as long as a stop takes is late in it, also on a busy machine."""
    look: float = 0.01
    """Between two looks at whether a server has ended, or answers already."""
    hangs_up: float = 0.5
    """In it the connections of a server that has ended are seen to be so."""

    # --- what is asked of the server ---
    retry_soon_ms: int = 400
    """Milliseconds after which a job that is to be retried soon is Pending again."""
    retry_later_ms: int = 600_000
    """The same, for a job that is to stay in Retry while anybody looks."""
    dicom_timeout: int = 600
    """Seconds for one C-STORE to our gate; a server's DicomScuTimeout is 10 by default."""


TIMING = Timing()
