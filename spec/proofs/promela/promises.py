"""The *eventually* properties as LTL, with the fairness that each assumes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from spec.proofs.promela.options import HEARD, OTHERS_RUN, START, delay_kind, heard, run_kind
from spec.proofs.promela.setup import Setup
from spec.table import Action


@dataclass(frozen=True)
class Eventually:
    """One promise as LTL. ``fair``: the kinds of moves that are assumed fair; ``meets``: what
    must be possible in a fair run for the promise to say anything (name, formula)."""

    name: str
    fair: tuple[str, ...]
    promise: str
    meets: tuple[tuple[str, str], ...]

    @property
    def formula(self) -> str:
        return f"{self.assumption} -> {self.promise}"

    @property
    def assumption(self) -> str:
        return "(" + " && ".join(f"[]<> fair_{kind}" for kind in self.fair) + ")"


def eventually(setup: Setup) -> tuple[Eventually, ...]:
    """The promises about job 0; all jobs are alike in `Variant.LIVENESS`."""
    own = run_kind(0)
    waits = "first_0 && !free" if setup.scope.jobs > setup.scope.workers else "first_0"

    def heard_of(action: Action) -> tuple[tuple[str, str], ...]:
        return tuple(
            (f"{action}-in-{state.lower()}", f"(last == {heard(action, state)})")
            for state in HEARD[action]
        )

    return (
        Eventually(
            "cancel-honoured",
            (own,),
            "[] ((cancel_due != KEPT) -> <> (cancel_due == KEPT))",
            heard_of(Action.CANCEL),
        ),
        Eventually(
            "pause-honoured",
            (own,),
            "[] ((pause_due != KEPT) -> <> (pause_due == KEPT))",
            heard_of(Action.PAUSE),
        ),
        Eventually(
            "pending-runs",
            (OTHERS_RUN, START) if setup.scope.jobs > 1 else (START,),
            "[] ((pending(0) && [] undisturbed_0) -> <> running(0))",
            (("first-in-the-queue", f"({waits} && [] undisturbed_0)"),),
        ),
        Eventually(
            "running-leaves",
            (own,),
            "[] (running(0) -> <> !running(0))",
            (("a-running-job", "running(0)"),),
        ),
        Eventually(
            "retry-leaves",
            (delay_kind(0),),
            "[] (retrying_0 -> <> !retrying_0)",
            (("a-job-in-retry", "retrying_0"),),
        ),
    )


def never(promise: Eventually, met: str) -> str:
    """The name of the claim that says that in no fair run this is ever met."""
    return ltl_name(f"never_{promise.name}_{met}")


def ltl_name(name: str) -> str:
    return re.sub(r"\W", "_", name)
