"""The gate: the peer that every job of the kit sends its steps to.

Each step of a ``/peers/{name}/store`` job is one ``POST`` of one instance. It arrives here and
waits until the kit replies: the arrival says that the step has begun, the reply lets it end.
So the kit decides when a step ends, and nothing has to sleep.

A path is ``/SECRET/SLOT/instances``: the secret keeps others out, the slot says which job it
is, because an arrival bears no job id. Which step it is stands in the instance itself
(`MARKER`). Who has read the secret on the server is known for a stranger all the same
(`conformance.peer.callers`). Threads: one for each connection; they only queue arrivals and wait.

What a transfer asks of a peer has a path behind the slot, too, and waits as well
(`conformance.peer.transfers`).

Steps that come another way, over DICOM, wait in the same queue (`conformance.peer.dicom_gate`):
there the title of the called application entity is secret and slot in one.
"""

from __future__ import annotations

import contextlib
import secrets
import select
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from conformance import marks
from conformance.peer.callers import Callers
from conformance.peer.came import LARGEST, Came, inflated, unpacked
from conformance.peer.connections import Connections
from conformance.peer.listening import address, checked, listen
from conformance.peer.transfers import Answer, Asked, Kind, Transfers, asked
from conformance.talk import Talk
from conformance.timing import TIMING

MARKER = b"orthanc-jobs-step-"
PARTLY = 206  # the reply to a C-MOVE that is to be done in part, and only to that
REFUSE = 503  # what an arrival gets that nobody waits for any more
NO_LENGTH = {"GET": "0", "DELETE": "0"}  # of these nobody expects a body
NOTHING_TO_SAY = Answer()
HUNG_UP = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)


@dataclass(eq=False)
class Hold:
    """A step that waits at the gate. ``since`` is a time of the monotonic clock.

    ``target``: the title that a C-MOVE wants its answers sent to; other steps name none.
    ``came``: how it came, and what with it.
    """

    slot: int
    step: int
    target: str | None = None
    came: Came = field(default_factory=Came)
    since: float = field(default_factory=time.monotonic)
    broken: bool = False  # the server hung up before the reply
    told: tuple[float, int] | None = None  # when it was answered, and with which status
    _reply: tuple[int, dict[str, str]] | None = None
    _wake: tuple[socket.socket, socket.socket] = field(default_factory=socket.socketpair)

    @property
    def answered(self) -> bool:
        """Whether it has ended: by a reply, or because the server hung up."""
        return self._reply is not None

    def reply(self, status: int, headers: dict[str, str] | None = None) -> None:
        """Let the step end. The first reply counts; later ones are ignored."""
        if self._reply is None:
            self._reply = (status, headers or {})
            self.told = (time.monotonic(), status)
            with contextlib.suppress(OSError):  # the server has hung up, and the hold has ended
                self._wake[1].send(b"!")

    def wait(self) -> int:
        """Wait for the reply; its status."""
        self._wake[0].recv(1)
        assert self._reply is not None
        return self._reply[0]

    def give_up(self) -> None:
        """The server has hung up: nobody hears a reply any more."""
        self.broken = True
        self.reply(REFUSE)

    def close(self) -> None:
        """The hold has ended."""
        for end in self._wake:
            end.close()


@dataclass(frozen=True, slots=True)
class Place:
    """What a request is for: a slot, and of a transfer what it asks for. None: it is a store."""

    slot: int
    asked: Asked | None


