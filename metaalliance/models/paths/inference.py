"""Standard errors, intervals and tests of paths, defined parameters and indirect effects."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from metaalliance.core.arrays import Array, IntArray
from metaalliance.core.distributions import normal_isf, normal_sf
from metaalliance.core.inference.intervals import chi2_p
from metaalliance.core.paths.climb import climb
from metaalliance.core.paths.effects import indirect_effect, indirect_pairs
from metaalliance.core.paths.likelihood import Problem
from metaalliance.core.paths.profile import Function, likelihood_bounds
from metaalliance.models.paths.parameters import coordinate

NUMBERS = ("estimate", "se", "ci_low", "ci_high", "p_value")
#: A function of the parameters, and those that move it.
Term = tuple[Function, frozenset[int]]
_ONE = np.zeros(1, dtype=np.intp)


def terms_of(problem: Problem, best: Array, defined: Mapping[str, Term]) -> dict[str, Term]:
    """Return all that has an interval: "p 0" ..., "d NAME" and, from and to, "i 0 2"."""
    found: dict[str, Term] = {f"p {j}": (coordinate(j), frozenset({j})) for j in range(problem.Q)}
    found |= {f"d {name}": term for name, term in defined.items()}
    for source, target in indirect_pairs(problem.model):
        function = indirect_effect(problem.model, source, target)
        moving = np.flatnonzero(function(best[None, :])[1][0])
        found[f"i {source} {target}"] = (function, frozenset(moving.tolist()))
    return found


def _information(problem: Problem, best: Array) -> Array:
    """Observed information, zero for a tau² at zero."""
    found = problem.at(best[None, :], _ONE).slope()[1][0]
    still = np.arange(best.size) >= problem.Q
    still &= best <= 0
    found[still] = found[:, still] = 0.0
    return np.asarray(found, dtype=np.float64)


def covariance_of(problem: Problem, best: Array) -> Array:
    """Return the inverse of the observed information, shape (Q + p, Q + p)."""
    return np.asarray(np.linalg.pinv(_information(problem, best), hermitian=True), dtype=np.float64)


def numbers_of(
    problem: Problem, best: Array, terms: Mapping[str, Term], *, level: float, interval: str
) -> dict[str, dict[str, float]]:
    """Return estimate, se, ci_low, ci_high and p_value of each term.

    Parameters
    ----------
    best : ndarray, shape (Q + p,)
        The maximum.
    interval : {"likelihood", "wald"}
        The kind of interval and test.
    """
    functions = [function for function, _ in terms.values()]
    covariance, z = covariance_of(problem, best), float(normal_isf((1 - level) / 2))
    made = [function(best[None, :]) for function in functions]
    values = np.array([value[0] for value, _, _ in made])
    se = np.sqrt([max(float(g[0] @ covariance @ g[0]), 0.0) for _, g, _ in made])
    if interval == "wald":
        ends = values[:, None] + np.outer(se, [-z, z])
        with np.errstate(divide="ignore", invalid="ignore"):
            p = 2 * normal_sf(np.abs(values / se))
    else:
        information = _information(problem, best)[None]
        ends = likelihood_bounds(problem, best[None, :], information, functions, z)[0]
        p = _ratios(problem, best, list(terms.values()))
    return {
        name: dict(zip(NUMBERS, map(float, (values[i], se[i], *ends[i], p[i])), strict=True))
        for i, name in enumerate(terms)
    }


def _ratios(problem: Problem, best: Array, terms: list[Term]) -> Array:
    """P-values of likelihood ratios of each term held at zero.

    A product is zero where any of its factors is, so that its climb begins from each.
    """
    starts, which = [], []
    for i, (_, within) in enumerate(terms):
        several = [best] if len(within) < 2 else []
        for j in sorted(within):
            begin = best.copy()
            begin[j] = 0.0
            several.append(begin)
        starts += several
        which += [i] * len(several)
    owner, size = np.array(which), len(starts)

    def held(x: Array, index: IntArray) -> tuple[Array, Array, Array]:
        n = x.shape[1]
        value, gradient, bend = np.zeros(len(x)), np.zeros(x.shape), np.zeros((len(x), n, n))
        for i in np.unique(owner[index]):
            at = owner[index] == i
            value[at], gradient[at], bend[at] = terms[i][0](x[at])
        return value, gradient, bend

    rows = np.zeros(size, dtype=np.intp)
    found = climb(problem, np.array(starts), rows, held=held, target=np.zeros(size))
    top = float(problem.at(best[None, :], _ONE).log_likelihood[0])
    reached = np.where(found.converged, found.log_likelihood, -np.inf)
    p = np.full(len(terms), math.nan)
    for i in range(len(terms)):
        highest = reached[owner == i].max()
        if np.isfinite(highest):
            p[i] = chi2_p(max(2 * (top - highest), 0.0), 1)
    return p
