"""What faults of several modules are made of: it is no fault itself."""

from __future__ import annotations

from typing import ClassVar

from conformance.reference.job import Job, Task
from conformance.reference.registry import Registry


class ContentLacks(Registry):
    """A type of job whose Content lacks something."""

    kind: ClassVar[type[Task]]
    lacking: ClassVar[frozenset[str]]

    def describe(self, job: Job) -> dict[str, object]:
        described = super().describe(job)
        content = described["Content"]
        if isinstance(job.task, self.kind) and isinstance(content, dict):
            kept = {name: value for name, value in content.items() if name not in self.lacking}
            described["Content"] = kept
        return described
