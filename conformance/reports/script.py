"""A recording as a script of its own: the calls that were made, and a peer of twenty lines.

It is what one attaches to a bug report: it needs no more than Python, starts an Orthanc in a folder
of its own, does what was recorded, in the order in which it was, and says whether it is seen
again. Ids are those that the server gives this time. A reading becomes a wait for what it showed.

Of a finding whose talk would need a modality, a Lua script, or a job that is stopped at a moment
that nobody holds, what is done stands in `shows/`, written by hand: it shows the finding
and nothing else, by whatever case that was recorded. Its first line names the parts that it uses,
which stand there as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from textwrap import indent
from typing import Any

from conformance.campaign.replay import Recording
from conformance.errors import BadArgument
from conformance.reports.judging import judgement
from conformance.talk import ARRIVES, BINARY, ID, KILLS, STARTS, Said, arriving, deciding, values_of
from spec.requirements import Requirement, requirement

TEMPLATE = "templates/script.py.txt"
PARTS, OF_A_PLUGIN = "# parts: ", "transfers"
USAGE = """\
    python3 @NAME            starts the Orthanc of the PATH, in a folder of its own
    python3 @NAME PROGRAM    starts another one, such as ./build/Orthanc; not a URL"""
USAGE_WITH_PLUGIN = """\
    python3 @NAME PROGRAM PLUGIN    such as Orthanc, and the file libOrthancTransfers.so"""
BEGINS = '''def shows(server):
    """Do it; whether the server deviates again, if that can be told, and what was seen."""'''
IMPORT = re.compile(r"^import ([a-z0-9.]+)\n", re.MULTILINE)
READING = re.compile(r"/jobs/[0-9a-f-]+")
TO_A_PEER = re.compile(r"/peers/[^/]*-(\d+)/")
WIDE = 96
LONG = re.compile(r"(.*server\.\w+\()(.*?), (\{.*|base64.*)\)")
GAP = 0.1  # seconds between two things that are no accident
INDENT = "    "
SOMETIMES = "EstimatedTimeOfArrival"  # no job shows it in the first moments of a step
NAMES = {"ParentStudy": "study", "ParentPatient": "patient", "ParentSeries": "series"}


def why_none(talk: Iterable[Said], known: Iterable[str] = ()) -> str | None:
    """Why no script can show again what was said, or what is ``known`` by these names; or None."""
    if _by_hand(known) is not None:
        return None
    calls = [one for one in talk if one.is_call]
    if any(one.path.startswith("/modalities/") for one in calls):
        return "a job of this replay sends over DICOM, which no script of a page can"
    if any(one.path.startswith("/transfers/") for one in calls):
        return "a job of this replay is a transfer, whose peer is more than a script of a page"
    if not any('"/jobs/' in one.got for one in calls):
        return "no call of this replay makes its job, but a Lua script of the server does"
    return None


def script(recording: Recording, name: str) -> str:
    """The text of the script, for a file of this ``name``. Raises `BadArgument` where none is."""
    written = _by_hand(recording.relaxations)
    if written is None and not recording.talk:
        raise BadArgument(
            "this replay file does not say what was said on the wire: run its case again, with\n"
            f"  orthanc-jobs run orthanc --no-ledger --case {recording.case}"
        )
    if (why := why_none(recording.talk, recording.relaxations)) is not None:
        raise BadArgument(f"{why}: use\n'orthanc-jobs replay'")
    stands = requirement(recording.requirement)
    names, shows = ((), _recorded(recording)) if written is None else _written(written)
    parts = [_template(f"shows/parts.{name}.txt").read_text("utf-8") for name in names]
    program = recording.program if written is None else ()  # a case may do more
    about = (
        f"{stands.sentence}",
        f"Source: {stands.source}",
        *([stands.url] if stands.url else []),
        "",
        f"Seen on {recording.server or 'a server'}, by the case {recording.case}:",
        *(f"  {number}. {line}" for number, line in enumerate(program, 1)),
        f"Expected: {' | '.join(recording.expected)}",
        f"Actual:   {recording.actual}",
    )
    text = _template(TEMPLATE).read_text("utf-8")
    filled = {
        "@TITLE": _plain(recording.case or stands.id),
        "@ABOUT": "\n".join(map(_plain, about)),
        "@USAGE": USAGE_WITH_PLUGIN if OF_A_PLUGIN in names else USAGE,
        "@NAME": Path(name).name,
        "@CONFIG": repr(dict(recording.config)).replace("'", '"'),
        "@TRIES": str(recording.tries if written is None else 1),
        "@EXPECTED": repr(" | ".join(recording.expected)),
        "@ACTUAL": repr(recording.actual),
        "@PARTS": "".join(f"{part}\n\n" for part in parts),
        "@SHOWS": shows,
    }
    for mark, value in filled.items():
        text = text.replace(mark, value)
    return IMPORT.sub(lambda line: line[0] if _uses(text, line[1]) else "", text)


def tried_by(recording: Recording, name: str) -> str:
    """The command that runs the script in the file ``name``."""
    written = _by_hand(recording.relaxations)
    with_plugin = written is not None and OF_A_PLUGIN in _written(written)[0]
    return f"python3 {name}{' Orthanc libOrthancTransfers.so' if with_plugin else ''}"


def _uses(text: str, module: str) -> bool:
    return re.search(rf"\b{re.escape(module)}\.\w", text) is not None


def _template(name: str) -> Traversable:
    return files("conformance.reports").joinpath(name)


def _by_hand(known: Iterable[str]) -> str | None:
    """What shows the one finding that is ``known``, where that was written by hand."""
    match tuple(known):
        case (name,) if (file := _template(f"shows/{name}.txt")).is_file():
            return file.read_text("utf-8")
    return None


def _written(text: str) -> tuple[tuple[str, ...], str]:
    """The names of the parts that a text uses, and what it does."""
    first, _, shows = text.partition("\n")
    return tuple(first.removeprefix(PARTS).split()), shows.rstrip()


def _recorded(recording: Recording) -> str:
    """What a recording did."""
    lines = [*_bounds(requirement(recording.requirement)), *Steps(recording).lines()]
    return "\n".join([BEGINS, *map(_indented, lines)])


def _bounds(stands: Requirement) -> Iterator[str]:
    """What is said of some versions only is not asked of another one."""
    if stands.since is None and stands.until is None:
        return
    yield 'version = server.call("GET", "/system")[1]["Version"]'
    yield 'number = [int(one) for one in version.split(".") if one.isdigit()] or [1000]'
    for word, sign, bound in (("since", "<", stands.since), ("until", ">", stands.until)):
        if bound is not None:
            yield f"if number {sign} {[*map(int, bound.split('.'))]}:"
            yield f'    return False, f"{{version}}, and it is said {word} {bound} only"'


def _indented(line: str) -> str:
    """A line of the body; one that is too long, a call's with a body, in several."""
    call = LONG.fullmatch(line)
    if len(line) > WIDE and call is not None:
        line = f"{call[1]}\n{INDENT}{call[2]},\n{INDENT}{call[3]},\n)"
    return indent(line, INDENT)


