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
    """Between the first two looks at an answer, a job or a step that has to come."""
    longest_tick: float = 0.02
    """Between two looks at it later on."""
    glance: float = 0.0005
    """Between two readings of a job that has not changed, while the server comes to rest."""
    arrival: float = 0.02
    """For so long an arrival is waited for that is due, before the job is read."""
    abandon: float = 0.5
    """In it the jobs of a failed case end, where the server can be made anew otherwise."""
    rest: float = 0.25
    """For so long a peer is not given to another job: a late step is still known for what it is."""
    hold_limit: float = 20.0
    """For so long a step is held at most on a server whose HttpTimeout we do not know."""
    no_arrival: float = 0.5
    """Without an arrival in it, no worker of the server is free."""
    late_arrivals: float = 2.0
    """After a replay, for what came late when it was recorded."""

    # --- waiting longer, or not so long ---
    patient: int = 4
    """So many times the deadline is waited, to confirm that something does not come."""
    hasty: float = 1.0
    """For what has to come, where it was seen before that it does not."""
    shrinking: float = 10.0
    """For so long one finding of a search is shrunk, by Hypothesis and then by us."""
    shrinking_more: float = 2.0
    """The same, where the suites have found faults already."""

    # --- what single cases are about ---
    runs: float = 0.1
    """For so long a step is held, so that a runtime of it shows."""
    rests: float = 0.2
    """For so long a job does not run at least, so that it would show if that counted."""
    stays: float = 1.2
    """For so long it is watched that what no action concerns stays as it is."""
    goes_on: float = 0.03
    """Between two Timestamps, of which the second must be later."""
    dying: float = 0.5
    """For so long a server may take to end after it has broken a connection."""
    transfer_slice: float = 0.6
    """In it a transfer has looked at what was asked of it: the plugin does so every 200 ms."""
    transfer_share: float = 0.12
    """So much of the deadline is waited for that at least: who has more patience waits longer."""
    call_waits: float = 0.3
    """For so long a call is watched that must wait: an Orthanc looks ten times a second."""

    # --- the clocks of the server and of this machine ---
    clock_slack: float = 0.01
    """By so much two right clocks may differ, whatever time has passed."""
    clock_drift: float = 0.01
    """Seconds a second, by which they may differ beside that."""
    clock_anchored: float = 5.0
    """After so long the server's clock is compared with a newer reading of it."""
    zone: float = 300.0
    """Nearer than this to our clock a time is in UTC, as time zones differ by 900 s."""
    rounded: float = 0.002
    """By so much a runtime may be off: it is rounded to milliseconds, twice."""
    loose: float = 0.1
    """What a difference of the clocks in a history that nobody arranged does not prove yet."""
    watched_drift: float = 0.02
    """Seconds a second, by which a clock may be slewed in such a history."""

    theirs: float = 3.0
    """In it somebody whose job is gone may show by others that he has deleted it."""

    connections: float = 1.5
    """In it a server that has a thread for each connection has answered on all of them."""

    # --- starting and stopping a server ---
    starts: float = 30.0
    """In it a server that was started answers."""
    starting_answer: float = 5.0
    """For one answer of a server that is starting."""
    stops: float = 10.0
    """In it a server ends after SIGTERM."""
    lingers: float = 2.4
    """For so long after SIGTERM an Orthanc still runs jobs, and then saves them."""
    saved: float = 0.5
    """After so long a new job is on the disk; 100 ms are promised."""
    saved_all: float = 12.0
    """After so long all that has happened is on the disk: Orthanc saves at least every 10 s."""
    briefly: float = 0.15
    """For what takes an Orthanc some time: a reference server saves each change at once."""
    late: float = 1.5
    """So many times as long as a stop takes is late in it, also on a busy machine."""
    look: float = 0.01
    """Between two looks at whether a server has ended, or answers already."""
    hangs_up: float = 0.5
    """In it the connections of a server that has ended are seen to be so."""
    killed_end: float = 1.0
    """In it all that was killed has ended."""
    killed_end_longest: float = 5.0
    """After SIGKILL, for a server that this machine is slow to end."""
    begins: float = 30.0
    """In it a process begins: what it needs may have to be imported."""
    keeper_ends: float = 5.0
    """In it the keeper of the servers ends."""

    operations_linger: float = 5.0
    """For so long a job of a Lua script waits for more to send, when all is sent."""

    # --- connections ---
    associates: float = 5.0
    """In it a server that listens for DICOM has answered what it takes."""
    idle: float = 0.5
    """After so long a kept-alive connection is not trusted with a change."""
    stranger: float = 30.0
    """For so long a connection to the gate may be open that has not shown the secret yet."""
    parting: float = 0.5
    """In it what is still held is answered, when the gate is closed."""

    # --- the end of a run ---
    cleaning: float = 1.5
    """For all of the cleaning up."""
    cleaning_cut_short: float = 1.0
    """The same, after an interrupt."""
    cleaning_least: float = 0.1
    """For an answer that is asked for shortly before the end of it."""
    cleaning_tick: float = 0.005
    """Between two looks at jobs that are to end before they are removed."""
    cleaning_look: float = 0.1
    """The same, where nothing hurries them, after a run that was killed."""
    cut_short: float = 0.3
    """In it a managed server ends when the run is cut short."""
    interrupt_again: float = 0.01
    """After so long an interrupt that Python has dropped is raised again."""

    # --- the whole run ---
    run_reference: float = 1800.0
    """For a run on the reference server, unless another limit is given."""
    run: float = 3600.0
    """For a run on any other."""
    slow_case: float = 5.0
    """With more waiting for answers a case was slow, if it was not one of very many requests."""
    slow_answer: float = 0.1
    """The mean of the answers from which on that is so."""

    # --- clients ---
    client_begins: float = 60.0
    """In it a client has asked for the first time, also one that has to be compiled."""
    client_looks: float = 30.0
    """After so long without a call of a client, and without its end, it has stopped looking."""
    client_limit: float = 600.0
    """The time limit that a client is given for a job that comes to an end."""
    client_limit_short: float = 5.0
    """The same, for a job that does not."""
    away: float = 0.5
    """For so long a server is away, while a client waits for it, at least;"""
    away_longest: float = 10.0
    """and at most, for a client that asks rarely."""
    rate_seen: float = 5.0
    """In it a client asks often enough to tell how often, or it asks rarely."""
    client_tick: float = 0.02
    """Between two looks at whether a client has ended."""
    client_dies: float = 5.0
    """In it a client ends that was told to."""

    # --- what is asked of the server ---
    retry_soon_ms: int = 400
    """Milliseconds after which a job that is to be retried soon is Pending again."""
    retry_later_ms: int = 600_000
    """The same, for a job that is to stay in Retry while anybody looks."""
    dicom_timeout: int = 600
    """Seconds for one C-STORE to our gate; a server's DicomScuTimeout is 10 by default."""


TIMING = Timing()
