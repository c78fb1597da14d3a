"""Text of a server cannot be taken for more than text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.text import CUT, HIDDEN, LONGEST, hidden, in_path, shown, shown_lines

ANY = st.text(st.characters(exclude_categories=()))  # lone surrogates, too


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Success, 100 %", "Success, 100 %"),
        ("Müller\u2009日本", "Müller\\u2009日本"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nfake: line", "a\\nfake: line"),
        ("\x9b31m", "\\x9b31m"),  # C1, which a terminal takes for ESC [
        ("\u202etxt.exe", "\\u202etxt.exe"),  # reads backwards
        ("\ud83d", "\\ud83d"),
        ("\x00", "\\x00"),
        ("[/] [bold]", "[/] [bold]"),  # markup is switched off where it is printed
    ],
)
def test_what_is_shown(text: str, told: str) -> None:
    assert shown(text) == told


@given(ANY)
def test_whatever_it_is_it_is_one_line_that_every_file_can_hold(text: str) -> None:
    told = shown(text)
    assert told.isprintable()
    assert len(told) <= LONGEST
    assert told.encode().decode() == told
    assert shown(told) == told


@given(ANY)
def test_lines_of_our_own_stay_lines(text: str) -> None:
    assert shown_lines(f"{text}\nend").splitlines()[-1] == "end"
    assert shown_lines(text).count("\n") == text.count("\n")


def test_a_long_text_is_cut_and_says_so() -> None:
    told = shown("x" * 100_000)
    assert len(told) == LONGEST
    assert told.endswith(CUT)


SECRET = "pa'ss\\w\u00f6rd\""


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"State {SECRET!r}",
        '{"State": "pa\'ss\\\\w\\u00f6rd\\""}',
        f"{SECRET[:7]}...",
    ],
)
def test_a_secret_is_hidden_in_each_form_that_it_may_take(text: str) -> None:
    told = hidden(text, [SECRET])
    assert HIDDEN in told
    assert "pa'ss" not in told


def test_what_is_no_secret_is_not_touched() -> None:
    assert hidden("pa..., pas", [SECRET]) == "pa..., pas"


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("5585c60c-0913-43ac-8c29-1aab5bbc2454", "5585c60c-0913-43ac-8c29-1aab5bbc2454"),
        ("../x", "..%2Fx"),
        ("a?b#c%", "a%3Fb%23c%25"),
        ("...", "..."),
    ],
)
def test_a_name_is_one_segment_of_a_path(name: str, segment: str) -> None:
    assert in_path(name) == segment


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_what_is_no_segment_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no name within a path"):
        in_path(name)
