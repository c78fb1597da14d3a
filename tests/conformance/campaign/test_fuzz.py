"""`fuzz`: what it finds alone, told once and at once, and a corpus that outlives its process."""

from __future__ import annotations

import json
import re
import signal
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from conformance.campaign.campaign import Campaign
from conformance.campaign.plan import Fuzzing, Plan
from conformance.campaign.replay import load
from conformance.cli.fuzz import seconds_of
from conformance.driver.script import act, fail, submit, succeed
from conformance.errors import BadArgument
from conformance.events import CaseEnds, Event, Result, Searched, Verdict, Warned
from conformance.evidence import power
from conformance.search import corpus
from conformance.search.corpus import Corpus, Unreachable
from conformance.search.fuzzing import ROUND, Fuzz
from conformance.suites.search import ID
from conformance.sut.address import Address
from conformance.sut.target import Choice
from spec.table import Action
from tests.conformance.kit import MODULE, command
from tests.conformance.somebody import WITHIN
from tests.forked import Forked
from tests.waiting import until

pytestmark = pytest.mark.apart

LONG = 300.0  # seconds, for what takes some
# Faults that a dedicated suite of `run` finds, and its search does not; with a seed of `fuzz`.
ALONE = {
    "third-resubmit-goes-on": ("step/resubmitted-starts-over", 0),
    "cancel-renews-in-history": ("history/size", 1),
    "pause-of-retry-lost": ("action/pause/retry", 1),
}
EASY = "cancel-of-paused-ignored"
FEW = 6  # examples of a round, where it is about what comes after a round


@dataclass
class Fuzzed:
    """A search in this process, on a reference server."""

    folder: Path
    told: list[Event] = field(default_factory=list)

    def run(self, seconds: float, fault: str | None = None, **more: Any) -> int:
        kept = corpus.opened(str(self.folder / "corpus"))
        plan = Plan(
            prefixes=(ID,),
            examples=ROUND,
            replays=self.folder / "replays",
            fuzzing=Fuzzing(seconds, kept, shrinking=0.5),
        )
        return Campaign(Choice(fault=fault), replace(plan, **more), self.told.append).run()

    @property
    def found(self) -> list[Result]:
        ended = [event.result for event in self.told if isinstance(event, CaseEnds)]
        return [result for result in ended if result.verdict is Verdict.DEVIATION]

    @property
    def searched(self) -> list[Searched]:
        return [event for event in self.told if isinstance(event, Searched)]


def each() -> list[Any]:
    """CI searches for the one that is found soonest, `make weekly` for all."""
    soonest = next(iter(ALONE))
    rest = [pytest.param(fault, marks=pytest.mark.weekly) for fault in ALONE if fault != soonest]
    return [pytest.param(soonest, marks=pytest.mark.long), *rest]


@pytest.mark.parametrize("fault", each())
def test_it_finds_alone_what_the_search_of_a_run_does_not(tmp_path: Path, fault: str) -> None:
    requirement, seed = ALONE[fault]
    suites = {catch.suite for catch in power.measured()[fault].catches}
    assert suites
    assert "search" not in suites
    search = Fuzzed(tmp_path)
    assert search.run(LONG, fault, seed=seed, max_failures=1) == 1
    (found,) = search.found
    assert found.requirement == requirement
    assert found.part_of == ID
    assert found.replay is not None
    again = Plan(replays=None, no_ledger=True, recording=load(Path(found.replay)))
    assert Campaign(Choice(fault=fault), again, lambda _: None).run() == 1
    assert Campaign(Choice(), again, lambda _: None).run() == 0


@pytest.mark.long
def test_what_is_found_is_told_once_while_the_search_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, behind = Fuzz.round, []

    def round_(search: Fuzz) -> None:
        behind.extend([search.ran] if search.known else [])
        if len(behind) > 1:
            search.until = 0.0
        search.examples = FEW
        whole(search)

    monkeypatch.setattr(Fuzz, "round", round_)
    search = Fuzzed(tmp_path)
    assert search.run(LONG, EASY) == 1
    ids = [result.id for result in search.found]
    assert ids
    assert len(ids) == len(set(ids))
    for result in search.found:
        assert load(Path(str(result.replay))).requirement == result.requirement
    assert behind[-1] > behind[0]  # examples, of which many show the same
    told = next(number for number, e in enumerate(search.told) if isinstance(e, CaseEnds))
    assert any(isinstance(event, Searched) for event in search.told[told:])


