"""Correlated- and hierarchical-effects models: against robumeta, explicit moments, properties."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from golden_data import CLOSED, ITERATED, assert_close, assert_same_tail, golden
from hypothesis import given, settings
from hypothesis import strategies as st

from metaalliance.core.inference.rve import (
    RveFit,
    correlated_moments,
    hierarchical_moments,
    rve_fit,
)
from metaalliance.core.inference.wald import htz_test
from metaalliance.core.inference.wild_bootstrap import wild_bootstrap_test
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.errors import EstimationError, OptionError

modest = settings(derandomize=True, max_examples=30)

SETS = ("crede2010", "konstantopoulos2011", "assink2016", "tannersmith2016")
CASES = [
    (name, design, model)
    for name in SETS
    for design, models in golden("robust")[name]["robu"].items()
    for model in models
]
every_case = pytest.mark.parametrize("where", CASES, ids="-".join)
both_corrections = pytest.mark.parametrize("correction", ["small", "large"])
models = pytest.mark.parametrize("model", ["corr", "hier"])


def theirs(where: tuple[str, str, str]) -> dict[str, Any]:
    return golden("robust")[where[0]]["robu"][where[1]][where[2]]


def ours(where: tuple[str, str, str], correction: str = "small") -> RveFit:
    name, design, model = where
    stored = golden("robust")[name]
    yi, vi = np.array(stored["data"]["yi"]), np.array(stored["data"]["vi"])
    _, study = np.unique(stored["data"]["study"], return_inverse=True)
    X = np.ones((yi.size, 1)) if design == "mean" else np.array(stored["designs"][design], float)
    return rve_fit(
        yi,
        vi,
        X,
        StudyBlocks.from_sorted(study),
        working_model=model[:4],
        rho=theirs(where).get("rho", 0.8),
        small=correction == "small",
    )


def test_grid_is_whole():
    # the mean and two designs, each with CORR at rho = .8 and .3 and HIER
    assert len(CASES) == 4 * 3 * 3


@every_case
def test_components_against_robumeta(where):
    found, expected = ours(where), theirs(where)
    assert_close(found.tau2, expected["tau2"], ITERATED)
    assert_close(found.omega2, expected.get("omega2", 0.0), ITERATED)
    assert_close(found.weights, expected["weights"], ITERATED)
    if "I2" in expected:
        assert_close(100 * found.I2, expected["I2"], ITERATED)


@every_case
@both_corrections
def test_coefficients_against_robumeta(where, correction):
    found, expected = ours(where, correction), theirs(where)
    scale = np.asarray(expected[correction]["se"])
    assert (np.abs(found.beta - expected["beta"]) <= 1e-10 * scale).all()
    assert_close(found.se, scale, ITERATED)
    assert_close(found.df, expected[correction]["df"], ITERATED)
    assert_close(found.statistic, expected[correction]["statistic"], ITERATED, scale=1.0)
    for p, q in zip(found.p_value, expected[correction]["p_value"], strict=True):
        assert_same_tail(p, q, 1e-9)


@every_case
def test_joint_tests_against_clubsandwich(where):
    found = ours(where)
    for test in theirs(where).get("tests", {}).get("CR2", {}).values():
        htz = htz_test(found.data, found.point, test["C"])
        assert_close(htz.statistic, test["htz"]["statistic"], 1e-9)
        assert_close(htz.df2, test["htz"]["df2"], 1e-9)
        assert_same_tail(htz.p_value, test["htz"]["p_value"], 1e-9)


EDGES = {"both_zero": (True, True), "omega_zero": (False, True), "tau_zero": (True, False)}


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("model", ["corr_rho0.8", "hier"])
def test_negative_components_against_robumeta(edge, model):
    stored = golden("robust")["robu_edges"][edge]
    data, expected = stored["data"], stored[model]
    blocks = StudyBlocks.from_sorted(np.array(data["study"], int) - 1)
    yi, vi, X = (np.array(a, float) for a in (data["yi"], data["vi"], stored["design"]))
    found = rve_fit(yi, vi, X, blocks, working_model=model[:4])
    if model == "hier":
        assert (found.tau2 == 0, found.omega2 == 0) == EDGES[edge]
    assert_close(found.tau2, expected["tau2"], ITERATED)
    assert_close(found.omega2, expected.get("omega2", 0.0), ITERATED)
    assert_close(found.se, expected["small"]["se"], ITERATED)
    assert_close(found.df, expected["small"]["df"], ITERATED)


# A small case for explicit matrices and properties.

SIZES = (3, 1, 2, 4, 1, 2, 3)
LABELS = np.repeat(np.arange(len(SIZES)), SIZES)
K, M = LABELS.size, len(SIZES)
BLOCKS = StudyBlocks.from_sorted(LABELS)
RNG = np.random.default_rng(41)
YI = RNG.normal(0.3, 0.45, K) + RNG.normal(0, 0.3, M)[LABELS]
VI = RNG.uniform(0.01, 0.09, K)
X = np.column_stack([np.ones(K), LABELS, RNG.normal(size=K)])
SAME = (LABELS[:, None] == LABELS).astype(float)


def residual_maker(W: np.ndarray) -> np.ndarray:
    return np.eye(K) - X @ np.linalg.inv(X.T @ W @ X) @ X.T @ W


def moments(W: np.ndarray, form: np.ndarray, parts: list[np.ndarray]) -> tuple[float, list[float]]:
    """A quadratic form of the residuals and its expectation under each part of the covariance."""
    R = residual_maker(W)
    e = R @ YI
    return float(e @ form @ e), [float(np.trace(R.T @ form @ R @ part)) for part in parts]


def test_hierarchical_moments_solve_their_equations():
    W, parts = np.diag(1 / VI), [np.diag(VI), SAME, np.eye(K)]
    rows = [moments(W, form, parts) for form in (W, SAME)]
    left = np.array([expected[1:] for _, expected in rows])
    right = np.array([value - expected[0] for value, expected in rows])
    tau2, omega2 = np.linalg.solve(left, right)
    assert min(tau2, omega2) > 0
    found = hierarchical_moments(YI, VI, X, BLOCKS)
    assert_close([found.tau2, found.omega2], [tau2, omega2], 1e-10)
    assert_close(found.I2, 1 - rows[0][1][0] / rows[0][0], 1e-10)


@pytest.mark.parametrize("rho", [0.0, 0.5, 1.0])
def test_correlated_moment_solves_its_equation(rho):
    # Equal variances v_j within study j, sampling correlation rho, one random effect per study.
    mean = (BLOCKS.sums(VI) / BLOCKS.sizes)[LABELS]
    sampling = SAME * mean[:, None] * rho
    np.fill_diagonal(sampling, mean)
    W = np.diag(1 / (mean * BLOCKS.sizes[LABELS]))
    value, (constant, slope) = moments(W, W, [sampling, SAME])
    found = correlated_moments(YI, VI, X, BLOCKS, rho)
    assert value > constant
    assert_close(found.tau2, (value - constant) / slope, 1e-10)
    assert_close(found.I2, 1 - constant / value, 1e-10)


def explicit(weights: np.ndarray, *, small: bool) -> tuple[np.ndarray, np.ndarray]:
    """Standard errors and degrees of freedom with the inverse weights as target."""
    W, Phi = np.diag(weights), np.diag(1 / weights)
    bread, R = np.linalg.inv(X.T @ W @ X), residual_maker(W)
    V, G = np.zeros((3, 3)), []
    for j in range(M):
        rows = np.flatnonzero(j == LABELS)
        A = np.eye(rows.size)
        if small:
            root = np.diag(np.sqrt(1 / weights[rows]))
            values, vectors = np.linalg.eigh(root @ (R @ Phi @ R.T)[np.ix_(rows, rows)] @ root)
            kept = values > 1e-10 * values.max()
            power = (vectors[:, kept] * values[kept] ** -0.5) @ vectors[:, kept].T
            A = root @ power @ root
        G.append(R[rows].T @ A @ W[np.ix_(rows, rows)] @ X[rows] @ bread)
        V += np.outer(G[-1].T @ YI, G[-1].T @ YI)
    if not small:
        return np.sqrt(np.diag(V) * M / (M - 3)), np.full(3, M - 3.0)
    df = []
    for c in range(3):
        g = np.array([G_j[:, c] for G_j in G])
        P = g @ Phi @ g.T
        df.append(np.trace(P) ** 2 / np.sum(P * P))
    return np.sqrt(np.diag(V)), np.array(df)


@models
@pytest.mark.parametrize("small", [True, False])
def test_standard_errors_against_explicit_matrices(model, small):
    found = rve_fit(YI, VI, X, BLOCKS, working_model=model, small=small)
    W = np.diag(found.weights)
    assert_close(found.beta, np.linalg.solve(X.T @ W @ X, X.T @ W @ YI), 1e-10, scale=1.0)
    se, df = explicit(found.weights, small=small)
    assert_close(found.se, se, 1e-10)
    assert_close(found.df, df, 1e-10)
    assert_close(found.covariance.diagonal(), se**2, 1e-10)


def test_weights_of_the_working_models():
    corr = rve_fit(YI, VI, X, BLOCKS, working_model="corr")
    hier = rve_fit(YI, VI, X, BLOCKS, working_model="hier")
    mean = BLOCKS.sums(VI) / BLOCKS.sizes
    assert_close(corr.weights, (1 / (BLOCKS.sizes * (mean + corr.tau2)))[LABELS], CLOSED)
    assert_close(hier.weights, 1 / (VI + hier.tau2 + hier.omega2), CLOSED)
    assert corr.omega2 == 0


def test_one_effect_per_study_is_dersimonian_laird():
    vi, yi = VI[:8], YI[:8]
    w = 1 / vi
    Q = float(w @ (yi - w @ yi / w.sum()) ** 2)
    tau2 = (Q - 7) / (w.sum() - w @ w / w.sum())
    found = rve_fit(yi, vi, np.ones((8, 1)), StudyBlocks.from_sorted(np.arange(8)))
    assert_close(found.tau2, tau2, 1e-11)
    assert_close(found.I2, (Q - 7) / Q, 1e-11)


def test_equal_studies_by_hand():
    # Three studies of two effects, equal variances: the mean of study means .1, .3, .8 is .4 and
    # its variance s² / 3 with s² = (.09 + .01 + .16) / 2 = .13 under the small-sample correction.
    yi = np.array([0.0, 0.2, 0.3, 0.3, 0.6, 1.0])
    blocks = StudyBlocks.from_sorted(np.repeat(np.arange(3), 2))
    for model in ("corr", "hier"):
        found = rve_fit(yi, np.full(6, 0.02), np.ones((6, 1)), blocks, working_model=model)
        assert_close(found.beta, [0.4], CLOSED)
        assert_close(found.se**2, [0.13 / 3], CLOSED)
        assert_close(found.df, [2.0], CLOSED)


@modest
@given(st.integers(0, 10_000), st.sampled_from(["corr", "hier"]))
def test_order_of_studies_does_not_matter(seed, model):
    order = np.random.default_rng(seed).permutation(M)
    turned = np.concatenate([np.flatnonzero(j == LABELS) for j in order])
    blocks = StudyBlocks.from_sorted(np.repeat(np.arange(M), np.array(SIZES)[order]))
    found = rve_fit(YI[turned], VI[turned], X[turned], blocks, working_model=model)
    expected = rve_fit(YI, VI, X, BLOCKS, working_model=model)
    assert_close(found.se, expected.se, 1e-9)
    assert_close(found.tau2, expected.tau2, 1e-9)


@models
@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_scales_with_the_effects(model, factor):
    found = rve_fit(YI * factor, VI * factor**2, X, BLOCKS, working_model=model)
    expected = rve_fit(YI, VI, X, BLOCKS, working_model=model)
    assert_close(found.se / factor, expected.se, 1e-9)
    assert_close(found.df, expected.df, 1e-9)
    assert_close(found.tau2 / factor**2, expected.tau2, 1e-9)
    assert_close(found.omega2 / factor**2, expected.omega2, 1e-9)


@models
def test_contrast_coding_of_the_design_does_not_matter(model):
    T = np.array([[1.0, 0, 0], [0.5, 2, 1], [0, 0, 100]])
    found = rve_fit(YI, VI, X @ T, BLOCKS, working_model=model)
    expected = rve_fit(YI, VI, X, BLOCKS, working_model=model)
    assert_close(found.tau2, expected.tau2, 1e-9)
    assert_close(T @ found.beta, expected.beta, 1e-9, scale=1.0)
    assert_close(T @ found.covariance @ T.T, expected.covariance, 1e-8, scale=0.01)


@models
def test_joint_tests_take_the_fit(model):
    found = rve_fit(YI, VI, X, BLOCKS, working_model=model)
    one = htz_test(found.data, found.point, [0, 1, 0])
    assert_close(one.statistic, found.statistic[1] ** 2, 1e-10)
    assert_close(one.p_value, found.p_value[1], 1e-9)
    test = wild_bootstrap_test(found.data, found.point, np.eye(3)[1:], estimator=None)
    assert 0 <= test.p_value <= 1


@models
@pytest.mark.parametrize("value", [0.0, 0.25])
def test_identical_effects_have_no_test(model, value):
    found = rve_fit(np.full(K, value), VI, X, BLOCKS, working_model=model)
    assert found.tau2 == 0
    assert found.I2 == 0
    assert np.isnan(found.p_value).all()


@pytest.mark.parametrize(
    "option", [{"working_model": "che"}, {"rho": 1.2}, {"rho": np.nan}], ids=str
)
def test_unknown_options_are_refused(option):
    with pytest.raises(OptionError, match=next(iter(option))):
        rve_fit(YI, VI, X, BLOCKS, **option)


def test_collinear_moderators_are_refused():
    with pytest.raises(EstimationError, match="linearly dependent"):
        rve_fit(YI, VI, np.column_stack([X, X[:, 1] * 2]), BLOCKS)


def test_one_study_is_refused():
    with pytest.raises(EstimationError, match="at least two studies"):
        rve_fit(YI[:3], VI[:3], X[:3, :1], StudyBlocks.from_sorted(np.zeros(3, int)))


def test_as_many_coefficients_as_studies_are_refused_without_correction():
    design = np.random.default_rng(1).normal(size=(K, M))
    with pytest.raises(EstimationError, match="do not suffice"):
        rve_fit(YI, VI, design, BLOCKS, small=False)


def test_hierarchical_effects_need_a_study_with_several():
    with pytest.raises(EstimationError, match="not identified"):
        rve_fit(
            YI[:7], VI[:7], X[:7, :1], StudyBlocks.from_sorted(np.arange(7)), working_model="hier"
        )


def test_a_moderator_for_each_study_leaves_no_variance_between():
    design = (LABELS[:, None] == np.arange(M)).astype(float)
    with pytest.raises(EstimationError, match="not identified"):
        rve_fit(YI, VI, design, BLOCKS, working_model="corr")
