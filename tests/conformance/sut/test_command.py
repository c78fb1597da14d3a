"""The command of a server: its words, and the names by which it sees its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.sut import servers
from conformance.sut.command import Command


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "root"
    (path / "tmp").mkdir(parents=True)
    return path.resolve()


@pytest.mark.parametrize("before", [[], ["sudo", "-n"], ["/usr/bin/env", "A=b"]])
@pytest.mark.parametrize("options", [[], ["--userspec=nobody"]])
def test_paths_are_as_the_chroot_sees_them(
    root: Path, before: list[str], options: list[str]
) -> None:
    words = [*before, "/usr/sbin/chroot", *options, str(root), "Orthanc", "{config}"]
    command = Command(tuple(words))
    inside = root / "tmp" / "x"
    inside.mkdir()
    assert command.root() == root
    assert command.filled(inside, "c.json") == [*words[:-1], "/tmp/x/c.json"]
    assert Command(("Orthanc", "{config}")).seen(inside) == str(inside)


def test_the_folder_of_a_server_in_a_chroot_is_made_inside(root: Path) -> None:
    assert servers.orthanc(f"chroot {root} Orthanc {{config}}")._parent == root / "tmp"
    assert servers.orthanc("Orthanc {config}")._parent is None


def test_a_folder_outside_that_the_chroot_has_as_well(root: Path, tmp_path: Path) -> None:
    """As with a bind mount: the name is the same on both sides."""
    outside = tmp_path / "work dir"
    outside.mkdir()
    (root / outside.resolve().relative_to("/")).mkdir(parents=True)
    command = Command(("chroot", str(root), "Orthanc", "{config}"))
    assert command.seen(outside) == str(outside.resolve())


def test_no_word_is_added_to_the_text_of_a_shell() -> None:
    assert Command.parse("Orthanc {config}").takes_arguments()
    assert not Command.parse("sh -c 'Orthanc {config}'").takes_arguments()
