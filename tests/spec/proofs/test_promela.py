"""The Promela model is the engine, its verdicts are the expected ones, and mutants are seen."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from spec.proofs import Checked, NotInstalled, Scope, Verdict, promela
from spec.proofs.direct import Exploration
from spec.proofs.promela import (
    ASSERTED,
    DEPTHS,
    HEARD,
    LARGEST,
    Event,
    Limits,
    Rule,
    Search,
    Setup,
    Trail,
    Variant,
    Workshop,
    available,
    check,
    count,
    eventually,
    ltl_name,
    parse_search,
    parse_trail,
    published,
    within,
)
from spec.properties import BY_NAME, Modality
from spec.relaxations import NONE, Relaxation
from spec.table import Action, Asked, Cell, Move, State

pytestmark = [
    pytest.mark.skipif(available() is not None, reason=str(available())),
    pytest.mark.usefixtures("considerate"),
]

SMALL = Scope(jobs=2, workers=1, history=1, priorities=1, steps=1)
ONE = Scope(jobs=1, workers=1, history=1, priorities=1, steps=2)
LEAST = Scope(jobs=1, workers=1, history=1, priorities=1, steps=1)
ALL = frozenset(Relaxation)
QUICK = "-O0"  # these models are small: it is the compiler that takes the time
# A verifier sets its memory up for as many states, and for as long a way, as there may be.
LIMITS = Limits(hash_bits=14, depths=(20_000, *DEPTHS))

COUNTED = [
    (LEAST, NONE),
    (Scope(1, 1, 0, 2, 2), NONE),
    (Scope(2, 1, 0, 1, 1), ALL),
]
COUNTED_IN_CI = [
    (Scope(2, 1, 0, 1, 1), NONE),
    (Scope(2, 2, 1, 1, 1), NONE),
    (Scope(2, 2, 1, 1, 1), ALL),
    *((SMALL, frozenset({relaxation})) for relaxation in Relaxation),
]


def _named(value: Scope | frozenset[Relaxation]) -> str:
    """The same in every process: the order of a set is not."""
    return str(value) if isinstance(value, Scope) else "+".join(sorted(value)) or "strict"


@pytest.mark.parametrize(
    ("scope", "admit"),
    [*COUNTED, *(pytest.param(*one, marks=pytest.mark.long) for one in COUNTED_IN_CI)],
    ids=_named,
)
def test_states_and_moves_are_the_explorers(
    scope: Scope, admit: frozenset[Relaxation], explored: Callable[..., Exploration]
) -> None:
    """The moves tell the relaxations apart, which reach no other states."""
    same = explored(scope, admit, symmetry=False)
    found = count(scope, admit=admit, limits=LIMITS, flags=(QUICK,))
    assert found.verdict is Verdict.HOLDS
    assert (found.states, found.moves) == (same.states, same.moves)


@pytest.mark.long
def test_assertions_do_not_change_the_count(
    strict: dict[str, Checked], explored: Callable[..., Exploration]
) -> None:
    assert {strict[name].states for name in ASSERTED} == {explored(SMALL, symmetry=False).states}


# --- verdicts ---------------------------------------------------------------------------------


@cache
def verdicts(admit: frozenset[Relaxation]) -> dict[str, Checked]:
    results = check(SMALL, admit, whole=True, limits=LIMITS, flags=(QUICK,))
    return {found.name: found for found in results}


@pytest.fixture(scope="module")
def strict() -> dict[str, Checked]:
    return verdicts(NONE)


def test_everything_holds(strict: dict[str, Checked]) -> None:
    assert {name for name, p in BY_NAME.items() if p.modality is Modality.EVENTUALLY} < set(strict)
    assert all(found.verdict is Verdict.HOLDS and not found.evidence for found in strict.values())
    assert all(found.states and found.scope == str(SMALL) for found in strict.values())
    assert all(found.modality is BY_NAME[name].modality for name, found in strict.items())


@pytest.mark.long
@pytest.mark.parametrize("relaxation", Relaxation)
def test_a_relaxation_breaks_what_it_is_said_to_break(relaxation: Relaxation) -> None:
    found = verdicts(frozenset({relaxation}))
    broken = {name for name, one in found.items() if one.verdict is Verdict.FAILS}
    assert broken == {name for name, p in BY_NAME.items() if relaxation in p.relaxed_by}
    assert all(found[name].evidence for name in broken)
    assert all(one.verdict is Verdict.HOLDS for name, one in found.items() if name not in broken)


@pytest.mark.long
def test_a_counterexample_can_be_read() -> None:
    found = verdicts(frozenset({Relaxation.TIES_UNORDERED}))["ties-in-order"]
    assert found.evidence.splitlines() == [
        "1. job 0 is submitted, with priority 0 and 1 steps: Pending",
        "2. job 1 is submitted, with priority 0 and 1 steps: Pending",
        "3. job 1 does 'start': Running",
    ]


# --- mutants ------------------------------------------------------------------------------------


@pytest.fixture
def shop() -> Iterator[Workshop]:
    with Workshop(replace(LIMITS, seconds=60)) as opened:
        yield opened


def promise(shop: Workshop, name: str, setup: Setup) -> tuple[Search, Trail]:
    others = frozenset(one.name for one in eventually(setup)) - {name}
    verifier = shop.build(replace(setup, unasserted=others), QUICK)
    found = verifier.search(ltl_name(name))
    return found, verifier.shortest(ltl_name(name)) or Trail(())


UNFAIR = {
    Rule.ARRIVAL: "running-leaves",
    Rule.REPLY: "running-leaves",
    Rule.LOOK_FIRST: "pause-honoured",
}


@pytest.mark.parametrize(("rule", "name"), UNFAIR.items())
def test_a_rule_switched_off_breaks_a_promise(shop: Workshop, rule: Rule, name: str) -> None:
    setup = Setup(ONE, Variant.LIVENESS, without=frozenset({rule}))
    found, trail = promise(shop, name, setup)
    assert found.verdict is Verdict.FAILS
    assert trail.stem
    assert trail.loop is not None


@pytest.mark.long
@pytest.mark.parametrize(
    ("move", "source", "name"),
    [
        (Move.TIMEOUT, State.RETRY, "retry-leaves"),
        (Move.SUCCEED, State.RUNNING, "running-leaves"),
        (Move.START, State.PENDING, "pending-runs"),
        (Action.CANCEL, State.PENDING, "cancel-honoured"),
        (Action.PAUSE, State.RETRY, "pause-honoured"),
    ],
    ids=lambda value: str(value),
)
def test_a_missing_edge_breaks_a_promise(
    shop: Workshop, move: Move | Action, source: State, name: str
) -> None:
    whole = published()
    edges = tuple(e for e in whole.edges if (e.trigger, e.source) != (move, source))
    assert len(edges) == len(whole.edges) - 1
    setup = Setup(ONE, Variant.LIVENESS, table=replace(whole, edges=edges))
    found, trail = promise(shop, name, setup)
    assert found.verdict is Verdict.FAILS
    assert trail.stem


def test_a_request_that_is_ignored_breaks_both_promises(shop: Workshop) -> None:
    whole = published()
    boundary = dict.fromkeys(Asked, whole.boundary[Asked.NOTHING])
    setup = Setup(ONE, Variant.LIVENESS, table=replace(whole, boundary=boundary))
    verifier = shop.build(setup, QUICK)
    for name in ("cancel-honoured", "pause-honoured"):
        assert verifier.search(ltl_name(name)).verdict is Verdict.FAILS
    assert verifier.search(ltl_name("running-leaves")).verdict is Verdict.HOLDS


BROKEN = [  # in the least scope in which it shows
    (Rule.FREE_WORKER, SMALL, "running-bounded"),
    (Rule.ORDER, SMALL, "ties-in-order"),
    (Rule.EVICTION, replace(LEAST, history=0), "history-bounded"),
    (Rule.LEAVE_HISTORY, LEAST, "history-iff-completed"),
    (Rule.LEAVE_QUEUE, LEAST, "queue-iff-pending"),
    (Rule.REQUESTS_END, LEAST, "requests-only-running"),
]


@pytest.mark.parametrize(("rule", "scope", "name"), BROKEN)
def test_a_rule_switched_off_breaks_an_assertion(
    shop: Workshop, rule: Rule, scope: Scope, name: str
) -> None:
    others = frozenset(ASSERTED) - {name}
    setup = Setup(scope, Variant.SAFETY, without=frozenset({rule}), unasserted=others)
    found = shop.build(setup, QUICK).search()
    assert (found.verdict, found.assertion) == (Verdict.FAILS, name)


def test_priorities_that_are_not_obeyed_are_noticed(shop: Workshop) -> None:
    name = "priority-not-passed-over"
    setup = Setup(
        replace(SMALL, history=0, priorities=2),
        Variant.SAFETY,
        without=frozenset({Rule.PRIORITY}),
        unasserted=frozenset(ASSERTED) - {name},
    )
    verifier = shop.build(setup, QUICK, "-DREACH")
    found = verifier.search()
    assert (found.verdict, found.assertion) == (Verdict.FAILS, name)
    trail = verifier.shortest()
    assert trail is not None
    assert [event.what for event in trail.stem] == ["submit", "submit", "move"]


def test_a_promise_that_says_nothing_fails() -> None:
    """No cancel of a Paused job is ever accepted: its promise holds, of nothing."""
    whole = published()
    cells = {**whole.cells, (State.PAUSED, Action.CANCEL): Cell.REFUSE}
    mutant = replace(whole, cells=cells)
    results = check(ONE, whole=True, tables=mutant, limits=LIMITS, flags=(QUICK,))
    found = {one.name: one for one in results}
    assert found["cancel-honoured"].verdict is Verdict.FAILS
    assert found["cancel-honoured"].evidence == "it is never met: cancel-in-paused"
    assert found["pause-honoured"].verdict is Verdict.HOLDS


# --- the parts ----------------------------------------------------------------------------------


def test_each_promise_names_what_must_be_met() -> None:
    promises = {one.name: one for one in eventually(Setup(SMALL, Variant.LIVENESS))}
    assert len(promises["cancel-honoured"].meets) == len(HEARD[Action.CANCEL]) == 4
    assert len(promises["pause-honoured"].meets) == len(HEARD[Action.PAUSE]) == 3
    assert all(one.meets and one.fair for one in promises.values())


def test_a_trail_is_translated() -> None:
    trail = parse_trail(
        "MSC: ~G 3\n"
        "@ submit 0 1 2 1\n"
        "  2:\tproc  1 (engine) model.pml:4 (state 15)\t[D_STEP4]\n"
        "          @ act 0 cancel 200 6\n"
        "<<<<<START OF CYCLE>>>>>\n"
        "@ act 0 resubmit 400 7\n"
        "spin: trail ends after 10 steps\n"
    )
    assert trail.stem == (
        Event("submit", 0, ("1", "2"), "Pending"),
        Event("act", 0, ("cancel", "200"), "Failure"),
    )
    assert trail.loop == (Event("act", 0, ("resubmit", "400"), "gone"),)
    assert str(trail).splitlines() == [
        "1. job 0 is submitted, with priority 1 and 2 steps: Pending",
        "2. cancel of job 0 is answered 200: Failure",
        "and then for ever:",
        "   resubmit of job 0 is answered 400: gone",
    ]


COMPLETE = (
    "State-vector 28 byte, depth reached 10, errors: 0\n"
    "        6 states, stored\n        7 transitions (= stored+matched)\n"
)


@pytest.mark.parametrize(
    ("text", "status", "unknown"),
    [
        (COMPLETE, 0, None),
        (COMPLETE, None, "out of time"),
        (COMPLETE, -9, "Spin's verifier: exit status -9"),
        ("", 0, "Spin's verifier: exit status 0"),
        ("error: max search depth too small\n" + COMPLETE, 0, "the search was too deep"),
        ("pan: reached -DMEMLIM bound\n" + COMPLETE, 0, "out of memory"),
        ("pan: out of memory\n", 1, "out of memory"),
        ("Warning: Search not completed\n" + COMPLETE, 0, "the search was not completed"),
    ],
)
def test_only_a_complete_search_concludes(
    text: str, status: int | None, unknown: str | None
) -> None:
    found = parse_search(text, status)
    assert found.unknown == unknown
    assert found.verdict is (Verdict.HOLDS if unknown is None else Verdict.UNKNOWN)


def test_large_numbers_are_read() -> None:
    """As the verifier prints them: eight digits, and a power of ten."""
    found = parse_search(
        "depth reached 9, errors: 0\n 13038880 states, stored\n"
        "3.016722e+08 transitions (= stored+matched)\n",
        0,
    )
    assert (found.states, found.moves) == (13_038_880, 301_672_199)


def test_a_violation_is_read() -> None:
    found = parse_search("pan:1: assertion violated running_bounded (at depth 7)\nerrors: 1\n", 0)
    assert (found.verdict, found.assertion) == (Verdict.FAILS, "running-bounded")
    assert parse_search("pan:1: acceptance cycle (at depth 6)\n", 0).verdict is Verdict.FAILS


def test_a_search_that_is_cut_off_never_holds() -> None:
    setup = Setup(ONE, Variant.SAFETY)
    with Workshop(Limits(megabytes=34)) as shop:
        assert shop.build(setup, QUICK).search().verdict is Verdict.UNKNOWN
    with Workshop(replace(LIMITS, depths=(20,))) as shop:
        verifier = shop.build(setup, QUICK)
        assert verifier.search().unknown == "the search was too deep"
        shop.limits = replace(LIMITS, depths=(20, 10_000))
        assert verifier.search().verdict is Verdict.HOLDS
        shop.limits = Limits(seconds=0.0)
        assert verifier.search().unknown == "out of time"


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    results = check(LEAST, whole=True, limits=LIMITS, flags=(QUICK,))
    assert next(results).verdict is Verdict.HOLDS
    results.close()  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == []


def test_missing_tools_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "spin" in str(available())
    assert "C compiler" in str(available())
    with pytest.raises(NotInstalled, match="spin"):
        next(check(ONE))
    spin = tmp_path / "spin"
    spin.write_text("#!/bin/sh\n")
    os.chmod(spin, 0o755)
    assert "spin" not in str(available())
    assert "C compiler" in str(available())


def test_a_stop_ends_the_compiler_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler is several processes: none of them may go on, or hold the pipe open."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Workshop(Limits(seconds=0.2)) as shop:
        begun = time.monotonic()
        output, status = shop.run(["sh", "-c", "sleep 30 & sleep 30"], tmp_path)
        assert (output, status) == ("", None)
        assert time.monotonic() - begun < 10
    assert list(tmp_path.iterdir()) == []


def test_the_default_scope_is_cut_down() -> None:
    assert within(Scope()) == LARGEST
    assert within(ONE) == ONE
    assert within(Scope(1, 3, 0, 1, 5)) == Scope(1, 1, 0, 1, 2)


def test_the_model_is_plain_text_made_anew_each_time() -> None:
    setup = Setup(SMALL, Variant.LIVENESS)
    assert promela.model(setup) == promela.model(setup)
    assert promela.model(setup).isascii()
