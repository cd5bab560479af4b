"""Cluster bootstrap of selection models: all replicates climb together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.core.selection.climb import climb
from metaalliance.core.selection.estimating import solve
from metaalliance.core.selection.optimum import RISE, SelectionOptimum
from metaalliance.core.selection.resamples import Resamples, Resampling, draw_resamples

#: Effects in a batch of replicates: what fits into a processor's cache, and whose arrays are small
#: enough that their memory is not asked for anew.
_CELLS = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Replicates:
    """Estimates of the replicates of a bootstrap.

    Attributes
    ----------
    theta : ndarray, shape (R, q)
        Parameters on the scale of the effects; NaN where the likelihood of a replicate has no
        maximum.
    covariance : ndarray, shape (R, q, q), or None
        Their cluster-robust covariances, where they were asked for; NaN for tau² at zero.
    """

    theta: Array
    covariance: Array | None

    @property
    def failed(self) -> int:
        """Number of replicates without a maximum."""
        return int(np.isnan(self.theta).any(axis=1).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Refit:
    """Fits a model to a batch of replicates.

    Attributes
    ----------
    optimum : SelectionOptimum
        The fitted model.
    codes : ndarray, shape (k,)
        Study of each effect, 0 to m - 1.
    errors : bool
        Whether replicates have their cluster-robust errors.
    """

    optimum: SelectionOptimum
    codes: IntArray
    errors: bool

    def __call__(self, some: Resamples) -> tuple[Array, Array | None]:
        """Return parameters (B, q), scaled, and their covariances (B, q, q) where asked for."""
        theta = refit(self.optimum, some.counts)
        return theta, _sandwich(self.optimum, theta, some, self.codes) if self.errors else None


Each = Callable[[Refit, Iterable[Resamples], int], Iterable[tuple[Array, Array | None]]]


def _in_turn(
    refit: Refit, batches: Iterable[Resamples], _: int
) -> Iterable[tuple[Array, Array | None]]:
    return map(refit, batches)


def bootstrap_selection(
    optimum: SelectionOptimum,
    codes: IntArray,
    kind: Resampling,
    replications: int,
    seed: int | None,
    *,
    errors: bool = False,
    each: Each = _in_turn,
) -> Replicates:
    """Fit the model to resamples of the studies.

    Parameters
    ----------
    optimum : SelectionOptimum
        The fitted model; replicates begin at it, and at its further starts.
    codes : ndarray, shape (k,)
        Study of each effect, 0 to m - 1.
    kind : {"two-stage", "multinomial", "exponential"}
        How studies are drawn.
    replications : int
        Number R of replicates.
    seed : int or None
        Of the generator.
    errors : bool
        Whether each replicate has its cluster-robust errors, for studentised intervals.
    each : callable, optional
        Returns the refits of batches of replicates in their order, from a `Refit`, the batches and
        their number; by default one after the other.

    References
    ----------
    Pustejovsky et al. (2025).
    """
    width = _width(optimum)
    batches = draw_resamples(kind, codes, replications, width, seed)
    refits = each(Refit(optimum, codes, errors), batches, -(-replications // width))
    theta, V = zip(*refits, strict=True)
    every = np.concatenate(theta)
    return Replicates(optimum.scaling.parameters(every), np.concatenate(V) if errors else None)


def without_each_study(optimum: SelectionOptimum, codes: IntArray) -> Array:
    """Parameters without one study after the other, shape (m, q); NaN where there is no maximum."""
    m = int(codes.max()) + 1
    counts = (codes != np.arange(m)[:, None]).astype(float)
    width = _width(optimum)
    found = [refit(optimum, counts[a : a + width]) for a in range(0, m, width)]
    return optimum.scaling.parameters(np.concatenate(found))


def refit(optimum: SelectionOptimum, counts: Array) -> Array:
    """Estimates for other counts of the effects (B, k), shape (B, q), scaled as `at`.

    The highest maximum; for estimating equations the root that it leads to, or else one that the
    estimates or further starts lead to.
    """
    top = _highest(optimum, counts)
    if optimum.estimator == "cml":
        return top
    found, rest = np.full(top.shape, np.nan), np.arange(len(counts))
    for start in (top, *_starts(optimum)):
        begin = np.broadcast_to(start, top.shape)[rest]
        ends, arrived = solve(optimum.problem, begin, counts[rest], optimum.furthest)
        found[rest[arrived]] = ends[arrived]
        rest = rest[~arrived]
    return found


def _highest(optimum: SelectionOptimum, counts: Array) -> Array:
    """Highest maxima (B, q); NaN where there is none, or where the likelihood rises without end."""
    problem, B = optimum.problem, counts.shape[0]
    starts = _starts(optimum)
    found = climb(
        lambda theta, rows: problem.at(theta, counts[rows % B]),
        np.repeat(starts, B, axis=0),
        bounded=problem.bounded,
        logarithms=problem.selection,
        furthest=optimum.furthest,
    )
    value = np.where(found.arrived, found.value, -np.inf).reshape(-1, B)
    best, top = value.argmax(axis=0), value.max(axis=0)
    theta = found.theta.reshape(len(starts), B, -1)[best, np.arange(B)]
    lost = np.where(found.lost, found.value, -np.inf).reshape(-1, B).max(axis=0)
    theta[~np.isfinite(top) | (lost > top + RISE)] = np.nan
    return np.asarray(theta)


def _starts(optimum: SelectionOptimum) -> Array:
    return np.concatenate([optimum.at[None], optimum.starts])


def _width(optimum: SelectionOptimum) -> int:
    return max(8, _CELLS // optimum.problem.yi.size)


def _sandwich(optimum: SelectionOptimum, theta: Array, some: Resamples, codes: IntArray) -> Array:
    """Cluster-robust covariances of the replicates, shape (B, q, q)."""
    bounded = optimum.problem.bounded
    done: BoolArray = np.asarray(np.isfinite(theta).all(axis=1))
    at = np.where(done[:, None], theta, optimum.at)
    H, m = optimum.jacobian(at, some.counts), int(codes.max()) + 1
    meat = some.meat(optimum.scores(at, some.counts), codes) * (m / (m - 1))
    held: BoolArray = np.zeros(at.shape, dtype=bool)
    if bounded is not None:
        held[:, bounded] = at[:, bounded] <= 0
    crossed: BoolArray = held[:, :, None] | held[:, None, :]
    H[crossed], meat[crossed] = 0.0, 0.0
    rows, places = np.nonzero(held)
    H[rows, places, places] = 1.0
    bread = np.linalg.pinv(H)
    V = bread @ meat @ bread.transpose(0, 2, 1)
    V[crossed] = np.nan
    V[~done] = np.nan
    return optimum.scaling.covariance(V)
