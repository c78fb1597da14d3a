"""A job of somebody's that cannot be read, and keeps all others from being listed with details.

Released Orthancs refuse to read an archive of nothing that waits or is paused, and with it every
list that has it (`spec.relaxations.Shortfall.EMPTY_ARCHIVE_UNREADABLE`). The kit makes such ones on
servers of its own only, and says there what comes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from conformance.errors import NoServer, Unjudged
from conformance.sut.client import Client, Judge
from conformance.sut.reply import EXPAND, Reply

REFUSED = 400


def told(id: str) -> str:
    """What is said of such a job."""
    return (
        f"job {id}, which is not ours, cannot be read, and so {EXPAND} is refused, as released"
        " Orthancs do of an archive of nothing that waits or is paused"
    )


def see_readable(client: Client) -> None:
    """See that the jobs of a server can be listed. Raises `NoServer`."""
    try:
        reply = client.get(EXPAND)
    except Unjudged:  # as of an answer that is too large, which each case says that needs it
        return
    if reply.status == REFUSED and (id := _unreadable(client, ())) is not None:
        cure = f"Let it run, or cancel it: POST /jobs/{id}/cancel."
        raise NoServer(f"{told(id)}.\n{cure}")


def heeding(judge: Judge, ours: Callable[[], Collection[str]]) -> Judge:
    """The same judge of answers, which raises `Unjudged` for a list that is refused because of a
    job that is not ``ours``.
    """

    def judged(client: Client, method: str, path: str, body: Any, reply: Reply) -> Reply:
        found = judge(client, method, path, body, reply)
        if (method, path, found.status) != ("GET", EXPAND, REFUSED):
            return found
        if (id := _unreadable(client, ours())) is not None:
            raise Unjudged(told(id))
        again = client.read(EXPAND)  # it may have run meanwhile
        return again if again.ok else found

    return judged


def _unreadable(client: Client, ours: Collection[str]) -> str | None:
    listed = client.get("/jobs").json()
    ids = [id for id in listed if isinstance(id, str)] if isinstance(listed, list) else []
    theirs = (id for id in ids if id not in ours)
    return next((id for id in theirs if client.get(f"/jobs/{id}").status == REFUSED), None)
