"""The independent witness: two-level rows recomputed by PyMARE and statsmodels."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.variance.tau2 import ESTIMATORS, log_likelihood
from metaalliance.errors import EstimationError
from metaalliance.models.comparison import NamedFit
from metaalliance.models.fits import TwoLevelFit
from metaalliance.models.scale import without_nan

#: Estimators of tau² that PyMARE has too.
_PYMARE = ("DL", "HE", "ML", "REML")
#: Differences that are rounding: of tau² relative to tau² plus a typical variance, of the mean
#: and its standard error relative to the latter.
ROUNDING = 1e-10
#: PyMARE's searches for ML and REML stop up to 1e-7 short, at the same height of the likelihood.
SAME_HEIGHT = 1e-8
_QUANTITIES = {
    "tau2": "tau²",
    "tau2_ci": "Q-profile limit of tau²",
    "estimate": "mean",
    "se": "standard error",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCheck:
    """Differences of one two-level row, ours less theirs; NaN where they have no counterpart.

    Attributes
    ----------
    name : str
        The row.
    tau2 : float
        Against PyMARE's estimate, which exists for DL, HE, ML and REML.
    tau2_ci : float
        Against PyMARE's Q-profile interval: the limit that differs more.
    estimate, se : float
        Against statsmodels' weighted least squares at our tau²; it has no cluster-robust test of
        this kind, so that `se` is then NaN.
    gain : float
        Log-likelihood at our tau² less that at PyMARE's, for ML and REML.
    agrees : bool
        Whether the differences are rounding, and tau² of a likelihood reaches the same height.
    """

    name: str
    tau2: float
    tau2_ci: float
    estimate: float
    se: float
    gain: float
    agrees: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the differences."""
        return without_nan({name: getattr(self, name) for name in self.__slots__})


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossCheck:
    """What the witness says about the two-level rows of a comparison.

    Attributes
    ----------
    rows : tuple of RowCheck
        One for each row that could be recomputed.
    """

    rows: tuple[RowCheck, ...]

    @property
    def largest(self) -> float:
        """Largest absolute difference; NaN without rows."""
        return abs(self._worst()[2])

    @property
    def agrees(self) -> bool:
        """Whether every row agrees."""
        return all(row.agrees for row in self.rows)

    def differences(self) -> dict[str, float]:
        """Return the largest difference of each quantity, with its sign; NaN where there is none.

        The keys are "tau2", "tau2_ci", "estimate" and "se".
        """
        return {name: _largest([getattr(row, name) for row in self.rows]) for name in _QUANTITIES}

    def text(self) -> str:
        """Return one line about the largest difference."""
        if not self.rows:
            return "There is no two-level row that PyMARE and statsmodels could recompute."
        n, (row, quantity, value) = len(self.rows), self._worst()
        if self.agrees:
            rows = "the two-level row" if n == 1 else f"{n} two-level rows"
            size = f"below {_power_above(abs(value)):.0e}" if value else "none"
            return (
                f"PyMARE and statsmodels agree on {rows}: largest difference {size} "
                f"({quantity}, {row})."
            )
        where = f"{abs(value):.1e} ({quantity}, {row})"
        lower = any(row.gain > SAME_HEIGHT and not row.agrees for row in self.rows)
        why = " PyMARE's tau² has a lower likelihood." if lower else ""
        return f"PyMARE or statsmodels differ by {where}.{why}"

    def to_dict(self) -> dict[str, Any]:
        """Return the largest differences, and those of each row."""
        rows = [row.to_dict() for row in self.rows]
        found = {"largest": self.largest, "agrees": self.agrees, "rows": rows}
        return without_nan({**self.differences(), **found})

    def _worst(self) -> tuple[str, str, float]:
        """Row, quantity and value of the largest difference, among the rows that do not agree."""
        rows = [row for row in self.rows if not row.agrees] or self.rows
        every = [(r.name, words, getattr(r, n)) for r in rows for n, words in _QUANTITIES.items()]
        known = [found for found in every if not math.isnan(found[2])]
        return max(known, key=lambda found: abs(found[2]), default=("", "", math.nan))


def witness(rows: Sequence[NamedFit]) -> CrossCheck:
    """Recompute every two-level row with PyMARE and statsmodels.

    PyMARE gives tau² (DL, HE, ML, REML) and its Q-profile interval, statsmodels the weighted mean
    and its standard error at our tau². They share no code with this package.

    Parameters
    ----------
    rows : sequence of NamedFit
        Rows of a comparison; those of other models are passed over, and so is a single effect.

    Examples
    --------
    >>> from metaalliance import Effects, pool
    >>> fit = pool(Effects.from_arrays([0.1, 0.3, 0.5], [0.02, 0.02, 0.02]), tau2="DL")
    >>> witness([NamedFit("two-level (main)", fit)]).agrees
    True
    """
    return CrossCheck(rows=tuple(_row(r.name, r.fit) for r in rows if _has_counterpart(r.fit)))


