"""Clients with one fault each: what it is, the program, and where it has to be found as what."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

RIGHT = Path(__file__).parents[3] / "docs" / "clients"


@dataclass(frozen=True, slots=True)
class Wrong:
    """``old`` and ``new``: what of the right program is otherwise. ``as_what``: the requirement."""

    name: str
    program: str
    old: str
    new: str
    scenario: str
    as_what: str

    def write(self, folder: Path) -> list[str]:
        """Write the program; the words that run it."""
        text = (RIGHT / self.program).read_text(encoding="utf-8")
        assert text.count(self.old) == 1, self.name
        path = folder / self.program
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")
        return [RUN_BY[path.suffix], str(path)]


RUN_BY = {".py": sys.executable, ".sh": "sh", ".js": "node", ".exe": "mono"}

WRONG = (
    Wrong(
        "takes Paused for the end",
        "wait.py",
        'if state == "Failure":',
        'if state in ("Failure", "Paused"):',
        "trap/paused-and-resumed",
        "client/other-states",
    ),
    Wrong(
        "takes Retry for a failure",
        "wait.js",
        'if (state === "Failure") process.exit(1);',
        'if (state === "Failure" || state === "Retry") process.exit(1);',
        "trap/retry",
        "client/other-states",
    ),
    Wrong(
        "takes Progress 100 for success",
        "wait.py",
        'state = json.load(answer)["State"]',
        'job = json.load(answer); state = "Success" if job["Progress"] == 100 else job["State"]',
        "trap/progress-100",
        "client/state-alone",
    ),
    Wrong(
        "takes an ErrorCode for the result",
        "wait.js",
        "const state = JSON.parse(text).State;",
        "const state = JSON.parse(text).ErrorCode ? 'Failure' : JSON.parse(text).State;",
        "path/again/start/succeed",
        "client/state-alone",
    ),
    Wrong(
        "takes any end for success",
        "wait.sh",
        "Failure) exit 1",
        "Failure) exit 0",
        "path/start/fail",
        "client/success-and-failure",
    ),
    Wrong(
        "takes a job that is gone for done",
        "wait.sh",
        "*404) exit 2",
        "*404) exit 0",
        "trap/no-history",
        "client/gone",
    ),
    Wrong(
        "waits for ever for a job that is gone",
        "wait.js",
        "if (answer.statusCode === 404) process.exit(2);",
        "",
        "trap/evicted",
        "client/gone",
    ),
    Wrong(
        "waits without a limit",
        "wait.py",
        "while time.monotonic() < ends:",
        "while True:",
        "trap/paused-for-good",
        "client/bounded",
    ),
    Wrong(
        "takes 503 for a failure",
        "wait.py",
        "if error.code == 404:",
        "if error.code >= 400:",
        "trap/unavailable",
        "client/trouble",
    ),
    Wrong(
        "gives up when nothing answers",
        "wait.js",
        'request.on("error", later);',
        'request.on("error", () => process.exit(1));',
        "trap/restart",
        "client/restarted",
    ),
    Wrong(
        "looks for a word anywhere in the answer",
        "wait.sh",
        r"""state=$(printf '%s\n' "$answer" | sed -n 's/^   "State" : "\([A-Za-z]*\)",*$/\1/p')""",
        """printf '%s' "$answer" | grep -q Success && exit 0; state=Running""",
        "path/start/fail",
        "client/success-and-failure",
    ),
    Wrong(
        "looks for a field anywhere in the answer",
        "wait.py",
        'state = json.load(answer)["State"]',
        'text = answer.read().decode().replace(" ", ""); '
        'state = text.split("State\\":\\"")[1].split("\\"")[0]',
        "trap/unknown-type",
        "monitor/content-by-type",
    ),
    Wrong(
        "asks as fast as it can",
        "wait.py",
        "time.sleep(period)",
        "pass",
        "trap/waiting",
        "client/periodic",
    ),
)
