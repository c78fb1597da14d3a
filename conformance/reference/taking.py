"""Taking an instance that comes by a C-STORE: from who calls, or as the answer to a C-GET."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.reference import dicom, metadata
from conformance.reference.errors import RestError
from conformance.reference.storage import NotStored, Storage

if TYPE_CHECKING:
    from pynetdicom.events import Event

_SUCCESS, _OUT_OF_RESOURCES, _CANNOT_UNDERSTAND = 0x0000, 0xA700, 0xC000


def taken(storage: Storage, event: Event, host: str, calling: str, called: str) -> int:
    """Keep the instance, which has come from `host`; the status that answers it."""
    try:
        arrived = dicom.parse(event.encoded_dataset())
        storage.add(metadata.by_dicom(arrived, host, calling, called))
    except RestError:
        return _CANNOT_UNDERSTAND
    except NotStored:
        return _OUT_OF_RESOURCES
    return _SUCCESS
