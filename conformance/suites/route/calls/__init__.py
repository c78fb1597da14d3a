"""The calls that the page lists, and the later ones of the same kind: what each asks for, what
kind of job it makes, and how to see that the job has done it. A new option of a call is a row.

A `Call` is a way to make a job; a `Request` is one use of it, on a sample of its own.
"""

from __future__ import annotations

from conformance.suites.route.calls import (
    archives,
    copies,
    modalities,
    peers,
    regroupings,
    retrieves,
    several,
    transfers,
)
from conformance.suites.route.calls.model import Call, Request


def calls() -> list[Call]:
    """Every call that the suite knows."""
    return [
        call
        for of in (archives, copies, several, regroupings, peers, modalities, retrieves, transfers)
        for call in of.calls()
    ]


__all__ = ["Call", "Request", "calls"]
