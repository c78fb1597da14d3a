"""What arrives at the gate, and whose it is."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from conformance.driver.resources import Resources
from conformance.driver.tracked import Tracked
from conformance.errors import Unjudged
from conformance.oracle.oracle import Finding
from conformance.peer.gate import REFUSE, Hold
from conformance.timing import TIMING
from spec.engine import Reply

RETRY_HEADER = "Orthanc-Jobs-Retry"
LATEST = 2  # steps of a job: one is answered before the next one comes


class Arrivals:
    """The steps at the gate of the jobs of one case, which are held; all others are turned away.

    ``jobs``: those of the case that the server has, by name. Without a case every step is turned
    away, and what comes too late to the case that it belongs to is noted.
    """

    def __init__(
        self,
        resources: Resources,
        case: str | None = None,
        jobs: dict[str, Tracked] | None = None,
    ) -> None:
        self._resources = resources
        self._case = case
        self._jobs = {} if jobs is None else jobs

    def fetch(self, seconds: float) -> list[Hold]:
        """All that has arrived, after a wait of up to ``seconds`` for it."""
        if seconds > 0:
            self._resources.gate.wait(seconds)
        return self._resources.gate.arrivals()

    def mine(self, arrivals: Iterable[Hold]) -> Iterator[tuple[Tracked, Hold]]:
        """The steps of the jobs of this case, which are held; all others are turned away."""
        for hold in arrivals:
            job = self._resources.owner(hold)
            if job is not None and job.expected and job.case == self._case:
                job.holds.append(hold)
                yield job, hold
            elif job is None or not job.id:  # no job, or one whose submission was not answered
                hold.reply(REFUSE)
            elif job.case != self._case or job.ended or self._jobs.get(job.name) is not job:
                hold.reply(REFUSE)
                if job.last is not None:  # its case was judged to its end
                    self._resources.late.append((job.case, _late(job, hold)))
            else:
                job.holds.append(hold)
                yield job, hold

    def watch(self, seconds: float = TIMING.grace) -> None:
        """For a case that is over: take what arrives for so many seconds."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for _, hold in self.mine(self.fetch(left)):
                hold.reply(REFUSE)

    def open(self) -> list[tuple[Tracked, Hold]]:
        """The steps at the gate that were not answered."""
        jobs = self._jobs.values()
        return [(job, hold) for job in jobs for hold in job.holds if not hold.answered]

    def check(self, limit: float | None) -> None:
        """Raise `Unjudged` where a step is not held any more, or for longer than ``limit``.

        Nothing is answered without this look, so what a server gave up is among the latest.
        """
        now = time.monotonic()
        for job in self._jobs.values():
            for hold in job.holds[-LATEST:]:
                if hold.broken:
                    raise Unjudged(f"the server gave up a step of {job.name} that the gate held")
                if not hold.answered and limit is not None and now - hold.since > limit:
                    raise Unjudged(f"a step of {job.name} was held for {limit:g} s")

    def refuse(self) -> None:
        """Let every step at the gate fail, whoever sends it."""
        for hold in self._resources.gate.arrivals():
            hold.reply(REFUSE)
        for job in self._resources.jobs:  # also one whose submission was not answered
            if job.case == self._case:
                for hold in job.holds:
                    hold.reply(REFUSE)

    def forget(self) -> None:
        """The server has ended, and nothing that it held at the gate is under way any more."""
        for job in self._jobs.values():
            job.holds.clear()


def answer_step(hold: Hold, reply: Reply) -> None:
    """What the peer says to a step."""
    match reply:
        case Reply.SUCCEED:
            hold.reply(200)
        case Reply.FAIL:
            hold.reply(REFUSE)
        case Reply.RETRY:
            hold.reply(REFUSE, {RETRY_HEADER: str(TIMING.retry_soon_ms)})
        case Reply.RETRY_LATER:
            hold.reply(REFUSE, {RETRY_HEADER: str(TIMING.retry_later_ms)})


def _late(job: Tracked, hold: Hold) -> Finding:
    return Finding(
        "step/only-while-running",
        (f"no step of {job.name} begins after its case has ended",),
        f"step {hold.step + 1} of {job.name} arrives",
        None,
    )
