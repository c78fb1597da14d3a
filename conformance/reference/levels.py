"""The levels of DICOM, and how Orthanc names what belongs to each."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """What there is, from the instance up; spelled as the fields of `Made` and `Instance`."""

    INSTANCE = "instance"
    SERIES = "series"
    STUDY = "study"
    PATIENT = "patient"

    @property
    def shown(self) -> str:
        """As ``Type`` and ``Level`` spell it."""
        return self.capitalize()

    @property
    def collection(self) -> str:
        """As a path spells all of this level."""
        return {"study": "studies", "series": "series"}.get(self, f"{self}s")

    @property
    def path(self) -> str:
        """What comes before an identifier in a path."""
        return f"/{self.collection}/"

    @property
    def above(self) -> Level | None:
        """The next level up; None above the patient."""
        return _ABOVE[self]

    @property
    def below(self) -> Level | None:
        """The next level down; None below the instance."""
        return next((level for level, above in _ABOVE.items() if above is self), None)

    @property
    def keyword(self) -> str:
        """The tag that identifies what is at this level."""
        return _KEYWORDS[self]

    @property
    def own_and_above(self) -> list[Level]:
        """This level and those above it, nearest first."""
        return list(Level)[list(Level).index(self) :]


_ABOVE = {
    Level.INSTANCE: Level.SERIES,
    Level.SERIES: Level.STUDY,
    Level.STUDY: Level.PATIENT,
    Level.PATIENT: None,
}
_KEYWORDS = {
    Level.INSTANCE: "SOPInstanceUID",
    Level.SERIES: "SeriesInstanceUID",
    Level.STUDY: "StudyInstanceUID",
    Level.PATIENT: "PatientID",
}
