"""`route/<call>/refused/…`: what a call must not take, and what it must not refuse.

A call that does not say what it needs to say, or names what is not there, is refused, and makes
no job. Each is a row: the call, what is wrong with it, the request, and the status of its answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from conformance.driver.context import Context
from conformance.driver.script import Via
from conformance.marks import orthanc_id
from conformance.suites.case import Case, Check
from conformance.suites.needs import DICOM, REMOVAL, Needed, of_a_call, without
from conformance.suites.route.calls.modalities import ORIGINATOR
from conformance.suites.route.calls.peers import TRANSCODE
from conformance.suites.route.calls.regroupings import INSTANCES
from conformance.suites.route.calls.retrieves import METHOD, STRAIGHT, STRAIGHT_GET, found
from conformance.suites.route.calls.sending import Way, new_name
from conformance.suites.route.outcomes import own_jobs
from conformance.suites.route.samples import Sample, sample, uid
from conformance.sut.profile import Profile

UNKNOWN_RESOURCE = "route/unknown-sent"
REFUSED, LEVEL, SANITY = "route/refused", "route/level", "route/sanity"
UNKNOWN = orthanc_id("orthanc-jobs", "nobody")  # of the right form, and no resource has it
NO_SYNTAX = "1.2.3"  # no transfer syntax
BAD, ABSENT = 400, 404

Body = dict[str, Any] | list[Any]
Another = Callable[[], Sample]
Asked = Callable[[Sample, Another], Body]
Ask = Callable[[Sample, Another], tuple[str, Body]]
Bodies = Mapping[str, tuple[int, Asked]]


@dataclass(frozen=True)
class Refusal:
    """``ask``: the path and the body of the call, given a sample, and a way to have another study
    of the same patient. ``status``: of its answer. ``below``: makes what the path begins with.
    """

    name: str
    status: int
    ask: Ask
    requirement: str = REFUSED
    below: Callable[[Context], str] = lambda context: ""
    needs: tuple[Needed, ...] = ()


def cases(_: Profile) -> Iterator[Case]:
    for row in ROWS:
        name = f"route/{row.name}"
        needs = (REMOVAL, *row.needs)
        yield Check(name, row.requirement, check=refused(row), leaves=0, needs=needs)


def refused(row: Refusal) -> Callable[[Context], None]:
    def check(context: Context) -> None:
        stored = sample(context)
        path, body = row.ask(stored, lambda: sample(context, of=stored.patient_id))
        path = row.below(context) + path
        before = set(own_jobs(context))
        if isinstance(body, dict):
            body = {"Asynchronous": True, "Priority": context.resources.priority, **body}
        reply = context.post(path, body)
        made = [id for id in own_jobs(context) if id not in before]
        for id in made:
            context.other(id)
        context.equal(row.requirement, "HTTP status", row.status, reply.status)
        context.equal(row.requirement, "the jobs of the call are", [], made)
        for name in tuple(context.driver.prepared):
            context.refused(name, row.requirement)

    check.__doc__ = f"HTTP {row.status}, and no job."
    return check


# --- archives ----------------------------------------------------------------------------------


def _of_archives(kind: str) -> Iterator[Refusal]:
    create = f"/tools/create-{kind}"
    bodies: Bodies = {
        "nothing-named": (BAD, lambda made, _: {}),
        "no-list": (BAD, lambda made, _: {"Resources": made.study}),
        "unknown-syntax": (
            BAD,
            lambda made, _: {"Resources": [made.study], "Transcode": NO_SYNTAX},
        ),
        "one-unknown": (ABSENT, lambda made, _: {"Resources": [made.study, UNKNOWN]}),
    }
    yield from _rows(f"{kind}/refused", lambda _: create, bodies)
    one: Bodies = {"unknown": (ABSENT, lambda made, _: {})}
    yield from _rows(f"{kind}/refused", lambda _: f"/studies/{UNKNOWN}/{kind}", one)
    wrong: dict[str, Callable[[Sample], str]] = {
        "study-as-patient": lambda made: f"/patients/{made.study}/{kind}",
        "series-as-study": lambda made: f"/studies/{made.series[0]}/{kind}",
        "study-as-series": lambda made: f"/series/{made.study}/{kind}",
    }
    for name, path in wrong.items():
        yield from _rows(f"{kind}/level", path, {name: (ABSENT, lambda made, _: {})}, LEVEL)


# --- copies ------------------------------------------------------------------------------------

UIDS = ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"]
WORDS: dict[str, Any] = {"Replace": {"StudyDescription": "other"}}
OF_COPIES: Bodies = {
    "remove-no-list": (BAD, lambda made, _: {"Remove": "StudyID"}),
    "keep-no-list": (BAD, lambda made, _: {"Keep": 3}),
    "replace-no-object": (BAD, lambda made, _: {"Replace": []}),
    "keep-source-no-boolean": (BAD, lambda made, _: {**WORDS, "KeepSource": "x"}),
    "force-no-boolean": (BAD, lambda made, _: {**WORDS, "Force": "x"}),
    "permissive-no-boolean": (BAD, lambda made, _: {**WORDS, "Permissive": "x"}),
    "no-object": (BAD, lambda made, _: []),
    "identifier-kept": (BAD, lambda made, _: {"Keep": ["SOPInstanceUID"]}),
    "unknown-syntax": (BAD, lambda made, _: {**WORDS, "Transcode": NO_SYNTAX}),
    "identifier-replaced": (BAD, lambda made, _: {"Replace": {"SOPInstanceUID": "1.2"}}),
    "identifier-removed": (BAD, lambda made, _: {"Remove": ["SOPInstanceUID"]}),
    "patient-removed": (BAD, lambda made, _: {"Remove": ["PatientID"]}),
}
OF_MODIFY: Bodies = {
    **OF_COPIES,
    "patient-replaced": (BAD, lambda made, _: {"Replace": {"PatientID": "other"}}),
}
IN_PLACE: Bodies = {
    "nothing-overwritten": (BAD, lambda made, _: {**WORDS, "Keep": UIDS, "Force": True}),
}
INSANE: Bodies = {
    "source-lost": (BAD, lambda made, _: {"Keep": UIDS, "Force": True, "KeepSource": False}),
    "one-study-of-two": (
        BAD,
        lambda made, other: {"Replace": {"PatientName": "other"}} if other() else {},
    ),
    "patient-otherwise": (BAD, lambda made, other: _attached(other().patient_id)),
}

OF_BULK: Bodies = {
    "nothing-named": (BAD, lambda made, _: {**WORDS}),
    "no-list": (BAD, lambda made, _: {**WORDS, "Resources": made.study}),
    "identifier-kept": (
        BAD,
        lambda made, _: {"Resources": [made.study], "Keep": ["SOPInstanceUID"]},
    ),
}
OF_BULK_MODIFY: Bodies = {
    **OF_BULK,
    "no-such-level": (BAD, lambda made, _: {**WORDS, "Resources": [made.study], "Level": "x"}),
}
INSANE_BULK: Bodies = {
    "patient-of-several": (
        BAD,
        lambda made, other: {
            "Resources": [made.study, other().study],
            "Replace": {"StudyInstanceUID": uid(), "PatientName": "other"},
            "Force": True,
        },
    ),
}

# --- regroupings -------------------------------------------------------------------------------

OF_SPLIT: Bodies = {
    "nothing-named": (BAD, lambda made, _: {}),
    "no-list": (BAD, lambda made, _: {"Series": made.series[1]}),
    "unknown": (ABSENT, lambda made, _: {"Series": [UNKNOWN]}),
    "of-another-study": (ABSENT, lambda made, other: {"Series": [other().series[0]]}),
    "study-replaced": (
        BAD,
        lambda made, _: {"Series": [made.series[1]], "Replace": {"StudyInstanceUID": "1.2"}},
    ),
    "series-replaced": (
        BAD,
        lambda made, _: {"Series": [made.series[1]], "Replace": {"SeriesDescription": "other"}},
    ),
    "study-removed": (
        BAD,
        lambda made, _: {"Series": [made.series[1]], "Remove": ["StudyInstanceUID"]},
    ),
    "series-removed": (
        BAD,
        lambda made, _: {"Series": [made.series[1]], "Remove": ["SeriesDescription"]},
    ),
    "keep-source-no-boolean": (
        BAD,
        lambda made, _: {"Series": [made.series[1]], "KeepSource": "x"},
    ),
}
OF_SPLIT_INSTANCES: Bodies = {
    "no-series": (BAD, lambda made, _: {"Series": []}),
    "instance-of-another-study": (
        ABSENT,
        lambda made, other: {"Instances": [other().instances[0]]},
    ),
}
OF_MERGE: Bodies = {
    "nothing-named": (BAD, lambda made, _: {}),
    "no-list": (BAD, lambda made, other: {"Resources": other().study}),
    "unknown": (ABSENT, lambda made, _: {"Resources": [UNKNOWN]}),
    "itself": (ABSENT, lambda made, _: {"Resources": [made.study]}),
    "series-of-itself": (ABSENT, lambda made, _: {"Resources": [made.series[0]]}),
    "instance-of-itself": (ABSENT, lambda made, _: {"Resources": [made.instances[0]]}),
    "patient": (ABSENT, lambda made, _: {"Resources": [made.patient]}),
    "keep-source-no-boolean": (
        BAD,
        lambda made, other: {"Resources": [other().study], "KeepSource": "x"},
    ),
}


# What every call that makes a job refuses in its body, beside what it takes.
NO_BOOLEAN, NO_INTEGER = "submit/mode-not-boolean", "submit/priority-not-integer"


def _of_any(
    prefix: str,
    path: Callable[[Sample], str],
    right: Asked,
    needs: tuple[Needed, ...] = (),
) -> Iterator[Refusal]:
    """``right``: a body that the call takes."""
    for name, about, wrong in (
        ("mode", NO_BOOLEAN, {"Asynchronous": "x"}),
        ("other-mode", NO_BOOLEAN, {"Synchronous": 1, "Asynchronous": True}),
        ("priority", NO_INTEGER, {"Priority": "1"}),
    ):

        def asked(made: Sample, other: Another, wrong: dict[str, Any] = wrong) -> Body:
            body = right(made, other)
            return {**body, **wrong} if isinstance(body, dict) else body

        yield from _rows(f"{prefix}/refused", path, {name: (BAD, asked)}, about, needs)


def _at(call: str) -> Callable[[Sample], str]:
    return lambda made: f"/studies/{made.study}/{call}"


def _rows(
    prefix: str,
    path: Callable[[Sample], str],
    bodies: Bodies,
    requirement: str = REFUSED,
    needs: tuple[Needed, ...] = (),
) -> Iterator[Refusal]:
    for name, (status, body) in bodies.items():

        def ask(made: Sample, other: Another, body: Asked = body) -> tuple[str, Body]:
            return path(made), body(made, other)

        yield Refusal(f"{prefix}/{name}", status, ask, requirement, needs=needs)


def _of_bulk(action: str, bodies: Bodies, about: str = REFUSED) -> Iterator[Refusal]:
    kind = "refused" if about == REFUSED else "sanity"
    prefix, path = f"{action}/several/{kind}", f"/tools/bulk-{action}"
    return _rows(prefix, lambda _: path, bodies, about, (of_a_call(f"route/bulk-{action}"),))


# --- stores and retrieves -----------------------------------------------------------------------

OF_PEERS: Bodies = {
    "unknown-syntax": (
        BAD,
        lambda made, _: {"Resources": [made.study], "Transcode": NO_SYNTAX},
    ),
}
OF_STORE: Bodies = {
    "nothing-named": (BAD, lambda made, _: {}),
    "no-list": (BAD, lambda made, _: {"Resources": made.study}),
    "malformed": (BAD, lambda made, _: {"Resources": ["nobody"]}),
    "malformed-list": (BAD, lambda made, _: ["nobody"]),
    "permissive-no-boolean": (
        BAD,
        lambda made, _: {"Resources": [made.study], "Permissive": "x"},
    ),
}
UNKNOWN_SENT: Bodies = {"unknown": (ABSENT, lambda made, _: {"Resources": [made.study, UNKNOWN]})}
OF_C_STORE: Bodies = {
    "originator-too-large": (BAD, lambda made, _: _for_move(made, 2**16)),
    "originator-negative": (BAD, lambda made, _: _for_move(made, -1)),
}
METHODS: Bodies = {"method": (BAD, lambda made, _: {"RetrieveMethod": "C-PUT"})}
NOTHING: Body = {"Level": "Study", "Resources": []}
OF_STRAIGHT: Bodies = {
    "nothing-named": (BAD, lambda made, _: {"Level": "Study"}),
    "no-level": (BAD, lambda made, _: {"Resources": []}),
    "no-list": (BAD, lambda made, _: {"Level": "Study", "Resources": {}}),
    "no-such-level": (BAD, lambda made, _: {"Level": "x", "Resources": []}),
    "level-no-text": (BAD, lambda made, _: {"Level": 1, "Resources": []}),
    "no-object": (BAD, lambda made, _: []),
}


def _attached(patient: str) -> dict[str, Any]:
    return {"Replace": {"PatientID": patient, "PatientName": "other"}, "Force": True}


def _for_move(made: Sample, number: int) -> dict[str, Any]:
    return {"Resources": [made.study], "MoveOriginatorID": number}


def _store(via: Via) -> Callable[[Context], str]:
    def below(context: Context) -> str:
        path, _ = context.prepare(new_name(context), 0, via)
        return path

    return below


def _query(context: Context) -> str:
    return found(context)[1]


def _straight() -> Iterator[Refusal]:
    """Of the calls that name themselves what is to be retrieved."""
    for service, needed in (("move", STRAIGHT), ("get", STRAIGHT_GET)):

        def below(context: Context, service: str = service) -> str:
            return _store(Via.MODALITY)(context).removesuffix("store") + service

        needs = (DICOM, of_a_call(needed))
        for row in (
            *_rows(f"{service}/refused", lambda made: "", OF_STRAIGHT),
            *_of_any(service, lambda made: "", lambda made, _: NOTHING),
        ):
            yield replace(row, below=below, needs=needs)
        nobody = f"/modalities/orthanc-jobs-nobody/{service}"
        yield Refusal(f"{service}/refused/to-nobody", ABSENT, _naming(nobody, NOTHING), needs=needs)


def _sending() -> Iterator[Refusal]:
    here: Callable[[Sample], str] = lambda made: ""  # noqa: E731
    for via in Via:
        way, below = Way.of(via), _store(via)
        needs = (DICOM,) if via is Via.MODALITY else ()
        rows = [
            *_rows(f"{way}/refused", here, OF_STORE),
            *_rows(f"{way}/refused", here, UNKNOWN_SENT, UNKNOWN_RESOURCE),
            *(_rows(f"{way}/refused", here, OF_C_STORE, ORIGINATOR) if needs else ()),
            *(() if needs else _rows(f"{way}/refused", here, OF_PEERS, TRANSCODE)),
        ]
        yield from (replace(row, below=below, needs=needs) for row in rows)
        nobody = f"/{'modalities' if needs else 'peers'}/orthanc-jobs-nobody/store"
        yield Refusal(f"{way}/refused/to-nobody", ABSENT, _naming(nobody))
    for row in _of_any("store", here, _study, (DICOM,)):
        yield replace(row, below=_store(Via.MODALITY))
    late = of_a_call(METHOD)
    of_retrieves = (
        *_of_any("retrieve", lambda made: "/retrieve", lambda made, _: {"TargetAet": "KIT"}),
        *_of_any("retrieve/get", lambda made: "/retrieve", _by_get, (late,)),
    )
    yield from (replace(row, below=_query, needs=(*row.needs, DICOM)) for row in of_retrieves)
    retrieves = (
        Refusal("retrieve/refused/no-such-answer", BAD, _naming("/answers/9999/retrieve")),
        Refusal("retrieve/refused/no-number", BAD, _naming("/answers/x/retrieve")),
        *_rows("retrieve/refused", lambda made: "/retrieve", METHODS, METHOD),
    )
    yield from (replace(row, below=_query, needs=(DICOM,)) for row in retrieves)
    yield Refusal("retrieve/refused/no-query", ABSENT, _naming("/queries/nobody/retrieve"))


def _study(made: Sample, _: Another) -> Body:
    return {"Resources": [made.study]}


def _by_get(made: Sample, _: Another) -> Body:
    return {"RetrieveMethod": "C-GET"}


def _naming(path: str, body: Body | None = None) -> Ask:
    return lambda made, _: (path, body or {"Resources": [made.study]})


ROWS = (
    *_sending(),
    *_straight(),
    *_of_any("archive", lambda _: "/tools/create-archive", _study),
    *_of_any("media", lambda _: "/tools/create-media", _study),
    *_of_any("modify", _at("modify"), lambda made, _: WORDS),
    *_of_any("anonymize", _at("anonymize"), lambda made, _: {}),
    *_of_any("split", _at("split"), lambda made, _: {"Series": [made.series[1]]}),
    *_of_any("merge", _at("merge"), lambda made, other: {"Resources": [other().study]}),
    *_of_archives("archive"),
    *_of_archives("media"),
    *_rows("modify/refused", _at("modify"), OF_MODIFY),
    *_rows("modify/sanity", _at("modify"), INSANE, SANITY),
    *_rows("modify/sanity", _at("modify"), IN_PLACE, SANITY, (without("OverwriteInstances"),)),
    *_rows("anonymize/refused", _at("anonymize"), OF_COPIES),
    *_of_bulk("modify", OF_BULK_MODIFY),
    *_of_bulk("modify", INSANE_BULK, SANITY),
    *_of_bulk("anonymize", OF_BULK),
    *_rows("split/refused", _at("split"), OF_SPLIT),
    *_rows("split/refused", _at("split"), OF_SPLIT_INSTANCES, INSTANCES),
    *_rows("merge/refused", _at("merge"), OF_MERGE),
)
