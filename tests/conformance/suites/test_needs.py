"""What a case takes of a server: from its requirement, from itself and from its suite."""

from __future__ import annotations

import pytest

from conformance.suites import SUITES, select, suites
from conformance.suites.needs import (
    DICOM,
    EXCLUSIVE,
    MANAGED,
    OF_A_REQUIREMENT,
    REMOVAL,
    RETRY,
    TRANSFERS,
    TRANSFERS_MEASURED,
    accelerator_from,
    documented,
    history,
    lacking,
    of_a_call,
    room_for,
    workers,
)
from conformance.sut.address import Address
from conformance.sut.identity import System
from conformance.sut.profile import NOT_THIS_VERSION, OF_CALLERS, Profile, inapplicable
from conformance.sut.target import Choice, profile_of
from spec.requirements import CATALOGUE, Bound, Need, requirement

LACKING = {
    Need.EXCLUSIVE: Profile(exclusive=False, managed=False),
    Need.MANAGED: Profile(managed=False),
    Need.RETRY: Profile(retry=False),
    Need.DICOM: Profile(exclusive=False, managed=False),
    Need.TRANSFERS: Profile(transfers=None),
}
OLD = Profile(version="1.5.6", implements=frozenset())


@pytest.mark.parametrize("need", LACKING)
def test_what_a_requirement_needs_all_its_cases_need(need: Need) -> None:
    found = [case for case in suites(LACKING[need]) if need in case.stands_for.needs]
    assert found
    assert [case.id for case in found if case.unreachable is None] == []


def test_each_need_of_the_catalogue_has_its_reason() -> None:
    assert set(OF_A_REQUIREMENT) == set(Need)


def test_without_the_plugin_no_case_asks_for_a_transfer_and_each_says_why() -> None:
    polite = Profile(transfers=None, exclusive=False, managed=False, workers=None)
    for profile in (Profile(transfers=None), polite):
        found = [c for c in suites(profile) if "transfers" in c.id and c.suite == "route"]
        assert len(found) > 60
        assert {case.unreachable for case in found} == {TRANSFERS.why}
    here = [c.id for c in suites(Profile()) if "transfers" in c.id and c.unreachable is not None]
    assert here == []


@pytest.mark.parametrize(
    ("version", "why"),
    [("1.3", TRANSFERS_MEASURED.why), ("1.4", None), ("1.10", None), ("mainline", None)],
)
def test_of_a_plugin_that_nobody_has_measured_no_case_asks(version: str, why: str | None) -> None:
    found = [c for c in suites(Profile(transfers=version)) if "transfers" in c.id]
    of_jobs = {c.id: c.unreachable for c in found if c.suite in ("route", "persist")}
    of_1_6 = of_jobs.pop("route/transfers/push/commit-timeout")
    assert set(of_jobs.values()) == {why}
    assert of_1_6 == (why or (accelerator_from("1.6").why if version == "1.4" else None))


def test_a_server_that_has_all_lacks_nothing() -> None:
    for one in CATALOGUE.values():
        if one.binds is Bound.CLIENT:
            assert inapplicable(Profile(), one.id) == OF_CALLERS
        elif one.since is one.until is None:
            assert lacking(Profile(), one) is None, one.id


def test_a_version_that_a_requirement_is_not_for_lacks_it() -> None:
    deletes = requirement("history/delete-job")
    assert lacking(OLD, deletes) == NOT_THIS_VERSION
    assert lacking(Profile(version="1.12.2", implements=frozenset()), deletes) is None


def test_of_several_the_first_in_order_is_told_and_before_all_what_the_suite_needs() -> None:
    poor = Profile(exclusive=False, managed=False, retry=False, deletes=False)
    waits = requirement("queue/ties-in-order")
    assert lacking(poor, waits, (REMOVAL, RETRY)) == RETRY.why
    assert lacking(poor, waits, (RETRY,), (EXCLUSIVE,)) == EXCLUSIVE.why
    assert lacking(poor, waits, (RETRY, DICOM), (MANAGED,)) == MANAGED.why
    deletes = "history/delete-job"
    poor = Profile(exclusive=False, managed=False, deletes=False, implements=frozenset())
    answers = requirement("answer/accepted")
    assert lacking(poor, answers, (REMOVAL, documented(deletes))) == NOT_THIS_VERSION
    assert lacking(poor, answers, (of_a_call(deletes), REMOVAL)) == REMOVAL.why


def test_a_setting_is_given_to_a_server_of_our_own_and_asked_of_another() -> None:
    for need, fits in ((workers(3), Profile(workers=3)), (history(1), Profile(history=1))):
        assert need.met(Profile(workers=2, history=10))
        theirs = Profile(workers=2, history=10, managed=False)
        assert not need.met(theirs)
        assert need.met(Profile(fits.workers, fits.history, managed=False))
    assert room_for(5).met(Profile(history=None, managed=False))
    assert [room_for(5).met(Profile(workers=2, history=size)) for size in (8, 9)] == [False, True]


def test_every_case_of_a_suite_needs_what_the_suite_needs() -> None:
    polite = Profile(workers=None, history=None, retry=False, exclusive=False, managed=False)
    for suite in SUITES.values():
        for need in suite.needs:
            assert {case.unreachable for case in suite.cases(polite)} == {need.why}


@pytest.mark.parametrize(
    ("switch", "on", "off", "case"),
    [
        ("OverwriteInstances", True, False, "route/modify/sanity/nothing-overwritten"),
        ("IngestTranscoding", "1.2.840.10008.1.2.1.99", "", "route/modify/transcoded/synchronous"),
    ],
)
def test_what_a_server_tells_of_its_configuration_is_heeded(
    switch: str, on: object, off: object, case: str
) -> None:
    """As a modification in place, which is refused only where instances are not overwritten."""
    choice = Choice("url", Address("http://127.0.0.1:8042"), exclusive=True)
    for value, why in ((on, f"needs a server without {switch}"), (off, None)):
        system = System("1.12.7", "", {}, orthanc=True, told={switch: value})
        (found,) = select(suites(profile_of(choice, system, {})), prefixes=[case])
        assert found.unreachable == why
