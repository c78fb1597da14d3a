"""Somebody's jobs on a server in use: after each case all of them are still there."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from conformance.driver.ending import state_of
from conformance.driver.places import Places
from conformance.driver.resources import Resources
from conformance.errors import JobsLost, Unjudged
from conformance.session.cleanup import OfRun
from conformance.sut.reply import EXPAND
from conformance.timing import TIMING
from spec.table import FINAL

SHOWN = 3  # ids of lost jobs
LOOKED_AT = 50  # of their jobs that had not ended yet, at one look


class Neighbours:
    """The jobs that are not ours: at first all that there are. Raises `Unjudged`.

    ``deletes``: whether the server can delete a job, so that ours need no place for long.
    """

    def __init__(self, resources: Resources, places: Places, deletes: bool) -> None:
        self._resources = resources
        self._places = places
        self._deletes = deletes
        self._theirs = set(self._listed())
        shown: list[dict[str, Any]] = []
        with suppress(Unjudged):  # as of an answer that is too large
            shown = resources.client.get(EXPAND).jobs()
        self._ended = {job["ID"] for job in shown if job["State"] in FINAL} & self._theirs
        self._most = len(self._ended)  # of their completed jobs that were there at once
        self._made = self._kept = 0  # of ours: in all, and what the last look has found

    def _listed(self) -> list[str]:
        reply = self._resources.client.get("/jobs")
        found = reply.json()
        if not reply.ok or not isinstance(found, list):
            raise Unjudged(f"GET /jobs gave {reply}, where all jobs are looked for")
        return [id for id in found if isinstance(id, str)]

    def look(self, after: str) -> None:
        """``after`` this case: take what is left of ours out, and look whether theirs are there.

        A full history stays full, and holds no more. So where fewer of theirs are left than one
        that had held so many would hold beside ours, or soon more than it would, or fewer and
        fewer, somebody has deleted what is gone.

        Raises `JobsLost`, and `Unjudged` where that cannot be seen.
        """
        listed = set(self._listed())
        ours = {job.id for job in self._resources.jobs} | set(self._resources.others)
        ours |= {id for id in listed - self._theirs - ours if self._is_ours(id)}
        theirs = listed - ours
        gone, self._theirs = self._theirs - theirs, theirs
        self._ended &= theirs
        self._ended |= {
            id for id in sorted(theirs - self._ended)[:LOOKED_AT] if self._has_ended(id)
        }
        at_once = self._kept + len(ours) - self._made  # of ours, at most
        self._made, self._kept = len(ours), len(listed & ours)
        lost = gone and self._most - at_once <= len(self._ended) < self._places.size
        if lost and not self._holds_more(at_once):
            raise JobsLost(self._lost(sorted(gone), after))
        self._most = len(self._ended) if gone else max(self._most, len(self._ended))
        if self._deletes:
            for id in sorted(listed & ours):  # refused for one that is under way
                self._resources.client.delete(f"/jobs/{id}")

    def _holds_more(self, ours: int) -> bool:
        """Whether more of theirs complete, and stay, than had place with so many of ours; or fewer
        are left though we do nothing, so that somebody is deleting them.
        """
        end = time.monotonic() + TIMING.theirs
        begun = len(self._ended)
        full = range(begun, begun + ours + 1)
        while len(self._ended) in full and time.monotonic() < end:
            self._resources.gate.wait(TIMING.look)
            found = set(self._listed()) - {job.id for job in self._resources.jobs}
            self._theirs &= found
            new = sorted(found - self._ended)[:LOOKED_AT]
            self._ended = (self._ended & found) | {
                id for id in new if self._has_ended(id) and not self._is_ours(id)
            }
        return len(self._ended) not in full

    def _is_ours(self, id: str) -> bool:
        """Whether a job is ours of which no answer told us; what cannot be read is not."""
        found = self._resources.client.get(f"/jobs/{id}").json()
        return isinstance(found, dict) and OfRun(self._resources).job(found)

    def _has_ended(self, id: str) -> bool:
        return state_of(self._resources.client.get, id) in FINAL

    def _lost(self, gone: list[str], after: str) -> str:
        more = f" and {len(gone) - SHOWN} more" if len(gone) > SHOWN else ""
        one = len(gone) == 1
        return (
            f"{'a job' if one else f'{len(gone)} jobs'} of somebody's went out of the history"
            f" during {after}: {', '.join(gone[:SHOWN])}{more}.\n"
            f"The run counts on a JobsHistorySize of {self._places.size}, and was stopped."
            " If the server has another one, say it with --history-size; if"
            f" {'it was' if one else 'they were'} deleted by somebody, run it again."
        )
