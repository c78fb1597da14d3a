"""How the cases of a run are divided, what keeps one from being run, and how streams are united."""

from __future__ import annotations

import time
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest

from conformance.campaign.attempt import MOST_CONFIRMED, Experience, Obstacle
from conformance.campaign.book import Book
from conformance.campaign.crew import following, spares
from conformance.campaign.gathering import Brief, Done, Gathering, done
from conformance.campaign.lots import (
    LONGEST,
    Lot,
    Stream,
    Time,
    divided,
    expected,
    longest_first,
    shard,
)
from conformance.campaign.plan import Plan
from conformance.campaign.serving import Bench, Serving
from conformance.errors import BadArgument
from conformance.events import CaseBegins, CaseEnds, Event, Progress, Result, Verdict
from conformance.oracle.fields import MOST_STEPS, Broken, Moment, Stamp
from conformance.suites import suites
from conformance.suites.case import Script
from conformance.sut.profile import Profile
from conformance.sut.target import ORTHANC, REFERENCE, Choice
from conformance.timing import TIMING
from spec.table import Ground

PLAIN, OTHER = Script("a/1", "queue/engine"), Script("a/2", "monitor/state")
ONE = Script("b/1", "queue/engine", config={"ConcurrentJobs": 1})
SMALL = Script("b/2", "queue/engine", config={"JobsHistorySize": 1})
ONE_MORE = Script("c/1", "queue/engine", config={"ConcurrentJobs": 1})
SEARCH = "search/stateful"


def whole(examples: int = 100, kind: str = ORTHANC) -> list[Lot]:
    return divided(suites(Profile()), {}, examples, kind)


def test_cases_of_one_configuration_run_together_and_those_of_the_open_server_first() -> None:
    lots = divided([ONE, PLAIN, SMALL, ONE_MORE, OTHER], {}, 100)
    assert [(lot.number, dict(lot.config), lot.cases) for lot in lots] == [
        (0, {}, ("a/1", "a/2")),
        (1, {"ConcurrentJobs": 1}, ("b/1", "c/1")),
        (2, {"JobsHistorySize": 1}, ("b/2",)),
    ]


def test_every_case_is_in_one_lot_and_the_search_in_several_streams() -> None:
    lots = whole()
    ids = [id for lot in lots for id in lot.cases if lot.stream is None]
    assert sorted([*ids, SEARCH]) == sorted(case.id for case in suites(Profile()))
    streams = [lot.stream for lot in lots if lot.stream is not None]
    assert sum(stream.examples for stream in streams) == 100
    assert [stream.number for stream in streams] == list(range(streams[0].of))
    assert len({stream.seed(0) for stream in streams}) == len(streams) > 1


@pytest.mark.parametrize("kind", [ORTHANC, REFERENCE])
def test_no_lot_is_long_but_one_of_a_single_case(kind: str) -> None:
    for lot in whole(kind=kind):
        assert len(lot.cases) == 1 or lot.seconds <= LONGEST


def test_few_examples_are_one_stream_with_the_seed_of_the_run() -> None:
    (lot,) = (lot for lot in whole(examples=20) if SEARCH in lot.cases)
    assert lot.stream is None
    assert Stream(0, 1, 20).seed(7) == 7


def test_a_case_that_was_measured_takes_its_time_and_another_the_mean() -> None:
    assert expected("persist/kill/settled").seconds > 1 > expected("no/such/case").seconds > 0
    assert expected("persist/kill/settled").waited > 10
    assert expected("no/such/case") == Time(expected("no/such/case").seconds, 0.0)


def test_a_server_that_stops_at_once_is_not_waited_for() -> None:
    """The reference server saves each change when it comes; an Orthanc every ten seconds."""
    of_each = [expected("persist/kill/settled", kind).seconds for kind in (ORTHANC, REFERENCE)]
    assert of_each[0] > 4 * of_each[1]


def test_lots_that_stop_an_orthanc_mostly_wait_and_others_do_not() -> None:
    """`persist/stop/types` has jobs of every type to look at, others wait for a time-out of a job.

    The search stops its server too, and on idle cores that is most of its time.
    """
    lots = whole()
    waiting = [lot for lot in lots if lot.waits]
    assert len(waiting) > 10
    of_suites = {id.split("/")[0] for lot in waiting for id in lot.cases}
    assert {"persist"} <= of_suites <= {"persist", "search"}
    stops = [lot for lot in lots if lot.seconds > 1 and lot.cases[0].startswith("persist/stop/")]
    assert len(stops) > 10
    assert sum(lot.waits for lot in stops) > 0.8 * len(stops)


