"""Faults of transfers: each case of theirs finds one, as the requirement that the case is about.

What the plugin itself does otherwise is planted as well (`NAMED`): it is found by its name, since a
server with the plugin must raise no alarm.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace

import pytest

from conformance.campaign.ledger import ANY, of_version
from conformance.driver.context import Context
from conformance.driver.driver import Driver
from conformance.driver.following import Deviated
from conformance.errors import NoServer, Unjudged
from conformance.session.session import opened
from conformance.suites import suites
from conformance.suites.route import boundaries
from conformance.suites.route.calls import calls
from conformance.suites.route.pull_mode import newest
from conformance.sut.address import Address
from conformance.sut.client import Client
from conformance.sut.identity import UNTOLD, System, with_plugins
from conformance.sut.profile import Profile
from conformance.sut.target import Choice, profile_of
from conformance.sut.trouble import Doubts
from spec.engine import Config
from spec.relaxations import Shortfall
from spec.table import Action, Asked, Ended
from spec.types import PUSH
from tests.conformance.kit import Run, run_planted
from tests.conformance.misbehaving import Answer, Request, Scripted, http_answer, json_answer, reset

AT_ONCE = 2
DEADLINE = "1"  # seconds: what does not come is waited for four times as long
BOTH = ("push", "pull")
KNOWN = {case.id: case for case in suites(Profile())}


def of_both(*ends: str) -> tuple[str, ...]:
    return tuple(f"route/transfers/{one}/{end}" for one in BOTH for end in ends)


def raced(*asked: str, ends: tuple[str, ...]) -> tuple[str, ...]:
    return of_both(*(f"race/{one}/{end}" for one in asked for end in ends))


CANCELED = ("cancel", "pause-cancel", "cancel-pause")
DONE = ("step-succeeds", "last-step-succeeds")
PLANTED = {
    "cancel-of-running-ignored": raced(*CANCELED, ends=DONE),
    "pause-of-running-ignored": raced("pause", ends=(*DONE, "at-once")),
    "pause-forgets-failing-step": raced("pause", ends=("step-fails",)),
    "cancel-forgets-failing-step": raced(*CANCELED, ends=("step-fails",)),
    "failed-step-has-code-0": of_both("race/nothing/step-fails", "fails/each"),
    "transfer-never-ends": of_both("race/nothing/step-succeeds"),
    "transfer-fails-at-its-end": (
        *of_both("race/nothing/last-step-succeeds", "asynchronous"),
        "route/transfers/nothing/asynchronous",
    ),
    "priority-one-by-default": of_both("default-priority"),
    "priority-needs-no-integer": of_both("refused/priority"),
    "transfer-not-started-over": of_both("resubmitted"),
    "delete-keeps-job": of_both("job-deleted"),
    "cancel-of-pending-ignored": of_both("cancel"),
    "pause-of-pending-ignored": of_both("pause"),
    "resume-refused": of_both("resume"),
    "resubmit-to-paused": of_both("resubmit"),
    "priority-ignored": ("route/order/transfers",),
    "transfer-obeys-mode": of_both("modes"),
    "transfer-counts-each-request": of_both("moments"),
    "push-names-instance-twice": ("route/transfers/repeated/asynchronous",),
    "push-keeps-refused-transaction": ("route/transfers/push/gives-up",),
    "pull-mode-makes-job": ("route/transfers/push/pull-mode",),
    "refused-pull-answered-200": ("route/transfers/push/pull-mode/refused",),
    "transfer-takes-any-compression": of_both("refused/body"),
    "transfer-sender-ignored": of_both("sender"),
    "push-not-compressed": ("route/transfers/push/compressed/asynchronous",),
    "pull-not-compressed": ("route/transfers/pull/compressed/asynchronous",),
    "pull-from-any-originator": ("route/transfers/pull/originator",),
    "every-peer-installed": ("route/transfers/peers/told",),
    "peer-connectivity-timeout-ignored": ("route/transfers/peers/silent",),
    "peer-commit-timeout-ignored": ("route/transfers/push/commit-timeout",),
    "bucket-not-sent-again": ("route/transfers/push/sent-again",),
    "pushes-without-end": ("route/transfers/received/one-more",),
    "push-not-validated": ("route/transfers/received/validated",),
    "pull-not-validated": ("route/transfers/pull/spoilt",),
    "pull-stored-partly": ("route/transfers/pull/spoilt-last",),
    "pending-lost-on-restart": ("persist/stop/transfers", "persist/kill/transfers"),
}
# What the plugin does: the cases that show it, by the name of the fault, which is its own.
NAMED = {
    Shortfall.TRANSFER_GOES_ON: of_both("race/pause/at-once"),
    Shortfall.TRANSFER_FAILURE_KEPT_BACK: raced(
        "pause", "pause-cancel", "cancel-pause", ends=("step-fails",)
    ),
    Shortfall.TRANSFER_NOT_STARTED_OVER: of_both("resubmitted"),
    Shortfall.TRANSFER_FORGOTTEN_AT_RESTART: ("persist/stop/transfers",),
    Shortfall.TRANSFER_PEER_NOT_ASKED: ("route/transfers/peers/in-turn",),
    Shortfall.TRANSFER_STORED_PARTLY: ("route/transfers/received/atomic",),
    Shortfall.TRANSFER_NOT_SAVED: ("persist/stop/transfers", "persist/kill/transfers"),
}
# The same of a pull, which another part of the server does.
ALSO = {Shortfall.TRANSFER_STORED_PARTLY: PLANTED["pull-stored-partly"]}
PAIRS = [(fault, case) for fault, cases in PLANTED.items() for case in cases]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    named = [(fault, fault, case) for fault, case in PAIRS]
    named += [(name, str(name), case) for name, cases in NAMED.items() for case in cases]
    return run_planted(tmp_path_factory, named, AT_ONCE, "--deadline", DEADLINE)


def test_each_case_of_transfers_finds_a_fault() -> None:
    cases = {case for case in KNOWN if case.startswith("route/transfers/") or "/transfers" in case}
    named = {case for cases in NAMED.values() for case in cases}
    assert {case for _, case in PAIRS} | named == cases


def test_what_the_plugin_does_is_in_the_ledger_with_cases_that_show_it() -> None:
    entries = {e.relaxation: e for e in of_version(None, KNOWN, ANY).entries if e.plugin}
    assert set(entries) == set(NAMED)
    for name, cases in NAMED.items():
        assert set(entries[name].cases) <= {*cases, *ALSO.get(name, ())}


def test_a_server_that_declares_nothing_is_given_the_time_that_the_plugin_takes() -> None:
    """Else a pause would come to nothing in each case, by `transfer-goes-on`."""
    plugin = System("1.12.7", "", {}, orthanc=True, transfers="1.7")
    there = profile_of(Choice(), plugin, {})
    assert (there.transfers, there.sliced) == ("1.7", True)
    assert not profile_of(Choice(), replace(plugin, declared={"Retry": True}), {}).sliced
    assert profile_of(Choice(), replace(plugin, transfers=None), {}).transfers is None


@pytest.mark.parametrize(
    ("plugins", "told", "version"),
    [
        (["transfers"], {"ID": "transfers", "Version": "1.4"}, "1.4"),
        (["transfers"], None, UNTOLD),
        (["dicom-web"], {"Version": "1.4"}, None),
        (None, None, None),
        ({"transfers": 1}, None, None),
    ],
)
def test_the_version_of_the_plugin_is_what_it_says_of_itself(
    plugins: object, told: object, version: str | None
) -> None:
    known = {"/plugins": json_answer(plugins), "/plugins/transfers": json_answer(told)}

    def answer(request: Request, wire: socket.socket) -> bool:
        return known[request.line.split()[1]](request, wire)

    with Scripted(answer) as server:
        client = Client(Address(server.url))
        assert with_plugins(client, System("1.12.7", "", {}, orthanc=True)).transfers == version
        client.close()


def test_an_answer_that_is_no_list_shows_no_plugin_and_none_is_no_answer() -> None:
    plain = System("1.12.7", "", {}, orthanc=True)
    for told, shown in (
        ([http_answer(404)], None),
        ([http_answer(403)], None),
        ([reset] * 2 + [json_answer(["transfers"]), json_answer({"Version": "1.4"})], "1.4"),
    ):
        with Scripted(one_after_the_other(told)) as server:
            client = Client(Address(server.url))
            assert with_plugins(client, plain).transfers == shown
            client.close()
    for told, judge in (([reset] * 4, None), ([http_answer(503)] * 2, Doubts().judge)):
        with Scripted(one_after_the_other(told)) as server:
            client = Client(Address(server.url), **({} if judge is None else {"judge": judge}))
            with pytest.raises(NoServer):
                with_plugins(client, plain)
            client.close()


def one_after_the_other(answers: Sequence[Answer]) -> Answer:
    left = iter(answers)
    return lambda request, wire: next(left)(request, wire)


def test_a_pull_mode_that_names_no_job_is_not_judged() -> None:
    assert newest(["a", "b"]) == "b"
    with pytest.raises(Unjudged):
        newest([])


@pytest.mark.parametrize("sliced", [True, False])
def test_one_request_more_has_its_name_where_the_plugin_looks_late(
    sliced: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a busy machine: no wait is long enough for the plugin to have looked."""
    monkeypatch.setattr(boundaries, "is_looked_at", lambda *_: None)
    call = next(one for one in calls() if one.type == PUSH)
    with opened(Choice(deadline=2.0, fault="transfer-goes-on")) as session:
        profile = replace(session.profile, sliced=sliced)
        driver = Driver("test", session.resources, Config(), session.deadline, replaceable=True)
        context = Context(driver, profile, session.system.version)
        asked, actions = Asked.PAUSE, (Action.PAUSE,)
        with nullcontext() if sliced else pytest.raises(Deviated):
            boundaries.races(call, asked, actions, Ended.MORE, context)
        names = {name for one in driver.findings or () for name in one.relaxations or ()}
        assert names == ({Shortfall.TRANSFER_GOES_ON} if sliced else set())
        driver.abandon()
        session.clean()


@pytest.mark.faults
@pytest.mark.parametrize(("fault", "case"), PAIRS)
def test_a_case_finds_it_as_what_it_is_about(fault: str, case: str, runs: dict[str, Run]) -> None:
    run = runs[fault]
    found = run.cases("deviation")
    assert case in found, run.out + run.err
    assert found[case]["requirement"] == KNOWN[case].requirement


@pytest.mark.faults
@pytest.mark.parametrize("name", NAMED)
def test_what_the_plugin_does_is_found_by_its_name(name: Shortfall, runs: dict[str, Run]) -> None:
    found = runs[str(name)].cases("deviation", "unknown")
    assert set(found) == set(NAMED[name]), runs[str(name)].out
    for one in found.values():
        assert one["relaxations"] == [str(name)]
