"""From the JSON report of a run to what the pictures are coloured by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from conformance.coverage import CELLS, EDGE_IDS
from conformance.errors import BadArgument

SECTIONS = {"cells": ("action/", CELLS), "edges": ("edge/", EDGE_IDS)}


def coverage_of(path: Path) -> Mapping[str, str]:
    """The id of each cell and edge, with covered, missing or unreachable. Raises `BadArgument`."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        marks = {}
        for section, (prefix, ids) in SECTIONS.items():
            share = found["coverage"][section]
            missing = {prefix + name for name in share["missing"]}
            closed = {prefix + one["id"] for one in share["unreachable"]}
            for name in ids:
                mark = "missing" if name in missing else "covered"
                marks[name] = "unreachable" if name in closed else mark
    except OSError as error:
        raise BadArgument(f"cannot read the report {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise BadArgument(f"{path} is not a JSON report of a run") from None
    return marks