def _plain(text: str) -> str:
    """A text within a docstring."""
    return text.replace("\\", "/").replace('"""', "'''")


@dataclass(frozen=True, slots=True)
class _Event:
    """A moment of the talk: a call begins, one that others overlap ends, the peer answers, ..."""

    at: float
    kind: str
    said: Said


@dataclass
class Steps:
    """The body of the script: each call, arrival and answer, in order."""

    recording: Recording
    _known: dict[str, str] = field(default_factory=dict)  # the id that was given, and its variable
    _counts: dict[str, int] = field(default_factory=dict)  # of variables and of steps, by name
    _number: dict[Said, int] = field(default_factory=dict)  # of arrivals, at their peer
    _peers: set[str] = field(default_factory=set)  # those that the server knows
    _reads: dict[str, Said] = field(default_factory=dict)  # that were not written yet
    _pending: dict[Said, str] = field(default_factory=dict)  # calls that were not answered yet
    _ended: float = 0.0  # when the last thing was over

    def lines(self) -> Iterator[str]:
        talk = [one for one in self.recording.talk if not _registers(one)]
        decider = deciding(talk, self.recording.actual)
        arrival = arriving(talk, self.recording.actual)
        last = arrival or decider
        self._needed = ID.findall(" ".join(one.path + one.sent for one in talk))
        for event in _events(talk):
            yield from self._event(event, last)
        yield from self._flush(last)
        if arrival is not None:
            yield 'return came, "the step has come" if came else "no step comes"'
        elif decider is not None:
            yield from judgement(decider, self.recording.expected, self.recording.actual)

    def _event(self, event: _Event, last: Said | None) -> Iterator[str]:
        said, kind = event.said, event.kind
        if kind == "call" and said.method == "GET":
            yield from self._reading(said, last)
        else:
            if kind != ARRIVES:
                yield from self._flush(last)
                if kind != STARTS and event.at - self._ended > GAP and self._ended > 0.0:
                    yield f"time.sleep({event.at - self._ended:.2f})"
            yield from self._other(event, last)
            self._ended = max(self._ended, said.ended if kind == "call" else event.at)

    def _other(self, event: _Event, last: Said | None) -> Iterator[str]:
        said = event.said
        match event.kind:
            case "call":
                yield from self._call(said, "call", last)
            case "begin":
                yield from self._call(said, "begin", last)
            case "end":
                variable = self._pending.pop(said)
                yield f"{variable}.join({said.took + 10:.0f})"
                yield from self._bound(said, f"{variable}.got", last)
            case "arrives":
                peer = f"peer{said.path}"
                self._number[said] = number = self._next(peer)
                yield f'{"came = " if said is last else ""}arrives("{peer}", {number})'
            case "answer":
                yield f'answer("peer{said.path}", {self._number[said]}, {said.status})'
            case "starts":
                self._peers.clear()
                yield f"server.start({_settings(said.sent)})"
            case kind:
                yield f"server.end(signal.{'SIGKILL' if kind == KILLS else 'SIGTERM'})"

    def _call(self, said: Said, how: str, last: Said | None) -> Iterator[str]:
        if (peer := TO_A_PEER.match(said.path)) and peer[1] not in self._peers:
            self._peers.add(peer[1])
            yield f'server.register("peer{peer[1]}")'
        words = [json.dumps(said.method), self._path(said.path)]
        if said.sent:
            words.append(self._body(said))
        text = f"server.{how}({', '.join(words)})"
        if how == "begin":
            self._pending[said] = variable = f"call{self._next('call')}"
            yield f"{variable} = {text}"
        else:
            yield from self._bound(said, text, last)

    def _bound(self, said: Said, text: str, last: Said | None) -> Iterator[str]:
        """``text``, and the ids of its answer that are needed, in variables."""
        found = [*self._ids(said)]
        yield f"got = {text}" if found or said is last else text
        for id, key, name in found:
            self._known[id] = variable = f"{name}{self._next(name)}"
            yield f"{variable} = got[1]{key}"

    def _ids(self, said: Said) -> Iterator[tuple[str, str, str]]:
        """The ids of an answer that are used, and not known yet; where they stand; a name."""
        seen: set[str] = set()
        for id, keys in _places(said.json(), ""):
            if id in self._known or id in seen or self._needed.count(id) < 1:
                continue
            seen.add(id)
            key = re.findall(r'"(\w+)"', keys)[-1:] or [""]
            kind = "job" if f"/jobs/{id}" in said.got or "/jobs" in said.path else "made"
            kind = "instance" if said.path in ("/tools/create-dicom", "/instances") else kind
            yield id, keys, NAMES.get(key[0], kind)

    def _reading(self, said: Said, last: Said | None) -> Iterator[str]:
        if READING.fullmatch(said.path) and said.path.rpartition("/")[2] in self._known:
            self._reads.pop(said.path, None)
            self._reads[said.path] = said
        elif said is last or [*self._ids(said)]:
            yield from self._flush(last)
            yield from self._call(said, "call", last)

    def _flush(self, last: Said | None) -> Iterator[str]:
        """The readings that were made since something was done: what the last of each showed."""
        for path, said in self._reads.items():
            words = [self._path(path)]
            if said.status != 200:
                words.append(f"status={said.status}")
            shown = said.json()
            if said is last and SOMETIMES in (shown or ()):
                words.append(f'has=["{SOMETIMES}"]')
            words += [f"{key}={self._literal(shown[key])}" for key in values_of(said)]
            text = f"server.wait({', '.join(words)})"
            yield f"got = {text}" if said is last else text
        self._reads.clear()

    # --- texts ----------------------------------------------------------------------------------

    def _next(self, name: str) -> int:
        self._counts[name] = number = self._counts.get(name, 0) + 1
        return number

    def _path(self, path: str) -> str:
        return self._text(TO_A_PEER.sub(r"/peers/peer\1/", path))

    def _text(self, text: str) -> str:
        """A text of Python, with the variables of the ids that are within it."""
        used = [id for id in ID.findall(text) if id in self._known]
        if used == [text]:
            return self._known[text]
        made = json.dumps(text)
        if not used:
            return made
        made = made.replace("{", "{{").replace("}", "}}")
        for id in used:
            made = made.replace(id, "{" + self._known[id] + "}")
        return f"f{made}"

    def _body(self, said: Said) -> str:
        if said.sent.startswith(BINARY):
            return f'base64.b64decode("{said.sent.removeprefix(BINARY)}")'
        found = said.sent_json()
        return f"{json.dumps(said.sent)}.encode()" if found is None else self._literal(found)

    def _literal(self, value: Any) -> str:
        match value:
            case str():
                return self._text(value)
            case list():
                return f"[{', '.join(map(self._literal, value))}]"
            case dict():
                pairs = (f"{json.dumps(key)}: {self._literal(one)}" for key, one in value.items())
                return f"{{{', '.join(pairs)}}}"
        return repr(value)


