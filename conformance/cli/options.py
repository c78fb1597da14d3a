"""The options that several commands have, each written once.

A group of options is a dataclass: a field is an option, its annotation says what Typer has to
know of it. `spread` makes a command of a function that takes such groups: a parameter whose
annotation is a group stands for the options of all its fields.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, get_type_hints

import typer
from typer.models import OptionInfo

from conformance.errors import BadArgument

if TYPE_CHECKING:
    from conformance.reports import Reports, Writer
    from conformance.sut.target import Choice

VARIABLE = re.compile("[A-Z_][A-Z0-9_]*")  # as names of variables are written
LONGEST = 3600.0  # seconds that one thing can be waited for
JsonFile = Annotated[Path | None, typer.Option("--json", metavar="F", help="JSON report.")]
POSITIONAL = inspect.Parameter.POSITIONAL_OR_KEYWORD


def spread(command: Callable[..., int]) -> Callable[..., int]:
    """``command`` with the fields of its groups as parameters of its own, in their order."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        if name in groups:
            parameters += _parameters(groups[name])
        else:
            parameters.append(parameter.replace(annotation=hints[name]))

    @wraps(command)
    def spread_out(**given: Any) -> int:
        made = {
            name: group(**{one.name: given.pop(one.name) for one in fields(group)})
            for name, group in groups.items()
        }
        return command(**given, **made)

    del spread_out.__dict__["__wrapped__"]  # its parameters are no longer those of `command`
    spread_out.__annotations__ = {one.name: one.annotation for one in parameters}
    spread_out.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return spread_out


def _parameters(group: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            one.name,
            POSITIONAL,
            default=inspect.Parameter.empty if one.default is MISSING else one.default,
            annotation=_under(hints[one.name], _title(group, one.name)),
        )
        for one in fields(group)
    ]


def _title(group: Any, name: str) -> str | None:
    """The title of the group that has an option: the one that says it first."""
    having = (one for one in reversed(group.__mro__) if name in inspect.get_annotations(one))
    return next((getattr(one, "TITLE", None) for one in having), None)


def _under(annotation: Any, title: str | None) -> Any:
    """An annotation whose option stands under this title in the help."""
    for info in getattr(annotation, "__metadata__", ()):
        if isinstance(info, OptionInfo) and title is not None:
            made = copy(info)
            made.rich_help_panel = title
            return Annotated[annotation.__origin__, made]
    return annotation


@dataclass(frozen=True, slots=True)
class AccessOptions:
    """How a server at a URL is reached, and how it lets us in."""

    TITLE: ClassVar = "How a server lets us in"

    user: Annotated[str | None, typer.Option(metavar="NAME", help="User for HTTP Basic.")] = None
    password_env: Annotated[
        str | None,
        typer.Option(metavar="VAR", help="The environment variable that holds the password."),
    ] = None
    ca_cert: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The authority that has signed the server's certificate, as PEM."
        ),
    ] = None
    client_cert: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Our certificate and key, as PEM.")
    ] = None
    insecure: Annotated[bool, typer.Option("--insecure", help="Accept any server certificate.")] = (
        False
    )
    header: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY:VALUE", help="An HTTP header for every request. Repeatable."),
    ] = None
    header_env: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY:VAR", help="The same, with its value in an environment variable."
        ),
    ] = None
    timeout: Annotated[
        float,
        typer.Option(
            metavar="S",
            min=0.1,
            max=LONGEST,
            help="How long to wait for one answer of the server, in seconds.",
        ),
    ] = 10.0

    def given(self) -> str | None:
        """An option on how to be let in that was given, if one was."""
        for name, value in (
            ("--user", self.user),
            ("--password-env", self.password_env),
            ("--ca-cert", self.ca_cert),
            ("--client-cert", self.client_cert),
            ("--insecure", self.insecure or None),
            ("--header", self.header or None),
            ("--header-env", self.header_env or None),
        ):
            if value is not None:
                return name
        return None

    def settings(self) -> dict[str, Any]:
        """Settings of `Address`; what was not given is left out. Raises `BadArgument`."""
        found: dict[str, Any] = {"insecure": self.insecure}
        if self.password_env is not None:
            if self.password_env not in os.environ:
                raise BadArgument(_no_variable("--password-env", self.password_env))
            found["password"] = os.environ[self.password_env]
            found["password_env"] = self.password_env
        if self.user is not None:
            found["user"] = self.user
        for key, path in (("ca_cert", self.ca_cert), ("client_cert", self.client_cert)):
            if path is not None:
                if not path.is_file():
                    raise BadArgument(f"--{key.replace('_', '-')}: there is no file {path}")
                found[key] = str(path)
        named = [_header(text, "--header-env KEY:VAR") for text in self.header_env or ()]
        for _, variable in named:
            if variable not in os.environ:
                raise BadArgument(_no_variable("--header-env", variable))
        found["header_env"] = tuple(named)
        found["headers"] = (
            *(_header(text, "--header KEY:VALUE") for text in self.header or ()),
            *((name, os.environ[variable]) for name, variable in named),
        )
        return found


