"""A history of any fill, and jobs of somebody's that end meanwhile: none is driven out by ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread

import pytest

from conformance.campaign.campaign import Campaign
from conformance.campaign.plan import Plan
from conformance.driver.places import HISTORY_FULL, Places, may_make_job
from conformance.errors import HistoryFull, JobsLost
from conformance.events import CaseEnds, Ended, Event, Failed, RunVerdict, Verdict
from conformance.peer.gate import Gate, Hold
from conformance.session.neighbours import Neighbours
from conformance.sut import servers
from conformance.sut.client import Client
from conformance.sut.managed import Managed
from conformance.sut.target import Choice
from tests.conformance.somebody import FINAL, HISTORY
from tests.waiting import until

pytestmark = pytest.mark.apart
# The one that makes a place and leaves none, and some of each kind that may follow it.
CASES = (
    "history/delete",
    "history/tagged/failure",
    "action/pause/success",
    "monitor/field/priority",
    "monitor/error-details",
    "submit/asynchronous/one-job",
    "submit/synchronous/one-job",
    "submit/refused/nothing",
    "route/archive/study/asynchronous",
)
TWO = "monitor/error-details"  # leaves two jobs
ENDS = {"history/delete", "action/pause/success", "submit/asynchronous/one-job"}


@dataclass
class Somebody:
    """Who uses the server: ``ended`` are the ids of jobs in the order in which they have ended."""

    client: Client
    gate: Gate
    instance: str
    held: list[Hold] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def submit(self) -> str:
        body = {"Resources": [self.instance], "Asynchronous": True}
        made: str = self.client.post("/peers/theirs/store", body).json()["ID"]
        self.open.append(made)
        return made

    def end_one(self) -> None:
        """Let the step at their peer end, and wait until its job has."""
        before = self.completed()
        assert self.held or self.gate.wait(10)
        self.held += self.gate.arrivals()
        self.held.pop(0).reply(200)
        until(lambda: bool(self.completed() - before), 10)
        (one,) = self.completed() - before
        self.open.remove(one)
        self.ended.append(one)

    def completed(self) -> set[str]:
        jobs = self.client.get("/jobs?expand").json()
        return {job["ID"] for job in jobs if job["State"] in FINAL and job["ID"] in self.open}

    def due(self, size: int) -> set[str]:
        """What a history of this size holds for them, if nobody else uses it."""
        return {*self.ended[-size:], *self.open}


@contextmanager
def somebody(server: Managed, completed: int, under_way: int = 0) -> Iterator[Somebody]:
    """So many jobs of theirs have completed, and so many are Running or Pending."""
    client = Client(server.address)
    with Gate() as gate:
        made = client.post("/tools/create-dicom", {"Tags": {"PatientID": "theirs"}}).json()["ID"]
        client.put("/peers/theirs", {"Url": gate.url(0)})
        who = Somebody(client, gate, made)
        for _ in range(completed):
            who.submit()
            who.end_one()
        for _ in range(under_way):
            who.submit()
        yield who


def run(
    server: Managed,
    cases: tuple[str, ...] = CASES,
    *,
    after: Callable[[str], object] = str,
    history: int | None = None,
) -> tuple[dict[str, tuple[Verdict, str | None]], list[str]]:
    """A polite run: verdict and reason of each case, and why it failed. ``after`` each case."""
    found: dict[str, tuple[Verdict, str | None]] = {}
    failed: list[str] = []

    def take(event: Event) -> None:
        if isinstance(event, CaseEnds):
            found[event.result.id] = (event.result.verdict, event.result.reason)
            after(event.result.id)
        elif isinstance(event, Failed):
            failed.append(event.reason)

    choice = Choice("url", server.address, history_size=history)
    Campaign(choice, Plan(prefixes=cases, replays=None), take).run()
    return found, failed


def listed(who: Somebody) -> set[str]:
    return set(who.client.get("/jobs").json())


@pytest.mark.parametrize(
    "fill",
    [
        fill if fill in (0, HISTORY - 1, HISTORY) else pytest.param(fill, marks=pytest.mark.long)
        for fill in range(HISTORY + 3)
    ],
)
def test_every_fill_of_the_history(fill: int) -> None:
    with servers.reference() as server, somebody(server, fill) as who:
        found, failed = run(server)
        assert failed == []
        assert listed(who) == who.due(HISTORY), (
            "nothing of theirs is gone, and nothing of ours left"
        )
        skipped = {id for id, (_, reason) in found.items() if reason == HISTORY_FULL}
        judged = {id for id, (verdict, _) in found.items() if verdict is Verdict.PASS}
        assert ("history/delete" in judged) == (fill < HISTORY)
        assert (TWO in skipped) == (fill >= HISTORY - 1)
        assert {verdict for verdict, _ in found.values()} <= {Verdict.PASS, Verdict.SKIPPED}


@pytest.mark.parametrize(("fill", "under_way"), [(0, 1), (5, 3), (8, 1), (9, 1), (7, 3), (8, 4)])
def test_jobs_of_theirs_that_end_during_the_run(fill: int, under_way: int) -> None:
    with (
        servers.reference({"ConcurrentJobs": 8}) as server,
        somebody(server, fill, under_way) as who,
    ):

        def after(case: str) -> None:
            if case in ENDS and who.open:
                who.end_one()
            assert who.due(HISTORY) <= listed(who)

        found, failed = run(server, after=after)
        assert failed == []
        while who.open:
            who.end_one()
        assert listed(who) == who.due(HISTORY)
        places = HISTORY - fill - under_way
        assert (found["history/delete"][0] is Verdict.PASS) == (places > 0)


def test_a_real_orthanc_that_cannot_delete_jobs(orthanc: Managed) -> None:
    """Of 1.10.1 each of ours keeps its place: it is taken up again by later cases."""
    with somebody(orthanc, HISTORY - 2, under_way=1) as who:

        def after(case: str) -> None:
            if case == "action/pause/paused" and who.open:
                who.end_one()
            assert who.due(HISTORY) <= listed(who)

        found, failed = run(orthanc, ("action", "edge", "monitor"), after=after)
        assert failed == []
        while who.open:
            who.end_one()
        assert who.due(HISTORY) <= listed(who)
        assert len(listed(who)) == HISTORY
        assert HISTORY_FULL in {reason for _, reason in found.values()}


def test_a_smaller_history_than_was_said_stops_the_run_at_once() -> None:
    """JobsHistorySize is not what the run was told: the first job drives one out."""
    with servers.reference({"JobsHistorySize": 4}) as server, somebody(server, 4) as who:
        with pytest.raises(JobsLost) as lost:
            run(server, history=HISTORY)
        assert f"the first job: {who.ended[0]}" in str(lost.value)
        assert "--history-size" in str(lost.value)
        assert set(who.ended[1:]) <= listed(who), "one was lost, and no more"
    with servers.reference({"JobsHistorySize": 4}) as server, somebody(server, 4) as who:
        found, failed = run(server, history=4)
        assert (failed, listed(who)) == ([], set(who.ended))
        assert {verdict for verdict, _ in found.values()} == {Verdict.SKIPPED}


def test_what_somebody_drives_out_himself_stops_nothing() -> None:
    with servers.reference() as server, somebody(server, HISTORY - 1) as who:

        def after(case: str) -> None:
            if case == "history/delete":
                for _ in range(3):
                    who.submit()
                    who.end_one()

        _, failed = run(server, after=after)
        assert failed == []
        assert listed(who) == who.due(HISTORY)


def test_what_somebody_deletes_himself_stops_nothing() -> None:
    """A history that had been full would still be: so many less are left that he has deleted."""
    with servers.reference() as server, somebody(server, HISTORY - 2) as who:

        def after(case: str) -> None:
            if case == "history/delete":
                for id in who.ended[: HISTORY - 4]:
                    who.client.delete(f"/jobs/{id}")

        found, failed = run(server, after=after)
        assert failed == []
        assert listed(who) == set(who.ended[HISTORY - 4 :])
        assert found[TWO][0] is Verdict.PASS, "there is room for it now"


def test_what_somebody_deletes_as_he_works_stops_nothing() -> None:
    """More jobs of his complete, and stay, than a full history would hold."""
    with servers.reference() as server, somebody(server, 2) as who, somebody(server, 0) as other:

        def after(case: str) -> None:
            if case == "history/delete":
                who.client.delete(f"/jobs/{who.ended[0]}")
                worker.start()

        def work() -> None:
            for _ in range(5):
                other.submit()
                other.end_one()

        worker = Thread(target=work)
        found, failed = run(server, after=after)
        worker.join()
        assert failed == []
        assert found[TWO][0] is not Verdict.UNKNOWN


def test_what_somebody_deletes_one_by_one_stops_nothing() -> None:
    """Fewer and fewer are left while the kit waits: a full history would stay full."""
    with servers.reference() as server, somebody(server, 6) as who:

        def after(case: str) -> None:
            if case == "history/delete":
                who.client.delete(f"/jobs/{who.ended[0]}")
                worker.start()

        def work() -> None:
            client = Client(server.address)
            for id in who.ended[1:4]:
                until(lambda: len(seen) > 1, 10)  # it was looked for after the first had gone
                client.delete(f"/jobs/{id}")
            client.close()

        seen: list[str] = []
        worker = Thread(target=work)
        worker_of = Neighbours._listed

        def listed_(neighbours: Neighbours) -> list[str]:
            if worker.ident is not None:
                seen.append("")
            return worker_of(neighbours)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Neighbours, "_listed", listed_)
            _, failed = run(server, after=after)
        worker.join()
        assert failed == []
        assert listed(who) == set(who.ended[4:])


def test_a_job_that_is_missed_without_cause_stops_the_run() -> None:
    with servers.reference() as server, somebody(server, 3) as who:

        def after(case: str) -> None:
            if case == "history/delete":
                who.client.delete(f"/jobs/{who.ended[0]}")

        with pytest.raises(JobsLost, match=f"during history/.*: {who.ended[0]}"):
            run(server, after=after)


def test_a_deviation_is_worth_its_status_though_a_job_was_lost_later() -> None:
    """1 goes before 2, and the loss is told all the same."""
    told: list[Event] = []
    fault, deviates, later = (
        "pause-of-failure-refused",
        "action/pause/failure",
        "action/resume/failure",
    )
    with servers.reference(fault=fault) as server, somebody(server, 3) as who:

        def take(event: Event) -> None:
            told.append(event)
            if isinstance(event, CaseEnds) and event.result.id == deviates:
                who.client.delete(f"/jobs/{who.ended[0]}")

        plan = Plan(prefixes=(deviates, later), replays=None)
        assert Campaign(Choice("url", server.address), plan, take).run() == 1
    results = {event.result.id: event.result.verdict for event in told if type(event) is CaseEnds}
    assert results[deviates] is Verdict.DEVIATION
    assert later not in results, "it was stopped at once"
    *_, failed, ended = told
    assert isinstance(failed, Failed)
    assert f"during {deviates}: {who.ended[0]}" in failed.reason
    assert isinstance(ended, Ended)
    assert ended.verdict is RunVerdict.DEVIATES


@pytest.mark.parametrize(
    ("method", "path", "makes"),
    [
        ("POST", "/peers/one/store", True),
        ("POST", "/modalities/one/store", True),
        ("POST", "/modalities/one/query", False),
        ("POST", "/studies/0-1/modify", True),
        ("POST", "/tools/create-archive", True),
        ("POST", "/tools/create-dicom", False),
        ("POST", "/queries/1/retrieve", True),
        ("POST", "/something/new", True),
        ("POST", "/jobs/0-1/resubmit", False),
        ("POST", "/instances", False),
        ("GET", "/studies/0-1/archive", True),
        ("GET", "/jobs/0-1/archive", False),
        ("GET", "/jobs?expand", False),
        ("DELETE", "/jobs/0-1", False),
        ("PUT", "/peers/one", False),
    ],
)
def test_what_may_make_a_job(method: str, path: str, makes: bool) -> None:
    assert may_make_job(method, path) is makes


def test_a_call_beside_asks_as_well_and_is_counted_while_it_is_open() -> None:
    with servers.reference() as server, somebody(server, HISTORY - 1) as who:
        places = Places(who.client, HISTORY)
        guarded = Client(server.address, permit=places.permit)
        send = guarded.beside().begin("POST", "/peers/theirs/store", {"Resources": []})
        assert not places.fit(1), "it may make a job"
        with pytest.raises(HistoryFull):
            guarded.beside().begin("POST", "/peers/theirs/store", {})
        send()
        assert places.fit(HISTORY - len(listed(who)))
        places.close()
