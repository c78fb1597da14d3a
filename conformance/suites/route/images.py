"""`route/<copy>/untranscodable`, `…/lossy`, `…/references`, `…/within`: what else is in a copy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from conformance.driver.context import Context
from conformance.suites.case import Case, Check
from conformance.suites.needs import EXPENDABLE, of_a_call, offered
from conformance.suites.route.calls.copies import anonymous, changes
from conformance.suites.route.calls.peers import JPEG_2000, no_image
from conformance.suites.route.calls.stored import instance_tags, instances, one_instance
from conformance.suites.route.lossy import JPEG, noise
from conformance.suites.route.samples import IMPLICIT, PRIVATE, patient_id, referring, store, uid
from conformance.sut.profile import Profile

LEFT, LOSSY = "option/transcode-left", "option/transcode-lossy"
REFERS = "route/references"
REPLACED, WITHIN = "option/replace", "option/private-within"
NESTED = "PixelMeasuresSequence[0].Rows"
NESTED_PRIVATE = f"PixelMeasuresSequence[0].{PRIVATE}"
SYNTAX, UID = "TransferSyntaxUID", "SOPInstanceUID"
REFERENCE = "ReferencedImageSequence[0].ReferencedSOPInstanceUID"
BODIES: dict[str, Callable[[Context], dict[str, Any]]] = {
    "modify": lambda context: changes(context, "study"),
    "anonymize": anonymous,
}


def cases(_: Profile) -> Iterator[Case]:
    for copy in BODIES:
        for name, needed, check in (("untranscodable", LEFT, left), ("lossy", LOSSY, lossy)):
            needs = (EXPENDABLE, of_a_call(needed), offered(needed))
            yield Check(f"route/{copy}/{name}", needed, check=partial(check, copy), needs=needs)
    for name, about, sees in (("references", REFERS, refers), ("within", WITHIN, within)):
        of_it = (EXPENDABLE, of_a_call(about))
        yield Check(f"route/anonymize/{name}", about, check=sees, needs=of_it)


def left(copy: str, context: Context) -> None:
    """An instance whose image is none cannot be transcoded: its copy has the same syntax."""
    study = _stored(context, no_image(patient_id(context)))
    tags = one_instance(context, _copied(context, study, copy, LEFT, {"Transcode": IMPLICIT}))
    context.equal(LEFT, f"{SYNTAX} of the copy", JPEG_2000, tags.get(SYNTAX))


def lossy(copy: str, context: Context) -> None:
    """An image of which a part is lost is another one, and has the identifier that is kept."""
    study = _stored(context, noise(patient_id(context)))
    (source,) = instance_tags(context, f"/studies/{study}")
    body = {"Transcode": JPEG, "Keep": [UID], "Force": True}
    tags = one_instance(context, _copied(context, study, copy, LOSSY, body))
    context.equal(LOSSY, f"{SYNTAX} of the copy", JPEG, tags.get(SYNTAX))
    context.equal(LOSSY, f"{UID} of the copy", source.get(UID), tags.get(UID))


def refers(context: Context) -> None:
    """An instance that refers to itself: its copy refers to the copy, whoever names that."""
    study = _stored(context, referring(patient_id(context)))
    tags = one_instance(context, _copied(context, study, "anonymize", REFERS, {}))
    context.equal(REFERS, f"{UID} that the copy refers to", tags.get(UID), tags.get(REFERENCE))
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", UID):
        named = {"Replace": {"PatientID": patient_id(context), keyword: uid()}}
        copy = _copied(context, study, "anonymize", REPLACED, named)
        given = named["Replace"][keyword]
        tags = one_instance(context, copy)
        context.equal(REPLACED, f"{keyword} of the copy", given, tags.get(keyword))


def within(context: Context) -> None:
    """Within a sequence an anonymization removes private tags, and nothing that is of no person."""
    study = _stored(context, referring(patient_id(context)))
    tags = one_instance(context, _copied(context, study, "anonymize", WITHIN, {}))
    context.equal(WITHIN, f"{NESTED} of the copy", "2", tags.get(NESTED))
    context.equal(WITHIN, f"{NESTED_PRIVATE} of the copy", None, tags.get(NESTED_PRIVATE))


def _stored(context: Context, file: bytes) -> str:
    """The id of the study of a file of ours. Raises `Unjudged` where the server takes it not."""
    return str(store(context, file).get("ParentStudy"))


def _copied(context: Context, study: str, copy: str, needed: str, body: dict[str, Any]) -> str:
    """The path of the only instance of the copy that is made of a study."""
    asked = {**BODIES[copy](context), **body, "Synchronous": True}
    reply = context.post(f"/studies/{study}/{copy}", asked)
    context.require(needed, reply.ok, "HTTP 200 with the result", reply)
    result = reply.json()
    made = instances(context, f"/studies/{result.get('ID') if isinstance(result, dict) else None}")
    context.equal(needed, "instances of the copy", 1, len(made))
    return made[0]
