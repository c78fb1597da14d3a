"""Where a gate listens, so that the server under test reaches it by the name that was given."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable
from typing import TypeVar

from conformance.errors import BadArgument
from conformance.text import in_url

T = TypeVar("T")

_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?")


def listen(host: str, make: Callable[[tuple[str, int], socket.AddressFamily], T]) -> T:
    """A server that is reached at ``host``, on a free port. Raises `BadArgument`.

    A loopback address is bound as it is; for another one, every address of this machine.
    """
    where, family = "127.0.0.1", socket.AF_INET
    address = _address(host)
    if address is not None and address.is_loopback:
        where = host
        family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    elif host != "localhost":
        where, family = "::", socket.AF_INET6
    try:
        try:
            return make((where, 0), family)
        except OSError:
            if where != "::" or (address is not None and address.version == 6):
                raise
            return make(("", 0), socket.AF_INET)  # this machine has no IPv6
    except OSError as error:
        raise BadArgument(f"cannot open a port for the gate at {host}: {error.strerror}") from None


def address(host: str, port: int) -> str:
    """The address of an HTTP server on this machine, for who reaches it at ``host``."""
    return f"http://{in_url(host)}:{port}/"


def checked(host: str) -> str:
    """``host`` without the brackets of an IPv6 address. Raises `BadArgument`."""
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if _address(bare) is None and not (len(bare) <= 253 and _NAME.fullmatch(bare)):
        raise BadArgument(
            f"--gate-address {host!r} is no host name or address.\n"
            "Give this machine's address as the server sees it, without http:// and without a port."
        )
    return bare


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
