"""The public interface of the conformance kit for Orthanc's jobs engine.

These are the names to build on; everything else in `spec` and `conformance` may change with any
version. What is public here changes only with a new first number of the version (from 1.0.0 on),
and is announced in the changelog before.

    run                 hold a server to the specification: a `Report`
    Report, Case        what a run has come to, as data
    table               states and actions: ``table.may("Paused", "resume")``
    Oracle              tell it what was seen of jobs, ask what is allowed
    check_trace         judge a recorded history
    check_client        hold a function that waits for jobs to what is asked of callers
    Impossible          what no server may show, as these two tell it
    reference_server    a test double of Orthanc's jobs engine, under control, as a context manager
    ReferenceServer     what it gives: ``server.url``, ``server.control``, ``server.restart()``
    Gate                a peer whose answers decide when the steps of a job end
    Error               what the caller has to mend: its text says what to do

`orthanc_jobs.testing` has what belongs to tests: the stateful search as a state machine of
Hypothesis. ``pytest --orthanc-jobs`` is in `orthanc_jobs.pytest_plugin`.

Importing this package imports nothing else: a name is loaded when it is first used. Then it is
seen, too, whether `spec` and `conformance` are ours, or somebody else's of that name.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.errors import KitError as Error
    from conformance.passive.finding import Impossible
    from conformance.peer.gate import Gate
    from conformance.reference.double import ReferenceServer, reference_server
    from orthanc_jobs import table
    from orthanc_jobs.history import Oracle, check_trace
    from orthanc_jobs.running import Case, Report, run
    from orthanc_jobs.scenarios import check_client

__all__ = [
    "Case",
    "Error",
    "Gate",
    "Impossible",
    "Oracle",
    "ReferenceServer",
    "Report",
    "__version__",
    "check_client",
    "check_trace",
    "reference_server",
    "run",
    "table",
]
# Where each name is, and what it is called there; "" is the whole module.
_PLACES = {
    "Case": ("orthanc_jobs.running", "Case"),
    "Error": ("conformance.errors", "KitError"),
    "Gate": ("conformance.peer.gate", "Gate"),
    "Impossible": ("conformance.passive.finding", "Impossible"),
    "Oracle": ("orthanc_jobs.history", "Oracle"),
    "ReferenceServer": ("conformance.reference.double", "ReferenceServer"),
    "Report": ("orthanc_jobs.running", "Report"),
    "check_client": ("orthanc_jobs.scenarios", "check_client"),
    "check_trace": ("orthanc_jobs.history", "check_trace"),
    "reference_server": ("conformance.reference.double", "reference_server"),
    "run": ("orthanc_jobs.running", "run"),
    "table": ("orthanc_jobs.table", ""),
}


def __getattr__(name: str) -> Any:
    """A public name. Raises `ImportError` where `spec` or `conformance` is somebody else's."""
    if name == "__version__":
        from importlib.metadata import version

        return version("orthanc-jobs-conformance")
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from orthanc_jobs.ours import check

    check()
    place, called = _PLACES[name]
    module = import_module(place)
    found = getattr(module, called) if called else module
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
