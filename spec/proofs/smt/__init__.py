"""The safety properties for *any* number of jobs, steps, priorities, workers: z3, by induction.

What this package shares with the other two proofs is the table and `taken_for`, nothing else:
the rules of the engine (`spec.engine`) are written here a second time, as formulas. Every
transition is still derived from `spec.table`.

**The state.** An engine has finitely many submitted jobs out of an unbounded supply of names:
`Job` is an uninterpreted sort, and each field of a job (`Frame`) is a function of it: its state,
the phase of its worker, what it was asked for, its error, steps, done, shown and priority; whether
it is queued, and at which place; whether it is stored in the history, and at which seat; whether
it is gone (evicted). Beside the functions stand two counters, `running` (Running jobs) and `kept`
(jobs in the history), and the configuration: workers >= 1, size of the history >= 0, and whether
a failed step may be retried, all of them unknown constants. Ghosts observe and never steer:
`clock` counts the moves by which a job became Pending or completed, `since` and `ended` are its
values at the last of either kind for a job, `canceled` says that a cancel was answered 200 since
the job last started, `cancel_owed` and `pause_owed` that such an answer is not honoured yet.

**A move** (`Rule`) concerns one job, the *mover*, and the jobs that it evicts. It is a list of
guards over the state before, and the state after as a pointwise update of the functions. One rule
stands for each cell of the matrix, for each way out of a step, and for each other move.

**The generic-job argument.** The invariant is a conjunction (`CONJUNCTS`) of sentences "for all
jobs k and l: ...", without a quantifier inside. Suppose that a move led from a state of the
invariant to one outside of it: then some conjunct would be false after it for some k and l. All
that is asked of z3 is whether three arbitrary jobs, the mover, k and l, not necessarily different,
can show this: the invariant, the universal guards ("no queued job has a higher priority") and the
order of the history are instantiated at these three names only. That leaves fewer hypotheses than
really hold, never more. So `unsat` proves the sentence for engines of every size; no quantifier
is left, and the theory (equality, functions, linear integers, enumerations) is decidable. `sat`
does not yet refute anything: see *Verdicts*.

**The counting argument.** `running` is the cardinality of the set {k : k is Running}. This set is
finite, it is empty at the start, and a move changes the membership of its mover alone: so its
cardinality changes by exactly [mover Running after] - [mover Running before], and that is how
every rule updates the counter, whatever the rule does. Likewise `kept` changes by the membership
of the mover and by the number of evicted jobs; the evicted are a set of their own (an unknown
predicate) whose cardinality the rule fixes as the surplus over the size. z3 is told of a
cardinality only what is true of each: no member if it is 0, at least n if n different named
jobs are members. That a surplus of n has n oldest members to evict needs no proof: the history is
finite and ordered, and has at least n members.

**Induction.** A conjunct is proved to hold at the start and to be preserved by every rule, from
itself and the conjuncts that it `uses`. Each set that is closed under `uses` is therefore inductive
by itself, and a conjunct that fails takes down only the properties that rest on it. A property
is then either implied by conjuncts or, as a sentence on single moves (`Claim`), proved for every
rule from the states that satisfy the conjuncts it `uses`. The obligations are named
``<conjunct or property>/<rule>``, ``.../init`` and ``.../implied``. Refinement and totality are
decided over the symbolic table as well: EDGES and MATRIX as relations.

**What must come** follows from single moves, too. While a job is Running, some move of its worker
or of its peer is possible; each lowers `work_left`, which is never negative, and no other move
raises it: so under weak fairness of these moves the job leaves Running. (It may come back, and a
step may ask for Retry for ever.) A cancel or pause that is owed is then honoured, because the job
has nowhere else to go. A Retry leaves when its delay ends. A Pending job with none before it can
start whenever a worker is free, no other job can, and workers become free. These last steps, from
single moves to "eventually", are this paragraph and not z3's.

**No proof from a contradiction.** For every rule, all conjuncts and its guards must be satisfiable
together, for each of its branches, and every claim must apply to some move: obligations named
``sometimes/...``. The tests drop each conjunct, and each of the `PARTS` of the engine, and demand
that something fails then; and they show on random engines that the rules here make exactly the
moves of `spec.engine`.

**Verdicts.** *holds*: every obligation was proved. *fails*: one was not, and z3 found a run from
the empty engine to the violation (`Search`). *unknown*: neither, be it that z3 gave up, or because
no short run violates the property; then the invariant may just be too weak, and the state and the
move that refute the obligation are shown instead.

**Assumed.** An action is atomic, and so is each move of a worker, as in `spec.engine`. The size of
the history is known. A delay before a retry may end at any time (for safety this only adds runs);
so "retry, later" is not told apart. Readings change nothing and are left out; so are restarts.

**Where it stands.** `solver`: z3, if it is installed. `world`: the sorts, and what is admitted.
`frame`: a state. `rules`: the moves, those of `client` and of `worker`; `mover`: what they have in
common; `rule`: one move. `invariant`: the conjuncts. `claims`: the properties, whose sentences are
in `always` and `eventually`; `claim`: their form.
`relations`: the symbolic table. `prover`: the obligations. `runs`: the search for a run.
`printing`: states in words. Here: what others call.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from spec.proofs import ANY, Checked, ProofEngine, Scope, Verdict
from spec.proofs.smt.claim import Claim
from spec.proofs.smt.claims import BY_CLAIM, CLAIMS
from spec.proofs.smt.frame import Frame
from spec.proofs.smt.invariant import BY_CONJUNCT, CONJUNCTS, Conjunct
from spec.proofs.smt.prover import SOMETIMES, Obligation, Prover
from spec.proofs.smt.runs import SMALL, Search, search
from spec.proofs.smt.solver import SolverMissing, z3
from spec.proofs.smt.world import PARTS, Phase
from spec.properties import BY_NAME
from spec.relaxations import NONE, Relaxation

__all__ = [
    "BY_CLAIM",
    "BY_CONJUNCT",
    "CLAIMS",
    "CONJUNCTS",
    "PARTS",
    "SMALL",
    "Claim",
    "Conjunct",
    "Frame",
    "Obligation",
    "Phase",
    "Proved",
    "Search",
    "SolverMissing",
    "UnknownPart",
    "check",
    "prove",
    "search",
    "z3",
]


class UnknownPart(ValueError):
    """A name that is neither a conjunct nor a part of the engine."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(f"neither conjunct nor part of the engine: {', '.join(sorted(names))}")


