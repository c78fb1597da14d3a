"""z3, where it is installed: it is an optional extra, and ships no types."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeAlias

from spec.proofs import NotInstalled

try:
    import z3  # type: ignore[import-untyped,import-not-found,unused-ignore]
except ImportError:  # `spec.proofs.smt.prove` says so
    z3 = None

__all__ = ["Field", "SolverMissing", "Term", "z3"]

Term: TypeAlias = Any  # a z3 expression
Field: TypeAlias = Callable[[Term], Term]  # of a job


class SolverMissing(NotInstalled):
    """z3 is not installed; it is an optional extra."""

    def __init__(self) -> None:
        install = f"{sys.executable} -m pip install z3-solver"
        super().__init__(f"the proofs by induction need z3: {install}")
