"""Joint tests of constraints: against R, against explicit matrices, and their properties."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from golden_data import CLOSED, ITERATED, assert_close, assert_same_tail, golden
from hypothesis import given, settings
from hypothesis import strategies as st

from metaalliance.core.inference.intervals import two_sided_p
from metaalliance.core.inference.robust import robust_covariance
from metaalliance.core.inference.wald import NO_DF, SINGULAR, htz_test, wald_chi2, wald_f
from metaalliance.core.variance.ascent import maximize, start_values
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.multilevel import (
    MultilevelData,
    MultilevelPoint,
    evaluate,
    nested_data,
)
from metaalliance.errors import OptionError

modest = settings(derandomize=True, max_examples=30)

SETS = ("crede2010", "konstantopoulos2011", "assink2016", "tannersmith2016")
RHO = {"three_level": 0.0, "che_rho0.6": 0.6}


def fitted(name: str, design: str, model: str) -> tuple[MultilevelData, MultilevelPoint]:
    """Return a model of the golden file at the variance components stored there."""
    case = golden("robust")[name]
    _, study = np.unique(case["data"]["study"], return_inverse=True)
    yi, vi = np.array(case["data"]["yi"]), np.array(case["data"]["vi"])
    X = np.array(case["designs"][design], float)
    data = nested_data(yi, vi, X, StudyBlocks.from_sorted(study), RHO[model])
    sigma2 = case["models"][design][model]["sigma2"]
    theta = np.array([sigma2["study"], sigma2["effect"]])
    return data, evaluate(data, theta, restricted=True)


MODELS = [
    (name, design, model)
    for name in SETS
    for design, models in golden("robust")[name]["models"].items()
    for model in models
]
JOINT_TESTS = [
    (*where, kind, constraint)
    for where in MODELS
    for kind, constraints in golden("robust")[where[0]]["models"][where[1]][where[2]][
        "tests"
    ].items()
    for constraint in constraints
]

every_model = pytest.mark.parametrize("where", MODELS, ids="-".join)
every_test = pytest.mark.parametrize("where", JOINT_TESTS, ids="-".join)


def theirs(where: tuple[str, ...]) -> dict[str, Any]:
    name, design, model, *rest = where
    found = golden("robust")[name]["models"][design][model]
    return found["tests"][rest[0]][rest[1]] if rest else found


def test_grid_is_whole():
    assert len(MODELS) == 4 * 2 * 2
    assert len({where[3] for where in JOINT_TESTS}) == 3
    assert max(np.atleast_2d(theirs(where)["C"]).shape[0] for where in JOINT_TESTS) == 4


@every_model
def test_our_optimum_is_theirs(where):
    data, point = fitted(*where)
    found = maximize(data, start_values(data)[0], restricted=True)
    assert_close(found.theta, point.theta, ITERATED, scale=point.theta.max())


@every_test
def test_htz_against_clubsandwich(where):
    expected, kind = theirs(where), where[3].lower()
    found = htz_test(*fitted(*where[:3]), expected["C"], kind)
    assert_close(found.statistic, expected["htz"]["statistic"], ITERATED)
    assert_close(found.df2, expected["htz"]["df2"], ITERATED)
    assert_same_tail(found.p_value, expected["htz"]["p_value"], ITERATED)
    assert found.df1 == expected["htz"]["df1"]


@every_test
def test_plain_tests_against_clubsandwich(where):
    expected, kind = theirs(where), where[3].lower()
    plain = wald_f(*fitted(*where[:3]), expected["C"], kind)
    large = wald_chi2(*fitted(*where[:3]), expected["C"], kind)
    assert_close(plain.statistic, expected["naive_f"]["statistic"], ITERATED)
    assert_close(large.statistic, expected["chi2"]["statistic"], ITERATED)
    assert plain.df2 == expected["naive_f"]["df2"]
    assert_same_tail(plain.p_value, expected["naive_f"]["p_value"], ITERATED)
    assert_same_tail(large.p_value, expected["chi2"]["p_value"], ITERATED)


@every_model
def test_model_based_chi_squared_against_metafor(where):
    expected = theirs(where)["model_chi2"]
    found = wald_chi2(*fitted(*where), expected["C"])
    assert_close(found.statistic, expected["statistic"], ITERATED)
    assert_same_tail(found.p_value, expected["p_value"], ITERATED)


@every_model
def test_coefficients_against_clubsandwich(where):
    data, point = fitted(*where)
    expected = theirs(where)
    ours = robust_covariance(data, point, "cr2")
    assert_close(point.beta, expected["beta"], ITERATED, scale=np.abs(point.beta).max())
    assert_close(np.sqrt(np.diag(ours.covariance)), expected["coef_cr2"]["se"], ITERATED)
    assert_close(ours.df, expected["coef_cr2"]["df"], ITERATED)


# A small case for explicit matrices and properties.

SIZES = (3, 1, 2, 4, 1, 2, 3, 2, 1)
LABELS = np.repeat(np.arange(len(SIZES)), SIZES)
K = LABELS.size
RNG = np.random.default_rng(31)
YI = RNG.normal(0.3, 0.35, K)
VI = RNG.uniform(0.01, 0.09, K)
X = np.column_stack(
    [np.ones(K), LABELS % 2, (LABELS % 3 == 0), RNG.normal(size=K), LABELS + RNG.normal(size=K)]
)
THETA = np.array([0.04, 0.02])
PAIR, TRIPLE = np.eye(5)[1:3], np.array([[0, 1, -1, 0, 0], [0, 0, 0, 1, 0], [1, 0, 0, 0, 2.0]])

kinds = pytest.mark.parametrize("kind", ["cr0", "cr1", "cr2"])
correlations = pytest.mark.parametrize("rho", [0.0, 0.6])
several = pytest.mark.parametrize("C", [np.eye(5)[3:4], PAIR, TRIPLE], ids=["one", "two", "three"])


def small_case(
    rho: float = 0.6, design: np.ndarray = X, yi: np.ndarray = YI
) -> tuple[MultilevelData, MultilevelPoint]:
    data = nested_data(yi, VI, design, StudyBlocks.from_sorted(LABELS), rho)
    return data, evaluate(data, THETA, restricted=True)


def root(matrix: np.ndarray, power: float) -> np.ndarray:
    """Power of a symmetric matrix on the space where it is not zero."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values > 1e-10 * values.max()
    return (vectors[:, kept] * values[kept] ** power) @ vectors[:, kept].T


