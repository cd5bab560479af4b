"""Moderators in models of more levels, a crossed factor and correlations by column."""

from __future__ import annotations

import numpy as np
import pytest
from moderator_frames import levels_of, numbers, parts_of, regression_of, slope_of, table_of
from numpy.testing import assert_allclose

import metaalliance as ma
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.models.regression import regress
from metaalliance.moderation.model_set import model_set

STRUCTURES = [
    {"within": ["sample"]},
    {"above": ["team"]},
    {"crossed": "measure"},
    {"rho": "r_study"},
    {"rho_same": 0.9, "same": "outcome"},
    {"within": ["sample"], "rho_same": 0.9, "same": "outcome", "rho": "r_study"},
]


@pytest.fixture(scope="module")
def deep() -> Effects:
    """Effects of samples of studies of teams, with instruments that studies share."""
    rng = np.random.default_rng(3)
    study = np.repeat(np.arange(24), 6)
    sample, team = np.tile([0, 0, 0, 1, 1, 1], 24), study // 2
    measure = rng.integers(0, 6, study.size)
    arm = np.array(list("abc"))[(study // 2) % 3]
    cell = rng.normal(0, 0.12, (24, 2))[study, sample]
    y = 0.3 + 0.1 * (arm == "b") + rng.normal(0, 0.15, 24)[study] + cell
    y += rng.normal(0, 0.15, 12)[team] + rng.normal(0, 0.1, 6)[measure]
    columns = {
        "arm": arm,
        "age": 30.0 + study,
        "dose": rng.normal(0, 1, study.size),
        "team": team.astype(str),
        "measure": measure.astype(str),
        "outcome": np.tile(list("ppqppq"), 24),
        "r_study": np.linspace(0.1, 0.8, 24)[study],
    }
    frame = Effects.from_arrays(
        y + rng.normal(0, 0.1, y.size), rng.uniform(0.01, 0.03, y.size), study.astype(str),
        moderators=columns, measure="z",
    ).frame  # fmt: skip
    return Effects(frame=frame.assign(sample=sample.astype(str)), measure="z")


def set_of(effects, **settings):
    return model_set(effects, ["arm", "age"], **settings).coefficients.drop(columns="term")


@pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")
@pytest.mark.parametrize("settings", STRUCTURES, ids=str)
@pytest.mark.parametrize(
    "analysis", [levels_of, slope_of, regression_of, parts_of, table_of, set_of]
)
def test_a_structure_moves_the_numbers(analysis, settings, deep):
    plain, other = numbers(analysis(deep)), numbers(analysis(deep, **settings))
    assert np.nanmax(np.abs(plain - other)) > 1e-4


@pytest.mark.parametrize("settings", STRUCTURES, ids=str)
def test_levels_are_the_coefficients_of_the_regression(settings, deep, quiet):
    got = quiet(ma.moderators, deep, "arm", **settings)
    names = got.levels["level"].tolist()
    X = (deep.frame["arm"].to_numpy()[:, None] == np.array(names)).astype(float)
    want = quiet(regress, deep, X, names, **settings)
    assert_allclose(got.levels["estimate"], want.beta, rtol=1e-13)
    assert_allclose(got.levels["se"], want.se, rtol=1e-13)
    assert_allclose(got.tau2, sum(want.sigma2.values()), rtol=1e-13)
    printed = got.settings()
    shown = {k: list(v) if isinstance(v, list) else v for k, v in settings.items()}
    assert {key: printed[key] for key in settings} == shown


def test_Q_of_a_level_uses_the_correlations_of_its_samples(deep, quiet):
    """By hand: the sampling covariance of each level, solved densely."""
    got = quiet(ma.moderators, deep, "arm", rho="r_study").levels.set_index("level")
    for level in "abc":
        own = deep.frame[deep.frame["arm"] == level]
        people, root = (own["study"] + own["sample"]).to_numpy(), np.sqrt(own["vi"].to_numpy(float))
        r = np.where(people[:, None] == people, own["r_study"].to_numpy(float)[:, None], 0.0)
        np.fill_diagonal(r, 1.0)
        W = np.linalg.inv(r * np.outer(root, root))
        y = own["yi"].to_numpy(float)
        e = y - W.sum(axis=0) @ y / W.sum()
        assert_allclose(got.loc[level, "Q"], e @ W @ e, rtol=1e-10)


def test_tests_side_by_side_in_a_structure(deep, quiet):
    asked = {"tests": "all", "replications": 99}
    plain = quiet(ma.moderators, deep, "arm", **asked).tests.set_index("method")
    inside = quiet(ma.moderators, deep, "arm", within=["sample"], **asked).tests
    inside = inside.set_index("method")
    for method in ("htz", "wald", "likelihood-ratio", "permutation", "wild-bootstrap"):
        assert abs(inside.loc[method, "statistic"] - plain.loc[method, "statistic"]) > 1e-4
    above = quiet(ma.moderators, deep, "arm", above=["team"], **asked).tests.set_index("method")
    assert "share team" in above.loc["permutation", "reason"]
    crossed = quiet(ma.moderators, deep, "arm", crossed="measure", **asked).tests
    crossed = crossed.set_index("method")
    assert np.isfinite(crossed.loc["wald", "p_value"])
    for method in ("htz", "wild-bootstrap"):
        assert "crossed factor" in crossed.loc[method, "reason"]


def test_permutation_within_a_structure_uses_generalised_least_squares_means(deep, quiet):
    """With the variances of the null model the study means reproduce the fit of all effects."""
    got = quiet(
        ma.moderators, deep, "arm", within=["sample"], tests=["permutation"], replications=99,
        components="held",
    )  # fmt: skip
    null = quiet(ma.pool, deep, within=["sample"])
    study, sample = deep.frame["study"].to_numpy(), deep.frame["sample"].to_numpy()
    together = study[:, None] == study
    cell = together & (sample[:, None] == sample)
    root = np.sqrt(deep.vi)
    S = 0.6 * cell * np.outer(root, root) + np.diag(0.4 * deep.vi)
    S = S + null.sigma2["study"] * together + null.sigma2["sample"] * cell
    S = S + null.sigma2["effect"] * np.eye(study.size)
    X = (deep.frame["arm"].to_numpy()[:, None] == np.array(list("abc"))).astype(float)
    W = np.linalg.inv(S)
    M = np.linalg.inv(X.T @ W @ X)
    b = M @ X.T @ W @ deep.yi
    C = np.array([[1.0, -1, 0], [1, 0, -1]])
    Q = (C @ b) @ np.linalg.solve(C @ M @ C.T, C @ b)
    assert_allclose(got.tests["statistic"].iloc[0], Q, rtol=1e-7)


@pytest.mark.parametrize("settings", STRUCTURES[3:5], ids=str)
def test_correlations_by_column_act_on_levels_fitted_apart(settings, deep, quiet):
    plain = quiet(levels_of, deep, separate_tau2=True)
    other = quiet(levels_of, deep, separate_tau2=True, **settings)
    assert np.nanmax(np.abs(numbers(plain) - numbers(other))) > 1e-4


def test_levels_fitted_apart_refuse_further_levels(deep):
    with pytest.raises(OptionError, match="cannot obey within="):
        ma.moderators(deep, "arm", within=["sample"], separate_tau2=True)
