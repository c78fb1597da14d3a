"""The jobs of the transfers accelerator: pushing instances to a peer, and pulling them from one.

What is transferred is cut into buckets, of which each is one request, and a step is as many
requests as may be under way at once (``Threads``). The first step, `Planning`, asks nobody.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from conformance.reference.job import Planning, Step, Task

if TYPE_CHECKING:
    from conformance.reference.job import Job
    from conformance.reference.peers import Peer

_MB = 2**20


@dataclass(frozen=True, slots=True)
class Chunk:
    """`size` bytes of the file of the instance `id`, from `offset` on."""

    id: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Listed:
    """The file of the instance `id`: its bytes, and their MD5 in hexadecimal."""

    id: str
    size: int
    md5: str


@dataclass(frozen=True, slots=True)
class Exchange(Step):
    """Requests to the peer: one of each bucket, or one that has none. `first`: of its buckets."""

    item: str = ""
    first: int = 0
    buckets: tuple[tuple[Chunk, ...], ...] = ()

    @property
    def queries(self) -> int:
        """How many requests it is."""
        return len(self.buckets) or 1


@dataclass(frozen=True, slots=True)
class Create(Exchange):
    """Open a transaction at the peer, for the files `listed`."""

    listed: tuple[Listed, ...] = ()


@dataclass(frozen=True, slots=True)
class Send(Exchange):
    """Send buckets."""


@dataclass(frozen=True, slots=True)
class Commit(Exchange):
    """Let the peer store what it has got."""


@dataclass(frozen=True, slots=True)
class Lookup(Exchange):
    """Ask the peer which files there are."""


@dataclass(frozen=True, slots=True)
class Fetch(Exchange):
    """Get buckets."""


@dataclass(frozen=True, slots=True)
class Import(Exchange):
    """Store the files `listed`, all of which were got. It is no request."""

    listed: tuple[Listed, ...] = ()


@dataclass(frozen=True, slots=True)
class Transfer(Task):
    """What a push and a pull have in common.

    `resources`: as the caller gave them, of any JSON; `peer_name`, `peer`: what it is called here,
    and where it was when the job was made; `compression`: ``gzip`` or ``none``; `sender_id`: what
    the requests of this job bear, so that whoever divides the load sends all to the same server.
    """

    resources: list[object]
    peer_name: str
    peer: Peer
    compression: str
    sender_id: str
    described: ClassVar[bool] = False

    def parts(self, job: Job) -> tuple[int, int]:
        """A part is a request, and so is the last step of a pull. Known from the plan on."""
        done, every = (_queries(steps) for steps in (job.steps[: job.done], job.steps))
        return done, every or 1

    def asked(self) -> dict[str, object]:
        """What the caller has asked for, as it is shown."""
        return {
            "Compression": self.compression,
            "Peer": self.peer_name,
            "Resources": self.resources,
        }

    @abstractmethod
    def listed(self, job: Job) -> tuple[Listed, ...] | None:
        """The files that are transferred; None: that is not known yet."""

    def content(self, job: Job) -> dict[str, object]:
        """As version 1.7 of the plugin shows it, at each moment; nothing before the job starts."""
        if not job.reported:
            return {}
        files = self.listed(job)
        if files is None:
            return self.asked()
        totals: dict[str, object] = {
            "TotalInstances": len(files),
            "TotalSizeMB": in_mb(sum(each.size for each in files)),
        }
        if job.reported == 1:  # the first request is under way
            return self.asked() | totals
        return self.asked() | totals | self._moved(job)

    def _moved(self, job: Job) -> dict[str, object]:
        steps = job.steps[: job.reported]
        queries = sum(len(step.buckets) for step in steps if isinstance(step, Exchange))
        runtime = job.effective_runtime()
        return {
            "CompletedHttpQueries": queries,
            "NetworkSpeedKBs": int(job.transferred / 1024 / runtime) if runtime else 0,
            self.moved_name: in_mb(job.transferred),
        }

    moved_name: ClassVar[str]


@dataclass(frozen=True, slots=True)
class PushTransfer(Transfer):
    """Send instances to the peer, which stores them when it has got them all."""

    type: ClassVar[str] = "PushTransfer"
    moved_name: ClassVar[str] = "UploadedSizeMB"

    def listed(self, job: Job) -> tuple[Listed, ...] | None:
        return next((step.listed for step in job.planned if isinstance(step, Create)), None)


@dataclass(frozen=True, slots=True)
class PullTransfer(Transfer):
    """Get instances from the peer, and store them when all have come.

    `originator`: what the peer must say of itself, if the caller has said it.
    """

    originator: str | None = None
    type: ClassVar[str] = "PullTransfer"
    moved_name: ClassVar[str] = "DownloadedSizeMB"

    def asked(self) -> dict[str, object]:
        # not `super()`: a class with slots is made anew, which it does not notice
        asked = Transfer.asked(self)
        return asked if self.originator is None else asked | {"Originator": self.originator}

    def listed(self, job: Job) -> tuple[Listed, ...] | None:
        """Of an empty list nothing is shown (measured)."""
        steps = (step.listed for step in job.planned if isinstance(step, Import))
        return next(steps, None) or None


PLANNING = (Planning(),)
"""The step with which a transfer begins."""


def _queries(steps: tuple[Step, ...]) -> int:
    return sum(step.queries for step in steps if isinstance(step, Exchange))


def in_mb(size: int) -> int:
    """`size` in MB, rounded."""
    return (2 * size + _MB) // (2 * _MB)
