"""The likelihood of effects of which some are known only as lying between two limits.

Effect i of sample s of study j is::

    y = x'beta + tau z_j + sqrt(rho v_i) c_s + sqrt(omega² + (1 - rho) v_i) e_i

with independent standard normal z, c and e: the correlated and hierarchical effects model, with
tau² between studies, omega² within them and sampling errors that are correlated by rho within a
sample. Given z and c effects are independent, so that a study contributes the integral over z of
the product over its samples of integrals over c of densities (of values) and probabilities (of
intervals). Every quantity is a sum over effects, samples and studies.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from metaalliance.core.arrays import Array, BoolArray, IntArray
from metaalliance.core.censoring.densities import Derivatives, derivatives
from metaalliance.core.censoring.nodes import Grid, gauss, log_normal, trapezoid
from metaalliance.core.variance.blocks import StudyBlocks

#: Nodes that are exact for a score and its square, which are polynomials of degree four.
_EXACT = 3
#: Effects whose two integrals are summed at a time, so that memory is bounded.
_BATCH = 200


@dataclass(frozen=True, slots=True, eq=False)
class CensoredData:
    """Effects sorted by study and sample, some of them known as intervals.

    Attributes
    ----------
    lower, upper : ndarray, shape (k,)
        Limits of each effect, perhaps infinite; both are the effect where it is known.
    vi : ndarray, shape (k,)
        Sampling variances.
    X : ndarray, shape (k, p)
        Design matrix of full column rank.
    studies, samples : StudyBlocks
        The studies, and the independent samples inside them.
    rho : float
        Correlation of the sampling errors within a sample, in [0, 1).
    """

    lower: Array
    upper: Array
    vi: Array
    X: Array
    studies: StudyBlocks
    samples: StudyBlocks
    rho: float
    parts: tuple[_Part, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", tuple(_parts(self)))

    @property
    def observed(self) -> BoolArray:
        """Whether each effect has a value, shape (k,)."""
        return np.asarray(self.lower == self.upper)

    def scaled(self, unit: float) -> CensoredData:
        """Return the effects in another unit."""
        return CensoredData(
            self.lower / unit, self.upper / unit, self.vi / unit**2, self.X, self.studies,
            self.samples, self.rho,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Studies whose integrals are of one kind.

    Attributes
    ----------
    first : ndarray of int, shape (m,)
        First sample of each study.
    study : ndarray of int, shape (s,)
        Study of each sample.
    """

    limits: tuple[Array, Array]
    observed: BoolArray
    vi: Array
    X: Array
    samples: StudyBlocks
    first: IntArray
    study: IntArray
    kind: str


@dataclass(frozen=True, slots=True, eq=False)
class CensoredPoint:
    """The log-likelihood at one point, with its derivatives.

    Attributes
    ----------
    value : float
        Log-likelihood.
    gradient, hessian : ndarray, shape (p + 2,) and (p + 2, p + 2)
        By the coefficients, tau and omega (standard deviations, of which it is an even function).
    """

    value: float
    gradient: Array
    hessian: Array


def log_likelihood(data: CensoredData, beta: Array, tau: float, omega: float) -> CensoredPoint:
    """Return the log-likelihood at coefficients beta (p,) and two standard deviations."""
    p = beta.size
    value, gradient, hessian = 0.0, np.zeros(p + 2), np.zeros((p + 2, p + 2))
    for part in data.parts:
        found = _of_part(part, beta, tau, omega**2, data.rho)
        value, gradient, hessian = (
            value + found[0], gradient + found[1], hessian + found[2],
        )  # fmt: skip
    by_variance = gradient[-1]  # by omega², as the sums have it
    chain = np.r_[np.ones(p + 1), 2 * omega]
    hessian = hessian * np.outer(chain, chain)
    hessian[-1, -1] += 2 * by_variance
    return CensoredPoint(value, gradient * chain, hessian)


