"""What a job may do, as the kit's table has it: its states, and what each action does in each.

    >>> may("Paused", "resume"), may("Success", "resume")
    (True, False)
    >>> leads_to("Paused", "resume")
    <State.PENDING: 'Pending'>

Sources: the figure JobsEngineStates of Orthanc 1.5.6; where it is silent, what Orthanc 1.9.1 to
1.13.0 do alike.
"""

from __future__ import annotations

from spec.table import ACTIONS, FINAL, Action, State, cell, target

STATES = tuple(State)

__all__ = ["ACTIONS", "FINAL", "STATES", "Action", "State", "leads_to", "may"]


def may(state: State | str, action: Action | str) -> bool:
    """Whether the server takes ``action`` of a job in ``state``: HTTP 200, otherwise 400.

    An action that is taken may change nothing: to cancel a job in Success, say. Raises `ValueError`
    for what is no state or no action.
    """
    return cell(_state(state), _action(action)).status == 200


def leads_to(state: State | str, action: Action | str) -> State:
    """The state that ``action`` takes a job to; ``state`` itself where it changes nothing.

    Of a Running job it is taken at the end of a step. Raises `ValueError` as `may` does.
    """
    source, trigger = _state(state), _action(action)
    return (target(source, trigger) or source) if may(source, trigger) else source


def _state(given: State | str) -> State:
    """A state in any case."""
    return State(given.capitalize())


def _action(given: Action | str) -> Action:
    return Action(given.lower())
