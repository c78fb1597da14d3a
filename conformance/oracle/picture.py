"""A history as a picture of intervals, in text: time goes to the right, a line is a call."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.oracle.history import LATER, Call, words

WIDTH = 32  # columns of the time


def draw(calls: Sequence[Call], names: Sequence[str] = ()) -> list[str]:
    """The lines of the picture, the earliest begin first, under a scale in milliseconds.

    What was seen afterwards is given in its order only, since nothing overlaps there.
    """
    ordered = sorted(calls, key=lambda call: (call.begin, call.end))
    together = [call for call in ordered if call.client != LATER]
    start = min((call.begin for call in together), default=0.0)
    end = max((call.end for call in together), default=0.0)
    span = max(end - start, 1e-9)
    client = max((len(call.client) for call in calls), default=0)
    texts = [words(call, names) for call in ordered]
    wide = max((len(text) for text in texts), default=0)
    scale = f"{'':{client}}  {'':{wide}}  0{f'{1000 * span:.1f} ms':>{WIDTH + 1}}"
    lines = [scale] if together else []
    for call, text in zip(ordered, texts, strict=True):
        bar = "" if call.client == LATER else _bar(call, start, span)
        lines.append(f"{call.client:{client}}  {text:{wide}}  {bar}".rstrip())
    return lines


def _bar(call: Call, start: float, span: float) -> str:
    left = min(WIDTH - 1, int((call.begin - start) / span * WIDTH))
    right = min(WIDTH - 1, int((call.end - start) / span * WIDTH))
    inner = "|" if left == right else f"[{'-' * (right - left - 1)}]"
    return f"|{' ' * left}{inner}{' ' * (WIDTH - 1 - right)}|"