@dataclass(frozen=True, slots=True)
class Proved:
    """What became of one property. ``obligations`` counts those of its conjuncts as well."""

    name: str
    verdict: Verdict
    obligations: int
    seconds: float
    counterexample: str | None = None


def prove(
    admit: frozenset[Relaxation] = NONE,
    on_obligation: Callable[[Obligation], None] | None = None,
    *,
    without: frozenset[str] = frozenset(),
    find_runs: bool = True,
) -> list[Proved]:
    """Decide every claim under the relaxations in ``admit``.

    ``on_obligation`` sees each obligation as it is decided. ``without`` is for the self-test: the
    conjuncts and `PARTS` of the engine to leave out. Without ``find_runs`` what is not proved is
    unknown, and no time goes into a run. Raises `SolverMissing`, `UnknownPart`.
    """
    if z3 is None:
        raise SolverMissing
    if unknown := without - set(PARTS) - set(BY_CONJUNCT):
        raise UnknownPart(unknown)
    prover = Prover(admit, without, on_obligation)
    prover.run()
    open_claims = [
        claim
        for claim in CLAIMS
        if any(each.verdict is not Verdict.HOLDS for each in prover.obligations(claim))
    ]
    began = time.perf_counter()
    runs = search(admit, without, open_claims) if find_runs else {}
    searched = (time.perf_counter() - began) / max(1, len(open_claims))
    return [_judge(prover, claim, runs, searched) for claim in CLAIMS]


def _judge(prover: Prover, claim: Claim, runs: Mapping[str, str], searched: float) -> Proved:
    found = prover.obligations(claim)
    seconds = sum(each.seconds for each in found)
    broken = [each for each in found if each.verdict is not Verdict.HOLDS]
    if not broken:
        never = [o.name for o in prover.done[SOMETIMES] if o.verdict is not Verdict.HOLDS]
        if never:
            text = f"proved, but this can never happen: {', '.join(never)}"
            return Proved(claim.name, Verdict.UNKNOWN, len(found), seconds, text)
        return Proved(claim.name, Verdict.HOLDS, len(found), seconds)
    seconds += searched
    for name in (claim.name, *claim.rests_on):
        if name in runs:
            return Proved(claim.name, Verdict.FAILS, len(found), seconds, runs[name])
    text = f"not proved: {broken[0].name}: {broken[0].refuted or 'z3 gave up'}"
    return Proved(claim.name, Verdict.UNKNOWN, len(found), seconds, text)


def check(scope: Scope, admitted: frozenset[Relaxation]) -> Iterator[Checked]:
    """What `prove` found, in the words of the three proofs. The scope does not matter."""
    for proved in prove(admitted):
        yield Checked(
            proved.name,
            BY_NAME[proved.name].modality,
            ProofEngine.SMT,
            ANY,
            proved.verdict,
            seconds=proved.seconds,
            evidence=proved.counterexample or "",
        )
