"""What became of each sentence of the newest page: requirements, or a reason why none.

The page is "Advanced features of the REST API" of the Orthanc Book, its sections on jobs, as it was
on 24 April 2026. A sentence is known by its section and by its first words, whatever versions it
names; its text is that of the Book, and is not repeated here. `tools/sentences` reads a copy of the
page, and names the sentences of these sections that are not here: so a later page shows what it
says newly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sentence:
    """``begins``: its first words. ``reason``: why it became no requirement, where it did not."""

    section: str
    begins: str
    requirements: tuple[str, ...] = ()
    reason: str = ""


def _of(section: str, *sentences: tuple[str, str]) -> Iterator[Sentence]:
    """Sentences with the ids that they became, parted by blanks."""
    for begins, ids in sentences:
        yield Sentence(section, begins, tuple(ids.split()))


_JOBS = "Jobs"
_CALLS = "Synchronous vs. asynchronous calls"
_MONITORING = "Monitoring jobs"
_PRIORITY = "Jobs priority"
_ACTIONS = "Interacting with jobs"
_ARCHIVE = "Example: Asynchronous generation of an archive"
_MODES = "submit/synchronous-field submit/asynchronous-field"

SENTENCES: tuple[Sentence, ...] = (
    *_of(
        _JOBS,
        ("Since Orthanc 1.4.0", "queue/engine"),
        ("Jobs are high-level", "queue/engine"),
        ("Jobs can be started", _MODES),
        ("All Jobs, no matter", "queue/pending-first queue/concurrent-jobs queue/ties-in-order"),
        ("Once the jobs have", "history/tagged history/kept history/size"),
        ("By default, Orthanc saves", "persist/saved-by-default persist/save-jobs-false"),
        ("Jobs are saved within", "persist/saved-at-creation persist/killed"),
        (
            "If Orthanc is stopped",
            "persist/unfinished-requeued persist/step persist/retry-requeued",
        ),
        ("The command-line option", "persist/no-jobs"),
        ("Note that the queue", "queue/no-limit"),
    ),
    *_of(
        _CALLS,
        ("Some calls to", "submit/creates-job"),
        ("This notably includes", "submit/creates-job"),
        ("Modifying and anonymizing", "route/modify route/anonymize"),
        ("Creating ZIP", "route/archive route/media"),
        ("C-Move SCU", "route/retrieve"),
        ("C-Store SCU", "route/modality-store"),
        ("Sending to an", "route/peer-store"),
        ("Split/merge", "route/split route/merge"),
        ("Sending images using", "route/transfers"),
        ("Such REST API", _MODES),
        ("Synchronous calls wait", "submit/synchronous-waits"),
        ("This is in general", "submit/synchronous-default"),
        ("Asynchronous calls end", "submit/asynchronous-returns submit/asynchronous-handle"),
        ("It is up to", "submit/asynchronous-monitored"),
        ("The choice between", _MODES),
        ("Note that the transfers", "route/transfers-asynchronous"),
        ("An integer number", "submit/priority monitor/priority"),
        ("Jobs with higher", "queue/priority-order"),
        ("By default, the priority", "submit/priority-default"),
        ("Despite being more", "submit/asynchronous-advised route/archive-configured"),
        ("Indeed, synchronous calls", "submit/synchronous-timeout"),
        ("When generating archives", "route/archive-configured"),
    ),
    Sentence(
        _CALLS,
        "As of Orthanc 1.12.11, this value",
        reason="it tells a default of the configuration, which the next release may change: the "
        "cases say which MediaArchiveSize they want",
    ),
    *_of(
        _MONITORING,
        ("The list of all", "monitor/list"),
        ("Full details about", "monitor/job monitor/id monitor/type monitor/timestamp"),
        ("Note that the /jobs?expand", "monitor/list-expand"),
        ("The Content field", "monitor/content monitor/content-by-type"),
        ("The State field can", "monitor/state"),
        ("Pending: The job", "monitor/state-pending"),
        ("Running: The job", "monitor/state-running"),
        ("The Progress field", "monitor/progress"),
        ("Success: The job", "monitor/state-success"),
        ("Failure: The job", "monitor/state-failure"),
        ("Check out the", "monitor/error-code monitor/error-description"),
        ("Paused: The job", "monitor/state-paused"),
        ("Retry: The job", "monitor/state-retry"),
        ("As of Orthanc 1.12.11, this feature", "monitor/retry-unused"),
        ("In order to wait", "monitor/polling client/until-the-end"),
    ),
    Sentence(
        _MONITORING,
        "Note that the integration tests",
        reason="it points to a program that polls, and asks nothing of a server or of a caller",
    ),
    *_of(
        _PRIORITY,
        ("When executing jobs", "queue/priority-order"),
        ("An integer value", "submit/priority"),
        ("You may also use", "submit/priority submit/priority-default"),
        ("Pending jobs are not", "monitor/list queue/priority-order"),
    ),
    *_of(
        _ACTIONS,
        ("Given the ID", "answer/accepted answer/refused"),
        ("Cancel the job", "route/cancel"),
        ("Pause the job", "route/pause"),
        ("Resume a job", "route/resume"),
        ("Retry a job", "route/resubmit"),
        ("The related state machine", "edge/new/pending/submit edge/pending/running/start"),
    ),
    *_of(
        _ARCHIVE,
        ("Sucessful jobs are", "route/archive-output"),
        ("Here is a sample", "route/archive route/archive-output"),
        ("Note how we retrieve", "route/archive-output"),
        ("Here is the corresponding", "route/media route/archive-output"),
        ("As of Orthanc 1.12.11, only", "route/archive-output"),
    ),
)
_VERSION = re.compile(r"\d+(\.\d+)+")
SECTIONS = tuple(dict.fromkeys(one.section for one in SENTENCES))


def unknown(said: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Those of the sentences, as (section, text), that are of these sections and are not here."""
    known = {
        section: tuple(_plain(s.begins) for s in SENTENCES if s.section == section)
        for section in SECTIONS
    }
    for section, text in said:
        if section in known and not _plain(text).startswith(known[section]):
            yield section, text


def unsaid(said: Iterable[tuple[str, str]]) -> Iterator[Sentence]:
    """Those that are here, and are not among the sentences."""
    texts = [(section, _plain(text)) for section, text in said]
    for one in SENTENCES:
        begins = _plain(one.begins)
        if not any(one.section == section and text.startswith(begins) for section, text in texts):
            yield one


def _plain(text: str) -> str:
    """``text`` without the numbers of versions."""
    return _VERSION.sub("", text)
