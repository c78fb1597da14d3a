"""JSON as Orthanc reads it: with comments, and with a comma after the last value."""

from __future__ import annotations

import json
import re

_COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_LAST_COMMA = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[\]}])', re.DOTALL)


def parse(text: str | bytes) -> object:
    """The value of `text`. Raises `ValueError` for what is no JSON, `RecursionError` for a maze."""
    try:
        value: object = json.loads(text)
    except ValueError:
        text = text if isinstance(text, str) else text.decode("utf-8")
        value = json.loads(_without(_LAST_COMMA, _without(_COMMENT, text)))
    return value


def _without(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: match[1] or " ", text)
