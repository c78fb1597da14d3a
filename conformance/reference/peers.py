"""Orthanc peers: what ``PUT /peers/{name}`` accepts, and what is shown of a peer."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from conformance.reference.errors import bad_request


@dataclass(frozen=True, slots=True)
class Peer:
    """Where a peer is, and how to log in there. `url` ends in a slash.

    `headers` are sent along with each request. `remote_self`: what this server is called there,
    if the transfers accelerator is to let the peer pull.
    """

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    remote_self: str = ""

    def shown(self) -> list[str]:
        """The peer as a job's ``Content`` shows it: never with the password."""
        return [self.url, self.username, ""] if self.username else [self.url]

    def configuration(self) -> dict[str, object]:
        """The peer as ``GET /peers/{name}/configuration`` shows it: never with the password."""
        login: dict[str, object] = (
            {"Password": None, "Username": self.username} if self.username else {}
        )
        names = [name for name, _ in self.headers]
        known: dict[str, object] = {"RemoteSelf": self.remote_self} if self.remote_self else {}
        fixed = {"HttpHeaders": names, "Pkcs11": False, "Timeout": 0, "Url": self.url}
        return {**fixed, **login, **known}


def parse_peer(body: object) -> Peer:
    """A peer from its JSON: ``{"Url", "Username", "Password", "HttpHeaders", "RemoteSelf"}``, or
    an array of the first three.

    Raises `RestError` (400) when it is neither, or when the address is none.
    """
    headers: tuple[tuple[str, str], ...] = ()
    remote_self: object = ""
    if isinstance(body, list) and len(body) in (1, 3):
        fields = [*body, "", ""][:3]
    elif isinstance(body, dict):
        headers = _headers(body.get("HttpHeaders", {}))
        remote_self = body.get("RemoteSelf", "")
        fields = [body.get("Url", ""), body.get("Username", ""), body.get("Password", "")]
    else:
        raise bad_request("A peer is an object with a Url, or an array of 1 or 3 strings")
    if not all(isinstance(value, str) and _is_text(value) for value in fields):
        raise bad_request("Url, Username and Password of a peer must be strings")
    if not isinstance(remote_self, str) or not _is_text(remote_self):
        raise bad_request("RemoteSelf of a peer must be a string")
    url, username, password = fields
    if not _is_http_url(url):
        raise bad_request("The Url of a peer must be an http or https address")
    address = url if url.endswith("/") else f"{url}/"
    return Peer(address, username, password, headers, remote_self)


def _headers(value: object) -> tuple[tuple[str, str], ...]:
    """HTTP headers from their JSON, an object of texts. Raises `RestError` (400)."""
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise bad_request("HttpHeaders must be an object of strings")
    words = [*value, *value.values()]
    if not all(word.isascii() and word.isprintable() for word in words):
        raise bad_request("HttpHeaders must be printable ASCII")
    return tuple(value.items())


def _is_text(value: str) -> bool:
    """Whether `value` can be sent: JSON allows half a surrogate pair, which cannot."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _is_http_url(url: str) -> bool:
    """Whether `url` can be sent to: scheme, host, a usable port, and no query of its own."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    named = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    return named and port != 0 and not parts.query and not parts.fragment
