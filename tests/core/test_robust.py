"""CR0, CR1 and CR2 against explicit matrices, written from Pustejovsky and Tipton (2018)."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from golden_data import CLOSED, assert_close, quiet_pool
from hypothesis import given, settings
from hypothesis import strategies as st

from metaalliance.core.inference.robust import (
    RobustCovariance,
    adjustment,
    robust_covariance,
)
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.multilevel import (
    MultilevelData,
    MultilevelPoint,
    evaluate,
    nested_data,
)
from metaalliance.effects.effects import Effects

modest = settings(derandomize=True, max_examples=40)

#: Roots of matrices by eigendecomposition, here and in the package. Seen: 2e-14.
ROOTS = 1e-11

SIZES = (3, 1, 2, 4, 1, 2, 3)
LABELS = np.repeat(np.arange(len(SIZES)), SIZES)
K = LABELS.size
RNG = np.random.default_rng(23)
VARYING = RNG.uniform(0.01, 0.09, K)
CONSTANT = RNG.uniform(0.01, 0.09, len(SIZES))[LABELS]
YI = RNG.normal(0.3, 0.35, K)
MEAN = np.ones((K, 1))
DESIGNS = {
    "mean": MEAN,
    "between": np.column_stack([MEAN, np.arange(len(SIZES))[LABELS]]),
    "within": np.column_stack([MEAN, RNG.normal(size=K)]),
    "both": np.column_stack([MEAN, np.arange(len(SIZES))[LABELS], RNG.normal(size=K)]),
}

kinds = pytest.mark.parametrize("kind", ["cr0", "cr1", "cr2"])
designs = pytest.mark.parametrize("X", DESIGNS.values(), ids=DESIGNS.keys())
variances = pytest.mark.parametrize("vi", [VARYING, CONSTANT], ids=["varying", "constant"])
correlations = pytest.mark.parametrize("rho", [0.0, 0.6])
components = pytest.mark.parametrize("theta", [(0.04, 0.02), (0.0, 0.02), (0.04, 0.0), (0.0, 0.0)])


def root(matrix: np.ndarray, power: float) -> np.ndarray:
    """Power of a symmetric matrix on the space where it is not zero."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values > 1e-10 * values.max()
    return (vectors[:, kept] * values[kept] ** power) @ vectors[:, kept].T


def explicit(
    vi: np.ndarray, X: np.ndarray, rho: float, theta: tuple[float, float], kind: str
) -> tuple[np.ndarray, np.ndarray]:
    """Sandwich covariance and Satterthwaite df written out, with Phi = W^-1."""
    same = LABELS[:, None] == LABELS
    Phi = np.where(same, rho * np.outer(np.sqrt(vi), np.sqrt(vi)) + theta[0], 0.0)
    np.fill_diagonal(Phi, vi + sum(theta))
    W = np.linalg.inv(Phi)
    M = np.linalg.inv(X.T @ W @ X)
    H = X @ M @ X.T @ W
    residuals = YI - H @ YI
    p = X.shape[1]
    meat, G = np.zeros((p, p)), []
    for j in range(len(SIZES)):
        rows = j == LABELS
        W_j, IH_j = W[np.ix_(rows, rows)], (np.eye(K) - H)[rows]
        A_j = np.eye(rows.sum())
        if kind == "cr2":
            D_j = np.linalg.cholesky(Phi[np.ix_(rows, rows)]).T
            A_j = D_j.T @ root(D_j @ IH_j @ Phi @ IH_j.T @ D_j.T, -0.5) @ D_j
        B_j = X[rows].T @ W_j @ A_j
        meat += B_j @ np.outer(residuals[rows], residuals[rows]) @ B_j.T
        G.append(IH_j.T @ A_j.T @ W_j @ X[rows] @ M)
    V = M @ meat @ M * (len(SIZES) / (len(SIZES) - 1) if kind == "cr1" else 1.0)
    df = np.empty(p)
    for c in range(p):
        g = np.array([G_j[:, c] for G_j in G])
        P = g @ Phi @ g.T
        df[c] = np.trace(P) ** 2 / np.sum(P * P)
    return V, df


