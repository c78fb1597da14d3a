"""The pictures: the published state machine and the whole action matrix, from the table.

Each picture exists as DOT (which is rendered to SVG) and as Mermaid (which GitHub renders in
a page). All three are committed under ``diagrams/``; `stale` tells which of them no longer say
what `spec.table` says. Nothing is told apart by colour alone: moves of the engine and actions
differ in line, arrowhead and label, cells of the matrix in border and words, and the coverage
of a run shows as marks and lines.

The text of DOT and Mermaid is a function of the table alone, so it can be compared byte for
byte. An SVG also depends on the fonts and the version of ``dot``; it carries the SHA-256 of its
DOT instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from html import escape
from pathlib import Path

import graphviz

from spec import table
from spec.table import Action, Cell, Edge, ErrorCode, Ground, Move, State, Trigger

STATES = "jobs-engine-states"
MATRIX = "action-matrix"
_KINDS = ("dot", "mmd", "svg")

_FIGURE_SOURCE = "Source: the JobsEngineStates figure of Orthanc 1.5.6"
_MATRIX_SOURCE = (
    "Source: documented, the JobsEngineStates figure of Orthanc 1.5.6; "
    "observed, Orthanc 1.9.1, 1.10.1, 1.12.7 and 1.13.0"
)
_RETRY_ROW = (
    f"{State.RETRY} is reached by no job type of a released Orthanc: its row was not measured, "
    "it is the figure's and the engine's"
)


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


class Coverage(StrEnum):
    """How a run stands to an edge or a cell."""

    COVERED = "covered"
    MISSING = "missing"
    UNREACHABLE = "unreachable"


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
        STATES: Picture(STATES, _states_dot(seen), _states_mermaid(seen)),
        MATRIX: Picture(MATRIX, _matrix_dot(seen), _matrix_mermaid(seen)),
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


# ------------------------------------------------------------------------- words and looks


@dataclass(frozen=True, slots=True)
class _Look:
    """How one kind of thing is drawn, in the attributes of DOT."""

    ink: str
    paper: str = "white"
    line: str = "solid"
    head: str = "normal"
    width: float = 1.3


_MOVE = _Look("#4a5568", line="dashed", head="vee")
_ACTION = _Look("#1a4a8a", head="normal", width=1.6)
_NODE = _Look("#1f2937", "#eef3fb")

_CELLS = {
    Cell.EDGE: _Look("#1a4a8a", "#dbe8fa"),
    Cell.ASK: _Look("#1a4a8a", "#eef3fb"),
    Cell.KEEP: _Look("#4a5568", "white"),
    Cell.REFUSE: _Look("#6b3a3a", "#f5eeee"),
}
_GROUND_LINE = {Ground.DOCUMENTED: "solid", Ground.OBSERVED: "dashed"}

_MARKS = {Coverage.COVERED: "\u2713", Coverage.MISSING: "\u2717", Coverage.UNREACHABLE: "\u2013"}
_INKS = {
    Coverage.COVERED: "#166534",
    Coverage.MISSING: "#b91c1c",
    Coverage.UNREACHABLE: "#6b7280",
}
_MEANS = {
    Coverage.COVERED: "covered: seen on the server (its own line)",
    Coverage.MISSING: "missing: not seen (thick line)",
    Coverage.UNREACHABLE: "unreachable from outside (dotted line)",
}

_FONT = "Helvetica,Arial,sans-serif"


def _verb(trigger: Trigger) -> str:
    """A trigger as the figure writes it: an action is a call, a move of the engine is a word."""
    return f"{trigger.capitalize()}()" if isinstance(trigger, Action) else str(trigger)


def _effect(state: State | str, action: Action) -> tuple[str, str]:
    """What a cell says, as its main words and a remark."""
    cell = table.cell(state, action)
    if cell is Cell.REFUSE:
        return f"{cell.status} refused", "no change" if isinstance(state, State) else "no such job"
    if cell is Cell.KEEP:
        return f"{cell.status} accepted", "no change"
    target = table.target(state, action) if isinstance(state, State) else None
    arrow = "\u21e2" if cell is Cell.ASK else "\u2192"
    remarks = []
    if action is Action.CANCEL:
        remarks.append(f"ErrorCode {ErrorCode.CANCELED_JOB:d}")
    if action is Action.RESUBMIT:
        remarks.append("from the first step")
    if cell is Cell.ASK:
        remarks.append("at a step boundary")
    return f"{cell.status} {arrow} {target}", ", ".join(remarks) or "at once"


# ------------------------------------------------------------------------------------- DOT


def _html(text: str, *, size: int = 11, ink: str = "#1f2937", tag: str = "") -> str:
    body = escape(text, quote=False)
    if tag:
        body = f"<{tag}>{body}</{tag}>"
    return f'<font point-size="{size}" color="{ink}">{body}</font>'


def _attributes(**values: str | float) -> str:
    """A list of DOT attributes; a value in angle brackets is HTML and goes unquoted."""
    return ", ".join(
        f"{name}={value}" if str(value).startswith("<") else f'{name}="{value}"'
        for name, value in values.items()
    )


def _dot(name: str, title: str, legend: str, body: Iterator[str]) -> str:
    """A DOT graph with its title above, ``body`` in the middle and ``legend`` below."""
    heading = f"<{_html(title, size=17, tag='b')}>"
    lines = [
        "// Made from spec/table.py by spec/diagram.py: change the table, not this file.",
        f'digraph "{name}" {{',
        f"  graph [{_attributes(rankdir='LR', bgcolor='white', pad=0.3, fontname=_FONT)}]",
        f"  graph [{_attributes(nodesep=0.5, ranksep=1.0, labelloc='b', label=legend)}]",
        f"  node [{_attributes(fontname=_FONT, fontsize=14, color=_NODE.ink)}]",
        f"  edge [{_attributes(fontname=_FONT, fontsize=11)}]",
        '  subgraph "cluster_picture" {',
        f"    graph [{_attributes(peripheries=0, labelloc='t', margin=14, label=heading)}]",
        *(f"    {line}" for line in body),
        "  }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _states_dot(seen: Mapping[str, Coverage] | None) -> str:
    title = "The states of a job in Orthanc's jobs engine"
    return _dot(STATES, title, _states_legend(seen is not None), _states_body(seen or {}))


def _states_body(seen: Mapping[str, Coverage]) -> Iterator[str]:
    point = _attributes(shape="point", width=0.2, color=_NODE.ink, fillcolor=_NODE.ink)
    yield f'"new" [{point}]'
    for state in State:
        borders = 2 if state in table.FINAL else 1
        looks = _attributes(
            shape="box", style="rounded,filled", fillcolor=_NODE.paper, height=0.55, width=1.15,
            peripheries=borders,
        )  # fmt: skip
        yield f'"{state}" [{looks}]'
    for edge in table.EDGES:
        yield f'"{edge.source or "new"}" -> "{edge.target}" [{_edge(edge, seen.get(edge.id))}]'


def _edge(edge: Edge, coverage: Coverage | None) -> str:
    look = _MOVE if isinstance(edge.trigger, Move) else _ACTION
    ink = look.ink if coverage is None else _INKS[coverage]
    line, width = look.line, look.width
    mark = "" if coverage is None else f"{_MARKS[coverage]} "
    if coverage is Coverage.MISSING:
        width = 3.2
    if coverage is Coverage.UNREACHABLE:
        line = "dotted"
    tag = "i" if isinstance(edge.trigger, Move) else "b"
    words = _html(f"{mark}{_verb(edge.trigger)}", ink=ink, tag=tag)
    label = (
        '<<table border="0" cellborder="0" cellspacing="0" cellpadding="4">'
        f"<tr><td>{words}</td></tr></table>>"
    )
    return _attributes(
        label=label, color=ink, style=line, arrowhead=look.head, penwidth=width, id=edge.id
    )


def _sample(look: _Look) -> str:
    """A piece of line with its arrowhead, for the legend."""
    head = {"vee": "\u276f", "normal": "\u25b6"}[look.head]
    line = f'border="2" sides="b" style="{look.line}" color="{look.ink}"'
    return (
        '<table border="0" cellborder="0" cellspacing="0" cellpadding="0">'
        f'<tr><td width="58" height="8" {line}></td>'
        f'<td rowspan="2">{_html(head, size=10, ink=look.ink)}</td></tr>'
        '<tr><td width="58" height="8"></td></tr></table>'
    )


def _legend(rows: list[tuple[str, str]], *remarks: str) -> str:
    """An HTML label of pairs (sample, meaning), two pairs to a row, and the ``remarks``."""
    cells = [
        f'<td align="center">{sample}</td><td align="left">{_html(text)}</td>'
        for sample, text in rows
    ]
    if len(cells) % 2:
        cells.append("<td></td><td></td>")
    lines = [f"<tr>{left}{right}</tr>" for left, right in zip(cells[::2], cells[1::2], strict=True)]
    lines += [
        f'<tr><td colspan="4" align="left">{_html(remark, ink="#4a5568")}</td></tr>'
        for remark in remarks
    ]
    return (
        '<<table border="1" color="#cbd5e1" cellborder="0" cellspacing="4" cellpadding="2">'
        f"{''.join(lines)}</table>>"
    )


def _coverage_rows() -> list[tuple[str, str]]:
    return [
        (_html(_MARKS[coverage], size=14, ink=_INKS[coverage], tag="b"), _MEANS[coverage])
        for coverage in Coverage
    ]


def _states_legend(covered: bool) -> str:
    inner = '<table border="1" cellborder="0" cellspacing="0" cellpadding="2" style="rounded">'
    double = (
        '<table border="1" cellborder="0" cellspacing="1" cellpadding="0" style="rounded"><tr><td>'
        f"{inner}<tr><td>{_html('state')}</td></tr></table></td></tr></table>"
    )
    rows = [
        (_sample(_MOVE), "move of the engine, by itself: word in italics"),
        (_html("\u25cf", size=15), "a new job"),
        (_sample(_ACTION), "action of a client, POST /jobs/{id}/\u2026: Call()"),
        (double, "final state: the job is completed"),
    ]
    return _legend(rows + (_coverage_rows() if covered else []), _FIGURE_SOURCE)


def _matrix_dot(seen: Mapping[str, Coverage] | None) -> str:
    title = "What each action does to a job in each state"
    return _dot(MATRIX, title, _matrix_legend(seen is not None), _matrix_body(seen or {}))


def _matrix_body(seen: Mapping[str, Coverage]) -> Iterator[str]:
    heads = "".join(
        f'<td border="0">{_html(_verb(action), size=14, tag="b")}<br/>'
        f"{_html(f'POST /jobs/{{id}}/{action}', size=9, ink='#4a5568')}</td>"
        for action in table.ACTIONS
    )
    rows = [f'<tr><td border="0"></td>{heads}</tr>']
    for state in table.MATRIX:
        cells = "".join(
            _cell(state, action, seen.get(table.cell_id(action, state))) for action in table.ACTIONS
        )
        rows.append(f"<tr>{_row_head(state)}{cells}</tr>")
    grid = f'<<table border="0" cellborder="1" cellspacing="6" cellpadding="6">{"".join(rows)}'
    yield f'"matrix" [{_attributes(shape="plain", label=grid + "</table>>")}]'


def _row_head(state: State | str) -> str:
    if not isinstance(state, State):
        return f'<td border="0" align="right">{_html("(no such job)", size=13, tag="i")}</td>'
    words = _html(state, size=14, tag="b")
    if state in table.FINAL:
        words += f"<br/>{_html('final', size=9, ink='#4a5568')}"
    return f'<td border="0" align="right">{words}</td>'


def _cell(state: State | str, action: Action, coverage: Coverage | None) -> str:
    cell = table.cell(state, action)
    look = _CELLS[cell]
    words, remark = _effect(state, action)
    ink = look.ink if coverage is None else _INKS[coverage]
    mark = "" if coverage is None else f"{_MARKS[coverage]} "
    line = "dotted" if coverage is Coverage.UNREACHABLE else _GROUND_LINE[cell.ground]
    border = 3 if coverage is Coverage.MISSING else 1
    return (
        f'<td width="150" bgcolor="{look.paper}" color="{ink}" border="{border}" style="{line}">'
        f"{_html(mark + words, size=13, ink=ink, tag='b')}<br/>"
        f"{_html(remark, size=10, ink='#374151')}<br/>"
        f"{_html(cell.ground, size=9, ink='#4a5568', tag='i')}</td>"
    )


def _matrix_legend(covered: bool) -> str:
    def box(cell: Cell, words: str) -> str:
        look = _CELLS[cell]
        line = _GROUND_LINE[cell.ground]
        return (
            '<table border="0" cellborder="1" cellspacing="0" cellpadding="3"><tr>'
            f'<td bgcolor="{look.paper}" color="{look.ink}" style="{line}">'
            f"{_html(words, size=10, ink=look.ink, tag='b')}</td></tr></table>"
        )

    rows = [
        (box(Cell.EDGE, f"{Cell.EDGE.status} \u2192"), "accepted: in the new state at the answer"),
        (box(Cell.KEEP, f"{Cell.KEEP.status} accepted"), "accepted, and nothing changes"),
        (
            box(Cell.ASK, f"{Cell.ASK.status} \u21e2"),
            "accepted: in the new state at the next step boundary",
        ),
        (box(Cell.REFUSE, f"{Cell.REFUSE.status} refused"), "refused, and nothing changes"),
        (_html("solid border"), "documented: an edge of the figure"),
        (_html("dashed border"), "observed: every measured server agrees"),
    ]
    return _legend(rows + (_coverage_rows() if covered else []), _RETRY_ROW, _MATRIX_SOURCE)


# --------------------------------------------------------------------------------- Mermaid

_MADE = "%% Made from spec/table.py by spec/diagram.py: change the table, not this file."
_PAPER = "fill:#eef3fb,stroke:#1f2937,color:#1f2937"


def _states_mermaid(seen: Mapping[str, Coverage] | None) -> str:
    lines = [
        "stateDiagram-v2",
        f"    {_MADE}",
        f"    %% {_FIGURE_SOURCE}.",
        "    direction LR",
        f"    classDef open {_PAPER}",
        f"    classDef final {_PAPER},stroke-width:4px",
    ]
    for edge in table.EDGES:
        coverage = (seen or {}).get(edge.id)
        mark = "" if coverage is None else f"{_MARKS[coverage]} "
        lines.append(f"    {edge.source or '[*]'} --> {edge.target} : {mark}{_verb(edge.trigger)}")
    for state in State:
        lines.append(f"    class {state} {'final' if state in table.FINAL else 'open'}")
    note = [
        "word - the engine, by itself",
        "Call() - an action of a client",
        "thick border - final state",
        *([f"{_MARKS[c]} - {c}" for c in Coverage] if seen is not None else []),
    ]
    last = list(State)[-1]
    lines += [f"    note right of {last}", *(f"        {line}" for line in note), "    end note"]
    return "\n".join(lines) + "\n"


def _matrix_mermaid(seen: Mapping[str, Coverage] | None) -> str:
    """A grid: one row a state, one column an action, as GitHub's Mermaid lays out blocks."""
    lines = [
        "block-beta",
        f"    {_MADE}",
        f"    %% {_MATRIX_SOURCE}.",
        f"    %% {_RETRY_ROW}.",
        f"    columns {1 + len(table.ACTIONS)}",
        '    corner["state"] ' + " ".join(f'{a}["{_verb(a)}"]' for a in table.ACTIONS),
    ]
    for state in table.MATRIX:
        cells = []
        for action in table.ACTIONS:
            coverage = (seen or {}).get(table.cell_id(action, state))
            mark = "" if coverage is None else f"{_MARKS[coverage]} "
            words, remark = _effect(state, action)
            ground = table.cell(state, action).ground
            cells.append(f'{_block(state, action)}["{mark}{words}<br>{remark}<br>({ground})"]')
        head = f"{state}, final" if state in table.FINAL else str(state)
        head = head if isinstance(state, State) else "no such job"
        lines.append(f'    row_{state.lower()}["{head}"] ' + " ".join(cells))
    heads = ["corner", *table.ACTIONS, *(f"row_{state.lower()}" for state in table.MATRIX)]
    lines.append("    classDef head fill:#ffffff,stroke:#ffffff,color:#1f2937")
    lines.append(f"    class {','.join(heads)} head")
    for cell, look in _CELLS.items():
        dashes = "" if cell.ground is Ground.DOCUMENTED else ",stroke-dasharray:5 4"
        looks = f"fill:{look.paper},stroke:{look.ink},color:{look.ink}{dashes}"
        name = cell.name.lower()
        ids = [
            _block(state, action)
            for state in table.MATRIX
            for action in table.ACTIONS
            if table.cell(state, action) is cell
        ]
        lines += [f"    classDef {name} {looks}", f"    class {','.join(ids)} {name}"]
    return "\n".join(lines) + "\n"


def _block(state: State | str, action: Action) -> str:
    return f"{action}_{state.lower()}"