def cross_check(fit: TwoLevelFit) -> CrossCheck:
    """Recompute one two-level fit.

    Raises
    ------
    EstimationError
        For a single effect, which leaves nothing to recompute.
    """
    found = witness([NamedFit(fit.model, fit)])
    if not found.rows:
        raise EstimationError("There is no independent implementation of this fit here.")
    return found


def _has_counterpart(fit: Any) -> bool:
    return isinstance(fit, TwoLevelFit) and not math.isnan(fit.tau2)


def _row(name: str, fit: Any) -> RowCheck:
    yi, vi, X = fit.effects.yi, fit.effects.vi, np.ones((fit.n_effects, 1))
    typical = float(vi.size / np.sum(1 / vi))
    unit = yi / math.sqrt(typical), vi / typical  # PyMARE's tolerances are absolute
    tau2 = gain = math.nan
    if fit.tau2_method in _PYMARE:
        theirs = _pymare_tau2(*unit, X, fit.tau2_method) * typical
        tau2, likelihood = fit.tau2 - theirs, ESTIMATORS[fit.tau2_method].likelihood
        if likelihood:
            ours, other = (
                log_likelihood(yi, vi, X, t, restricted=likelihood == "restricted")
                for t in (fit.tau2, theirs)
            )
            gain = ours - other
    limits = [limit * typical for limit in _pymare_interval(*unit, X, fit.level)]
    mean, se = _statsmodels(fit, yi, vi, X)
    tau2_ci = _largest([a - b for a, b in zip(fit.tau2_ci(), limits, strict=True)])
    estimate, se = fit.estimate - mean, fit.se - se
    small = (
        _rounding(tau2, fit.tau2 + typical) or abs(gain) <= SAME_HEIGHT,
        _rounding(tau2_ci, limits[1] + typical),
        _rounding(estimate, fit.se),
        _rounding(se, fit.se),
    )
    return RowCheck(
        name=name, tau2=tau2, tau2_ci=tau2_ci, estimate=estimate, se=se, gain=gain,
        agrees=all(small),
    )  # fmt: skip


def _power_above(value: float) -> float:
    """The power of ten above a rounding error, whose own digits differ between processors."""
    return float(10.0 ** math.ceil(math.log10(value)))


def _rounding(difference: float, size: float) -> bool:
    """Whether a difference is rounding; one that does not exist is."""
    return math.isnan(difference) or abs(difference) <= ROUNDING * size


def _largest(values: Sequence[float]) -> float:
    """Return the value of the largest size, with its sign; NaN where there is none."""
    return max((v for v in values if not math.isnan(v)), key=abs, default=math.nan)


def _pymare_tau2(yi: Array, vi: Array, X: Array, method: str) -> float:
    """PyMARE's tau²; its small-sample default is switched off."""
    estimators = _pymare("pymare.estimators")
    make = {"DL": estimators.DerSimonianLaird, "HE": estimators.Hedges}.get(method)
    if make is None:
        make = estimators.VarianceBasedLikelihoodEstimator
        estimator = make(method=method, small_sample_correction="wald")
    else:
        estimator = make(small_sample_correction="wald")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        estimator.fit(yi[:, None], vi[:, None], X)
    return max(0.0, float(np.ravel(estimator.params_["tau2"])[0]))


def _pymare_interval(yi: Array, vi: Array, X: Array, level: float) -> tuple[float, float]:
    """PyMARE's Q-profile interval."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = _pymare("pymare.stats").q_profile(yi, vi, X, alpha=1 - level)
    return float(found["ci_l"]), float(found["ci_u"])


def _pymare(module: str) -> Any:
    """Import a module of PyMARE when it is needed: it brings sympy, and takes a second."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # PyMARE leaves a file open
        return import_module(module)


def _statsmodels(fit: Any, yi: Array, vi: Array, X: Array) -> tuple[float, float]:
    """Mean and standard error of weighted least squares at the weights of the fit."""
    from statsmodels.regression.linear_model import WLS

    identical = any(notice.code == "MA614" for notice in fit.notices)
    scaled = fit.test.startswith("knapp-hartung") and not (fit.guard_acted or identical)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = WLS(yi, X, weights=1 / (vi + fit.tau2))
        result = model.fit() if scaled else model.fit(cov_type="fixed scale")
    se = math.nan if fit.test.startswith("cr") else float(result.bse[0])
    return float(result.params[0]), se
