"""Runs the proof engines side by side, and puts together what they found.

Each engine runs in a process of its own, so that two cores are used, no engine can disturb
another, and an interrupt ends them all: the process and whatever it has started form a group,
which is ended when the caller leaves `verify`, in whatever way.

An interrupt may fall in the very fork of an engine: then it runs, and nobody knows its id. No
order of statements helps against that, and a mask of signals only where there is no other thread.
So each engine holds one end of a pipe, the *lifeline*, of which only the caller has the other: once
that is closed, the engine ends itself. It is closed when the caller leaves `verify`, or is killed.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from importlib import import_module
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from spec.proofs import DEFAULT, Checked, NotInstalled, ProofEngine, Scope, Verdict, counterexample
from spec.properties import BY_NAME, Modality
from spec.relaxations import NONE, Relaxation

SCHEMA = 1
TICK = 1.0  # seconds between two calls of `Listener.waits`
PATIENCE = 1.0  # seconds that an engine has to clean up in, when it is not wanted any more
MODULES = {
    ProofEngine.EXPLORE: "spec.proofs.explore",
    ProofEngine.SMT: "spec.proofs.smt",
    ProofEngine.SPIN: "spec.proofs.promela",
}


class Listener:
    """Is told how the proofs come along; this one makes nothing of it.

    What a method raises ends all engines, and comes out of `verify`.
    """

    def result(self, one: Checked) -> None:
        """A property was decided, or could not be."""

    def ended(self, engine: ProofEngine, found: Verification) -> None:
        """An engine has come to its end, or to an early one: `Verification.absent`, ``died``."""

    def waits(self, at_work: Sequence[ProofEngine]) -> None:
        """About every `TICK` seconds in which nothing else has come: the engines at work."""


@dataclass
class Verification:
    """What came out. ``absent``: the engines that lack a tool, each with the reason; ``died``:
    those that did not come to their end, which always leaves the whole unknown. ``took``: seconds,
    of each engine that came to an end.

    ``asked``: the engines that were asked for by name; that one of them is absent leaves the
    whole unknown. ``files``: the counterexamples that were written, by the property's name.
    """

    results: list[Checked] = field(default_factory=list)
    absent: dict[ProofEngine, str] = field(default_factory=dict)
    died: dict[ProofEngine, str] = field(default_factory=dict)
    took: dict[ProofEngine, float] = field(default_factory=dict)
    asked: tuple[ProofEngine, ...] = ()
    files: dict[str, str] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """`FAILS` goes before `UNKNOWN`; of nothing that was judged, nothing is known."""
        found = {result.verdict for result in self.results}
        if Verdict.FAILS in found:
            return Verdict.FAILS
        judged = Verdict.HOLDS in found and Verdict.UNKNOWN not in found
        missed = any(engine in self.asked for engine in self.absent)
        lost = bool(self.died) or missed or not self._all_decided
        return Verdict.HOLDS if judged and not lost else Verdict.UNKNOWN

    @property
    def _all_decided(self) -> bool:
        """Whether no property was left by every engine that was to decide it."""
        decided = {r.name for r in self.results if r.verdict is not Verdict.NOT_RUN}
        return {r.name for r in self.results} <= decided

    @property
    def broken(self) -> tuple[str, ...]:
        """The names of the properties that an engine saw fail."""
        return tuple(dict.fromkeys(r.name for r in self.results if r.verdict is Verdict.FAILS))

    @property
    def disputed(self) -> tuple[str, ...]:
        """The properties of which one engine says that they hold and another that they fail."""
        holds = {r.name for r in self.results if r.verdict is Verdict.HOLDS}
        return tuple(name for name in self.broken if name in holds)

    def write(self, folder: Path) -> None:
        """Write the counterexamples, a file for each broken property. Raises `OSError`."""
        for result in self.results:
            if result.replay is not None and result.name not in self.files:
                self.files[result.name] = str(counterexample.write(result.replay, folder))

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "verdict": self.verdict.value,
            "properties": [
                r.to_json(self.files.get(r.name) if r.verdict is Verdict.FAILS else None)
                for r in self.results
            ],
        }


SILENT = Listener()


def verify(
    engines: Sequence[ProofEngine] = (),
    admit: frozenset[Relaxation] = NONE,
    scope: Scope = DEFAULT,
    listener: Listener = SILENT,
    options: Mapping[str, Any] | None = None,
) -> Verification:
    """Check every property with each engine; none named means all that are installed.

    ``options`` are given to the explorer's
    ``check`` (`spec.proofs.explore.check`).
    """
    found, began = Verification(asked=tuple(engines)), time.monotonic()
    with _running(tuple(engines) or tuple(ProofEngine), scope, admit, options or {}) as running:
        while running:
            came = wait(list(running), TICK)
            if not came:
                listener.waits([engine for engine, _ in running.values()])
            for ready in came:
                assert isinstance(ready, Connection)
                engine, process = running[ready]
                message = _message(ready, process)
                if isinstance(message, Checked):
                    result = _with_replay(message, admit)
                    found.results.append(result)
                    listener.result(result)
                    continue
                del running[ready]
                found.took[engine] = time.monotonic() - began
                if isinstance(message, int):
                    found.died[engine] = f"it ended with status {message}"
                elif message is not None:
                    found.absent[engine] = message
                listener.ended(engine, found)
    return found


def _message(pipe: Connection, process: BaseProcess) -> Checked | str | int | None:
    """What an engine has sent: a result; why it cannot run; None at its end.

    Where it has ended without a word, the exit status.
    """
    try:
        message: Checked | str | None = pipe.recv()
    except EOFError:
        process.join()
        return process.exitcode
    return message


def _with_replay(result: Checked, admit: frozenset[Relaxation]) -> Checked:
    """A failure with a run that shows it on a real server, where a relaxation is the reason."""
    p = BY_NAME.get(result.name)
    if result.verdict is not Verdict.FAILS or p is None or p.modality is Modality.SOMETIMES:
        return result
    return replace(result, replay=counterexample.build(p.name, admit))


_Running = dict[Connection, tuple[ProofEngine, BaseProcess]]


@contextmanager
def _running(
    engines: Sequence[ProofEngine],
    scope: Scope,
    admit: frozenset[Relaxation],
    options: Mapping[str, Any],
) -> Iterator[_Running]:
    """The engines' processes, by the pipe that each reports on; all are gone afterwards."""
    context = multiprocessing.get_context("fork")
    running: _Running = {}
    started: list[BaseProcess] = []
    lifeline, held = context.Pipe(duplex=False)
    try:
        for engine in engines:
            ours, theirs = context.Pipe(duplex=False)
            more = dict(options) if engine is ProofEngine.EXPLORE else {}
            arguments = (engine, scope, admit, more, theirs, lifeline, held)
            process: BaseProcess = context.Process(target=_work, args=arguments, daemon=False)
            started.append(process)  # before it starts: an interrupt may come right behind
            process.start()
            theirs.close()
            running[ours] = (engine, process)
        yield running
    finally:
        try:
            for process in started:
                _end(process)
        finally:
            held.close()
            lifeline.close()


