"""Ending jobs, whatever they are and whatever the server makes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from conformance.driver.resources import Resources
from conformance.errors import Trouble
from conformance.sut.reply import Reply
from spec.table import FINAL, Action, State

if TYPE_CHECKING:
    from conformance.sut.client import Client

Get = Callable[[str], Reply]


def state_of(get: Get, id: str) -> str | None:
    """The State that a job shows, whatever text it is; None where it shows none, as when gone."""
    try:
        found = get(f"/jobs/{id}").json()
    except Trouble:
        return None
    state = found.get("State") if isinstance(found, dict) else None
    return state if isinstance(state, str) else None


def ask_to_end(client: Client, id: str, state: str) -> bool:
    """Ask a job that shows this state to end, unless it has; whether that is to be waited for.

    What shows no state of ours cannot be waited for.
    """
    if state in FINAL:
        return False
    # Where a cancel does not end what is Paused, a step that fails may.
    for action in (Action.CANCEL, Action.RESUME)[: 1 + (state == State.PAUSED)]:
        with suppress(Trouble):  # whether it has ended is seen by reading it
            client.post(f"/jobs/{id}/{action}")
    return state in set(State)


def remove_jobs(resources: Resources, ids: Iterable[str]) -> None:
    """Take completed jobs out of the server's history, and others of ours with them."""
    for id in ids:
        resources.client.delete(f"/jobs/{id}")
    while resources.others:
        resources.client.delete(f"/jobs/{resources.others[-1]}")
        resources.others.pop()


def end_jobs(
    client: Client,
    get: Get,
    ids: Iterable[str],
    seconds: float,
    meanwhile: Callable[[], object],
) -> list[str]:
    """Ask jobs to end until all have; those that have not within ``seconds``.

    ``get`` reads a job. ``meanwhile``: called between two looks; it lets the steps of them end.
    """
    deadline = time.monotonic() + seconds
    left = list(ids)
    while left:
        states = ((id, state_of(get, id)) for id in left)
        left = [id for id, state in states if state is not None and ask_to_end(client, id, state)]
        if left and time.monotonic() > deadline:
            break
        if left:
            meanwhile()
    return left
