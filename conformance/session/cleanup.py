"""Leave nothing behind: what the kit made is found on the server again, and removed.

Little here relies on what a run remembers. Jobs are ours when they send to the gate's secret
address or title; instances, when they belong to the run's patient; peers and modalities, when
they bear the run's name. So an interrupt in the middle of a request leaves nothing unaccounted
for. Only jobs of other kinds, and what they stored under other patients, are known from their
answers.
"""

from __future__ import annotations

import time
from typing import Any

from conformance.driver.ending import ask_to_end
from conformance.driver.resources import Resources
from conformance.errors import Unjudged
from conformance.events import Cleanup, Left
from conformance.sut.client import Client
from conformance.timing import TIMING
from spec.table import FINAL


def clean(resources: Resources, deletes: bool) -> Cleanup:
    """Remove jobs, peers and instances of the run; what is left is named, with the reason."""
    resources.gate.drain()
    client = Client(
        resources.client.address, timeout=min(resources.client.timeout, TIMING.cleaning)
    )
    client.requests = resources.client.requests
    client.ends = time.monotonic() + TIMING.cleaned
    deadline = time.monotonic() + TIMING.cleaning
    removed, left = 0, []
    try:
        for part in (_jobs, _peers, _modalities, _instances):
            gone, rest = part(client, resources, deletes, deadline)
            removed += gone
            left += rest
    except Unjudged as error:
        left.append(Left("server", client.address.url, f"cleaning up was cut short: {error}"))
    finally:
        resources.client.requests = client.requests
        client.close()
    return Cleanup(removed, tuple(left))


def is_ours(job: Any, resources: Resources) -> bool:
    """Whether a job, as `/jobs?expand` shows it, sends to our gate, or bears our Priority."""
    if not isinstance(job, dict):
        return False
    noted = job.get("ID") in resources.others or job.get("Priority") == resources.priority
    return noted or resources.gate.is_named_in(str(job.get("Content")))


Part = tuple[int, list[Left]]


def _jobs(client: Client, resources: Resources, deletes: bool, deadline: float) -> Part:
    ours = _await_end(client, resources, deadline)
    removed, left = 0, []
    for job in ours:
        state, name = job.get("State"), str(job.get("ID"))
        if state not in FINAL:
            left.append(Left("job", name, f"it is still {state}"))
        elif not deletes:
            left.append(Left("job", name, "this server cannot delete a job"))
        elif client.delete(f"/jobs/{name}").status in (200, 404):
            removed += 1
        else:
            left.append(Left("job", name, "the server refused to delete it"))
    return removed, left


def _await_end(client: Client, resources: Resources, deadline: float) -> list[dict[str, Any]]:
    """Our jobs, when all of them are completed; the gate fails every step meanwhile."""
    while True:
        ours = [job for job in client.get("/jobs?expand").jobs() if is_ours(job, resources)]
        late = time.monotonic() > deadline
        if late or not [job for job in ours if ask_to_end(client, job["ID"], job["State"])]:
            return ours
        resources.gate.arrivals()
        resources.gate.wait(TIMING.cleaning_tick)


def _peers(client: Client, resources: Resources, _: bool, deadline: float) -> Part:
    return _named(client, resources, "peer", "/peers", deadline)


def _modalities(client: Client, resources: Resources, _: bool, deadline: float) -> Part:
    return _named(client, resources, "modality", "/modalities", deadline)


def _named(client: Client, resources: Resources, kind: str, path: str, deadline: float) -> Part:
    """Remove what bears the run's name."""
    found = client.get(path).json()
    names = [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
    ours = [name for name in names if name.startswith(resources.peer_prefix)]
    return _remove(client, kind, [(name, f"{path}/{name}") for name in ours], deadline)


def _instances(client: Client, resources: Resources, _: bool, deadline: float) -> Part:
    found = [(name, f"/instances/{name}") for name in resources.instances]
    found += [(path, path) for path in resources.stored]
    removed, left = _remove(client, "instance", found, deadline)
    patient = f"/patients/{resources.patient_id}"
    if client.get(patient).ok:  # one that was made, and whose answer we did not see
        more = _remove(client, "instance", [(resources.patient_id, patient)], deadline)
        return removed + more[0], left + more[1]
    return removed, left


def _remove(
    client: Client, kind: str, paths: list[tuple[str, str]], deadline: float
) -> tuple[int, list[Left]]:
    removed, left = 0, []
    for name, path in paths:
        if time.monotonic() > deadline:
            left.append(Left(kind, name, "there was no time left to remove it"))
            continue
        reply = client.delete(path)
        if reply.status in (200, 404):
            removed += 1
        else:
            left.append(Left(kind, name, f"the server refused to remove it: {reply}"))
    return removed, left
