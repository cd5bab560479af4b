"""A fitted selection model: its parameters and their covariance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.core.selection.estimating import equation_scores, equations
from metaalliance.core.selection.likelihood import SelectionProblem

Estimator = Literal["cml", "argl"]
#: A likelihood higher than the highest maximum by this is no rounding.
RISE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """From the parameters of scaled effects and designs to those of the effects as they are.

    Attributes
    ----------
    unit : float
        What effects were divided by.
    T : ndarray, shape (q, q)
    shift : ndarray, shape (q,)
        Parameters are ``T theta + shift``.
    """

    unit: float
    T: Array
    shift: Array

    def parameters(self, theta: Array) -> Array:
        """Return parameters on the scale of the effects; theta (..., q)."""
        return np.asarray(theta @ self.T.T + self.shift)

    def covariance(self, V: Array) -> Array:
        """Return covariances (..., q, q) on the scale of the effects; NaN stays where it is."""
        gone = np.isnan(V)
        moved: Array = self.T @ np.where(gone, 0.0, V) @ self.T.T
        return np.where(gone, np.nan, moved)


@dataclass(frozen=True, slots=True, eq=False)
class SelectionOptimum:
    """The highest point of a selection likelihood, or the root of estimating equations.

    Attributes
    ----------
    problem : SelectionProblem
        With scaled effects and designs.
    scaling : Scaling
        Back to effects as they are.
    at : ndarray, shape (q,)
        Parameters of `problem`.
    starts : ndarray, shape (s, q)
        Where else refits to other counts of the effects begin.
    log_likelihood, log_likelihood_unselected : float
        Without penalty: there, and at the maximum without selection.
    lower : tuple of (ndarray, float)
        Parameters of other maxima, the highest first, and how far below they are.
    higher : float
        How much higher the likelihood was where a start ran away with its weights; zero where
        none did: above zero the likelihood has no maximum.
    furthest : float
        Selection parameters further from one than this factor have run away.
    estimator : {"cml", "argl"}
        Whether it is a maximum or a root.
    """

    problem: SelectionProblem
    scaling: Scaling
    at: Array
    starts: Array
    log_likelihood: float
    log_likelihood_unselected: float
    lower: tuple[tuple[Array, float], ...] = ()
    higher: float = 0.0
    furthest: float = 1e6
    estimator: Estimator = "cml"

    @property
    def theta(self) -> Array:
        """Parameters on the scale of the effects, shape (q,)."""
        return self.scaling.parameters(self.at)

    @property
    def free(self) -> BoolArray:
        """False for tau² at zero."""
        free = np.ones(self.at.size, dtype=bool)
        if self.problem.bounded is not None:
            free[self.problem.bounded] = self.at[self.problem.bounded] > 0
        return free

    def covariance(self) -> Array:
        """Inverse of the observed information; NaN for a parameter at its boundary."""
        return self.scaling.covariance(-_inverse(self.jacobian(self.at[None])[0], self.free))

    def sandwich(self, codes: IntArray, m: int) -> Array:
        """Covariance from scores summed by study (0 to m - 1), times m / (m - 1)."""
        sums = np.zeros((m, self.at.size))
        np.add.at(sums, codes, self.scores(self.at[None])[0])
        bread = _inverse(self.jacobian(self.at[None])[0], self.free)
        gone = np.isnan(bread)
        half = np.where(gone, 0.0, bread) @ sums.T
        V = np.where(gone, np.nan, half @ half.T * (m / (m - 1)))
        return self.scaling.covariance(V)

    def scores(self, theta: Array, counts: Array | None = None) -> Array:
        """What each effect adds to the equations that theta (B, q) solves, shape (B, k, q).

        A penalty is shared out among the effects.
        """
        problem = self.problem
        scores = (
            equation_scores(problem, theta) if self.estimator == "argl" else problem.scores(theta)
        )
        if problem.penalty is None:
            return scores
        slope = problem.penalty.at(theta, problem.places)[1]
        total = np.full((1, 1), problem.yi.size) if counts is None else counts.sum(axis=1)[:, None]
        return np.asarray(scores + (slope / total)[:, None])

    def jacobian(self, theta: Array, counts: Array | None = None) -> Array:
        """Derivatives of these equations by theta (B, q), shape (B, q, q)."""
        if self.estimator == "argl":
            return equations(self.problem, theta, counts)[1]
        return self.problem.at(theta, counts).hessian


def _inverse(hessian: Array, free: BoolArray) -> Array:
    """Inverse of the free part, NaN elsewhere."""
    full = np.full(hessian.shape, np.nan)
    index = np.ix_(free, free)
    full[index] = np.linalg.inv(hessian[index])
    return full
