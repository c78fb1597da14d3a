"""Orthanc's error codes, and the one exception that a REST call ends with."""

from __future__ import annotations

from enum import IntEnum
from http import HTTPStatus
from typing import Self


class ErrorCode(IntEnum):
    """The ``ErrorCode`` of a job and the ``OrthancStatus`` of a failed call, with its text.

    The numbers and texts are facts of the REST API, read from Orthanc 1.10.1.
    """

    description: str

    INTERNAL_ERROR = -1, "Internal error"
    SUCCESS = 0, "Success"
    PLUGIN = 1, "Error encountered within the plugin engine"
    PARAMETER_OUT_OF_RANGE = 3, "Parameter out of range"
    BAD_PARAMETER_TYPE = 5, "Bad type for a parameter"
    BAD_SEQUENCE_OF_CALLS = 6, "Bad sequence of calls"
    INEXISTENT_ITEM = 7, "Accessing an inexistent item"
    BAD_REQUEST = 8, "Bad request"
    NETWORK_PROTOCOL = 9, "Error in the network protocol"
    BAD_FILE_FORMAT = 15, "Bad file format"
    UNKNOWN_RESOURCE = 17, "Unknown resource"
    CORRUPTED_FILE = 20, "Corrupted file (e.g. inconsistent MD5 hash)"
    UNKNOWN_DICOM_TAG = 27, "Unknown DICOM tag"
    CANCELED_JOB = 37, "This job was canceled"

    def __new__(cls, code: int, description: str) -> Self:
        member = int.__new__(cls, code)
        member._value_ = code
        member.description = description
        return member

    @property
    def status(self) -> HTTPStatus:
        """The HTTP status of a call that ends with this error."""
        return _STATUSES.get(self, HTTPStatus.INTERNAL_SERVER_ERROR)


_STATUSES = {
    ErrorCode.PARAMETER_OUT_OF_RANGE: HTTPStatus.BAD_REQUEST,
    ErrorCode.BAD_PARAMETER_TYPE: HTTPStatus.BAD_REQUEST,
    ErrorCode.INEXISTENT_ITEM: HTTPStatus.NOT_FOUND,
    ErrorCode.BAD_REQUEST: HTTPStatus.BAD_REQUEST,
    ErrorCode.BAD_FILE_FORMAT: HTTPStatus.BAD_REQUEST,
    ErrorCode.UNKNOWN_RESOURCE: HTTPStatus.NOT_FOUND,
}


class RestError(Exception):
    """A REST call that cannot be answered as asked.

    `status` is the HTTP status, `code` the ``OrthancStatus`` of the body, and `details` a
    sentence for the caller (never a password).
    """

    def __init__(self, status: HTTPStatus, code: ErrorCode, details: str = "") -> None:
        super().__init__(details or code.description)
        self.status = status
        self.code = code
        self.details = details


def bad_request(details: str, code: ErrorCode = ErrorCode.BAD_FILE_FORMAT) -> RestError:
    """The caller sent something that cannot be used."""
    return RestError(HTTPStatus.BAD_REQUEST, code, details)


def not_found(details: str, code: ErrorCode = ErrorCode.INEXISTENT_ITEM) -> RestError:
    """The caller named something that is not there."""
    return RestError(HTTPStatus.NOT_FOUND, code, details)
