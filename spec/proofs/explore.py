"""The explorer: every reachable engine of a scope, breadth-first, from the empty engine.

**What a state is.** A value of `spec.engine.Engine` and nothing else: the record of each job
that was ever submitted (None for one that is gone from the history), the queue, the history.
The empty engine, before the first submission, is a state and is counted.

**What happens** in a state, and is counted as a *move* each time, whether or not it leads to
a new state (a refused action leads back to its own):

* a submission of each priority from 0 to ``priorities`` - 1 with each number of steps from 1 to
  ``steps``, as long as fewer than ``jobs`` jobs were submitted; jobs that are gone count;
* each of the four actions on each job that was ever submitted, gone ones included, and on an id
  that names none;
* the arrival of each POST that is on its way (`Phase.SENT`);
* each of the replies succeed, fail and retry to each step that the peer holds (`Phase.HELD`).
  Not retry-later: it differs from retry only in that its delay outlasts the observer;
* each of the engine's own moves (`spec.engine.moves`), a Retry's timeout among them.

Readings are left out: they change nothing where the history's size is known. The configuration
is the scope's ConcurrentJobs and JobsHistorySize, ``retries`` is off (no server was seen to
choose Retry after a failed step; it may choose it wherever nothing was asked for), and the
relaxations are the admitted ones. Two things that happen and agree in what they are, in
their answer and in the engine after are one.

**Symmetry.** Jobs are named by index, and no rule looks at the index itself: renaming the jobs
of a state, in the queue and in the history alike, gives a state with the same future. So the
jobs are sorted (`canonical`), and only one state of each such class is kept. ``symmetry=False``
keeps them all: that is the number that another model checker must come to as well.

**Always and sometimes** are evaluated on each state and on everything that happens in it.

**Eventually** is decided without looking for cycles in the whole graph, by a ranking that the
exploration itself checks. A job leaves Running under weak fairness if (1) in every reachable
state each Running job has something of its own to do (a move, an arrival, a reply), and (2) the
records that a job goes through while it is Running form no cycle. By (1) its worker, or its
peer, is enabled all the time and by fairness goes on; by (2) that ends. The same for Retry. The
other *eventually* properties follow from a predicate on what happens and from `running-leaves`:
`spec.properties` says how, property by property.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace

from spec.proofs import Checked, ProofEngine, Scope, Verdict, direct, packed
from spec.proofs.direct import Exploration
from spec.proofs.watch import Watch, in_words_of
from spec.properties import PROPERTIES, Fault, Modality, Property
from spec.relaxations import NONE, Relaxation

SMALL = direct.Small()
PLAIN = 5_000  # states of the engine itself that are looked at where the packed form gives up


def explore(
    scope: Scope,
    admitted: frozenset[Relaxation] = NONE,
    *,
    symmetry: bool = True,
    watch: Watch | None = None,
    limit: int | None = None,
) -> Exploration:
    """Explore the scope, as fast as can be: compiled, if there is a C compiler.

    ``watch`` evaluates properties on the way. ``limit``: the number of states after which to
    stop, incomplete. Raises `packed.TooLarge`, `packed.NotPackable`, `Fault`.
    """
    compiler = shutil.which("cc")
    try:
        made = packed.Packed(scope, admitted, symmetry, watch, compiler)
    except (subprocess.CalledProcessError, OSError):  # a compiler that makes nothing we can load
        made = packed.Packed(scope, admitted, symmetry, watch)
    return made.explore(limit)


def count(
    scope: Scope, *, symmetry: bool = True, admit: frozenset[Relaxation] = NONE
) -> Exploration:
    """The number of states, moves and levels of a scope; no property is evaluated."""
    return explore(scope, admit, symmetry=symmetry)


def check(
    scope: Scope,
    admitted: frozenset[Relaxation] = NONE,
    *,
    plain: bool = False,
    limit: int | None = None,
    first: bool = False,
) -> Iterator[Checked]:
    """Decide every property in this scope.

    ``plain``: run `spec.engine` itself on every state. That is for engines that were changed,
    of which the packed form can take nothing for granted; there, ``first`` stops at the first
    property that fails. ``limit``: the number of states after which to stop. A scope that does
    not fit into memory decides nothing.

    An engine that ends with an error, or does what the packed form cannot say, is looked at once
    more without it, up to `PLAIN` states: a failure is then told with the way to it.
    """
    search = direct.explore if plain else explore
    found, stopped = Exploration(0, 0, 0, 0.0, {}, frozenset(), False), ""
    try:
        found = search(scope, admitted, watch=Watch(first=first), limit=limit)
    except (packed.TooLarge, MemoryError) as error:
        stopped = str(error)
    except (packed.NotPackable, Fault) as error:
        watch = Watch(first=first)
        found = direct.explore(scope, admitted, watch=watch, limit=min(limit or PLAIN, PLAIN))
        if isinstance(error, Fault):  # it may be further away than that
            watch.fault(error)
            found = replace(found, broken=watch.broken)
        elif not found.broken:
            stopped = str(error)
    for p in PROPERTIES:
        judged, evidence = verdict(p, scope, admitted, found)
        if stopped:
            judged, evidence = Verdict.UNKNOWN, stopped
        yield Checked(
            p.name,
            p.modality,
            ProofEngine.EXPLORE,
            str(scope),
            judged,
            found.states,
            found.seconds,
            evidence,
        )


def verdict(
    p: Property, scope: Scope, admitted: frozenset[Relaxation], found: Exploration
) -> tuple[Verdict, str]:
    """What an exploration says of a property, and why."""
    if p.modality is not Modality.SOMETIMES:
        if p.name in found.broken:
            return Verdict.FAILS, found.broken[p.name]
        if not found.complete:
            return Verdict.UNKNOWN, f"stopped after {found.states} states"
        return Verdict.HOLDS, ""
    needed = p.jobs(scope.workers, scope.history)
    if scope.history == 0 or scope.jobs < needed:
        return Verdict.NOT_RUN, f"it takes {needed} jobs and a history"
    try:
        if p.name in found.met or (p.runs is not None and p.runs(SMALL, admitted)):
            return Verdict.HOLDS, ""
    except Fault as fault:
        return Verdict.FAILS, in_words_of(fault)
    if not found.complete:
        return Verdict.UNKNOWN, f"stopped after {found.states} states"
    return Verdict.FAILS, f"never met in {found.states} states"