def nested(vi: np.ndarray, X: np.ndarray, rho: float) -> MultilevelData:
    return nested_data(YI, vi, X, StudyBlocks.from_sorted(LABELS), rho)


def robust(
    vi: np.ndarray, X: np.ndarray, rho: float, theta: tuple[float, float], kind: str
) -> RobustCovariance:
    data = nested(vi, X, rho)
    return robust_covariance(data, evaluate(data, np.array(theta), restricted=True), kind)


@kinds
@designs
@variances
@correlations
@components
def test_covariance(kind, X, vi, rho, theta):
    theirs = explicit(vi, X, rho, theta, kind)[0]
    ours = robust(vi, X, rho, theta, kind).covariance
    assert_close(ours, theirs, ROOTS, scale=np.abs(theirs).max())


@kinds
@designs
@variances
@correlations
@components
def test_satterthwaite_degrees_of_freedom(kind, X, vi, rho, theta):
    assert_close(robust(vi, X, rho, theta, kind).df, explicit(vi, X, rho, theta, kind)[1], ROOTS)


def test_two_studies_by_hand():
    # One effect each, .1 and .5 with variance .02: mean .3, residuals ∓.2, weights a half.
    # CR0 = 2 (.2 / 2)² = .02; CR1 doubles it; CR2 divides by 1 - 1/2, which is the same.
    blocks = StudyBlocks.from_sorted(np.arange(2))
    data = nested_data(np.array([0.1, 0.5]), np.full(2, 0.02), np.ones((2, 1)), blocks, 0.0)
    point = evaluate(data, np.zeros(2), restricted=True)
    ours = [robust_covariance(data, point, kind).covariance[0, 0] for kind in ("cr0", "cr1", "cr2")]
    assert_close(ours, [0.02, 0.04, 0.04], CLOSED)


@kinds
def test_equal_studies_have_one_degree_of_freedom_less_than_their_number(kind):
    blocks = StudyBlocks.from_sorted(np.arange(6))
    data = nested_data(np.arange(6.0), np.full(6, 0.02), np.ones((6, 1)), blocks, 0.0)
    point = evaluate(data, np.array([0.0, 0.01]), restricted=True)
    assert_close(robust_covariance(data, point, kind).df, [5.0], CLOSED)


def test_cr1_is_cr0_times_m_over_m_less_one():
    cr0, cr1 = (
        robust(VARYING, MEAN, 0.6, (0.04, 0.02), kind).covariance for kind in ("cr0", "cr1")
    )
    assert_close(cr1, cr0 * 7 / 6, CLOSED)


def test_cr1_has_the_degrees_of_freedom_of_cr0():
    cr0, cr1 = (robust(VARYING, MEAN, 0.6, (0.04, 0.02), kind).df for kind in ("cr0", "cr1"))
    assert_close(cr1, cr0, CLOSED)


def expected_covariance(kind: str, point: MultilevelPoint, data: MultilevelData) -> np.ndarray:
    """Mean of the estimator when the working model is true: linear in e e', so by unit draws."""
    S = np.linalg.inv(point.covariance.solve(np.eye(K)))
    values, vectors = np.linalg.eigh(S)
    found = np.zeros((data.X.shape[1],) * 2)
    for value, vector in zip(values, vectors.T, strict=True):
        drawn = nested_data(
            np.sqrt(value) * vector, data.vi, data.X, data.blocks, data.structure.rho
        )
        at = evaluate(drawn, point.theta, restricted=True)
        found += robust_covariance(drawn, at, kind).covariance
    return found


@designs
@variances
def test_cr2_is_unbiased_under_the_working_model(X, vi):
    data = nested(vi, X, 0.6)
    point = evaluate(data, np.array([0.04, 0.02]), restricted=True)
    ours = expected_covariance("cr2", point, data)
    assert_close(ours, point.bread, ROOTS, scale=np.abs(point.bread).max())


