"""The numbers of a mean refitted to many subsets of whole studies, all at once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.core.inference.intervals import critical_value
from metaalliance.core.inference.mean_robust import robust_means
from metaalliance.core.variance.many.subset_likelihood import q_subsets, subsets_of_means
from metaalliance.core.variance.many.variant_ascent import in_parts
from metaalliance.diagnostics.refits import Refits
from metaalliance.diagnostics.rows import mean_row
from metaalliance.diagnostics.subject import Subject
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.options import CLUSTER_TESTS


def mean_rows(subject: Subject, present: BoolArray) -> pd.DataFrame:
    """Return the numbers of each subset (subsets, k) by the names of `rows.mean_row`.

    Multilevel means with a cluster-robust test are inferred together where subsets hold whole
    studies; what cannot be is fitted one by one.
    """
    refits = Refits(subject, present)
    together = _together(subject, refits)
    if together is None:
        pairs = zip(refits, present, strict=True)
        return pd.DataFrame([mean_row(subject, refit, keep) for refit, keep in pairs])
    frame = pd.DataFrame(together).assign(code="", reason="")
    rest = np.flatnonzero(np.isnan(together["se"]))
    if rest.size:
        pairs = zip(Refits(subject, present[rest]), present[rest], strict=True)
        rows = [mean_row(subject, refit, keep) for refit, keep in pairs]
        own = pd.DataFrame(rows, index=pd.Index(rest))
        frame = pd.concat([frame[~frame.index.isin(rest)], own]).sort_index()
    return frame


def _together(subject: Subject, refits: Refits) -> dict[str, Any] | None:
    """The columns of all subsets, NaN where one has to be fitted by itself."""
    fit, data = subject.fit, subject.data
    if not subject.multilevel or not isinstance(fit, PooledFit):
        return None
    if fit.specification.test not in CLUSTER_TESTS:
        return None
    subsets, theta = subsets_of_means(data, refits.present), refits.theta
    if subsets is None or not subsets.mean or not np.isfinite(theta).any():
        return None
    restricted = subject.tau2_method == "REML"
    found, done = [], 0
    for part in in_parts(subsets):
        own = np.nan_to_num(theta[done : done + part.size])
        done += part.size
        points = part.at(own, restricted=restricted)
        mean = points.beta[:, 0], points.bread[:, 0, 0]
        robust = robust_means(points, fit.specification.test)
        found.append(np.column_stack([*mean, *robust]))
    estimate, model, variance, df = np.concatenate(found).T
    fine = np.isfinite(theta).all(axis=1)
    fine &= np.abs(variance) > 64 * math.ulp(1.0) * np.maximum(model, 1e-300)
    se, k = np.sqrt(np.where(fine, variance, np.nan)), subsets.counts.astype(np.intp)
    m, tau2 = refits.studies, theta.sum(axis=1)
    statistic, q = estimate / se, q_subsets(data, refits.present)
    half, ahead = _quantile(df, fit.level) * se, _prediction(fit, se, tau2, df, m)
    return {
        "estimate": estimate, "se": se, "statistic": statistic, "df": df,
        "p_value": 2 * special.stdtr(df, -np.abs(statistic)),
        "ci_low": estimate - half, "ci_high": estimate + half,
        "pi_low": estimate - ahead, "pi_high": estimate + ahead,
        "tau2": tau2, "tau": np.sqrt(tau2), "I2": tau2 / (tau2 + q.typical_variance),
        "H2": 1 + tau2 / q.typical_variance, "Q": q.Q, "Q_df": k - 1,
        "Q_p_value": special.chdtrc(q.df, q.Q),
        "n_studies": m, "n_effects": k, "sigma2_study": theta[:, 0], "sigma2_effect": theta[:, 1],
    }  # fmt: skip


def removed_studies(subject: Subject, present: BoolArray) -> pd.DataFrame | None:
    """Cook's distance, DFFITS and DFBETAS of each subset (subsets, k) that lacks one whole study.

    What `deletions` finds one by one, of multilevel means with a cluster-robust test; None for
    other models, and where a subset has to be fitted by itself.
    """
    fit, data, point = subject.fit, subject.data, subject.point
    if not (subject.multilevel and fit.specification.test in CLUSTER_TESTS):
        return None
    subsets = subsets_of_means(data, present)
    if subsets is None or not subsets.mean or data.blocks.m == data.yi.size:
        return None
    theta, restricted = Refits(subject, present).theta, subject.tau2_method == "REML"
    if np.isnan(theta).any():
        return None
    assert data.means is not None
    beta, bread, done = [], [], 0
    for part in in_parts(subsets):
        own = theta[done : done + part.size]
        done += part.size
        beta.append(part.at(own, restricted=restricted).beta[:, 0])
        bread.append(data.means.at(own, restricted=restricted).bread[:, 0, 0])
    change = point.beta[0] - np.concatenate(beta)
    moved = change / np.sqrt(np.concatenate(bread))
    cook = change**2 / (subject.scale * point.bread[0, 0])
    return pd.DataFrame({"cook": cook, "dffits": moved, "dfbetas": moved})


def _quantile(df: Array, level: float) -> Array:
    return np.asarray(-special.stdtrit(df, (1 - level) / 2))


def _prediction(fit: PooledFit, se: Array, tau2: Array, df: Array, m: IntArray) -> Array:
    """Half the width of prediction intervals as `prediction_interval` has them."""
    kind = fit.prediction
    if kind in {"normal", "simple"}:
        factor = np.full(df.size, critical_value(fit.level, math.inf))
    else:
        factor = _quantile(np.maximum(m - 2.0, 1.0) if kind == "riley" else df, fit.level)
    return np.asarray(factor * np.sqrt(tau2 if kind == "simple" else se**2 + tau2))