def explicit(
    C: np.ndarray, rho: float, kind: str, X: np.ndarray = X, theta: np.ndarray = THETA
) -> tuple[float, float]:
    """Q and eta from the definition: variances of the entries of the whitened covariance.

    With d_st = sum_j (g_sj'e)(g_tj'e) and normal e, Var d_st is a sum over pairs of studies of
    products of the covariances g_si' Phi g_tj.
    """
    same = LABELS[:, None] == LABELS
    Phi = np.where(same, rho * np.outer(np.sqrt(VI), np.sqrt(VI)) + theta[0], 0.0)
    np.fill_diagonal(Phi, VI + theta.sum())
    W = np.linalg.inv(Phi)
    M = np.linalg.inv(X.T @ W @ X)
    IH = np.eye(K) - X @ M @ X.T @ W
    m, q = len(SIZES), C.shape[0]
    g = np.empty((m, K, q))
    for j in range(m):
        rows = j == LABELS
        A = np.eye(rows.sum())
        if kind == "cr2":
            D = np.linalg.cholesky(Phi[np.ix_(rows, rows)]).T
            A = D.T @ root(D @ IH[rows] @ Phi @ IH[rows].T @ D.T, -0.5) @ D
        factor = math.sqrt(m / (m - 1)) if kind == "cr1" else 1.0
        g[j] = factor * IH[rows].T @ A.T @ W[np.ix_(rows, rows)] @ X[rows] @ M @ C.T
    found = np.einsum("jks,k->js", g, YI)
    V = found.T @ found
    b = C @ (M @ X.T @ W @ YI)
    Omega = sum(g[j].T @ Phi @ g[j] for j in range(m))
    g = g @ root(Omega, -0.5)
    total = 0.0
    for s in range(q):
        for t in range(q):
            for i in range(m):
                for j in range(m):
                    ss, tt = g[i][:, s] @ Phi @ g[j][:, s], g[i][:, t] @ Phi @ g[j][:, t]
                    st_, ts = g[i][:, s] @ Phi @ g[j][:, t], g[i][:, t] @ Phi @ g[j][:, s]
                    total += ss * tt + st_ * ts
    return float(b @ np.linalg.solve(V, b)), q * (q + 1) / total


