"""What a property is: a sentence with a modality, and the predicate that says the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import KW_ONLY, dataclass, replace
from enum import StrEnum
from functools import cached_property
from itertools import count
from typing import NamedTuple, Protocol, TypeAlias

from spec.engine import EMPTY, Answer, Config, Engine, Event, Job, List, Submit
from spec.relaxations import NONE, Relaxation
from spec.table import State


class Modality(StrEnum):
    """When a property holds."""

    ALWAYS = "always"
    SOMETIMES = "sometimes"
    EVENTUALLY = "eventually"


ALWAYS, SOMETIMES, EVENTUALLY = Modality


class Own(NamedTuple):
    """A move that the engine makes by itself, as `spec.engine.moves` names it."""

    name: str
    job: int


class _Transition(NamedTuple):
    config: Config
    before: Engine
    what: Event | Own
    answer: Answer
    after: Engine


class Transition(_Transition):
    """One thing that happens. ``answer`` is None for a move.

    What most predicates ask of it is found once.
    """

    @cached_property
    def job(self) -> int | None:
        """The job that it happens to; None for a submission, a listing and an unknown id."""
        return None if isinstance(self.what, Submit | List) else self.what.job

    @cached_property
    def subject(self) -> tuple[Job | None, Job | None]:
        """The job that it happens to, before and after. None: no such job, or gone."""
        before, after = self.before.jobs, self.after.jobs
        index = len(before) if isinstance(self.what, Submit) else self.job
        if index is None or not 0 <= index < len(after):
            return None, None
        return before[index] if index < len(before) else None, after[index]

    @cached_property
    def records(self) -> tuple[tuple[int, Job | None, Job | None], ...]:
        """Each job before and after: (index, before, after). A new job has no before."""
        before, after = self.before.jobs, self.after.jobs
        new = (None,) * (len(after) - len(before))
        return tuple(zip(count(), before + new if new else before, after, strict=False))


class Node(NamedTuple):
    """An engine with everything that can happen to it next."""

    config: Config
    engine: Engine
    happens: tuple[Transition, ...]


class Explorer(Protocol):
    """Searches the engines of one worker, one place in the history and jobs of one step."""

    def happens(
        self, jobs: int, admitted: frozenset[Relaxation], engine: Engine
    ) -> tuple[Transition, ...]:
        """What can happen to ``engine``, when at most ``jobs`` are submitted."""
        ...

    def reached(
        self, jobs: int, admitted: frozenset[Relaxation], roots: Iterable[Engine] = (EMPTY,)
    ) -> Iterator[Node]:
        """Every engine that can be reached from ``roots``, with what can happen in it."""
        ...


OfState: TypeAlias = Callable[[Config, Engine], bool]
OfTransition: TypeAlias = Callable[[Transition], bool]
OfNode: TypeAlias = Callable[[Node], bool]
OfRuns: TypeAlias = Callable[[Explorer, frozenset[Relaxation]], bool]


def _one(workers: int, history: int) -> int:
    return 1


@dataclass(frozen=True)
class Property:
    """One promise.

    ``origin``: the entries of the catalogue that it restates, or what else it comes from.
    ``relaxed_by``: the relaxations under which it fails.
    ``state``, ``transition``, ``node``: the predicates. Of an *always* or *eventually* property
    each must be true wherever the explorer comes; of a *sometimes* property one, once.
    ``runs``: of a *sometimes* property that no single state and no single transition can show:
    whether it is met, under the relaxations that are admitted, by a search of its own.
    ``fault``: it is broken by each `spec.properties.asking.Fault`.
    ``leaves``: a job does not stay in this state for ever (`spec.proofs.explore` says how that
    is decided). ``rests_on``: properties that must hold as well.
    ``jobs``: the number of jobs below which the question makes no sense, given the scope's
    workers and history; such a scope does not decide it.

    The methods ``of_...`` are decorators: each makes a function the predicate of a property that
    has none yet, so that a predicate stands right below the sentence that it says.
    """

    name: str
    modality: Modality
    sentence: str
    origin: tuple[str, ...] | str
    _: KW_ONLY
    relaxed_by: frozenset[Relaxation] = NONE
    state: OfState | None = None
    transition: OfTransition | None = None
    node: OfNode | None = None
    runs: OfRuns | None = None
    fault: bool = False
    leaves: State | None = None
    rests_on: tuple[str, ...] = ()
    jobs: Callable[[int, int], int] = _one

    def of_state(self, check: OfState) -> Property:
        """With a predicate of an engine."""
        return replace(self, state=check)

    def of_transition(self, check: OfTransition) -> Property:
        """With a predicate of one thing that happens."""
        return replace(self, transition=check)

    def of_node(self, check: OfNode) -> Property:
        """With a predicate of an engine and all that can happen next."""
        return replace(self, node=check)

    def of_runs(self, check: OfRuns) -> Property:
        """With a search of its own."""
        return replace(self, runs=check)

    @property
    def source(self) -> str:
        """Where it comes from: the entries of the catalogue, each with its own source.

        The catalogue is looked up when it is asked for and not before: it refuses to be made from
        a table without one of the published edges, and the proofs must be able to judge that.
        """
        if isinstance(self.origin, str):
            return self.origin
        from spec.requirements import requirement

        return "; ".join(f"{id} ({requirement(id).source})" for id in self.origin)
