"""The likelihood of variants of effects whose designs are constant within studies.

A variant is a row: whole studies are absent or there several times, and what studies deviate by is
multiplied by a number of each, such as a random sign. One fit is a batch of one. Everything is a
sum over studies of the functions that `study_means` gives.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.variance.data_sets import Design, inverses, log_determinants, traces
from metaalliance.core.variance.means.study_means import StudyMeans, combined, constant_rows
from metaalliance.core.variance.structure import Nested, Structure


@dataclass(frozen=True, slots=True, eq=False)
class MeanVariants:
    """Variants of effects that are reduced to the means of studies.

    Attributes
    ----------
    means : StudyMeans
        The studies.
    design : Design
        The row of each study, (m, p).
    mean : bool
        Whether it is a mean, a column of ones.
    present : ndarray, shape (r, m), or None
        How often each study is there.
    factors : ndarray, shape (r, m), or None
        What the effects of each study are multiplied by.
    size : int
        Number of variants.
    log_xtx : ndarray, shape (r,) or (1,)
        Logarithm of the determinant of X'X.
    """

    means: StudyMeans
    design: Design
    mean: bool
    present: Array | None
    factors: Array | None
    size: int
    log_xtx: Array = field(repr=False)

    @classmethod
    def of(cls, structure: Structure, yi: Array, X: Array) -> MeanVariants | None:
        """Reduce effects (k,) with the design `X` (k, p); None where that cannot be done."""
        if not isinstance(structure, Nested):
            return None
        blocks = structure.clusters
        rows = constant_rows(X, blocks.starts, blocks.sizes)
        if rows is None:
            return None
        design, mean = Design.of(rows), bool(rows.shape[1] == 1 and (rows == 1).all())
        gram = design.moments(blocks.sizes.astype(np.float64)[None])
        log_xtx = log_determinants(gram)
        return cls(StudyMeans.of(structure, yi), design, mean, None, None, 1, log_xtx)

    def of_present(self, present: Array) -> MeanVariants:
        """Return variants that hold each study so often, `present` of shape (r, m)."""
        sizes = self.structure.clusters.sizes.astype(np.float64)
        log_xtx = log_determinants(self.moments(present * sizes))
        return replace(self, present=present, size=present.shape[0], log_xtx=log_xtx)

    def of_factors(self, factors: Array) -> MeanVariants:
        """Return variants whose effects are multiplied by `factors` of their study, (r, m)."""
        return replace(self, factors=factors, size=factors.shape[0])

    @property
    def structure(self) -> Nested:
        """The covariance of the effects."""
        return self.means.structure

    @property
    def p(self) -> int:
        """Number of columns of the design."""
        return int(self.design.X.shape[1])

    @property
    def counts(self) -> Array:
        """Effects of each variant."""
        sizes = self.structure.clusters.sizes.astype(np.float64)
        return np.array([sizes.sum()]) if self.present is None else self.present @ sizes

    @property
    def scale(self) -> float:
        """A typical sampling variance."""
        return float(self.structure.vi.size / np.sum(1 / self.structure.vi))

    def take(self, rows: IntArray | slice) -> MeanVariants:
        """Return some of the variants."""

        def some(a: Array | None) -> Array | None:
            return None if a is None else a[rows]

        size = int(np.arange(self.size)[rows].size)
        log_xtx = self.log_xtx if self.log_xtx.size == 1 else self.log_xtx[rows]
        present, factors = some(self.present), some(self.factors)
        return replace(self, present=present, factors=factors, size=size, log_xtx=log_xtx)

    def sums(self, values: Array) -> Array:
        """Sum values (r, m) over studies, shape (r,)."""
        return np.asarray(np.add.reduce(values, axis=1))

    def columns(self, values: Array) -> Array:
        """Return X'z of rows (r, m), shape (r, p)."""
        return self.sums(values)[:, None] if self.mean else values @ self.design.X

    def moments(self, wi: Array) -> Array:
        """Return X'WX for weights (r, m), shape (r, p, p)."""
        return self.sums(wi)[:, None, None] if self.mean else self.design.moments(wi)

    def at(self, theta: Array, *, restricted: bool) -> MeanPoints:
        """Solve the least squares problems at `theta` (r, 2)."""
        nodes, between = self.means.nodes(theta[:, 1])
        terms = self.means.at(nodes)
        c, y = (tuple(_known(x, between) for x in part) for part in (terms.c, terms.y))
        if self.factors is not None:
            y = tuple(x * self.factors for x in y)
        logs = [self._total(x, between, None) for x in terms.logs]
        squares = [self._total(x, between, self.factors) for x in terms.squares]
        variance = c[0] + theta[:, :1]
        w = 1 / variance
        wi = w if self.present is None else self.present * w
        bread = inverses(self.moments(wi))
        beta = np.einsum("rab,rb->ra", bread, self.columns(wi * y[0]))
        d = y[0] - (beta if self.mean else beta @ self.design.X.T)
        log_variance = np.log(variance)
        if self.present is not None:
            log_variance *= self.present
        rss = np.einsum("rm,rm,rm->r", wi, d, d) + squares[0]
        value = -0.5 * (logs[0] + log_variance.sum(axis=1) + rss)
        if restricted:
            value = value + 0.5 * (log_determinants(bread) + self.log_xtx)
        return MeanPoints(
            self,
            theta,
            y[0],
            c[1:],
            y[1:],
            logs[1:],
            squares[1:],
            w,
            wi,
            d,
            bread,
            beta,
            rss,
            value,
        )

    def _total(self, values: Array, between: Array | None, factors: Array | None) -> Array:
        """Sum values (n, m) over studies that are present, with squared factors, shape (r,)."""
        weights = self.present
        if factors is not None:
            weights = factors**2 if weights is None else weights * factors**2
        if between is None:
            whole = values if weights is None else values * weights
            return np.asarray(whole.sum(axis=1))
        if weights is None:
            return np.asarray(between @ values.sum(axis=1))
        return np.asarray(np.einsum("rn,rn->r", between, combined(weights, values.T)))


