"""The kit in pytest: ``pytest --orthanc-jobs TARGET``, and fixtures for tests of clients.

With the option, every conformance case is an item ``orthanc-jobs::CASE``, after the tests that
pytest finds itself; its verdict is that of ``orthanc-jobs run``:

    pass       passed
    deviation  failed, with the text that ``run`` has for it
    accepted   xfailed, with the reason that the ledger gives; an entry of the ledger that nothing
               needs any more fails the last item, `WHOLE`, as a strict xfail would
    unknown    an error: nothing was judged
    skipped    skipped, with the reason

Items have the marks ``orthanc_jobs`` and ``orthanc_jobs_SUITE``; ``-k`` takes parts of their ids.
With pytest-xdist each process starts a server of its own, and the ledger is not judged as a whole.

Without the option nothing is collected, imported or started. This module is imported by every
pytest of an environment that has the kit: it imports nothing else when that happens.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from conformance.events import Result
    from conformance.reference.double import ReferenceServer
    from conformance.suites.case import Case
    from orthanc_jobs.on_demand import Steps

    CheckClient = Callable[..., None]

NAME = "orthanc-jobs"
WHOLE = "the run as a whole"
MARK = "orthanc_jobs"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup(NAME, "conformance of a server's jobs engine")
    group.addoption(
        "--orthanc-jobs",
        metavar="TARGET",
        help="Hold a server to the specification of Orthanc's jobs engine: a URL, 'orthanc'"
        " (started from PATH), or 'reference' (embedded). Every case is an item.",
    )
    group.addoption(
        "--orthanc-jobs-options",
        metavar="WORDS",
        default="",
        help="More words of 'orthanc-jobs run' for it, such as '--exclusive --suite race'.",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{MARK}: a case of the conformance kit")
    if config.getoption("--orthanc-jobs") is None:
        if config.getoption("--orthanc-jobs-options"):
            raise pytest.UsageError("--orthanc-jobs-options belongs to --orthanc-jobs TARGET")
        return
    plugin = Cases(config)
    for suite in plugin.suites:
        config.addinivalue_line("markers", f"{MARK}_{suite}: a case of the suite {suite}")
    config.pluginmanager.register(plugin, f"{NAME}-cases")


class Cases:
    """The items of one session. Raises `pytest.UsageError` for what cannot be run."""

    def __init__(self, config: pytest.Config) -> None:
        from orthanc_jobs.ours import Shadowed, check

        try:
            check()
        except Shadowed as error:
            raise pytest.UsageError(str(error)) from None
        from conformance.errors import KitError
        from conformance.suites import SUITES
        from orthanc_jobs.words import wanted

        self.suites = tuple(SUITES)
        words = shlex.split(config.getoption("--orthanc-jobs-options"))
        try:
            self.choice, self.plan, self.cases = wanted(
                [config.getoption("--orthanc-jobs"), *words]
            )
        except KitError as error:
            raise pytest.UsageError(str(error)) from None
        self.shared = bool(getattr(config.option, "numprocesses", None)) or hasattr(
            config, "workerinput"
        )
        if self.shared and self.choice.address is not None:
            raise pytest.UsageError(
                "-n runs cases side by side, each on a server of its own: so the target must be"
                " 'orthanc' or 'reference', not a URL"
            )
        self.steps: Steps | None = None

    @pytest.hookimpl(tryfirst=True)  # before -k and -m select
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> None:
        """Add the cases behind the tests that were found."""
        parent = _Group.from_parent(session, name=NAME, nodeid=NAME)
        items += [_CaseItem.of(parent, case, self) for case in self.cases]
        if not self.shared:
            items.append(_WholeItem.from_parent(parent, name=WHOLE, run=self))

    def running(self, session: pytest.Session) -> Steps:
        """The run of the cases that were selected; it begins with the first of them."""
        if self.steps is None:
            from conformance.suites import suites
            from conformance.sut.profile import Profile
            from orthanc_jobs.on_demand import Steps

            selected = [item.name for item in session.items if isinstance(item, _CaseItem)]
            whole = len(selected) == len(suites(Profile()))
            self.steps = Steps(self.choice, self.plan, selected, whole)
        return self.steps

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Tell what came late of a case before; and end the run with its last item."""
        if self.steps is None:
            return
        if not isinstance(nextitem, _CaseItem):
            self.steps.finish()
        for result in self.steps.worsened():
            report = pytest.TestReport(
                f"{NAME}::{result.part_of or result.id}",
                (NAME, None, result.id),
                {},
                "failed",
                _text(result, self.steps),
                "teardown",
            )
            item.ihook.pytest_runtest_logreport(report=report)

    def pytest_sessionfinish(self) -> None:
        """However the session ends, what the run made is removed."""
        if self.steps is not None:
            self.steps.finish()


