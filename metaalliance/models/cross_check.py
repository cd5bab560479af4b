"""Recompute a two-level fit by independent implementations and report the largest difference."""

from __future__ import annotations

import math
import warnings
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from metaalliance.errors import EstimationError
from metaalliance.models.fits import TwoLevelFit
from metaalliance.models.tau2_engine import pymare_tau2

#: Estimators of tau² that PyMARE has too.
_PYMARE = ("DL", "HE", "ML", "REML")


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossCheck:
    """Differences between this package and others on the same effects.

    Attributes
    ----------
    tau2 : float
        Against PyMARE's estimate; NaN where PyMARE lacks the estimator.
    estimate, se : float
        Against statsmodels' weighted least squares at the same tau².
    largest : float
        The largest of them, in absolute value.
    """

    tau2: float
    estimate: float
    se: float

    @property
    def largest(self) -> float:
        """Largest absolute difference."""
        return max(abs(v) for v in (self.tau2, self.estimate, self.se) if not math.isnan(v))

    def to_dict(self) -> dict[str, Any]:
        """Return the differences."""
        return {**asdict(self), "largest": self.largest}


def cross_check(fit: TwoLevelFit) -> CrossCheck:
    """Recompute a two-level fit with PyMARE and statsmodels.

    PyMARE's likelihood searches stop up to 1e-7 short of the optimum, so that a difference of
    that size in tau² is theirs.

    Raises
    ------
    EstimationError
        For a single effect, or a test that statsmodels does not have.
    """
    if math.isnan(fit.tau2) or fit.test.startswith("cr"):
        raise EstimationError("There is no independent implementation of this fit here.")
    yi, vi, X = fit.effects.yi, fit.effects.vi, np.ones((fit.n_effects, 1))
    theirs = pymare_tau2(yi, vi, X, fit.tau2_method) if fit.tau2_method in _PYMARE else math.nan
    estimate, se = _statsmodels(fit, yi, 1 / (vi + fit.tau2), X)
    return CrossCheck(tau2=fit.tau2 - theirs, estimate=fit.estimate - estimate, se=fit.se - se)


def _statsmodels(fit: TwoLevelFit, yi: Any, wi: Any, X: Any) -> tuple[float, float]:
    """Estimate and standard error of weighted least squares at the weights of the fit."""
    from statsmodels.regression.linear_model import WLS

    scaled = fit.test.startswith("knapp-hartung") and not fit.guard_acted
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = WLS(yi, X, weights=wi)
        result = model.fit() if scaled else model.fit(cov_type="fixed scale")
    return float(result.params[0]), float(result.bse[0])
