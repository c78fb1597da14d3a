"""A C-FIND that was made, and its answers, which can be retrieved later."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from conformance.reference.associations import level_name
from conformance.reference.levels import Level

if TYPE_CHECKING:
    from conformance.reference.associations import Caller
    from conformance.reference.modalities import Modality


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked of the modality `name`, by whom, and what it knows; tags are keywords.

    `timeout`: the seconds that it may take to send what it has found, None = as configured.
    """

    name: str
    modality: Modality
    level: Level
    asked: dict[str, str]
    answers: list[dict[str, str]]
    caller: Caller
    timeout: int | None = None
    id: str = field(default_factory=lambda: str(uuid4()))

    def naming(self, number: int) -> dict[str, str]:
        """What names answer `number` to a modality that is to send it (as Orthanc 1.10.1 does)."""
        answer = self.answers[number]
        named = {name: answer.get(name, "") for name in answer_template(self.level)}
        return {"QueryRetrieveLevel": level_name(self.level), **named}

    def classes(self, numbers: range) -> tuple[str, ...]:
        """The SOP classes that these answers name as those of their studies."""
        named = (self.answers[number].get("SOPClassesInStudy", "") for number in numbers)
        return tuple(dict.fromkeys(each for text in named for each in text.split("\\") if each))


def answer_template(level: Level) -> dict[str, str]:
    """The tags that every answer at `level` must have, without a value: those that name it."""
    above = dict.fromkeys((each.keyword for each in level.own_and_above), "")
    return above if level is Level.PATIENT else {"AccessionNumber": "", **above}
