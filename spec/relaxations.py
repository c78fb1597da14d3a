"""The named ways in which a released server falls short of the specification.

A relaxation *permits* another outcome beside the strict one; a server that does the strict
thing never deviates because a relaxation was admitted. Each is a switch of `spec.engine`,
and this module is where it is said what the switch does. Source: behaviour measured alike on
Orthanc 1.9.1, 1.10.1, 1.12.7 and 1.13.0.

A shortfall is the same for what the engine's model does not hold, as a setting or a field: no
switch, but a name for exactly what a check has seen. Reports and ledgers treat both alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import combinations
from typing import TypeAlias, TypeVar

from spec.table import Asked, Ended


class Relaxation(StrEnum):
    """A switch of the engine. Its value is the name that reports and ledgers use."""

    CANCEL_LOST_TO_PAUSE = "cancel-lost-to-pause"
    REQUEST_LOST_ON_LAST_STEP = "request-lost-on-last-step"
    TIES_UNORDERED = "ties-unordered"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES = {
    Relaxation.CANCEL_LOST_TO_PAUSE: (
        "A Running job that was asked to pause and to cancel, in either order and both times "
        "with the answer 200, may end Paused: the cancel is lost."
    ),
    Relaxation.REQUEST_LOST_ON_LAST_STEP: (
        "A pause or cancel answered 200 while the last step runs may have no effect: the job "
        "ends in Success."
    ),
    Relaxation.TIES_UNORDERED: (
        "Pending jobs of equal priority may start in any order, not only in the order in "
        "which they became Pending."
    ),
}


class Shortfall(StrEnum):
    """What a server does instead of something that the engine's model does not hold."""

    ARCHIVE_ANSWERED_EARLY = "archive-answered-early"
    ARCHIVE_NOT_RESUBMITTED = "archive-not-resubmitted"
    ARCHIVE_NOT_SAVED = "archive-not-saved"
    ARCHIVE_USER_DATA_IGNORED = "archive-user-data-ignored"
    COPIES_DOUBLED = "copies-doubled"
    EMPTY_ARCHIVE_UNREADABLE = "empty-archive-unreadable"
    ESTIMATE_TOO_SOON = "estimate-too-soon"
    LIMIT_JOBS_IGNORED = "limit-jobs-ignored"
    MODIFICATION_FAILS_AFTER_RESTART = "modification-fails-after-restart"
    MODIFICATION_FAILS_HALF_DONE = "modification-fails-half-done"
    MODIFICATION_GOES_ON_WHILE_PAUSED = "modification-goes-on-while-paused"
    MODIFICATION_NOT_RESUBMITTED = "modification-not-resubmitted"
    MODIFICATION_RESULT_LOST = "modification-result-lost"
    PENDING_TIME_COUNTED = "pending-time-counted"
    PRIORITY_WRAPS = "priority-wraps"
    PROGRESS_LOST_AT_RESTART = "progress-lost-at-restart"
    RETRIEVE_PROGRESS_FALLS = "retrieve-progress-falls"
    RETRIEVE_SUCCEEDS_BELOW_100 = "retrieve-succeeds-below-100"
    RETRIEVE_WAITS_FOR_OTHERS = "retrieve-waits-for-others"
    COMMITMENT_NOT_SAVED = "commitment-not-saved"
    FAILED_OVER_DICOM_NOT_SAVED = "failed-over-dicom-not-saved"
    GET_FAILURE_IGNORED = "get-failure-ignored"
    GET_NOT_SAVED = "get-not-saved"
    INSTANCE_FORGOTTEN = "instance-forgotten"
    OPERATION_BLOCKS_CALLS = "operation-blocks-calls"
    OPERATION_FAILURE_IGNORED = "operation-failure-ignored"
    OPERATIONS_PROGRESS_FALLS = "operations-progress-falls"
    OPERATIONS_SUCCEED_BELOW_100 = "operations-succeed-below-100"
    RUNTIME_NOT_RESTARTED = "runtime-not-restarted"
    RUNTIME_OF_THE_STEP = "runtime-of-the-step"
    REQUEST_LOST_AT_STOP = "request-lost-at-stop"
    RESUBMIT_LOST_AT_RESTART = "resubmit-lost-at-restart"
    TRANSFER_FAILURE_KEPT_BACK = "transfer-failure-kept-back"
    TRANSFER_FORGOTTEN_AT_RESTART = "transfer-forgotten-at-restart"
    TRANSFER_GOES_ON = "transfer-goes-on"
    TRANSFER_NOT_SAVED = "transfer-not-saved"
    TRANSFER_NOT_STARTED_OVER = "transfer-not-started-over"
    TRANSFER_PEER_NOT_ASKED = "transfer-peer-not-asked"
    TRANSFER_STORED_PARTLY = "transfer-stored-partly"

    @property
    def sentence(self) -> str:
        return _SHORT[self]


