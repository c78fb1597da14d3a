"""The catalogue: every requirement on a jobs engine, with its source and its ground.

A requirement is a sentence in our own words. Its *source* says where it comes from: a sentence
of the page "Advanced features of the REST API" of the Orthanc Book (6 March 2019), the
JobsEngineStates figure that the page links to, a later document of Orthanc, or a measurement
on released servers. Its *ground* says how far that carries: documented, or observed where the
documentation is silent. Where the page leaves room, *reading* holds our interpretation;
where two documents contradict each other, or servers fall short, *note* says so.

Ids are lower case and grouped by section. What the table states is derived from the table
(`derived`):

    edge/<from>/<to>/<trigger>   one per published edge
    action/<action>/<state>      one per cell of the action matrix
    race/<asked>/<ended>         one per way in which a Running job can leave a step

The other sections are literal, a module for each: queue, history, persist, submit, route, option,
monitor (with the fields of a job in `fields`), step, answer, and client, for those who call. An id
never changes its meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from spec.requirements import (
    answer,
    client,
    derived,
    history,
    monitor,
    option,
    persist,
    queue,
    route,
    step,
    submit,
)
from spec.requirements.model import (
    FIGURE,
    MEASURED,
    NEWS,
    PAGE,
    RELEASES,
    Bound,
    DuplicateRequirement,
    Need,
    Requirement,
    UnknownRequirement,
    applies,
    version_key,
    within,
)

__all__ = [
    "CATALOGUE",
    "FIGURE",
    "MEASURED",
    "NEWS",
    "PAGE",
    "RELEASES",
    "Bound",
    "DuplicateRequirement",
    "Need",
    "Requirement",
    "UnknownRequirement",
    "applies",
    "requirement",
    "version_key",
    "within",
]


def _by_id(entries: Iterable[Requirement]) -> Mapping[str, Requirement]:
    """The entries by their ids, in their order. Raises `DuplicateRequirement`."""
    catalogue: dict[str, Requirement] = {}
    for entry in entries:
        if entry.id in catalogue:
            raise DuplicateRequirement(entry.id)
        catalogue[entry.id] = entry
    return MappingProxyType(catalogue)


CATALOGUE: Mapping[str, Requirement] = _by_id(
    (
        *derived.edges(),
        *derived.cells(),
        *derived.races(),
        *queue.ENTRIES,
        *history.ENTRIES,
        *persist.ENTRIES,
        *submit.ENTRIES,
        *route.ENTRIES,
        *option.ENTRIES,
        *monitor.ENTRIES,
        *step.ENTRIES,
        *answer.ENTRIES,
        *client.ENTRIES,
    )
)


def requirement(id: str) -> Requirement:
    """The requirement called ``id``. Raises `UnknownRequirement`."""
    try:
        return CATALOGUE[id]
    except KeyError:
        raise UnknownRequirement(id) from None
