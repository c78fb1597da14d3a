"""The calls that create jobs, type by type, and the four calls that act on one."""

from __future__ import annotations

from collections.abc import Iterable

from spec import table
from spec.requirements import transfers
from spec.requirements.model import NEWS, Need, Requirement
from spec.requirements.section import OF_ACTIONS, OF_CALLS, OF_MONITORING, Section
from spec.table import Action, State

# An entry is two to four lines; the formatter would give each argument a line of its own.
# fmt: off

r = Section("route")
CALLS = f"{OF_CALLS}: list of calls"
ONE_INSTANCE = (
    "Of patients, studies and series: for one instance the answer is the DICOM file itself."
)
WORDS_OF_RESUBMIT = "The page says to retry a job in Failed state. Its own list of states has \
no Failed but Failure, and Retry is another state: the call is Resubmit() of the figure. Every \
measured Orthanc answers 500 for a job that makes an archive (relaxation archive-not-resubmitted)."


def _call(position: int, action: Action) -> Requirement:
    """The call that asks for an action; bullet ``position`` of the page's list of them."""
    sources = [edge.source for edge in table.EDGES if edge.trigger is action and edge.source]
    return r.page(
        action,
        f"POST /jobs/{{id}}/{action} asks for {action.capitalize()}(): it moves a job in "
        f"{_enumerated(sources)}.",
        f"{OF_ACTIONS}: bullet {position}, and the figure it links to",
        note=WORDS_OF_RESUBMIT if action is Action.RESUBMIT else None,
    )


def _enumerated(states: Iterable[State]) -> str:
    """``states`` as English: "Pending, Running or Paused"."""
    *rest, last = states
    return f"{', '.join(rest)} or {last}" if rest else str(last)


