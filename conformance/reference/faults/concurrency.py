"""Faults that show only when two clients act on one job at the same moment.

An action is torn in two: the job is looked at, and a moment later something is done with what was
seen then. Between the two nobody holds the lock. So that two actions meet there without much
luck, each waits a moment for another one; those that meet none do what they should.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.reference.engine import Engine
from conformance.reference.job import Action, Job, State
from conformance.reference.registry import Registry

if TYPE_CHECKING:
    from conformance.reference.config import Config
    from conformance.reference.engine import OpenRun
    from conformance.reference.persistence import JobStore

_WINDOW = 0.01  # seconds for which an action waits for another one


@dataclass(frozen=True, slots=True)
class _Looked:
    """What an action has seen of its job."""

    state: State
    pause_asked: bool
    cancel_asked: bool

    @property
    def paused(self) -> bool:
        return self.state is State.PAUSED

    @property
    def failed(self) -> bool:
        return self.state is State.FAILURE


class _Torn(Engine):
    """Actions on threads of their own, which let go of the lock when they have looked."""

    def __init__(
        self,
        config: Config,
        open_run: OpenRun,
        store: JobStore,
        registry_type: type[Registry] = Registry,
    ) -> None:
        super().__init__(config, open_run, store, registry_type)
        self._another = threading.Condition(self._lock)  # an action has looked at a job
        self._looks: Counter[str] = Counter()  # by job

    async def answer_action(self, job_id: str, action: Action) -> bool:
        return await asyncio.to_thread(self.act, job_id, action)

    def act(self, job_id: str, action: Action) -> bool:
        with self._lock:
            job = self._registry.jobs.get(job_id)
            if job is None:
                return False
            looked = _Looked(job.state, job.pause_asked, job.cancel_asked)
            self._looks[job_id] += 1
            mine = self._looks[job_id]
            self._another.notify_all()
            self._another.wait_for(lambda: self._looks[job_id] > mine, _WINDOW)
            accepted = self.act_on(job, action, looked)
            self._settle(job)
            return accepted

    def act_on(self, job: Job, action: Action, looked: _Looked) -> bool:
        """Do the action, a moment after the look."""
        return self._registry.act(job, action)


class RequestOverwritten(_Torn):
    """Of two actions on a Running job at the same moment, the later undoes the earlier."""

    def act_on(self, job: Job, action: Action, looked: _Looked) -> bool:
        if job.state is State.RUNNING and looked.state is State.RUNNING:
            job.pause_asked, job.cancel_asked = looked.pause_asked, looked.cancel_asked
        return super().act_on(job, action, looked)


class CancelLostToResume(_Torn):
    """Of a cancel and a resume of a Paused job at the same moment, the cancel is lost."""

    def act_on(self, job: Job, action: Action, looked: _Looked) -> bool:
        if action is Action.CANCEL and looked.paused and job.state is not State.PAUSED:
            return True
        if action is Action.RESUME and looked.paused and job.state is State.FAILURE:
            self._registry.leave_history(job)
            job.completed = None
            self._registry.enqueue(job)
            return True
        return super().act_on(job, action, looked)


class ResubmittedTwiceStartsTwice(_Torn):
    """Of two resubmits at the same moment one is refused, and the job is queued twice anyway."""

    def act_on(self, job: Job, action: Action, looked: _Looked) -> bool:
        accepted = super().act_on(job, action, looked)
        if action is Action.RESUBMIT and looked.failed and not accepted:
            self._registry.pending.append(job)
        return accepted


class ActionAnsweredFromStaleState(_Torn):
    """An action is answered by the state that its job had a moment before it was done."""

    def act_on(self, job: Job, action: Action, looked: _Looked) -> bool:
        accepted = super().act_on(job, action, looked)
        match action:
            case Action.RESUME:
                return looked.paused
            case Action.RESUBMIT:
                return looked.failed
        return accepted
