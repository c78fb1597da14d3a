"""Clients that are functions of Python, in the scenarios of ``orthanc-jobs client``."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def check_client(
    wait: Callable[[str, str], object],
    *,
    scenarios: Sequence[str] = (),
    patience: float = 30.0,
) -> None:
    """Hold ``wait(url, job)`` to what the documentation asks of those who wait for a job.

    It gives True when, and only when, the job of this id on the server at ``url`` has ended in
    Success; where it has not, it gives something else or raises. It is called once for each
    scenario (docs/clients.md), on threads; ``scenarios``: only those whose ids begin so. One that
    asks nothing for ``patience`` seconds, and does not end, is taken for one that never does.

    Raises `AssertionError`, with all that it did wrong, and `Error` for a scenario that there is
    not.
    """
    from conformance.clients.client import Function
    from conformance.clients.playing import Patience
    from conformance.clients.running import Wish, run
    from conformance.events import Event, Verdict
    from conformance.reports.story import Group, Story, block

    story = Story()

    def take(event: Event) -> None:
        story.take(event)

    name = getattr(wait, "__qualname__", repr(wait))
    run(
        Wish(
            client=Function(wait),
            words=[name],
            prefixes=tuple(scenarios),
            patience=Patience(looks=patience),
        ),
        take,
    )
    wrong = story.of(Verdict.DEVIATION, Verdict.UNKNOWN)
    lines = [
        line
        for one in wrong
        for line in (f"{one.verdict} {one.id}", *block(story, Group((one,), one.relaxations)))
    ]
    if wrong:
        raise AssertionError("\n".join([f"{len(wrong)} scenarios of {name}:", *lines]))
