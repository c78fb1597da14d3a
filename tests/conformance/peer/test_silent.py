"""A peer that says nothing: it takes a connection, and no answer comes."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest

from conformance.peer.listening import address
from conformance.peer.silent import silent


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_it_takes_a_connection_and_answers_nothing(host: str) -> None:
    with silent(host) as url:
        there = urlsplit(url)
        assert (there.hostname, url) == (host, address(host, there.port or 0))
        with socket.create_connection((host, there.port or 0), 5) as wire:
            wire.sendall(b"GET /plugins HTTP/1.1\r\nHost: here\r\n\r\n")
            wire.settimeout(0.2)
            with pytest.raises(TimeoutError):
                wire.recv(1)
    with pytest.raises(ConnectionError):
        socket.create_connection((host, there.port or 0), 5)
