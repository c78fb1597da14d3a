"""The sets of engines that a history leads through.

A server that ends and is started again is as it was when it last saved its jobs, and that moment
is not seen. So all sets are kept, and after a restart the newest one is what `spec.restart` makes
of all that come into question.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

from conformance.errors import Unjudged
from conformance.oracle.history import Happening, Restarted, Seen, Together
from conformance.oracle.linearization import Engines, explaining
from spec.engine import EMPTY, Answer, Config, Engine, step
from spec.engine import closed as closure_of
from spec.relaxations import Name, Relaxation, Shortfall
from spec.restart import configured, owes, restarted

BUDGET = 20_000  # engines in the set; past it a case is unknown


class Track:
    """The sets that a history leads through: ``trail`` has one more than things were seen.

    ``config`` is what is known of the server now: a restart may change it.
    """

    def __init__(self, config: Config, admitted: frozenset[Name] = frozenset()) -> None:
        self.config = config
        self.trail: list[Engines] = [closed(config, {EMPTY})]
        self._first = config
        self._admitted = admitted

    def follow(self, event: Happening, answer: Answer) -> None:
        before = self.trail[-1]
        if isinstance(event, Together):
            after = set(explaining(self.config, before, event.calls))
        elif not isinstance(event, Restarted):
            after = {n for e in before for a, n in step(self.config, e, event) if a == answer}
        else:
            after = self._loaded(event, len(next(iter(before)).jobs))
            config = configured(self.config, event.start)
            ties = config.relaxations | {Relaxation.TIES_UNORDERED}  # nothing says their order
            self.config = replace(config, relaxations=ties)
        self.trail.append(closed(self.config, after))

    def _loaded(self, event: Restarted, count: int) -> set[Engine]:
        """What may have been loaded. A job that was not born when it was saved is gone."""
        saved = {e for engines in self.trail[event.since :] for e in engines}
        if not (event.start.killed or Shortfall.REQUEST_LOST_AT_STOP in self._admitted):
            saved = {e for e in saved if not owes(e)}
        goes_on = Shortfall.RESUBMIT_LOST_AT_RESTART in self._admitted
        found = {one for e in saved for one in restarted(e, event.start, goes_on)}
        return {e._replace(jobs=e.jobs + (None,) * (count - len(e.jobs))) for e in found}

    def again(self, seen: Seen, admitted: frozenset[Name]) -> Track:
        """The same history with other names ``admitted``, up to where nothing explains it."""
        relaxations = frozenset(name for name in admitted if isinstance(name, Relaxation))
        first = replace(self._first, relaxations=relaxations, retries=self.config.retries)
        track = Track(first, admitted)
        for event, answer in seen:
            track.follow(event, answer)
            if not track.trail[-1]:
                break
        return track


def closed(config: Config, engines: Iterable[Engine]) -> Engines:
    """The engines with all that their own moves lead to. Raises `Unjudged` past `BUDGET`."""
    reached = frozenset(islice(closure_of(config, engines), BUDGET + 1))
    if len(reached) > BUDGET:
        raise Unjudged(f"more than {BUDGET} engines would explain what was seen")
    return reached
