"""What is kept of what was said on the wire, and which call of it decided."""

from __future__ import annotations

import json
from time import monotonic

import pytest

from conformance.events import Result, Target, Verdict
from conformance.peer.gate import Hold
from conformance.reports.calls import call_of
from conformance.talk import ARRIVES, LISTING, SHOWN, Said, Talk, arriving, deciding, says
from spec.table import Ground

A = "0f3c2b1a-1111-2222-3333-444455556666"
INSTANCE = "0123abcd-0123abcd-0123abcd-0123abcd-0123abcd"


def job(state: str, progress: int, runtime: float = 0.0) -> bytes:
    shown = {"ID": A, "State": state, "ErrorCode": 0, "Progress": progress}
    return json.dumps({**shown, "EffectiveRuntime": runtime}, indent=3).encode()


def call(talk: Talk, method: str, path: str, got: bytes = b"{}", body: bytes = b"") -> None:
    talk.call(method, path, body, monotonic(), (200, got))


def test_what_was_said_is_told_in_its_order_and_a_body_as_one_line() -> None:
    talk = Talk()
    call(talk, "POST", f"/jobs/{A}/pause", body=b"not json")
    hold = Hold(slot=3, step=1)
    talk.step(hold)
    call(talk, "GET", f"/jobs/{A}", job("Paused", 50))
    hold.reply(200)
    first, step, last = talk.so_far()
    assert (first.method, first.path, first.sent, first.status) == (
        "POST",
        f"/jobs/{A}/pause",
        "not json",
        200,
    )
    assert (step.method, step.path, step.sent, step.status) == (ARRIVES, "3", "2", 200)
    assert step.ended >= last.at
    assert "\n" not in last.got
    assert last.json()["State"] == "Paused"


def test_readings_that_show_the_same_are_told_once() -> None:
    talk = Talk()
    for state, runtime in (("Running", 0.1), ("Running", 0.2), ("Success", 0.3)):
        call(talk, "GET", f"/jobs/{A}", job(state, 0, runtime))
    assert [one.json()["EffectiveRuntime"] for one in talk.so_far()] == [0.2, 0.3]


def test_a_case_knows_what_made_what_it_uses_and_nothing_else_of_earlier_ones() -> None:
    talk = Talk()
    call(talk, "POST", "/tools/create-dicom", json.dumps({"ID": INSTANCE}).encode())
    call(talk, "POST", "/instances", b'{"ID": "unused"}')
    talk.begin()
    call(talk, "POST", "/peers/p-1/store", body=json.dumps([INSTANCE]).encode())
    made, used = talk.so_far()
    assert (made.path, made.at, used.path) == ("/tools/create-dicom", 0.0, "/peers/p-1/store")
    talk.forget()
    assert [one.path for one in talk.so_far()] == ["/peers/p-1/store"]


def test_what_lists_the_jobs_of_others_is_cut_and_a_secret_is_hidden() -> None:
    talk = Talk(lambda text: text.replace("secret", "SECRET"))
    call(talk, "GET", "/jobs?expand", json.dumps(["x" * 1000]).encode())
    call(talk, "PUT", "/peers/p", body=b'{"Url": "http://h/secret/1/"}')
    listed, put = talk.so_far()
    assert len(listed.got) == SHOWN
    assert "secret" not in put.sent
    assert not LISTING.fullmatch(f"/jobs/{A}")


def test_what_was_written_is_what_is_read_and_what_is_no_text_is_in_base_64() -> None:
    talk = Talk()
    call(talk, "POST", "/instances", body=b"\xff\x00DICM")
    (one,) = talk.so_far()
    assert one.sent.startswith("base64:")
    again = Said.from_json(one.to_json())
    assert (again.sent, again.path, again.status) == (one.sent, one.path, one.status)
    with pytest.raises(TypeError):
        Said.from_json({"nonsense": 1})


def said(got: str, status: int = 200, path: str = f"/jobs/{A}") -> Said:
    return Said(0.0, "GET", path, "", status, got)


def test_the_call_that_decided_is_the_last_that_says_what_was_seen() -> None:
    gone, left = said("", 404), said(job("Success", 100).decode())
    other = said("[]", path="/jobs")
    assert deciding([gone, left, other], "HTTP 404") is gone
    assert deciding([gone, left, other], "Success, ErrorCode 0, Progress 100") is left
    assert deciding([gone, left, other], "Progress 100") is left
    assert deciding([gone, left, other], "something in words") is other
    assert deciding([Said(0.0, ARRIVES, "1", "1")], "HTTP 404") is None
    assert not says(left, "Success, ErrorCode 0, Progress 67")
    assert not says(other, "GET /jobs: HTTP 500 oh")


def test_a_content_that_was_found_wrong_is_looked_for_as_such() -> None:
    one = said(json.dumps({"Content": {"InstancesCount": 3, "Description": "x"}}))
    assert says(one, "Content {'InstancesCount': 3}")
    assert not says(one, "Content {'InstancesCount': 4}")


def test_an_arrival_that_decided_is_the_last_of_its_step() -> None:
    steps = [Said(float(n), ARRIVES, "1", str(n)) for n in (1, 2, 1)]
    assert arriving(steps, "step 1 of B arrives") is steps[2]
    assert arriving(steps, "HTTP 404") is None


def test_the_shell_line_lets_one_in_by_the_name_of_the_variable() -> None:
    talk = (Said(0.0, "POST", "/jobs/x/pause", "{}", 500, "it's broken"),)
    result = Result("c", "r", Ground.DOCUMENTED, Verdict.DEVIATION, (), "HTTP 500", talk=talk)
    options = ("--user", "me", "--password-env", "PW", "--insecure", "--exclusive")
    found = call_of(result, Target("https://h:1", "1", "url", options))
    assert found is not None
    assert found.asked == "POST /jobs/x/pause {}"
    assert found.answered == "HTTP 500 it's broken"
    assert found.curl == "curl -i -X POST -d '{}' -k -u me:$PW https://h:1/jobs/x/pause"
    for own in ("orthanc", "reference"):  # it is gone: another server may listen where it did
        found = call_of(result, Target(own, "1", own, options))
        assert found is not None
        assert (found.answered, found.curl) == ("HTTP 500 it's broken", None)
    assert (
        call_of(Result("c", "r", Ground.DOCUMENTED, Verdict.PASS), Target("a", "", "url")) is None
    )
