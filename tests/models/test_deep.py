"""More levels, crossed factors and richer correlations, against dense algebra and special cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
from golden_data import quiet_pool
from scipy.optimize import minimize

import metaalliance as ma
from metaalliance.core.variance.ascent import highest_maximum, maximize
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.levels import Crossed, Term
from metaalliance.core.variance.multilevel import MultilevelData, evaluate, score_and_information
from metaalliance.core.variance.structure import Levels

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


def deep_data() -> MultilevelData:
    X = np.column_stack([np.ones(K), np.linspace(-1, 1, K) ** 2])
    sampling = (
        Term(BLOCKS["mid"], ROOT, np.full(15, 0.5)),
        Term(BLOCKS["fine"], ROOT, np.full(30, 0.2)),
    )
    crossed = ("tool", Crossed(FACTOR))
    structure = Levels(VI, 0.3 * VI, sampling, tuple(BLOCKS.items()), crossed)
    return MultilevelData(YI, X, structure, np.arange(K))


def dense(theta: np.ndarray) -> np.ndarray:
    same = {name: codes[:, None] == codes for name, codes in GROUPS.items()}
    errors = np.outer(ROOT, ROOT) * (0.5 * same["mid"] + 0.2 * same["fine"]) + np.diag(0.3 * VI)
    levels = sum(t * same[n] for t, n in zip(theta[1:4], GROUPS, strict=True))
    return errors + levels + theta[0] * np.eye(K) + theta[4] * (FACTOR[:, None] == FACTOR)


def test_inverse_determinant_and_traces_are_those_of_the_dense_matrix():
    S, cov = dense(THETA), deep_data().structure.at(THETA)
    inverse = np.linalg.inv(S)
    np.testing.assert_allclose(cov.solve(np.eye(K)), inverse, atol=1e-11 * np.abs(inverse).max())
    assert math.isclose(cov.log_determinant, np.linalg.slogdet(S)[1], rel_tol=1e-12)
    for level, groups in enumerate(deep_data().structure.levels):
        Z = groups.spread(np.eye(groups.m))
        np.testing.assert_allclose(cov.diagonal(level), np.diag(Z.T @ inverse @ Z), rtol=1e-11)


@pytest.mark.parametrize("restricted", [True, False])
def test_score_is_the_derivative_of_the_likelihood(restricted):
    data = deep_data()
    point = evaluate(data, THETA, restricted=restricted)
    score = score_and_information(data, point, restricted=restricted)[0]
    steps = 1e-6 * np.eye(THETA.size)
    slopes = [
        evaluate(data, THETA + h, restricted=restricted).log_likelihood
        - evaluate(data, THETA - h, restricted=restricted).log_likelihood
        for h in steps
    ]
    np.testing.assert_allclose(score, np.array(slopes) / 2e-6, rtol=2e-6, atol=1e-5)


def test_score_vanishes_at_the_optimum_or_points_out_of_the_boundary():
    data = deep_data()
    point = highest_maximum(data, restricted=True)
    score = score_and_information(data, point, restricted=True)[0]
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
        "team": np.tile([0, 0, 1], 20),
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
    deeper = ma.pool(effects(), above=("group",), within=("team",), test="wald")
    assert set(deeper.sigma2) == {"effect", "team", "study", "group"}
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
    with pytest.raises(ma.EstimationError, match="needs a correlation of the sampling errors"):
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
        ma.pool(ma.aggregate(effects()), model="two-level", within=("team",))


def test_summary_names_every_component():
    text = ma.pool(effects(), within=("team",)).summary()
    assert "between levels of team" in text
    assert "between studies" in text


# The optimum, against a dense likelihood and a general optimiser ---------------------------------


def random_problem(seed: int) -> MultilevelData:
    """A few effects in two nested levels, sometimes crossed, with variances that may be zero."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 9))
    coarse = np.repeat(np.arange(int(rng.integers(2, 5))), n)
    mid = np.unique(np.sort(3 * coarse + rng.integers(0, 3, coarse.size)), return_inverse=True)[1]
    k = coarse.size
    factor = np.unique(rng.integers(0, 3, k), return_inverse=True)[1]
    vi = np.exp(rng.normal(-4, rng.choice([0.3, 1.0, 2.0]), k))
    true = np.sqrt(rng.choice([0, 0.01, 0.1, 0.3], 4))
    yi = np.sqrt(vi) * rng.normal(size=k) + true[0] * rng.normal(size=k)
    yi += sum(
        t * rng.normal(size=k)[c] for t, c in zip(true[1:], (mid, coarse, factor), strict=True)
    )
    X = np.column_stack([np.ones(k), rng.normal(size=k)])[:, : int(rng.integers(1, 3))]
    rho = float(rng.choice([0, 0.6]))
    blocks = {"mid": StudyBlocks.from_sorted(mid), "coarse": StudyBlocks.from_sorted(coarse)}
    sampling = (Term(blocks["coarse"], np.sqrt(vi), np.full(blocks["coarse"].m, rho)),)
    crossed = ("tool", Crossed(factor)) if rng.random() < 0.5 else None
    structure = Levels(vi, (1 - rho) * vi, sampling, tuple(blocks.items()), crossed)
    return MultilevelData(yi, X, structure, np.arange(k))


