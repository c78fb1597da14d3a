"""Right clients raise no alarm, and wrong ones are found, each where it is wrong."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.clients.client import Command, Function
from conformance.clients.playing import Patience
from conformance.clients.running import Wish, run
from conformance.events import Ended, Event, Result
from conformance.reports.story import Story
from tests.conformance.clients.wrong import RIGHT, RUN_BY, WRONG, Wrong
from tests.conformance.kit import command

SHORT = Patience(looks=4.0, short=1.0)  # for those who never end, which are to be found
SUBMITS = """
import json, os, sys, time, urllib.request
url = os.environ["ORTHANC_URL"]

def call(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(url + path, data, timeout=60) as answer:
        return json.load(answer)

body = {"Resources": os.environ["INSTANCES"].split(), "Asynchronous": MODE}
job = call(f"/peers/{os.environ['ORTHANC_PEER']}/store", body)
while MODE and (state := call(f"/jobs/{job['ID']}")["State"]) not in ("Success", "Failure"):
    time.sleep(0.05)
sys.exit(0 if not MODE or state == "Success" else 1)
"""


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERIOD", "0.05")  # seconds: what happens next waits for a look


def results(wish: Wish) -> tuple[dict[str, Result], Ended]:
    """What a client comes to, by scenario, and the end of the run."""
    story = Story()

    def take(event: Event) -> None:
        story.take(event)

    status = run(wish, take)
    assert story.ended is not None
    assert status == {"conforms": 0, "deviates": 1, "unknown": 2}[story.ended.verdict]
    return story.results, story.ended


def test_the_page_shows_a_right_client() -> None:
    page = (RIGHT.parent / "clients.md").read_text(encoding="utf-8")
    assert f"```python\n{(RIGHT / 'wait.py').read_text(encoding='utf-8')}```\n" in page


@pytest.mark.long
@pytest.mark.apart
@pytest.mark.parametrize("name", ["wait.py", "wait.sh", "wait.js", "wait.cs"])
def test_a_right_client_raises_no_alarm(name: str, tmp_path: Path) -> None:
    """In any language, also where the machine is busy: nothing is concluded from a time."""
    program = compiled(RIGHT / name, tmp_path)
    words = ["--json", "report.json", "--", RUN_BY[program.suffix], str(program)]
    done = command(tmp_path, "client", *words, report=False)
    assert done.cases("deviation", "unknown", "accepted") == {}
    assert done.status == 0, done.out
    assert len(done.cases("pass")) > 30
    reached = done.report["coverage"]["requirements"]
    assert (reached["missing"], reached["covered"]) == ([], 10)


def compiled(program: Path, folder: Path) -> Path:
    """What runs it: itself, but for C#, which is left out where there is no compiler for it."""
    if program.suffix != ".cs":
        return program
    if shutil.which("mcs") is None:
        pytest.skip("there is no C# here: mono-mcs and mono-runtime of Debian")
    made = folder / "wait.exe"
    uses = [f"-r:{name}.dll" for name in ("System.Net.Http", "System.Runtime.Serialization")]
    subprocess.run(["mcs", "-warnaserror", f"-out:{made}", *uses, str(program)], check=True)
    return made


@pytest.mark.apart
@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.name)
def test_a_wrong_client_is_found(wrong: Wrong, tmp_path: Path) -> None:
    words = wrong.write(tmp_path)
    wish = Wish(client=Command(words), words=words, prefixes=(wrong.scenario,), patience=SHORT)
    found, ended = results(wish)
    assert ended.verdict == "deviates"
    assert {one.requirement for one in found.values() if one.verdict == "deviation"} == {
        wrong.as_what
    }


@pytest.mark.apart
@pytest.mark.parametrize(
    ("mode", "broken"),
    [("True", None), ("False", "submit/asynchronous-advised")],
)
def test_clients_that_submit_are_held_to_how(mode: str, broken: str | None, tmp_path: Path) -> None:
    program = tmp_path / "submits.py"
    program.write_text(SUBMITS.replace("MODE", mode), encoding="utf-8")
    words = [sys.executable, str(program)]
    wish = Wish(
        client=Command(words),
        words=words,
        submits=True,
        prefixes=("submit/asynchronous", "path/start/succeed", "trap/texts"),
        patience=SHORT,
    )
    found, _ = results(wish)
    assert found["trap/texts"].verdict == "skipped"
    assert found["submit/asynchronous"].requirement == "submit/asynchronous-advised"
    assert found["submit/asynchronous"].verdict == ("pass" if broken is None else "deviation")
    assert (broken is None) == (found["path/start/succeed"].verdict == "pass")