class _Group(pytest.Collector):
    """The node that all items are of."""

    def collect(self) -> Iterator[pytest.Item]:
        return iter(())


class _Told(Exception):
    """What is wrong, as text: pytest shows no traceback of it."""


class _Item(pytest.Item):
    run: Cases

    def __init__(self, *, run: Cases, **given: Any) -> None:
        super().__init__(**given)
        self.run = run
        self.add_marker(MARK)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        told = excinfo.value
        return str(told) if isinstance(told, _Told) else super().repr_failure(excinfo, style)


class _CaseItem(_Item):
    """A case. It runs as its set-up, so that one that comes to no verdict is an error."""

    def __init__(self, *, case: Case, **given: Any) -> None:
        super().__init__(name=case.id, **given)
        stands = case.stands_for
        self.sentence = stands.sentence
        self.add_marker(f"{MARK}_{case.suite}")
        self.user_properties += [
            ("requirement", stands.id),
            ("sentence", stands.sentence),
            ("source", stands.source),
        ]
        self.result: Result | None = None

    @classmethod
    def of(cls, parent: _Group, case: Case, run: Cases) -> _CaseItem:
        item: _CaseItem = cls.from_parent(parent, case=case, run=run)
        return item

    def reportinfo(self) -> tuple[Any, None, str]:
        return self.path, None, f"{self.name}: {self.sentence}"

    def setup(self) -> None:
        from conformance.events import Verdict
        from orthanc_jobs.on_demand import Stopped

        steps = self.run.running(self.session)
        try:
            self.result = steps.result(self.name)
        except Stopped as stopped:
            if steps.story.started is None or steps.story.started.cases == 0:
                pytest.exit(f"{NAME}: {stopped}", 2)
            raise _Told(str(stopped)) from None
        reason = self.result.reason or ""
        if self.result.verdict is Verdict.SKIPPED:
            pytest.skip(reason)
        if self.result.verdict is Verdict.UNKNOWN:
            raise _Told(f"unknown {self.name}: {reason}")

    def runtest(self) -> None:
        from conformance.events import Verdict

        assert self.result is not None
        if self.result.verdict is Verdict.ACCEPTED:
            known = " + ".join(self.result.relaxations) or ", ".join(self.result.kept)
            pytest.xfail(f"{known}: {self.result.reason}")
        if self.result.verdict is Verdict.DEVIATION:
            raise _Told(_text(self.result, self.run.running(self.session)))


class _WholeItem(_Item):
    """What is said of no case: entries of the ledger that nothing needs, what was left behind."""

    def runtest(self) -> None:
        if self.run.steps is None:
            pytest.skip("no case was run")
        if wrong := self.run.steps.wrong():
            raise _Told("\n".join(wrong))


def _text(result: Result, steps: Steps) -> str:
    from orthanc_jobs.running import case_of

    return case_of(result, steps.story).text


# --- fixtures -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def orthanc_jobs_table() -> ModuleType:
    """What a job may do: `orthanc_jobs.table`, as ``may("Paused", "resume")``."""
    import orthanc_jobs

    return orthanc_jobs.table


@pytest.fixture
def orthanc_jobs_server() -> Iterator[ReferenceServer]:
    """A reference server of its own for each test, in this process: ``url``, and ``control``.

    ``job = orthanc_jobs_server.control.job()`` is a job that stays Running until the test says
    ``control.succeed(job)``. See docs/reference-server.md.
    """
    import orthanc_jobs

    with orthanc_jobs.reference_server() as server:
        yield server


@pytest.fixture
def orthanc_jobs_scenarios() -> CheckClient:
    """``orthanc_jobs_scenarios(wait)``: hold a client to all scenarios; see `check_client`.

    ``wait(url, job)`` gives True when, and only when, the job has ended in Success.
    """
    import orthanc_jobs

    return orthanc_jobs.check_client
