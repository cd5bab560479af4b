"""Tests of several linear constraints on the coefficients at once.

The approximate Hotelling test (AHZ, "HTZ" in clubSandwich) gives the robust Wald statistic
the distribution that it has when its covariance matrix is nearly Wishart. The degrees of
freedom are a sum over all pairs of studies; written with p x q matrices of single studies
it needs one pass over them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from metaalliance.core.arrays import Array
from metaalliance.core.distributions import chi2_sf, f_sf
from metaalliance.core.inference.forms import inverse_root, quadratic_forms
from metaalliance.core.inference.group_means import VarianceMoments, equality_form
from metaalliance.core.inference.robust import (
    influence_rows,
    refuse_crossed,
    residuals,
    satterthwaite,
)
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.multilevel import MultilevelData, MultilevelPoint
from metaalliance.errors import OptionError

SINGULAR = (
    "the robust covariance of the constraints is singular: too few studies bear on them to test "
    "them together, or the residuals are all zero"
)
NO_DF = (
    "the robust covariance has too few degrees of freedom for so many constraints: test fewer of "
    "them, or use the wild bootstrap"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaldTest:
    """A joint test of C beta = 0.

    Attributes
    ----------
    test : {"htz", "chi2", "f"}
        Approximate Hotelling, chi-squared or plain F.
    kind : {"model", "cr0", "cr1", "cr1s", "cr2"}
        The covariance of the coefficients.
    statistic : float
        F, or chi-squared for "chi2".
    df1, df2 : float
        Degrees of freedom; df2 is infinite for "chi2".
    p_value : float
        Upper tail.
    Q : float
        (C beta)' (C V C')^-1 (C beta), from which the statistic is made.
    reason : str
        Why statistic and p-value are missing (NaN); empty when they are not.
    """

    test: str
    kind: str
    statistic: float
    df1: float
    df2: float
    p_value: float
    Q: float
    reason: str = ""


def htz_test(
    data: MultilevelData, point: MultilevelPoint, C: ArrayLike, kind: str = "cr2"
) -> WaldTest:
    """Test C beta = 0 by the approximate Hotelling's T² test.

    F = (eta - q + 1) / (eta q) Q with q and eta - q + 1 degrees of freedom, where eta matches
    the total variance of the robust covariance under the working model [1]_ [2]_. With q = 1
    this is the squared t test with Satterthwaite's degrees of freedom.

    Parameters
    ----------
    data, point : MultilevelData, MultilevelPoint
        The effects, sorted by cluster, and the fitted model.
    C : array_like, shape (q, p) or (p,)
        Constraints, linearly independent.
    kind : {"cr2", "cr1", "cr1s", "cr0"}
        The robust covariance.

    Returns
    -------
    WaldTest
        NaN with a reason where the covariance of the constraints is singular or
        eta - q + 1 is not positive.

    References
    ----------
    .. [1] Tipton and Pustejovsky (2015): the test AHZ.
    .. [2] Pustejovsky and Tipton (2018).

    Examples
    --------
    >>> import numpy as np
    >>> from metaalliance.core.variance.blocks import StudyBlocks
    >>> from metaalliance.core.variance.multilevel import evaluate, nested_data
    >>> yi = np.array([0.1, 0.2, 0.3, 0.5, 0.4, 0.7, 0.6, 0.2])
    >>> X = np.column_stack([np.ones(8), np.arange(8) % 2, np.arange(8) / 4])
    >>> blocks = StudyBlocks.from_sorted(np.array([0, 0, 1, 2, 3, 4, 4, 5]))
    >>> data = nested_data(yi, np.full(8, 0.02), X, blocks, 0.0)
    >>> point = evaluate(data, np.array([0.02, 0.01]), restricted=True)
    >>> test = htz_test(data, point, np.eye(3)[1:])
    >>> round(test.statistic, 4), round(test.df2, 4), round(test.p_value, 4)
    (0.1557, 1.7247, 0.8666)
    """
    C = constraint_matrix(C, data.X.shape[1])
    G = influence(data, point, C, kind)
    q, Q = C.shape[0], robust_q(data, point, C, G)
    if point.disjoint is not None:
        h = influence_rows(data, point, kind)[:, 0]
        eta = VarianceMoments.of(data, point, point.disjoint, h).eta(C)
    else:
        eta = wishart_df(data.blocks, data.X, point.bread, G, point.covariance.multiply)
    return hotelling(Q, eta, q, kind)


def equality_htz(data: MultilevelData, point: MultilevelPoint, kind: str = "cr2") -> WaldTest:
    """Test that all coefficients of a design of disjoint groups are equal, as `htz_test` does.

    In linear time. Parameters are those of `htz_test`, without the constraints.
    """
    at = point.disjoint
    assert at is not None
    h = influence_rows(data, point, kind)[:, 0]
    sums, codes = data.blocks.sums, at.design.codes[data.blocks.starts]
    variances = at.design.sums(sums(h * residuals(data, point)) ** 2, codes)
    noise = 1e-12 * np.abs(data.yi).max()
    floor = at.design.sums((noise * sums(np.abs(h))) ** 2, codes)
    Q = equality_form(at.beta, variances, floor)
    eta = VarianceMoments.of(data, point, at, h).eta_of_equality()
    return hotelling(Q, eta, at.beta.size - 1, kind)


def hotelling(Q: float, eta: float, q: int, kind: str) -> WaldTest:
    """Turn Q with eta degrees of freedom of its covariance into F with q and eta - q + 1."""
    df2 = eta - q + 1
    if np.isnan(Q) or np.isnan(eta):
        return _missing("htz", kind, q, df2, Q, SINGULAR)
    if df2 <= 0:
        return _missing("htz", kind, q, df2, Q, NO_DF)
    return _f_test("htz", kind, Q * df2 / (eta * q), q, df2, Q)


def wald_chi2(
    data: MultilevelData, point: MultilevelPoint, C: ArrayLike, kind: str = "model"
) -> WaldTest:
    """Test C beta = 0 by comparing Q with chi-squared, q degrees of freedom.

    Parameters are those of `htz_test`; `kind` may also be "model", the inverse information.
    This is the large-sample test: with few studies it rejects too often.
    """
    C = constraint_matrix(C, data.X.shape[1])
    return chi2_of(_q_of_kind(data, point, C, kind), C.shape[0], kind)


def chi2_of(Q: float, q: int, kind: str) -> WaldTest:
    """Compare Q with chi-squared, q degrees of freedom."""
    if np.isnan(Q):
        return _missing("chi2", kind, q, np.inf, Q, SINGULAR)
    return WaldTest(
        test="chi2", kind=kind, statistic=Q, df1=q, df2=np.inf, p_value=float(chi2_sf(Q, q)),
        Q=Q,
    )  # fmt: skip


def wald_f(
    data: MultilevelData, point: MultilevelPoint, C: ArrayLike, kind: str = "cr1"
) -> WaldTest:
    """Test C beta = 0 by comparing Q / q with F.

    The denominator has m - 1 degrees of freedom for a robust covariance (clubSandwich's
    "Naive-F") and k - p for the model's own (metafor's `test="t"`). Parameters are those of
    `wald_chi2`.
    """
    C = constraint_matrix(C, data.X.shape[1])
    k, p = data.X.shape
    df2 = float(k - p if kind == "model" else data.blocks.m - 1)
    return f_of(_q_of_kind(data, point, C, kind), C.shape[0], df2, kind)


def f_of(Q: float, q: int, df2: float, kind: str) -> WaldTest:
    """Compare Q / q with F of q and df2 degrees of freedom."""
    if np.isnan(Q):
        return _missing("f", kind, q, df2, Q, SINGULAR)
    if df2 <= 0:
        return _missing("f", kind, q, df2, Q, NO_DF)
    return _f_test("f", kind, Q / q, q, df2, Q)


def scaled_f(
    data: MultilevelData,
    point: MultilevelPoint,
    C: ArrayLike,
    kind: float | str,
    df2: float | None = None,
) -> WaldTest:
    """Test C beta = 0 by F with a scaled model covariance or a robust one.

    Parameters
    ----------
    C : array_like, shape (q, p)
        Constraints.
    kind : float or str
        Factor of the model's covariance: 1, or that of Knapp and Hartung; or the name of a
        robust covariance, with m - 1 denominator degrees of freedom.
    df2 : float, optional
        Denominator degrees of freedom beside the model's covariance; by default k - p.
    """
    if isinstance(kind, str):
        return wald_f(data, point, C, kind)
    plain = wald_f(data, point, C, "model")
    return scaled(plain, kind, plain.df2 if df2 is None else df2)


def scaled(plain: WaldTest, factor: float, df2: float) -> WaldTest:
    """Return an F test with the model's covariance times a factor, and df2 of its own."""
    if np.isnan(plain.statistic):
        return plain
    F, Q = plain.statistic / factor, plain.Q / factor
    return _f_test("f", "model", F, int(plain.df1), df2, Q)


