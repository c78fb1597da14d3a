"""The command `orthanc-jobs`. Every command's heavy imports stand inside of it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from conformance.cli.options import (
    AccessOptions,
    JsonFile,
    LedgerOptions,
    ReportOptions,
    ServerOptions,
    check_fault,
    spread,
)
from conformance.errors import BadArgument, Interrupted, KitError, masked

# Typer has had a Click of its own since 0.29: so its classes are found by way of Typer.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Hold a server's jobs engine to the specification of Orthanc's.",
)


@app.command()
@spread
def run(
    server: ServerOptions,
    accepted: LedgerOptions,
    files: ReportOptions,
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
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed of the search.")] = 0,
    examples: Annotated[
        int, typer.Option(metavar="N", min=1, help="Sequences that the search makes.")
    ] = 100,
    extra_states: Annotated[
        int,
        typer.Option(
            metavar="K", min=0, max=4, help="States beyond the model's that complete/ allows for."
        ),
    ] = 0,
) -> None:
    """Run the conformance cases against a server."""
    from conformance.campaign.campaign import Campaign, Plan

    choice, ledger = server.choice(), accepted.file()
    _check_selection(suite or (), case or (), exclude or (), ledger)
    plan = Plan(
        tuple(suite or ()),
        tuple(case or ()),
        tuple(exclude or ()),
        ledger,
        accepted.no_ledger,
        seed,
        examples,
        extra=extra_states,
    )
    reports = files.reports()
    _conclude(Campaign(choice, plan, reports).run(), reports.failed)


@app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for another program.")] = False,
) -> None:
    """List every requirement with its ground, its source and the cases that check it."""
    from conformance.evidence.listing import lines, to_json

    if as_json:
        typer.echo(to_json())
        return
    for line in lines():
        typer.echo(line)


@app.command()
@spread
def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A replay file of a run.")],
    server: ServerOptions,
    accepted: LedgerOptions,
    files: ReportOptions,
) -> None:
    """Run one recorded sequence again. Exit status 1: its deviation was seen again."""
    from conformance.campaign.campaign import Campaign, Plan
    from conformance.campaign.replay import load

    recording = load(file)
    plan = Plan(
        ledger=accepted.file(), no_ledger=accepted.no_ledger, replays=None, recording=recording
    )
    choice, reports = server.choice(), files.reports()
    campaign = Campaign(choice, plan, reports)
    status = campaign.run()
    if any(recording.same(result) for result in campaign.results.values()):
        behind = f", behind the {campaign.behind} before it" if campaign.behind else ""
        typer.echo(f"reproduced: the recorded deviation was seen again{behind}")
        _conclude(1, reports.failed)
    if status == 1:
        typer.echo("not seen again: the server deviates in another way")
    elif status == 0:
        typer.echo("not seen again: the server did what the specification says")
    _conclude(2 if status == 2 else 0, reports.failed)


@app.command()
@spread
def learn(
    server: ServerOptions,
    accepted: LedgerOptions,
    extra_states: Annotated[
        int,
        typer.Option(
            metavar="K", min=1, max=4, help="States beyond the learned ones that are ruled out."
        ),
    ] = 1,
    seconds: Annotated[
        float, typer.Option(metavar="S", min=1, help="How long at most; then it is unknown.")
    ] = 600.0,
    picture: Annotated[
        Path, typer.Option(metavar="F", help="The difference as SVG; its DOT is put beside it.")
    ] = Path("learned.svg"),
    json_file: JsonFile = None,
) -> None:
    """Infer a server's job automaton, and show how it differs from the specification's."""
    from conformance.learn.inference import Wish, infer

    choice, ledger = server.choice(), accepted.file()
    wish = Wish(choice, ledger, accepted.no_ledger, extra_states, seconds, picture, json_file)
    raise typer.Exit(infer(wish))


@app.command()
@spread
def watch(
    url: Annotated[str, typer.Argument(metavar="URL", help="The server.")],
    access: AccessOptions,
    interval: Annotated[
        float, typer.Option(metavar="S", min=0.05, max=600, help="Seconds between two readings.")
    ] = 0.25,
    seconds: Annotated[
        float | None, typer.Option(metavar="S", min=0.1, help="How long. Default: until Ctrl-C.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="The server's ConcurrentJobs, if known.")
    ] = None,
    history_size: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Its JobsHistorySize, if known.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(metavar="F", help="Write the trace, for check-trace.")
    ] = None,
) -> None:
    """Read the jobs of a server again and again; exit 1 with the first impossible history."""
    from conformance.passive import watching
    from conformance.sut.address import Address

    address = Address.parse(url, **access.settings())
    wish = watching.Wish(address, interval, seconds, workers, history_size, access.timeout, record)
    raise typer.Exit(watching.watch(wish))


@app.command("check-trace")
def check_trace(
    file: Annotated[Path, typer.Argument(metavar="F", help="A trace: NDJSON, as watch writes it.")],
) -> None:
    """Judge a recorded history of a server's jobs; exit 1 when it is impossible."""
    from conformance.passive import watching

    raise typer.Exit(watching.check_trace(file))


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(metavar="A.json", help="The report of the old run.")],
    after: Annotated[Path, typer.Argument(metavar="B.json", help="The report of the new run.")],
    json_file: JsonFile = None,
    markdown_file: Annotated[
        Path | None, typer.Option("--markdown", metavar="F", help="The same, for a CI page.")
    ] = None,
) -> None:
    """Tell what changed between two runs. Exit status 1: there is a new deviation."""
    from conformance.reports import comparing, writable

    found = comparing.compare(comparing.load(before), comparing.load(after))
    writable([path for path in (json_file, markdown_file) if path is not None])
    failed = None
    for path, text in ((json_file, comparing.to_json), (markdown_file, comparing.markdown)):
        try:
            if path is not None:
                path.write_text(text(found), encoding="utf-8")
        except OSError as error:
            failed = f"cannot write a report: {error.strerror}"
    for line in comparing.lines(found):
        typer.echo(line)
    _conclude(1 if found.worse else 0, failed)


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
    from conformance.reports.coloring import coverage_of
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
    from conformance.cli.verify import prove

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
    no_jobs: Annotated[
        bool, typer.Option("--no-jobs", help="Forget the jobs of the server's life before.")
    ] = False,
    list_faults: Annotated[
        bool, typer.Option("--list-faults", help="List the faults that can be planted.")
    ] = False,
) -> None:
    """Start the reference server."""
    from conformance.reference.config import Config, ConfigError, load_config
    from conformance.reference.database import UnusableDatabase
    from conformance.reference.faults import FAULTS
    from conformance.reference.server import serve as start

    if list_faults:
        for one in FAULTS.values():
            typer.echo(f"{one.name}: {one.description}")
        return
    check_fault(fault)
    try:
        settings = Config() if config is None else load_config(config)
        start(host, port, settings, fault, _announce, load_jobs=not no_jobs)
    except (ConfigError, UnusableDatabase) as error:
        raise BadArgument(str(error)) from None
    except OSError as error:
        raise BadArgument(f"cannot listen at {host}, port {port}: {error.strerror}") from None


def _announce(url: str) -> None:
    typer.echo(f"listening on {url}")


def _check_selection(
    names: Sequence[str], prefixes: Sequence[str], excluded: Sequence[str], ledger: Path | None
) -> None:
    """Raise `BadArgument` for what cannot be selected, before a server is touched for it."""
    from conformance.campaign.ledger import load
    from conformance.suites import select, suites
    from conformance.sut.profile import Profile

    cases = suites(Profile())  # every server has the same cases, reachable or not
    select(cases, names, prefixes, excluded)
    if ledger is not None:
        load(ledger, [case.id for case in cases])


def _conclude(status: int, failed: str | None) -> NoReturn:
    """End with ``status``, or with 2 where all is well but a report could not be written."""
    told = 0 if failed is None else _fail(failed)
    raise typer.Exit(status or told)


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
    """Say why nothing could be judged."""
    typer.echo(f"orthanc-jobs: {masked(message)}", err=True)
    return 2
