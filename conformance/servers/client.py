"""The HTTP client of a server under test.

It follows no redirect, takes nothing from the environment, bounds every answer in size and
in time, and sends a request that changes something at most once: a kept-alive connection
that has idled is replaced before it is used for one, because Orthanc closes it after about a
second, and a request that broke half-way is reported, not repeated. A reading may be repeated.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import requests

from conformance.errors import BadArgument, NoServer, Unjudged

IDLE = 0.5  # seconds after which a kept-alive connection is not trusted with a change
LARGEST = 16 * 1024 * 1024  # bytes
CHUNK = 64 * 1024


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
        """An address from a URL that may carry ``user:password@``. Raises `BadArgument`."""
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise BadArgument(f"not a URL: {error}") from None
        if parts.scheme not in ("http", "https") or not host:
            raise BadArgument(
                "the target must be 'reference', 'orthanc', or a URL such as http://localhost:8042"
            )
        if parts.query or parts.fragment:
            raise BadArgument("the target's URL must not have a query or a fragment")
        if parts.username is not None:
            settings.setdefault("user", unquote(parts.username))
            settings.setdefault("password", unquote(parts.password or ""))
        where = f"[{host}]" if ":" in host else host
        where += "" if port is None else f":{port}"
        return cls(urlunsplit((parts.scheme, where, parts.path.rstrip("/"), "", "")), **settings)

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer. ``body`` is complete; ``seconds`` is from the first byte sent."""

    status: int
    body: bytes

    @property
    def ok(self) -> bool:
        return self.status == 200

    def json(self) -> Any:
        """The body as JSON, or None where it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def __str__(self) -> str:
        shown = self.body[:200].decode("utf-8", "replace").strip()
        return f"HTTP {self.status}" + (f" {shown}" if shown else "")


class Client:
    """Requests to one server; not for use by several threads. ``timeout`` is in seconds."""

    def __init__(self, address: Address, timeout: float = 10.0) -> None:
        self.address = address
        self.timeout = timeout
        self.requests = 0
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update(dict(address.headers))
        if address.user is not None:
            self._session.auth = (address.user, address.password or "")
        self._session.verify = False if address.insecure else (address.ca_cert or True)
        self._session.cert = address.client_cert
        self._used = 0.0

    def get(self, path: str) -> Reply:
        """A reading. A broken connection is tried once more. Raises `Unjudged`."""
        try:
            return self._send("GET", path, None)
        except requests.ConnectionError:
            self._session.close()
        try:
            return self._send("GET", path, None)
        except requests.ConnectionError as error:
            raise Unjudged(f"GET {path}: {_cause(error)}") from None

    def post(self, path: str, body: Any = None) -> Reply:
        return self._change("POST", path, body)

    def put(self, path: str, body: Any) -> Reply:
        return self._change("PUT", path, body)

    def delete(self, path: str) -> Reply:
        return self._change("DELETE", path, None)

    def _change(self, method: str, path: str, body: Any) -> Reply:
        """A change, sent once. Raises `Unjudged` where its answer did not come."""
        if time.monotonic() - self._used > IDLE:
            self._session.close()
        try:
            return self._send(method, path, body)
        except requests.ConnectionError as error:
            raise Unjudged(f"{method} {path}: {_cause(error)}") from None

    def _send(self, method: str, path: str, body: Any) -> Reply:
        data = b"" if body is None else json.dumps(body).encode()
        deadline = time.monotonic() + self.timeout
        self.requests += 1
        try:
            with self._session.request(
                method,
                self.address.url + path,
                data=data if method in ("POST", "PUT") else None,
                timeout=self.timeout,
                allow_redirects=False,
                stream=True,
            ) as answer:
                content = bytearray()
                for chunk in answer.iter_content(CHUNK):
                    content += chunk
                    if len(content) > LARGEST:
                        raise Unjudged(f"{method} {path}: an answer of more than {LARGEST} bytes")
                    if time.monotonic() > deadline:
                        raise Unjudged(f"{method} {path}: not answered within {self.timeout:g} s")
                return Reply(answer.status_code, bytes(content))
        except requests.Timeout:
            raise Unjudged(f"{method} {path}: not answered within {self.timeout:g} s") from None
        except requests.ConnectionError:
            raise
        except requests.RequestException as error:
            raise Unjudged(f"{method} {path}: {_cause(error)}") from None
        finally:
            self._used = time.monotonic()

    def move(self, address: Address) -> None:
        """The server has been started again, at another port."""
        self._session.close()
        self.address = address

    def close(self) -> None:
        self._session.close()


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
        reply = client._send("GET", "/system", None)
    except requests.exceptions.SSLError as error:
        raise NoServer(
            f"no TLS connection to {url}: {_cause(error)}\n"
            "Give the server's authority with --ca-cert, or --insecure to accept any."
        ) from None
    except requests.ConnectionError as error:
        raise NoServer(f"no server answers at {url}: {_cause(error)}") from None
    except Unjudged as error:
        raise NoServer(f"no usable answer from {url}: {error}") from None
    except OSError as error:
        raise NoServer(f"cannot use the certificate files given for {url}: {error}") from None
    if reply.status in (401, 403):
        raise NoServer(
            f"{url} refuses to let us in (HTTP {reply.status}).\n"
            "Check --user and the variable named by --password-env."
        )
    body = reply.json()
    if not reply.ok or not isinstance(body, dict) or not isinstance(body.get("Version"), str):
        raise NoServer(
            f"what answers at {url} is not an Orthanc server: GET /system gave {_short(reply)}"
        )
    declared = body.get("JobsConformance")
    return System(
        version=body["Version"],
        name=str(body.get("Name", "")),
        declared=declared if isinstance(declared, dict) else {},
        orthanc="ApiVersion" in body and "DicomAet" in body,
    )


def _short(reply: Reply) -> str:
    text = str(reply).replace("\n", " ")
    return text if len(text) <= 120 else text[:117] + "..."


def _cause(error: BaseException) -> str:
    """The innermost reason of a requests error, in one line and without any URL of it."""
    seen: BaseException = error
    while True:
        inner = seen.__cause__ or seen.__context__
        reason = getattr(seen, "reason", None)
        nested = next((a for a in seen.args if isinstance(a, BaseException)), None)
        following = reason if isinstance(reason, BaseException) else nested or inner
        if following is None or following is seen:
            break
        seen = following
    if isinstance(seen, ConnectionRefusedError):
        return "connection refused"
    strerror = getattr(seen, "strerror", None)
    text = strerror if isinstance(strerror, str) and strerror else str(seen)
    return text.splitlines()[0] if text else type(seen).__name__