def constraint_matrix(C: ArrayLike, p: int) -> Array:
    """Return the constraints as a (q, p) matrix of full row rank, or say what is wrong."""
    found = np.atleast_2d(np.asarray(C, dtype=np.float64))
    if found.ndim != 2 or found.shape[1] != p or not found.shape[0]:
        raise OptionError(f"The constraints have shape {np.shape(C)}; allowed is (q, {p}).")
    if not np.isfinite(found).all():
        raise OptionError("The constraints contain a missing or infinite value.")
    length = np.linalg.norm(found, axis=1, keepdims=True)
    if not length.all() or np.linalg.matrix_rank(found / length) < found.shape[0]:
        raise OptionError(
            f"The {found.shape[0]} constraints are not linearly independent: leave out those "
            "that follow from the others."
        )
    return found


def influence(data: MultilevelData, point: MultilevelPoint, C: Array, kind: str) -> Array:
    """Rows of A W X (X'WX)^-1 C', shape (k, q); their sums with residuals make C V C'."""
    refuse_crossed(data)
    H = influence_rows(data, point, kind)
    G: Array = H @ C.T if point.disjoint is None else H * C.T[point.disjoint.design.codes]
    return G


def combination_df(data: MultilevelData, point: MultilevelPoint, C: Array, kind: str) -> Array:
    """Satterthwaite degrees of freedom of the robust variance of each row of `C` (q, p)."""
    if point.disjoint is not None:
        h = influence_rows(data, point, kind)[:, 0]
        return VarianceMoments.of(data, point, point.disjoint, h).df(C)
    G, product = influence(data, point, C, kind), point.covariance.multiply
    return satterthwaite(data.blocks, data.X, point.bread, G, product)


