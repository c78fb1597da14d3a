"""What is reported exists: every literal that names a requirement or a case names one that is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from conformance.suites import suites
from conformance.sut.profile import Profile
from spec.requirements import CATALOGUE
from tests.conformance.literals import literal, names
from tests.rooms import ROOT, parsed, sources

CASES = {case.id for case in suites(Profile())}
# What takes the requirement that is broken as its first argument.
REPORTS = ("Finding", "Broken", "Malformed", "require", "deviates", "_deviates")
SOURCES = [
    path
    for room in ("oracle", "driver", "session", "suites", "search", "campaign", "passive")
    for path in sources(f"conformance/{room}")
]


def reported(path: Path) -> Iterator[tuple[str, str]]:
    """Each literal that is reported as broken, behind what it is handed to."""
    for call in (one for one in ast.walk(parsed(path)) if isinstance(one, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
        first = call.args[0] if call.args else None
        if name in REPORTS and first is not None and literal(first):
            yield name, first.value


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_every_name_is_of_a_requirement_or_a_case() -> None:
    known = CASES | set(CATALOGUE)
    unknown = {relative(path): names(parsed(path)) - known for path in SOURCES}
    assert {path: found for path, found in unknown.items() if found} == {}


def test_what_is_reported_is_a_requirement() -> None:
    assert {id for path in SOURCES for _, id in reported(path)} <= set(CATALOGUE)


def test_these_are_the_ways_in_which_requirements_are_reported() -> None:
    """Each is used with a literal somewhere: else the test above would see nothing of it."""
    assert {name for path in SOURCES for name, _ in reported(path)} == set(REPORTS)


def test_every_case_is_of_a_requirement() -> None:
    assert {case.requirement for case in suites(Profile())} <= set(CATALOGUE)
