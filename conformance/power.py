"""The kit's power, as it was measured: which requirements were reported under which planted fault.

`power.json` is evidence, written by `tools/power` from runs against the reference server with one
fault each. `orthanc-jobs list` shows it beside each requirement, and a test makes some of these
runs again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files

FILE = "power.json"


def caught() -> Mapping[str, frozenset[str]]:
    """The name of each fault, with the requirements that were reported as broken under it."""
    text = files("conformance").joinpath(FILE).read_text(encoding="utf-8")
    return {name: frozenset(broken) for name, broken in json.loads(text)["faults"].items()}
