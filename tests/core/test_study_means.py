"""The means of studies say what their rows say, at any variances."""

from __future__ import annotations

from dataclasses import replace

import mpmath
import numpy as np
import pytest
from golden_data import assert_close
from hypothesis import given, settings
from hypothesis import strategies as st

from metaalliance.core.inference.mean_robust import mean_covariance, robust_means
from metaalliance.core.inference.robust import robust_covariance
from metaalliance.core.variance.ascent import highest_maximum
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.many.subset_likelihood import maximize_subsets, subsets_of_means
from metaalliance.core.variance.means.mean_variants import MeanVariants
from metaalliance.core.variance.means.study_means import StudyMeans
from metaalliance.core.variance.multilevel import (
    MultilevelData,
    constant,
    evaluate,
    score_and_information,
)
from metaalliance.core.variance.people import People
from metaalliance.core.variance.structure import Nested

M = 14
RNG = np.random.default_rng(11)
SIZES = RNG.integers(1, 6, M)
SIZES[:2] = 4, 3
STUDY = np.repeat(np.arange(M), SIZES)
K = STUDY.size
BLOCKS = StudyBlocks.from_sorted(STUDY)
EQUAL = np.repeat(RNG.uniform(0.004, 0.05, M), SIZES)
UNEQUAL = 10 ** RNG.uniform(-3.5, -1, K)
VARIANCES = {
    "equal": EQUAL,
    "unequal": UNEQUAL,
    "both": np.where(STUDY % 2, EQUAL, UNEQUAL),
}
HALVES = StudyBlocks.from_sorted(STUDY * 2 + (np.arange(K) - BLOCKS.spread(BLOCKS.starts) > 1))
N = np.concatenate([np.sort(RNG.integers(20, 90, n)) for n in SIZES]).astype(float)
PEOPLE = {
    "same": People.same(BLOCKS),
    "samples": People.same(HALVES),
    "nested": People.nested(BLOCKS, N),
}
BETWEEN = np.column_stack([np.ones(K), BLOCKS.spread(RNG.normal(size=M))])
of_every_kind = [
    pytest.mark.parametrize("people", PEOPLE),
    pytest.mark.parametrize("variances", VARIANCES),
    pytest.mark.parametrize("rho", [0.0, 0.6, 0.95]),
]


def data(variances: str, people: str, rho: float, X: np.ndarray | None = None) -> MultilevelData:
    vi = VARIANCES[variances]
    rng = np.random.default_rng(3)
    yi = 0.3 + BLOCKS.spread(rng.normal(0, 0.2, M)) + rng.normal(size=K) * np.sqrt(0.01 + vi)
    structure = Nested(vi, BLOCKS, PEOPLE[people], rho)
    return MultilevelData(yi, np.ones((K, 1)) if X is None else X, structure, np.arange(K))


def every_kind(test):
    for mark in of_every_kind:
        test = mark(test)
    return test


@every_kind
@pytest.mark.parametrize("design", ["mean", "between studies"])
@pytest.mark.parametrize("restricted", [True, False])
def test_the_likelihood_and_its_derivatives_are_those_of_rows(
    variances, people, rho, design, restricted
):
    rows = data(variances, people, rho, None if design == "mean" else BETWEEN)
    assert rows.means is not None
    assert rows.means.mean == (design == "mean")
    for theta in ([0.03, 0.01], [0.02, 0.0], [0.0, 0.004]):
        point = evaluate(rows, np.array(theta), restricted=restricted)
        score, observed, expected = score_and_information(rows, point, restricted=restricted)
        (found,) = [rows.means.at(np.array([theta]), restricted=restricted)]
        mine = found.score(restricted=restricted)
        size = np.abs(expected).max()
        value = found.value[0] + constant(K, rows.X.shape[1], restricted=restricted)
        assert_close(value, point.log_likelihood, 1e-11, 1.0)
        assert_close(found.beta[0], point.beta, 1e-11, 1.0)
        assert_close(found.bread[0], point.bread, 1e-11)
        assert_close(mine[0][0] / size, score / size, 1e-12, 1.0)
        assert_close(mine[1][0] / size, observed / size, 1e-11, 1.0)
        assert_close(mine[2][0] / size, expected / size, 1e-11, 1.0)


