"""A state that z3 has found, in the domain's words."""

from __future__ import annotations

from collections.abc import Mapping

from spec.proofs.smt.frame import Frame
from spec.proofs.smt.rule import ASKED
from spec.proofs.smt.solver import Term
from spec.proofs.smt.world import NEW, Phase, World
from spec.table import Asked, ErrorCode


def describe(world: World, model: Term, frame: Frame, named: Mapping[str, Term]) -> str:
    """A state in the domain's words: every job that was submitted, and the configuration."""

    def value(term: Term) -> str:
        text = str(model.eval(term, model_completion=True))
        return world.names.get(text, text)

    told = []
    for letter, job in named.items():
        state = value(frame.state(job))
        if state == NEW:
            continue
        text = f"{letter} is {state}"
        asked = Asked(value(frame.asked(job)))
        text += ASKED[asked]
        details = [f"priority {value(frame.priority(job))}"]
        details.append(f"{value(frame.done(job))} of {value(frame.steps(job))} steps done")
        if value(frame.phase(job)) != Phase.IDLE:
            details.append(f"worker: {value(frame.phase(job))}")
        if value(frame.error(job)) != ErrorCode.SUCCESS.name:
            details.append(f"error {value(frame.error(job))}")
        flags = {"queued": frame.queued, "in the history": frame.stored, "gone": frame.gone}
        flags |= {"a cancel is owed": frame.cancel_owed, "a pause is owed": frame.pause_owed}
        details += [flag for flag, field in flags.items() if value(field(job)) == "True"]
        told.append(f"{text} ({', '.join(details)})")
    told.append(
        f"{value(frame.running)} of {value(world.workers)} workers busy, "
        f"{value(frame.kept)} of {value(world.size)} places of the history taken"
    )
    return "; ".join(told)
