"""Replay files: one recorded run, in JSON that a person can read, and run again.

A file says what to do, what the specification allowed, and what was seen instead. It needs
neither the suite nor the search that it came from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.driver.script import Step, check
from conformance.errors import BadArgument, CannotWrite
from conformance.events import Result, Verdict
from conformance.files import read_json
from conformance.oracle.oracle import Finding
from conformance.suites import by_chance
from conformance.sut.profile import BY_DEFAULT
from conformance.talk import Said
from spec.relaxations import UnknownRelaxation, named
from spec.requirements import requirement

SCHEMA = 1
CHECK = "check"  # the step that stands for a whole case
TALK = "talk"
MOST_TRIES = 100
TRIES = 20  # of what falls at moments that nobody controls
MOST_STEPS = 10_000
LIMITS = {  # least and most
    "ConcurrentJobs": (0, 64),
    "JobsHistorySize": (0, 1_000_000),
    "LimitJobs": (0, 1_000_000),
}
FLAGS = ("SaveJobs", "DicomServerEnabled", "WebDavEnabled")  # the last two delay a stop
KEYS = (*LIMITS, *FLAGS)  # the settings that a run can depend on


@dataclass(frozen=True, slots=True)
class Recording:
    """A run and its deviation. ``config``: Orthanc configuration keys that the server needs.

    ``before``: the ids of the cases that its server had had, for a fault that needs more than
    one case: where the run alone does not show it, it is run behind them, on a new server.
    """

    case: str
    config: Mapping[str, Any]
    steps: tuple[tuple[Step, tuple[str, ...]], ...]
    requirement: str
    expected: tuple[str, ...]
    actual: str
    relaxations: tuple[str, ...]
    server: str = ""
    repeat: int = 1  # how often it is tried: its steps fall at moments that nobody controls
    check: tuple[str, ...] | None = None  # of a case that is no list of steps: what it did
    before: tuple[str, ...] = ()
    talk: tuple[Said, ...] = ()  # what was said on the wire

    @property
    def tries(self) -> int:
        """How often it is tried until it is seen: more than once only where that needs luck."""
        lucky = self.repeat > 1 or by_chance(self.case)
        return max(TRIES, self.repeat) if lucky else 1

    @property
    def program(self) -> tuple[str, ...]:
        """The run in words, a line a step."""
        return self.check or tuple(str(step) for step, _ in self.steps)

    def same(self, result: Result) -> bool:
        """Whether ``result`` is the recorded deviation, accepted or not.

        One that relaxations explain is known by them, whatever else its server may fall short of by
        now; another, by the requirement it breaks. What falls at moments that nobody controls shows
        one fault in several ways: there every deviation of the case is the one, but for those that
        are accepted.
        """
        if result.verdict not in (Verdict.DEVIATION, Verdict.ACCEPTED):
            return False
        if self.check is not None and self.repeat > 1 and result.verdict is Verdict.DEVIATION:
            return True
        if self.relaxations:
            return set(self.relaxations) <= set(result.relaxations)
        return not result.relaxations and result.requirement == self.requirement

    def write(self, folder: Path, part: int | None = None) -> Path:
        """Write it under the name of its case, and of the ``part`` of it. Raises `CannotWrite`."""
        more = "" if part is None else f"-{part}"
        path = folder / f"{self.case.replace('/', '-')}{more}.json"
        stands = requirement(self.requirement)
        found = {
            "schema": SCHEMA,
            "case": self.case,
            "server": self.server,
            "config": dict(self.config),
            "steps": self._steps_to_json(),
            "deviation": {
                "requirement": self.requirement,
                "sentence": stands.sentence,
                "ground": stands.ground.value,
                "source": stands.source,
                "expected": list(self.expected),
                "actual": self.actual,
                "relaxations": list(self.relaxations),
            },
        }
        if self.check is not None:
            found["done"] = list(self.check)
        if self.repeat > 1:
            found["repeat"] = self.repeat
        if self.before:
            found["before"] = list(self.before)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(_text_of(found, self.talk), encoding="utf-8")
        except OSError as error:
            with suppress(OSError):  # what is there of it, on a full disk, cannot be run again
                path.unlink()
            raise CannotWrite(f"no replay can be written to {folder}: {error.strerror}") from None
        return path

    def _steps_to_json(self) -> list[dict[str, Any]]:
        """A check is run again as a whole, by its id: what it requires is not in its requests."""
        if self.check is not None:
            return [{"do": CHECK, "case": self.case, "expect": list(self.expected)}]
        return [{**s.to_json(), "expect": list(expect)} for s, expect in self.steps]


def record(
    case: str,
    config: Mapping[str, Any],
    steps: Sequence[tuple[Step, tuple[str, ...]]],
    finding: Finding,
    *,
    relaxations: Sequence[str],
    server: str,
    repeat: int = 1,
    check: tuple[str, ...] | None = None,
    before: Sequence[str] = (),
) -> Recording:
    """The recording of a run that ended in ``finding``."""
    return Recording(
        case,
        {key: config[key] for key in KEYS if _says(key, config.get(key))},
        tuple(steps),
        finding.requirement,
        finding.expected,
        finding.actual,
        tuple(sorted(relaxations)),
        server,
        repeat,
        check,
        tuple(before),
        finding.talk,
    )


def _text_of(found: Mapping[str, Any], talk: Sequence[Said]) -> str:
    """A file that a person can read: what was said on the wire comes last, a line each."""
    text = json.dumps(found, indent=2)
    if not talk:
        return f"{text}\n"
    lines = ",\n".join(f"    {json.dumps(one.to_json())}" for one in talk)
    return f'{text[:-2]},\n  "{TALK}": [\n{lines}\n  ]\n}}\n'


def _says(key: str, value: Any) -> bool:
    """Whether a setting says something that every server does not do by itself."""
    if value is None or value is True:  # not by equality, which takes 1 for True
        return False
    return key != "LimitJobs" or value != 0


def load(path: Path) -> Recording:
    """The recording in a file. Raises `BadArgument`, which names what is wrong with it."""
    found = read_json(path, "the replay file")
    try:
        return _recording(found)
    except BadArgument as error:
        raise BadArgument(f"the replay file {path}: {error}") from None


def _recording(found: Any) -> Recording:
    if not isinstance(found, Mapping) or found.get("schema") != SCHEMA:
        raise BadArgument(f"it must be an object with 'schema' {SCHEMA}")
    config, steps, deviation = (found.get(key) for key in ("config", "steps", "deviation"))
    if not isinstance(config, Mapping) or not isinstance(deviation, Mapping):
        raise BadArgument("'config' and 'deviation' must be objects")
    for key, value in config.items():
        if (key in FLAGS and isinstance(value, bool)) or (key in BY_DEFAULT and value is None):
            continue
        whole = isinstance(value, int) and not isinstance(value, bool)
        least, most = LIMITS.get(key, (0, -1))
        if not whole or not least <= value <= most:
            raise BadArgument(f"'config' cannot set {key} to {value!r}")
    if not isinstance(steps, list) or not 0 < len(steps) <= MOST_STEPS:
        raise BadArgument(f"'steps' must be a list of 1 to {MOST_STEPS} steps")
    check_ = None
    if isinstance(steps[0], Mapping) and steps[0].get("do") == CHECK:
        if len(steps) != 1 or steps[0].get("case") != found.get("case"):
            raise BadArgument(f"a step {CHECK!r} must be the only one, and name the 'case'")
        check_, steps = _texts(found.get("done", []), "done"), []
    made = tuple((Step.from_json(step), _texts(step.get("expect", []), "expect")) for step in steps)
    check(step for step, _ in made)
    relaxations = _texts(deviation.get("relaxations", []), "relaxations")
    try:
        names = tuple(sorted(named(name).value for name in relaxations))
    except UnknownRelaxation as error:
        raise BadArgument(str(error)) from None
    repeat = found.get("repeat", 1)
    if not isinstance(repeat, int) or isinstance(repeat, bool) or not 1 <= repeat <= MOST_TRIES:
        raise BadArgument(f"'repeat' must be an integer from 1 to {MOST_TRIES}")
    broken = deviation.get("requirement")
    try:
        requirement(str(broken))
    except KeyError:
        raise BadArgument(f"unknown requirement {broken!r}: see 'orthanc-jobs list'") from None
    try:
        talk = tuple(Said.from_json(one) for one in found.get(TALK, []))
    except (TypeError, ValueError, AttributeError):
        raise BadArgument(f"{TALK!r} must be a list of what was said on the wire") from None
    return Recording(
        _text(found, "case"),
        dict(config),
        made,
        str(broken),
        _texts(deviation.get("expected", []), "expected"),
        _text(deviation, "actual"),
        names,
        _text(found, "server"),
        repeat,
        check_,
        _texts(found.get("before", []), "before"),
        talk,
    )


def _texts(found: Any, key: str) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise BadArgument(f"{key!r} must be a list of texts")
    return tuple(found)


def _text(found: Mapping[str, Any], key: str) -> str:
    text = found.get(key, "")
    if not isinstance(text, str):
        raise BadArgument(f"{key!r} must be a text")
    return text