@every_kind
def test_the_robust_variance_of_a_mean_is_that_of_rows(variances, people, rho):
    rows = data(variances, people, rho)
    assert rows.means is not None
    for theta in ([0.03, 0.01], [0.02, 0.0], [0.0, 0.004]):
        point = evaluate(rows, np.array(theta), restricted=True)
        for kind in ("cr0", "cr1", "cr1s", "cr2"):
            whole = robust_covariance(rows, point, kind)
            found = mean_covariance(rows, point, kind)
            assert_close(found.covariance, whole.covariance, 1e-10)
            assert_close(found.df, whole.df, 1e-10)
        alone = robust_means(rows.means.at(np.array([theta]), restricted=True), "cr2")
        assert np.isfinite(alone.variance[0])  # not left to the rows


def test_a_study_that_has_nearly_all_of_the_weight_is_left_to_its_rows():
    vi = UNEQUAL.copy()
    vi[:4] *= 1e-7
    rows = replace(data("unequal", "same", 0.6), structure=Nested(vi, BLOCKS, PEOPLE["same"], 0.6))
    assert rows.means is not None
    theta = np.array([0.0, 0.0])
    alone = robust_means(rows.means.at(theta[None], restricted=True), "cr2")
    assert np.isnan(alone.variance[0])
    point = evaluate(rows, theta, restricted=True)
    assert_close(mean_covariance(rows, point, "cr2").covariance,
                 robust_covariance(rows, point, "cr2").covariance, 1e-12)  # fmt: skip


@every_kind
def test_subsets_of_whole_studies_climb_as_means(variances, people, rho):
    rows = data(variances, people, rho)
    present = np.arange(2, M)[:, None] != STUDY
    variants = subsets_of_means(rows, present)
    assert isinstance(variants, MeanVariants)
    assert subsets_of_means(rows, ~np.eye(K, dtype=bool)) is None
    theta = np.random.default_rng(2).uniform(0.005, 0.02, (M - 2, 2))
    points = variants.at(theta, restricted=True)
    robust = robust_means(points, "cr2")
    zero = variants.at(np.zeros_like(theta), restricted=False)
    optima = maximize_subsets(rows, present, [np.full(2, 0.02)], restricted=True)
    for r in (0, 5, M - 3):
        some = rows.subset(present[r])
        point = evaluate(some, theta[r], restricted=True)
        assert_close(points.beta[r], point.beta, 1e-11, 1.0)
        own = robust_covariance(some, point, "cr2")
        assert_close(robust.variance[r], own.covariance[0, 0], 1e-10)
        assert_close(robust.df[r], own.df[0], 1e-10)
        nothing = evaluate(some, np.zeros(2), restricted=False)
        P = nothing.covariance.diagonal(1).sum() - nothing.bread[0, 0] * float(
            nothing.WX[:, 0] @ nothing.WX[:, 0]
        )
        assert_close(zero.trace()[r], P, 1e-11)
        single = highest_maximum(some, restricted=True)
        reached = evaluate(some, optima.theta[r], restricted=True).log_likelihood
        assert reached >= single.log_likelihood - 1e-9


