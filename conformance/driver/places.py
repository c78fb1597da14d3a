"""The places in the history of a server in use: nobody's job is driven out of it by one of ours.

Whoever makes a job, by whatever call, sends it by a client that asks here first. So there is one
place that decides whether a job may be made now, and none that has to remember to ask.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from conformance.errors import HistoryFull, Unjudged
from conformance.sut.client import Client

HISTORY_FULL = "history full"
# What is posted and makes no job. Whatever else is posted may make one.
_NO_JOB = re.compile(r"/jobs/[^/]+/[a-z]+|/tools/create-dicom|/instances|/modalities/[^/]+/query")
# What makes a job though it is only read: Orthanc packs an archive in one.
_PACKS = re.compile(r"/(?:patients|studies|series)/[^/]+/(?:archive|media)(?:\?.*)?")


def may_make_job(method: str, path: str) -> bool:
    """Whether a request may put a job into the history that was not there before."""
    if method == "POST":
        return _NO_JOB.fullmatch(path) is None
    return method == "GET" and _PACKS.fullmatch(path) is not None


class Places:
    """The history of a server in use, which holds ``size`` completed jobs.

    Every job that the server lists has a place of it, or will need one: also one of somebody's
    that is still under way.
    """

    def __init__(self, client: Client, size: int) -> None:
        self.size = size
        self._client = Client(client.address, client.timeout)  # `permit` may be asked by a thread
        self._open = 0  # calls that may make a job, and are not answered yet
        self._one = threading.Lock()

    def close(self) -> None:
        self._client.close()

    def fit(self, jobs: int) -> bool:
        """Whether so many more jobs can complete without one going out. Raises `Unjudged`."""
        with self._one:
            return self._fit(jobs)

    def _fit(self, jobs: int) -> bool:
        reply = self._client.get("/jobs")
        found = reply.json()
        if not reply.ok or not isinstance(found, list):
            raise Unjudged(f"the jobs of a server in use cannot be counted: {reply}")
        return len(found) + self._open + jobs <= self.size

    @contextmanager
    def permit(self, method: str, path: str) -> Iterator[None]:
        """Let a request go. Raises `HistoryFull`, and `Unjudged` where that is not known."""
        if not may_make_job(method, path):
            yield
            return
        with self._one:
            if not self._fit(1):
                raise HistoryFull(HISTORY_FULL)
            self._open += 1
        try:
            yield
        finally:
            with self._one:
                self._open -= 1
