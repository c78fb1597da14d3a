"""What is known of a server before its first job, by the configuration that it was given."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import pytest

from conformance.suites import suites
from conformance.sut.address import Address
from conformance.sut.identity import System
from conformance.sut.managed import DEFAULTS
from conformance.sut.profile import BY_DEFAULT, Profile
from conformance.sut.target import ORTHANC, Choice, profile_of

SYSTEM = System("1.12.7", "", {}, orthanc=True)


@pytest.mark.parametrize(
    ("config", "workers", "history"),
    [
        ({"ConcurrentJobs": 3, "JobsHistorySize": 0}, 3, 0),
        ({"ConcurrentJobs": 0, "JobsHistorySize": 7}, os.cpu_count(), 7),
        ({"ConcurrentJobs": None, "JobsHistorySize": None}, 2, 10),
    ],
)
def test_a_server_of_our_own_is_as_its_configuration_says(
    config: Mapping[str, Any], workers: int, history: int
) -> None:
    found = profile_of(Choice(ORTHANC), SYSTEM, {**DEFAULTS, **config})
    assert (found.workers, found.history) == (workers, history)


def test_how_many_processors_another_machine_has_is_not_known() -> None:
    there = Choice("url", Address.parse("http://localhost:8042"))
    assert profile_of(there, SYSTEM, {"ConcurrentJobs": 0}).workers is None


def test_what_is_not_configured_is_tried_with_what_is_so_by_default() -> None:
    silent = [case for case in suites(Profile()) if None in dict(case.config).values()]
    assert {key for case in silent for key in case.config} == set(BY_DEFAULT)
