"""What the variances of a sheet say about its effects: what they belong to, on which scale."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from metaalliance.sheet.columns.effect_words import EFFECTS
from metaalliance.sheet.columns.reading import lies_between, numbers_of
from metaalliance.sheet.columns.words import beside, folded, limit, pieces
from metaalliance.sheet.read.grid import Grid, is_blank
from metaalliance.wording.phrases import count_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A header with the column that it may be.

    Attributes
    ----------
    column, header : str
        The column of the specification and the team's header.
    why : str
        What it rests on.
    evidence : str
        What stands under it.
    sure : bool
        Whether its name says so. What rests on values alone is for a person to decide.
    """

    column: str
    header: str
    why: str
    evidence: str = ""
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Sheet:
    """The columns of a sheet with what the reader takes them for.

    Attributes
    ----------
    grid : Grid
        The sheet.
    texts : tuple of str
        Its headers.
    named : dict of str to int
        Position, from 0, of each column that is known.
    columns : tuple of sequence
        Values under each header.
    """

    grid: Grid
    texts: tuple[str, ...]
    named: dict[str, int] = field(hash=False)
    columns: tuple[Sequence[Any], ...]

    def free(self) -> Iterator[tuple[int, str]]:
        """Headers that the reader takes for nothing."""
        known = set(self.named.values())
        return ((i, t) for i, t in enumerate(self.texts) if t and i not in known)

    def numbers(self, index: int) -> list[float | None]:
        """Values of a column as numbers, None where a cell holds none."""
        parsed = (numbers_of([v], self.grid) for v in self.columns[index])
        return [p[0].value if p else None for p in parsed]

    def column(self, name: str) -> list[float | None]:
        """Values of a known column as numbers."""
        at = self.named.get(name)
        return [] if at is None else self.numbers(at)

    def spread(self, index: int) -> str:
        """The range of the numbers of a column, for a sentence."""
        known = [v for v in self.numbers(index) if v is not None]
        if not known:
            return "no numbers"
        return f"{min(known):g} to {max(known):g} in {count_text(len(known), 'row')}"

    def different(self, index: int) -> str:
        """How many values of a column differ, for a sentence."""
        filled = [str(v).strip() for v in self.columns[index] if not is_blank(v)]
        return f"{count_text(len(set(filled)), 'value')} in {count_text(len(filled), 'row')}"


def variance_is(
    sheet: Sheet, rule: Callable[[float, float], float], effect: int, *, share: float = 1.0
) -> bool:
    """Whether a variance or standard error in the sheet follows a rule of effect and n.

    `share` is that of the rows that have to.
    """
    n = sheet.column("n") or _summed(sheet)
    for index, header in enumerate(sheet.texts):
        kind = beside(header)
        if not n or kind not in {"variance", "se"}:
            continue
        spread = sheet.numbers(index)
        rows = [
            (v if kind == "variance" else v * v) / rule(y, k)
            for y, v, k in zip(sheet.numbers(effect), spread, n, strict=True)
            if y is not None and v is not None and k is not None and k > 3
        ]
        if _follow(rows, share):
            return True
    return False


def _follow(ratios: Sequence[float], share: float) -> bool:
    """Whether enough ratios are one: within 5 percent, or 15 where some rows need not be."""
    within = 0.05 if share == 1 else 0.15
    close = sum(abs(ratio - 1) < within for ratio in ratios)
    return len(ratios) > 2 and close >= share * len(ratios)


def _summed(sheet: Sheet) -> list[float | None]:
    """The sizes of both groups together."""
    pairs = zip(sheet.column("n1"), sheet.column("n2"), strict=False)
    return [None if a is None or b is None else a + b for a, b in pairs]


#: Columns of an effect that a variance or a standard error can stand beside, with their scale.
_SCALES = {"fisher_z": "z", "r": "r", "d": "d", "g": "g", "log_odds_ratio": "log_or"}


