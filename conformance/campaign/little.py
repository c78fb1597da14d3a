"""Whether a run has judged enough of what was asked for; where not, why, and what to do about it.

One rule for every run, whatever was selected: of the cases that this server and this mode allow at
least half have a verdict, and of each suite that was selected at least one. A suite that was named
is selected, whatever the server allows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from conformance.driver.places import HISTORY_FULL
from conformance.errors import Unjudged
from conformance.events import Result, Verdict
from conformance.session.session import Session
from conformance.suites.case import Case
from conformance.suites.needs import EXCLUSIVE, MANAGED
from conformance.sut.reply import EXPAND
from spec.table import FINAL

ENOUGH = 0.5  # of the cases that could be run
CURES = {
    HISTORY_FULL: (
        "nothing is wrong with it, but new jobs would drive some of them out: give the server"
        " a larger JobsHistorySize and say --history-size"
    ),
    EXCLUSIVE.why: "say --exclusive where nobody else uses the server",
    MANAGED.why: "let the kit start one: orthanc-jobs run orthanc",
}
OVER = "(--time-limit)"  # what says that the time of a run was over ends so
SLOW = "the server is too slow to be judged"  # and so begins what says this
JUDGED = (Verdict.PASS, Verdict.DEVIATION, Verdict.ACCEPTED)


def too_little(
    selected: Sequence[Case],
    named: Collection[str],
    results: Mapping[str, Result],
    crowd: str | None,
) -> str | None:
    """Why a run has judged too little, or None. ``named``: the suites that were asked for by name.

    ``crowd``: who fills the history, where somebody does.
    """
    open_ = [case for case in selected if case.unreachable is None]
    judged = {id for id, result in results.items() if result.verdict in JUDGED}
    for suite in named or dict.fromkeys(case.suite for case in open_):
        cases = [case for case in selected if case.suite == suite]
        if cases and not any(case.id in judged for case in cases):
            could = [case for case in cases if case.unreachable is None]
            return f"no case of {suite} was judged: {_why(could or cases, results, crowd)}"
    done = sum(case.id in judged for case in open_)
    if done < ENOUGH * len(open_) or not done:
        rest = [case for case in open_ or selected if case.id not in judged]
        return f"{done} of {len(open_)} cases were judged: {_why(rest, results, crowd)}"
    return None


def _why(cases: Iterable[Case], results: Mapping[str, Result], crowd: str | None) -> str:
    """The most frequent reason for which cases came to no verdict, and its cure."""
    reasons = Counter(results[case.id].reason or "" for case in cases if case.id in results)
    if not reasons:
        return "the run did not come to it"
    ((reason, _),) = reasons.most_common(1)
    told = f"{reason}: {crowd}" if reason == HISTORY_FULL and crowd else reason
    cure = CURES.get(reason)
    return told if cure is None else f"{told}; {cure}"


def cure(reason: str) -> str:
    """What to do about cases that came to no verdict for this reason."""
    if reason.endswith(OVER):
        return "give it more time, or select less"
    return "run it again when it has less to do" if reason.startswith(SLOW) else "run it again"


def crowd(session: Session) -> str | None:
    """Who fills the history of a server in use, in words, where that can be seen."""
    resources, places = session.resources, session.places
    if places is None:
        return None
    try:
        listed = session.client.get(EXPAND).json()
    except Unjudged:
        return None
    if not isinstance(listed, list):
        return None
    ours = {job.id for job in resources.jobs} | {*resources.others}
    ended = [one.get("ID") for one in listed if isinstance(one, dict) and one.get("State") in FINAL]
    foreign = sum(id not in ours for id in ended)
    return f"{foreign} of {places.size} completed jobs are foreign"
