"""Distributions that come out of a Bayesian meta-analysis, and what is told of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import brentq
from scipy.special import logsumexp, ndtr, ndtri

from metaalliance.core.arrays import Array
from metaalliance.core.inference.intervals import Interval
from metaalliance.errors import ConvergenceError
from metaalliance.options import check_level, check_option

CredibleInterval = Literal["shortest", "central"]

#: Points per panel of the integrals over tau: where to split, and for the results.
SPLIT, FINE = 16, 24
#: A panel is split until its halves change its integral by no more than this share of the whole.
_TOLERANCE = 1e-14


@dataclass(frozen=True, slots=True, eq=False)
class NormalMixture:
    """Normal distributions of given means and variances, mixed with weights.

    Attributes
    ----------
    weights, means, variances : ndarray, shape (nodes,)
        The weights sum to one.
    """

    weights: Array
    means: Array
    variances: Array

    def mean(self) -> float:
        """Mean."""
        return float(self.weights @ self.means)

    def sd(self) -> float:
        """Standard deviation."""
        spread = self.variances + (self.means - self.mean()) ** 2
        return math.sqrt(float(self.weights @ spread))

    def cdf(self, value: float) -> float:
        """Probability below `value`, found as in `sf`."""
        below = self._below(value)
        return below if below <= 0.5 else 1 - self.sf(value)

    def _below(self, value: float) -> float:
        return float(self.weights @ ndtr((value - self.means) / np.sqrt(self.variances)))

    def sf(self, value: float) -> float:
        """Probability above `value`; 1 less the one below where that is the smaller.

        The weights sum to one but for rounding: a certain event would be 1 + 2e-16.
        """
        above = float(self.weights @ ndtr((self.means - value) / np.sqrt(self.variances)))
        return above if above <= 0.5 else 1 - self._below(value)

    def pdf(self, value: float) -> float:
        """Density at `value`."""
        height = np.exp(-0.5 * (value - self.means) ** 2 / self.variances)
        return float(self.weights @ (height / np.sqrt(2 * math.pi * self.variances)))

    def quantile(self, p: float) -> float:
        """Value with probability `p` below it."""
        if not 0 < p < 1:
            return -math.inf if p <= 0 else math.inf
        each = self.means + ndtri(p) * np.sqrt(self.variances)
        low, high = float(each.min()), float(each.max())
        if p > 0.5:
            return _root(lambda x: (1 - p) - self.sf(x), low, high)
        return _root(lambda x: self.cdf(x) - p, low, high)


@dataclass(frozen=True, slots=True, eq=False)
class TauDistribution:
    """Distribution of tau >= 0 by an unnormalised density, on panels of Gauss-Legendre rules.

    The integrals are over ``x = tau / (scale + tau)``, which is between 0 and 1: tails that
    fall like a power of tau become powers of 1 - x.

    Attributes
    ----------
    log_density : callable
        Log of the unnormalised density at values of tau.
    scale : float
        The tau at x = 1/2.
    edges, masses : ndarray
        Edges of the panels in x, one more than panels, and the probabilities of the panels.
    log_total : float
        Log of the integral of the density.
    """

    log_density: Callable[[Array], Array]
    scale: float
    edges: Array
    masses: Array
    log_total: float

    @classmethod
    def integrate(
        cls, log_density: Callable[[Array], Array], scale: float, upper: float, moments: int
    ) -> TauDistribution:
        """Split the range from 0 to `upper` until every panel is exact to rounding.

        That is so for the integral of the density and of its highest moment up to `moments`.
        """
        end = 1.0 if math.isinf(upper) else upper / (scale + upper)
        empty = cls(log_density, scale, np.array([0.0, end]), np.ones(1), 0.0)
        edges = empty._split(end, moments)
        logs = empty._log_integrals(edges[:-1], edges[1:], FINE)[0]
        total = float(logsumexp(logs))
        return cls(log_density, scale, edges, np.exp(logs - total), total)

    def _split(self, end: float, moments: int) -> Array:
        """Edges of panels whose halves add up to them."""
        left = np.linspace(0.0, end, 17)[:-1]
        right = np.r_[left[1:], end]
        coarse = self._log_integrals(left, right, SPLIT, moments)
        kept, done = [coarse[:, :0]], [left[:0]]
        for _ in range(60):
            middle = (left + right) / 2
            left, right = np.r_[left, middle], np.r_[middle, right]
            fine = self._log_integrals(left, right, SPLIT, moments)
            total = logsumexp(np.hstack([fine, *kept]), axis=1)[:, None]
            both = np.exp(fine - total).reshape(2, 2, -1).sum(axis=1)
            change = np.abs(both - np.exp(coarse - total)).max(axis=0)
            going_on = np.tile(change > _TOLERANCE, 2)
            kept.append(fine[:, ~going_on])
            done.append(left[~going_on])
            left, right, coarse = left[going_on], right[going_on], fine[:, going_on]
            if left.size == 0:
                return np.asarray(np.r_[np.sort(np.concatenate(done)), end], dtype=np.float64)
        raise ConvergenceError("The integral over tau did not converge.")

    def _points(self, left: Array, right: Array, order: int) -> tuple[Array, Array]:
        """Return tau and log weights, Jacobian included, of panels in x, shape (panels, order)."""
        nodes, weights = np.polynomial.legendre.leggauss(order)
        half = (right - left)[:, None] / 2
        x = left[:, None] + half * (1 + nodes)
        away = (1 - right)[:, None] + half * (1 - nodes)  # 1 - x, without cancellation
        return self.scale * x / away, np.log(half * weights * self.scale) - 2 * np.log(away)

    def _log_integrals(self, left: Array, right: Array, order: int, moments: int = 0) -> Array:
        """Log integrals of panels, shape (2, panels): the density, and times (tau + scale)^m."""
        tau, log_weights = self._points(left, right, order)
        values = self.log_density(tau.ravel()).reshape(tau.shape) + log_weights
        moment = values + moments * np.log(tau + self.scale)
        return np.asarray(logsumexp([values, moment], axis=2), dtype=np.float64)

    def nodes(self, order: int) -> tuple[Array, Array]:
        """Values of tau and their probabilities, which sum to one up to the error of the rule."""
        tau, log_weights = self._points(self.edges[:-1], self.edges[1:], order)
        log_weights = log_weights.ravel() + self.log_density(tau.ravel())
        return tau.ravel(), np.exp(log_weights - self.log_total)

    def _below(self, x: float) -> float:
        panel = self._panel(self.edges, x)
        if x <= self.edges[panel]:
            return float(self.masses[:panel].sum())
        logs = self._log_integrals(self.edges[panel : panel + 1], np.array([x]), FINE)
        part = math.exp(float(logs[0, 0]) - self.log_total)
        return min(1.0, float(self.masses[:panel].sum()) + part)

    def _panel(self, increasing: Array, value: float) -> int:
        return min(int(np.searchsorted(increasing, value, side="right")), self.masses.size) - 1

    def cdf(self, value: float) -> float:
        """Probability below `value`."""
        if value <= 0:
            return 0.0
        return self._below(min(value / (self.scale + value), float(self.edges[-1])))

    def pdf(self, value: float) -> float:
        """Density at `value`."""
        end = float(self.edges[-1])
        if not 0 <= value < math.inf or value / (self.scale + value) > end:
            return 0.0
        return math.exp(float(self.log_density(np.array([value]))[0]) - self.log_total)

    def quantile(self, p: float) -> float:
        """Value with probability `p` below it."""
        if p <= 0:
            return 0.0
        x = float(self.edges[-1])
        if p < 1:
            panel = self._panel(np.r_[0.0, np.cumsum(self.masses)], p)
            low, high = float(self.edges[panel]), float(self.edges[panel + 1])
            x = _root(lambda x: self._below(x) - p, low, high)
        return self.scale * x / (1 - x) if x < 1 else math.inf


def _root(rising: Callable[[float], float], low: float, high: float) -> float:
    """Root of a rising function; an end where rounding puts the root outside."""
    if low >= high or rising(low) >= 0:
        return low
    if rising(high) <= 0:
        return high
    return float(brentq(rising, low, high, xtol=1e-15 * (high - low), rtol=1e-14))


def credible_interval(
    distribution: NormalMixture | TauDistribution,
    level: float = 0.95,
    kind: CredibleInterval = "shortest",
) -> Interval:
    """Interval that holds `level` of a posterior distribution.

    Parameters
    ----------
    distribution : NormalMixture or TauDistribution
        From a Bayesian fit.
    level : float
        Probability in (0, 1).
    kind : {"shortest", "central"}
        With ends of equal density, which for one peak is the shortest interval (highest
        posterior density), or with equal probability on both sides.

    Returns
    -------
    Interval
        Its ends.

    Examples
    --------
    >>> standard = NormalMixture(np.ones(1), np.zeros(1), np.ones(1))
    >>> [round(limit, 6) for limit in credible_interval(standard)]
    [-1.959964, 1.959964]
    """
    check_option("kind", kind, CredibleInterval)
    outside = 1 - check_level(level)

    def ends(p: float) -> Interval:
        return Interval(distribution.quantile(p), distribution.quantile(p + level))

    def tilt(p: float) -> float:
        low, high = ends(p)
        return distribution.pdf(low) - distribution.pdf(high)

    if kind == "central":
        return ends(outside / 2)
    if tilt(0.0) >= 0:
        return ends(0.0)
    if tilt(outside) <= 0:
        return ends(outside)
    return ends(float(brentq(tilt, 0.0, outside, xtol=1e-15, rtol=1e-13)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """What is told of one unknown: mean, standard deviation, median, credible interval.

    A moment that diverges is infinite; a mean whose integral has no value is NaN.
    """

    mean: float
    sd: float
    median: float
    low: float
    high: float


def describe(
    distribution: NormalMixture | TauDistribution,
    mean: float,
    sd: float,
    moments: int,
    level: float,
    kind: CredibleInterval,
) -> Posterior:
    """Tell a distribution of which only the first `moments` moments exist, 0, 1 or 2."""
    limits = credible_interval(distribution, level, kind)
    missing = math.inf if isinstance(distribution, TauDistribution) else math.nan
    return Posterior(
        mean=mean if moments > 0 else missing,
        sd=sd if moments > 1 else math.inf,
        median=distribution.quantile(0.5),
        low=limits.low,
        high=limits.high,
    )
