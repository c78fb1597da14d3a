"""The pictures: the published state machine and the whole action matrix, from the table.

Each picture exists as DOT (which is rendered to SVG) and as Mermaid (which GitHub renders in
a page). All three are committed under ``diagrams/``; `stale` tells which of them no longer say
what `spec.table` says. Nothing is told apart by colour alone: moves of the engine and actions
differ in line, arrowhead and label, cells of the matrix in border and words, and the coverage
of a run shows as marks and lines.

The text of DOT and Mermaid is a function of the table alone, so it can be compared byte for
byte. An SVG also depends on the fonts and the version of ``dot``; it carries the SHA-256 of its
DOT instead.

`looks` has the words and looks that both share, `dot` and `mermaid` write them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import graphviz

from spec import table
from spec.diagram.dot import matrix_dot, states_dot
from spec.diagram.looks import MATRIX, STATES, Coverage
from spec.diagram.mermaid import matrix_mermaid, states_mermaid

__all__ = [
    "MATRIX",
    "STATES",
    "Coverage",
    "DotMissing",
    "Picture",
    "UnknownCoverage",
    "pictures",
    "render",
    "stale",
    "write",
]

_KINDS = ("dot", "mmd", "svg")


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture, as the text of its two sources."""

    name: str
    dot: str
    mermaid: str

    @property
    def digest(self) -> str:
        """The SHA-256 of the DOT text, in hexadecimal."""
        return sha256(self.dot.encode()).hexdigest()


class UnknownCoverage(ValueError):
    """A coverage that names no edge or cell of the table, or no value of `Coverage`."""


class DotMissing(RuntimeError):
    """Graphviz, which renders the pictures, is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "the program `dot` is not installed: on Debian, `apt-get install graphviz`"
        )


def pictures(coverage: Mapping[str, str] | None = None) -> Mapping[str, Picture]:
    """Both pictures, by name.

    ``coverage`` maps ids of edges and cells to values of `Coverage`; ids of other sections are
    passed over, and what it does not name is drawn plainly. Raises `UnknownCoverage`.
    """
    seen = None if coverage is None else _checked(coverage)
    return {
        STATES: Picture(STATES, states_dot(seen), states_mermaid(seen)),
        MATRIX: Picture(MATRIX, matrix_dot(seen), matrix_mermaid(seen)),
    }


def write(directory: Path | str, coverage: Mapping[str, str] | None = None) -> list[Path]:
    """Writes both pictures as .dot, .mmd and .svg, and returns the paths. Raises `DotMissing`.

    Everything is rendered before anything is written.
    """
    folder = Path(directory)
    texts: dict[Path, str] = {}
    for picture in pictures(coverage).values():
        contents = (picture.dot, picture.mermaid, render(picture))
        for kind, text in zip(_KINDS, contents, strict=True):
            texts[folder / f"{picture.name}.{kind}"] = text
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8", newline="\n")
    return list(texts)


def stale(directory: Path | str) -> list[str]:
    """The names of the files in ``directory`` that are missing or not those of the table."""
    names = []
    for picture in pictures().values():
        found = {kind: _text(Path(directory) / f"{picture.name}.{kind}") for kind in _KINDS}
        fresh = {
            "dot": found["dot"] == picture.dot,
            "mmd": found["mmd"] == picture.mermaid,
            "svg": _digest(found["svg"]) == picture.digest,
        }
        names += [f"{picture.name}.{kind}" for kind in _KINDS if not fresh[kind]]
    return names


def render(picture: Picture) -> str:
    """``picture`` as SVG that carries the digest of its DOT. Raises `DotMissing`."""
    try:
        svg: str = graphviz.Source(picture.dot).pipe(format="svg", encoding="utf-8")
    except graphviz.ExecutableNotFound:
        raise DotMissing from None
    declaration, rest = svg.split("?>", 1)
    return f"{declaration}?>\n<!-- SHA-256 of the DOT: {picture.digest} -->{rest}"


def _digest(svg: str | None) -> str | None:
    """The digest that an SVG carries, or None."""
    found = re.match(r"<\?xml[^>]*\?>\n<!-- SHA-256 of the DOT: ([0-9a-f]{64}) -->\n", svg or "")
    return found[1] if found else None


def _text(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return None


def _checked(coverage: Mapping[str, str]) -> Mapping[str, Coverage]:
    known = {edge.id for edge in table.EDGES} | {
        table.cell_id(action, state) for state in table.MATRIX for action in table.ACTIONS
    }
    ours = {id: name for id, name in coverage.items() if id.startswith(("edge/", "action/"))}
    for id, name in ours.items():
        if id not in known:
            raise UnknownCoverage(f"the table has no {id!r}")
        if name not in set(Coverage):
            raise UnknownCoverage(f"{id}: {name!r} is none of {', '.join(Coverage)}")
    return {id: Coverage(name) for id, name in ours.items()}
