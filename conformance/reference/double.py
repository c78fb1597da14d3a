"""The reference server in this process, for tests: started in a moment, and under control.

```python
with reference_server() as server:
    job = server.control.job(steps=2)  # stays Running until told otherwise
    ...  # what is tested, with `server.url`
    server.control.succeed(job)
```
"""

from __future__ import annotations

import threading
import warnings
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from conformance.reference.config import read_config
from conformance.reference.control.controls import Controls
from conformance.reference.database import Database
from conformance.reference.faults import find_fault
from conformance.reference.parts import Parts
from conformance.reference.releases import find_release
from conformance.reference.server import Life, Setting, listen, url_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_STARTS = 30.0  # seconds, on a machine with other work


class ReferenceServer:
    """A server that can be ended and started again, with all that it had, at the same port.

    `control` is what a test may do to it: see `Controls`.
    """

    def __init__(self, setting: Setting, controls: Controls, port: int = 0) -> None:
        self.control = controls
        self._setting = setting
        self._port = port
        self._life: Life | None = None
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()

    @property
    def port(self) -> int:
        """Where it listens, or will again."""
        return self._port

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return url_of(self._setting.host, self._port)

    def start(self) -> None:
        """Start it, and return when it answers, and its jobs run that can.

        Raises `OSError` when its port was taken.
        """
        if self._thread is not None:
            raise RuntimeError("the server runs")
        self._ended.clear()
        self._life = self._next_life()
        answers = threading.Event()
        self._thread = threading.Thread(
            target=self._live, args=(self._life, answers), name="reference server", daemon=True
        )
        self._thread.start()
        if not answers.wait(_STARTS):
            raise TimeoutError(f"the server did not start in {_STARTS:g} s")
        self.control.wait()

    def end(self, *, killed: bool = False) -> None:
        """End it: as by SIGTERM, or `killed` as by SIGKILL. Steps that wait are cut off.

        A call to it is refused from then on (connection refused).
        """
        if self._thread is None or self._life is None:
            raise RuntimeError("the server does not run")
        self._ended.set()
        self._life.end(killed)
        self._thread.join()
        self._thread = self._life = None

    def restart(self, *, killed: bool = False) -> None:
        """End it, and start it again."""
        self.end(killed=killed)
        self.start()

    @property
    def runs(self) -> bool:
        """Whether it was started, and not ended."""
        return self._thread is not None

    def _next_life(self) -> Life:
        listener = listen(self._setting.host, self._port)
        self._port = listener.getsockname()[1]
        try:
            return Life(self._setting, listener)
        except BaseException:
            listener.close()
            raise

    def _live(self, life: Life, answers: threading.Event) -> None:
        with life:
            life.run(answers.set)
        while life.next_life is not None:  # it was ended over REST
            if self._ended.wait(life.next_life):
                return
            life = self._life = self._next_life()
            if self._ended.is_set():
                life.end(killed=True)
            with life:
                life.run(answers.set)


@contextmanager
def reference_server(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    fault: str | None = None,
    release: str | None = None,
    **config: object,
) -> Iterator[ReferenceServer]:
    """Yield a reference server that answers; at the end it is gone, with all that it kept.

    `port` 0 means a free one; `fault`: the name of a planted fault; `release`: the version of
    the release that it keeps to, by default every page at once; `config`: keys of Orthanc's
    configuration, such as ``JobsHistorySize=0``. What it stores is in memory.
    Warns of a key that has no effect on it. Raises `ConfigError`, also for a fault or a release
    that there is not.
    """
    parts = Parts() if fault is None else find_fault(fault).parts
    controls = Controls()
    with closing(Database()) as database:
        settings, kept = read_config(config), find_release(release)
        if settings.remark:
            warnings.warn(settings.remark, stacklevel=3)
        setting = Setting(host, settings, parts, database, controls, release=kept)
        server = ReferenceServer(setting, controls, port)
        server.start()
        try:
            yield server
        finally:
            if server.runs:
                server.end(killed=True)
