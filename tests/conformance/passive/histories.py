"""Jobs as a server would show them."""

from __future__ import annotations

from typing import Any

BIRTH = "20261125T000000.000000"
DONE = "20261125T000009.000000"


def job(
    state: str,
    id: str = "A",
    progress: int | None = None,
    error: int | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """A job as the server shows it, with what belongs to its state unless said otherwise."""
    found: dict[str, Any] = {
        "ID": id,
        "State": state,
        "Type": "OrthancPeerStore",
        "CreationTime": BIRTH,
        "ErrorCode": {"Failure": 9}.get(state, 0) if error is None else error,
        "Progress": {"Success": 100}.get(state, 0) if progress is None else progress,
        "Priority": 0,
        "EffectiveRuntime": 0.0,
    }
    if state in ("Success", "Failure"):
        found["CompletionTime"] = DONE
    return found | fields
