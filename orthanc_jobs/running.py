"""A run of the cases against a server, from Python: what ``orthanc-jobs run`` does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

if TYPE_CHECKING:
    from conformance.campaign.plan import Plan
    from conformance.events import Result
    from conformance.reports.story import Story
    from conformance.sut.target import Choice


class Options(TypedDict, total=False):
    """What `run` takes beside the target: the options of ``orthanc-jobs run``, by their names.

    Times are in seconds. ``suite``, ``case`` and ``exclude`` select by name and by the beginnings
    of ids. ``replays`` is a folder for the files that run a deviation again; none are written
    without it.
    """

    suite: Sequence[str]
    case: Sequence[str]
    exclude: Sequence[str]
    seed: int
    examples: int
    time_limit: float
    extra_states: int
    ledger: str | Path
    no_ledger: bool
    server_command: str
    workdir: str | Path
    fault: str
    release: str
    exclusive: bool
    gate_address: str
    history_size: int
    user: str
    password_env: str
    ca_cert: str | Path
    client_cert: str | Path
    insecure: bool
    header: Sequence[str]
    header_env: Sequence[str]
    timeout: float
    deadline: float
    replays: str | Path


PATHS = frozenset({"ledger", "workdir", "ca_cert", "client_cert", "replays"})


@dataclass(frozen=True, slots=True)
class Case:
    """A case and its verdict: pass, deviation, accepted, skipped or unknown.

    ``requirement``: its id in the catalogue, with its ``sentence`` and ``source``. ``expected``:
    all that is allowed where it deviates, ``actual``: what was seen. ``relaxations``: the names
    that explain it. ``reason``: why it was skipped, is unknown, or is accepted. ``text``: what
    ``orthanc-jobs run`` says of it. ``seconds``: how long it took.
    """

    id: str
    requirement: str
    sentence: str
    source: str
    ground: str
    verdict: str
    expected: tuple[str, ...]
    actual: str | None
    relaxations: tuple[str, ...]
    reason: str | None
    replay: str | None
    seconds: float
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a run came to. ``verdict``: conforms, deviates or unknown; ``told``: the run in a line.

    ``cases``: in the order in which they ran. ``stale``: entries of the ledger that nothing needs
    any more; with one, the verdict is deviates. ``failed``: why the run did not come to its end.
    ``data``: all of it as the JSON report has it, of schema 1.
    """

    verdict: str
    told: str
    target: str
    version: str
    cases: tuple[Case, ...]
    stale: tuple[str, ...]
    interrupted: bool
    failed: str | None
    data: dict[str, Any]

    @property
    def conforms(self) -> bool:
        """Whether the server conforms, as far as it was judged."""
        return self.verdict == "conforms"

    def of(self, *verdicts: str) -> tuple[Case, ...]:
        """The cases that came to one of these verdicts."""
        return tuple(case for case in self.cases if case.verdict in verdicts)

    def __getitem__(self, id: str) -> Case:
        """The case of this id. Raises `KeyError`."""
        try:
            return next(case for case in self.cases if case.id == id)
        except StopIteration:
            raise KeyError(id) from None

    def __iter__(self) -> Iterator[Case]:
        return iter(self.cases)


def run(
    target: str = "reference",
    *,
    on_case: Callable[[Case], None] | None = None,
    **options: Unpack[Options],
) -> Report:
    """Run the conformance cases against ``target``: a URL, ``reference`` or ``orthanc``.

    A URL may carry ``user:password@``. ``on_case`` is called for each case that has its verdict.

    Raises `Error` where the run could not begin, with what is to be mended.
    """
    from conformance.campaign.campaign import Campaign
    from conformance.errors import KitError
    from conformance.events import CaseEnds, Event
    from conformance.reports import Reports
    from conformance.reports.story import Story

    choice, plan = chosen(target, options)
    story = Story()

    class Telling:
        def take(self, event: Event) -> None:
            story.take(event)
            if on_case is not None and isinstance(event, CaseEnds):
                on_case(case_of(event.result, story))

    secrets = () if choice.address is None else choice.address.secrets
    try:
        Campaign(choice, plan, Reports([Telling()], secrets)).run()
    except KitError:
        if story.ended is None or not story.results:
            raise
    return report_of(story)


def chosen(target: str, options: Options) -> tuple[Choice, Plan]:
    """The target and what to run on it. Raises `Error`, and `TypeError` for an unknown option."""
    from conformance.cli.options import LedgerOptions, ServerOptions
    from conformance.cli.run import SelectionOptions

    given: dict[str, Any] = {
        name: Path(str(value)) if name in PATHS else _listed(value)
        for name, value in options.items()
        if value is not None
    }
    replays = given.pop("replays", None)
    made = []
    for group in (ServerOptions, LedgerOptions, SelectionOptions):
        names = {one.name for one in fields(group)} & given.keys()
        made.append({name: given.pop(name) for name in names})
    if given:
        raise TypeError(f"run() has no option {min(given)!r}")
    choice = ServerOptions(target=target, **made[0]).choice()
    plan = SelectionOptions(**made[2]).plan(LedgerOptions(**made[1]), choice.kind)
    return choice, replace(plan, replays=replays)


def _listed(value: object) -> object:
    """An option that can be given several times: one text is one of them."""
    return [*value] if isinstance(value, list | tuple) else value


def case_of(result: Result, story: Story) -> Case:
    """A result for people outside. ``story``: the run that it is of."""
    from conformance.events import Verdict
    from conformance.reports.story import Group
    from conformance.reports.story import block as details
    from spec.requirements import requirement

    stands = requirement(result.requirement)
    differs = result.verdict in (Verdict.DEVIATION, Verdict.ACCEPTED)
    block = details(story, Group((result,), result.relaxations)) if differs else ()
    lines = [f"{result.verdict} {result.id}", *block] if differs else [result.reason or ""]
    return Case(
        id=result.id,
        requirement=stands.id,
        sentence=stands.sentence,
        source=stands.source,
        ground=stands.ground.value,
        verdict=result.verdict.value,
        expected=result.expected,
        actual=result.actual,
        relaxations=result.relaxations,
        reason=result.reason,
        replay=result.replay,
        seconds=result.seconds,
        text="\n".join(lines),
    )


def report_of(story: Story) -> Report:
    """A run that has ended."""
    from conformance.reports.json_report import report_of as data_of

    ended, started = story.ended, story.started
    assert ended is not None
    assert started is not None
    return Report(
        verdict=ended.verdict.value,
        told=f"{story.word} {story.told}",
        target=started.target.name,
        version=started.target.version,
        cases=tuple(case_of(result, story) for result in story.results.values()),
        stale=ended.stale,
        interrupted=ended.interrupted,
        failed=story.failed,
        data=data_of(story),
    )
