"""What the sheets of these tests are worth, computed from published formulas, not by the package.

A row becomes an :class:`Effect` (r, and the variance of Fisher's z); effects are pooled by
restricted maximum likelihood: a random effect per study, and a random effect per effect with errors
correlated .6 within a sample where any study has several. `r/truth.R` pools the same effects in R.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import optimize, special, stats

RHO = 0.6
#: Variance of Fisher's z of an r from two groups: 1/(n - 3), as docs/sheets/conversions.md has it
#: now, or by the delta method for a cross-sectional sample (escalc: RPB and PHI with vtype CS).
DELTA = False
NORMAL = float(stats.norm.ppf(0.975))


@dataclass(frozen=True)
class Effect:
    """One row's worth: r, the variance of its Fisher z, and whom it comes from."""

    study: str
    r: float
    vi: float
    sample: str = ""
    n: float | None = None

    @property
    def z(self) -> float:
        return math.atanh(self.r)


@dataclass(frozen=True)
class Worth:
    """A statistic turned into r, with the variance of Fisher's z."""

    r: float
    vi: float
    n: float | None = None

    def turned(self, sign: int) -> Worth:
        return Worth(sign * self.r, self.vi, self.n)

    def of(self, study: str, sample: str = "") -> Effect:
        return Effect(study, self.r, self.vi, sample, self.n)


def from_r(r: float, n: float) -> Worth:
    return Worth(r, 1 / (n - 3), n)


def from_z(z: float, n: float) -> Worth:
    return Worth(math.tanh(z), 1 / (n - 3), n)


def from_z_and_variance(z: float, vi: float) -> Worth:
    return Worth(math.tanh(z), vi)


def from_t(t: float, df: float, n: float | None = None) -> Worth:
    """Of all other predictors, if any, r is the partial correlation: df is what the test has."""
    return Worth(t / math.sqrt(t * t + df), 1 / (df - 1), n)


def from_f(f: float, df2: float, sign: int, n: float | None = None) -> Worth:
    return from_t(sign * math.sqrt(f), df2, n)


def from_spearman(rho: float, n: float) -> Worth:
    """Bonett and Wright's variance of the z of rho, carried over to the r of a normal sample."""
    r = 2 * math.sin(math.pi * rho / 6)
    slope = math.pi / 3 * math.cos(math.pi * rho / 6) * (1 - rho * rho) / (1 - r * r)
    return Worth(r, (1 + rho * rho / 2) / (n - 3) * slope**2, n)


def from_d(d: float, n1: float, n2: float) -> Worth:
    """The point-biserial r."""
    n = n1 + n2
    h = (n - 2) * (1 / n1 + 1 / n2)
    r = d / math.sqrt(d * d + h)
    if not DELTA:
        return from_r(r, n)
    variance = (1 - r * r) ** 2 * (n * r * r / (4 * n1 * n2) + (2 - 3 * r * r) / (2 * n))
    return Worth(r, variance / (1 - r * r) ** 2, n)


def from_d_and_total(d: float, n: float) -> Worth:
    """Groups of equal size are assumed, h = 4."""
    return from_r(d / math.sqrt(d * d + 4), n)


def d_of_g(g: float, n1: float, n2: float) -> float:
    return g / exact_j(n1 + n2 - 2)


def exact_j(m: float) -> float:
    return float(
        np.exp(special.gammaln(m / 2) - special.gammaln((m - 1) / 2) - math.log(math.sqrt(m / 2)))
    )


def from_g(g: float, n1: float, n2: float) -> Worth:
    return from_d(d_of_g(g, n1, n2), n1, n2)


def d_of_means(m1: float, sd1: float, n1: float, m2: float, sd2: float, n2: float) -> float:
    pooled = math.sqrt(((n1 - 1) * sd1**2 + (n2 - 1) * sd2**2) / (n1 + n2 - 2))
    return (m1 - m2) / pooled


def from_means(m1: float, sd1: float, n1: float, m2: float, sd2: float, n2: float) -> Worth:
    return from_d(d_of_means(m1, sd1, n1, m2, sd2, n2), n1, n2)


def from_d_with_variance(d: float, vd: float, n1: float = 0.0, n2: float = 0.0) -> Worth:
    """A d whose own variance is carried over; h = 4, groups of equal size, where they are not
    known.
    """
    h = (n1 + n2 - 2) * (1 / n1 + 1 / n2) if n1 and n2 else 4.0
    r = d / math.sqrt(d * d + h)
    slope = h / (d * d + h) ** 1.5
    return Worth(r, vd * slope**2 / (1 - r * r) ** 2, n1 + n2 if n1 and n2 else None)


def from_g_with_variance(g: float, vg: float, n1: float, n2: float) -> Worth:
    j = exact_j(n1 + n2 - 2)
    return from_d_with_variance(g / j, vg, n1, n2)  # its variance is that of d as it stands