@dataclass(frozen=True, slots=True)
class ServerOptions(AccessOptions):
    """Which server, how it is reached, and how it may be treated."""

    TITLE: ClassVar = "The server"

    target: Annotated[
        str,
        typer.Argument(
            metavar="[TARGET]",
            help="A URL, 'reference' (embedded), or 'orthanc' (started from PATH).",
            show_default=True,
        ),
    ] = "reference"
    server_command: Annotated[
        str | None,
        typer.Option(
            metavar="TEMPLATE",
            help="How to start an Orthanc, e.g. 'chroot /srv/trixie Orthanc {config}'.",
        ),
    ] = None
    workdir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where the folder of a server that we start is made."),
    ] = None
    plugin: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A plugin for an Orthanc we start.")
    ] = None
    fault: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Plant a fault in the embedded reference server."),
    ] = None
    release: Annotated[
        str | None,
        typer.Option(metavar="V", help="The release that the embedded reference server is."),
    ] = None
    exclusive: Annotated[
        bool,
        typer.Option("--exclusive", help="Nobody else uses this server: its queue may be filled."),
    ] = False
    gate_address: Annotated[
        str | None, typer.Option(metavar="HOST", help="How the server reaches this machine.")
    ] = None
    history_size: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="The server's JobsHistorySize, if it is not 10."),
    ] = None
    deadline: Annotated[
        float,
        typer.Option(
            metavar="S",
            min=0.1,
            max=LONGEST,
            help="How long to wait for what the server must do, as to start a step.",
        ),
    ] = 5.0

    def choice(self) -> Choice:
        """The target. Raises `BadArgument` where these options contradict it."""
        from conformance.sut.address import Address
        from conformance.sut.target import ORTHANC, REFERENCE, Choice, plugins

        managed = self.target in (REFERENCE, ORTHANC)
        for option, of_orthanc in ("server-command", self.server_command), ("plugin", self.plugin):
            if of_orthanc and self.target != ORTHANC:
                raise BadArgument(f"--{option} belongs to the target 'orthanc'")
        if self.workdir is not None and not managed:
            raise BadArgument("--workdir belongs to a server that the kit starts")
        if self.fault is not None and self.target != REFERENCE:
            raise BadArgument("--fault belongs to the target 'reference'")
        if self.release is not None and self.target != REFERENCE:
            raise BadArgument("--release belongs to the target 'reference'")
        if managed and (access := self.given()) is not None:
            raise BadArgument(f"{access} belongs to a target that is a URL")
        if managed and self.history_size is not None:
            raise BadArgument("--history-size belongs to a target that is a URL")
        check_reference(self.fault, self.release)
        address = None if managed else Address.parse(self.target, **self.settings())
        return Choice(
            self.target if address is None else address.url,  # without what may be a password
            address,
            self.server_command,
            self.workdir,
            self.fault,
            self.exclusive,
            self.gate_address,
            self.history_size,
            self.timeout,
            self.deadline,
            self.release,
            plugins(self.plugin or (), seen_here=self.server_command is None),
        )


