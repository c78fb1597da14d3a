"""The stateful search as a state machine, run by Hypothesis' own means."""

from __future__ import annotations

import pytest
import requests
from hypothesis import Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from orthanc_jobs import Error, reference_server
from orthanc_jobs.testing import machine_for

FEW = settings(
    max_examples=8, stateful_step_count=10, deadline=None, database=None, phases=[Phase.generate]
)


def run(machine: type[RuleBasedStateMachine]) -> None:
    run_state_machine_as_test(seed(1)(machine), settings=FEW)  # type: ignore[no-untyped-call]


def test_a_right_server_passes_and_nothing_is_left() -> None:
    with reference_server(DicomServerEnabled=False) as server:
        run(machine_for(server.url))
        assert requests.get(f"{server.url}/jobs", timeout=30).json() == []
        assert requests.get(f"{server.url}/peers", timeout=30).json() == []


def test_a_fault_fails_with_what_is_broken() -> None:
    fault = "cancel-leaves-error-code-0"
    with reference_server(DicomServerEnabled=False, fault=fault) as server:
        machine = machine_for(server.url)
        with pytest.raises(Exception, match="cancel"):
            run(machine)


def test_it_can_be_extended_by_rules() -> None:
    ran = []
    with reference_server(DicomServerEnabled=False) as server:

        class More(machine_for(server.url)):  # type: ignore[misc]
            @rule()
            def more(self) -> None:
                ran.append(self.driver.names)

        run(More)
    assert ran


def test_where_no_server_is_it_says_so(unused_port: int) -> None:
    with pytest.raises(Error, match="no server answers"):
        machine_for(f"http://127.0.0.1:{unused_port}")
