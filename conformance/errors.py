"""What can keep the kit from judging, each as an error that says what to do about it."""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from typing import TypeAlias

USERINFO = r"//[^/\s]*@"


def masked(text: str) -> str:
    """``text`` without what a URL in it may have before its @: that may be a password."""
    return re.sub(USERINFO, "//***@", text)


class KitError(Exception):
    """Base: something that the user has to mend. Its text is one or two lines. Exit status 2."""


class BadArgument(KitError):
    """An argument, a file or a name that cannot be used."""


class CannotWrite(KitError):
    """A file that cannot be written, or not to its end. What was found out is told all the same."""


class NoServer(KitError):
    """Nothing answers at the address, or what answers is not a server with a jobs engine."""


def mistake(error: Exception) -> KitError:
    """What an exception that nobody foresaw is told as: a mistake of the kit, and where."""
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    where = f"{Path(frame.f_code.co_filename).name}, line {line}"
    told = KitError(
        f"the kit itself has failed: {type(error).__name__} in {where}: {error}\n"
        "This is a mistake in it, and says nothing of the server. Please report it."
    )
    told.__cause__ = error
    return told


class ServerDied(Exception):
    """A managed server ended by itself. ``log`` is the end of what it wrote."""

    def __init__(self, status: int, log: str) -> None:
        self.status = status
        self.log = log
        super().__init__(f"the server ended by itself with status {status}")


class Unjudged(Exception):
    """A case that cannot be judged: never a deviation, never a pass. ``str()`` is the reason."""


class HistoryFull(Unjudged):
    """A job that would drive somebody's out of the history, and so was not made."""


class Displaced(Unjudged):
    """On a server in use something of somebody else's has taken the place of what we need."""


class Unavailable(Unjudged):
    """A server of somebody's is configured without something that a case needs."""


class JobsLost(KitError):
    """Jobs that are not ours were in the history, and are not any more, while it had room."""


Kind: TypeAlias = tuple[str, str, int]  # method, path without names, HTTP status


class NotKept(KitError):
    """A server in use does not take or keep what it is given, or removes other data for it."""


class Trouble(Unjudged):
    """An answer that says nothing of the server: `conformance.sut.trouble`."""

    def __init__(self, kind: Kind, text: str) -> None:
        self.kind = kind
        super().__init__(text)


class ServerStopped(Unjudged):
    """Somebody has ended a managed server, from outside."""


class TimeOver(Unjudged):
    """The time that the run may take is over."""


class NotAnswered(Unjudged):
    """A request that the server did not answer in time."""


class AnswerTooLarge(Unjudged):
    """An answer of which the kit reads no more: it says nothing of the server."""


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM: end the run, clean up, and write the reports."""
