"""The proofs by induction: what they decide, and that they would notice if it were not so."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from spec import engine as detailed
from spec import table
from spec.engine import Act, Arrive, Config, Engine, Event, Replied, Reply, Submit
from spec.proofs import ANY, DEFAULT, NotInstalled, ProofEngine, Verdict
from spec.properties import BY_NAME, PROPERTIES, Modality
from spec.relaxations import NONE, Relaxation
from spec.table import Action, Cell, State

z3 = pytest.importorskip("z3")

from spec.proofs import smt  # noqa: E402
from spec.proofs.smt import always, prover, relations, rule, runs  # noqa: E402
from spec.proofs.smt.client import Client  # noqa: E402
from spec.proofs.smt.worker import Worker  # noqa: E402
from spec.proofs.smt.world import World  # noqa: E402

pytestmark = [pytest.mark.apart, pytest.mark.usefixtures("considerate")]
STRICT = pytest.mark.together("strict proof")  # tests that read it
ASKED_FOR = {  # by the issue; more may be decided
    "running-bounded",
    "history-iff-completed",
    "history-bounded",
    "requests-only-running",
    "priority-not-passed-over",
    "ties-in-order",
    "success-final",
    "refused-changes-nothing",
    "canceled-only-by-cancel",
    "refinement",
    "total-deterministic",
    "cancel-honoured",
    "pause-honoured",
    "pending-runs",
    "running-leaves",
    "retry-leaves",
}


def verdicts(proved: list[smt.Proved]) -> dict[str, Verdict]:
    return {each.name: each.verdict for each in proved}


@pytest.fixture(autouse=True)
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what z3's Python asks of each argument: a fifth of the time. What these tests share,
    the strict proof first of all, is made before this, and with it."""
    monkeypatch.setattr(z3.z3, "Z3_DEBUG", False)


@pytest.fixture(scope="module")
def strict() -> tuple[list[smt.Proved], list[smt.Obligation]]:
    obligations: list[smt.Obligation] = []
    return smt.prove(on_obligation=obligations.append), obligations


def longer(relaxation: Relaxation) -> list[pytest.MarkDecorator]:
    """`make check` asks of the relaxation that is proved soonest."""
    return [] if relaxation is Relaxation.CANCEL_LOST_TO_PAUSE else [pytest.mark.long]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(r, marks=[pytest.mark.together(f"proof with {r}"), *longer(r)])
        for r in Relaxation
    ],
)
def relaxed(request: pytest.FixtureRequest) -> tuple[Relaxation, list[smt.Proved]]:
    return request.param, smt.prove(frozenset({request.param}))


# --- what is decided ----------------------------------------------------------------------------


@STRICT
def test_everything_holds_without_relaxations(
    strict: tuple[list[smt.Proved], list[smt.Obligation]],
) -> None:
    assert {
        name for name, found in verdicts(strict[0]).items() if found is not Verdict.HOLDS
    } == set()
    assert all(each.counterexample is None for each in strict[0])


@STRICT
def test_what_is_decided(strict: tuple[list[smt.Proved], list[smt.Obligation]]) -> None:
    """All that was asked for, under the names of `spec.properties`, and no *sometimes*."""
    decided = set(verdicts(strict[0]))
    named = {p.name for p in PROPERTIES if p.modality is not Modality.SOMETIMES}
    assert ASKED_FOR <= decided <= named


@pytest.mark.long
def test_what_a_relaxation_breaks(relaxed: tuple[Relaxation, list[smt.Proved]]) -> None:
    """Exactly what `spec.properties` says, each with a run from the empty engine."""
    relaxation, proved = relaxed
    for each in proved:
        broken = relaxation in BY_NAME[each.name].relaxed_by
        assert each.verdict is (Verdict.FAILS if broken else Verdict.HOLDS), each
        assert (each.counterexample is not None) is broken