@pytest.mark.long
def test_killed_and_begun_again_it_goes_on_with_its_corpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(tmp_path / "out", "wb") as out:
        words = ["fuzz", "reference", "--for", "1h", "--database", "corpus", "--seed", "5"]
        killed = Forked(MODULE, words, tmp_path, out.fileno(), out.fileno())
    kept = corpus.opened(str(tmp_path / "corpus"))
    try:
        until(lambda: len(kept.sequences()) >= 5, LONG)
    finally:
        killed.send_signal(signal.SIGKILL)
        killed.wait(LONG)
    before = kept.sequences()

    ran: list[object] = []
    replay, once = Fuzz._replay, Fuzz._once

    def replayed(search: Fuzz, steps: Any) -> None:
        ran.append(steps)
        replay(search, steps)

    def searched(search: Fuzz) -> None:
        ran.append(None)
        search.examples = FEW
        once(search)
        search.until = 0.0

    monkeypatch.setattr(Fuzz, "_replay", replayed)
    monkeypatch.setattr(Fuzz, "_once", searched)
    search = Fuzzed(tmp_path)
    assert search.run(LONG) == 0
    assert ran == [*before, None]
    first_new = search.searched[len(before)]
    assert first_new.examples == len(before) + 1
    assert first_new.states >= len(before)  # each was kept for one
    assert set(kept.sequences()) >= set(before)


def test_a_finding_in_the_corpus_hides_nothing_that_comes_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shows = (submit("A", 2), act(Action.PAUSE, "A"), succeed("A"), act(Action.CANCEL, "A"))
    behind = (*shows[:3], *(act(Action.PAUSE, "A"),) * 3)
    kept = corpus.opened(str(tmp_path / "corpus"))
    kept.keep(shows)
    kept.keep(behind)
    replay, ran = Fuzz._replay, []

    def replayed(search: Fuzz, steps: Any) -> None:
        ran.append(steps)
        replay(search, steps)

    def over(search: Fuzz) -> None:
        search.until = 0.0

    monkeypatch.setattr(Fuzz, "_replay", replayed)
    monkeypatch.setattr(Fuzz, "_once", over)
    search = Fuzzed(tmp_path)
    assert search.run(LONG, EASY) == 1
    assert [found.requirement for found in search.found] == ["action/cancel/paused"]
    assert ran == [shows, behind]


def test_a_server_that_ends_by_itself_is_told_once_and_another_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = (submit("A"), fail("A"), act(Action.RESUBMIT, "A"))
    goes_on = (submit("A", 3), succeed("A"), succeed("A"), succeed("A"), succeed("A"))
    kept = corpus.opened(str(tmp_path / "corpus"))
    for steps in (ends, (*ends, goes_on[1]), goes_on):
        kept.keep(steps)

    def over(search: Fuzz) -> None:
        search.until = 0.0

    monkeypatch.setattr(Fuzz, "_once", over)
    search = Fuzzed(tmp_path)
    assert search.run(LONG, "ends-on-resubmit") == 1
    (found,) = search.found
    assert found.actual == "the server ended by itself with status 1"
    assert found.program == tuple(map(str, ends))
    last = search.searched[-1]
    assert (last.examples, last.kept) == (3, 3)


@pytest.mark.long
def test_what_another_machine_has_kept_is_run_in_the_next_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = (submit("A", 3, 1), submit("B", 3, 1), submit("C", 4, -1))
    once, ran = Fuzz._once, []

    def searched(search: Fuzz) -> None:
        search.examples = FEW
        once(search)
        corpus.opened(str(tmp_path / "corpus")).keep(theirs)

    def replayed(search: Fuzz, steps: Any) -> None:
        ran.append(steps)
        search.until = 0.0

    monkeypatch.setattr(Fuzz, "_once", searched)
    monkeypatch.setattr(Fuzz, "_replay", replayed)
    assert Fuzzed(tmp_path).run(LONG) == 0
    assert ran == [theirs]


