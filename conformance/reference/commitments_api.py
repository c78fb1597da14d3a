"""The calls around storage commitment: to ask a modality for it, and what it has answered."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.reference import associations
from conformance.reference.answers import done_answer, json_answer
from conformance.reference.bodies import read_json, timeout
from conformance.reference.commitments import CLASS_CONFLICT, NO_SUCH_INSTANCE
from conformance.reference.errors import ErrorCode, RestError, bad_request, not_found
from conformance.reference.modalities import modality_of
from conformance.reference.routing import Route
from conformance.reference.selection import instances_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from conformance.reference.associations import Caller
    from conformance.reference.commitments import Asked, Commitments, Reference
    from conformance.reference.modalities import Modality
    from conformance.reference.storage import Storage

_REASONS = {
    0x0110: "A general failure in processing the operation was encountered",
    NO_SUCH_INSTANCE: "There is no such instance",
    0x0213: "There are not enough resources to keep the instance",
    0x0122: "The class of the instance is not supported",
    CLASS_CONFLICT: "The instance is of another class",
    0x0131: "The transaction is known already",
}


class CommitmentsApi:
    """These calls (the forms: Orthanc 1.10.1)."""

    def __init__(
        self,
        storage: Storage,
        caller: Caller,
        modalities: Mapping[str, Modality],
        commitments: Commitments,
    ) -> None:
        self._storage = storage
        self._caller = caller
        self._modalities = modalities
        self._commitments = commitments

    def routes(self) -> list[Route]:
        """The routes."""
        one = "/storage-commitment/{transaction}"
        return [
            Route("/modalities/{name}/storage-commitment", self._ask, methods=["POST"]),
            Route(one, self._show, methods=["GET"]),
            Route(f"{one}/remove", self._remove, methods=["POST"]),
        ]

    async def _ask(self, request: Request) -> Response:
        modality = modality_of(self._modalities, request.path_params["name"])
        fields = await read_json(request)
        if not isinstance(fields, dict):
            raise bad_request("The body must be an object that names instances")
        wanted = [*self._resources(fields), *_instances(fields)]
        caller, seconds = self._caller.calling(modality), timeout(fields)
        caller = caller if seconds is None else replace(caller, timeout=seconds)
        transaction = associations.new_transaction()
        self._commitments.ask(transaction, modality.aet)
        try:
            await asyncio.to_thread(
                associations.ask_for_commitment, caller, modality, transaction, wanted
            )
        except associations.DicomError as error:
            self._commitments.withdraw(transaction)
            code = ErrorCode.NETWORK_PROTOCOL
            raise RestError(code.status, code, str(error)) from error
        return json_answer({"ID": transaction, "Path": f"/storage-commitment/{transaction}"})

    def _resources(self, fields: dict[str, object]) -> list[Reference]:
        """The instances of the resources that a call names. Raises `RestError` (400, 404)."""
        if "Resources" not in fields and "DicomInstances" not in fields:
            raise bad_request("One of these fields is needed: Resources, DicomInstances")
        listed = fields.get("Resources", [])
        if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
            raise bad_request("Resources must be an array of identifiers")
        found = (each for one in listed for each in instances_of(self._storage, one))
        return [(each.sop_class_uid, each.sop_instance_uid) for each in found]

    async def _show(self, request: Request) -> Response:
        asked = self._asked(request)
        shown: dict[str, object] = {"RemoteAET": asked.remote_aet, "Status": "Pending"}
        if asked.reported:
            shown["Failures"] = [
                {
                    "Description": _REASONS.get(reason, "Unknown"),
                    "FailureReason": reason,
                    **_named((sop_class, uid)),
                }
                for sop_class, uid, reason in asked.failed
            ]
            shown["Status"] = "Failure" if asked.failed else "Success"
            shown["Success"] = [_named(each) for each in asked.stored]
        return json_answer(dict(sorted(shown.items())))

    async def _remove(self, request: Request) -> Response:
        """Remove the instances: the modality has committed itself to keep them."""
        asked = self._asked(request)
        if asked.failed or not asked.reported:
            details = "Only what a modality keeps is removed"
            code = ErrorCode.BAD_SEQUENCE_OF_CALLS
            raise RestError(code.status, code, details)
        kept = set(asked.stored)
        for each in self._storage.all():
            if (each.sop_class_uid, each.sop_instance_uid) in kept:
                self._storage.remove(each.id)
        return done_answer()

    def _asked(self, request: Request) -> Asked:
        """The commitment that the path names. Raises `RestError` (404)."""
        asked = self._commitments.get(request.path_params["transaction"])
        if asked is None:
            raise not_found("There is no such transaction")
        return asked


def _instances(fields: dict[str, object]) -> list[Reference]:
    """The instances that a call names by class and UID. Raises `RestError` (400)."""
    listed = fields.get("DicomInstances", [])
    if not isinstance(listed, list):
        raise bad_request("DicomInstances must be an array")
    return [_reference(each) for each in listed]


def _reference(value: object) -> Reference:
    """An instance as an object with its class and its UID, or an array of both."""
    if isinstance(value, dict):
        value = [value.get("SOPClassUID"), value.get("SOPInstanceUID")]
    match value:
        case [str(sop_class), str(uid)]:
            return sop_class, uid
    raise bad_request("Of each instance SOPClassUID and SOPInstanceUID are needed")


def _named(reference: Reference) -> dict[str, str]:
    return {"SOPClassUID": reference[0], "SOPInstanceUID": reference[1]}
