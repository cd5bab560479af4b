"""Multilevel models beyond two components: more levels, a crossed factor, richer correlations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array, IntArray, read_only
from metaalliance.core.inference.deep_robust import deep_robust_covariance
from metaalliance.core.inference.intervals import Interval, chi2_p, interval, two_sided_p
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.deep import DeepData, DeepPoint, evaluate, maximize
from metaalliance.core.variance.levels import Term
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError
from metaalliance.frozen import FrozenDict
from metaalliance.model import Specification
from metaalliance.models.checks import (
    is_zero,
    reading_notices,
    refuse_unidentified_split,
    zero_spread_notice,
)
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.prediction import prediction_df, prediction_interval
from metaalliance.options import CLUSTER_TESTS
from metaalliance.problems import Problem, notice


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DeepFit(PooledFit):
    """Effects in more than two levels, or with a crossed factor.

    Attributes
    ----------
    sigma2 : dict
        Variance component of each level by its name: "effect", "study", the columns.
    I2_levels : dict
        Share of each in the total variance.
    """

    sigma2: FrozenDict
    I2_levels: FrozenDict
    log_likelihood: float
    data: DeepData = field(repr=False)
    optimum: DeepPoint = field(repr=False)

    @property
    def tau2_method(self) -> str:
        """REML or ML."""
        return self.specification.tau2

    @property
    def prediction_df(self) -> float:
        """Degrees of freedom of the prediction interval."""
        return prediction_df(self.prediction, self.df, self.n_studies, self.n_studies - 2)

    def tau2_ci(self) -> Interval:
        """Not computed for the sum of more than two components; see the components."""
        return Interval(math.nan, math.nan)

    def heterogeneity(self) -> dict[str, Any]:
        """Return Q and the variance components by level."""
        content = PooledFit.heterogeneity(self)
        return {**content, "sigma2": dict(self.sigma2), "I2_levels": dict(self.I2_levels)}


def fit_deep(effects: Effects, model: Specification) -> DeepFit:
    """Fit a multilevel model with further levels and correlations.

    Raises
    ------
    OptionError
        When a column does not exist.
    EstimationError
        When the levels are not nested, or cannot be told apart.
    """
    _check(effects, model)
    refuse_unidentified_split(effects, model.kind)
    data, order = deep_data(effects, model)
    _refuse_unidentified(data, model)
    point = maximize(data, restricted=model.tau2 == "REML")
    estimate = float(point.beta[0])
    se, df, found = _inference(data, point, model.test)
    statistic = estimate / se
    tau2 = float(point.theta.sum())
    ci = interval(estimate, se, df, model.level)
    m = effects.n_studies
    pi = prediction_interval(
        model.prediction, estimate, se, tau2, df=df, units=m, riley=m - 2, level=model.level
    )
    Q, typical = _homogeneity(data)
    names = [model.crossed if n == "crossed" else n for n in data.names]
    sigma2 = FrozenDict(zip(names, (float(t) for t in point.theta), strict=True))
    return DeepFit(
        effects=effects,
        specification=model,
        estimate=estimate,
        se=se,
        statistic=statistic,
        df=df,
        p_value=two_sided_p(statistic, df),
        ci_low=ci.low,
        ci_high=ci.high,
        pi_low=pi.low,
        pi_high=pi.high,
        Q=Q,
        Q_df=data.yi.size - 1,
        Q_p_value=chi2_p(Q, data.yi.size - 1),
        tau2=tau2,
        I2=tau2 / (tau2 + typical),
        H2=1 + tau2 / typical,
        weights=_weights(point, order),
        notices=found + reading_notices(effects, df, model.test) + _missing_notice(effects, model),
        sigma2=sigma2,
        I2_levels=FrozenDict({name: t / (tau2 + typical) for name, t in sigma2.items()}),
        log_likelihood=point.log_likelihood,
        data=data,
        optimum=point,
    )


def _check(effects: Effects, model: Specification) -> None:
    for column in model.columns:
        if column not in effects.frame:
            raise OptionError(f"There is no column {column!r}; {effects.moderator_list()}.")
        optional = {model.crossed, "sample"}  # a blank sample is the study itself
        if column not in optional and effects.frame[column].isna().any():
            row = int(np.flatnonzero(effects.frame[column].isna())[0])
            study = effects.frame["study"].iloc[row]
            raise EstimationError(f"{column} is missing for {study}.", code="MA604")


def _missing_notice(effects: Effects, model: Specification) -> tuple[Problem, ...]:
    """Say that effects without a value of the crossed factor are one level of it."""
    if not model.crossed:
        return ()
    missing = int(effects.frame[model.crossed].isna().sum())
    if not missing:
        return ()
    message = (
        f"{missing} {'effect has' if missing == 1 else 'effects have'} no {model.crossed}: "
        "together they are one level of this factor, 'not reported'."
    )
    return (notice("MA615", message, "Complete the column if they are of several kinds."),)


def deep_data(effects: Effects, model: Specification) -> tuple[DeepData, IntArray]:
    """Sort effects so that every level is adjacent; also return the order that did it."""
    frame = effects.frame
    coarse_first = [*reversed(model.above), "study", *model.within]
    keys = _nested_keys(frame, coarse_first)
    same = _codes(frame, [*coarse_first, model.same]) if model.same else keys[-1]
    order = np.lexsort((same, *reversed(keys))).astype(np.intp)
    yi, vi = effects.yi[order], effects.vi[order]
    groups = [StudyBlocks.from_sorted(_runs(key[order])) for key in keys]
    study = groups[len(model.above)]
    own, sampling = (
        (vi, ())
        if model.kind != "che"
        else _sampling(frame, model, vi, order, study, StudyBlocks.from_sorted(_runs(same[order])))
    )
    random = tuple((name, blocks) for name, blocks in zip(coarse_first, groups, strict=True))[::-1]
    factor = None
    if model.crossed:
        labels = frame[model.crossed].astype(object).where(frame[model.crossed].notna(), "")
        factor = pd.factorize(labels)[0][order].astype(np.intp)
    X = np.ones((yi.size, 1))
    return DeepData(yi, vi, X, own, sampling, random, factor), order


def _refuse_unidentified(data: DeepData, model: Specification) -> None:
    """Refuse levels whose groups are those of another level, or one group only."""
    found = {data.yi.size: "effect"}
    for name, blocks in data.random:  # nested, so that equal numbers are equal groups
        if blocks.m == 1:
            raise EstimationError(f"All effects lie in one group of {name!r}.", code="MA611")
        if blocks.m in found:
            raise EstimationError(
                f"The levels {found[blocks.m]!r} and {name!r} have the same groups, so that their "
                "variances cannot be told apart.",
                code="MA610",
            )
        found[blocks.m] = name
    if data.factor is None:
        return
    groups = int(np.unique(data.factor).size)
    if groups == 1:
        raise EstimationError(f"All effects have one value of {model.crossed!r}.", code="MA611")
    finest = [np.arange(data.yi.size), *(blocks.study for _, blocks in data.random)]
    for codes in finest:
        pairs = np.unique(np.column_stack([codes, data.factor]), axis=0).shape[0]
        if pairs == groups == int(codes.max()) + 1:
            raise EstimationError(
                f"The values of {model.crossed!r} are the groups of the level "
                f"{found[groups]!r}, so that their variances cannot be told apart.",
                code="MA610",
            )


def _sampling(
    frame: pd.DataFrame,
    model: Specification,
    vi: Array,
    order: IntArray,
    study: StudyBlocks,
    same: StudyBlocks,
) -> tuple[Array, tuple[Term, ...]]:
    """Diagonal part and correlated terms of the sampling covariance."""
    root = np.sqrt(vi)
    if isinstance(model.rho, str):
        by_row = _correlations(frame, model.rho)[order]
        weight = by_row[study.starts]
        varies = np.flatnonzero(by_row != study.spread(weight))
        if varies.size:
            label = frame["study"].iloc[order[varies[0]]]
            raise EstimationError(f"{model.rho} differs within {label}.", code="MA603")
        outside = np.flatnonzero(~((weight >= 0) & (weight < 1)))
        if outside.size:
            raise _no_correlation(frame, model.rho, order[study.starts[outside[0]]])
    else:
        weight = np.full(study.m, float(model.rho or 0.0))
    terms = [Term(study, root, weight)]
    total = study.spread(weight)
    if model.rho_same is not None:
        extra = model.rho_same - total[same.starts]
        terms.append(Term(same, root, extra))
        total = total + same.spread(extra)
    if not (total < 1).all():
        raise EstimationError("An assumed correlation is not below 1.", code="MA603")
    return (1 - total) * vi, tuple(terms)


def _no_correlation(frame: pd.DataFrame, column: str, row: int) -> EstimationError:
    """What is wrong with the correlation of sampling errors of a row."""
    value = float(frame[column].iloc[row])
    seen = "none" if math.isnan(value) else f"{value:g}"
    return EstimationError(
        f"rho={column!r} needs a correlation of the sampling errors of each study, in [0, 1); "
        f"{frame['study'].iloc[row]} has {seen}.",
        code="MA603",
    )


def _correlations(frame: pd.DataFrame, column: str) -> Array:
    numbers = pd.to_numeric(frame[column], errors="coerce")
    wrong = np.flatnonzero((numbers.isna() & frame[column].notna()).to_numpy())
    if wrong.size:
        seen = frame[column].iloc[wrong[0]]
        raise OptionError(
            f"rho={column!r} needs a column of correlations in [0, 1); it holds {str(seen)!r}."
        )
    return numbers.to_numpy(dtype=float)


def _nested_keys(frame: pd.DataFrame, coarse_first: Sequence[str]) -> list[IntArray]:
    """Group codes of each level; inner labels count within their outer group."""
    keys = [_codes(frame, coarse_first[: i + 1]) for i in range(len(coarse_first))]
    plain = _codes(frame, ["study"])
    above = coarse_first.index("study")
    if above and np.unique(keys[above]).size != np.unique(plain).size:
        raise EstimationError(
            f"A study lies in several groups of {coarse_first[above - 1]!r}: the levels are not "
            "nested.",
            code="MA604",
        )
    return keys


def _codes(frame: pd.DataFrame, columns: Sequence[str]) -> IntArray:
    codes = frame.groupby(list(columns), sort=False, dropna=False).ngroup()
    return np.asarray(codes, dtype=np.intp)


def _runs(codes: IntArray) -> IntArray:
    """Number runs of equal codes from 0, so that they are sorted."""
    starts: IntArray = np.r_[0, codes[1:] != codes[:-1]].astype(np.intp)
    return np.cumsum(starts, dtype=np.intp)


def _inference(
    data: DeepData, point: DeepPoint, test: str
) -> tuple[float, float, tuple[Problem, ...]]:
    """Standard error and degrees of freedom of the mean."""
    model_se = math.sqrt(float(point.bread[0, 0]))
    if test not in CLUSTER_TESTS:
        return model_se, (math.inf if test == "wald" else float(data.yi.size - 1)), ()
    robust = deep_robust_covariance(data, point, data.random[-1][1], test)
    variance, df = float(robust.covariance[0, 0]), float(robust.df[0])
    if is_zero(variance, float(point.bread[0, 0])):
        return model_se, df, (zero_spread_notice(test),)
    return math.sqrt(variance), df, ()


def _homogeneity(data: DeepData) -> tuple[float, float]:
    """Cochran's Q and the typical sampling variance (k - 1) / tr(P)."""
    zero = np.zeros(len(data.names))
    base = evaluate(data, zero, restricted=False)
    residuals = data.yi - data.X @ base.beta
    trace = base.covariance.trace() - float(np.sum(base.bread * (base.WX.T @ base.WX)))
    return max(0.0, float(residuals @ base.u)), (data.yi.size - 1) / trace


def _weights(point: DeepPoint, order: IntArray) -> Array:
    weights = np.empty(order.size)
    weights[order] = point.WX[:, 0] / point.WX[:, 0].sum()
    return read_only(weights)
