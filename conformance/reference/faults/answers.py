"""Faults of the answers: the engine does right, and the caller is told something else."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import Response

from conformance.reference.answers import JobAnswers, empty_answer, json_answer, text_answer
from conformance.reference.told import JobEnd


class RefusedAnswered200(JobAnswers):
    """An action that is refused is answered 200, though nothing changes."""

    def action(self, accepted: bool, known: bool) -> Response:
        return super().action(accepted or known, known)


class AcceptedAnswered400(JobAnswers):
    """An action that is accepted, and done, is answered 400."""

    def action(self, accepted: bool, known: bool) -> Response:
        return super().action(False, known)


class ActionOnUnknownJobAnswered200(JobAnswers):
    """An action on a job that there is not is answered 200."""

    def action(self, accepted: bool, known: bool) -> Response:
        return super().action(accepted or not known, known)


class ActionOnUnknownJobAnswered500(JobAnswers):
    """An action on a job that there is not is answered 500."""

    def action(self, accepted: bool, known: bool) -> Response:
        if not known:
            return empty_answer(HTTPStatus.INTERNAL_SERVER_ERROR)
        return super().action(accepted, known)


class RefusedWithBody(JobAnswers):
    """An action that is refused is answered with the body of an accepted one."""

    def action(self, accepted: bool, known: bool) -> Response:
        return super().action(accepted, known) if accepted else json_answer({}, 400)


class AcceptedWithoutBody(JobAnswers):
    """An action that is accepted is answered with an empty body."""

    def action(self, accepted: bool, known: bool) -> Response:
        return empty_answer() if accepted else super().action(accepted, known)


class AcceptedAnsweredAsText(JobAnswers):
    """The answer to an accepted action is of the type text/plain."""

    def action(self, accepted: bool, known: bool) -> Response:
        return text_answer("{}") if accepted else super().action(accepted, known)


class UnknownJobAnswered200(JobAnswers):
    """A job that there is not is answered 200, with an empty object."""

    def job(self, described: dict[str, object] | None) -> Response:
        return super().job({} if described is None else described)


class SubmissionWithoutPath(JobAnswers):
    """The handle of a submitted job lacks its Path."""

    def submitted(self, job_id: str) -> Response:
        return json_answer({"ID": job_id})


class FailedSynchronousCallAnswered200(JobAnswers):
    """A synchronous call whose job has failed is answered 200."""

    def ended(self, end: JobEnd) -> Response:
        return json_answer(end.content)
