"""What is stored on the server: how a call's effect is seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conformance.driver.context import Context
from conformance.errors import Unjudged
from conformance.oracle.shown import id_in
from conformance.suites.route.calls.model import RESULT, Part
from conformance.suites.route.files import read_file


def instance_tags(context: Context, path: str) -> list[dict[str, str]]:
    """The tags of every instance of a resource, read from their files."""
    return [one_instance(context, one) for one in instances(context, path)]


def instances(context: Context, path: str) -> list[str]:
    """The paths of the instances of a resource; none where it is not there. Raises `Unjudged`."""
    reply = context.resources.client.get(f"{path}/instances")
    found = reply.json() if reply.ok else []
    ids = [id_in(one) for one in found] if isinstance(found, list) else [None]
    if None in ids:
        raise Unjudged(f"the instances of {path} cannot be read: {reply}")
    return [f"/instances/{id}" for id in ids]


def dicts(found: Any) -> list[dict[str, Any]]:
    """The JSON objects of what should be an array of them."""
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def one_instance(context: Context, path: str) -> dict[str, str]:
    return read_file(context.resources.client.get(f"{path}/file").body) or {}


def has(option: str, tag: str, value: str | None = None) -> Callable[..., None]:
    """What an option has to come to: each new instance has the tag with this value, or lacks it."""
    return has_all(option, {tag: value})


def has_all(option: str, wanted: Mapping[str, str | None]) -> Callable[..., None]:
    """The same of several tags; None: the tag is lacking."""

    def effect(context: Context, tags: Mapping[str, str], *_: object) -> None:
        for tag, value in wanted.items():
            context.equal(f"option/{option}", f"{tag} of the copy", value, tags.get(tag))

    return effect


def stays(context: Context, part: Part, keep: bool) -> None:
    """The source is there, unchanged, or it is gone: as asked."""
    there = context.resources.client.get(part.path).status
    context.equal(RESULT, f"HTTP status of the source {part.path}", 200 if keep else 404, there)
    if keep:
        found = {one.get("SOPInstanceUID", "") for one in instance_tags(context, part.path)}
        context.equal(RESULT, "instances that the source has lost", [], sorted(part.uids - found))


def is_of_rest(context: Context, path: str) -> None:
    """An instance that a job has made came by the REST API, as its metadata say."""
    needed = "route/origin"
    if context.binds(needed):
        reply = context.resources.client.get(f"{path}/metadata/Origin")
        said = reply.body.decode("utf-8", "replace").strip()
        context.require(needed, reply.ok and said == "RestApi", f"Origin RestApi of {path}", reply)
