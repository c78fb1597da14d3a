"""The rooms of the kit, their order, and who imports whom: for the tests, and for the picture."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
GROUND = (
    "errors",
    "events",
    "files",
    "interrupts",
    "marks",
    "noted",
    "talk",
    "text",
    "timing",
)  # modules that every room may know
ROOMS = (
    "oracle",
    "peer",
    "sut",
    "driver",
    "session",
    "suites",
    "automata",
    "search",
    "campaign",
    "reports",
    "passive",
    "clients",
    "learn",
    "evidence",
    "cli",
)


PUBLIC = "orthanc_jobs"  # a package of its own, above all rooms


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, also for types only and inside of functions."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in MODULES else node.module or "" for name in whole)


def sources(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found
    return found


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PACKAGES = ("spec", "conformance", PUBLIC)
MODULES = {name_of(path): path for package in PACKAGES for path in sources(package)}


def room(module: str) -> str:
    """The room of a module of the kit; a module of the ground floor is a room of its own."""
    if module.split(".")[0] == PUBLIC:
        return PUBLIC
    return module.split(".")[1] if "." in module else ""


KIT = [name for name in MODULES if name.startswith("conformance.")]
ABOVE = [name for name in MODULES if room(name) == PUBLIC]


def arrows() -> list[tuple[str, str]]:
    """Which room knows which, `spec` included; the ground floor, which all know, is left out."""
    found = set()
    for module in (*KIT, *ABOVE):
        for name in imports(MODULES[module]):
            if name not in MODULES or room(module) in ("", *GROUND):
                continue
            known = "spec" if name.split(".")[0] == "spec" else room(name)
            if known not in (room(module), "", *GROUND):
                found.add((room(module), known))
    return sorted(found)