@settings(deadline=None, max_examples=60)
@given(
    low=st.floats(0, 0.2),
    width=st.floats(0, 0.5),
    count=st.integers(2, 120),
    people=st.sampled_from(sorted(PEOPLE)),
)
def test_values_between_are_those_of_their_own(low, width, count, people):
    rows = data("both", people, 0.6)
    means = StudyMeans.of(rows.structure, rows.yi)
    s = np.random.default_rng(count).uniform(low, low + width, count)
    nodes, between = means.nodes(s)
    if between is None:
        assert (nodes == s).all()
        return
    assert nodes.size <= max(1, count // 2)
    known, own = means.at(nodes), means.at(s)
    for some, other in zip(known, own, strict=True):
        for x, exact in zip(some, other, strict=True):
            found = np.broadcast_to(x, (nodes.size, x.shape[1]))
            size = np.abs(exact).max(axis=0) + 1e-300
            assert np.abs(between @ found - exact).max() <= 1e-11 * size.max()


@pytest.mark.parametrize("rho", [0.0, 0.6, 0.9])
def test_variances_that_are_1e5_apart_within_a_study_agree_with_many_digits(rho):
    """The likelihood, its score, CR2 and its degrees of freedom, against mpmath."""
    study = np.repeat(np.arange(4), [3, 4, 1, 2])
    vi = np.array([1e-6, 1e-1, 3e-4, 2e-1, 2e-6, 5e-3, 1e-2, 4e-3, 1e-7, 1e-2])
    yi = np.array([0.31, 0.9, 0.28, -0.4, 0.22, 0.5, 0.1, 0.35, 0.41, 0.2])
    blocks = StudyBlocks.from_sorted(study)
    rows = MultilevelData(
        yi, np.ones((10, 1)), Nested(vi, blocks, People.same(blocks), rho), np.arange(10)
    )
    theta = np.array([4e-3, 2e-6])
    assert rows.means is not None
    points = rows.means.at(theta[None], restricted=True)
    score, robust = points.score(restricted=True)[0][0], robust_means(points, "cr2")
    with mpmath.workdps(60):
        exact = _exact(study, vi, yi, rho, theta)
        ours = [points.beta[0, 0], points.bread[0, 0, 0], points.value[0], *score,
                robust.variance[0], robust.df[0]]  # fmt: skip
        for mine, other in zip(ours, exact, strict=True):
            assert abs(mpmath.mpf(float(mine)) / other - 1) < 1e-10


def _exact(study, vi, yi, rho, theta):
    """Mean, model variance, restricted likelihood, score, CR2 variance and df, in many digits."""
    mp = mpmath
    parts = []
    for j in range(int(study.max()) + 1):
        at = np.flatnonzero(study == j)
        v, n = [mp.mpf(float(x)) for x in vi[at]], at.size
        S = mp.matrix(n, n)
        for a in range(n):
            for b in range(n):
                S[a, b] = mp.mpf(theta[0]) + mp.mpf(rho) * mp.sqrt(v[a] * v[b])
            S[a, a] = v[a] + mp.mpf(theta[0]) + mp.mpf(theta[1])
        parts.append((S, mp.matrix([mp.mpf(float(x)) for x in yi[at]]), mp.ones(n, 1)))

    def model(s1, s2):
        total = weighted = squares = logs = mp.mpf(0)
        for S, y, x in parts:
            moved = S + s1 * x * x.T + s2 * mp.eye(S.rows)
            Wx, Wy = mp.lu_solve(moved, x), mp.lu_solve(moved, y)
            total += (x.T * Wx)[0]
            weighted += (x.T * Wy)[0]
            squares += (y.T * Wy)[0]
            logs += mp.log(mp.det(moved))
        value = -(logs + squares - weighted**2 / total + mp.log(total)) / 2
        return value + mp.log(len(yi)) / 2, weighted / total, 1 / total

    value, mean, G = model(mp.mpf(0), mp.mpf(0))
    slopes = [
        mp.diff(lambda s: model(s, mp.mpf(0))[0], mp.mpf(0), h=mp.mpf(10) ** -20),
        mp.diff(lambda s: model(mp.mpf(0), s)[0], mp.mpf(0), h=mp.mpf(10) ** -20),
    ]
    variance, own, crossed = mp.mpf(0), [], []
    for S, y, x in parts:
        B = S - G * x * x.T
        root = _power(S, mp.mpf(1) / 2)
        A = root * _power(root * B * root, -mp.mpf(1) / 2) * root
        h = A * mp.lu_solve(S, x) * G
        variance += (h.T * (y - mean * x))[0] ** 2
        own.append((h.T * B * h)[0])
        crossed.append((h.T * x)[0])
    spread = sum(a * a for a in own)
    for i, a in enumerate(crossed):
        spread += sum(2 * G**2 * a**2 * b**2 for b in crossed[:i])
    return mean, G, value, *slopes, variance, sum(own) ** 2 / spread


def _power(A, exponent):
    """A power of a symmetric matrix."""
    values, vectors = mpmath.eigsy(A)
    return vectors * mpmath.diag([value**exponent for value in values]) * vectors.T
