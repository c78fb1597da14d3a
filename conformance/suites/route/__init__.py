"""`route/<call>/…`: every call that the page lists as one that creates a job.

What the call and its job come to (`outcomes`), what is done to a job for which a call waits
(`waited`), jobs without an instance (`lacking`), what is deleted (`deleting`), got by GET
(`downloading`, `lossy`) and refused (`refusals`), what becomes of jobs whose steps wait at the
gate (`sending`) and of those that nobody can hold (`halfway`), each type of job before the
action matrix (`matrix`), retrieves and transfers at the end of a step (`boundaries`), what else
is said of transfers (`transferring`, `introducing`, `transfer_options`), of their peers
(`asking_peers`) and of what arrives (`receiving`), what a Lua script sends (`autorouting`,
`chaining`) and is told (`telling`), all types in one queue (`ordering`), what travels along
with a job (`user_data`), how large it is (`sizes`), and the cases of `action/` and `race/` once
more with jobs that send by C-STORE (`by_c_store`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.suites.case import LISTENS, Case
from conformance.suites.route import (
    asking_peers,
    autorouting,
    boundaries,
    by_c_store,
    chaining,
    committing,
    deleting,
    downloading,
    halfway,
    images,
    introducing,
    lacking,
    lossy,
    matrix,
    ordering,
    outcomes,
    overwriting,
    receiving,
    refusals,
    retrieving,
    sending,
    sent,
    sizes,
    telling,
    transfer_options,
    transferring,
    user_data,
    waited,
)
from conformance.suites.route.calls import calls
from conformance.sut.profile import Profile


def cases(profile: Profile) -> Iterator[Case]:
    for case in _cases(profile):
        asks = case.id.startswith(f"{committing.COMMITS}/")
        yield replace(case, config={**case.config, **LISTENS}) if asks else case


def _cases(profile: Profile) -> Iterator[Case]:
    known = calls()
    yield from outcomes.cases(profile, known)
    yield from waited.cases(profile, known)
    yield from user_data.cases(profile, known)
    yield from lacking.cases(profile, known)
    yield from deleting.cases(profile, [*known, committing.as_call()])
    yield from downloading.cases(profile, known)
    yield from lossy.cases(profile)
    yield from images.cases(profile)
    yield from refusals.cases(profile)
    yield from overwriting.cases(profile)
    yield from sending.cases(profile, known)
    yield from sent.cases(profile, known)
    yield from sizes.cases(profile)
    yield from committing.cases(profile)
    yield from autorouting.cases(profile)
    yield from chaining.cases(profile)
    yield from telling.cases(profile)
    yield from retrieving.cases(profile, known)
    yield from halfway.cases(profile)
    yield from boundaries.cases(profile, known)
    yield from transferring.cases(profile, known)
    yield from introducing.cases(profile, known)
    yield from asking_peers.cases(profile)
    yield from receiving.cases(profile, known)
    yield from transfer_options.cases(profile, known)
    yield from ordering.cases(profile)
    ones = [call for call in known if call.name in matrix.TYPES]
    yield from matrix.cases(profile, [*ones, committing.as_call()])
    yield from by_c_store.cases(profile)
