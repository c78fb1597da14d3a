"""The console that every command prints to."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from textwrap import wrap
from typing import IO, NoReturn

from rich.console import Console
from rich.text import Text

# What stands before the text of a line: a name, of which the longest has one blank behind it.
NAMED = re.compile(r" *(?:requirements? |\S+(?: \S+)? {2,})?")
COMMANDS = ("orthanc-jobs ", "curl ")


class Terminal(Console):
    """Rich's console, to which text is text: nothing in it is read as markup or highlighted.

    ``wide``: columns where the output is no terminal, so that no table is squeezed. ``file``: in
    the place of the standard output.
    """

    def __init__(self, wide: int | None = None, file: IO[str] | None = None) -> None:
        super().__init__(file=file, markup=False, highlight=False, emoji=False)
        if wide is not None and not self.is_terminal:
            self.width = wide

    def say(self, line: str | Text) -> None:
        """Print a line. Only a terminal has it wrapped: else a program may read it."""
        if not self.is_terminal:
            self.print(line, soft_wrap=True)
        elif isinstance(line, Text):
            self.print(line)
        else:
            for part in broken(line, self.width):
                self.print(part, soft_wrap=True)

    def on_broken_pipe(self) -> NoReturn:
        """Who read the output has gone. Rich would end the process in the middle of a run."""
        error = sys.exc_info()[1]
        raise error if isinstance(error, BrokenPipeError) else BrokenPipeError


def broken(line: str, width: int) -> Iterator[str]:
    """A line between the words of which it breaks at ``width``, to go on below its own text.

    A command stays whole, to be copied, and so does an address.
    """
    named = NAMED.match(line)
    at = 0 if named is None else named.end()
    if line.startswith(COMMANDS, at) or " " not in line[at:] or len(line) <= width:
        yield line
        return
    below = " " * (at if 0 < at <= width // 2 else 2)
    yield from wrap(
        line, width, subsequent_indent=below, break_long_words=False, break_on_hyphens=False
    )
