"""The gate in CI: the command, the script of the action, and the files that say how to use it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import yaml
from junitparser import JUnitXml

from conformance.cli import ci_gate
from conformance.sut import servers
from conformance.sut.managed import Managed
from tests.conformance.kit import COMMAND
from tests.waiting import until

pytestmark = pytest.mark.apart

ROOT = Path(__file__).parents[3]
GATE = ROOT / "tools" / "ci-gate"
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
OPTIONS = {one.replace("_", "-") for one in signature(ci_gate.command).parameters}
SETTINGS = {ci_gate.variable(one) for one in OPTIONS}
REPORTS = {"report.json", "junit.xml", "report.html", "summary.md", "events.ndjson"}


def surroundings(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """The environment that GitHub would run the script in."""
    environment = {name: v for name, v in os.environ.items() if not name.startswith("GATE_")}
    return environment | {
        "GATE_COMMAND": " ".join(COMMAND),
        "GITHUB_STEP_SUMMARY": str(folder / "step-summary"),
        "GITHUB_OUTPUT": str(folder / "output"),
        **settings,
    }


def gate(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the script as GitHub would, with these settings."""
    found = surroundings(folder, settings)
    return subprocess.run([GATE], cwd=folder, env=found, capture_output=True, text=True)


def outputs(folder: Path) -> Mapping[str, str]:
    return dict(line.split("=", 1) for line in (folder / "output").read_text().splitlines())


# --- the script ----------------------------------------------------------------------------------


def test_a_released_orthanc_passes_the_gate(installed_orthanc: None, tmp_path: Path) -> None:
    done = gate(tmp_path, GATE_SUITES="action, race")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.name for path in (tmp_path / "jobs-reports").iterdir()} == REPORTS
    text = (tmp_path / "step-summary").read_text()
    assert text.startswith("## Jobs engine: conforms\n")
    assert "```mermaid\nstateDiagram-v2" in text
    assert outputs(tmp_path) == {
        "verdict": "conforms",
        "run-verdict": "conforms",
        "reports": "jobs-reports",
    }
    assert JUnitXml.fromfile(str(tmp_path / "jobs-reports" / "junit.xml")).failures == 0


