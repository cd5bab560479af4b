"""The likelihood that a climb sees: that of rows, or that of the means of studies."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from metaalliance.core.arrays import Array
from metaalliance.core.variance.means.mean_variants import MeanPoint, MeanVariants
from metaalliance.core.variance.multilevel import (
    MultilevelData,
    MultilevelPoint,
    evaluate,
    evaluate_lazily,
    score_and_information,
)


class Point(Protocol):
    """What a climb needs of a point."""

    @property
    def theta(self) -> Array:
        """Variance components, shape (c,)."""

    @property
    def log_likelihood(self) -> float:
        """Restricted or full."""

    @property
    def k(self) -> int:
        """Number of effects."""


class Likelihood(Protocol):
    """A likelihood that is climbed: of rows, or of the means of studies."""

    def at(self, theta: Array) -> Any:
        """Return the point at `theta` (c,)."""

    def slope(self, point: Any) -> tuple[Array, Array, Array | None]:
        """Return score, information and expected information as `score_and_information`."""

    def whole(self, point: Any) -> MultilevelPoint:
        """Return the model there."""


class _OfRows(NamedTuple):
    data: MultilevelData
    restricted: bool

    def at(self, theta: Array) -> MultilevelPoint:
        return evaluate(self.data, theta, restricted=self.restricted)

    def slope(self, point: MultilevelPoint) -> tuple[Array, Array, Array | None]:
        return score_and_information(self.data, point, restricted=self.restricted)

    def whole(self, point: MultilevelPoint) -> MultilevelPoint:
        return point


class _OfMeans(NamedTuple):
    data: MultilevelData
    means: MeanVariants
    restricted: bool

    def at(self, theta: Array) -> MeanPoint:
        return MeanPoint.of(self.means, theta, restricted=self.restricted)

    def slope(self, point: MeanPoint) -> tuple[Array, Array, Array]:
        return point.score(restricted=self.restricted)

    def whole(self, point: MeanPoint) -> MultilevelPoint:
        if self.data.disjoint is None:
            return evaluate_lazily(self.data, point)
        return evaluate(self.data, point.theta, restricted=self.restricted)


def likelihood_of(data: MultilevelData, *, restricted: bool) -> Likelihood:
    """Return the likelihood of the means of studies where they say everything, else of rows."""
    means = data.means
    return _OfRows(data, restricted) if means is None else _OfMeans(data, means, restricted)
