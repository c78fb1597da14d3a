"""The search, compiled from `search.c`."""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from spec.proofs.packed.kernel import Want
from spec.proofs.packed.limits import MOST_JOBS, NotPackable, TooLarge

SOURCE = Path(__file__).with_name("search.c")
FLAGS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC")


class _Search(ctypes.Structure):
    """The beginning of `Search` in `search.c`."""

    _fields_ = (
        *((name, ctypes.c_int32) for name in ("jobs", "width", "idle", "labels")),
        *((name, ctypes.c_int64) for name in ("states", "moves", "depth")),
        ("want_state", ctypes.c_uint64),
        *((name, ctypes.c_int32) for name in ("want_slot", "want_record", "want_effect")),
    )


@cache
def compiled(compiler: str, flags: tuple[str, ...]) -> ctypes.CDLL:
    """The search as a library, made once in a process: it keeps nothing outside of a `Search`.

    Raises `subprocess.CalledProcessError`.
    """
    limit = f"-DMOST_JOBS={MOST_JOBS}"
    with tempfile.TemporaryDirectory(prefix="orthanc-jobs-") as folder:
        library = Path(folder, "search.so")
        command = [compiler, *FLAGS, limit, *flags, "-o", str(library), str(SOURCE)]
        subprocess.run(command, check=True, capture_output=True)
        found = ctypes.CDLL(str(library))
    found.make.restype = ctypes.POINTER(_Search)
    return found


class CKernel:
    """The search, compiled, with more ``flags`` if wanted: a later one wins.

    Raises `subprocess.CalledProcessError` if that fails.
    """

    def __init__(
        self,
        compiler: str,
        jobs: int,
        width: int,
        idle: int,
        labels: int,
        *,
        flags: Sequence[str] = (),
    ) -> None:
        self._labels = labels
        self._c = compiled(compiler, tuple(flags))
        self._search = self._c.make(jobs, width, idle, labels)
        if not self._search:
            raise TooLarge(f"more than {MOST_JOBS} jobs")

    @property
    def states(self) -> int:
        return int(self._search.contents.states)

    @property
    def moves(self) -> int:
        return int(self._search.contents.moves)

    @property
    def depth(self) -> int:
        return int(self._search.contents.depth)

    def set_row(self, record: int, row: Sequence[tuple[int, int]]) -> None:
        array = ctypes.c_int32 * len(row)
        effects, to = array(*(e for e, _ in row)), array(*(t for _, t in row))
        if any(effect >= self._labels for effect in effects):
            raise NotPackable(f"more than {self._labels} kinds of things happen")
        self._c.set_row(self._search, record, len(row), effects, to)

    def set_effect(self, outline: int, slot: int, effect: int, outcome: int) -> None:
        self._c.set_effect(self._search, ctypes.c_int64(outline), slot, effect, outcome)

    def set_outcome(self, outcome: int, outline: int, sources: Sequence[int]) -> None:
        array = (ctypes.c_int32 * len(sources))(*sources)
        self._c.set_outcome(self._search, outcome, outline, array)

    def set_twins(self, outline: int, twins: Sequence[int]) -> None:
        array = (ctypes.c_int32 * len(twins))(*twins)
        self._c.set_twins(self._search, ctypes.c_int64(outline), len(twins), array)

    def run(self, states: int) -> Want | bool:
        found = self._c.run(self._search, ctypes.c_int64(states))
        if found == 3:
            raise MemoryError(f"no memory for more than {self.states} states")
        if found < 2:
            return bool(found)
        search = self._search.contents
        effect = search.want_effect
        return Want(
            search.want_state,
            search.want_slot,
            search.want_record,
            None if effect < 0 else effect,
        )

    def close(self) -> None:
        """Free the memory of the search. Its numbers can no longer be read."""
        self._c.release(self._search)
