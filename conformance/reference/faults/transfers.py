"""Faults of transfers: those that the plugin was seen to have, and others of its kind.

`TransferGoesOn` to `TransferForgottenAtRestart` are what the transfers accelerator does itself.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from conformance.reference.calls import JobCalls
from conformance.reference.errors import ErrorCode, RestError
from conformance.reference.job import Failed, Job, State
from conformance.reference.persistence import JobStore
from conformance.reference.registry import Registry
from conformance.reference.tasks.transfers import Create, Exchange, Fetch, Send, Transfer
from conformance.reference.transfers.api import Common, TransfersApi
from conformance.reference.transfers.messages import Message, Messenger, NotDone
from conformance.reference.transfers.pulling import Puller
from conformance.reference.transfers.pushing import Pusher

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from conformance.reference.job import Step, Task
    from conformance.reference.peers import Peer
    from conformance.reference.tasks.transfers import PullTransfer, PushTransfer

_SLICE = 0.2  # seconds


class TransferGoesOn(Registry):
    """A transfer looks 0.2 s later at what it was asked for, and until then its buckets go on."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._asked: dict[str, float] = {}

    def act_pause(self, job: Job) -> bool:
        self._asked[job.id] = time.monotonic()
        return super().act_pause(job)

    def pause_is_asked(self, job: Job) -> bool:
        asked, since = super().pause_is_asked(job), self._asked.get(job.id, 0.0)
        bucket = job.done < len(job.steps) and isinstance(job.steps[job.done], Send | Fetch)
        return asked and not (bucket and time.monotonic() - since <= _SLICE)


class TransferFailureKeptBack(Registry):
    """A transfer of which a bucket fails after a pause was asked for is Paused, without error."""

    def step_failed(self, job: Job, failed: Failed) -> None:
        step = job.steps[job.done]
        if job.pause_asked and isinstance(step, Send | Fetch):
            self.pause(job)
        else:
            super().step_failed(job, failed)


class TransferNotStartedOver(Registry):
    """A transfer that was canceled while it was Paused goes on where it was when resubmitted."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._halfway: set[str] = set()

    def cancel(self, job: Job) -> None:
        if job.state is State.PAUSED and isinstance(job.task, Transfer):
            self._halfway.add(job.id)
        super().cancel(job)

    def start_over(self, job: Job) -> None:
        if job.id not in self._halfway:
            super().start_over(job)


class TransferNotSaved(JobStore):
    """A restart loses each transfer."""

    def load(self) -> list[Job]:
        return [job for job in super().load() if not isinstance(job.task, Transfer)]


class TransferForgottenAtRestart(JobStore):
    """After a restart a transfer shows nothing of what it has done, and starts over."""

    def restored(self, task: object, status: object) -> Job:
        job = super().restored(task, status)
        if isinstance(job.task, Transfer):
            job.done = job.reported = job.progress = job.transferred = 0
            job.planned = ()
        return job


class TransferObeysMode(JobCalls):
    """The call for a transfer waits for its job, where its body says that it is to."""

    async def answer(self, request: Request, task: Task, synchronous: bool) -> Response:
        if isinstance(task, Transfer):
            fields = await request.json()
            synchronous = fields.get("Synchronous") is True or fields.get("Asynchronous") is False
        return await super().answer(request, task, synchronous)


class TransferFailsAtItsEnd(Registry):
    """A transfer of which all is done ends in Failure."""

    def succeed(self, job: Job) -> None:
        if isinstance(job.task, Transfer):
            self.fail(job, ErrorCode.PLUGIN)
        else:
            super().succeed(job)


class TransferNeverEnds(Registry):
    """A transfer of which all is done stays Running."""

    def succeed(self, job: Job) -> None:
        if not isinstance(job.task, Transfer):
            super().succeed(job)


class TransferCountsEachRequest(Registry):
    """CompletedHttpQueries of a transfer counts the first request, and the commit, as well."""

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        content = described["Content"]
        if isinstance(content, dict) and "CompletedHttpQueries" in content:
            done = job.steps[: job.reported]
            queries = sum(isinstance(step, Exchange) for step in done)
            described["Content"] = {**content, "CompletedHttpQueries": queries}
        return described


class PushNamesInstanceTwice(Pusher):
    """A push of an instance that is listed twice names it twice as it opens its transaction."""

    def create(self, messenger: Messenger, task: PushTransfer, job: Job, step: Create) -> str:
        again = step.listed[: len(task.resources) - len(step.listed)]
        return super().create(messenger, task, job, replace(step, listed=(*step.listed, *again)))


class _Silent:
    """Sends no DELETE."""

    def __init__(self, messenger: Messenger) -> None:
        self._messenger = messenger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._messenger, name)

    def ask(self, message: Message, line: int = 0) -> Any:
        if message.method == "DELETE":
            raise NotDone(Failed(ErrorCode.PLUGIN))
        return self._messenger.ask(message, line)


class PushKeepsRefusedTransaction(Pusher):
    """A push of which a bucket is refused leaves its transaction open at the peer."""

    def send(self, messenger: Messenger, task: PushTransfer, transaction: str, step: Send) -> int:
        silent: Any = _Silent(messenger)
        return super().send(silent, task, transaction, step)


class PulledInstanceNotStored(Puller):
    """A pull gets all that the peer has, and stores nothing of it."""

    def store(self, job: Job, step: Step) -> None:
        """Store nothing."""


class PullModeMakesJob(TransfersApi):
    """A call for a peer that is to pull makes a job that pushes."""

    def pulls(self, peer: Peer) -> bool:
        return False


class RefusedPullAnswered200(TransfersApi):
    """A call for a peer that is to pull, and does not, is answered 200."""

    def let_pull(self, task: PushTransfer) -> dict[str, object]:
        try:
            return super().let_pull(task)
        except RestError:
            return {"Peer": task.peer_name, "RemoteJob": "", "URL": task.peer.url}


class TransferTakesAnyCompression(TransfersApi):
    """Whatever is named as Compression of a transfer is taken, also nothing."""

    def compression(self, fields: dict[str, object]) -> str:
        return str(fields.get("Compression"))


class TransferSenderIgnored(TransfersApi):
    """What a call gives as SenderTransferID is ignored: the peer is told another one."""

    def common(self, fields: dict[str, object]) -> Common:
        return super().common({**fields, "SenderTransferID": str(uuid4())})


class PushNotCompressed(Pusher):
    """The buckets of a push are sent as they are, whatever its call says of compression."""

    def send(self, messenger: Messenger, task: PushTransfer, transaction: str, step: Send) -> int:
        plain = replace(task, compression="none")
        return super().send(messenger, plain, transaction, step)


class PullNotCompressed(Puller):
    """A pull asks for chunks as they are, whatever its call says of compression."""

    def fetch(self, messenger: Messenger, task: PullTransfer, job_id: str, step: Fetch) -> int:
        return super().fetch(messenger, replace(task, compression="none"), job_id, step)


class PullFromAnyOriginator(Puller):
    """A pull does not look at which server has answered it."""

    def lookup(self, messenger: Messenger, task: PullTransfer) -> tuple[Step, ...]:
        return super().lookup(messenger, replace(task, originator=None))
