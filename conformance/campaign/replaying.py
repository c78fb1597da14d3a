"""A recording, run again: as a case, and after the cases that its server had had."""

from __future__ import annotations

from dataclasses import replace

from conformance.campaign.attempt import Runner
from conformance.campaign.confirm import judged
from conformance.campaign.replay import Recording
from conformance.driver.script import LIVES, Do
from conformance.errors import KitError
from conformance.events import GRAVITY, Replayed, Result
from conformance.interrupts import Interrupt
from conformance.session.probe import PROBE, probe
from conformance.suites import suites
from conformance.suites.case import Check, Script
from conformance.suites.needs import EXCLUSIVE, MANAGED
from conformance.sut.profile import Profile


def case_of(recording: Recording, profile: Profile) -> Script | Check:
    """The case that a recording is. Raises `KitError` where this server is not made for it."""
    every = suites(profile)
    known = {PROBE, *(case.id for case in every)}
    if unknown := [id for id in recording.before if id not in known]:
        raise KitError(f"the replay file names {unknown[0]!r} in 'before': no case is called so")
    if recording.check is not None:
        checks = [case for case in every if isinstance(case, Check)]
        found = next((case for case in checks if case.id == recording.case), None)
        if found is None:
            raise KitError(f"the replay file is of {recording.case!r}, which no case is called")
        if found.unreachable is not None:
            raise KitError(f"this server cannot run {found.id}: {found.unreachable}")
        return found
    lives = any(step.do in LIVES for step, _ in recording.steps)
    if lives and not MANAGED.met(profile):
        raise KitError(f"this replay {MANAGED.why}: it stops and starts it")
    jobs = sum(step.do is Do.SUBMIT for step, _ in recording.steps)
    if jobs > 1 and not EXCLUSIVE.met(profile):
        raise KitError(f"this replay {EXCLUSIVE.why}: it runs several jobs at once")
    has = {"ConcurrentJobs": profile.workers, "JobsHistorySize": profile.history}
    for key, value in recording.config.items():
        if has.get(key) not in (None, value):
            raise KitError(f"this replay needs a server with {key} {value}, not {has[key]}")
    return Script(
        recording.case or "replay",
        recording.requirement,
        tuple(step for step, _ in recording.steps),
        config=recording.config,
        watch=True,
        repeat=recording.repeat,
        fresh=lives,
    )


def replay(
    runner: Runner, case: Script | Check, recording: Recording, interrupt: Interrupt
) -> tuple[Result, Replayed]:
    """Run what was recorded; where that alone does not show it, after what its server had had.

    What needs luck is tried several times, until it is seen.
    """
    session = runner.session
    once = replace(case, repeat=1)  # each time is counted
    result, told = _tried(runner, once, recording, interrupt)
    if told.seen or not session.renew():
        return result, told
    known = {one.id: one for one in suites(session.profile)}
    for id in recording.before:
        interrupt.check()
        if id == PROBE:
            probe(session)
        elif isinstance(one := known[id], Script | Check) and one.unreachable is None:
            runner.attempt(one)
    result = runner.teller.result(once, judged(runner, once))
    seen = recording.same(result)
    if not seen:
        runner.afterwards.linger(case)
    return result, Replayed(int(seen), told.tries + 1, told.most + 1, len(recording.before))


def _tried(
    runner: Runner, case: Script | Check, recording: Recording, interrupt: Interrupt
) -> tuple[Result, Replayed]:
    """The result in which it was seen, or else the worst one."""
    results: list[Result] = []
    for number in range(recording.tries):
        interrupt.check()
        results.append(runner.teller.result(case, judged(runner, case, number)))
        if recording.same(results[-1]):
            return results[-1], Replayed(1, number + 1, recording.tries)
    worst = min(results, key=lambda one: GRAVITY.index(one.verdict))
    return worst, Replayed(0, recording.tries, recording.tries)
