"""What is left to chance in a p-value that is counted among random replications."""

from __future__ import annotations

import math


def monte_carlo_se(p_value: float, replications: int) -> float:
    """Standard error of a share among random replications; NaN without one.

    Examples
    --------
    >>> round(monte_carlo_se(0.05, 999), 4)
    0.0069
    """
    if math.isnan(p_value) or not replications:
        return math.nan
    return math.sqrt(p_value * (1 - p_value) / replications)