@dataclass(frozen=True, slots=True)
class LedgerOptions:
    """Which deviations are accepted."""

    TITLE: ClassVar = "What is accepted"

    ledger: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Accepted deviations, instead of the shipped ledger."),
    ] = None
    no_ledger: Annotated[bool, typer.Option("--no-ledger", help="Accept no deviation.")] = False

    def file(self) -> Path | None:
        """The ledger's file, or None for the shipped one. Raises `BadArgument`."""
        if self.ledger is not None and self.no_ledger:
            raise BadArgument("--ledger and --no-ledger exclude each other")
        return self.ledger


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """The files that a run writes."""

    TITLE: ClassVar = "Reports"

    json_file: JsonFile = None
    junit_file: Annotated[
        Path | None, typer.Option("--junit", metavar="F", help="JUnit XML, for a CI server.")
    ] = None
    html_file: Annotated[
        Path | None, typer.Option("--html", metavar="F", help="One page, with the pictures.")
    ] = None
    markdown_file: Annotated[
        Path | None, typer.Option("--markdown", metavar="F", help="A summary, for a CI page.")
    ] = None
    events_file: Annotated[
        Path | None, typer.Option("--events", metavar="F", help="Every event, a line of JSON each.")
    ] = None

    def reports(
        self, choice: Choice | None, console: Writer | None = None, beside: Sequence[Writer] = ()
    ) -> Reports:
        """Every report that was asked for, and the console, which ends the output, last.

        ``choice``: the server, if one is under test. ``console``: in the place of the one of a run.
        ``beside``: further ones.

        None of them tells what lets us in to ``choice``. Raises `BadArgument` where a file cannot
        be written, or is named twice.
        """
        from conformance.reports import Reports, writable
        from conformance.reports.console import ConsoleReport
        from conformance.reports.terminal import Terminal

        formats = {
            "json_report.JsonReport": self.json_file,
            "junit.JUnitReport": self.junit_file,
            "html.HtmlReport": self.html_file,
            "markdown.MarkdownReport": self.markdown_file,
            "event_log.EventLog": self.events_file,
        }
        asked = [(name, path) for name, path in formats.items() if path is not None]
        writable([path for _, path in asked])
        made: list[Writer] = []
        for name, path in asked:  # only what is asked for, since an interrupt may wait for it
            module, _, writer = name.partition(".")
            made.append(getattr(import_module(f"conformance.reports.{module}"), writer)(path))
        console = console or ConsoleReport(Terminal())
        if isinstance(console, ConsoleReport):
            console.written = [path for _, path in asked]
        writers = [*made, *beside, console]
        address = None if choice is None else choice.address
        return Reports(writers, () if address is None else address.secrets)


def _no_variable(option: str, name: str) -> str:
    """What is said of a variable that is not set: it may be the secret itself, by mistake."""
    if not VARIABLE.fullmatch(name):
        name = "of that name"
    secret = "password" if option == "--password-env" else "value"
    return f"{option}: the variable {name} is not set; it takes a name, not the {secret}"


def _header(text: str, form: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        option, _, parts = form.partition(" ")
        raise BadArgument(f"{option} must be of the form {parts}")
    return name.strip(), value.strip()


def check_reference(fault: str | None, release: str | None) -> None:
    """Raise `BadArgument` for a fault or a release that the reference server does not have."""
    if fault is None and release is None:
        return
    from conformance.reference.config import ConfigError
    from conformance.reference.faults import find_fault
    from conformance.reference.releases import find_release

    try:
        if fault is not None:
            find_fault(fault)
        find_release(release)
    except ConfigError as error:
        raise BadArgument(str(error)) from None