@kinds
@correlations
@several
def test_htz_against_explicit_sums_over_pairs(kind, rho, C):
    Q, eta = explicit(C, rho, kind)
    q, found = C.shape[0], htz_test(*small_case(rho), C, kind)
    assert_close(found.Q, Q, 1e-9)
    assert_close(found.df2, eta - q + 1, 1e-9)
    assert_close(found.statistic, (eta - q + 1) / (eta * q) * Q, 1e-9)


@kinds
def test_a_category_within_one_study(kind):
    # Its large terms nearly cancel under CR0: summed together they would cost eight digits.
    within = np.zeros(K)
    within[np.flatnonzero(LABELS == 3)[:2]] = 1
    design, theta = np.column_stack([np.ones(K), within, LABELS % 2]), np.array([4.0, 0.02])
    data = nested_data(YI, VI, design, StudyBlocks.from_sorted(LABELS), 0.0)
    found = htz_test(data, evaluate(data, theta, restricted=True), np.eye(3)[1:], kind)
    _, eta = explicit(np.eye(3)[1:], 0.0, kind, design, theta)
    assert_close(found.df2, eta - 1, 1e-10)


def test_two_groups_by_hand():
    # Two groups of four studies, one effect each, equal variances: the variance of each mean has
    # 3 degrees of freedom and their covariance is 0, so that Var d_11 = Var d_22 = 2 / 3 and
    # eta = 2 * 3 / (2 / 3 + 2 / 3) = 4.5. Means .3 and .5; the CR2 variances are s² / 4 with
    # s² = .02 / 3 and .08 / 3, so that Q = .3² * 600 + .5² * 150 = 91.5.
    yi = np.array([0.2, 0.4, 0.3, 0.3, 0.3, 0.7, 0.5, 0.5])
    design = np.kron(np.eye(2), np.ones((4, 1)))
    data = nested_data(yi, np.full(8, 0.02), design, StudyBlocks.from_sorted(np.arange(8)), 0.0)
    found = htz_test(data, evaluate(data, np.zeros(2), restricted=True), np.eye(2))
    assert_close(found.Q, 91.5, CLOSED)
    assert_close(found.df2, 3.5, CLOSED)
    assert_close(found.statistic, 3.5 / 9 * 91.5, CLOSED)


@kinds
@correlations
@pytest.mark.parametrize("column", range(5))
def test_one_constraint_is_the_squared_t_test(kind, rho, column):
    data, point = small_case(rho)
    robust = robust_covariance(data, point, kind)
    t = point.beta[column] / math.sqrt(robust.covariance[column, column])
    found = htz_test(data, point, np.eye(5)[column], kind)
    assert_close(found.statistic, t**2, 1e-10)
    assert_close(found.df2, robust.df[column], 1e-10)
    assert_close(found.p_value, two_sided_p(float(t), float(robust.df[column])), 1e-9)


def same(one: Any, other: Any, rtol: float = 1e-8) -> None:
    assert_close(
        [one.statistic, one.df2, one.p_value, one.Q],
        [other.statistic, other.df2, other.p_value, other.Q],
        rtol,
    )


@modest
@given(st.integers(0, 10_000), st.sampled_from(["cr0", "cr1", "cr2"]))
def test_contrast_coding_of_the_design_does_not_matter(seed, kind):
    T = np.random.default_rng(seed).normal(size=(5, 5)) + 3 * np.eye(5)
    expected = htz_test(*small_case(), TRIPLE, kind)
    same(htz_test(*small_case(design=X @ T), TRIPLE @ T, kind), expected, 1e-6)


@modest
@given(st.integers(0, 10_000))
def test_constraints_may_be_combined(seed):
    T = np.random.default_rng(seed).normal(size=(3, 3)) + 3 * np.eye(3)
    same(htz_test(*small_case(), T @ TRIPLE), htz_test(*small_case(), TRIPLE))


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_scale_of_a_moderator_does_not_matter(factor):
    units = np.array([1, 1, factor, 1, 1 / factor])
    same(
        htz_test(*small_case(design=X * units), np.eye(5)[1:]),
        htz_test(*small_case(), np.eye(5)[1:]),
    )


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_scale_of_the_effects_does_not_matter(factor):
    data = nested_data(YI * factor, VI * factor**2, X, StudyBlocks.from_sorted(LABELS), 0.6)
    point = evaluate(data, THETA * factor**2, restricted=True)
    same(htz_test(data, point, TRIPLE), htz_test(*small_case(), TRIPLE))


