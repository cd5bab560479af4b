"""Rows of totals: what a table or a formula of the sheet itself says about them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from metaalliance.sheet.read.grid import column_number

#: Functions over a column; SUBTOTAL and AGGREGATE are made for totals.
_FUNCTION = re.compile(
    r"\b(SUBTOTAL|AGGREGATE|SUM|SUMPRODUCT|AVERAGE|MEDIAN|COUNTA?|STDEV\w*|VAR\w*|MIN|MAX)\s*\(",
    re.IGNORECASE,
)
#: B2:B5 of Excel and [.B2:.B5] of OpenDocument.
_RANGE = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7}):\.?\$?([A-Z]{1,3})\$?(\d{1,7})")
#: A sum of single cells, or its mean: C2+C3+C4, (B2+B3)/2, SUM(B2;B4).
_CELL = r"\[?\.?\$?([A-Z]{1,3})\$?(\d{1,7})\]?"
_SUM = re.compile(
    r"(?:of:)?=?\+?(?:\w+)?\(*\s*{0}(?:\s*[+,;]\s*{0})+\s*\)*(?:\s*[/*]\s*[\d.,]+)?\)*".format(
        re.sub(r"\((?!\?)", "(?:", _CELL)
    ),
    re.IGNORECASE,
)
#: Table[column] within a function.
_TABLE_COLUMN = re.compile(r"\w\[\[?(?!#)[^\[\]]+\]")


def sums_of(
    formulas: Mapping[tuple[int, int], str],
) -> dict[int, list[tuple[int, int, int, bool]]]:
    """Return, by row, each column whose formula takes rows above together, and which rows.

    Examples
    --------
    >>> sums_of({(6, 2): "=SUM(B2:B5)", (6, 3): "=SUBTOTAL(101,T[r])", (7, 4): "=B2*2"})
    {6: [(2, 2, 5, False), (3, 1, 5, True)]}
    >>> sums_of({(6, 2): "=(B2+B3+B5)/3", (6, 3): "=B2+B3"})
    {6: [(2, 2, 5, False)]}
    """
    found: dict[int, list[tuple[int, int, int, bool]]] = {}
    for (row, column), written in formulas.items():
        formula = " ".join(written.split())
        functions = {name.upper() for name in _FUNCTION.findall(formula)}
        single = re.findall(_CELL, formula) if _SUM.fullmatch(formula) else []
        rows_of = [int(at) for letters, at in single if column_number(letters) == column]
        if len(rows_of) > 1 and len(rows_of) == len(single) and max(rows_of) < row:
            found.setdefault(row, []).append((column, min(rows_of), max(rows_of), False))
        if not functions:
            continue
        made = bool(functions & {"SUBTOTAL", "AGGREGATE"})
        for first, low, last, high in _RANGE.findall(formula):
            own = column_number(first) <= column <= column_number(last)
            if own and int(low) <= int(high) < row:
                found.setdefault(row, []).append((column, int(low), int(high), made))
        if made and _TABLE_COLUMN.search(formula):
            found.setdefault(row, []).append((column, 1, row - 1, True))
    return found
