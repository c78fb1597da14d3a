"""The history: who is in it, and who falls out."""

from __future__ import annotations

from spec.engine import Config, Engine
from spec.properties.model import ALWAYS, SOMETIMES, Property, Transition
from spec.properties.reading import acts, in_states
from spec.table import FINAL, Action


@Property(
    "history-iff-completed",
    ALWAYS,
    "A job is in the history, once, if and only if it is Success or Failure.",
    ("history/tagged", "history/kept", "history/resubmitted-leaves"),
).of_state
def history_iff_completed(config: Config, engine: Engine) -> bool:
    return sorted(engine.history) == in_states(engine, FINAL)


@Property(
    "history-bounded",
    ALWAYS,
    "The history never holds more than JobsHistorySize jobs.",
    ("history/size",),
).of_state
def history_bounded(config: Config, engine: Engine) -> bool:
    return config.history is None or len(engine.history) <= config.history


@Property(
    "oldest-evicted-first",
    ALWAYS,
    "Jobs leave the history only by a resubmit, or because it is full: the oldest first.",
    ("history/oldest-first", "history/unfinished-never-evicted"),
).of_transition
def oldest_evicted_first(t: Transition) -> bool:
    """The history keeps its order, and loses its oldest, by as many as it would be too long."""
    mine = t.job
    resubmitted = acts(t, Action.RESUBMIT) and mine in t.before.history
    kept = [i for i in t.before.history if not (resubmitted and i == mine)]
    before, after = t.subject
    completed = (
        before is not None and before.state not in FINAL and (after is None or after.state in FINAL)
    )
    full = [*kept, mine] if mine is not None and completed else kept
    surplus = 0 if t.config.history is None else max(0, len(full) - t.config.history)
    gone = [i for i, b, a in t.records if b is not None and a is None]
    return list(t.after.history) == full[surplus:] and sorted(full[:surplus]) == gone


@Property(
    "eviction",
    SOMETIMES,
    "A completed job falls out of the history.",
    ("history/size",),
    jobs=lambda workers, history: history + 1,
).of_transition
def eviction(t: Transition) -> bool:
    return any(before is not None and after is None for _, before, after in t.records)
