"""What the specification promises, each promise with a name, a modality and its source.

    always       holds in every reachable engine, or of everything that ever happens
    sometimes    is met at least once: what is never met would hold of an empty machine, too
    eventually   comes, if the workers and the surroundings are weakly fair (see below)

A property is one sentence, and one predicate that says the same of `spec.engine`, right below it.
Most predicates are of one of three kinds. Each of these looks at one job's record and at the
outline of the engine (who is in which state, the queue, the history), never at two records
together: that is what lets the explorer check a property once for all engines that differ
elsewhere.

    state        of an engine
    transition   of one thing that happens: the engine before, what happened, the engine after
    node         of an engine with everything that can happen next

Two more kinds are for what these cannot say:

    runs         whether something is ever met, found by a search of its own (`model.Explorer`)
    fault        the engine ended with an error where it has to answer (`asking.Fault`), which
                 whoever runs the engine to evaluate the others meets

They stand by theme: `published`, `queue`, `history`, `requests`, `steps`, `told`, `choices`,
`reached`. What a property is: `model`; what the predicates are written with: `reading`, `asking`.

**Requests.** A cancel or pause that was answered 200 while the job was Running is written in
`Job.asked`, and a promise about it must not lean on that note being kept. So `cancel-honoured`
and `pause-honoured` say three things of each transition, which together are the promise:
the answer 200 comes with the effect or with the note; the note stays until the job leaves
Running; and as long as it is there no step begins, and the job leaves to nowhere else than
the promise says. That the job leaves at all is `running-leaves`, on which both rest.

**Fairness** is weak, and of two kinds: a worker that can go on goes on, and the surroundings
end what has begun (a POST that was sent arrives, a step that is held is replied to, the delay
of a Retry ends). Nobody has to submit or to act. That a chain of retries ends is *not*
promised: a peer may answer each attempt with a retry for ever, and then the job never ends.

**Which relaxations break what.** `relaxed_by` is the answer of this module, and the proofs
must come to the same one:

* cancel-lost-to-pause breaks `cancel-honoured` and nothing else (the pause was honoured);
* request-lost-on-last-step breaks `cancel-honoured` and `pause-honoured`: it forgets either;
* ties-unordered breaks `ties-in-order` and nothing else. `pending-runs` still holds, because
  where equals have no order among them, each is *before* the other: a job is promised to run
  once no other Pending job of its priority could be preferred to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

from spec.properties import (
    choices,
    history,
    published,
    queue,
    reached,
    requests,
    steps,
    told,
)
from spec.properties.asking import ERRORS, Fault
from spec.properties.model import Explorer, Modality, Node, Own, Property, Transition
from spec.properties.published import AS_PUBLISHED, digest

__all__ = [
    "AS_PUBLISHED",
    "BY_NAME",
    "ERRORS",
    "PROPERTIES",
    "Explorer",
    "Fault",
    "Modality",
    "Node",
    "Own",
    "Property",
    "Transition",
    "digest",
]

THEMES = (published, queue, history, requests, steps, told, choices, reached)


def _stated_in(theme: ModuleType) -> Iterator[Property]:
    """The properties that a theme's module states, alone or as a family, in their order."""
    for value in vars(theme).values():
        if isinstance(value, Property):
            yield value
        elif isinstance(value, tuple):
            yield from (one for one in value if isinstance(one, Property))


# By modality, then by theme.
PROPERTIES: tuple[Property, ...] = tuple(
    sorted(
        (found for theme in THEMES for found in _stated_in(theme)),
        key=lambda found: list(Modality).index(found.modality),
    )
)
BY_NAME: dict[str, Property] = {found.name: found for found in PROPERTIES}
