"""What a script says of the call that decides: whether its answer is the recorded one again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from conformance.talk import Said, content_in, flat, values

RANGE = re.compile(r"([A-Z]\w+) (-?[\d.]+) to (-?[\d.]+)")
NUMBER = re.compile(r"[A-Z]\w+ (-?[\d.]+)")


def judgement(decider: Said, expected: Sequence[str], actual: str) -> Iterator[str]:
    """The last lines of a script: ``got`` is the answer; return whether it is so again, and it.

    What can be told by a status, a number or the names of fields is. All else is for who runs the
    script to compare: None.
    """
    if status := re.match(r"(?:[A-Z]+ \S+: )?HTTP (\d+)", actual):
        yield f'return got[0] == {status[1]}, f"HTTP {{got[0]}}"'
        return
    found = decider.json()
    told = values(actual)
    shown = flat(found) if isinstance(found, dict) else {}
    bounds = next((match for one in expected if (match := RANGE.match(one))), None)
    number = NUMBER.match(actual)
    if bounds and number and bounds[1] in shown:
        low, high = float(bounds[2]), float(bounds[3])
        yield f'value = float(got[1].get("{bounds[1]}", {low}))'
        yield f"outside = max({low} - value, value - {high})"
        yield f'return abs(value - {number[1]}) < outside, f"{bounds[1]} {{value}}"'
    elif told and told.items() <= shown.items():
        yield f"wanted = {json.dumps(told)}"
        yield "found = got[1] if isinstance(got[1], dict) else {}"
        yield "seen = {key: str(found.get(key)) for key in wanted}"
        yield 'return seen == wanted, ", ".join(f"{key} {value}" for key, value in seen.items())'
    elif content_in(actual) is not None and isinstance(found, dict):
        yield 'content = got[1].get("Content") if isinstance(got[1], dict) else None'
        names = sorted(found["Content"])
        yield f"same = isinstance(content, dict) and sorted(content) == {json.dumps(names)}"
        yield 'return same, f"Content {json.dumps(content)}"'
    else:
        yield 'return None, f"HTTP {got[0]} {json.dumps(got[1])}"'
