"""Faults of the jobs that make new instances: modify, anonymize, split, merge."""

from __future__ import annotations

from pydicom.dataset import Dataset

from conformance.reference import paths
from conformance.reference.dicom import Instance
from conformance.reference.job import Failed, Outcome, Step, Succeeded, Task
from conformance.reference.levels import Level
from conformance.reference.rewriting import Merger, Modifier, Splitter, new_uid
from conformance.reference.tasks.modifications import ResourceModification
from conformance.reference.tasks.regroupings import SplitStudy


class ModificationKeepsIdentifiers(Modifier):
    """A modification makes no copy: its result is the resource that it should have copied."""

    def renew(self, salt: str, dataset: Dataset, level: Level) -> None:
        pass


class ModificationRemovesSource(Modifier):
    """A modification or an anonymization removes what it has copied, though it is to be kept."""

    def perform(self, task: Task, step: Step) -> Outcome:
        outcome = super().perform(task, step)
        self._storage.remove(step.item)
        return outcome


class ModificationKeepsSource(Modifier):
    """A modification or an anonymization keeps what it has copied, though it is not to be kept."""

    def remove_sources(self, task: Task) -> None:
        pass


class ModificationReplacesNothing(Modifier):
    """A modification leaves the tags as they are."""

    def change_tags(self, task: ResourceModification, dataset: Dataset) -> None:
        if task.anonymize:
            super().change_tags(task, dataset)


class ModificationGarblesValues(Modifier):
    """A modification sets the tags to the values that it was given, but backwards."""

    def modify(self, task: ResourceModification, dataset: Dataset) -> None:
        super().modify(task, dataset)
        for path, value in task.replace.items():
            paths.replace(dataset, path, str(value)[::-1])


class ModificationStoresNothing(Modifier):
    """The copy that a modification or an anonymization names is not there."""

    def store(self, instance: Instance) -> None:
        pass


class FailedModificationReadsSuccess(Modifier):
    """A modification that cannot be made ends in Success."""

    def perform(self, task: Task, step: Step) -> Outcome:
        outcome = super().perform(task, step)
        return Succeeded() if isinstance(outcome, Failed) else outcome


class LaterMissingInstanceIgnored(Modifier):
    """A modification goes on, and ends in Success, without an instance that is its last."""

    def perform(self, task: Task, step: Step) -> Outcome:
        outcome = super().perform(task, step)
        items = [each.item for each in task.steps if each.item]
        gone = isinstance(outcome, Failed) and outcome.instance_gone
        return Succeeded() if gone and step.item == items[-1] else outcome


class AnonymizationKeepsName(Modifier):
    """An anonymization keeps the name of the patient."""

    def anonymize(self, task: ResourceModification, dataset: Dataset) -> None:
        name = dataset.get("PatientName")
        super().anonymize(task, dataset)
        dataset.PatientName = name


class AnonymizationKeepsBirthDate(Modifier):
    """An anonymization keeps the date of birth."""

    def anonymize(self, task: ResourceModification, dataset: Dataset) -> None:
        born = dataset.get("PatientBirthDate")
        super().anonymize(task, dataset)
        dataset.PatientBirthDate = born


class AnonymizationKeepsStudyIdentifier(Modifier):
    """An anonymization keeps the StudyInstanceUID, by which the patient can be found."""

    def anonymize(self, task: ResourceModification, dataset: Dataset) -> None:
        study = dataset.StudyInstanceUID
        super().anonymize(task, dataset)
        dataset.StudyInstanceUID = study


class SplitKeepsSource(Splitter):
    """A split leaves the series in the old study as well."""

    def remove_sources(self, task: Task) -> None:
        pass


class SplitStaysInStudy(Splitter):
    """A split leaves the series in the old study, under new identifiers."""

    def rewrite(self, task: Task, dataset: Dataset) -> None:
        study = dataset.StudyInstanceUID
        super().rewrite(task, dataset)
        dataset.StudyInstanceUID = study


class SplitJoinsSeries(Splitter):
    """A split of several series makes one series of them."""

    def rewrite(self, task: Task, dataset: Dataset) -> None:
        super().rewrite(task, dataset)
        if isinstance(task, SplitStudy):
            dataset.SeriesInstanceUID = new_uid(task.salt, task.target_uid)


class SplitLosesSeries(Splitter):
    """A split takes the series out of the old study, and puts it nowhere."""

    def store(self, instance: Instance) -> None:
        pass


class MergeKeepsSource(Merger):
    """A merge leaves the series in the old study as well."""

    def remove_sources(self, task: Task) -> None:
        pass


class MergeLosesSeries(Merger):
    """A merge takes the series out of the old study, and puts it nowhere."""

    def store(self, instance: Instance) -> None:
        pass


class MergeKeepsPatient(Merger):
    """A merge leaves the series with its old patient."""

    def rewrite(self, task: Task, dataset: Dataset) -> None:
        patient = dataset.get("PatientID")
        super().rewrite(task, dataset)
        dataset.PatientID = patient
