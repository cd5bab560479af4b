"""tau² of the two-level model: PyMARE's estimators, ours, and the polishing between."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.inference.intervals import Interval
from metaalliance.core.variance.tau2 import CLOSED_FORMS, highest_likelihood


def estimate_tau2(yi: Array, vi: Array, X: Array, method: str) -> float:
    """Estimate the between-study variance.

    DL and HE are PyMARE's. ML and REML start at PyMARE's estimate and at the top of a coarse
    grid, since the likelihood can have two maxima, and are polished until the score is zero
    to rounding. HS, SJ, PM, PMM and EB are those of `metaalliance.core.variance.tau2`.
    Everything is computed on effects scaled to a typical variance of one, since searches
    with absolute tolerances lose digits when variances are tiny.

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Effects and sampling variances.
    X : ndarray, shape (k, p)
        Design matrix of full rank, p < k.
    method : {"DL", "HE", "HS", "SJ", "EB", "PM", "PMM", "ML", "REML"}
        The estimator.

    Returns
    -------
    float
        tau², at least zero.
    """
    scale = _typical_variance(vi)
    y, v = yi / np.sqrt(scale), vi / scale
    if method in CLOSED_FORMS:
        return CLOSED_FORMS[method](y, v, X) * scale
    start = pymare_tau2(y, v, X, method)
    if method in {"ML", "REML"}:
        start = highest_likelihood(y, v, X, start, restricted=method == "REML")
    return start * scale


def pymare_tau2(yi: Array, vi: Array, X: Array, method: str) -> float:
    """Fit PyMARE's estimator; its small-sample default is switched off, tau² is all we use."""
    estimators = _pymare("pymare.estimators")
    if method == "DL":
        estimator = estimators.DerSimonianLaird(small_sample_correction="wald")
    elif method == "HE":
        estimator = estimators.Hedges(small_sample_correction="wald")
    else:
        estimator = estimators.VarianceBasedLikelihoodEstimator(
            method=method, small_sample_correction="wald"
        )
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        estimator.fit(yi[:, None], vi[:, None], X)
    value = float(np.ravel(estimator.params_["tau2"])[0])
    return max(0.0, value) if np.isfinite(value) else 0.0


def _pymare(module: str) -> Any:
    """Import a module of PyMARE when it is needed: it brings sympy, and takes a second."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # PyMARE leaves a file open
        return import_module(module)


def q_profile(yi: Array, vi: Array, level: float) -> Interval:
    """Q-profile interval of tau² by PyMARE, on effects scaled to a typical variance of one.

    References
    ----------
    Viechtbauer W (2007). Statistics in Medicine 26, 37-52.
    """
    scale = _typical_variance(vi)
    X = np.ones((yi.size, 1))
    bounds = _pymare("pymare.stats").q_profile(yi / np.sqrt(scale), vi / scale, X, alpha=1 - level)
    return Interval(float(bounds["ci_l"]) * scale, float(bounds["ci_u"]) * scale)


def _typical_variance(vi: Array) -> float:
    return float(vi.size / np.sum(1 / vi))
