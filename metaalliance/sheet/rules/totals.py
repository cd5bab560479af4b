"""Rows that repeat the rows above: totals by their label with its group, or by their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from metaalliance.problems import Problem
from metaalliance.sheet.columns.vocabularies import key_of
from metaalliance.sheet.rows import Row
from metaalliance.sheet.rules.statistics import Choice, sample_size
from metaalliance.sheet.rules.summary import is_dated, is_summary, is_total_of

_HINT = "delete the row, or set include = no with a reason"
#: What a rounded mean may lie outside the numbers that it is the mean of.
_ROUNDED = 0.005


def total_problems(rows: Sequence[Row], choices: Mapping[int, Choice]) -> list[Problem]:
    """Report rows that are totals of others: sure ones as errors, suspects as warnings.

    Parameters
    ----------
    rows : sequence of Row
        The rows with a study. Those that are excluded may be in a total, and are none.
    """
    found: list[Problem] = []
    groups = _groups(rows)
    coded: list[Row] = []
    every: list[Row] = []
    since: list[Row] = []
    for row in rows:
        if is_summary(row.study):
            since = []
            continue
        if not row.included:
            coded.append(row)
            continue
        named = is_total_of(row.study, groups)
        summed = next((s for s in (since, every, coded) if _repeats(row, s, choices, named)), None)
        if named or (named is None and summed):
            what = (
                f"n and r are those of {_listed(summed)} together"
                if summed
                else "a group of studies"
            )
            message = f"looks like the total of rows above: {what}"
            found.append(row.problem("MA410", message, "study", _HINT))
            since = []
        elif summed:
            message = (
                f"n = {sample_size(row):g} is the sum of the n of {_listed(summed)}, and r lies "
                "between theirs: is the row their total?"
            )
            found.append(row.problem("MA431", message, "n" if row.has("n") else "study"))
            since = []
        else:
            if named is None and _stands_out(row, rows):
                message = f"{row.study!r} may be the label of a total, and not of a study"
                found.append(row.problem("MA432", message, "study"))
            for above in (coded, every, since):
                above.append(row)
    return found


def _groups(rows: Sequence[Row]) -> frozenset[str]:
    """Levels of all columns but the label of the study, folded."""
    return frozenset(
        key_of(cell.value)
        for row in rows
        for name, cell in row.cells.items()
        if name not in {"study", "label"} and isinstance(cell.value, str)
    )


def _stands_out(row: Row, rows: Sequence[Row]) -> bool:
    """Whether a label is of several words, or all others are those of studies with a year."""
    others = {other.study for other in rows if other.study != row.study}
    return " " in row.study or (
        len(others) > 1 and all(is_dated(s) or is_summary(s) for s in others)
    )


def _repeats(
    row: Row, above: Sequence[Row], choices: Mapping[int, Choice], named: bool | None
) -> bool:
    """Whether n of a row is the sum of those above, of at least two studies, and r between theirs.

    Where the label may be that of a total, n may be their mean, too.
    """
    studies = {other.study for other in above}
    if len(studies) < 2 or row.number not in choices:
        return False
    if named is False and row.study not in studies and is_dated(row.study):
        return False
    n, sizes = sample_size(row), [sample_size(other) for other in above]
    known = [size for size in sizes if size is not None]
    if n is None or len(known) < len(sizes):
        return False
    samples = {(o.study, o.get("sample")): s for o, s in zip(above, known, strict=True)}
    sums = {sum(known), sum(samples.values())}
    means = {round(sum(known) / len(known))} if named is None else set()
    if n not in sums | means:
        return False
    return any(_between(row, above, choices, turn=turn) for turn in (False, True))


def _between(row: Row, above: Sequence[Row], choices: Mapping[int, Choice], *, turn: bool) -> bool:
    """Whether r lies between the lowest and the highest, as reported or as aligned."""
    values = [
        choices[other.number].convert().r * (other.flip if turn else 1)
        for other in above
        if other.number in choices
    ]
    r = choices[row.number].convert().r * (row.flip if turn else 1)
    return bool(values) and min(values) - _ROUNDED <= r <= max(values) + _ROUNDED


def _listed(rows: Sequence[Row]) -> str:
    """Rows by their numbers, runs as from to."""
    numbers = [row.number for row in rows]
    if numbers == [*range(numbers[0], numbers[-1] + 1)]:
        return f"rows {numbers[0]} to {numbers[-1]}"
    more = f" and {len(numbers) - 12} more" if len(numbers) > 12 else ""
    return "rows " + ", ".join(map(str, numbers[:12])) + more
