"""The folders say who may know whom; these tests hold the code to it."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STDLIB_OF_THE_WORLD = {"socket", "threading", "time", "requests", "http", "urllib", "asyncio"}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module or ""


def sources(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found
    return found


@pytest.mark.parametrize("path", sources("spec"), ids=str)
def test_the_specification_knows_nothing_of_the_kit(path: Path) -> None:
    assert not {name for name in imports(path) if name.split(".")[0] == "conformance"}


@pytest.mark.parametrize("path", [p for p in sources("spec") if "proofs" not in p.parts], ids=str)
def test_the_specification_has_no_network_no_clock_and_no_threads(path: Path) -> None:
    assert not {name for name in imports(path) if name.split(".")[0] in STDLIB_OF_THE_WORLD}


@pytest.mark.parametrize("path", sources("conformance/reference"), ids=str)
def test_the_reference_server_does_not_know_the_specification(path: Path) -> None:
    names = {name for name in imports(path) if name.split(".")[0] in ("spec", "conformance")}
    assert all(name.startswith("conformance.reference") for name in names)


@pytest.mark.parametrize("path", sources("conformance"), ids=str)
def test_nothing_sleeps(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = {f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "") for f in calls}
    assert "sleep" not in names


@pytest.mark.parametrize(
    "path", [p for p in sources("conformance") if p.parent.name == "reports"], ids=str
)
def test_a_report_knows_the_events_and_not_the_campaign(path: Path) -> None:
    known = {"conformance.campaign", "conformance.bench", "conformance.oracle"}
    assert not known & set(imports(path))


def test_help_is_instant_because_nothing_heavy_is_imported() -> None:
    """By what is imported, not by a clock: machines differ."""
    code = "import sys, conformance.cli; print(*sorted(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"hypothesis", "requests", "starlette", "uvicorn", "pydicom", "pynetdicom", "z3"}
    heavy |= {"transitions"}
    assert not heavy & set(out.stdout.split())
