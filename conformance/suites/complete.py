"""`complete/`: all sequences that are needed to know a server of bounded size for what it is.

`conformance.search.complete` makes and runs them.
"""

from __future__ import annotations

from collections.abc import Iterator

from conformance.suites.case import NEEDS_EXCLUSIVE, Case
from conformance.sut.profile import Profile

PLANTS = ("complete/job", "complete/two-jobs")


def cases(profile: Profile) -> Iterator[Case]:
    for name in PLANTS:
        yield Case(
            name,
            "queue/engine",
            config={"ConcurrentJobs": 1},
            unreachable=None if profile.exclusive else NEEDS_EXCLUSIVE,
            complete=True,
        )
