"""Text that the kit did not write itself, made fit to be shown. There is no second way.

A server, a trace or a report may hold anything: escapes that take over a terminal, a newline that
fakes a line, half of a surrogate pair that no file can hold, our own password. What is shown of it
is one line in characters that every output can show, with everything else as Python writes it in a
literal: ``\\x1b`` for the escape character.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from typing import Any

LONGEST = 4000  # characters of one text; what the kit writes of ordinary answers is far below
CUT = "..."  # ends what was cut
HIDDEN = "***"
LINES = ("reason",)  # fields that may have several lines, such as the end of a log
LEAST = 4  # characters of a secret that was cut which are still hidden


def shown(text: str, secrets: Iterable[str] = ()) -> str:
    """``text`` in one line that can be shown anywhere, without any of the ``secrets``."""
    text = hidden(text, secrets)
    if not text.isprintable():
        text = "".join(map(_shown, text))
    return clipped(text, LONGEST)


def one_line(text: str) -> str:
    """A text that has lines and indents, such as JSON for people, as one line that can be shown."""
    return shown(" ".join(text.split()))


def shown_lines(text: str, secrets: Iterable[str] = ()) -> str:
    """The same for a text that has lines of its own, such as the end of a log."""
    return "\n".join(shown(line, secrets) for line in text.split("\n"))


def counted(number: int, thing: str) -> str:
    """How many there are of a thing, in words: ``1 case``, ``2 cases``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def fit(value: Any, secrets: tuple[str, ...] = (), lines: bool = False) -> Any:
    """``value`` with every text within it as `shown` makes it; what is no plain text stays."""
    if type(value) is str:  # and no StrEnum, which is of the kit
        return (shown_lines if lines else shown)(value, secrets)
    if isinstance(value, tuple | list):
        return type(value)(fit(one, secrets) for one in value)
    if isinstance(value, dict):
        return {key: fit(one, secrets, key in LINES) for key, one in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        names = [one.name for one in fields(value) if one.init]
        made = {name: fit(getattr(value, name), secrets, name in LINES) for name in names}
        return replace(value, **made)
    return value


def _shown(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode("ascii")


def clipped(text: str, longest: int) -> str:
    """``text``, or what of it leaves room for the sign that it was cut."""
    return text if len(text) <= longest else text[: longest - len(CUT)] + CUT


def hidden(text: str, secrets: Iterable[str]) -> str:
    """``text`` without the secrets, also as they stand in a literal or where they were cut off."""
    for secret in filter(None, secrets):
        for form in {secret, repr(secret)[1:-1], json.dumps(secret)[1:-1]}:
            text = text.replace(form, HIDDEN)
            for length in range(len(form) - 1, LEAST - 1, -1):
                text = text.replace(form[:length] + CUT, HIDDEN + CUT)
    return text


def in_url(host: str) -> str:
    """A host as it stands in a URL: an address of IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host
