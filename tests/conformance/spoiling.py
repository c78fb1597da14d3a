"""Spoils what a server answers, one field of one answer at a time, where the kit reads it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from conformance.driver.context import Context
from conformance.driver.driver import Driver
from conformance.driver.ending import remove_jobs
from conformance.driver.following import Deviated
from conformance.driver.spares import put_aside
from conformance.errors import Unjudged
from conformance.oracle.oracle import Finding
from conformance.session.session import Session
from conformance.suites.case import Case, Check, Script
from conformance.sut.client import Client
from conformance.sut.reply import Reply
from spec.engine import Config

Where = tuple[str | int, ...]  # the way to a field within the JSON of an answer
MISSING = object()
DEEP: Any = []
for _ in range(400):
    DEEP = [DEEP]
SPOILS: dict[str, Any] = {
    "missing": MISSING,
    "null": None,
    "number": 7,
    "text": "text",
    "list": [1],
    "object": {"x": 1},
    "huge number": 10**400,
    "huge text": "x" * 100_000,
    "deep list": DEEP,
}


@dataclass(frozen=True)
class Spoil:
    """Of the answers of one kind the ``number``-th (from 0), and in it one field."""

    kind: str
    number: int
    where: Where
    value: str

    def __str__(self) -> str:
        path = "".join(f"[{one!r}]" for one in self.where)
        return f"answer {self.number} to {self.kind}{path}: {self.value}"


def kind_of(method: str, path: str) -> str:
    """What a request asks for, whatever it is about."""
    path, _, query = path.partition("?")
    parts = path.strip("/").split("/")
    shown = [one if not any(char.isdigit() for char in one) else "*" for one in parts]
    return f"{method} /{'/'.join(shown)}{'?' if query else ''}"


def fields_of(found: Any, deep: int = 2) -> Iterator[Where]:
    """The whole of an answer, and what is in it."""
    yield ()
    inner: Any = ()
    if isinstance(found, dict):
        inner = found.items()
    elif isinstance(found, list):
        inner = enumerate(found[:1])
    for key, value in inner if deep else ():
        yield from ((key, *rest) for rest in fields_of(value, deep - 1))


def spoilt(found: Any, where: Where, value: str) -> Any:
    """The answer with one field spoilt; itself where it has no such field."""
    made = SPOILS[value]
    if not where:
        return None if made is MISSING else made
    found = deepcopy(found)
    inner = found
    try:
        for key in where[:-1]:
            inner = inner[key]
        if made is MISSING:
            del inner[where[-1]]
        else:
            inner[where[-1]] = made
    except (KeyError, IndexError, TypeError):
        pass
    return found


def plan(seen: Mapping[str, Sequence[Any]]) -> list[Spoil]:
    """Every way to spoil the first and the last answer of each kind."""
    return [
        Spoil(kind, number, where, value)
        for kind, answers in seen.items()
        for number in sorted({0, len(answers) - 1})
        for where in fields_of(answers[number])
        for value in SPOILS
    ]


@dataclass
class Spoiler:
    """Between the clients and the server. ``seen``: the answers so far, by kind."""

    spoil: Spoil | None = None
    done: bool = False  # the answer has come, and was spoilt
    seen: dict[str, list[Any]] = field(default_factory=dict)

    def begin(self, spoil: Spoil | None) -> None:
        self.spoil, self.done = spoil, False
        self.seen.clear()

    def answer(self, method: str, path: str, reply: Reply) -> Reply:
        kind, found = kind_of(method, path), reply.json()
        told = self.seen.setdefault(kind, [])
        told.append(found)
        spoil = self.spoil
        if spoil is None or spoil.kind != kind or len(told) - 1 != spoil.number:
            return reply
        made = spoilt(found, spoil.where, spoil.value)
        self.done = made != found or spoil.where == ()
        if not spoil.where and spoil.value == "missing":
            return replace(reply, body=b"")
        return replace(reply, body=json.dumps(made).encode())


@contextmanager
def spoiling(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spoiler]:
    """Every client of the kit goes through the `Spoiler`."""
    spoiler = Spoiler()

    def wrap(name: str, method: str) -> None:
        plain: Callable[..., Reply] = getattr(Client, name)

        def wrapped(self: Client, path: str, *body: Any) -> Reply:
            return spoiler.answer(method, path, plain(self, path, *body))

        monkeypatch.setattr(Client, name, wrapped)

    for name in ("get", "post", "put", "delete"):
        wrap(name, name.upper())
    whole = Client.request

    def request(self: Client, method: str, path: str, body: Any = None) -> Reply:
        reply = whole(self, method, path, body)
        return reply if method == "GET" else spoiler.answer(method, path, reply)

    monkeypatch.setattr(Client, "request", request)
    yield spoiler


@dataclass(frozen=True)
class Came:
    """What a case has come to: pass, deviation or unknown, and for what ``reason``."""

    verdict: str
    findings: tuple[Finding, ...]
    reason: str


def attempt(session: Session, case: Case, patience: int = 1) -> Came:
    """Run a case once, as a campaign does, which is more patient with what did not come."""
    profile = session.profile
    config = Config(workers=profile.workers, history=profile.history)
    driver = Driver(
        case.id, session.resources, config, patience * session.deadline, check=session.check
    )
    context = Context(driver, profile, session.system.version)
    reason = ""
    try:
        try:
            if isinstance(case, Check):
                case.check(context)
            elif isinstance(case, Script):
                for step in case.steps:
                    driver.perform(step)
            driver.finish()
        except Deviated:
            driver.abandon()
        except Unjudged as unjudged:
            reason = str(unjudged)
            driver.abandon()
        context.close()
    except Unjudged as unjudged:
        reason = reason or str(unjudged)
    put_aside(driver)
    remove_jobs(session.resources, [job.id for job in driver.jobs.values()])
    verdict = "deviation" if driver.findings else "unknown" if reason else "pass"
    return Came(verdict, tuple(driver.findings), reason)
