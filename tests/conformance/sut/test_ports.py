"""Ports for managed servers: nobody has them, and nobody else is given them."""

from __future__ import annotations

import socket

import pytest

from conformance.sut import ports
from conformance.sut.ports import Ports


def test_they_are_free_and_differ() -> None:
    mine = Ports()
    found = [mine.take() for _ in range(50)]
    assert len(set(found)) == 50
    for port in found:
        with socket.socket() as server:
            server.bind(("", port))
    mine.give_up()


def test_what_one_has_taken_no_other_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before its server listens, a port looks free: two servers started at once would share it."""
    one, other = Ports(), Ports()
    first = one.take()
    monkeypatch.setattr(ports, "PORTS", range(first, first + 1))
    assert not other._hold(first)
    one.give_up()
    assert other.take() == first
    other.give_up()


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_where_somebody_listens_is_not_free(address: str) -> None:
    with socket.socket() as server:
        server.bind((address, 0))
        server.listen()
        assert not ports._is_free(server.getsockname()[1])
