"""Columns of the team: numbers where most values are, levels where not."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from metaalliance.sheet.read.missing import UNKNOWN_WORDS
from metaalliance.sheet.texts import Coded

_PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)").fullmatch
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+").fullmatch
#: Levels beside words, missing beside numbers.
_BESIDE_NUMBERS = UNKNOWN_WORDS | {"none"}
_Found = tuple[int, str, str, str, str]


def with_numbers(
    rows: Sequence[dict[str, Coded]], names: Iterable[str], *, decimal_comma: bool,
    levels: Collection[str] = (),
) -> list[_Found]:  # fmt: skip
    """Read columns of the team as numbers where most values that are not missing are.

    Parameters
    ----------
    rows : list of dict
        Cells of each row, which are changed.
    names : iterable of str
        The columns of the team.
    decimal_comma : bool
        Whether the sheet writes decimal commas.
    levels : collection of str
        Columns whose levels the team has named, where a word is no missing number.

    Returns
    -------
    list of (index, name, code, message, hint)
        What is missing because all else in its column is a number, and words that are kept.
    """
    found: list[_Found] = []
    for name in names:
        known = {i: row[name] for i, row in enumerate(rows)
                 if name in row and row[name].value is not None}  # fmt: skip
        found += _with_numbers(rows, name, known, decimal_comma, named=name in levels)
    return found


def _with_numbers(
    rows: Sequence[dict[str, Coded]], name: str, known: dict[int, Coded], decimal_comma: bool,
    *, named: bool,
) -> Iterator[_Found]:  # fmt: skip
    texts = {i: str(c.value) for i, c in known.items() if isinstance(c.value, str)}
    missing = {i: t for i, t in texts.items() if t.casefold() in _BESIDE_NUMBERS}
    read = {i: _number(t, decimal_comma) for i, t in texts.items() if i not in missing}
    words = {i: texts[i] for i, value in read.items() if value is None}
    numbers = len(known) - len(missing) - len(words)
    most = not named and numbers > len(words)
    if numbers and (not words or (most and not any(map(_has_digit, words.values())))):
        for i, text in texts.items():
            rows[i][name] = replace(known[i], value=read.get(i))
            if i in missing:
                yield i, name, "MA310", f"{text!r} is read as missing", ""
            elif i in words:
                yield i, name, "MA344", f"{text!r} stands among numbers", "read as missing"
        return
    for i, c in known.items() if texts else ():
        rows[i][name] = replace(c, value=str(c.value) if i in texts else c.seen)
        if i in missing and missing[i].casefold() in UNKNOWN_WORDS and not named:
            yield i, name, "MA527", f"{texts[i]!r} is kept as a level", ""
        elif i in words and most:
            yield (
                i,
                name,
                "MA344",
                f"{texts[i]!r} stands among numbers",
                "read as levels, all of them",
            )


def _has_digit(text: str) -> bool:
    return any(c.isdigit() for c in text)


def _number(text: str, decimal_comma: bool) -> float | None:
    if decimal_comma and _COMMA(text):
        text = text.replace(",", ".")
    return float(text) if _PLAIN(text) else None
