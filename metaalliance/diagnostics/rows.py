"""One row of numbers for each refitted mean."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from metaalliance.core.arrays import BoolArray
from metaalliance.diagnostics.refits import Refit, Refused
from metaalliance.diagnostics.subject import Subject
from metaalliance.models.inference.prediction import prediction_interval
from metaalliance.models.multilevel_fit import MultilevelFit
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.working import WorkingFit

_OF_FIT = (
    "estimate", "se", "statistic", "df", "p_value", "ci_low", "ci_high", "pi_low", "pi_high",
    "tau2", "tau", "I2", "H2", "Q", "Q_df", "Q_p_value", "n_studies", "n_effects",
)  # fmt: skip
_SIGMA2 = ("sigma2_study", "sigma2_effect")
#: Columns of a row.
COLUMNS = (*_OF_FIT, *_SIGMA2)


def mean_row(subject: Subject, refit: Refit, keep: BoolArray) -> dict[str, Any]:
    """Return the numbers of a refitted mean by the names of `COLUMNS`, with `code` and `reason`.

    `keep` (k,) are the rows of ``subject.data`` that were fitted. Where the model was refused the
    numbers are missing and the reason stands beside them.
    """
    done = {"code": "", "reason": ""}
    if isinstance(refit, Refused):
        counts = {"n_studies": np.unique(subject.study[keep]).size, "n_effects": int(keep.sum())}
        empty = dict.fromkeys(COLUMNS, math.nan)
        return {**empty, **counts, "code": refit.code, "reason": refit.reason}
    if isinstance(refit, WorkingFit):
        return {**_working_row(subject, refit, np.unique(subject.study[keep]).size), **done}
    assert isinstance(refit, PooledFit)
    return {**fit_row(refit), **done}


def fit_row(fit: PooledFit) -> dict[str, Any]:
    """Return the numbers of a pooled result."""
    sigma2 = fit.sigma2 if isinstance(fit, MultilevelFit) else {"study": fit.tau2}
    return {**{name: getattr(fit, name) for name in _OF_FIT}, **_parts(sigma2)}


def _parts(sigma2: Mapping[str, float]) -> dict[str, float]:
    """Variance components by the names of their columns."""
    names = dict.fromkeys(("study", "effect", *sigma2))
    return {f"sigma2_{name}": sigma2.get(name, math.nan) for name in names}


def _working_row(subject: Subject, work: WorkingFit, m: int) -> dict[str, Any]:
    fit, q, tau2 = subject.fit, work.q, work.tau2
    assert isinstance(fit, PooledFit)
    mean, k = work.mean(fit.level), work.data.yi.size
    common, units = fit.model == "common-effect", m if subject.multilevel else k
    pi = prediction_interval(
        fit.prediction, mean["estimate"], mean["se"], tau2, df=mean["df"], units=units,
        riley=units - 2, level=fit.level,
    )  # fmt: skip
    return {
        **mean,
        "pi_low": math.nan if common else pi.low,
        "pi_high": math.nan if common else pi.high,
        "tau2": tau2,
        "tau": math.sqrt(tau2),
        **work.shares(common=common),
        "Q": q.Q,
        "Q_df": q.df,
        "Q_p_value": q.p_value,
        "n_studies": m,
        "n_effects": k,
        **_parts(work.sigma2 if subject.multilevel else {"study": tau2}),
    }
