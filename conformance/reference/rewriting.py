"""The jobs that make new instances from stored ones: modify, anonymize, split, merge.

Each step reads one instance, changes it, and stores the result under new identifiers. An old
identifier always gives the same new one within a job (`new_uid`), so a job that was paused, or
cut off by a stop of the server, goes on where it was, and nothing has to be remembered.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from pydicom.uid import generate_uid

from conformance.reference import anonymization, dicom, metadata, paths
from conformance.reference.errors import ErrorCode, RestError
from conformance.reference.job import Failed, Made, Outcome, Step, Succeeded, Task, instance_gone
from conformance.reference.levels import Level
from conformance.reference.storage import NotStored
from conformance.reference.tasks.modifications import ResourceModification
from conformance.reference.tasks.regroupings import MergeStudy, SplitStudy
from conformance.reference.transcoding import change_syntax

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pydicom.dataset import Dataset

    from conformance.reference.storage import Storage


_COPYING = (ResourceModification, SplitStudy, MergeStudy)


class CannotRewrite(Exception):
    """A step that cannot be done as asked; the message is for the caller."""


def new_uid(salt: str, old: str) -> str:
    """The identifier that takes the place of `old` in the job that has this `salt`."""
    return str(generate_uid(entropy_srcs=[salt, old]))


class Rewriter(ABC):
    """Does the steps of such jobs. Each kind says what it changes in an instance."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @contextmanager
    def open_run(self, task: Task) -> Iterator[Callable[[Step], Outcome]]:
        """Yield the function that does a step of `task`."""
        yield lambda step: self.perform(task, step)

    def perform(self, task: Task, step: Step) -> Outcome:
        """Make the new instance of `step`; the step without an item removes all the old ones."""
        try:
            return self._copy(task, step) if step.item else self._finish(task)
        except NotStored as error:
            return Failed(ErrorCode.INTERNAL_ERROR, str(error))
        except CannotRewrite as error:
            return Failed(ErrorCode.BAD_REQUEST, str(error))
        except (RestError, *dicom.FILE_ERRORS) as error:
            return Failed(ErrorCode.BAD_FILE_FORMAT, f"{step.item}: {type(error).__name__}")

    def _copy(self, task: Task, step: Step) -> Outcome:
        source = self._storage.get(step.item)
        if source is None:
            return self.missing(task, instance_gone(step, ErrorCode.UNKNOWN_RESOURCE))
        dataset = dicom.decode(source.file)
        self.rewrite(task, dataset)
        anonymized = isinstance(task, ResourceModification) and task.anonymize
        if isinstance(task, ResourceModification):
            change_syntax(dataset, task.transcode)
        instance = metadata.copied(dicom.encode(dataset), source, anonymized)
        keeps = isinstance(task, ResourceModification) and task.keep_labels
        labels = {level: self._storage.notes.labels(source.at(level)) for level in Level if keeps}
        self.store(instance)  # which may take its place
        for level, kept in labels.items():
            self._storage.notes.label(instance.at(level), kept)
        return Succeeded(Made(instance.id, instance.series, instance.study, instance.patient))

    def missing(self, task: Task, failed: Failed) -> Outcome:
        """An instance was removed since."""
        permissive = isinstance(task, _COPYING) and task.permissive
        return Succeeded(instance_gone=True) if permissive else failed

    def _finish(self, task: Task) -> Outcome:
        self.remove_sources(task)
        return Succeeded()

    @abstractmethod
    def rewrite(self, task: Task, dataset: Dataset) -> None:
        """Change `dataset` as `task` says. Raises `CannotRewrite`, or one of `FILE_ERRORS`."""

    def store(self, instance: dicom.Instance) -> None:
        """Keep what was made."""
        self._storage.add(instance)

    def remove_sources(self, task: Task) -> None:
        """Remove what was copied."""
        for step in task.steps:
            if step.item:
                self._storage.remove(step.item)


class Modifier(Rewriter):
    """Modification and anonymization."""

    def rewrite(self, task: Task, dataset: Dataset) -> None:
        if not isinstance(task, ResourceModification):
            raise TypeError(f"{task.type} is no modification")
        if task.anonymize:
            self.anonymize(task, dataset)
        else:
            self.modify(task, dataset)

    def modify(self, task: ResourceModification, dataset: Dataset) -> None:
        """Give new identifiers to what is copied and to all below, and change the tags."""
        level = Level(task.copied)
        for above in level.own_and_above[1:]:
            if above.keyword in task.replace and not task.moves:
                raise CannotRewrite(f"{above.keyword} is above the {level} that is modified")
        for each in Level:
            if each in level.own_and_above[1:] or each is Level.PATIENT:
                break
            if each.keyword not in task.keep:
                self.renew(task.salt, dataset, each)
        self.change_tags(task, dataset)

    def anonymize(self, task: ResourceModification, dataset: Dataset) -> None:
        """Take out whatever could tell who the patient is, and renew all identifiers."""
        renew = partial(new_uid, task.salt)
        anonymization.anonymize(dataset, task.keep, renew, task.keep_private)
        self.change_tags(task, dataset)

    def renew(self, salt: str, dataset: Dataset, level: Level) -> None:
        """A new identifier for what the instance belongs to at `level`."""
        setattr(dataset, level.keyword, new_uid(salt, str(dataset.get(level.keyword, ""))))

    def change_tags(self, task: ResourceModification, dataset: Dataset) -> None:
        """Remove and replace what the caller has named."""
        if task.remove_private:
            paths.remove_private(dataset, task.keep)
        change_tags(dataset, task.replace, task.remove)


class Splitter(Rewriter):
    """Split: some series of a study become a study of their own."""

    def rewrite(self, task: Task, dataset: Dataset) -> None:
        if not isinstance(task, SplitStudy):
            raise TypeError(f"{task.type} is no split")
        regroup(dataset, task.salt)
        change_tags(dataset, task.replace, task.remove)
        dataset.StudyInstanceUID = task.target_uid


class Merger(Rewriter):
    """Merge: series of other studies come into a study that there is."""

    def rewrite(self, task: Task, dataset: Dataset) -> None:
        if not isinstance(task, MergeStudy):
            raise TypeError(f"{task.type} is no merge")
        regroup(dataset, task.salt)
        of_the_study = (*dicom.MAIN_TAGS[Level.PATIENT], *dicom.MAIN_TAGS[Level.STUDY])
        change_tags(dataset, task.replace, tuple(set(of_the_study) - task.replace.keys()))


def regroup(dataset: Dataset, salt: str) -> None:
    """The instance and its series get new identifiers, for the series goes to another study."""
    for level in (Level.INSTANCE, Level.SERIES):
        setattr(dataset, level.keyword, new_uid(salt, str(dataset.get(level.keyword, ""))))


def change_tags(dataset: Dataset, replace: Mapping[str, object], remove: tuple[str, ...]) -> None:
    """Take tags out of `dataset`, and give others a value; all are named by their paths."""
    for path in remove:
        paths.remove(dataset, path)
    for path, value in replace.items():
        paths.replace(dataset, path, value)
