"""Resamples of studies: how often each effect counts in each replicate of a bootstrap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from metaalliance.core.arrays import Array, IntArray

Resampling = Literal["two-stage", "multinomial", "exponential"]


@dataclass(frozen=True, slots=True, eq=False)
class Resamples:
    """Some replicates.

    Attributes
    ----------
    counts : ndarray, shape (B, k)
        How often each effect counts.
    weights : ndarray, shape (B, m), or None
        How often each study counts; None where the effects of a study are drawn anew.
    picks, starts : ndarray, shape (n,) and (B m,)
        Where they are: the effects drawn, replicate after replicate and study after study, as
        places in the flat counts, and where each study begins.
    """

    counts: Array
    weights: Array | None = None
    picks: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    starts: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.intp))

    def meat(self, scores: Array, codes: IntArray) -> Array:
        """Sum over the studies drawn of the products of their scores, shape (B, q, q).

        A study that is drawn twice is two studies.

        Parameters
        ----------
        scores : ndarray, shape (B, k, q)
            Score of each effect, counted once.
        codes : ndarray, shape (k,)
            Study of each effect, 0 to m - 1.
        """
        B, k, q = scores.shape
        if self.weights is not None:
            member = (codes[:, None] == np.arange(self.weights.shape[1])).astype(float)
            sums = scores.transpose(0, 2, 1) @ member
            return np.asarray((sums * self.weights[:, None]) @ sums.transpose(0, 2, 1))
        drawn = scores.reshape(B * k, q)[self.picks]
        sums = np.add.reduceat(drawn, self.starts, axis=0).reshape(B, -1, q)
        return np.asarray(np.einsum("bmi,bmj->bij", sums, sums))


def draw_resamples(
    kind: Resampling, codes: IntArray, replications: int, width: int, seed: int | None
) -> Iterator[Resamples]:
    """Draw replicates, `width` of them at a time.

    Parameters
    ----------
    kind : {"two-stage", "multinomial", "exponential"}
        Studies with replacement, then as many effects within each study drawn; studies with
        replacement, with all their effects; or weights of studies from the exponential
        distribution.
    codes : ndarray, shape (k,)
        Study of each effect, 0 to m - 1.
    replications, width : int
        Replicates in all, and at a time.
    seed : int or None
        Of the generator.
    """
    rng = np.random.default_rng(seed)
    sizes = np.bincount(codes)
    m = sizes.size
    order, first = np.argsort(codes, kind="stable"), np.cumsum(sizes) - sizes
    for begin in range(0, replications, width):
        B = min(width, replications - begin)
        if kind == "exponential":
            weights = rng.standard_exponential((B, m))
            yield Resamples(weights[:, codes], weights)
            continue
        drawn = rng.integers(0, m, (B, m))
        if kind == "multinomial":
            weights = _tallies(drawn + m * np.arange(B)[:, None], B, m)
            yield Resamples(weights[:, codes], weights)
            continue
        each = sizes[drawn].ravel()
        within = (rng.random(each.sum()) * np.repeat(each, each)).astype(np.intp)
        effects = order[np.repeat(first[drawn].ravel(), each) + within]
        rows = np.repeat(np.arange(B), sizes[drawn].sum(axis=1))
        picks = rows * codes.size + effects
        starts = np.cumsum(each) - each
        yield Resamples(_tallies(picks, B, codes.size), None, picks, starts)


def _tallies(places: IntArray, B: int, k: int) -> Array:
    """How often each of the places 0 to B k - 1 comes, shape (B, k)."""
    return np.bincount(places.ravel(), minlength=B * k).reshape(B, k).astype(float)
