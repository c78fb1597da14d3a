"""`orthanc-jobs ci-gate`: a run in CI that keeps every report, told in the ways of a CI server."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from conformance.cli.ending import UNJUDGED
from conformance.errors import BadArgument, Interrupted
from conformance.interrupts import interruptible

KIT = (sys.executable, "-P", "-m", "conformance.cli")  # -P: no package of the folder it is run in
WRITTEN = {
    "json": "report.json",
    "junit": "junit.xml",
    "html": "report.html",
    "markdown": "summary.md",
    "events": "events.ndjson",
}
GATE = {"not worse": 0, "worse": 1, "unknown": UNJUDGED}
NOTHING_TO_COMPARE = "## Jobs engine: there is nothing to compare\n"
NOT_COMPARED = """<?xml version="1.0" encoding="utf-8"?>
<testsuites name="orthanc-jobs" tests="1" errors="1" failures="0" skipped="0" time="0">
<testsuite name="run" tests="1" errors="1" failures="0" skipped="0" time="0">
<testcase name="run/compare" classname="orthanc-jobs.run" time="0">
<error message="there is nothing to compare" type="compare"/>
</testcase></testsuite></testsuites>
"""


def _setting(name: str, metavar: str, help: str) -> Any:
    """An option that a CI server sets as a variable: no shell reads that a second time."""
    return typer.Option(f"--{name}", envvar=variable(name), metavar=metavar, help=help)


def variable(option: str) -> str:
    """The variable of the environment that sets an option of the gate."""
    return f"GATE_{option.replace('-', '_').upper()}"


def command(
    url: Annotated[str, _setting("url", "URL", "A server that runs already.")] = "",
    managed: Annotated[
        str, _setting("managed", "NAME", "Else the server to start: orthanc, or reference.")
    ] = "",
    server_command: Annotated[
        str, _setting("server-command", "C", "How to start that Orthanc: './Orthanc {config}'.")
    ] = "",
    ledger: Annotated[
        str, _setting("ledger", "F", "Accepted deviations, or none; else the shipped file.")
    ] = "",
    suites: Annotated[str, _setting("suites", "NAMES", "Only these suites.")] = "",
    args: Annotated[str, _setting("args", "WORDS", "Further arguments of run.")] = "",
    baseline: Annotated[
        str, _setting("baseline", "F", "An older JSON report: red for what got worse, and no more.")
    ] = "",
    reports: Annotated[
        Path, _setting("reports", "FOLDER", "Where all reports are written.")
    ] = Path("jobs-reports"),
) -> int:
    """Run the cases in CI: every report, a summary, and outputs for the steps that follow.

    Exit status: 0 conforms, 1 deviates, 2 could not be judged. With a baseline: 0 nothing is worse,
    1 something is, 2 nothing is as far as the run was judged.
    """
    if url and managed:
        raise BadArgument("--url and --managed exclude each other")
    words = ["run", url or managed or "orthanc"]
    if server_command:
        words += ["--server-command", server_command]
    if ledger:
        words += ["--no-ledger"] if ledger == "none" else ["--ledger", ledger]
    for suite in suites.replace(",", " ").split():
        words += ["--suite", suite]
    try:
        reports.mkdir(parents=True, exist_ok=True)
        words += shlex.split(args)
    except OSError as error:
        raise BadArgument(f"cannot make the folder {reports}: {error.strerror}") from None
    except ValueError as error:
        raise BadArgument(f"--args: {error}") from None
    if baseline:
        _check(baseline, reports)
    for option, name in WRITTEN.items():
        words += [f"--{option}", str(reports / name)]
    return _told(_status_of(words), baseline, reports)


def _check(baseline: str, reports: Path) -> None:
    """See before the run that there will be something to compare. Raises `BadArgument`."""
    from conformance.reports import comparing

    try:
        comparing.load(Path(baseline))
    except BadArgument:
        (reports / WRITTEN["junit"]).write_text(NOT_COMPARED, encoding="utf-8")
        _tell(comparing.UNKNOWN, comparing.UNKNOWN, NOTHING_TO_COMPARE, reports)
        raise


def _told(status: int, baseline: str, reports: Path) -> int:
    """The gate's status, after GitHub was told of it where it listens."""
    verdict = run_verdict = _said(reports / WRITTEN["json"], "verdict")
    summary = _text(reports / WRITTEN["markdown"])
    if baseline:
        verdict, told = _compared(baseline, reports)
        status = GATE[verdict] if status in (0, 1) or verdict == "worse" else UNJUDGED
        summary = f"{told}\n<details><summary>The run itself</summary>\n\n{summary}\n</details>\n"
        (reports / WRITTEN["markdown"]).write_text(summary, encoding="utf-8")
    _tell(verdict, run_verdict, summary, reports)
    return status


def _tell(verdict: str, run_verdict: str, summary: str, reports: Path) -> None:
    """Tell GitHub, where it listens."""
    _append("GITHUB_STEP_SUMMARY", summary)
    _append("GITHUB_OUTPUT", f"verdict={verdict}\nrun-verdict={run_verdict}\nreports={reports}\n")


def _compared(baseline: str, reports: Path) -> tuple[str, str]:
    """Compare with the older run, and let JUnit say what that says: the verdict, and a summary."""
    told, junit = reports / "compare.json", reports / WRITTEN["junit"]
    summary = reports / "compare.md"
    files = ["--json", str(told), "--markdown", str(summary), "--junit", str(junit)]
    files += ["--html", str(reports / WRITTEN["html"])]
    told.unlink(missing_ok=True)
    if _status_of(["compare", baseline, str(reports / WRITTEN["json"]), *files]) == UNJUDGED:
        junit.write_text(NOT_COMPARED, encoding="utf-8")
        return "unknown", NOTHING_TO_COMPARE
    return _said(told, "gate"), _text(summary)


def _status_of(words: Sequence[str]) -> int:
    """Run the kit, without a word of it: what it is given may hold a password.

    It is a process of its own, so that its reports name a command that shows the same again. An
    interrupt is passed on, and waits for the reports that were earned.
    """
    with interruptible() as interrupt, subprocess.Popen([*KIT, *words]) as running:
        try:
            status = running.wait()
        except Interrupted:
            running.terminate()
            running.wait()
            interrupt.came = False  # it is told below, by the status
            return UNJUDGED
    return status if status in (0, 1) else UNJUDGED


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _said(path: Path, key: str) -> str:
    """What a JSON report says; a run that had bad arguments has none."""
    try:
        return str(json.loads(_text(path))[key])
    except (ValueError, KeyError):
        return "unknown"


def _append(name: str, more: str) -> None:
    """Add to the file that a variable of GitHub names, where it is set."""
    if path := os.environ.get(name):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(more)
