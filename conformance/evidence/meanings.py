"""docs/meanings.md: what the states, the answers and the fields of a job mean to who calls.

All of it is the table's and the catalogue's; `tools/pages` writes the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from spec import table
from spec.diagram.looks import effect, verb
from spec.requirements import CATALOGUE, Bound, Requirement
from spec.table import State

ANSWERS = "answer"
FIELDS = "monitor"
OF_A_STATE = {state: f"monitor/state-{state.lower()}" for state in State}


def markdown() -> Iterator[str]:
    """The page, a line at a time."""
    yield "# What a job says, and what it answers\n"
    yield "For who writes a client. Made by `tools/pages` from the table of actions"
    yield "(`spec/table.py`) and the catalogue (`spec/requirements/`); `orthanc-jobs list"
    yield "PREFIX` has the source of a sentence. *documented* is what a page of the Orthanc"
    yield "Book or the release notes say, *observed* what no document says and all measured"
    yield "servers do. [clients.md](clients.md) is on seeing whether a client goes by it.\n"
    yield from _states()
    yield from _actions()
    own = {OF_A_STATE[state] for state in State}
    told = [one for one in CATALOGUE.values() if one.id not in own]
    yield from _section("What an action answers", (o for o in told if o.section == ANSWERS))
    fields = (o for o in told if o.section == FIELDS and o.binds is Bound.SERVER)
    yield from _section("What a job shows", fields)
    yield from _section("What a caller does", (o for o in told if o.binds is not Bound.SERVER))


def _states() -> Iterator[str]:
    yield "## The states\n"
    yield "| State | it reads so |"
    yield "| --- | --- |"
    for state, id in OF_A_STATE.items():
        yield f"| {state} | {_words(CATALOGUE[id])} |"


def _actions() -> Iterator[str]:
    """The action matrix, in words."""
    yield "\n## May a job do this?\n"
    yield "The answer to each action in each state, and what comes of it; an arrow of dashes is a"
    yield "request that takes effect later.\n"
    yield f"| in | {' | '.join(map(verb, table.ACTIONS))} |"
    yield f"| --- |{' --- |' * len(table.ACTIONS)}"
    for state in table.MATRIX:
        cells = (": ".join(effect(state, action)) for action in table.ACTIONS)
        yield f"| {state if isinstance(state, State) else 'no such job'} | {' | '.join(cells)} |"


def _section(title: str, entries: Iterable[Requirement]) -> Iterator[str]:
    """A table of requirements."""
    yield f"\n## {title}\n"
    yield "| it is | since | ground | requirement |"
    yield "| --- | --- | --- | --- |"
    for one in entries:
        bounds = [one.since or "", f"up to {one.until}" if one.until else ""]
        when = " ".join(filter(None, bounds)) or "ever"
        yield f"| {_words(one)} | {when} | {one.ground} | `{one.id}` |"


def _words(one: Requirement) -> str:
    """Its sentence, how we read it, and what else there is to know."""
    return " ".join(filter(None, (one.sentence, one.reading, one.note))).replace("|", "\\|")