ENTRIES: tuple[Requirement, ...] = (
    r.page("modify", "Modifying DICOM resources runs as a job.", f"{CALLS}, 1st",
           reading=ONE_INSTANCE),
    r.page("anonymize", "Anonymizing DICOM resources runs as a job.", f"{CALLS}, 1st",
           reading=ONE_INSTANCE),
    r.page("archive", "Creating a ZIP archive runs as a job.", f"{CALLS}, 2nd"),
    r.page("media", "Creating a media archive (with DICOMDIR) runs as a job.", f"{CALLS}, 2nd"),
    r.page("retrieve", "A C-MOVE by POST /queries/{id}/retrieve runs as a job.",
           f"{CALLS}, 3rd", needs={Need.DICOM}),
    r.seen("move", "A C-MOVE by POST /modalities/{id}/move runs as a job: it asks for each of its "
           "Resources at its Level, has them sent to TargetAet, by default to the server itself, "
           "and calls by its LocalAet.", since="1.12.7", needs={Need.DICOM}),
    r.seen("get", "A C-GET by POST /modalities/{id}/get runs as a job: it asks for each of its "
           "Resources at its Level.", since="1.12.7", needs={Need.DICOM}),
    r.seen("get-stores", "What a C-GET brings is stored, with the metadata Origin DicomProtocol.",
           since="1.12.7", needs={Need.DICOM}),
    r.page("modality-store", "A C-STORE by POST /modalities/{id}/store runs as a job.",
           f"{CALLS}, 4th", needs={Need.DICOM}),
    r.page("peer-store", "Sending by POST /peers/{id}/store runs as a job.", f"{CALLS}, 5th"),
    r.page("split", "A split by POST /studies/{id}/split runs as a job.",
           f"{CALLS}: split and merge"),
    r.page("merge", "A merge by POST /studies/{id}/merge runs as a job.",
           f"{CALLS}: split and merge"),
    r.later(
        "bulk-modify", "POST /tools/bulk-modify runs as one job for all resources that it lists.",
        f"{NEWS}, 1.9.4", since="1.9.4",
    ),
    r.later(
        "bulk-anonymize",
        "POST /tools/bulk-anonymize runs as one job for all resources that it lists.",
        f"{NEWS}, 1.9.4", since="1.9.4",
    ),
    r.seen(
        "type",
        "Type is Archive, Media, ResourceModification, SplitStudy, MergeStudy, OrthancPeerStore, "
        "DicomModalityStore, DicomMoveScu or DicomGetScu, by the call.",
        note="The page names one of them, in its example: Archive.",
    ),
    r.page(
        "content",
        "Content shows what the page's example shows for its Type, and its like for the others.",
        f"{OF_MONITORING}: example of one job, Content; after the examples, sentence 2",
        reading="Of an archive: Description, InstancesCount, UncompressedSizeMB. Of other types "
        "the fields that every measured server shows in Success: a modification its result. "
        "What it counts of the work of a job is 0 before the job has run.",
    ),
    r.seen(
        "result",
        "When the job has succeeded, what was asked for is done: the copy is changed and has UIDs "
        "of its own, the anonymous one has no name, the series have moved, the source stays, or "
        "goes, as asked; all instances were sent, to the target that was named.",
        note="By default a modification keeps its source, a split and a merge do not.",
    ),
    r.seen(
        "permissive",
        "A store, to a peer as well, and a C-MOVE with Permissive true go on behind a step that "
        "fails, and end in Success. With Permissive false any job fails, as one without it.",
        note="What was not taken is not counted as FailedInstancesCount; what is gone is.",
    ),
    r.seen(
        "archive-output",
        "A job that made an archive gives it at GET /jobs/{id}/archive, and a synchronous call "
        "answers it: a ZIP file of exactly the instances. A job has no output of another name.",
        note="1.10.1 to 1.13.0 send the synchronous answer while the archive is made: a failure "
        "then comes after the status 200, and only the broken connection tells of it.",
    ),
    r.seen(
        "archive-of-what-is-left",
        "An instance that was removed before the job ran does not make an archive fail: it has "
        "all others.",
        note="1.13.0 may have the removed one as well, from its cache.",
    ),
    r.seen("download", "GET /{level}/{id}/archive and media answer what the synchronous call of "
           "the same path does; transcode and extended in the query are its options."),
    r.seen("download-several", "GET /tools/create-archive and create-media answer what the "
           "synchronous calls do, of the resources in the query, which commas part.",
           since="1.12.7"),
    r.seen("archive-configured", "An archive is the same however it is made: with several threads "
           "that load its files (ZipLoaderThreads), or as a whole before it is sent "
           "(SynchronousZipStream false). As many are kept as MediaArchiveSize says.",
           since="1.10.1", needs={Need.MANAGED}),
    r.seen("archive-served",
           "An archive is served as application/zip, by the job and by the synchronous call."),
    r.seen(
        "archive-layout",
        "The files of an archive stand in a folder for the patient, named by its PatientID and "
        "PatientName, in it one for the study, by AccessionNumber and StudyDescription, and in it "
        "one for the series, by Modality and SeriesDescription.",
        note="From 1.12.7 on, the archive of one series begins with the folder of the series.",
    ),
    r.seen("archive-file-name",
           "The name of a file in an archive begins with its Modality and has its InstanceNumber "
           "in it.", since="1.12.7"),
    r.seen("archive-size",
           "Content of a job that made an archive has its size in bytes as ArchiveSize, and the "
           "sum of those of its files as UncompressedSize, both as texts; ArchiveSizeMB and "
           "UncompressedSizeMB are the same in whole units of 1024 * 1024 bytes.", since="1.10.1"),
    r.seen("media-index",
           "A media archive holds a DICOMDIR beside the instances, which refers to each by the "
           "name that it has in the archive."),
    r.seen("permissive-gone", "A job with Permissive true goes on behind an instance that is not "
           "there any more, ends in Success, and counts it as FailedInstancesCount.",
           since="1.9.1"),
    r.seen("put-back", "A split or a merge that has failed for want of an instance succeeds when "
           "it is resubmitted after the instance was stored again.",
           note="What its first run had made stays: it is there twice, on every measured Orthanc."),
    r.seen("put-back-copy", "A modification or an anonymization that has failed for want of an "
           "instance is whole when it is resubmitted after the instance was stored again.",
           since="1.12.7"),
    r.seen("error-of-what-is-gone", "A modification or an anonymization that lacks an instance "
           "fails with ErrorCode 17, Unknown resource.", since="1.12.7"),
    r.seen("overwritten", "A modification that keeps all identifiers, on a server that overwrites "
           "instances, changes what is stored: also the main tags of its study.", since="1.12.7",
           needs={Need.MANAGED}),
    r.seen("put-back-sent", "A store that has failed for want of an instance counts it as "
           "FailedInstancesCount; it succeeds, and counts none, when it is resubmitted after the "
           "instance was stored again."),
    r.seen("association-released", "When a job that sends by C-STORE or C-MOVE has ended, or is "
           "Paused, its association with the modality has ended.", needs={Need.DICOM}),
    r.seen("failure-details", "A store to a modality that cannot be reached tells of it in "
           "ErrorDetails, and the synchronous call in the Details of its answer.",
           since="1.10.1", needs={Need.DICOM}),
    r.seen("retrieve-progress", "While a job asks for its only match by C-MOVE or C-GET, Progress "
           "is the per cent of the sub-operations that are completed, failed or ended with a "
           "warning, by the numbers in the pending responses.", since="1.12.7", needs={Need.DICOM}),
    r.seen("unknown-sent", "A store of a resource that is not there is answered 404, and makes no "
           "job.", until="1.12.7", note="1.13.0 answers 500."),
    r.seen("storage-commitment", "A modality that asks for a storage commitment gets one report: "
           "what is stored, and of the rest that it is unknown (0112) or of another class (0119). "
           "It is a job of Type StorageCommitmentScp, whose Content has CalledAet, RemoteAet and "
           "TransactionUid.", since="1.9.1", needs={Need.DICOM}),
    r.seen("autorouting", "What a Lua script of the server's owner sends is done by one job "
           "of Type SequenceOfOperations and Priority 0, an operation for each: Content has their "
           "number as CountOperations, and Lua as Description; what is sent before the job has "
           "ended is added to it.",
           since="1.9.1", needs={Need.MANAGED}),
    r.seen("autorouting-chain", "A Lua script may chain operations: what ModifyInstance has made "
           "is sent, and then deleted; its source stays. What CallSystem runs a command on goes on "
           "if that succeeds, and SendToModality sends by C-STORE, as the title that it names. "
           "Each is an operation of the job.",
           since="1.9.1", needs={Need.MANAGED}),
    r.seen("autorouting-told", "A Lua script is told of each job that has succeeded by "
           "OnJobSuccess, and of each that has failed by OnJobFailure.",
           since="1.9.1", needs={Need.MANAGED}),
    r.seen("made-from", "The metadata ModifiedFrom, or AnonymizedFrom, of a copy, of each of its "
           "instances, and of the series, study and patient that are new with it, name what it is "
           "a copy of.", since="1.9.1"),
    r.seen("references", "Where an instance refers to one that is anonymized with it, its copy "
           "refers to the copy of that one.", since="1.9.1"),
    r.seen("merged-tags", "Merged instances have the patient's and the study's tags of the study "
           "they went to, and none that it lacks.", since="1.9.1"),
    r.seen("sanity", "A modification is refused that would lose data or contradict what is stored: "
           "of all identifiers kept without the source, of a patient's tags in one of several "
           "studies.", since="1.12.7"),
    r.seen("origin", "The metadata Origin of an instance that a job has made is RestApi.",
           since="1.9.1"),
    r.seen("parent-resources", "Content of a job names the resources that the call named as "
           "ParentResources.", since="1.12.7"),
    r.seen("resources-listed",
           "Content of a store shows as ParentResources, in order and once each, what its call "
           "listed."),
    r.seen("peer-size",
           "Content of a store at a peer shows as Size, a text, how many bytes were sent: of "
           "compressed instances, of what they were compressed to; SizeMB is the same in whole "
           "units of 1024 * 1024 bytes."),
    r.seen("store-converted",
           "A C-STORE of an instance in a transfer syntax that the modality does not take sends it "
           "in one that it takes, by default, where that can be done.",
           since="1.9.1", needs={Need.DICOM}),
    r.seen("local-aet",
           "Content of a C-STORE or C-MOVE shows as LocalAet the title by which the server calls.",
           needs={Need.DICOM}),
    r.seen("target-shown", "Content of a C-MOVE shows where it has the matches sent, as TargetAet.",
           since="1.12.7", needs={Need.DICOM}),
    r.seen("query-shown",
           "Content of a C-MOVE or C-GET shows as Query the level and the keys of each match that "
           "it asks for.", needs={Need.DICOM}),
    r.seen("level", "A call on a resource of another level than its path says is answered 404.",
           since="1.12.7"),
    r.seen("refused",
           "A call that does not say what it needs to say, or names what is not there, is refused, "
           "and makes no job."),
    *transfers.ENTRIES,
    *(_call(position, action) for position, action in enumerate(table.ACTIONS, start=1)),
)
