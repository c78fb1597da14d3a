"""The explorer's packed form: the same search as `spec.proofs.direct`, a hundred times faster.

Nothing here states a rule of the engine. A state is packed into 64 bits: the number of its
*outline* (who is in which state with which priority, the queue, the history), and for each job
the number of its *record*. What can happen is looked up in two tables, and both are filled by
running `spec.engine` on states that were really reached, the first time that they are asked:

* *rows*, by record: what can happen to a job with this record, and the record after it; found by
  running the engine with this job alone in it;
* *effects*, by outline, job and kind of thing that happens (with the state that it leads to):
  whether it can happen there, and the outline after it; found by running the engine on the
  whole state.

So the packed form takes one thing for granted: what happens to a job's record depends on that
record alone, and what happens to the outline depends on the outline alone. That is shown, not
believed: the tests compare every successor of every state of the small scopes with the
engine's own, with and without relaxations, and `Packed` raises `NotPackable` when an entry that
it fills contradicts it.

Properties are evaluated on the true states and transitions that an entry was filled from: on
everything that can happen in the first state of each outline and in the first state with each
record, and on the transition behind each effect. By their form (`spec.properties`) they look at
one record and the outline, so that is enough.

The search itself is a loop that knows numbers only. There are two of it: one in C, used where a
C compiler is found (`cc`, as Spin needs it, too), and one in Python.

**Where it stands.** `encoding`: states as numbers, and the tables. `limits`: what fits. `kernel`:
the search, in Python. `compiled` and `search.c`: the search, in C.
"""

from __future__ import annotations

from spec.proofs.packed.compiled import CKernel
from spec.proofs.packed.encoding import Packed
from spec.proofs.packed.kernel import PythonKernel, Want
from spec.proofs.packed.limits import MOST_JOBS, NotPackable, TooLarge

__all__ = [
    "MOST_JOBS",
    "CKernel",
    "NotPackable",
    "Packed",
    "PythonKernel",
    "TooLarge",
    "Want",
]
