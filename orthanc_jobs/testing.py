"""The stateful search as a state machine of Hypothesis, for a server of one's own."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from orthanc_jobs.ours import check

if TYPE_CHECKING:
    from hypothesis.stateful import RuleBasedStateMachine

    from conformance.driver.driver import Driver
    from conformance.driver.script import Do
    from conformance.errors import ServerDied, Unjudged
    from conformance.oracle.oracle import Finding
    from conformance.sut.profile import Profile
    from conformance.sut.target import Choice
    from spec.relaxations import Name


def machine_for(url: str, *, strict: bool = False) -> type[RuleBasedStateMachine]:
    """A state machine whose rules act on several jobs of the server at ``url``.

        TestJobs = machine_for("http://localhost:8042").TestCase

    runs it in pytest and unittest; it can be extended by rules, and given settings, as any. An
    example makes its own jobs and removes what it made. A rule that does what the specification
    does not allow fails, with what is broken.

    The server is to be nobody else's: its queue and its history are filled. It is asked at once
    what it is; its ``/system`` has to answer. ``url`` may carry ``user:password@``. What released
    servers are known to do otherwise, and the kit's ledger accepts, is no failure, unless
    ``strict``. Raises `Error` where no server with a jobs engine answers.
    """
    check()
    from conformance.search.rules import machine_of

    return machine_of(_examples(url, strict))


def _examples(url: str, strict: bool) -> _Examples:
    from conformance.campaign import ledger
    from conformance.session.probe import probe
    from conformance.session.session import opened
    from conformance.suites import suites
    from conformance.sut.address import Address
    from conformance.sut.profile import Profile
    from conformance.sut.target import Choice

    address = Address.parse(url)
    choice = Choice(address.url, address, exclusive=True)
    with ExitStack() as closing:
        session = closing.enter_context(opened(choice))
        closing.callback(session.clean)
        probe(session)
        known = [case.id for case in suites(Profile())]
        accepted = frozenset() if strict else ledger.shipped(session.system, known).accepted
        return _Examples(choice, session.profile, accepted)


class _Examples:
    """Each example has a session of its own: a `conformance.search.rules.Judge`."""

    over = False

    def __init__(self, choice: Choice, profile: Profile, admitted: frozenset[Name]) -> None:
        self.profile = profile
        self._choice = choice
        self._admitted = admitted
        self._open: dict[Driver, ExitStack] = {}

    def begin(self) -> Driver:
        from conformance.session.session import opened
        from conformance.timing import TIMING
        from spec.engine import Config

        with ExitStack() as closing:
            session = closing.enter_context(opened(self._choice))
            closing.callback(session.clean)
            config = Config(workers=self.profile.workers, history=self.profile.history)
            # What does not come is not tried again: so it is waited for longer at once.
            driver = session.driver(config, "search/stateful", patience=TIMING.patient)
            self._open[driver] = closing.pop_all()
            return driver

    def end(self, driver: Driver, failed: bool) -> None:
        from conformance.driver.spares import put_aside

        with self._open.pop(driver):
            if failed:
                driver.abandon()
            put_aside(driver)

    def acted(self, driver: Driver) -> None:
        """Nobody counts."""

    def may(self, life: Do) -> bool:
        """A server that somebody runs is not ended."""
        return False

    def judge(self, driver: Driver, new: list[Finding]) -> None:
        """Raises `Deviated` for what is not admitted."""
        from conformance.driver.following import Deviated

        for finding in new:
            named = finding.relaxations
            if finding.missing or named is None or not named <= self._admitted:
                raise Deviated(finding)

    def broke(self, driver: Driver, reason: Unjudged) -> None:
        """Raises it: an example that cannot be judged is none that passed."""
        raise reason

    def lost(self, driver: Driver, died: ServerDied) -> None:
        """Raises it."""
        raise died
