"""Named faults that can be planted, one at a time, to measure what a conformance kit detects.

A fault is one class: a part of the server with one decision overridden. The class's name is the
fault's name, its docstring is the description, and the part that it overrides is its base. The
modules group them by what they damage. Each changes something that can be seen over REST or at
the peer; none of them breaks anything that it does not say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from conformance.reference.config import ConfigError
from conformance.reference.faults import (
    answers,
    archives,
    by_type,
    commitments,
    concurrency,
    copies,
    errors,
    finer,
    gets,
    halfway,
    history,
    late,
    limit,
    listing,
    modalities,
    monitoring,
    persistence,
    progress,
    readings,
    requests,
    routes,
    scheduling,
    sending,
    sequences,
    steps,
    submission,
    transfer_calls,
    transfers,
    transitions,
    user_data,
)
from conformance.reference.parts import Parts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

_WORD_START = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True, slots=True)
class Fault:
    """A named fault: its kebab-case name, a sentence for people, and the parts that have it.

    ``release``: the first that has what it damages; None: each has it.
    """

    name: str
    description: str
    parts: Parts
    release: str | None = None


def _faults(module: ModuleType) -> Iterator[Fault]:
    """The faults of a module, which may name the first ``RELEASE`` that has what they damage."""
    release = getattr(module, "RELEASE", None)
    for faulty in _classes(module):
        yield _plant(faulty, release)


def _plant(faulty: type, release: str | None) -> Fault:
    """The fault that the class `faulty` is."""
    for role in fields(Parts):
        if isinstance(role.default, type) and issubclass(faulty, role.default):
            chosen: dict[str, Any] = {role.name: faulty}
            return _named(faulty, Parts(**chosen), release)
    raise TypeError(f"{faulty.__name__} is no part of the server")


def _named(faulty: type, parts: Parts, release: str | None) -> Fault:
    """The fault of which `faulty` gives the name and the description."""
    name = _WORD_START.sub("-", faulty.__name__).lower()
    return Fault(name, str(faulty.__doc__), parts, release)


def _classes(module: ModuleType) -> Iterator[type]:
    """The faulty classes of a module, in the order in which they stand there."""
    for name, member in vars(module).items():
        if isinstance(member, type) and member.__module__ == module.__name__ and name[0] != "_":
            yield member


_GROUPS = (
    transitions,
    requests,
    answers,
    errors,
    scheduling,
    steps,
    progress,
    listing,
    history,
    submission,
    sequences,
    limit,
    monitoring,
    persistence,
    routes,
    archives,
    copies,
    halfway,
    modalities,
    sending,
    readings,
    by_type,
    commitments,
    concurrency,
    late,
    finer,
    gets,
    user_data,
    transfers,
    transfer_calls,
)

FAULTS: dict[str, Fault] = {fault.name: fault for group in _GROUPS for fault in _faults(group)}
"""All faults by name."""


def find_fault(name: str) -> Fault:
    """The fault of this name. Raises `ConfigError`."""
    if name not in FAULTS:
        raise ConfigError(f"unknown fault {name!r}: see 'orthanc-jobs serve --list-faults'")
    return FAULTS[name]
