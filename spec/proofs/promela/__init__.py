"""The engine as a Promela model, checked by Spin: safety, and what must come eventually.

This proof shares `spec.table` and `spec.relaxations.taken_for` with the other two, and no
more: the rules of the engine (docstring of `spec.engine`) are stated here once
again, in Promela, and the numbers of reachable states and of moves are held against the
explorer's.

**The state.** For each job ``st`` (0: not submitted; then the states in the order of
`State`; last: gone), ``prio``, ``steps``, ``done``, ``shown``, ``err``, ``asked``, ``phase``;
then ``queue`` and ``hist``, lists of job numbers plus one, filled from the front, zero
behind. A job that is gone or not yet submitted is all zero. So equal engines are equal states.
Scratch variables are `hidden`: Spin does not count them as part of the state; and it is told
not to save on variables that it finds dead or write-only (-o1, -o2).

**The moves.** One process, one loop, one guarded ``d_step`` for each event or move and each
job, no partial-order reduction: what Spin stores is what the engine can be in, and nothing
between. There is no set-up step to be taken off. Where a job goes is asked of the table; where
the table has no edge (a mutant of it) there is no such move, and an action does nothing. What
does not depend on the table (`Rule`): which job starts; a job that becomes Pending goes to the
end of the queue and one that stops being Pending leaves it; a completed job enters the
history, from whose front the surplus is dropped, and one that is no longer completed leaves
it; requests end with the run. The environment is the explorer's (`spec.proofs.explore`).

**Two variants.** `Variant.SAFETY` submits jobs in the order of their numbers, as the explorer
does, makes refused actions, too, and checks assertions after each move. In `Variant.LIVENESS`
jobs may be submitted in any order, which makes their numbers interchangeable: what holds for
job 0, the observed one, holds for every job. Actions that change nothing are left out; instead
it is a move that nothing happens. It adds ghosts, which no guard of the engine's moves reads:
``last`` (the kind of the last move) and, of job 0, ``cancel_due`` and ``pause_due``: KEPT;
DUE, when the action was answered 200 and is not yet honoured; BROKEN, for good, when a step
began while it was due. So "leads to Failure, and no further step begins" is one formula, and a
job that is resubmitted after its Failure and canceled again begins anew.

**Fairness** is written into the formulas, not taken from Spin's ``-f``, which knows only
processes. Weak fairness of a kind of moves: if from some point on one of that kind is always
possible, one is made; ``[]<>(!possible || made)``. The kinds: *run* of job 0 (its worker's
moves, and its surroundings': a POST on its way arrives, and the peer replies), *run* of the
others, taken together, *start* (a free worker takes a job), *delay* of job 0 (its Retry delay
ends). Clients are not fair: they may do anything at any time, or never anything again. Each
formula assumes only the kinds that it needs (`Eventually.fair`). Of a kind that is not possible
nothing is assumed, so a missing edge is not assumed away; and among the moves of one kind the
choice is free: nothing says that a step ever succeeds.

**What is not proved.** Only the scopes given; z3 has the safety properties for any number.
That a chain of retries ends is not promised: a step may ask for Retry for ever, each time after
a delay that ends. ``retry-leaves`` says little more than its assumption, that a delay ends:
that the edge is there, and can always be taken. A Pending job before which others are put for
ever, by their priority, may wait for ever. Progress and ErrorCode are checked as far as
`ASSERTED` says. That a refused action changes nothing holds here by construction, and so is
not counted as proved; nor is that each action of the table is ever of use: a table without the
way back from Failure or from Paused breaks no promise, and only the explorer's *sometimes*
notices it. Restarts and the passing of time are not modelled.

**Where it stands.** `setup`: what a model is made from. `options`: what can happen. `asserted`:
the *always* properties. `promises`: the *eventually* ones. `text`: the model. `spin`: Spin as a
process, and its trails. Here: what others call.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace

from spec.proofs import Checked, NotInstalled, ProofEngine, Scope, Verdict
from spec.proofs.promela.asserted import ASSERTED
from spec.proofs.promela.options import HEARD
from spec.proofs.promela.promises import Eventually, eventually, ltl_name, never
from spec.proofs.promela.setup import Phase, Rule, Setup, Table, Variant, published
from spec.proofs.promela.spin import (
    DEPTHS,
    Event,
    Limits,
    Search,
    SpinFailed,
    Trail,
    Verifier,
    Workshop,
    available,
    parse_search,
    parse_trail,
)
from spec.proofs.promela.text import model
from spec.properties import BY_NAME
from spec.relaxations import NONE, Relaxation

__all__ = [
    "ASSERTED",
    "DEPTHS",
    "HEARD",
    "LARGEST",
    "Event",
    "Eventually",
    "Limits",
    "Phase",
    "Rule",
    "Search",
    "Setup",
    "SpinFailed",
    "Table",
    "Trail",
    "Variant",
    "Workshop",
    "available",
    "check",
    "count",
    "eventually",
    "ltl_name",
    "model",
    "parse_search",
    "parse_trail",
    "published",
    "within",
]

LARGEST = Scope(jobs=2, workers=1, history=1, priorities=2, steps=2)
"""What is searched by default: two jobs in want of one worker, of one place in the history."""


def within(scope: Scope, largest: Scope = LARGEST) -> Scope:
    """The scope, no larger in anything than ``largest``."""
    return Scope(
        **{name: min(size, getattr(largest, name)) for name, size in asdict(scope).items()}
    )


def count(
    scope: Scope,
    *,
    admit: frozenset[Relaxation] = NONE,
    limits: Limits | None = None,
    flags: Sequence[str] = (),
) -> Search:
    """The number of states and of moves of a scope: what the explorer finds without symmetry.

    ``flags``: for the compiler, behind ours; with -O2 it takes longer, and the search less long.
    """
    _needed()
    setup = Setup(scope, Variant.SAFETY, admit, unasserted=frozenset(ASSERTED))
    with Workshop(limits or Limits()) as shop:
        return shop.build(setup, *flags).search()


def check(
    scope: Scope,
    admitted: frozenset[Relaxation] = NONE,
    *,
    whole: bool = False,
    limits: Limits | None = None,
    tables: Table | None = None,
    without: frozenset[Rule] = frozenset(),
    flags: Sequence[str] = (),
) -> Iterator[Checked]:
    """Check what Spin decides: `ASSERTED`, and the promises of `eventually`.

    The scope is cut down to `LARGEST`, unless it is wanted ``whole``; each result bears the
    scope that was searched. ``tables`` and ``without`` make a mutant. ``flags``: for the
    compiler, behind ours. A search that ran out
    of time, memory or depth is `Verdict.UNKNOWN`. A promise whose antecedent is met in no fair
    run fails: it would say nothing. Raises `NotInstalled`.
    """
    _needed()
    limits = limits or Limits()
    scope = scope if whole else within(scope)
    setup = Setup(scope, Variant.SAFETY, admitted, table=tables or published(), without=without)
    with Workshop(limits) as shop, ThreadPoolExecutor(limits.at_once) as pool:
        try:
            # Two threads, and no task that waits for one that is behind it.
            lively = replace(setup, variant=Variant.LIVENESS)
            built = pool.submit(shop.build, lively, *flags)
            safe = pool.submit(_safety, shop, setup, flags)
            verifier = built.result()
            promised = [
                pool.submit(_promise, verifier, lively, promise) for promise in eventually(lively)
            ]
            yield from safe.result()
            for task in promised:
                yield task.result()
        finally:
            shop.stop()
            pool.shutdown(cancel_futures=True)


def _needed() -> None:
    missing = available()
    if missing is not None:
        raise NotInstalled(missing)


def _checked(setup: Setup, name: str, found: Search, verdict: Verdict, evidence: str) -> Checked:
    modality = BY_NAME[name].modality
    return Checked(
        name,
        modality,
        ProofEngine.SPIN,
        str(setup.scope),
        verdict,
        found.states,
        found.seconds,
        evidence,
    )


def _safety(shop: Workshop, setup: Setup, flags: Sequence[str]) -> list[Checked]:
    """All assertions in one search; one that fails is taken out, and the search is made again."""
    results: dict[str, Checked] = {}
    while True:
        setup = replace(setup, unasserted=frozenset(results))
        verifier = shop.build(setup, *flags)
        found = verifier.search()
        name = found.assertion
        if not found.failed or name is None or name in results:
            break
        # With -DREACH, a search of limited depth overlooks nothing within it.
        trail = shop.build(setup, *flags, "-DREACH").shortest() or verifier.trail(found)
        evidence = str(trail)
        results[name] = _checked(setup, name, found, Verdict.FAILS, evidence)
    rest = Verdict.HOLDS if found.verdict is Verdict.HOLDS else Verdict.UNKNOWN
    for name in ASSERTED:
        if name not in results:
            results[name] = _checked(setup, name, found, rest, found.unknown or "")
    return [results[name] for name in ASSERTED]


def _promise(verifier: Verifier, setup: Setup, promise: Eventually) -> Checked:
    """One promise, and then whether it says anything."""
    claim = ltl_name(promise.name)
    found = verifier.search(claim)
    if found.failed:
        evidence = str(verifier.shortest(claim) or verifier.trail(found, claim))
        return _checked(setup, promise.name, found, Verdict.FAILS, evidence)
    verdict, evidence = found.verdict, found.unknown or ""
    for name, _ in promise.meets if verdict is Verdict.HOLDS else ():
        met = verifier.search(never(promise, name))
        if met.verdict is Verdict.HOLDS:
            verdict, evidence = Verdict.FAILS, f"it is never met: {name}"
            break
        if met.verdict is Verdict.UNKNOWN:
            verdict, evidence = Verdict.UNKNOWN, f"whether {name} is ever met: {met.unknown}"
            break
    return _checked(setup, promise.name, found, verdict, evidence)
