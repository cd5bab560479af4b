"""Cochran's Q and the measures of inconsistency built on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.inference.intervals import chi2_p
from metaalliance.core.variance.blocks import MarginalCovariance, StudyBlocks


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


def q_test(yi: Array, vi: Array, X: Array, blocks: StudyBlocks, rho: float = 0.0) -> QTest:
    """Test the residual heterogeneity of effects with known sampling covariance.

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Effects sorted by study and their sampling variances.
    X : ndarray, shape (k, p)
        Design matrix.
    blocks : StudyBlocks
        The studies.
    rho : float
        Correlation of sampling errors within a study.

    References
    ----------
    Higgins JPT, Thompson SG (2002). Statistics in Medicine 21, 1539-1558.
    """
    k, p = X.shape
    V = MarginalCovariance.build(blocks, vi, rho, 0.0, 0.0)
    WX = V.solve(X)
    bread = np.linalg.inv(WX.T @ X)
    residuals = yi - X @ (bread @ (WX.T @ yi))
    Q = max(0.0, float(residuals @ V.solve(residuals)))
    trace_P = V.traces()[0] - float(np.sum(bread * (WX.T @ WX)))
    df = k - p
    typical = df / trace_P if df > 0 else float("nan")
    return QTest(Q, df, chi2_p(Q, df), typical)
