"""Retrieving what a query has found, by C-MOVE or by C-GET, and the options of the call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from conformance.driver.context import Context
from conformance.driver.script import Via
from conformance.driver.tracked import Tracked
from conformance.errors import Unavailable, Unjudged
from conformance.oracle.shown import id_in
from conformance.suites.route.calls.model import RESULT, Call, Request, Result
from conformance.suites.route.calls.sending import (
    GET,
    MOVE,
    SENT,
    Make,
    has_arrived,
    is_called_by,
    new_name,
    own_title,
)
from conformance.suites.route.samples import SECONDARY_CAPTURE

SHOWS = ("Description", "LocalAet", "RemoteAet", "Query")
ABOUT = "route/retrieve"
ONE, FORMAT = "option/retrieve-one-answer", "option/retrieve-format"
LOCAL, METHOD = "option/retrieve-local-aet", "option/retrieve-method"
TARGET, SHOWN = "option/retrieve-target", "route/target-shown"
LEVEL, INSTANCES = "option/retrieve-level", "option/retrieve-instances"
STRAIGHT, STRAIGHT_GET = "route/move", "route/get"
QUERY, CLASSES = "route/query-shown", "option/get-classes"
TITLE = "KIT-LOCAL"
LEVELS = {"Patient": "PATIENT", "Study": "STUDY", "Series": "SERIES", "Instance": "IMAGE"}
SERVICES = {f"1.2.840.10008.5.1.4.1.2.{root}.3" for root in (1, 2)}  # of a C-GET: patient, study
NUMBERS = {
    "QueryRetrieveLevel": "0008,0052",
    "PatientID": "0010,0020",
    "StudyInstanceUID": "0020,000d",
    "SeriesInstanceUID": "0020,000e",
    "SOPInstanceUID": "0008,0018",
}
ASKED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")

Format = Callable[[str, str], tuple[str, Any]]


def calls() -> Iterator[Call]:
    via = Via.MODALITY
    yield Call("retrieve/studies", ABOUT, MOVE, retrieve(), SHOWS, sends=via)
    everything = range(SENT)
    rows: tuple[tuple[str, str, Make], ...] = (
        ("first-answer", ONE, retrieve("answers/0/retrieve", [0])),
        ("last-answer", ONE, retrieve(f"answers/{SENT - 1}/retrieve", [SENT - 1])),
        ("full", FORMAT, retrieve(body={"Full": True}, shown=full)),
        ("simple", FORMAT, retrieve(body={"Simplify": True}, shown=simple)),
        ("local-aet", LOCAL, retrieve(query={"LocalAet": TITLE}, caller=TITLE)),
        ("to-itself", TARGET, retrieve(target=False)),
        ("patients", LEVEL, retrieve(level="Patient")),
        ("series", LEVEL, retrieve(level="Series")),
        ("instances", INSTANCES, retrieve(level="Instance")),
        ("move", METHOD, retrieve("retrieve", everything, {"RetrieveMethod": "C-MOVE"})),
    )
    for name, option, make in rows:
        yield Call(f"retrieve/{name}", option, MOVE, make, SHOWS, sends=via)
    straight: tuple[tuple[str, Make], ...] = (
        ("studies", straight_from("move")),
        ("series", straight_from("move", "Series")),
        ("to-itself", straight_from("move", target=False)),
        ("local-aet", straight_from("move", caller=TITLE)),
    )
    for name, make in straight:
        yield Call(f"move/{name}", STRAIGHT, MOVE, make, SHOWS, STRAIGHT, sends=via)
    for level in ("Study", "Series"):
        make = straight_from("get", level, target=None)
        name = f"get/{LEVELS[level].lower()}"
        yield Call(name, STRAIGHT_GET, GET, make, SHOWS, STRAIGHT_GET, sends=via)
    get = retrieve(body={"RetrieveMethod": "C-GET"}, target=None, classes=(SECONDARY_CAPTURE,))
    yield Call("retrieve/get", METHOD, GET, get, SHOWS, METHOD, sends=via)


def retrieve(
    call: str = "retrieve",
    answers: Sequence[int] = range(SENT),
    body: dict[str, Any] | None = None,
    query: dict[str, Any] | None = None,
    *,
    level: str = "Study",
    shown: Format | None = None,
    caller: str | None = None,
    target: bool | None = True,
    classes: tuple[str, ...] = (),
) -> Make:
    """What a query has found, each of ``answers`` by one C-MOVE or C-GET.

    ``body`` and ``query``: the options of the call, and of the query. ``shown``: how Content shows
    a tag. ``caller``: the title by which the server has to call, where it is not its own.
    ``target``: whether the call names one; None: it cannot have one. ``classes``: what each match
    names as its SOPClassesInStudy, which a C-GET proposes then.
    """

    def make(context: Context) -> Request:
        job, path = found(context, query, level, classes)
        see_taken(context, job, classes)
        title = context.resources.gate.title
        asked = {**(body or {}), **({"TargetAet": title} if target else {})}

        def verify(context: Context, content: Result) -> None:
            has_arrived(context, job, answers)
            _is_addressed(context, job, content, target, caller)
            if classes:
                _proposes(context, job, classes)
            _names(context, job, content, _matches(context, level, answers), shown or short)

        return Request(f"{path}/{call}", asked, verify, instances=len(answers))

    return make


def straight_from(
    service: str, level: str = "Study", *, caller: str | None = None, target: bool | None = True
) -> Make:
    """What the call itself names, without a query. ``service``: move or get."""

    def make(context: Context) -> Request:
        name = new_name(context)
        context.prepare(name, SENT, Via.MODALITY)
        job = context.driver.prepared[name]
        matches = _matches(context, level, range(SENT))
        named = [{k: v for k, v in keys.items() if k in ASKED} for keys in matches]
        title = context.resources.gate.title
        body: dict[str, Any] = {"Level": level, "Resources": named}
        body |= ({"TargetAet": title} if target else {}) | ({"LocalAet": caller} if caller else {})

        def verify(context: Context, content: Result) -> None:
            has_arrived(context, job, range(SENT))
            _is_addressed(context, job, content, target, caller)
            if target is None:
                _proposes(context, job)
            keys = [{"QueryRetrieveLevel": LEVELS[level], **each} for each in named]
            _names(context, job, content, keys, short)

        return Request(f"{job.slot.path}/{service}", body, verify, instances=SENT)

    return make


def _is_addressed(
    context: Context, job: Tracked, content: Result, target: bool | None, caller: str | None
) -> None:
    """It calls by the right title, and says so; what it moves goes where it should."""
    title = context.resources.gate.title
    if target is None:
        moves = sum(hold.target is not None for hold in job.holds)
        context.equal(RESULT, "the number of C-MOVEs", 0, moves)
    else:
        _goes_to(context, job, content, title if target else own_title(context))
    is_called_by(context, job, content)
    if caller is not None:
        context.equal(LOCAL, "Content.LocalAet", caller, content.get("LocalAet"))


def _proposes(context: Context, job: Tracked, classes: tuple[str, ...] = ()) -> None:
    """A C-GET is for these classes alone, and where none is named for several.

    After a restart it is for these among others: nothing says that the answer of the modality,
    which has named them, is saved with the job, and an Orthanc 1.13.0 does not.
    """
    for hold in job.holds:
        proposed = sorted(hold.came.proposed - SERVICES)
        expected = f"a C-GET for {list(classes) or 'several SOP classes'}"
        right = proposed == sorted(classes) if classes else len(proposed) > 1
        right = right or (context.restarted and set(classes) < set(proposed))
        context.require(CLASSES, right, expected, f"one for {proposed}")


def found(
    context: Context,
    query: dict[str, Any] | None = None,
    level: str = "Study",
    classes: tuple[str, ...] = (),
) -> tuple[Tracked, str]:
    """A query of a modality of ours that has found `SENT` matches, and its path.

    ``classes``: what each of them names as its SOPClassesInStudy.
    """
    name = new_name(context)
    context.prepare(name, SENT, Via.MODALITY)
    job = context.driver.prepared[name]
    context.resources.dicom.matches[job.slot.number] = SENT
    keys = {"PatientID": ""}
    if classes:
        context.resources.dicom.classes[job.slot.number] = classes
        keys["SOPClassesInStudy"] = ""
    asked = {"Level": level, "Query": keys, **(query or {})}
    reply = context.post(f"{job.slot.path}/query", asked)
    made = id_in(reply.json())
    if not reply.ok or made is None:
        raise Unjudged(f"the server makes no query for us: {reply}")
    path = f"/queries/{made}"
    context.resource(path)
    return job, path


def see_taken(context: Context, job: Tracked, classes: Sequence[str]) -> None:
    """See that a server takes instances of these classes: it asks for no others by C-GET.

    Raises `Unavailable` where one that is not ours says that it does not.
    """
    if context.profile.managed or not classes:
        return
    from conformance.peer.dicom_taking import refuses  # it takes its time

    told = context.get("/system").json()
    port = told.get("DicomPort") if isinstance(told, dict) else None
    if not isinstance(port, int):
        return
    where, called = (context.resources.client.address.host, port), own_title(context)
    for one in classes:
        if refuses(where, called, job.slot.mark, one):
            raise Unavailable(
                f"the server takes no instance of {one} (AcceptedSopClasses, RejectedSopClasses)"
            )


def short(keyword: str, value: str) -> tuple[str, Any]:
    """By default Content shows a tag by its number."""
    return NUMBERS[keyword], value


def full(keyword: str, value: str) -> tuple[str, Any]:
    return NUMBERS[keyword], {"Name": keyword, "Type": "String", "Value": value}


def simple(keyword: str, value: str) -> tuple[str, Any]:
    return keyword, value


def _matches(context: Context, level: str, answers: Sequence[int]) -> list[dict[str, str]]:
    """The keys of each of the answers."""
    name = LEVELS[level]
    keys = context.resources.dicom.match
    return [{"QueryRetrieveLevel": name, **keys(name, number)} for number in answers]


def _goes_to(context: Context, job: Tracked, content: Result, title: str) -> None:
    targets = sorted({str(hold.target) for hold in job.holds})
    context.equal(RESULT, "the targets of its C-MOVEs", [title], targets)
    if context.binds(SHOWN):
        context.equal(SHOWN, "Content.TargetAet", title, content.get("TargetAet"))


def _names(
    context: Context, job: Tracked, content: Result, matches: list[dict[str, str]], form: Format
) -> None:
    """Each C-MOVE asks for one match by its UIDs, or its PatientID, and Content shows all keys."""
    holds = sorted(job.holds, key=lambda hold: hold.step)
    for match, hold in zip(matches, holds, strict=True):
        needed = {key: value for key, value in match.items() if key != "PatientID"}
        asked = match if "StudyInstanceUID" not in match else needed
        named = {key: hold.came.asked.get(key) for key in asked}
        context.equal(RESULT, "the keys of a C-MOVE", asked, named)
    query = content.get("Query")
    listed = query if isinstance(query, list) else []
    expected = [dict(form(*pair) for pair in match.items()) for match in matches]
    shown = [
        {key: one.get(key) for key in each} if isinstance(one, dict) else one
        for each, one in zip(expected, listed, strict=False)
    ]
    right = len(listed) == len(expected) and shown == expected
    context.require(QUERY, right, f"Query {expected}", f"Query {query}")
