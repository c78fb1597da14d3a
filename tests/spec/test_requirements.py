"""The catalogue is complete, well formed, and says of the table what the table says."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError

import pytest

from spec import table
from spec.requirements import (
    CATALOGUE,
    FIGURE,
    NEWS,
    PAGE,
    Bound,
    Need,
    Requirement,
    UnknownRequirement,
    applies,
    requirement,
    version_key,
)
from spec.requirements.model import PLUGIN, PLUGIN_NEWS
from spec.table import Asked, Cell, Ended, Ground, State

SECTIONS = [
    "edge", "action", "race", "queue", "history", "persist",
    "submit", "route", "option", "monitor", "step", "answer", "client",
]  # fmt: skip

# Every sentence of the page's section on jobs, in its order, by a key phrase of our own, with
# the entries that it became.
SENTENCES = {
    "engine embedded since 1.4.0": ["queue/engine"],
    "what a job is": ["queue/engine"],
    "first queued": ["queue/pending-first", "queue/ties-in-order"],
    "fixed number at once": [
        "queue/concurrent-jobs",
        "queue/free-worker-takes",
        "queue/worker-freed",
    ],
    "tagged by outcome": ["history/tagged"],
    "kept in a history of bounded size": [
        "history/kept",
        "history/size",
        "history/unfinished-never-evicted",
        "client/gone",
    ],
    "saved by default": [
        "persist/saved-by-default",
        "persist/save-jobs-false",
        "persist/completed-stays",
    ],
    "unfinished ones queued after a restart": [
        "persist/unfinished-requeued",
        "persist/retry-requeued",
        "persist/paused-stays",
        "persist/request-survives-stop",
        "client/restarted",
    ],
    "option that skips the loading": ["persist/no-jobs"],
    "queue has a maximum": ["queue/limit-jobs"],
    "full queue blocks additions": [
        "queue/limit-jobs-blocks",
        "queue/limit-jobs-submissions-only",
    ],
    "slow calls become jobs": ["submit/creates-job"],
    "calls: modify and anonymize": ["route/modify", "route/anonymize"],
    "calls: archives": ["route/archive", "route/media"],
    "calls: C-Move": ["route/retrieve"],
    "calls: C-Store": ["route/modality-store"],
    "calls: peers": ["route/peer-store"],
    "calls: split and merge": ["route/split", "route/merge"],
    "calls: transfers accelerator": ["route/transfers"],
    "synchronous waits": ["submit/synchronous-waits"],
    "synchronous is the default": ["submit/synchronous-default"],
    "asynchronous returns a handle": [
        "submit/asynchronous-returns",
        "submit/asynchronous-handle",
    ],
    "caller monitors": ["submit/asynchronous-monitored"],
    "either field chooses the mode": ["submit/synchronous-field", "submit/asynchronous-field"],
    "accelerator is asynchronous only": ["route/transfers-asynchronous"],
    "integer priority, possibly negative": ["submit/priority", "monitor/priority"],
    "higher goes first": ["queue/priority-order"],
    "zero by default": ["submit/priority-default"],
    "asynchronous mode recommended": ["submit/asynchronous-advised"],
    "synchronous calls and timeouts": ["submit/synchronous-timeout"],
    "list of jobs": ["monitor/list"],
    "details of a job": ["monitor/job"],
    "field CompletionTime": ["monitor/completion-time"],
    "field Content": ["monitor/content", "route/content"],
    "field CreationTime": ["monitor/creation-time"],
    "field EffectiveRuntime": ["monitor/effective-runtime"],
    "field ErrorCode": ["monitor/error-code"],
    "field ErrorDescription": ["monitor/error-description"],
    "field ID": ["monitor/id"],
    "field Priority": ["monitor/priority"],
    "field Progress": ["monitor/progress"],
    "field State": ["monitor/state"],
    "field Timestamp": ["monitor/timestamp"],
    "field Type": ["monitor/type"],
    "expanded list": ["monitor/list-expand"],
    "Content depends on Type": ["monitor/content", "monitor/content-by-type"],
    "meaning of Pending": ["monitor/state-pending"],
    "meaning of Running, Progress follows": [
        "monitor/state-running",
        "monitor/progress",
        "step/only-while-running",
    ],
    "meaning of Success": ["monitor/state-success", "client/success-and-failure"],
    "meaning of Failure, where to look": [
        "monitor/state-failure",
        "monitor/error-code",
        "monitor/error-description",
    ],
    "meaning of Paused": ["monitor/state-paused", "client/other-states", "client/bounded"],
    "meaning of Retry": ["monitor/state-retry"],
    "Retry so far unused": ["monitor/retry-unused"],
    "polling": [
        "monitor/polling",
        "client/until-the-end",
        "client/state-alone",
        "client/periodic",
    ],
    "call to cancel": ["route/cancel"],
    "call to pause": ["route/pause"],
    "call to resume": ["route/resume"],
    "call to resubmit": ["route/resubmit"],
    "the figure": [
        *(edge.id for edge in table.EDGES),
        *(table.boundary_id(asked, ended) for asked in Asked for ended in Ended),
        "step/request-before-first",
        "step/requests-end-with-run",
    ],
}

FACTS = {  # what was measured on every released server, and binds it
    "what a resubmitted job still shows": [
        "monitor/resubmitted-error-code",
        "monitor/resubmitted-progress",
    ],
    "where a job goes on": [
        "step/resumed-goes-on",
        "step/resubmitted-starts-over",
        "monitor/effective-runtime-restarts",
    ],
    "the mode of a call": ["submit/both-fields", "submit/mode-not-boolean"],
    "a Priority of another type": ["submit/priority-not-integer"],
    "a synchronous call whose job fails": ["submit/synchronous-failure"],
    "a history of no size": ["history/zero", "history/zero-synchronous"],
    "the order of the history": ["history/oldest-first", "history/resubmitted-leaves"],
    "what a restart keeps": [
        "persist/priority",
        "persist/step",
        "persist/step-ends-before-stop",
        "persist/killed",
    ],
    "when a result is shown": ["monitor/result-not-late"],
    "Progress by steps": ["monitor/progress-rounded", "monitor/progress-after-failure"],
    "a step that was on its way": ["step/one-after-answer"],
    "a step that is held too long": ["step/timeout"],
    "lists of instances": ["step/repeated-instance", "step/empty"],
}


def ids(section: str) -> list[str]:
    return [entry.id for entry in CATALOGUE.values() if entry.section == section]


def test_ids_are_well_formed_and_grouped_by_section() -> None:
    for id, entry in CATALOGUE.items():
        assert entry.id == id
        assert re.fullmatch(r"[a-z]+(/[a-z0-9]+(-[a-z0-9]+)*)+", id), id
    seen = [entry.section for entry in CATALOGUE.values()]
    assert list(dict.fromkeys(seen)) == SECTIONS
    assert seen == sorted(seen, key=SECTIONS.index)


def test_the_number_of_entries_is_pinned() -> None:
    """An entry that comes or goes by accident shows here."""
    assert {section: len(ids(section)) for section in SECTIONS} == {
        "edge": 15, "action": 28, "race": 16, "queue": 11, "history": 10, "persist": 16,
        "submit": 18, "route": 76, "option": 42, "monitor": 42, "step": 10, "answer": 3,
        "client": 9,
    }  # fmt: skip


def test_every_edge_cell_and_boundary_has_its_entry() -> None:
    assert ids("edge") == [edge.id for edge in table.EDGES]
    assert ids("action") == [
        table.cell_id(action, state) for state in table.MATRIX for action in table.ACTIONS
    ]
    assert ids("race") == [table.boundary_id(asked, ended) for asked in Asked for ended in Ended]


def test_the_grounds_are_those_of_the_table() -> None:
    for state in table.MATRIX:
        for action in table.ACTIONS:
            entry = requirement(table.cell_id(action, state))
            assert entry.ground is table.cell(state, action).ground
    for section in ("edge", "race"):
        assert {requirement(id).ground for id in ids(section)} == {Ground.DOCUMENTED}


def test_derived_sentences_name_the_status_and_the_target() -> None:
    for state in table.MATRIX:
        for action in table.ACTIONS:
            cell = table.cell(state, action)
            sentence = requirement(table.cell_id(action, state)).sentence
            assert str(cell.status) in sentence
            target = table.target(state, action) if isinstance(state, State) else None
            assert ("leads to" in sentence) is (target is not None)
            assert target is None or f"leads to {target}" in sentence
            assert sentence.endswith("boundary.") is (cell is Cell.ASK)
    for edge in table.EDGES:
        assert edge.target in requirement(edge.id).sentence


def test_derived_sentences_read_well() -> None:
    sentences = {
        "edge/pending/paused/pause": "Pause() takes a Pending job to Paused.",
        "edge/new/pending/submit": "A job that was just submitted is Pending.",
        "action/pause/pending": "Pausing a Pending job is answered 200 and leads to Paused.",
        "action/cancel/running": "Canceling a Running job is answered 200 and leads to Failure "
        "with ErrorCode 37 at the next step boundary.",
        "action/resubmit/unknown": "Resubmitting a job by an id that names none is refused with "
        "400.",
        "race/cancel/step-fails": "A Running job that was asked to cancel becomes Failure with "
        "the step's ErrorCode or ErrorCode 37 when a step fails.",
        "race/nothing/step-succeeds": "A Running job that was asked for nothing stays Running "
        "when a step succeeds and more are to come.",
    }
    assert {id: requirement(id).sentence for id in sentences} == sentences


@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_sentence_of_the_page_has_an_entry(sentence: str) -> None:
    for id in SENTENCES[sentence]:
        entry = requirement(id)
        assert entry.ground is Ground.DOCUMENTED
        assert PAGE in entry.source or FIGURE in entry.source


def test_every_entry_comes_from_a_sentence_the_figure_a_later_document_or_a_measurement() -> None:
    from_page = {id for found in SENTENCES.values() for id in found}
    for id, entry in CATALOGUE.items():
        if entry.section == "action":
            continue  # grounds are compared with the table above
        if entry.ground is Ground.OBSERVED and entry.binds is Bound.CLIENT:
            assert "RFC" in entry.source, id  # no measurement of servers says what clients should
        elif entry.ground is Ground.OBSERVED:
            assert "measured on Orthanc" in entry.source, id
            assert id not in from_page
        elif id not in from_page and Need.TRANSFERS in entry.needs:
            assert entry.source.startswith((PLUGIN, PLUGIN_NEWS)), id
        elif id not in from_page:
            assert NEWS in entry.source or entry.source == f"{PAGE}, version of 8 June 2022", id
            assert entry.since is not None, id


@pytest.mark.parametrize("fact", FACTS)
def test_every_measured_fact_that_binds_a_server_has_an_entry(fact: str) -> None:
    assert {requirement(id).ground for id in FACTS[fact]} == {Ground.OBSERVED}


def test_every_entry_can_be_read() -> None:
    for id, entry in CATALOGUE.items():
        assert entry.sentence.endswith("."), id
        assert entry.sentence[0].isupper(), id
        assert "{A_job}" not in entry.sentence, id
        assert "{target}" not in entry.sentence, id
        assert entry.source.strip(), id
        for text in (entry.reading, entry.note):
            assert text is None or text.strip()
    assert len({entry.sentence for entry in CATALOGUE.values()}) == len(CATALOGUE)


def test_a_reading_stands_only_beside_a_documented_source() -> None:
    """What was measured needs no interpretation."""
    assert all(entry.ground is Ground.DOCUMENTED for entry in CATALOGUE.values() if entry.reading)


def test_versions_parse_and_are_in_order() -> None:
    for id, entry in CATALOGUE.items():
        for version in (entry.since, entry.until):
            assert version is None or re.fullmatch(r"\d+\.\d+\.\d+", version), id
        if entry.since and entry.until:
            assert applies(entry, entry.since), id
            assert applies(entry, entry.until), id


@pytest.mark.parametrize(
    ("id", "version", "expected"),
    [
        ("queue/limit-jobs", "1.5.6", True),
        ("queue/limit-jobs", "1.10.0", True),
        ("queue/limit-jobs", "1.10", True),
        ("queue/limit-jobs", "1.10.1", False),
        ("queue/limit-jobs", "mainline", False),
        ("queue/no-limit", "1.10.0", False),
        ("queue/no-limit", "1.10.1+dfsg-2", True),
        ("history/delete-job", "1.5.6", False),
        ("history/delete-job", "1.12.1", False),
        ("history/delete-job", "1.12.2", True),
        ("history/delete-job", "mainline-1a2b3c", True),
        ("history/delete-archive", "1.12.1", True),
        ("monitor/error-details", "1.9.1", False),
        ("monitor/error-details", "1.9.4", True),
        ("persist/error", "1.9.4", False),
        ("persist/error", "1.9.5", True),
        ("action/cancel/pending", "0.1", True),
    ],
)
def test_applies(id: str, version: str, expected: bool) -> None:
    assert applies(requirement(id), version) is expected


def test_versions_are_compared_by_number() -> None:
    ordered = ["0.9", "1.5.6", "1.9.1", "1.10", "1.10.1", "1.12.7+dfsg-1", "2", "mainline"]
    assert sorted(set(ordered), key=version_key) == ordered
    assert version_key("1.10") == version_key("1.10.0") == version_key("1.10.0~rc1")


def test_a_limit_and_no_limit_never_apply_together() -> None:
    for version in ("1.4.0", "1.5.6", "1.9.1", "1.10.0", "1.10.1", "1.13.0", "mainline"):
        both = (
            applies(requirement("queue/limit-jobs"), version),
            applies(requirement("queue/no-limit"), version),
        )
        assert both != (True, True)


def test_an_unknown_id_is_named() -> None:
    with pytest.raises(UnknownRequirement, match="'edge/pending/success/hope'") as raised:
        requirement("edge/pending/success/hope")
    assert isinstance(raised.value, KeyError)
    assert raised.value.id == "edge/pending/success/hope"


def test_the_catalogue_cannot_be_changed() -> None:
    entry = requirement("answer/accepted")
    with pytest.raises(FrozenInstanceError):
        entry.sentence = "Anything goes."  # type: ignore[misc]
    with pytest.raises(TypeError):
        CATALOGUE["answer/accepted"] = entry  # type: ignore[index]


def test_what_it_takes_to_see_a_state() -> None:
    for entry in CATALOGUE.values():
        if entry.section == "edge":
            _, source, target, _ = entry.id.split("/")
            assert (Need.RETRY in entry.needs) is ("retry" in (source, target))
            assert (Need.EXCLUSIVE in entry.needs) is ("pending" in (source, target))
        if entry.section == "action":
            assert (Need.RETRY in entry.needs) is entry.id.endswith("/retry")
        if entry.section == "persist":
            assert Need.MANAGED in entry.needs
    unreachable = [id for id in ids("edge") + ids("action") if Need.RETRY in requirement(id).needs]
    assert len(unreachable) == 4 + 4


def test_advice_to_callers_is_no_requirement_on_a_server() -> None:
    assert [entry.id for entry in CATALOGUE.values() if entry.binds is Bound.CLIENT] == [
        "submit/asynchronous-advised",
        "submit/synchronous-timeout",
        "monitor/content-by-type",
        *ids("client"),
    ]


def test_contradictions_and_shortfalls_are_noted() -> None:
    notes = {
        "queue/priority-order": "OpenAPI",
        "queue/limit-jobs": "release notes of 1.10.1",
        "queue/ties-in-order": "ties-unordered",
        "race/both/step-succeeds": "cancel-lost-to-pause",
        "race/pause/last-step-succeeds": "request-lost-on-last-step",
        "race/cancel/last-step-succeeds": "request-lost-on-last-step",
        "route/resubmit": "Failed",
        "edge/running/failure/fail": "server's choice",
    }
    for id, words in notes.items():
        assert words in (requirement(id).note or ""), id
    assert requirement("race/cancel/step-succeeds").note is None


def test_every_state_has_its_meaning() -> None:
    for state in State:
        assert f"monitor/state-{state.lower()}" in CATALOGUE


def test_a_requirement_compares_by_value() -> None:
    entry = requirement("answer/refused")
    again = Requirement(entry.id, entry.sentence, entry.source, entry.ground)
    assert entry == again
    assert hash(entry) == hash(again)
