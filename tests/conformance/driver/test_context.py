"""What a check has at hand, on a reference server of its own: a call, a watch, a named finding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from conformance.driver.context import Context
from conformance.driver.driver import Driver
from conformance.driver.following import Deviated
from conformance.driver.script import complete, submit
from conformance.driver.spares import put_aside
from conformance.errors import Unjudged
from conformance.session.session import Session, opened
from conformance.suites.case import Script
from conformance.suites.submit.calls import ASYNCHRONOUS, SYNCHRONOUS, begin, handle
from conformance.suites.submit.limit import limited
from conformance.sut.target import Choice
from spec.engine import Config
from spec.relaxations import Shortfall


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with opened(Choice(deadline=2.0), {"LimitJobs": 2}) as session:
        yield session
        session.clean()


@pytest.fixture
def context(session: Session) -> Iterator[Context]:
    driver = Driver("test", session.resources, Config(), session.deadline, replaceable=True)
    yield Context(driver, session.profile, session.system.version)
    driver.abandon()
    put_aside(driver)


def test_a_call_is_open_until_its_job_has_ended(context: Context) -> None:
    call = begin(context, SYNCHRONOUS)
    assert not call.ended()
    with pytest.raises(Unjudged, match="not answered yet"):
        call.answer()
    context.unanswered(call, "submit/synchronous-waits", "no answer")
    context.do(complete("A"))
    assert context.answered(call, "submit/synchronous-waits", "an answer").ok


def test_an_answer_that_comes_a_little_later_is_seen(context: Context) -> None:
    call = begin(context, SYNCHRONOUS)
    context.driver.jobs["A"].holds[-1].reply(200)
    with pytest.raises(Deviated) as found:
        context.unanswered(call, "submit/synchronous-waits", "no answer")
    assert found.value.finding.requirement == "submit/synchronous-waits"
    assert found.value.finding.actual.startswith("HTTP 200")


def test_what_has_to_come_and_does_not_is_missing(context: Context) -> None:
    context.deadline = 0.05
    with pytest.raises(Deviated) as found:
        context.until(lambda: False, "monitor/polling", "the end", lambda: "none")
    assert found.value.finding.missing
    assert found.value.finding.actual == "none, after 0.05 s"


def test_something_with_a_name_is_found_and_the_check_goes_on(context: Context) -> None:
    known = Shortfall.LIMIT_JOBS_IGNORED
    context.require("queue/limit-jobs", False, "no job", "a job", known)
    context.require("queue/limit-jobs", True, "no job", "none")
    assert [f.relaxations for f in context.driver.findings] == [frozenset({known})]
    with pytest.raises(Deviated):
        context.require("queue/limit-jobs", False, "no job", "a job")


def test_a_number_is_no_boolean(context: Context) -> None:
    with pytest.raises(Deviated):
        context.equal("monitor/priority", "Priority", 1, True)
    context.equal("monitor/priority", "Priority", 1, 1)


def test_two_jobs_of_one_call_are_told_apart_from_those_of_others(context: Context) -> None:
    context.do(submit("X"))
    path, body = context.prepare("A")
    handle(context, context.post(path, {**body, **ASYNCHRONOUS}))
    one = context.driver.jobs["A"].id
    assert context.made("A") == [one]
    two = context.resources.client.post(path, {**body, **ASYNCHRONOUS}).json()["ID"]
    assert set(context.made("A")) == {one, two}
    context.post(f"/jobs/{two}/cancel")


def test_a_refused_call_that_made_a_job_is_a_deviation(context: Context) -> None:
    path, body = context.prepare("A")
    context.post(path, {**body, **ASYNCHRONOUS})
    with pytest.raises(Deviated) as found:
        context.refused("A")
    assert found.value.finding.requirement == "submit/creates-job"


def test_what_was_done_is_kept_in_words_without_the_gate_s_secret(context: Context) -> None:
    context.do(submit("A"))
    context.get("/jobs?expand")
    assert context.lines[0] == "submit A, 1 step, priority 0"
    assert context.lines[1].startswith("GET /jobs?expand: HTTP 200")
    assert context.resources.gate.secret not in "".join(context.lines)


def test_a_server_that_documents_no_limit_must_have_none(
    session: Session, context: Context
) -> None:
    """The reference server is a 1.5.6, which documents one: as a 1.12.0 it falls short."""
    newer = replace(session.profile, version="1.12.0")
    (case,) = (case for case in limited(newer) if case.id == "submit/no-limit")
    assert isinstance(case, Script)
    context.resources.client.timeout = 0.5
    try:
        with pytest.raises((Deviated, Unjudged)):
            context.do(*case.steps)
    finally:
        context.resources.client.timeout = 10.0
    assert context.driver.findings
