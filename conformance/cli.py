"""The command `orthanc-jobs`. Every command's heavy imports stand inside of it."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from conformance.errors import BadArgument, Interrupted, KitError

if TYPE_CHECKING:
    from conformance.events import Event
    from conformance.targets import Choice

LONGEST = 3600.0  # seconds that one thing can be waited for
USERINFO = r"//[^/\s]*@"
# Typer has had a Click of its own since 0.29: so its classes are found by way of Typer.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Hold a server's jobs engine to the specification of Orthanc's.",
)

TargetArgument = Annotated[
    str,
    typer.Argument(
        metavar="[TARGET]",
        help="A URL, 'reference' (embedded), or 'orthanc' (started from PATH).",
        show_default=True,
    ),
]
ServerCommand = Annotated[
    str | None,
    typer.Option(
        metavar="TEMPLATE",
        help="How to start an Orthanc, e.g. 'chroot /srv/trixie Orthanc {config}'.",
    ),
]
Workdir = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where the folder of a server that we start is made."),
]
Fault = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Plant a fault in the embedded reference server."),
]
LedgerFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Accepted deviations, instead of the shipped ledger."),
]
NoLedger = Annotated[bool, typer.Option("--no-ledger", help="Accept no deviation.")]
Exclusive = Annotated[
    bool,
    typer.Option("--exclusive", help="Nobody else uses this server: its queue may be filled."),
]
GateAddress = Annotated[
    str | None,
    typer.Option(metavar="HOST", help="How the server reaches this machine."),
]
HistorySize = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, help="The server's JobsHistorySize, if it is not 10."),
]
User = Annotated[str | None, typer.Option(metavar="NAME", help="User for HTTP Basic.")]
PasswordEnv = Annotated[
    str | None,
    typer.Option(metavar="VAR", help="The environment variable that holds the password."),
]
CaCert = Annotated[Path | None, typer.Option(metavar="FILE", help="The server's authority.")]
ClientCert = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Our certificate and key, as PEM.")
]
Insecure = Annotated[bool, typer.Option("--insecure", help="Accept any server certificate.")]
Header = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY:VALUE", help="An HTTP header for every request. Repeatable."),
]
Timeout = Annotated[
    float,
    typer.Option(metavar="S", min=0.1, max=LONGEST, help="Seconds for one answer of the server."),
]
Deadline = Annotated[
    float,
    typer.Option(
        metavar="S", min=0.1, max=LONGEST, help="Seconds for each thing that has to come."
    ),
]
JsonFile = Annotated[Path | None, typer.Option("--json", metavar="F", help="JSON report.")]
EventsFile = Annotated[
    Path | None, typer.Option("--events", metavar="F", help="Every event, a line of JSON each.")
]


@app.command()
def run(
    target: TargetArgument = "reference",
    server_command: ServerCommand = None,
    workdir: Workdir = None,
    fault: Fault = None,
    suite: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this suite. Repeatable.")
    ] = None,
    case: Annotated[
        list[str] | None,
        typer.Option(metavar="PREFIX", help="Only cases whose id begins so. Repeatable."),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="PREFIX", help="No case whose id begins so. Repeatable."),
    ] = None,
    ledger: LedgerFile = None,
    no_ledger: NoLedger = False,
    exclusive: Exclusive = False,
    gate_address: GateAddress = None,
    history_size: HistorySize = None,
    user: User = None,
    password_env: PasswordEnv = None,
    ca_cert: CaCert = None,
    client_cert: ClientCert = None,
    insecure: Insecure = False,
    header: Header = None,
    timeout: Timeout = 10.0,
    deadline: Deadline = 5.0,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed of the search.")] = 0,
    examples: Annotated[
        int, typer.Option(metavar="N", min=1, help="Sequences that the search makes.")
    ] = 100,
    json_file: JsonFile = None,
    events_file: EventsFile = None,
) -> None:
    """Run the conformance cases against a server."""
    from conformance.campaign import Campaign, Plan

    choice = _choice(
        target,
        server_command,
        workdir,
        fault,
        exclusive,
        gate_address,
        history_size,
        timeout,
        deadline,
        _Access(user, password_env, ca_cert, client_cert, insecure, header),
    )
    chosen = _ledger(ledger, no_ledger)
    _check_selection(suite or (), case or (), exclude or (), chosen)
    plan = Plan(
        tuple(suite or ()),
        tuple(case or ()),
        tuple(exclude or ()),
        chosen,
        no_ledger,
        seed,
        examples,
    )
    raise typer.Exit(Campaign(choice, plan, _emit(json_file, events_file)).run())


@app.command("list")
def list_() -> None:
    """List every case with its requirement, ground and source; then what no case checks yet."""
    from conformance.listing import lines

    for line in lines():
        typer.echo(line)


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A replay file of a run.")],
    target: TargetArgument = "reference",
    server_command: ServerCommand = None,
    workdir: Workdir = None,
    fault: Fault = None,
    ledger: LedgerFile = None,
    no_ledger: NoLedger = False,
    exclusive: Exclusive = False,
    gate_address: GateAddress = None,
    history_size: HistorySize = None,
    user: User = None,
    password_env: PasswordEnv = None,
    ca_cert: CaCert = None,
    client_cert: ClientCert = None,
    insecure: Insecure = False,
    header: Header = None,
    timeout: Timeout = 10.0,
    deadline: Deadline = 5.0,
    json_file: JsonFile = None,
    events_file: EventsFile = None,
) -> None:
    """Run one recorded sequence again. Exit status 1: its deviation was seen again."""
    from conformance.campaign import Campaign, Plan
    from conformance.replay import load

    recording = load(file)
    choice = _choice(
        target,
        server_command,
        workdir,
        fault,
        exclusive,
        gate_address,
        history_size,
        timeout,
        deadline,
        _Access(user, password_env, ca_cert, client_cert, insecure, header),
    )
    plan = Plan(
        ledger=_ledger(ledger, no_ledger), no_ledger=no_ledger, replays=None, recording=recording
    )
    campaign = Campaign(choice, plan, _emit(json_file, events_file))
    status = campaign.run()
    if any(recording.same(result) for result in campaign.results.values()):
        typer.echo("reproduced: the recorded deviation was seen again")
        raise typer.Exit(1)
    if status == 1:
        typer.echo("not seen again: the server deviates in another way")
    elif status == 0:
        typer.echo("not seen again: the server did what the specification says")
    raise typer.Exit(2 if status == 2 else 0)


@app.command()
def diagram(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 when a picture is stale.")
    ] = False,
    directory: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder of the pictures.")
    ] = Path("diagrams"),
    coverage: Annotated[
        Path | None, typer.Option(metavar="REPORT", help="Colour by a JSON report of a run.")
    ] = None,
) -> None:
    """Draw the state diagram and the action matrix again from the table."""
    from conformance.coloring import coverage_of
    from spec import diagram as pictures

    try:
        if check:
            old = pictures.stale(directory)
            for name in old:
                typer.echo(f"stale: {directory / name}", err=True)
            raise typer.Exit(1 if old else 0)
        covered = None if coverage is None else coverage_of(coverage)
        for path in pictures.write(directory, covered):
            typer.echo(path)
    except pictures.DotMissing as error:
        raise KitError(str(error)) from None
    except OSError as error:
        raise BadArgument(f"cannot write to {directory}: {error.strerror}") from None


@app.command()
def verify(
    engine: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="explore, smt or spin; repeatable. Default: all."),
    ] = None,
    admit: Annotated[
        list[str] | None,
        typer.Option(metavar="RELAXATION", help="Admit a relaxation. Repeatable."),
    ] = None,
    jobs: Annotated[int, typer.Option(metavar="N", min=1, help="Submissions in all.")] = 3,
    workers: Annotated[int, typer.Option(metavar="N", min=1, help="ConcurrentJobs.")] = 2,
    history: Annotated[int, typer.Option(metavar="N", min=0, help="JobsHistorySize.")] = 2,
    priorities: Annotated[int, typer.Option(metavar="N", min=1, help="How many there are.")] = 2,
    steps: Annotated[int, typer.Option(metavar="N", min=1, help="Most steps of a job.")] = 2,
    json_file: JsonFile = None,
) -> None:
    """Check the specification itself: its properties, by three proof engines."""
    from conformance.proving import prove

    raise typer.Exit(
        prove(engine or (), admit or (), (jobs, workers, history, priorities, steps), json_file)
    )


@app.command()
def serve(
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="0: a free one.")] = 8042,
    host: Annotated[
        str, typer.Option(metavar="HOST", help="The address to listen at.")
    ] = "127.0.0.1",
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An Orthanc configuration file.")
    ] = None,
    fault: Annotated[str | None, typer.Option(metavar="NAME", help="Plant one fault.")] = None,
    list_faults: Annotated[
        bool, typer.Option("--list-faults", help="List the faults that can be planted.")
    ] = False,
) -> None:
    """Start the reference server."""
    from conformance.reference.config import Config, ConfigError, load_config
    from conformance.reference.faults import FAULTS
    from conformance.reference.server import serve as start

    if list_faults:
        for one in FAULTS.values():
            typer.echo(f"{one.name}: {one.description}")
        return
    _check_fault(fault)
    try:
        start(host, port, Config() if config is None else load_config(config), fault, _announce)
    except ConfigError as error:
        raise BadArgument(str(error)) from None
    except OSError as error:
        raise BadArgument(f"cannot listen at {host}, port {port}: {error.strerror}") from None


def _announce(url: str) -> None:
    typer.echo(f"listening on {url}")


@dataclass(frozen=True, slots=True)
class _Access:
    """How to be let in to a server at a URL."""

    user: str | None
    password_env: str | None
    ca_cert: Path | None
    client_cert: Path | None
    insecure: bool
    header: list[str] | None

    @property
    def given(self) -> str | None:
        """An option that was given, if one was."""
        for name, value in (
            ("--user", self.user),
            ("--password-env", self.password_env),
            ("--ca-cert", self.ca_cert),
            ("--client-cert", self.client_cert),
            ("--insecure", self.insecure or None),
            ("--header", self.header or None),
        ):
            if value is not None:
                return name
        return None

    def settings(self) -> dict[str, Any]:
        """Settings of `Address`; what was not given is left out. Raises `BadArgument`."""
        found: dict[str, Any] = {"insecure": self.insecure}
        if self.password_env is not None:
            if self.password_env not in os.environ:
                raise BadArgument(f"--password-env: the variable {self.password_env} is not set")
            found["password"] = os.environ[self.password_env]
        if self.user is not None:
            found["user"] = self.user
        for key, path in (("ca_cert", self.ca_cert), ("client_cert", self.client_cert)):
            if path is not None:
                if not path.is_file():
                    raise BadArgument(f"--{key.replace('_', '-')}: there is no file {path}")
                found[key] = str(path)
        found["headers"] = tuple(_header(text) for text in self.header or ())
        return found


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise BadArgument("--header must be of the form KEY:VALUE")
    return name.strip(), value.strip()


def _choice(
    target: str,
    server_command: str | None,
    workdir: Path | None,
    fault: str | None,
    exclusive: bool,
    gate_address: str | None,
    history_size: int | None,
    timeout: float,
    deadline: float,
    access: _Access,
) -> Choice:
    """The target of a command. Raises `BadArgument` where its options contradict it."""
    from conformance.servers.client import Address
    from conformance.targets import ORTHANC, REFERENCE, Choice

    managed = target in (REFERENCE, ORTHANC)
    if server_command is not None and target != ORTHANC:
        raise BadArgument("--server-command belongs to the target 'orthanc'")
    if workdir is not None and not managed:
        raise BadArgument("--workdir belongs to a server that the kit starts")
    if fault is not None and target != REFERENCE:
        raise BadArgument("--fault belongs to the target 'reference'")
    if managed and access.given is not None:
        raise BadArgument(f"{access.given} belongs to a target that is a URL")
    if managed and history_size is not None:
        raise BadArgument("--history-size belongs to a target that is a URL")
    _check_fault(fault)
    address = None if managed else Address.parse(target, **access.settings())
    return Choice(
        target if address is None else address.url,  # without what may be a password
        address,
        server_command,
        workdir,
        fault,
        exclusive,
        gate_address,
        history_size,
        timeout,
        deadline,
    )


def _check_fault(fault: str | None) -> None:
    if fault is None:
        return
    from conformance.reference.faults import FAULTS

    if fault not in FAULTS:
        raise BadArgument(f"unknown fault {fault!r}: see 'orthanc-jobs serve --list-faults'")


def _check_selection(
    names: Sequence[str], prefixes: Sequence[str], excluded: Sequence[str], ledger: Path | None
) -> None:
    """Raise `BadArgument` for what cannot be selected, before a server is touched for it."""
    from conformance.ledger import load
    from conformance.suites import select, suites
    from conformance.suites.case import Profile

    cases = suites(Profile())  # every server has the same cases, reachable or not
    select(cases, names, prefixes, excluded)
    if ledger is not None:
        load(ledger, [case.id for case in cases])


def _ledger(ledger: Path | None, no_ledger: bool) -> Path | None:
    if ledger is not None and no_ledger:
        raise BadArgument("--ledger and --no-ledger exclude each other")
    return ledger


def _emit(json_file: Path | None, events_file: Path | None) -> Callable[[Event], None]:
    """Feeds every report that was asked for; the console last, so that it ends the output."""
    from rich.console import Console

    from conformance.reports import Writer, writable
    from conformance.reports.console import ConsoleReport
    from conformance.reports.event_log import EventLog
    from conformance.reports.json_report import JsonReport

    writers: list[Writer] = []
    if json_file is not None:
        writers.append(JsonReport(writable(json_file)))
    if events_file is not None:
        writers.append(EventLog(writable(events_file)))
    writers.append(ConsoleReport(Console()))

    def emit(event: Event) -> None:
        """To every writer, and to those that are left when one of them cannot write any more."""
        failed = ""
        for writer in list(writers):
            try:
                writer.take(event)
            except OSError as error:
                writers.remove(writer)
                failed = failed or f"cannot write a report: {error.strerror}"
        if failed:
            raise KitError(failed)

    return emit


def _interrupted(_: int, __: object) -> None:
    raise Interrupted


def main() -> None:
    """The entry point: runs the command, and turns what the user has to mend into a message."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    arguments = sys.argv[1:]
    try:
        status = app(arguments or ["--help"], standalone_mode=False)
        status = status if arguments else 2
        sys.stdout.flush()
    except KitError as error:
        status = _fail(str(error))
    except UsageError as error:
        status = _fail(_usage(error))
    except (BrokenPipeError, SystemExit):  # who reads our output has gone; Typer exits then
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 2
    except Interrupted:
        status = 2
    sys.exit(status if isinstance(status, int) else 0)


def _usage(error: Any) -> str:
    path = "orthanc-jobs" if error.ctx is None else error.ctx.command_path
    return f"{error.format_message()}\nSee '{path} --help'."


def _fail(message: str) -> int:
    """Say why nothing could be judged, without what a URL in it may have before its @."""
    typer.echo(f"orthanc-jobs: {re.sub(USERINFO, '//***@', message)}", err=True)
    return 2


if __name__ == "__main__":
    main()
