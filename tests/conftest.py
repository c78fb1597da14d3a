"""What all tests share: which of them go together to one process, and which begin first.

`make test` runs some processes side by side, and hands them tests in groups. Tests that read one
recorded run (`RECORDED`) are a group, so that it is made once. So are the tests of a file, which
share its fixtures; but for those that are marked `apart` and need none of them, each of which
goes where there is room. A mark `xdist_group` says otherwise, and wins.
"""

from __future__ import annotations

import shutil

import pytest

# Fixtures that are runs of some minutes: whoever reads one is in its group.
RECORDED = ("without_ledger", "on_orthanc", "on_reference")
# What begins first, or one process would end long after the others: these groups and files.
LONG = (*RECORDED, "test_faults", "test_smt", "test_mutants", "test_conduct", "test_concurrent")


def group(item: pytest.Item) -> str | None:
    """The group of a test that has no mark that says it; None: it is alone."""
    read = [name for name in RECORDED if name in getattr(item, "fixturenames", ())]
    assert len(read) <= 1, f"{item.nodeid} reads several recorded runs, so each is made twice"
    if read:
        return read[0]
    return None if item.get_closest_marker("apart") else item.path.stem


def urgency(item: pytest.Item) -> int:
    """When it begins: its place in `LONG`, or after them."""
    mark = item.get_closest_marker("xdist_group")
    names = (mark.args[0] if mark else None, item.path.stem)
    return min((LONG.index(name) for name in names if name in LONG), default=len(LONG))


@pytest.hookimpl(tryfirst=True)  # before -m selects by the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "installed_orthanc" in getattr(item, "fixturenames", ()):
            item.add_marker("orthanc")
        if item.get_closest_marker("xdist_group") is None and (name := group(item)) is not None:
            item.add_marker(pytest.mark.xdist_group(name))
    items.sort(key=urgency)


@pytest.fixture(scope="session")
def installed_orthanc() -> None:
    """A real Orthanc is part of these tests: without it they fail, and do not pass quietly."""
    if shutil.which("Orthanc") is None:
        pytest.fail("there is no Orthanc on PATH: apt-get install orthanc")
