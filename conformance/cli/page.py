"""The page of the reference server: its jobs, what may be done to each, and the figure."""

from __future__ import annotations

import json
from importlib.resources import files

from spec.table import ACTIONS, EDGES, Cell, State, cell

_TABLE = "/*TABLE*/ {}"


def page() -> str:
    """The page, one document that needs nothing else, with what the table says in it."""
    edges = [(edge.source, edge.trigger, edge.target) for edge in EDGES]
    may = {
        state: [action for action in ACTIONS if cell(state, action) is not Cell.REFUSE]
        for state in State
    }
    table = json.dumps({"actions": ACTIONS, "edges": edges, "may": may})
    text = files("conformance.cli").joinpath("pages", "server.html").read_text(encoding="utf-8")
    return text.replace(_TABLE, table)
