"""The second table: what there is to know of each type of job.

`spec.table` says what a job may do, whatever it is about. The rest of what a server shows of a
job depends on its ``Type``, and this module is where that stands, a row for each type. A new type
is a row; a new rule on jobs is a column, and reaches all types.

The rules, in the order in which the tables below state them:

1. `CALLS` has the calls that make a job of the type, each with the first version in which it does.
   A type without calls is made by the server itself: by its Lua scripts, a DICOM association or
   a plugin.
2. `RUN` says how such a job goes through its steps: what one step is, and which gate of the kit
   can hold it; how Progress runs (`Progress`); whether Success means Progress 100; what can be
   got from ``GET /jobs/{id}/{output}`` once the job has succeeded; whether a resume, a resubmit and
   a save of the job are promised. *None* is a cell that no document fills, and versions differ.
   From the gate follow the ErrorCode of a step that it lets fail, and whether a call can wait.
3. `CONTENT` says which fields Content has, by moment. *Given* fields are the parameters of the
   job: they are there at every moment, from before it ran to after a restart, and do not change.
   *Counted* ones are there at every moment as well, and change while it runs. *Made* ones are the
   result: they come with a step, are all there in Success, and stay; where a type has several
   forms, one of them is there. *Other* fields are shown by some versions, or at some moments,
   only: nothing is held against a server that does not show them.
4. `SOURCES` says how far a row carries: what documents say of the type, and which versions of
   Orthanc it was measured on. What stands in `CALLS` for a documented type, and all that is said
   of every job, is documented; a type's steps, Content and outputs are observed.
5. `SHORT` names where a released server does not do what its row says. A row states what the
   page says of all jobs: they are saved, a finished one stays as it is, Progress rises to
   100. `spec.relaxations` has the sentences, and the ledger the versions.

A type that is not in the tables is `OTHER`: of it only that is known which is true of all jobs.

Empty cells are written out: what is unknown should be seen, not inferred.

Sources: the page is "Advanced features of the REST API" of the Orthanc Book, 6 March 2019; the
rest was measured on Debian's builds of Orthanc 1.9.1, 1.10.1, 1.12.7 and 1.13.0, and of the
transfers accelerator with its versions 1.4 (on 1.10.1), 1.7 (on 1.12.7) and mainline (on 1.13.0).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from spec.relaxations import Shortfall
from spec.table import ErrorCode, Ground, State

PLUGIN_ENGINE = 1  # "Error encountered within the plugin engine": whatever went wrong in a plugin


class Gate(StrEnum):
    """Who can hold a step of a job, so that it waits until it is told how to end."""

    PEER = "peer"  # an Orthanc peer, which is sent an instance by POST /instances
    STORE = "store"  # a C-STORE provider
    MOVE = "move"  # a C-MOVE provider
    GET = "get"  # a C-GET provider
    TRANSFERS = "transfers"  # a peer that speaks the transfers accelerator's protocol
    NOBODY = "nobody"  # the server alone: the job runs to its end at once


class Progress(StrEnum):
    """How Progress runs, from the first step of a run to its end."""

    STEPS = "steps"  # it is the rounded per cent of the steps done, so it can be predicted
    RISES = "rises"  # it never falls; where it stands in between cannot be predicted
    FREE = "free"  # it may fall: nothing is known of the steps


class Moment(StrEnum):
    """When a reading was made, as far as the fields of Content depend on it."""

    UNRUN = "before it ran"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCESS = "success"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Call:
    """A call that makes jobs of a type. ``since``: the first version in which it does, or None."""

    path: str
    since: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """How a job goes through its steps: rule 2."""

    step: str
    gate: Gate
    progress: Progress
    whole: bool | None  # Success means Progress 100
    outputs: tuple[str, ...]
    resumed: bool | None
    resubmitted: bool | None
    saved: bool | None


@dataclass(frozen=True, slots=True)
class Content:
    """The names of the fields of Content: rule 3. ``made``: its forms, one of which is there."""

    given: frozenset[str]
    counted: frozenset[str]
    made: tuple[frozenset[str], ...]
    other: frozenset[str]


@dataclass(frozen=True, slots=True)
class Source:
    """How far a row carries: rule 4. ``document`` None: no document speaks of the type."""

    document: str | None
    measured: tuple[str, ...]

    @property
    def ground(self) -> Ground:
        return Ground.OBSERVED if self.document is None else Ground.DOCUMENTED


@dataclass(frozen=True, slots=True)
class Row:
    """All that is known of one type of job."""

    type: str
    calls: tuple[Call, ...]
    run: Run
    content: Content
    source: Source
    short: frozenset[Shortfall]

    @property
    def fields(self) -> frozenset[str]:
        """All fields of Content that are known of the type."""
        content = self.content
        return content.given.union(content.counted, content.other, *content.made)

    @property
    def code(self) -> int:
        """The ErrorCode of a job of which the gate has let a step fail."""
        of_plugin = self.run.gate is Gate.TRANSFERS
        return PLUGIN_ENGINE if of_plugin else int(ErrorCode.NETWORK_PROTOCOL)

    @property
    def waited(self) -> bool:
        """Whether its calls choose a mode, so that one can wait (route/transfers-asynchronous)."""
        return self.run.gate is not Gate.TRANSFERS

    def must(self, moment: Moment) -> tuple[frozenset[str], ...]:
        """The fields of Content at ``moment``: its forms, one of which must be there in full.

        The same must be there when the server was started again since.
        """
        always = self.content.given | self.content.counted
        if moment is not Moment.SUCCESS:
            return (always,)
        return tuple(always | made for made in self.content.made)

    def missing(self, shown: Collection[str], moment: Moment) -> frozenset[str]:
        """The fields that Content should have at ``moment`` and that ``shown`` lacks."""
        return min((form - set(shown) for form in self.must(moment)), key=len)

    def early(self, shown: Collection[str]) -> frozenset[str]:
        """The fields of ``shown`` that a job cannot have before it ran: they are of a result."""
        first = self.content.given | self.content.counted | self.content.other
        return frozenset().union(*self.content.made) & set(shown) - first


def moment(state: State, ran: bool) -> Moment:
    """The moment of a reading in ``state``; ``ran``: a step of the job has ended before it.

    A job in Failure or Paused that never ran has no result yet.
    """
    if state is State.SUCCESS:
        return Moment.SUCCESS
    if not ran:
        return Moment.UNRUN
    ended = {State.FAILURE: Moment.FAILURE, State.PAUSED: Moment.PAUSED}
    return ended.get(state, Moment.RUNNING)


def row(type: str) -> Row:
    """The row of a ``Type``, or that of `OTHER` where it has none."""
    return ROWS.get(type, ROWS[OTHER])


def _calls(*texts: str) -> tuple[Call, ...]:
    """Calls, each written as "METHOD /path" or "METHOD /path, since VERSION"."""
    parts = (text.partition(", since ") for text in texts)
    return tuple(Call(path, since or None) for path, _, since in parts)


def _content(given: str, counted: str, made: str, other: str) -> Content:
    """The names are words; the forms of a result are parted by bars."""
    forms = tuple(frozenset(form.split()) for form in made.split("|"))
    return Content(_names(given), _names(counted), forms, _names(other))


def _transferred(own: str) -> Content:
    """Of a transfer, which shows nothing before it ran. ``own``: what the other kind has not."""
    counts = "TotalInstances TotalSizeMB CompletedHttpQueries NetworkSpeedKBs"
    return _content("", "", "Resources Peer Compression", f"{counts} {own}")


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


PEER, STORE, MOVE, GET = "OrthancPeerStore", "DicomModalityStore", "DicomMoveScu", "DicomGetScu"
ARCHIVE, MEDIA = "Archive", "Media"
MODIFICATION, SPLIT, MERGE = "ResourceModification", "SplitStudy", "MergeStudy"
PUSH, PULL = "PushTransfer", "PullTransfer"
OPERATIONS, COMMITMENT = "SequenceOfOperations", "StorageCommitmentScp"
OTHER = "any other"

# fmt: off
CALLS: dict[str, tuple[Call, ...]] = {
    PEER:         _calls("POST /peers/{id}/store"),
    STORE:        _calls("POST /modalities/{id}/store"),
    MOVE:         _calls("POST /queries/{id}/retrieve",
                         "POST /queries/{id}/answers/{index}/retrieve",
                         "POST /modalities/{id}/move, since 1.12.7"),
    GET:          _calls("POST /queries/{id}/retrieve, since 1.12.7",  # RetrieveMethod C-GET
                         "POST /queries/{id}/answers/{index}/retrieve, since 1.12.7",
                         "POST /modalities/{id}/get, since 1.12.7"),
    ARCHIVE:      _calls("POST /{level}/{id}/archive",
                         "POST /tools/create-archive"),
    MEDIA:        _calls("POST /{level}/{id}/media",
                         "POST /tools/create-media",
                         "POST /tools/create-media-extended"),
    MODIFICATION: _calls("POST /{level}/{id}/modify",
                         "POST /{level}/{id}/anonymize",
                         "POST /tools/bulk-modify, since 1.9.4",
                         "POST /tools/bulk-anonymize, since 1.9.4"),
    SPLIT:        _calls("POST /studies/{id}/split"),
    MERGE:        _calls("POST /studies/{id}/merge"),
    PUSH:         _calls("POST /transfers/send"),  # to a peer without RemoteSelf
    PULL:         _calls("POST /transfers/pull"),
    OPERATIONS:   _calls(),  # SendToPeer() and its like in a Lua script
    COMMITMENT:   _calls(),  # an N-ACTION of a remote modality
    OTHER:        _calls(),  # a plugin; a version that is not known here
}

_Y, _Q = True, None  # yes; nobody says
_STEPS, _RISES, _FREE = Progress.STEPS, Progress.RISES, Progress.FREE
_ZIP = ("archive",)
RUN: dict[str, Run] = {
    #                 a step                       held at         Progress     output
    #                                                              runs    100 in Success
    #                                                                                resumed
    #                                                                                |   resubmitted
    #                                                                                |   |   saved
    PEER:         Run("an instance is sent",       Gate.PEER,      _STEPS, _Y,  (),   _Y, _Y, _Y),
    STORE:        Run("an instance is sent",       Gate.STORE,     _STEPS, _Y,  (),   _Y, _Y, _Y),
    MOVE:         Run("a C-MOVE of one match",     Gate.MOVE,      _RISES, _Y,  (),   _Y, _Y, _Y),
    GET:          Run("a C-GET of one match",      Gate.GET,       _RISES, _Y,  (),   _Y, _Y, _Y),
    ARCHIVE:      Run("a file is written",         Gate.NOBODY,    _RISES, _Y,  _ZIP, _Y, _Y, _Y),
    MEDIA:        Run("a file is written",         Gate.NOBODY,    _RISES, _Y,  _ZIP, _Y, _Y, _Y),
    MODIFICATION: Run("a copy is stored; an end",  Gate.NOBODY,    _RISES, _Y,  (),   _Y, _Y, _Y),
    SPLIT:        Run("a copy is stored; an end",  Gate.NOBODY,    _RISES, _Y,  (),   _Y, _Y, _Y),
    MERGE:        Run("a copy is stored; an end",  Gate.NOBODY,    _RISES, _Y,  (),   _Y, _Y, _Y),
    PUSH:         Run("a request to its peer",     Gate.TRANSFERS, _RISES, _Y,  (),   _Y, _Y, _Y),
    PULL:         Run("a request to its peer",     Gate.TRANSFERS, _RISES, _Y,  (),   _Y, _Y, _Y),
    OPERATIONS:   Run("an operation is done",      Gate.PEER,      _RISES, _Y,  (),   _Y, _Y, _Y),
    COMMITMENT:   Run("unknown",                   Gate.NOBODY,    _RISES, _Y,  (),   _Y, _Y, _Y),
    OTHER:        Run("unknown",                   Gate.NOBODY,    _FREE,  _Q,  (),   _Q, _Q, _Q),
}

_ARCHIVED = _content(
    given="Description InstancesCount UncompressedSizeMB",
    counted="ArchiveSizeMB",
    made="",
    other="ArchiveSize UncompressedSize Utf8",
)
CONTENT: dict[str, Content] = {
    PEER: _content(
        given="Description InstancesCount ParentResources Peer",
        counted="FailedInstancesCount",
        made="",
        other="Compress Resources Size SizeMB",
    ),
    STORE: _content(
        given="Description InstancesCount LocalAet ParentResources RemoteAet",
        counted="FailedInstancesCount",
        made="",
        other="Resources",
    ),
    MOVE: _content(
        given="Description LocalAet Query RemoteAet",
        counted="",
        made="",
        other="Details TargetAet",
    ),
    GET: _content(
        given="Description LocalAet Query RemoteAet",
        counted="",
        made="",
        other="Details",
    ),
    ARCHIVE: _ARCHIVED,
    MEDIA: _ARCHIVED,
    MODIFICATION: _content(  # of one resource, or of several by a bulk form
        given="",
        counted="",
        made="ID Path PatientID Type | Resources",
        other="Description FailedInstancesCount InstancesCount IsAnonymization ParentResources"
        " Resources",
    ),
    SPLIT: _content(
        given="Description InstancesCount",
        counted="FailedInstancesCount",
        made="TargetStudy",
        other="ParentResources Resources TargetStudyUID",
    ),
    MERGE: _content(
        given="Description InstancesCount TargetStudy",
        counted="FailedInstancesCount",
        made="",
        other="ParentResources Resources",
    ),
    PUSH: _transferred("UploadedSizeMB"),
    PULL: _transferred("DownloadedSizeMB Originator"),
    OPERATIONS: _content(
        given="Description",
        counted="CountOperations",
        made="",
        other="",
    ),
    COMMITMENT: _content(
        given="CalledAet Description RemoteAet TransactionUid",
        counted="",
        made="",
        other="RemoteIp",
    ),
    OTHER: _content(given="", counted="", made="", other=""),
}

_LIST = "the page: list of calls that create a job"
_ALL = ("1.9.1", "1.10.1", "1.12.7", "1.13.0")
SOURCES: dict[str, Source] = {
    #                    what documents say of it                                measured on
    PEER:         Source(f"{_LIST}, 5th",                                        _ALL),
    STORE:        Source(f"{_LIST}, 4th",                                        _ALL),
    MOVE:         Source(f"{_LIST}, 3rd",                                        _ALL),
    GET:          Source(None,                                                   _ALL[2:]),
    ARCHIVE:      Source(f"{_LIST}, 2nd; example of one job",                    _ALL),
    MEDIA:        Source(f"{_LIST}, 2nd",                                        _ALL),
    MODIFICATION: Source(f"{_LIST}, 1st; release notes of 1.9.4",                _ALL),
    SPLIT:        Source(f"{_LIST}: split and merge",                            _ALL),
    MERGE:        Source(f"{_LIST}: split and merge",                            _ALL),
    PUSH:         Source(f"{_LIST}: transfers accelerator",                      _ALL[1:]),
    PULL:         Source(f"{_LIST}: transfers accelerator",                      _ALL[1:]),
    OPERATIONS:   Source(None,                                                   _ALL),
    COMMITMENT:   Source(None,                                                   _ALL[1::2]),
    OTHER:        Source(None,                                                   ()),
}

_S = Shortfall
_ARCHIVES = frozenset({_S.ARCHIVE_ANSWERED_EARLY, _S.ARCHIVE_NOT_RESUBMITTED,
                       _S.ARCHIVE_NOT_SAVED, _S.ARCHIVE_USER_DATA_IGNORED,
                       _S.EMPTY_ARCHIVE_UNREADABLE})
_TRANSFERS = frozenset({_S.TRANSFER_FAILURE_KEPT_BACK, _S.TRANSFER_FORGOTTEN_AT_RESTART,
                        _S.TRANSFER_GOES_ON, _S.TRANSFER_NOT_SAVED,
                        _S.TRANSFER_NOT_STARTED_OVER, _S.RUNTIME_OF_THE_STEP})
SHORT: dict[str, frozenset[Shortfall]] = {
    PEER:         frozenset(),
    STORE:        frozenset({_S.FAILED_OVER_DICOM_NOT_SAVED}),
    MOVE:         frozenset({_S.RETRIEVE_PROGRESS_FALLS, _S.RETRIEVE_SUCCEEDS_BELOW_100,
                             _S.PROGRESS_LOST_AT_RESTART, _S.INSTANCE_FORGOTTEN,
                             _S.FAILED_OVER_DICOM_NOT_SAVED}),
    GET:          frozenset({_S.RETRIEVE_PROGRESS_FALLS, _S.RETRIEVE_SUCCEEDS_BELOW_100,
                             _S.PROGRESS_LOST_AT_RESTART, _S.GET_NOT_SAVED,
                             _S.GET_FAILURE_IGNORED}),
    ARCHIVE:      _ARCHIVES,
    MEDIA:        _ARCHIVES,
    MODIFICATION: frozenset({_S.MODIFICATION_FAILS_AFTER_RESTART, _S.MODIFICATION_RESULT_LOST,
                             _S.MODIFICATION_FAILS_HALF_DONE, _S.PROGRESS_LOST_AT_RESTART,
                             _S.MODIFICATION_GOES_ON_WHILE_PAUSED,
                             _S.MODIFICATION_NOT_RESUBMITTED}),
    SPLIT:        frozenset({_S.COPIES_DOUBLED}),
    MERGE:        frozenset({_S.COPIES_DOUBLED}),
    PUSH:         _TRANSFERS,
    PULL:         _TRANSFERS,
    OPERATIONS:   frozenset({_S.OPERATION_FAILURE_IGNORED, _S.OPERATIONS_PROGRESS_FALLS,
                             _S.OPERATIONS_SUCCEED_BELOW_100}),
    COMMITMENT:   frozenset({_S.COMMITMENT_NOT_SAVED}),
    OTHER:        frozenset(),
}
# fmt: on

ROWS: Mapping[str, Row] = MappingProxyType(
    {
        type: Row(type, CALLS[type], RUN[type], CONTENT[type], SOURCES[type], SHORT[type])
        for type in CALLS
    }
)
