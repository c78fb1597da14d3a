"""Named faults."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.reference.parts import Parts


@dataclass(frozen=True, slots=True)
class Fault:
    """A named fault: its kebab-case name, a sentence for people, and the parts that have it."""

    name: str
    description: str
    parts: Parts


FAULTS: dict[str, Fault] = {}


def find_fault(name: str) -> Fault:
    """The fault of this name. Raises `KeyError`."""
    return FAULTS[name]