def test_cr0_is_too_small_under_the_working_model():
    data = nested(VARYING, MEAN, 0.6)
    point = evaluate(data, np.array([0.04, 0.02]), restricted=True)
    assert expected_covariance("cr0", point, data)[0, 0] < 0.95 * point.bread[0, 0]


@modest
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.6]), st.sampled_from(["cr0", "cr1", "cr2"]))
def test_order_of_studies_does_not_matter(seed, rho, kind):
    rng = np.random.default_rng(seed)
    turned = np.concatenate([np.flatnonzero(j == LABELS) for j in rng.permutation(len(SIZES))])
    X = DESIGNS["both"]
    blocks = StudyBlocks.from_sorted(LABELS[turned])
    data = nested_data(YI[turned], VARYING[turned], X[turned], blocks, rho)
    point = evaluate(data, np.array([0.04, 0.02]), restricted=True)
    ours, theirs = robust_covariance(data, point, kind), robust(VARYING, X, rho, (0.04, 0.02), kind)
    assert_close(ours.covariance, theirs.covariance, ROOTS, scale=np.abs(theirs.covariance).max())


@pytest.mark.parametrize("factor", [1e-6, 1e6])
@kinds
def test_covariance_scales_with_the_effects(kind, factor):
    theirs = robust(VARYING, MEAN, 0.6, (0.04, 0.02), kind)
    data = nested_data(YI * factor, VARYING * factor**2, MEAN, StudyBlocks.from_sorted(LABELS), 0.6)
    point = evaluate(data, np.array([0.04, 0.02]) * factor**2, restricted=True)
    ours = robust_covariance(data, point, kind)
    assert_close(ours.covariance / factor**2, theirs.covariance, ROOTS)
    assert_close(ours.df, theirs.df, ROOTS)


def test_studies_of_one_size_come_in_batches_of_bounded_memory():
    blocks = StudyBlocks.from_sorted(LABELS)
    batches = list(blocks.of_one_size(np.ones(blocks.m, dtype=bool), cells=9))
    assert all(rows.size * rows.shape[1] <= max(9, rows.shape[1] ** 2) for rows in batches)
    assert sorted(np.concatenate([rows.ravel() for rows in batches])) == list(range(K))


@pytest.mark.parametrize(
    ("ratio", "se"),
    [(1e3, 0.00422751300380987), (1e4, 0.001327742471040627), (1e5, 0.0004188322004688775)],
)
def test_cr2_of_variances_that_differ_within_a_study(ratio, se):
    vi = [0.1 / ratio, 0.1, 0.2, 0.3]
    chosen = Effects.from_arrays([0.1, 0.2, 0.3, 0.4], vi, study=list("AABB"))
    assert_close(quiet_pool(chosen).se, se, 1e-11)


