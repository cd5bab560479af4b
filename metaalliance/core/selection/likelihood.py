"""Likelihood of effects that were selected by their p-values, at many points at once.

A study with effect y is seen with a probability proportional to w(p). Its density is then
``w(p) N(y; mu, s²) / A`` with ``s² = v + tau²`` and ``A = E[w]`` under the normal density. What
differs between selection models is w and A; they come as `Weighting`, and the rest is here. Every
array has a leading axis for the points: starts of one fit, or replicates of a bootstrap, which
weigh the effects differently.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Protocol

import numpy as np

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.core.selection.penalty import Penalty

_LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True, slots=True, eq=False)
class Weighting:
    """Selection weights of the observed effects, and their expectations, with derivatives.

    With d selection parameters, the logarithms eta of weights (or of a and b), the r = 2 + d local
    parameters of an effect are in the order mu, tau², eta_1 ... eta_d.

    Attributes
    ----------
    log_w : ndarray, shape (B, k)
        log w of the observed p-values.
    slopes : ndarray, shape (d, B or 1, k)
        Derivatives of `log_w` by eta.
    bends : ndarray, shape (d, B, k), or None
        Second ones by the same eta; None where all are zero. Mixed ones are zero.
    A : ndarray, shape (B, k)
        Expected weight.
    first : list of ndarray, length r
        Derivatives of `A` over `A`.
    second : list of ndarray or None, length r (r + 1) / 2
        Second derivatives of `A` over `A`, rows of the upper triangle one after the other; None
        for zero.
    """

    log_w: Array
    slopes: Array
    bends: Array | None
    A: Array
    first: list[Array]
    second: list[Array | None]


class Weights(Protocol):
    """A selection model: the weights at mu (B, k), s (B, k) and eta (d, B, k or 1)."""

    @property
    def n(self) -> int:
        """Number d of selection parameters."""
        ...

    def __call__(self, mu: Array, s: Array, eta: Array) -> Weighting:
        """Return weights and expectations."""
        ...


@cache
def pairs(r: int) -> tuple[tuple[int, int], ...]:
    """Rows and columns of an upper triangle, row by row."""
    return tuple((a, b) for a in range(r) for b in range(a, r))


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Values, gradients (B, q) and Hessians (B, q, q) of a function at B points."""

    value: Array
    gradient: Array
    hessian: Array

    def at(self, rows: BoolArray) -> Points:
        """Return some of them."""
        return Points(self.value[rows], self.gradient[rows], self.hessian[rows])

    def put(self, rows: IntArray, other: Points) -> None:
        """Replace some of them."""
        self.value[rows] = other.value
        self.gradient[rows] = other.gradient
        self.hessian[rows] = other.hessian


@dataclass(frozen=True, slots=True, eq=False)
class Local:
    """Log-density of each effect and its derivatives by its own local parameters.

    Attributes
    ----------
    stack : ndarray, shape (1 + r + r (r + 1) / 2, B, k)
        Value, first derivatives, second ones.
    normal : tuple of ndarray, shape (B, k)
        Derivatives of the normal log-density alone by mu, tau², mu², mu tau², tau⁴.
    weighting : Weighting
    """

    stack: Array
    normal: tuple[Array, ...]
    weighting: Weighting


