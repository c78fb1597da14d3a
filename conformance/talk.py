"""What was said on the wire while a case ran: calls, steps at the gate, lives of the server.

It is what a person needs who does not believe a verdict: the raw request and its answer, and all
that came before, with the times. It stands in a finding, in its replay file, in the time line of
the page, and a script that needs nothing of this kit is made from it.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from ast import literal_eval
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from time import monotonic
from typing import Any, NamedTuple, Protocol

from conformance.text import clipped

MOST = 500  # things of one case that are kept, the latest
LONGEST = 3500  # characters of a body that are told
KEPT = 2 * LONGEST  # bytes of one that are kept
SHOWN = 200  # characters of an answer that lists what is on a server
LISTING = re.compile(r"/(jobs|system|patients|studies|series|instances|peers|queries)(\?.*)?")
MAKING = ("/tools/create-dicom", "/instances")  # what makes what later cases use
BINARY = "base64:"  # begins a body that is no text
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{8}){4}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that was said. ``at``: seconds since the case began; ``took``: until its answer.

    A call of the kit has ``method``, ``path``, what was ``sent``, and ``got``. A step that came to
    the gate has the method `ARRIVES`, the number of its peer as ``path``, and as ``sent`` its own
    number, from 1. A life of the server ends with `STOPS` or `KILLS`, and the next `STARTS`.
    ``status``: of the HTTP answer, the gate's own among them; 0 where none came.
    """

    at: float
    method: str
    path: str = ""
    sent: str = ""
    status: int = 0
    got: str = ""
    took: float = 0.0

    def to_json(self) -> dict[str, Any]:
        rounded = replace(self, at=round(self.at, 4), took=round(self.took, 4))
        return {key: value for key, value in asdict(rounded).items() if value not in ("", 0, 0.0)}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Said:
        """What ``to_json`` wrote. Raises `TypeError` or `ValueError` for anything else."""
        kinds = {"at": float, "took": float, "status": int}
        try:
            made = {key: kinds.get(key, str)(value) for key, value in found.items()}
        except OverflowError as error:  # of an endless number
            raise ValueError(str(error)) from None
        return cls(**{"at": 0.0, **made})

    @property
    def is_call(self) -> bool:
        """Whether it is a request of the kit's to the server."""
        return self.path.startswith("/")

    @property
    def ended(self) -> float:
        return self.at + self.took

    def json(self) -> Any:
        """The answer as JSON, or None where it is none."""
        return _parsed(self.got)

    def sent_json(self) -> Any:
        """The same of what was sent."""
        return _parsed(self.sent)


ARRIVES, STOPS, KILLS, STARTS = "arrives", "stops", "kills", "starts"


class _Raw(NamedTuple):
    """A call, or the end or begin of a life, as it came. ``began``: by the monotonic clock."""

    method: str
    path: str
    body: bytes
    began: float
    took: float
    status: int
    got: bytes


class Step(Protocol):
    """A step at the gate, as far as it is told of."""

    slot: int
    step: int
    since: float
    told: tuple[float, int] | None  # when it was answered, and what


