"""What comes with a step: the file as it was, whatever a server has made of it on its way."""

from __future__ import annotations

import io

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from conformance.peer.came import DEFLATED, inflated
from conformance.peer.gate import MARKER, step_of


def file(syntax: str) -> bytes:
    made = Dataset()
    made.ImageComments = f"{MARKER.decode()}07"
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = syntax
    made.file_meta.MediaStorageSOPClassUID = made.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    written = io.BytesIO()
    made.save_as(written, enforce_file_format=True)
    return written.getvalue()


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_the_step_of_a_file_is_known_however_it_is_stored(syntax: str) -> None:
    assert step_of(inflated(file(syntax))) == 7


@pytest.mark.parametrize("broken", [b"", b"DICM", DEFLATED * 9, b"\0" * 400])
def test_what_is_no_deflated_file_stays_as_it_is(broken: bytes) -> None:
    assert inflated(broken) == broken
    cut = file(DeflatedExplicitVRLittleEndian)[:150]
    assert step_of(inflated(cut)) == -1
