"""What a script says of the call that decides: whether its answer is the recorded one again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from conformance.talk import Said, flat, values

RANGE = re.compile(r"([A-Z]\w+) (-?[\d.]+) to (-?[\d.]+)")
NUMBER = re.compile(r"[A-Z]\w+ (-?[\d.]+)")


def judgement(decider: Said, expected: Sequence[str], actual: str) -> Iterator[str]:
    """The last lines of a script: ``got`` is the answer; return whether it is so again, and it.

    What can be told by a number or a field is; of all else it is told by status and the names of
    the fields, and who runs the script compares the rest.
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
    else:
        fields = sorted(found) if isinstance(found, dict) else []
        content = found.get("Content") if isinstance(found, dict) else None
        inner = sorted(content) if isinstance(content, dict) else []
        yield "found = got[1] if isinstance(got[1], dict) else {}"
        yield 'content = found.get("Content") if isinstance(found.get("Content"), dict) else {}'
        yield f"same = got[0] == {decider.status} and sorted(content) == {inner!r}"
        if not inner and fields:
            yield f"same = same and sorted(found) == {fields!r}"
        yield 'return same, f"HTTP {got[0]} {json.dumps(got[1])}  (compare it yourself)"'