def robust_q(data: MultilevelData, point: MultilevelPoint, C: Array, G: Array) -> float:
    """Return the Wald statistic Q with the sandwich made of the rows `G` (k, q)."""
    scores = data.blocks.sums(G * residuals(data, point)[:, None])
    V = scores.T @ scores
    return float(quadratic_forms((C @ point.beta)[None], V[None], rounding_floor(data, G))[0])


def rounding_floor(data: MultilevelData, G: Array) -> Array:
    """Variances that the sandwich would have if residuals were 1e-12 of the effects, (q,)."""
    noise = 1e-12 * np.abs(data.yi).max()
    floor: Array = np.sum((noise * data.blocks.sums(np.abs(G))) ** 2, axis=0)
    return floor


def wishart_df(
    blocks: StudyBlocks, X: Array, bread: Array, G: Array, multiply: Callable[[Array], Array]
) -> float:
    """Degrees of freedom eta of the Wishart distribution nearest to that of C V C'.

    With g_j the rows of `G` of study j, scaled so that E C V C' = I, the pairs of studies have
    P_ij = d_ij A_i - B_i'M B_j, where A_i = g_i'S_i g_i, B_i = X_i'g_i and M = (X'WX)^-1, and
    eta = q (q + 1) / sum_ij (tr(P_ij)² + tr(P_ij P_ij)). The terms without d_ij sum to
    sum_st (tr(M T_st M T_st') + tr(M T_st M T_st)) with T_st = sum_j b_js b_jt', b_js the
    columns of B_j: no pair of studies is formed.

    Parameters
    ----------
    blocks : StudyBlocks
        The studies.
    X, bread : ndarray, shape (k, p) and (p, p)
        Design matrix and (X'WX)^-1.
    G : ndarray, shape (k, q)
        Rows of A W X (X'WX)^-1 C'.
    multiply : callable
        Gives S z for z of shape (k,).
    """
    A, B = _study_matrices(blocks, X, G, multiply)
    q = G.shape[1]
    root = inverse_root(A.sum(axis=0) - np.tensordot(B @ bread, B, axes=([0, 2], [0, 2])))
    if root is None:
        return float("nan")
    spread = _sum_over_pairs(root.T @ A @ root, root.T @ B, bread)
    return q * (q + 1) / spread if spread > 0 else float("nan")


