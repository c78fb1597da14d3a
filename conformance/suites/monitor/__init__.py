"""`monitor/`: what a caller reads of jobs: each field, each listing, and what reading never does.

What holds in every reading of every case is in `conformance.oracle.fields`. Here are the
readings that show it in each state, and what only shows over time or beside another reading.

A time is required of the server between bounds that were measured here: at least from the
arrival of a step to its reply, at most from the request that began a run to the reading that
saw its end. So a slow machine makes the bounds wider, and no right server wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.suites.case import Case, Check
from conformance.suites.monitor.fields import error_details, fields, in_utc
from conformance.suites.monitor.listings import alone, in_all_states, listings
from conformance.suites.monitor.methods import methods
from conformance.suites.monitor.metrics import metrics
from conformance.suites.monitor.over_time import over_time, runtime_pending
from conformance.suites.monitor.states import states
from conformance.suites.needs import EXCLUSIVE, REMOVAL, documented
from conformance.sut.profile import Profile


def cases(profile: Profile) -> Iterator[Case]:
    for case in (*states(profile), *fields(profile), *listings(profile), *methods(), *over_time()):
        yield replace(case, needs=(*case.needs, REMOVAL)) if case.makes_job else case
    for case in (*alone(profile), runtime_pending(profile)):
        yield replace(case, needs=(EXCLUSIVE,))
    yield from metrics(in_all_states(profile))
    yield Check("monitor/times-utc", "monitor/times-utc", check=in_utc)
    name = "monitor/error-details"
    needs = (documented(name), REMOVAL)
    yield Check(name, name, check=error_details, needs=needs, leaves=2)
