"""What a reading must show for the type of its job, by the row of `spec.types`.

Of a type that the table does not know, only what is true of every job is looked at. What a row
names as a shortfall of released servers is told with what looks like it.
"""

from __future__ import annotations

from collections.abc import Iterator

from conformance.oracle.shown import clip
from conformance.passive.shown import Shown, Wrong
from spec.relaxations import Shortfall
from spec.table import State
from spec.types import Moment, Progress, Row, row

WHOLE = 100  # per cent
BELOW_100 = [Shortfall.RETRIEVE_SUCCEEDS_BELOW_100, Shortfall.OPERATIONS_SUCCEED_BELOW_100]
LOST_PROGRESS = [
    Shortfall.PROGRESS_LOST_AT_RESTART,
    Shortfall.TRANSFER_FORGOTTEN_AT_RESTART,
]
LOST_CONTENT = {Shortfall.MODIFICATION_RESULT_LOST, Shortfall.TRANSFER_FORGOTTEN_AT_RESTART}
FALLING = {
    Shortfall.RETRIEVE_PROGRESS_FALLS,
    Shortfall.OPERATIONS_PROGRESS_FALLS,
    Shortfall.TRANSFER_FORGOTTEN_AT_RESTART,
}


def by_type(now: Shown, last: Shown | None, loaded: bool) -> Iterator[Wrong]:
    """What a reading shows that the type of its job does not.

    ``last``: the reading before it. ``loaded``: the server may have been started again in the
    life of the job.
    """
    known = row(now.type)
    yield from _progress(now, known, last, loaded)
    yield from _content(now, known)


def _progress(now: Shown, known: Row, last: Shown | None, loaded: bool) -> Iterator[Wrong]:
    needed, actual = "monitor/progress", f"{now.state} with Progress {now.progress}"
    if not 0 <= now.progress <= WHOLE:
        yield Wrong(needed, "a Progress from 0 to 100", actual)
    elif now.state is State.SUCCESS and now.progress != WHOLE and _holds(known):
        ended = last is not None and last.state is State.SUCCESS
        if last is not None and ended and last.progress == now.progress:
            return  # that was told
        names = [*LOST_PROGRESS] if last is None or loaded else []
        names += [] if ended else BELOW_100
        like = tuple(name for name in names if name in known.short)
        yield Wrong(needed, "Progress 100 in Success", actual, known=like)
    elif known.run.progress is Progress.STEPS and not _fits(now, known):
        expected = "the rounded per cent of some of its steps"
        yield Wrong(
            "monitor/progress-rounded", expected, f"{actual}, Content {clip(repr(now.content))}"
        )


def _holds(known: Row) -> bool:
    """Whether a job of this type ends at 100, and is saved so."""
    return known.run.whole is True and known.run.saved is True


def _fits(now: Shown, known: Row) -> bool:
    """Whether Progress is a per cent of whole steps; a half may have been rounded up or down.

    A job that shows more than the table knows is of another kind, and may have other steps.
    """
    content = now.content or {}
    count = content.get("InstancesCount")
    if not isinstance(count, int) or count <= 0 or set(content) - known.fields:
        return True
    least = -(-(2 * now.progress - 1) * count // (2 * WHOLE))
    return max(0, least) <= (2 * now.progress + 1) * count // (2 * WHOLE)


def _content(now: Shown, known: Row) -> Iterator[Wrong]:
    """A job of nothing has nothing to show; nor does one whose saving nobody promises."""
    if now.content is None or now.content.get("InstancesCount") == 0 or not known.run.saved:
        return
    when = Moment.SUCCESS if now.state is State.SUCCESS else Moment.UNRUN
    missing = ", ".join(sorted(known.missing(now.content, when)))
    if missing:
        lost = LOST_CONTENT & known.short if now.state is State.SUCCESS else ()
        yield Wrong(
            "route/content",
            f"Content of a {now.type} job in {now.state} with {missing}",
            f"no {missing}",
            missing=True,
            known=tuple(lost),
        )


def may_fall(type: str) -> bool:
    """Whether Progress of a job of this type may fall in one run."""
    return row(type).run.progress is Progress.FREE


def falling(type: str) -> tuple[Shortfall, ...]:
    """The shortfalls by which Progress of a job of this type falls on released servers."""
    return tuple(FALLING & row(type).short)
