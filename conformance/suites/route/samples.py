"""What the calls are about: patients of our own, each with a study of some tiny instances.

The files are made here, so all their UIDs are known, and with them the paths of what is stored:
they are noted for removal before anything is sent. A call that makes copies under another
patient is told that patient's PatientID, so its path is known beforehand as well. Whatever
happens in between, the end of the run finds it.
"""

from __future__ import annotations

import io
import secrets
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from conformance.errors import Unjudged
from conformance.marks import orthanc_id

if TYPE_CHECKING:
    from pydicom import Dataset

    from conformance.driver.context import Context

NAME = "orthanc-jobs^route"  # the PatientName that an anonymization has to remove
INSTANCES = 3  # of a sample, where nobody asks for more
PATIENT = {"PatientName": NAME, "PatientBirthDate": "19700101", "PatientSex": "O"}
ACCESSION, DATE = "ACC7", "20190306"
PRIVATE = "(0009,1001)"  # a private tag that every file of a sample has
SEQUENCE = "RequestAttributesSequence"  # which has one item, where a sample has it
ITEM = ("RequestedProcedureID", "ScheduledProcedureStepID")  # the tags of that item: each is "1"
IMPLICIT = "1.2.840.10008.1.2"  # the transfer syntax Implicit VR Little Endian
EXPLICIT = "1.2.840.10008.1.2.1"  # and Explicit VR Little Endian
ROOT = "2.25."
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


@dataclass(frozen=True)
class Sample:
    """A patient, its study, and two series. ``uids``: those of its files, by `series_of`."""

    patient_id: str
    study_uid: str
    series_uids: tuple[str, ...]
    uids: tuple[str, ...]

    @cached_property
    def patient(self) -> str:
        return orthanc_id(self.patient_id)

    @cached_property
    def study(self) -> str:
        return orthanc_id(self.patient_id, self.study_uid)

    @cached_property
    def series(self) -> tuple[str, ...]:
        return tuple(orthanc_id(self.patient_id, self.study_uid, uid) for uid in self.series_uids)

    @cached_property
    def instances(self) -> tuple[str, ...]:
        return tuple(
            orthanc_id(self.patient_id, self.study_uid, self.series_uids[series_of(number)], uid)
            for number, uid in enumerate(self.uids)
        )


def series_of(number: int) -> int:
    """In which series of a sample an instance is: the first one in one, all others in the other."""
    return min(number, 1)


def patient_id(context: Context) -> str:
    """A PatientID that nobody else has. What is stored under it is removed at the end."""
    name = f"{context.resources.patient}-{secrets.token_hex(4)}"
    context.resource(f"/patients/{orthanc_id(name)}")
    return name


def store(context: Context, file: bytes) -> dict[str, Any]:
    """What a server answers that stores a file of ours. Raises `Unjudged` where it does not."""
    reply = context.resources.client.post("/instances", file)
    made = reply.json()
    if not reply.ok or not isinstance(made, dict):
        raise Unjudged(f"the server does not store an instance for us: {reply}")
    return made


def sample(
    context: Context,
    of: str | None = None,
    more: Mapping[str, str] = MappingProxyType({}),
    instances: int = INSTANCES,
    nested: bool = False,
) -> Sample:
    """Store a new sample, of a patient of its own or ``of`` one that is there (a PatientID).

    ``more``: further tags of its instances, by keyword; ``instances``: how many, two at least;
    ``nested``: each has a `SEQUENCE`.

    Raises `Unjudged` where the server does not take it.
    """
    patient = patient_id(context) if of is None else of
    made = Sample(patient, uid(), (uid(), uid()), tuple(uid() for _ in range(instances)))
    for number in range(len(made.uids)):
        reply = context.resources.client.post("/instances", _file(made, number, more, nested))
        if not reply.ok:
            raise Unjudged(f"the server does not store an instance for us: {reply}")
    words = f"of two series, with 1 and {instances - 1} instances"
    context.lines.append(f"store study {made.study}, {words}")
    return made


def sample_of_files(context: Context) -> tuple[Sample, dict[str, bytes]]:
    """A patient whose study has one instance, which is not stored; its file, by the id it gets."""
    made = Sample(patient_id(context), uid(), (uid(),), (uid(),))
    return made, {made.instances[0]: _file(made, 0)}