@pytest.mark.long
def test_all_relaxations_together_break_no_more() -> None:
    found = verdicts(smt.prove(frozenset(Relaxation)))
    broken = {name for name, verdict in found.items() if verdict is not Verdict.HOLDS}
    assert broken == {p.name for p in PROPERTIES if p.relaxed_by}


IN_WORDS = {
    Relaxation.CANCEL_LOST_TO_PAUSE: (
        "job A is Running, asked to pause and to cancel; at a step boundary, more to come; "
        "the engine takes the edge Pause() to Paused"
    ),
    Relaxation.REQUEST_LOST_ON_LAST_STEP: (
        "the last step has succeeded; the engine takes the edge succeed to Success"
    ),
    Relaxation.TIES_UNORDERED: "a worker takes job B; the engine takes the edge start to Running",
}


@pytest.mark.long
def test_a_counterexample_is_a_run_in_the_words_of_the_domain(
    relaxed: tuple[Relaxation, list[smt.Proved]],
) -> None:
    relaxation, proved = relaxed
    text = next(each.counterexample for each in proved if each.verdict is Verdict.FAILS)
    assert text is not None
    assert text.startswith("1. job A is submitted; the engine takes the edge submit to Pending\n")
    assert text.partition("\nThen ")[2].endswith(f"{IN_WORDS[relaxation]}.")


@STRICT
def test_obligations_have_names(strict: tuple[list[smt.Proved], list[smt.Obligation]]) -> None:
    names = [obligation.name for obligation in strict[1]]
    assert len(names) == len(set(names))
    assert {
        "running-bounded/init",
        "running-bounded/start",
        "running-bounded/cancel/running",
        "running-bounded/implied",
        "cancel-honoured/look/step-succeeds/both/cancel",
        "refinement/table/one-edge-a-trigger",
        "total-deterministic/cancel/one-answer",
        "running-leaves/goes-on",
        "sometimes/start",
        "sometimes/cancel/pending/evicting",
        "sometimes/ties-in-order",
    } <= set(names)


@STRICT
def test_the_number_of_obligations(
    strict: tuple[list[smt.Proved], list[smt.Obligation]],
) -> None:
    """Pinned, so that an accidental change shows.

    21 conjuncts and 20 claims on moves, for each of 65 rules; 21 conjuncts of the empty engine;
    8 claims on states; 8 parts of claims on nodes; 10 of the symbolic table.
    """
    names = [obligation.name for obligation in strict[1]]
    assert sum(name.startswith("a-state/") for name in names) == 65 + 1
    proofs = [name for name in names if not name.startswith("sometimes/")]
    assert len(proofs) == (21 + 20) * 65 + 21 + 8 + 8 + 10


