"""The call that decided a verdict, as it went over the wire, and the line that sends it again."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from conformance.events import Result, Target
from conformance.talk import BINARY, Said, deciding
from conformance.text import clipped

SHOWN = 1000  # characters of a body


@dataclass(frozen=True, slots=True)
class Call:
    """``asked``: method, path and body; ``answered``: status and body; ``curl``: a shell's line,
    None where nobody can send it again: the server was the kit's own, and is gone with its jobs.
    """

    asked: str
    answered: str
    curl: str | None


def call_of(result: Result, target: Target) -> Call | None:
    """The call whose answer was found wrong, where the result has one."""
    said = deciding(result.talk, result.actual or "")
    if said is None:
        return None
    sent = "" if said.sent.startswith(BINARY) else clipped(said.sent, SHOWN)
    status = f"HTTP {said.status}" if said.status else "no answer"
    return Call(
        f"{said.method} {said.path} {sent}".strip(),
        f"{status} {clipped(said.got, SHOWN)}".strip(),
        _curl(said, target.name, target.options) if target.kind == "url" else None,
    )


def _curl(said: Said, url: str, options: Sequence[str]) -> str:
    words = ["curl", "-i"]
    if said.method != "GET":
        words += ["-X", said.method]
    if said.sent.startswith(BINARY):
        words += ["--data-binary", "@FILE"]
    elif said.method in ("POST", "PUT"):
        words += ["-d", said.sent]
    return " ".join([shlex.join(words), *_let_in(options), shlex.quote(url + said.path)])


def _let_in(options: Iterable[str]) -> list[str]:
    """What lets one in, in the words of curl; of a password only the variable that holds it."""
    given = dict(zip(options, [*options][1:], strict=False))
    words = [f"--cacert {shlex.quote(given['--ca-cert'])}"] if "--ca-cert" in given else []
    if "--client-cert" in given:
        words.append(f"--cert {shlex.quote(given['--client-cert'])}")
    if "--insecure" in options:
        words.append("-k")
    if "--user" in given:
        variable = given.get("--password-env")
        words.append(f"-u {shlex.quote(given['--user'])}{f':${variable}' if variable else ''}")
    return words
