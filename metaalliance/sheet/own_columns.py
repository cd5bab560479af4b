"""Columns of the team: numbers where most values are, levels where not."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from metaalliance.sheet.coded import CodedColumn
from metaalliance.sheet.read.missing import UNKNOWN_WORDS

_PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)").fullmatch
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+").fullmatch
#: Levels beside words, missing beside numbers.
_BESIDE_NUMBERS = UNKNOWN_WORDS | {"none"}
_Found = tuple[int, str, str, str, str]


def with_numbers(
    columns: Mapping[str, CodedColumn], *, decimal_comma: bool, levels: Collection[str] = ()
) -> list[_Found]:
    """Read columns of the team as numbers where most values that are not missing are.

    Parameters
    ----------
    columns : mapping of str to CodedColumn
        The columns of the team, which are changed.
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
    for name, column in columns.items():
        found += _with_numbers(column, name, decimal_comma, named=name in levels)
    return found


def _with_numbers(
    column: CodedColumn, name: str, decimal_comma: bool, *, named: bool
) -> Iterator[_Found]:
    known = [i for i, value in enumerate(column.values) if value is not None]
    texts = {i: t for i in known if isinstance(t := column.values[i], str)}
    missing = {i: t for i, t in texts.items() if t.casefold() in _BESIDE_NUMBERS}
    read = {i: _number(t, decimal_comma) for i, t in texts.items() if i not in missing}
    words = {i: texts[i] for i, value in read.items() if value is None}
    numbers = len(known) - len(missing) - len(words)
    most = not named and numbers > len(words)
    if numbers and (not words or (most and not any(map(_has_digit, words.values())))):
        for i, text in texts.items():
            column.put(i, read.get(i))
            if i in missing:
                yield i, name, "MA310", f"{text!r} is read as missing", ""
            elif i in words:
                yield i, name, "MA344", f"{text!r} stands among numbers", "read as missing"
        return
    for i in known if texts else ():
        if i not in texts:
            column.put(i, column.seen(i))
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