@dataclass(frozen=True, slots=True, eq=False)
class MeanPoints:
    """The model of every variant at its variance components.

    Attributes
    ----------
    theta : ndarray, shape (r, 2)
        Variance components.
    mean : ndarray, shape (r, m) or (1, m)
        The precise mean of each study.
    c, y : tuple of ndarray
        Derivatives of variance and mean of each study, (r, m); none of a mean that stays.
    logs, squares : list of ndarray
        Two derivatives of sums over studies, (r,) each.
    w, wi : ndarray, shape (r, m)
        Inverse variance of the mean of each study, and times how often it is there.
    residuals : ndarray, shape (r, m)
        The mean of each study less X beta.
    bread, beta : ndarray, shape (r, p, p) and (r, p)
        (X'S^-1 X)^-1 and generalised least squares coefficients.
    rss, value : ndarray, shape (r,)
        (y - X beta)'S^-1 (y - X beta), and the log-likelihood without its constants.
    """

    variants: MeanVariants
    theta: Array
    mean: Array
    c: tuple[Array, ...]
    y: tuple[Array, ...]
    logs: list[Array]
    squares: list[Array]
    w: Array
    wi: Array
    residuals: Array
    bread: Array
    beta: Array
    rss: Array
    value: Array

    def score(self, *, restricted: bool) -> tuple[Array, Array, Array]:
        """Score (r, 2), observed and expected information (r, 2, 2).

        With weights w = 1 / (c + s_study), d = y - X beta, and subscripts for derivatives, the
        sums of log(c + s_study) and of w d² and log|X'WX| have derivatives that are moments of
        powers of w; beta moves with W^-1 b, so that 2 b'W^-1 b leaves the second derivatives.
        """
        wi, d, (c1, c2) = self.wi, self.residuals, self.c
        wd, v = wi * d, wi * self.w
        vd, vc = wd * self.w, v * c1
        u, vdc = vd * d, vd * c1
        uw = u * self.w
        uwc = uw * c1
        sums, columns = self.variants.sums, self.variants.columns
        slope1, slope2 = -sums(u), -_dot(u, c1)
        bends = [-sums(v), -sums(vc), -_dot(vc, c1)]
        squares = [2 * sums(uw), 2 * sums(uwc), 2 * _dot(uwc, c1)]
        b1, b2 = -columns(vd), -columns(vdc)
        if self.y:
            y1, y2 = self.y
            wy = wi * y1
            slope2 = slope2 + 2 * _dot(wd, y1)
            bends[2] = bends[2] + _dot(wi, c2)
            squares[1] = squares[1] - 2 * _dot(vd, y1)
            squares[2] = squares[2] - _dot(u, c2) - 4 * _dot(vdc, y1) + 2 * _dot(wy, y1)
            squares[2] = squares[2] + 2 * _dot(wd, y2)
            b2 = b2 + columns(wy)
        slopes = [sums(wi) + slope1, self.logs[0] + self.squares[0] + _dot(wi, c1) + slope2]
        bends[2] = bends[2] + self.logs[1]
        if restricted:
            first, second = self._of_bread(v, vc)
            slopes = [a + b for a, b in zip(slopes, first, strict=True)]
            bends = [a + b for a, b in zip(bends, second, strict=True)]
        lost1, lost2 = (np.einsum("rab,rb->ra", self.bread, b) for b in (b1, b2))
        squares[0] = squares[0] - 2 * _dot(b1, lost1)
        squares[1] = squares[1] - 2 * _dot(b1, lost2)
        squares[2] = squares[2] - 2 * _dot(b2, lost2) + self.squares[1]
        expected = _symmetric(bends) * -0.5
        score = -0.5 * np.stack(slopes, axis=1)
        return score, 0.5 * _symmetric(squares) - expected, expected

    def trace(self) -> Array:
        """Trace of P, shape (r,): the sum of P A of the variance between effects."""
        v = self.wi * self.w
        vc, (c1, _) = v * self.c[0], self.c
        bread = traces(self.bread, self.variants.moments(vc))
        return self.logs[0] + _dot(self.wi, c1) - bread

    def _of_bread(self, v: Array, vc: Array) -> tuple[list[Array], list[Array]]:
        """First derivatives of log|X'WX|, and second ones, of the weights v = w² and v c'."""
        moments, (c1, c2), vcw = self.variants.moments, self.c, vc * self.w
        second = [2 * moments(v * self.w), 2 * moments(vcw), 2 * moments(vcw * c1)]
        if self.y:
            second[2] = second[2] - moments(v * c2)
        A1, A2 = (-(self.bread @ moments(x)) for x in (v, vc))
        bent = [
            traces(self.bread, W) - traces(A, B)
            for W, A, B in zip(second, (A1, A1, A2), (A1, A2, A2), strict=True)
        ]
        return [traces(A) for A in (A1, A2)], bent