@dataclass
class Talk:
    """Keeps what is said. ``hide``: takes out of a text what nobody is to read.

    ``hear``: is told of each call of the thread that runs the cases, as soon as it is answered.
    """

    hide: Callable[[str], str] = field(default=lambda text: text)
    began: float = field(default_factory=monotonic)
    hear: Callable[[Said], None] | None = None
    _said: list[_Raw] = field(default_factory=list)
    _steps: list[Step] = field(default_factory=list)
    _makers: dict[str, _Raw] = field(default_factory=dict)  # by the id that it was answered

    def begin(self) -> None:
        """A case begins. What has made the resources that it may use is still known."""
        self.began = monotonic()
        self._said.clear()
        self._steps.clear()

    def forget(self) -> None:
        """The server is a new one: nothing that was made is there any more."""
        self._makers.clear()

    def call(
        self, method: str, path: str, body: bytes, began: float, answer: tuple[int, bytes]
    ) -> None:
        """A request that was answered. Its texts are made when somebody asks for them."""
        status, got = answer
        raw = _Raw(method, path, body[:KEPT], began, monotonic() - began, status, got[:KEPT])
        self._said.append(raw)
        if self.hear is not None and threading.current_thread() is threading.main_thread():
            self.hear(self._call(raw))
        if len(self._said) > 2 * MOST:
            del self._said[:MOST]
        if method == "POST" and status == 200 and path in MAKING:
            self._makers |= dict.fromkeys(ID.findall(got.decode("utf-8", "replace")), raw)

    def step(self, step: Step) -> None:
        """A step has come to the gate."""
        self._steps.append(step)

    def life(self, method: str, how: str = "") -> None:
        """The server is told to end, or was started again. ``how``: with what arguments."""
        self._said.append(_Raw(method, "", how.encode(), monotonic(), 0.0, 0, b""))

    def so_far(self) -> tuple[Said, ...]:
        """All that was said, in the order in which it began; before it, what made what it uses."""
        steps = [self._arrival(one) for one in self._steps[-MOST:]]
        said = sorted([*map(self._call, self._said[-MOST:]), *steps], key=lambda one: one.at)
        known: set[str] = set()
        makers: list[_Raw] = []
        for one in said:
            used = ID.findall(one.path + one.sent)
            makers += (self._makers[id] for id in used if id not in known and id in self._makers)
            known.update(used, ID.findall(one.got))
        made = (replace(self._call(one), at=0.0, took=0.0) for one in dict.fromkeys(makers))
        return (*made, *_without_polls(said))

    def _call(self, one: _Raw) -> Said:
        at, path = one.began - self.began, self.hide(one.path)
        sent, got = self._text(one.body), self._text(one.got)
        if one.method == "GET" and LISTING.fullmatch(
            one.path
        ):  # it may show what is somebody else's
            got = clipped(got, SHOWN)
        return Said(at, one.method, path, sent, one.status, got, one.took)

    def _arrival(self, one: Step) -> Said:
        at = one.since - self.began
        took, status = (0.0, 0) if one.told is None else (one.told[0] - one.since, one.told[1])
        return Said(at, ARRIVES, str(one.slot), str(one.step + 1), status, "", took)

    def _text(self, body: bytes) -> str:
        """A body as one line: JSON without its indents, and what is no text in base 64."""
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return (BINARY + base64.b64encode(body).decode())[:LONGEST]
        found = _parsed(text)
        return self.hide(text if found is None else json.dumps(found))[:LONGEST]


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _without_polls(said: Iterable[Said]) -> Iterator[Said]:
    """Of readings of one thing that follow each other, the last one of those that show the same."""
    kept: Said | None = None
    for one in said:
        if kept is not None and not _polls(kept, one):
            yield kept
        kept = one
    if kept is not None:
        yield kept


def _polls(before: Said, after: Said) -> bool:
    same = (before.method, before.path, before.status) == (after.method, after.path, after.status)
    return same and after.method == "GET" and values_of(before) == values_of(after)


def values_of(one: Said) -> dict[str, str]:
    """The plain fields of an answer that tell of a job's way; none where it is no job."""
    found = one.json()
    shown = flat(found) if isinstance(found, dict) else {}
    return {key: shown[key] for key in ("State", "ErrorCode", "Progress") if key in shown}


# --- the call that decides --------------------------------------------------------------------


def deciding(talk: Iterable[Said], actual: str) -> Said | None:
    """The call whose answer is what was found wrong: the last one that says ``actual``."""
    calls = [one for one in talk if one.is_call]
    return next((one for one in reversed(calls) if says(one, actual)), calls[-1] if calls else None)


def arriving(talk: Sequence[Said], actual: str) -> Said | None:
    """The arrival that was found wrong, where it is one that ``actual`` tells of."""
    number = re.match(r"step (\d+) of \S+ arrives", actual)
    steps = [one for one in talk if one.method == ARRIVES]
    if number is None:
        return None
    return next((one for one in reversed(steps) if one.sent == number[1]), None)


def says(one: Said, actual: str) -> bool:
    """Whether the answer to a call is what ``actual`` tells: a status, or fields of a job."""
    if status := re.match(r"(?:[A-Z]+ \S+: )?HTTP (\d+)", actual):
        return one.status == int(status[1])
    wanted = values(actual)
    found = one.json()
    if (content := content_in(actual)) is not None:
        shown = found.get("Content") if isinstance(found, dict) else None
        return isinstance(shown, dict) and content.items() <= shown.items()
    return bool(wanted) and isinstance(found, dict) and wanted.items() <= flat(found).items()


def values(told: str) -> dict[str, str]:
    """The fields that a text tells of a job: ``Success, ErrorCode 0, Progress 100``."""
    state = re.match(r"(Pending|Running|Success|Failure|Paused|Retry)\b", told)
    numbers = dict(re.findall(r"\b([A-Z][A-Za-z]+) (-?\d+(?:\.\d+)?)\b", told))
    return ({} if state is None else {"State": state[1]}) | numbers


def content_in(told: str) -> dict[str, Any] | None:
    """The Content that a text tells, as Python writes it."""
    try:
        found = literal_eval(told.removeprefix("Content "))
    except (ValueError, SyntaxError):
        return None
    return found if isinstance(found, dict) else None


def flat(found: Mapping[str, Any]) -> dict[str, str]:
    """The plain fields of a job, each as a text."""
    return {key: str(value) for key, value in found.items() if not isinstance(value, list | dict)}
