"""``python -m conformance.reference``: the reference server as a process of its own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from conformance.reference.config import Config, ConfigError, load_config
from conformance.reference.database import UnusableDatabase
from conformance.reference.faults import FAULTS
from conformance.reference.releases import RELEASES, find_release
from conformance.reference.server import serve


class _Arguments(argparse.Namespace):
    """The parsed arguments."""

    host: str
    port: int | None
    config: Path | None
    fault: str | None
    no_jobs: bool
    control: bool
    release: str | None
    list_faults: bool


class _OneLineParser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage above it."""

    def error(self, message: str) -> None:  # type: ignore[override]
        self.exit(2, f"{self.prog}: {message}\n")


def main(arguments: list[str] | None = None) -> int:
    """Run the command; answers the exit status: 0 after a clean stop, 2 for unusable arguments."""
    parser = _parser()
    asked = parser.parse_args(arguments, namespace=_Arguments())
    if asked.list_faults:
        for fault in FAULTS.values():
            print(f"{fault.name}: {fault.description}")
        return 0
    try:
        config = Config() if asked.config is None else load_config(asked.config)
        port = config.http_port if asked.port is None else asked.port
        release = find_release(asked.release)
        loads = not asked.no_jobs
        serve(asked.host, port, config, asked.fault, _announce, loads, asked.control, release)
    except (ConfigError, UnusableDatabase) as error:
        parser.error(str(error))
    except OSError as error:
        parser.error(f"cannot listen on {asked.host}, port {port}: {error.strerror}")
    return 0


def _parser() -> _OneLineParser:
    parser = _OneLineParser(
        prog="python -m conformance.reference",
        description="The reference jobs engine with its REST API, as of Orthanc 1.5.6.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=_port, help="port to listen on, 0 for a free one")
    parser.add_argument("--config", type=Path, metavar="FILE", help="Orthanc-style JSON file")
    parser.add_argument("--no-jobs", action="store_true", help="forget the jobs of its life before")
    parser.add_argument("--control", action="store_true", help="offer /_control/, for tests")
    parser.add_argument("--release", choices=RELEASES, help="keep to what this release has")
    parser.add_argument("--fault", metavar="NAME", help="plant this fault")
    parser.add_argument("--list-faults", action="store_true", help="name the faults, and stop")
    return parser


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to 65535, not {text!r}")
    return int(text)


def _announce(url: str) -> None:
    """The one line that says that the server answers."""
    print(f"listening on {url}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
