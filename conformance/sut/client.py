"""The HTTP client of a server under test.

It follows no redirect, takes nothing from the environment, bounds every answer in size and
in time, and sends a request that changes something at most once: a kept-alive connection
that has idled is replaced before it is used for one, because Orthanc closes it after about a
second, and a request that broke half-way is reported, not repeated. A reading may be repeated
once. No password is shown by any text that is made here.
"""

from __future__ import annotations

import json
import re
import ssl
import time
from base64 import b64encode
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import requests
import urllib3
from requests import PreparedRequest, Response
from requests.exceptions import InvalidHeader, InvalidURL
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import NewConnectionError

from conformance.errors import BadArgument, NoServer, NotAnswered, Unjudged
from conformance.sut.transport import Adapter, Allowance

IDLE = 0.5  # seconds after which a kept-alive connection is not trusted with a change
LARGEST = 16 * 1024 * 1024  # bytes of an answer, head and body
CHUNK = 64 * 1024
SHOWN = 200  # characters of an answer that a message shows
HIDDEN = "***"
EXAMPLE = "http://localhost:8042"
OURS = frozenset({"connection", "content-length", "expect", "transfer-encoding"})
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PATH = re.compile(r"/[!$&'()*+,;=:@%/?._~0-9A-Za-z-]*")


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

    @classmethod
    def parse(cls, text: str, **settings: Any) -> Address:
        """An address from a URL that may carry ``user:password@``. Raises `BadArgument`.

        No message shows the text: what cannot be split may have a password anywhere.
        """
        try:
            parts = urlsplit(text)
            scheme, host, path = parts.scheme, parts.hostname, parts.path
        except ValueError:
            raise BadArgument(f"the target is not a URL such as {EXAMPLE}") from None
        if scheme not in ("http", "https") or not host:
            raise BadArgument(
                f"the target must be 'reference', 'orthanc', or a URL such as {EXAMPLE}"
            )
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
        where = f"[{host}]" if ":" in host else host
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


def _json(body: Any) -> bytes:
    return b"" if body is None else json.dumps(body).encode()


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer. ``body`` is complete. ``str()`` is one line, without any of ``secrets``."""

    status: int
    body: bytes
    location: str | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def ok(self) -> bool:
        return self.status == 200

    def json(self) -> Any:
        """The body as JSON, or None where it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def jobs(self) -> list[dict[str, Any]]:
        """The jobs of an expanded list; what has no ID or no State as a text is left out."""
        found = self.json()
        return [
            one
            for one in (found if isinstance(found, list) else [])
            if isinstance(one, dict)
            and isinstance(one.get("ID"), str)
            and isinstance(one.get("State"), str)
        ]

    def __str__(self) -> str:
        shown = hidden(self.body[: 2 * SHOWN].decode("utf-8", "replace"), self.secrets)
        shown = one_line(shown)[:SHOWN]
        return f"HTTP {self.status}" + (f" {shown}" if shown else "")


