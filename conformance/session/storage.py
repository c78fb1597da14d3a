"""The storage of somebody's server: nothing goes out of it for what the kit stores, and that stays.

An Orthanc that holds as much as it may (MaximumPatientCount, MaximumStorageSize) removes its oldest
patient for a new one, or, with the MaximumStorageMode Reject, takes no new one. What it removes may
be somebody's, or of ours, and a job is to work on it.
"""

from __future__ import annotations

from typing import Any

from conformance import marks
from conformance.driver.resources import Resources
from conformance.errors import NotKept, Unjudged
from conformance.oracle.shown import id_in
from conformance.sut.client import Client
from conformance.sut.identity import System
from conformance.sut.trouble import REFUSALS

PATIENTS, MEGABYTES = 20, 100  # more than a run has on a server at one time
# What is told of both, and of what there is: the keys of /system and of /statistics.
BOUNDS = (("MaximumPatientCount", "CountPatients", PATIENTS),
          ("MaximumStorageSize", "TotalDiskSizeMB", MEGABYTES))  # fmt: skip
FULL = 507  # the status by which something is not taken
TRIES = 2  # somebody may remove a patient just when we store one
READ_ONLY = "ReadOnly"  # a switch of a configuration, of which an Orthanc tells from 1.12.5 on
ELSEWHERE = "Run this on a server that keeps what it is given."
CURE = f"Make room there. Or: {ELSEWHERE}"


def see_room(client: Client, system: System) -> None:
    """See that a server takes what a run stores, as far as it tells. Raises `NotKept`."""
    told = system.told
    if told.get(READ_ONLY) is True:
        raise NotKept(f"this server stores nothing ({READ_ONLY}), and a run has to.\n{ELSEWHERE}")
    if not any(_number(told.get(bound)) for bound, _, _ in BOUNDS):
        return
    there = _statistics(client)
    for bound, key, needed in BOUNDS:
        most, has = _number(told.get(bound)), _number(there.get(key))
        if most and has + needed > most:
            raise NotKept(
                f"this server has {has} of its {bound} of {most}. Where that is not enough, it"
                f" removes its oldest patients, who may be somebody's, or takes none.\n{CURE}"
            )


def tells(system: System) -> bool:
    """Whether a server tells of its bounds, as an Orthanc does from 1.12 on."""
    return all(bound in system.told for bound, _, _ in BOUNDS)


def see_kept(resources: Resources) -> None:
    """See that what we have stored is there, and that one more is. Raises `NotKept`, `Unjudged`."""
    for id in resources.instances:
        if resources.client.get(f"/instances/{id}").status == 404:
            raise NotKept(
                f"instance {id}, which the kit has stored, is gone. The server removes what is"
                " old (MaximumPatientCount, MaximumStorageSize), or something deletes what comes,"
                f" as a Lua script may.\n{CURE}"
            )
    if not any(_one_more(resources) for _ in range(TRIES)):
        raise NotKept(
            "one more patient was stored, and the server has no more of them than before. So it"
            f" removes the oldest (MaximumPatientCount, MaximumStorageSize).\n{CURE}"
        )


def see_removed(resources: Resources) -> None:
    """See that what we store can be removed again. Raises `NotKept`, `Unjudged`."""
    if (made := _stored(resources)) is not None:
        _remove(resources.client, made)


def _one_more(resources: Resources) -> bool:
    """Whether a server has more patients when we have stored one; which is removed again."""
    client = resources.client
    before = _number(_statistics(client).get("CountPatients"))
    if (made := _stored(resources)) is None:
        return True
    after = _number(_statistics(client).get("CountPatients"))
    _remove(client, made)
    return after > before or not after


def _stored(resources: Resources) -> str | None:
    """The path of one more patient; None where none was made, as is told when one is needed.

    Raises `NotKept` where there is no room for it.
    """
    name = f"{resources.patient}-{marks.run()}"
    reply = resources.client.post("/tools/create-dicom", {"Tags": {"PatientID": name}})
    if reply.status == FULL:
        raise NotKept(f"its storage is full: POST /tools/create-dicom gave {reply}\n{CURE}")
    return None if id_in(reply.json()) is None else f"/patients/{marks.orthanc_id(name)}"


def _remove(client: Client, path: str) -> None:
    """Remove a patient, as a run does at its end. Raises `NotKept` where the user may not."""
    reply = client.delete(path)
    if reply.status in REFUSALS:
        raise NotKept(
            f"this server takes what is stored, and does not let its user remove it: DELETE {path}"
            f" gave {reply}\nGive a user who may, or a run leaves all that it stores."
        )


def _statistics(client: Client) -> dict[str, Any]:
    found = client.get("/statistics").json()
    if not isinstance(found, dict):
        raise Unjudged("the server does not tell how much it has stored")
    return found


def _number(value: object) -> int:
    """A number that is told; 0 where none is."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