@dataclass(frozen=True, slots=True, eq=False)
class MeanPoint:
    """The likelihood of one set of effects at `theta` (2,)."""

    points: MeanPoints
    theta: Array
    k: int
    log_likelihood: float

    @classmethod
    def of(cls, means: MeanVariants, theta: Array, *, restricted: bool) -> MeanPoint:
        """Evaluate the likelihood of a batch of one."""
        points, k = means.at(theta[None], restricted=restricted), means.structure.vi.size
        value = float(points.value[0]) + constant(k, means.p, restricted=restricted)
        return cls(points, theta, k, value)

    def score(self, *, restricted: bool) -> tuple[Array, Array, Array]:
        """Score (2,), observed and expected information (2, 2)."""
        score, observed, expected = self.points.score(restricted=restricted)
        return score[0], observed[0], expected[0]


def constant(k: int, p: int, *, restricted: bool) -> float:
    """Return the constant of a log-likelihood of k effects and p coefficients."""
    return -0.5 * (k - p if restricted else k) * float(np.log(2 * np.pi))


def _known(values: Array, between: Array | None) -> Array:
    """Values (n, m) of nodes at every variant, (r, m), or (1, m) where they are all the same."""
    return values if between is None or values.shape[0] == 1 else combined(between, values)


def _dot(a: Array, b: Array) -> Array:
    """Inner products of rows, of which one may be shared, shape (r,)."""
    return np.asarray(np.einsum("rm,rm->r", a, b), dtype=np.float64)


def _symmetric(parts: list[Array]) -> Array:
    """Matrices (r, 2, 2) of the entries 11, 12 and 22."""
    a, b, c = parts
    return np.stack([a, b, b, c], axis=1).reshape(-1, 2, 2)
