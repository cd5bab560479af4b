"""Levels of a column: how they are written, and in which order they come."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.sheet.columns.vocabularies import VOCABULARIES, key_of

#: Level of the effects without a value.
MISSING = "not reported"
#: Where a frame of effects keeps the order of the levels of its columns.
ORDERS = "level_orders"
#: Where it keeps the columns that headers of the sheet were read as, by folded header.
HEADERS = "headers"
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def level_text(value: Any) -> str:
    """Return a level as text; numbers without needless decimals.

    Examples
    --------
    >>> level_text(2001.0), level_text(0.5), level_text(" early ")
    ('2001', '0.5', 'early')
    """
    if isinstance(value, float) and value == value // 1:
        return str(int(value))
    return str(value).strip()


def read_as(frame: pd.DataFrame, name: str) -> str | None:
    """Return the column that a header of the sheet was read as; None where it is no other."""
    column: str | None = frame.attrs.get(HEADERS, {}).get(key_of(name))
    return column if column in frame else None


def level_labels(values: pd.Series[Any]) -> np.ndarray:
    """Return the level of each effect as text; what has none is "not reported"."""
    texts = [MISSING if pd.isna(v) else level_text(v) or MISSING for v in values]
    return np.array(texts, dtype=object)


def in_order(levels: Iterable[str], frame: pd.DataFrame, name: str) -> list[str]:
    """Return levels in the order of the codebook or the vocabulary, else of number and alphabet.

    Examples
    --------
    >>> in_order({"late", "early", "other time"}, pd.DataFrame(), "alliance_time")
    ['early', 'late', 'other time']
    >>> in_order({"100", "8", "12", "not reported"}, pd.DataFrame(), "sessions")
    ['8', '12', '100', 'not reported']
    """
    rank = {level: i for i, level in enumerate(known_order(frame, name))}
    return sorted(levels, key=lambda v: (v == MISSING, rank.get(v, len(rank)), natural_key(v), v))


def known_order(frame: pd.DataFrame, name: str) -> tuple[str, ...]:
    """Order of the levels of a column in the codebook or its vocabulary; empty without one."""
    orders: Mapping[str, tuple[str, ...]] = frame.attrs.get(ORDERS, {})
    if name in orders:
        return tuple(orders[name])
    vocabulary = VOCABULARIES.get(name)
    return () if vocabulary is None or vocabulary.named else vocabulary.levels


def natural_key(text: str) -> list[tuple[int, float, str]]:
    """Sort key that compares the numbers in texts as numbers."""
    parts: list[tuple[int, float, str]] = []
    for part in re.split(r"(\d+(?:\.\d+)?)", text.casefold()):
        if part:
            parts.append((0, float(part), "") if _NUMBER.fullmatch(part) else (1, 0.0, part))
    return parts
