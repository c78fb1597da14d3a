"""`submit/`: what a call that makes a job answers and when, and the fields that choose it.

The call is a peer store, whose job waits at the gate: so it is seen that a synchronous call
waits, and for what. A call that must not be answered yet is watched for a moment, so that one
that is answered a little later is seen as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.suites.case import Case
from conformance.suites.needs import EXCLUSIVE, MANAGED, REMOVAL, documented
from conformance.suites.submit.limit import LIMIT, limited
from conformance.suites.submit.modes import modes
from conformance.suites.submit.priorities import priorities
from conformance.suites.submit.queued import queued
from conformance.suites.submit.refusals import refusals
from conformance.suites.submit.waiting import asynchronous, synchronous
from conformance.sut.profile import Profile


def cases(profile: Profile) -> Iterator[Case]:
    for case in (*modes(), *synchronous(), *asynchronous(), *priorities(), *refusals()):
        yield replace(case, needs=(REMOVAL,))
    for case in queued(profile):
        yield replace(case, needs=(EXCLUSIVE,))
    for case in limited(profile):
        needs = (documented(case.requirement), MANAGED)
        yield replace(case, config={"LimitJobs": LIMIT}, needs=needs)
