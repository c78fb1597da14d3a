"""The fields of a job that the model does not know: what holds in every reading of every case.

A reading is looked at for itself (types, notation, what belongs to which state), beside the
reading before it of the same job (what never changes, what stands still), and beside the time
that has passed here (a `Timestamp` goes on as time does, and a job is not older than its
submission).

Times of the server are compared with times of the server, and with how much time passed on the
monotonic clock of this machine: the two clocks need not agree. The server's clock may be set
while it runs. `ServerClock` notices that, and what spans such a step is not concluded upon; a
clock that steps again and again is no clock that is set, but a `Timestamp` that is wrong.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from conformance.oracle.shown import number_in
from conformance.timing import TIMING
from spec.lookup import RESTING
from spec.table import FINAL, State
from spec.types import OTHER, row

TIME = re.compile(r"(\d{8}T\d{6})(?:\.(\d{1,6}))?")
AS_IN_THE_EXAMPLE = "a time as in the example, YYYYMMDDTHHMMSS with an optional fraction"
TIMES = {
    "monitor/timestamp": "Timestamp",
    "monitor/creation-time": "CreationTime",
    "monitor/completion-time": "CompletionTime",
}
MOST_STEPS = 2  # how often the clock of a server is set within one run
NO_ERROR = "Success"  # the ErrorDescription of ErrorCode 0, in the page's example


@dataclass(frozen=True, slots=True)
class Moment:
    """When something was asked for and when it was answered, on the monotonic clock."""

    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Broken:
    """What a reading breaks."""

    requirement: str
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """A time of the server, in seconds; it was cut off or rounded to ``resolution``."""

    seconds: float
    resolution: float
    text: str


def parse(value: object) -> Stamp | None:
    """The time that ``value`` is, or None where it is none in the notation of the page."""
    match = TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None or not match.string.isascii():
        return None
    try:
        whole = _whole(match[1])
    except ValueError:
        return None
    digits = match[2] or ""
    return Stamp(
        whole + (int(digits) / 10 ** len(digits) if digits else 0.0),
        10.0 ** -len(digits),
        match.string,
    )


@lru_cache(maxsize=1024)
def _whole(text: str) -> float:
    """The seconds of a time without its fraction; most are read many times. Raises ValueError."""
    return datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC).timestamp()


@dataclass(eq=False)
class ServerClock:
    """The clock of the server, as its Timestamps show it beside our monotonic one.

    ``same_machine``: the server reads the clock that we read, so that a time that is not in UTC
    shows. ``most_steps``: how often it may be set. ``stepped``: when it was last seen to have been.
    """

    same_machine: bool = False
    most_steps: float = MOST_STEPS
    stepped: float = -math.inf
    steps: int = 0
    _anchor: tuple[float, float, float] | None = None  # least and most offset, and when seen

    def see(self, stamp: Stamp, asked: Moment) -> Broken | None:
        """A Timestamp was read. What is wrong with it, if anything is."""
        if self.same_machine and abs(stamp.seconds - time.time()) > TIMING.zone:
            here = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
            return Broken(
                "monitor/times-utc", f"a Timestamp in UTC, near {here}", f"Timestamp {stamp.text}"
            )
        low, high = stamp.seconds - asked.after, stamp.seconds + stamp.resolution - asked.before
        anchor = self._anchor
        if anchor is None:
            self._anchor = (low, high, asked.before)
            return None
        allowed = slack(asked.after - anchor[2])
        if low > anchor[1] + allowed or high < anchor[0] - allowed:
            self.steps += 1
            self.stepped = asked.after
            self._anchor = (low, high, asked.before)
            if self.steps > self.most_steps:
                off = low - anchor[1] if low > anchor[1] else high - anchor[0]
                return Broken(
                    "monitor/timestamp",
                    "a Timestamp that goes on as time does",
                    f"Timestamp {stamp.text}, which is {off:+.3f} s off from an earlier one",
                )
        elif asked.before - anchor[2] > TIMING.clock_anchored:
            self._anchor = (low, high, asked.before)
        return None

    def steady(self, since: float) -> bool:
        """Whether the clock was not seen to have been set after ``since``."""
        return self.stepped <= since


def slack(seconds: float) -> float:
    """By how much two durations may differ that are the same ``seconds`` on two clocks."""
    return TIMING.clock_slack + TIMING.clock_drift * abs(seconds)


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a job, with its times understood."""

    state: State
    asked: Moment
    timestamp: Stamp
    created: Stamp
    completed: Stamp | None
    runtime: float
    details: object
    content: Mapping[str, Any]
    type: str


