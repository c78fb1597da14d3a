"""DICOM modalities: what ``PUT /modalities/{name}`` accepts, and what is shown of a modality."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.reference.errors import ErrorCode, bad_request, not_found

if TYPE_CHECKING:
    from collections.abc import Mapping

MOVE, GET, SYSTEM_DEFAULT = "C-MOVE", "C-GET", "SystemDefault"  # which is C-MOVE
_HIGHEST_PORT = 65535
_ALLOWED = (
    "AllowEcho",
    "AllowEventReport",
    "AllowFind",
    "AllowFindWorklist",
    "AllowGet",
    "AllowMove",
    "AllowNAction",
    "AllowStore",
    "AllowTranscoding",
)


@dataclass(frozen=True, slots=True)
class Modality:
    """Where a modality is. `local_aet`: how to call ourselves there, empty = as configured;
    `timeout`: seconds that it may take to answer, 0 = as configured; `retrieve_method`: the way to
    retrieve where a call names none."""

    aet: str
    host: str
    port: int
    manufacturer: str = "Generic"
    local_aet: str = ""
    timeout: int = 0
    retrieve_method: str = SYSTEM_DEFAULT

    def configuration(self) -> dict[str, object]:
        """The modality as ``GET /modalities/{name}/configuration`` shows it."""
        return {
            "AET": self.aet,
            **dict.fromkeys(_ALLOWED, True),
            "Host": self.host,
            "LocalAet": self.local_aet,
            "Manufacturer": self.manufacturer,
            "Port": self.port,
            "RetrieveMethod": self.retrieve_method,
            "Timeout": self.timeout,
            "UseDicomTls": False,
        }


def parse_modality(body: object) -> Modality:
    """A modality from its JSON: ``{"AET", "Host", "Port", ...}`` or ``[aet, host, port]``.

    The array may have the manufacturer as its fourth value. Raises `RestError` (400).
    """
    if isinstance(body, list) and len(body) in (3, 4):
        fields = dict(zip(("AET", "Host", "Port", "Manufacturer"), body, strict=False))
    elif isinstance(body, dict):
        fields = body
    else:
        raise bad_request("A modality is an object, or an array of 3 or 4 values")
    if fields.get("UseDicomTls", False) is not False:
        raise bad_request("UseDicomTls is not offered by this server")
    return Modality(
        aet=_text(fields, "AET"),
        host=_text(fields, "Host"),
        port=_port(fields.get("Port")),
        manufacturer=_text(fields, "Manufacturer", "Generic"),
        local_aet=_text(fields, "LocalAet", ""),
        timeout=_seconds(fields.get("Timeout", 0)),
        retrieve_method=read_method(fields, SYSTEM_DEFAULT),
    )


def read_method(fields: Mapping[str, object], default: str) -> str:
    """The way to retrieve that is named; one without a name is no way. Raises `RestError` (400)."""
    method = fields.get("RetrieveMethod", default)
    if not isinstance(method, str):
        raise bad_request("RetrieveMethod must be a string")
    if method not in ("", MOVE, GET, SYSTEM_DEFAULT):
        details = f"RetrieveMethod is {MOVE}, {GET} or {SYSTEM_DEFAULT}"
        raise bad_request(details, ErrorCode.PARAMETER_OUT_OF_RANGE)
    return method or SYSTEM_DEFAULT


def modality_of(modalities: Mapping[str, Modality], name: str) -> Modality:
    """The modality that is registered by this name. Raises `RestError` (404)."""
    if name not in modalities:
        raise not_found(f"No modality with symbolic name: {name}")
    return modalities[name]


def read_aet(name: str) -> str:
    """`name`, which has to be a title. Raises `RestError` (400)."""
    if not is_aet(name):
        raise bad_request("An AET has 1 to 16 printable ASCII characters")
    return name


def local_aet(fields: dict[str, object], default: str) -> str:
    """How a call wants us to call ourselves. Raises `RestError` (400)."""
    name = fields.get("LocalAet", default)
    if not isinstance(name, str):
        raise bad_request("LocalAet must be a string", ErrorCode.BAD_PARAMETER_TYPE)
    return read_aet(name)


def read_target(fields: dict[str, object], default: str) -> str:
    """Where what a C-MOVE asks for is to be sent. Raises `RestError` (400)."""
    target = fields.get("TargetAet", default)
    if not isinstance(target, str):
        raise bad_request("TargetAet must be a string", ErrorCode.BAD_PARAMETER_TYPE)
    return read_aet(target)


def is_aet(text: str) -> bool:
    """Whether `text` can be sent as an application entity title."""
    return 0 < len(text) <= 16 and text.isascii() and text.isprintable() and bool(text.strip())


def _text(fields: dict[str, object], name: str, default: str | None = None) -> str:
    value = fields.get(name, default)
    if not isinstance(value, str):
        raise bad_request(f"{name} must be a string")
    if name in ("AET", "LocalAet") and value and not is_aet(value):
        raise bad_request(f"{name} must have 1 to 16 printable ASCII characters")
    if name in ("AET", "Host") and not value.strip():
        raise bad_request(f"{name} must not be empty")
    return value


def _port(value: object) -> int:
    """A port; as text, too, as by Orthanc."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 10:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise bad_request("Port must be a number")
    if not 0 < value <= _HIGHEST_PORT:
        raise bad_request(
            f"Port must be from 1 to {_HIGHEST_PORT}", ErrorCode.PARAMETER_OUT_OF_RANGE
        )
    return value


def _seconds(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise bad_request("Timeout must be a whole number of seconds")
    return value
