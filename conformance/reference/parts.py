"""The parts that a server is built of; a planted fault is another choice of one of them."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.reference.answers import JobAnswers
from conformance.reference.engine import Engine
from conformance.reference.registry import Registry
from conformance.reference.submission import SubmissionReader


@dataclass(frozen=True, slots=True)
class Parts:
    """Which class plays each role. The defaults are the server without any fault."""

    registry: type[Registry] = Registry
    engine: type[Engine] = Engine
    answers: type[JobAnswers] = JobAnswers
    reader: type[SubmissionReader] = SubmissionReader
