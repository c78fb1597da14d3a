"""What the tests of the kit share: runs that several tests read, and a real Orthanc."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.sut import servers
from conformance.sut.managed import Managed
from tests.conformance.kit import BY_CHANCE, Run, command


@pytest.fixture(scope="session")
def on_reference(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """All suites on the embedded reference server, as `make run` does."""
    return command(tmp_path_factory.mktemp("reference"), "run", "--events", "events.ndjson")


@pytest.fixture(scope="session")
def on_orthanc(installed_orthanc: None, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """All suites on a real Orthanc, with the ledger that the kit brings."""
    return command(tmp_path_factory.mktemp("orthanc"), "run", "orthanc")


@pytest.fixture(scope="session")
def without_ledger(on_orthanc: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The cases in which a real Orthanc needs its ledger, with no deviation accepted.

    All others pass with it, and a ledger is asked for nothing that passes. The search has to shrink
    what it finds, so it is a short one.
    """
    needed = {c.get("part_of", id) for id, c in on_orthanc.cases("accepted").items()}
    chosen = [word for id in sorted(needed) for word in ("--case", id)]
    words = ("run", "orthanc", "--no-ledger", "--examples", "20", *chosen)
    return command(tmp_path_factory.mktemp("strict"), *words)


@pytest.fixture(scope="session")
def seeded_otherwise(on_reference: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """What goes by chance on the reference server, once more: by another seed."""
    return command(tmp_path_factory.mktemp("seed"), "run", *BY_CHANCE, "--seed", "1")


@pytest.fixture(scope="session")
def orthanc_seeded_otherwise(on_orthanc: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Likewise on a real Orthanc, with no deviation accepted."""
    words = ("run", "orthanc", *BY_CHANCE, "--seed", "1", "--no-ledger")
    return command(tmp_path_factory.mktemp("seed"), *words)


@pytest.fixture(scope="session")
def learned(installed_orthanc: None, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The automaton of a real Orthanc, and how it differs from the specification."""
    return command(tmp_path_factory.mktemp("learned"), "learn", "orthanc")


@pytest.fixture
def orthanc(installed_orthanc: None) -> Iterator[Managed]:
    """An Orthanc that runs already, as somebody's would."""
    with servers.orthanc() as server:
        yield server
        server.kill()  # asked to end, it would think about it for some seconds
