"""How many connections a server answers at a time: calls that wait for their job keep theirs."""

from __future__ import annotations

import threading
import time

from conformance.errors import NoServer, Unjudged
from conformance.sut.client import Client
from conformance.timing import TIMING

EXCLUSIVE, POLITE = 10, 4  # connections that cases have at one time, one more than is measured
OFTEN = 5  # times that one was answered while another was not


def see_connections(client: Client, needed: int) -> None:
    """See that a server answers so many. Raises `NoServer`.

    One that has fewer threads (HttpThreadsCount) leaves a connection alone as long as others ask.
    """
    enough = threading.Event()
    asked = [_Asked(client, enough) for _ in range(needed)]
    end = time.monotonic() + TIMING.connections
    for one in asked:
        one.start()
    while not _is_clear([one.answers for one in asked], time.monotonic() > end):
        enough.wait(TIMING.tick)
    answered = sum(one.answers > 0 for one in asked)
    enough.set()
    for one in asked:
        one.join()
    if answered < needed:
        raise NoServer(
            f"{client.address.url} answers {answered} connections at a time, and cases have up to"
            f" {needed}.\nGive it more threads (HttpThreadsCount, which is 50 by default)."
        )


def _is_clear(answers: list[int], late: bool) -> bool:
    """Whether all were answered, or some again and again and others not."""
    return all(answers) or (late and (not any(answers) or min(filter(None, answers)) >= OFTEN))


class _Asked(threading.Thread):
    """One connection, on which one question follows the other. ``answers``: how many have come."""

    def __init__(self, client: Client, enough: threading.Event) -> None:
        super().__init__(daemon=True)
        self._client = Client(client.address, client.timeout)
        self._enough = enough
        self.answers = 0

    def run(self) -> None:
        try:
            while not self._enough.is_set():
                self._client.get("/system")
                self.answers += 1
        except Unjudged:
            pass
        finally:
            self._client.close()
