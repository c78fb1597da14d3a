"""The rooms have an order, and no room knows one above it; files, classes and functions stay small.

`tests.rooms.ROOMS` is the order, lowest first. `tools/rooms` draws it for ARCHITECTURE.md.
"""

from __future__ import annotations

import ast
import runpy
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.rooms import (
    GROUND,
    KIT,
    MODULES,
    PACKAGES,
    PUBLIC,
    ROOMS,
    ROOT,
    imports,
    parsed,
    room,
    sources,
)

LINES, METHODS, LONGEST = 400, 20, 60  # of a module; public, of a class; lines of a function
WORLD = {"socket", "threading", "time", "requests", "http", "urllib", "asyncio"}


def allowed(room: str) -> set[str]:
    """The rooms that a module of one may know."""
    if room in GROUND:
        return set(GROUND)
    # `serve` starts the reference server, and clients are run against it
    beside = {"reference"} if room in ("cli", "clients") else set()
    return {*GROUND, *ROOMS[: ROOMS.index(room) + 1], *beside}


def test_no_room_knows_one_above_it() -> None:
    kit = ("conformance.", PUBLIC)
    wrong = {
        (module, name)
        for module in KIT
        if room(module) != "reference"
        for name in imports(MODULES[module])
        if name.startswith(kit) and room(name) not in allowed(room(module))
    }
    assert not wrong


def test_every_folder_of_the_kit_has_its_place() -> None:
    folders = {p.parent.name for p in (ROOT / "conformance").glob("*/__init__.py")}
    assert folders == {*ROOMS, "reference"}


def test_what_every_pytest_imports_imports_nothing_of_the_kit() -> None:
    """The plugin is loaded with each pytest of an environment, also where it is not asked for."""
    for name in ("orthanc_jobs", "orthanc_jobs.pytest_plugin"):
        loaded = f"import sys, {name}; print(*sys.modules)"
        done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True)
        assert {one.split(".")[0] for one in done.stdout.split()} & set(PACKAGES) == {PUBLIC}


def test_no_circle_of_imports() -> None:
    """Not even for types only: each module can be read after those that it imports."""
    graph = {
        name: {m for m in imports(path) if m in MODULES and m != name}
        for name, path in MODULES.items()
    }
    while free := {name for name, known in graph.items() if not known & graph.keys()}:
        for name in free:
            del graph[name]
    assert not graph, f"modules in circles, or above one: {sorted(graph)}"


def imported(paths: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """What files import, each with the name of the package that it is of."""
    for path in paths:
        for name in imports(path):
            yield name, name.split(".")[0]


def test_the_specification_knows_nothing_of_the_kit() -> None:
    kit = ("conformance", PUBLIC)
    assert not {name for name, package in imported(sources("spec")) if package in kit}


def test_the_specification_has_no_network_no_clock_and_no_threads() -> None:
    pure = [path for path in sources("spec") if "proofs" not in path.parts]
    assert not {name for name, package in imported(pure) if package in WORLD}


def test_the_reference_server_does_not_know_the_specification() -> None:
    names = {n for n, package in imported(sources("conformance/reference")) if package in PACKAGES}
    assert {name for name in names if not name.startswith("conformance.reference")} == set()


def called(path: Path) -> set[str]:
    """The names of all that is called in a file."""
    calls = [node.func for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)]
    return {f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "") for f in calls}


def test_nothing_sleeps() -> None:
    files = [*sources("conformance"), *sources(PUBLIC)]
    assert [str(path) for path in files if "sleep" in called(path)] == []


@pytest.mark.parametrize("room", ["driver", "suites", "automata", "search", "campaign", "learn"])
def test_every_request_of_a_case_is_sent_by_a_client_that_asks_leave(room: str) -> None:
    """A client of one's own would make jobs that nobody has counted: `conformance.driver.places`,
    which has one to count by, and only reads.
    """
    for path in sources(f"conformance/{room}"):
        calls = [node.func for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)]
        made = [call for call in calls if isinstance(call, ast.Name) and call.id == "Client"]
        assert not made or path.name == "places.py", path


@pytest.mark.parametrize("path", sources("conformance/reports"), ids=str)
def test_a_report_knows_the_events_and_not_the_campaign(path: Path) -> None:
    known = {"conformance.campaign.campaign", "conformance.oracle.oracle"}
    names = set(imports(path))
    assert not {name for name in names if room(name) == "driver"} | known & names


def test_the_picture_of_the_rooms_is_of_these_imports(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`tools/rooms` makes it anew. Here it reads no module that was read before."""
    monkeypatch.setattr(sys, "argv", ["rooms", "--check"])
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "tools" / "rooms"), run_name="__main__")
    assert ended.value.code == 0, capsys.readouterr().out


# --- sizes --------------------------------------------------------------------------------------

# What is larger than the bounds. A line goes as soon as its thing is split; a new one needs a
# reason that will still hold in a year: a table that would be worse in two pieces.
TOO_LARGE = frozenset(
    {
        "conformance.reference.engine.Engine",
        "conformance.reference.registry",
        "conformance.reference.registry.Registry",
    }
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def definitions(within: ast.AST, prefix: str) -> Iterator[tuple[str, Function | ast.ClassDef]]:
    """All functions and classes, those within others too, each with its whole name."""
    for node in ast.iter_child_nodes(within):
        if isinstance(node, Function | ast.ClassDef):
            yield (name := f"{prefix}.{node.name}"), node
            yield from definitions(node, name)
        else:
            yield from definitions(node, prefix)


def too_large(module: str) -> set[str]:
    """What of a module, itself included, is over the bounds."""
    path = MODULES[module]
    found = {module} if len(path.read_text(encoding="utf-8").splitlines()) > LINES else set()
    for name, node in definitions(parsed(path), module):
        if isinstance(node, ast.ClassDef):
            functions = [one for one in node.body if isinstance(one, Function)]
            public = [one for one in functions if not one.name.startswith("_")]
            found |= {name} if len(public) > METHODS else set()
        else:
            assert node.end_lineno is not None
            found |= {name} if node.end_lineno - node.lineno + 1 > LONGEST else set()
    return found


def test_modules_classes_and_functions_stay_small() -> None:
    """And every exception is still needed."""
    assert set[str]().union(*map(too_large, MODULES)) == TOO_LARGE


def test_what_is_too_large_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    methods = [f"    def m{n}(self): pass" for n in range(METHODS + 1)]
    function = ["if C:", "    def f():", *["        pass"] * LONGEST]
    for name, lines in (("small", []), ("two", ["class C:", *methods, *function])):
        (tmp_path / name).write_text("\n".join(lines))
        monkeypatch.setitem(MODULES, name, tmp_path / name)
    (tmp_path / "long").write_text("pass\n" * (LINES + 1))
    monkeypatch.setitem(MODULES, "long", tmp_path / "long")
    assert too_large("small") == set()
    assert too_large("two") == {"two.C", "two.f"}
    assert too_large("long") == {"long"}
