"""Cochran's Q and the measures of inconsistency built on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metaalliance.core.inference.intervals import chi2_p
from metaalliance.core.variance.multilevel import MultilevelData, evaluate


@dataclass(frozen=True, slots=True)
class QTest:
    """Cochran's Q with what I² needs beside it.

    Attributes
    ----------
    Q, df, p_value : float
        Residual heterogeneity statistic and its chi-squared test.
    typical_variance : float
        The "typical" sampling variance (k - p) / tr(P) of Higgins and Thompson (2002),
        with P computed from the sampling covariance alone.
    """

    Q: float
    df: int
    p_value: float
    typical_variance: float

    def I2(self, tau2: float) -> float:
        """Share of `tau2` in the total variance, a fraction in [0, 1]."""
        total = tau2 + self.typical_variance
        return tau2 / total if total > 0 else 0.0

    def H2(self, tau2: float) -> float:
        """Total variance over sampling variance."""
        return 1 + tau2 / self.typical_variance


def q_test(data: MultilevelData) -> QTest:
    """Test the residual heterogeneity of effects, their sampling covariance as assumed.

    References
    ----------
    Higgins and Thompson (2002).
    """
    k, p = data.X.shape
    df, nothing = k - p, np.zeros(len(data.names))
    if data.means is not None:
        at = data.means.at(nothing[None], restricted=False)
        Q, trace_P = max(0.0, float(at.rss[0])), float(at.trace()[0])
    else:
        point = evaluate(data, nothing, restricted=False)
        Q = max(0.0, float((data.yi - data.X @ point.beta) @ point.u))
        trace = float(point.covariance.diagonal(data.names.index("effect")).sum())
        trace_P = trace - float(np.sum(point.bread * (point.WX.T @ point.WX)))
    typical = df / trace_P if df > 0 else float("nan")
    return QTest(Q, df, chi2_p(Q, df), typical)
