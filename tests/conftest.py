"""What all tests share."""

from __future__ import annotations

import pytest

# Files of some minutes each: they begin first, or one process would end long after the others.
LONG = ("test_run.py", "test_faults.py", "test_mutants.py", "test_smt.py", "test_persist.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONG)
