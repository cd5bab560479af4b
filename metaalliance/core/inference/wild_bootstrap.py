"""Cluster wild bootstrap tests of constraints on the coefficients.

Effects are made anew from the model with the null hypothesis imposed: the residuals of a study
keep their sizes and their dependence and are multiplied by one random weight. Every replication
is a product of matrices with one row per study, so that thousands of them cost little.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from metaalliance.core.arrays import Array
from metaalliance.core.inference.robust import (
    adjustment,
    information_of_others,
    residuals,
    uniform_clusters,
)
from metaalliance.core.inference.wald import (
    SINGULAR,
    constraint_matrix,
    influence,
    quadratic_forms,
    robust_q,
    rounding_floor,
)
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint
from metaalliance.errors import OptionError
from metaalliance.options import check_seed

WEIGHTS = ("auto", "rademacher", "webb")
ADJUSTMENTS = ("cr0", "cr2")
#: Below this number of studies "auto" takes Webb's weights: m studies have only 2^(m - 1)
#: different pairs of opposite sign vectors.
FEW_STUDIES = 10
#: Statistics closer than this, relatively, are the same but for rounding.
TIE = 1e-9
#: Numbers held at once: batches of replications are cut to it.
CELLS = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WildBootstrapTest:
    """A bootstrap test of C beta = 0.

    Attributes
    ----------
    statistic : float
        Q / q of the effects as they are, Q the robust Wald statistic.
    df1 : int
        Number of constraints q.
    p_value : float
        Share of the replications whose statistic is larger (as Joshi et al. define it), which
        can be 0; under enumeration at least as large.
    p_value_corrected : float
        (1 + number at least as large) / (1 + replications), which is never 0; equal to
        `p_value` where the effects as they are were one of the sign vectors enumerated.
    replications : int
        Statistics computed; under enumeration one for each pair of opposite sign vectors.
    failed : int
        Replications left out because their covariance was singular.
    exact : bool
        Whether all sign vectors were enumerated, so that nothing was random.
    kind : {"cr0", "cr1", "cr2"}
        The robust covariance of the statistic.
    weights : {"rademacher", "webb"}
        Distribution of the weights of studies.
    adjust : {"cr0", "cr2"}
        Whether residuals were adjusted.
    seed : int
        Seed of the generator.
    reason : str
        Why the p-values are missing (NaN); empty when they are not.
    """

    statistic: float
    df1: int
    p_value: float
    p_value_corrected: float
    replications: int
    failed: int
    exact: bool
    kind: str
    weights: str
    adjust: str
    seed: int
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """What a replication needs of each study.

    With weights n_j the coefficients move from the restricted ones by d = M sum n_j g_j, and
    study j contributes n_j r_j - L_j'd to the scores of the sandwich.
    """

    C: Array
    M: Array
    g: Array  # X_j'W_j e_j, shape (m, p)
    r: Array  # G_j'e_j, shape (m, q)
    L: Array  # X_j'G_j, shape (p, m, q)
    floor: Array  # variances at the level of rounding, shape (q,)


def wild_bootstrap_test(
    data: MultilevelData,
    point: MultilevelPoint,
    C: ArrayLike,
    *,
    replications: int = 999,
    weights: str = "auto",
    seed: int = 1,
    adjust: str = "cr0",
    kind: str = "cr0",
) -> WildBootstrapTest:
    """Test C beta = 0 by the cluster wild bootstrap with the null hypothesis imposed [1]_.

    Parameters
    ----------
    data, point : MultilevelData, MultilevelPoint
        The effects, sorted by study, and the fitted full model. Its variance components are
        held in the restricted model and in every replication; the authors, and their package
        wildmeta, estimate them anew each time.
    C : array_like, shape (q, p) or (p,)
        Constraints, linearly independent.
    replications : int
        Random replications, or the largest number of sign vectors to enumerate: with
        Rademacher weights all 2^m are taken when they are not more than this.
    weights : {"auto", "rademacher", "webb"}
        -1 and 1, or Webb's six points ± √(1/2), ± 1, ± √(3/2) [2]_. "auto" is Webb below 10
        studies, Rademacher from 10 on, as the authors of [1]_ advise.
    seed : int
        Seed of the generator.
    adjust : {"cr0", "cr2"}
        Residuals of the restricted model as they are, or times their CR2 adjustment matrices.
    kind : {"cr0", "cr1", "cr2"}
        Robust covariance of the statistic; "cr1" gives the p-values of "cr0".

    References
    ----------
    .. [1] Joshi et al. (2022).
    .. [2] Webb (2023).

    Examples
    --------
    >>> import numpy as np
    >>> from metaalliance.core.variance.blocks import StudyBlocks
    >>> from metaalliance.core.variance.multilevel import evaluate, nested_data
    >>> yi = np.array([0.1, 0.2, 0.3, 0.5, 0.4, 0.7, 0.6, 0.2])
    >>> X = np.column_stack([np.ones(8), np.arange(8) / 4])
    >>> blocks = StudyBlocks.from_sorted(np.array([0, 0, 1, 2, 3, 4, 4, 5]))
    >>> data = nested_data(yi, np.full(8, 0.02), X, blocks, 0.0)
    >>> point = evaluate(data, np.array([0.02, 0.01]), restricted=True)
    >>> test = wild_bootstrap_test(data, point, [0, 1], weights="rademacher")
    >>> test.p_value, test.replications, test.exact
    (0.53125, 32, True)
    """
    _check(replications, weights, adjust)
    C, m = constraint_matrix(C, data.X.shape[1]), data.blocks.m
    if weights == "auto":
        weights = "webb" if m < FEW_STUDIES else "rademacher"
    exact = weights == "rademacher" and m < 63 and 2**m <= replications
    G = influence(data, point, C, kind)
    observed = robust_q(data, point, C, G) / C.shape[0]
    parts = _parts(data, point, C, G, adjust)
    draws = _all_signs(m) if exact else _draw(weights, (replications, m), seed)
    found = _statistics(parts, draws)
    p_value, corrected = _p_values(observed, found, exact=exact, included=adjust == "cr0")
    done = np.isfinite(found)
    return WildBootstrapTest(
        statistic=observed,
        df1=C.shape[0],
        p_value=p_value,
        p_value_corrected=corrected,
        replications=int(done.sum()),
        failed=int(found.size - done.sum()),
        exact=exact,
        kind=kind,
        weights=weights,
        adjust=adjust,
        seed=seed,
        reason=SINGULAR if np.isnan(p_value) else "",
    )


def _check(replications: int, weights: str, adjust: str) -> None:
    if replications < 1:
        raise OptionError(f"replications is {replications}; at least 1 is needed.")
    if weights not in WEIGHTS:
        raise OptionError(f"weights is {weights!r}; allowed are {', '.join(WEIGHTS)}.")
    if adjust not in ADJUSTMENTS:
        raise OptionError(f"adjust is {adjust!r}; allowed are {', '.join(ADJUSTMENTS)}.")


def _parts(data: MultilevelData, point: MultilevelPoint, C: Array, G: Array, adjust: str) -> _Parts:
    """Reduce effects and residuals under the null to sums of each study."""
    restricted = _restricted(point, C)
    e = residuals(data, restricted)
    if adjust == "cr2":
        e = _adjusted(data, restricted, e)
    sums = data.blocks.sums
    L = np.stack([sums(data.X[:, [a]] * G) for a in range(data.X.shape[1])])
    g, r = sums(point.WX * e[:, None]), sums(G * e[:, None])
    return _Parts(C, point.bread, g, r, L, rounding_floor(data, G))


def _restricted(point: MultilevelPoint, C: Array) -> MultilevelPoint:
    """Impose C beta = 0: b - M C'(C M C')^-1 C b, and M less M C'(C M C')^-1 C M."""
    MC = point.bread @ C.T
    shrink = MC @ np.linalg.inv(C @ MC)
    beta, bread = point.beta - shrink @ (C @ point.beta), point.bread - shrink @ MC.T
    return replace(point, beta=beta, bread=bread)


def _adjusted(data: MultilevelData, restricted: MultilevelPoint, e: Array) -> Array:
    """Residuals times the CR2 adjustment matrix of their study under the restricted model.

    Where it multiplies a constant vector (`uniform_clusters`) it acts on the mean residual only.
    """
    blocks = data.blocks
    others = information_of_others(blocks, data.X, restricted.WX)
    uniform, factor = uniform_clusters(data, restricted, others)
    adjusted: Array = e + blocks.spread((factor - 1) * blocks.sums(e) / blocks.sizes)
    for rows in blocks.of_one_size(~uniform):
        S = restricted.covariance.dense_blocks(rows)
        rest = others[blocks.study[rows[:, 0]]]
        A = adjustment(S, data.X[rows], restricted.bread, rest)
        adjusted[rows] = np.einsum("cij,cj->ci", A, e[rows])
    return adjusted


def _statistics(parts: _Parts, draws: Array) -> Array:
    """Q / q of each row of `draws` (n, m); NaN where the covariance is singular."""
    p, m, q = parts.L.shape
    L = parts.L.reshape(p, m * q)
    found = []
    for batch in np.array_split(draws, -(-draws.shape[0] * m * q // CELLS)):
        moved = batch @ parts.g @ parts.M
        scores = batch[:, :, None] * parts.r - (moved @ L).reshape(-1, m, q)
        V = scores.transpose(0, 2, 1) @ scores
        found.append(quadratic_forms(moved @ parts.C.T, V, parts.floor) / q)
    return np.concatenate(found)


def _p_values(observed: float, found: Array, *, exact: bool, included: bool) -> tuple[float, float]:
    """Share of replications beyond the observed statistic, and the share that is never 0."""
    found = found[np.isfinite(found)]
    if np.isnan(observed) or not found.size:
        return float("nan"), float("nan")
    larger = int(np.sum(found > observed * (1 + TIE)))
    as_large = int(np.sum(found >= observed * (1 - TIE)))
    share = (as_large if exact else larger) / found.size
    return share, share if exact and included else (1 + as_large) / (1 + found.size)


def _draw(weights: str, shape: tuple[int, int], seed: int) -> Array:
    """Random weights with mean 0 and variance 1."""
    rng = np.random.default_rng(check_seed(seed))
    signs: Array = np.array([-1.0, 1.0])[rng.integers(0, 2, shape)]
    if weights == "rademacher":
        return signs
    sizes: Array = np.sqrt([0.5, 1.0, 1.5])[rng.integers(0, 3, shape)]
    return signs * sizes


def _all_signs(m: int) -> Array:
    """One of each pair of opposite sign vectors, shape (2^(m - 1), m).

    A vector and its opposite have the same statistic.
    """
    numbers = np.arange(2 ** (m - 1))[:, None]
    return np.asarray(1.0 - 2.0 * ((numbers >> np.arange(m)) & 1), dtype=np.float64)