def _end(process: BaseProcess) -> None:
    """Let the engine clean up, if it does so in time; then end it and whatever it has started."""
    if process.pid is None:  # not started any more; or it is, unnoticed: then its lifeline ends it
        return
    if process.is_alive():
        process.terminate()
        process.join(PATIENCE)
    if process.is_alive():
        with suppress(ProcessLookupError):  # it has just ended, or is no group leader yet
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
    process.join()


def _stop(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


def _end_with(lifeline: Connection) -> None:
    """In the engine's process: end it, and what it has started, when the lifeline is cut."""
    wait([lifeline])
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(PATIENCE)  # the main thread is cleaning up, and ends this one with it
    os.killpg(os.getpid(), signal.SIGKILL)


def _work(
    engine: ProofEngine,
    scope: Scope,
    admit: frozenset[Relaxation],
    options: Mapping[str, Any],
    pipe: Connection,
    lifeline: Connection,
    held: Connection,
) -> None:
    """One engine, in its own process: send each result, then None, or why it cannot run."""
    os.setpgrp()
    signal.signal(signal.SIGTERM, _stop)  # an exception, so that what was made is removed
    held.close()  # the caller's end: while anybody has it open, the lifeline holds
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    try:
        for result in import_module(MODULES[engine]).check(scope, admit, **options):
            pipe.send(result)
    except NotInstalled as error:
        pipe.send(str(error))
    else:
        pipe.send(None)
    finally:
        pipe.close()
