"""What a case comes to by more than one execution: what broke, falls by chance, or did not come."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial

from conformance.campaign.attempt import Runner
from conformance.campaign.verdict import Judgement
from conformance.driver.arrivals import Arrivals
from conformance.driver.ending import end_jobs
from conformance.errors import Unjudged
from conformance.session.session import Session
from conformance.suites.case import Check, Script
from conformance.suites.route.outputs import TRIES
from conformance.sut.reply import EXPAND
from conformance.timing import TIMING

MEANT = 2  # times that an answer that may not be the server's has to come again


def judged(runner: Runner, case: Script | Check, first: int = 0) -> Judgement:
    """Run a case as often as it takes to judge it. ``first``: how often it was run before."""
    found = runner.attempt(case, number=first)
    for number in range(first + 1, first + TRIES):
        if not found.displaced:
            break
        found = runner.attempt(case, number=number)
    if found.lost:  # what broke on the way says nothing of the server, nor does one more try
        found = once_more(runner, case, found, first)
    accepted = runner.book.ledger.accepted
    for number in range(1, case.repeat):
        if found.unjudged or found.died or not found.accepted(accepted):
            break
        again = runner.attempt(case, number=number)
        if again.findings or again.unjudged or again.died:
            found = again
    return confirmed(runner, case, found) if found.missing else found


def once_more(runner: Runner, case: Script | Check, found: Judgement, number: int) -> Judgement:
    """What came to nothing, tried once more: it may have been trouble that has passed.

    Where it was an answer that may not be the server's, and it comes twice more while all else is
    answered, it is taken for the server's word, in later cases as well.
    """
    kind, doubts = found.trouble, runner.session.doubts
    if kind is None:
        return runner.attempt(case, number=number)
    if not doubts.may_be_meant(kind):
        return found
    doubts.meant.add(kind)
    for _ in range(MEANT):
        found = runner.attempt(case, number=number)
        if not found.findings:
            doubts.meant.discard(kind)
            doubts.passing |= {kind} | ({found.trouble} if found.trouble else set())
            break
    return found


def confirmed(runner: Runner, case: Script | Check, found: Judgement) -> Judgement:
    """What did not come is a deviation if it does not come in several times the time either.

    Waiting for that takes long, so it is done a few times only in one run.
    """
    if runner.experience.hasty:
        reason = f"{found.findings[-1].actual}: not confirmed, like others of this run"
        came = tuple(finding for finding in found.findings if not finding.missing)
        return replace(found, findings=came, unjudged=reason)
    if found.dirty and runner.session.server is None:
        with suppress(Unjudged):  # who does not answer is tried again, and told
            if _stay(runner.session):
                return found
            runner.experience.obstacle = None  # they were late, and are in nobody's way any more
    for number in range(case.repeat):
        patient = runner.attempt(case, TIMING.patient, number)
        if patient.findings or patient.unjudged or patient.died:
            break
    runner.experience.confirmed += patient.missing
    return patient


def _stay(session: Session) -> bool:
    """Whether jobs of ours do not end on somebody's server, in several times the time either.

    They hold workers, beside which a case cannot be run again. Raises `Unjudged`.
    """
    client, ours = session.client, session.resources.made
    ids = [job["ID"] for job in client.get(EXPAND).jobs() if ours(job)]
    seconds = TIMING.patient * session.deadline
    steps = Arrivals(session.resources)  # one that comes now is refused
    return bool(end_jobs(client, client.get, ids, seconds, partial(steps.watch, TIMING.look)))