def large_sample(context: Context, size: int, noise: bool = False) -> Sample:
    """Store a study of one instance, whose file ends with padding and has ``size`` bytes.

    ``size``: even, and larger than what is without padding. ``noise``: what it is padded with is
    no smaller when it is compressed. Raises `Unjudged` where the server does not take it.
    """
    made, files = sample_of_files(context)
    (file,) = files.values()
    room = size - len(file) - 12  # behind the tag, the type and the length of the padding
    padding = secrets.token_bytes(room) if noise else bytes(room)
    whole = file + b"\xfc\xff\xfc\xffOB\0\0" + struct.pack("<I", room) + padding  # (FFFC,FFFC)
    reply = context.resources.client.post("/instances", whole)
    if not reply.ok:
        raise Unjudged(f"the server does not store a large instance for us: {reply}")
    context.lines.append(f"store study {made.study}, of one instance of {size} bytes")
    return made


def uid() -> str:
    """A new UID, as long as any other that is made here."""
    return f"{ROOT}{secrets.randbelow(9 * 10**28) + 10**28}"


def _file(
    sample: Sample,
    number: int,
    more: Mapping[str, str] = MappingProxyType({}),
    nested: bool = False,
) -> bytes:
    """The file of an instance: that of a pattern which names others of the same length."""
    series = sample.series_uids[series_of(number)]
    names = (sample.patient_id, sample.study_uid, series, sample.uids[number])
    pattern = tuple(mark * len(name) for mark, name in zip("P123", names, strict=True))
    content = _encoded(pattern, number, tuple(more.items()), nested)
    for mark, name in zip(pattern, names, strict=True):
        content = content.replace(mark.encode(), name.encode())
    return content


@cache  # some hundreds: samples have up to 240 instances
def _encoded(
    names: tuple[str, ...], number: int, more: tuple[tuple[str, str], ...], nested: bool
) -> bytes:
    """The file of an instance, with all that the index of a medium asks for: some milliseconds.

    ``names``: PatientID, StudyInstanceUID, SeriesInstanceUID and SOPInstanceUID.
    """
    from pydicom.dataset import Dataset  # it takes its time

    patient, study, series, instance = names
    tags: dict[str, Any] = {
        "SOPClassUID": SECONDARY_CAPTURE,
        "SOPInstanceUID": instance,
        "StudyDate": DATE,
        "StudyTime": "112338",
        "AccessionNumber": ACCESSION,
        "Modality": "OT",
        "StudyDescription": "Study",
        "SeriesDescription": f"Series {series_of(number) + 1}",
        "PatientID": patient,
        **PATIENT,
        "StudyInstanceUID": study,
        "SeriesInstanceUID": series,
        "StudyID": "1",
        "SeriesNumber": str(series_of(number) + 1),
        "InstanceNumber": str(number + 1),
        **dict(more),
    }
    dataset = Dataset()
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    if nested:
        item = Dataset()
        for keyword in ITEM:
            setattr(item, keyword, "1")
        setattr(dataset, SEQUENCE, [item])
    dataset.add_new(0x00090010, "LO", "orthanc-jobs")  # who the next one is private to
    dataset.add_new(0x00091001, "LO", "private")
    return _written(dataset, EXPLICIT)


def image(patient: str, side: int, pixels: bytes, syntax: str, more: Mapping[str, Any]) -> bytes:
    """The file of an instance of a study of its own, with a grey image.

    ``side``: of the image, in ``pixels`` of 8 bits; ``syntax``: the transfer syntax, in which they
    are; ``more``: values by their keywords.
    """
    from pydicom.dataset import Dataset  # it takes its time

    tags = {
        "SOPClassUID": SECONDARY_CAPTURE,
        "SOPInstanceUID": uid(),
        "PatientID": patient,
        "StudyInstanceUID": uid(),
        "SeriesInstanceUID": uid(),
        "PhotometricInterpretation": "MONOCHROME2",
        "SamplesPerPixel": 1,
        "PixelRepresentation": 0,
        "Rows": side,
        "Columns": side,
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
    }
    dataset = Dataset()
    for keyword, value in (tags | dict(more)).items():
        setattr(dataset, keyword, value)
    dataset.PixelData = pixels
    dataset["PixelData"].VR = "OB"
    return _written(dataset, syntax)


def referring(patient: str) -> bytes:
    """The file of an instance of a study of its own, which refers to itself.

    It has a sequence that tells nothing of the patient, but for a private tag in its item.
    """
    from pydicom.dataset import Dataset  # it takes its time

    itself, item = uid(), Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = SECONDARY_CAPTURE, itself
    measures = Dataset()
    measures.Rows = 2
    measures.add_new(0x00090010, "LO", "orthanc-jobs")
    measures.add_new(0x00091001, "LO", "private")
    more = {
        "SOPInstanceUID": itself,
        "ReferencedImageSequence": [item],
        "PixelMeasuresSequence": [measures],
    }
    return image(patient, 4, bytes(16), EXPLICIT, more)


def _written(dataset: Dataset, syntax: str) -> bytes:
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    written = io.BytesIO()
    dataset.save_as(written, enforce_file_format=True)
    return written.getvalue()
