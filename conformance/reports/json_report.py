"""The JSON report: one object that says everything about a run. Its schema is number 1."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from conformance.events import CaseEnds, Ended, Event, Result, Share, Started

SCHEMA = 1


class JsonReport:
    """Writes the report to ``path`` when the run has ended, however it ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._started: Started | None = None
        self._results: dict[str, Result] = {}

    def take(self, event: Event) -> None:
        match event:
            case Started():
                self._started = event
            case CaseEnds(result):
                self._results[result.id] = result
            case Ended():
                text = json.dumps(self._report(event), indent=2) + "\n"
                self._path.write_text(text, encoding="utf-8")

    def _report(self, ended: Ended) -> dict[str, Any]:
        started = self._started
        assert started is not None
        target, found = started.target, ended.coverage
        return {
            "schema": SCHEMA,
            "kit": version("orthanc-jobs-conformance"),
            "started": started.started,
            "seed": started.seed,
            "interrupted": ended.interrupted,
            "target": {"name": target.name, "version": target.version, "kind": target.kind},
            "verdict": ended.verdict,
            "coverage": {
                "cells": _share(found.cells),
                "edges": _share(found.edges),
                "requirements": {
                    "covered": len(found.requirements.covered),
                    "total": found.requirements.total,
                    "missing": list(found.requirements.missing),
                },
            },
            "cases": [_case(result) for result in self._results.values()],
            "ledger": {
                "file": started.ledger,
                "used": list(ended.used),
                "stale": list(ended.stale),
            },
            "cleanup": {
                "removed": ended.cleanup.removed,
                "left": [
                    {"kind": one.kind, "id": one.id, "why": one.why} for one in ended.cleanup.left
                ],
            },
            "statistics": {
                "actions": ended.statistics.actions,
                "requests": ended.statistics.requests,
                "seconds": round(ended.statistics.seconds, 3),
                "setup_seconds": round(ended.statistics.setup_seconds, 3),
                "cleanup_seconds": round(ended.statistics.cleanup_seconds, 3),
            },
        }


def _share(share: Share) -> dict[str, Any]:
    return {
        "covered": len(share.covered),
        "reachable": share.reachable,
        "total": share.total,
        "missing": list(share.missing),
        "unreachable": [{"id": name, "why": why} for name, why in share.unreachable],
    }


def _case(result: Result) -> dict[str, Any]:
    return {
        "id": result.id,
        "requirement": result.requirement,
        "ground": result.ground.value,
        "verdict": result.verdict.value,
        "expected": list(result.expected),
        "actual": result.actual,
        "relaxations": list(result.relaxations),
        "reason": result.reason,
        "replay": result.replay,
        "seconds": round(result.seconds, 3),
    }
