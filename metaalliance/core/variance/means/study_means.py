"""What studies say of a mean: a precise mean each, as functions of the variance between effects.

Where a design is constant within studies, a study enters the likelihood through three functions of
the variance s between its effects. With M its sampling errors and s, P = 1'M^-1 1 and
y = 1'M^-1 yi / P, the variance of y is c = 1 / P plus that between studies, and ::

    log|S| + e'S^-1 e = log(c + s_study) + (y - x'b)^2 / (c + s_study) + log|M| + log P + r'M^-1 r

with r = yi - y. Of effects with equal variances y does not move, and the rest is in n, v and a sum
of squares; the others take a pass over their rows. Residuals are from the precise mean, so that
nothing is taken back where variances differ by many orders.

All functions are smooth: their singularities lie below the smallest (1 - rho) v with its sign
turned. For many values of s that lie close together they are known from a few values between.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.own import Shared
from metaalliance.core.variance.structure import Nested

ComplexArray = NDArray[np.complex128]

#: Error of a value between others, as a natural logarithm, and the most values that it rests on.
EXACT, _MOST = 38.0, 40
#: Products of numbers from which BLAS shares a product of matrices out among threads, whose waiting
#: costs more than they do.
_UNSHARED = 2**18


class Terms(NamedTuple):
    """The functions of every study, shape (n, m), each with two derivatives.

    Attributes
    ----------
    c : tuple of ndarray
        Variance of the precise mean.
    y : tuple of ndarray
        The precise mean; without derivatives where it does not move.
    logs : tuple of ndarray
        log|M| + log P.
    squares : tuple of ndarray
        r'M^-1 r.
    """

    c: tuple[Array, ...]
    y: tuple[Array, ...]
    logs: tuple[Array, ...]
    squares: tuple[Array, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Equal:
    """Studies of one sample of the same people, with equal variances; arrays of shape (m,)."""

    n: Array
    own: Array  # (1 - rho) v
    shared: Array  # rho v
    mean: Array
    squares: Array

    def at(self, s: Array) -> Terms:
        """Functions at `s` (n, 1)."""
        a, inverse = self.own + s, 1 / self.n
        one, pairs = 1 / a, self.n - 1
        first = pairs * one
        part = self.squares * one
        slope = -part * one
        c = (a * inverse + self.shared, np.broadcast_to(inverse, a.shape), np.zeros((1, 1)))
        return Terms(
            c,
            (self.mean[None],),
            (pairs * np.log(a) + np.log(self.n), first, -first * one),
            (part, slope, -2 * slope * one),
        )


class _Sums(NamedTuple):
    """Sums over the rows of each study, (m,) or (m, n).

    P = 1'M^-1 1, and R = r'M^-1 r of residuals from the precise mean, with two derivatives; Q is
    that mean and the derivatives of 1'M^-1 r. Then log|M|, and the traces of M^-1 and M^-2.
    """

    P: tuple[Array, Array, Array]
    Q: tuple[Array, Array, Array]
    R: tuple[Array, Array, Array]
    logs: Array
    trace: Array
    square: Array


@dataclass(frozen=True, slots=True, eq=False)
class _Unequal:
    """Studies whose effects have variances or people of their own."""

    structure: Nested
    yi: Array

    def beyond(self, s: Array, tau: Array) -> tuple[ComplexArray, ComplexArray]:
        """Variance and value of the precise mean at s + i tau: `s` (n,), `tau` (l, m), (l n, m)."""
        nested, blocks, rho = self.structure, self.structure.clusters, self.structure.rho
        mean = blocks.sums(self.yi) / blocks.sizes
        r = self.yi - blocks.spread(mean)
        shift = (s[:, None] + 1j * tau[:, None, :]).reshape(-1, blocks.m).T
        inverse = 1 / (((1 - rho) * nested.vi)[:, None] + blocks.spread(shift))
        if self._same:
            sd = np.sqrt(nested.vi)
            loads = np.stack([np.ones_like(r), r, sd, sd * r, nested.vi])
            ones, weighted, root, both, square = blocks.weighted(loads, inverse)
            shared = rho * root / (1 + rho * square)
            P, Q = ones - shared * root, weighted - shared * both
        else:
            own = Shared.build(nested.people, nested.vi, rho, 1 / inverse)
            u = own.solve(np.ones((r.size, 1)))
            P, Q = blocks.sums(u), blocks.sums(u * r[:, None])
        return (1 / P).T, (mean[:, None] + Q / P).T

    def extent(self) -> tuple[Array, Array]:
        """Bounds (m,) between which the eigenvalues of M lie at s = 0."""
        nested, starts = self.structure, self.structure.clusters.starts
        own, shared = (1 - nested.rho) * nested.vi, nested.rho * nested.clusters.sums(nested.vi)
        return np.minimum.reduceat(own, starts), np.maximum.reduceat(own, starts) + shared

    def at(self, s: Array) -> Terms:
        """Functions at `s` (n, 1)."""
        diagonal, y = (1 - self.structure.rho) * self.structure.vi, self.yi
        if s.size > 1:  # a column for each
            diagonal, y = diagonal[:, None] + s[:, 0], y[:, None]
        else:
            diagonal = diagonal + s[0, 0]
        of = (self._alike if self._same else self._nested)(diagonal, y)
        p1, y1, c = of.P[1] / of.P[0], of.Q[1] / of.P[0], 1 / of.P[0]
        y2 = of.Q[2] / of.P[0] - 2 * y1 * p1
        p2 = of.P[2] / of.P[0]
        found = Terms(
            (c, -p1 * c, (2 * p1 * p1 - p2) * c),
            (of.Q[0], y1, y2),
            (of.logs + np.log(of.P[0]), of.trace + p1, p2 - of.square - p1 * p1),
            (of.R[0], of.R[1], of.R[2] - 2 * y1 * of.Q[1]),
        )
        return Terms(*(tuple(np.atleast_2d(x.T) for x in part) for part in found))

    @property
    def _same(self) -> bool:
        """Whether every study is one sample of the same people."""
        return self.structure.people.steps.m == self.structure.clusters.m

    def _alike(self, diagonal: Array, y: Array) -> _Sums:
        """Sums of studies that are one sample of the same people each."""
        sums, spread = self.structure.clusters.sums, self.structure.clusters.spread
        rho, sd = self.structure.rho, np.sqrt(self.structure.vi)
        sd, d = sd if diagonal.ndim == 1 else sd[:, None], 1 / diagonal
        scaled = sd * d
        growth = 1 + rho * sums(sd * scaled)
        f = rho / growth
        u = d - scaled * spread(f * sums(scaled))
        P = sums(u)
        mean = _precise(self.structure.clusters, u, P, y)
        r = y - spread(mean)
        e = d * r - scaled * spread(f * sums(scaled * r))
        du, us, es = d * u, sums(scaled * u), sums(scaled * e)
        squared = scaled * scaled
        total = sums(squared)
        return _Sums(
            (P, -sums(u * u), 2 * (sums(du * u) - f * us * us)),
            (mean, -sums(u * e), 2 * (sums(du * e) - f * us * es)),
            (sums(r * e), -sums(e * e), 2 * (sums(d * e * e) - f * es * es)),
            np.log(growth) - sums(np.log(d)),
            sums(d) - f * total,
            sums(d * d) - 2 * f * sums(squared * d) + f * f * total * total,
        )

    def _nested(self, diagonal: Array, y: Array) -> _Sums:
        """Sums of studies with any people."""
        nested, blocks = self.structure, self.structure.clusters
        own, sums = Shared.build(nested.people, nested.vi, nested.rho, diagonal), blocks.sums
        u = own.solve(np.ones_like(y))
        P = sums(u)
        mean = _precise(blocks, u, P, y)
        r = y - blocks.spread(mean)
        e, t = own.solve(r), own.solve(u)
        return _Sums(
            (P, -sums(u * u), 2 * sums(u * t)),
            (mean, -sums(u * e), 2 * sums(t * e)),
            (sums(r * e), -sums(e * e), 2 * sums(e * own.solve(e))),
            own.log_determinant_of(blocks),
            sums(own.diagonal()),
            own.squares_of(blocks),
        )


def _precise(blocks: StudyBlocks, u: Array, P: Array, y: Array) -> Array:
    """Precise mean of each study, from its plain mean on."""
    sizes = blocks.sizes if y.ndim == 1 else blocks.sizes[:, None]
    mean = blocks.sums(y) / sizes
    return np.asarray(mean + blocks.sums(u * (y - blocks.spread(mean))) / P)


@dataclass(frozen=True, slots=True, eq=False)
class StudyMeans:
    """Effects of studies as the likelihood of a design needs them that is constant within studies.

    Attributes
    ----------
    structure : Nested
        The covariance of the effects.
    equal : _Equal or None
        Studies with equal variances.
    unequal : _Unequal or None
        The others.
    places : ndarray of bool, shape (m,)
        Which studies are among the first.
    order : ndarray of int, shape (m,)
        Where each study is when the others come behind the first.
    """

    structure: Nested
    equal: _Equal | None
    unequal: _Unequal | None
    places: BoolArray = field(repr=False)
    order: IntArray = field(repr=False)

    @classmethod
    def of(cls, structure: Nested, yi: Array) -> StudyMeans:
        """Reduce effects `yi` (k,)."""
        blocks, vi, rho = structure.clusters, structure.vi, structure.rho
        n, first = blocks.sizes.astype(np.float64), vi[blocks.starts]
        places = blocks.sums((vi != blocks.spread(first)).astype(np.float64)) == 0
        if rho and structure.people.steps.m != blocks.m:
            steps = np.bincount(blocks.study[structure.people.steps.starts], minlength=blocks.m)
            places &= steps == 1
        equal = unequal = None
        if places.any():
            mean = blocks.sums(yi) / n
            r = yi - blocks.spread(mean)
            mean, some = mean + blocks.sums(r) / n, places if not places.all() else slice(None)
            squares, v = blocks.sums(r * r), first[some]
            equal = _Equal(n[some], (1 - rho) * v, rho * v, mean[some], squares[some])
        if not places.all():
            rows = np.flatnonzero(blocks.spread(~places))
            whole = rows.size == vi.size
            unequal = _Unequal(structure if whole else structure.take(rows),
                               yi if whole else yi[rows])  # fmt: skip
        order = np.empty(blocks.m, dtype=np.intp)
        order[np.argsort(~places, kind="stable")] = np.arange(blocks.m)
        return cls(structure, equal, unequal, places, order)

    def at(self, s: Array) -> Terms:
        """Functions at `s` (n,), shape (n, m) each or (1, m) where they do not depend on it."""
        if self.unequal is None:
            assert self.equal is not None
            return self.equal.at(s[:, None])
        unequal = self.unequal.at(s[:, None])
        if self.equal is None:
            return unequal
        return self._joined(self.equal.at(s[:, None]), unequal, s.size)

    def _joined(self, equal: Terms, unequal: Terms, n: int) -> Terms:
        """Put the studies of both kinds where they belong."""
        first, order = int(self.places.sum()), self.order

        def joined(one: Array, other: Array) -> Array:
            if one.shape != (n, first):
                one = np.broadcast_to(one, (n, first))
            return np.concatenate((one, other), axis=1).take(order, axis=1)

        still = np.zeros((n, first))
        means = (*equal.y, still, still)
        own = Terms(equal.c, means, equal.logs, equal.squares)
        return Terms(
            *(
                tuple(joined(a, b) for a, b in zip(one, other, strict=True))
                for one, other in zip(own, unequal, strict=True)
            )
        )

    def nodes(self, s: Array, exact: float = EXACT) -> tuple[Array, Array | None]:
        """Where the functions have to be known, (n,), and how values at `s` (r,) rest on them.

        None for the second where every value is one of its own. `exact` is what errors are below,
        relative to the functions, as a logarithm with its sign turned.
        """
        low, high = float(s.min()), float(s.max())
        if s.size == 1:
            return s, None
        if low == high:
            return s[:1], np.ones((s.size, 1))
        nearest = (1 - self.structure.rho) * float(self.structure.vi.min())
        z = 1 + 2 * (low + nearest) / (high - low)
        n = int(np.ceil(exact / np.arccosh(z))) + 1
        if n > min(_MOST, s.size // 2):
            return s, None
        angle = (2 * np.arange(n) + 1) * np.pi / (2 * n)
        x = (2 * s - (low + high)) / (high - low)
        nodes = np.cos(angle)
        gap = x[:, None] - nodes
        same = gap == 0
        weight = np.where(np.arange(n) % 2, -1.0, 1.0) * np.sin(angle)
        ratio = weight / np.where(same, 1.0, gap)
        matrix = ratio / ratio.sum(axis=1, keepdims=True)
        hit = same.any(axis=1)
        matrix[hit] = same[hit]
        return (low + high) / 2 + (high - low) / 2 * nodes, matrix


def combined(weights: Array, values: Array) -> Array:
    """Return weights (r, n) times values (n, m), in parts that BLAS works on without threads."""
    rows = max(1, _UNSHARED // max(values.size, 1))
    if rows >= weights.shape[0]:
        return np.asarray(weights @ values)
    parts = [weights[first : first + rows] @ values for first in range(0, len(weights), rows)]
    return np.concatenate(parts)


def constant_rows(X: Array, starts: IntArray, sizes: IntArray) -> Array | None:
    """Return the row of each study, (m, p), of a design (k, p) that is constant within; or None."""
    rows = X[starts]
    return None if (np.repeat(rows, sizes, axis=0) != X).any() else rows
