"""The Promela text of a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from spec.proofs.promela.asserted import ASSERTED, REMEMBERED, flag, invariants, obligations
from spec.proofs.promela.options import (
    HEARD,
    OTHERS_RUN,
    START,
    Option,
    can_run,
    delay_kind,
    first,
    heard,
    kinds,
    may_start,
    options,
    run_kind,
)
from spec.proofs.promela.promises import eventually, ltl_name, never
from spec.proofs.promela.setup import STATES, Phase, Rule, Setup, Variant, any_of, at, is_
from spec.table import State

_LIST = """
inline append_LIST(job) {
  at = 0;
  do
  :: at < JOBS && LIST[at] != 0 -> at++
  :: else -> break
  od;
  if
  :: at < JOBS -> LIST[at] = job + 1
  :: else
  fi
}
inline drop_LIST(job) {
  at = 0;
  do
  :: at < JOBS && LIST[at] != job + 1 -> at++
  :: else -> break
  od;
  if
  :: at < JOBS ->
    do
    :: at + 1 < JOBS -> LIST[at] = LIST[at + 1]; at++
    :: else -> LIST[at] = 0; break
    od
  :: else
  fi
}
"""


def model(setup: Setup) -> str:
    """The Promela text."""
    scope, jobs = setup.scope, range(setup.scope.jobs)
    found = list(options(setup))
    codes = {
        "NEW": 0,
        **{is_(state): 1 + i for i, state in enumerate(STATES)},
        "GONE": 1 + len(STATES),
        **{at(phase): i for i, phase in enumerate(Phase)},
        **{kind: i for i, kind in enumerate(kinds(setup))},
        "KEPT": 0,
        "DUE": 1,
        "BROKEN": 2,
        "JOBS": scope.jobs,
    }
    lines = [
        f"/* Generated from spec/table.py by {__name__}: {setup.variant}, {scope}. */",
        *(f"#define {name} {code}" for name, code in codes.items()),
        f"#define pending(job) (st[job] == {is_(State.PENDING)})",
        f"#define running(job) (st[job] == {is_(State.RUNNING)})",
        f"#define n_running ({' + '.join(f'running({k})' for k in jobs)})",
        f"#define free (n_running < {scope.workers})",
        *(f"#define may_start_{k} ({may_start(setup, k)})" for k in jobs),
        *(f"byte {array}[JOBS];" for array in (*REMEMBERED, "queue", "hist")),
        "hidden byte at;",
        "hidden byte who;",
    ]
    if setup.variant is Variant.LIVENESS:
        lines += [
            "byte last;",
            "byte cancel_due;",
            "byte pause_due;",
            f"#define first_0 ({first(setup, 0)})",
            f"#define retrying_0 (st[0] == {is_(State.RETRY)})",
            "#define disturbed_0 ("
            + any_of(f"last == {heard(action, State.PENDING)}" for action in HEARD)
            + ")",
            "#define undisturbed_0 ((!pending(0) || first_0) && !disturbed_0)",
        ]
        lines += _fairness(setup, found)
    else:
        lines += [f"hidden byte was_{array}[JOBS];" for array in REMEMBERED]
        lines += [f"hidden byte {flag(name)};" for name in ASSERTED]
    lines += [_LIST.replace("LIST", name) for name in ("queue", "hist")]
    lines += [*_forget(setup), "active proctype engine() {", "  do"]
    if setup.variant is Variant.SAFETY:
        lines += _watch(setup)
    if setup.variant is Variant.LIVENESS:
        lines.append("  :: d_step { true -> last = OTHER }  /* clients may do nothing, for ever */")
    lines += ["  :: d_step { " + _step(setup, option) + " }" for option in found]
    lines += ["  od", "}"]
    if setup.variant is Variant.LIVENESS:
        for promise in eventually(setup):
            if promise.name in setup.unasserted:
                continue
            lines.append(f"ltl {ltl_name(promise.name)} {{ {promise.formula} }}")
            for name, condition in promise.meets:
                met = f"{promise.assumption} && <> {condition}"
                lines.append(f"ltl {never(promise, name)} {{ !({met}) }}")
    return "\n".join(lines) + "\n"


def _fairness(setup: Setup, found: Sequence[Option]) -> Iterator[str]:
    """For each kind of moves: none is possible, or one was made."""
    others = range(1, setup.scope.jobs)
    delays = any_of(option.guard for option in found if option.kind == delay_kind(0))
    starts = any_of(option.guard for option in found if option.kind == START)
    for name, possible, made in (
        (run_kind(0), can_run(found, 0), [run_kind(0)]),
        (OTHERS_RUN, any_of(can_run(found, k) for k in others), [run_kind(k) for k in others]),
        (START, starts, [START]),
        (delay_kind(0), delays, [delay_kind(0)]),
    ):
        was_made = any_of(f"last == {kind}" for kind in made)
        yield f"#define fair_{name} (!({possible}) || {was_made})"


def _forget(setup: Setup) -> Iterator[str]:
    """`cut`: while the history is too long, the job that completed first is gone."""
    clear = "; ".join(f"{array}[who] = 0" for array in REMEMBERED)
    yield "inline cut() {"
    if Rule.EVICTION not in setup.without and setup.scope.history < setup.scope.jobs:
        yield "  do"
        yield f"  :: hist[{setup.scope.history}] != 0 ->"
        yield f"    who = hist[0] - 1; drop_hist(who); {clear}; st[who] = GONE"
        yield "  :: else -> break"
        yield "  od"
    else:
        yield "  skip"
    yield "}"


def _watch(setup: Setup) -> Iterator[str]:
    """An option that is possible in no good state, and says of a bad one what is wrong with it."""
    wanted = {k: v for k, v in invariants(setup).items() if k not in setup.unasserted}
    if wanted:
        good = " && ".join(f"({condition})" for condition in wanted.values())
        checks = "; ".join(
            f"{flag(name)} = ({condition}); assert({flag(name)})"
            for name, condition in wanted.items()
        )
        yield f"  :: d_step {{ !({good}) -> {checks} }}"


def _step(setup: Setup, option: Option) -> str:
    event = f'printf("@ {option.event} %d\\n", st[{option.job}])'
    if setup.variant is Variant.LIVENESS:
        return f"{option.guard} -> " + "; ".join([*option.effect, f"last = {option.kind}", event])
    if not option.effect:  # then nothing changes, and there is nothing to check
        return f"{option.guard} -> {event}"
    before = [f"{flag(name)} = ({condition})" for name, condition in option.asserts]
    after = [f"{flag(name)} = ({condition})" for name, condition in obligations(setup, option)]
    remember = [
        f"was_{array}[{k}] = {array}[{k}]" for array in REMEMBERED for k in range(setup.scope.jobs)
    ]
    asserts = [
        f"assert({flag(name)})"
        for name, _ in (*option.asserts, *obligations(setup, option))
        if name not in setup.unasserted
    ]
    if asserts:
        lines = [*before, *remember, *option.effect, event, *after, *asserts]
    else:
        lines = [*option.effect, event]
    return f"{option.guard} -> " + "; ".join(lines)
