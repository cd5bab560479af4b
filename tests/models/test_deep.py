"""More levels, crossed factors and richer correlations, against dense algebra and special cases."""

from __future__ import annotations

import math

import numpy as np
import pytest

import metaalliance as ma
from metaalliance.core.blocks import StudyBlocks
from metaalliance.core.deep import (
    DeepData,
    covariance_at,
    evaluate,
    maximize,
    score_and_average_information,
)
from metaalliance.core.levels import Term

RNG = np.random.default_rng(3)
K = 60
GROUPS = {"fine": np.repeat(np.arange(30), 2), "mid": np.repeat(np.arange(15), 4)}
GROUPS["coarse"] = np.repeat(np.arange(5), 12)
FACTOR = RNG.integers(0, 4, K)
VI = RNG.uniform(0.01, 0.05, K)
YI = 0.3 * RNG.normal(size=K) + 0.2 * RNG.normal(size=5)[GROUPS["coarse"]]
BLOCKS = {name: StudyBlocks.from_sorted(codes) for name, codes in GROUPS.items()}
THETA = np.array([0.01, 0.02, 0.03, 0.04, 0.05])
ROOT = np.sqrt(VI)


def deep_data() -> DeepData:
    X = np.column_stack([np.ones(K), np.linspace(-1, 1, K) ** 2])
    sampling = (
        Term(BLOCKS["mid"], ROOT, np.full(15, 0.5)),
        Term(BLOCKS["fine"], ROOT, np.full(30, 0.2)),
    )
    return DeepData(YI, VI, X, 0.3 * VI, sampling, tuple(BLOCKS.items()), FACTOR)


def dense(theta: np.ndarray) -> np.ndarray:
    same = {name: codes[:, None] == codes for name, codes in GROUPS.items()}
    errors = np.outer(ROOT, ROOT) * (0.5 * same["mid"] + 0.2 * same["fine"]) + np.diag(0.3 * VI)
    levels = sum(t * same[n] for t, n in zip(theta[1:4], GROUPS, strict=True))
    return errors + levels + theta[0] * np.eye(K) + theta[4] * (FACTOR[:, None] == FACTOR)


def test_inverse_determinant_and_traces_are_those_of_the_dense_matrix():
    S, cov = dense(THETA), covariance_at(deep_data(), THETA)
    inverse = np.linalg.inv(S)
    np.testing.assert_allclose(cov.solve(np.eye(K)), inverse, atol=1e-11 * np.abs(inverse).max())
    assert math.isclose(cov.log_determinant, np.linalg.slogdet(S)[1], rel_tol=1e-12)
    assert math.isclose(cov.trace(), np.trace(inverse), rel_tol=1e-12)
    for name, blocks in BLOCKS.items():
        same = GROUPS[name][:, None] == GROUPS[name]
        assert math.isclose(cov.trace_within(blocks), np.sum(inverse * same), rel_tol=1e-11)


@pytest.mark.parametrize("restricted", [True, False])
def test_score_is_the_derivative_of_the_likelihood(restricted):
    data = deep_data()
    point = evaluate(data, THETA, restricted=restricted)
    score = score_and_average_information(data, point, restricted=restricted)[0]
    steps = 1e-6 * np.eye(THETA.size)
    slopes = [
        evaluate(data, THETA + h, restricted=restricted).log_likelihood
        - evaluate(data, THETA - h, restricted=restricted).log_likelihood
        for h in steps
    ]
    np.testing.assert_allclose(score, np.array(slopes) / 2e-6, rtol=2e-6, atol=1e-5)


def test_score_vanishes_at_the_optimum_or_points_out_of_the_boundary():
    data = deep_data()
    point = maximize(data, restricted=True)
    score = score_and_average_information(data, point, restricted=True)[0]
    inside = point.theta > 0
    np.testing.assert_allclose(score[inside], 0, atol=1e-9)
    assert (score[~inside] <= 0).all()


def effects(**extra) -> ma.Effects:
    study = np.repeat(np.arange(20), 3)
    rng = np.random.default_rng(8)
    vi = rng.uniform(0.01, 0.04, 60)
    yi = 0.3 + 0.15 * rng.normal(size=20)[study] + np.sqrt(vi + 0.01) * rng.normal(size=60)
    columns = {
        "group": np.repeat(np.arange(10), 6),
        "sample": np.tile([0, 0, 1], 20),
        "one": np.zeros(60),
        "rho": np.full(60, 0.6),
        "tool": rng.integers(0, 3, 60),
        **extra,
    }
    return ma.Effects.from_arrays(yi, vi, study=study, moderators=columns, measure="z")


def close(a, b, rel=1e-8):
    for name in ("estimate", "se", "df", "Q", "tau2", "I2"):
        assert math.isclose(getattr(a, name), getattr(b, name), rel_tol=rel), name


def test_rho_by_study_equals_the_constant_where_it_is_constant():
    close(ma.pool(effects(), rho="rho"), ma.pool(effects()))


def test_equal_correlations_collapse_to_one():
    close(ma.pool(effects(), rho=0.6, rho_same=0.6, same="tool"), ma.pool(effects()))


def test_level_that_is_the_study_itself_changes_nothing_but_the_split():
    deeper = ma.pool(effects(), above=("group",), within=("sample",), test="wald")
    assert set(deeper.sigma2) == {"effect", "sample", "study", "group"}
    assert deeper.log_likelihood >= ma.pool(effects(), test="wald").log_likelihood - 1e-10


def test_robust_test_clusters_on_the_highest_level():
    fit = ma.pool(effects(), above=("group",))
    assert fit.df < 10


def test_crossed_factor_takes_a_model_based_test():
    assert ma.pool(effects(), crossed="tool").test == "t"
    with pytest.raises(ma.OptionError, match="no independent clusters"):
        ma.pool(effects(), crossed="tool", test="cr2")


def test_levels_that_are_not_nested_are_refused():
    with pytest.raises(ma.EstimationError, match="not nested"):
        ma.pool(effects(), above=("tool",))


def test_impossible_correlations_are_refused():
    with pytest.raises(ma.EstimationError, match="lie in"):
        ma.pool(effects(rho=np.full(60, 1.2)), rho="rho")


def test_missing_column_is_named():
    with pytest.raises(ma.OptionError, match="no column 'sampel'"):
        ma.pool(effects(), within=("sampel",))


def test_missing_level_is_named():
    blank = np.array(["a"] * 59 + [None], dtype=object)
    with pytest.raises(ma.EstimationError, match="lab is missing"):
        ma.pool(effects(lab=blank), within=("lab",))


def test_two_level_models_have_no_further_levels():
    with pytest.raises(ma.OptionError, match="no further levels"):
        ma.pool(ma.aggregate(effects()), model="two-level", within=("sample",))


def test_summary_names_every_component():
    text = ma.pool(effects(), within=("sample",)).summary()
    assert "between levels of sample" in text
    assert "between studies" in text
