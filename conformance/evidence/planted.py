"""Which planted fault shows that a requirement is checked, and in which case.

This is evidence: `pytest -m faults` plants each fault in the reference server, and sees to it that
the case beside it reports the requirement. `orthanc-jobs list` shows the faults beside what they
break. What is found by which suite at all, `conformance.evidence.power` says.
"""

from __future__ import annotations

# requirement: (fault, case)
SHOWN: dict[str, tuple[tuple[str, str], ...]] = {
    "edge/new/pending/submit": (("cancel-of-pending-ignored", "edge/new/pending/submit"),),
    "edge/pending/running/start": (("running-reads-pending", "edge/pending/running/start"),),
    "edge/running/success/succeed": (("success-reads-running", "edge/running/success/succeed"),),
    "edge/running/failure/fail": (("failure-reads-success", "edge/running/failure/fail"),),
    "edge/running/retry/retry": (("cancel-of-retry-ignored", "edge/running/retry/retry"),),
    "edge/retry/pending/timeout": (("retry-ends-in-failure", "edge/retry/pending/timeout"),),
    "edge/failure/pending/resubmit": (
        ("cancel-of-pending-ignored", "edge/failure/pending/resubmit"),
    ),
    "edge/paused/pending/resume": (("resume-shows-running", "edge/paused/pending/resume"),),
    "edge/pending/paused/pause": (("pause-of-pending-ignored", "edge/pending/paused/pause"),),
    "edge/retry/paused/pause": (("pause-of-retry-lost", "edge/retry/paused/pause"),),
    "edge/running/paused/pause": (("cancel-of-paused-ignored", "edge/running/paused/pause"),),
    "edge/pending/failure/cancel": (("cancel-of-pending-ignored", "edge/pending/failure/cancel"),),
    "edge/retry/failure/cancel": (("cancel-of-retry-ignored", "edge/retry/failure/cancel"),),
    "edge/running/failure/cancel": (("cancel-of-running-ignored", "edge/running/failure/cancel"),),
    "edge/paused/failure/cancel": (("cancel-of-paused-ignored", "edge/paused/failure/cancel"),),
    "action/cancel/pending": (("cancel-of-pending-ignored", "action/cancel/pending"),),
    "action/pause/pending": (("pause-of-pending-ignored", "action/pause/pending"),),
    "action/cancel/running": (("cancel-of-running-takes-effect-at-once", "action/cancel/running"),),
    "action/pause/running": (("cancel-of-paused-ignored", "action/pause/running"),),
    "action/cancel/retry": (("cancel-of-retry-ignored", "action/cancel/retry"),),
    "action/pause/retry": (("pause-of-retry-lost", "action/pause/retry"),),
    "action/cancel/paused": (("cancel-of-paused-ignored", "action/cancel/paused"),),
    "action/resume/paused": (("resume-refused", "action/resume/paused"),),
    "action/resubmit/success": (("merge-in-success-resubmitted", "route/merge/nothing/resubmit"),),
    "action/resubmit/failure": (("resubmit-to-paused", "action/resubmit/failure"),),
    "race/nothing/step-succeeds": (("refused-answered-200", "race/nothing/step-succeeds"),),
    "race/nothing/last-step-succeeds": (
        ("resume-of-success-accepted", "race/nothing/last-step-succeeds"),
    ),
    "race/nothing/step-fails": (("resubmit-to-paused", "race/nothing/step-fails"),),
    "race/nothing/step-asks-for-retry": (("retry-ends-in-failure", "edge/retry/pending/timeout"),),
    "race/pause/step-succeeds": (("pause-runs-one-more-step", "race/pause/step-succeeds"),),
    "race/pause/last-step-succeeds": (
        ("pause-lost-on-last-step", "race/pause/last-step-succeeds"),
    ),
    "race/pause/step-fails": (("pause-forgets-failing-step", "race/pause/step-fails"),),
    "race/pause/step-asks-for-retry": (
        ("pause-overlooked-on-retry", "race/pause/step-asks-for-retry"),
    ),
    "race/cancel/step-succeeds": (("cancel-of-running-ignored", "race/cancel/step-succeeds"),),
    "race/cancel/last-step-succeeds": (
        ("requests-lost-on-last-step", "race/cancel/last-step-succeeds"),
    ),
    "race/cancel/step-fails": (("cancel-survives-the-run", "race/cancel/step-fails"),),
    "race/cancel/step-asks-for-retry": (
        ("cancel-overlooked-on-retry", "race/cancel/step-asks-for-retry"),
    ),
    "race/both/step-succeeds": (("cancel-lost-after-pause", "race/pause-cancel/step-succeeds"),),
    "race/both/last-step-succeeds": (
        ("cancel-lost-after-pause", "race/pause-cancel/last-step-succeeds"),
    ),
    "race/both/step-fails": (("cancel-survives-the-run", "race/cancel-pause/step-fails"),),
    "race/both/step-asks-for-retry": (
        ("cancel-lost-after-pause", "race/pause-cancel/step-asks-for-retry"),
    ),
    "queue/engine": (("ends-on-resubmit", "submit/processed"),),
    "queue/pending-first": (("pending-reads-running", "submit/pending-first"),),
    "queue/concurrent-jobs": (("one-worker-too-many", "schedule/limit"),),
    "queue/free-worker-takes": (("one-worker-too-few", "submit/free-worker"),),
    "queue/priority-order": (
        ("lowest-priority-first", "schedule/priority/rising"),
        ("resumed-jumps-queue", "schedule/requeued-between"),
        ("resubmitted-jumps-queue", "schedule/requeued-between"),
        ("second-resume-loses-priority", "schedule/requeued-often"),
    ),
    "queue/ties-in-order": (("ties-last-in-first-out", "schedule/ties"),),
    "queue/worker-freed": (("worker-lost-after-pause", "schedule/freed-by/pause"),),
    "queue/limit-jobs": (
        ("limit-ignored", "submit/limit-jobs/size"),
        ("limit-one-too-many", "submit/limit-jobs/size"),
        ("limit-one-too-few", "submit/limit-jobs/size"),
        ("limit-counts-paused", "submit/limit-jobs/size"),
        ("limit-counts-completed", "submit/limit-jobs/size"),
    ),
    "queue/limit-jobs-blocks": (
        ("limit-never-wakes", "submit/limit-jobs/blocks-asynchronous"),
        ("limit-refuses-submission", "submit/limit-jobs/blocks-synchronous"),
        ("limit-spares-asynchronous", "submit/limit-jobs/blocks-asynchronous"),
    ),
    "queue/limit-jobs-submissions-only": (
        ("limit-refuses-resume", "submit/limit-jobs/resume-resubmit"),
        ("limit-refuses-resubmit", "submit/limit-jobs/resume-resubmit"),
    ),
    "history/tagged": (("failure-reads-success", "history/tagged/failure"),),
    "history/kept": (
        ("canceled-leaves-no-trace", "history/kept"),
        ("history-keeps-one-too-few", "history/kept"),
    ),
    "history/size": (("history-keeps-one-too-many", "history/bound"),),
    "history/unfinished-never-evicted": (("paused-evicted-first", "history/unfinished-stay"),),
    "history/oldest-first": (
        ("evicted-by-creation", "history/mixed-ends"),
        ("newest-evicted-first", "history/oldest-completed-first"),
        ("cancel-renews-in-history", "history/acted-upon"),
    ),
    "history/resubmitted-leaves": (("resubmitted-stays-in-history", "history/resubmitted-leaves"),),
    "history/zero": (("history-keeps-one-too-many", "history/size-0/success"),),
    "history/zero-synchronous": (("history-keeps-one-too-many", "history/size-0/synchronous"),),
    "history/delete-job": (("delete-keeps-job", "history/delete"),),
    "history/delete-archive": (
        ("archive-kept-after-delete", "route/archive/study/output-deleted"),
    ),
    "persist/saved-by-default": (("jobs-never-saved", "persist/stop/three-times"),),
    "persist/save-jobs-false": (("save-jobs-ignored", "persist/save-jobs-false"),),
    "persist/unfinished-requeued": (
        ("running-lost-on-restart", "persist/stop/all-states"),
        ("modifications-lost-on-restart", "persist/stop/types"),
        ("permissive-forgotten-on-restart", "persist/stop/types"),
    ),
    "persist/retry-requeued": (("retry-lost-on-restart", "persist/stop/retry"),),
    "persist/paused-stays": (("paused-resumed-on-restart", "persist/stop/paused"),),
    "persist/completed-stays": (("completed-lost-on-restart", "persist/stop/completed"),),
    "persist/no-jobs": (("no-jobs-ignored", "persist/no-jobs"),),
    "persist/request-survives-stop": (("request-forgotten-over-stop", "persist/stop/request"),),
    "persist/saved-at-creation": (("jobs-never-saved", "persist/kill/new-job"),),
    "persist/error": (
        ("error-forgotten-on-restart", "persist/stop/error"),
        ("error-details-forgotten-on-restart", "persist/stop/completed"),
    ),
    "persist/times": (
        ("completion-time-changes-on-restart", "persist/stop/times"),
        ("runtime-forgotten-on-restart", "persist/stop/times"),
    ),
    "submit/creates-job": (("two-jobs-a-submission", "submit/asynchronous/one-job"),),
    "submit/synchronous-waits": (
        ("paused-answers-waiting", "submit/synchronous/paused"),
        ("first-step-answers-waiting", "submit/synchronous/all-steps"),
        ("end-told-to-oldest-call", "submit/synchronous/several"),
    ),
    "submit/synchronous-default": (("asynchronous-by-default", "submit/default-synchronous"),),
    "submit/asynchronous-returns": (
        ("taken-only-when-idle", "submit/asynchronous/behind-others"),
        ("asynchronous-waits", "submit/asynchronous/at-once"),
    ),
    "submit/asynchronous-handle": (("submission-without-path", "submit/asynchronous/handle"),),
    "submit/asynchronous-monitored": (
        ("success-reads-running", "submit/asynchronous/monitored-success"),
    ),
    "submit/synchronous-field": (("synchronous-ignored", "submit/mode/false-absent"),),
    "submit/asynchronous-field": (("asynchronous-ignored", "submit/mode/absent-true"),),
    "submit/both-fields": (("asynchronous-wins", "submit/mode/true-true"),),
    "submit/mode-not-boolean": (("mode-needs-no-boolean", "submit/mode-invalid/synchronous-text"),),
    "submit/priority": (
        ("priority-shown-as-zero", "submit/priority/negative"),
        ("split-without-priority", "route/split/series/asynchronous"),
    ),
    "submit/priority-default": (("priority-one-by-default", "submit/priority/default"),),
    "submit/priority-not-integer": (("priority-needs-no-integer", "submit/priority-invalid/text"),),
    "submit/synchronous-failure": (
        ("failed-synchronous-call-answered-200", "submit/synchronous/fails"),
    ),
    "route/modify": (
        ("asynchronous-modification-waits", "route/modify/series/asynchronous"),
        ("synchronous-modification-does-not-wait", "route/modify/study/synchronous"),
    ),
    "route/anonymize": (
        ("synchronous-modification-does-not-wait", "route/anonymize/study/synchronous"),
    ),
    "route/archive": (("asynchronous-archive-waits", "route/archive/study/asynchronous"),),
    "route/media": (("asynchronous-archive-waits", "route/media/study/asynchronous"),),
    "route/retrieve": (
        ("synchronous-retrieval-does-not-wait", "route/retrieve/studies/synchronous"),
    ),
    "route/modality-store": (
        ("synchronous-store-does-not-wait", "route/store/instances/synchronous"),
    ),
    "route/peer-store": (("submission-without-path", "route/peer-store/instances/asynchronous"),),
    "route/split": (("synchronous-split-does-not-wait", "route/split/series/synchronous"),),
    "route/merge": (("asynchronous-merge-waits", "route/merge/study/asynchronous"),),
    "route/bulk-modify": (
        ("synchronous-modification-does-not-wait", "route/modify/several/synchronous"),
    ),
    "route/bulk-anonymize": (
        ("synchronous-modification-does-not-wait", "route/anonymize/several/synchronous"),
    ),
    "route/type": (
        ("media-reads-archive", "route/media/patient/asynchronous"),
        ("merge-reads-split", "route/merge/study/asynchronous"),
    ),
    "route/content": (
        ("archive-content-lacks-count", "route/archive/patient/asynchronous"),
        ("modification-content-lacks-result", "route/modify/series/asynchronous"),
    ),
    "route/result": (
        ("modification-garbles-values", "route/modify/patient/asynchronous"),
        ("modification-keeps-source", "route/modify/source-removed/asynchronous"),
        ("anonymization-keeps-name", "route/anonymize/study/asynchronous"),
        ("anonymization-keeps-birth-date", "route/anonymize/study/asynchronous"),
        ("split-stays-in-study", "route/split/series/asynchronous"),
        ("merge-keeps-patient", "route/merge/study/asynchronous"),
        ("merge-keeps-source", "route/merge/study/asynchronous"),
        ("store-leaves-out-last-instance", "route/store/instances/asynchronous"),
        ("retrieval-repeats-first-answer", "route/retrieve/studies/asynchronous"),
        ("retrieval-ignores-target", "route/retrieve/studies/asynchronous"),
        ("anonymization-keeps-study-identifier", "route/anonymize/study/asynchronous"),
    ),
    "route/permissive": (("permissive-store-fails", "route/store/instances/permissive"),),
    "route/archive-output": (
        ("archive-misses-instance", "route/archive/series/asynchronous"),
        ("archive-is-no-zip", "route/archive/study/synchronous"),
        ("archive-fetched-once", "route/archive/series/asynchronous"),
    ),
    "route/media-index": (
        ("media-lacks-dicomdir", "route/media/series/asynchronous"),
        ("media-index-misses-instance", "route/media/several/asynchronous"),
    ),
    "route/cancel": (("pending-modification-not-canceled", "route/modify/series/cancel"),),
    "route/pause": (
        ("pending-archive-not-paused", "route/archive/series/pause"),
        ("retrieval-not-paused", "route/retrieve/studies/running/pause"),
    ),
    "route/resume": (("paused-split-not-resumed", "route/split/series/resume"),),
    "route/resubmit": (("archive-not-resubmitted", "route/archive/series/resubmit"),),
    "monitor/list": (
        ("list-omits-pending", "monitor/agree/pending"),
        ("list-names-job-twice", "monitor/list"),
    ),
    "monitor/job": (("job-in-an-array", "monitor/fields/success"),),
    "monitor/list-expand": (
        ("expand-answers-ids", "monitor/agree/running"),
        ("expand-lacks-runtime", "monitor/agree/success"),
        ("expand-omits-paused", "monitor/agree/paused"),
        ("expand-omits-retrievals", "route/retrieve/studies/asynchronous"),
    ),
    "monitor/unknown-job": (("unknown-job-answered-200", "monitor/unknown-job"),),
    "monitor/completion-time": (
        ("completion-before-creation", "monitor/field/completion-time"),
        ("completion-time-is-now", "monitor/field/completion-time"),
        ("completion-time-kept-on-resubmit", "monitor/field/completion-time"),
        ("paused-with-completion-time", "monitor/fields/paused"),
    ),
    "monitor/content": (
        ("content-missing", "monitor/field/content"),
        ("content-lost-on-completion", "monitor/field/content"),
    ),
    "monitor/creation-time": (
        ("creation-time-changes-on-resubmit", "monitor/field/creation-time"),
        ("creation-time-changes-on-start", "monitor/effective-runtime/pending"),
    ),
    "monitor/effective-runtime": (
        ("runtime-counts-pause", "monitor/effective-runtime/paused"),
        ("runtime-restarts-on-resume", "monitor/effective-runtime/paused"),
        ("runtime-counts-pending", "monitor/effective-runtime/pending"),
        ("runtime-in-milliseconds", "monitor/effective-runtime/grows"),
        ("runtime-stands-still", "monitor/effective-runtime/grows"),
    ),
    "monitor/effective-runtime-restarts": (
        ("runtime-not-restarted", "monitor/effective-runtime/restarts"),
    ),
    "monitor/error-code": (
        ("error-code-as-text", "monitor/field/error-code"),
        ("error-kept-on-start", "monitor/state/all"),
    ),
    "monitor/error-code-cancelled": (
        ("cancel-has-code-of-failed-step", "monitor/field/error-code-cancelled"),
    ),
    "monitor/error-description": (
        ("error-description-of-success", "monitor/field/error-description"),
    ),
    "monitor/id": (("id-shortened", "monitor/field/id"),),
    "monitor/priority": (
        ("priority-changes-on-start", "monitor/field/priority"),
        ("priority-reads-zero-after-resumes", "race/in-turn/often"),
        ("resubmit-loses-priority", "monitor/field/priority"),
        ("priority-cut-to-32bits", "submit/priority-too-large/above"),
    ),
    "monitor/progress": (("progress-one-step-ahead", "monitor/field/progress"),),
    "monitor/progress-rounded": (("progress-rounded-down", "monitor/field/progress-rounded"),),
    "monitor/timestamp": (
        ("times-in-iso-notation", "monitor/field/timestamp"),
        ("timestamp-stands-still", "monitor/field/timestamp"),
        ("timestamp-before-creation", "monitor/field/timestamp"),
    ),
    "monitor/type": (("type-changes-on-start", "monitor/fields/pending"),),
    "monitor/state": (("state-in-lower-case", "monitor/state/all"),),
    "monitor/state-pending": (("pending-reads-running", "monitor/state/pending"),),
    "monitor/state-running": (("running-reads-pending", "monitor/state/running"),),
    "monitor/state-success": (("success-reads-running", "monitor/state/success"),),
    "monitor/state-failure": (
        ("failure-reads-success", "monitor/state/failure"),
        ("failed-modification-reads-success", "route/modify/study/fails/asynchronous"),
        ("failed-retrieval-has-code-0", "route/retrieve/studies/fails/asynchronous"),
        ("partial-retrieval-counts-as-success", "route/retrieve/studies/partly"),
    ),
    "monitor/state-paused": (
        ("paused-reads-running", "monitor/state/paused"),
        ("auto-resume", "monitor/stays"),
        ("failure-runs-again", "monitor/stays"),
    ),
    "monitor/state-retry": (("retry-reads-pending", "monitor/state/retry"),),
    "monitor/retry-unused": (("failed-step-retried-undeclared", "monitor/retry-unused"),),
    "monitor/polling": (("success-reads-running", "monitor/polling/success"),),
    "monitor/times-utc": (("times-in-local-time", "monitor/times-utc"),),
    "monitor/estimated-time": (
        ("estimated-time-of-arrival-of-completed", "monitor/estimated-time"),
    ),
    "monitor/error-details": (("error-details-missing", "monitor/error-details"),),
    "step/only-while-running": (("failure-runs-again", "monitor/stays"),),
    "step/repeated-instance": (
        ("repeated-resources-dropped", "route/peer-store/repeated/asynchronous"),
    ),
    "step/resubmitted-starts-over": (("third-resubmit-goes-on", "race/in-turn/often"),),
    "step/request-before-first": (("resume-refused", "race/pause/before-first-step"),),
    "step/requests-end-with-run": (("resume-refused", "race/in-turn/all"),),
    "answer/accepted": (("accepted-without-body", "action/pause/running"),),
    "answer/refused": (("refused-with-body", "action/resume/success"),),
}
# Why no fault of the reference server can break a requirement that is checked.
CLOSED = {
    "queue/no-limit": "it is documented from 1.10.1 on, and the reference server is a 1.5.6",
}