def dense_likelihood(data: MultilevelData, theta: np.ndarray, restricted: bool) -> float:
    structure = data.structure
    assert isinstance(structure, Levels)
    codes = [np.arange(data.yi.size), *(blocks.study for _, blocks in structure.random)]
    codes += [] if structure.factor is None else [structure.factor[1].codes]
    S = sum(t * (c[:, None] == c) for t, c in zip(theta, codes, strict=True)) + np.diag(
        structure.own
    )
    for term in structure.sampling:
        u, group = term.loading, term.blocks.study
        S = S + term.weight[0] * np.outer(u, u) * (group[:, None] == group)
    W = np.linalg.inv(S)
    M = data.X.T @ W @ data.X
    e = data.yi - data.X @ np.linalg.solve(M, data.X.T @ W @ data.yi)
    k, p = data.X.shape
    value = -0.5 * (k * np.log(2 * np.pi) + np.linalg.slogdet(S)[1] + e @ W @ e)
    if restricted:
        gain = np.linalg.slogdet(data.X.T @ data.X)[1] - np.linalg.slogdet(M)[1]
        value += 0.5 * (p * np.log(2 * np.pi) + gain)
    return float(value)


@pytest.mark.parametrize("seed", range(16))
def test_no_general_optimiser_climbs_higher(seed):
    data, restricted = random_problem(seed), seed % 2 == 0
    point = highest_maximum(data, restricted=restricted)
    ours = dense_likelihood(data, point.theta, restricted)
    assert math.isclose(point.log_likelihood, ours, rel_tol=1e-8, abs_tol=1e-8)
    c = point.theta.size
    for start in (np.full(c, 0.05), *(0.2 * np.eye(c) + 1e-3), point.theta + 0.01):
        found = minimize(
            lambda theta: -dense_likelihood(data, theta, restricted),
            start,
            method="L-BFGS-B",
            bounds=[(0, None)] * c,
        )
        assert -found.fun <= ours + 1e-7


@pytest.mark.parametrize("seed", range(25))
def test_score_at_the_optimum_of_random_problems(seed):
    data = random_problem(seed)
    point = highest_maximum(data, restricted=True)
    score = score_and_information(data, point, restricted=True)[0]
    beside = evaluate(data, point.theta + 0.01, restricted=True)
    size = np.abs(score_and_information(data, beside, restricted=True)[0]).max()
    inside = point.theta > 0
    assert np.abs(score[inside]).max(initial=0) <= 1e-6 * max(size, 1)
    assert (score[~inside] <= 1e-6 * max(size, 1)).all()


