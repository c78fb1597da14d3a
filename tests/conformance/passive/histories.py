"""Jobs as a server would show them, at the time `NOW`."""

from __future__ import annotations

from typing import Any

BIRTH = "20261124T235900.000000"
DONE = "20261124T235950.000000"
NOW = "20261125T000000.000000"
SAID = {0: "Success", 9: "Error in the network protocol", 37: "Canceled job"}
CONTENT = {
    "Description": "REST API",
    "FailedInstancesCount": 0,
    "InstancesCount": 6,
    "ParentResources": [],
    "Peer": ["http://127.0.0.1:8043/"],
}


def job(
    state: str,
    id: str = "A",
    progress: int | None = None,
    error: int | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """A job as the server shows it, with what belongs to its state unless said otherwise."""
    code = {"Failure": 9}.get(state, 0) if error is None else error
    found: dict[str, Any] = {
        "Content": CONTENT,
        "ErrorDescription": SAID.get(code, "Error"),
        "ErrorDetails": "",
        "Timestamp": NOW,
        "ID": id,
        "State": state,
        "Type": "OrthancPeerStore",
        "CreationTime": BIRTH,
        "ErrorCode": code,
        "Progress": {"Success": 100}.get(state, 0) if progress is None else progress,
        "Priority": 0,
        "EffectiveRuntime": 0.0,
    }
    if state in ("Success", "Failure"):
        found["CompletionTime"] = DONE
    return found | fields
