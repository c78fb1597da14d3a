"""What each finding costs who uses the server, for those who have only the package.

docs/findings.md says the same (*Costs*), with all that there is to be known: a test holds the two
together. First those that nobody notices, then those by which something is lost, a call does not
work, or only a reading is wrong; those of a plugin come last.
"""

from __future__ import annotations

from collections.abc import Mapping

COSTS: Mapping[str, str] = {
    "request-lost-on-last-step": (
        "unnoticed: what was to be stopped is done to its end, and the caller was told that "
        "it would not be"
    ),
    "cancel-lost-to-pause": (
        "unnoticed: a job that its user has canceled waits, and a Resume runs the rest of it"
    ),
    "request-lost-at-stop": "unnoticed: a job that was canceled runs after the restart",
    "operation-failure-ignored": (
        "unnoticed: instances do not arrive, nothing but the log says so, and there is no job "
        "to retry"
    ),
    "resubmit-lost-at-restart": "unnoticed: a job in Success has left out steps of its retry",
    "copies-doubled": "unnoticed: instances stand in the new study twice after a retry",
    "ties-unordered": "unnoticed: a job waits for jobs that were submitted after it",
    "archive-answered-early": (
        "unnoticed: a client that looks at the status takes nothing for the archive, and the "
        "resumed job fails"
    ),
    "modification-goes-on-while-paused": (
        "unnoticed: a modification that was paused to be canceled makes all of its copies"
    ),
    "priority-wraps": "unnoticed: the job that should run last runs first",
    "get-failure-ignored": "unnoticed: a study is not retrieved, and its job is in Success",
    "limit-jobs-ignored": "unnoticed: the queue grows beyond the limit that was configured",
    "archive-not-saved": (
        "lost: an archive, and the job that was to make it, are gone after each restart"
    ),
    "modification-result-lost": (
        "lost: who asks after a restart does not learn which study was made"
    ),
    "modification-fails-half-done": (
        "lost: a modification fails over each restart in which it was half done, without a "
        "code that says why"
    ),
    "failed-over-dicom-not-saved": (
        "lost: a store or a retrieve that has failed cannot be retried after a restart"
    ),
    "commitment-not-saved": "lost: the modality waits for a report that never comes",
    "modification-not-resubmitted": (
        "lost: a modification that was stopped cannot be retried, its copies have to be "
        "removed first"
    ),
    "modification-fails-after-restart": "lost: a modification that waited fails over each restart",
    "get-not-saved": "lost: a retrieve that waited is never done",
    "instance-forgotten": "lost: after a restart nobody knows which instances were asked for",
    "operation-blocks-calls": (
        "call: one peer that is slow keeps everybody from being answered, for as long as it likes"
    ),
    "empty-archive-unreadable": (
        "call: one call of one client keeps all from reading the list of jobs"
    ),
    "archive-not-resubmitted": (
        "call: the archive has to be asked for anew, after an answer that looks like a broken "
        "server"
    ),
    "retrieve-waits-for-others": (
        "call: a client hangs as long as a provider takes for another retrieve"
    ),
    "operations-succeed-below-100": "reading: who waits for 100 waits for ever",
    "operations-progress-falls": "reading: a bar goes backwards",
    "pending-time-counted": "reading: runtimes are those of the queue, and say little of the job",
    "estimate-too-soon": "reading: a long job seems to end in a moment",
    "progress-lost-at-restart": "reading: who waits for 100 waits for ever after a restart",
    "retrieve-succeeds-below-100": "reading: who waits for 100 waits for ever",
    "retrieve-progress-falls": "reading: 100 is no sign of an end, and a bar goes backwards",
    "runtime-of-the-step": "reading: the runtime of a job at work seems to stand still",
    "archive-user-data-ignored": (
        "reading: a client does not find its archives again by what it gave them"
    ),
    "runtime-not-restarted": "reading: a retry seems to take longer than it does",
    "transfer-failure-kept-back": (
        "unnoticed: a transfer that has failed reads Paused, without an error"
    ),
    "transfer-goes-on": (
        "unnoticed: a transfer that was stopped sends more, a short one all but its commit"
    ),
    "transfer-stored-partly": "unnoticed: a part of a study reads as all of it",
    "transfer-not-started-over": (
        "lost: a retry goes on in the midst of an old transaction, and does not start over"
    ),
    "transfer-not-saved": "lost: a transfer that waited is never done after a restart",
    "transfer-forgotten-at-restart": (
        "lost: a transfer that was half done starts over, and one in Success shows nothing of it"
    ),
    "transfer-peer-not-asked": (
        "reading: one peer that is away makes others look as if they had no plugin"
    ),
}
