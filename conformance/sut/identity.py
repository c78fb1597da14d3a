"""Who is there: what ``GET /system`` tells, and what to do where it tells nothing."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.errors import NoServer, Unjudged
from conformance.sut.client import Broken, Client
from conformance.sut.reply import SHOWN, Reply
from conformance.sut.transport import NoConnection
from conformance.text import one_line

TRANSFERS = "transfers"  # the name of the plugin
UNTOLD = "mainline"  # its version, where it tells none


@dataclass(frozen=True, slots=True)
class System:
    """What ``GET /system`` tells. ``declared`` is the reference server's JobsConformance.

    ``transfers``: the version of its transfers accelerator, by ``GET /plugins``, if it has one.
    ``told``: all that was answered.
    """

    version: str
    name: str
    declared: dict[str, Any]
    orthanc: bool
    transfers: str | None = None
    told: Mapping[str, Any] = field(default_factory=dict)


def identify(client: Client) -> System:
    """Ask who is there. Raises `NoServer` with what to do."""
    url = client.address.url
    try:
        reply = client.read("/system")
    except Broken as error:
        raise NoServer(_unreachable(url, error)) from None
    except Unjudged as error:
        raise NoServer(
            f"no usable answer from {url}: {error}\n"
            "Check the port and http:// or https://, or give it more time with --timeout."
        ) from None
    if reply.status in (401, 403):
        raise NoServer(
            f"{url} refuses to let us in (HTTP {reply.status}).\n"
            "Check --user and the variable named by --password-env."
        )
    if 300 <= reply.status < 400 and "Location" in reply.headers:
        raise NoServer(
            f"{url} redirects GET /system to {reply.headers['Location']}, which is not followed.\n"
            "Give the URL under which the server itself answers."
        )
    body = reply.json()
    if not reply.ok or not isinstance(body, dict) or not isinstance(body.get("Version"), str):
        raise NoServer(
            f"what answers at {url} is not an Orthanc server: GET /system gave {_short(reply)}\n"
            "Check host, port and path: all of an Orthanc is below the URL that its pages have."
        )
    declared = body.get("JobsConformance")
    return System(
        version=one_line(body["Version"])[:SHOWN],
        name=one_line(str(body.get("Name", "")))[:SHOWN],
        declared=declared if isinstance(declared, dict) else {},
        orthanc="ApiVersion" in body and "DicomAet" in body,
        told=body,
    )


def with_plugins(client: Client, system: System) -> System:
    """The same, with what ``GET /plugins`` tells; whose answer is no list shows no plugin.

    Raises `NoServer` where no answer comes that says something, also when asked once more: then it
    is not known whether the plugin is there.
    """
    listed = _told(client, "/plugins")
    if not isinstance(listed, list) or TRANSFERS not in listed:
        return system
    told = _told(client, f"/plugins/{TRANSFERS}")
    version = told.get("Version") if isinstance(told, dict) else None
    return replace(system, transfers=one_line(str(version or UNTOLD))[:SHOWN])


def _told(client: Client, path: str) -> Any:
    """What the server says there, whatever the status is. Raises `NoServer`."""
    with suppress(Unjudged):
        return client.get(path).json()
    try:
        return client.get(path).json()
    except Unjudged as error:
        raise NoServer(
            f"{client.address.url} does not say which plugins it has: {error}\n"
            "Try again when it answers all that it is asked."
        ) from None


def _unreachable(url: str, broken: Broken) -> str:
    secure = url.startswith("https:")
    if isinstance(broken.cause, ssl.SSLError):
        advice = "Give the server's authority with --ca-cert, or --insecure to accept any."
        if "certificate" not in str(broken).lower() or "alert" in str(broken).lower():
            advice = "If it speaks plain HTTP, write http://; if it wants a certificate of ours, "
            advice += "give --client-cert."
        return f"no TLS connection to {url}: {broken}\n{advice}"
    if isinstance(broken.cause, NoConnection):
        return f"no server answers at {url}: {broken}\nStart it, or check host and port."
    advice = "it is no web server" if secure else "if it speaks TLS, write https://"
    return f"what answers at {url} does not speak HTTP: {broken}\nCheck the port; {advice}."


def _short(reply: Reply) -> str:
    text = str(reply)
    return text if len(text) <= 120 else text[:117] + "..."
