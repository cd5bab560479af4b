"""Damaged mutants, and runs of all kinds: `cd tests && python -m intake.fuzz 10000 3`.

A run draws mutants with a seed and prints faults and figures: how many reach the pool, the largest
memory and the longest time. Two of three mutants are sheets that mean the same or something else;
the third is a damaged file. Give a part and how many there are (`10000 3 0 4`) to share the work.

A zip archive holds a checksum of each part, so that damage of an .xlsx, .ods or .xlsb file is
either refused or of no effect. The other formats have none: another number may be read, and all
that is promised is an answer in words.
"""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from intake.books import FORMATS
from intake.mutants import ALL, Mutant, born, difference, fault_of, mutants

import metaalliance as ma

Random = np.random.Generator
Damage = Callable[[bytearray, Random], bytes]
DAMAGES: dict[str, Damage] = {}
ZIPPED = ("xlsx", "ods", "xlsb")


def damage(function: Damage) -> Damage:
    DAMAGES[function.__name__] = function
    return function


@damage
def another_name(content: bytearray, random: Random) -> bytes:
    """The content alone says what a file is."""
    return bytes(content)


@damage
def cut_off(content: bytearray, random: Random) -> bytes:
    return bytes(content[: int(random.integers(len(content)))])


@damage
def its_end_lost(content: bytearray, random: Random) -> bytes:
    return bytes(content[: -int(random.integers(1, 40))])


@damage
def changed_bytes(content: bytearray, random: Random) -> bytes:
    for at in random.integers(len(content), size=int(random.integers(1, 9))):
        content[at] = int(random.integers(256))
    return bytes(content)


@damage
def a_turned_bit(content: bytearray, random: Random) -> bytes:
    content[int(random.integers(len(content)))] ^= 1 << int(random.integers(8))
    return bytes(content)


@damage
def a_block_of_zeros(content: bytearray, random: Random) -> bytes:
    start, size = int(random.integers(len(content))), int(random.integers(1, 600))
    content[start : start + size] = bytes(len(content[start : start + size]))
    return bytes(content)


@damage
def a_block_twice(content: bytearray, random: Random) -> bytes:
    start, size = int(random.integers(len(content))), int(random.integers(1, 600))
    return bytes(content[: start + size] + content[start:])


@damage
def something_behind(content: bytearray, random: Random) -> bytes:
    return bytes(content) + random.bytes(int(random.integers(1, 600)))


@dataclass(frozen=True)
class Damaged:
    """A mutant whose file is damaged."""

    mutant: Mutant
    damage: str

    def __str__(self) -> str:
        return f"{self.mutant}-{self.damage}"

    @property
    def expected(self) -> str:
        """What may come of it: "same", "refused", "refused or same", "refused or read"."""
        if self.damage == "another_name":
            return "same"
        if self.mutant.form not in ZIPPED:
            return "refused or read"
        return "refused" if self.damage in {"cut_off", "its_end_lost"} else "refused or same"


def came_of_damage(damaged: Damaged, folder: Path) -> tuple[str, bool]:
    """Read and pool a damaged mutant; return what is wrong, or '', and whether it was pooled.

    What is raised beside the errors of the package is left to raise.
    """
    path, effects, _ = born(damaged.mutant, folder)
    random = np.random.default_rng([damaged.mutant.seed, *map(ord, str(damaged))])
    content = DAMAGES[damaged.damage](bytearray(path.read_bytes()), random)
    path = path.rename(path.with_suffix(f".{FORMATS[int(random.integers(len(FORMATS)))]}"))
    path.write_bytes(content)
    try:
        studies = ma.load_studies(path)
        if not studies.errors:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = ma.effect_sizes(studies)
                fit = ma.pool(found)
            if "same" not in damaged.expected:
                wrong = "" if "read" in damaged.expected else f"read, not {damaged.expected}"
                return wrong, True
            return difference(found.frame, fit, effects), True
        said = "; ".join(p.message for p in studies.errors)
    except ma.MetaAllianceError as error:
        said = str(error)
        if "\n" in said or len(said) > 1_000:
            return f"no sentence: {said[:300]!r}", False
    return ("" if "refused" in damaged.expected else f"refused: {said[:300]}"), False


def each() -> Iterator[Damaged]:
    """Every damage in every format, on the bases in turn."""
    bases = itertools.cycle(ALL)
    for name, form in itertools.product(DAMAGES, FORMATS):
        yield Damaged(Mutant(next(bases), "", ("as_it_is",), form), name)


def damaged(count: int, seed: int = 1) -> Iterator[Damaged]:
    """Draw damaged mutants."""
    random = np.random.default_rng(seed)
    for number in range(count):
        base, name, form = (str(random.choice(list(x))) for x in (ALL, DAMAGES, FORMATS))
        yield Damaged(Mutant(base, "", ("as_it_is",), form, number), name)


# Runs ------------------------------------------------------------------------------------


def drawn(count: int, seed: int) -> list[Any]:
    third = count // 3
    return [*mutants(count - third, seed), *damaged(third, seed)]


def came_of(mutant: Any, folder: Path) -> tuple[str, bool]:
    """What is wrong with a mutant, and whether it was pooled."""
    try:
        if isinstance(mutant, Mutant):
            fault = fault_of(mutant, folder)
            return fault, not fault and is_pooled(mutant)
        return came_of_damage(mutant, folder)
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