def exact(data: MultilevelData, theta: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """CR2 variances and Satterthwaite df by `explicit`'s equations with 80 digits."""
    with mpmath.workdps(80):
        labels, vi = data.blocks.study, [mpmath.mpf(float(v)) for v in data.vi]
        k, y, X = data.yi.size, mpmath.matrix(data.yi.tolist()), mpmath.matrix(data.X.tolist())
        Phi = mpmath.zeros(k)
        for i, j in zip(*np.nonzero(labels[:, None] == labels), strict=True):
            Phi[i, j] = data.structure.rho * mpmath.sqrt(vi[i] * vi[j]) + theta[0]
        for i in range(k):
            Phi[i, i] = vi[i] + theta[0] + theta[1]
        W = Phi**-1
        M = (X.T * W * X) ** -1
        B, e = Phi - X * M * X.T, y - X * M * X.T * W * y
        H = mpmath.zeros(k, data.blocks.m * X.cols)  # a column for each study and coefficient
        for start, n, j in zip(data.blocks.starts, data.blocks.sizes, range(k), strict=False):
            a, b = int(start), int(start + n)
            L = mpmath.cholesky(Phi[a:b, a:b])
            values, vectors = mpmath.eigsy(L.T * B[a:b, a:b] * L)
            LU = L * vectors
            A = LU * mpmath.diag([1 / mpmath.sqrt(v) for v in values]) * LU.T
            H[a:b, j * X.cols : (j + 1) * X.cols] = A * W[a:b, a:b] * X[a:b, :] * M
        scores, P = H.T * e, H.T * B * H
        found = []
        for c in range(X.cols):
            at = range(c, H.cols, X.cols)
            trace = mpmath.fsum(P[s, s] for s in at)
            found.append(
                (
                    float(mpmath.fsum(scores[s] ** 2 for s in at)),
                    float(trace**2 / mpmath.fsum(P[s, t] ** 2 for s in at for t in at)),
                )
            )
    return np.array([v for v, _ in found]), np.array([df for _, df in found])


@pytest.mark.parametrize("ratio", [1, 1e3, 1e5, 1e7])
@pytest.mark.parametrize("theta", [(0.0, 0.0), (0.01, 0.0), (0.0, 0.01)])
@pytest.mark.parametrize(
    "precise",
    [[0], [0, 1], [1, 4]],
    ids=["one effect", "a whole study", "one effect of each of two"],
)
@pytest.mark.parametrize("moderated", [False, True])
def test_cr2_against_many_digits_when_variances_differ(ratio, theta, precise, moderated):
    vi = np.array([0.1, 0.1, 0.2, 0.3, 0.15, 0.1, 0.2])
    vi[precise] /= ratio
    labels = np.array([0, 0, 1, 1, 2, 2, 3])
    X = np.column_stack([np.ones(7), labels % 2])[:, : 1 + moderated]
    yi = np.array([0.1, 0.2, 0.3, 0.4, 0.2, 0.5, 0.35])
    data = nested_data(yi, vi, X, StudyBlocks.from_sorted(labels), 0.6)
    ours = robust_covariance(data, evaluate(data, np.array(theta), restricted=True), "cr2")
    variances, df = exact(data, theta)
    # the inverse of S loses a digit for every factor of ten. Seen: 2e-17 times the ratio.
    rtol = max(1e-12, 1e-16 * ratio)
    assert_close(np.diag(ours.covariance), variances, rtol)
    assert_close(ours.df, df, rtol)


@pytest.mark.parametrize("spread", [0.0, 3.0, 8.0])
def test_adjustment_makes_residuals_of_the_working_variance(spread):
    # A B A' = S where B has full rank
    rng = np.random.default_rng(5)
    S = np.array([np.diag(10 ** rng.uniform(-spread, 0, 4)) for _ in range(3)])
    X = rng.normal(size=(3, 4, 2))
    information = sum(x.T @ np.linalg.inv(s) @ x for x, s in zip(X, S, strict=True))
    bread = np.linalg.inv(information)
    B = S - X @ bread @ X.transpose(0, 2, 1)
    parts = X.transpose(0, 2, 1) @ np.linalg.solve(S, X)
    A = adjustment(S, X, bread, information - parts)
    scale = np.sqrt(np.einsum("cii->ci", S))
    ours = A @ B @ A.transpose(0, 2, 1) / (scale[:, :, None] * scale[:, None, :])
    if spread < 8:  # B itself has lost the digits beyond
        np.testing.assert_allclose(ours, np.broadcast_to(np.eye(4), (3, 4, 4)), atol=1e-7)
    assert np.isfinite(A).all()


def test_adjustment_of_a_study_that_alone_bears_on_a_coefficient():
    # Its residual is zero in one direction: clubSandwich's Moore-Penrose root leaves it out.
    S, bread = np.diag([0.02, 0.02])[None], np.array([[0.01]])
    A = adjustment(S, np.ones((1, 2, 1)), bread, np.zeros((1, 1, 1)))[0]
    np.testing.assert_allclose(A, [[0.5, -0.5], [-0.5, 0.5]], atol=1e-12)


def test_adjustment_with_a_bread_that_is_singular():
    S, X = np.diag([0.02, 0.03])[None], np.array([[[1.0, 0.0], [0.0, 1.0]]])
    A = adjustment(S, X, np.zeros((2, 2)), np.eye(2)[None])[0]
    np.testing.assert_allclose(A, np.eye(2), atol=1e-12)