@pytest.mark.long
def test_a_database_that_goes_away_is_told_and_given_later_what_it_has_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, missed = "the database has gone", []
    keep, once = Corpus.keep, Fuzz._once

    def lost(_: Corpus, steps: Any) -> None:
        missed.append(tuple(steps))
        raise Unreachable(gone)

    def searched(search: Fuzz) -> None:
        search.examples = FEW
        once(search)
        if search.round_number == 1:
            monkeypatch.setattr(Corpus, "keep", keep)
        else:
            search.until = 0.0

    monkeypatch.setattr(Corpus, "keep", lost)
    monkeypatch.setattr(Fuzz, "_once", searched)
    search = Fuzzed(tmp_path)
    assert search.run(LONG) == 0
    (warned,) = [event.reason for event in search.told if isinstance(event, Warned)]
    assert warned.startswith(gone)
    assert len(missed) == 1  # it is asked once a round
    assert set(corpus.opened(str(tmp_path / "corpus")).sequences()) >= set(missed)


@pytest.mark.long
def test_sigterm_ends_it_in_time_and_its_findings_are_told(tmp_path: Path) -> None:
    words = ["fuzz", "reference", "--for", "8h", "--fault", EASY, "--json", "report.json"]
    with open(tmp_path / "out", "wb") as out:
        search = Forked(MODULE, words, tmp_path, out.fileno(), out.fileno())
    try:
        until(lambda: "\nfound " in (tmp_path / "out").read_text(), LONG)
        began = time.monotonic()
        search.terminate()
        assert search.wait(LONG) == 1
        assert time.monotonic() - began < WITHIN
    finally:
        search.send_signal(signal.SIGKILL)
    text = (tmp_path / "out").read_text()
    assert re.search(
        r"^0:\d\d:\d\d of 8:00:00: \d+ states? of the model reached, ", text, re.MULTILINE
    )
    assert text.splitlines()[-1].startswith("deviates reference")
    assert "interrupted" in text.splitlines()[-1]
    assert "begun again, it goes on with what it has kept" in text.splitlines()[-1]
    assert re.search(
        r"^\d+ states of the model reached, .* [1-9]\d* findings?$", text, re.MULTILINE
    )
    found = json.loads((tmp_path / "report.json").read_text())
    assert [one["requirement"] for one in found["cases"] if one["verdict"] == "deviation"]


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("20m", 1200), ("8h", 28800), ("1.5m", 90)]
)
def test_a_duration_has_a_unit(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "8", "h", "-1s", "0s", "1d", "8 h", "1e9h", "9999h", "٣h"])
def test_a_duration_that_is_none_is_told_in_two_lines(text: str) -> None:
    with pytest.raises(BadArgument, match="such as 30s, 20m or 8h") as error:
        seconds_of(text)
    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--for", "8"), "--for '8'"),
        (("--for", "8h", "--database", "ftp://x"), "--database ftp://x"),
        ((), "--for"),
    ],
)
def test_what_it_cannot_understand_ends_with_2(
    tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    run = command(tmp_path, "fuzz", "reference", *words, report=False)
    assert run.status == 2
    assert told in run.err
    assert len(run.err.splitlines()) == 2
    assert not run.out


def test_a_server_of_somebody_else_is_not_filled(tmp_path: Path) -> None:
    from conformance.sut.servers import reference

    search = Fuzzed(tmp_path)
    with reference() as server:
        url = server.address.url
        kept = corpus.opened(str(tmp_path / "corpus"))
        plan = Plan(prefixes=(ID,), replays=None, fuzzing=Fuzzing(LONG, kept))
        choice = Choice(url, Address.parse(url))
        assert Campaign(choice, plan, search.told.append).run() == 2
    assert not search.searched
