"""Results that several tests look at, each found once a session."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from functools import cache
from typing import TypeAlias

import pytest

from spec.proofs import Scope, Verdict, direct, explore
from spec.proofs.direct import Exploration
from spec.relaxations import NONE, Relaxation

Explored: TypeAlias = Callable[..., Exploration]
Verdicts: TypeAlias = Callable[..., dict[str, Verdict]]


@pytest.fixture
def considerate() -> Iterator[None]:
    """For who only computes, and looks at no clock: those who wait for a server go first."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    os.setpriority(os.PRIO_PROCESS, 0, min(before + 5, 19))
    yield
    with contextlib.suppress(PermissionError):  # only root may take it back; then it stays
        os.setpriority(os.PRIO_PROCESS, 0, before)


@pytest.fixture(scope="session")
def explored() -> Explored:
    """The size of a scope, by the engine itself; no property is evaluated."""

    @cache
    def find(
        scope: Scope, admitted: frozenset[Relaxation] = NONE, *, symmetry: bool = True
    ) -> Exploration:
        return direct.explore(scope, admitted, symmetry=symmetry)

    return find


@pytest.fixture(scope="session")
def verdicts() -> Verdicts:
    """What the explorer says of each property; ``plain``: by the engine itself.

    Of the engine as it stands: a test that changes it asks for itself.
    """

    @cache
    def find(
        scope: Scope, admitted: frozenset[Relaxation] = NONE, *, plain: bool = False
    ) -> dict[str, Verdict]:
        return {r.name: r.verdict for r in explore.check(scope, admitted, plain=plain)}

    return find
