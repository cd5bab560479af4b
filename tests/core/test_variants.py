"""Variants of one data set climb together: each ends where it would end alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from golden_data import assert_close

from metaalliance.core.variance.ascent import highest_maximum
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.estimator import Estimator
from metaalliance.core.variance.levels import Crossed, Term
from metaalliance.core.variance.many import variant_ascent
from metaalliance.core.variance.many.each_variant import EachVariant
from metaalliance.core.variance.many.level_variants import LevelVariants
from metaalliance.core.variance.many.mixed_designs import MixedDesign, design_of
from metaalliance.core.variance.many.nested_variants import NestedVariants
from metaalliance.core.variance.many.variant_designs import ClusterDesign, ColumnDesign
from metaalliance.core.variance.many.variants import Variants
from metaalliance.core.variance.multilevel import MultilevelData, evaluate
from metaalliance.core.variance.own import SamplingErrors
from metaalliance.core.variance.people import People
from metaalliance.core.variance.structure import Levels, Nested
from metaalliance.core.variance.tau2 import ESTIMATORS, estimate_tau2

M = 12
RNG = np.random.default_rng(5)
SIZES = RNG.integers(1, 5, M)
SIZES[:2] = 2, 3
STUDY = np.repeat(np.arange(M), SIZES)
K = STUDY.size
VI = RNG.uniform(0.005, 0.05, K)
X = np.column_stack([np.ones(K), STUDY % 3 == 1, RNG.normal(size=K)])
BLOCKS = StudyBlocks.from_sorted(STUDY)
TEAMS = StudyBlocks.from_sorted(STUDY // 3)
CORRELATED = Term(BLOCKS, np.sqrt(VI), np.full(M, 0.6))


def structures() -> dict[str, Nested | Levels]:
    levels = (("study", BLOCKS), ("team", TEAMS))
    errors = SamplingErrors(VI, np.full(K, 0.5), STUDY, np.arange(K) % 2)
    none = np.zeros(K)
    return {
        "che": Nested(VI, BLOCKS, People.same(BLOCKS), 0.6),
        "three-level": Nested(VI, BLOCKS, People.same(BLOCKS), 0.0),
        "levels": Levels(VI, 0.4 * VI, (CORRELATED,), levels),
        "levels, no correlation": Levels(VI, VI, (), levels),
        "crossed": Levels(VI, VI, (), levels[:1], ("tool", Crossed(RNG.integers(0, 3, K)))),
        "samples across a level": Levels(VI, none, (), levels[:1], None, errors),
    }


STRUCTURES = structures()
#: The second is constant within studies, and within teams where they are the clusters; the third
#: within all but one team and two of its studies.
BETWEEN = np.column_stack([np.ones(K), STUDY // 3 % 2])
FEW = BETWEEN.copy()
FEW[[0, 2], 1] = 1.0
DESIGNS = {"within studies": X, "between clusters": BETWEEN, "within few studies": FEW}
DESIGN_KINDS = dict(zip(DESIGNS, (ColumnDesign, ClusterDesign, MixedDesign), strict=True))
KINDS = dict(zip(STRUCTURES, [NestedVariants] * 2 + [LevelVariants] * 2 + [EachVariant] * 2,
                 strict=True))  # fmt: skip
of_every_structure = pytest.mark.parametrize("name", STRUCTURES)


def outcomes(count: int, between: float = 0.2, within: float = 0.1, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    true = rng.normal(0, between, (M, count))[STUDY] + rng.normal(0, within, (K, count))
    return true + rng.normal(size=(K, count)) * np.sqrt(VI)[:, None]


YI = outcomes(3, seed=11)


def data(name: str, y: np.ndarray, design: np.ndarray = X) -> MultilevelData:
    return MultilevelData(y, design, STRUCTURES[name], np.arange(K))


@of_every_structure
def test_covariances_are_those_of_single_points(name):
    structure = STRUCTURES[name]
    c = len(structure.names)
    theta = np.random.default_rng(3).uniform(0.001, 0.05, (4, c))
    theta[1, 0] = 0.0
    z = outcomes(4)
    found = Variants.of(structure, z, [x[:, None] for x in X.T]).covariance(theta)
    assert isinstance(found, KINDS[name])
    traces, products = found.traces()
    for r in range(4):
        single = structure.at(theta[r])
        assert_close(found.log_determinant[r], single.log_determinant, 1e-12, 1.0)
        assert_close(found.solve(z)[:, r], single.solve(z[:, r]), 1e-11, 1.0)
        assert_close(found.solved_ones[:, r], single.solve(np.ones(K)), 1e-11, 1.0)
        assert_close(traces[r], [single.diagonal(a).sum() for a in range(c)], 1e-11)
        if products is not None:
            assert_close(products[r], single.products(structure.slopes(theta[r])), 1e-10)
        for level, groups in enumerate(structure.levels):
            values = np.arange(1.0, groups.m + 1)
            ours = found.solve_level(level, np.tile(values[:, None], 4))[:, r]
            assert_close(ours, single.solve_level(level, values), 1e-11, 1.0)


@of_every_structure
@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize("design", DESIGNS)
def test_refits_are_those_of_single_climbs(name, method, design):
    X = DESIGNS[design]
    Y = np.hstack([outcomes(3), outcomes(3, 0.02, 0.02, seed=2)])
    start = np.full(len(STRUCTURES[name].names), 0.01)
    estimator = Estimator(name=method, multilevel=True)
    parts = list(estimator.refit(data(name, Y[:, 0], X), Y, start))
    theta = np.concatenate([p.theta for p in parts])
    beta = np.concatenate([p.beta for p in parts])
    for r in range(Y.shape[1]):
        single = highest_maximum(data(name, Y[:, r], X), restricted=method == "REML")
        assert_close(theta[r], single.theta, 1e-6, 0.01)
        assert_close(beta[r], single.beta, 1e-7, 0.01)


@of_every_structure
@pytest.mark.parametrize("subsets", [False, True], ids=["all effects", "subsets"])
@pytest.mark.parametrize("design", ["between clusters", "within few studies"])
def test_designs_of_clusters_have_the_moments_of_their_columns(name, design, subsets):
    structure, X = STRUCTURES[name], DESIGNS[design]
    columns = [x[:, None] for x in X.T]
    one, whole = design_of(columns, structure), ColumnDesign(tuple(columns))
    assert isinstance(one, ColumnDesign if structure.crossed else DESIGN_KINDS[design])
    if KINDS[name] is EachVariant and subsets:
        return  # it has no subsets
    present = np.ones((K, 1))
    if subsets:
        present = (np.random.default_rng(8).random((K, 3)) < 0.8).astype(float)
    theta = np.random.default_rng(3).uniform(0.001, 0.05, (3, len(structure.names)))
    variants = Variants.of(structure, YI, columns, present)
    S, z, levels = variants.covariance(theta), YI, structure.levels
    beta = np.random.default_rng(4).normal(size=(3, 2))
    mine, other = one.solved(S, theta, present), whole.solved(S)
    assert_close(one.gram(present), whole.gram(present), 1e-12)
    assert_close(one.fitted(beta), whole.fitted(beta), 1e-12, 1.0)
    assert (one.shared() == X).all()
    assert (one.one(2) == X).all()
    assert_close(mine.information(), other.information(), 1e-11, 1.0)
    assert_close(mine.against(z), other.against(z), 1e-11, 1.0)
    assert_close(mine.times(beta), other.times(beta), 1e-11, 1.0)
    assert_close(mine.levels(levels), other.levels(levels), 1e-10, 1.0)
    for a in range(len(levels)):
        for b in range(a, len(levels)):
            assert_close(mine.pairs(levels, a, b), other.pairs(levels, a, b), 1e-10, 1.0)


@of_every_structure
def test_designs_of_their_own(name):
    y, rng = outcomes(1)[:, 0], np.random.default_rng(6)
    dealt = [X[:, [0, 1]] if r == 0 else X[:, [0, 1]] * 0 + 1.0 for r in range(3)]
    for r in (1, 2):
        dealt[r][:, 1] = rng.permutation(np.arange(M) % 3 == 1)[STUDY]
    base = replace(data(name, y), X=X[:, [0, 1]])
    start = np.full(len(STRUCTURES[name].names), 0.01)
    (points,) = Estimator(name="REML", multilevel=True).redesign(
        base, np.stack(dealt).transpose(2, 1, 0), start
    )
    for r in range(3):
        single = highest_maximum(replace(base, X=dealt[r]), restricted=True)
        assert_close(points.theta[r], single.theta, 1e-6, 0.01)
        assert_close(points.bread[r], single.bread, 1e-6)
        again = evaluate(replace(base, X=dealt[r]), points.theta[r], restricted=True)
        constants = 0.5 * (K - 2) * np.log(2 * np.pi)
        assert_close(points.value[r], again.log_likelihood + constants, 1e-10, 1.0)


@pytest.mark.parametrize("method", ["FE", *ESTIMATORS])
def test_tau2_of_outcomes_and_of_designs(method):
    alone = StudyBlocks.from_sorted(np.arange(K))
    one = Nested(VI, alone, People.same(alone), 0)
    Y = outcomes(4)
    base = MultilevelData(Y[:, 0], X, one, np.arange(K))
    estimator = Estimator(name=method, multilevel=False)
    (points,) = estimator.refit(base, Y, np.zeros(2))
    (designs,) = estimator.redesign(base, np.stack([X, X[::-1]]).transpose(2, 1, 0), np.zeros(2))
    for r in range(4):
        tau2 = 0.0 if method == "FE" else estimate_tau2(Y[:, r], VI, X, method)
        assert_close(points.theta[r], [0.0, tau2], 1e-9, 0.01)
        assert_close(points.beta[r], evaluate(replace(base, yi=Y[:, r]), np.array([0, tau2]),
                                              restricted=True).beta, 1e-9, 0.01)  # fmt: skip
    turned = 0.0 if method == "FE" else estimate_tau2(Y[:, 0], VI, X[::-1], method)
    assert_close(designs.theta[:, 1], [points.theta[0, 1], turned], 1e-9, 0.01)


def test_parts_do_not_change_the_result(monkeypatch):
    Y, estimator = outcomes(30), Estimator(name="REML", multilevel=True)
    whole = [p.theta for p in estimator.refit(data("che", Y[:, 0]), Y, np.full(2, 0.01))]
    monkeypatch.setattr(variant_ascent, "CELLS", 7 * K)
    parts = [p.theta for p in estimator.refit(data("che", Y[:, 0]), Y, np.full(2, 0.01))]
    assert len(parts) == 5
    assert_close(np.concatenate(parts), np.concatenate(whole), 1e-8, 0.01)


def test_several_maxima_are_found_from_the_boundary():
    Y, lower = outcomes(400, 0.05, 0.15, seed=9), 0
    few = Nested(VI, BLOCKS, People.same(BLOCKS), 0.6)
    base = MultilevelData(Y[:, 0], X, few, np.arange(K))
    points = list(Estimator(name="REML", multilevel=True).refit(base, Y, np.full(2, 0.01)))
    theta = np.concatenate([p.theta for p in points])
    for r in range(0, 400, 16):
        single = highest_maximum(replace(base, yi=Y[:, r]), restricted=True)
        lower += not np.allclose(theta[r], single.theta, rtol=1e-5, atol=1e-7)
    assert lower == 0
