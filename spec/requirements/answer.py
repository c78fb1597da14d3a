"""The answers to actions and to readings: their bodies, and their types."""

from __future__ import annotations

from spec.requirements.model import Requirement
from spec.requirements.section import Section

# An entry is two to four lines; the formatter would give each argument a line of its own.
# fmt: off

a = Section("answer")

ENTRIES: tuple[Requirement, ...] = (
    a.seen("accepted", "An accepted action answers the JSON object {}."),
    a.seen("refused", "A refused action answers an empty body."),
    a.seen("json", "The answer to an accepted action, to an asynchronous call, and to a reading of "
           "a job or of the list is of the type application/json."),
)
