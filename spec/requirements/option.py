"""What the options of the calls that create jobs change in what their jobs do."""

from __future__ import annotations

from spec.requirements.model import Need, Requirement
from spec.requirements.section import Section

# fmt: off

o = Section("option")

ENTRIES: tuple[Requirement, ...] = (
    o.seen("archive-transcode",
           "Transcode of an archive or a medium: each file of it has this transfer syntax, and "
           "Content names it.", since="1.7.0"),
    o.seen("archive-lossy-quality",
           "LossyQuality of an archive or a medium whose Transcode loses something, and "
           "lossy-quality of a GET: the lower it is, the smaller are the images.", since="1.12.7"),
    o.seen("archive-filename",
           "Filename of an archive or a medium: the archive is offered under this name, by a "
           "synchronous call and by /jobs/{id}/archive. Without it the name is that of the "
           "resource, or Archive.zip for several.", since="1.12.7"),
    o.seen("media-extended",
           "Extended of a medium, and the call create-media-extended, which has it by default: "
           "the series of the index have a SeriesDescription, and otherwise none.",
           since="1.9.1"),
    o.seen("archive-list",
           "The body of a call create-archive or create-media may be the array of resources "
           "itself."),
    o.seen("remove", "Remove of a modification, an anonymization or a split: the copies lack these "
           "tags.", since="1.9.1"),
    o.seen("replace", "Replace of a modification, an anonymization or a split: the copies have "
           "these tags with these values.", since="1.9.1"),
    o.seen("path", "Remove and Replace of a modification may name a tag within a sequence, by what "
           "leads there: Sequence[0].Tag.", since="1.9.4"),
    o.seen("keep", "Keep of a modification or an anonymization: the copies have these tags, "
           "identifiers too, as the source has them.", since="1.9.1",
           note="To keep an identifier takes Force."),
    o.seen("private", "RemovePrivateTags of a modification, and KeepPrivateTags of an "
           "anonymization, decide whether the copies have the private tags of the source. By "
           "default a modification keeps and an anonymization removes them.", since="1.9.1"),
    o.seen("private-within", "An anonymization that keeps no private tags removes those within "
           "sequences, too, and leaves there what is of no person.", since="1.10.1"),
    o.seen("transcode", "Transcode of a modification or an anonymization: the copies have this "
           "transfer syntax, and Content names it.", since="1.7.0"),
    o.seen("transcode-left", "A modification or an anonymization leaves an instance that cannot be "
           "transcoded in the transfer syntax that it has.", since="1.9.1"),
    o.seen("transcode-lossy", "A Transcode that loses something leaves the SOPInstanceUID that "
           "Keep names as it is.", since="1.9.1"),
    o.seen("split-instances", "A split may name Instances in place of Series, or beside them.",
           since="1.10.1"),
    o.seen("merge-instances", "A merge may name single instances, and several resources of any "
           "level.", since="1.10.1"),
    o.seen("bulk-level", "A bulk modification that names no Level is one of patients where Replace "
           "has a PatientID, and otherwise of instances, which stay in their series.",
           since="1.9.4"),
    o.seen("keep-labels", "KeepLabels of a modification or an anonymization: the copy has the "
           "labels of its source, and so have its series and its patient, where they are new; by "
           "default it has none.", since="1.12.7"),
    o.seen("dicom-version", "DicomVersion of an anonymization: the copies lack what this version "
           "of the standard's profile takes out; 2008 leaves StudyDate, 2017c does not.",
           since="1.9.1"),
    o.seen("anonymous-name", "An anonymization that names no other PatientName calls the patient "
           "Anonymized and a number.", since="1.9.1"),
    o.seen("attached", "A modification may give a study, or all that a patient has, to a patient "
           "that is there, with studies of its own, by Replace of all tags of that one.",
           since="1.12.7"),
    o.seen("peer-compress",
           "Compress of a store at a peer: each instance is sent as gzip, and a Content-Encoding "
           "says so; Content shows Compress true. By default it is sent as it is."),
    o.seen("peer-transcode",
           "Transcode of a store at a peer: each instance arrives in this transfer syntax, and "
           "Content names it; one that cannot be transcoded arrives as it is.", since="1.9.1"),
    o.seen("peer-login",
           "The Username, Password and HttpHeaders of a peer come with each instance that is sent "
           "there, and the password stands in no Content."),
    o.seen("store-local-aet",
           "LocalAet of a C-STORE is the title by which the server calls, and that Content shows.",
           needs={Need.DICOM}),
    o.seen("store-registered-local-aet",
           "A modality that is registered with a LocalAet is called by that title, where the call "
           "names no other one.", since="1.10.1", needs={Need.DICOM}),
    o.seen("store-called-aet",
           "CalledAet of a C-STORE is the title that is called, and that Content shows as "
           "RemoteAet.", since="1.12.7", needs={Need.DICOM}),
    o.seen("store-address",
           "Host and Port of a C-STORE say where the modality is, whatever is registered.",
           since="1.12.7", needs={Need.DICOM}),
    o.seen("store-move-originator",
           "MoveOriginatorID of a C-STORE, with MoveOriginatorAet or the server's own title, "
           "comes with each instance, and Content shows both; a title alone is ignored.",
           since="1.9.1", needs={Need.DICOM}),
    o.seen("storage-commitment",
           "StorageCommitment of a C-STORE: behind the last instance, an N-ACTION asks for all of "
           "them, by a transaction that Content shows; a resubmitted job makes a new one.",
           since="1.9.1", needs={Need.DICOM}),
    o.seen("store-body",
           "The body of a store may be the array of resources itself, or one resource: as a JSON "
           "text, or bare."),
    o.seen("store-timeout",
           "Timeout of a C-STORE: so many seconds may the modality take for an answer.",
           needs={Need.DICOM}),
    o.seen("retrieve-timeout",
           "Timeout of a retrieve: so many seconds may the modality take for an answer.",
           needs={Need.DICOM}),
    o.seen("query-timeout",
           "Timeout of a query: so many seconds may the modality take for an answer to a retrieve "
           "of what it has found.", since="1.9.1", needs={Need.DICOM}),
    o.seen("retrieve-one-answer",
           "A retrieve of one answer of a query asks for exactly that.", needs={Need.DICOM}),
    o.seen("retrieve-format",
           "Full of a retrieve: Content shows each tag of Query with name, type and value; "
           "Simplify: by its name. By default it is shown by its number.",
           since="1.10.1", needs={Need.DICOM}),
    o.seen("retrieve-local-aet",
           "LocalAet of a query is the title by which the server calls to retrieve what it has "
           "found, and that Content shows.", since="1.9.1", needs={Need.DICOM}),
    o.seen("retrieve-target",
           "TargetAet of a retrieve, which may be the body itself, is where the C-MOVE has it "
           "sent; without one it is the server.", needs={Need.DICOM}),
    o.seen("retrieve-level",
           "What a query has found at a level is retrieved at that level, by all keys down to "
           "it.", since="1.9.1", needs={Need.DICOM}),
    o.seen("retrieve-instances",
           "What a query has found at the level Instance is retrieved at that level, and Content "
           "shows its SOPInstanceUID.", since="1.12.7", needs={Need.DICOM}),
    o.seen("retrieve-method",
           "RetrieveMethod of a retrieve is C-MOVE or C-GET: a job of Type DicomMoveScu or "
           "DicomGetScu, which uses that service.", since="1.12.7", needs={Need.DICOM}),
    o.seen("get-classes",
           "A C-GET of what a query has found is for the SOP classes that the matches name as "
           "SOPClassesInStudy, where they name any, and otherwise for many.",
           since="1.12.7", needs={Need.DICOM}),
)
