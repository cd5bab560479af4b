"""`cd tests && python -m intake.fuzz 10000 3`: draw mutants with a seed; print faults and figures.

The figures are how many reach the pool, the largest memory and the longest time. Two of three
mutants are sheets that mean the same or something else; the third is a damaged file. Give a part
and how many there are (`10000 3 0 4`) to share the work between processes.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from intake import damage
from intake.mutants import Mutant, born, fault_of, mutants


def drawn(count: int, seed: int) -> list[Any]:
    third = count // 3
    return [*mutants(count - third, seed), *damage.damaged(third, seed)]


def came_of(mutant: Any, folder: Path) -> tuple[str, bool]:
    """What is wrong with a mutant, and whether it was pooled."""
    try:
        if isinstance(mutant, Mutant):
            fault = fault_of(mutant, folder)
            return fault, not fault and is_pooled(mutant)
        return damage.came_of(mutant, folder)
    except Exception as error:
        return f"{type(error).__name__}: {error}", False


def is_pooled(mutant: Mutant) -> bool:
    """Whether a mutant that is right was pooled: one that must be refused has a code."""
    if not mutant.change:
        return True
    with tempfile.TemporaryDirectory() as folder:
        return not born(mutant, Path(folder))[2]


def memory() -> tuple[float, float]:
    """Largest memory of this process and of those that read files, in MB."""
    import resource

    scale = 2**20 if sys.platform == "darwin" else 2**10
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    own, readers = (resource.getrusage(k).ru_maxrss / scale for k in kinds)
    return own, readers


def main(count: int, seed: int, part: int = 0, parts: int = 1) -> int:
    forms: Counter[str] = Counter()
    wrong = pooled = total = 0
    longest = (0.0, "")
    for mutant in drawn(count, seed)[part::parts]:
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            fault, reached = came_of(mutant, Path(folder))
        longest = max(longest, (time.perf_counter() - started, str(mutant)))
        total, pooled = total + 1, pooled + reached
        forms[getattr(mutant, "mutant", mutant).form] += 1
        if fault:
            wrong += 1
            print(f"{mutant}: {fault}", flush=True)
    own, readers = memory()
    figures = {
        "mutants": total,
        "wrong": wrong,
        "pooled": pooled,
        "share pooled": round(pooled / total, 3),
        "largest memory, MB": round(own),
        "largest memory of a reader, MB": round(readers),
        "longest, seconds": round(longest[0], 2),
        "which": longest[1],
        "formats": dict(forms),
    }
    print(json.dumps(figures, indent=1))
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
