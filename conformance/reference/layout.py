"""Where an instance goes in an archive: a folder for each patient, study and series."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from conformance.reference.levels import Level

if TYPE_CHECKING:
    from conformance.reference.dicom import Instance

_NAMES = {
    Level.PATIENT: ("PatientID", "PatientName"),
    Level.STUDY: ("AccessionNumber", "StudyDescription"),
    Level.SERIES: ("Modality", "SeriesDescription"),
}


class ArchiveLayout:
    """Gives each instance a path of its own, the folders named by their tags, as by Orthanc.

    `numbered`: a file bears the number of its instance, and not of its place.
    """

    def __init__(self, numbered: bool = False) -> None:
        self._numbered = numbered
        self._folders: dict[str, str] = {}  # by Orthanc's identifier
        self._taken: Counter[str] = Counter()

    def place(self, instance: Instance) -> str:
        """The path of `instance`."""
        folder = ""
        for level in reversed(Level.SERIES.own_and_above):
            folder = self._folder(folder, level, instance)
        modality = _plain(instance.tags.get("Modality", "")).replace(" ", "")
        number = self._taken[f"{folder}//"]
        self._taken[f"{folder}//"] += 1
        shown = instance.tags.get("InstanceNumber", "")
        if self._numbered and shown.isascii() and shown.isdigit():
            path = f"{folder}{_file_name(modality, int(shown))}"
            self._taken[path] += 1
            if self._taken[path] == 1:
                return path
        return f"{folder}{_file_name(modality, number)}"

    def _folder(self, parent: str, level: Level, instance: Instance) -> str:
        """The folder of what `instance` belongs to at `level`; it ends in a slash."""
        identifier = instance.at(level)
        if identifier not in self._folders:
            words = (_plain(instance.tags.get(name, "")) for name in _NAMES[level])
            name = " ".join(word for word in words if word) or f"Unknown {level.shown}"
            path = f"{parent}{name}"
            self._taken[path.lower()] += 1
            count = self._taken[path.lower()]
            self._folders[identifier] = f"{path}-{count}/" if count > 1 else f"{path}/"
        return self._folders[identifier]


def _file_name(modality: str, number: int) -> str:
    """What a file is called: eight characters, or more."""
    return f"{modality}{number:06}.dcm" if modality else f"{number:08}.dcm"


def _plain(text: str) -> str:
    """`text` as a part of a path: ASCII letters, digits and a few signs, the rest is left out."""
    apart = text.replace("^", " ")
    kept = (each for each in apart if each.isascii() and (each.isalnum() or each in " _."))
    name = " ".join("".join(kept).split())
    return name if name.strip(". ") else ""
