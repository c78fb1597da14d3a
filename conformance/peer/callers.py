"""Who sends a step to a gate: the server under test, or somebody who has read the gate's address.

That address stands in the server's own list of jobs, so the secret in it keeps nobody out who may
read them. But a peer has a login, too, and no server shows its password. Once the server was
seen to log in, whoever does not is a stranger. Of a server that sends no login, and over DICOM,
where there is none, the step itself tells: it brings an instance that the kit has made.

A stranger is counted and turned away, and nothing is held for him: what a case sees at the gate
is the server's doing. A server that forgets the login, or sends what it was not given, is
turned away as well, and its job fails, where the case expects otherwise.
"""

from __future__ import annotations

import base64
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from conformance.peer.came import Came

USER = "orthanc-jobs"  # whom a server logs in as at the gate


@dataclass
class Callers:
    """``ours``: whether a step, by its number and by what came with it, is one of the kit's.
    ``strangers``: how many requests were turned away.
    """

    password: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    ours: Callable[[int, Came], bool] = field(default=lambda _, __: True)
    strangers: int = 0
    _logs_in: bool = False  # the server sends the login of a peer: it was seen to
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def login(self) -> dict[str, str]:
        """What a server is told to log in with at the gate."""
        return {"Username": USER, "Password": self.password}

    @property
    def authorization(self) -> str:
        """The header that it then sends."""
        words = base64.b64encode(f"{USER}:{self.password}".encode()).decode()
        return f"Basic {words}"

    def hidden(self, text: str) -> str:
        """``text`` without the password."""
        words = self.authorization.removeprefix("Basic ")
        return text.replace(self.password, "SECRET").replace(words, "SECRET")

    def may_send(self, authorization: str | None) -> bool:
        """Whether a request with this header may be the server's."""
        if self.is_server(authorization):
            self._logs_in = True
        return self.is_server(authorization) or not self._logs_in

    def is_server(self, authorization: str | None) -> bool:
        """Whether it is the server's: nobody else knows the password."""
        given = (authorization or "").encode("utf-8", "surrogateescape")
        return secrets.compare_digest(given, self.authorization.encode())

    def turn_away(self) -> None:
        """Count a request that is a stranger's."""
        with self._lock:
            self.strangers += 1
