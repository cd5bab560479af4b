"""Likelihoods of one effect per study under selection or small-study effects, partly integrated.

The mean under a regression on standard errors or variances is integrated where the likelihood is
a normal density of it; the weights of a step function by a product rule whose factors are ratios
of neighbouring weights, so that ordered weights are a cube.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.bayesian.panel import points
from metaalliance.core.bayesian.posterior import NormalMixture
from metaalliance.core.selection.steps import StepWeights, Tail

_LOG_2PI = math.log(2 * math.pi)
#: Standard deviations of a prior beyond which it is next to nothing.
_REACH = 9.0
#: Change of the log integral over weights that ends the search for orders: up to two, and three.
_PRECISE, _ROUGH = 1e-8, 1e-7
#: Nodes of a ratio: at first, at most, and for the search for its ends, by number of weights.
_FEW, _MOST, _FINE = 6, 64, {1: 64, 2: 40, 3: 16}
#: Logarithm of a height that is next to nothing beside the highest.
_DEPTH = 19.0
#: Numbers that are held at once.
_ROOM = 2_000_000
#: Factors of a product before its logarithm is taken.
_TOGETHER = 12


@dataclass(frozen=True, slots=True, eq=False)
class Normal:
    """Effects with a mean, or a line in a predictor, and heterogeneity.

    Attributes
    ----------
    yi, vi : ndarray, shape (k,)
        Effects and sampling variances.
    x : ndarray, shape (k,), or None
        Predictor.
    """

    yi: Array
    vi: Array
    x: Array | None = None

    def _sums(self, tau: Array) -> tuple[Array, ...]:
        """Weighted sums at values of tau, shape (n,): constant, 1, x, xx, y, xy, yy."""
        wi = 1 / (self.vi + tau[:, None] ** 2)
        x = np.zeros_like(self.yi) if self.x is None else self.x
        constant = 0.5 * np.log(wi).sum(axis=1) - 0.5 * self.yi.size * _LOG_2PI
        columns = (np.ones_like(x), x, x * x, self.yi, x * self.yi, self.yi**2)
        return (constant, *(wi @ column for column in columns))

    def at(self, mean: Array, slope: Array, tau: Array) -> Array:
        """Log-likelihood, shape (n,)."""
        constant, one, x, xx, y, xy, yy = self._sums(tau)
        square = yy - 2 * mean * y - 2 * slope * xy
        square = square + mean**2 * one + 2 * mean * slope * x + slope**2 * xx
        return np.asarray(constant - 0.5 * square)

    def along(self, slope: Array, tau: Array) -> tuple[Array, Array, Array]:
        """Highest log-likelihood over the mean, where it is, and its standard error, shape (n,)."""
        constant, one, x, xx, y, xy, yy = self._sums(tau)
        centre = (y - slope * x) / one
        square = yy - 2 * slope * xy + slope**2 * xx - one * centre**2
        return constant - 0.5 * np.maximum(square, 0.0), centre, 1 / np.sqrt(one)


@dataclass(frozen=True, slots=True)
class MeanPrior:
    """Normal prior of the mean around zero.

    Attributes
    ----------
    sd : float
        On Fisher z.
    """

    sd: float

    @property
    def ends(self) -> tuple[float, float]:
        """Where it is next to nothing."""
        return -_REACH * self.sd, _REACH * self.sd

    def log_density(self, mean: Array) -> Array:
        """Log density."""
        return np.asarray(-0.5 * (mean / self.sd) ** 2 - math.log(self.sd) - 0.5 * _LOG_2PI)

    def integral(self, normal: Normal, slope: Array, tau: Array) -> Array:
        """Log integral over the mean of likelihood and prior, shape (n,)."""
        top, centre, se = normal.along(slope, tau)
        both = se**2 + self.sd**2
        return np.asarray(top + np.log(se) - 0.5 * (np.log(both) + centre**2 / both))

    def after(self, normal: Normal, slope: Array, tau: Array, masses: Array) -> NormalMixture:
        """Posterior of the mean from shares of the integral over slope and tau."""
        _, centre, se = normal.along(slope, tau)
        share = self.sd**2 / (se**2 + self.sd**2)
        return NormalMixture(masses / masses.sum(), share * centre, share * se**2)


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Effects under selection by steps of p with ordered weights, integrated over these.

    The prior of the weights is a cumulative sum of a Dirichlet distribution with ones: every
    falling sequence of weights below the first, which is one, is as likely as any other.

    Attributes
    ----------
    normal : Normal
        The effects before selection.
    weights : StepWeights
        Cut points; the first interval has weight one.
    orders : tuple of int
        Nodes for each ratio of neighbouring weights.
    ends : tuple of (float, float)
        Between which roots of these ratios they lie.
    """

    normal: Normal
    weights: StepWeights
    orders: tuple[int, ...]
    ends: tuple[tuple[float, float], ...]

    @property
    def n(self) -> int:
        """Number of weights below one."""
        return int(self.weights.shown.shape[0])

    def masses(self, mean: Array, tau: Array) -> Array:
        """Probabilities of the intervals of p before selection, shape (n, intervals, k)."""
        s = np.sqrt(self.normal.vi + tau[:, None] ** 2)
        found = self.weights.masses((self.weights.cuts - mean[:, None]) / s)
        return np.stack([np.broadcast_to(m, s.shape) for m in found], axis=1)

    def nodes(self) -> tuple[Array, Array]:
        """Weights of intervals at the nodes, shape (q, n + 1), and logs of weight times prior.

        The ratios are squares of the nodes, which so lie closer where weights are small.
        """
        after = np.cumsum(self.weights.shown[::-1, 0].sum(axis=1))[::-1]
        ratios, logs = [], []
        for j, order in enumerate(self.orders):
            x, w = points(*self.ends[j], order)
            free = self.n - 1 - j
            ratios.append(x**2)
            logs.append(np.log(w * 2 * (free + 1)) + (2 * (free + after[j]) + 1) * np.log(x))
        grids = np.meshgrid(*ratios, indexing="ij")
        steps = [np.ones(grids[0].size)]
        for grid in grids:
            steps.append(steps[-1] * grid.ravel())
        total = logs[0]
        for log in logs[1:]:
            total = (total[:, None] + log).ravel()
        return np.stack(steps, axis=1), total

    def logs(self, mean: Array, tau: Array) -> Array:
        """Log-likelihood times prior and weight at the nodes of the weights, shape (n, q)."""
        steps, log_weights = self.nodes()
        plain = self.normal.at(mean, np.zeros_like(mean), tau)
        seen = np.empty((mean.size, steps.shape[0]))
        k = self.normal.yi.size
        size = max(1, _ROOM // (steps.shape[0] * min(k, _TOGETHER)))
        for first in range(0, mean.size, size):
            part = slice(first, first + size)
            seen[part] = _log_products(self.masses(mean[part], tau[part]), steps)
        return plain[:, None] + log_weights - seen

    def integral(self, mean: Array, tau: Array) -> Array:
        """Log integral over the weights, shape (n,)."""
        logs = self.logs(mean, tau)
        top = logs.max(axis=1)
        return np.asarray(top + np.log(np.exp(logs - top[:, None]).sum(axis=1)))


def _log_products(masses: Array, steps: Array) -> Array:
    """Sums over effects of the logarithm of the probability to be seen, shape (n, q)."""
    n, intervals, k = masses.shape
    total = np.zeros((n, steps.shape[0]))
    for first in range(0, k, _TOGETHER):
        block = masses[:, :, first : first + _TOGETHER].transpose(2, 0, 1)
        seen = (block.reshape(-1, intervals) @ steps.T).reshape(block.shape[0], n, -1)
        total += np.log(np.multiply.reduce(seen, axis=0))
    return total


def resolved(steps: Steps, mean: Array, tau: Array) -> Steps:
    """Return the rule of the weights under which integrals at these points do not change.

    Each ratio is taken between the ends of its posterior, and has as many nodes as it needs.
    """
    fine = replace(steps, orders=(_FINE[steps.n],) * steps.n)
    logs = fine.logs(mean, tau)
    logs = (logs - logs.max(axis=1)[:, None]).reshape(-1, *fine.orders)
    ends = []
    for j, order in enumerate(fine.orders):
        x, w = points(*fine.ends[j], order)
        others = tuple(1 + i for i in range(steps.n) if i != j)
        height = (logs.max(axis=others) - np.log(w)).reshape(-1, order)
        inside = np.flatnonzero((height > height.max(axis=1)[:, None] - _DEPTH).any(axis=0))
        first, last = inside[0] - 1, inside[-1] + 1
        ends.append(
            (float(x[first]) if first >= 0 else 0.0, float(x[last]) if last < order else 1.0)
        )
    now = coarse(replace(steps, ends=tuple(ends)))
    tolerance = _PRECISE if steps.n < 3 else _ROUGH
    value = now.integral(mean, tau)
    for j in range(steps.n):
        while now.orders[j] < _MOST:
            orders = (*now.orders[:j], now.orders[j] + 2, *now.orders[j + 1 :])
            more = replace(now, orders=orders)
            then = more.integral(mean, tau)
            change = float(np.abs(then - value).max())
            if change < tolerance:
                break
            now, value = more, then
    return now


def coarse(steps: Steps) -> Steps:
    """Return the same with few nodes of the weights."""
    return replace(steps, orders=(_FEW,) * steps.n)


def build_steps(
    yi: Array, vi: Array, p: Sequence[float], two_sided: bool, critical: Array
) -> Steps:
    """Return effects under selection by steps.

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Effects, turned so that selection favours greater ones, and sampling variances.
    p : sequence of float
        Cut points of p in rising order.
    two_sided : bool
        Whether they are those of both tails.
    critical : ndarray, shape (k, m)
        Critical values, in standard errors.
    """
    tail: Tail = "two-sided" if two_sided else "greater"
    built = StepWeights.build(yi, vi, np.asarray(p, dtype=float), tail, critical=critical)
    n = len(p)
    return Steps(Normal(yi, vi), built, (_FEW,) * n, ((0.0, 1.0),) * n)