@STRICT
def test_check_speaks_the_words_of_all_proofs(
    strict: tuple[list[smt.Proved], list[smt.Obligation]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smt, "prove", lambda admitted: strict[0])
    found = list(smt.check(DEFAULT, NONE))
    assert [(each.name, each.verdict) for each in found] == list(verdicts(strict[0]).items())
    assert {each.engine for each in found} == {ProofEngine.SMT}
    assert {each.scope for each in found} == {ANY}
    assert {each.modality for each in found} == {Modality.ALWAYS, Modality.EVENTUALLY}


# --- that it would notice -------------------------------------------------------------------------


class Noticed(Exception):
    """Something was not proved."""


def notice(obligation: smt.Obligation) -> None:
    if obligation.verdict is not Verdict.HOLDS:
        raise Noticed(obligation.name)


# What the moves of the worker rest on, or of the peer that it waits for.
OF_THE_WORKER = {
    part
    for part in smt.PARTS
    if part.split("-")[0] in ("start", "look", "leave", "fail", "timeout")
}


def noticed_without(part: str) -> bool:
    try:
        smt.prove(on_obligation=notice, without=frozenset({part}), find_runs=False)
    except Noticed:
        return True
    return False


def worker_first(
    world: World, pre: smt.Frame, job: Any, jobs: tuple[Any, ...], tag: str = ""
) -> Iterator[rule.Rule]:
    """All moves, those of the worker first."""
    yield from Worker(world, pre, job, jobs, tag).moves()
    yield from Client(world, pre, job, jobs, tag).moves()


@pytest.mark.long
@pytest.mark.parametrize("part", smt.PARTS)
def test_no_part_of_the_engine_is_superfluous(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of the moves is of no matter to what is proved, but to how soon it is noticed."""
    monkeypatch.setattr(prover, "moves", worker_first if part in OF_THE_WORKER else prover.moves)
    assert noticed_without(part)


class Needed(prover.Prover):
    """Asks for what is not proved any more when one conjunct is not assumed, and all others are.

    That all of it is proved with every conjunct is asked elsewhere. The proof of a conjunct itself
    does not count: without the conjunct it would not be asked for.
    """

    def __init__(self) -> None:
        super().__init__(NONE, frozenset(), None)
        self.needed: dict[str, str] = {}  # the conjunct, and what is not proved without it
        self.itself = False
        self.run()

    def preserved(self, rule: rule.Rule) -> None:
        self.itself = True
        super().preserved(rule)
        self.itself = False

    def ask(
        self, owner: str, part: str, hypotheses: tuple[str, ...], goal: Any, move: rule.Rule | str
    ) -> None:
        if z3.is_true(z3.simplify(goal)):
            return
        self.solver.push()
        self.solver.add(z3.Not(goal))
        for left_out in hypotheses:
            if left_out not in self.needed and not (self.itself and left_out == owner):
                others = [self.assumed[name] for name in hypotheses if name != left_out]
                if self.solver.check(*others) == z3.sat:
                    self.needed[left_out] = f"{owner}/{part}"
        self.solver.pop()

    def satisfiable(self, condition: Any) -> bool:
        return True  # with every conjunct, it is; and more is possible with less


@pytest.fixture(scope="module")
def needed() -> dict[str, str]:
    return Needed().needed


@pytest.mark.long
@pytest.mark.together("conjuncts")
@pytest.mark.parametrize("conjunct", smt.BY_CONJUNCT)
def test_no_conjunct_is_superfluous(conjunct: str, needed: dict[str, str]) -> None:
    assert conjunct in needed


@pytest.mark.long
@pytest.mark.parametrize(
    ("part", "broken"),
    [
        ("start-needs-a-worker", {"running-bounded"}),
        ("complete-evicts-the-surplus", {"history-bounded"}),
        ("evict-the-oldest", {"oldest-evicted-first"}),
        (
            "leave-ends-the-requests",
            {"requests-only-running", "canceled-only-by-cancel", "pause-honoured"},
        ),
        ("look-at-what-was-asked", {"cancel-honoured", "pause-honoured"}),
    ],
)
def test_a_weakened_rule_breaks_what_it_is_there_for(part: str, broken: set[str]) -> None:
    found = verdicts(smt.prove(without=frozenset({part})))
    assert {name for name, verdict in found.items() if verdict is Verdict.FAILS} == broken
    assert Verdict.UNKNOWN not in found.values()


@pytest.mark.long
def test_a_conjunct_that_is_missing_refutes_nothing() -> None:
    """Without it the proof fails, and no run violates the property: that is *unknown*."""
    found = smt.prove(without=frozenset({"a-state"}), find_runs=False)
    total = next(each for each in found if each.name == "total-deterministic")
    assert total.verdict is Verdict.UNKNOWN
    assert total.counterexample is not None
    assert total.counterexample.startswith("not proved: total-deterministic/cancel/one-answer: ")


def with_cell(state: State, action: Action, found: Cell) -> dict[State | str, Any]:
    row = list(table.MATRIX[state])
    row[table.ACTIONS.index(action)] = found
    return {**table.MATRIX, state: tuple(row)}


@pytest.mark.long
def test_a_success_that_can_be_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    edge = table.Edge(State.SUCCESS, Action.RESUME, target := State.PENDING)
    monkeypatch.setattr(relations, "EDGES", (*table.EDGES, edge))
    monkeypatch.setattr(always, "EDGES", (*table.EDGES, edge))
    monkeypatch.setitem(table._TARGET, (edge.source, edge.trigger), target)
    matrix = with_cell(State.SUCCESS, Action.RESUME, Cell.EDGE)
    monkeypatch.setattr(table, "MATRIX", matrix)
    monkeypatch.setattr(rule, "MATRIX", matrix)
    assert "success-final" in smt.search(NONE, frozenset(), [smt.BY_CLAIM["success-final"]])
    final = next(p for p in smt.prove(find_runs=False) if p.name == "success-final")
    assert final.verdict is Verdict.UNKNOWN
    assert final.counterexample is not None
    assert final.counterexample.startswith(
        "not proved: success-final/resume/success: job A is Success"
    )
    assert final.counterexample.endswith(
        "a client posts resume to job A, and the answer is 200; "
        "the engine takes the edge Resume() to Pending"
    )


@pytest.mark.long
def test_a_cell_without_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule, "MATRIX", {**table.MATRIX, State.RETRY: ()})
    found = verdicts(smt.prove(find_runs=False))
    assert found["total-deterministic"] is not Verdict.HOLDS


@pytest.mark.long
def test_a_contradictory_invariant_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each obligation follows from what can never be; the *sometimes* obligations do not."""
    never = smt.Conjunct("never", "There is no state.", lambda world, *_: world.false)
    monkeypatch.setattr(prover, "CONJUNCTS", (*smt.CONJUNCTS, never))
    monkeypatch.setattr(prover, "BY_CONJUNCT", {**smt.BY_CONJUNCT, never.name: never})
    proved = smt.prove(find_runs=False)
    assert {each.verdict for each in proved} == {Verdict.UNKNOWN}
    assert all("this can never happen: sometimes/submit" in str(p.counterexample) for p in proved)


@pytest.mark.long
def test_work_that_is_used_up_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits are in z3's units of work: no clock is asked, so no load changes a verdict."""
    monkeypatch.setattr(prover, "CHECK_EFFORT", 500)
    assert set(verdicts(smt.prove(find_runs=False)).values()) == {Verdict.UNKNOWN}


def test_a_search_that_is_used_up_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = frozenset({Relaxation.REQUEST_LOST_ON_LAST_STEP})
    claims = [smt.BY_CLAIM["pause-honoured"]]
    monkeypatch.setattr(runs, "SEARCH_EFFORT", 1_000)
    assert smt.search(lost, frozenset(), claims) == {}


def test_no_answer_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(z3.Solver, "check", lambda self, *assumptions: z3.unknown)
    found = verdicts(smt.prove(find_runs=False))
    assert set(found.values()) == {Verdict.UNKNOWN}


def test_an_unknown_part() -> None:
    with pytest.raises(smt.UnknownPart, match="no-such-part"):
        smt.prove(without=frozenset({"no-such-part"}))


def test_without_z3_there_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smt, "z3", None)
    with pytest.raises(NotInstalled, match=f"{re.escape(sys.executable)} -m pip install z3-solver"):
        smt.prove()
    with pytest.raises(NotInstalled):
        next(smt.check(DEFAULT, NONE))


def test_it_can_be_imported_without_z3() -> None:
    code = "import sys; sys.modules['z3'] = None; import spec.proofs.smt as smt; assert not smt.z3"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- that the rules are those of the engine -----------------------------------------------------


class Same:
    """The rules of `smt`, held against `spec.engine` on one engine of a few jobs after the other.

    A detailed engine is said of a frame: what is said of each job, and the order of the queue
    and of the history. A delay that outlasts the observation is left out, as it is in `smt`.
    """

    def __init__(self, config: Config, jobs: int) -> None:
        assert config.workers is not None
        assert config.history is not None
        self.config, self.jobs = config, jobs
        self.search = smt.Search(config.relaxations, frozenset(), jobs)
        self.world = self.search.world
        self.solver = z3.Solver(ctx=self.world.ctx)
        self.solver.add(
            self.search.one_move,
            self.world.workers == config.workers,
            self.world.size == config.history,
            self.world.retries == config.retries,
        )
        self.seen: dict[int, tuple[str, int]] = {}

    def said(self, frame: smt.Frame, engine: Engine, gone: frozenset[int]) -> Any:
        world, parts = self.world, []
        for index, name in enumerate(world.universe):
            job = engine.jobs[index] if index < len(engine.jobs) else None
            there = job is not None or index in gone
            parts += [
                (frame.state(name) != world.at[None]) == there,
                frame.gone(name) == (job is None and there),
                frame.queued(name) == (index in engine.queue),
                frame.stored(name) == (index in engine.history),
            ]
            if job is not None:
                parts += [
                    frame.state(name) == world.at[job.state],
                    frame.phase(name) == world.phase[self.phase(job)],
                    frame.asked(name) == world.asked[job.asked],
                    frame.error(name) == world.error[job.error],
                    frame.priority(name) == job.priority,
                    frame.steps(name) == job.steps,
                    frame.done(name) == job.done,
                    frame.shown(name) == job.shown,
                ]
            if job is None and index in gone:
                parts.append(world.completed(frame.state(name)))
        for order, place in ((engine.queue, frame.place), (engine.history, frame.seat)):
            names = [world.universe[index] for index in order]
            parts += [place(a) < place(b) for a, b in pairwise(names)]
        states = [job.state for job in engine.jobs if job is not None]
        parts += [frame.running == states.count(State.RUNNING), frame.kept == len(engine.history)]
        return world.all(parts)

    @staticmethod
    def phase(job: detailed.Job) -> smt.Phase:
        idle = job.phase is detailed.Phase.NONE
        return smt.Phase.IDLE if idle else smt.Phase(job.phase.value)

    def successors(self, engine: Engine) -> set[Engine]:
        found = {after for _, _, after in detailed.moves(self.config, engine)}
        for event in self.events(engine):
            found |= {after for _, after in detailed.step(self.config, engine, event)}
        return found

    def events(self, engine: Engine) -> Iterator[Event]:
        if len(engine.jobs) < self.jobs:
            small = range(smt.SMALL)
            yield from (Submit(priority, steps + 1) for priority in small for steps in small)
        yield from (Act(action, None) for action in Action)
        for job, record in enumerate(engine.jobs):
            yield from (Act(action, job) for action in Action)
            if record is not None:
                yield Arrive(job, record.done)
            for reply in (Reply.SUCCEED, Reply.FAIL, Reply.RETRY):
                yield Replied(job, reply)

    def compare(self, engine: Engine, gone: frozenset[int]) -> set[Engine]:
        """Each successor is one here, and nothing else is."""
        found = self.successors(engine)
        self.solver.push()
        self.solver.add(self.said(self.search.pre, engine, gone))
        others = []
        for after in found:
            went = frozenset(i for i, job in enumerate(after.jobs) if job is None)
            image = self.said(self.search.post, after, gone | went)
            assert self.solver.check(image) == z3.sat, (engine, after)
            others.append(z3.Not(image))
        answer = self.solver.check(*others)
        assert answer == z3.unsat, (engine, self.solver.model())
        self.solver.pop()
        return found


@pytest.mark.long
@pytest.mark.parametrize(
    "config",
    [
        Config(workers=1, history=1),
        Config(workers=2, history=0, retries=True),
        Config(workers=1, history=2, relaxations=frozenset(Relaxation)),
    ],
    ids=["strict", "retries", "relaxed"],
)
def test_the_rules_make_exactly_the_moves_of_the_engine(config: Config) -> None:
    choose = random.Random(3)
    same = Same(config, jobs=2)
    for _ in range(3):
        engine, gone = detailed.EMPTY, frozenset[int]()
        for _ in range(25):
            found = sorted(same.compare(engine, gone) - {engine}, key=repr)
            if not found:
                break
            engine = choose.choice(found)
            gone |= {index for index, job in enumerate(engine.jobs) if job is None}
