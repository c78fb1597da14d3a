"""Patients, studies, series and instances: read from above and below, and removed."""

from __future__ import annotations

from tests.conformance.reference.harness import Reply, Server
from tests.conformance.reference.route_harness import refused, study


def test_browsing(shared: Server) -> None:
    made = study(shared, 2, 1, patient="browse")
    first, second = made.series
    patient = shared.call("GET", f"/patients/{made.patient}").json
    assert (patient["Type"], patient["Studies"]) == ("Patient", [made.id])
    assert patient["MainDicomTags"]["PatientName"] == "Doe^Jane"
    shown = shared.call("GET", f"/studies/{made.id}").json
    assert (shown["Series"], shown["ParentPatient"]) == ([first, second], made.patient)
    assert shown["MainDicomTags"]["StudyInstanceUID"] == made.uid
    assert shown["PatientMainDicomTags"]["PatientID"] == "browse"
    series = shared.call("GET", f"/series/{first}").json
    assert (series["Instances"], series["ParentStudy"]) == (made.series[first], made.id)
    instance = shared.call("GET", f"/instances/{made.instances[1]}").json
    assert (instance["ParentSeries"], instance["IndexInSeries"]) == (first, 2)
    assert shared.call("GET", f"/patients/{made.patient}/studies").json == [shown]
    assert len(shared.call("GET", f"/patients/{made.patient}/instances").json) == 3
    assert shared.call("GET", f"/studies/{made.id}/series").json[0] == series
    assert shared.call("GET", f"/series/{first}/patient").json == patient
    assert shared.call("GET", f"/instances/{made.instances[0]}/study").json == shown
    assert shown in shared.call("GET", "/studies?expand").json
    tags = shared.call("GET", f"/instances/{made.instances[0]}/simplified-tags").json
    assert (tags["PatientID"], tags["Modality"]) == ("browse", "CT")
    for path in ("/patients/nope", f"/series/{made.id}"):
        assert is_missing(shared.call("GET", path))
    refused(shared.call("GET", "/studies/nope/series"), 404, 17)


def test_removal(shared: Server) -> None:
    made = study(shared, 2, 1, patient="remove")
    first, second = made.series
    left = shared.call("DELETE", f"/series/{first}").json["RemainingAncestor"]
    assert left == {"ID": made.id, "Path": f"/studies/{made.id}", "Type": "Study"}
    assert is_missing(shared.call("DELETE", f"/series/{first}"))
    assert shared.call("GET", f"/studies/{made.id}").json["Series"] == [second]
    assert shared.call("DELETE", f"/studies/{made.id}").json == {"RemainingAncestor": None}
    assert is_missing(shared.call("GET", f"/patients/{made.patient}"))


def is_missing(reply: Reply) -> bool:
    """A resource that there is not, when it is named itself, has no body, as on Orthanc."""
    return (reply.status, reply.body) == (404, b"")
