"""Fixtures: one gate, and one server for all tests that need no configuration of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.reference.harness import Gate, Server, running_server


@pytest.fixture(scope="session")
def gate() -> Iterator[Gate]:
    opened = Gate()
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def shared(gate: Gate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two workers, and a history that forgets nothing."""
    folder: Path = tmp_path_factory.mktemp("reference")
    with running_server(folder, gate, ConcurrentJobs=2, JobsHistorySize=10000) as server:
        yield server
