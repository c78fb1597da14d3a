"""What the options of the calls that create jobs change in what their jobs do."""

from __future__ import annotations

from spec.requirements.model import Requirement
from spec.requirements.section import Section

# fmt: off

o = Section("option")

ENTRIES: tuple[Requirement, ...] = (
    o.seen("archive-transcode",
           "Transcode of an archive or a medium: each file of it has this transfer syntax, and "
           "Content names it.", since="1.7.0"),
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
    o.seen("keep", "Keep of a modification or an anonymization: the copies have these tags, "
           "identifiers too, as the source has them.", since="1.9.1",
           note="To keep an identifier takes Force."),
    o.seen("private", "RemovePrivateTags of a modification, and KeepPrivateTags of an "
           "anonymization, decide whether the copies have the private tags of the source. By "
           "default a modification keeps and an anonymization removes them.", since="1.9.1"),
    o.seen("transcode", "Transcode of a modification or an anonymization: the copies have this "
           "transfer syntax, and Content names it.", since="1.7.0"),
    o.seen("split-instances", "A split may name Instances in place of Series.", since="1.10.1"),
    o.seen("merge-instances", "A merge may name single instances.", since="1.10.1"),
    o.seen("anonymous-name", "An anonymization that names no other PatientName calls the patient "
           "Anonymized and a number.", since="1.9.1"),
)
