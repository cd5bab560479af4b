"""Bootstrap interval of I², in total and by level."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from metaalliance.core.arrays import Array, BoolArray, IntArray, read_only
from metaalliance.core.inference.intervals import Interval
from metaalliance.core.inference.robust import refuse_crossed
from metaalliance.core.variance.ascent import highest_maximum, maximize
from metaalliance.core.variance.batch_tau2 import CHUNK
from metaalliance.core.variance.data_sets import Regressions
from metaalliance.core.variance.estimator import Estimator
from metaalliance.core.variance.heterogeneity import q_test
from metaalliance.core.variance.many.variant_ascent import highest_from_inside, in_parts
from metaalliance.core.variance.multilevel import MultilevelData
from metaalliance.core.variance.tau2 import many_tau2
from metaalliance.errors import ConvergenceError, EstimationError, OptionError
from metaalliance.models.fits import TwoLevelFit
from metaalliance.models.multilevel_fit import MultilevelFit
from metaalliance.models.pooled_fit import PooledFit
from metaalliance.models.scale import without_nan
from metaalliance.options import check_level, check_option, check_seed
from metaalliance.problems import Problem, notice
from metaalliance.wording.notebook import InNotebook
from metaalliance.wording.numbers import number

Bootstrap = Literal["parametric", "cluster"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class I2Bootstrap(InNotebook):
    """Percentile intervals of I² and of its levels.

    Attributes
    ----------
    estimates : dict of str to float
        I² of the fit, "total" and by level, fractions.
    intervals : dict of str to Interval
        Their percentile intervals.
    kind : {"parametric", "cluster"}
        Effects made from the fitted model, or studies drawn with replacement.
    level : float
        Coverage.
    replications, failed : int
        Samples, and those in which the model could not be estimated.
    seed : int
        Seed of the samples.
    samples : ndarray, shape (replications - failed, levels)
        I² in each sample, in the order of `estimates`.
    notices : tuple of Problem
        Whether samples were left out.
    """

    estimates: dict[str, float]
    intervals: dict[str, Interval]
    kind: Bootstrap
    level: float
    replications: int
    failed: int
    seed: int
    samples: Array = field(repr=False)
    notices: tuple[Problem, ...] = field(default=(), repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per level: component, I2, ci_low, ci_high."""
        rows = [
            {"component": name, "I2": value, "ci_low": ci.low, "ci_high": ci.high}
            for (name, value), ci in zip(
                self.estimates.items(), self.intervals.values(), strict=True
            )
        ]
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the result for JSON; missing is None."""
        content = {
            "method": "bootstrap-I2",
            "settings": {
                "kind": self.kind,
                "level": self.level,
                "replications": self.replications,
                "seed": self.seed,
            },
            "failed": self.failed,
            "I2": self.to_frame().to_dict("records"),
            "notices": [p.to_dict() for p in self.notices],
        }
        return without_nan(content)

    def summary(self) -> str:
        """Return the result as text for a terminal."""
        lines = [
            f"I² with {100 * self.level:g}% {self.kind} bootstrap interval"
            f" ({self.replications:,} samples, seed {self.seed})"
        ]
        for name, value in self.estimates.items():
            ci = self.intervals[name]
            low, high = (number(100 * v, 1) for v in ci)
            lines.append(f"  {name}: {number(100 * value, 1)}% [{low}, {high}]")
        return "\n".join([*lines, *(p.text for p in self.notices)])


def bootstrap_i2(
    fit: PooledFit,
    *,
    kind: Bootstrap = "parametric",
    replications: int = 999,
    level: float | None = None,
    seed: int = 1,
) -> I2Bootstrap:
    """Interval of I² from samples in which the model is estimated anew.

    Parameters
    ----------
    fit : TwoLevelFit or MultilevelFit
        A model with heterogeneity.
    kind : {"parametric", "cluster"}
        "parametric" makes effects from the fitted model, with its sampling variances;
        "cluster" draws studies (or groups of the coarsest level) with replacement, which assumes
        no normal distribution but needs many.
    replications : int
        Samples.
    level : float, optional
        Coverage; that of the fit unless given.
    seed : int
        Seed of the samples.

    Returns
    -------
    I2Bootstrap
        Percentile intervals. Estimates of variances are biased in small samples, and so are
        percentiles of them: with few studies compare the profile interval of tau².

    Raises
    ------
    EstimationError
        For a model without these variances, or when most samples cannot be estimated.

    References
    ----------
    Efron and Tibshirani (1993); Viechtbauer (2007): parametric and nonparametric bootstrap of tau².

    Examples
    --------
    >>> from metaalliance.effects.effects import Effects
    >>> from metaalliance.models.pool import pool
    >>> effects = Effects.from_arrays([0.1, 0.5, 0.2, 0.6], [0.01, 0.02, 0.01, 0.02])
    >>> fit = pool(effects, tau2="DL", test="wald")
    >>> found = bootstrap_i2(fit, replications=199)
    >>> found.intervals["total"].low <= fit.I2 <= found.intervals["total"].high
    True
    """
    check_option("kind", kind, Bootstrap)
    chosen = check_level(fit.level if level is None else level)
    if replications < 20:
        raise OptionError(f"replications={replications!r} is too few for an interval; take 999.")
    rng = np.random.default_rng(check_seed(seed))
    if isinstance(fit, MultilevelFit):
        estimates = {"total": fit.I2, **fit.I2_levels}
        samples = _multilevel(fit, kind, replications, rng)
    elif isinstance(fit, TwoLevelFit) and not math.isnan(fit.tau2):
        estimates = {"total": fit.I2}
        samples = _two_level(fit, kind, replications, rng)[:, None]
    else:
        raise EstimationError(f"The {fit.model} model of these effects has no I² to bootstrap.")
    kept = samples[~np.isnan(samples).any(axis=1)]
    failed = replications - kept.shape[0]
    if failed > replications / 2:
        raise EstimationError(
            f"The model could not be estimated in {failed} of {replications} samples."
        )
    tail = (1 - chosen) / 2
    low, high = np.quantile(kept, [tail, 1 - tail], axis=0)
    ends = [Interval(float(a), float(b)) for a, b in zip(low, high, strict=True)]
    return I2Bootstrap(
        estimates=estimates,
        intervals=dict(zip(estimates, ends, strict=True)),
        kind=kind,
        level=chosen,
        replications=replications,
        failed=failed,
        seed=seed,
        samples=read_only(kept),
        notices=_failures(failed, replications),
    )


def _failures(failed: int, replications: int) -> tuple[Problem, ...]:
    if not failed:
        return ()
    message = f"The model could not be estimated in {failed} of {replications} samples."
    return (notice("MA634", message, "They are left out of the interval."),)


# Two-level -------------------------------------------------------------------------------------


def _two_level(fit: TwoLevelFit, kind: Bootstrap, replications: int, rng: Any) -> Array:
    """I² of each sample, shape (replications,)."""
    yi, vi = fit.effects.yi - fit.estimate, fit.effects.vi
    scale = float(vi.size / np.sum(1 / vi))
    ones = np.ones((vi.size, 1))
    width = max(1, CHUNK // vi.size)
    found = []
    for first in range(0, replications, width):
        shape = (min(width, replications - first), vi.size)
        if kind == "cluster":
            drawn = rng.integers(0, vi.size, shape)
            y, v = yi[drawn], vi[drawn]
        else:
            y = rng.standard_normal(shape) * np.sqrt(vi + fit.tau2)
            v = np.broadcast_to(vi, shape)
        samples = Regressions.of(y / math.sqrt(scale), v / scale, ones)
        tau2 = many_tau2(samples, fit.tau2_method) * scale
        found.append(tau2 / (tau2 + _typical(v)))
    return np.concatenate(found)


def _typical(vi: Array) -> Array:
    """Typical sampling variance of Higgins and Thompson, of variances (rows, k)."""
    wi = 1 / vi
    total = wi.sum(axis=1)
    return np.asarray((vi.shape[1] - 1) * total / (total**2 - np.sum(wi**2, axis=1)))


# Multilevel ------------------------------------------------------------------------------------


def _multilevel(fit: MultilevelFit, kind: Bootstrap, replications: int, rng: Any) -> Array:
    """I² in total and of each level in each sample, shape (replications, 1 + c)."""
    data = fit.data
    if kind == "parametric":
        typical: Array = np.array([q_test(data).typical_variance])
        theta = _of_made(fit, replications, rng)
    else:
        refuse_crossed(data)
        means = data.means
        drawn = rng.integers(0, data.blocks.m, (replications, data.blocks.m))
        theta, typical = (_of_means if means is not None else _of_drawn)(fit, drawn)
    total = theta.sum(axis=1)
    shares: Array = np.column_stack([total, theta]) / (total + typical)[:, None]
    return shares


def _of_made(fit: MultilevelFit, replications: int, rng: Any) -> Array:
    """Components of effects made from the fitted model; only deviations from the mean matter."""
    data, estimator = fit.data, Estimator(name=fit.tau2_method, multilevel=True)
    Y = np.column_stack([data.structure.draw(fit.point.theta, rng) for _ in range(replications)])
    return np.concatenate([p.theta for p in estimator.refit(data, Y, fit.point.theta)])


def _of_means(fit: MultilevelFit, drawn: IntArray) -> tuple[Array, Array]:
    """Components (r, c) of studies drawn with replacement (r, m), and typical variances (r,).

    Studies drawn several times are other studies. NaN where no study has two effects.
    """
    data, restricted = fit.data, fit.tau2_method == "REML"
    assert data.means is not None
    present = np.stack([np.bincount(own, minlength=data.blocks.m) for own in drawn]).astype(float)
    several = np.flatnonzero(present @ (data.blocks.sizes > 1))
    found, done = np.full((len(drawn), fit.point.theta.size + 1), math.nan), 0
    for part in in_parts(data.means.of_present(present[several])):
        rows = several[done : done + part.size]
        done += part.size
        theta = highest_from_inside(part, fit.point.theta, restricted=restricted).theta
        trace = part.at(np.zeros_like(theta), restricted=False).trace()
        found[rows] = np.column_stack([theta, (part.counts - part.p) / trace])
    return found[:, :-1], found[:, -1]


def _of_drawn(fit: MultilevelFit, drawn: IntArray) -> tuple[Array, Array]:
    """The same for other structures, one sample after the other."""
    restricted = fit.tau2_method == "REML"
    found = np.full((len(drawn), len(fit.data.names) + 1), math.nan)
    for row, own in enumerate(drawn):
        sample = _drawn(fit.data, own)
        if sample is None:
            continue
        try:
            theta = _components(sample, fit.point.theta, restricted=restricted)
        except ConvergenceError:
            continue
        found[row] = np.r_[theta, q_test(sample).typical_variance]
    return found[:, :-1], found[:, -1]


def _components(sample: MultilevelData, start: Array, *, restricted: bool) -> Array:
    """Variance components, from those of the fit on.

    Further maxima lie on a boundary, and nearly always one of them is where this climb ends
    too: only then the other starts are tried.
    """
    inside = np.maximum(start, 0.1 * float(np.median(sample.vi)))
    theta = maximize(sample, inside, restricted=restricted).theta
    return theta if theta.all() else highest_maximum(sample, restricted=restricted).theta


def _drawn(data: MultilevelData, drawn: IntArray) -> MultilevelData | None:
    """Clusters drawn with replacement; None when the split is not identified in them."""
    sizes = data.blocks.sizes[drawn]
    several: BoolArray = sizes > 1
    if not several.any():
        return None
    starts = np.repeat(data.blocks.starts[drawn], sizes)
    first = np.repeat(np.cumsum(sizes) - sizes, sizes)
    rows = starts + np.arange(int(sizes.sum())) - first
    copies = np.repeat(np.arange(drawn.size, dtype=np.intp), sizes)
    structure = data.structure.take(rows, copies)
    return MultilevelData(data.yi[rows], data.X[rows], structure, np.arange(rows.size))
