"""Control over REST: the calls below ``/_control``, which are there only when asked for."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import fields as fields_of
from typing import TYPE_CHECKING

from starlette.background import BackgroundTask

from conformance.reference.answers import json_answer
from conformance.reference.bodies import boolean, read_object, text
from conformance.reference.control.controls import LONG, ControlError, NoSuchJob
from conformance.reference.control.disturbances import PREFIX, Disturbance
from conformance.reference.errors import ErrorCode, RestError, bad_request, not_found
from conformance.reference.routing import Route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from starlette.requests import Request
    from starlette.responses import Response

    from conformance.reference.control.controls import Controls

    Endpoint = Callable[[Request], Awaitable[Response]]
    Fields = dict[str, object]
    Do = Callable[[str, Fields], None]
    Restart = Callable[[bool, float], None]

_MOST_STEPS = 100_000
_OF_A_JOB = ("Content", "Description", "Held", "Priority", "Steps", "Type")
_OF_A_DISTURBANCE = tuple(each.name.capitalize() for each in fields_of(Disturbance))


@dataclass(frozen=True, slots=True)
class _Word:
    """A call that does something, and has nothing to answer. `names`: of its fields, None = any."""

    do: Do
    names: tuple[str, ...] | None = ()


class ControlApi:
    """The methods of `Controls`, and the end of the server.

    `restart(killed, down)` ends this life of the server, and begins the next `down` seconds later.
    """

    def __init__(self, controls: Controls, restart: Restart) -> None:
        self._controls = controls
        self._restart = restart

    def routes(self) -> list[Route]:
        """The routes."""
        controls = self._controls
        of_jobs: dict[str, _Word] = {
            "evict": _Word(lambda job, fields: controls.evict(job)),
            "fail": _Word(self._fail, ("ErrorCode", "ErrorDetails")),
            "hold": _Word(lambda job, fields: controls.hold(job)),
            "perform": _Word(lambda job, fields: controls.perform(job)),
            "release": _Word(lambda job, fields: controls.release(job)),
            "retry": _Word(
                lambda job, fields: controls.retry(job, _seconds(fields, LONG)), ("Seconds",)
            ),
            "show": _Word(lambda job, fields: controls.show(job, **fields), None),
            "succeed": _Word(lambda job, fields: controls.succeed(job)),
        }
        of_the_server: dict[str, _Word] = {
            "clock/advance": _Word(
                lambda _, fields: controls.advance(_seconds(fields, 0.0)), ("Seconds",)
            ),
            "disturbances": _Word(self._disturb, _OF_A_DISTURBANCE),
            "jobs/hold": _Word(lambda _, fields: controls.hold()),
            "jobs/release": _Word(lambda _, fields: controls.release()),
            "queue/hold": _Word(lambda _, fields: controls.hold_queue()),
            "queue/release": _Word(lambda _, fields: controls.release_queue()),
        }
        return [
            Route(PREFIX, self._show, methods=["GET"]),
            Route(f"{PREFIX}/jobs", self._make, methods=["POST"]),
            Route(f"{PREFIX}/disturbances", self._undisturb, methods=["DELETE"]),
            Route(f"{PREFIX}/restart", self._end, methods=["POST"]),
            *(_post(path, word) for path, word in of_the_server.items()),
            *(_post(f"jobs/{{id}}/{name}", word) for name, word in of_jobs.items()),
        ]

    async def _show(self, request: Request) -> Response:
        return json_answer(self._controls.standing())

    async def _make(self, request: Request) -> Response:
        fields = await _fields(request, _OF_A_JOB)
        steps = fields.get("Steps", 1)
        if not isinstance(steps, int) or isinstance(steps, bool) or not 0 <= steps <= _MOST_STEPS:
            raise bad_request(f"Steps must be a whole number from 0 to {_MOST_STEPS}")
        priority = fields.get("Priority", 0)
        if not isinstance(priority, int) or isinstance(priority, bool):
            raise bad_request("Priority must be an integer")
        content = fields.get("Content")
        if not isinstance(content, dict | None):
            raise bad_request("Content must be an object")
        with _told():
            made = await asyncio.to_thread(
                self._controls.job,
                steps,
                type=text(fields, "Type", "OrthancPeerStore"),
                priority=priority,
                content=content,
                description=text(fields, "Description", "REST API"),
                held=boolean(fields, "Held", True),
            )
        return json_answer({"ID": made, "Path": f"/jobs/{made}"})

    def _fail(self, job: str, fields: Fields) -> None:
        code = fields.get("ErrorCode", ErrorCode.NETWORK_PROTOCOL.value)
        if not isinstance(code, int):
            raise bad_request("ErrorCode must be an integer")
        self._controls.fail(job, code, text(fields, "ErrorDetails", ""))

    def _disturb(self, _: str, fields: Fields) -> None:
        times, status = fields.get("Times", 1), fields.get("Status")
        if not isinstance(times, int | None) or (times is not None and times < 1):
            raise bad_request("Times must be a number from 1, or null")
        if not isinstance(status, int | None) or (status is not None and not 200 <= status < 600):
            raise bad_request("Status must be a number from 200 to 599")
        self._controls.disturb(
            text(fields, "Path", "*"),
            text(fields, "Method", "*"),
            times=times,
            delay=_seconds(fields, 0.0, "Delay"),
            status=status,
            reset=boolean(fields, "Reset"),
            done=boolean(fields, "Done"),
        )

    async def _undisturb(self, request: Request) -> Response:
        self._controls.undisturb()
        return json_answer({})

    async def _end(self, request: Request) -> Response:
        """The answer comes first, then the end."""
        fields = await _fields(request, ("Down", "Killed"))
        killed, down = boolean(fields, "Killed"), _seconds(fields, 0.0, "Down")
        response = json_answer({})
        response.background = BackgroundTask(self._restart_soon, killed, down)
        return response

    async def _restart_soon(self, killed: bool, down: float) -> None:
        self._restart(killed, down)


def _post(path: str, word: _Word) -> Route:
    """The route of it."""

    async def call(request: Request) -> Response:
        fields = await _fields(request, word.names)
        with _told():
            await asyncio.to_thread(word.do, request.path_params.get("id", ""), fields)
        return json_answer({})

    return Route(f"{PREFIX}/{path}", call, methods=["POST"])


@contextmanager
def _told() -> Iterator[None]:
    """Within it, what control cannot do is answered 404 or 400, what it waits for in vain 500."""
    try:
        yield
    except NoSuchJob as error:
        raise not_found(str(error)) from None
    except ControlError as error:
        raise bad_request(str(error), ErrorCode.PARAMETER_OUT_OF_RANGE) from None
    except TimeoutError as error:
        code = ErrorCode.INTERNAL_ERROR
        raise RestError(code.status, code, str(error)) from None


async def _fields(request: Request, names: tuple[str, ...] | None) -> Fields:
    """The object in the body, which may be empty. Raises `RestError` (400).

    `names`: of its fields, None = any. Nobody would know of a misspelt one, which changes nothing.
    """
    fields = await read_object(request) if await request.body() else {}
    if names is not None and (unknown := fields.keys() - {*names}):
        known = f"there are {', '.join(sorted(names))}" if names else "there is none"
        raise bad_request(f"There is no field {min(unknown)}; {known}")
    return fields


def _seconds(fields: Fields, default: float, name: str = "Seconds") -> float:
    """A field that is a time. Raises `RestError` (400)."""
    value = fields.get(name, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise bad_request(f"{name} must be a number of seconds")
    return float(value)
