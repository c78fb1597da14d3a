"""The console that every command prints to."""

from __future__ import annotations

import sys
from typing import IO, NoReturn

from rich.console import Console
from rich.text import Text


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
        """Print a line, and do not wrap it: who reads it may be a program."""
        self.print(line, soft_wrap=True)

    def on_broken_pipe(self) -> NoReturn:
        """Who read the output has gone. Rich would end the process in the middle of a run."""
        error = sys.exc_info()[1]
        raise error if isinstance(error, BrokenPipeError) else BrokenPipeError
