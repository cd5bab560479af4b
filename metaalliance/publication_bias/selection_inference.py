"""Inference in selection models: errors, intervals, the test of selection, notices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array, read_only
from metaalliance.core.distributions import f_sf
from metaalliance.core.inference.intervals import chi2_p, critical_value, two_sided_p
from metaalliance.core.selection.fit import SelectionOptimum
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError
from metaalliance.problems import Problem, notice
from metaalliance.publication_bias.checks import Start
from metaalliance.publication_bias.selection_result import Way
from metaalliance.wording.numbers import number

#: Weights beyond these are not told from zero or infinity.
_SMALLEST, _LARGEST = 1e-3, 1e2
#: Studies below which sandwich errors without a small-sample correction are too small.
_FEW_CLUSTERS = 20
#: Maxima of the log-likelihood closer than this are not told apart (chi-squared .95 / 2).
_HARDLY_LOWER = 1.92


def orient(yi: Array, way: Way) -> Array:
    """Effects turned so that selection favours large ones."""
    return -yi if way == "less" else yi


def inference(
    start: Start,
    optimum: SelectionOptimum,
    names: tuple[str, ...],
    way: Way,
    *,
    given: Array | None = None,
    reference: bool = True,
) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """Return the shared fields of a result, and its notices.

    Parameters
    ----------
    start : Start
        What was fitted; with several effects of a study errors are cluster-robust.
    optimum : SelectionOptimum
        Maximum for the oriented effects.
    names : tuple of str
        Coefficients.
    way : {"greater", "less", "two-sided"}
        Orientation.
    given : ndarray, optional
        Known weights.
    reference : bool
        Whether a weight of one comes before the others.
    """
    effects, level = start.effects, start.model.level
    p, clustered = len(names), effects.dependent()
    _refuse_endless(optimum)
    sign = -1.0 if way == "less" else 1.0
    theta, covariance = (
        optimum.theta,
        _sandwich(effects, optimum) if clustered else optimum.covariance(),
    )
    weights = np.exp(theta[p + 1 :])
    scale = np.concatenate([np.full(p, sign), [1.0], weights])
    covariance *= np.outer(scale, scale)
    df = float(effects.n_studies - 1) if clustered else math.inf
    beta, se = sign * theta[:p], np.sqrt(np.diag(covariance)[:p])
    statistic, half = beta / se, critical_value(level, df) * se
    fields: dict[str, Any] = {
        **start.fields(),
        "names": names,
        "beta": read_only(beta),
        "se": read_only(se),
        "statistic": read_only(statistic),
        "p_value": read_only(np.array([two_sided_p(float(t), df) for t in statistic])),
        "ci_low": read_only(beta - half),
        "ci_high": read_only(beta + half),
        "df": df,
        "covariance": read_only(covariance),
        "tau2": float(theta[p]),
        "tau2_se": math.sqrt(covariance[p, p]),
        "errors": "cluster-robust" if clustered else "likelihood",
        "log_likelihood": optimum.log_likelihood,
        "log_likelihood_unselected": optimum.log_likelihood_unselected,
        "alternative": way,
        **_weights(weights, covariance[p + 1 :, p + 1 :], df, level, given, reference),
        **_test(optimum, weights, covariance[p + 1 :, p + 1 :], df, clustered=clustered),
    }
    return fields, _notices(optimum, weights, sign, effects)


def _refuse_endless(optimum: SelectionOptimum) -> None:
    """Refuse a maximum above which the likelihood rises as a weight runs to zero or infinity."""
    if optimum.higher > 0:
        raise EstimationError(
            "The selection model was refused: its likelihood rises without end as a weight runs "
            f"away, {number(optimum.higher, 2)} above the highest maximum so far. These effects "
            "do not determine the weights.",
            code="MA654",
        )


def _sandwich(effects: Effects, optimum: SelectionOptimum) -> Array:
    """Cluster-robust covariance: scores summed by study, times m / (m - 1)."""
    codes, labels = pd.factorize(effects.frame["study"])
    m, free = len(labels), optimum.free
    if m <= int(free.sum()):
        raise EstimationError(
            f"Cluster-robust errors of {int(free.sum())} parameters need more studies than that; "
            f"there are {m}. Use fewer steps or moderators, or aggregate the effects.",
            code="MA651",
        )
    return optimum.sandwich(codes, m)


def _weights(
    delta: Array, covariance: Array, df: float, level: float, given: Array | None, reference: bool
) -> dict[str, Array]:
    """Weights with errors; the reference and known ones have none."""
    first = np.ones(1 if reference else 0)
    known = delta if given is None else given
    none = np.full(known.size, np.nan)
    se = np.sqrt(np.diag(covariance)) if given is None else none
    with np.errstate(over="ignore"):
        factor = np.exp(critical_value(level, df) * se / known)
    blank = np.full(first.size, np.nan)
    return {
        "weights": read_only(np.concatenate([first, known])),
        "weights_se": read_only(np.concatenate([blank, se])),
        "weights_low": read_only(np.concatenate([blank, known / factor])),
        "weights_high": read_only(np.concatenate([blank, known * factor])),
    }


def _test(
    optimum: SelectionOptimum, weights: Array, covariance: Array, df: float, *, clustered: bool
) -> dict[str, Any]:
    """Test that all selection parameters are one."""
    d = weights.size
    if d == 0:
        return {"test": "none", "test_statistic": math.nan, "test_df": 0, "test_p_value": math.nan}
    if not clustered:
        ratio = 2 * (optimum.log_likelihood - optimum.log_likelihood_unselected)
        ratio = max(0.0, ratio)
        tail = chi2_p(ratio, d)
        return {"test": "likelihood-ratio", "test_statistic": ratio, "test_df": d,
                "test_p_value": tail}  # fmt: skip
    logs = np.log(weights)
    V = covariance / np.outer(weights, weights)
    F = float(logs @ np.linalg.solve(V, logs)) / d
    tail = float(f_sf(F, d, df))
    return {"test": "cluster-robust-wald", "test_statistic": F, "test_df": d, "test_p_value": tail}


def _notices(
    optimum: SelectionOptimum, weights: Array, sign: float, effects: Effects
) -> tuple[Problem, ...]:
    found: tuple[Problem, ...] = ()
    if effects.dependent():
        few = effects.n_studies < _FEW_CLUSTERS
        message = (
            f"Studies have several effects ({effects.n_effects} in {effects.n_studies}): standard "
            "errors are cluster-robust, and the test of selection is a Wald test with them"
            + ("; with fewer than 20 studies both are too optimistic." if few else ".")
        )
        found = (notice("MA659", message, severity="warning" if few else "note"),)
    if ((weights < _SMALLEST) | (weights > _LARGEST)).any():
        message = (
            "A selection weight is estimated next to zero or far above one "
            f"({', '.join(f'{w:.3g}' for w in weights)}): the likelihood is nearly flat there."
        )
        found += (notice("MA658", message, "Do not rely on the adjusted estimate."),)
    return found + _other_maximum(optimum, sign)


def _other_maximum(optimum: SelectionOptimum, sign: float) -> tuple[Problem, ...]:
    """Warn of a second maximum that is hardly lower and has another mean."""
    mean = float(optimum.theta[0])
    for theta, drop in optimum.lower:
        other = float(theta[0])
        if drop <= _HARDLY_LOWER and abs(other - mean) > 0.1 * abs(mean) + 1e-3:
            message = (
                f"The likelihood has two maxima. The higher one is taken, with "
                f"{number(sign * mean)} (analysis scale); the other, lower by {number(drop, 2)} in "
                f"log-likelihood, has {number(sign * other)}."
            )
            return (notice("MA658", message, "Do not rely on the adjusted estimate."),)
    return ()
