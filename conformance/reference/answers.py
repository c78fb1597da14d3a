"""The answers: JSON, errors as Orthanc words them, and the ones of the calls about jobs."""

from __future__ import annotations

import json
import time
from collections import Counter
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import Response

from conformance.reference.errors import ErrorCode, RestError, not_found
from conformance.reference.job import State
from conformance.reference.json_text import laid_out
from conformance.reference.told import Deletion, JobEnd

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request

_JSON = "application/json; charset=utf-8"


def json_answer(value: object, status: int = HTTPStatus.OK) -> Response:
    """`value` as JSON, laid out as Orthanc does it: scripts look for ``"State" : "Success"``."""
    return Response(laid_out(value), status, media_type=_JSON)


def text_answer(text: str = "") -> Response:
    """`text` as it is; without one, the answer of a call that has nothing to answer."""
    return Response(text, headers={"Content-Type": "text/plain"})


def done_answer() -> Response:
    """An empty object, by which Orthanc says that it has done what was asked for."""
    return Response(b"{}", media_type="application/json")


def empty_answer(status: int = HTTPStatus.OK) -> Response:
    """No body at all."""
    return Response(b"", status)


def error_answer(request: Request, status: int, code: ErrorCode, details: str = "") -> Response:
    """An error as Orthanc describes one, with the code in ``OrthancStatus``."""
    body: dict[str, object] = {"Details": details} if details else {}
    body |= {
        "HttpError": HTTPStatus(status).phrase,
        "HttpStatus": int(status),
        "Message": code.description,
        "Method": request.method,
        "OrthancError": code.description,
        "OrthancStatus": code.value,
        "Uri": request.url.path,
    }
    return Response(json.dumps(body), status)  # without a type, as on Orthanc


class JobAnswers:
    """What the calls about jobs answer.

    Sources: the requirements `action/...`, `answer/...` and `monitor/...`.
    """

    def action(self, accepted: bool, known: bool) -> Response:
        """An action was accepted: an empty object. It was refused: an empty body.

        `known`: whether there was such a job.
        """
        return done_answer() if accepted else empty_answer(HTTPStatus.BAD_REQUEST)

    def is_expanded(self, expand: str | None) -> bool:
        """Whether the list of jobs has their details. `expand`: what the query says, if it does."""
        return expand is not None and expand.lower() not in ("false", "0")

    def metrics(self, states: Iterable[str]) -> Response:
        """How many jobs there are. `states`: that of each. A Paused job counts as one that runs."""
        many = Counter(states)
        pending, running = many[State.PENDING] + many[State.RETRY], many[State.RUNNING]
        success, failed = many[State.SUCCESS], many[State.FAILURE]
        counted = {
            "orthanc_jobs_completed": success + failed,
            "orthanc_jobs_failed": failed,
            "orthanc_jobs_pending": pending,
            "orthanc_jobs_running": running + many[State.PAUSED],
            "orthanc_jobs_success": success,
        }
        moment = int(time.time() * 1000)
        return text_answer("".join(f"{name} {many} {moment}\n" for name, many in counted.items()))

    def job(self, described: dict[str, object] | None) -> Response:
        """A job, or None for one that there is not."""
        return empty_answer(HTTPStatus.NOT_FOUND) if described is None else json_answer(described)

    def deletion(self, deletion: Deletion) -> Response:
        """A job was to be deleted."""
        match deletion:
            case Deletion.DONE:
                return text_answer()
            case Deletion.NOT_COMPLETED:
                raise not_found("Only a completed job can be deleted")
            case Deletion.UNKNOWN:
                raise not_found("There is no such job")

    def submitted(self, job_id: str) -> Response:
        """An asynchronous call: the handle of its job."""
        return json_answer({"ID": job_id, "Path": f"/jobs/{job_id}"})

    def ended(self, end: JobEnd) -> Response:
        """A synchronous call: the content of its job, or the job's error (raised).

        A job that found no place in the history is gone, and so is its result.
        """
        if not end.kept:
            raise not_found("The job is no longer in the history")
        if end.state is State.SUCCESS:
            return json_answer(end.content)
        raise RestError(end.error.status, end.error, end.details)

    def archive_ended(self, end: JobEnd, name: str) -> Response:
        """The same for a call that asked for an archive, which is called `name`."""
        if end.output is None or end.state is not State.SUCCESS:
            return self.ended(end)
        return self.archive(end.output, name)

    def archive(self, output: bytes | None, name: str = "archive.zip") -> Response:
        """An archive, or None for one that there is not."""
        if output is None:
            raise not_found("Job has no such output: archive")
        headers = {"Content-Disposition": f'filename="{name}"'}
        return Response(output, headers=headers, media_type="application/zip")

    def dropped(self, done: bool) -> Response:
        """The archive of a job was to be removed; `done`: there was one."""
        return text_answer() if done else self.archive(None)
