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
from rich.console import Console

from conformance.automata.automaton import states_only
from conformance.automata.difference import Difference, by_state, difference, dot, lines, said
from conformance.campaign import ledger as ledgers
from conformance.campaign.ledger import Ledger
from conformance.driver.driver import Driver
from conformance.errors import BadArgument, ServerDied, Unjudged
from conformance.events import Cleanup
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
from conformance.session.session import Choice, Session, opened, probe
from conformance.suites import suites
from conformance.suites.case import NEEDS_EXCLUSIVE, QUICK_TO_STOP
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


def infer(wish: Wish) -> int:
    """Learn, tell and write. The exit status: 0 equal or accepted, 1 different, 2 unknown.

    Raises `KitError` where it could not begin.
    """
    check_installed()
    if wish.choice.address is not None and not wish.choice.exclusive:
        raise BadArgument(f"learn {NEEDS_EXCLUSIVE}: it holds every worker of the server")
    writable([wish.picture, wish.picture.with_suffix(".dot")])
    writable([] if wish.report is None else [wish.report])
    console = Console()
    last = "interrupted"
    with interruptible(), opened(wish.choice, CONFIG) as session:
        try:
            status, last = _learn(wish, probe(session), console)
        finally:
            with uninterrupted():
                for line in _left(session.clean()):
                    _say(console, line)
                _say(console, last)
    return status


def _left(done: Cleanup) -> Iterator[str]:
    """What could not be removed, by its kind and the reason."""
    for kind, why in sorted({(one.kind, one.why) for one in done.left}):
        ids = [one.id for one in done.left if (one.kind, one.why) == (kind, why)]
        yield f"left on the server, {why}:"
        yield from (f"  {kind} {id}" for id in ids)


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def _learn(wish: Wish, session: Session, console: Console) -> tuple[int, str]:
    profile, began = session.profile, time.monotonic()
    known = [case.id for case in suites(profile)]
    ledger = Ledger()
    if wish.ledger is not None:
        ledger = ledgers.load(wish.ledger, known, session.system.version)
    elif not wish.no_ledger:
        ledger = ledgers.shipped(session.system, known)
    server = Server(
        PLANT,
        profile.workers or 1,
        lambda patience: _driver(session, patience),
        Driver.put_aside,
        began + wish.seconds,
    )
    name = f"{session.target.name} {session.target.version}"
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "target": {"name": session.target.name, "version": session.target.version},
        "verdict": "unknown",
        "reason": None,
    }
    try:
        with console.status(f"learning {name}"):
            learned = learn(server, wish.extra)
    except (Unlearned, Unjudged) as reason:
        report["reason"] = session.gate.hidden(str(reason))
        status, last = 2, f"unknown {name}: {report['reason']}"
    except ServerDied as died:
        report |= {"verdict": "different", "reason": f"{died}\n{died.log}"}
        status, last = 1, f"different {name}: {died}"
    else:
        found = difference(learned.machine)
        for line in lines(found):
            _say(console, line)
        _draw(wish.picture, found, name, console)
        status, verdict = _verdict(found, ledger)
        report |= {"verdict": verdict} | _told(found, learned)
        last = f"{verdict} {name}: {_words(found, learned)}"
    spent = {
        "queries": server.queries,
        "inputs": server.inputs,
        "seconds": round(time.monotonic() - began, 3),
    }
    if wish.report is not None:
        wish.report.write_text(json.dumps(report | spent, indent=2) + "\n", encoding="utf-8")
    last += f"; {server.queries} words, {server.inputs} inputs in {spent['seconds']:.1f} s"
    return status, last


def _driver(session: Session, patience: int) -> Driver:
    """A driver whose oracle admits what may become a difference: it only says what to wait for."""
    profile, limit = session.profile, session.hold_limit
    config = Config(profile.workers, profile.history, relaxations=frozenset(Relaxation))
    deadline = session.deadline * patience
    return Driver(
        "",
        session.resources,
        config,
        deadline if limit is None else min(deadline, limit - 1),
        limit,
        session.check,
        session.server is not None,
    )


def _verdict(found: Difference, ledger: Ledger) -> tuple[int, str]:
    names = found.relaxations
    if names is None:
        return 1, "different"
    if not names:
        return 0, "equal"
    return (0, "accepted") if names <= ledger.accepted else (1, "different")


def _words(found: Difference, learned: Learned) -> str:
    by, of = len(states_only(found.server)), len(states_only(found.specification))
    return (
        f"{len(found.server)} states, {len(found.specification)} specified"
        f" ({by} and {of} by State alone), confirmed for up to {learned.extra} more"
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


def _draw(path: Path, found: Difference, name: str, console: Console) -> None:
    """The picture, and its DOT beside it; without Graphviz the DOT alone."""
    text = dot(by_state(found), f"{name} and the specification")
    source = path.with_suffix(".dot")
    source.write_text(text, encoding="utf-8")
    try:
        path.write_bytes(graphviz.Source(text).pipe(format="svg"))
    except graphviz.ExecutableNotFound:
        _say(console, f"no picture, as the program 'dot' is not installed; its text is in {source}")
        return
    _say(console, f"picture {path}")
