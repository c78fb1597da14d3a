"""What the reference server writes by ways of its own is what Python's library would write."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.reference import clock
from conformance.reference.errors import ErrorCode
from conformance.reference.job import State
from conformance.reference.json_text import laid_out

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(State)
    | st.sampled_from(ErrorCode)
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.sampled_from(State), inner)
    ),
)


@settings(deadline=None)
@given(VALUES)
def test_json_is_laid_out_as_by_python(value: object) -> None:
    assert laid_out(value) == json.dumps(value, indent=3, separators=(",", " : "))


def test_what_is_not_json_is_not_laid_out() -> None:
    with pytest.raises(TypeError, match="bytes"):
        laid_out({"a": [b""]})


@settings(deadline=None)
@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))
def test_a_moment_is_stamped_as_by_strftime(moment: datetime) -> None:
    assert clock.stamp(moment) == moment.strftime("%Y%m%dT%H%M%S.%f")
    assert clock.parse(clock.stamp(moment)) == moment