def from_cells(a: float, b: float, c: float, d: float) -> Worth:
    """Phi."""
    n = a + b + c + d
    p1, p2, q1, q2 = (a + b) / n, (c + d) / n, (a + c) / n, (b + d) / n
    root = math.sqrt(p1 * p2 * q1 * q2)
    phi = (a * d - b * c) / (n * n * root)
    if not DELTA:
        return from_r(phi, n)
    variance = (
        1
        - phi**2
        + phi * (1 + phi**2 / 2) * (p1 - p2) * (q1 - q2) / root
        - 0.75 * phi**2 * ((p1 - p2) ** 2 / (p1 * p2) + (q1 - q2) ** 2 / (q1 * q2))
    ) / n
    return Worth(phi, variance / (1 - phi**2) ** 2, n)


def from_log_odds(log_odds: float, se: float, n: float | None = None) -> Worth:
    """Hasselblad and Hedges: d = ln(OR) √3 / π, groups of equal size."""
    factor = math.sqrt(3) / math.pi
    found = from_d_with_variance(log_odds * factor, (se * factor) ** 2)
    return Worth(found.r, found.vi, n)


def from_odds_ratio(odds: float, low: float, high: float, n: float | None = None) -> Worth:
    return from_log_odds(math.log(odds), (math.log(high) - math.log(low)) / (2 * NORMAL), n)


def from_r_and_se(r: float, se: float) -> Worth:
    return Worth(r, (se / (1 - r * r)) ** 2)


def from_r_and_limits(r: float, low: float, high: float) -> Worth:
    return Worth(r, ((math.atanh(high) - math.atanh(low)) / (2 * NORMAL)) ** 2)


# Pooling ------------------------------------------------------------------------------------


def pooled_r(effects: Sequence[Effect]) -> float:
    """The pooled correlation of the default model."""
    return _pooled(tuple(effects), RHO)


@cache
def _pooled(effects: tuple[Effect, ...], rho: float) -> float:
    y = np.array([e.z for e in effects])
    if len(y) == 1:
        return effects[0].r
    nested = max(Counter(e.study for e in effects).values()) > 1
    error = _errors(effects, rho)
    same = np.array([[float(a.study == b.study) for b in effects] for a in effects])
    parts = [same, np.eye(len(y))] if nested else [np.eye(len(y))]
    return math.tanh(_mean(y, error, parts))


def _errors(effects: Sequence[Effect], rho: float) -> np.ndarray:
    k = len(effects)
    found = np.zeros((k, k))
    for i, a in enumerate(effects):
        for j, b in enumerate(effects):
            if i == j:
                found[i, j] = a.vi
            elif (a.study, a.sample) == (b.study, b.sample):
                found[i, j] = rho * math.sqrt(a.vi * b.vi)
    return found


def _mean(y: np.ndarray, error: np.ndarray, parts: list[np.ndarray]) -> float:
    spread = float(np.var(y)) + 1e-3
    starts = [np.full(len(parts), s * spread) for s in (0.01, 0.3, 1.0)]
    starts += [np.eye(len(parts))[i] * spread for i in range(len(parts))]
    best = min(
        (
            optimize.minimize(
                _deviance, s, (y, error, parts), jac=True, method="L-BFGS-B",
                bounds=[(0.0, None)] * len(parts), options={"ftol": 1e-15, "gtol": 1e-11},
            )
            for s in starts
        ),
        key=lambda found: found.fun,
    ).x  # fmt: skip
    return _solved(_polished(best, y, error, parts), y, error, parts)[0]


def _solved(
    sigma2: np.ndarray, y: np.ndarray, error: np.ndarray, parts: list[np.ndarray]
) -> tuple[float, np.ndarray, np.ndarray, float]:
    total = error + sum(s * p for s, p in zip(sigma2, parts, strict=True))
    inverse = np.linalg.inv(total)
    ones = inverse.sum(axis=1)
    information = float(ones.sum())
    mean = float(ones @ y) / information
    projection = inverse - np.outer(ones, ones) / information
    deviance = float(
        np.linalg.slogdet(total)[1] + math.log(information) + (y - mean) @ inverse @ (y - mean)
    )
    return mean, projection, projection @ y, deviance


def _deviance(
    sigma2: np.ndarray, y: np.ndarray, error: np.ndarray, parts: list[np.ndarray]
) -> tuple[float, np.ndarray]:
    _, projection, residual, deviance = _solved(sigma2, y, error, parts)
    slope = [float(np.sum(projection * p) - residual @ p @ residual) for p in parts]
    return deviance, np.array(slope)


def _polished(
    sigma2: np.ndarray, y: np.ndarray, error: np.ndarray, parts: list[np.ndarray]
) -> np.ndarray:
    """Fisher scoring of the components that are not held at zero."""
    free = [i for i, s in enumerate(sigma2) if s > 1e-9]
    now = np.where(sigma2 > 1e-9, sigma2, 0.0)
    for _ in range(50):
        _, projection, residual, _ = _solved(now, y, error, parts)
        moved = [projection @ parts[i] for i in free]
        if not free:
            break
        information = np.array([[np.sum(a * b.T) for b in moved] for a in moved])
        slope = np.array(
            [residual @ parts[i] @ residual - np.trace(m) for i, m in zip(free, moved, strict=True)]
        )
        step = np.linalg.solve(information, slope)
        new = now.copy()
        new[free] = np.maximum(now[free] + step, 0.0)
        if np.max(np.abs(new - now)) < 1e-14:
            break
        now = new
    return now
