"""Rows that repeat the rows above: totals by their label with its group, or by their numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from metaalliance.problems import Problem
from metaalliance.sheet.columns.vocabularies import key_of
from metaalliance.sheet.rows import Row, columns_of
from metaalliance.sheet.rules.statistics import Choice, sample_size
from metaalliance.sheet.rules.summary import is_dated, is_summary, is_total_of
from metaalliance.wording.phrases import run_text

_HINT = "delete the row, or set include = no with a reason"
#: What a rounded mean may lie outside the numbers that it is the mean of.
_ROUNDED = 0.005
#: A study and an independent sample of it.
_Sample = tuple[str, Any]


@dataclass(slots=True)
class _Above:
    """The rows above one, as they add up; kept while reading down, so that each row is met once.

    Attributes
    ----------
    rows : list of Row
        The rows.
    studies : set of str
        Their studies.
    people, in_samples : float
        Their n summed, by row and by independent sample; NaN where one is not known.
    sizes : dict
        n by study and sample.
    low, high : list of float
        Lowest and highest r, as reported and as aligned.
    """

    rows: list[Row] = field(default_factory=list)
    studies: set[str] = field(default_factory=set)
    people: float = 0.0
    in_samples: float = 0.0
    sizes: dict[_Sample, float] = field(default_factory=dict)
    low: list[float] = field(default_factory=lambda: [math.inf, math.inf])
    high: list[float] = field(default_factory=lambda: [-math.inf, -math.inf])

    def add(self, row: Row, key: _Sample, n: float, r: tuple[float, float] | None) -> None:
        """Put a row below them, whose study and sample are the key."""
        self.rows.append(row)
        self.studies.add(row.study)
        self.people += n
        self.in_samples += n - self.sizes.get(key, 0.0)
        self.sizes[key] = n
        for i, value in enumerate(r or ()):
            self.low[i], self.high[i] = min(self.low[i], value), max(self.high[i], value)

    def repeated_by(self, row: Row, n: float, r: tuple[float, float], named: bool | None) -> bool:
        """Whether n of a row is their sum, of at least two studies, and r between theirs.

        Where the label may be that of a total, n may be their mean, too.
        """
        if len(self.studies) < 2 or math.isnan(n + self.people):
            return False
        mean = named is None and n == round(self.people / len(self.rows))
        if not mean and n not in {self.people, self.in_samples}:
            return False
        if named is False and row.study not in self.studies and is_dated(row.study):
            return False
        ends = zip(self.low, r, self.high, strict=True)
        return any(low - _ROUNDED <= value <= high + _ROUNDED for low, value, high in ends)


def total_problems(rows: Sequence[Row], choices: Mapping[int, Choice]) -> list[Problem]:
    """Report rows that are totals of others: sure ones as errors, suspects as warnings.

    Parameters
    ----------
    rows : sequence of Row
        The rows with a study. Those that are excluded may be in a total, and are none.
    """
    found: list[Problem] = []
    groups = _groups(rows)
    labelled: dict[str, bool | None] = {}
    coded, every, since = _Above(), _Above(), _Above()
    for row in rows:
        if is_summary(row.study):
            since = _Above()
            continue
        n, r = _numbers(row, choices)
        if not row.included:
            coded.add(row, (row.study, row.get("sample")), n, r)
            continue
        if row.study not in labelled:
            labelled[row.study] = is_total_of(row.study, groups)
        named = labelled[row.study]
        alike = (s for s in (since, every, coded) if r and s.repeated_by(row, n, r, named))
        summed = next(alike, None)
        if named or (named is None and summed):
            what = (
                f"n and r are those of {_listed(summed.rows)} together"
                if summed
                else "a group of studies"
            )
            message = f"looks like the total of rows above: {what}"
            found.append(row.problem("MA410", message, "study", _HINT))
            since = _Above()
        elif summed:
            message = (
                f"n = {n:g} is the sum of the n of {_listed(summed.rows)}, and r lies "
                "between theirs: is the row their total?"
            )
            found.append(row.problem("MA431", message, "n" if row.has("n") else "study"))
            since = _Above()
        else:
            if named is None and _stands_out(row, rows):
                message = f"{row.study!r} may be the label of a total, and not of a study"
                found.append(row.problem("MA432", message, "study"))
            key = (row.study, row.get("sample"))
            for above in (coded, every, since):
                above.add(row, key, n, r)
    return found


def _numbers(row: Row, choices: Mapping[int, Choice]) -> tuple[float, tuple[float, float] | None]:
    """Return n of a row, NaN where it is not known, and its r as reported and as aligned."""
    n = sample_size(row)
    choice = choices.get(row.number)
    r = None if choice is None else choice.convert().r
    return math.nan if n is None else n, None if r is None else (r, r * row.flip)


def _groups(rows: Sequence[Row]) -> frozenset[str]:
    """Levels of all columns but the label of the study, folded."""
    texts = {
        row.get(name) for name in columns_of(rows) if name not in {"study", "label"} for row in rows
    }
    return frozenset(key_of(text) for text in texts if isinstance(text, str))


def _stands_out(row: Row, rows: Sequence[Row]) -> bool:
    """Whether a label is of several words, or all others are those of studies with a year."""
    others = {other.study for other in rows if other.study != row.study}
    return " " in row.study or (
        len(others) > 1 and all(is_dated(s) or is_summary(s) for s in others)
    )


def _listed(rows: Sequence[Row]) -> str:
    """Rows by their numbers, runs as from to."""
    numbers = [row.number for row in rows]
    if numbers == [*range(numbers[0], numbers[-1] + 1)]:
        return run_text(numbers[0], numbers[-1], "row")
    more = f" and {len(numbers) - 12} more" if len(numbers) > 12 else ""
    return "rows " + ", ".join(map(str, numbers[:12])) + more