@pytest.mark.apart
def test_a_client_that_submits_again_when_the_answer_is_lost_is_found(tmp_path: Path) -> None:
    program = tmp_path / "submits.py"
    text = SUBMITS.replace("MODE", "True").replace(
        "job = call(",
        "store = lambda *words: call(*words)\ntry:\n    job = call('/peers/pacs/store', body)\n"
        "except OSError:\n    pass\njob = store(",
    )
    program.write_text(text, encoding="utf-8")
    words = [sys.executable, str(program)]
    wish = Wish(
        client=Command(words),
        words=words,
        submits=True,
        prefixes=("submit/answer-lost",),
        patience=SHORT,
    )
    found, _ = results(wish)
    assert found["submit/answer-lost"].actual == "submitted 2 jobs"


# --- what a report says -------------------------------------------------------------------------


@pytest.mark.apart
def test_a_deviation_says_what_was_asked_and_how_to_see_it_again(tmp_path: Path) -> None:
    words = WRONG[0].write(tmp_path)
    files = ["--junit", "j.xml", "--html", "h.html", "--json", "report.json"]
    chosen = ["--scenario", WRONG[0].scenario, "--scenario", "trap/texts"]
    done = command(tmp_path, "client", *chosen, *files, "--", *words, report=False)
    assert done.status == 1
    assert f"orthanc-jobs client --scenario {WRONG[0].scenario} -- {sys.executable}" in done.out
    assert "somebody else pauses it" in done.out
    assert "client/other-states (documented): A caller goes on waiting" in done.out
    (case,) = done.cases("deviation").values()
    assert case["actual"] == "gave up before the job had ended"
    assert case["reason"].startswith("asked 4 times in ") or "asked " in case["reason"]
    assert "shown Pending then Running then Paused" in case["reason"]
    assert "<failure" in (tmp_path / "j.xml").read_text(encoding="utf-8")
    assert "gave up before" in (tmp_path / "h.html").read_text(encoding="utf-8")


@pytest.mark.apart
def test_a_ledger_accepts_a_fault_of_a_client_and_grows_stale(tmp_path: Path) -> None:
    entry = {
        "case": WRONG[0].scenario,
        "requirement": WRONG[0].as_what,
        "actual": "gave up before the job had ended",
        "reason": "it is known",
        "reference": "a report of ours",
    }
    (tmp_path / "ledger.json").write_text(json.dumps({"schema": 1, "entries": [entry]}))
    chosen = ["client", "--ledger", "ledger.json", "--scenario", WRONG[0].scenario, "--"]
    wrong = command(tmp_path, *chosen, *WRONG[0].write(tmp_path), report=False)
    assert wrong.status == 0, wrong.out
    assert "1 accepted" in wrong.out
    right = command(tmp_path, *chosen, sys.executable, str(RIGHT / "wait.py"), report=False)
    assert right.status == 1
    assert "stale-ledger" in right.out


@pytest.mark.apart
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "which client?"),
        (["--", "/no/such/client"], "cannot be run"),
        (["--scenario", "hope", "--", "true"], "no scenario begins with 'hope'"),
        (["--ledger", "none.json", "--", "true"], "the ledger"),
    ],
)
def test_what_cannot_be_run_is_told(words: list[str], said: str, tmp_path: Path) -> None:
    done = command(tmp_path, "client", *words, report=False)
    assert done.status == 2
    assert said in done.err
    assert "Traceback" not in done.err


# --- functions of Python ------------------------------------------------------------------------


def test_a_function_is_a_client_as_well() -> None:
    chosen = ("path/start/succeed", "path/start/fail")
    never = Wish(client=Function(lambda url, job: False), words=["never"], prefixes=chosen)
    always = Wish(client=Function(lambda url, job: True), words=["always"], prefixes=chosen)
    for wish in (never, always):
        found, _ = results(wish)
        assert {one.verdict.value for one in found.values()} == {"deviation"}
