"""All that can be reached: what every search here does with moves that nobody sees."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


class TooMany(Exception):
    """More was reached than was allowed."""


def closure(
    start: Iterable[T], onward: Callable[[T], Iterable[T]], most: int | None = None
) -> set[T]:
    """``start`` with all that ``onward`` leads to from there, in any number of steps.

    ``most``: how much may be reached. Raises `TooMany` past it.
    """
    found = set(start)
    todo = list(found)
    while todo:
        for after in onward(todo.pop()):
            if after not in found:
                found.add(after)
                todo.append(after)
        if most is not None and len(found) > most:
            raise TooMany
    return found