@dataclass(frozen=True, slots=True, eq=False)
class SelectionProblem:
    """Effects, a selection model, and what its parameters depend on.

    Parameters are, in this order: coefficients beta of the mean; tau², or with `U` coefficients
    gamma of its logarithm; for each selection parameter coefficients of its logarithm.

    Attributes
    ----------
    yi, vi : ndarray, shape (k,)
        Effects and sampling variances, the favoured direction upwards.
    X : ndarray, shape (k, p)
        Design of the mean.
    weights : Weights
        The selection model.
    U : ndarray, shape (k, g), or None
        Design of log tau²; None for one tau².
    Z : ndarray, shape (k, z), or None
        Design of the logarithm of every selection parameter; None for constant ones.
    penalty : Penalty, optional
        What is added to the log-likelihood; it needs `U`.
    """

    yi: Array
    vi: Array
    X: Array
    weights: Weights
    U: Array | None = None
    Z: Array | None = None
    penalty: Penalty | None = None
    places: tuple[slice, ...] = field(init=False)
    designs: tuple[Array, ...] = field(init=False)
    _plain: bool = field(init=False)

    def __post_init__(self) -> None:
        ones = np.ones((self.yi.size, 1))
        shared = ones if self.Z is None else self.Z
        designs = (self.X, ones if self.U is None else self.U, *(self.weights.n * (shared,)))
        place, places = 0, []
        for D in designs:
            places.append(slice(place, place + D.shape[1]))
            place += D.shape[1]
        object.__setattr__(self, "places", tuple(places))
        object.__setattr__(self, "designs", designs)
        object.__setattr__(self, "_plain", all(D.shape[1] == 1 and (D == 1).all() for D in designs))

    @property
    def log_variance(self) -> bool:
        """Whether the parameter of the variance is the logarithm of tau²."""
        return self.U is not None

    @property
    def selection(self) -> slice:
        """Where the parameters of selection stand."""
        return slice(self.places[1].stop, None)

    @property
    def bounded(self) -> int | None:
        """Where tau² stands; None where it is positive by construction."""
        return None if self.log_variance else self.X.shape[1]

    def tau2(self, theta: Array) -> Array:
        """tau² of each effect at each of B points, shape (B, k) or (B, 1)."""
        part = theta[:, self.places[1]]
        if self.U is None:
            return part
        with np.errstate(over="ignore"):
            return np.exp(part @ self.U.T)

    def local(self, theta: Array) -> Local:
        """Log-densities at the points theta (B, q), derivatives by mu, tau² and eta."""
        places, n = self.places, self.weights.n
        mu = theta[:, places[0]] if self._plain else theta[:, places[0]] @ self.X.T
        eta = np.empty((n, theta.shape[0], 1 if self.Z is None else self.yi.size))
        for row, place in zip(eta, places[2:], strict=True):
            row[:] = theta[:, place] if self.Z is None else theta[:, place] @ self.Z.T
        s = np.sqrt(self.vi + self.tau2(theta))
        found = self.weights(mu, s, eta)
        i = 1 / s
        residual, i2, r = self.yi - mu, i * i, 2 + n
        u = residual * i2
        normal = (u, 0.5 * (u * u - i2), -i2, -u * i2, i2 * (0.5 * i2 - u * u))
        stack = np.empty((1 + r + r * (r + 1) // 2, *i.shape))
        stack[0] = found.log_w + np.log(i / found.A) - 0.5 * (residual * u + _LOG_2PI)
        stack[1], stack[2] = normal[0] - found.first[0], normal[1] - found.first[1]
        for h, slope in enumerate(found.slopes):
            np.subtract(slope, found.first[2 + h], out=stack[3 + h])
        second = stack[1 + r :]
        for e, ((a, b), piece) in enumerate(zip(pairs(r), found.second, strict=True)):
            np.multiply(found.first[a], found.first[b], out=second[e])
            if piece is not None:
                second[e] -= piece
        for e, bend in zip((0, 1, r), normal[2:], strict=True):
            second[e] += bend
        if found.bends is not None:
            for h, bend in enumerate(found.bends):
                second[diagonal(2 + h, r)] += bend
        return Local(stack, normal, found)

    def at(self, theta: Array, counts: Array | None = None) -> Points:
        """Log-likelihood, gradient and Hessian at the points theta (B, q).

        Parameters
        ----------
        theta : ndarray, shape (B, q)
            Where to evaluate; tau² at least zero.
        counts : ndarray, shape (B, k), optional
            How often each effect counts at each point; by default once.

        References
        ----------
        Hedges (1992); Vevea and Hedges (1995).
        """
        with np.errstate(all="ignore"):
            stack = self.local(theta).stack
            self.by_parameters(theta, stack)
            value, gradient, hessian = self._sums(stack, counts)
            if self.penalty is not None:
                gain, slope, bend = self.penalty.at(theta, self.places)
                value, gradient = value + gain, gradient + slope
                hessian[:, np.arange(bend.shape[1]), np.arange(bend.shape[1])] += bend
        value[~np.isfinite(value)] = -np.inf
        return Points(value, gradient, hessian)

    def log_likelihood(self, theta: Array) -> float:
        """Return the log-likelihood, with the penalty, at one point theta (q,)."""
        return float(self.at(theta[None]).value[0])

    def scores(self, theta: Array) -> Array:
        """What each effect adds to the gradient of the likelihood, shape (B, k, q)."""
        stack = self.local(theta).stack
        self.by_parameters(theta, stack)
        return self.spread(stack[1 : 3 + self.weights.n])

    def spread(self, first: Array) -> Array:
        """Take derivatives by local parameters (r, B, k) to those by theta, shape (B, k, q)."""
        return np.concatenate(
            [piece[:, :, None] * D for piece, D in zip(first, self.designs, strict=True)], axis=2
        )

    def by_parameters(self, theta: Array, stack: Array) -> None:
        """Turn derivatives by tau² into those by its logarithm where that is the parameter."""
        if not self.log_variance:
            return
        t, r = self.tau2(theta), 2 + self.weights.n
        stack[2] *= t
        second = stack[1 + r :]
        for place, (a, b) in enumerate(pairs(r)):
            if 1 in (a, b):
                second[place] *= t * t if a == b else t
        second[r] += stack[2]

    def _sums(self, stack: Array, counts: Array | None) -> tuple[Array, Array, Array]:
        """Values, gradients and Hessians by theta: sums over effects, through the designs."""
        B, places, r = stack.shape[1], self.places, 2 + self.weights.n
        hessian = np.empty((B, places[-1].stop, places[-1].stop))
        if self._plain:
            sums = stack.sum(axis=2) if counts is None else np.einsum("ebk,bk->eb", stack, counts)
            for row, (a, b) in zip(sums[1 + r :], pairs(r), strict=True):
                hessian[:, a, b] = hessian[:, b, a] = row
            return sums[0], sums[1 : 1 + r].T, hessian
        if counts is not None:
            stack = stack * counts
        gradient = np.empty((B, places[-1].stop))
        for piece, place, D in zip(stack[1 : 1 + r], places, self.designs, strict=True):
            gradient[:, place] = piece @ D
        for piece, (a, b) in zip(stack[1 + r :], pairs(r), strict=True):
            C, D = self.designs[a], self.designs[b]
            both = (C[:, :, None] * D[:, None, :]).reshape(C.shape[0], -1)
            block = (piece @ both).reshape(B, C.shape[1], D.shape[1])
            hessian[:, places[a], places[b]] = block
            hessian[:, places[b], places[a]] = block.transpose(0, 2, 1)
        return stack[0].sum(axis=1), gradient, hessian


def diagonal(a: int, r: int) -> int:
    """Place of the pair (a, a) in the rows of an upper triangle."""
    return a * r - a * (a - 1) // 2


@dataclass(frozen=True, slots=True)
class NoSelection:
    """Every effect is seen: the weight is one."""

    n: int = 0

    def __call__(self, mu: Array, s: Array, eta: Array) -> Weighting:
        """Return ones, without derivatives."""
        shape = np.broadcast_shapes(mu.shape, s.shape)
        zero = np.zeros(shape)
        return Weighting(zero, eta, None, np.ones(shape), [zero] * 2, [None] * 3)
