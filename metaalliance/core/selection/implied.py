"""What a model of effects implies for their z statistics, with and without selection."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from metaalliance.core.arrays import Array

#: Standard deviations that the integral of a smooth weight function reaches, and its points.
_REACH, _POINTS = 9.0, 4001


@dataclass(frozen=True, slots=True, eq=False)
class Before:
    """Effects before selection: z statistics of each are normal.

    Attributes
    ----------
    mean, sd : ndarray, shape (k,)
        Of effects in standard errors.
    """

    mean: Array
    sd: Array

    @classmethod
    def of(cls, estimate: float, tau2: float, vi: Array) -> Before:
        """Return them from the mean and tau² of true effects and sampling variances."""
        sei = np.sqrt(vi)
        return cls(estimate / sei, np.sqrt(1 + tau2 / vi))

    def densities(self, z: Array) -> Array:
        """Density of each at values of z, shape (k, m)."""
        t = (z - self.mean[:, None]) / self.sd[:, None]
        return np.exp(-0.5 * t * t) / (math.sqrt(2 * math.pi) * self.sd[:, None])

    def between(self, low: Array, high: Array) -> Array:
        """Probability of z between two values, shape of these."""
        return np.asarray(ndtr((high - self.mean) / self.sd) - ndtr((low - self.mean) / self.sd))

    def beyond(self, critical: Array) -> Array:
        """Probability of z beyond critical values in either direction, shape (k,)."""
        return 1 - self.between(-critical, critical)


@dataclass(frozen=True, slots=True, eq=False)
class Selected:
    """Effects under selection by a weight of their z statistics that is at most one.

    Attributes
    ----------
    before : Before
        What they were.
    weight : callable
        From values of z, shape (m,), to weights of each effect, shape (k, m).
    seen : ndarray, shape (k,)
        Probability of each to be seen.
    """

    before: Before
    weight: Callable[[Array], Array]
    seen: Array

    @classmethod
    def by_steps(
        cls, before: Before, weights: Array, critical: Array, *, two_sided: bool
    ) -> Selected:
        """Return effects under selection by steps.

        Parameters
        ----------
        before : Before
            What they were, turned so that selection favours greater ones.
        weights : ndarray, shape (d + 1,)
            Of the intervals of p, the smallest p first.
        critical : ndarray, shape (k, d)
            Critical values of the steps, falling along the last axis.
        """
        w = weights / weights.max()

        def weight(z: Array) -> Array:
            size = np.abs(z) if two_sided else z
            return np.asarray(w[np.sum(size[:, None] < critical[:, None, :], axis=2)])

        ends = np.column_stack([np.full(len(critical), np.inf), critical])
        seen = np.zeros(len(critical))
        for j, share in enumerate(w):
            last = j + 1 == w.size
            low = np.full(len(critical), 0.0 if two_sided else -np.inf) if last else ends[:, j + 1]
            seen += share * before.between(low, ends[:, j])
            if two_sided:
                seen += share * before.between(-ends[:, j], -low)
        return cls(before, weight, seen)

    @classmethod
    def smoothly(cls, before: Before, weight: Callable[[Array], Array]) -> Selected:
        """Return effects under a smooth weight of z, the same for each, shape (m,) to (m,)."""
        t = np.linspace(-_REACH, _REACH, _POINTS)
        z = before.mean[:, None] + before.sd[:, None] * t
        w = weight(z.ravel()).reshape(z.shape)
        grid = np.linspace(float(z.min()), float(z.max()), _POINTS)
        top = max(float(w.max()), float(weight(grid).max()))
        density = np.exp(-0.5 * t * t) / math.sqrt(2 * math.pi)
        seen = (w * density).sum(axis=1) * (t[1] - t[0]) / top
        k = before.mean.size
        return cls(before, lambda at: np.tile(weight(at) / top, (k, 1)), seen)

    def density(self, z: Array) -> Array:
        """Density of the z statistics that are seen, averaged over effects, shape (m,)."""
        each = self.before.densities(z) * self.weight(z) / self.seen[:, None]
        return np.asarray(each.mean(axis=0))

    def expected(self, z: Array) -> Array:
        """All z statistics for each that is seen: above `density` by those that are missing."""
        return np.asarray((self.before.densities(z) / self.seen[:, None]).mean(axis=0))

    def missing(self) -> float:
        """Effects that are not seen for each that is."""
        return float((1 / self.seen).mean() - 1)

    def discovery_rate(self, critical: Array) -> float:
        """Share of all effects, seen or not, that are significant, in either direction."""
        odds = 1 / self.seen
        return float((odds * self.before.beyond(critical)).sum() / odds.sum())
