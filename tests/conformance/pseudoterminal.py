"""A command on a terminal of so many columns and rows, and what is to be seen there."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path

from tests.conformance.kit import COMMAND

PATIENCE = 120.0  # seconds that a loaded machine may take
PART = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|(\r|\n)|([^\x1b\r\n]+)")


class Screen:
    """What stands on the terminal: as much of one as the command makes use of.

    ``above``: the lines that have left it over its upper edge.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.lines, self.above = [""], list[str]()
        self._row = self._column = 0

    def take(self, text: str) -> None:
        """Show what was written. Raises `AssertionError` at what no such terminal is used for."""
        end = 0
        for part in PART.finditer(text):
            assert part.start() == end, text[end:]
            end = part.end()
            numbers, command, move, plain = part.groups()
            if plain:
                self._write(plain)
            elif move == "\r":
                self._column = 0
            elif move == "\n":
                self._down()
            elif command == "A":
                self._row = max(0, self._row - int(numbers or 1))
            elif command == "K":
                self.lines[self._row] = ""
            else:
                assert command == "m" or numbers == "?25", (numbers, command)
        assert end == len(text), text[end:]

    def _write(self, plain: str) -> None:
        for letter in plain:
            if self._column == self.columns:
                self._column = 0
                self._down()
            line = self.lines[self._row].ljust(self._column)
            self.lines[self._row] = line[: self._column] + letter + line[self._column + 1 :]
            self._column += 1

    def _down(self) -> None:
        self._row += 1
        if self._row == len(self.lines):
            self.lines.append("")
        if len(self.lines) > self.rows:
            self.above.append(self.lines.pop(0))
            self._row -= 1


class OnTerminal:
    """The command, and what it shows. To be closed."""

    def __init__(self, folder: Path, columns: int, rows: int, *words: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        unset = ("CI", "NO_COLOR", "COLUMNS", "LINES")
        kept = {key: value for key, value in os.environ.items() if key not in unset}
        self.process = subprocess.Popen(
            [*COMMAND, *words],
            cwd=folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**kept, "TERM": "xterm"},
        )
        os.close(theirs)
        self.screen = Screen(columns, rows)
        self._left = b""  # the beginning of what has not come whole

    @property
    def shown(self) -> str:
        return "\n".join(self.screen.lines)

    def until(self, holds: Callable[[str], object]) -> None:
        """Go on until this holds of what is shown; it has to come."""
        self._read(lambda: bool(holds(self.shown)))
        assert holds(self.shown), self.shown

    def until_the_end(self) -> int:
        """Go on as long as it runs; the exit status."""
        self._read(lambda: False)
        return self.process.wait(PATIENCE)

    def _read(self, enough: Callable[[], bool]) -> None:
        ends = time.monotonic() + PATIENCE
        while not enough():
            ready, _, _ = select.select([self._ours], [], [], max(0.0, ends - time.monotonic()))
            assert ready, f"nothing came for {PATIENCE} s:\n{self.shown}"
            try:
                came = os.read(self._ours, 1 << 16)
            except OSError:  # nobody has the other end open any more
                return
            whole, escape, begun = (self._left + came).rpartition(b"\x1b")
            self._left = b""
            if len(begun) < 8 and not re.match(rb"\[[0-9;?]*[A-Za-z]", begun):
                self._left = escape + begun
            else:
                whole += escape + begun
            self.screen.take(whole.decode())

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._ours)
