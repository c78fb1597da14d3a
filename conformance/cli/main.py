"""The entry point. What comes first is to hear Ctrl-C and SIGTERM, so nothing heavy is imported.

A signal is noted until the command is there that can end well, with its reports written. Before
this, in the ten or twenty milliseconds in which Python itself begins, it ends Python as it ends
any program.
"""

from __future__ import annotations

import signal
import sys

from conformance.noted import SIGNALS, Noted


def main() -> None:
    """Run the command that the arguments name, and exit."""
    noted = Noted()
    for number in SIGNALS:
        signal.signal(number, noted)
    from conformance.cli.running import status_of

    status = status_of(sys.argv[1:])
    for number in SIGNALS:  # it is over: Python's own end is not to change the status
        signal.signal(number, signal.SIG_IGN)
    sys.exit(status)
