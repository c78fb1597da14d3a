"""What a server knows of a resource beside its tags: whence it came, and when."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.reference import clock
from conformance.reference.levels import Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conformance.reference.dicom import Instance

    Metadata = dict[str, Mapping[str, str]]

RECEPTION, LAST_UPDATE = "ReceptionDate", "LastUpdate"


def by_rest(instance: Instance, client: str, user: str = "") -> Instance:
    """`instance`, as it came over REST from the host `client`."""
    return _arrived(instance, {"HttpUsername": user, "Origin": "RestApi", "RemoteIP": client})


def by_dicom(instance: Instance, client: str, calling: str, called: str) -> Instance:
    """`instance`, as it came by a C-STORE."""
    origin = {"CalledAET": called, "Origin": "DicomProtocol", "RemoteIP": client}
    return _arrived(instance, origin, calling)


def copied(copy: Instance, source: Instance, anonymized: bool) -> Instance:
    """`copy`, as it was made from `source`: each level says from what, unless it is the same."""
    name = "AnonymizedFrom" if anonymized else "ModifiedFrom"
    made = by_rest(copy, "127.0.0.1")
    sources = {
        level: {name: source.at(level)} for level in Level if source.at(level) != copy.at(level)
    }
    told: Metadata = {
        level: {**made.metadata.get(level, {}), **sources.get(level, {})} for level in Level
    }
    return replace(made, metadata=told)


def of(level: Level, instances: Iterable[Instance]) -> dict[str, str]:
    """The metadata of what `instances` are at `level`, in order of their names."""
    found: dict[str, str] = {}
    updated = ""
    for instance in instances:
        found |= instance.metadata.get(level, {})
        updated = max(updated, instance.metadata.get(Level.INSTANCE, {}).get(RECEPTION, ""))
        if level is Level.INSTANCE:
            found |= _read_from(instance)
    if level is not Level.INSTANCE and updated:
        found[LAST_UPDATE] = updated
    return dict(sorted(found.items()))


def _arrived(instance: Instance, origin: dict[str, str], calling: str = "") -> Instance:
    sender = {"RemoteAET": calling}
    moment = f"{clock.now():%Y%m%dT%H%M%S}"
    told: Metadata = {Level.INSTANCE: {**origin, **sender, RECEPTION: moment}, Level.SERIES: sender}
    return replace(instance, metadata=told)


def _read_from(instance: Instance) -> dict[str, str]:
    """What the file itself says."""
    number = instance.tags.get("InstanceNumber", "")
    index = {"IndexInSeries": number} if number.isascii() and number.isdigit() else {}
    syntax = {"SopClassUid": instance.sop_class_uid, "TransferSyntax": instance.transfer_syntax}
    return {**index, **syntax}