def guess_spread(sheet: Sheet, effect: str) -> tuple[list[Guess], str | None]:
    """What says how precise an effect is where the sheet has no n, and the scale of `yi`.

    Returns
    -------
    list of Guess, str or None
        Lines for the variance, the standard error or the limits; and "z", "r", "d", "g" or
        "log_or" where the effect becomes `yi` because its variance is known.
    """
    sized = {"n", "df", "total1"} & sheet.named.keys() or {"n1", "n2"} <= sheet.named.keys()
    if sized or effect not in {*_SCALES, "yi", "odds_ratio"}:
        return [], None
    found: dict[str, tuple[int, str]] = {}
    for index, header in enumerate(sheet.texts):
        kind = beside(header)
        if kind in {"se", "variance", "low", "high"} and any(sheet.numbers(index)):
            found.setdefault(kind, (index, header))
    found = _limits(sheet, sheet.named[effect]) | found

    def line(kind: str, column: str) -> list[Guess]:
        index, header = found[kind]
        why = "the sheet has no n; the variance comes from it"
        known = sheet.named.get(column) == index
        guess = Guess(column=column, header=header, why=why, evidence=sheet.spread(index))
        return [] if known else [guess]

    if "se" in found:
        return line("se", "sei" if effect == "yi" else "se"), None
    if "variance" in found:
        return line("variance", "vi"), _SCALES.get(effect)
    if {"low", "high"} <= found.keys() and effect != "yi":
        return line("low", "ci_low") + line("high", "ci_high"), None
    return [], None


def _limits(sheet: Sheet, effect: int) -> dict[str, tuple[int, str]]:
    """Columns such as g_low and g_high beside g, where g lies between them in every row."""
    found = {}
    for index, header in sheet.free():
        end = limit(header)
        if end is not None and end[1] == folded(sheet.texts[effect]):
            found[end[0]] = (index, header)
    if {"low", "high"} != found.keys():
        return {}
    pair = sheet.columns[found["low"][0]], sheet.columns[found["high"][0]]
    return found if lies_between(pair, sheet.columns[effect], sheet.grid) else {}


def guess_scale(sheet: Sheet) -> Guess | None:
    """The scale of `yi` that the sheet speaks for, as a guess whose header is the scale.

    It is sure where a header that names a statistic stands over the same numbers. None where
    the reader takes Fisher's z rightly: its variance is 1 / (n − 3).
    """
    at = sheet.named.get("yi")
    if at is None or "yi_measure" in sheet.named:
        return None
    if variance_is(sheet, lambda _, n: 1 / (n - 3), at):
        return None

    def scale(name: str, why: str, *, sure: bool = False) -> Guess:
        return Guess(column="yi_measure", header=name, why=why, sure=sure)

    yi = sheet.numbers(at)
    for index, header in enumerate(sheet.texts):
        words = set(pieces(header))
        same = index != at and not beside(header) and _same(yi, sheet.numbers(index))
        if words == {"or"} and _same(yi, _logarithms(sheet.numbers(index))):
            return scale("log_or", f"it is the logarithm of {header!r}", sure=True)
        for column, name in _SCALES.items():
            if same and words & {column, *EFFECTS[column]}:
                return scale(name, f"{header!r} holds the same numbers", sure=True)
    if variance_is(sheet, lambda y, n: (1 - min(y * y, 0.99)) ** 2 / (n - 1), at, share=0.8):
        return scale("r", "its variance is (1 − r²)² / (n − 1)")
    if _groups(sheet, at):
        return scale("g", "its variance is that of a standardised mean difference of n1 and n2")
    if variance_is(sheet, lambda y, n: 4 / n * (1 + y * y / 8), at, share=0.8):
        return scale("d", "its variance is that of a mean difference of two equal groups")
    if _as_of_odds(sheet):
        return scale("log_or", "its variance is as large as that of log odds ratios with this n")
    return scale("", "nothing in the sheet says it")


def _logarithms(values: Sequence[float | None]) -> list[float | None]:
    return [math.log(v) if v is not None and v > 0 else None for v in values]


def _same(first: Sequence[float | None], second: Sequence[float | None]) -> bool:
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    return len(pairs) > 2 and all(abs(a - b) < 0.006 for a, b in pairs)


def _as_of_odds(sheet: Sheet) -> bool:
    """Whether the variances lie far above 4 / n; those of log odds ratios are 16 / n or more."""
    vi = sheet.column("vi") or [v and v * v for v in sheet.column("sei")]
    worth = [v * n for v, n in zip(vi, sheet.column("n"), strict=False) if v and n]
    return len(worth) > 2 and median(worth) > 10


def _groups(sheet: Sheet, effect: int) -> bool:
    """Whether a variance follows 1/n1 + 1/n2 + d² / (2 (n1 + n2))."""
    columns = sheet.column("n1"), sheet.column("n2"), sheet.numbers(effect), sheet.column("vi")
    if not all(columns):
        return False
    rows = [
        v / (1 / a + 1 / b + y * y / (2 * (a + b)))
        for a, b, y, v in zip(*columns, strict=True)
        if a and b and y is not None and v is not None
    ]
    return _follow(rows, 0.8)
