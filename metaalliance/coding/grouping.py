"""Match the rows of one study."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from metaalliance.coding.values import coded_value, comparison_key, statistic_of
from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.rows import Row

How = Literal["effect", "description", "order", "values", "label", "elimination", "key"]
#: The row of each coder; None for a coder who has none.
Rows = tuple[Row | None, ...]

#: Numbers by which an effect is known again under another name.
_NUMBERS = tuple(
    c.name
    for c in COLUMNS.values()
    if c.kind in {"number", "count"} and c.group in {"statistic", "companion"}
)
#: The last row of a study in each sheet is matched when it differs in at most so many columns.
MOST_DIFFERENCES = 2


def match_study(
    rows: list[list[Row]], columns: tuple[str, ...], *, given: bool
) -> tuple[list[tuple[Rows, How]], list[list[Row]], list[list[Row]]]:
    """Match the rows of one study: matches, rows that are left, rows that are ambiguous."""
    if given:
        return _match_groups(rows, columns, "key")
    by_id = _ids_serve(rows)
    found, left, ambiguous = _match_groups(
        rows, ("effect",) if by_id else columns, "effect" if by_id else "description"
    )
    more, left = _match_values(left, tuple(c for c in columns if c != "sample"))
    found += more
    if not by_id and not any(ambiguous):
        last = _last_pair(left, columns)
        if last is not None:
            return [*found, (last, "elimination")], [[] for _ in rows], ambiguous
    return found, left, ambiguous


def _match_values(
    left: list[list[Row]], columns: Sequence[str]
) -> tuple[list[tuple[Rows, How]], list[list[Row]]]:
    """Match rows that differ in the id of their effect or sample and in nothing else.

    They are described alike and have the same numbers, each of them once in each sheet.
    """
    found: list[tuple[Rows, How]] = []
    rest: list[list[Row]] = [[] for _ in left]
    for group in _groups(left, (*columns, *_NUMBERS)).values():
        present = [part for part in group if part]
        alone = len(present) > 1 and all(len(part) == 1 for part in present)
        if alone and tells(present[0][0]):
            found.append((tuple(part[0] if part else None for part in group), "values"))
            continue
        for coder, members in enumerate(group):
            rest[coder] += members
    return found, rest


def same_numbers(rows: Sequence[Row]) -> bool:
    """Whether rows have the same statistic and sample size, so that one is known by the other."""
    return tells(rows[0]) and all(not differences(rows[0], row, _NUMBERS) for row in rows[1:])


def tells(row: Row) -> bool:
    """Whether a row has two numbers, such as a statistic and a sample size."""
    return sum(isinstance(coded_value(row, c), float) for c in _NUMBERS) > 1


def _ids_serve(rows: list[list[Row]]) -> bool:
    """Whether every row has an effect id, unique in its sheet, and some are shared."""
    ids = [[comparison_key(coded_value(r, "effect"), "effect") for r in part] for part in rows]
    present = [part for part in ids if part]
    if any(i is None for part in present for i in part):
        return False
    if any(len(set(part)) < len(part) for part in present) or len(present) < 2:
        return False
    return any(count > 1 for count in Counter(i for part in present for i in set(part)).values())


def _groups(rows: list[list[Row]], columns: Sequence[str]) -> dict[Any, list[list[Row]]]:
    """Rows by the values of some columns, for each coder."""
    groups: dict[Any, list[list[Row]]] = defaultdict(lambda: [[] for _ in rows])
    for coder, part in enumerate(rows):
        for row in part:
            values = tuple(comparison_key(coded_value(row, c), c) for c in columns)
            groups[values][coder].append(row)
    return groups


def _match_groups(
    rows: list[list[Row]], columns: Sequence[str], how: How
) -> tuple[list[tuple[Rows, How]], list[list[Row]], list[list[Row]]]:
    """Match rows that agree in some columns."""
    found: list[tuple[Rows, How]] = []
    left: list[list[Row]] = [[] for _ in rows]
    ambiguous: list[list[Row]] = [[] for _ in rows]
    for group in _groups(rows, columns).values():
        for part, exact in _equal_parts(group):
            present = [p for p in part if p]
            if len(present) < 2:
                target = left
            elif len({len(p) for p in present}) == 1:
                found += [(row, how if exact else "order") for row in _in_order(part)]
                continue
            else:
                target = ambiguous
            for coder, members in enumerate(part):
                target[coder] += members
    return found, left, ambiguous


def _equal_parts(group: list[list[Row]]) -> Iterator[tuple[list[list[Row]], bool]]:
    """Split rows that are described alike by their statistic, where that tells them apart.

    The flag says whether one row of each coder is left in the part.
    """
    sizes = {len(part) for part in group if part}
    if sizes == {1} or sum(1 for part in group if part) < 2:
        yield group, True
        return
    parts: dict[str, list[list[Row]]] = defaultdict(lambda: [[] for _ in group])
    for coder, members in enumerate(group):
        for row in members:
            parts[statistic_of(row)][coder].append(row)
    uneven = any(len({len(p) for p in part}) > 1 for part in parts.values())
    if len(sizes) == 1 and uneven:
        yield group, False
        return
    for part in parts.values():
        yield part, {len(p) for p in part if p} == {1}


def _in_order(part: list[list[Row]]) -> Iterator[Rows]:
    count = max(len(p) for p in part)
    for i in range(count):
        yield tuple(p[i] if p else None for p in part)


def _last_pair(left: list[list[Row]], columns: Sequence[str]) -> Rows | None:
    """The one row that is left in each sheet, if these are nearly alike."""
    present = [part for part in left if part]
    if len(present) < 2 or any(len(part) > 1 for part in present):
        return None
    first = present[0][0]
    if any(len(differences(first, part[0], columns)) > MOST_DIFFERENCES for part in present[1:]):
        return None
    return tuple(part[0] if part else None for part in left)


def differences(first: Row, second: Row, columns: Sequence[str]) -> list[str]:
    """Columns in which two rows differ."""
    return [
        c
        for c in columns
        if comparison_key(coded_value(first, c), c) != comparison_key(coded_value(second, c), c)
    ]
