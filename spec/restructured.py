"""The sentences of a page in reStructuredText, as the Orthanc Book is written, by its sections."""

from __future__ import annotations

import re
from collections.abc import Iterator

_ROLE = re.compile(r":[a-z]+:`([^`<]+?)\s*(?:<[^`>]*>)?`")
_LINK = re.compile(r"`([^`<]+?)\s*<[^`>]*>`_{1,2}")
_MARKS = re.compile(r"``|\*\*")
_END = re.compile(r"(?<!\.\.\.)(?<=[.:!]) +(?=[A-Z])")  # not behind an ellipsis
_STATE = re.compile(r"^([A-Z][a-z]+): (?=[A-Z])")  # a name and what it means are one sentence


def sentences(page: str) -> Iterator[tuple[str, str]]:
    """The sentences, each as (title of its section, text), without the examples."""
    section = ""
    for block in _blocks(page):
        lines = block.split("\n")
        if len(lines) == 2 and re.fullmatch(r"[-=^~]+", lines[1]):
            section = lines[0]
            continue
        if lines[0].startswith((" ", "..")):
            continue
        for item in re.split(r"^[*] ", block, flags=re.MULTILINE):
            text = " ".join(_plain(item).split()).rstrip(":").strip()
            for one in _END.split(_STATE.sub(r"\1:\n", text)):
                if one.strip():
                    yield section, one.replace("\n", " ").strip()


def _blocks(page: str) -> Iterator[str]:
    """The paragraphs: what stands between empty lines."""
    for block in re.split(r"\n\s*\n", page):
        if block.strip():
            yield block.strip("\n")


def _plain(text: str) -> str:
    """``text`` without what only a page needs."""
    return _MARKS.sub("", _LINK.sub(r"\1", _ROLE.sub(r"\1", text)))
