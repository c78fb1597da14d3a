"""The connections to a gate: how many strangers may wait, and that none is left at its end."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from conformance.timing import TIMING

STRANGERS = 64  # connections at once that have not shown it: for one more, the oldest is hung up on


class Connections(ThreadingHTTPServer):
    """An HTTP server that knows who is connected to it, and since when without the secret."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        where: tuple[str, int],
        family: socket.AddressFamily,
        handler: type[BaseHTTPRequestHandler],
    ) -> None:
        self.address_family = family
        self._connections: set[socket.socket] = set()
        self._strangers: dict[socket.socket, None] = {}  # the oldest first
        self._count = threading.Condition()
        super().__init__(where, handler)

    def server_bind(self) -> None:
        """Bind, and do not look up our own name, which can take seconds."""
        if self.address_family is socket.AF_INET6:
            with contextlib.suppress(OSError):  # so that "::" takes IPv4 as well
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "gate", int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._count:
            if len(self._strangers) >= STRANGERS:
                oldest = next(iter(self._strangers))
                hang_up_on(oldest)
                self._count.wait_for(lambda: oldest not in self._connections, TIMING.parting)
                self._strangers.pop(oldest, None)
            self._connections.add(request)
            self._strangers[request] = None
        super().process_request(request, client_address)

    def knows(self, connection: socket.socket) -> None:
        """It has shown the secret."""
        with self._count:
            self._strangers.pop(connection, None)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._count:
            self._connections.discard(request)
            self._strangers.pop(request, None)
            self._count.notify_all()

    def quiet(self, seconds: float) -> bool:
        with self._count:
            return self._count.wait_for(lambda: not self._connections, seconds)

    def hang_up(self) -> None:
        """End every connection, and with it its thread."""
        with self._count:
            for connection in self._connections:
                hang_up_on(connection)
            self._count.wait_for(lambda: not self._connections, TIMING.parting)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A server that hangs up on the gate is no error of the gate: the hold says so."""


def hang_up_on(connection: socket.socket) -> None:
    """End a connection that a thread may wait for; the thread closes it."""
    with contextlib.suppress(OSError):  # the other side was faster
        connection.shutdown(socket.SHUT_RDWR)
