"""The explorer: pinned sizes, the packed form against the engine, and what it decides."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import product
from typing import TypeAlias

import pytest

from spec import engine as engine_module
from spec.engine import EMPTY, Act, Config, Engine, Job, Phase
from spec.proofs import DEFAULT, Scope, Verdict, direct, explore
from spec.proofs.direct import Exploration, canonical, configuration, happenings
from spec.proofs.packed import (
    MOST_JOBS,
    CKernel,
    NotPackable,
    Packed,
    PythonKernel,
    TooLarge,
    Want,
)
from spec.proofs.packed.limits import RECORD_BITS
from spec.proofs.watch import Watch, cycle, in_words, what_happened
from spec.properties import BY_NAME, PROPERTIES, Fault, Modality, Own, Transition
from spec.relaxations import NONE, Relaxation
from spec.table import Action, Asked, State

pytestmark = pytest.mark.usefixtures("considerate")

Explored: TypeAlias = Callable[..., Exploration]  # see conftest.py
Verdicts: TypeAlias = Callable[..., dict[str, Verdict]]

ALL = frozenset(Relaxation)
SMALL = Scope(2, 1, 1, 1, 1)
COMPILER = shutil.which("cc")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="needs a C compiler")

# The sizes of some scopes: (scope, symmetry, states, moves, depth). To recompute one, with the
# engine itself and nothing else:
#
#   python -c "from spec.proofs import Scope; from spec.proofs.direct import explore; \
#              print(explore(Scope(2, 1, 1, 1, 1), symmetry=False))"
#
# Without symmetry, Spin comes to the same number of states (tests/spec/proofs/test_promela.py).
PINNED = [
    (Scope(1, 1, 1, 1, 1), False, 77, 712, 15),
    (Scope(1, 1, 1, 2, 2), False, 441, 4104, 19),
    (Scope(2, 1, 1, 1, 1), False, 2880, 38918, 30),
    (Scope(2, 1, 1, 1, 1), True, 1483, 19910, 29),
    (Scope(2, 1, 0, 1, 1), True, 378, 4982, 18),
    pytest.param(Scope(2, 2, 1, 1, 1), False, 6016, 87302, 30, marks=pytest.mark.long),
    pytest.param(Scope(3, 1, 1, 1, 1), True, 16299, 285003, 43, marks=pytest.mark.long),
]


def size(found: Exploration) -> tuple[int, int, int]:
    assert found.complete
    return found.states, found.moves, found.depth


def python(scope: Scope, admitted: frozenset[Relaxation], symmetry: bool) -> Packed:
    """The packed form with the Python loop, run to its end."""
    made = Packed(scope, admitted, symmetry)
    kernel = made.kernel
    while (more := kernel.run(10**9)) is not False:
        assert isinstance(more, Want)
        made.answer(more)
    return made


@pytest.mark.parametrize(("scope", "symmetry", "states", "moves", "depth"), PINNED)
def test_the_sizes_of_scopes_are_pinned(
    scope: Scope, symmetry: bool, states: int, moves: int, depth: int, explored: Explored
) -> None:
    assert size(explored(scope, symmetry=symmetry)) == (states, moves, depth)
    assert size(explore.count(scope, symmetry=symmetry)) == (states, moves, depth)


@pytest.mark.long
@needs_compiler
def test_the_size_of_the_default_scope_is_pinned() -> None:
    """To recompute: python -c "from spec.proofs.explore import *; print(count(Scope()))".

    The engine itself would take some hours for it; here is what the packed form counts.
    """
    found = explore.count(DEFAULT)
    assert size(found) == (8946577, 170005038, 56)


# --- the packed form is the engine ------------------------------------------------------------


@pytest.mark.parametrize("admitted", [NONE, ALL])
@pytest.mark.parametrize("symmetry", [False, True])
@pytest.mark.parametrize(
    "scope",
    [
        Scope(1, 1, 1, 2, 2),
        Scope(2, 1, 0, 1, 1),
        pytest.param(Scope(2, 1, 1, 1, 1), marks=pytest.mark.long),
        pytest.param(Scope(2, 2, 1, 1, 1), marks=pytest.mark.long),
    ],
)
def test_every_successor_of_every_state_is_the_engines_own(
    scope: Scope, symmetry: bool, admitted: frozenset[Relaxation]
) -> None:
    """Exhaustive: the same states, and from each the same moves, counted with multiplicity."""
    made = python(scope, admitted, symmetry)
    kernel = made.kernel
    assert isinstance(kernel, PythonKernel)
    config = configuration(scope, admitted)
    seen = {made.pack(EMPTY)}
    todo = [EMPTY]
    for engine in todo:
        assert made.pack(made.unpack(made.pack(engine))) == made.pack(engine)
        happens = happenings(config, scope, engine)
        about_jobs = [t for t in happens if not (isinstance(t.what, Act) and t.what.job is None)]
        after = [made.pack(t.after) for t in about_jobs]
        found = kernel.successors(made.pack(engine))
        assert isinstance(found, list)
        assert Counter(found) == Counter(after), in_words(engine)
        for t, number in zip(about_jobs, after, strict=True):
            if number not in seen:
                seen.add(number)
                todo.append(t.after)
    assert kernel.states == len(seen)


@needs_compiler
@pytest.mark.parametrize("admitted", [NONE, ALL])
@pytest.mark.parametrize(
    ("scope", "symmetry"),
    [
        *product((Scope(1, 1, 1, 2, 2), Scope(2, 1, 0, 1, 1), Scope(2, 2, 1, 1, 1)), (False, True)),
        pytest.param(Scope(2, 2, 2, 1, 2), True, marks=pytest.mark.long),
        # without symmetry there are some six times as many states
        pytest.param(Scope(3, 1, 1, 1, 1), True, marks=pytest.mark.long),
    ],
)
def test_the_compiled_loop_is_the_python_loop(
    scope: Scope, symmetry: bool, admitted: frozenset[Relaxation]
) -> None:
    compiled = Packed(scope, admitted, symmetry, compiler=COMPILER)
    assert isinstance(compiled.kernel, CKernel)
    slow = Packed(scope, admitted, symmetry)
    assert size(compiled.explore()) == size(slow.explore())


def test_symmetry_keeps_one_state_of_each_class() -> None:
    config = configuration(SMALL)
    every = {EMPTY}
    todo = [EMPTY]
    for engine in todo:
        for t in happenings(config, SMALL, engine):
            if t.after not in every:
                every.add(t.after)
                todo.append(t.after)
    assert len(every) == 2880
    assert len({canonical(engine) for engine in every}) == 1483


def test_renaming_changes_nothing_but_names() -> None:
    done = Job(State.SUCCESS, 0, 1, 1, 1)
    wait = Job(State.PENDING, 0, 1)
    one = Engine((wait, done, None, wait), (3, 0), (1,))
    other = Engine((None, wait, wait, done), (1, 2), (3,))
    assert canonical(one) == canonical(other)
    assert canonical(canonical(one)) == canonical(one)
    assert canonical(one) != canonical(one._replace(jobs=(wait, done, None, done)))


def test_a_changed_engine_is_not_packed_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that touches another job as well."""
    plain = engine_module._start

    def meddle(engine: Engine, index: int) -> Engine:
        after = plain(engine, index)
        jobs = tuple(
            job._replace(error=engine_module.ErrorCode.CANCELED_JOB)
            if job is not None and i != index
            else job
            for i, job in enumerate(after.jobs)
        )
        return after._replace(jobs=jobs)

    monkeypatch.setattr(engine_module, "_start", meddle)
    with pytest.raises(NotPackable):
        Packed(SMALL).explore()