def test_without_its_ledger_it_does_not(installed_orthanc: None, tmp_path: Path) -> None:
    done = gate(
        tmp_path, GATE_MANAGED="orthanc", GATE_LEDGER="none", GATE_ARGS="--case race/pause/",
        GATE_SERVER_COMMAND="Orthanc {config}", GATE_REPORTS="out/put",
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "#### `race/pause/last-step-succeeds`" in (tmp_path / "step-summary").read_text()
    assert outputs(tmp_path) == {
        "verdict": "deviates",
        "run-verdict": "deviates",
        "reports": "out/put",
    }
    assert JUnitXml.fromfile(str(tmp_path / "out" / "put" / "junit.xml")).failures > 0


@pytest.fixture
def reference() -> Iterator[Managed]:
    with servers.reference({}) as server:
        yield server


def test_a_server_at_a_url(reference: Managed, tmp_path: Path) -> None:
    url = reference.address.url.replace("//", "//us:s3cr3t@")
    done = gate(tmp_path, GATE_URL=url, GATE_ARGS="--exclusive --case 'action/pause'")
    assert done.returncode == 0, done.stdout + done.stderr
    written = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert not [text for text in (done.stdout, done.stderr, *written) if "s3cr3t" in text]


@pytest.mark.long
def test_with_a_baseline_the_gate_is_what_got_worse(tmp_path: Path) -> None:
    """A version that deviates as the older one did passes; what broke since does not."""
    case = "--case race/in-turn/pause-twice"
    sound = {"GATE_MANAGED": "reference", "GATE_ARGS": case}
    broken = {**sound, "GATE_ARGS": f"{case} --fault pause-ignored-after-resume"}
    assert gate(tmp_path, **broken, GATE_REPORTS="old").returncode == 1
    assert gate(tmp_path, **sound, GATE_REPORTS="good").returncode == 0
    same = gate(tmp_path, **broken, GATE_BASELINE="old/report.json")
    assert same.returncode == 0, same.stdout
    assert says(tmp_path) == ("not worse", "deviates", 0)
    assert headed(tmp_path) == ("not worse", "## Jobs engine, not worse", "deviates")
    (tmp_path / "output").unlink()
    worse = gate(tmp_path, **broken, GATE_BASELINE="good/report.json")
    assert worse.returncode == 1, worse.stdout
    verdict, _, failures = says(tmp_path)
    assert verdict == "worse"
    found = json.loads((tmp_path / "jobs-reports" / "compare.json").read_text())
    assert {one["before"] for one in found["new"]} == {"pass"}
    assert failures == len(found["new"])
    assert headed(tmp_path) == ("worse", "## Jobs engine, worse", "deviates")
    assert "## Jobs engine, worse: " in (tmp_path / "step-summary").read_text()


def headed(folder: Path) -> tuple[str, str, str]:
    """What the page and the summary begin with, and what the page says of the run itself."""
    page = (folder / "jobs-reports" / "report.html").read_text()
    (verdict,) = re.findall(r'<h1><span class="verdict [\w-]+">([^<]+)</span>', page)
    (itself,) = re.findall(r"by itself this one <span[^>]*>([^<]+)<", page)
    assert f"<title>{verdict}: reference" in page
    summary = (folder / "jobs-reports" / "summary.md").read_text()
    return verdict, summary.partition(":")[0], itself


def says(folder: Path) -> tuple[str, str, int]:
    """The outputs, and the failures and errors of the JUnit file."""
    found, made = outputs(folder), JUnitXml.fromfile(str(folder / "jobs-reports" / "junit.xml"))
    return found["verdict"], found["run-verdict"], made.failures + made.errors


def test_a_baseline_that_is_none_is_an_error_in_all_that_is_told_before_anything_is_run(
    tmp_path: Path,
) -> None:
    settings = {"GATE_MANAGED": "reference", "GATE_ARGS": "--case action/pause"}
    done = gate(tmp_path, **settings, GATE_BASELINE="none.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "none.json" in done.stderr
    assert says(tmp_path) == ("unknown", "unknown", 1)
    assert "nothing to compare" in (tmp_path / "step-summary").read_text()
    assert {path.name for path in (tmp_path / "jobs-reports").iterdir()} == {"junit.xml"}


@pytest.mark.long
@pytest.mark.parametrize(
    "settings",
    [
        {"GATE_URL": "http://127.0.0.1:1"},
        {"GATE_URL": "http://h", "GATE_MANAGED": "reference"},
        {"GATE_MANAGED": "reference", "GATE_ARGS": "--none"},
        {"GATE_MANAGED": "reference", "GATE_LEDGER": "none.json"},
        {"GATE_MANAGED": "reference", "GATE_SUITES": "none"},
    ],
    ids=str,
)
def test_what_cannot_be_judged(tmp_path: Path, settings: dict[str, str]) -> None:
    done = gate(tmp_path, **settings)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long
def test_outside_of_github_nothing_is_missed(tmp_path: Path) -> None:
    done = gate(
        tmp_path, GATE_MANAGED="reference", GATE_ARGS="--case action/pause",
        GITHUB_STEP_SUMMARY="", GITHUB_OUTPUT="",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.name for path in tmp_path.iterdir()} <= {"jobs-reports", "replays"}


@pytest.mark.long
def test_a_job_that_is_canceled_keeps_its_reports(tmp_path: Path) -> None:
    """By SIGINT, which GitHub sends first; the run itself hears SIGTERM as well."""
    found = surroundings(tmp_path, {"GATE_MANAGED": "reference"})
    told, events = subprocess.PIPE, tmp_path / "jobs-reports" / "events.ndjson"
    with subprocess.Popen([GATE], cwd=tmp_path, env=found, stdout=told, stderr=told) as running:
        until(lambda: events.is_file() and b'"CaseEnds"' in events.read_bytes(), 60)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
    assert running.returncode == 2
    assert {path.name for path in events.parent.iterdir()} == REPORTS
    assert outputs(tmp_path)["verdict"] == "unknown"
    assert json.loads((events.parent / "report.json").read_text())["interrupted"]


# --- action.yml ----------------------------------------------------------------------------------


def test_the_action_is_one_script_and_the_artifact() -> None:
    assert ACTION["runs"]["using"] == "composite"
    runs = [step for step in STEPS if "run" in step]
    assert [step["run"] for step in runs] == ['exec "$GITHUB_ACTION_PATH/tools/ci-gate"']
    assert all("shell" in step for step in runs)
    assert [step["uses"].split("@")[0] for step in STEPS if "uses" in step] == [
        "actions/setup-python",
        "actions/upload-artifact",
    ]
    assert STEPS[-1]["if"] == "always()"


def test_each_input_is_described_and_used_and_none_is_in_a_shell() -> None:
    text = (ROOT / "action.yml").read_text()
    assert set(ACTION) <= {"name", "description", "branding", "inputs", "outputs", "runs"}
    for name, one in ACTION["inputs"].items():
        assert set(one) == {"description", "default"}, name
        assert f"${{{{ inputs.{name} }}}}" in text, name
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(ACTION["inputs"])
    assert not any("${{" in step.get("run", "") for step in STEPS)


def test_the_command_has_each_setting_of_the_action_and_says_what_it_is() -> None:
    (step,) = [step for step in STEPS if "run" in step]
    assert set(step["env"]) == SETTINGS
    assert set(ACTION["inputs"]) == {*OPTIONS, "artifact"}


def test_each_output_is_one_that_the_command_writes() -> None:
    for name, one in ACTION["outputs"].items():
        assert one["value"] == f"${{{{ steps.gate.outputs.{name} }}}}"
        assert f"{name}={{" in Path(ci_gate.__file__).read_text()


# --- docs/ci.md ----------------------------------------------------------------------------------


def snippets(language: str) -> list[str]:
    text = (ROOT / "docs" / "ci.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_snippets_are_yaml_with_settings_that_exist() -> None:
    found = [yaml.safe_load(text) for text in snippets("yaml")]
    assert len(found) >= 2
    for text in snippets("yaml"):
        assert set(re.findall(r"GATE_\w+", text)) <= SETTINGS
    (gitlab,) = [one for one in found if "jobs-engine" in one and "script" in one["jobs-engine"]]
    artifacts = gitlab["jobs-engine"]["artifacts"]
    assert artifacts["reports"]["junit"] == "jobs-reports/junit.xml"
    assert artifacts["when"] == "always"


@pytest.mark.long
def test_the_line_that_shows_a_red_gate_shows_one(tmp_path: Path) -> None:
    (line,) = snippets("sh")
    here = line.replace("tools/ci-gate", str(GATE))
    done = subprocess.run(["sh", "-c", here], cwd=tmp_path, env=surroundings(tmp_path, {}))
    assert done.returncode == 1
    assert outputs(tmp_path)["verdict"] == "deviates"


def test_the_snippet_for_github_uses_inputs_that_exist() -> None:
    for text in snippets("yaml"):
        for step in _steps(yaml.safe_load(text)):
            if "orthanc-jobs" in step.get("uses", ""):
                assert set(step.get("with", {})) <= set(ACTION["inputs"])


def test_the_snippet_of_a_service_names_the_runner_to_it_and_keeps_the_password_out() -> None:
    found = [yaml.safe_load(text).get("jobs", {}) for text in snippets("yaml")]
    (job,) = [one for jobs in found for one in jobs.values() if "services" in one]
    (service,) = job["services"].values()
    (args,) = [step["with"]["args"] for step in job["steps"] if "url" in step.get("with", {})]
    words = args.split()
    name = words[words.index("--gate-address") + 1]
    assert service["options"] == f"--add-host {name}:host-gateway"
    assert words[words.index("--password-env") + 1] in job["env"]


def _steps(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for job in found.get("jobs", {}).values():
        yield from job["steps"]
