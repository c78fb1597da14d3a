"""pytest as a user runs it, with the plugin of the kit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from orthanc_jobs.pytest_plugin import WHOLE
from tests import forked
from tests.conformance.kit import LONGEST


def under_pytest(folder: Path, *words: str, status: int = 0, anew: bool = False) -> str:
    """What pytest says, run in ``folder`` with the plugin; it has to end with ``status``.

    ``anew``: by a Python that has imported nothing of ours before.
    """
    plugins = ["-p", "orthanc_jobs.pytest_plugin", "-p", "no:cacheprovider"]
    asked = [*plugins, "--rootdir", str(folder), *words]
    if anew:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *asked],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=LONGEST,
        )
    else:
        done = forked.run("pytest", asked, folder, LONGEST)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def verdicts(folder: Path, target: str, options: str, status: int = 0) -> dict[str, str]:
    """What ``--junitxml`` has of each case, in the words of a run."""
    words = ["--orthanc-jobs", target, "--orthanc-jobs-options", options, "--junitxml", "j.xml"]
    under_pytest(folder, *words, status=status)
    return {
        case.attrib["name"]: _verdict(case)
        for case in ElementTree.parse(folder / "j.xml").iter("testcase")
        if case.attrib["name"] != WHOLE
    }


def _verdict(case: ElementTree.Element) -> str:
    words = {"failure": "deviation", "error": "unknown"}
    skipped = case.find("skipped")
    if skipped is not None:
        return "accepted" if skipped.attrib["type"] == "pytest.xfail" else "skipped"
    return next((words[one.tag] for one in case if one.tag in words), "pass")
