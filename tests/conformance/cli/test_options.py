"""The groups of options: written once, and the same for every command that has them."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

from conformance.cli import replay, run
from conformance.cli.options import LedgerOptions, ReportOptions, ServerOptions, spread
from conformance.errors import BadArgument
from conformance.sut.target import Choice


@dataclass(frozen=True)
class Group:
    name: Annotated[str, typer.Option()] = "n"
    number: Annotated[int, typer.Option()] = 7


def test_a_group_is_spread_into_its_options_and_put_together_again() -> None:
    taken: list[Any] = []

    @spread
    def command(first: str, group: Group, last: bool = False) -> int:
        """What it does."""
        taken.extend((first, group, last))
        return 7

    parameters = inspect.signature(command).parameters
    assert list(parameters) == ["first", "name", "number", "last"]
    assert (parameters["number"].default, command.__doc__) == (7, "What it does.")
    assert command(first="a", name="b", number=8, last=True) == 7
    assert taken == ["a", Group("b", 8), True]


@pytest.mark.parametrize("command", [run.command, replay.command])
def test_run_and_replay_take_the_same_options(command: Any) -> None:
    names = set(inspect.signature(command).parameters)
    for group in (ServerOptions, LedgerOptions, ReportOptions):
        assert {one.name for one in fields(group)} <= names


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (Choice(), ()),
        (Choice(fault="x"), ("--fault", "x")),
        (
            Choice("orthanc", server_command="chroot d Orthanc {config}", workdir=Path("w")),
            ("--server-command", "chroot d Orthanc {config}", "--workdir", "w"),
        ),
    ],
)
def test_a_replay_is_told_how_to_come_to_the_same_server(
    choice: Choice, words: tuple[str, ...]
) -> None:
    assert choice.options == words


def test_of_a_url_nothing_secret_is_told() -> None:
    url = "http://us:s3cr3t@127.0.0.1:1"
    options = ServerOptions(target=url, gate_address="h", header=["A: s3cr3t"])
    assert options.choice().options == (
        *("--gate-address", "h", "--user", "us", "--password-env", "ORTHANC_PASSWORD"),
        *("--header-env", "A:A"),
    )


def test_the_command_of_a_replay_lets_us_in_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that the run was given is in it, and every secret by its name."""
    monkeypatch.setenv("PASS", "s3cr3t")
    monkeypatch.setenv("KEY", "k3y")
    given = ServerOptions(
        target="http://127.0.0.1:1", user="us", password_env="PASS", header_env=["X-Key: KEY"],
        insecure=True, history_size=0, timeout=20.0, exclusive=True,
    )  # fmt: skip
    words = given.choice().options
    assert words == (
        *("--history-size", "0", "--timeout", "20", "--user", "us", "--password-env", "PASS"),
        *("--insecure", "--header-env", "X-Key:KEY", "--exclusive"),
    )


def test_a_header_whose_variable_is_not_set() -> None:
    given = ServerOptions(target="http://127.0.0.1:1", header_env=["X-Key:NO_SUCH_VARIABLE"])
    with pytest.raises(BadArgument, match="--header-env: the variable NO_SUCH_VARIABLE is not"):
        given.choice()