_SHORT = {
    Shortfall.ARCHIVE_ANSWERED_EARLY: (
        "A synchronous call that makes an archive or a medium ends as soon as its job is paused or "
        "canceled, as if all were done: HTTP 200 with nothing in it, or an answer that breaks off."
    ),
    Shortfall.ARCHIVE_NOT_RESUBMITTED: (
        "A resubmit of a job in Failure that makes an archive or a medium is answered 500, and the "
        "job stays in Failure."
    ),
    Shortfall.ARCHIVE_NOT_SAVED: (
        "A job that makes an archive or a medium is gone after a restart, in whatever state it was."
    ),
    Shortfall.ARCHIVE_USER_DATA_IGNORED: (
        "A job that makes an archive or a medium shows no UserData, unless it was given as a text."
    ),
    Shortfall.COPIES_DOUBLED: (
        "A job that splits or merges, was canceled half done and is resubmitted leaves what its "
        "first run has copied in the study: those instances are there twice."
    ),
    Shortfall.EMPTY_ARCHIVE_UNREADABLE: (
        "As long as a job that makes an archive of nothing has not run, GET of it and of "
        "/jobs?expand are answered 400: no job's details can be read by the list."
    ),
    Shortfall.ESTIMATE_TOO_SOON: (
        "EstimatedTimeOfArrival of a Running job is less than half as far ahead as the rest of its "
        "steps takes, at the pace of those that were done."
    ),
    Shortfall.LIMIT_JOBS_IGNORED: (
        "LimitJobs is accepted and ignored: a submission over the limit is taken at once."
    ),
    Shortfall.MODIFICATION_FAILS_AFTER_RESTART: (
        "A job that modifies or anonymizes and was not finished before a restart fails after it, "
        "with ErrorCode 6."
    ),
    Shortfall.MODIFICATION_FAILS_HALF_DONE: (
        "A job that modifies or anonymizes and was half done before a restart fails after it, with "
        "ErrorCode 0."
    ),
    Shortfall.MODIFICATION_GOES_ON_WHILE_PAUSED: (
        "A job that modifies or anonymizes goes on storing copies while it is Paused."
    ),
    Shortfall.MODIFICATION_NOT_RESUBMITTED: (
        "A job that modifies or anonymizes, was canceled half done and is resubmitted fails with "
        "ErrorCode 2018, since its first copy is there already."
    ),
    Shortfall.MODIFICATION_RESULT_LOST: (
        "After a restart, Content of a job that modifies or anonymizes does not show what it has "
        "made: ID, Path, PatientID and Type are missing, or Resources is empty."
    ),
    Shortfall.PENDING_TIME_COUNTED: (
        "EffectiveRuntime includes the time for which the job was Pending before it ran."
    ),
    Shortfall.PRIORITY_WRAPS: (
        "A Priority below the least integer of 32 bits is accepted, and read as the greatest one: "
        "the job that should run last runs first."
    ),
    Shortfall.PROGRESS_LOST_AT_RESTART: (
        "After a restart, Progress of a job that retrieves or modifies is less than before, mostly "
        "0, also in Success."
    ),
    Shortfall.RETRIEVE_PROGRESS_FALLS: (
        "Progress of a job that retrieves is that of the match under way: it falls with each "
        "further match."
    ),
    Shortfall.RETRIEVE_SUCCEEDS_BELOW_100: (
        "A job that retrieves with Permissive true may end in Success with a Progress below 100: "
        "that of its last match, 0 when it failed."
    ),
    Shortfall.RETRIEVE_WAITS_FOR_OTHERS: (
        "An asynchronous retrieve is answered only when others of the same query have ended."
    ),
    Shortfall.COMMITMENT_NOT_SAVED: (
        "A job that answers to a storage commitment is gone after a restart, in whatever state it "
        "was."
    ),
    Shortfall.FAILED_OVER_DICOM_NOT_SAVED: (
        "A job that sends by C-STORE or C-MOVE and has failed by a step is gone after a restart."
    ),
    Shortfall.GET_FAILURE_IGNORED: (
        "A C-GET that the modality answers with a failure counts as done: the job goes on with the "
        "next match, and succeeds."
    ),
    Shortfall.GET_NOT_SAVED: (
        "A job that retrieves by C-GET is gone after a restart, in whatever state it was."
    ),
    Shortfall.INSTANCE_FORGOTTEN: (
        "After a restart, the Query of a job that retrieves single instances has no "
        "SOPInstanceUIDs any more."
    ),
    Shortfall.OPERATION_BLOCKS_CALLS: (
        "While a step of a job of a Lua script is under way, no call at all is answered any more "
        "as soon as an instance has been stored."
    ),
    Shortfall.OPERATION_FAILURE_IGNORED: (
        "A job of a Lua script goes on behind an instance that its peer does not take, and "
        "succeeds."
    ),
    Shortfall.OPERATIONS_PROGRESS_FALLS: (
        "Progress of a job of a Lua script falls when something more is sent while it runs."
    ),
    Shortfall.OPERATIONS_SUCCEED_BELOW_100: (
        "A job of a Lua script ends in Success with a Progress below 100, as 75 or 86."
    ),
    Shortfall.RUNTIME_NOT_RESTARTED: (
        "EffectiveRuntime of a resubmitted job includes the run before."
    ),
    Shortfall.RUNTIME_OF_THE_STEP: (
        "While a job is Running, EffectiveRuntime is the time since its last step boundary: it "
        "falls back to 0 with each step, and only a job that has left Running shows all of it. A "
        "transfer that is stopped shows until then how long it waits for its last answer, too, "
        "which does not count afterwards."
    ),
    Shortfall.RESUBMIT_LOST_AT_RESTART: (
        "A resubmitted job that was saved while its first step ran goes on after a restart behind "
        "the step at which it had failed, instead of starting over."
    ),
    Shortfall.REQUEST_LOST_AT_STOP: (
        "A pause or cancel that was answered 200 before a clean stop may be forgotten by it: a "
        "job whose step ends late in the stop is queued again after the start."
    ),
    Shortfall.TRANSFER_FAILURE_KEPT_BACK: (
        "A transfer that was asked to pause while a bucket or a chunk was under way, which then "
        "fails, is Paused with ErrorCode 0; it fails when it is resumed."
    ),
    Shortfall.TRANSFER_FORGOTTEN_AT_RESTART: (
        "After a restart Content of a transfer is empty and Progress 0, whatever its state; one "
        "that was half done starts over."
    ),
    Shortfall.TRANSFER_GOES_ON: (
        "A transfer looks at what was asked of it every 200 ms only: until then its buckets go on."
    ),
    Shortfall.TRANSFER_NOT_SAVED: ("A transfer is gone after a restart, in whatever state it was."),
    Shortfall.TRANSFER_NOT_STARTED_OVER: (
        "A transfer that was canceled while it was Paused goes on with its old transaction when it "
        "is resubmitted, instead of starting over."
    ),
    Shortfall.TRANSFER_PEER_NOT_ASKED: (
        "After a peer that cannot be reached, GET /transfers/peers asks no further one, and tells "
        "that none of these has the plugin."
    ),
    Shortfall.TRANSFER_STORED_PARTLY: (
        "Of a transfer of which one instance has not arrived as it was, others are stored."
    ),
}

