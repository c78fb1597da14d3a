"""The calls below ``/queries``: what a C-FIND has found, and the jobs that retrieve it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.reference.answers import json_answer, text_answer
from conformance.reference.bodies import boolean, timeout
from conformance.reference.errors import ErrorCode, bad_request, not_found
from conformance.reference.job import Step
from conformance.reference.lenient_json import parse
from conformance.reference.modalities import GET, read_method, read_target
from conformance.reference.queries import Query
from conformance.reference.routing import Route
from conformance.reference.tag_views import View
from conformance.reference.tasks.moves import ModalityGet, ModalityMove, viewed

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from conformance.reference.associations import Caller
    from conformance.reference.calls import JobCalls
    from conformance.reference.job import Task
    from conformance.reference.releases import Release
    from conformance.reference.submission import SubmissionReader

_CALLS = ["answers", "level", "modality", "query", "retrieve"]
_NEWER = "1.12.7"  # shows the target of a C-MOVE, and knows C-GET
_ANSWER_CALLS = ["content", "retrieve"]


class QueriesApi:
    """``/queries`` and what is below (the forms: Orthanc 1.10.1)."""

    def __init__(
        self,
        calls: JobCalls,
        reader: SubmissionReader,
        caller: Caller,
        queries: dict[str, Query],
        release: Release,
    ) -> None:
        self._release = release
        self._calls = calls
        self._reader = reader
        self._caller = caller
        self._queries = queries

    def routes(self) -> list[Route]:
        """The routes."""
        answer = "/queries/{id}/answers/{number}"
        return [
            Route("/queries/{id}/retrieve", self._retrieve, methods=["POST"]),
            Route(f"{answer}/retrieve", self._retrieve_one, methods=["POST"]),
            Route("/queries", self._list, methods=["GET"]),
            Route("/queries/{id}", self._show, methods=["GET"]),
            Route("/queries/{id}", self._delete, methods=["DELETE"]),
            Route("/queries/{id}/level", self._level, methods=["GET"]),
            Route("/queries/{id}/modality", self._modality, methods=["GET"]),
            Route("/queries/{id}/query", self._asked, methods=["GET"]),
            Route("/queries/{id}/answers", self._answers, methods=["GET"]),
            Route(answer, self._answer, methods=["GET"]),
            Route(f"{answer}/content", self._content, methods=["GET"]),
        ]

    async def _list(self, request: Request) -> Response:
        return json_answer(list(self._queries))

    async def _show(self, request: Request) -> Response:
        self._query(request)
        return json_answer(_CALLS)

    async def _delete(self, request: Request) -> Response:
        self._queries.pop(request.path_params["id"], None)  # one that there is not is gone, too
        return text_answer()

    async def _level(self, request: Request) -> Response:
        return text_answer(self._query(request).level.shown)

    async def _modality(self, request: Request) -> Response:
        return text_answer(self._query(request).name)

    async def _asked(self, request: Request) -> Response:
        return json_answer(_tags(request, self._query(request).asked))

    async def _answers(self, request: Request) -> Response:
        answers = self._query(request).answers
        if "expand" in request.query_params:
            return json_answer([_tags(request, answer) for answer in answers])
        return json_answer([str(number) for number in range(len(answers))])

    async def _answer(self, request: Request) -> Response:
        _number(request, self._query(request))
        return json_answer(_ANSWER_CALLS)

    async def _content(self, request: Request) -> Response:
        query = self._query(request)
        return json_answer(_tags(request, query.answers[_number(request, query)]))

    async def _retrieve(self, request: Request) -> Response:
        query = self._query(request)
        return await self._ask(request, query, range(len(query.answers)))

    async def _retrieve_one(self, request: Request) -> Response:
        query = self._query(request)
        number = _number(request, query)
        return await self._ask(request, query, range(number, number + 1))

    async def _ask(self, request: Request, query: Query, numbers: range) -> Response:
        """Submit a job that retrieves these answers. Raises `RestError` (400, or its error)."""
        fields = _retrieve_fields(await request.body())
        named: dict[str, Any] = {
            "steps": tuple(Step(str(step)) for step in range(len(numbers))),
            "modality": query.modality,
            "local_aet": query.caller.aet,
            "queries": tuple(query.naming(number) for number in numbers),
            "permissive": boolean(fields, "Permissive"),
            "timeout": query.timeout if (seconds := timeout(fields)) is None else seconds,
            "view": _view(fields),
            "priority": self._reader.priority(fields),
            "user_data": self._reader.user_data(fields),
        }
        newer = self._release.is_from(_NEWER)
        target = read_target(fields, self._caller.aet)
        if newer and read_method(fields, query.modality.retrieve_method) == GET:
            task: Task = ModalityGet(**named, classes=query.classes(numbers))
        else:
            task = ModalityMove(**named, target_aet=target, shows_target=newer)
        return await self._calls.answer(request, task, self._reader.synchronous(fields))

    def _query(self, request: Request) -> Query:
        """The query that the path names. Raises `RestError` (404)."""
        query = self._queries.get(request.path_params["id"])
        if query is None:
            raise not_found("There is no such query", ErrorCode.UNKNOWN_RESOURCE)
        return query


def _retrieve_fields(body: bytes) -> dict[str, object]:
    """The fields of a retrieval: a JSON object, or the target's AET as plain text, or nothing."""
    try:
        value = parse(body or b"{}")
    except (ValueError, RecursionError) as error:
        if body.lstrip().startswith((b"{", b"[")):
            raise bad_request("The body must be JSON, or an AET") from error
        value = body.decode("ascii", errors="replace").strip()
    if isinstance(value, str):
        return {"TargetAet": value}
    if not isinstance(value, dict):
        raise bad_request("The body must be an object, or an AET")
    return value


def _number(request: Request, query: Query) -> int:
    """The answer that the path names. Raises `RestError` (400)."""
    text = request.path_params["number"]
    if not text.isascii() or not text.isdigit():
        raise bad_request("The number of an answer is a number", ErrorCode.BAD_PARAMETER_TYPE)
    if len(text) > 9 or int(text) >= len(query.answers):
        raise bad_request("There is no such answer", ErrorCode.PARAMETER_OUT_OF_RANGE)
    return int(text)


def _tags(request: Request, tags: dict[str, str]) -> dict[str, object]:
    """Tags as the caller wants to see them."""
    return viewed(tags, View.asked(request))


def _view(fields: dict[str, object]) -> View:
    """How Content is to show tags. Raises `RestError` (400)."""
    if boolean(fields, "Simplify"):
        return View.SIMPLE
    return View.FULL if boolean(fields, "Full") else View.SHORT
