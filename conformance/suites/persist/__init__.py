"""`persist/`: what becomes of jobs when their server ends and is started again.

Many states go through one restart, since an Orthanc takes some seconds to stop. What a stop lets
the steps under way do early in it, the server still saves; what it does late, released servers do
again after the start (`driver.restarts`). `kill -9` costs nothing, and finds what was saved.

Only for a server that the kit starts: its folder, and with it what it has saved, is ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.suites.case import QUICK_TO_STOP, Case
from conformance.suites.persist import autorouting, halfway, options, transfers, types, user_data
from conformance.suites.persist.kills import kills
from conformance.suites.persist.settings import settings
from conformance.suites.persist.stops import stops
from conformance.sut.profile import Profile


def cases(profile: Profile) -> Iterator[Case]:
    for case in _cases(profile):
        yield replace(case, config={**QUICK_TO_STOP, **case.config}, fresh=True)
    yield from types.cases(profile)
    yield from options.cases(profile)
    yield from halfway.cases(profile)
    yield from autorouting.cases(profile)
    yield from user_data.cases(profile)
    yield from transfers.cases(profile)


def _cases(profile: Profile) -> Iterator[Case]:
    yield from stops(profile)
    yield from kills(profile)
    yield from settings(profile)