def test_held_components_stay():
    held = np.array([False, True, False, False, False])
    point = maximize(deep_data(), THETA, restricted=True, held=held)
    assert point.theta[1] == THETA[1]


# Effects and levels at the edges -----------------------------------------------------------------


def test_identical_effects_do_not_claim_certainty():
    same = ma.Effects.from_arrays(
        np.full(12, 0.3), np.linspace(0.01, 0.03, 12), np.repeat(np.arange(4), 3),
        {"team": np.tile([0, 0, 1], 4)},
    )  # fmt: skip
    with pytest.warns(ma.MetaAllianceWarning) as caught:
        fit = ma.pool(same, within=("team",))
    assert "MA614" in {str(w.message)[:5] for w in caught}
    assert fit.se > 0
    assert fit.sigma2 == {"effect": 0.0, "team": 0.0, "study": 0.0}


@pytest.mark.parametrize(
    ("extra", "options", "message"),
    [
        ({"each": np.arange(60)}, {"within": ("each",)}, "'effect' and 'each' have the same"),
        ({"lab": np.repeat(np.arange(20), 3)}, {"above": ("lab",)}, "'study' and 'lab' have the"),
        ({}, {"within": ("one",)}, "'one' and 'study' have the same groups"),
        ({}, {"above": ("one",)}, "one group of 'one'"),
        ({}, {"crossed": "one"}, "one value of 'one'"),
        ({"each": np.arange(60)}, {"crossed": "each"}, "groups of the level 'effect'"),
        ({"lab": np.repeat(np.arange(20), 3)}, {"crossed": "lab"}, "groups of the level 'study'"),
    ],
)
def test_levels_that_cannot_be_told_apart_are_refused(extra, options, message):
    with pytest.raises(ma.EstimationError, match=message):
        ma.pool(effects(**extra), **options)


def test_a_correlation_that_differs_within_a_study_is_refused():
    with pytest.raises(ma.EstimationError, match="rho differs within 0"):
        ma.pool(effects(rho=np.tile([0.5, 0.5, 0.6], 20)), rho="rho")


def test_correlations_are_numbers():
    with pytest.raises(
        ma.OptionError, match=r"needs a column of correlations in .*it holds 'high'"
    ):
        ma.pool(effects(rho=["high"] * 60), rho="rho")


@pytest.mark.parametrize("options", [{"same": "tool"}, {"rho_same": 0.7, "within": ("team",)}])
def test_half_of_a_pair_of_options_is_refused(options):
    with pytest.raises(ma.OptionError, match="given together"):
        ma.pool(effects(), **options)


@pytest.mark.parametrize("options", [{"rho": "rho"}, {"same": "tool", "rho_same": 0.7}])
def test_the_three_level_model_has_no_correlations(options):
    with pytest.raises(ma.OptionError, match="no correlations of sampling errors"):
        ma.pool(effects(), model="three-level", **options)


def test_missing_column_of_effects_without_moderators():
    bare = ma.Effects.from_arrays([0.1, 0.2, 0.3], [0.01] * 3, study=["A", "A", "B"])
    with pytest.raises(ma.OptionError, match="no column 'team'; there is none"):
        ma.pool(bare, within=("team",))


@pytest.mark.parametrize(
    "options",
    [
        {"within": ("team",), "above": ("group",)},
        {"crossed": "tool"},
        {"same": "tool", "rho_same": 0.8},
        {"rho": "rho"},
    ],
    ids=str,
)
def test_settings_make_the_same_fit(options):
    fit = quiet_pool(effects(), **options)
    again = {k: v for k, v in fit.settings().items() if k != "measure"}
    assert quiet_pool(effects(), **again).to_dict() == fit.to_dict()


def test_components_cannot_be_changed():
    fit = quiet_pool(effects(), within=("team",))
    with pytest.raises(TypeError, match="cannot be changed"):
        fit.sigma2["study"] = 9.0
    with pytest.raises(ValueError, match="read-only"):
        fit.point.theta[0] = 9.0
