"""Modification and anonymization of several resources by one job: the bulk forms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from conformance.driver.context import Context
from conformance.suites.route.calls.copies import (
    COMES_FROM,
    PARENTS,
    TYPE,
    anonymous,
    changes,
    comes_from,
    is_anonymous,
    is_changed,
    is_its_own,
    says_which,
)
from conformance.suites.route.calls.model import LEVELS, RESULT, Call, Part, Request, Result
from conformance.suites.route.calls.stored import dicts, one_instance, stays
from conformance.suites.route.samples import IMPLICIT, sample

BY = "option/bulk-level"
EVERY_LEVEL = ["instances", "patients", "series", "studies"]
SHOWS_OF_SEVERAL = (
    "Description", "InstancesCount", "FailedInstancesCount", "IsAnonymization", "Resources",
)  # fmt: skip


def calls() -> Iterator[Call]:
    for action in ("modify", "anonymize"):
        late = f"route/bulk-{action}"
        none = bulk_of_nothing(action)
        for name, more in (
            ("several", {}),
            ("several-source-removed", {"KeepSource": False}),
            ("several-transcoded", {"Transcode": IMPLICIT}),
        ):
            make = bulk(action, more)
            yield Call(f"{action}/{name}", late, TYPE, make, SHOWS_OF_SEVERAL, late)
        yield Call(f"{action}/nothing", late, TYPE, none, SHOWS_OF_SEVERAL, late, empty=True)
    for level in ("patient", "instance"):
        make = bulk("modify", level=level)
        yield Call(f"modify/several-by-{level}", BY, TYPE, make, SHOWS_OF_SEVERAL, BY)


def bulk(
    action: str, more: Mapping[str, Any] = MappingProxyType({}), level: str | None = None
) -> Callable[[Context], Request]:
    """Of a study, and of one series of another one.

    ``more``: options. ``level``: that of the copies, where the call does not name it; by default
    it does.
    """
    hides = action == "anonymize"
    copied = "patient" if hides else level or "series"

    def make(context: Context) -> Request:
        first, second = Part("study", sample(context)), Part("series", sample(context))
        body: dict[str, Any] = {"Resources": [first.id, second.id], **more}
        body |= anonymous(context) if hides else changes(context, copied)
        body |= {} if hides or level else {"Level": "Series"}
        made_of = len(first.uids) + len(second.uids)

        def verify(context: Context, content: Result) -> None:
            says_which(context, action, content)
            made = [one.get("Path") for one in dicts(content.get("Resources"))]
            new = [str(path) for path in made if str(path).startswith("/instances/")]
            context.equal(RESULT, "instances that were made", made_of, len(new))
            kinds = sorted({str(path).split("/")[1] for path in made})
            context.equal(RESULT, "what is listed of it", EVERY_LEVEL, kinds)
            if "Description" in content and context.binds(PARENTS):
                named = sorted(map(str, content.get("ParentResources", ())))
                context.equal(PARENTS, "ParentResources", sorted(body["Resources"]), named)
            for path in new:
                tags = one_instance(context, path)
                (is_anonymous if hides else is_changed)(context, body, tags)
                is_its_own(context, tags, copied, first.made, second.made)
                if "Transcode" in body:
                    found = tags.get("TransferSyntaxUID")
                    context.equal("option/transcode", f"syntax of {path}", IMPLICIT, found)
            if context.binds(COMES_FROM):
                every = {*first.made.instances, *second.made.instances}
                comes_from(context, action, dict.fromkeys(new, every))
            _lists_whole(context, new, made)
            if body.get("KeepSource", True):
                stays(context, first, True)
                stays(context, second, True)
            else:  # the study of a series that goes may hold its copy
                gone = (*first.made.instances, second.made.instances[0])
                left = [id for id in gone if context.get(f"/instances/{id}").ok]
                context.equal(RESULT, "instances of the source that are left", [], left)

        paths = (first.path, second.path)
        return Request(f"/tools/bulk-{action}", body, verify, instances=made_of, remove=paths)

    return make


def _lists_whole(context: Context, new: Iterable[str], listed: list[Any]) -> None:
    """What is listed of a bulk form are the instances that were made, and all that they are of."""
    client, right = context.resources.client, set(new)
    for path in new:
        for level in LEVELS:
            one = client.get(f"{path}/{level}").json()
            right.add(f"/{LEVELS[level]}/{one.get('ID') if isinstance(one, dict) else one}")
    context.equal(RESULT, "the resources that are listed", sorted(right), sorted(map(str, listed)))


def bulk_of_nothing(action: str) -> Callable[[Context], Request]:
    def make(context: Context) -> Request:
        body: dict[str, Any] = {"Resources": []}
        if action == "modify":
            body |= {"Level": "Series", **changes(context, "series")}
        return Request(f"/tools/bulk-{action}", body)

    return make
