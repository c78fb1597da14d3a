"""Values as text, and back: what a job is made of, in a form that can be saved.

Dataclasses and enumerations of this package are written with their names, so that a new kind of
task needs nothing here. Nothing outside of this package is ever made, whatever a text says.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from importlib import import_module

from conformance.reference import clock

_PACKAGE = __name__.rpartition(".")[0]
_AS_THEY_ARE = frozenset({bool, float, int, str, type(None)})


class UnreadableRecord(ValueError):
    """A text that was not written by this version of the server."""


def write_record(value: object) -> str:
    """`value` as text. Raises `TypeError` for what cannot be saved."""
    return json.dumps(_plain(value), separators=(",", ":"))


def read_record(text: object) -> object:
    """The value that was written as `text`. Raises `UnreadableRecord`."""
    try:
        return _value(json.loads(str(text)))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableRecord(f"unreadable record: {type(error).__name__}") from error


def _plain(value: object) -> object:
    """`value` in JSON's own types: an array is a tuple, an object names what it stands for."""
    if type(value) in _AS_THEY_ARE:  # most are, and this is done at each change of a job
        return value
    match value:
        case Enum():
            return {"enum": _name(type(value)), "value": value.value}
        case int() | float() | str():
            return value
        case tuple():
            return [_plain(each) for each in value]
        case list():
            return {"list": [_plain(each) for each in value]}
        case Mapping():
            return {"map": [[_plain(key), _plain(each)] for key, each in value.items()]}
        case bytes():
            return {"bytes": base64.b64encode(value).decode()}
        case datetime():
            return {"time": clock.stamp(value)}
    if is_dataclass(value) and not isinstance(value, type):
        parts = {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
        return {"class": _name(type(value)), "fields": parts}
    raise TypeError(f"{type(value).__name__} cannot be saved")


def _value(plain: object) -> object:
    """The value that `_plain` has made `plain` of."""
    match plain:
        case list():
            return tuple(_value(each) for each in plain)
        case {"enum": str(name), "value": value}:
            return _class(name, Enum)(value)
        case {"list": list(values)}:
            return [_value(each) for each in values]
        case {"map": list(pairs)}:
            return {_value(key): _value(each) for key, each in pairs}
        case {"bytes": str(text)}:
            return base64.b64decode(text, validate=True)
        case {"time": str(text)}:
            return clock.parse(text)
        case {"class": str(name), "fields": dict(parts)}:
            return _class(name)(**{key: _value(part) for key, part in parts.items()})
        case dict():
            raise UnreadableRecord("an object that stands for nothing")
    return plain


@cache
def _name(cls: type) -> str:
    """The name of a class below this package. Raises `TypeError` for another one."""
    if not cls.__module__.startswith(f"{_PACKAGE}."):
        raise TypeError(f"{cls.__name__} is no class of this server")
    return f"{cls.__module__.removeprefix(f'{_PACKAGE}.')}.{cls.__name__}"


def _class(name: str, base: type = object) -> type:
    """The dataclass of this `name`, or the enumeration if that is `base`."""
    module, _, own = name.rpartition(".")
    try:
        found = getattr(import_module(f"{_PACKAGE}.{module}"), own, None)
    except ImportError as error:
        raise UnreadableRecord(f"no module {module!r}") from error
    if not isinstance(found, type) or not (issubclass(found, Enum) or is_dataclass(found)):
        raise UnreadableRecord(f"no class {name!r}")
    if not issubclass(found, base) or not found.__module__.startswith(f"{_PACKAGE}."):
        raise UnreadableRecord(f"no class {name!r}")
    return found