def test_the_longest_lot_is_handed_out_first() -> None:
    seconds = [lot.seconds for lot in longest_first(whole())]
    assert seconds == sorted(seconds, reverse=True)


# --- which worker runs which lot ------------------------------------------------------------------


def lot(number: int, seconds: float, waited: float = 0.0, **config: object) -> Lot:
    return Lot(number, config, (f"a/{number}",), seconds, waited=waited)


def dealt(lots: list[Lot], spare: bool, ahead: dict[str, object] | None = None) -> int | None:
    found = following(longest_first(lots), spare, ahead)
    return None if found is None else found.number


def test_a_spare_worker_runs_what_waits_and_nothing_else() -> None:
    lots = [lot(0, 9.0), lot(1, 6.0, 5.0), lot(2, 4.0, 1.9)]
    assert dealt(lots, spare=True) == 1
    assert dealt([lots[0], lots[2]], spare=True) is None
    assert dealt([], spare=True) is None


def test_any_other_worker_runs_what_waits_when_all_else_has_begun() -> None:
    lots = [lot(0, 1.0), lot(1, 6.0, 5.0), lot(2, 8.0, 7.0)]
    assert dealt(lots, spare=False) == 0
    assert dealt(lots[1:], spare=False) == 2
    assert dealt([], spare=False) is None


def test_a_worker_uses_the_server_that_it_has_begun_where_that_costs_little() -> None:
    lots = [lot(0, 6.0, A=1), lot(1, 5.0, A=2), lot(2, 2.0, A=3)]
    assert dealt(lots, spare=False, ahead={"A": 2}) == 1
    assert dealt(lots, spare=False, ahead={"A": 3}) == 0
    assert dealt(lots, spare=False, ahead={"A": 4}) == 0


def test_there_are_at_most_two_spare_workers_for_each_and_none_without_a_lot() -> None:
    waiting = [lot(number, 6.0, 5.0) for number in range(9)]
    assert spares([*waiting, lot(9, 6.0), lot(10, 6.0)], workers=2) == 4
    assert spares(waiting[:4], workers=3) == 1
    assert spares([lot(9, 6.0), lot(10, 6.0), waiting[0]], workers=2) == 1
    assert spares([lot(9, 6.0), lot(10, 6.0)], workers=1) == 0


@pytest.mark.parametrize("of", [1, 2, 5])
def test_shards_are_all_lots_and_each_takes_about_as_long(of: int) -> None:
    lots = whole()
    shards = [shard(lots, number + 1, of) for number in range(of)]
    assert sorted(lot.number for one in shards for lot in one) == [lot.number for lot in lots]
    took = [sum(lot.seconds for lot in one) for one in shards]
    assert max(took) - min(took) < LONGEST


def test_more_shards_than_lots_are_refused() -> None:
    with pytest.raises(BadArgument, match="--shard 3/4"):
        shard(divided([ONE, PLAIN, SMALL], {}, 100), 3, 4)


# --- what was learned in other lots ---------------------------------------------------------------


def test_an_obstacle_bars_all_cases_but_those_that_it_spares() -> None:
    assert Obstacle("it is gone").bars(PLAIN)
    waits = Obstacle("a call waits", spared="queue/engine")
    assert not waits.bars(PLAIN)
    assert waits.bars(OTHER)


def test_a_run_is_hasty_once_enough_did_not_come() -> None:
    assert not Experience(confirmed=MOST_CONFIRMED - 1).hasty
    assert Experience(confirmed=MOST_CONFIRMED).hasty


def test_what_did_not_come_in_two_lots_at_the_same_time_counts_once_each() -> None:
    gathering = Gathering(Book(lambda _: None, whole=False))
    briefs = [gathering.brief(Lot(number, {}, ())) for number in range(2)]
    for brief in briefs:
        learned = replace(brief.experience, confirmed=brief.experience.confirmed + 1)
        gathering.close(summary(brief, learned))
    assert gathering.brief(Lot(2, {}, ())).experience.confirmed == 2


def test_a_clock_is_set_so_often_in_all_lots_together() -> None:
    """What two lots have seen at the same time may be one and the same step."""
    gathering = Gathering(Book(lambda _: None, whole=False))
    for together in (2, 1):
        briefs = [gathering.brief(Lot(number, {}, ())) for number in range(together)]
        for brief in briefs:
            steps = brief.experience.clock_steps + 1
            gathering.close(summary(brief, replace(brief.experience, clock_steps=steps)))
    assert gathering.brief(Lot(2, {}, ())).experience.clock_steps == 2


