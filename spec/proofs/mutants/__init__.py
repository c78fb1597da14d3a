"""The mutation check: change the specification in one place, and see that `verify` notices.

    python -m spec.proofs.mutants [--jobs N] [--only TEXT]

The list of mutants is made from the syntax trees of `spec/table.py`, `spec/engine.py` and
`spec/relaxations.py`, not by hand:

* table: each edge deleted, or led to each other state; each cell of the matrix changed into each
  other; each way out of a step with a trigger dropped, replaced or added; each final state
  dropped, each other state made final; each cell's HTTP status exchanged;
* guards: each condition (of an ``if``, a conditional expression, a comprehension) negated or
  taken for true; each operand of ``and`` and ``or`` negated or dropped; each other comparison
  negated; each ``case`` of a ``match`` deleted. Of `spec/relaxations.py` only in what the engine
  asks of it (`making.RULES`): names and their texts are no rules.

A mutant is noticed by the first of these:

* *property*: the explorer, on `judging.SCOPES`: a promise is broken, or a *sometimes* is never
  met; but neither of the two that come now;
* *error*: the property `never-an-error`, and no other of that state: the engine ended with an
  error where it has to answer;
* *relaxed*: a relaxation breaks another property than it is said to break, or breaks none;
* *published*: the property `as-published`, which compares the table with a pinned digest;
* *endless*: there are more states than the scope has, or no end within `judging.SECONDS`;
* *import*: the specification cannot be imported, because one of its modules refuses the table;
  *crash*: the check itself ended with an error.

The first four are failed properties: `verify` names one, with a run or a state that shows it. The
others leave it without a verdict. That is noticed, too (it ends with status 2), but is no
property: the report counts them apart, and of the engine's guards `__main__.ENOUGH` must be
noticed by a property.

Only the explorer is run: the z3 and the Spin proofs state the rules of the engine once more,
so a change of `spec/engine.py` is not theirs to find, and of the table none is left to them.

`making` makes them, `judging` runs them, `report` counts. Each mutant runs in a process of
its own, on a copy of the package `spec` in a fresh folder.
"""
