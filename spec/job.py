"""One job as an executable state machine, built from the table with `transitions`.

This is the figure and nothing more: no queue, no workers, no steps. It is for who writes a client,
and wants one job to hold in the hand: what may be done with it now, and what comes of that. Nothing
of the kit uses it, which has `spec.engine`, the detailed model; `tests/spec/test_engine.py` shows
that the two agree on every job, and `tests/spec/test_job.py` that this one is the table.
"""

from __future__ import annotations

from transitions import Machine, MachineError

from spec.table import (
    EDGE,
    EDGES,
    FINAL,
    UNKNOWN,
    Action,
    Cell,
    State,
    Trigger,
    cell,
)

NEW = "new"


class IllegalTrigger(Exception):
    """A trigger for which the figure has no edge from this state. Nothing has changed."""

    def __init__(self, state: str, trigger: Trigger) -> None:
        self.state = state
        self.trigger = trigger
        super().__init__(f"a {state} job has no edge for {str(trigger)!r}")


class Job:
    """A job that can be driven through the published edges.

    >>> job = Job()
    >>> job.fire(Move.SUBMIT)
    <State.PENDING: 'Pending'>
    """

    state: str

    def __init__(self) -> None:
        self._machine = Machine(
            model=self,
            states=[NEW, *(state.value for state in State)],
            initial=NEW,
            transitions=[
                {
                    "trigger": str(edge.trigger),
                    "source": NEW if edge.source is None else edge.source.value,
                    "dest": edge.target.value,
                }
                for edge in EDGES
            ],
            auto_transitions=False,
        )

    @classmethod
    def at(cls, state: State | None) -> Job:
        """A job that is in ``state`` already; None for one that was not submitted yet."""
        job = cls()
        job._machine.set_state(NEW if state is None else state.value)
        return job

    def fire(self, trigger: Trigger) -> State:
        """Take the edge of ``trigger``; the new state. Raises `IllegalTrigger`."""
        try:
            self.trigger(str(trigger))  # type: ignore[attr-defined]
        except MachineError:
            raise IllegalTrigger(self.state, trigger) from None
        return State(self.state)

    def act(self, action: Action) -> Cell:
        """What the action matrix says to ``action`` now; an `EDGE` is taken, `ASK` is not yet."""
        found = cell(UNKNOWN if self.state == NEW else State(self.state), action)
        if found is EDGE:
            self.fire(action)
        return found

    @property
    def allowed(self) -> frozenset[str]:
        """The triggers of the edges that leave the present state."""
        return frozenset(self._machine.get_triggers(self.state))

    @property
    def completed(self) -> bool:
        return self.state in FINAL
