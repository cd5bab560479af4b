"""Inference in selection models: errors, intervals, the test of selection, notices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array, IntArray, read_only
from metaalliance.core.distributions import f_sf
from metaalliance.core.inference.intervals import chi2_p, critical_value, two_sided_p
from metaalliance.core.selection.optimum import SelectionOptimum
from metaalliance.errors import EstimationError
from metaalliance.problems import Problem, notice
from metaalliance.publication_bias.checks import Start
from metaalliance.publication_bias.design import Designs
from metaalliance.publication_bias.result import Term
from metaalliance.publication_bias.selection_bootstrap import (
    Resampled,
    SelectionBootstrap,
    bootstrapped,
)
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
    designs: Designs,
    way: Way,
    how: Resampled,
    usual: int,
    *,
    given: Array | None = None,
    weights: tuple[str, ...] = (),
    reference: bool = True,
) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """Return the shared fields of a result, and its notices.

    Parameters
    ----------
    start : Start
        What was fitted; with several effects of a study errors are cluster-robust.
    optimum : SelectionOptimum
        Maximum for the oriented effects.
    designs : Designs
        Coefficients of the mean, of log tau² and of log weights.
    way : {"greater", "less", "two-sided"}
        Orientation.
    how : Resampled
        Whether intervals come from a bootstrap.
    usual : int
        Replicates where their number is not stated.
    given : ndarray, optional
        Known weights.
    weights : tuple of str
        Names of the estimated weights.
    reference : bool
        Whether a weight of one comes before the others.
    """
    effects, level = start.effects, start.model.level
    p, d = len(designs.names), optimum.problem.weights.n
    _refuse_endless(optimum)
    sign = -1.0 if way == "less" else 1.0
    codes, labels = pd.factorize(effects.frame["study"])
    robust = (
        len(labels) < codes.size
        or optimum.estimator == "argl"
        or optimum.problem.penalty is not None
    )
    A = _quantities(optimum, designs, sign)
    raw = _sandwich(optimum, codes, len(labels)) if robust else optimum.covariance()
    values, covariance = A @ optimum.theta, _carried(raw, A)
    logarithms = np.zeros(len(values), dtype=bool)
    logarithms[p], logarithms[p + 1 : p + 1 + d] = optimum.problem.log_variance, True
    scale = np.where(logarithms, np.exp(np.where(logarithms, values, 0.0)), 1.0)
    estimates = np.where(logarithms, scale, values)
    covariance *= np.outer(scale, scale)
    df = float(len(labels) - 1) if robust else math.inf
    errors = np.sqrt(np.diag(covariance))
    beta, se = estimates[:p], errors[:p]
    statistic, half = beta / se, critical_value(level, df) * errors
    low, high = estimates - half, estimates + half
    with np.errstate(over="ignore"):
        factor = np.exp(half / estimates)
    low[logarithms], high[logarithms] = (
        (estimates / factor)[logarithms],
        (estimates * factor)[logarithms],
    )
    names = (*designs.names, "tau2", *weights, *designs.further(weights))
    drawn, said = _drawn(
        optimum, codes.astype(np.intp), how, usual, level, A=A, logarithms=logarithms, names=names
    )
    if drawn is not None:
        low, high = drawn.low, drawn.high
    table = np.array([estimates, errors, low, high])
    fields: dict[str, Any] = {
        **start.fields(),
        "names": designs.names,
        "beta": read_only(beta),
        "se": read_only(se),
        "statistic": read_only(statistic),
        "p_value": read_only(np.array([two_sided_p(float(t), df) for t in statistic])),
        "ci_low": read_only(low[:p]),
        "ci_high": read_only(high[:p]),
        "df": df,
        "covariance": read_only(covariance[: p + 1 + d, : p + 1 + d]),
        "tau2": float(estimates[p]),
        "tau2_se": float(errors[p]),
        "errors": "cluster-robust" if robust else "likelihood",
        "estimator": optimum.estimator,
        "penalty": "none" if optimum.problem.penalty is None else "weak",
        "bootstrap": drawn,
        "log_likelihood": optimum.log_likelihood,
        "log_likelihood_unselected": optimum.log_likelihood_unselected,
        "alternative": way,
        **_weights(*table[:, p + 1 : p + 1 + d], given=given, reference=reference),
        **_test(optimum, raw, df, robust=robust),
        "moderated": _further(designs.further(weights), table[:, p + 1 + d :], df),
    }
    found = _robust_errors(optimum, len(labels)) if robust else ()
    found += flat_weights(estimates[p + 1 : p + 1 + d])
    return fields, (*found, *_other_maximum(optimum, sign), *said)


def _drawn(
    optimum: SelectionOptimum, codes: IntArray, how: Resampled, *arguments: Any, **quantities: Any
) -> tuple[SelectionBootstrap | None, tuple[Problem, ...]]:
    """Bootstrap, and what the reader has to know of it.

    Where nobody asked for one and most samples have no estimates, the limits stay those of the
    standard errors.
    """
    kind = how.drawn(dependent=int(codes.max()) + 1 < codes.size)
    if kind is None:
        return None, ()
    try:
        found = bootstrapped(optimum, codes, kind, how, *arguments, **quantities)
    except EstimationError as error:
        if how.bootstrap != "auto" or how.of_a_bootstrap():
            raise
        message = f"Limits of the selection model are those of its standard errors. {error}"
        return None, (notice("MA634", message),)
    return found, found.notices()


def _quantities(optimum: SelectionOptimum, designs: Designs, sign: float) -> Array:
    """Linear functions of the parameters that a result reports, shape (n, q).

    Coefficients of the mean as they were before effects were turned; tau² or its logarithm, and
    the logarithms of weights, at the mean of their moderators; coefficients of these moderators.
    """
    mean, variance, *selection = optimum.problem.places
    q = optimum.at.size
    rows = [sign * np.eye(q)[mean]]
    for place, design in [(variance, designs.U), *((place, designs.Z) for place in selection)]:
        row = np.zeros((1, q))
        row[0, place] = 1.0 if design is None else design.mean(axis=0)
        rows.append(row)
    if designs.U is not None:
        rows.append(np.eye(q)[variance])
    if designs.Z is not None:
        rows += [np.eye(q)[place] for place in selection]
    return np.concatenate(rows)


def _carried(V: Array, A: Array) -> Array:
    """Covariance of linear functions; NaN for those that rest on a parameter at its boundary."""
    held = np.isnan(np.diag(V))
    moved: Array = A @ np.where(np.isnan(V), 0.0, V) @ A.T
    lost = (np.abs(A) @ held.astype(float)) > 0
    moved[lost], moved[:, lost] = np.nan, np.nan
    return moved


def _further(names: tuple[str, ...], table: Array, df: float) -> tuple[Term, ...]:
    """Coefficients of the moderators of the variance and of selection; rows as in `_weights`."""
    return tuple(
        Term(
            name=name,
            estimate=float(b),
            se=float(se),
            statistic=float(b / se),
            df=df,
            p_value=two_sided_p(float(b / se), df),
            ci_low=float(below),
            ci_high=float(above),
        )
        for name, b, se, below, above in zip(names, *table, strict=True)
    )


def _refuse_endless(optimum: SelectionOptimum) -> None:
    """Refuse a maximum above which the likelihood rises as a weight runs to zero or infinity."""
    if optimum.higher > 0:
        raise EstimationError(
            "The selection model was refused: its likelihood rises without end as a weight runs "
            f"away, {number(optimum.higher, 2)} above the highest maximum so far. These effects "
            "do not determine the weights.",
            code="MA654",
        )


def _sandwich(optimum: SelectionOptimum, codes: IntArray, m: int) -> Array:
    """Cluster-robust covariance: scores summed by study, times m / (m - 1)."""
    free = int(optimum.free.sum())
    if m <= free:
        raise EstimationError(
            f"Cluster-robust errors of {free} parameters need more studies than that; "
            f"there are {m}. Use fewer steps or moderators, or aggregate the effects.",
            code="MA651",
        )
    return optimum.sandwich(codes, m)


def _weights(
    estimates: Array,
    errors: Array,
    low: Array,
    high: Array,
    *,
    given: Array | None,
    reference: bool,
) -> dict[str, Array]:
    """Weights with errors; the reference and known ones have none."""
    if given is not None:
        estimates, errors, low, high = given, *np.full((3, given.size), np.nan)
    first, blank = np.ones(1 if reference else 0), np.full(1 if reference else 0, np.nan)
    return {
        "weights": read_only(np.concatenate([first, estimates])),
        "weights_se": read_only(np.concatenate([blank, errors])),
        "weights_low": read_only(np.concatenate([blank, low])),
        "weights_high": read_only(np.concatenate([blank, high])),
    }


def _test(
    optimum: SelectionOptimum, covariance: Array, df: float, *, robust: bool
) -> dict[str, Any]:
    """Test that all parameters of selection are zero, so that all weights are one."""
    logs, V = optimum.theta[optimum.problem.selection], covariance
    d = logs.size
    if d == 0:
        return {"test": "none", "test_statistic": math.nan, "test_df": 0, "test_p_value": math.nan}
    if not robust:
        ratio = 2 * (optimum.log_likelihood - optimum.log_likelihood_unselected)
        ratio = max(0.0, ratio)
        tail = chi2_p(ratio, d)
        return {"test": "likelihood-ratio", "test_statistic": ratio, "test_df": d,
                "test_p_value": tail}  # fmt: skip
    F = float(logs @ np.linalg.solve(V[-d:, -d:], logs)) / d
    tail = float(f_sf(F, d, df))
    return {"test": "cluster-robust-wald", "test_statistic": F, "test_df": d, "test_p_value": tail}


def _robust_errors(optimum: SelectionOptimum, m: int) -> tuple[Problem, ...]:
    """Say that effects of m studies have cluster-robust errors; warn where studies are few."""
    k, few = optimum.problem.yi.size, m < _FEW_CLUSTERS
    if m < k:
        why = f"Studies have several effects ({k} in {m})"
    elif optimum.problem.penalty is not None:
        why = "The likelihood is penalised"
    else:
        why = "Estimating equations stand for the likelihood"
    message = (
        f"{why}: standard errors are cluster-robust, and the test of selection is a Wald test with "
        f"them{'; with fewer than 20 studies both are too optimistic.' if few else '.'}"
    )
    return (notice("MA659", message, severity="warning" if few else "note"),)


def flat_weights(weights: Array) -> tuple[Problem, ...]:
    """Warn of weights that are not told from zero or infinity."""
    if not ((weights < _SMALLEST) | (weights > _LARGEST)).any():
        return ()
    message = (
        "A selection weight is estimated next to zero or far above one "
        f"({', '.join(f'{w:.3g}' for w in weights)}): the likelihood is nearly flat there."
    )
    return (notice("MA658", message, "Do not rely on the adjusted estimate."),)


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
