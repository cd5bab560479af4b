"""Cluster-robust variances of many means at once, from the means of studies.

With B = S - G 1 1' the covariance of the residuals of a study, G that of the mean, its adjustment
A of CR2 is the positive definite matrix with A B A = S, and t = A S^-1 1 is all that a mean needs.
1 is an eigenvector where the variances are equal, so that t is S^-1 1 over sqrt(1 - G 1'S^-1 1).
Elsewhere A = S (B S)^(-1/2), and the integral of the inverse root over the resolvents of B S, which
are those of S² but for one outer product, leaves::

    t = S^-1 1 + (2 G / pi) ∫ Re(z) k / (1 - G 1'Re(z)) dx,  z = (S + ix)^-1 1,  k = -Im(1'z) / x

over x from zero on: what a study says at s + ix in place of s. Both 1't and e't are such integrals,
and t'S t = 1'S^-1 1 + G (1't)² because t'B t = 1'S^-1 1. The integrand is analytic but where x is i
times an eigenvalue; elliptic functions turn the way around these into a strip, in which the
midpoint rule converges geometrically. The integral is small, as G 1'S^-1 1 is,
so that few of its digits count.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import special

from metaalliance.core.arrays import Array
from metaalliance.core.inference.robust import (
    HEAVY,
    SINGULAR,
    RobustCovariance,
    robust_covariance,
    small_sample_factor,
)
from metaalliance.core.variance.means.mean_variants import MeanPoints
from metaalliance.core.variance.means.study_means import combined
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint

#: Error of an adjusted residual, relative to the residual.
_ERROR = 1e-12
#: Most places at which an integrand is evaluated.
_MOST = 60
#: Complex numbers that are held at once.
_CELLS = 2**15


class RobustMeans(NamedTuple):
    """Robust variance of each mean with its degrees of freedom, (r,); NaN where there is none."""

    variance: Array
    df: Array


def robust_means(points: MeanPoints, kind: str) -> RobustMeans:
    """Return the robust variance of every mean with Satterthwaite's degrees of freedom.

    Parameters
    ----------
    points : MeanPoints
        Models of a mean; a study is there once or not at all.
    kind : {"cr0", "cr1", "cr1s", "cr2"}
        As in `robust_covariance`. With "cr2" a study of unequal variances that has most of the
        weight leaves NaN: its adjustment takes what the others know.
    """
    G, w, present = points.bread[:, :1, 0], points.w, points.variants.present
    t, e = w, np.zeros((1, 1))
    own = G**2 * w * (1 - G * w)
    if kind == "cr2":
        t, e = _adjusted(points, G)
        own = np.where(t == 0, 0.0, G**2 * w)
    scores, squares = (G * (t * points.residuals + e)) ** 2, (G * t) ** 2
    if present is not None:
        scores, squares, own = scores * present, squares * present, own * present
    earlier = np.cumsum(squares, axis=1)
    pairs = np.einsum("rm,rm->r", squares[:, 1:], earlier[:, :-1])
    spread = np.einsum("rm,rm->r", own, own) + 2 * G[:, 0] ** 2 * pairs
    df = np.full(spread.size, np.nan)
    np.divide(own.sum(axis=1) ** 2, spread, out=df, where=spread > 0)
    return RobustMeans(scores.sum(axis=1) * _factors(points, kind), df)


def mean_covariance(data: MultilevelData, point: MultilevelPoint, kind: str) -> RobustCovariance:
    """Return what `robust_covariance` does, of a mean from the means of studies where possible."""
    means = data.means
    if means is not None and means.mean:
        found = robust_means(means.at(point.theta[None], restricted=True), kind)
        if np.isfinite(found).all():
            return RobustCovariance(found.variance[:, None], found.df)
    return robust_covariance(data, point, kind)


def _factors(points: MeanPoints, kind: str) -> Array:
    """Factor of each variance."""
    if kind in {"cr0", "cr2"}:
        return np.ones(1)
    present, counts = points.variants.present, points.variants.counts
    studies = np.array([points.w.shape[1]]) if present is None else present.sum(axis=1)
    each = zip(studies, counts, strict=True)
    return np.array([small_sample_factor(kind, int(m), int(k), 1) for m, k in each])


def _adjusted(points: MeanPoints, G: Array) -> tuple[Array, Array]:
    """Return 1't and e't of every study, e its effects less their precise mean, (r, m)."""
    w, wi, unequal = points.w, points.wi, ~points.variants.means.places
    heavy, left = G * w > HEAVY, 1 - G * w
    if (heavy & (wi > 0)).any():  # what is left of one is what the others have
        others = np.zeros_like(wi)
        others[:, 1:] += np.cumsum(wi[:, :-1], axis=1)
        others[:, :-1] += np.cumsum(wi[:, :0:-1], axis=1)[:, ::-1]
        left = np.where(heavy, G * others, left)
    kept = left > SINGULAR
    t: Array = np.where(kept, w, 0.0) / np.sqrt(np.where(kept, left, 1.0))
    e = np.zeros_like(t)
    if unequal.any():
        alone = (heavy & (wi > 0))[:, unequal].any(axis=1)
        added = _integrals(points, np.where(heavy, 0.0, G * w)[:, unequal])
        if added is None:
            t[:, unequal] = np.nan
        else:
            t[:, unequal], e[:, unequal] = w[:, unequal] + added[0], added[1]
        t[alone] = np.nan
    return t, e


def _known(between: Array, values: Array) -> Array:
    """Values of nodes (l, n, u) at every variant, (l, r, u)."""
    return np.stack([combined(between, v) for v in values])


def _integrals(points: MeanPoints, share: Array) -> tuple[Array, Array] | None:
    """What the integral adds to 1't and e't of studies with unequal variances, (r, u).

    None where eigenvalues are too far apart. `share` (r, u) is G 1'S^-1 1.
    """
    means, theta = points.variants.means, points.theta
    unequal, part = ~means.places, means.unequal
    assert part is not None
    low, high = part.extent()
    low = (low + theta[:, 1].min()) * (1 - share.max(axis=0))
    high = high + theta[:, 1].max() + part.structure.clusters.sizes * theta[:, 0].max()
    ratio, digits = float((low / high).min()), math.log(max(share.max(), _ERROR) / _ERROR)
    count = math.ceil(digits * (2 - math.log(ratio)) / math.pi**2)
    if count > _MOST:
        return None
    period = float(special.ellipkm1(ratio**2))
    sn, cn, dn, _ = special.ellipj((np.arange(count) + 0.5) * period / count, 1 - ratio**2)
    nodes, between = means.nodes(theta[:, 1], digits + 3)
    places, steps = sn / cn, dn / cn**2 * period / count
    G, s1, mean = points.bread[:, 0], theta[:, :1], points.mean[:, unequal]
    ones, effects = np.zeros_like(share), np.zeros_like(share)
    batch = max(1, _CELLS // max(nodes.size * part.yi.size, share.size))
    for first in range(0, count, batch):
        x = places[first : first + batch, None, None]
        found = part.beyond(nodes, low * x[:, 0])
        each = (p.reshape(-1, nodes.size, low.size) for z in found for p in (z.real, z.imag))
        c, ic, y, iy = each if between is None else (_known(between, p) for p in each)
        c = c + s1
        size = c * c + ic * ic
        a, k = c / size, ic / size
        weight = k * (steps[first : first + batch, None, None] / x) / (1 - G * a)
        ones += np.einsum("lrm,lrm->rm", a, weight)
        effects += np.einsum("lrm,lrm->rm", a * (y - mean) + k * iy, weight)
    return 2 / np.pi * G * ones, 2 / np.pi * G * effects
