"""Which cases run together on one server, and what keeps a case from being run."""

from __future__ import annotations

from conformance.campaign.attempt import MOST_CONFIRMED, Experience, Obstacle
from conformance.campaign.campaign import grouped
from conformance.suites.case import Script

PLAIN, OTHER = Script("a/1", "queue/engine"), Script("a/2", "monitor/state")
ONE = Script("b/1", "queue/engine", config={"ConcurrentJobs": 1})
SMALL = Script("b/2", "queue/engine", config={"JobsHistorySize": 1})
ONE_MORE = Script("c/1", "queue/engine", config={"ConcurrentJobs": 1})


def test_cases_of_one_configuration_run_together_and_those_of_the_open_server_first() -> None:
    groups = grouped([ONE, PLAIN, SMALL, ONE_MORE, OTHER], {}, managed=True)
    assert [(dict(group.config), group.cases) for group in groups] == [
        ({}, (PLAIN, OTHER)),
        ({"ConcurrentJobs": 1}, (ONE, ONE_MORE)),
        ({"JobsHistorySize": 1}, (SMALL,)),
    ]


def test_a_server_of_somebody_else_runs_all_of_them() -> None:
    (group,) = grouped([ONE, PLAIN, SMALL], {}, managed=False)
    assert group.cases == (ONE, PLAIN, SMALL)


def test_an_obstacle_bars_all_cases_but_those_that_it_spares() -> None:
    assert Obstacle("it is gone").bars(PLAIN)
    waits = Obstacle("a call waits", spared="queue/engine")
    assert not waits.bars(PLAIN)
    assert waits.bars(OTHER)


def test_a_run_is_hasty_once_enough_did_not_come() -> None:
    assert not Experience(confirmed=MOST_CONFIRMED - 1).hasty
    assert Experience(confirmed=MOST_CONFIRMED).hasty
