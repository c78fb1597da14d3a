"""The entry point: cheap to start, and whatever goes wrong ends with 2 and a message."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import IO

import pytest

from conformance.cli import commands, main
from conformance.cli import list as listing
from conformance.errors import Interrupted
from conformance.sut import servers
from tests.conformance.kit import COMMAND

HEAVY = {"hypothesis", "requests", "starlette", "uvicorn", "pydicom", "pynetdicom", "z3", "rich"}
OURS = ("conformance.campaign", "conformance.suites", "conformance.reports", "spec")
MISTAKE = (
    "the kit itself has failed: IndexError in test_main.py, line {line}: out of range\n"
    "This is a mistake in it, and says nothing of the server. Please report it.\n"
)


def imported(*arguments: str) -> set[str]:
    """The modules that are there when the command with these arguments has ended."""
    code = (
        "import sys, conformance.cli.running as running; sys.stdout = open('/dev/null', 'w');"
        f"running.status_of({list(arguments)}); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("run", "--help")])
def test_help_is_instant_because_nothing_heavy_is_imported(words: tuple[str, ...]) -> None:
    """By what is imported, not by a clock: machines differ."""
    found = imported(*words)
    assert "conformance.cli.commands" in found
    assert not HEAVY & found
    assert not {name for name in found if name.startswith(OURS)}


def test_the_catalogue_is_listed_without_what_asks_a_server() -> None:
    assert not HEAVY & imported("list")


def test_the_help_has_its_options_in_groups_and_says_what_a_status_means() -> None:
    words = [*COMMAND, "run", "--help"]
    text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    titles = [line[:-1] for line in text.splitlines() if line[:1].isalpha() and line[-1] == ":"]
    assert titles == [
        "Arguments",
        "Which cases",
        "How a server lets us in",
        "The server",
        "What is accepted",
        "How the cases are divided",
        "What is printed",
        "Reports",
        "Options",
    ]
    assert all(word in text for word in ("Exit status 0:", "1:", "2:"))


def test_only_the_module_of_the_command_is_imported() -> None:
    modules = {commands.module_of(name) for name in commands.NAMES}
    assert modules & imported("watch", "--help") == {"conformance.cli.watch"}


def test_each_command_is_found_by_its_name() -> None:
    folder = Path(main.__file__).parent
    for name in commands.NAMES:
        assert "def command(" in (folder / f"{name.replace('-', '_')}.py").read_text()


def status(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["orthanc-jobs", *arguments])
    monkeypatch.setattr("signal.signal", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_version_is_that_of_the_package(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"orthanc-jobs {version('orthanc-jobs-conformance')}\n"


def test_a_mistake_of_the_kit_is_told_as_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stumble() -> int:
        raise IndexError("out of range")

    monkeypatch.setattr(listing, "command", stumble)
    assert status(monkeypatch, "list") == 2
    told = capsys.readouterr()
    line = stumble.__code__.co_firstlineno + 1
    assert (told.out, told.err) == ("", f"orthanc-jobs: {MISTAKE.format(line=line)}")


def test_a_signal_ends_with_2_and_says_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> int:
        raise Interrupted

    monkeypatch.setattr(listing, "command", interrupted)
    assert status(monkeypatch, "list") == 2
    assert capsys.readouterr() == ("", "")


# --- where nothing can be written ----------------------------------------------------------------

CASE = ["run", "--case", "action/pause/paused"]
BROKEN = [*CASE, "--fault", "cancel-of-paused-ignored"]


def run(folder: Path, *words: str, out: IO[str] | int, ascii: bool = False) -> tuple[int, str]:
    environment = {**os.environ, **({"PYTHONIOENCODING": "ascii"} if ascii else {})}
    done = subprocess.run(
        [*COMMAND, *words], cwd=folder, stdout=out, stderr=subprocess.PIPE, text=True,
        env=environment,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("words", "expected", "message"),
    [
        (["list"], 2, "cannot write: No space left on device"),
        (["--version"], 2, "cannot write: No space left on device"),
        pytest.param(
            CASE, 2, "cannot write a report: No space left on device", marks=pytest.mark.long
        ),
        (BROKEN, 1, "cannot write a report: No space left on device"),
    ],
)
def test_a_full_disk_takes_no_verdict_that_was_earned(
    tmp_path: Path, words: list[str], expected: int, message: str
) -> None:
    with Path("/dev/full").open("w") as full:
        found, error = run(tmp_path, *words, out=full)
    assert (found, error) == (expected, f"orthanc-jobs: {message}\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["verify", "--engine", "explore", "--jobs", "1", "--json", "/dev/full"], "the report"),
        (["watch", "URL", "--seconds", "0.2", "--record", "/dev/full"], "the trace"),
    ],
)
def test_a_full_disk_is_told(tmp_path: Path, words: list[str], message: str) -> None:
    with servers.reference() as server:
        words = [server.address.url if word == "URL" else word for word in words]
        found, error = run(tmp_path, *words, out=subprocess.DEVNULL)
    assert found == 2
    assert error == f"orthanc-jobs: cannot write {message} /dev/full: No space left on device\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [(["list"], 0), pytest.param(CASE, 0, marks=pytest.mark.long), (BROKEN, 1)],
)
def test_who_has_closed_the_output_still_gets_the_status(
    tmp_path: Path, words: list[str], expected: int
) -> None:
    shell = 'exec "$@" --json report.json >&-' if words[0] == "run" else 'exec "$@" >&-'
    done = subprocess.run(
        ["sh", "-c", shell, "sh", *COMMAND, *words], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (expected, "", "")


def test_an_output_that_cannot_encode_a_text_shows_it_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text("{}")
    report = tmp_path / "\u65e5.json"
    found, error = run(
        tmp_path, "compare", str(report), "r.json", out=subprocess.DEVNULL, ascii=True
    )
    assert found == 2
    assert "\\u65e5.json: No such file or directory" in error
