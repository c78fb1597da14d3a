"""`orthanc-jobs serve`: the reference server."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from conformance.errors import BadArgument

_RELEASE = (
    "Keep to what this release of Orthanc has. Without it: what 1.5.6 has, and what later releases"
    " have added."
)


def command(
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
    release: Annotated[str | None, typer.Option(metavar="V", help=_RELEASE)] = None,
    control: Annotated[
        bool, typer.Option("--control", help="Offer /_control/, for who writes tests.")
    ] = False,
    log: Annotated[
        bool, typer.Option("--log", help="Tell each request, and the status of its answer.")
    ] = False,
    list_faults: Annotated[
        bool, typer.Option("--list-faults", help="List the faults that can be planted.")
    ] = False,
) -> int:
    """Start the reference server."""
    from conformance.cli.page import page
    from conformance.reference.config import Config, ConfigError, load_config
    from conformance.reference.database import UnusableDatabase
    from conformance.reference.faults import FAULTS
    from conformance.reference.releases import find_release
    from conformance.reference.server import serve as start

    if list_faults:
        for one in FAULTS.values():
            print(f"{one.name}: {one.description}")
        return 0
    if log:
        _tell_requests()
    try:
        settings = Config() if config is None else load_config(config)
        kept = find_release(release)
        loads = not no_jobs
        folder = settings.storage_directory.absolute()

        def announce(url: str) -> None:
            print(f"listening on {url}", flush=True)  # who started it may wait for it
            print(f"its data are in {folder}; Ctrl-C ends it", flush=True)

        start(host, port, settings, fault, announce, loads, control, kept, page())
    except (ConfigError, UnusableDatabase) as error:
        raise BadArgument(str(error)) from None
    except OSError as error:
        raise BadArgument(f"cannot listen at {host}, port {port}: {error.strerror}") from None
    return 0


def _tell_requests() -> None:
    """On stderr, for what is read by a program is on stdout."""
    from conformance.reference.server import REQUESTS

    told = logging.StreamHandler()
    told.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    requests = logging.getLogger(REQUESTS)
    requests.addHandler(told)
    requests.setLevel(logging.INFO)
