"""The pictures as DOT, which graphviz renders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from spec import table
from spec.diagram.looks import (
    ACTION,
    CELLS,
    FIGURE_SOURCE,
    FONT,
    GROUND_LINE,
    INKS,
    MARKS,
    MATRIX,
    MATRIX_SOURCE,
    MEANS,
    MOVE,
    NODE,
    RETRY_ROW,
    STATES,
    THICK,
    Coverage,
    Look,
    effect,
    verb,
)
from spec.table import Action, Cell, Edge, Move, State


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
        "// Made from spec/table.py by spec/diagram: change the table, not this file.",
        f'digraph "{name}" {{',
        f"  graph [{_attributes(rankdir='LR', bgcolor='white', pad=0.3, fontname=FONT)}]",
        f"  graph [{_attributes(nodesep=0.5, ranksep=1.0, labelloc='b', label=legend)}]",
        f"  node [{_attributes(fontname=FONT, fontsize=14, color=NODE.ink)}]",
        f"  edge [{_attributes(fontname=FONT, fontsize=11)}]",
        '  subgraph "cluster_picture" {',
        f"    graph [{_attributes(peripheries=0, labelloc='t', margin=14, label=heading)}]",
        *(f"    {line}" for line in body),
        "  }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def states_dot(seen: Mapping[str, Coverage] | None) -> str:
    title = "The states of a job in Orthanc's jobs engine"
    return _dot(STATES, title, _states_legend(seen is not None), _states_body(seen or {}))


def _states_body(seen: Mapping[str, Coverage]) -> Iterator[str]:
    point = _attributes(shape="point", width=0.2, color=NODE.ink, fillcolor=NODE.ink)
    yield f'"new" [{point}]'
    for state in State:
        borders = 2 if state in table.FINAL else 1
        looks = _attributes(
            shape="box", style="rounded,filled", fillcolor=NODE.paper, height=0.55, width=1.15,
            peripheries=borders,
        )  # fmt: skip
        yield f'"{state}" [{looks}]'
    for edge in table.EDGES:
        yield f'"{edge.source or "new"}" -> "{edge.target}" [{_edge(edge, seen.get(edge.id))}]'


def _edge(edge: Edge, coverage: Coverage | None) -> str:
    look = MOVE if isinstance(edge.trigger, Move) else ACTION
    ink = look.ink if coverage is None else INKS[coverage]
    line, width = look.line, look.width
    mark = "" if coverage is None else f"{MARKS[coverage]} "
    if coverage in THICK:
        width = 3.2
    if coverage is Coverage.UNREACHABLE:
        line = "dotted"
    tag = "i" if isinstance(edge.trigger, Move) else "b"
    words = _html(f"{mark}{verb(edge.trigger)}", ink=ink, tag=tag)
    label = (
        '<<table border="0" cellborder="0" cellspacing="0" cellpadding="4">'
        f"<tr><td>{words}</td></tr></table>>"
    )
    return _attributes(
        label=label, color=ink, style=line, arrowhead=look.head, penwidth=width, id=edge.id
    )


def _sample(look: Look) -> str:
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
        (_html(MARKS[coverage], size=14, ink=INKS[coverage], tag="b"), MEANS[coverage])
        for coverage in Coverage
    ]


def _states_legend(covered: bool) -> str:
    inner = '<table border="1" cellborder="0" cellspacing="0" cellpadding="2" style="rounded">'
    double = (
        '<table border="1" cellborder="0" cellspacing="1" cellpadding="0" style="rounded"><tr><td>'
        f"{inner}<tr><td>{_html('state')}</td></tr></table></td></tr></table>"
    )
    rows = [
        (_sample(MOVE), "move of the engine, by itself: word in italics"),
        (_html("\u25cf", size=15), "a new job"),
        (_sample(ACTION), "action of a client, POST /jobs/{id}/\u2026: Call()"),
        (double, "final state: the job is completed"),
    ]
    return _legend(rows + (_coverage_rows() if covered else []), FIGURE_SOURCE)


def matrix_dot(seen: Mapping[str, Coverage] | None) -> str:
    title = "What each action does to a job in each state"
    return _dot(MATRIX, title, _matrix_legend(seen is not None), _matrix_body(seen or {}))


def _matrix_body(seen: Mapping[str, Coverage]) -> Iterator[str]:
    heads = "".join(
        f'<td border="0">{_html(verb(action), size=14, tag="b")}<br/>'
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
    look = CELLS[cell]
    words, remark = effect(state, action)
    ink = look.ink if coverage is None else INKS[coverage]
    mark = "" if coverage is None else f"{MARKS[coverage]} "
    line = "dotted" if coverage is Coverage.UNREACHABLE else GROUND_LINE[cell.ground]
    border = 3 if coverage in THICK else 1
    return (
        f'<td width="150" bgcolor="{look.paper}" color="{ink}" border="{border}" style="{line}">'
        f"{_html(mark + words, size=13, ink=ink, tag='b')}<br/>"
        f"{_html(remark, size=10, ink='#374151')}<br/>"
        f"{_html(cell.ground, size=9, ink='#4a5568', tag='i')}</td>"
    )


def _matrix_legend(covered: bool) -> str:
    def box(cell: Cell, words: str) -> str:
        look = CELLS[cell]
        line = GROUND_LINE[cell.ground]
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
    return _legend(rows + (_coverage_rows() if covered else []), RETRY_ROW, MATRIX_SOURCE)
