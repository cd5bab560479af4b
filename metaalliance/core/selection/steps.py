"""Step-function selection: one weight for each interval of p-values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.selection.likelihood import Weighting

Tail = Literal["greater", "two-sided"]

_DENSITY = 1 / np.sqrt(2 * np.pi)


def normal_critical(steps: Array, tail: Tail) -> Array:
    """Critical values of normal tests at steps of p, in the upper tail or in both, shape (d,)."""
    return np.asarray(-ndtri(steps if tail == "greater" else steps / 2))


def p_groups(z: Array, critical: Array, tail: Tail) -> IntArray:
    """Interval of p of each effect in standard errors: 0 up to the first step (closed), then on.

    Parameters
    ----------
    z : ndarray, shape (k,)
        Effects by their standard errors.
    critical : ndarray, shape (d,) or (k, d)
        Critical values of the steps, falling along the last axis.
    tail : {"greater", "two-sided"}
        Which p-values.
    """
    size = z if tail == "greater" else np.abs(z)
    beyond: IntArray = np.sum(size[:, None] < critical, axis=1, dtype=np.intp)
    return beyond


@dataclass(frozen=True, slots=True, eq=False)
class StepWeights:
    """Weights of a step function; the first interval has weight one.

    Attributes
    ----------
    cuts : ndarray, shape (c, 1, k)
        Cut points of each effect in rising order.
    order : tuple of int
        Interval of p of each of the c + 1 regions between them, upwards.
    shown : ndarray, shape (d, 1, k)
        One where an effect lies in the interval of the weight.
    fixed : ndarray, shape (d,), or None
        Known weights; there are then no parameters.

    References
    ----------
    Vevea and Hedges (1995); Vevea and Woods (2005): fixed weights.
    """

    cuts: Array
    order: tuple[int, ...]
    shown: Array
    fixed: Array | None = None

    @classmethod
    def build(
        cls,
        yi: Array,
        vi: Array,
        steps: Array,
        tail: Tail,
        fixed: Array | None = None,
        critical: Array | None = None,
    ) -> StepWeights:
        """Return the weights of effects.

        Parameters
        ----------
        yi, vi : ndarray, shape (k,)
            Effects and sampling variances, turned so that "greater" is the favoured direction.
        steps : ndarray, shape (d,)
            Cut points of p in rising order, below one. There are d + 1 intervals.
        tail : {"greater", "two-sided"}
            Which p-values.
        fixed : ndarray, shape (d,), optional
            Known weights.
        critical : ndarray, shape (k, d), optional
            Critical value of each effect at each step, in standard errors; by default those of
            normal tests.
        """
        if critical is None:
            critical = normal_critical(steps, tail)
        last, sei = steps.size, np.sqrt(vi)
        groups = p_groups(yi / sei, critical, tail)
        upper = np.broadcast_to(critical, (yi.size, last)).T * sei
        order: tuple[int, ...] = tuple(range(last, -1, -1))
        cuts = upper[::-1]
        if tail == "two-sided":
            cuts, order = np.concatenate([-upper, cuts]), (*range(last), *order)
        shown = (groups == np.arange(1, last + 1)[:, None]).astype(float)
        return cls(np.ascontiguousarray(cuts[:, None]), order, shown[:, None], fixed)

    @property
    def n(self) -> int:
        """Number of estimated weights."""
        return self.shown.shape[0] if self.fixed is None else 0

    def __call__(self, mu: Array, s: Array, eta: Array) -> Weighting:
        """Return weights and expectations at mu, s and the log weights eta."""
        logs = eta if self.fixed is None else np.log(self.fixed)[:, None, None]
        t = (self.cuts - mu) / s
        mass = self.masses(t)
        weights = [np.ones((1, 1)), *np.exp(logs)]
        A = mass[0] + sum(w * m for w, m in zip(weights[1:], mass[1:], strict=True))
        part = [w / A for w in weights]
        log_w = sum(log * inside for log, inside in zip(logs, self.shown, strict=True))
        first, second = self._derivatives(t, s, part, mass)
        slopes = self.shown if self.n else eta
        return Weighting(np.asarray(log_w), slopes, None, A, first, second)

    def masses(self, t: Array) -> list[Array]:
        """Probability of each interval of p; differences of upper tails keep their digits."""
        above, tail = t > 0, ndtr(-np.abs(t))
        rest = 1 - tail
        below, beyond = np.where(above, rest, tail), np.where(above, tail, rest)
        regions = [below[0]]
        for j in range(1, len(t)):
            upper, lower = beyond[j - 1] - beyond[j], below[j] - below[j - 1]
            regions.append(np.where(above[j - 1], upper, lower))
        mass: dict[int, Array] = {}
        for h, region in zip(self.order, (*regions, beyond[-1]), strict=True):
            mass[h] = mass[h] + region if h in mass else region
        return [mass[h] for h in range(len(mass))]

    def _derivatives(
        self, t: Array, s: Array, part: list[Array], mass: list[Array]
    ) -> tuple[list[Array], list[Array | None]]:
        """Derivatives of A over A; `part` are the weights over A."""
        i = 1 / s
        half = -0.5 * i * i
        phi = np.exp(-0.5 * t * t) * _DENSITY
        jumps = [part[a] - part[b] for a, b in zip(self.order[:-1], self.order[1:], strict=True)]
        M0, M1, M2, M3 = _moments(jumps, phi, t)
        by_tau2 = half * M1
        first = [-i * M0, by_tau2]
        top: list[Array | None] = [2 * by_tau2, half * i * (M2 - M0)]
        middle: list[Array | None] = [half * half * (3 * M1 - M3)]
        own: list[Array | None] = []
        for h in range(1, self.n + 1):
            edge, lean = self._edges(h, phi, t)
            first.append(part[h] * mass[h])
            top.append(-i * part[h] * edge)
            middle.append(half * part[h] * lean)
            own += [first[-1], *([None] * (self.n - h))]
        return first, [*top, *middle, *own]

    def _edges(self, h: int, phi: Array, t: Array) -> tuple[Array, Array]:
        """What moving cut points add to the mass of interval h."""
        edge, lean = np.zeros(()), np.zeros(())
        for j, (a, b) in enumerate(zip(self.order[:-1], self.order[1:], strict=True)):
            if h in (a, b):
                signed = phi[j] if a == h else -phi[j]
                edge, lean = edge + signed, lean + signed * t[j]
        return edge, lean


def _moments(jumps: list[Array], phi: Array, t: Array) -> list[Array]:
    """Sums over cut points of jump times phi times powers of t."""
    sums: list[Array] = []
    for j, jump in enumerate(jumps):
        piece = jump * phi[j]
        for power in range(4):
            if j:
                sums[power] = sums[power] + piece
            else:
                sums.append(piece)
            if power < 3:
                piece = piece * t[j]
    return sums
