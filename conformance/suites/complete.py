"""`complete/`: all sequences that are needed to know a server of bounded size for what it is.

`conformance.search.complete` makes and runs them.
"""

from __future__ import annotations

from collections.abc import Iterator

from conformance.suites.case import Case, CompleteSuite
from conformance.sut.profile import Profile

PLANTS = ("complete/job", "complete/two-jobs")


def cases(_: Profile) -> Iterator[Case]:
    for name in PLANTS:
        yield CompleteSuite(name, "queue/engine", config={"ConcurrentJobs": 1})
