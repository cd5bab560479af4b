"""Densities of one unknown on a panel of a Gauss-Legendre rule, and mixtures of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.polynomial import legendre
from numpy.polynomial.hermite_e import hermegauss
from scipy.optimize import brentq

from metaalliance.core.arrays import Array, read_only
from metaalliance.core.bayesian.posterior import NormalMixture, Posterior

#: Nodes for a function of a normal unknown.
_HERMITE = 20


@lru_cache(maxsize=64)
def gauss_legendre(order: int) -> tuple[Array, Array]:
    """Nodes and weights on -1 to 1."""
    nodes, weights = legendre.leggauss(order)
    return read_only(nodes), read_only(weights)


def points(low: float, high: float, order: int) -> tuple[Array, Array]:
    """Nodes and weights of the rule on an interval."""
    nodes, weights = gauss_legendre(order)
    half = (high - low) / 2
    return low + half * (1 + nodes), half * weights


@dataclass(frozen=True, slots=True)
class Panel:
    """A stretch of one unknown, ``x = centre + width sinh(u)`` with u from `low` to `high`.

    Tails that fall like exp(-x) fall much faster in u, and the nodes lie close at the centre.

    Attributes
    ----------
    low, high, centre, width : float
        Ends in u, and the map.
    """

    low: float
    high: float
    centre: float
    width: float

    @classmethod
    def between(cls, low: float, high: float, *, centre: float, width: float) -> Panel:
        """Return the panel with these ends in x."""
        first, last = (math.asinh((end - centre) / width) for end in (low, high))
        return cls(first, last, centre, width)

    def ends(self) -> tuple[float, float]:
        """Ends in x."""
        low, high = (self.centre + self.width * math.sinh(u) for u in (self.low, self.high))
        return low, high

    def rule(self, order: int) -> tuple[Array, Array]:
        """Nodes in x and weights of the Gauss-Legendre rule in u."""
        u, w = points(self.low, self.high, order)
        return self.centre + self.width * np.sinh(u), w * self.width * np.cosh(u)

    def share(self, x: float) -> float:
        """Where x lies in u, from -1 to 1."""
        u = math.asinh((x - self.centre) / self.width)
        return 2 * (u - self.low) / (self.high - self.low) - 1


@dataclass(frozen=True, slots=False, eq=False)
class PanelDensity:
    """A density by its values at the nodes of one panel, which it does not reach beyond.

    Attributes
    ----------
    panel : Panel
        Where.
    masses : ndarray, shape (order,)
        Density times weight at the nodes; they sum to one.
    log : bool
        Whether the panel is in the logarithm of the unknown.
    """

    panel: Panel
    masses: Array
    log: bool = False

    @cached_property
    def _series(self) -> Array:
        """Coefficients of the density in Legendre polynomials, per unit of -1 to 1."""
        nodes, _ = gauss_legendre(self.masses.size)
        basis = legendre.legvander(nodes, self.masses.size - 1)
        return np.asarray((basis.T @ self.masses) * (np.arange(self.masses.size) + 0.5))

    @cached_property
    def _below(self) -> Array:
        return np.asarray(legendre.legint(self._series, lbnd=-1))

    def rest(self) -> float:
        """Size of the last coefficients: what the rule does not resolve, as a share of one."""
        return float(np.abs(self._series[-2:]).max() / self.masses.size)

    def values(self) -> Array:
        """Values of the unknown at the nodes."""
        x, _ = self.panel.rule(self.masses.size)
        return np.exp(x) if self.log else x

    def mean(self, of: Callable[[Array], Array] | None = None) -> float:
        """Mean of the unknown, or of a function of it."""
        values = self.values()
        return float(self.masses @ (values if of is None else of(values)))

    def cdf(self, value: float) -> float:
        """Probability of at most `value`."""
        if self.log:
            value = math.log(value) if value > 0 else -math.inf
        if math.isinf(value):
            return 0.0 if value < 0 else 1.0
        x = min(1.0, max(-1.0, self.panel.share(value)))
        return min(1.0, max(0.0, float(legendre.legval(x, self._below))))


Density = PanelDensity | NormalMixture


def _ends(density: Density) -> tuple[float, float]:
    """Values with nothing below and above."""
    if isinstance(density, NormalMixture):
        reach = 9 * np.sqrt(density.variances)
        return float((density.means - reach).min()), float((density.means + reach).max())
    low, high = density.panel.ends()
    return (math.exp(low), math.exp(high)) if density.log else (low, high)


def _mean(density: Density, of: Callable[[Array], Array] | None) -> float:
    """Mean of an unknown, or of a function of it."""
    if isinstance(density, PanelDensity):
        return density.mean(of)
    if of is None:
        return density.mean()
    x, w = hermegauss(_HERMITE)
    values = of(density.means[:, None] + np.sqrt(density.variances)[:, None] * x)
    return float(density.weights @ (values @ w)) / math.sqrt(2 * math.pi)


@dataclass(frozen=True, slots=True, eq=False)
class Averaged:
    """A mixture of densities and of models in which the unknown is known.

    Attributes
    ----------
    parts : sequence of (float, Density)
        Densities with their probabilities.
    atom : float
        The value where it is known.
    mass : float
        Probability of these models.
    """

    parts: Sequence[tuple[float, Density]]
    atom: float
    mass: float

    def mean(self, of: Callable[[Array], Array] | None = None) -> float:
        """Mean of the unknown, or of a function of it."""
        known = np.array([self.atom])
        fixed = float((known if of is None else of(known))[0])
        return self.mass * fixed + sum(p * _mean(density, of) for p, density in self.parts)

    def cdf(self, value: float) -> float:
        """Probability of at most `value`."""
        known = self.mass if value >= self.atom else 0.0
        return known + self._smooth(value)

    def _smooth(self, value: float) -> float:
        return sum(p * density.cdf(value) for p, density in self.parts)

    def quantile(self, p: float) -> float:
        """Smallest value with probability of at least `p` up to it."""
        if not self.parts:
            return self.atom
        below = self._smooth(self.atom)
        if self.mass and below < p <= below + self.mass:
            return self.atom
        ends = [_ends(density) for _, density in self.parts]
        low, high = min(e[0] for e in ends), max(e[1] for e in ends)
        aim = p - self.mass if self.mass and p > below + self.mass else p
        aim = min(aim, self._smooth(high) * (1 - 1e-15))
        if self._smooth(low) >= aim:
            return low
        return float(brentq(lambda x: self._smooth(x) - aim, low, high, xtol=1e-13, rtol=1e-13))

    def describe(self, level: float) -> Posterior:
        """Mean, standard deviation, median and central interval."""
        mean = self.mean()
        return Posterior(
            mean=mean,
            sd=math.sqrt(max(0.0, self.mean(lambda x: (x - mean) ** 2))),
            median=self.quantile(0.5),
            low=self.quantile((1 - level) / 2),
            high=self.quantile((1 + level) / 2),
        )
