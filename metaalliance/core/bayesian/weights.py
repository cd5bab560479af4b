"""Posterior of selection weights, by interval of one-sided p, averaged over weight functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.polynomial import legendre

from metaalliance.core.arrays import Array
from metaalliance.core.bayesian.bias_models import Steps
from metaalliance.core.bayesian.panel import gauss_legendre
from metaalliance.core.bayesian.posterior import Posterior

#: Cut points of one-sided p that the weight functions have between them.
P_EDGES = (0.0, 0.025, 0.05, 0.5, 0.95, 0.975, 1.0)
#: Values of each ratio for quantiles, by number of ratios.
_DENSE = {1: 4000, 2: 200, 3: 50}


@dataclass(frozen=True, slots=True, eq=False)
class WeightsPosterior:
    """Posterior of the weights of one step function.

    Attributes
    ----------
    steps : Steps
        The function and the nodes of its weights.
    masses : ndarray, shape (q,)
        Probabilities at the nodes.
    """

    steps: Steps
    masses: Array

    @classmethod
    def of(cls, steps: Steps, mean: Array, tau: Array, masses: Array) -> WeightsPosterior:
        """Return it from shares of the integral over mean and tau, shape (n,)."""
        logs = steps.logs(mean, tau)
        inner = np.exp(logs - logs.max(axis=1)[:, None])
        shares = (masses / masses.sum() / inner.sum(axis=1)) @ inner
        return cls(steps, np.asarray(shares))

    def nodes(self) -> Array:
        """Weights of the intervals of p at the nodes, shape (q, intervals)."""
        return self.steps.nodes()[0]

    def dense(self, which: int) -> tuple[Array, Array]:
        """Values of one weight below the first and their probabilities, at many points.

        It is the product of the ratios up to its own.
        """
        m, n = _DENSE[which], self.steps.n
        cube = self.masses.reshape(self.steps.orders).sum(axis=tuple(range(which, n)))
        value = np.ones(1)
        for j in range(which):
            low, high = self.steps.ends[j]
            middle = (np.arange(m) + 0.5) / m
            spread = _spread(self.steps.orders[j], 2 * middle - 1)
            cube = np.moveaxis(np.tensordot(spread, cube, (1, j)), 0, j)
            value = (value[:, None] * (low + (high - low) * middle) ** 2).ravel()
        found = np.maximum(cube.ravel(), 0.0)
        return value, found / found.sum()


def _spread(order: int, at: Array) -> Array:
    """From masses at Gauss-Legendre nodes to densities at points from -1 to 1."""
    nodes, _ = gauss_legendre(order)
    back = legendre.legvander(nodes, order - 1).T * (np.arange(order) + 0.5)[:, None]
    return np.asarray(legendre.legvander(at, order - 1) @ back)


def interval_weights(steps: Sequence[float], *, two_sided: bool) -> list[int]:
    """Which weight of a step function the intervals between `P_EDGES` have."""
    found = []
    for low, high in pairwise(P_EDGES):
        p = (low + high) / 2
        p = 2 * min(p, 1 - p) if two_sided else p
        found.append(sum(p > step for step in steps))
    return found


def averaged_weight(
    parts: Sequence[tuple[float, WeightsPosterior, int]], known: float, level: float
) -> Posterior:
    """Mean, standard deviation, median and central interval of one weight.

    Parameters
    ----------
    parts : sequence of (float, WeightsPosterior, int)
        Probability of a model, its weights, and which of them is meant.
    known : float
        Probability of models without selection, whose weights are one.
    level : float
        Probability of the interval.
    """
    known += sum(share for share, _, which in parts if which == 0)
    mean, square = known, known
    values, masses = [np.ones(1)], [np.array([known])]
    for share, weights, which in parts:
        if which == 0:
            continue
        at = weights.nodes()[:, which]
        mean += share * float(weights.masses @ at)
        square += share * float(weights.masses @ at**2)
        dense, probability = weights.dense(which)
        values.append(dense)
        masses.append(share * probability)
    value, mass = np.concatenate(values), np.concatenate(masses)
    order = np.argsort(value)
    below = np.cumsum(mass[order])
    ends = [
        float(value[order[min(int(np.searchsorted(below, p * below[-1])), order.size - 1)]])
        for p in (0.5, (1 - level) / 2, (1 + level) / 2)
    ]
    sd = math.sqrt(max(0.0, square - mean**2))
    return Posterior(mean=mean, sd=sd, median=ends[0], low=ends[1], high=ends[2])
