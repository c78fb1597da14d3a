"""The index of a DICOM medium: the file ``DICOMDIR`` (source: DICOM PS 3.3, F).

Its records form a tree - patient, study, series, image - of which each names its next sibling and
its first child by where they begin in the file. So the file is written twice: once to see where
each record begins, and then with these places in it, which changes no length.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage, generate_uid

from conformance.reference.levels import Level

if TYPE_CHECKING:
    from conformance.reference.dicom import Instance

_TAGS = {
    Level.PATIENT: ("PatientID", "PatientName"),
    Level.STUDY: (
        "StudyDate",
        "StudyTime",
        "StudyDescription",
        "StudyInstanceUID",
        "StudyID",
        "AccessionNumber",
    ),
    Level.SERIES: ("Modality", "SeriesInstanceUID", "SeriesNumber"),
    Level.INSTANCE: ("InstanceNumber",),
}
_MORE_TAGS = {Level.SERIES: ("BodyPartExamined", "ProtocolName", "SeriesDate", "SeriesDescription")}
_IN_USE = 0xFFFF


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """A file of the medium: the parts of its path, what is in it, and which instance it is.

    `extended`: what the index may say of it, and need not, is in the index, too.
    """

    path: list[str]
    dataset: Dataset
    instance: Instance
    extended: bool = False


@dataclass(slots=True)
class _Node:
    """A record, those below it, and where it begins; the root has the file's own dataset."""

    record: Dataset
    children: dict[str, _Node] = field(default_factory=dict)
    place: int = 0


def dicomdir(files: list[IndexedFile]) -> bytes:
    """The index of `files`. Raises what `dicom.FILE_ERRORS` lists."""
    root = _Node(_empty_index())
    records: list[_Node] = []
    for file in files:
        node = root
        for level in reversed(Level.INSTANCE.own_and_above):
            identifier = file.instance.at(level)
            if identifier not in node.children:
                node.children[identifier] = _Node(_record(level, file))
                records.append(node.children[identifier])
            node = node.children[identifier]
    root.record.DirectoryRecordSequence = [node.record for node in records]
    written = pydicom.dcmread(BytesIO(_write(root.record)))
    for node, seen in zip(records, written.get("DirectoryRecordSequence", []), strict=True):
        node.place = seen.seq_item_tell or 0
    _link(root)
    return _write(root.record)


def _link(node: _Node, is_root: bool = True) -> None:
    """Name the first child of each record, and the next sibling of each of those."""
    children = list(node.children.values())
    places = [child.place for child in children]
    if children and is_root:
        node.record.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity = places[0]
        node.record.OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity = places[-1]
    elif children:
        node.record.OffsetOfReferencedLowerLevelDirectoryEntity = places[0]
    for number, child in enumerate(children, start=1):
        child.record.OffsetOfTheNextDirectoryRecord = places[number] if places[number:] else 0
        _link(child, is_root=False)


def _record(level: Level, file: IndexedFile) -> Dataset:
    """The record of what `file` belongs to at `level`."""
    record = Dataset()
    record.OffsetOfTheNextDirectoryRecord = 0
    record.RecordInUseFlag = _IN_USE
    record.OffsetOfReferencedLowerLevelDirectoryEntity = 0
    record.DirectoryRecordType = "IMAGE" if level is Level.INSTANCE else level.upper()
    if "SpecificCharacterSet" in file.dataset:
        record.SpecificCharacterSet = file.dataset.SpecificCharacterSet
    if level is Level.INSTANCE:
        record.ReferencedFileID = file.path
        record.ReferencedSOPClassUIDInFile = file.dataset.SOPClassUID
        record.ReferencedSOPInstanceUIDInFile = file.dataset.SOPInstanceUID
        record.ReferencedTransferSyntaxUIDInFile = file.dataset.file_meta.TransferSyntaxUID
    for name in _TAGS[level]:
        setattr(record, name, file.dataset.get(name))
    for name in _MORE_TAGS.get(level, ()) if file.extended else ():
        if name in file.dataset:
            setattr(record, name, file.dataset.get(name))
    return record


def _empty_index() -> Dataset:
    """An index of nothing."""
    index = Dataset()
    index.FileSetID = ""
    index.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity = 0
    index.OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity = 0
    index.FileSetConsistencyFlag = 0
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    index.file_meta = meta
    return index


def _write(index: Dataset) -> bytes:
    target = BytesIO()
    pydicom.dcmwrite(target, index, enforce_file_format=True)
    return target.getvalue()
