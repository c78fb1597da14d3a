"""The servers that the kit can start itself: an Orthanc, and the reference server."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.sut.command import CONFIG, Command
from conformance.sut.managed import Managed
from conformance.sut.processes import Keeper
from conformance.timing import TIMING

ORTHANC = f"Orthanc {CONFIG}"
REFERENCE = "conformance.reference.__main__"  # by its name only: the kit knows nothing of it


def orthanc(
    template: str | None = None,
    config: Mapping[str, Any] | None = None,
    workdir: Path | None = None,
    keeper: Keeper | None = None,
) -> Managed:
    """An Orthanc from PATH, or started by ``template``. Raises `BadArgument`."""
    command = Command.parse(ORTHANC if template is None else template)
    if workdir is None and (root := command.root()) is not None:
        workdir = root / "tmp"
    return Managed(command, config, workdir, keeper=keeper)


def reference(
    config: Mapping[str, Any] | None = None,
    workdir: Path | None = None,
    fault: str | None = None,
    keeper: Keeper | None = None,
    release: str | None = None,
) -> Managed:
    """The reference server, with one planted ``fault`` if one is named, as of a ``release``.

    Nobody sends to its DICOM server, which takes its time to start and to end.
    """
    named = {"--fault": fault, "--release": release}
    chosen = [word for pair in named.items() if pair[1] is not None for word in pair]
    words = ("--config", CONFIG, *map(str, chosen))
    return Managed(
        Command(words, REFERENCE, inside=True),
        {"DicomServerEnabled": False, **(config or {})},
        workdir,
        keeper=keeper,
        lingers=TIMING.briefly,
        saved=TIMING.briefly,
        period=TIMING.briefly,
    )
