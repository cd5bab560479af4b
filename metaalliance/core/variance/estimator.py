"""How the variance components of a working model are estimated: once, or for many variants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from metaalliance.core.arrays import Array
from metaalliance.core.variance.ascent import highest_maximum
from metaalliance.core.variance.data_sets import Regressions
from metaalliance.core.variance.many.variant_ascent import highest_from_inside, in_parts
from metaalliance.core.variance.many.variants import Points, Variants
from metaalliance.core.variance.means.mean_variants import MeanVariants
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint, evaluate
from metaalliance.core.variance.tau2 import estimate_tau2, many_tau2


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimator:
    """An estimator of variance components.

    Attributes
    ----------
    name : str
        REML or ML for several components; any estimator of tau² for independent true effects, FE
        where there is no heterogeneity.
    multilevel : bool
        Whether all components are estimated; else the first is zero and the second is tau².
    """

    name: str
    multilevel: bool

    @property
    def restricted(self) -> bool:
        """Whether likelihoods are the restricted ones."""
        return self.name == "REML"

    def fit(self, data: MultilevelData) -> MultilevelPoint:
        """Fit the working model."""
        if self.multilevel:
            return highest_maximum(data, restricted=self.restricted)
        tau2 = 0.0 if self.name == "FE" else estimate_tau2(data.yi, data.vi, data.X, self.name)
        return evaluate(data, np.array([0.0, tau2]), restricted=self.restricted)

    def refit(
        self, data: MultilevelData, Y: Array, start: Array, draws: Array | None = None
    ) -> Iterator[Points]:
        """Fit the model to other effects, some at a time.

        Parameters
        ----------
        data : MultilevelData
            Design and structure.
        Y : ndarray, shape (k, n)
            Effects, a column for each fit.
        start : ndarray, shape (c,)
            Variance components to begin with.
        draws : ndarray, shape (n, m), optional
            Where the columns are the effects of `data` times a number of each study: these numbers.

        Yields
        ------
        Points
            Where an estimate did not arrive, components and all that rests on them are NaN.
        """
        columns = tuple(np.ascontiguousarray(x)[:, None] for x in data.X.T)
        means = None if draws is None or data.means is None else data.means.of_factors(draws)
        yield from self._points(Variants.of(data.structure, Y, columns), start, means)

    def redesign(self, data: MultilevelData, X: Array, start: Array) -> Iterator[Points]:
        """Fit the model to the same effects on other designs, shape (p, k, n); see `refit`."""
        return self._points(Variants.of(data.structure, data.yi[:, None], tuple(X)), start)

    def _points(
        self, variants: Variants, start: Array, means: MeanVariants | None = None
    ) -> Iterator[Points]:
        done = 0
        for part in in_parts(variants):
            climbing = part if means is None else means.take(slice(done, done + part.size))
            done += part.size
            if self.multilevel:
                theta = highest_from_inside(climbing, start, restricted=self.restricted).theta
            else:
                theta = np.zeros((part.size, 2))
                theta[:, 1] = self._tau2(part)
            yield part.at(theta, restricted=self.restricted)

    def _tau2(self, part: Variants) -> Array:
        """tau² of each variant, shape (variants,)."""
        vi, scale = part.structure.vi, part.scale
        if self.name == "FE":
            return np.zeros(part.size)
        X = part.design.shared()
        if X is None:
            designs = (part.design.one(r) for r in range(part.size))
            return np.array([estimate_tau2(part.yi[:, 0], vi, own, self.name) for own in designs])
        y = part.yi.T / np.sqrt(scale)
        data = Regressions.of(y, np.broadcast_to(vi / scale, y.shape), X)
        return many_tau2(data, self.name) * scale
