"""What the body of a call that creates a job asks for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite
from typing import TypeVar

from conformance.reference.bodies import boolean
from conformance.reference.errors import bad_request
from conformance.reference.lenient_json import parse
from conformance.reference.transcoding import read_syntax

T = TypeVar("T")
_LOWEST, _HIGHEST = -(2**31), 2**31 - 1
_DEEPEST = 100


@dataclass(frozen=True, slots=True)
class Submission:
    """Send `resources`, in this order; wait for the end if `synchronous`.

    `compress`: by gzip. `permissive`: what cannot be sent fails nothing. `transcode`: the transfer
    syntax that is sent, empty = as it is stored.
    """

    resources: tuple[str, ...]
    synchronous: bool = True
    priority: int = 0
    compress: bool = False
    permissive: bool = False
    transcode: str = ""
    user_data: object = None


class SubmissionReader:
    """Reads submissions.

    Sources: the page, "Synchronous vs. asynchronous calls"; the requirements `submit/...`, among
    them what a mode or a Priority of another type is answered; the forms of the body: Orthanc
    1.10.1.
    """

    def read(self, body: bytes) -> Submission:
        """The submission in `body`: an object with ``Resources``, an array of ids, or one id.

        Raises `RestError` (400).
        """
        fields = self.store_fields(body)
        return Submission(
            self.resources(fields["Resources"]),
            self.synchronous(fields),
            self.priority(fields),
            boolean(fields, "Compress"),
            boolean(fields, "Permissive"),
            read_syntax(fields.get("Transcode")),
            self.user_data(fields),
        )

    def store_fields(self, body: bytes) -> dict[str, object]:
        """The fields of a call to store, ``Resources`` among them, whatever its form.

        Raises `RestError` (400).
        """
        try:
            value = parse(body)
        except (ValueError, RecursionError):
            value = _bare_id(body)
        if isinstance(value, str | list):
            return {"Resources": [value] if isinstance(value, str) else value}
        if not isinstance(value, dict):
            raise bad_request("The body must be an object, or an array of identifiers")
        if "Resources" not in value:
            raise bad_request("Missing field: Resources")
        return value

    def resources(self, value: object) -> tuple[str, ...]:
        """The identifiers, in the order of the caller, as often as they are listed."""
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise bad_request("Resources must be an array of strings")
        if not all(map(_is_id, value)):
            raise bad_request("Resources must be identifiers")
        return tuple(value)

    def synchronous(self, fields: dict[str, object]) -> bool:
        """Whether the caller waits: by default. ``Synchronous`` wins over ``Asynchronous``."""
        for name, meaning in (("Synchronous", True), ("Asynchronous", False)):
            if name in fields:
                value = fields[name]
                if not isinstance(value, bool):
                    raise bad_request(f"{name} must be a boolean")
                return value is meaning
        return True

    def priority(self, fields: dict[str, object]) -> int:
        """The priority: any integer of 32 bits, 0 by default."""
        value = fields.get("Priority", 0)
        if not isinstance(value, int) or isinstance(value, bool):
            raise bad_request("Priority must be an integer")
        if not _LOWEST <= value <= _HIGHEST:
            raise bad_request("Priority must fit in 32 bits")
        return value

    def user_data(self, fields: dict[str, object]) -> object:
        """What the job is to show as ``UserData``: any JSON; None, as null, is nothing."""
        value = fields.get("UserData")
        return tellable("UserData", value)


def tellable(name: str, value: T) -> T:
    """`value` of the field `name`, which a job is to show. Raises `RestError` (400)."""
    if not _can_be_told(value):
        raise bad_request(f"{name} must be JSON, nested less than {_DEEPEST} times")
    return value


def _can_be_told(value: object) -> bool:
    """Whether what was read as JSON can be answered as JSON: neither without bounds, nor a maze."""
    level = [value]
    for _ in range(_DEEPEST):
        if not level:
            return True
        if any(isinstance(each, float) and not isfinite(each) for each in level):
            return False
        level = [inner for each in level for inner in _inside(each)]
    return False


def _inside(value: object) -> Iterable[object]:
    match value:
        case dict():
            return value.values()
        case list():
            return value
    return ()


def _bare_id(body: bytes) -> str | None:
    """The identifier that is the whole body, without any JSON around it; None if it is none."""
    text = body.decode("ascii", errors="replace").strip()
    return text if _is_id(text) else None


def _is_id(text: str) -> bool:
    """Whether `text` has the form of an identifier."""
    return len(text) == 44 and set(text) <= set("0123456789abcdef-")