@modest
@given(st.integers(0, 10_000))
def test_order_of_studies_does_not_matter(seed):
    order = np.random.default_rng(seed).permutation(len(SIZES))
    turned = np.concatenate([np.flatnonzero(j == LABELS) for j in order])
    _, first = np.unique(LABELS[turned], return_index=True)
    labels = np.argsort(np.argsort(first))[LABELS[turned]]
    blocks = StudyBlocks.from_sorted(labels)
    data = nested_data(YI[turned], VI[turned], X[turned], blocks, 0.6)
    same(
        htz_test(data, evaluate(data, THETA, restricted=True), TRIPLE),
        htz_test(*small_case(), TRIPLE),
    )


def test_rejects_less_readily_than_the_plain_tests():
    # The approximate Hotelling test has fewer degrees of freedom than m - 1.
    case = small_case()
    careful, plain = htz_test(*case, TRIPLE), wald_f(*case, TRIPLE, "cr2")
    large = wald_chi2(*case, TRIPLE, "cr2")
    assert careful.p_value > plain.p_value > large.p_value


def test_chi_squared_and_f_share_their_statistic():
    case = small_case()
    large, plain = wald_chi2(*case, TRIPLE, "cr1"), wald_f(*case, TRIPLE, "cr1")
    assert large.Q == large.statistic == plain.Q
    assert_close(plain.statistic * 3, large.statistic, CLOSED)
    assert math.isinf(large.df2)
    assert plain.df2 == len(SIZES) - 1


def test_model_based_f_has_residual_degrees_of_freedom():
    assert wald_f(*small_case(), TRIPLE, "model").df2 == K - 5


# What cannot be tested has a reason, not a number.


def few_studies(m: int, groups: int) -> tuple[MultilevelData, MultilevelPoint]:
    labels = np.repeat(np.arange(m), 2)
    rng = np.random.default_rng(m)
    design = (labels[:, None] % groups == np.arange(groups)).astype(float)
    yi = rng.normal(0.3, 0.2, labels.size)
    data = nested_data(yi, np.full(yi.size, 0.02), design, StudyBlocks.from_sorted(labels), 0.6)
    return data, evaluate(data, THETA, restricted=True)


@pytest.mark.parametrize("kind", ["cr0", "cr1", "cr2"])
def test_as_many_constraints_as_studies_have_no_answer(kind):
    for test in (htz_test, wald_f, wald_chi2):
        found = test(*few_studies(4, 4), np.eye(4), kind)
        assert math.isnan(found.statistic)
        assert math.isnan(found.p_value)
        assert found.reason == SINGULAR


def test_more_constraints_than_degrees_of_freedom_have_no_answer():
    found = htz_test(*few_studies(8, 4), np.eye(4))
    # eta = (4 + 1) (2 - 1) / 2 = 2.5 by the argument of the two groups above
    assert_close(found.df2, 2.5 - 4 + 1, 1e-9)
    assert math.isnan(found.statistic)
    assert math.isnan(found.p_value)
    assert found.Q > 0
    assert found.reason == NO_DF


def test_less_than_one_degree_of_freedom_is_answered():
    where = ("assink2016", "deltype", "three_level", "CR2", "all")
    found = htz_test(*fitted(*where[:3]), theirs(where)["C"])
    assert 0 < found.df2 < 1
    assert found.reason == ""
    assert_close(found.p_value, theirs(where)["htz"]["p_value"], ITERATED)


@pytest.mark.parametrize("test", [htz_test, wald_f])
def test_identical_effects_have_no_answer(test):
    found = test(*small_case(yi=np.full(K, 0.25)), PAIR, "cr2")
    assert math.isnan(found.p_value)
    assert found.reason == SINGULAR


@pytest.mark.parametrize(
    "C",
    [
        np.ones((2, 4)),
        np.ones((2, 5)),
        np.zeros((1, 5)),
        np.zeros((0, 5)),
        np.full((1, 5), np.nan),
        np.ones((1, 1, 5)),
        np.vstack([np.eye(5), np.ones(5)]),
    ],
    ids=["columns", "twice", "zero", "none", "missing", "cube", "too many"],
)
@pytest.mark.parametrize("test", [htz_test, wald_chi2, wald_f])
def test_wrong_constraints_are_refused(test, C):
    with pytest.raises(OptionError, match="constraints"):
        test(*small_case(), C)


@pytest.mark.parametrize("test", [htz_test, wald_chi2, wald_f])
def test_unknown_covariance_is_refused(test):
    with pytest.raises(OptionError, match="cr0, cr1, cr1s, cr2"):
        test(*small_case(), PAIR, "cr3")
