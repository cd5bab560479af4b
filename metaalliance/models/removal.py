"""Outlying effects and influential studies, by the rules that reviewers know."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.core.inference.intervals import critical_value
from metaalliance.core.variance import deep
from metaalliance.core.variance.batch_tau2 import CHUNK, Rows
from metaalliance.core.variance.subset_likelihood import maximize_subsets
from metaalliance.core.variance.tau2 import many_tau2
from metaalliance.models.deep import DeepFit, deep_data
from metaalliance.models.fits import CommonEffectFit, TwoLevelFit
from metaalliance.models.multilevel_fit import MultilevelFit
from metaalliance.models.pooled_fit import PooledFit

#: Variance components are estimated anew without each study up to this many studies times
#: effects, and held above it, where one study cannot move them by much.
REFITTED_CELLS = 1_000_000
#: Above this many studies a model with further levels is not examined.
DEEP_STUDIES = 500


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Influence:
    """What the mean would be without each study.

    Attributes
    ----------
    study : ndarray of int, shape (k,)
        Index of the study of each effect.
    estimate : ndarray, shape (m,)
        Mean without the study.
    cook : ndarray, shape (m,)
        Cook's distance: squared change of the mean over its squared standard error, of the
        model for dependent effects, as in metafor.
    dffits, dfbetas : ndarray, shape (m,)
        Change of the mean over the standard error that this study alone, or all of them, would
        give it with the tau² (and Knapp and Hartung's factor) of the remaining studies. For
        dependent effects both are the signed root of Cook's distance.
    weight : ndarray, shape (m,)
        Weight of the study in the mean.
    held : bool
        Whether the variance components were held at those of all studies.
    """

    study: IntArray
    estimate: Array
    cook: Array
    dffits: Array
    dfbetas: Array
    weight: Array
    held: bool

    @property
    def influential(self) -> BoolArray:
        """Studies that one of the four rules of metafor's `influence` marks, shape (m,).

        |DFFITS| > 3 / sqrt(m - 1); Cook's distance above the median of chi² (.455); weight
        above 3 / m; |DFBETAS| > 1.
        """
        m = self.cook.size
        found = np.abs(self.dffits) > 3 / math.sqrt(m - 1)
        found |= self.cook > float(stats.chi2.median(1))
        found |= (self.weight > 3 / m) | (np.abs(self.dfbetas) > 1)
        return np.asarray(found, dtype=np.bool_)


def outlying(fit: PooledFit) -> BoolArray:
    """Effects whose own interval lies wholly outside the interval of the mean, shape (k,).

    References
    ----------
    Viechtbauer W, Cheung MWL (2010). Research Synthesis Methods 1, 112-125, discuss outliers;
    the rule is that of Harrer M et al. (2021). Doing Meta-Analysis with R, section 5.4.
    """
    half = critical_value(fit.level, math.inf) * np.sqrt(fit.effects.vi)
    yi = fit.effects.yi
    return np.asarray((yi + half < fit.ci_low) | (yi - half > fit.ci_high), dtype=np.bool_)


def influence_of_studies(fit: PooledFit) -> Influence | None:
    """Leave out each study in turn; None where the model leaves nothing to compare.

    Parameters
    ----------
    fit : PooledFit
        Any model of a mean, of three or more studies.

    References
    ----------
    Viechtbauer W, Cheung MWL (2010). Research Synthesis Methods 1, 112-125.
    """
    codes = pd.factorize(fit.effects.frame["study"])[0].astype(np.intp)
    m = int(codes.max()) + 1
    if m < 3 or not fit.se > 0 or (isinstance(fit, DeepFit) and m > DEEP_STUDIES):
        return None
    weight = np.asarray(np.bincount(codes, fit.weights, m), dtype=np.float64)
    if isinstance(fit, DeepFit):
        estimate, held = _deep(fit, codes, m), True
    elif isinstance(fit, MultilevelFit):
        held = m * codes.size > REFITTED_CELLS
        estimate = _held(fit) if held else _refitted(fit, m)
    else:
        return _independent(fit, codes, m, weight)
    change = (fit.estimate - estimate) / math.sqrt(float(fit.optimum.bread[0, 0]))
    return Influence(
        study=codes,
        estimate=estimate,
        cook=change**2,
        dffits=change,
        dfbetas=change,
        weight=weight,
        held=held,
    )


def _refitted(fit: MultilevelFit, m: int) -> Array:
    """Means without each study, the components estimated anew from those of all studies on."""
    data = fit.nested
    present = data.blocks.study != np.arange(m)[:, None]
    several = (data.blocks.sizes > 1).sum() - (data.blocks.sizes > 1)
    usable = several > 0  # else the split between and within cannot be estimated without it
    estimate = _held(fit)
    if usable.any():
        restricted = fit.tau2_method == "REML"
        starts = [np.asarray(fit.optimum.theta)]
        found = maximize_subsets(data, present[usable], starts, restricted=restricted)
        beta = found.beta[:, 0]
        estimate[np.flatnonzero(usable)[~np.isnan(beta)]] = beta[~np.isnan(beta)]
    return estimate


def _held(fit: MultilevelFit) -> Array:
    """Means without each study at the components of all: blocks only drop out of two sums."""
    data, point = fit.nested, fit.optimum
    weights = data.blocks.sums(point.WX[:, 0])
    totals = data.blocks.sums(point.WX[:, 0] * data.yi)
    return np.asarray((totals.sum() - totals) / (weights.sum() - weights), dtype=np.float64)


def _deep(fit: DeepFit, codes: IntArray, m: int) -> Array:
    """Means without each study at the components of all."""
    restricted, found = fit.tau2_method == "REML", np.empty(m)
    for j in range(m):
        rest = fit.effects.subset(codes != j)
        data, _ = deep_data(rest, fit.specification)
        found[j] = deep.evaluate(data, fit.optimum.theta, restricted=restricted).beta[0]
    return found


def _independent(fit: PooledFit, codes: IntArray, m: int, weight: Array) -> Influence:
    """Leave-one-out of a model whose weights are 1 / (v + tau²)."""
    yi, vi = fit.effects.yi, fit.effects.vi
    held = m * codes.size > REFITTED_CELLS
    tau2 = np.full(m, fit.tau2) if held else _tau2_without(fit, codes, m)
    parts = (
        [_sums_without(codes, m, yi - fit.estimate, vi, fit.tau2)]
        if held
        else [
            _sums_without(codes, m, yi - fit.estimate, vi, float(t), j) for j, t in enumerate(tau2)
        ]
    )
    total, first, second, whole = (np.concatenate(x) for x in zip(*parts, strict=True))
    change = -first / total
    rss = np.maximum(0.0, second - first**2 / total)
    df = np.asarray(codes.size - 1.0 - np.bincount(codes, minlength=m), dtype=np.float64)
    factor = _factor(fit.test, np.asarray(rss, dtype=np.float64), df)
    with np.errstate(divide="ignore", invalid="ignore"):
        if m == codes.size:
            own = weight * (vi[np.argsort(codes)] + tau2)
            dffits, dfbetas = change / np.sqrt(factor * own), change / np.sqrt(factor / whole)
        else:
            dffits = dfbetas = change / fit.se
    return Influence(
        study=codes,
        estimate=fit.estimate - change,
        cook=(change / fit.se) ** 2,
        dffits=np.where(change == 0, 0.0, dffits),
        dfbetas=np.where(change == 0, 0.0, dfbetas),
        weight=weight,
        held=held and isinstance(fit, TwoLevelFit),
    )


def _sums_without(
    codes: IntArray, m: int, yi: Array, vi: Array, tau2: float, study: int | None = None
) -> tuple[Array, Array, Array, Array]:
    """Sums of w, w y and w y² without one study, or without each, and of w with all."""
    wi = 1 / (vi + tau2)
    sums = [values.sum() for values in (wi, wi * yi, wi * yi**2)]
    if study is None:
        own = [np.bincount(codes, values, m) for values in (wi, wi * yi, wi * yi**2)]
        a, b, c = (total - part for total, part in zip(sums, own, strict=True))
        return a, b, c, np.full(m, sums[0])
    rest = codes != study
    a, b, c = (np.array([v[rest].sum()]) for v in (wi, wi * yi, wi * yi**2))
    return a, b, c, np.array([sums[0]])


def _tau2_without(fit: PooledFit, codes: IntArray, m: int) -> Array:
    """tau² without each study."""
    yi, vi = fit.effects.yi, fit.effects.vi
    width = max(1, CHUNK // codes.size)
    parts = []
    for first in range(0, m, width):
        left_out = np.arange(first, min(first + width, m))
        present = (codes != left_out[:, None]).astype(np.float64)
        parts.append(_tau2_of(fit, yi, vi, present))
    return np.concatenate(parts)


def _tau2_of(fit: PooledFit, yi: Array, vi: Array, present: Array) -> Array:
    """tau² of subsets; that of all effects where it does not converge."""
    if isinstance(fit, CommonEffectFit) or not isinstance(fit, TwoLevelFit):
        return np.zeros(present.shape[0])
    scale = float(vi.size / np.sum(1 / vi))
    centred = (yi - fit.estimate) / math.sqrt(scale)
    found = many_tau2(Rows.of_subsets(centred, vi / scale, present), fit.tau2_method) * scale
    return np.where(np.isnan(found), fit.tau2, found)


def _factor(test: str, rss: Array, df: Array) -> Array:
    """Knapp and Hartung's factor of the variance, 1 for other tests."""
    if not test.startswith("knapp-hartung"):
        return np.ones_like(rss)
    factor = np.divide(rss, df, out=np.ones_like(rss), where=df > 0)
    return np.maximum(1.0, factor) if test.endswith("adhoc") else factor
