"""The commands by their names: each is the function `command` of a module of its own.

Only the module of the command that was named is imported, and what takes time to import stands
inside of its function: so every ``--help`` is instant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import wraps
from importlib import import_module
from shutil import get_terminal_size
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

NAMES = (
    "run",
    "fuzz",
    "list",
    "replay",
    "export",
    "learn",
    "watch",
    "check-trace",
    "client",
    "clean",
    "merge",
    "compare",
    "ci-gate",
    "upgrade",
    "matrix",
    "ledger",
    "diagram",
    "verify",
    "serve",
)
PROGRAM = "orthanc-jobs"
COMPLETING = "_ORTHANC_JOBS_COMPLETE"  # a shell sets it to ask how a line could go on
SHELLS = ("bash", "zsh", "fish")
OTHER = "Options"  # those of no group
WIDEST = 140  # columns of a text that is read easily
WIDE = {"max_content_width": min(WIDEST, max(80, get_terminal_size((100, 24)).columns))}
# What tells of an interrupt in its reports, or leaves nothing behind: each hears it when it can.
HEARING = frozenset({"run", "fuzz", "replay", "learn", "watch", "clean", "client", "ci-gate"})
# Typer has had a Click of its own since 0.29: so its classes are found by way of Typer.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]


def module_of(name: str) -> str:
    """The module of a command."""
    return f"conformance.cli.{name.replace('-', '_')}"


class _Imported(Mapping[str, Any]):
    """Each command by its name, imported when it is looked up."""

    def __getitem__(self, name: str) -> Any:
        if name not in NAMES:
            raise KeyError(name)
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        command = import_module(module_of(name)).command
        made = command if name in HEARING else _ending(command)
        alone.command(name, cls=Grouped, context_settings=WIDE)(made)
        return typer.main.get_command(alone)

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


def _ending(command: Callable[..., int]) -> Callable[..., int]:
    """``command``, which an interrupt ends wherever it is."""

    @wraps(command)
    def ending(**given: Any) -> int:
        from conformance.interrupts import interruptible

        with interruptible():
            return command(**given)

    return ending


class Grouped(TyperCommand):
    """A command whose help has its options in groups, each under the name of its group."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for one in self.get_params(ctx):
            if (told := one.get_help_record(ctx)) is not None:
                kind = "Arguments" if one.param_type_name == "argument" else OTHER
                title = getattr(one, "rich_help_panel", None) or kind
                groups.setdefault(title, []).append(told)
        for title in sorted(groups, key=lambda title: (title == OTHER, title != "Arguments")):
            with formatter.section(title):
                formatter.write_dl(groups[title])


class Commands(TyperGroup):
    """The group of all commands."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Imported()  # type: ignore[assignment]  # nothing is added

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        rows = [(name, self.commands[name].get_short_help_str(WIDEST)) for name in NAMES]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def list_commands(self, ctx: object) -> list[str]:
        return list(NAMES)


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    context_settings=WIDE,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"orthanc-jobs {version('orthanc-jobs-conformance')}")
        raise typer.Exit


def _completion(context: typer.Context, option: typer.CallbackParam, shell: str | None) -> None:
    if shell is not None:
        from typer.completion import show_callback

        if shell not in SHELLS:
            raise typer.BadParameter(f"there are {', '.join(SHELLS)}")
        with suppress(SystemExit):
            show_callback(context, option, shell)
        raise typer.Exit


@app.callback()
def _about(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Tell the kit's version."),
    ] = False,
    __: Annotated[
        str | None,
        typer.Option(
            "--completion",
            metavar="SHELL",
            callback=_completion,
            is_eager=True,
            help="Print what completes commands and options in bash, zsh or fish, to be sourced.",
        ),
    ] = None,
) -> None:
    """Hold a server's jobs engine to the specification of Orthanc's."""
