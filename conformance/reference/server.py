"""The process of the reference server: its socket, its signals, its clean stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
import threading
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import uvicorn
import uvicorn.lifespan.on  # all that uvicorn would import when it starts, before a fork of it
import uvicorn.loops.auto
from starlette.responses import HTMLResponse
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from conformance.reference.app import build_app, build_engine
from conformance.reference.commitments import Commitments
from conformance.reference.control.api import ControlApi
from conformance.reference.control.calls import Heard
from conformance.reference.control.controls import Controls
from conformance.reference.control.disturbances import Disturbed, break_off
from conformance.reference.database import Database
from conformance.reference.dicom_server import DicomServer
from conformance.reference.faults import find_fault
from conformance.reference.parts import Parts
from conformance.reference.releases import EVERY_PAGE, Release
from conformance.reference.routing import Route
from conformance.reference.storage import Storage
from conformance.reference.told import Newcomer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

    from conformance.reference.config import Config
    from conformance.reference.job import Task

REQUESTS = "uvicorn.access"  # the logger that is told of each request


@dataclass(frozen=True, slots=True)
class Setting:
    """What all lives of a server have in common. `controls`: None = nobody has any."""

    host: str
    config: Config
    parts: Parts
    database: Database
    controls: Controls | None = None
    load_jobs: bool = True
    release: Release = EVERY_PAGE
    page: str | None = None


def serve(
    host: str,
    port: int,
    config: Config,
    fault: str | None = None,
    announce: Callable[[str], None] = print,
    load_jobs: bool = True,
    control: bool = False,
    release: Release = EVERY_PAGE,
    page: str | None = None,
) -> None:
    """Run the reference server until SIGTERM or Ctrl-C.

    `port` 0 means a free one; `fault` names a planted fault (see `faults`); `announce` is called
    once, with the server's URL, when it answers; `load_jobs`: take up the jobs of its life before;
    `control`: offer what is below ``/_control``; `release`: what it keeps to;
    `page`: an HTML document for who looks at ``/``.
    Raises `ConfigError` for a fault that there is not and when the DicomPort is not free,
    `OSError` when the address is not, and `UnusableDatabase`.
    """
    parts = Parts() if fault is None else find_fault(fault).parts
    if config.remark:
        print(config.remark, file=sys.stderr, flush=True)
    listener = listen(host, port)
    with listener, closing(Database(config.index_directory)) as database:
        controls = Controls() if control else None
        setting = Setting(host, config, parts, database, controls, load_jobs, release, page)
        address = listener.getsockname()[1]
        tell: Callable[[], None] = partial(announce, url_of(host, address))
        while True:
            with Life(setting, listener) as life:
                life.run(tell)
            if life.next_life is None or _ended_within(life.next_life):
                return
            setting, tell = replace(setting, load_jobs=True), _nothing
            listener = listen(host, address)


def _nothing() -> None:
    """What is told when the server answers again."""


def _ended_within(seconds: float) -> bool:
    """Wait for `seconds`, unless SIGTERM or Ctrl-C come meanwhile."""
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    try:
        return signal.sigtimedwait(ends, seconds) is not None
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ends)


def url_of(host: str, port: int) -> str:
    """The address of a server."""
    return f"http://{_in_url(host)}:{port}"


class Life:
    """One life of a server: its threads, its ports. Use it with ``with``, and `run` it once.

    Raises `ConfigError` when the DicomPort is not free, and `UnusableDatabase`.
    """

    def __init__(self, setting: Setting, listener: socket.socket) -> None:
        self.next_life: float | None = None
        self._listener = listener
        self._steps = None if setting.controls is None else setting.controls.steps.life()
        release = setting.release
        config = setting.config if release.limits_jobs else replace(setting.config, limit_jobs=0)
        storage = Storage(setting.database, config.overwrite_instances)
        modalities = dict(config.dicom_modalities)
        parts = setting.parts
        store = parts.store(setting.database, config.save_jobs, setting.load_jobs)
        self._engine = build_engine(config, parts, storage, store, self._steps, release)
        self._engine.hide(release.hidden)
        if setting.controls is not None:
            setting.controls.attach(self._engine)
        self._engine.restore()
        commitments = Commitments()
        self._dicom = DicomServer(
            setting.host, config, storage, modalities, commitments, self._submit
        )
        known = replace(config, dicom_port=self._dicom.port)
        others = [*_page(setting.page), *self._control(setting.controls)]
        app: ASGIApp = build_app(
            known, parts, self._engine, storage, modalities, others, release, commitments
        )
        if setting.controls is not None:
            app = Disturbed(app, setting.controls.disturbances, self._hang_up)
            app = Heard(app, setting.controls.calls)
        self._server = _Server(_settings(app), self.end)

    def __enter__(self) -> Life:
        return self

    def __exit__(self, *_: object) -> None:
        self._dicom.close()
        self._listener.close()

    def run(self, announce: Callable[[], None]) -> None:
        """Answer until the end; `announce` is called when the first call can be answered."""
        self._server.announce = announce
        asyncio.run(self._server.serve(sockets=[self._listener]))

    def end(self, killed: bool = False, next_life: float | None = None) -> None:
        """Stop, from any thread. `killed`: at once, without an answer to anybody.

        No job starts from now on, and who waits for one is told so.
        `next_life`: in so many seconds the server is to start again.
        """
        self.next_life = next_life
        self._engine.stop(abandon=killed)
        if self._steps is not None:
            self._steps.end(killed)
        self._server.end(killed)

    def _submit(self, task: Task) -> None:
        """Make a job for which no call waits."""
        self._engine.submit(Newcomer(task, lambda _: None))

    def _hang_up(self, client: object) -> None:
        """Break the connection of `client`, its host and port."""
        for each in list(self._server.server_state.connections):
            if each.transport.get_extra_info("peername")[:2] == client:
                break_off(each.transport)

    def _control(self, controls: Controls | None) -> list[Route]:
        if controls is None:
            return []
        return ControlApi(controls, lambda killed, down: self.end(killed, down)).routes()


def _page(page: str | None) -> list[Route]:
    """The route of a page, if there is one."""

    async def show(request: Request) -> Response:
        return HTMLResponse(page)

    return [] if page is None else [Route("/", show, methods=["GET"])]


def _settings(app: ASGIApp) -> uvicorn.Config:
    """How uvicorn serves `app`. It tells of each request where somebody hears it."""
    return uvicorn.Config(
        app,
        http=AutoHTTPProtocol,
        log_config=None,
        access_log=logging.getLogger(REQUESTS).isEnabledFor(logging.INFO),
        lifespan="on",
        ws="none",
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it answers, and by `end` ends a life on a signal."""

    def __init__(self, settings: uvicorn.Config, end: Callable[[], None]) -> None:
        super().__init__(settings)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.announce: Callable[[], None] = lambda: None
        self._end_life = end
        self._stops = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if self.started:
            self.announce()

    async def main_loop(self) -> None:
        """Until it is to stop; uvicorn's own looks for that ten times a second."""
        if not await self.on_tick(0):
            await self._stops.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT, on the event loop: uvicorn's own handlers interrupt it."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._interrupted)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _interrupted(self) -> None:
        """A second Ctrl-C does not wait for the steps in flight: it is as ``kill -9``."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        self._end_life()

    def end(self, killed: bool) -> None:
        """Stop, from any thread. `killed`: whoever waits for an answer gets none."""
        self.should_exit = True  # seen when it has started, if it has not
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended already
                self._loop.call_soon_threadsafe(self._end, killed)

    def _end(self, killed: bool) -> None:
        for each in list(self.server_state.connections) if killed else []:
            break_off(each.transport)
        self._stops.set()


def listen(host: str, port: int) -> socket.socket:
    """A bound socket. Raises `OSError`.

    Its protocol is named, because asyncio sets TCP_NODELAY only on sockets that say they are TCP;
    without that, every answer takes 40 ms.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