class Gate:
    """The HTTP server; start it with ``with``. ``host`` is how the server under test reaches it.

    ``talk`` keeps what arrives, and is for all else that is said meanwhile. ``callers``: who sends.

    Raises `BadArgument` where ``host`` is no name or address, or no port can be opened.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.host = checked(host)
        self.secret = marks.path()
        self.title = marks.title()
        self.callers = Callers()
        self.transfers = Transfers()
        self._arrived: deque[Hold] = deque()
        self._open: set[Hold] = set()
        self._change = threading.Condition()
        self._draining = False
        self.talk = Talk(self.hidden)
        self._server = listen(self.host, lambda where, family: _Server(where, family))
        self._server.gate = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> Gate:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.drain()
        self._server.shutdown()
        self._server.server_close()
        with self._change:
            self._change.wait_for(lambda: not self._open, TIMING.parting)
        self._server.hang_up()
        self._thread.join(TIMING.parting)

    def url(self, slot: int) -> str:
        """The address to register as a peer for this slot."""
        return f"{address(self.host, self._server.server_port)}{self.secret}/{slot}/"

    def aet(self, slot: int) -> str:
        """The title of the application entity to register as a modality for this slot."""
        return f"{self.title}{slot:04}"

    def hidden(self, text: str) -> str:
        """``text`` without the secrets of the gate."""
        return (
            self.callers.hidden(text).replace(self.secret, "SECRET").replace(self.title, "SECRET")
        )

    def is_named_in(self, text: str) -> bool:
        """Whether ``text`` names an address or a title of the gate."""
        return self.secret in text or self.title in text

    def arrivals(self) -> list[Hold]:
        """The steps that have arrived since the last call, in order."""
        with self._change:
            found = list(self._arrived)
            self._arrived.clear()
        return found

    def wait(self, seconds: float) -> bool:
        """Wait until a step has arrived that was not fetched yet; whether one has."""
        with self._change:
            return self._change.wait_for(lambda: bool(self._arrived), seconds)

    def quiet(self, seconds: float) -> bool:
        """Wait up to ``seconds`` until nobody is connected; whether nobody is."""
        return self._server.quiet(seconds)

    def drain(self) -> None:
        """From now on nothing is held: every waiting and every later step fails at once."""
        with self._change:
            self._draining = True
            for hold in self._open:
                hold.reply(REFUSE)

    def fill(self) -> None:
        """The opposite of `drain`."""
        with self._change:
            self._draining = False

    def place(self, method: str, path: str) -> Place | None:
        """The slot that a request is for, and what it asks for, if it knows the secret."""
        secret, _, rest = path.lstrip("/").partition("/")
        number, _, rest = rest.partition("/")
        if not secrets.compare_digest(secret.encode(), self.secret.encode()):
            return None
        slot, one = _whole(number), asked(method, rest)
        sent = method == "POST" and rest.strip("/") == "instances"
        return Place(slot, one) if slot is not None and (sent or one is not None) else None

    def admits(self, place: Place, login: str | None) -> bool:
        """Whether who sends may be the server. A request of a transfer brings nothing that would
        tell, so it has to log in.
        """
        may = self.callers.may_send(login)
        return may if place.asked is None else self.callers.is_server(login)

    def slot_of_aet(self, title: str) -> int | None:
        """The slot that the title of a called application entity names, if it is one of ours."""
        length = len(self.title)
        if not secrets.compare_digest(title[:length].encode(), self.title.encode()):
            return None
        return _whole(title[length:])

    def arrive(self, hold: Hold, known: bool = False) -> None:
        """A step has come. ``known``: it is the server's. What is a stranger's is refused."""
        if not known and not self.callers.ours(hold.step, hold.came):
            self.callers.turn_away()
            hold.reply(REFUSE)
            return
        with self._change:
            self._open.add(hold)
            self._arrived.append(hold)
            self.talk.step(hold)
            if self._draining:
                hold.reply(REFUSE)
            self._change.notify_all()

    def end(self, hold: Hold) -> None:
        with self._change:
            self._open.discard(hold)
            self._change.notify_all()


class _Server(Connections):
    gate: Gate

    def __init__(self, where: tuple[str, int], family: socket.AddressFamily) -> None:
        super().__init__(where, family, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = TIMING.stranger
    server: _Server

    def do_POST(self) -> None:
        gate, login = self.server.gate, self.headers.get("Authorization")
        place = gate.place(self.command, self.path)
        if place is None or not gate.admits(place, login):
            gate.callers.turn_away()
            self._turn_away(404 if place is None else 401)
            return
        self.server.knows(self.connection)
        length = _whole(self.headers.get("Content-Length", NO_LENGTH.get(self.command, "")))
        if length is None or length > LARGEST or "Transfer-Encoding" in self.headers:
            self._turn_away(413)
            return
        body = self.rfile.read(length)
        if len(body) < length:  # the server hung up before the step was there
            self.close_connection = True
            return
        self.connection.settimeout(None)  # no stranger; it may keep its connection as it likes
        headers = dict(self.headers.items())
        file = unpacked(body) if headers.get("Content-Encoding") == "gzip" else body
        file = inflated(file)
        came = Came(file, length, headers, transfer=place.asked)
        if place.asked is None:
            self._hold(Hold(place.slot, step_of(file), came=came), gate.callers.is_server(login))
        else:
            self._transfer(place.slot, place.asked, came)

    def do_GET(self) -> None:
        """Orthanc asks a peer for /system when somebody looks at the peer; nobody here does."""
        if self.command == "GET" and self.server.gate.place("GET", self.path) is None:
            self._turn_away(404)
        else:
            self.do_POST()

    do_PUT = do_DELETE = do_HEAD = do_OPTIONS = do_PATCH = do_GET

    def _transfer(self, slot: int, asked: Asked, came: Came) -> None:
        """Hold a request of a transfer; what nobody has to wait for is answered at once."""
        transfers = self.server.gate.transfers
        step = transfers.step(slot, asked)
        if step is None:
            self._answer(404, {})
        elif asked.kind is Kind.PLUGINS:
            self._answer(200, {}, transfers.answer(slot, asked, b""))
        else:
            hold = Hold(slot, step, came=came)
            if asked.kind is Kind.GIVE_UP:
                hold.reply(200)
            self._hold(hold, True)

    def _hold(self, hold: Hold, known: bool) -> None:
        gate, asked = self.server.gate, hold.came.transfer
        gate.arrive(hold, known)
        try:
            status, headers = self._wait(hold)
            if hold.broken:
                return
            answer = NOTHING_TO_SAY
            if asked is not None and status == 200:
                answer = gate.transfers.answer(hold.slot, asked, hold.came.body)
            self._answer(status, headers, answer)
        except OSError:
            hold.broken = True
            self.close_connection = True
        finally:
            gate.end(hold)
            hold.close()

    def handle_expect_100(self) -> bool:
        """A body is asked for only from who knows the secret."""
        gate, login = self.server.gate, self.headers.get("Authorization")
        place = gate.place(self.command, self.path)
        asks = place is not None and gate.admits(place, login)
        return super().handle_expect_100() if asks else True

    def _wait(self, hold: Hold) -> tuple[int, dict[str, str]]:
        """Wait for the reply, or for the server to hang up."""
        wake, connection = hold._wake[0].fileno(), self.connection.fileno()
        events = select.poll()
        events.register(wake, select.POLLIN)
        events.register(connection, select.POLLIN | HUNG_UP)
        while True:
            ready = dict(events.poll())
            if ready.get(connection, 0) & HUNG_UP or (connection in ready and self._ended()):
                hold.broken = True
                self.close_connection = True
                return REFUSE, {}
            if wake in ready:
                assert hold._reply is not None
                return hold._reply
            events.modify(connection, HUNG_UP)  # it has sent more, which waits

    def _ended(self) -> bool:
        try:
            return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _turn_away(self, status: int) -> None:
        """Answer, and end the connection; what was sent with it is not looked at."""
        self.close_connection = True
        self.connection.setblocking(False)
        with contextlib.suppress(OSError):  # what is left unread would break the answer off
            for _ in range(LARGEST // 65536):
                if not self.connection.recv(65536):
                    break
        self.connection.settimeout(self.timeout)
        self._answer(status, {})

    def _answer(
        self, status: int, headers: dict[str, str], answer: Answer = NOTHING_TO_SAY
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", answer.type)
        self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:
        """The gate writes no log."""


def _whole(text: str) -> int | None:
    """The number that a text of up to 9 digits is."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def step_of(body: bytes) -> int:
    """The number of the step (from 0) that the instance was made for, or -1."""
    at = body.find(MARKER)
    digits = body[at + len(MARKER) : at + len(MARKER) + 2] if at >= 0 else b""
    return int(digits) if digits.isdigit() else -1
