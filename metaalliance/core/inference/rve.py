"""Robust variance estimation with the correlated- or hierarchical-effects working model.

Weights are those of a simple working model whose variances come from moments; the standard
errors stay valid when the model is wrong. This is what robumeta computes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from metaalliance.core.arrays import Array, read_only
from metaalliance.core.distributions import t_sf
from metaalliance.core.inference.robust import robust_covariance
from metaalliance.core.inference.wald import rounding_floor
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.multilevel import (
    MultilevelData,
    MultilevelPoint,
    evaluate,
    nested_data,
)
from metaalliance.core.variance.people import People
from metaalliance.core.variance.wls import weighted_fit
from metaalliance.errors import EstimationError, OptionError

WORKING_MODELS = ("corr", "hier")


@dataclass(frozen=True, slots=True, eq=False)
class MomentEstimates:
    """Variance components of a working model, by moments.

    Attributes
    ----------
    tau2 : float
        Variance between studies.
    omega2 : float
        Variance between effects of a study; 0 under "corr", whose model has none.
    I2 : float
        Share of Q_E beyond its expectation without heterogeneity, from 0 to 1.
    """

    tau2: float
    omega2: float
    I2: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RveFit:
    """Coefficients with robust standard errors.

    Attributes
    ----------
    working_model : {"corr", "hier"}
        Correlated or hierarchical effects.
    rho : float
        Assumed correlation of sampling errors within a study (used by "corr" only).
    small : bool
        Whether the small-sample correction was applied.
    beta, se, df, statistic, p_value : ndarray, shape (p,)
        Coefficients and their t tests; NaN where a standard error is zero to rounding.
    covariance : ndarray, shape (p, p)
        Robust covariance of beta.
    tau2, omega2, I2 : float
        See `MomentEstimates`.
    weights : ndarray, shape (k,)
        Weights of the effects.
    data, point : MultilevelData, MultilevelPoint
        The weighted regression as a fitted model, ready for `htz_test` and
        `wild_bootstrap_test`: its variances are the inverse weights.
    """

    working_model: str
    rho: float
    small: bool
    beta: Array
    se: Array
    df: Array
    statistic: Array
    p_value: Array
    covariance: Array
    tau2: float
    omega2: float
    I2: float
    weights: Array
    data: MultilevelData = field(repr=False)
    point: MultilevelPoint = field(repr=False)


def rve_fit(
    yi: Array,
    vi: Array,
    X: Array,
    blocks: StudyBlocks,
    *,
    working_model: str = "corr",
    rho: float = 0.8,
    small: bool = True,
    people: People | None = None,
) -> RveFit:
    """Fit a meta-regression with robust variance estimation.

    Parameters
    ----------
    yi, vi : ndarray, shape (k,)
        Effects and sampling variances, sorted by study.
    X : ndarray, shape (k, p)
        Design matrix, of full column rank.
    blocks : StudyBlocks
        The studies.
    working_model : {"corr", "hier"}
        "corr": weights 1 / (k_j (mean v_j + tau²)); "hier": 1 / (v + tau² + omega²) [1]_.
    rho : float
        Correlation of the sampling errors of a sample, for tau² of "corr".
    small : bool
        Bias-reduced linearisation with Satterthwaite's degrees of freedom [2]_. The target is
        the diagonal matrix of inverse weights under both working models, as in robumeta.
        Without it the sandwich is multiplied by m / (m - p), with m - p degrees of freedom.
    people : People, optional
        Independent samples inside studies; by default every study is one of the same people.

    Raises
    ------
    EstimationError
        When the coefficients or the variance components are not identified.

    References
    ----------
    .. [1] Hedges et al. (2010).
    .. [2] Tipton (2015).

    Examples
    --------
    >>> import numpy as np
    >>> blocks = StudyBlocks.from_sorted(np.array([0, 0, 1, 2, 2, 3, 4, 4]))
    >>> yi = np.array([0.1, 0.3, 0.5, 0.2, 0.1, 0.6, 0.4, 0.3])
    >>> fit = rve_fit(yi, np.full(8, 0.02), np.ones((8, 1)), blocks)
    >>> fit.beta.round(4), fit.se.round(4), fit.df.round(4)
    (array([0.36]), array([0.0857]), array([4.]))
    """
    _check(X, blocks, working_model, rho)
    if working_model == "corr":
        moments = correlated_moments(yi, vi, X, blocks, rho, people)
        weights = _correlated_weights(vi, blocks, moments.tau2)
    else:
        moments = hierarchical_moments(yi, vi, X, blocks)
        weights = 1 / (vi + moments.tau2 + moments.omega2)
    data = nested_data(yi, 1 / weights, X, blocks, 0.0)
    point = evaluate(data, np.zeros(2), restricted=True)
    covariance, df = _covariance(data, point, small=small)
    se = np.sqrt(np.diag(covariance))
    known = se**2 > rounding_floor(data, point.WX @ point.bread)
    statistic = np.divide(point.beta, se, out=np.full_like(se, np.nan), where=known)
    return RveFit(
        working_model=working_model,
        rho=rho,
        small=small,
        beta=read_only(point.beta),
        se=read_only(se),
        df=read_only(df),
        statistic=read_only(statistic),
        p_value=read_only(np.asarray(2 * t_sf(np.abs(statistic), df))),
        covariance=read_only(covariance),
        tau2=moments.tau2,
        omega2=moments.omega2,
        I2=moments.I2,
        weights=read_only(weights),
        data=data,
        point=point,
    )


def correlated_moments(
    yi: Array,
    vi: Array,
    X: Array,
    blocks: StudyBlocks,
    rho: float,
    people: People | None = None,
) -> MomentEstimates:
    """Estimate tau² of the correlated-effects model.

    With w_j = 1 / (k_j mean v_j), V = (sum w_j X_j'X_j)^-1, J a matrix of ones and K one where two
    effects are of one sample, else zero (J where the study is one sample; the root of the smaller n
    over the larger where the smaller group is among the larger),
    tau² = (Q_E - m + tr V sum w_j / k_j (X_j'X_j + rho (X_j'K X_j - X_j'X_j))) /
    (sum k_j w_j - tr V sum w_j² X_j'J X_j), not below 0.

    References
    ----------
    Hedges et al. (2010): the estimator for correlated effects.
    """
    n = blocks.sizes.astype(float)
    weights = _correlated_weights(vi, blocks, 0.0)
    fit = weighted_fit(yi, X, weights)
    wj = weights[blocks.starts]
    ones = blocks.sums(X)  # 1'X of each study
    shared = (X * blocks.spread(wj / n)[:, None]).T @ X
    own = People.same(blocks) if people is None else people
    within = own.steps.sums(X * own.loading[:, None])  # 1'X of each step of a sample
    by_study = (wj / n)[blocks.study[own.steps.starts]][:, None]
    crossed = (within * by_study).T @ own.covered(within)
    expected = blocks.m - _trace(fit.bread, shared + rho * (crossed - shared))
    slope = float(n @ wj) - _trace(fit.bread, (ones * (wj**2)[:, None]).T @ ones)
    if slope <= 0:
        raise EstimationError("tau² is not identified: the moderators explain every study.")
    return MomentEstimates(max(0.0, (fit.rss - expected) / slope), 0.0, _share(fit.rss, expected))


def hierarchical_moments(yi: Array, vi: Array, X: Array, blocks: StudyBlocks) -> MomentEstimates:
    """Estimate tau² and omega² of the hierarchical-effects model.

    With residuals e of the regression weighted by W = diag(1 / v), the weighted sum of squares
    Q_E = e'We and the squared study sums Q_1 = sum (1'e_j)² are equated to their expectations,
    which are linear in both components. omega² is set to 0 where negative, then tau² follows
    from Q_E and is set to 0 where negative.

    References
    ----------
    Hedges et al. (2010): the estimators for hierarchical effects.
    """
    wi = 1 / vi
    fit = weighted_fit(yi, X, wi)
    if blocks.m == yi.size:
        raise EstimationError("tau² and omega² are not identified: one effect in each study.")
    constant, on_tau2, on_omega2 = _expected_moments(vi, X, blocks, fit.bread)
    observed = np.array([fit.rss, float(np.sum(blocks.sums(fit.residuals) ** 2))])
    excess = observed - constant
    det = on_tau2[0] * on_omega2[1] - on_tau2[1] * on_omega2[0]
    size = abs(on_tau2[0] * on_omega2[1]) + abs(on_tau2[1] * on_omega2[0])
    if abs(det) <= 1e-12 * size or on_tau2[0] <= 0:
        raise EstimationError("tau² and omega² are not identified by these moderators.")
    omega2 = max(0.0, float(on_tau2[0] * excess[1] - on_tau2[1] * excess[0]) / det)
    tau2 = max(0.0, float(excess[0] - on_omega2[0] * omega2) / on_tau2[0])
    return MomentEstimates(tau2, omega2, _share(fit.rss, float(constant[0])))


def _expected_moments(
    vi: Array, X: Array, blocks: StudyBlocks, V: Array
) -> tuple[Array, Array, Array]:
    """Parts of E (Q_E, Q_1): the constant, and the factors of tau² and omega²."""
    wi, n = 1 / vi, blocks.sizes.astype(float)
    ones, weighted = blocks.sums(X), blocks.sums(X * wi[:, None])  # 1'X, 1'WX of each study
    J, WJW = V @ ones.T @ ones, V @ weighted.T @ weighted
    WW = V @ (X * wi[:, None] ** 2).T @ X
    crossed = V @ weighted.T
    constant = [float(vi.size - X.shape[1]), float(vi.sum() - np.trace(J))]
    on_tau2 = [
        float(np.sum(blocks.sums(wi)) - np.trace(WJW)),
        float(n @ n - 2 * np.trace(crossed @ (ones * n[:, None])) + np.trace(J @ WJW)),
    ]
    on_omega2 = [
        float(wi.sum() - np.trace(WW)),
        float(vi.size - 2 * np.trace(crossed @ ones) + np.trace(J @ WW)),
    ]
    return np.array(constant), np.array(on_tau2), np.array(on_omega2)


def _correlated_weights(vi: Array, blocks: StudyBlocks, tau2: float) -> Array:
    """1 / (k_j (mean v_j + tau²)) for each effect, shape (k,)."""
    n = blocks.sizes
    return blocks.spread(1 / (blocks.sums(vi) + n * tau2))


def _covariance(
    data: MultilevelData, point: MultilevelPoint, *, small: bool
) -> tuple[Array, Array]:
    """Robust covariance and degrees of freedom, with or without small-sample correction."""
    if small:
        robust = robust_covariance(data, point, "cr2")
        return robust.covariance, robust.df
    m, p = data.blocks.m, data.X.shape[1]
    if m <= p:
        raise EstimationError(f"{m} studies do not suffice for {p} coefficients.")
    return robust_covariance(data, point, "cr0").covariance * (m / (m - p)), np.full(
        p, float(m - p)
    )


def _check(X: Array, blocks: StudyBlocks, working_model: str, rho: float) -> None:
    if working_model not in WORKING_MODELS:
        allowed = ", ".join(WORKING_MODELS)
        raise OptionError(f"working_model is {working_model!r}; allowed are {allowed}.")
    if not 0 <= rho <= 1:
        raise OptionError(f"rho is {rho}; allowed is 0 to 1.")
    if blocks.m < 2:
        raise EstimationError("Robust variance estimation needs at least two studies.")
    if np.linalg.matrix_rank(X) < X.shape[1]:
        raise EstimationError("The columns of the design matrix are linearly dependent.")


def _trace(A: Array, B: Array) -> float:
    return float(np.sum(A * B.T))


def _share(Q: float, expected: float) -> float:
    return max(0.0, (Q - expected) / Q) if Q > 0 else 0.0
