"""Runs the command, and turns all that can go wrong into a message and a status.

Status 1 says that something does not hold, so nothing else may end with it: what keeps the kit
from judging ends with 2, a mistake of the kit included.
"""

from __future__ import annotations

import errno
import os
import sys

from conformance.cli.ending import UNJUDGED, fail
from conformance.errors import BadArgument, Interrupted, KitError, mistake

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # no mistake of ours


def status_of(arguments: list[str]) -> int:
    """Run the command that they name; its exit status, whatever happens."""
    wrong: Exception | None = None
    status = UNJUDGED
    try:
        _prepare_output()
        status = _run(arguments)
    except Interrupted:
        pass
    except SystemExit:  # Typer ends so where who reads our output has gone
        pass
    except Exception as error:  # noqa: BLE001 - the last to hear of it, and it is told
        wrong = error
    broken = _broken_output()
    if isinstance(broken, BrokenPipeError) or isinstance(wrong, BrokenPipeError):
        return status
    if wrong is None:
        if broken is not None and status == 0:
            return fail(f"cannot write: {broken.strerror}")
        return status
    if isinstance(wrong, OSError) and wrong.errno in FULL:
        return fail(f"cannot write: {wrong.strerror}")
    return fail(str(wrong if isinstance(wrong, KitError) else mistake(wrong)))


def _run(arguments: list[str]) -> int:
    """The status of the command. Raises `BadArgument` for what it does not understand."""
    from conformance.cli.commands import COMPLETING, PROGRAM, UsageError, app

    if COMPLETING in os.environ:
        from typer.completion import get_completion_inspect_parameters

        get_completion_inspect_parameters()  # for what it does besides: it makes the shells known
    try:
        status = app(arguments or ["--help"], prog_name=PROGRAM, standalone_mode=False)
    except UsageError as error:
        raise BadArgument(_usage(error)) from None
    return (status or 0) if arguments else UNJUDGED


def _usage(error: BaseException) -> str:
    context = getattr(error, "ctx", None)
    path = "orthanc-jobs" if context is None else context.command_path
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    return f"{message}\nSee '{path} --help'."


def _prepare_output() -> None:
    """See that there is an output, and that it takes every text.

    Where a descriptor is closed, the next file would take its number, and be written to.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the end
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _broken_output() -> OSError | None:
    """Why what was said did not arrive, if it did not. Python is kept from trying it again."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return error
    return None
