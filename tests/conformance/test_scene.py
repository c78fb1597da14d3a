"""What a check has at hand, on a reference server of its own: a call, a watch, a named finding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from conformance.bench import Bench, Deviated
from conformance.errors import Unjudged
from conformance.scene import Scene
from conformance.steps import complete, submit
from conformance.suites.submit import ASYNCHRONOUS, SYNCHRONOUS, begin, handle, limited
from conformance.targets import Choice, Session, opened
from spec.engine import Config
from spec.relaxations import Shortfall


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with opened(Choice(deadline=2.0), {"LimitJobs": 2}) as session:
        yield session
        session.clean()


@pytest.fixture
def scene(session: Session) -> Iterator[Scene]:
    bench = Bench("", session.fixture, Config(), session.deadline, replaceable=True)
    yield Scene(bench, session.profile, session.system.version)
    bench.abandon()
    session.fixture.put_aside(bench)


def test_a_call_is_open_until_its_job_has_ended(scene: Scene) -> None:
    call = begin(scene, SYNCHRONOUS)
    assert not call.ended()
    with pytest.raises(Unjudged, match="not answered yet"):
        call.answer()
    scene.unanswered(call, "submit/synchronous-waits", "no answer")
    scene.do(complete("A"))
    assert scene.answered(call, "submit/synchronous-waits", "an answer").ok


def test_an_answer_that_comes_a_little_later_is_seen(scene: Scene) -> None:
    call = begin(scene, SYNCHRONOUS)
    scene.bench.jobs["A"].holds[-1].reply(200)
    with pytest.raises(Deviated) as found:
        scene.unanswered(call, "submit/synchronous-waits", "no answer")
    assert found.value.finding.requirement == "submit/synchronous-waits"
    assert found.value.finding.actual.startswith("HTTP 200")


def test_what_has_to_come_and_does_not_is_missing(scene: Scene) -> None:
    scene.deadline = 0.05
    with pytest.raises(Deviated) as found:
        scene.until(lambda: False, "monitor/polling", "the end", lambda: "none")
    assert found.value.finding.missing
    assert found.value.finding.actual == "none, after 0.05 s"


def test_something_with_a_name_is_found_and_the_check_goes_on(scene: Scene) -> None:
    known = Shortfall.LIMIT_JOBS_IGNORED
    scene.require("queue/limit-jobs", False, "no job", "a job", known)
    scene.require("queue/limit-jobs", True, "no job", "none")
    assert [f.relaxations for f in scene.bench.findings] == [frozenset({known})]
    with pytest.raises(Deviated):
        scene.require("queue/limit-jobs", False, "no job", "a job")


def test_a_number_is_no_boolean(scene: Scene) -> None:
    with pytest.raises(Deviated):
        scene.equal("monitor/priority", "Priority", 1, True)
    scene.equal("monitor/priority", "Priority", 1, 1)


def test_two_jobs_of_one_call_are_told_apart_from_those_of_others(scene: Scene) -> None:
    scene.do(submit("X"))
    path, body = scene.prepare("A")
    handle(scene, scene.post(path, {**body, **ASYNCHRONOUS}))
    one = scene.bench.jobs["A"].id
    assert scene.made("A") == [one]
    two = scene.fixture.client.post(path, {**body, **ASYNCHRONOUS}).json()["ID"]
    assert set(scene.made("A")) == {one, two}
    scene.post(f"/jobs/{two}/cancel")


def test_a_refused_call_that_made_a_job_is_a_deviation(scene: Scene) -> None:
    path, body = scene.prepare("A")
    scene.post(path, {**body, **ASYNCHRONOUS})
    with pytest.raises(Deviated) as found:
        scene.refused("A")
    assert found.value.finding.requirement == "submit/creates-job"


def test_what_was_done_is_kept_in_words_without_the_gate_s_secret(scene: Scene) -> None:
    scene.do(submit("A"))
    scene.get("/jobs?expand")
    assert scene.lines[0] == "submit A, 1 step, priority 0"
    assert scene.lines[1].startswith("GET /jobs?expand: HTTP 200")
    assert scene.fixture.gate.secret not in "".join(scene.lines)


def test_a_server_that_documents_no_limit_must_have_none(session: Session, scene: Scene) -> None:
    """The reference server is a 1.5.6, which documents one: as a 1.12.0 it falls short."""
    newer = replace(session.profile, version="1.12.0")
    (case,) = (case for case in limited(newer) if case.id == "submit/no-limit")
    scene.fixture.client.timeout = 0.5
    try:
        with pytest.raises((Deviated, Unjudged)):
            scene.do(*case.steps)
    finally:
        scene.fixture.client.timeout = 10.0
    assert scene.bench.findings
