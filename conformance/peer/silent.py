"""A peer that takes every connection, and answers nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from conformance.peer.listening import address, listen


@contextmanager
def silent(host: str) -> Iterator[str]:
    """Its address, for a server that reaches this machine at ``host``. Raises `BadArgument`."""
    with listen(host, lambda where, family: socket.create_server(where, family=family)) as there:
        yield address(host, there.getsockname()[1])
