"""Where a server under test is, and how to be let in. No text that is made here shows a secret."""

from __future__ import annotations

import re
import ssl
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from conformance.errors import BadArgument
from conformance.text import in_url

PASSWORD = "ORTHANC_PASSWORD"  # the variable of a password that came from none
EXAMPLE = "http://localhost:8042"
OURS = frozenset({"connection", "content-length", "expect", "transfer-encoding"})
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is and how to be let in. ``repr`` shows no secret."""

    url: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_cert: str | None = None
    client_cert: str | None = None
    insecure: bool = False
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    password_env: str | None = None  # the variable that the password came from
    header_env: tuple[tuple[str, str], ...] = ()  # headers, with the variable of the value

    @classmethod
    def parse(cls, text: str, *, only: bool = False, **settings: Any) -> Address:
        """An address from a URL that may carry ``user:password@``. Raises `BadArgument`.

        ``only``: there is no other target than a URL, as a message has to say.
        No message shows the text: what cannot be split may have a password anywhere.
        """
        try:
            parts = urlsplit(text)
            scheme, host, path = parts.scheme, parts.hostname, parts.path
        except ValueError:
            raise BadArgument(f"the target is not a URL such as {EXAMPLE}") from None
        if scheme not in ("http", "https") or not host:
            besides = "" if only else "'reference', 'orthanc', or "
            raise BadArgument(f"the target must be {besides}a URL such as {EXAMPLE}")
        try:
            port = parts.port
            host.encode("idna")
        except ValueError:
            raise BadArgument(
                "the target's URL has no valid host and port (1 to 65535); in a user name or a"
                "\npassword, write / ? # @ : and % as %2F %3F %23 %40 %3A and %25"
            ) from None
        if port == 0:
            raise BadArgument("the target's URL has no valid port: 1 to 65535")
        if parts.query or parts.fragment or "\\" in text:
            raise BadArgument("the target's URL must not have a query or a fragment")
        if parts.username is not None:
            if settings.get("user") is not None:
                raise BadArgument("the target's URL names a user, so --user must not")
            settings["user"] = unquote(parts.username)
            settings.setdefault("password", unquote(parts.password or ""))
        where = in_url(host)
        where += "" if port is None else f":{port}"
        path = quote(path.rstrip("/"), safe="/%:@!$&'()*+,;=~")
        return cls(urlunsplit((scheme, where, path, "", "")), **settings).checked()

    def checked(self) -> Address:
        """The address, if it can be used. Raises `BadArgument`."""
        if self.password is not None and self.user is None:
            raise BadArgument("--password-env needs --user, or a user in the target's URL")
        if self.user is not None and ":" in self.user:
            raise BadArgument(
                "the name of a user cannot have a colon: HTTP Basic has no way to say it"
            )
        for name, value in self.headers:
            if not _TOKEN.fullmatch(name) or name.lower() in OURS:
                raise BadArgument(f"--header cannot set {name!r}")
            if not value.isprintable() or any(ord(char) > 255 for char in value):
                raise BadArgument(
                    f"--header {name}: its value has characters that HTTP does not allow"
                )
        _check_certificates(self)
        return self

    @property
    def options(self) -> tuple[str, ...]:
        """The words of a command that let us in again. A secret is named by its variable.

        One that came from none gets a name, under which it has to be exported.
        """
        words = [] if self.user is None else ["--user", self.user]
        if self.password is not None:
            words += ["--password-env", self.password_env or PASSWORD]
        words += ["--ca-cert", self.ca_cert] if self.ca_cert else []
        words += ["--client-cert", self.client_cert] if self.client_cert else []
        words += ["--insecure"] if self.insecure else []
        known = dict(self.header_env)
        for name, _ in self.headers:
            variable = known.get(name) or re.sub(r"\W", "_", name).upper()
            words += ["--header-env", f"{name}:{variable}"]
        return tuple(words)

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def authorization(self) -> str | None:
        """The value of the header that lets us in, for HTTP Basic."""
        if self.user is None:
            return None
        pair = f"{self.user}:{self.password or ''}".encode()
        return f"Basic {b64encode(pair).decode()}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no text may show, the longest first."""
        token = (self.authorization or "").removeprefix("Basic ")
        found = {self.password or "", token, *(value for _, value in self.headers)} - {""}
        return tuple(sorted(found, key=len, reverse=True))


def _check_certificates(address: Address) -> None:
    """Raises `BadArgument`: a file that cannot be used would look like a server without TLS."""
    if address.ca_cert is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(address.ca_cert)
        except OSError:
            raise BadArgument(
                f"--ca-cert: {address.ca_cert} holds no certificate that can be read, as PEM"
            ) from None
    if address.client_cert is not None:
        try:  # an empty passphrase, or OpenSSL would ask the terminal for one
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.load_cert_chain(address.client_cert, password=lambda: "")
        except OSError:
            raise BadArgument(
                f"--client-cert: {address.client_cert} must hold a certificate and its key, as PEM"
                " and\nwithout a passphrase"
            ) from None