def hidden(text: str, secrets: tuple[str, ...]) -> str:
    """``text`` without the secrets."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text


def printable(text: str) -> str:
    """``text`` with a blank for each character that a terminal would not show as it is."""
    return "".join(char if char.isprintable() else " " for char in text)


def one_line(text: str) -> str:
    """``text`` in one line that a terminal can show as it is."""
    return " ".join(printable(text).split())


class Broken(Exception):
    """The connection broke before the answer was complete. ``cause`` is what was raised."""

    def __init__(self, cause: Exception, secrets: tuple[str, ...]) -> None:
        self.cause = cause
        super().__init__(hidden(_cause(cause), secrets))


class Client:
    """Requests to one server; not for use by several threads.

    ``timeout``: seconds for all of one answer, from before the connection is made.
    """

    def __init__(self, address: Address, timeout: float = 10.0) -> None:
        self.address = address
        self.timeout = timeout
        self.requests = 0
        self._allowance = Allowance()
        self._adapter = Adapter(self._allowance, address.insecure)
        self._used = 0.0
        self._secrets = address.secrets
        self._headers = {
            "User-Agent": "orthanc-jobs",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Connection": "keep-alive",
            **dict(address.headers),
        }
        if address.authorization is not None:
            self._headers["Authorization"] = address.authorization
        if address.insecure:  # the user has been told, by the name of the option
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    @property
    def connections(self) -> int:
        """How many connections were made so far: a server that is started again needs a new one."""
        return self._allowance.connections

    def get(self, path: str) -> Reply:
        """A reading. A broken connection is tried once more. Raises `Unjudged`."""
        try:
            return self.read(path)
        except Broken as error:
            raise Unjudged(f"GET {path}: {error}") from None

    def read(self, path: str) -> Reply:
        """As `get`, but raises `Broken` where the connection broke twice."""
        self._allowance.renew(self.timeout, LARGEST)
        try:
            return self._send("GET", path, None)
        except Broken:
            self._adapter.close()
        return self._send("GET", path, None)

    def post(self, path: str, body: Any = None) -> Reply:
        return self._change("POST", path, body)

    def put(self, path: str, body: Any) -> Reply:
        return self._change("PUT", path, body)

    def delete(self, path: str) -> Reply:
        return self._change("DELETE", path, None)

    def request(self, method: str, path: str, body: Any = None) -> Reply:
        """A request by any method: a reading for GET, a change for every other."""
        return self.get(path) if method == "GET" else self._change(method, path, body)

    def _change(self, method: str, path: str, body: Any) -> Reply:
        """A change, sent once. Raises `Unjudged` where its answer did not come."""
        self._allowance.renew(self.timeout, LARGEST)
        if time.monotonic() - self._used > IDLE:
            self._adapter.close()
        try:
            return self._send(method, path, body)
        except Broken as error:
            raise Unjudged(f"{method} {path}: {error}") from None

    def _send(self, method: str, path: str, body: Any) -> Reply:
        """One request. Raises `Broken`, and `Unjudged` where the answer passed its bounds."""
        if not _PATH.fullmatch(path):
            raise Unjudged(f"{method}: the server gave a name that is no part of a URL")
        self.requests += 1
        try:
            with self._adapter.send(
                self._prepared(method, path, body),
                stream=True,
                timeout=self.timeout,
                verify=False if self.address.insecure else (self.address.ca_cert or True),
                cert=self.address.client_cert,
            ) as answer:
                return self._whole(answer)
        except (OSError, HTTPException, urllib3.exceptions.HTTPError) as error:
            # OSError: `requests` derives its own errors from it
            if self._allowance.exceeded:
                text = f"an answer of more than {LARGEST} bytes"
            elif self._allowance.late:
                text = f"not answered within {self.timeout:g} s"
                raise NotAnswered(f"{method} {path}: {text}") from None
            elif isinstance(error, InvalidURL | InvalidHeader):
                text = _cause(error)
            else:
                raise Broken(error, self._secrets) from None
            raise Unjudged(f"{method} {path}: {text}") from None
        finally:
            self._used = time.monotonic()

    def _whole(self, answer: Response) -> Reply:
        content = bytearray()
        for chunk in answer.iter_content(CHUNK):
            content += chunk
            if len(content) > LARGEST:  # a packed answer grows on the way
                self._allowance.take(LARGEST)
        if not content and _may_be_cut(answer):
            raise requests.ConnectionError("closed in the middle of the answer")
        return Reply(answer.status_code, bytes(content), self._location(answer), self._secrets)

    def _location(self, answer: Response) -> str | None:
        found = answer.headers.get("Location")
        return None if found is None else one_line(hidden(found, self._secrets))[:SHOWN]

    def _prepared(self, method: str, path: str, body: Any) -> PreparedRequest:
        """The request, made by hand: nothing of a session (cookies, redirects) is wanted."""
        made = PreparedRequest()
        made.method = method
        made.url = self.address.url + path
        made.headers = CaseInsensitiveDict(self._headers)
        if method in ("POST", "PUT"):
            made.body = body if isinstance(body, bytes) else _json(body)
            made.headers["Content-Length"] = str(len(made.body))
        return made

    def move(self, address: Address) -> None:
        """The server has been started again, at another port."""
        self._adapter.close()
        self.address = address

    def close(self) -> None:
        self._adapter.close()


@dataclass(frozen=True, slots=True)
class System:
    """What ``GET /system`` tells. ``declared`` is the reference server's JobsConformance."""

    version: str
    name: str
    declared: dict[str, Any]
    orthanc: bool


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
    if 300 <= reply.status < 400 and reply.location is not None:
        raise NoServer(
            f"{url} redirects GET /system to {reply.location}, which is not followed.\n"
            "Give the URL under which the server itself answers."
        )
    body = reply.json()
    if not reply.ok or not isinstance(body, dict) or not isinstance(body.get("Version"), str):
        raise NoServer(
            f"what answers at {url} is not an Orthanc server: GET /system gave {_short(reply)}"
        )
    declared = body.get("JobsConformance")
    return System(
        version=one_line(body["Version"])[:SHOWN],
        name=one_line(str(body.get("Name", "")))[:SHOWN],
        declared=declared if isinstance(declared, dict) else {},
        orthanc="ApiVersion" in body and "DicomAet" in body,
    )


def _unreachable(url: str, broken: Broken) -> str:
    secure = url.startswith("https:")
    if isinstance(broken.cause, requests.exceptions.SSLError):
        advice = "Give the server's authority with --ca-cert, or --insecure to accept any."
        if "certificate" not in str(broken).lower() or "alert" in str(broken).lower():
            advice = "If it speaks plain HTTP, write http://; if it wants a certificate of ours, "
            advice += "give --client-cert."
        return f"no TLS connection to {url}: {broken}\n{advice}"
    if isinstance(broken.cause, requests.ConnectionError) and _refused(broken.cause):
        return f"no server answers at {url}: {broken}\nStart it, or check host and port."
    advice = "it is no web server" if secure else "if it speaks TLS, write https://"
    return f"what answers at {url} does not speak HTTP: {broken}\nCheck the port; {advice}."


def _may_be_cut(answer: Response) -> bool:
    """Whether the end of the connection was the only end of the answer.

    ``http.client`` takes a head that is cut off for a whole one. Without this, a server that
    dies while it answers would seem to have answered with nothing.
    """
    ends = "Content-Length" in answer.headers or "Transfer-Encoding" in answer.headers
    return answer.raw.version == 11 and not ends and answer.status_code not in (204, 304)


def _short(reply: Reply) -> str:
    text = str(reply)
    return text if len(text) <= 120 else text[:117] + "..."


def _refused(error: BaseException) -> bool:
    """Whether there was no connection at all."""
    return isinstance(getattr(error.args[0], "reason", None), NewConnectionError)


def _cause(error: BaseException) -> str:
    """The innermost reason of an error, in one line and without any URL of it."""
    seen: BaseException = error
    while True:
        reason = getattr(seen, "reason", None)
        nested = next((a for a in seen.args if isinstance(a, BaseException)), None)
        inner = nested or seen.__cause__ or seen.__context__
        following = reason if isinstance(reason, BaseException) else inner
        if following is None or following is seen:
            break
        seen = following
    if isinstance(seen, ConnectionRefusedError):
        return "connection refused"
    strerror = getattr(seen, "strerror", None)
    text = strerror if isinstance(strerror, str) and strerror else str(seen)
    return one_line(text)[:SHOWN] or type(seen).__name__
