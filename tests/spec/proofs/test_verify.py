"""`verify`: engines side by side, what is missing, and what the whole comes to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import types
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from conformance.campaign.replay import load
from spec.proofs import Checked, NotInstalled, ProofEngine, Scope, Verdict
from spec.proofs import verify as verify_module
from spec.proofs.verify import MODULES, Listener, Verification, verify
from spec.properties import PROPERTIES, Modality
from spec.relaxations import Relaxation

SMALL = Scope(2, 1, 1, 1, 1)
EXPLORE, SMT, SPIN = ProofEngine


def checked(
    name: str = "running-bounded",
    verdict: Verdict = Verdict.HOLDS,
    engine: ProofEngine = EXPLORE,
) -> Checked:
    return Checked(name, Modality.ALWAYS, engine, "any", verdict)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """Engines that yield what they are told to; an exception is raised."""
    says = types.SimpleNamespace(**{engine.value: [] for engine in ProofEngine})

    def module(engine: ProofEngine) -> types.ModuleType:
        made = types.ModuleType(f"fake_{engine}")

        def check(scope: Scope, admitted: frozenset[Relaxation]) -> Iterator[Checked]:
            for one in getattr(says, engine.value):
                if isinstance(one, BaseException):
                    raise one
                yield one

        made.check = check  # type: ignore[attr-defined]
        return made

    for engine in ProofEngine:
        monkeypatch.setitem(sys.modules, f"fake_{engine}", module(engine))
        monkeypatch.setitem(verify_module.MODULES, engine, f"fake_{engine}")
    return says


class Told(Listener):
    """Notes what it is told; ``impatient``: has enough as soon as it has to wait."""

    def __init__(self, impatient: bool = False) -> None:
        self.results: list[Checked] = []
        self.ends: list[ProofEngine] = []
        self.impatient = impatient

    def result(self, one: Checked) -> None:
        self.results.append(one)

    def ended(self, engine: ProofEngine, found: Verification) -> None:
        self.ends.append(engine)

    def waits(self, at_work: Sequence[ProofEngine]) -> None:
        if self.impatient:
            raise TimeoutError(*at_work)


def test_who_waits_is_told_what_is_at_work_and_may_end_it() -> None:
    large = Scope(5, 2, 2, 2, 2)  # which takes hours
    with pytest.raises(TimeoutError, match=EXPLORE):
        verify([EXPLORE], scope=large, listener=Told(impatient=True))


def test_the_explorer_decides_every_property() -> None:
    told = Told()
    found = verify([EXPLORE], scope=SMALL, listener=told)
    assert found.verdict is Verdict.HOLDS
    assert told.results == found.results
    assert [r.name for r in told.results] == [p.name for p in PROPERTIES]
    assert told.ends == [EXPLORE]
    assert 0 < found.took[EXPLORE] < 60


BROKEN = {
    Relaxation.CANCEL_LOST_TO_PAUSE: {"cancel-honoured"},
    Relaxation.REQUEST_LOST_ON_LAST_STEP: {"cancel-honoured", "pause-honoured"},  # either is lost
    Relaxation.TIES_UNORDERED: {"ties-in-order"},
}


@pytest.mark.parametrize("relaxation", Relaxation)
def test_a_relaxation_yields_a_counterexample_file_for_each_property_that_it_breaks(
    relaxation: Relaxation, tmp_path: Path
) -> None:
    found = verify([EXPLORE], frozenset({relaxation}), SMALL)
    assert found.verdict is Verdict.FAILS
    assert set(found.broken) == BROKEN[relaxation]
    found.write(tmp_path)
    entries = [e for e in found.to_json()["properties"] if e["verdict"] == "fails"]
    assert {entry["name"] for entry in entries} == BROKEN[relaxation]
    for entry in entries:
        file = Path(entry["counterexample"])
        assert file.name == f"verify-{entry['name']}-{relaxation}.json"
        assert load(file).relaxations == (relaxation.value,)


def test_the_report_has_the_contracts_form(fake: types.SimpleNamespace) -> None:
    fake.explore = [checked()]
    report = verify([EXPLORE]).to_json()
    assert json.loads(json.dumps(report)) == report
    assert set(report) == {"schema", "verdict", "properties"}
    assert report["properties"] == [
        {
            "name": "running-bounded",
            "modality": "always",
            "engine": "explore",
            "scope": "any",
            "verdict": "holds",
            "states": 0,
            "seconds": 0.0,
            "counterexample": None,
        }
    ]


def test_a_missing_tool_leaves_the_others(fake: types.SimpleNamespace) -> None:
    fake.explore, fake.smt = [checked()], [checked(engine=SMT)]
    fake.spin = [NotInstalled("spin is not installed")]
    found = verify()
    assert found.absent == {SPIN: "spin is not installed"}
    assert found.verdict is Verdict.HOLDS


def test_a_missing_tool_that_was_asked_for_is_not_passed_over(
    fake: types.SimpleNamespace,
) -> None:
    fake.explore = [checked()]
    fake.spin = [NotInstalled("spin is not installed")]
    assert verify([EXPLORE, SPIN]).verdict is Verdict.UNKNOWN
    assert verify([SPIN]).verdict is Verdict.UNKNOWN


def test_an_engine_that_dies_leaves_the_whole_unknown(
    fake: types.SimpleNamespace, capfd: pytest.CaptureFixture[str]
) -> None:
    fake.explore = [checked(), ZeroDivisionError("a fault of ours")]
    fake.smt = [checked(engine=SMT)]
    found = verify([EXPLORE, SMT])
    assert len(found.results) == 2
    assert set(found.died) == {EXPLORE}
    assert found.verdict is Verdict.UNKNOWN
    assert "a fault of ours" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], Verdict.UNKNOWN),
        ([Verdict.HOLDS], Verdict.HOLDS),
        ([Verdict.NOT_RUN], Verdict.UNKNOWN),
        ([Verdict.HOLDS, Verdict.NOT_RUN], Verdict.HOLDS),  # another engine has decided it
        ([Verdict.HOLDS, Verdict.UNKNOWN], Verdict.UNKNOWN),
        ([Verdict.UNKNOWN, Verdict.FAILS], Verdict.FAILS),
        ([Verdict.HOLDS, Verdict.FAILS], Verdict.FAILS),
    ],
)
def test_what_the_whole_comes_to(verdicts: list[Verdict], expected: Verdict) -> None:
    assert Verification([checked(verdict=one) for one in verdicts]).verdict is expected


def test_a_property_that_nobody_decides_leaves_the_whole_unknown() -> None:
    results = [checked(), checked("eviction", Verdict.NOT_RUN)]
    assert Verification(results).verdict is Verdict.UNKNOWN


def test_engines_that_disagree_are_named() -> None:
    results = [checked(), checked(verdict=Verdict.FAILS, engine=SMT), checked("refinement")]
    assert Verification(results).disputed == ("running-bounded",)


def test_the_modules_are_there() -> None:
    assert list(MODULES) == list(ProofEngine)


def test_an_interrupt_within_the_fork_leaves_no_engine_behind() -> None:
    """The engine runs, and its id was never learnt: it ends itself.

    It has inherited the output of the program, which therefore ends only when the engine has.
    """
    program = (
        "import os\n"
        "fork = os.fork\n"
        "def interrupted():\n"
        "    child = fork()\n"
        "    if child: raise KeyboardInterrupt\n"
        "    return child\n"
        "os.fork = interrupted\n"
        "from spec.proofs import ProofEngine, Scope\n"
        "from spec.proofs.verify import verify\n"
        "try: verify([ProofEngine.EXPLORE], scope=Scope(4, 2, 2, 2, 2))\n"
        "except KeyboardInterrupt: print('interrupted', flush=True)\n"
    )
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, timeout=60, check=False
    )
    assert done.stdout == b"interrupted\n", done.stderr
    assert time.monotonic() - begun < 20


def test_an_engine_ends_with_a_caller_that_is_killed() -> None:
    program = (
        "from spec.proofs import ProofEngine, Scope\n"
        "from spec.proofs.verify import verify\n"
        "import threading, os, signal, multiprocessing\n"
        "def kill():\n"
        "    while not multiprocessing.active_children(): pass\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "threading.Thread(target=kill, daemon=True).start()\n"
        "verify([ProofEngine.EXPLORE], scope=Scope(4, 2, 2, 2, 2))\n"
    )
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert time.monotonic() - begun < 20


def test_an_interrupt_ends_the_engines(tmp_path: Path) -> None:
    """They are in process groups of their own, which Ctrl-C does not reach."""
    program = (
        "from spec.proofs import ProofEngine, Scope\n"
        "from spec.proofs.verify import verify\n"
        "import threading, os, signal, multiprocessing\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # in the background of a shell
        "def interrupt():\n"
        "    while not multiprocessing.active_children(): pass\n"
        "    threading.Event().wait(1)  # until it is waited for, as when somebody presses Ctrl-C\n"
        "    child = multiprocessing.active_children()[0].pid\n"
        f"    open({str(tmp_path / 'pid')!r}, 'w').write(str(child))\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "threading.Thread(target=interrupt, daemon=True).start()\n"
        "verify([ProofEngine.EXPLORE], scope=Scope(4, 2, 2, 2, 2))\n"
    )
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == -signal.SIGINT, done.stderr
    assert time.monotonic() - begun < 20
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