def test_a_scope_that_does_not_fit_is_refused() -> None:
    with pytest.raises(TooLarge):
        Packed(Scope(8, 1, 1, 2, 2)).explore()


@needs_compiler
@pytest.mark.parametrize("jobs", [MOST_JOBS + 1, 17, 24, 40, 50])
def test_more_jobs_than_the_encoding_holds_are_refused_before_the_search(jobs: int) -> None:
    """Of 17 and more the compiled search once wrote past its arrays."""
    scope = Scope(jobs, 1, 1, 1, 1)
    with pytest.raises(TooLarge, match=f"more than {MOST_JOBS} jobs"):
        Packed(scope, compiler=COMPILER)
    with pytest.raises(TooLarge, match=f"more than {MOST_JOBS} jobs"):
        CKernel(str(COMPILER), jobs, 1, 4, 64)
    assert {r.verdict for r in explore.check(scope)} == {Verdict.UNKNOWN}


def test_the_limit_is_what_the_smallest_scope_needs() -> None:
    """One job more, and the records of one job would not fit any more."""
    made = python(Scope(1, 1, 0, 1, 1), NONE, True)
    assert len(made.records) <= 1 << (RECORD_BITS // MOST_JOBS)
    assert len(made.records) > 1 << (RECORD_BITS // (MOST_JOBS + 1))


SANITIZED = """
import shutil, sys
from functools import partial
from spec.proofs import Scope, packed
from spec.proofs.packed import encoding

flags = ("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
encoding.CKernel = partial(encoding.CKernel, flags=flags)
for symmetry in (True, False):
    made = packed.Packed(Scope(2, 1, 1, 2, 1), symmetry=symmetry, compiler=shutil.which("cc"))
    if sys.argv[1:] == ["wrong"]:
        made.kernel.set_row(1 << made.width, [])
    print(made.explore().states)
"""


def sanitized(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Explore a scope by a search that stops at its first wrong access to memory."""
    found = subprocess.run(
        [str(COMPILER), "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    )
    # Python itself leaves memory behind at its end.
    preload = {"LD_PRELOAD": found.stdout.strip(), "ASAN_OPTIONS": "detect_leaks=0"}
    return subprocess.run(
        [sys.executable, "-c", SANITIZED, *arguments],
        env={**os.environ, **preload},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.long
@needs_compiler
def test_the_compiled_search_stays_within_its_memory() -> None:
    done = sanitized()
    assert done.returncode == 0, done.stderr
    with_symmetry, without = map(int, done.stdout.split())
    assert with_symmetry < without


@needs_compiler
@pytest.mark.long
def test_a_search_that_left_its_memory_would_be_noticed() -> None:
    """A row of the record behind the last."""
    assert "heap-buffer-overflow" in sanitized("wrong").stderr


def test_a_scope_that_does_not_fit_decides_nothing() -> None:
    found = {r.verdict for r in explore.check(Scope(8, 1, 1, 2, 2))}
    assert found == {Verdict.UNKNOWN}


def test_without_a_compiler_that_works_the_python_loop_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for compiler in (None, shutil.which("false")):
        monkeypatch.setattr(shutil, "which", lambda name, found=compiler: found)
        assert size(explore.count(SMALL)) == (1483, 19910, 29)


def test_an_impossible_scope_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Scope(jobs=0)


# --- what it decides ----------------------------------------------------------------------------


def test_every_property_holds_without_relaxations(verdicts: Verdicts) -> None:
    assert set(verdicts(SMALL, NONE).values()) == {Verdict.HOLDS}


@pytest.mark.long
@pytest.mark.parametrize("admitted", [NONE, ALL, *(frozenset({one}) for one in Relaxation)])
def test_a_relaxation_breaks_what_it_is_said_to_break_and_nothing_else(
    admitted: frozenset[Relaxation], verdicts: Verdicts
) -> None:
    """And the packed form comes to the verdicts that the engine itself comes to."""
    found = verdicts(SMALL, admitted)
    broken = {p.name for p in PROPERTIES if p.relaxed_by & admitted}
    assert {name for name, verdict in found.items() if verdict is Verdict.FAILS} == broken
    assert found == verdicts(SMALL, admitted, plain=True)


def test_a_scope_that_is_too_small_decides_less(verdicts: Verdicts) -> None:
    found = verdicts(Scope(1, 1, 1, 1, 1), NONE, plain=True)
    left = {name for name, verdict in found.items() if verdict is not Verdict.HOLDS}
    assert left == {
        "full-queue",
        "eviction",
        "two-paused",
        *(f"relaxation-matters/{one}" for one in Relaxation),
    }
    assert {found[name] for name in left} == {Verdict.NOT_RUN}


def test_an_exploration_that_was_stopped_proves_nothing() -> None:
    found = {r.name: r for r in explore.check(SMALL, limit=5, plain=True)}
    assert found["running-bounded"].verdict is Verdict.UNKNOWN
    assert found["eviction"].verdict is Verdict.UNKNOWN
    assert found["reaches-edge/new/pending/submit"].verdict is Verdict.HOLDS


def test_what_is_never_met_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """No job is ever taken by a worker: nothing wrong is seen, and most is never met."""
    monkeypatch.setattr(engine_module, "_next", lambda config, engine: ())
    found = {r.name: r for r in explore.check(SMALL, plain=True)}
    assert found["running-bounded"].verdict is Verdict.HOLDS
    assert found["reaches-edge/pending/running/start"].verdict is Verdict.FAILS
    assert found["pending-runs"].verdict is Verdict.FAILS


# --- an engine that ends with an error ----------------------------------------------------------


@pytest.fixture
def uncached() -> Iterator[None]:
    """Nothing that the engine has said before or after it was changed is remembered."""
    for forget in (engine_module.step.cache_clear, engine_module.moves.cache_clear):
        forget()
    yield
    for forget in (engine_module.step.cache_clear, engine_module.moves.cache_clear):
        forget()


@pytest.fixture
def failing(uncached: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that is not possible after a resubmit."""
    plain = engine_module._start

    def start(engine: Engine, index: int) -> Engine:
        job = engine.jobs[index]
        assert job is None or job.error is engine_module.ErrorCode.SUCCESS, "an error is left"
        return plain(engine, index)

    monkeypatch.setattr(engine_module, "_start", start)


@pytest.mark.usefixtures("failing")
@pytest.mark.parametrize("plain", [False, True])
def test_an_error_of_the_engine_is_a_failed_property_with_a_way_to_it(plain: bool) -> None:
    scope = Scope(1, 1, 1, 1, 1)
    found = {r.name: r for r in explore.check(scope, plain=plain)}
    failed = {name for name, r in found.items() if r.verdict is Verdict.FAILS}
    assert failed == {"never-an-error", "resubmitted-succeeds"}
    assert found["running-bounded"].verdict is Verdict.UNKNOWN
    words, _, way = found["never-an-error"].evidence.partition("\n")
    assert words.startswith("what it does by itself ends with AssertionError: an error is left")
    assert "job 0: Pending (0 of 1 steps done, shows 0, priority 0, ErrorCode 37)" in words
    assert way == (
        "Reached by: a job of 1 steps is submitted with priority 0, "
        "then cancel of job 0 is answered 200, then resubmit of job 0 is answered 200"
    )


@pytest.mark.usefixtures("failing")
def test_an_error_too_far_away_for_a_way_to_it_is_told_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(explore, "PLAIN", 2)
    found = {r.name: r for r in explore.check(Scope(1, 1, 1, 1, 1))}
    assert found["never-an-error"].verdict is Verdict.FAILS
    assert "Reached by" not in found["never-an-error"].evidence


@pytest.mark.usefixtures("failing")
def test_without_properties_an_error_of_the_engine_is_raised() -> None:
    with pytest.raises(Fault, match="an error is left"):
        direct.explore(Scope(1, 1, 1, 1, 1))


@pytest.mark.usefixtures("uncached")
def test_an_error_where_the_sizes_are_unknown_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """No exploration asks for it: the predicate of `unknown-sizes-permit` does."""
    plain = engine_module._next

    def next_(config: Config, engine: Engine) -> tuple[int, ...]:
        return plain(config, engine)[: config.workers + 0]  # type: ignore[operator]

    monkeypatch.setattr(engine_module, "_next", next_)
    found = {r.name: r for r in explore.check(Scope(1, 1, 1, 1, 1))}
    failed = {name for name, r in found.items() if r.verdict is Verdict.FAILS}
    assert failed == {"never-an-error"}
    assert "TypeError" in found["never-an-error"].evidence
    assert found["never-an-error"].evidence.endswith(
        "with ConcurrentJobs None, JobsHistorySize None"
    )


def test_a_failure_is_told_with_the_way_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the engine itself; the packed form knows no ways."""
    monkeypatch.setattr(engine_module, "_next", lambda config, engine: ())
    found = {r.name: r for r in explore.check(SMALL, plain=True)}
    assert found["pending-runs"].evidence.endswith(
        "Reached by: a job of 1 steps is submitted with priority 0"
    )


# --- what a watch sees ------------------------------------------------------------------------


def test_what_rests_on_a_broken_property_is_broken() -> None:
    watch = Watch()
    watch.broken["running-leaves"] = "a worker sleeps"
    watch.finish()
    assert {"cancel-honoured", "pause-honoured", "pending-runs"} <= set(watch.broken)
    assert "a worker sleeps" in watch.broken["cancel-honoured"]


def test_a_cycle_of_records_breaks_what_must_leave() -> None:
    """A worker that goes back and forth, and never ends a step."""
    ready = Job(State.RUNNING, 0, 1, phase=Phase.READY)
    sent = ready._replace(phase=Phase.SENT)
    watch = Watch([BY_NAME["running-leaves"]])
    for before, after in ((ready, sent), (sent, ready)):
        one, other = Engine((before,)), Engine((after,))
        watch.transition(Transition(Config(), one, Own("x", 0), None, other))
    watch.finish()
    assert "round for ever" in watch.broken["running-leaves"]


def test_cycles_are_found_where_there_are_any() -> None:
    a, b, c, d = (Job(State.RUNNING, 0, 9, done) for done in range(4))
    assert cycle({}) == []
    assert cycle({a: {b, c}, b: {d}, c: {d}}) == []
    assert cycle({a: {b}, b: {c}, c: {b, d}}) == [b, c, b]
    assert cycle({a: {a}}) == [a, a]


def test_a_failure_is_told_in_the_domains_words() -> None:
    job = Job(State.RUNNING, 1, 2, 1, 1, asked=Asked.BOTH, phase=Phase.HELD)
    after = job._replace(state=State.PAUSED, asked=Asked.NOTHING, phase=Phase.NONE)
    t = Transition(Config(), Engine((job,)), Own(Action.PAUSE, 0), None, Engine((after,)))
    text = what_happened(t)
    assert "job 0 does 'pause'" in text
    assert "Running (1 of 2 steps done, shows 1, priority 1, ErrorCode 0, asked for both" in text
    assert in_words(EMPTY) == "no job; queue: empty; history: empty"


def test_every_property_is_decided(verdicts: Verdicts) -> None:
    names = list(verdicts(Scope(1, 1, 1, 1, 1), NONE, plain=True))
    assert names == [p.name for p in PROPERTIES]
    kinds = Counter(p.modality for p in PROPERTIES)
    assert kinds[Modality.SOMETIMES] > 15 + 24
