"""Beta selection: a weight that bends smoothly with the one-sided p-value."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.selection.likelihood import Weighting

#: P-values nearer to 0 or 1 than this count as this near.
SMALLEST_P = 0.025

_POINTS, _SHARES = np.polynomial.legendre.leggauss(24)
#: Widest panel of the quadrature, and where it ends without truncation, in standard errors.
_WIDEST, _FAR = 2.2, 37.0
#: Where neither a nor b is above the first, one panel is as exact to rounding if it is truncated.
_GENTLE, _ONE = 5.0, 2 * _FAR
#: Nearer to the edge than this the quadrature of untruncated weights loses digits.
LEAST_ROOM = 0.05


def room(vi: Array, tau2: float, delta: Array) -> float:
    """How far an untruncated weight is from having no expectation, which it has not below zero.

    In the tails the weight grows like ``exp((1 - a) z²/2)`` and the density of z falls like
    ``exp(-z² v / (v + tau²) / 2)``: a, and b in the other tail, have to be above
    ``tau² / (v + tau²)`` for every effect.
    """
    return float(np.min(delta) - tau2 / (np.min(vi) + tau2))


class _Nodes(NamedTuple):
    """Nodes z (n,) between the ends with their shares; logs (n, 2) and basis (n, 6) of p there."""

    z: Array
    shares: Array
    logs: Array
    basis: Array
    end: float
    end_logs: Array
    end_basis: Array


@cache
def _nodes(smallest: float, widest: float = _WIDEST) -> _Nodes:
    """Quadrature of z between the ends at `smallest` and one less `smallest`."""
    end = float(-ndtri(smallest)) if smallest > 0 else _FAR
    panels = int(np.ceil(2 * end / widest))
    edges = np.linspace(-end, end, panels + 1)
    half = end / panels
    z = (edges[:-1, None] + half * (1 + _POINTS)).ravel()
    logs, end_logs = _logs(z), _logs(np.array([-end, end]))
    shares = np.tile(half * _SHARES, panels)
    return _Nodes(z, shares, logs, _basis(logs), end, end_logs, _basis(end_logs))


def _logs(z: Array) -> Array:
    """Log p and log(1 - p) of one-sided p-values, shape (..., 2)."""
    return np.stack([log_ndtr(-z), log_ndtr(z)], axis=-1)


@dataclass(frozen=True, slots=True, eq=False)
class BetaWeights:
    """Weights ``p^(a - 1) (1 - p)^(b - 1)`` of upper-tail p-values, by log a and log b.

    P-values are taken as at least `smallest` from 0 and 1. Expectations are Gauss-Legendre sums
    over z between these ends and exact beyond them, where the weight is constant. For zero, no
    truncation, the likelihood is minus infinity where a weight has no expectation (`room`).

    Attributes
    ----------
    vi, sei : ndarray, shape (k,)
        Sampling variances and their roots.
    observed : ndarray, shape (k, 2)
        Logarithms of p and 1 - p.
    smallest : float
        Truncation.
    distinct : ndarray, shape (u,)
        Where each sampling variance comes first: effects with the same one have the same
        expectation.
    same : ndarray, shape (k,)
        Which of them each effect has.

    References
    ----------
    Citkowicz and Vevea (2017).
    """

    vi: Array
    sei: Array
    observed: Array
    smallest: float
    distinct: IntArray
    same: IntArray
    n: int = 2

    @classmethod
    def build(cls, yi: Array, vi: Array, smallest: float = SMALLEST_P) -> BetaWeights:
        """Return the weights of effects (k,) with variances (k,)."""
        sei, end = np.sqrt(vi), _nodes(smallest).end
        _, distinct, same = np.unique(vi, return_index=True, return_inverse=True)
        return cls(vi, sei, _logs(np.clip(yi / sei, -end, end)), smallest, distinct, same)

    def __call__(self, mu: Array, s: Array, eta: Array) -> Weighting:
        """Return weights and expectations at mu, s and the logarithms eta of a and b."""
        parameters = np.exp(eta)
        sei, shared = self.sei, mu.shape[1] == 1 and self.distinct.size < self.sei.size
        if shared:  # without moderators the mean is one
            sei, s = sei[self.distinct], s[:, self.distinct]
        sums = self._sums(sei, mu, s, parameters)
        A = sums[0][..., 0]
        if self.smallest == 0:
            edge = 1 - self.vi.min() / s.min(axis=1) ** 2
            A[parameters.min(axis=(0, 2)) <= edge] = np.nan
        slopes = np.stack([p * log for p, log in zip(parameters, self.observed.T, strict=True)])
        log_w = np.sum(slopes - self.observed.T[:, None], axis=0)
        both = [A, *_derivatives(sums, *parameters)]
        if shared:
            both = [piece[:, self.same] for piece in both]
        return Weighting(log_w, slopes, slopes, both[0], both[1:5], [*both[5:]])

    def _sums(self, sei: Array, mu: Array, s: Array, parameters: Array) -> list[Array]:
        """Integrals of density times weight times basis and its derivatives, each (B, u, ...)."""
        gentle = (parameters <= _GENTLE).all(axis=(0, 2)) & (self.smallest > 0)
        if gentle.any() and not gentle.all():
            found = [np.empty((len(mu), sei.size, n)) for n in (6, 3, 3, 1, 1, 1)]
            for rows in (gentle, ~gentle):
                part = self._sums(sei, mu[rows], s[rows], parameters[:, rows])
                for whole, piece in zip(found, part, strict=True):
                    whole[rows] = piece
            return found
        nodes = _nodes(self.smallest, _ONE if gentle.all() else _WIDEST)
        power = (parameters - 1).transpose(1, 2, 0)
        inner = nodes.shares * np.exp(power @ nodes.logs.T)
        outer = np.exp(power @ nodes.end_logs.T)
        within = _inner_sums(sei, mu, s, nodes, inner)
        beyond = [(piece * outer) @ nodes.end_basis for piece in _tails(sei, mu, s, nodes.end)]
        return [a + b[..., : a.shape[-1]] for a, b in zip(within, beyond, strict=True)]


def _inner_sums(sei: Array, mu: Array, s: Array, nodes: _Nodes, inner: Array) -> list[Array]:
    """Sums over nodes of density times weight times basis, then derivatives.

    By mu, tau², mu², mu tau², tau⁴. These are Hermite polynomials in ``t = (sei z - mu) / s``,
    so that the moments of t up to the fourth are enough.
    """
    t = (sei[:, None] * nodes.z - mu[..., None]) / s[..., None]
    W = np.exp(-(t**2) / 2)
    W *= inner * (1 / np.sqrt(2 * np.pi))
    moments = [W @ nodes.basis]
    for columns in (3, 3, 1, 1):
        W *= t
        moments.append(W @ nodes.basis[:, :columns])
    s = s[..., None]
    scale = sei[:, None] / s
    m0, m1, m2, m3, m4 = (m * scale for m in moments)
    return [
        m0,
        m1 / s,
        (m2 - m0[..., :3]) / (2 * s**2),
        (m2[..., :1] - m0[..., :1]) / s**2,
        (m3 - 3 * m1[..., :1]) / (2 * s**3),
        (m4 - 6 * m2[..., :1] + 3 * m0[..., :1]) / (4 * s**4),
    ]


def _tails(sei: Array, mu: Array, s: Array, end: float) -> list[Array]:
    """Probability below -end and above end, then its derivatives, each (B, k, 2)."""
    s, sign = s[..., None], np.array([1.0, -1.0])
    t = (sei[:, None] * np.array([-end, end]) - mu[..., None]) / s
    phi = np.exp(-(t**2) / 2) / np.sqrt(2 * np.pi) * sign
    return [
        ndtr(t * sign),
        -phi / s,
        -phi * t / (2 * s**2),
        -phi * t / s**2,
        phi * (1 - t**2) / (2 * s**3),
        phi * t * (3 - t**2) / (4 * s**4),
    ]


def _basis(logs: Array) -> Array:
    """One, the logs and their products: columns 1, a, b, aa, ab, bb."""
    first, second = logs[:, 0], logs[:, 1]
    columns = [np.ones_like(first), first, second, first**2, first * second, second**2]
    return np.column_stack(columns)


def _derivatives(sums: list[Array], a: Array, b: Array) -> list[Array]:
    """Derivatives of A over A by mu, tau², log a and log b; then second ones, as `Weighting`."""
    base, m, t, mm, mt, tt = (piece / sums[0][..., :1] for piece in sums)
    first = [m[..., 0], t[..., 0], a * base[..., 1], b * base[..., 2]]
    top = [mm[..., 0], mt[..., 0], a * m[..., 1], b * m[..., 2]]
    middle = [tt[..., 0], a * t[..., 1], b * t[..., 2]]
    own = [a * a * base[..., 3] + first[2], a * b * base[..., 4], b * b * base[..., 5] + first[3]]
    return [*first, *top, *middle, *own]
