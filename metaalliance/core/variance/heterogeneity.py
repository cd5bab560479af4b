"""Cochran's Q and the measures of inconsistency built on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metaalliance.core.inference.intervals import chi2_p
from metaalliance.core.variance.multilevel import MultilevelData, evaluate, fitted_values


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
    nothing = np.zeros(len(data.names))
    if data.means is not None:
        at = data.means.at(nothing[None], restricted=False)
        return _tested(float(at.rss[0]), k - p, float(at.trace()[0]))
    point = evaluate(data, nothing, restricted=False)
    Q = float((data.yi - fitted_values(data, point)) @ point.u)
    trace = float(point.covariance.diagonal(data.names.index("effect")).sum())
    if point.disjoint is None:
        lost = float(np.sum(point.bread * (point.WX.T @ point.WX)))
    else:
        lost = float(point.disjoint.lost().sum())
    return _tested(Q, k - p, trace - lost)


def q_tests(data: MultilevelData) -> list[QTest]:
    """Test the heterogeneity of each group of a design of disjoint groups by itself.

    Raises
    ------
    ValueError
        For another design.
    """
    if data.disjoint is None:
        raise ValueError("The design is not one of disjoint groups of whole clusters.")
    point = evaluate(data, np.zeros(len(data.names)), restricted=False)
    assert point.disjoint is not None
    sums = data.disjoint.sums
    Q = sums((data.yi - point.disjoint.fitted) * point.u)
    trace = sums(point.covariance.diagonal(data.names.index("effect")))
    df = np.bincount(data.disjoint.codes, minlength=data.disjoint.p) - 1
    parts = zip(Q, df, trace - point.disjoint.lost(), strict=True)
    return [_tested(float(own), int(left), float(rest)) for own, left, rest in parts]


def _tested(Q: float, df: int, trace_P: float) -> QTest:
    Q = max(0.0, Q)
    return QTest(Q, df, chi2_p(Q, df), df / trace_P if df > 0 else float("nan"))
