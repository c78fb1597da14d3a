"""What stands between us and the server, or is ending: its answers say nothing of the jobs engine.

HTTP 502, 503 and 504 come from a proxy, or from a server that stops or starts, or whose database is
away. No call of a jobs engine is answered so. One of them is trouble; a server that answers the
same call so again and again, and all else as ever, means it. Who fails now and then may do so at
such a call in one case after the other: so the call is made once more at once, and once more.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from conformance.errors import Kind, Trouble
from conformance.sut.client import Broken, Client
from conformance.sut.reply import Reply

REFUSALS = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})  # of a user, not of a job
STATUSES = frozenset(
    {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
)
PREPARES = ("/tools/create-dicom", "/instances")  # no call of a jobs engine
REPEATS = 2  # of a call, before its answer is the server's own word
MOST_KINDS = 1  # of trouble that came and went: with more of them, nothing is meant any more


def kind_of(method: str, path: str, status: int) -> Kind:
    """The call that was answered so, whatever it was about: names and ids are left out."""
    path, mark, query = path.partition("?")
    parts = path.split("/")
    if parts[1] not in ("tools", "system"):
        parts[2::2] = ["*"] * len(parts[2::2])
    return method, "/".join(parts) + mark + query, status


class Doubts:
    """Looks at each answer that enters, and raises `Trouble` for what says nothing of the server.

    ``meant``: kinds of answers that are the server's own word, or are tried as such.
    """

    def __init__(self) -> None:
        self.meant: set[Kind] = set()
        self.raised = 0  # how often it was trouble
        self.passing: set[Kind] = set()  # kinds that came, and did not come again
        self.refused: list[Kind] = []  # what the server did not let its user do, each time
        self._let: set[tuple[str, str]] = set()  # what it did, at least once

    def judge(self, client: Client, method: str, path: str, body: Any, reply: Reply) -> Reply:
        """The answer. Raises `Trouble`."""
        kind = kind_of(method, path, reply.status)
        if reply.status in REFUSALS:
            self.refused.append(kind)
        else:
            self._let.add(kind[:2])
        if reply.status not in STATUSES:
            return reply
        if kind in self.meant and _stands(client, method, path, body, reply):
            return reply
        self.raised += 1
        raise Trouble(kind, f"{kind[0]} {kind[1]}: {reply}")

    def not_let(self, since: int) -> Kind | None:
        """What the user may never do, of what was ``refused`` from that number on; or None.

        Who may do it once and not another time was refused by a fault, and not by a rule.
        """
        return next((kind for kind in self.refused[since:] if kind[:2] not in self._let), None)

    def may_be_meant(self, kind: Kind) -> bool:
        """Whether such an answer is taken for the server's word, if it comes once more."""
        prepares = kind[0] == "PUT" or kind[1] in PREPARES
        return not prepares and len(self.passing - {kind}) <= MOST_KINDS


def _stands(client: Client, method: str, path: str, body: Any, reply: Reply) -> bool:
    """Whether the server itself says so: it answers the same call so again, and all else as ever.

    What such a call had made for all that, who ends the case looks for.
    """
    try:
        again = (client.again(method, path, body).status for _ in range(REPEATS))
        return all(status == reply.status for status in again) and client.read("/system").ok
    except Broken:
        return False
