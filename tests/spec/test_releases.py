"""The releases that the catalogue tells apart, and what changes from one to the next."""

from __future__ import annotations

import pytest

from spec.releases import KNOWN, between, changes, told_apart
from spec.requirements import CATALOGUE, RELEASES, Requirement
from spec.table import Ground


def entry(id: str, since: str | None = None, until: str | None = None) -> Requirement:
    return Requirement(f"a/{id}", "It is so.", "a page", Ground.DOCUMENTED, since, until)


OF_ALL = entry("of-all")
OLD = entry("old", "1.2.0", "1.9.4")
NEW = entry("new", "1.10.0")
LAST = entry("last", until="1.13.0")


def test_a_release_is_told_apart_where_something_changes_or_was_measured() -> None:
    assert told_apart((OF_ALL, OLD, NEW, LAST)) == (
        "1.2.0", "1.9.1", "1.9.4", "1.10.0", "1.10.1", "1.12.7", "1.13.0",
    )  # fmt: skip


def test_releases_are_in_the_order_of_their_numbers() -> None:
    numbers = [tuple(map(int, release.split("."))) for release in KNOWN]
    assert numbers == sorted(set(numbers))
    assert set(RELEASES) <= set(KNOWN)


def test_what_ends_to_be_said_ends_with_the_next_release_and_not_with_its_last() -> None:
    first, second = changes((OF_ALL, OLD, NEW, LAST))
    assert (first.old, first.new, first.begins, first.ends) == (None, "1.2.0", (OLD,), ())
    assert (second.old, second.new, second.begins, second.ends) == (
        "1.9.4", "1.10.0", (NEW,), (OLD,),
    )  # fmt: skip


def test_what_is_said_of_all_changes_nowhere() -> None:
    assert changes((OF_ALL, LAST)) == ()
    assert not between("1.9.1", "1.13.0", (OF_ALL, LAST))


@pytest.mark.parametrize("old", KNOWN)
@pytest.mark.parametrize("new", KNOWN)
def test_the_way_back_undoes_the_change(old: str, new: str) -> None:
    there, back = between(old, new), between(new, old)
    assert (there.begins, there.ends) == (back.ends, back.begins)


def test_each_bound_of_the_catalogue_is_a_change_once() -> None:
    found = changes()
    begun = [one.id for change in found for one in change.begins]
    ended = [one.id for change in found for one in change.ends]
    assert sorted(begun) == sorted(id for id, one in CATALOGUE.items() if one.since)
    assert sorted(ended) == sorted(id for id, one in CATALOGUE.items() if one.until)
    for change in found:
        assert all(one.since == change.new for one in change.begins)
        assert all(one.until == change.old for one in change.ends)
