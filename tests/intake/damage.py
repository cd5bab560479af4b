"""Damaged mutants: what became of a file on its way, and what may come of reading it.

A zip archive holds a checksum of each part, so that damage of an .xlsx, .ods or .xlsb file is
either refused or of no effect. The other formats have none: another number may be read, and all
that is promised is an answer in words.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from intake.books import FORMATS
from intake.mutants import ALL, Mutant, born, difference

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


def came_of(damaged: Damaged, folder: Path) -> tuple[str, bool]:
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
