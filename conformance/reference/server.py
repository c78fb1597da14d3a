"""The process of the reference server: its socket, its signals, its clean stop."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import uvicorn
import uvicorn.lifespan.on  # all that uvicorn would import when it starts, before a fork of it
import uvicorn.loops.auto
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from conformance.reference.app import build_app, build_engine
from conformance.reference.database import Database
from conformance.reference.dicom_server import DicomServer
from conformance.reference.faults import find_fault
from conformance.reference.parts import Parts
from conformance.reference.storage import Storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.applications import Starlette

    from conformance.reference.config import Config
    from conformance.reference.engine import Engine
    from conformance.reference.modalities import Modality


def serve(
    host: str,
    port: int,
    config: Config,
    fault: str | None = None,
    announce: Callable[[str], None] = print,
    load_jobs: bool = True,
) -> None:
    """Run the reference server until SIGTERM or Ctrl-C.

    `port` 0 means a free one; `fault` names a planted fault (see `faults`); `announce` is called
    once, with the server's URL, when it answers; `load_jobs`: take up the jobs of its life before.
    Raises `KeyError` for a fault that there is not, `OSError` when the address is not free,
    `ConfigError` when the DicomPort is not, and `UnusableDatabase`.
    """
    parts = Parts() if fault is None else find_fault(fault).parts
    with _listen(host, port) as listener, closing(Database(config.index_directory)) as database:
        storage = Storage(database)
        store = parts.store(database, config.save_jobs, load_jobs)
        engine = build_engine(config, parts, storage, store)
        engine.restore()
        modalities: dict[str, Modality] = {}
        with closing(DicomServer(host, config, storage, modalities)) as dicom:
            known = replace(config, dicom_port=dicom.port)
            settings = _settings(build_app(known, parts, engine, storage, modalities))
            url = f"http://{_in_url(host)}:{listener.getsockname()[1]}"
            server = _Server(settings, engine, lambda: announce(url))
            asyncio.run(server.serve(sockets=[listener]))


def _settings(app: Starlette) -> uvicorn.Config:
    """How uvicorn serves `app`."""
    return uvicorn.Config(
        app,
        http=AutoHTTPProtocol,
        log_config=None,
        access_log=False,
        lifespan="on",
        ws="none",
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it answers, and stops the engine with itself."""

    def __init__(
        self, settings: uvicorn.Config, engine: Engine, announce: Callable[[], None]
    ) -> None:
        super().__init__(settings)
        self._engine = engine
        self._announce = announce
        self._stops = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        if self.started:
            self._announce()

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
            loop.add_signal_handler(number, self._stop)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _stop(self) -> None:
        """No job starts from now on, and who waits for one is told so.

        A second Ctrl-C does not wait for the steps in flight: all is saved, as for ``kill -9``.
        """
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        self._engine.stop()
        self.should_exit = True
        self._stops.set()


def _listen(host: str, port: int) -> socket.socket:
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
