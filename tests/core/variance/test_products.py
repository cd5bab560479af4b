"""Traces, diagonals and solutions of every structure against its dense definition."""

from __future__ import annotations

import numpy as np
import pytest

from metaalliance.core.variance.blocks import Slope, StudyBlocks
from metaalliance.core.variance.levels import Crossed, Term
from metaalliance.core.variance.many.level_variants import LevelVariants
from metaalliance.core.variance.many.nested_variants import NestedVariants
from metaalliance.core.variance.people import People
from metaalliance.core.variance.products import trace_products
from metaalliance.core.variance.structure import Levels, Nested

STUDY = np.repeat(np.arange(6), [4, 3, 1, 5, 2, 6])
K = STUDY.size
#: Two samples in most studies.
SAMPLE = np.unique(
    np.concatenate([10 * s + (np.arange(n) >= n // 2) for s, n in enumerate(np.bincount(STUDY))]),
    return_inverse=True,
)[1]
BLOCKS, SAMPLES = (StudyBlocks.from_sorted(x.astype(np.intp)) for x in (STUDY, SAMPLE))
TEAMS = StudyBlocks.from_sorted((STUDY // 2).astype(np.intp))
RNG = np.random.default_rng(3)
VI = RNG.uniform(0.01, 0.05, K)
#: People of each effect, rising within samples.
N = RNG.integers(20, 60, K)[np.lexsort((RNG.random(K), SAMPLE))]
N = np.concatenate([np.sort(N[g == SAMPLE]) for g in np.unique(SAMPLE)]).astype(float)
TOOL = Crossed(RNG.integers(0, 3, K).astype(np.intp))
PEOPLE = {"full": People.same(SAMPLES), "nested": People.nested(SAMPLES, N)}


def indicators(groups):
    return (groups[:, None] == np.arange(groups.max() + 1)).astype(float)


def errors(overlap, rho):
    """The covariance of sampling errors, from its definition."""
    R = rho * (SAMPLE[:, None] == SAMPLE)
    if overlap == "nested":
        R = R * np.sqrt(np.minimum(N[:, None], N) / np.maximum(N[:, None], N))
    np.fill_diagonal(R, 1.0)
    return R * np.sqrt(np.outer(VI, VI))


def traces(inverse, Zs, slopes):
    A = [Zs[s.level] * s.weight @ Zs[s.level].T for s in slopes]
    return np.array([[np.trace(inverse @ a @ inverse @ b) for b in A] for a in A])


def weights(*sizes):
    """Slopes with weights by group, some of them negative."""
    found = [Slope(a, RNG.uniform(0.5, 2, m)) for a, m in enumerate(sizes)]
    return [*found, *(Slope(a, RNG.normal(size=m)) for a, m in enumerate(sizes))]


@pytest.mark.parametrize("overlap", PEOPLE)
@pytest.mark.parametrize("rho", [0.0, 0.6, 0.95])
def test_two_components_that_differ_between_groups(overlap, rho):
    study, effect = RNG.uniform(0.01, 0.1, 6), RNG.uniform(0.01, 0.1, K)
    S = Nested(VI, BLOCKS, PEOPLE[overlap], rho).at((study, effect))
    Zs = (indicators(STUDY), np.eye(K))
    dense = errors(overlap, rho) + Zs[0] * study @ Zs[0].T + np.diag(effect)
    inverse, slopes = np.linalg.inv(dense), weights(6, K)
    np.testing.assert_allclose(S.products(slopes), traces(inverse, Zs, slopes), rtol=1e-11)
    for level, Z in enumerate(Zs):
        np.testing.assert_allclose(S.diagonal(level), np.diag(Z.T @ inverse @ Z), rtol=1e-12)
    z = np.arange(K) - 4.0
    np.testing.assert_allclose(S.solve(z), inverse @ z, rtol=1e-10)
    np.testing.assert_allclose(S.multiply(z), dense @ z, rtol=1e-12)
    assert S.log_determinant == pytest.approx(np.linalg.slogdet(dense)[1], rel=1e-12)


def structure(overlap, factor):
    rho = np.full(SAMPLES.m, 0.6)
    nested = overlap == "nested"
    sampling = () if nested else (Term(SAMPLES, np.sqrt(VI), rho),)
    people = (PEOPLE["nested"], rho) if nested else None
    random = (("study", BLOCKS), ("team", TEAMS))
    return Levels(VI, 0.4 * VI, sampling, random, ("tool", TOOL) if factor else None, None, people)


@pytest.mark.parametrize("overlap", PEOPLE)
@pytest.mark.parametrize("factor", [False, True], ids=["nested levels", "crossed factor"])
def test_further_levels(overlap, factor):
    theta = np.array([0.02, 0.03, 0.01, 0.015][: 3 + factor])
    S = structure(overlap, factor).at(theta)
    groups = (STUDY, STUDY // 2, TOOL.codes)[: 2 + factor]
    Zs = (np.eye(K), *map(indicators, groups))
    dense = errors(overlap, 0.6) + sum(t * Z @ Z.T for t, Z in zip(theta, Zs, strict=True))
    inverse, slopes = np.linalg.inv(dense), weights(*(Z.shape[1] for Z in Zs))
    np.testing.assert_allclose(
        trace_products(S, slopes), traces(inverse, Zs, slopes), rtol=1e-9, atol=1e-9
    )
    for level, Z in enumerate(Zs):
        np.testing.assert_allclose(S.diagonal(level), np.diag(Z.T @ inverse @ Z), rtol=1e-11)


@pytest.mark.parametrize("overlap", PEOPLE)
@pytest.mark.parametrize("levels", [False, True], ids=["two components", "further levels"])
def test_many_components_at_once_are_single_ones(overlap, levels):
    one = structure(overlap, factor=False) if levels else Nested(VI, BLOCKS, PEOPLE[overlap], 0.6)
    theta = np.array([[0.02, 0.03, 0.01], [0.05, 0.0, 0.02]])[:, : 2 + levels]
    build = LevelVariants.build if levels else NestedVariants.build
    many, z = build(one, np.ones((K, 2)), theta), np.arange(K) - 4.0
    for i, own in enumerate(theta):
        S = one.at(own)
        assert many.log_determinant[i] == pytest.approx(S.log_determinant, rel=1e-12)
        np.testing.assert_allclose(many.solve(z[:, None])[:, i], S.solve(z), rtol=1e-11)
        found = [S.diagonal(level).sum() for level in range(own.size)]
        np.testing.assert_allclose(many.traces()[0][i], found, rtol=1e-12)
