"""Faults of what only later releases have: each is found by a case about it, on such a release."""

from __future__ import annotations

import pytest

from conformance.campaign.throughout import READ_AS
from conformance.reference.faults import FAULTS
from conformance.reference.releases import RELEASES
from conformance.suites import suites
from conformance.sut.profile import Profile
from tests.conformance.kit import Run, run_planted

AT_ONCE = 2
DEADLINE = "1"  # seconds: what does not come is waited for four times as long
# fault: the case that shows it, and the requirement that is broken
PLANTED = {
    "split-removes-first-tag-only": ("route/split/removed/asynchronous", "option/remove"),
    "split-replaces-first-tag-only": ("route/split/renamed/asynchronous", "option/replace"),
    "split-takes-first-series-only": (
        "route/split/instances-and-series/asynchronous",
        "option/split-instances",
    ),
    "merge-takes-first-study-only": ("route/merge/several/asynchronous", "option/merge-instances"),
    "merge-keeps-patient-name": ("route/merge/study/merged-tags", "route/merged-tags"),
    "bulk-keeps-source": ("route/modify/several-source-removed/asynchronous", "route/result"),
    "bulk-ignores-transcode": ("route/modify/several-transcoded/asynchronous", "option/transcode"),
    "bulk-is-of-series": ("route/modify/several-by-instance/asynchronous", "route/result"),
    "series-of-copy-says-not-its-source": ("route/modify/study/made-from", "route/made-from"),
    "labels-of-series-lost": ("route/modify/labels-kept/asynchronous", "option/keep-labels"),
    "named-resources-lost-on-restart": (
        "persist/stop/finished/modifications",
        "persist/completed-stays",
    ),
    "timeout-lost-on-restart": ("persist/stop/timeout/store/instances", "option/store-timeout"),
    "old-profile-ignored": ("route/anonymize/by-2008/asynchronous", "option/dicom-version"),
    "transcode-of-copy-not-shown": (
        "route/anonymize/transcoded/asynchronous",
        "option/transcode",
    ),
    "patient-of-copy-says-not-its-source": (
        "route/anonymize/study/asynchronous",
        "route/made-from",
    ),
    "bulk-lists-one-study": ("route/modify/several/asynchronous", "route/result"),
    "bulk-says-not-its-origin": ("route/modify/several/asynchronous", "route/made-from"),
    "move-ignores-target": ("route/move/studies/asynchronous", "route/result"),
    "move-ignores-local-aet": ("route/move/local-aet/asynchronous", "option/retrieve-local-aet"),
    "get-failure-ignored": (
        "route/retrieve/get/fails/asynchronous",
        "monitor/state-failure",
    ),
    "get-repeats-first-answer": ("route/get/study/asynchronous", "route/result"),
    "get-asks-for-a-move": ("route/get/study/asynchronous", "route/result"),
    "get-content-lacks-query": ("route/get/study/asynchronous", "route/content"),
    "retrieve-method-ignored": ("route/retrieve/get/asynchronous", "route/type"),
    "classes-in-study-ignored": ("route/retrieve/get/asynchronous", "option/get-classes"),
    "brought-is-thrown-away": ("route/retrieve/get/stores", "route/get-stores"),
    "brought-as-over-rest": ("route/retrieve/get/stores", "route/get-stores"),
    "query-timeout-ignored": ("route/retrieve/studies/query-timeout", "option/query-timeout"),
    "retrieve-of-one-answer-does-not-wait": (
        "route/retrieve/first-answer/default-synchronous",
        "submit/synchronous-default",
    ),
    "download-ignores-transcode": ("route/archive/study/download", "option/archive-transcode"),
    "registered-title-ignored": (
        "route/store/registered-local-aet/asynchronous",
        "option/store-registered-local-aet",
    ),
    "archive-deleted-twice": (
        "route/archive/study/output-deleted",
        "history/delete-archive",
    ),
    "archive-size-from-one": ("route/archive/study/pause", "route/content"),
    "sizes-in-kilobytes": ("route/archive/study/size", "route/archive-size"),
    "expand-false-expands": ("monitor/list/expand-named", "monitor/list-unexpanded"),
    "metrics-count-paused-as-pending": ("monitor/metrics", "monitor/metrics"),
    "metrics-count-failures-as-success": (
        "monitor/metrics-completed",
        "monitor/metrics-completed",
    ),
    "untranscodable-fails": ("route/modify/untranscodable", "option/transcode-left"),
    "tags-in-sequences-ignored": ("route/modify/item-removed/asynchronous", "option/path"),
    "tags-in-sequences-forgotten-on-restart": (
        "persist/stop/options/ResourceModification",
        "option/path",
    ),
    "private-within-kept": ("route/anonymize/within", "option/private-within"),
    "sequences-emptied": ("route/anonymize/within", "option/private-within"),
    "given-identifiers-ignored": ("route/anonymize/references", "option/replace"),
    "references-removed": ("route/anonymize/references", "route/references"),
    "files-without-modality": ("route/archive/study/file-names", "route/archive-file-name"),
    "count-of-copies-lost-on-restart": (
        "persist/stop/failed-instances",
        "persist/completed-stays",
    ),
    "megabytes-of-a-thousand": ("route/peer-store/megabytes", "route/peer-size"),
    "archive-megabytes-of-a-thousand": ("route/archive/megabytes", "route/archive-size"),
    "downloads-come-first": ("route/archive/study/download", "submit/priority-default"),
    "archive-of-none-deleted": ("route/modify/study/asynchronous", "history/delete-archive"),
    "converted-is-not-sent": ("route/store/converted/asynchronous", "route/result"),
    "submission-without-id": ("submit/asynchronous/one-job", "submit/asynchronous-handle"),
    "sent-to-another-path": ("route/peer-store/instances/asynchronous", "route/peer-store"),
    "no-study-is-attached": ("route/modify/attached/asynchronous", "option/attached"),
    "jobs-are-not-listed": ("monitor/list", "monitor/list"),
    "one-archive-kept": ("route/archive/configured", "route/archive-configured"),
}
# What the reference server has of later pages at any time, and what has no case of its own.
OTHERS = {
    "user-data-gone-at-the-end": ("route/merge/study/user-data", "submit/user-data"),
    "user-data-lost-on-restart": ("persist/stop/user-data", "submit/user-data"),
    "user-data-of-another": ("route/split/series/user-data", "submit/user-data"),
    "commitment-not-reported": ("route/storage-commitment/each", "route/storage-commitment"),
    "commitment-of-what-is-unknown": (
        "route/storage-commitment/unknown",
        "route/storage-commitment",
    ),
    "commitment-ignores-class": (
        "route/storage-commitment/other-class",
        "route/storage-commitment",
    ),
    "commitment-content-lacks-transaction": (
        "route/storage-commitment/stored",
        "route/storage-commitment",
    ),
    "accepted-answered-as-text": ("monitor/state/paused", "answer/json"),
    "estimated-time-of-arrival-of-the-whole": (
        "monitor/estimated-time/rest",
        "monitor/estimated-rest",
    ),
    "failure-not-saved": ("persist/kill/ended", "persist/saved-at-end"),
    "one-worker-for-zero": ("schedule/workers-0/limit", "edge/new/pending/submit"),
    "permissive-false-is-true": ("route/merge/study/fails/not-permissive", "route/permissive"),
    "error-code-late": ("edge/running/failure/fail", READ_AS["monitor/result-not-late"]),
}
ALL = {**PLANTED, **OTHERS}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    named = [(requirement, fault, case) for fault, (case, requirement) in ALL.items()]
    return run_planted(tmp_path_factory, named, AT_ONCE, "--deadline", DEADLINE)


def test_each_fault_of_a_later_release_is_here() -> None:
    late = {name: one.release for name, one in FAULTS.items() if one.release is not None}
    assert set(late) == set(PLANTED)
    assert set(late.values()) <= set(RELEASES)


def test_each_is_shown_by_a_case_that_there_is() -> None:
    assert {case for case, _ in ALL.values()} <= {case.id for case in suites(Profile())}


@pytest.mark.faults
@pytest.mark.parametrize("fault", ALL)
def test_a_fault_of_a_later_release_is_found(fault: str, runs: dict[str, Run]) -> None:
    run, (case, requirement) = runs[fault], ALL[fault]
    assert run.status == 1, run.out + run.err
    found = run.cases("deviation")
    assert case in found, run.out + run.err
    assert found[case]["requirement"] == requirement
    assert set(found[case]["relaxations"]) <= {fault}  # of a fault that is a finding
