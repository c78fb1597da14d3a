"""All that can be come by from somewhere, going on as far as it goes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def closure(start: Iterable[T], after: Callable[[T], Iterable[T]]) -> Iterator[T]:
    """``start`` and all that ``after`` leads to from there, each once, the nearest first.

    It does not end where there is always more: a caller that has seen enough stops asking.
    """
    found = dict.fromkeys(start)
    todo = list(found)
    for one in todo:
        yield one
        for further in after(one):
            if further not in found:
                found[further] = None
                todo.append(further)