def _sum_over_pairs(A: Array, B: Array, M: Array) -> float:
    """Return sum_ij (tr(P_ij)² + tr(P_ij P_ij)) with P_ij = d_ij A_i - B_i M B_j'.

    Where a study determines some constraint almost alone, A_j and B_j M B_j' are large and
    nearly equal, and the factored sum would lose their difference. At most 2 p studies can have
    more than half of their leverage; the pairs of the largest 4 p are summed one by one.
    """
    m, p = B.shape[0], B.shape[2]
    own = np.einsum("jsa,ab,jsb->j", B, M, B, optimize=True)
    heavy = np.argsort(-own)[: 4 * p]
    heavy = heavy[own[heavy] > 1]
    light = np.setdiff1d(np.arange(m), heavy)
    total = _factored_sum(A[light], B[light], M)
    times = np.full(m, 2.0)  # (i, j) and (j, i), unless both are visited
    times[heavy] = 1.0
    for j in heavy:
        P = -(B @ M @ B[j].T)
        alone = A[j] + P[j]
        P[j] = 0.0
        total += float(times @ _pair_terms(P)) + float(_pair_terms(alone[None])[0])
    return total


def _pair_terms(P: Array) -> Array:
    """Return tr(P)² + tr(P P) of each of (n, q, q) matrices."""
    terms: Array = np.trace(P, axis1=1, axis2=2) ** 2 + np.einsum("nst,nts->n", P, P)
    return terms


def _factored_sum(A: Array, B: Array, M: Array) -> float:
    """Return the sum over pairs in one pass over the studies."""
    m, q, p = B.shape
    D = B @ M @ B.transpose(0, 2, 1)
    a, d = np.trace(A, axis1=1, axis2=2), np.trace(D, axis1=1, axis2=2)
    total = float(np.sum(a * (a - 2 * d)) + np.sum(A * (A - 2 * D)))
    for s in range(q):
        T = (B[:, s].T @ B.reshape(m, q * p)).reshape(p, q, p).transpose(1, 0, 2)
        MT = M @ T
        total += float(np.sum((MT @ M) * T) + np.sum(MT * MT.transpose(0, 2, 1)))
    return total


def _study_matrices(
    blocks: StudyBlocks, X: Array, G: Array, multiply: Callable[[Array], Array]
) -> tuple[Array, Array]:
    """Return g_j'S_j g_j, shape (m, q, q), and g_j'X_j, shape (m, q, p), of each study."""
    columns = range(G.shape[1])
    SG = np.column_stack([multiply(G[:, s]) for s in columns])
    A = np.stack([blocks.sums(SG * G[:, [s]]) for s in columns], axis=1)
    return A, np.stack([blocks.sums(X * G[:, [s]]) for s in columns], axis=1)


def undetermined_test(test: str, kind: str, q: int) -> WaldTest:
    """Return a test without a result: one study alone determines some of the constraints."""
    return _missing(test, kind, q, float("nan"), float("nan"), SINGULAR)


def _q_of_kind(data: MultilevelData, point: MultilevelPoint, C: Array, kind: str) -> float:
    """Return the Wald statistic with the model's or a robust covariance."""
    if kind == "model":
        return float(quadratic_forms((C @ point.beta)[None], (C @ point.bread @ C.T)[None])[0])
    return robust_q(data, point, C, influence(data, point, C, kind))


def _f_test(test: str, kind: str, F: float, q: int, df2: float, Q: float) -> WaldTest:
    p_value = float(chi2_sf(q * F, q) if np.isinf(df2) else f_sf(F, q, df2))
    return WaldTest(test=test, kind=kind, statistic=F, df1=q, df2=df2, p_value=p_value, Q=Q)


def _missing(test: str, kind: str, q: int, df2: float, Q: float, reason: str) -> WaldTest:
    nan = float("nan")
    return WaldTest(
        test=test, kind=kind, statistic=nan, df1=q, df2=df2, p_value=nan, Q=Q, reason=reason
    )
