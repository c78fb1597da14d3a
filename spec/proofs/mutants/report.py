"""What became of the mutants, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from spec.proofs.mutants.judging import BY_PROPERTY, Fate


def report(fates: Iterable[Fate]) -> Iterator[str]:
    """How many of which kind were noticed, and by what; and the survivors."""
    fates = list(fates)
    for kind in dict.fromkeys((f.mutant.module, f.mutant.kind) for f in fates):
        mine = [f for f in fates if (f.mutant.module, f.mutant.kind) == kind]
        by = Counter(f.how or "survived" for f in mine)
        killed = sum(f.by is not None for f in mine)
        named = sum(by[how] for how in BY_PROPERTY)
        how = ", ".join(f"{name} {number}" for name, number in by.most_common())
        yield (
            f"{' '.join(kind):20} {killed:4} of {len(mine):4} noticed, {named} by a property, "
            f"{killed - named} otherwise ({how})"
        )
    for f in fates:
        if f.by is None:
            yield f"survived: {f.mutant.name}" + (f" ({f.excuse})" if f.excuse else "")


def share(fates: Iterable[Fate]) -> float:
    """Which share of the engine's guards is noticed by a property; 1 if there are none."""
    mine = [f.how in BY_PROPERTY for f in fates if f.mutant.module == "engine"]
    return sum(mine) / len(mine) if mine else 1.0
