"""Asking a modality to send something: somewhere by C-MOVE, or here by C-GET."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pydicom.datadict import tag_for_keyword

from conformance.reference.job import Task
from conformance.reference.tag_views import View

if TYPE_CHECKING:
    from conformance.reference.job import Job
    from conformance.reference.modalities import Modality


@dataclass(frozen=True, slots=True)
class Retrieval(Task):
    """Ask `modality` in each step for one answer of a query, as `local_aet`.

    The item of a step is an index into `queries`: what names the answer, by keyword. `permissive`:
    an answer that is not sent fails nothing. `timeout`: seconds that the modality may take, 0 =
    without limit, None = as configured. `view`: how Content shows the tags of the queries.
    """

    modality: Modality
    local_aet: str
    queries: tuple[dict[str, str], ...]
    permissive: bool = False
    timeout: int | None = None
    view: View = View.SHORT

    def content(self, job: Job) -> dict[str, object]:
        """As Orthanc 1.10.1 shows it."""
        return {
            "LocalAet": self.local_aet,
            "Query": [viewed(query, self.view) for query in self.queries],
            "RemoteAet": self.modality.aet,
        }


@dataclass(frozen=True, slots=True)
class ModalityMove(Retrieval):
    """Have what is asked for sent to `target_aet`; `shows_target`: whether Content shows that."""

    target_aet: str = ""
    shows_target: bool = False
    type: ClassVar[str] = "DicomMoveScu"

    def content(self, job: Job) -> dict[str, object]:
        """As Orthanc 1.10.1 shows it."""
        target = {"TargetAet": self.target_aet} if self.shows_target else {}
        return {**Retrieval.content(self, job), **target}


@dataclass(frozen=True, slots=True)
class ModalityGet(Retrieval):
    """Have what is asked for sent here, over the same association.

    `classes`: the SOP classes that it is for; without any, for many.
    """

    classes: tuple[str, ...] = ()
    type: ClassVar[str] = "DicomGetScu"


def viewed(tags: dict[str, str], view: View) -> dict[str, object]:
    """`tags`, which are keywords with a text, as Orthanc shows them."""
    short = by_number(tags)
    if view is View.SIMPLE:
        return {name: tags[name] for name in sorted(tags)}
    if view is View.SHORT:
        return {**short}
    names = {tag_for_keyword(name) or 0: name for name in tags}
    return {
        number: {"Name": names[int(number.replace(",", ""), 16)], "Type": "String", "Value": text}
        for number, text in short.items()
    }


def by_number(query: dict[str, str]) -> dict[str, str]:
    """`query` with its tags as Orthanc shows them, such as ``0010,0020``."""
    numbers = {keyword: tag_for_keyword(keyword) or 0 for keyword in query}
    return {
        f"{number >> 16:04x},{number & 0xFFFF:04x}": query[keyword]
        for keyword, number in sorted(numbers.items(), key=lambda item: item[1])
    }
