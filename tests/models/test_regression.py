"""Meta-regression on a design matrix: agreement with the pooled mean, invariance, refusals."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

import metaalliance as ma
from metaalliance.errors import EstimationError, MetaAllianceWarning, OptionError
from metaalliance.models.regression import regress
from tests.golden_data import effects

TESTS = ["wald", "t", "cr0", "cr1", "cr1s", "cr2"]


def simulated(seed=1, m=24):
    rng = np.random.default_rng(seed)
    study = np.repeat(np.arange(m), rng.integers(1, 5, m))
    vi = rng.uniform(0.01, 0.05, study.size)
    yi = 0.3 + rng.normal(0, 0.1, m)[study] + rng.normal(0, np.sqrt(vi))
    year = 1980 + rng.integers(0, 40, m)[study]
    return ma.Effects.from_arrays(yi, vi, study=study, moderators={"year": year.astype(float)})


def design(found, shift=0.0):
    year = found.frame["year"].to_numpy(float)
    return np.column_stack([np.ones(year.size), year - shift])


@pytest.mark.parametrize("model", ["three-level", "che"])
@pytest.mark.parametrize("test", TESTS)
def test_an_intercept_alone_is_the_pooled_mean(model, test):
    found = effects("konstantopoulos2011", dependent=True)
    mean = ma.pool(found, model=model, test=test)
    fit = regress(found, np.ones((found.n_effects, 1)), ["mean"], model=model, test=test)
    assert_allclose(
        [fit.beta[0], fit.se[0], fit.df[0], fit.p_value[0], fit.tau2, fit.I2, fit.QE],
        [mean.estimate, mean.se, mean.df, mean.p_value, mean.tau2, mean.I2, mean.Q],
        rtol=1e-12,
    )


@pytest.mark.parametrize("tau2", ["DL", "HE", "HS", "SJ", "EB", "PM", "PMM", "ML", "REML"])
@pytest.mark.parametrize("test", ["knapp-hartung", "knapp-hartung-adhoc", "wald", "t"])
def test_an_intercept_alone_is_the_two_level_mean(tau2, test):
    found = effects("bcg")
    mean = ma.pool(found, model="two-level", tau2=tau2, test=test)
    X = np.ones((found.n_effects, 1))
    fit = regress(found, X, ["mean"], model="two-level", tau2=tau2, test=test)
    assert_allclose([fit.beta[0], fit.se[0], fit.tau2], [mean.estimate, mean.se, mean.tau2])
    prediction = fit.predict([[1.0]]).iloc[0]
    assert_allclose([prediction.pi_low, prediction.pi_high], [mean.pi_low, mean.pi_high])


@pytest.mark.parametrize("test", TESTS)
def test_the_zero_of_a_moderator_does_not_matter(test):
    found = simulated()
    raw = regress(found, design(found), ["mean", "year"], test=test)
    centred = regress(found, design(found, 2000.0), ["mean", "year"], test=test)
    assert_allclose(raw.se[1], centred.se[1], rtol=1e-9)
    assert_allclose(raw.df[1], centred.df[1], rtol=1e-7)
    assert_allclose(raw.log_likelihood, centred.log_likelihood, rtol=1e-9)
    at = raw.predict([[1.0, 2000.0]]).iloc[0]
    assert_allclose([at.estimate, at.se], [centred.beta[0], centred.se[0]], rtol=1e-8)


@pytest.mark.parametrize("test", TESTS)
def test_one_constraint_is_the_squared_t_test(test):
    found = simulated()
    fit = regress(found, design(found), ["mean", "year"], test=test)
    joint = fit.wald([[0.0, 1.0]])
    assert_allclose(joint.statistic, fit.statistic[1] ** 2, rtol=1e-8)
    assert_allclose(joint.p_value, fit.p_value[1], rtol=1e-7)


def test_rows_may_stand_in_any_order():
    found = simulated()
    shuffled = ma.Effects(
        frame=found.frame.sample(frac=1, random_state=3).reset_index(drop=True), measure="generic"
    )
    a = regress(found, design(found), ["mean", "year"])
    b = regress(shuffled, design(shuffled), ["mean", "year"])
    assert_allclose(a.beta, b.beta, rtol=1e-8)
    assert_allclose(a.se, b.se, rtol=1e-8)


@pytest.mark.parametrize("factor", [1e-6, 10.0, 1e5])
def test_units_of_a_moderator_do_not_matter(factor):
    found = simulated()
    X = design(found, 2000.0)
    a = regress(found, X, ["mean", "year"])
    b = regress(found, X * [1.0, factor], ["mean", "year"])
    assert_allclose(a.beta, b.beta * [1.0, factor], rtol=1e-7)
    assert_allclose(a.statistic, b.statistic, rtol=1e-7)


def test_knapp_hartungs_f_uses_their_variance():
    found = effects("bcg")
    X = np.column_stack([np.ones(found.n_effects), np.linspace(0, 1, found.n_effects)])
    fit = regress(found, X, ["mean", "b"], test="knapp-hartung")
    C = np.eye(2)
    b, V = fit.beta, fit.covariance
    joint = fit.wald(C)
    assert_allclose(joint.statistic, b @ np.linalg.solve(V, b) / 2, rtol=1e-10)
    assert joint.df2 == found.n_effects - 2


def test_a_level_of_one_study_is_warned_of():
    found = simulated()
    alone = (found.frame["study"] == 0).to_numpy(float)
    X = np.column_stack([1 - alone, alone])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MetaAllianceWarning)
        fit = regress(found, X, ["others", "one"])
    said = [n.message for n in fit.notices if n.code == "MA642"]
    assert said and "a coefficient alone" in said[0]
    assert np.isnan(fit.se[1]) and np.isnan(fit.p_value[1])
    assert np.isfinite(fit.se[0])  # the others do not rest on it
    assert np.isnan(fit.contrast([[1.0, -1.0]]).se[0])
    assert np.isnan(fit.wald([[1.0, -1.0]]).p_value)
    assert fit.wald([[1.0, 0.0]]).p_value < 0.05


@pytest.mark.parametrize(
    ("X", "error", "words"),
    [
        (np.ones((3, 1)), OptionError, "shape"),
        (np.full((13, 1), np.nan), OptionError, "missing at effect 0"),
        (np.ones((13, 2)), EstimationError, "collinear"),
        (np.eye(13), EstimationError, "13 effects cannot estimate 13 coefficients"),
    ],
)
def test_impossible_designs_are_refused(X, error, words):
    found = effects("bcg")
    with pytest.raises(error, match=words):
        regress(found, X, [f"x{i}" for i in range(X.shape[1])])


def test_contrasts_have_their_own_degrees_of_freedom():
    found = simulated()
    group = np.arange(found.n_studies)[found.frame["study"].to_numpy(int)] % 3
    X = (group[:, None] == np.arange(3)).astype(float)
    fit = regress(found, X, ["a", "b", "c"])
    difference = fit.contrast([[1.0, -1.0, 0.0]])
    recoded = np.column_stack([np.ones(found.n_effects), X[:, 0], X[:, 2]])
    other = regress(found, recoded, ["b", "a - b", "c - b"])
    assert_allclose(difference.estimate[0], other.beta[1], rtol=1e-8)
    assert_allclose(difference.df[0], other.df[1], rtol=1e-6)
    assert_allclose(difference.p_value[0], other.p_value[1], rtol=1e-6)


def test_the_wild_bootstrap_of_a_constraint_is_seeded():
    found = simulated()
    fit = regress(found, design(found), ["mean", "year"])
    a, b = (fit.wild_bootstrap([[0.0, 1.0]], seed=4) for _ in range(2))
    assert a.p_value == b.p_value
    assert 0 < a.p_value_corrected <= 1


def test_a_dominant_study_is_warned_of():
    found = simulated()
    vi = found.vi.copy()
    vi[(found.frame["study"] == 0).to_numpy()] = 1e-6
    yi = np.where(found.frame["study"] == 0, 0.3, 0.3 + 1e-3 * np.sin(np.arange(vi.size)))
    heavy = ma.Effects.from_arrays(yi, vi, study=found.frame["study"])
    with pytest.warns(MetaAllianceWarning):
        fit = ma.pool(heavy)
    assert [n.code for n in fit.notices].count("MA643") == 1
