"""A call that creates a job: it is answered when the job has ended, or as soon as it is added.

When the queue is full, a call first waits for room, behind those that came before it. A call that
waits is a future on the event loop: it holds no thread.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Generic, TypeVar

from conformance.reference.errors import ErrorCode, RestError
from conformance.reference.told import Newcomer

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from conformance.reference.answers import JobAnswers
    from conformance.reference.engine import Engine
    from conformance.reference.job import Task
    from conformance.reference.told import JobEnd

T = TypeVar("T")


class JobCalls:
    """Submits the jobs of all calls, and answers them (source: the page, "Synchronous vs.
    asynchronous calls")."""

    def __init__(self, engine: Engine, answers: JobAnswers) -> None:
        self._engine = engine
        self._answers = answers

    async def answer(self, request: Request, task: Task, synchronous: bool) -> Response:
        """Submit a job that does `task`. Raises `RestError`, the error of the job among them."""
        if not self.waits(task, synchronous):
            return self._answers.submitted(await self._add(request, task))
        return self._answers.ended(await self._run_to_its_end(request, task))

    async def archive(self, request: Request, task: Task, synchronous: bool, name: str) -> Response:
        """The same for a job that makes an archive, which is the answer to who waits for it.

        The job does not keep it then, as on Orthanc. `name`: what the archive is called.
        """
        if not self.waits(task, synchronous):
            return self._answers.submitted(await self._add(request, task))
        end = await self._run_to_its_end(request, task)
        self._engine.drop_output(end.id)
        return self._answers.archive_ended(end, name)

    def waits(self, task: Task, synchronous: bool) -> bool:
        """Whether the call waits for the end of its job."""
        return synchronous

    async def _add(self, request: Request, task: Task) -> str:
        """Add a job, as soon as the queue has room, and answer its id."""
        added: News[str] = News()
        newcomer = Newcomer(task, added.tell)
        return await self._wait_for(request, added, newcomer)

    async def _run_to_its_end(self, request: Request, task: Task) -> JobEnd:
        """Add a job, and wait until it has completed; holds no thread meanwhile."""
        ended: News[JobEnd] = News()

        def admitted(job_id: str | None) -> None:
            if job_id is None:
                ended.tell(None)

        return await self._wait_for(request, ended, Newcomer(task, admitted, self.told(ended)))

    def told(self, ended: News[JobEnd]) -> Callable[[JobEnd | None], None]:
        """What is told the end of a job: the call that waits for it. None: the server stops."""
        return ended.tell

    async def _wait_for(self, request: Request, news: News[T], newcomer: Newcomer) -> T:
        """Submit `newcomer`, and wait for `news` of it. Raises `RestError` (503) if none come."""
        self._engine.submit(newcomer)
        if self._engine.awaits_room(newcomer):
            await self._watch(request, news, newcomer)
        told = await news.future
        if told is None:
            raise RestError(
                HTTPStatus.SERVICE_UNAVAILABLE, ErrorCode.INTERNAL_ERROR, "The server is stopping"
            )
        return told

    async def _watch(self, request: Request, news: News[T], newcomer: Newcomer) -> None:
        """Wait for the first `news`, unless the caller hangs up while the queue is full.

        Then no job is added, now or later (raises `RestError`, for nobody to read). Who hangs up
        after the job was added changes nothing for the job.
        """
        hung_up = asyncio.ensure_future(_hang_up(request))
        try:
            await asyncio.wait((news.future, hung_up), return_when=asyncio.FIRST_COMPLETED)
            if hung_up.done() and self._engine.withdraw(newcomer):
                raise RestError(
                    HTTPStatus.SERVICE_UNAVAILABLE, ErrorCode.INTERNAL_ERROR, "Nobody waits"
                )
        except asyncio.CancelledError:
            self._engine.withdraw(newcomer)
            raise
        finally:
            hung_up.cancel()


async def _hang_up(request: Request) -> None:
    """Wait until the caller, whose body has been read, hangs up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


class News(Generic[T]):
    """Something that any thread tells to the event loop, once; None: it will not come."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[T | None] = self._loop.create_future()

    def tell(self, news: T | None) -> None:
        """Pass `news` on; it never waits."""
        self._loop.call_soon_threadsafe(self._settle, news)

    def _settle(self, news: T | None) -> None:
        if not self.future.done():  # the caller may have hung up
            self.future.set_result(news)
