"""docs/traces.md and docs/trace.schema.json say what the code reads and writes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from conformance.errors import BadArgument
from conformance.passive.trace import EVENTS, HEAD, allowing, check, head
from tests.conformance.passive.histories import job

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "traces.md").read_text()
SCHEMA: dict[str, Any] = json.loads((DOCS / "trace.schema.json").read_text())
EXAMPLES = [
    line
    for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
]
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value is valid by the keywords that are used here; another one is a KeyError."""
    return all(KEYWORDS[key](value, said, schema) for key, said in schema.items())


def _is(value: Any, names: str | list[str]) -> bool:
    of = {kind for name in ([names] if isinstance(names, str) else names) for kind in TYPES[name]}
    return type(value) in of


def _of_properties(value: Any, said: dict[str, Any]) -> bool:
    return all(fits(value[key], one) for key, one in said.items() if key in value)


KEYWORDS: dict[str, Any] = {
    "$ref": lambda value, said, _: fits(value, SCHEMA["$defs"][said.rpartition("/")[2]]),
    "oneOf": lambda value, said, _: sum(fits(value, one) for one in said) == 1,
    "type": lambda value, said, _: _is(value, said),
    "const": lambda value, said, _: value == said and type(value) is type(said),
    "enum": lambda value, said, _: value in said,
    "required": lambda value, said, _: isinstance(value, dict) and set(said) <= set(value),
    "properties": lambda value, said, _: isinstance(value, dict) and _of_properties(value, said),
    "additionalProperties": lambda value, said, schema: said or not set(value) - set(
        schema["properties"]
    ),
    "items": lambda value, said, _: not isinstance(value, list) or all(
        fits(one, said) for one in value
    ),
    "minItems": lambda value, said, _: len(value) >= said,
    "maxItems": lambda value, said, _: len(value) <= said,
    "minimum": lambda value, said, _: value is None or value >= said,
    "maximum": lambda value, said, _: value <= said,
}  # fmt: skip
LINE = {"oneOf": SCHEMA["oneOf"]}


def read(tmp_path: Path, *lines: str) -> bool:
    """Whether the lines are read as a trace."""
    path = tmp_path / "trace.ndjson"
    path.write_text("\n".join(lines))
    try:
        check(path)
    except BadArgument:
        return False
    return True


def test_the_examples_of_the_page_are_valid_and_are_read(tmp_path: Path) -> None:
    assert len(EXAMPLES) == 7
    assert all(fits(json.loads(line), LINE) for line in EXAMPLES)
    assert read(tmp_path, *EXAMPLES)


def test_the_page_and_the_schema_name_every_field() -> None:
    definitions = SCHEMA["$defs"]
    assert set(definitions["head"]["properties"]) == HEAD
    for name, fields in EVENTS.items():
        assert set(definitions[name]["properties"]) == fields | {"at"}
    for name in HEAD | {field for fields in EVENTS.values() for field in fields}:
        assert f"`{name}`" in PAGE, name


def test_what_is_written_is_valid() -> None:
    watched = allowing(frozenset(), workers=2, history=10, version="1.12.7", live=True)
    assert fits(json.loads(json.dumps(head(watched))), LINE)
    assert fits(json.loads(json.dumps(head(allowing(frozenset())))), LINE)


HEADS = [
    {"schema": 1, "trace": "orthanc-jobs"},
    {"schema": 1, "trace": "orthanc-jobs", "workers": None, "relaxations": None, "version": None},
    {"schema": 1, "trace": "orthanc-jobs", "workers": 0},
    {"schema": 1, "trace": "orthanc-jobs", "workers": "2"},
    {"schema": 1, "trace": "orthanc-jobs", "history": -1},
    {"schema": 1, "trace": "orthanc-jobs", "live": None},
    {"schema": 1, "trace": "orthanc-jobs", "actions": "few"},
    {"schema": 1, "trace": "orthanc-jobs", "more": 1},
    {"schema": 2, "trace": "orthanc-jobs"},
]
LINES = [
    {"at": [1, 2], "jobs": []},
    {"at": [1, 2], "jobs": {}, "fresh": False},
    {"at": [1, 2], "jobs": [], "fresh": 1},
    {"at": [1, 2], "jobs": [], "more": 1},
    {"at": [1], "jobs": []},
    {"at": [1, "2"], "jobs": []},
    {"at": [1, 2], "job": job("Success"), "id": None},
    {"at": [1, 2], "job": job("Success"), "id": 7},
    {"at": [1, 2], "action": "pause", "job": "A", "status": 200},
    {"at": [1, 2], "action": "pause", "job": "A", "status": True},
    {"at": [1, 2], "action": "pause", "job": "A", "status": 99},
    {"at": [1, 2], "action": "stop", "job": "A", "status": 200},
    {"at": [1, 2], "action": "pause", "status": 200},
    {"at": [1, 2], "status": 400},
    {"at": [1, 2], "status": 600},
    {"at": [1, 2], "outage": "gone"},
    {"at": [1, 2], "outage": None},
    {"at": [1, 2]},
]


@pytest.mark.parametrize("line", HEADS, ids=str)
def test_a_first_line_is_read_exactly_if_it_is_valid(line: dict[str, Any], tmp_path: Path) -> None:
    after = json.dumps({"at": [0, 1], "jobs": []})
    assert read(tmp_path, json.dumps(line), after) == fits(line, LINE)


@pytest.mark.parametrize("line", LINES, ids=lambda line: str(line)[:60])
def test_a_line_is_read_exactly_if_it_is_valid(line: dict[str, Any], tmp_path: Path) -> None:
    before = json.dumps({"at": [0, 1], "jobs": []})
    assert read(tmp_path, before, json.dumps(line)) == fits(line, LINE)
