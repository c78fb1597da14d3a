"""The literals of a module that look like the id of a requirement or a case."""

from __future__ import annotations

import ast
import re
from typing import TypeGuard

from spec.requirements import CATALOGUE

SECTIONS = sorted({id.partition("/")[0] for id in CATALOGUE})
NAME = re.compile(rf"({'|'.join(SECTIONS)})(/[a-z0-9-]+)+")


def names(node: ast.AST) -> set[str]:
    """Those of all nodes; a part of a formatted one is none."""
    formatted = (one for one in ast.walk(node) if isinstance(one, ast.JoinedStr))
    parts = {id(part) for one in formatted for part in one.values}
    texts = (one.value for one in ast.walk(node) if literal(one) and id(one) not in parts)
    return {text for text in texts if NAME.fullmatch(text)}


def literal(node: ast.AST) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
