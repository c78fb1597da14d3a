"""What can keep the kit from judging, each as an error that says what to do about it."""

from __future__ import annotations

import re

USERINFO = r"//[^/\s]*@"


def masked(text: str) -> str:
    """``text`` without what a URL in it may have before its @: that may be a password."""
    return re.sub(USERINFO, "//***@", text)


class KitError(Exception):
    """Base: something that the user has to mend. Its text is one or two lines. Exit status 2."""


class BadArgument(KitError):
    """An argument, a file or a name that cannot be used."""


class NoServer(KitError):
    """Nothing answers at the address, or what answers is not a server with a jobs engine."""


class ServerDied(Exception):
    """A managed server ended by itself. ``log`` is the end of what it wrote."""

    def __init__(self, status: int, log: str) -> None:
        self.status = status
        self.log = log
        super().__init__(f"the server ended by itself with status {status}")


class Unjudged(Exception):
    """A case that cannot be judged: never a deviation, never a pass. ``str()`` is the reason."""


class NotAnswered(Unjudged):
    """A request that the server did not answer in time."""


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM: end the run, clean up, and write the reports."""
