"""Text of a server cannot be taken for more than text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.text import CUT, HIDDEN, LONGEST, hidden, one_line, shown, shown_lines

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


def test_what_has_lines_becomes_one() -> None:
    assert one_line('{\n   "a" : 1\n}\n\x1b') == '{ "a" : 1 } \\x1b'


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
