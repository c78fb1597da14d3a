"""The JSON report: one object that says everything about a run. Its schema is number 1."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from conformance.campaign.typed import Field, Mark, of_results
from conformance.events import Ended, Result, Share, Verdict
from conformance.reports.file_report import FileReport
from conformance.reports.story import Story
from conformance.talk import deciding

SCHEMA = 1


class JsonReport(FileReport):
    def _text(self, ended: Ended) -> str:
        return json.dumps(report_of(self._story), indent=2) + "\n"


def report_of(story: Story) -> dict[str, Any]:
    """A run that has ended, as one object."""
    started, ended = story.started, story.ended
    assert started is not None
    assert ended is not None
    target, found = started.target, ended.coverage
    return {
        "schema": SCHEMA,
        "kit": version("orthanc-jobs-conformance"),
        "started": started.started,
        "seed": started.seed,
        "interrupted": ended.interrupted,
        "failed": story.failed,
        "target": {"name": target.name, "version": target.version, "kind": target.kind},
        "options": list(target.options),
        "verdict": ended.verdict,
        "word": story.word,
        "told": f"{story.word} {story.told}",
        "why": ended.why,
        "mode": started.mode,
        "whole": started.whole,
        "asked": dict(started.asked),
        **({} if started.shard is None else {"shard": list(started.shard)}),
        "coverage": {
            "cells": _share(found.cells),
            "edges": _share(found.edges),
            "requirements": _share(found.requirements),
        },
        "covered": {
            "cells": list(found.cells.covered),
            "edges": list(found.edges.covered),
            "requirements": list(found.requirements.covered),
        },
        "types": {
            type: _of_type(found)
            for type, found in of_results(story.results.values(), target.version).items()
        },
        "cases": [_case(story, result) for result in story.results.values()],
        "ledger": {
            "file": started.ledger,
            "accepts": list(started.accepts),
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
            **({"strangers": ended.statistics.strangers} if ended.statistics.strangers else {}),
        },
    }


def _of_type(found: Mapping[str, Field]) -> dict[str, Any]:
    """Of what is said of every job: what was met by jobs of a type, what not, and what was not
    tried, with the reason where there is one.
    """
    return {
        "met": [id for id, field in found.items() if field.mark is Mark.PASS],
        "deviates": {id: list(field.names) for id, field in found.items() if field.names},
        "closed": {id: "; ".join(field.why) for id, field in found.items() if field.why},
        "open": [id for id, field in found.items() if field.mark in (Mark.UNKNOWN, Mark.NO_CASE)],
    }


def _share(share: Share) -> dict[str, Any]:
    return {
        "covered": len(share.covered),
        "reachable": share.reachable,
        "total": share.total,
        "missing": list(share.missing),
        "unreachable": [{"id": name, "why": why} for name, why in share.unreachable],
    }


def _case(story: Story, result: Result) -> dict[str, Any]:
    bound = {} if result.bound is None else {"complete": asdict(result.bound)}
    call = deciding(result.talk, result.actual or "")
    part = {} if result.part_of is None else {"part_of": result.part_of}
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
        **({"waited": round(result.waited, 3)} if result.waited else {}),
        **bound,
        **part,
        **({"kept": list(result.kept)} if result.kept else {}),
        **({"program": list(result.program)} if result.program else {}),
        **({} if call is None else {"call": call.to_json()}),
        **_commands(story, result),
    }


def _commands(story: Story, result: Result) -> dict[str, Any]:
    """Of what deviates, the commands that show it again, by the names that people read."""
    if result.verdict not in (Verdict.DEVIATION, Verdict.ACCEPTED):
        return {}
    return {"commands": dict(story.commands(result))}
