"""What a case takes of a server, and what is said of a server that has not got it: only here.

Most of it is what the catalogue says of the requirement that the case is about: its ``needs`` in
`spec.requirements`. A case names what it takes beyond that: to hold every worker is a way to see
something of which the requirement itself says nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from conformance.sut.profile import (
    BY_DEFAULT,
    LACKING,
    NOT_OFFERED,
    NOT_THIS_VERSION,
    OLDEST_TRANSFERS,
    Profile,
    inapplicable,
)
from spec.requirements import Need, Requirement, within

SMALL_HISTORY = "needs a JobsHistorySize that holds all jobs of a case"
DEFAULT_HISTORY = BY_DEFAULT["JobsHistorySize"]
LARGEST = 50  # a history of more jobs than this is not filled
MOST_PROCESSORS = 16  # of a machine whose every processor is given a job


@dataclass(frozen=True, slots=True)
class Needed:
    """Something that a server has to have. ``why``: what is said of one that has it not.

    Of several that it has not, the one with the lowest ``order`` is told.
    """

    order: int
    met: Callable[[Profile], bool]
    why: str


MANAGED = Needed(1, lambda server: server.managed, "needs a server that the kit starts")
RETRY = Needed(2, lambda server: server.retry, "no job of this server uses Retry")
RETRY_BY_C_STORE = Needed(3, lambda _: False, "the answer to a C-STORE cannot ask for Retry")
EXCLUSIVE = Needed(4, lambda server: server.exclusive, "needs --exclusive")
# The case leaves jobs behind, which a server in use has to be rid of.
REMOVAL = Needed(
    5,
    lambda server: server.exclusive or server.deletes,
    "needs --exclusive: this server cannot delete the jobs that it leaves",
)
# The case may spoil the server: an empty job does, of some types.
EXPENDABLE = Needed(6, MANAGED.met, MANAGED.why)
_SETTING, _LAST = 7, 9
# The modalities of somebody's server are left alone.
DICOM = Needed(8, EXCLUSIVE.met, EXCLUSIVE.why)

# Without the plugin nothing else matters.
TRANSFERS = Needed(
    -2,
    lambda server: server.transfers is not None,
    "needs the transfers accelerator, a plugin that this server does not show",
)
TRANSFERS_MEASURED = Needed(
    -1,
    lambda server: server.measured,
    f"needs transfers accelerator {OLDEST_TRANSFERS} or later: nobody has measured earlier ones",
)
ACCELERATOR = (TRANSFERS, TRANSFERS_MEASURED)


def accelerator_from(version: str) -> Needed:
    """A transfers accelerator that is not older than this."""
    return Needed(
        -1,
        lambda server: server.transfers is not None and within(server.transfers, version, None),
        f"needs transfers accelerator {version} or later",
    )


OF_A_REQUIREMENT: Mapping[Need, tuple[Needed, ...]] = MappingProxyType(
    {
        Need.TRANSFERS: ACCELERATOR,
        Need.MANAGED: (MANAGED,),
        Need.RETRY: (RETRY,),
        Need.EXCLUSIVE: (EXCLUSIVE,),
        Need.DICOM: (DICOM,),
    }
)


def documented(id: str, order: int = 0) -> Needed:
    """A version that the requirement ``id`` applies to. With the usual order it is told first."""
    return Needed(order, lambda server: inapplicable(server, id) is None, NOT_THIS_VERSION)


def offered(id: str) -> Needed:
    """What the requirement ``id`` is about, which a server may declare not to have."""
    return Needed(_LAST, lambda server: LACKING.get(id) not in server.lacks, NOT_OFFERED)


def of_a_call(id: str) -> Needed:
    """A version that has a call, as the requirement ``id`` says; told after all else."""
    return documented(id, _LAST)


def workers(size: int) -> Needed:
    """ConcurrentJobs ``size``, which the kit gives to a server of its own."""
    return Needed(
        _SETTING,
        lambda server: server.managed or server.workers == size,
        f"needs ConcurrentJobs {size}",
    )


FEW_PROCESSORS = Needed(
    _SETTING,
    lambda _: (os.cpu_count() or 1) <= MOST_PROCESSORS,
    f"needs a machine with {MOST_PROCESSORS} processors at most: it makes a job for each",
)


def history(size: int) -> Needed:
    """JobsHistorySize ``size``, which the kit gives to a server of its own."""
    return Needed(
        _SETTING,
        lambda server: server.managed or server.history == size,
        f"needs JobsHistorySize {size}",
    )


def without(switch: str) -> Needed:
    """A configuration in which something is off that is off by default, as far as it is told."""
    return Needed(
        _SETTING,
        lambda server: server.managed or switch not in server.on,
        f"needs a server without {switch}",
    )


HISTORY_KNOWN = Needed(
    _SETTING,
    lambda server: server.history is not None,
    "needs --history-size: nobody says this server's JobsHistorySize",
)
HISTORY_FILLED = Needed(
    _SETTING,
    lambda server: 1 <= (server.history or 0) <= LARGEST,
    f"needs a JobsHistorySize from 1 to {LARGEST}",
)
HISTORY_SMALL = Needed(
    _SETTING,
    lambda server: (server.history or 0) <= LARGEST,
    f"needs a JobsHistorySize of {LARGEST} at most",
)


def room_for(jobs: int) -> Needed:
    """A history that holds so many jobs beside two for each worker."""
    return Needed(_SETTING, lambda server: _kept(server) >= _needed(server, jobs), SMALL_HISTORY)


def looks_at(jobs: int) -> Needed:
    """A history that holds the jobs of a check, or as many as by default, which no check fills.

    On a server in use each job is counted before it is made.
    """
    return Needed(
        _LAST,
        lambda server: (
            server.managed
            or not server.exclusive
            or _kept(server) >= min(DEFAULT_HISTORY, _needed(server, jobs))
        ),
        SMALL_HISTORY,
    )


ONE_KEPT = Needed(  # of a script that takes up a completed job: it has to be there still
    _LAST,
    lambda server: server.managed or not server.exclusive or _kept(server) >= 1,
    SMALL_HISTORY,
)


def _kept(server: Profile) -> int:
    """The completed jobs that a server keeps, as far as anybody said."""
    return DEFAULT_HISTORY if server.history is None else server.history


def _needed(server: Profile, jobs: int) -> int:
    return (server.workers or 1) * 2 + jobs


def lacking(
    server: Profile,
    requirement: Requirement,
    more: Iterable[Needed] = (),
    whole: Iterable[Needed] = (),
) -> str | None:
    """Why a case about ``requirement`` cannot be run on this server, or None.

    ``more``: what the case needs beyond its requirement. ``whole``: what its suite needs, which is
    told before all else.
    """
    needs = [one for need in requirement.needs for one in OF_A_REQUIREMENT.get(need, ())]
    needs += [*more, offered(requirement.id), documented(requirement.id, _LAST)]
    for found in (tuple(whole), sorted(needs, key=lambda need: need.order)):
        for need in found:
            if not need.met(server):
                return need.why
    return None