def test_a_lot_begins_with_what_is_known_of_the_clock() -> None:
    """A clock that is set once more in each of many lots is no clock, but a wrong Timestamp."""
    experience = Experience()
    found: list[Broken | None] = []
    for _ in range(MOST_STEPS + 1):
        book = Book(lambda _: None, whole=False)
        serving = Serving(Bench(Choice(), Plan(replays=None), inf), book, replace(experience))
        with serving.opened({}) as session:
            clock = session.resources.fields.clock
            now = time.monotonic()  # the probe has read what time it is there
            found.append(clock.see(Stamp(time.time() + 60, 0.0, "a time"), Moment(now, now)))
        experience = serving.experience
        serving.bench.yard.clear(TIMING.stops)
    *within, beyond = found
    assert within == [None] * MOST_STEPS
    assert beyond is not None
    assert beyond.requirement == "monitor/timestamp"
    assert experience.clock_steps == MOST_STEPS + 1


def summary(brief: Brief, learned: Experience | None = None) -> Done:
    own = Book(lambda _: None, whole=False)
    return done(brief, own, learned or brief.experience, whole=True)


# --- a case in several streams ----------------------------------------------------------------


def stream(number: int, of: int = 2) -> Lot:
    return Lot(number, {}, (SEARCH,), stream=Stream(number, of, 25))


def result(verdict: Verdict, id: str = SEARCH, **more: object) -> Result:
    part = None if id == SEARCH else SEARCH
    made = Result(id, "queue/engine", Ground.DOCUMENTED, verdict, part_of=part)
    return replace(made, seconds=1.0, **more)  # type: ignore[arg-type]


def ended(told: list[Event]) -> list[Result]:
    return [event.result for event in told if isinstance(event, CaseEnds)]


def test_streams_are_told_when_all_have_ended_and_the_worst_of_them_counts(tmp_path: Path) -> None:
    told: list[Event] = []
    gathering = Gathering(Book(told.append, whole=False))
    gathering.foresee([stream(0), stream(1)])
    files = [tmp_path / f"{number}.json" for number in range(2)]
    for file in files:
        file.touch()
    found = [
        result(Verdict.DEVIATION, f"{SEARCH}/x", actual=str(n), replay=str(files[n]))
        for n in (0, 1)
    ]
    for number, verdict in ((1, Verdict.UNKNOWN), (0, Verdict.PASS)):
        lot = stream(number)
        gathering.take(lot, CaseBegins(SEARCH))
        gathering.take(lot, Progress(SEARCH, 5, 25))
        gathering.take(lot, CaseEnds(found[number]))
        gathering.take(lot, CaseEnds(result(verdict)))
        assert ended(told) == []
        gathering.close(summary(gathering.brief(lot)))
    assert ended(told) == [
        replace(found[0], seconds=2.0),  # of the first stream, whichever has ended first
        replace(result(Verdict.UNKNOWN), seconds=2.0),
    ]
    assert [event for event in told if isinstance(event, CaseBegins)] == [CaseBegins(SEARCH)]
    assert [event for event in told if isinstance(event, Progress)] == [
        Progress(SEARCH, 5, 50),
        Progress(SEARCH, 10, 50),
    ]
    assert [file.exists() for file in files] == [True, False]


@pytest.mark.parametrize(
    ("verdict", "expected"), [(Verdict.PASS, []), (Verdict.DEVIATION, [Verdict.DEVIATION])]
)
def test_of_streams_that_were_cut_short_only_a_deviation_is_told(
    verdict: Verdict, expected: list[Verdict]
) -> None:
    told: list[Event] = []
    gathering = Gathering(Book(told.append, whole=False))
    gathering.foresee([stream(0), stream(1)])
    gathering.take(stream(0), CaseEnds(result(verdict)))
    gathering.close(summary(gathering.brief(stream(0))))
    gathering.flush()
    assert [one.verdict for one in ended(told)] == expected


def test_a_shard_that_has_one_stream_of_several_tells_of_it() -> None:
    told: list[Event] = []
    gathering = Gathering(Book(told.append, whole=False))
    gathering.foresee([stream(1)])
    gathering.take(stream(1), CaseEnds(result(Verdict.PASS)))
    gathering.close(summary(gathering.brief(stream(1))))
    assert [one.verdict for one in ended(told)] == [Verdict.PASS]
