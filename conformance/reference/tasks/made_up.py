"""A job that somebody has made up who writes a test: of any type, with steps that do nothing."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from conformance.reference.job import Outcome, Succeeded, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.reference.job import Job, Step


@dataclass(frozen=True, slots=True)
class MadeUp(Task):
    """Nothing to do in each step; it shows the type and the content that it was given.

    `held`: unless control says something else, each of its steps waits for a word.
    """

    wanted_type: str
    wanted_content: dict[str, object]
    held: bool = True
    type: ClassVar[str] = "MadeUp"

    @property
    def shown_type(self) -> str:
        return self.wanted_type

    def content(self, job: Job) -> dict[str, object]:
        return self.wanted_content


@contextmanager
def open_run(task: Task) -> Iterator[Callable[[Step], Outcome]]:
    """Yield the function that does a step of such a task: it succeeds at once."""
    yield lambda step: Succeeded()
