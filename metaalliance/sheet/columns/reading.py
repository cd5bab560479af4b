"""What the columns under a header row are, by their headers and their values."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from metaalliance.core.conversion.rules import RULES
from metaalliance.sheet.columns.identity import STUDY_IDS
from metaalliance.sheet.columns.names import grouped_names, other_name
from metaalliance.sheet.columns.scheme import Scheme
from metaalliance.sheet.columns.specification import COLUMNS, STATISTICS, Column
from metaalliance.sheet.columns.vocabularies import SAID_OUT, VOCABULARIES, key_of
from metaalliance.sheet.columns.words import beside, interval, is_second_r
from metaalliance.sheet.intervals import WITH_INTERVAL, nearly_all, split_interval
from metaalliance.sheet.read.grid import Grid, is_blank
from metaalliance.sheet.read.missing import MISSING_WORDS, missing_codes
from metaalliance.sheet.read.numbers import Parsed, parse_number
from metaalliance.sheet.texts import clean_text, shown

#: Rows that are looked at to judge what a column holds.
LOOKED_AT = 500
#: Statistics whose name is one letter, which may stand for women, weeks or dropouts as well.
_LETTERS = frozenset({"t", "F", "d", "g"})
#: A difference in r that no rounding explains.
_FAR = 0.1
#: Headers that programs give to row numbers.
_ROW_NUMBERS = frozenset(
    {"x", "...1", "unnamed: 0", "unnamed: 0.1", "rownames", "row.names", "row names", "row_names",
     "rowname", "row number", "rownumber", "row_number"}
)  # fmt: skip


def column_values(grid: Grid, row: int, index: int) -> list[Any]:
    """Values under a header, blank cells included; `index` counts from 0."""
    return [v[index] if index < len(v) else None for v in grid.rows[row : row + LOOKED_AT]]


def name_columns(grid: Grid, row: int, texts: Sequence[str], scheme: Scheme) -> list[str | None]:
    """Return the column that each header names, or None.

    The team's mapping comes first, then names and aliases of the specification. Names of other
    houses and languages count where no other header names their column and the values under
    them are of its kind.
    """
    named = [_own_name(text, texts, scheme) for text in texts]
    values = {i: column_values(grid, row, i) for i, text in enumerate(texts) if text}
    fixed = [scheme.is_mapped(text) for text in texts]
    _without_numbers(named, values, texts, fixed)
    for index, name in enumerate(named):
        if name is None or fixed[index]:
            continue
        alias = key_of(texts[index]) != key_of(name)
        others = alias and _are_others(values[index], COLUMNS[name], grid)
        if others or (name == "year" and _are_deviations(values[index], grid)):
            named[index] = None
    known = {name: texts[i] for i, name in enumerate(named) if name}
    columns = [values.get(i, []) for i in range(len(texts))]
    for header, name in grouped_names(texts, columns, known).items():
        at = texts.index(header)
        free = name not in known or known[name] == header or header == known.get(f"n{name[-1]}")
        if not fixed[at] and free and name not in scheme.taken and name in COLUMNS:
            named[at] = name
    for index, text in enumerate(texts):
        free = bool(text) and named[index] is None and not fixed[index]
        name = other_name(text) or _with_interval(text, values[index], scheme) if free else None
        if name is None or name not in COLUMNS or name in named or name in scheme.taken:
            continue
        if name == "value" and "statistic" not in named:
            continue
        if fits(values[index], COLUMNS[name], grid):
            named[index] = name
    _without_foreign_limits(named, values, texts, scheme, grid)
    words = [f or len(t.strip()) > 1 for f, t in zip(fixed, texts, strict=True)]
    _without_contradicted(named, values, words, grid)
    if "study" not in named and "study" not in scheme.taken:
        ids = [i for i, t in enumerate(texts) if key_of(t) in STUDY_IDS and not fixed[i]]
        for index in ids[:1] or row_names(grid, row, texts):
            named[index] = "study"
    return named


def before_interval(text: str, values: Sequence[Any]) -> str:
    """What a header such as ``r [95% CI]`` says over values, some with intervals; "" of others."""
    found = interval(text)
    filled = [] if found is None else [v for v in values if not is_blank(v)]
    parted = sum(split_interval(v) is not None for v in filled)
    alone = sum(parse_number(v).value is not None for v in filled)
    most = parted > 0 and (parted + alone) * 2 > len(filled)
    return found[0] if found is not None and most else ""


def _with_interval(text: str, values: Sequence[Any], scheme: Scheme) -> str | None:
    """The statistic over values with their intervals, by what stands before the interval."""
    bare = before_interval(text, values)
    name = scheme.column_of(bare) or other_name(bare)
    return name if name in WITH_INTERVAL else None


def _own_name(text: str, texts: Sequence[str], scheme: Scheme) -> str | None:
    """The column that a header names by the mapping, its name or an alias; r2 beside r1 is none."""
    found = scheme.column_of(text) if text else None
    second = found == "r_squared" and not scheme.is_mapped(text) and is_second_r(text, texts)
    return None if second else found


def _without_foreign_limits(
    named: list[str | None],
    values: dict[int, list[Any]],
    texts: Sequence[str],
    scheme: Scheme,
    grid: Grid,
) -> None:
    """Limits by another name count only where they hold the statistic that the rows are read by."""
    at = {name: i for i, name in enumerate(named) if name in {"ci_low", "ci_high"}}
    if not any(scheme.column_of(texts[i]) is None for i in at.values()):
        return
    first = next((named.index(s) for s in RULES if s in named), None)
    columns = [at.get("ci_low"), first, at.get("ci_high")]
    if None not in columns:
        rows = zip(*(values[i] for i in columns if i is not None), strict=True)
        numbers = [
            [parse_number(v, decimal_comma=grid.decimal_comma).value for v in r] for r in rows
        ]
        known = [
            (a, b, c) for a, b, c in numbers if a is not None and b is not None and c is not None
        ]
        if nearly_all([a <= b <= c for a, b, c in known]):
            return
    for index in at.values():
        if scheme.column_of(texts[index]) is None:
            named[index] = None


def _without_contradicted(
    named: list[str | None], values: dict[int, list[Any]], kept: list[bool], grid: Grid
) -> None:
    """Women under F, weeks under t or dropouts under d are no statistics beside r."""
    for index, name in enumerate(named):
        if name in _LETTERS and not kept[index] and _contradicts(name, named, values, grid):
            named[index] = None


def _contradicts(
    name: str, named: Sequence[str | None], values: dict[int, list[Any]], grid: Grid
) -> bool:
    """Whether a statistic is another size than r beside it in most rows, and nothing speaks for it.

    Its degrees of freedom and a column that says which statistic counts do.
    """
    at = {column: i for i, column in enumerate(named) if column}
    rule, base = RULES[name], RULES["fisher_z" if "r" not in at else "r"]
    if base.statistic not in at or at.keys() & {"statistic", "value", "df", "df1", "df2"}:
        return False
    beside = [c for c in (name, base.statistic, "n", "n1", "n2") if c in at]
    far = []
    for cells in zip(*(values[at[c]] for c in beside), strict=True):
        parsed = (parse_number(v, decimal_comma=grid.decimal_comma).value for v in cells)
        x = {c: v for c, v in zip(beside, parsed, strict=True) if v is not None}
        if "n" not in x and {"n1", "n2"} <= x.keys():
            x["n"] = x["n1"] + x["n2"]
        if not {name, base.statistic, "n"} <= x.keys():
            continue
        try:
            gap = abs(rule.convert(x).r) - abs(base.convert(x).r)
        except (ArithmeticError, ValueError):
            gap = math.inf
        far.append(abs(gap) > _FAR)
    return len(far) > 2 and sum(far) * 2 > len(far)


def _without_numbers(
    named: list[str | None], values: dict[int, list[Any]], texts: Sequence[str], fixed: list[bool]
) -> None:
    """A letter over texts, such as `r` for the rater, is no statistic beside another one."""
    statistics = [i for i, name in enumerate(named) if name in STATISTICS]
    words = [i for i in statistics if len(texts[i].strip()) == 1 and _is_text(values[i])]
    if len(words) < len(statistics):
        for index in words:
            if not fixed[index]:
                named[index] = None


def _are_others(values: Sequence[Any], column: Column, grid: Grid) -> bool:
    """Whether an alias stands over other values: ages in words, a description of participants."""
    if column.name == "n":
        return _is_text(values)
    if column.name == "exclusion_reason":  # exclusion = yes is no reason
        return not all(map(is_blank, values)) and fits(values, COLUMNS["include"], grid)
    return column.group == "study" and column.kind != "choice" and not fits(values, column, grid)


def _are_deviations(values: Sequence[Any], grid: Grid) -> bool:
    """Whether numbers are no years: deviations from a mean."""
    numbers = [p.value for p in numbers_of(values, grid) if p.value is not None]
    return len(numbers) > 2 and not any(COLUMNS["year"].holds(v) for v in numbers)


def _is_text(values: Sequence[Any]) -> bool:
    filled = [parse_number(v) for v in values if not is_blank(v)]
    said = [p for p in filled if not (p.missing or p.nonsignificant)]
    return len(said) > 2 and all(p.value is None and p.fault == "MA302" for p in said)


def numbers_of(values: Sequence[Any], grid: Grid, *, counts: bool = False) -> list[Parsed]:
    """Cells that are neither blank nor missing, read as numbers; without intervals behind them."""
    comma = grid.decimal_comma
    parsed = []
    for value in values:
        if is_blank(value):
            continue
        parted = split_interval(value, decimal_comma=comma)
        bare = value if parted is None else parted[0]
        parsed.append(parse_number(bare, decimal_comma=comma, integer=counts))
    return [p for p in parsed if not p.missing]


def fits(values: Sequence[Any], column: Column, grid: Grid) -> bool:
    """Whether most values under a header are what a column holds."""
    if column.name == "year" or all(is_blank(v) for v in values):
        return True
    if column.kind in {"number", "count"}:
        parsed = numbers_of(values, grid, counts=column.kind == "count")
        said = [p for p in parsed if not p.nonsignificant]
        good = [p for p in said if p.value is not None and column.holds(p.value)]
        return len(good) * 2 > len(said)
    filled = [v for v in values if not is_blank(v)]
    if column.name == "include":
        texts = [clean_text(shown(v)) for v in filled]
        return _marks_rows([t for t in texts if t.casefold() not in MISSING_WORDS])
    return sum(isinstance(v, str) and not parse_number(v).value for v in filled) * 2 >= len(filled)


def _marks_rows(texts: Sequence[str]) -> bool:
    """Whether texts say in or out: most of them, all where they are numbers, one that says out."""
    known = [text for text in texts if VOCABULARIES["include"].find(text) is not None]
    if all(text.isdigit() for text in known):
        return len(known) == len(texts)
    out = {key_of(word) for word in SAID_OUT}
    return len(known) * 2 > len(texts) or any(key_of(text) in out for text in known)


def codes_for_missing(name: str, values: Iterable[Any]) -> list[str]:
    """Return what looks like a code for a missing value in a column; none where it is a name."""
    column = COLUMNS.get(name)
    if beside(name) == "id" or (
        column is not None and column.group == "identity" and column.kind == "text"
    ):
        return []
    bounded = column is not None and (column.is_correlation or column.high == 100)
    return missing_codes(values, high=column.high if column is not None and bounded else None)


def row_numbers(grid: Grid, row: int, texts: Sequence[str]) -> frozenset[int]:
    """Numbers of columns that count the rows, as R and pandas write them; none is an error.

    The first column without a header over rising whole numbers, or one that such programs have
    named (``X``, ``...1``, ``Unnamed: 0``) over numbers one apart; either in any order where
    they are all from 0 or 1 on, as of rows that were sorted since.
    """
    found = set()
    for index, text in enumerate(texts):
        blank = not text and index == 0
        if not blank and text.strip().lower() not in _ROW_NUMBERS:
            continue
        values = [v for v in column_values(grid, row, index) if not is_blank(v)]
        numbers = [parse_number(v).value for v in values]
        steps = _steps(numbers)
        if steps and (
            _all_from_the_first(numbers) or (min(steps) > 0 if blank else set(steps) == {1})
        ):
            found.add(index + 1)
    return frozenset(found)


def row_names(grid: Grid, row: int, texts: Sequence[str]) -> list[int]:
    """Position, from 0, of the first column where it has no header and names studies, or none.

    So R writes the names of rows. They are labels: one in each row, no numbers, and all
    different unless each has a year.
    """
    if not texts or (texts[0] and texts[0].strip().lower() not in _ROW_NUMBERS):
        return []
    if any(not is_blank(v) for values in grid.rows[: row - 1] for v in values[:1]):
        return []
    rows = [v for v in grid.rows[row : row + LOOKED_AT] if not all(map(is_blank, v))]
    labels = [v[0] for v in rows]
    named = all(isinstance(v, str) and v.strip() and parse_number(v).value is None for v in labels)
    apart = len({key_of(str(v)) for v in labels}) == len(labels) or all(map(_has_year, labels))
    return [0] if len(labels) > 1 and named and apart else []


def _has_year(label: Any) -> bool:
    return re.search(r"(?<!\d)(?:19|20)\d\d(?!\d)", str(label)) is not None


def _all_from_the_first(numbers: Sequence[float | None]) -> bool:
    """Whether numbers are 0 to n - 1 or 1 to n, each once."""
    return {*numbers} in ({*range(len(numbers))}, {*range(1, len(numbers) + 1)})


def _steps(numbers: Sequence[float | None]) -> list[float]:
    """Differences of whole numbers that follow each other; none where one is no whole number."""
    whole = [n for n in numbers if n is not None and n == int(n)]
    if len(whole) < len(numbers) or len(whole) < 2:
        return []
    return [b - a for a, b in pairwise(whole)]


def lies_between(
    limits: tuple[Sequence[Any], Sequence[Any]], effect: Sequence[Any], grid: Grid | None = None
) -> bool:
    """Whether an effect is never below one column nor above another, and some row has all."""
    comma = grid is not None and grid.decimal_comma
    rows = [
        [parse_number(v, decimal_comma=comma).value for v in row]
        for row in zip(limits[0], effect, limits[1], strict=True)
    ]
    known = [(a, b, c) for a, b, c in rows if a is not None and b is not None and c is not None]
    return any(a < c for a, _, c in known) and all(a <= b <= c for a, b, c in known)
