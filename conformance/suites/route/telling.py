"""`route/autorouting/told`: a Lua script of the server's owner is told how each job has ended.

The kit gives a server of its own a script (`sut/scripts/told.lua`) that notes it as a peer.
"""

from __future__ import annotations

from collections.abc import Iterator

from conformance.driver.context import Context
from conformance.driver.script import complete, fail, submit
from conformance.suites.case import Case, Check
from conformance.suites.needs import MANAGED, of_a_call, offered
from conformance.sut.profile import Profile

TOLD = "route/autorouting-told"
ENDS = {"success": "A", "failure": "B"}  # a job, by how it ends


def cases(_: Profile) -> Iterator[Case]:
    needs = (MANAGED, of_a_call(TOLD), offered(TOLD))
    config = {"LuaScripts": ["told.lua"]}
    yield Check("route/autorouting/told", TOLD, check=told, needs=needs, config=config)


def told(context: Context) -> None:
    """Of a job that succeeds, and of one whose step fails."""
    context.do(submit("A"), complete("A"), submit("B"), fail("B"))
    for end, job in ENDS.items():
        name = f"orthanc-jobs-{end}-{context.driver.jobs[job].id}"
        context.until(
            lambda name=name: name in _peers(context),  # type: ignore[misc]
            TOLD,
            f"a script that was told of the {end} of {job}",
            lambda: "it was not",
        )


def _peers(context: Context) -> list[object]:
    found = context.get("/peers").json()
    return found if isinstance(found, list) else []
