"""Whether the packages `spec` and `conformance` are those of this kit.

Their names are common: a project may have packages of its own that are called so, and Python takes
what it finds first.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("spec", "conformance")
HERE = Path(__file__).resolve().parents[1]  # where they are


class Shadowed(ImportError):
    """Another package of that name is found before ours."""


def check() -> None:
    """Raise `Shadowed`, which says where, unless both are ours."""
    for name in PACKAGES:
        found = _folder(name)
        if found != HERE / name:
            where = "cannot be found" if found is None else f"is the one in {found}"
            raise Shadowed(
                f"orthanc_jobs needs its own package {name!r}, in {HERE / name}, and the one that"
                f" Python finds {where}.\nLet {HERE} come first on sys.path, or give the other"
                " package another name.",
                name=name,
                path=None if found is None else str(found),
            )


def _folder(name: str) -> Path | None:
    """The folder of a package, without importing it; of a module, its file."""
    module = sys.modules.get(name)
    found = find_spec(name) if module is None else module.__spec__
    if found is None:
        return None
    if found.submodule_search_locations:
        return Path(next(iter(found.submodule_search_locations))).resolve()
    return None if found.origin is None else Path(found.origin).resolve()