def _registers(one: Said) -> bool:
    return one.method == "PUT" and one.path.startswith("/peers/")


def _events(talk: list[Said]) -> list[_Event]:
    """What happened, by its moments. A call during which others begin, or steps end, has two."""
    moments: list[_Event] = []
    began = [one.at for one in talk if one.is_call]
    ends = [one.ended for one in talk if one.method == ARRIVES and one.status]
    for one in talk:
        if one.method == ARRIVES:
            moments.append(_Event(one.at, ARRIVES, one))
            if one.status:
                moments.append(_Event(one.ended, "answer", one))
        elif not one.is_call:
            moments.append(_Event(one.at, one.method, one))
        elif any(one.at < at < one.ended for at in (*began, *ends)):
            moments += (_Event(one.at, "begin", one), _Event(one.ended, "end", one))
        else:
            moments.append(_Event(one.at, "call", one))
    return sorted(moments, key=lambda event: event.at)


def _places(found: Any, keys: str) -> Iterator[tuple[str, str]]:
    """Each id in a JSON value, and where it stands, as Python says it."""
    if isinstance(found, str) and ID.fullmatch(found):
        yield found, keys
    elif isinstance(found, dict):
        for key, one in found.items():
            yield from _places(one, f'{keys}["{key}"]')
    elif isinstance(found, list):
        for number, one in enumerate(found):
            yield from _places(one, f"{keys}[{number}]")


def _settings(how: str) -> str:
    """How a life was begun, in words: the arguments of its start."""
    words = []
    if size := re.search(r"JobsHistorySize (\d+)", how):
        words.append(f'{{"JobsHistorySize": {size[1]}}}')
    if "--no-jobs" in how:
        words.append('more=["--no-jobs"]')
    return ", ".join(words)
