"""What `orthanc-jobs learn` does: opens the server, learns, compares, and tells the difference."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import graphviz
from rich.text import Text

from conformance.automata.difference import Difference, by_state, counts, difference, lines, said
from conformance.automata.drawing import dot
from conformance.automata.machine import states_only
from conformance.campaign import ledger as ledgers
from conformance.campaign.ledger import Ledger
from conformance.driver.driver import Driver
from conformance.driver.spares import put_aside
from conformance.errors import (
    BadArgument,
    CannotWrite,
    Interrupted,
    KitError,
    NoServer,
    ServerDied,
    Unjudged,
)
from conformance.events import Cleanup
from conformance.files import write_text
from conformance.interrupts import interruptible, uninterrupted
from conformance.learn.learning import (
    EXTRA,
    PLANT,
    Learned,
    Server,
    Unlearned,
    check_installed,
    learn,
)
from conformance.reports import writable
from conformance.reports.terminal import Terminal
from conformance.session.probe import probe
from conformance.session.session import Session, opened
from conformance.suites import suites
from conformance.suites.case import QUICK_TO_STOP
from conformance.suites.needs import EXCLUSIVE
from conformance.sut.target import Choice
from conformance.text import counted, fit, hidden, shown
from spec.engine import Config
from spec.relaxations import Relaxation

SCHEMA = 1
LONGEST = 600.0  # seconds, unless the command says otherwise
CONFIG: Mapping[str, Any] = MappingProxyType({"ConcurrentJobs": 1, **QUICK_TO_STOP})


@dataclass(frozen=True, slots=True)
class Wish:
    """What to learn, and where to put it. ``ledger``: None for the one that the kit ships.

    ``picture``: the SVG; its DOT is written beside it. ``seconds``: for all words together.
    """

    choice: Choice
    ledger: Path | None = None
    no_ledger: bool = False
    extra: int = EXTRA
    seconds: float = LONGEST
    picture: Path = Path("learned.svg")
    report: Path | None = None


def infer(wish: Wish) -> tuple[int, str | None]:
    """Learn, tell and write. The exit status - 0 equal or accepted, 1 different, 2 unknown -, and
    why a file could not be written, if one could not.

    Raises `KitError` where it could not begin or go on.
    """
    check_installed()
    if wish.choice.address is not None and not wish.choice.exclusive:
        raise BadArgument(f"learn {EXCLUSIVE.why}: it holds every worker of the server")
    writable([wish.picture, wish.picture.with_suffix(".dot")])
    writable([] if wish.report is None else [wish.report])
    telling = _Telling(wish)
    try:
        with interruptible() as interrupt, opened(wish.choice, CONFIG) as session:
            telling.name = f"{session.target.name} {session.target.version}"
            telling.report["target"]["version"] = session.target.version
            try:
                probe(session)
                telling.status = _learn(wish, session, telling)
            finally:
                with uninterrupted():
                    for line in _left(session.clean(interrupt.came)):
                        telling.say(line)
    except Interrupted:
        telling.report["interrupted"] = True
        telling.ends("interrupted")
    except KitError as error:
        telling.report["reason"] = str(error)
        raise
    except (Unjudged, ServerDied) as error:  # outside of any word
        telling.report["reason"] = f"it cannot go on: {error}"
        raise NoServer(telling.report["reason"]) from error
    finally:
        telling.write()
    telling.say(telling.last)
    return telling.status, telling.failed


class _Telling:
    """What is said and written, whatever ends it: none of it holds what lets us in."""

    def __init__(self, wish: Wish) -> None:
        address = wish.choice.address
        self.wish = wish
        self.console = Terminal()
        self.secrets = () if address is None else address.secrets
        self.name = wish.choice.name
        self.status = 2
        self.last = ""
        self.failed: str | None = None
        self.report: dict[str, Any] = {
            "schema": SCHEMA,
            "target": {"name": wish.choice.name, "version": ""},
            "verdict": "unknown",
            "interrupted": False,
            "reason": None,
        }

    def say(self, line: str) -> None:
        self.console.say(shown(line, self.secrets))

    def ends(self, reason: str) -> int:
        """There is no result, and why; the exit status."""
        self.report["reason"] = reason
        self.last = f"unknown {self.name}: {reason}"
        return 2

    def write(self) -> None:
        """The JSON, if it was asked for."""
        if self.wish.report is not None:
            text = json.dumps(fit(self.report, self.secrets), indent=2) + "\n"
            self.save(self.wish.report, text, "the report")

    def save(self, path: Path, text: str, what: str) -> None:
        """Write a file. What was learned is told also where that fails."""
        try:
            write_text(path, text, what)
        except CannotWrite as error:
            self.failed = self.failed or str(error)


def _left(done: Cleanup) -> Iterator[str]:
    """What could not be removed, by its kind and the reason."""
    for kind, why in sorted({(one.kind, one.why) for one in done.left}):
        ids = [one.id for one in done.left if (one.kind, one.why) == (kind, why)]
        yield f"left on the server, {why}:"
        yield from (f"  {kind} {id}" for id in ids)


def _learn(wish: Wish, session: Session, telling: _Telling) -> int:
    """Learn, and tell of it; the exit status."""
    began = time.monotonic()
    known = [case.id for case in suites(session.profile)]
    ledger = ledgers.chosen(wish.ledger, wish.no_ledger, session.system, known)
    workers = session.profile.workers or 1
    server = Server(PLANT, workers, _Executor(session), began + wish.seconds)
    name = telling.name
    try:
        with telling.console.status(Text(f"learning {name}")):
            learned = learn(server, wish.extra)
    except (Unlearned, Unjudged) as reason:
        status = telling.ends(session.gate.hidden(str(reason)))
    except ServerDied as died:
        telling.report |= {"verdict": "different", "reason": f"{died}\n{died.log}"}
        status, telling.last = 1, f"different {name}: {died}"
    else:
        found = difference(learned.machine)
        for line in lines(found):
            telling.say(line)
        _draw(wish.picture, found, telling)
        status, verdict = verdict_on(found, ledger)
        telling.report |= {"verdict": verdict} | _told(found, learned)
        telling.last = f"{verdict} {name}: {_words(found, learned)}"
    seconds = time.monotonic() - began
    telling.report |= {
        "queries": server.queries,
        "inputs": server.inputs,
        "seconds": round(seconds, 3),
    }
    telling.last += f"; {server.queries} words, {server.inputs} inputs in {seconds:.1f} s"
    return status


@dataclass(frozen=True)
class _Executor:
    """Runs the words of the learner. Implements `conformance.search.executor.Executor`."""

    session: Session

    def open(self, patience: int = 1) -> Driver:
        """A driver whose oracle admits what may become a difference: it says what to wait for."""
        profile = self.session.profile
        config = Config(profile.workers, profile.history, relaxations=frozenset(Relaxation))
        return self.session.driver(config, "learn", patience=patience)

    def close(self, driver: Driver, failed: bool) -> None:
        """Raises `Unjudged` where the jobs of a word that failed do not end."""
        if failed:
            driver.abandon()
        put_aside(driver)


def verdict_on(found: Difference, ledger: Ledger) -> tuple[int, str]:
    """The exit status and the word for it: what the ledger accepts by name is no failure."""
    names = found.relaxations
    if names is None:
        return 1, "different"
    if not names:
        return 0, "equal"
    return (0, "accepted") if names <= ledger.accepted else (1, "different")


def _words(found: Difference, learned: Learned) -> str:
    return (
        f"{counts(found)}; confirmed for up to {counted(learned.extra, 'state')} more"
        f" by the {learned.words} sequences of the HSI method"
    )


def _told(found: Difference, learned: Learned) -> dict[str, Any]:
    plant = found.server.plant
    return {
        "states": len(found.server),
        "specified": len(found.specification),
        "states_by_state": len(states_only(found.server)),
        "specified_by_state": len(states_only(found.specification)),
        "confirmed": {"method": "HSI", "extra_states": learned.extra, "sequences": learned.words},
        "differences": [
            {
                "word": [plant.say(one) for one in change.word],
                "expected": said(change.expected),
                "actual": said(change.actual),
                "relaxations": None if names is None else sorted(names),
            }
            for change in (*found.changes, *found.behind)
            for names in (change.relaxations,)
        ],
        "missing": len(found.missing),
        "extra": len(found.extra),
    }


def _draw(path: Path, found: Difference, telling: _Telling) -> None:
    """The picture, and its DOT beside it; without Graphviz the DOT alone."""
    drawn = by_state(found)
    how = "" if drawn is found else ", by State alone"
    text = hidden(dot(drawn, f"{telling.name} and the specification{how}"), telling.secrets)
    source = path.with_suffix(".dot")
    telling.save(source, text, "the picture's text")
    try:
        picture = graphviz.Source(text).pipe(format="svg", encoding="utf-8")
    except graphviz.ExecutableNotFound:
        telling.say(f"no picture, as the program 'dot' is not installed; its text is in {source}")
        return
    telling.save(path, picture, "the picture")
    telling.say(f"picture {path}{how}: {counts(drawn)}")
