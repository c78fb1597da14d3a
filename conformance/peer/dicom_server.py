"""The connections of the gate over DICOM: who is a stranger, and how much anybody may send."""

from __future__ import annotations

import contextlib
import socket
import socketserver
from typing import Any

from pynetdicom.association import Association
from pynetdicom.transport import ThreadedAssociationServer

from conformance.peer.came import LARGEST
from conformance.timing import TIMING

MOST_STRANGERS = 32
# Orthanc sends a command and its data by two writes, and the second waits until the first was
# acknowledged: 40 ms for each step, where the system takes its time for that.
QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)


class Wire(socket.socket):
    """A connection. ``spent``: the bytes that it has sent since its last step."""

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(fileno=accepted.detach())
        self.settimeout(TIMING.stranger)
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stranger = True
        self.closed = False
        self.spent = 0

    def welcome(self) -> None:
        """It has called one of our titles."""
        self.stranger = False
        self.settimeout(None)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Raises `OSError` for a step that is too large."""
        found = super().recv(size, flags)
        if QUICKACK is not None:
            self.setsockopt(socket.IPPROTO_TCP, QUICKACK, 1)  # the system forgets it again
        self.spent += len(found)
        if self.spent > 2 * LARGEST:
            raise OSError("more than a step")
        return found

    def shutdown(self, how: int) -> None:
        with contextlib.suppress(OSError):  # the other side was faster
            super().shutdown(how)

    def close(self) -> None:
        self.closed = True
        super().close()


class Server(ThreadedAssociationServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *given: Any, **settings: Any) -> None:
        self._wires: list[Wire] = []
        super().__init__(*given, **settings)

    def server_bind(self) -> None:
        assert self.socket is not None
        if self.address_family is socket.AF_INET6:
            with contextlib.suppress(OSError):  # so that "::" takes IPv4 as well
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        connection, address = super().get_request()
        wire = Wire(connection)
        self._wires = [w for w in self._wires if not w.closed]
        strangers = [w for w in self._wires if w.stranger]
        if len(strangers) >= MOST_STRANGERS:
            strangers[0].shutdown(socket.SHUT_RDWR)
            self._wires.remove(strangers[0])
        self._wires.append(wire)
        return wire, address

    def service_actions(self) -> None:
        """Nothing; the library collects garbage here, once in 60 looks."""

    def close(self) -> None:
        """End it, and every connection: the threads of each see that, and end."""
        socketserver.TCPServer.shutdown(self)
        self.server_close()
        for wire in self._wires:
            wire.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who hangs up at once is no error of the gate."""


def wire_of(association: Association) -> Wire | None:
    """The connection of an association, or None where it is closed."""
    transport = association.dul.socket
    found = None if transport is None else transport.socket
    return found if isinstance(found, Wire) else None
