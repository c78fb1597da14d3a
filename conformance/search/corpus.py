"""The corpus of a search that goes on for hours: the sequences that reached what none had before.

It stands in an example database of Hypothesis, so that any number of machines can share it: a
folder, or a Redis. A value is one sequence, as JSON, in the words of a replay file. It knows no
server: what was reached on one release is where the search on another begins.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.driver.script import Step, check
from conformance.errors import BadArgument, KitError, masked
from conformance.search.shrinking import Steps

if TYPE_CHECKING:
    from hypothesis.database import ExampleDatabase

KEY = b"orthanc-jobs/fuzz/1"  # the number changes with the form of the values
PROBE = b"orthanc-jobs/probe"
SCHEMES = ("redis://", "rediss://", "unix://")
KEPT = timedelta(days=365)  # for so long a Redis keeps what nobody asks for
ANSWERS = 5.0  # seconds in which a Redis answers
LONGEST = 200  # steps of one sequence


class Unreachable(KitError):
    """The database does not answer, or does not keep what it is given."""


@dataclass(frozen=True)
class Corpus:
    """``where``: as the user has named it."""

    database: ExampleDatabase
    where: str

    def sequences(self) -> list[Steps]:
        """All that is kept, the shortest first, as far as it can be read. Raises `Unreachable`."""
        with self._asked():
            values = list(self.database.fetch(KEY))
        found = {steps for value in values if (steps := _read(value))}
        return sorted(found, key=lambda steps: (len(steps), [str(step) for step in steps]))

    def keep(self, steps: Sequence[Step]) -> None:
        """Keep a sequence, whole or not at all. Raises `Unreachable`."""
        value = json.dumps([step.to_json() for step in steps], separators=(",", ":")).encode()
        with self._asked():
            self.database.save(KEY, value)

    def try_out(self) -> None:
        """See that what is kept can be read again. Raises `Unreachable`."""
        with self._asked():
            self.database.save(PROBE, PROBE)
            kept = PROBE in set(self.database.fetch(PROBE))
            self.database.delete(PROBE, PROBE)
        if not kept:
            raise Unreachable(f"--database {masked(self.where)}: nothing can be written there")

    @contextmanager
    def _asked(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Unreachable(f"--database {masked(self.where)}: {error.strerror}") from None
        except Exception as error:
            if not type(error).__module__.startswith("redis."):  # it may not be installed
                raise
            raise Unreachable(f"--database {masked(self.where)}: {error}") from None


def opened(where: str) -> Corpus:
    """The corpus at a folder, which is made, or at the URL of a Redis.

    Raises `BadArgument` and `Unreachable`, which name what is wrong.
    """
    corpus = Corpus(_redis(where) if "://" in where else _folder(Path(where)), where)
    corpus.try_out()
    return corpus


def _folder(path: Path) -> ExampleDatabase:
    from hypothesis.database import DirectoryBasedExampleDatabase

    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadArgument(f"--database {path}: no folder can be made: {error.strerror}") from None
    return DirectoryBasedExampleDatabase(path)


def _redis(where: str) -> ExampleDatabase:
    if not where.startswith(SCHEMES):
        raise BadArgument(
            f"--database {masked(where)}: it is a folder, or the URL of a Redis,\n"
            f"which begins with {', '.join(SCHEMES[:-1])} or {SCHEMES[-1]}"
        )
    try:
        from hypothesis.extra.redis import RedisExampleDatabase
        from redis import Redis
    except ImportError:
        raise BadArgument(
            "a database of redis:// needs redis, which is not installed:"
            " pip install 'orthanc-jobs-conformance[fuzz]'"
        ) from None
    try:
        client = Redis.from_url(where, socket_timeout=ANSWERS, socket_connect_timeout=ANSWERS)
    except ValueError as error:
        raise BadArgument(f"--database {masked(where)}: {error}") from None
    return RedisExampleDatabase(client, expire_after=KEPT)


def _read(value: bytes) -> Steps | None:
    """The sequence that a value is, or None: others may write into the same database."""
    try:
        found = json.loads(value)
        if not isinstance(found, list) or len(found) > LONGEST:
            return None
        steps = tuple(map(Step.from_json, found))
        check(steps)
    except (ValueError, RecursionError, BadArgument):
        return None
    return steps
