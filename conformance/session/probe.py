"""The first job on a server: whether it reaches the gate, and how many workers there are."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from conformance.driver.driver import AT_ONCE, Driver
from conformance.driver.ending import state_of
from conformance.driver.following import Deviated
from conformance.driver.script import fail, submit
from conformance.driver.spares import put_aside
from conformance.driver.tracked import Tracked
from conformance.errors import HistoryFull, KitError, Trouble, Unjudged
from conformance.session.session import Session
from conformance.sut.profile import BY_DEFAULT, INGEST_TRANSCODING
from conformance.timing import TIMING
from spec.engine import Config
from spec.table import ErrorCode, State

MOST_WORKERS = 64
STARTS = "queue/free-worker-takes"  # what a server breaks that leaves a job Pending
PLAIN = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")  # in one of them our instances are made
PROBE = "probe"  # what `probe` is called among the cases that a server has had
OPEN = Config(workers=None, history=None)  # nothing is known of it yet


class Hopeless(KitError):
    """What a server's first job has shown keeps all cases from being judged but those about it.

    ``shown_by``: the requirement that it breaks. ``str()`` is what each other case is told.
    """

    def __init__(self, why: str, shown_by: str) -> None:
        super().__init__(why)
        self.shown_by = shown_by


def probe(session: Session) -> None:
    """See that the server reaches the gate, and, where it is ours alone, how many workers it has.

    That becomes part of the session's profile.

    Raises `KitError` where the server cannot reach the gate, has no free worker, or keeps not what
    we store, or fewer jobs than by default though nobody says so; `Hopeless`, another one, where it
    answers an asynchronous call only when its job has ended, or is one of the kit's own and takes
    or starts no job; and `ServerDied` where a managed server ends by itself.
    """
    session.had.append(PROBE)
    try:
        _first_job(session)
    except Trouble:
        _first_job(session, again=True)
    if session.profile.exclusive and session.profile.workers is None:
        try:
            workers = _workers(session)
        except Trouble:
            workers = _workers(session)
        session.profile = replace(session.profile, workers=workers)
    if session.server is None:
        _see_syntax(session)
    if session.profile.exclusive:
        _see_history(session)


def _first_job(session: Session, again: bool = False) -> None:
    """See that a job reaches the gate, and is kept; errors as of `probe`.

    Raises `Trouble` where its call was answered by what may not be the server, unless it is made
    ``again`` for that.
    """
    driver = session.driver(OPEN, PROBE, blames=False)
    try:
        for step in (submit("A", 2), fail("A")):
            driver.perform(step)
        driver.finish()
        _see_kept(session, driver)
    except HistoryFull:  # since it was last looked at
        driver.abandon()
    except (Deviated, Unjudged) as error:
        if isinstance(error, Trouble) and not driver.jobs and not again:
            driver.abandon()
            put_aside(driver)
            raise
        with suppress(Unjudged):
            session.see_kept()
        _see_arrival(session, driver, error)
        driver.abandon()  # what is wrong with it, the cases will say
    put_aside(driver)


def _workers(session: Session) -> int | None:
    """How many jobs run at once: one more is added until one does not start. None: not known."""
    driver = session.driver(OPEN, PROBE, blames=False)
    try:
        for number in range(MOST_WORKERS):
            name = f"W{number + 1}"
            driver.perform(submit(name, settle=False))
            if not driver.arrives(name, TIMING.no_arrival):
                if number == 0:
                    raise _no_arrival(session, driver)
                return number
        raise KitError(f"more than {MOST_WORKERS} jobs run at once: too many for this kit")
    except Deviated:  # what is wrong with it, the cases will say
        return None
    finally:
        driver.abandon()
        put_aside(driver)


def _see_syntax(session: Session) -> None:
    """See whether a server transcodes what it takes: an Orthanc before 1.12 does not tell."""
    for id in session.resources.instances[:1]:
        with suppress(Unjudged):
            reply = session.client.get(f"/instances/{id}/metadata/TransferSyntax")
            if reply.ok and reply.body.decode("latin-1").strip() not in PLAIN:
                on = session.profile.on | {INGEST_TRANSCODING}
                session.profile = replace(session.profile, on=on)


def _see_history(session: Session) -> None:
    """See that a server keeps as many completed jobs as by default, where nobody says how many."""
    if session.profile.history is not None:
        return
    driver = session.driver(OPEN, PROBE, blames=False)
    try:
        for number in range(BY_DEFAULT["JobsHistorySize"]):
            for step in (submit(f"H{number + 1}"), fail(f"H{number + 1}")):
                driver.perform(step)
            _see_kept(session, driver)
        driver.finish()
    except (Deviated, Unjudged):  # what is wrong with it, the cases will say
        driver.abandon()
    put_aside(driver)


def _see_kept(session: Session, driver: Driver) -> None:
    """Of the jobs of a driver, which have completed, none has gone. Raises `KitError`."""
    if session.profile.history is not None:
        return
    listed = driver.answers.listed(driver.answers.get("/jobs"))
    made = [job.id for job in driver.jobs.values()]
    kept = sum(id in listed for id in made)
    if kept < len(made):
        raise KitError(
            f"of {len(made)} jobs that have completed the server has kept {kept} only.\n"
            "Say with --history-size how many it has to keep: its JobsHistorySize, 10 by default."
        )


def _see_arrival(session: Session, driver: Driver, error: Deviated | Unjudged) -> None:
    """After a probe that failed: raise `KitError` unless its job has reached the gate."""
    session.check(TIMING.dying)  # a connection breaks before its process has ended
    job = next(iter(driver.jobs.values()), None)
    if job is None:
        if isinstance(error, Deviated) and error.finding.requirement == AT_ONCE:
            driver.abandon()
            why = "an asynchronous call of this server waits for its job"
            raise Hopeless(why, shown_by=AT_ONCE) from None
        why = error.finding.actual if isinstance(error, Deviated) else str(error)
        why = f"the server does not take a first job from us: {why}"
        if isinstance(error, Deviated) and session.profile.managed:
            driver.abandon()
            raise Hopeless(why, shown_by=error.finding.requirement) from None
        raise KitError(why) from None
    if job.holds or _ends_by_itself(session, job):
        return
    if _state(session, job) == State.FAILURE or not session.gate.wait(TIMING.no_arrival):
        raise _no_arrival(session, driver) from None


def _ends_by_itself(session: Session, job: Tracked) -> bool:
    """Whether a job without its step has ended as none does whose server cannot reach the gate.

    It has succeeded, or a server of the kit's own says that it was no trouble of the network, or
    has reached the gate with what is no step, since nobody else calls that.
    """
    try:
        shown = session.client.get(f"/jobs/{job.id}").json()
    except Trouble:
        return False
    if not isinstance(shown, dict):
        return False
    failed, code = shown.get("State") == State.FAILURE, shown.get("ErrorCode")
    reached = code != ErrorCode.NETWORK_PROTOCOL or session.gate.callers.strangers > 0
    other = failed and reached and session.profile.managed
    return shown.get("State") == State.SUCCESS or other


def _state(session: Session, job: Tracked) -> str:
    return state_of(session.client.get, job.id) or "not to be read"


def _no_arrival(session: Session, driver: Driver) -> KitError:
    host = session.gate.host
    state = _state(session, next(iter(driver.jobs.values())))
    with suppress(Unjudged):  # its job may hang until the server gives up; it is said anyway
        driver.abandon()
    if state == State.PENDING and session.profile.managed:
        return Hopeless("the server starts no job, though none holds a worker", shown_by=STARTS)
    if state == State.PENDING:
        return KitError("no worker of the server is free: jobs that are not ours hold all of them")
    return KitError(
        f"the server cannot reach the gate at {host} (its job is {state}).\n"
        "Name this machine's address as the server sees it with --gate-address; if the server has"
        " an HttpProxy, exempt that address from it."
    )
