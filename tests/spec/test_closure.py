"""The closure that all searches share: complete, once each, and as far as it is asked for."""

from __future__ import annotations

from itertools import islice

from spec.closure import closure


def divisors(number: int) -> list[int]:
    """What divides ``number``, one prime step away."""
    return [number // prime for prime in (2, 3, 5) if number % prime == 0]


def test_all_that_can_be_reached_is_reached_and_looked_at_once() -> None:
    looked: list[int] = []

    def onward(number: int) -> list[int]:
        looked.append(number)
        return divisors(number)

    assert set(closure({12, 5}, onward)) == {12, 6, 4, 3, 2, 1, 5}
    assert sorted(looked) == [1, 2, 3, 4, 5, 6, 12]


def test_a_circle_ends() -> None:
    assert list(closure([0], lambda number: [(number + 1) % 3])) == [0, 1, 2]


def test_what_does_not_end_can_be_left_when_enough_was_seen() -> None:
    assert list(islice(closure([0], lambda number: [number + 1]), 4)) == [0, 1, 2, 3]
