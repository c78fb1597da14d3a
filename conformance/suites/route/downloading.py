"""`route/<kind>/…/download`, `route/archive/configured`: archives by GET, and as configured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from urllib.parse import quote, urlencode

from conformance.driver.context import Context
from conformance.suites.case import Case, Check
from conformance.suites.needs import EXPENDABLE, REMOVAL
from conformance.suites.route import judge
from conformance.suites.route.calls import Call, Request
from conformance.suites.route.calls.archives import (
    archive_of,
    archive_of_several,
    check_archive,
    has_sizes,
    is_extended,
    is_served,
    is_transcoded,
)
from conformance.suites.route.calls.model import ARCHIVE, MEDIA, Files
from conformance.suites.route.outcomes import new_job, own_jobs, submit
from conformance.suites.route.samples import IMPLICIT
from conformance.sut.profile import Profile
from spec.table import State

DOWNLOAD, OF_SEVERAL = "route/download", "route/download-several"
CONFIGURED, PRIORITY = "route/archive-configured", "submit/priority-default"
KINDS = {"archive": ARCHIVE, "media": MEDIA}
NAME = "kit.zip"
COMMA = ","  # Orthanc does not decode one
KEPT = 2  # archives, in place of one
CONFIG = {"MediaArchiveSize": KEPT, "SynchronousZipStream": False, "ZipLoaderThreads": 2}


def cases(_: Profile, calls: list[Call]) -> Iterator[Case]:
    needs = (EXPENDABLE,)  # its job has no Priority of ours: it goes with its server
    for kind in KINDS:
        one, several = archive_of(kind, "study"), archive_of_several(kind)
        for name, make, about in (("study", one, DOWNLOAD), ("several", several, OF_SEVERAL)):
            check = partial(downloads, kind, make, about)
            yield Check(f"route/{kind}/{name}/download", about, check=check, needs=needs)
    named = {call.name: call for call in calls}
    first, second = named["archive/transcoded"], named["media/several-named"]
    check = partial(configured, first, second)
    yield Check(
        "route/archive/configured", CONFIGURED, check=check, config=CONFIG, needs=(REMOVAL,)
    )


def downloads(kind: str, make: Callable[[Context], Request], about: str, context: Context) -> None:
    """A GET answers what the synchronous POST does, with the options in the query."""
    request = make(context)
    query: dict[str, str] = {}
    if "Resources" in request.body:
        query["resources"] = ",".join(request.body["Resources"])
    _is_answered(context, kind, request, query, about, extended=False)
    query |= {"transcode": IMPLICIT, "filename": NAME}
    extended = kind == "media" and about == DOWNLOAD  # by a path of its own for several
    asked = replace(request, filename=NAME, inside=is_transcoded)
    query |= {"extended": ""} if extended else {}
    _is_answered(context, kind, asked, query, about, extended)


def _is_answered(
    context: Context,
    kind: str,
    request: Request,
    query: dict[str, str],
    about: str,
    extended: bool,
) -> None:
    path = (
        f"{request.path}?{urlencode(query, safe=COMMA, quote_via=quote)}" if query else request.path
    )
    before = set(context.driver.answers.jobs())
    reply = context.get(path)
    context.require(about, reply.ok, "HTTP 200 with the archive", reply)
    made = {id: one for id, one in context.driver.answers.jobs().items() if id not in before}
    priorities = [one["Priority"] for one in made.values()]
    context.equal(PRIORITY, "Priority of the jobs of the call", [0], priorities)

    def inside(context: Context, files: Files) -> None:
        request.inside(context, files)
        if kind == "media":
            is_extended(extended)(context, files)

    check_archive(context, replace(request, inside=inside), KINDS[kind], reply.body)
    is_served(context, request, reply)


def configured(first: Call, second: Call, context: Context) -> None:
    """How archives are made and how many are kept is configured, and changes nothing in them."""
    made = []
    for call in (first, second):
        id, request = submit(context, call)
        judge.await_end(context, CONFIGURED, id)
        judge.is_in(context, CONFIGURED, judge.look(context, call, id), State.SUCCESS)
        made.append((call, id, request))
    for call, id, request in made:
        reply = context.get(f"/jobs/{id}/archive")
        expected = f"HTTP 200 with the archive: {KEPT} are kept"
        context.require(CONFIGURED, reply.ok, expected, reply)
        check_archive(context, request, call.type, reply.body)
        is_served(context, request, reply)
    for call in (first, second):
        request, before = call.make(context), set(own_jobs(context))
        body = {**request.body, "Synchronous": True, "Priority": context.resources.priority}
        reply = context.post(request.path, body)
        context.require(CONFIGURED, reply.ok, "HTTP 200 with the archive", reply)
        check_archive(context, request, call.type, reply.body)
        is_served(context, request, reply)
        shown = judge.look(context, call, new_job(context, call, before))
        has_sizes(context, request, shown, reply.body)
