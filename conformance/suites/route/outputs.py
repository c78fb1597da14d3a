"""What a job that has succeeded gives: its archive, as long as the server keeps it.

A server keeps as many archives as its MediaArchiveSize says, which is 1 by default. On one in use
an archive of somebody else's may take the place of ours at any moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.errors import Displaced
from conformance.sut.reply import EXPAND, Reply
from spec.types import ROWS

if TYPE_CHECKING:
    from conformance.driver.context import Context

TRIES = 4  # of a case, where its archive was gone each time
ABSENT = 404


def output(context: Context, id: str, name: str, method: str = "GET") -> Reply:
    """What is answered when the output of a job that has succeeded is asked for, or deleted.

    Raises `Displaced` where it is not there because of somebody else.
    """
    return kept(context, context.ask(method, f"/jobs/{id}/{name}"))


def kept(context: Context, reply: Reply) -> Reply:
    """The same of an answer: one of 404 is doubted on a server in use.

    It is believed where it came in as many tries, and nobody else is seen to make archives.
    """
    if reply.status != ABSENT or context.profile.exclusive:
        return reply
    if context.number < TRIES - 1 or _others_make(context):
        raise Displaced("archives of somebody else's take the place of ours")
    return reply


def _others_make(context: Context) -> bool:
    """Whether a job of somebody else's is listed that makes what takes a place."""
    makers = {type for type, row in ROWS.items() if row.run.outputs}
    return any(
        job.get("Type") in makers and not context.resources.made(job)
        for job in context.driver.answers.get(EXPAND).jobs()
    )
