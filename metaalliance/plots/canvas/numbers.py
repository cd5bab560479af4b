"""APA number text of figures: no leading zero for correlations, real minus, no "−.00"."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import back_transform
from metaalliance.options import Measure
from metaalliance.plots.canvas.wording import APA_WORDING, Wording
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import count_text

DASH = "\N{EN DASH}"


def effect_text(
    value: float, measure: Measure, digits: int = 2, wording: Wording = APA_WORDING
) -> str:
    """Return an effect of the analysis scale as text; Fisher z as r.

    Examples
    --------
    >>> effect_text(0.2877, "z"), effect_text(-0.001, "r"), effect_text(-0.5, "generic")
    ('.28', '.00', '−0.50')
    """
    shown = back_transform(value, measure)
    return number(shown, digits, correlation=measure != "generic" and not wording.leading_zero)


def interval_text(low: float, high: float, measure: Measure, wording: Wording = APA_WORDING) -> str:
    """Return an interval of the analysis scale in brackets; Fisher z as r.

    Examples
    --------
    >>> interval_text(-0.1003, 0.3, "z")
    '[−.10, .29]'
    """
    if math.isnan(low) or math.isnan(high):
        return DASH
    return " ".join(interval_ends(low, high, measure, wording))


def interval_ends(
    low: float, high: float, measure: Measure, wording: Wording = APA_WORDING
) -> tuple[str, str]:
    """Return the halves of an interval, "[.26," and ".30]", to be aligned on their own.

    Examples
    --------
    >>> from metaalliance.plots.canvas.wording import BMJ_WORDING
    >>> interval_ends(-0.1003, 0.3, "z"), interval_ends(-0.1003, 0.3, "z", BMJ_WORDING)
    (('[−.10,', '.29]'), ('(−0.10 to', '0.29)'))
    """
    if math.isnan(low) or math.isnan(high):
        return "", ""
    return wording.bounded(*(effect_text(end, measure, 2, wording) for end in (low, high)))


def cell_text(value: Any) -> str:
    """Return a value of the sheet: whole numbers whole, others with two digits.

    Examples
    --------
    >>> cell_text(45.0), cell_text(2014), cell_text(0.875), cell_text(None), cell_text("CBT")
    ('45', '2014', '0.88', '–', 'CBT')
    """
    if value is None or pd.isna(value):
        return DASH
    if isinstance(value, str | bool):
        return str(value)
    try:
        numeric = float(value)
    except (TypeError, ValueError):
        return str(value)
    if numeric.is_integer():
        return number(numeric, 0)
    return number(numeric, 2)


def column_texts(values: Iterable[Any]) -> list[str]:
    """Return the values of a column of the sheet, its numbers with the same decimals: two at most.

    Examples
    --------
    >>> column_texts([34.0, 35.5, None]), column_texts(["CBT", "IPT"])
    (['34.0', '35.5', '–'], ['CBT', 'IPT'])
    """
    found = list(values)
    numeric = [float(v) for v in found if isinstance(v, int | float) and not pd.isna(v)]
    digits = next((d for d in (0, 1) if all(abs(round(v, d) - v) < 1e-9 for v in numeric)), 2)
    return [
        number(float(v), digits)
        if isinstance(v, int | float) and not isinstance(v, bool) and not pd.isna(v)
        else cell_text(v)
        for v in found
    ]


def size_text(fit: PooledFit) -> str:
    """Return the size of a data set: studies, effects where they differ, participants."""
    parts = [count_text(fit.n_studies, "study", "studies")]
    if fit.n_effects != fit.n_studies:
        parts.append(count_text(fit.n_effects, "effect"))
    if fit.n_participants:
        parts.append(count_text(fit.n_participants, "participant"))
    return ", ".join(parts)
