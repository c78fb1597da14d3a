"""Learning, and the difference of what was learned: on servers that are machines themselves."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import graphviz
import pytest

from conformance.automata.derivation import OF_A_JOB, Choices, derive, resolutions
from conformance.automata.difference import by_state, counts, difference, lines
from conformance.automata.drawing import dot
from conformance.automata.machine import Machine, Way
from conformance.automata.plant import Input, Verb, Word
from conformance.campaign import ledger as ledgers
from conformance.campaign.ledger import Ledger
from conformance.cli.main import main
from conformance.cli.running import status_of
from conformance.errors import Interrupted
from conformance.learn import inference, learning
from conformance.learn.learning import PLANT, NoLearner, Unlearned, learn
from conformance.suites import suites
from conformance.sut.profile import Profile
from spec.relaxations import Relaxation
from tests.conformance.automata.machines import Simulated, changed, equivalent

SPECIFIED = derive(PLANT)
ORTHANC = derive(PLANT, Choices(frozenset(OF_A_JOB)))
START, PAUSE, SUCCEED = Input(Verb.START), Input(Verb.PAUSE, 0), Input(Verb.SUCCEED, 0)


@pytest.mark.parametrize("machine", [SPECIFIED, ORTHANC])
def test_a_machine_is_learned_as_it_is_and_confirmed(machine: Machine) -> None:
    found = learn(Simulated(machine), 1)
    assert equivalent(found.machine, machine)
    assert (len(found.machine), found.extra) == (len(machine), 1)


def test_what_is_asked_again_is_known() -> None:
    server = Simulated(ORTHANC)
    word = (START, PAUSE, SUCCEED)
    first = server.ask(word)
    assert server.ask(word[:2]) == first[:2]
    assert server.queries == 1


def test_a_server_that_answers_one_word_in_two_ways_is_unknown_and_the_word_is_shown() -> None:
    with pytest.raises(Unlearned, match=r"not deterministic: in '.*let a worker go") as caught:
        learn(Simulated(SPECIFIED, flips=200), 1)
    assert "HTTP 500" in str(caught.value)


def test_what_is_not_confirmed_in_time_is_unknown() -> None:
    class Slow(Simulated):
        def _play(self, word: Word) -> None:
            if self.queries == 50:
                raise Unlearned("the time is over")
            super()._play(word)

    with pytest.raises(Unlearned, match="time"):
        learn(Slow(SPECIFIED), 1)


def test_a_word_that_the_oracle_cannot_explain_ends_in_a_state_of_its_own() -> None:
    broken = len(SPECIFIED)
    machine = Machine(
        PLANT,
        (*SPECIFIED.shown, ("monitor/state: Sleeping",)),
        (*SPECIFIED.moves, {}),
        (*SPECIFIED.names, "broken"),
    )
    machine = changed(machine, 0, PAUSE, Way(None, broken))
    found = learn(Simulated(machine), 1).machine
    assert equivalent(found, machine)
    told = difference(found)
    assert told.relaxations is None
    assert len(told.extra) == 1
    assert any("Sleeping" in line for line in lines(told))
    assert "extra: " in dot(told, "a server")


@pytest.mark.parametrize("choices", list(resolutions()))
def test_a_difference_has_the_name_of_the_relaxations_that_were_taken(choices: Choices) -> None:
    found = difference(derive(PLANT, choices))
    assert found.relaxations == choices.relaxations
    assert found.behind == ()
    assert bool(found.changes) == bool(choices.relaxations)


def test_what_no_relaxation_permits_has_no_name() -> None:
    state = ORTHANC.after((START,))
    wrong = changed(ORTHANC, state, PAUSE, replace_status(ORTHANC.moves[state][PAUSE]))
    found = difference(wrong)
    assert found.relaxations is None
    assert any("nothing in the catalogue" in line for line in lines(found))


def replace_status(way: Way) -> Way:
    return way._replace(status=500)


def test_the_verdict_is_by_the_names_that_the_ledger_accepts() -> None:
    lost, wrong = difference(ORTHANC), difference(changed(ORTHANC, 0, PAUSE, Way(500, 0)))
    ledger = ledgers.of_version("1.10.1", [case.id for case in suites(Profile())])
    assert inference.verdict_on(difference(SPECIFIED), Ledger()) == (0, "equal")
    assert inference.verdict_on(lost, ledger) == (0, "accepted")
    assert inference.verdict_on(lost, Ledger()) == (1, "different")
    assert wrong.relaxations is None
    assert inference.verdict_on(wrong, ledger) == (1, "different")


def test_a_move_behind_a_difference_is_judged_as_well() -> None:
    """The faulty move lies where only a server that loses requests comes."""
    lost = derive(PLANT, Choices(frozenset({Relaxation.CANCEL_LOST_TO_PAUSE})))
    word = (START, Input(Verb.CANCEL, 0), PAUSE, SUCCEED)
    canceled, both, after = (lost.after(word[:size]) for size in (2, 3, 4))
    first, second = len(lost), len(lost) + 1  # copies that no other word leads to
    machine = Machine(
        PLANT,
        (*lost.shown, lost.shown[both], lost.shown[after]),
        (*lost.moves, lost.moves[both], lost.moves[after]),
        (*lost.names, "both", "after"),
    )
    machine = changed(machine, canceled, PAUSE, Way(200, first))
    machine = changed(machine, first, SUCCEED, Way(None, second))
    resume = Input(Verb.RESUME, 0)
    machine = changed(machine, second, resume, Way(400, second))
    found = difference(machine)
    assert found.behind
    assert found.behind[0].word == (*word, resume)
    assert found.relaxations is None


def test_the_picture_can_be_read_at_1280_pixels() -> None:
    """No letter of it is smaller than 9 points then, which is 12 pixels."""
    text = dot(by_state(difference(ORTHANC)), "Orthanc")
    drawn = graphviz.Source(text).pipe(format="svg", encoding="utf-8")
    (width,) = re.findall(r'<svg width="(\d+)pt"', drawn)
    (scale,) = re.findall(r'transform="scale\(([\d.]+) ', drawn)
    sizes = {float(size) for size in re.findall(r'font-size="([\d.]+)"', drawn)}
    assert int(width) <= 1280 * 0.75
    assert min(sizes) * float(scale) >= 9


def test_what_both_do_alike_towards_a_state_of_many_stands_in_the_boxes() -> None:
    found = by_state(difference(ORTHANC))
    text = dot(found, "Orthanc")
    assert text.count("Cancel() 200 \u2192 Failure") == 4  # Pending and Paused, after 0 and 1
    assert text.count("step fails \u2192 Failure") == 7  # Running, whatever was asked
    (failure,) = re.findall(r'^  (p\d+) \[.*label="Failure"\]', text, re.MULTILINE)
    into = re.findall(rf"-> {failure} \[.*style=(\w+)", text)
    assert set(into) == {"dashed"}


def test_the_picture_tells_moves_apart_by_more_than_colour() -> None:
    found = difference(ORTHANC)
    assert len(by_state(found).server) == 10
    text = dot(by_state(found), "Orthanc")
    edges = [line for line in text.splitlines() if "->" in line]
    missing = [line for line in edges if "style=dashed" in line]
    extra = [line for line in edges if "style=bold" in line]
    assert len(missing) > len(extra) == 3
    assert all("arrowhead=empty" in line and 'label="\u2212 ' in line for line in missing)
    assert all("arrowhead=diamond" in line and 'label="+ ' in line for line in extra)
    assert counts(by_state(found)) == "10 states, 13 specified, 3 different moves, 2 missing"
    assert f"Orthanc: {counts(by_state(found))}\\l" in text
    boxes = [line for line in text.splitlines() if "peripheries=" in line]
    assert len([line for line in boxes if "peripheries=2" in line]) == 2
    assert f"where the same moves lead in both ({len(boxes) - 2})" in text
    same = dot(by_state(difference(SPECIFIED)), "the same")
    same_edges = [line for line in same.splitlines() if "->" in line]
    assert same_edges
    assert not any("dashed" in line or "bold" in line for line in same_edges)


def test_no_difference_is_said() -> None:
    assert list(lines(difference(SPECIFIED))) == ["no difference from the specification"]


LEARN = ["learn", "http://127.0.0.1:9", "--exclusive", "--json", "l.json"]


def test_what_kept_it_from_learning_is_in_the_json_and_no_interrupt(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert status_of(LEARN) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("orthanc-jobs: no server answers at http://127.0.0.1:9")
    found = json.loads(Path("l.json").read_text())
    assert found["verdict"] == "unknown"
    assert found["reason"].startswith("no server answers at http://127.0.0.1:9")


def test_an_interrupt_is_told_as_one_and_the_json_is_written(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def pressed(*_: object) -> None:
        raise Interrupted

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(inference, "opened", pressed)
    assert status_of(LEARN) == 2
    assert capfd.readouterr() == ("unknown http://127.0.0.1:9: interrupted\n", "")
    found = json.loads(Path("l.json").read_text())
    assert (found["reason"], found["interrupted"]) == ("interrupted", True)


def test_without_aalpy_the_command_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    found = importlib.util.find_spec

    def hidden(name: str, *more: Any) -> Any:
        return None if name == "aalpy" else found(name, *more)

    monkeypatch.setattr(learning.importlib.util, "find_spec", hidden)
    with pytest.raises(NoLearner):
        learning.check_installed()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["orthanc-jobs", "learn"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "orthanc-jobs-conformance[learn]" in capsys.readouterr().err