Name: TypeAlias = Relaxation | Shortfall
N = TypeVar("N", Relaxation, Relaxation | Shortfall)
NONE: frozenset[Relaxation] = frozenset()


class UnknownRelaxation(ValueError):
    """A name that is no relaxation of this specification."""

    def __init__(self, name: str) -> None:
        known = ", ".join([*Relaxation, *Shortfall])
        super().__init__(f"unknown relaxation {name!r}: the specification knows {known}")


def relaxation(name: str) -> Relaxation:
    """The relaxation called ``name``. Raises `UnknownRelaxation`."""
    try:
        return Relaxation(name)
    except ValueError:
        raise UnknownRelaxation(name) from None


def named(name: str) -> Name:
    """The relaxation or the shortfall called ``name``. Raises `UnknownRelaxation`."""
    return Shortfall(name) if name in set(Shortfall) else relaxation(name)


def taken_for(admitted: frozenset[Relaxation], asked: Asked, ended: Ended) -> Iterator[Asked]:
    """What the engine may take ``asked`` for at a step boundary; the strict reading is first.

    Both relaxations of requests are of one kind: a request is forgotten, and the engine goes
    on as if it had not been made.
    """
    yield asked
    if asked is Asked.BOTH and Relaxation.CANCEL_LOST_TO_PAUSE in admitted:
        yield Asked.PAUSE
    last = ended is Ended.LAST and asked is not Asked.NOTHING
    if last and Relaxation.REQUEST_LOST_ON_LAST_STEP in admitted:
        yield Asked.NOTHING


def smallest_first(names: Iterable[N]) -> Iterator[frozenset[N]]:
    """Every subset of ``names``, the smaller ones first, in a fixed order."""
    ordered = sorted(set(names))
    for size in range(len(ordered) + 1):
        yield from map(frozenset, combinations(ordered, size))
