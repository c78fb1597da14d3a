"""`route/<call>/megabytes`: sizes in whole megabytes, of what has more than one.

Of what is sent or packed there is once as much as makes two of them, once a little less, and once
so much less that an archive of it, which is larger than what is in it, has less than two as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from conformance.driver.context import Context
from conformance.driver.script import Via
from conformance.suites.case import Case, Check, Checking
from conformance.suites.needs import MANAGED
from conformance.suites.route import judge
from conformance.suites.route.calls import Call, Request
from conformance.suites.route.calls.archives import MEGABYTE, SHOWS
from conformance.suites.route.calls.model import ARCHIVE, Result
from conformance.suites.route.calls.peers import SHOWS as SHOWS_OF_PEER
from conformance.suites.route.calls.peers import SIZE, has_size
from conformance.suites.route.calls.sending import PEER, new_name
from conformance.suites.route.outcomes import submit
from conformance.suites.route.samples import large_sample
from conformance.suites.route.succeeding import has_output, has_succeeded
from conformance.sut.profile import Profile

# In bytes; the size of a file is even. What makes a file an archive takes less than a kilobyte.
SIZES = (2 * MEGABYTE - 4096, 2 * MEGABYTE - 2, 2 * MEGABYTE)
PARTS = 3  # an instance that is sent has a megabyte at most
OF_ARCHIVES = "route/archive-size"


def cases(_: Profile) -> Iterator[Case]:
    for name, about, check in (
        ("archive", OF_ARCHIVES, _each(_archive)),
        ("peer-store", SIZE, _each(_sent)),
    ):
        yield Check(f"route/{name}/megabytes", about, check=check, needs=(MANAGED,))


def _each(of: Callable[[int], Call]) -> Checking:
    """The job of a call of each size says how large that is."""

    def run(context: Context) -> None:
        for size in SIZES:
            call = of(size)
            id, request = submit(context, call)
            judge.await_end(context, call.requirement, id)
            has_succeeded(context, call, request, id)
            has_output(context, call, request, id)

    return run


def _archive(size: int) -> Call:
    def make(context: Context) -> Request:
        made = large_sample(context, size, noise=True)
        path, name = f"/studies/{made.study}/archive", f"{made.study}.zip"
        return Request(path, {}, uids=frozenset(made.uids), instances=1, filename=name)

    return Call("archive/megabytes", OF_ARCHIVES, ARCHIVE, make, SHOWS)


def _sent(size: int) -> Call:
    def make(context: Context) -> Request:
        name = new_name(context)
        path, _ = context.prepare(name, 0, Via.PEER)
        job, equal = context.driver.prepared[name], size // PARTS // 2 * 2
        sizes = [equal] * (PARTS - 1)
        made = [large_sample(context, each) for each in (*sizes, size - sum(sizes))]

        def verify(context: Context, content: Result) -> None:
            context.equal(
                SIZE, "bytes that arrived", size, sum(hold.came.size for hold in job.holds)
            )
            has_size(context, job, content)

        body = {"Resources": [one.study for one in made]}
        return Request(path, body, verify, instances=PARTS)

    return Call("peer-store/megabytes", SIZE, PEER, make, SHOWS_OF_PEER, sends=Via.PEER)
