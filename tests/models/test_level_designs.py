"""A mean for each level: the closed forms are those of the general tests, whatever the levels."""

from __future__ import annotations

import math

import numpy as np
import pytest

import metaalliance as ma
from metaalliance.core.inference.forms import quadratic_forms
from metaalliance.core.inference.group_means import (
    Differences,
    VarianceMoments,
    equality_form,
    first_with_others,
)
from metaalliance.models.regression import regress

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")

SETTINGS = {
    "che cr2": {},
    "che cr1": {"test": "cr1"},
    "che t": {"test": "t"},
    "che t, contained": {"test": "t", "df": "contain"},
    "che wald": {"test": "wald"},
    "three-level cr2, ML": {"model": "three-level", "tau2": "ML"},
    "two-level cr2": {"model": "two-level", "test": "cr2"},
    "common-effect cr0": {"model": "common-effect", "test": "cr0"},
}
LEVELS = 6


def design(seed: int, *, single: bool = False, crossing: bool = False):
    """Return effects and indicators of levels; perhaps one of one study, perhaps crossed."""
    rng = np.random.default_rng(seed)
    studies = rng.permutation(np.r_[np.repeat(np.arange(LEVELS), 2), rng.integers(0, LEVELS, 12)])
    if single:
        studies = np.where(studies == 0, 1, studies)
        studies[4] = 0
    study = np.repeat(np.arange(studies.size), rng.integers(1, 4, studies.size))
    level = studies[study]
    if crossing:
        twice = np.flatnonzero(np.bincount(study) > 1)[:3]
        for one in twice:
            level[np.flatnonzero(study == one)[0]] = (studies[one] + 1) % LEVELS
    vi = rng.uniform(0.005, 0.08, study.size)
    yi = 0.05 * level + rng.normal(0, 0.15, studies.size)[study] + rng.normal(0, 0.2, study.size)
    effects = ma.Effects.from_arrays(yi, vi, study=study, measure="z")
    return effects, (level[:, None] == np.arange(LEVELS)).astype(float)


def both(seed: int, settings: dict, **kinds: bool):
    """Return a fit of the means, one of other coefficients, and what leads from these to those."""
    effects, X = design(seed, **kinds)
    T = np.tril(np.ones((LEVELS, LEVELS)))
    names = [f"level {i}" for i in range(LEVELS)]
    return regress(effects, X, names, **settings), regress(effects, X @ T, names, **settings), T


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("seed", range(3))
def test_contrasts_and_joint_tests_are_those_of_other_coefficients(name, seed):
    own, other, T = both(seed, SETTINGS[name])
    assert own.point.disjoint is not None
    assert other.point.disjoint is None
    pairs = Differences(*np.triu_indices(LEVELS, 1))
    for C in (np.eye(LEVELS), pairs.dense(LEVELS)):
        ours, theirs = own.contrast(C), other.contrast(C @ T)
        for what in ("estimate", "se", "df", "p_value", "ci_low", "ci_high"):
            np.testing.assert_allclose(
                getattr(ours, what), getattr(theirs, what), rtol=1e-10, atol=1e-11
            )
    np.testing.assert_array_equal(own.contrast(pairs).df, ours.df)
    C = first_with_others(LEVELS).dense(LEVELS)
    theirs = other.wald(C @ T)
    for ours in (own.equality(), own.wald(C)):
        assert (ours.test, ours.df1) == (theirs.test, theirs.df1)
        assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-10, nan_ok=True)
        assert ours.df2 == pytest.approx(theirs.df2, rel=1e-10)
        assert ours.p_value == pytest.approx(theirs.p_value, rel=1e-9, nan_ok=True)
    some = np.array([[1.0, -0.5, -0.5, 0, 0, 0], [0, 0, 1.0, -2.0, 0.5, 0.5]])
    a, b = own.wald(some), other.wald(some @ T)
    assert (a.statistic, a.df2) == pytest.approx((b.statistic, b.df2), rel=1e-10)
    assert own.equality_q() == pytest.approx(other.wald(C @ T, "chi2").Q, rel=1e-10) or (
        own.test.startswith("cr")
    )
    for what in ("tau2", "log_likelihood", "QE", "I2"):
        assert getattr(own, what) == pytest.approx(getattr(other, what), rel=1e-10, abs=1e-11)


@pytest.mark.parametrize("name", ["che cr2", "two-level cr2", "che cr1"])
@pytest.mark.parametrize("seed", range(3))
def test_a_level_of_one_study_has_no_robust_error_and_no_joint_test(name, seed):
    own, other, T = both(seed, SETTINGS[name], single=True)
    assert own.point.disjoint is not None
    assert np.isnan(own.se).tolist() == [True] + [False] * (LEVELS - 1)
    assert "MA642" in {p.code for p in own.notices}
    np.testing.assert_allclose(own.se, other.contrast(T).se, rtol=1e-10)
    found, theirs = own.equality(), other.wald(first_with_others(LEVELS).dense(LEVELS) @ T)
    assert math.isnan(found.statistic)
    assert found.reason == theirs.reason
    rest = np.c_[np.zeros((4, 1)), first_with_others(LEVELS - 1).dense(LEVELS - 1)]
    a, b = own.wald(rest), other.wald(rest @ T)
    assert (a.statistic, a.df2) == pytest.approx((b.statistic, b.df2), rel=1e-10, nan_ok=True)


@pytest.mark.parametrize("name", SETTINGS)
def test_levels_that_vary_within_studies_take_the_general_way(name):
    robust = SETTINGS[name].get("test", "cr2").startswith("cr")
    if not robust and SETTINGS[name].get("model"):
        pytest.skip("dependent effects need a robust test here")
    own, other, T = both(4, SETTINGS[name], crossing=True)
    assert own.point.disjoint is None
    C = first_with_others(LEVELS).dense(LEVELS)
    a, b = own.equality(), other.wald(C @ T)
    assert a.statistic == pytest.approx(b.statistic, rel=1e-9, nan_ok=True)
    assert a.df2 == pytest.approx(b.df2, rel=1e-9)


def test_two_levels_have_welchs_degrees_of_freedom():
    moments = VarianceMoments(np.array([0.02, 0.05]), np.array([0.02**2 / 4, 0.05**2 / 7]))
    expected = 0.07**2 / (0.02**2 / 4 + 0.05**2 / 7)
    assert moments.eta_of_equality() == pytest.approx(expected)
    assert moments.df(first_with_others(2))[0] == pytest.approx(expected)


@pytest.mark.parametrize("least", [1e-3, 1e-13, 0.0])
@pytest.mark.parametrize("where", [0, 3])
def test_equality_with_a_variance_that_vanishes_is_that_of_the_matrices(least, where):
    means, variances = (
        np.array([0.1, 0.4, 0.2, 0.3, 0.25]),
        np.array([0.02, 0.03, 0.01, 0.05, 0.02]),
    )
    variances[where] = least
    C = first_with_others(5).dense(5)
    b, V = C @ means, (C * variances) @ C.T
    expected = quadratic_forms(b[None], V[None])[0]
    assert equality_form(means, variances) == pytest.approx(expected, rel=1e-9, nan_ok=True)
    moments = VarianceMoments(np.maximum(variances, least), variances**2 / 3)
    assert moments.eta_of_equality() == pytest.approx(moments.eta(C), rel=1e-9, nan_ok=True)
