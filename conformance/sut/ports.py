"""Free ports for the servers that the kit starts.

A port is asked for some tenths of a second before its server listens, and in that time it looks
free to everybody else who starts servers: other runs, the workers of one, the tests. So whoever
takes a port here also binds a name of Linux' abstract namespace of sockets. That is atomic, holds
for the same network namespace as the port itself, leaves no file, and ends with its process.
"""

from __future__ import annotations

import secrets
import socket
import sys

# Below those that systems give to outgoing connections: one of these would be taken again before
# the server asks for it.
PORTS = range(10_000, 32_000)
FAMILY = "\0orthanc-jobs/port/{}"


class Ports:
    """Ports of the loopback address that nobody has and no other server of a kit is to get."""

    def __init__(self) -> None:
        self._held: list[socket.socket] = []

    def take(self) -> int:
        """One more, held until `give_up`."""
        while True:
            port = PORTS.start + secrets.randbelow(len(PORTS))
            if self._hold(port) and _is_free(port):
                return port

    def give_up(self) -> None:
        """Let others have all that were taken."""
        for name in self._held:
            name.close()
        self._held.clear()

    def _hold(self, port: int) -> bool:
        if sys.platform != "linux":
            return True
        name = socket.socket(socket.AF_UNIX)
        try:
            name.bind(FAMILY.format(port))
        except OSError:
            name.close()
            return False
        self._held.append(name)
        return True


def _is_free(port: int) -> bool:
    """Whether nobody listens there, on any address: an Orthanc's DICOM server takes them all."""
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
