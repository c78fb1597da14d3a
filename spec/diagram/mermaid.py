"""The pictures as Mermaid, which a page can hold as text."""

from __future__ import annotations

from collections.abc import Mapping

from spec import table
from spec.diagram.looks import (
    CELLS,
    FIGURE_SOURCE,
    MARKS,
    MATRIX_SOURCE,
    RETRY_ROW,
    Coverage,
    effect,
    verb,
)
from spec.table import Action, Ground, State

_MADE = "%% Made from spec/table.py by spec/diagram: change the table, not this file."
_PAPER = "fill:#eef3fb,stroke:#1f2937,color:#1f2937"


def states_mermaid(seen: Mapping[str, Coverage] | None) -> str:
    lines = [
        "stateDiagram-v2",
        f"    {_MADE}",
        f"    %% {FIGURE_SOURCE}.",
        "    direction LR",
        f"    classDef open {_PAPER}",
        f"    classDef final {_PAPER},stroke-width:4px",
    ]
    for edge in table.EDGES:
        coverage = (seen or {}).get(edge.id)
        mark = "" if coverage is None else f"{MARKS[coverage]} "
        lines.append(f"    {edge.source or '[*]'} --> {edge.target} : {mark}{verb(edge.trigger)}")
    for state in State:
        lines.append(f"    class {state} {'final' if state in table.FINAL else 'open'}")
    note = [
        "word - the engine, by itself",
        "Call() - an action of a client",
        "thick border - final state",
        *([f"{MARKS[c]} - {c}" for c in Coverage] if seen is not None else []),
    ]
    last = list(State)[-1]
    lines += [f"    note right of {last}", *(f"        {line}" for line in note), "    end note"]
    return "\n".join(lines) + "\n"


def matrix_mermaid(seen: Mapping[str, Coverage] | None) -> str:
    """A grid: one row a state, one column an action, as GitHub's Mermaid lays out blocks."""
    lines = [
        "block-beta",
        f"    {_MADE}",
        f"    %% {MATRIX_SOURCE}.",
        f"    %% {RETRY_ROW}.",
        f"    columns {1 + len(table.ACTIONS)}",
        '    corner["state"] ' + " ".join(f'{a}["{verb(a)}"]' for a in table.ACTIONS),
    ]
    for state in table.MATRIX:
        cells = []
        for action in table.ACTIONS:
            coverage = (seen or {}).get(table.cell_id(action, state))
            mark = "" if coverage is None else f"{MARKS[coverage]} "
            words, remark = effect(state, action)
            ground = table.cell(state, action).ground
            cells.append(f'{_block(state, action)}["{mark}{words}<br>{remark}<br>({ground})"]')
        head = f"{state}, final" if state in table.FINAL else str(state)
        head = head if isinstance(state, State) else "no such job"
        lines.append(f'    row_{state.lower()}["{head}"] ' + " ".join(cells))
    heads = ["corner", *table.ACTIONS, *(f"row_{state.lower()}" for state in table.MATRIX)]
    lines.append("    classDef head fill:#ffffff,stroke:#ffffff,color:#1f2937")
    lines.append(f"    class {','.join(heads)} head")
    for cell, look in CELLS.items():
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
