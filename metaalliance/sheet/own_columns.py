"""Columns of the team: numbers where every value is one, levels where not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from metaalliance.sheet.texts import Coded

_PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)").fullmatch
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+").fullmatch
#: A level beside words, missing beside numbers.
_BESIDE_NUMBERS = frozenset({"none"})


def with_numbers(
    rows: Sequence[dict[str, Coded]], names: Iterable[str], *, decimal_comma: bool
) -> list[tuple[int, str, str]]:
    """Read columns of the team as numbers where every value that is not missing is one.

    Returns
    -------
    list of (index, name, text)
        Words that are missing because all else in their column is a number.
    """
    found = []
    for name in names:
        held = {i: row[name] for i, row in enumerate(rows) if name in row}
        known = {i: c for i, c in held.items() if c.value is not None}
        texts = {i: c for i, c in known.items() if isinstance(c.value, str)}
        words = [i for i, c in texts.items() if c.value.casefold() in _BESIDE_NUMBERS]
        numbers = {i: _number(c.value, decimal_comma) for i, c in texts.items() if i not in words}
        if len(words) < len(known) and None not in numbers.values():
            for i in words:
                found.append((i, name, str(texts[i].value)))
                rows[i][name] = replace(texts[i], value=None)
            for i, value in numbers.items():
                rows[i][name] = replace(texts[i], value=value)
        elif texts:
            for i, c in known.items():
                rows[i][name] = replace(c, value=str(c.value) if i in texts else c.seen)
    return found


def _number(text: str, decimal_comma: bool) -> float | None:
    if decimal_comma and _COMMA(text):
        text = text.replace(",", ".")
    return float(text) if _PLAIN(text) else None