def _parts(data: CensoredData) -> list[_Part]:
    """Studies by what their integrals depend on.

    "alone": one effect, no integral. "values": no interval, polynomials. "one": intervals depend
    on one variable, since there are no common errors, or the study is one sample whose intervals
    have one variance. "two": both integrals have intervals.
    """
    hidden = ~data.observed
    any_hidden = data.studies.sums(hidden.astype(float)) > 0
    first = np.searchsorted(data.samples.starts, data.studies.starts)
    several = np.diff(np.r_[first, data.samples.m]) > 1
    v = np.where(hidden, data.vi, np.nan)
    widest, narrowest = (
        ufunc.reduceat(np.where(hidden, v, fill), data.studies.starts)
        for ufunc, fill in ((np.maximum, -np.inf), (np.minimum, np.inf))
    )
    simple = (widest == narrowest) & ~several if data.rho else np.ones_like(any_hidden)
    kinds = np.where(~any_hidden, "values", np.where(simple, "one", "two"))
    kinds = np.where(data.studies.sizes == 1, "alone", kinds)
    batch = np.where(kinds == "two", np.cumsum(data.studies.sizes * (kinds == "two")) // _BATCH, 0)
    pairs = sorted(set(zip(kinds.tolist(), batch.tolist(), strict=True)))
    return [_part(data, (kinds == kind) & (batch == b), kind) for kind, b in pairs]


def _part(data: CensoredData, chosen: BoolArray, kind: str) -> _Part:
    rows = chosen[data.studies.study]
    samples = StudyBlocks.from_sorted(data.samples.study[rows])
    study = np.unique(data.studies.study[rows], return_inverse=True)[1].ravel()[samples.starts]
    first = np.flatnonzero(np.r_[True, study[1:] != study[:-1]])
    return _Part(
        (data.lower[rows], data.upper[rows]), data.observed[rows], data.vi[rows], data.X[rows],
        samples, first, study, kind,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Given:
    """The distribution of the random effects given the values, and where intervals stand then.

    z is normal with `centre` and `spread` (m,); c given u = tau z with ``start + slope u`` and
    `width` (s,). `root` (k,) is sqrt(rho v), `variance` (k,) that of an effect given both.
    """

    root: Array
    variance: Array
    centre: Array
    spread: Array
    start: Array
    slope: Array
    width: Array


def _given(part: _Part, mean: Array, tau: float, omega2: float, rho: float) -> _Given:
    """Condition the random effects on the values that are known."""
    sums = part.samples.sums
    root, variance = np.sqrt(rho * part.vi), omega2 + (1 - rho) * part.vi
    known = np.where(part.observed, 1 / variance, 0.0)
    error = np.where(part.observed, part.limits[0] - mean, 0.0)
    common = 1 + sums(root**2 * known)
    along, errors = sums(root * known), sums(root * known * error)
    weight = np.add.reduceat(sums(known) - along**2 / common, part.first)
    pull = np.add.reduceat(sums(known * error) - along * errors / common, part.first)
    precision = 1 + tau**2 * weight
    return _Given(
        root, variance, tau * pull / precision, 1 / np.sqrt(precision), errors / common,
        -along / common, 1 / np.sqrt(common),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Nodes:
    """Nodes of z and c by sample, shape (s, n_t, n_r), with the logarithms of their weights."""

    z: Array
    c: Array
    log_weights: Array


def _nodes(part: _Part, given: _Given, mean: Array, tau: float, rho: float) -> _Nodes:
    """Place the nodes: t moves the study, r the common error of a sample given the study."""
    samples, study, first = part.samples, part.study, part.samples.starts[part.first]
    spread, root, spreads = given.spread[study], given.root, samples.spread
    centre, slope = tau * given.centre[study], tau * spread * given.slope
    at = mean + spreads(centre) + root * spreads(given.start + given.slope * centre)
    by_t = np.where(part.observed, 0.0, spreads(tau * spread) + root * spreads(slope))
    by_r = np.where(part.observed, 0.0, root * spreads(given.width))
    inner, outer = gauss(_EXACT if rho else 1), gauss(_EXACT)
    cosine, sine = np.ones_like(spread), np.zeros_like(spread)
    if part.kind == "one" and rho:  # turned so that intervals depend on t alone
        along = samples.sums(by_t), samples.sums(by_r)
        cosine, sine = (side / np.hypot(*along) for side in along)
        by_t, by_r = by_t * spreads(cosine) + by_r * spreads(sine), np.zeros_like(by_r)
    if part.kind != "values":
        weight = 1 / given.variance
        both, of_r = samples.sums(by_t * by_r * weight), 1 + samples.sums(by_r**2 * weight)
        pull = (by_t - spreads(both / of_r) * by_r) * weight
        of_t = 1 + np.add.reduceat(samples.sums(by_t**2 * weight) - both**2 / of_r, part.first)
        sd = np.sqrt(by_t**2 + by_r**2 + given.variance)
        outer = trapezoid(pull, of_t, at, part.limits, sd, first)
    if part.kind == "two":
        means = at[:, None] + by_t[:, None] * outer.nodes[study[samples.study]]
        low, high, sd, pull = (x[:, None] for x in (*part.limits, sd, by_r * weight))
        inner = trapezoid(pull, of_r[:, None], means, (low, high), sd, samples.starts)
    return _placed(part, given, tau, (outer, inner), (cosine, sine))


def _placed(
    part: _Part, given: _Given, tau: float, grids: tuple[Grid, Grid], turn: tuple[Array, Array]
) -> _Nodes:
    """Take nodes of the turned t and r to z and c, with the prior densities in their weights."""
    (outer, inner), study = grids, part.study
    t = (outer.nodes if outer.nodes.ndim == 1 else outer.nodes[study])[..., None]
    weights = outer.log_weights if outer.nodes.ndim == 1 else outer.log_weights[study]
    t, r = np.broadcast_arrays(t if t.ndim == 3 else t[None], inner.nodes)
    cosine, sine, centre, spread, start, slope, width = (
        values[:, None, None]
        for values in (*turn, given.centre[study], given.spread[study], given.start, given.slope,
                       given.width)
    )  # fmt: skip
    z = centre + spread * (cosine * t - sine * r)
    c = start + slope * tau * z + width * (sine * t + cosine * r)
    of_study = log_normal(z) + np.log(spread) + weights[..., None]
    once = np.zeros((study.size, 1, 1))
    once[part.first] = 1.0
    logs = inner.log_weights + np.log(width) + log_normal(c) + once * of_study
    return _Nodes(z, c, logs)


def _of_part(
    part: _Part, beta: Array, tau: float, omega2: float, rho: float
) -> tuple[float, Array, Array]:
    """Log-likelihood of some studies, its gradient and Hessian by beta, tau and omega²."""
    mean = part.X @ beta
    if part.kind == "alone":
        return _alone(part, mean, tau, tau**2 + omega2 + part.vi)
    given = _given(part, mean, tau, omega2, rho)
    nodes = _nodes(part, given, mean, tau, rho)
    place = part.samples.study
    means = mean[:, None, None] + tau * nodes.z[place] + given.root[:, None, None] * nodes.c[place]
    f = derivatives(part.limits, part.observed, means, given.variance)
    score, curvature = _by_sample(part, f, nodes.z)
    inside = part.samples.sums(f.value) + nodes.log_weights
    value, score, curvature = _summed(inside, score, curvature)
    by_study = [np.add.reduceat(x, part.first, axis=0) for x in (value, score, curvature)]
    total, gradient, hessian = _summed(*by_study)
    return float(total.sum()), gradient.sum(axis=0), hessian.sum(axis=0)


def _alone(part: _Part, mean: Array, tau: float, variance: Array) -> tuple[float, Array, Array]:
    """Sum over studies of one effect, whose variance is all that its random effects add up to."""
    f = derivatives(part.limits, part.observed, mean, variance)
    p, X = part.X.shape[1], part.X
    by_variance = np.array([2 * tau, 1.0])  # of tau and of omega²
    gradient = np.r_[X.T @ f.m, by_variance * f.d.sum()]
    hessian = np.empty((p + 2, p + 2))
    hessian[:p, :p] = (X * f.mm[:, None]).T @ X
    hessian[:p, p:] = np.outer(X.T @ f.md, by_variance)
    hessian[p:, :p] = hessian[:p, p:].T
    hessian[p:, p:] = np.outer(by_variance, by_variance) * f.dd.sum()
    hessian[p, p] += 2 * f.d.sum()
    return float(f.value.sum()), gradient, hessian


def _by_sample(part: _Part, f: Derivatives, z: Array) -> tuple[Array, Array]:
    """Scores (s, n_t, n_r, p + 2) and their derivatives of the effects of a sample at a node."""
    q = part.X.shape[1] + 1
    columns = np.column_stack([part.X, np.ones(part.vi.size)])
    first, second = np.triu_indices(q)
    alone, pairs = columns[:, None, None], (columns[:, first] * columns[:, second])[:, None, None]
    m, mm, md = (values[..., None] for values in (f.m, f.mm, f.md))
    stacked = [alone * m, alone * md, pairs * mm, f.d[..., None], f.dd[..., None]]
    found = part.samples.sums(np.concatenate(stacked, axis=-1))
    along = np.ones((*z.shape, q + 1))  # what moves a mean is its column, and z for tau
    along[..., -2] = z
    score = along * np.concatenate([found[..., :q], found[..., -2:-1]], axis=-1)
    curvature = np.empty((*z.shape, q + 1, q + 1))
    curvature[..., :q, -1] = curvature[..., -1, :q] = found[..., q : 2 * q] * along[..., :q]
    mixed = found[..., 2 * q : -2] * along[..., first] * along[..., second]
    curvature[..., first, second] = curvature[..., second, first] = mixed
    curvature[..., -1, -1] = found[..., -1]
    return score, curvature


def _summed(logs: Array, score: Array, curvature: Array) -> tuple[Array, Array, Array]:
    """Sum over the last nodes: log of the sum, mean score, and its derivative.

    The derivative of a mean score is the mean derivative and the covariance of the scores.
    """
    top = logs.max(axis=-1, keepdims=True)
    weights = np.exp(logs - top)
    total = weights.sum(axis=-1, keepdims=True)
    weights = weights / total
    mean = np.einsum("...n,...na->...a", weights, score)
    from_mean = score - mean[..., None, :]
    spread = np.einsum("...n,...na,...nb->...ab", weights, from_mean, from_mean)
    inside = np.einsum("...n,...nab->...ab", weights, curvature)
    return (top + np.log(total))[..., 0], mean, inside + spread
