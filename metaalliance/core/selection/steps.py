"""Step-function selection: one weight for each interval of p-values."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.selection.likelihood import Selector, Weighting

Tail = Literal["greater", "two-sided"]


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


def _regions(critical: Array, tail: Tail) -> tuple[Array, IntArray]:
    """Cut points of z in rising order, and the p-interval of each region between them."""
    last = critical.shape[-1]
    if tail == "greater":
        return critical[..., ::-1], np.arange(last, -1, -1)
    order = np.concatenate([np.arange(last), [last], np.arange(last)[::-1]])
    return np.concatenate([-critical, critical[..., ::-1]], axis=-1), order


def _pieces(t: Array, s2: Array) -> list[Array]:
    """Normal probability below t = (cut - mu) / s, then its derivatives.

    By mu, tau², mu², mu tau², tau⁴; each (k, cuts).
    """
    s = np.sqrt(s2)[:, None]
    phi = np.exp(-(t**2) / 2) / np.sqrt(2 * np.pi)
    return [
        -phi / s,
        -phi * t / (2 * s**2),
        -phi * t / s**2,
        phi * (1 - t**2) / (2 * s**3),
        phi * t * (3 - t**2) / (4 * s**4),
    ]


def _between(t: Array) -> Array:
    """Normal probabilities between neighbouring columns of t, with infinity at both ends."""
    ends = np.full((t.shape[0], 1), np.inf)
    low, high = np.hstack([-ends, t]), np.hstack([t, ends])
    above = low > 0  # differences of upper tails keep their digits there
    mass: Array = np.where(above, ndtr(-low) - ndtr(-high), ndtr(high) - ndtr(low))
    return mass


def step_selector(
    yi: Array,
    vi: Array,
    steps: Array,
    tail: Tail,
    fixed: Array | None = None,
    critical: Array | None = None,
) -> Selector:
    """Return weights of a step function; the first interval has weight one.

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Effects and sampling variances, turned so that "greater" is the favoured direction.
    steps : ndarray, shape (d,)
        Cut points of p in rising order, below one. There are d + 1 intervals.
    tail : {"greater", "two-sided"}
        Which p-values.
    fixed : ndarray, shape (d,), optional
        Known weights; delta then has no elements.
    critical : ndarray, shape (k, d), optional
        Critical value of each effect at each step, in standard errors; by default those of normal
        tests.

    References
    ----------
    Vevea and Hedges (1995); Vevea and Woods (2005): fixed weights.
    """
    if critical is None:
        critical = normal_critical(steps, tail)
    groups = p_groups(yi / np.sqrt(vi), critical, tail)
    cuts, order = _regions(critical, tail)
    member = np.zeros((order.size, steps.size + 1))
    member[np.arange(order.size), order] = 1
    sei = np.sqrt(vi)

    def select(mu: Array, tau2: float, delta: Array) -> Weighting:
        weights = np.concatenate([[1.0], delta if fixed is None else fixed])
        s2 = vi + tau2
        t = (sei[:, None] * cuts - mu[:, None]) / np.sqrt(s2)[:, None]
        zero = np.zeros((yi.size, 1))
        moved = [
            np.diff(np.hstack([zero, piece, zero]), axis=1) @ member for piece in _pieces(t, s2)
        ]
        return _weighting(groups, weights, _between(t) @ member, moved, delta.size)

    return select


def _weighting(
    groups: IntArray, weights: Array, mass: Array, moved: list[Array], d: int
) -> Weighting:
    """Put weights and masses of the intervals together; `moved` are derivatives of `mass`."""
    k = groups.size
    m, t, mm, mt, tt = (piece @ weights for piece in moved)
    A1, A2 = np.empty((k, 2 + d)), np.zeros((k, 2 + d, 2 + d))
    A1[:, 0], A1[:, 1] = m, t
    A2[:, 0, 0], A2[:, 0, 1], A2[:, 1, 0], A2[:, 1, 1] = mm, mt, mt, tt
    log_w1, log_w2 = np.zeros((k, d)), np.zeros((k, d, d))
    if d:
        A1[:, 2:] = mass[:, 1:]
        A2[:, 0, 2:] = A2[:, 2:, 0] = moved[0][:, 1:]
        A2[:, 1, 2:] = A2[:, 2:, 1] = moved[1][:, 1:]
        rows = np.flatnonzero(groups > 0)
        columns = groups[rows] - 1
        log_w1[rows, columns] = 1 / weights[groups[rows]]
        log_w2[rows, columns, columns] = -1 / weights[groups[rows]] ** 2
    return Weighting(np.log(weights[groups]), log_w1, log_w2, mass @ weights, A1, A2)
