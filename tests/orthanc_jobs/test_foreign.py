"""Somebody's project, which has the kit from its wheel: all of the public interface is in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.conformance.kit import LONGEST
from tests.rooms import PACKAGES, ROOT

pytestmark = pytest.mark.long
ALONE = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}


def done(*words: str, folder: Path) -> str:
    """What a command prints, which has to end well."""
    ended = subprocess.run(
        words, cwd=folder, env=ALONE, capture_output=True, text=True, timeout=LONGEST
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def installed(folder: Path) -> Path:
    """The Python of an environment of its own, into which the wheel was installed.

    What builds it and what it needs is taken from here. An editable install is not seen
    there, as no .pth file of this environment is read.
    """
    source = folder / "source"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    uv = str(Path(sys.executable).with_name("uv"))
    build = ["build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable]
    done(uv, *build, "--out-dir", str(folder), str(source), folder=folder)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    install = ["pip", "install", "--quiet", "--no-deps", "--no-index", "--compile-bytecode"]
    done(uv, *install, "--python", str(python), str(wheel), folder=folder)
    site = done(str(python), "-c", "import site; print(site.getsitepackages()[0])", folder=folder)
    (Path(site.strip()) / "others.pth").write_text(sysconfig.get_path("purelib"))
    return python


def test_a_project_of_somebody_else(tmp_path: Path) -> None:
    python = str(installed(tmp_path))
    project = shutil.copytree(ROOT / "tests" / "foreign", tmp_path / "project")
    where = done(python, "-c", "import orthanc_jobs; print(orthanc_jobs.__file__)", folder=project)
    assert Path(where.strip()).is_relative_to(tmp_path / "env")
    told = done(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder=project)
    assert "5 passed" in told
    cases = ["--orthanc-jobs", "reference", "-k", "action/pause/paused", "-q"]
    assert "passed" in done(
        python, "-m", "pytest", "-p", "no:cacheprovider", *cases, folder=project
    )
    typed = project / "typed.py"
    typed.write_text(
        "import orthanc_jobs\n\nx: bool = orthanc_jobs.table.may('Paused', 'resume')\n"
    )
    assert "Success" in done(python, "-m", "mypy", "--strict", "typed.py", folder=project)
