"""Krippendorff's alpha: agreement of any number of coders, with missing codes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from metaalliance.core.agreement.categories import FEW_ROWS
from metaalliance.core.agreement.intraclass import NO_VARIANCE
from metaalliance.core.agreement.ratings import Ratings, encode
from metaalliance.core.arrays import IntArray
from metaalliance.errors import OptionError
from metaalliance.options import check_option

AlphaMetric = Literal["nominal", "ordinal", "interval"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alpha:
    """Krippendorff's alpha.

    Attributes
    ----------
    estimate : float
        Alpha; NaN where it does not exist, and `reason` says why.
    metric : {"nominal", "ordinal", "interval"}
        How disagreement is weighed.
    n, values, coders : int
        Units with at least two codes, codes in them, and coders.
    reason : str
        What a degenerate table means; "" for others.
    """

    estimate: float
    metric: AlphaMetric
    n: int
    values: int
    coders: int
    reason: str = ""


def krippendorff_alpha(
    ratings: Ratings, metric: AlphaMetric = "nominal", *, categories: Sequence[Any] | None = None
) -> Alpha:
    """Krippendorff's alpha of two or more coders, missing codes allowed.

    ``alpha = 1 - (n - 1) sum o_ck δ²_ck / sum n_c n_k δ²_ck`` from the coincidences o_ck of codes
    within units.

    Parameters
    ----------
    ratings : table, shape (n, coders)
        Labels or numbers; None and NaN are missing.
    metric : {"nominal", "ordinal", "interval"}
        δ² is 1; the squared number of codes between two ranks; the squared difference.
    categories : sequence, optional
        The order of the categories, for "ordinal"; by default sorted.

    References
    ----------
    Krippendorff (2011).

    Examples
    --------
    >>> round(krippendorff_alpha([[1, 1], [2, 2], [3, 3], [3, 2]], "interval").estimate, 4)
    0.8205
    """
    check_option("metric", metric, AlphaMetric)
    codes, labels = encode(ratings, categories)
    paired = codes[(codes >= 0).sum(axis=1) >= 2]
    n, values, coders = len(paired), int((paired >= 0).sum()), codes.shape[1]
    if n < 2:
        return Alpha(
            estimate=math.nan, metric=metric, n=n, values=values, coders=coders, reason=FEW_ROWS
        )
    observed, expected = _disagreement(paired, labels, metric)
    if expected == 0:
        return Alpha(
            estimate=math.nan, metric=metric, n=n, values=values, coders=coders, reason=NO_VARIANCE
        )
    alpha = 1 - (values - 1) * observed / expected
    return Alpha(estimate=alpha, metric=metric, n=n, values=values, coders=coders)


def _disagreement(codes: IntArray, labels: Sequence[Any], metric: str) -> tuple[float, float]:
    """Sums ``o_ck δ²`` and ``n_c n_k δ²``."""
    if metric == "interval":
        return _squared_differences(codes, labels)
    counts = np.zeros((len(codes), len(labels)))
    unit, coder = np.nonzero(codes >= 0)
    np.add.at(counts, (unit, codes[unit, coder]), 1.0)
    size = counts.sum(axis=1)
    scaled = counts / (size - 1)[:, None]
    coincidences = scaled.T @ counts - np.diag(scaled.sum(axis=0))
    totals = counts.sum(axis=0)
    if metric == "nominal":
        distance = 1 - np.eye(len(labels))
    else:
        middle = np.cumsum(totals) - totals / 2
        distance = np.subtract.outer(middle, middle) ** 2
    return float((coincidences * distance).sum()), float(totals @ distance @ totals)


def _squared_differences(codes: IntArray, labels: Sequence[Any]) -> tuple[float, float]:
    """The interval metric from sums of squares, without a table of values."""
    if any(isinstance(label, str) for label in labels):
        raise OptionError("metric='interval' needs numbers.")
    x = np.where(codes >= 0, np.asarray([*labels, 0.0], dtype=float)[codes], np.nan)
    x = x - np.nanmean(x)
    size = np.isfinite(x).sum(axis=1)
    within = 2 * (size * np.nansum(x**2, axis=1) - np.nansum(x, axis=1) ** 2)
    total = 2 * (size.sum() * np.nansum(x**2) - np.nansum(x) ** 2)
    varied = len({float(label) for label in np.unique(codes[codes >= 0])}) > 1
    return float((within / (size - 1)).sum()), float(total) if varied else 0.0