@dataclass(eq=False)
class Seen:
    """What was seen of the fields of one job.

    ``born``: when its submission was sent and answered. ``still``: nothing was done with the
    job since its last reading, so that what stands still must be as it was. ``slept``: but the
    server was stopped and started since then.
    """

    born: Moment | None = None
    last: Reading | None = None
    still: bool = False
    slept: bool = False

    def touched(self) -> None:
        """The job was acted upon, or a step of it ended."""
        self.still = False

    def began_again(self, killed: bool, errors: bool) -> None:
        """The server was started again. ``errors``: a clean stop keeps the ErrorDetails."""
        if killed or self.last is None:  # it may be as it was before its last reading
            self.last, self.still = None, False
        elif self.last.state not in RESTING:
            self.still = False
        elif not errors:
            self.last = replace(self.last, details=None)
        self.slept = True


@dataclass(eq=False)
class Fields:
    """What is known of all jobs of a run: the server's clock, and its words for each error."""

    clock: ServerClock = field(default_factory=ServerClock)
    words: dict[int, str] = field(default_factory=dict)  # the ErrorDescription of an ErrorCode

    def check(
        self, seen: Seen, found: Mapping[str, Any], state: State, asked: Moment
    ) -> Iterator[Broken]:
        """Look at a reading whose State, ErrorCode, Progress and Priority are known to be right."""
        yield from _notation(found)
        yield from _presence(found, state)
        yield from self._errors(found)
        timestamp, created = parse(found.get("Timestamp")), parse(found.get("CreationTime"))
        if timestamp is not None and (wrong := self.clock.see(timestamp, asked)) is not None:
            yield wrong
        runtime, content = number_in(found.get("EffectiveRuntime")), found.get("Content")
        if runtime is None or (runtime < 0 and self._steady_since_birth(seen)):
            shown = repr(found.get("EffectiveRuntime"))
            yield Broken("monitor/effective-runtime", "seconds, not below 0", shown)
        if not isinstance(content, Mapping):
            yield Broken("monitor/content", "a JSON object", repr(content))
        if timestamp is None or created is None or runtime is None:
            return
        if not isinstance(content, Mapping):
            return
        completed = parse(found.get("CompletionTime"))
        details = found.get("ErrorDetails")
        type = str(found.get("Type"))
        now = Reading(state, asked, timestamp, created, completed, runtime, details, content, type)
        yield from self._order(seen, now)
        yield from self._arrival(found, now)
        if seen.last is not None:
            yield from self._beside(seen, seen.last, now)
        seen.last, seen.still, seen.slept = now, True, False

    def _steady_since_birth(self, seen: Seen) -> bool:
        """Whether the clock was not seen to have been set in the life of a job."""
        return self.clock.steady(-math.inf if seen.born is None else seen.born.before)

    def _errors(self, found: Mapping[str, Any]) -> Iterator[Broken]:
        code, said = found.get("ErrorCode"), found.get("ErrorDescription")
        if not isinstance(said, str) or (said == NO_ERROR) != (code == 0) or not said:
            yield Broken(
                "monitor/error-description",
                f"the text {NO_ERROR!r} for ErrorCode 0, and another for every other",
                f"ErrorCode {code}, ErrorDescription {said!r}",
            )
        elif isinstance(code, int) and (known := self.words.setdefault(code, said)) != said:
            yield Broken(
                "monitor/error-description",
                f"{known!r} for ErrorCode {code}, as before",
                f"ErrorCode {code}, ErrorDescription {said!r}",
            )
        if not isinstance(found.get("ErrorDetails", ""), str):
            yield Broken("monitor/error-details", "a text", repr(found["ErrorDetails"]))

    def _order(self, seen: Seen, now: Reading) -> Iterator[Broken]:
        """The times of one reading beside each other, and beside the time that has passed here."""
        age = now.timestamp.seconds - now.created.seconds
        cut = now.timestamp.resolution + now.created.resolution
        if not self._steady_since_birth(seen):
            return
        if seen.born is not None:
            most = now.asked.after - seen.born.before
            least = now.asked.before - seen.born.after
            allowed = slack(most) + cut
            if not least - allowed <= age <= most + allowed:
                yield Broken(
                    "monitor/creation-time" if age >= 0 else "monitor/timestamp",
                    f"a CreationTime {least:.3f} to {most:.3f} s before Timestamp",
                    f"CreationTime {now.created.text}, Timestamp {now.timestamp.text}",
                )
            if now.runtime > most + allowed + TIMING.rounded:
                yield Broken(
                    "monitor/effective-runtime",
                    f"at most the {most:.3f} s that the job has been there",
                    f"EffectiveRuntime {now.runtime}",
                )
        completed, before = now.completed, seen.last
        if seen.born is None and age < -cut:
            yield Broken(
                "monitor/timestamp",
                f"not before CreationTime {now.created.text}",
                f"Timestamp {now.timestamp.text}",
            )
        if completed is None:
            return
        if not (
            now.created.seconds - cut <= completed.seconds
            and completed.seconds <= now.timestamp.seconds + completed.resolution
        ):
            yield Broken(
                "monitor/completion-time",
                f"from CreationTime {now.created.text} to Timestamp {now.timestamp.text}",
                f"CompletionTime {completed.text}",
            )
        if before is None:
            return
        since = now.timestamp.seconds - completed.seconds
        most = now.asked.after - before.asked.before
        if before.state not in FINAL and since > most + slack(most) + completed.resolution:
            yield Broken(
                "monitor/completion-time",
                f"at most {most:.3f} s before Timestamp {now.timestamp.text}: it was"
                f" {before.state} then",
                f"CompletionTime {completed.text}",
            )

    def _arrival(self, found: Mapping[str, Any], now: Reading) -> Iterator[Broken]:
        """EstimatedTimeOfArrival says when a Running job will have ended."""
        if "EstimatedTimeOfArrival" not in found:
            return
        value = found["EstimatedTimeOfArrival"]
        arrival = parse(value)
        if arrival is None:
            yield Broken("monitor/estimated-time", AS_IN_THE_EXAMPLE, repr(value))
        elif now.state is not State.RUNNING:
            expected = f"an EstimatedTimeOfArrival of a {State.RUNNING} job only"
            yield Broken("monitor/estimated-time", expected, f"{now.state} with {value}")
        elif arrival.seconds + arrival.resolution < now.timestamp.seconds - TIMING.clock_slack:
            expected = f"not before Timestamp {now.timestamp.text}"
            yield Broken("monitor/estimated-time", expected, f"EstimatedTimeOfArrival {value}")

    def _beside(self, seen: Seen, before: Reading, now: Reading) -> Iterator[Broken]:
        """This reading and the one before it."""
        if now.created.text != before.created.text:
            yield Broken(
                "monitor/creation-time",
                f"CreationTime {before.created.text}, as before",
                f"CreationTime {now.created.text}",
            )
        known = row(now.type)
        for key in sorted(known.content.given):
            if key in before.content and now.content.get(key) != before.content[key]:
                yield Broken(
                    "monitor/content",
                    f"{key} {before.content[key]!r} in Content, as before",
                    f"{key} {now.content.get(key)!r}",
                )
        if not seen.still or now.state is not before.state or now.state is State.RUNNING:
            return
        if now.completed != before.completed:
            yield Broken(
                "persist/times" if seen.slept else "monitor/completion-time",
                f"CompletionTime {_text(before.completed)}, as before",
                f"CompletionTime {_text(now.completed)}",
            )
        if now.runtime != before.runtime:
            yield Broken(
                "persist/times" if seen.slept else "monitor/effective-runtime",
                f"EffectiveRuntime {before.runtime}, as before: the job is {now.state}",
                f"EffectiveRuntime {now.runtime}",
            )
        if before.details is not None and now.details != before.details:
            yield Broken(
                "persist/error" if seen.slept else "monitor/error-details",
                f"ErrorDetails {before.details!r}, as before: the job is {now.state}",
                f"ErrorDetails {now.details!r}",
            )
        if now.content != before.content and known.type != OTHER:
            yield Broken(
                "monitor/content",
                f"the same Content as before: the job is {now.state}",
                f"another Content: {', '.join(_changed(before.content, now.content))}",
            )


def _notation(found: Mapping[str, Any]) -> Iterator[Broken]:
    for requirement, name in TIMES.items():
        absent = name == "CompletionTime" and name not in found
        if not absent and parse(found.get(name)) is None:
            yield Broken(requirement, AS_IN_THE_EXAMPLE, f"{name} {found.get(name)!r}")


def _presence(found: Mapping[str, Any], state: State) -> Iterator[Broken]:
    if ("CompletionTime" in found) != (state in FINAL):
        has = "a" if "CompletionTime" in found else "no"
        expected = "a CompletionTime exactly in Success and Failure"
        yield Broken("monitor/completion-time", expected, f"{state} with {has} CompletionTime")


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted({*before, *now}):
        if before.get(key) != now.get(key):
            yield f"{key} {before.get(key)!r} became {now.get(key)!r}"


def _text(stamp: Stamp | None) -> str:
    return "none" if stamp is None else stamp.text
