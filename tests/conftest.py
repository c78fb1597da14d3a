"""What all tests share: which of them go together to one process, and which begin first.

`make test` runs some processes side by side (pytest-xdist), and hands them tests in groups. Tests
that read one recorded run (`RECORDED`) are a group, so that it is made once. So are the tests of
a file, which share its fixtures; but for those that are marked `apart` and need none of them: each
of these goes where there is room. A mark `together` names a group that is neither.
"""

from __future__ import annotations

import gc
import json
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# Fixtures that are runs of some minutes: whoever reads one is in its group.
RECORDED = ("on_orthanc", "on_reference", "learned")
# What begins first, or one process would end long after the others: these groups and files.
LONG = (
    *RECORDED,
    "test_faults",
    "test_conduct",
    "test_reference_route_faults",
    "test_mutants",
    "test_promela",
    "test_explore",
)
FILE = pytest.StashKey[Path]()  # where the processes write the groups for the one that hands out


def group(item: pytest.Item) -> str:
    """The group of a test; of one that is alone, its own name."""
    if mark := item.get_closest_marker("together"):
        return str(mark.args[0])
    read = [name for name in RECORDED if name in getattr(item, "fixturenames", ())]
    assert len(read) <= 1, f"{item.nodeid} reads several recorded runs, so each is made twice"
    if read:
        return read[0]
    return item.nodeid if item.get_closest_marker("apart") else item.path.stem


def urgency(item: pytest.Item) -> int:
    """When it begins: its place in `LONG`, or after them."""
    names = (group(item), item.path.stem)
    return min((LONG.index(name) for name in names if name in LONG), default=len(LONG))


@pytest.hookimpl(tryfirst=True)  # before -m selects by the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "installed_orthanc" in fixtures:
            item.add_marker("orthanc")
        if any(name in fixtures for name in RECORDED):
            item.add_marker("long")
    items.sort(key=urgency)
    path = getattr(config, "workerinput", {}).get("groups")
    if path is not None:
        Path(path).write_text(json.dumps({item.nodeid: group(item) for item in items}))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected is kept to the end: nobody looks for garbage there, then or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


# --- handing out --------------------------------------------------------------------------------


class InGroups(LoadScopeScheduling):
    """Hands out whole groups, in the order of the tests."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False
        self._groups: dict[str, str] = {}

    def _split_scope(self, nodeid: str) -> str:
        if not self._groups:  # all processes have collected, and each has written the same
            files = sorted(self.config.stash[FILE].iterdir())
            self._groups = json.loads(files[0].read_text())
        return self._groups[nodeid]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> InGroups:
    return InGroups(config, log)


def pytest_configure_node(node: Any) -> None:
    stash = node.config.stash
    if FILE not in stash:
        stash[FILE] = Path(tempfile.mkdtemp(prefix="groups-"))
    node.workerinput["groups"] = str(stash[FILE] / node.gateway.id)


def pytest_unconfigure(config: pytest.Config) -> None:
    if FILE in config.stash:
        shutil.rmtree(config.stash[FILE])


# --- what there is ------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def installed_orthanc() -> None:
    """A real Orthanc is part of these tests: without it they fail, and do not pass quietly."""
    if shutil.which("Orthanc") is None:
        pytest.fail("there is no Orthanc on PATH: apt-get install orthanc")
