"""What has a number for each effect at one point of a model, made when it is asked for."""

from __future__ import annotations

from typing import Protocol

from metaalliance.core.arrays import Array
from metaalliance.core.variance.means.mean_variants import MeanVariants
from metaalliance.core.variance.structure import Covariance, Structure


class _Data(Protocol):
    """Effects (k,), their design (k, p), their covariance, and the means of their studies."""

    @property
    def yi(self) -> Array: ...
    @property
    def X(self) -> Array: ...
    @property
    def structure(self) -> Structure: ...
    @property
    def means(self) -> MeanVariants | None: ...


class Solved:
    """What has a number for each effect at one point; it is made when it is first asked for.

    Parameters
    ----------
    data : MultilevelData
        The effects.
    theta, beta : ndarray, shape (c,) and (p,)
        Variance components and coefficients.
    """

    __slots__ = ("_WX", "_beta", "_covariance", "_data", "_theta", "_u")

    def __init__(self, data: _Data, theta: Array, beta: Array) -> None:
        self._data, self._theta, self._beta = data, theta, beta
        self._covariance: Covariance | None = None
        self._WX: Array | None = None
        self._u: Array | None = None

    @classmethod
    def known(cls, covariance: Covariance, WX: Array | None, u: Array) -> Solved:
        """Return what is made already; S^-1 X may be missing."""
        made = cls.__new__(cls)
        made._covariance, made._WX, made._u = covariance, WX, u
        return made

    def with_design(self, WX: Array) -> Solved:
        """Return the same with another S^-1 X."""
        return Solved.known(self.covariance, WX, self.u)

    @property
    def covariance(self) -> Covariance:
        """S, ready to be solved with."""
        if self._covariance is None:
            self._covariance = self._data.structure.at(self._theta)
        return self._covariance

    @property
    def WX(self) -> Array | None:
        """S^-1 X, shape (k, p); None where it was left out."""
        if self._WX is None and hasattr(self, "_data"):
            self.keep(self.covariance.solve(self._data.X))
        return self._WX

    @property
    def u(self) -> Array:
        """S^-1 (yi - X beta), shape (k,)."""
        if self._u is None:
            data = self._data
            self._u = self.covariance.solve(data.yi - data.X @ self._beta)
            self._u.setflags(write=False)
        return self._u

    def keep(self, WX: Array) -> Array:
        """Keep S^-1 X, and return it."""
        WX.setflags(write=False)
        self._WX = WX
        return WX

    def first_once(self) -> Array | None:
        """Return the first column of S^-1 X, kept only where something has asked for it.

        None where it was left out. Effects of a study with equal variances have equal shares.
        """
        if self._WX is not None:
            return self._WX[:, 0]
        if not hasattr(self, "_data"):
            return None
        means, X = self._data.means, self._data.X
        if means is not None and means.mean and means.means.unequal is None:
            blocks = means.structure.clusters
            at = means.at(self._theta[None], restricted=False)
            return blocks.spread(at.w[0] / blocks.sizes)
        covariance = self._covariance or self._data.structure.at(self._theta)
        return covariance.solve(X[:, :1])[:, 0]
