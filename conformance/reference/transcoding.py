"""Transfer syntaxes: reading the one that a caller asks for, and writing a file in it."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import pydicom
from pydicom import config as pydicom_config
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from conformance.reference import dicom
from conformance.reference.errors import ErrorCode, bad_request

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

ALIKE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)
"""Those that differ in how tags are written, and not in the pixels."""


def read_syntax(value: object, code: ErrorCode = ErrorCode.BAD_FILE_FORMAT) -> str:
    """The transfer syntax that a caller names; empty: none. Raises `RestError` (400)."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise bad_request("Transcode must be a string")
    if not UID(value, validation_mode=pydicom_config.IGNORE).is_transfer_syntax:
        raise bad_request(f"Unknown transfer syntax: {value}", code)
    return value


def transcoded(file: bytes, syntax: str) -> bytes:
    """`file` in `syntax`; as it is where that cannot be done, for this server decodes no pixels."""
    if not syntax:
        return file
    try:
        dataset = dicom.decode(file)
        if not change_syntax(dataset, syntax):
            return file
        target = BytesIO()
        pydicom.dcmwrite(target, dataset, enforce_file_format=True)
    except dicom.FILE_ERRORS:
        return file
    return target.getvalue()


def change_syntax(dataset: Dataset, syntax: str) -> bool:
    """Let `dataset` be written in `syntax`; False where that cannot be done."""
    if not syntax or dataset.file_meta.TransferSyntaxUID not in ALIKE or syntax not in ALIKE:
        return False
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    return True
