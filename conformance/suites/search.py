"""`search/`: random sequences over several jobs, which `conformance.search.stateful` makes."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.suites.case import QUICK_TO_STOP, Case, StatefulSearch
from conformance.sut.profile import Profile

ID = "search/stateful"
HISTORY = 3  # JobsHistorySize of a managed server: small, so that examples evict jobs


def cases(_: Profile) -> Iterator[Case]:
    yield StatefulSearch(ID, "queue/engine", config={"JobsHistorySize": HISTORY, **QUICK_TO_STOP})
