"""Beta selection: a weight that bends smoothly with the one-sided p-value."""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri

from metaalliance.core.arrays import Array
from metaalliance.core.selection.likelihood import Selector, Weighting

#: P-values nearer to 0 or 1 than this count as this near.
SMALLEST_P = 0.025

_POINTS, _SHARES = np.polynomial.legendre.leggauss(24)
#: Widest panel of the quadrature, and where it ends without truncation, in standard errors.
_WIDEST, _FAR = 2.2, 37.0
#: Nearer to the edge than this the quadrature of untruncated weights loses digits.
LEAST_ROOM = 0.05


def room(vi: Array, tau2: float, delta: Array) -> float:
    """How far an untruncated weight is from having no expectation, which it has not below zero.

    In the tails the weight grows like ``exp((1 - a) z²/2)`` and the density of z falls like
    ``exp(-z² v / (v + tau²) / 2)``: a, and b in the other tail, have to be above
    ``tau² / (v + tau²)`` for every effect.
    """
    return float(np.min(delta) - tau2 / (np.min(vi) + tau2))


def _nodes(smallest: float) -> tuple[Array, Array, float]:
    """Quadrature nodes and weights of z between the ends, and the upper end."""
    end = float(-ndtri(smallest)) if smallest > 0 else _FAR
    panels = int(np.ceil(2 * end / _WIDEST))
    edges = np.linspace(-end, end, panels + 1)
    half = end / panels
    nodes = (edges[:-1, None] + half * (1 + _POINTS)).ravel()
    return nodes, np.tile(half * _SHARES, panels), end


def _logs(z: Array) -> Array:
    """Log p and log(1 - p) of one-sided p-values, shape (..., 2)."""
    return np.stack([log_ndtr(-z), log_ndtr(z)], axis=-1)


def beta_selector(yi: Array, vi: Array, smallest: float = SMALLEST_P) -> Selector:
    """Return weights ``p^(a - 1) (1 - p)^(b - 1)`` of upper-tail p-values, delta = (a, b).

    P-values are taken as at least `smallest` from 0 and 1. Expectations are Gauss-Legendre sums
    over z between these ends and exact beyond them, where the weight is constant. For zero, no
    truncation, the likelihood is minus infinity where a weight has no expectation (`room`).

    References
    ----------
    Citkowicz and Vevea (2017).
    """
    sei = np.sqrt(vi)
    nodes, shares, end = _nodes(smallest)
    logs, end_logs = _logs(nodes), _logs(np.array([-end, end]))
    observed = _logs(np.clip(yi / sei, -end, end))

    def select(mu: Array, tau2: float, delta: Array) -> Weighting:
        s2, k = vi + tau2, yi.size
        if smallest == 0 and room(vi, tau2, delta) <= 0:
            nowhere = np.full(k, np.inf)
            return Weighting(nowhere, observed, np.zeros((k, 2, 2)), nowhere,
                             np.zeros((k, 4)), np.zeros((k, 4, 4)))  # fmt: skip
        inner = shares * np.exp(logs @ (delta - 1))
        outer = np.exp(end_logs @ (delta - 1))
        within = _inner_sums(sei, mu, s2, nodes, inner, _basis(logs))
        beyond = [(piece * outer) @ _basis(end_logs) for piece in _tails(sei, mu, s2, end)]
        sums = [a + b[:, : a.shape[1]] for a, b in zip(within, beyond, strict=True)]
        return Weighting(observed @ (delta - 1), observed, np.zeros((k, 2, 2)), *_expectation(sums))

    return select


def _basis(logs: Array) -> Array:
    """One, the logs and their products: columns 1, a, b, aa, ab, bb."""
    first, second = logs[:, 0], logs[:, 1]
    columns = [np.ones_like(first), first, second, first**2, first * second, second**2]
    return np.column_stack(columns)


def _inner_sums(
    sei: Array, mu: Array, s2: Array, nodes: Array, inner: Array, basis: Array
) -> list[Array]:
    """Sums over nodes of density times weight times basis, then derivatives.

    By mu, tau², mu², mu tau², tau⁴. These are Hermite polynomials in ``t = (sei z - mu) / s``,
    so that the moments of t up to the fourth are enough.
    """
    s = np.sqrt(s2)[:, None]
    t = (sei[:, None] * nodes - mu[:, None]) / s
    W = np.exp(-(t**2) / 2) * (inner / np.sqrt(2 * np.pi)) * (sei[:, None] / s)
    moments = [W @ basis]
    for columns in (3, 3, 1, 1):
        W *= t
        moments.append(W @ basis[:, :columns])
    m0, m1, m2, m3, m4 = moments
    return [
        m0,
        m1 / s,
        (m2 - m0[:, :3]) / (2 * s**2),
        (m2[:, :1] - m0[:, :1]) / s**2,
        (m3 - 3 * m1[:, :1]) / (2 * s**3),
        (m4 - 6 * m2[:, :1] + 3 * m0[:, :1]) / (4 * s**4),
    ]


def _tails(sei: Array, mu: Array, s2: Array, end: float) -> list[Array]:
    """Probability below -end and above end, then its derivatives, each (k, 2)."""
    s = np.sqrt(s2)[:, None]
    t = (sei[:, None] * np.array([-end, end]) - mu[:, None]) / s
    phi = np.exp(-(t**2) / 2) / np.sqrt(2 * np.pi) * np.array([1.0, -1.0])
    return [
        ndtr(t * np.array([1.0, -1.0])),
        -phi / s,
        -phi * t / (2 * s**2),
        -phi * t / s**2,
        phi * (1 - t**2) / (2 * s**3),
        phi * t * (3 - t**2) / (4 * s**4),
    ]


def _expectation(sums: list[Array]) -> tuple[Array, Array, Array]:
    """A, its first and its second derivatives, in the order mu, tau², a, b."""
    base, m, t, mm, mt, tt = sums
    A2 = np.empty((base.shape[0], 4, 4))
    A2[:, 0, 0], A2[:, 0, 1], A2[:, 1, 1] = mm[:, 0], mt[:, 0], tt[:, 0]
    A2[:, 0, 2:], A2[:, 1, 2:] = m[:, 1:3], t[:, 1:3]
    A2[:, 2, 2], A2[:, 2, 3], A2[:, 3, 3] = base[:, 3], base[:, 4], base[:, 5]
    rows, columns = np.triu_indices(4, 1)
    A2[:, columns, rows] = A2[:, rows, columns]
    A1 = np.column_stack([m[:, 0], t[:, 0], base[:, 1], base[:, 2]])
    return base[:, 0], A1, A2
