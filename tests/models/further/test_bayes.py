"""Bayesian model through the public surface: R, brute force, scales, dependence."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from golden_data import assert_close, golden
from scipy import stats

import metaalliance as ma
from metaalliance.core.bayesian.priors import NormalPrior
from metaalliance.errors import EstimationError, OptionError

#: R's integrals and quantile searches.
INTEGRALS = 1e-9

PRIORS = {
    "half_normal_0.3": ("half-normal", 0.3),
    "half_cauchy_0.3": ("half-cauchy", 0.3),
    "uniform_2": ("uniform", 2.0),
    "uniform": ("uniform", None),
}
MEANS = {"flat": None, "normal": (0.1, 0.5)}
YI, VI = np.array([0.1, 0.35, 0.6]), np.array([0.02, 0.01, 0.04])
THREE = ma.Effects.from_arrays(YI, VI, study=list("ABC"), measure="z")


@pytest.mark.parametrize("name", ["molloy2014", "bcg", "crede2010"])
@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("mean", MEANS)
def test_as_integrate_has_it(name, prior, mean):
    data, (kind, scale) = golden(name)["data"], PRIORS[prior]
    expected = golden("extras")["data_sets"][name]["bayes"][prior][mean]
    fit = ma.bayes(
        ma.Effects.from_arrays(data["yi"], data["vi"]),
        tau_prior=kind,
        scale=scale,
        mu_prior=MEANS[mean],
        interval="central",
    )
    for own, theirs in ((fit.mu, expected["mu"]), (fit.tau, expected["tau"])):
        for field in ("mean", "sd", "median", "low", "high"):
            assert_close(getattr(own, field), theirs[field], INTEGRALS)
    assert_close(
        [fit.new_effect.low, fit.new_effect.high],
        [expected["new_effect"]["low"], expected["new_effect"]["high"]],
        INTEGRALS,
    )
    assert_close(
        fit.probability_above(0.1, scale="analysis"), expected["mu"]["above_0.1"], INTEGRALS
    )
    studies = fit.studies()
    assert_close(studies["mean"].iloc[[0, -1]], expected["study_means"], INTEGRALS)
    assert_close(studies["sd"].iloc[[0, -1]], expected["study_sds"], INTEGRALS)


@pytest.mark.parametrize("name", ["molloy2014", "bcg"])
def test_bayes_factors_as_integrate_has_them(name):
    data = golden(name)["data"]
    expected = golden("extras")["data_sets"][name]["bayes"]["half_normal_0.3"]["normal"]
    effects = ma.Effects.from_arrays(data["yi"], data["vi"])
    fit = ma.bayes(effects, scale=0.3, mu_prior=(0.1, 0.5))
    assert_close(
        [fit.log_bf_mu, fit.log_bf_tau],
        [expected["log_bayes_factor_mu"], expected["log_bayes_factor_tau"]],
        INTEGRALS,
    )
    assert_close(fit.bf_mu, math.exp(expected["log_bayes_factor_mu"]), 1e-8)


def test_example_of_the_documentation_by_brute_force():
    """The joint density of mean and tau on a fine grid, default prior of correlations."""
    nodes, weights = np.polynomial.legendre.leggauss(120)
    tau, w_tau = 0.75 + 0.75 * nodes, 0.75 * weights

    def mass(low, high):
        mu, w_mu = (low + high) / 2 + (high - low) / 2 * nodes, (high - low) / 2 * weights
        sd = np.sqrt(VI[:, None] + tau**2)
        logs = stats.norm.logpdf(YI[:, None, None], mu[:, None], sd[:, None, :]).sum(axis=0)
        logs += stats.norm.logpdf(mu, 0, 0.5)[:, None] + stats.norm.logpdf(tau, 0, 0.25)
        return w_mu @ np.exp(logs) @ w_tau

    below, above = mass(-2.5, 0.1), mass(0.1, 2.5)
    fit = ma.bayes(THREE, mu_prior=(0.0, 0.5))
    found = fit.probability_above(0.1, scale="analysis")
    assert_close(found, above / (below + above), 1e-7)


# Scales and settings ------------------------------------------------------------------------------


def test_threshold_is_a_correlation_unless_told():
    fit = ma.bayes(THREE)
    assert fit.probability_above(0.3) == fit.probability_above(math.atanh(0.3), scale="analysis")
    assert fit.probability_above(1.0) == 0.0
    assert fit.probability_new_above(-1.0) == 1.0


def test_new_effects_are_more_spread_than_the_mean():
    fit = ma.bayes(THREE)
    assert fit.probability_new_above(0.6) > fit.probability_above(0.6)
    assert fit.new_effect.low < fit.mu.low < fit.mu.high < fit.new_effect.high


def test_frame_on_the_scale_of_r():
    fit = ma.bayes(THREE)
    analysis, r = fit.to_frame(), fit.to_frame("r")
    assert_close(r["low"].iloc[:2], np.tanh(analysis["low"].iloc[:2]), 1e-14)
    assert r["mean"].iloc[:2].isna().all()
    assert r.iloc[2].equals(analysis.iloc[2])


def test_studies_are_shrunken_towards_the_mean():
    fit = ma.bayes(THREE)
    studies = fit.studies()
    assert (np.abs(studies["mean"] - fit.mu.mean) < np.abs(YI - fit.mu.mean)).all()
    assert (studies["sd"] < np.sqrt(VI)).all()
    assert_close(fit.studies("r")["low"], np.tanh(studies["low"]), 1e-14)


def test_default_scale_of_correlations():
    assert ma.bayes(THREE).scale == 0.25
    assert ma.bayes(THREE, scale=0.25).mu == ma.bayes(THREE).mu


def test_other_metrics_need_a_scale():
    with pytest.raises(OptionError, match="needs scale="):
        ma.bayes(ma.Effects.from_arrays(YI, VI))


def test_flat_and_improper_priors_have_no_bayes_factor():
    fit = ma.bayes(THREE, tau_prior="uniform")
    assert math.isnan(fit.log_bf_mu)
    assert math.isnan(fit.log_bf_tau)
    assert "Bayes factor" not in fit.summary()
    assert fit.to_dict()["log_bayes_factor_tau"] is None


def test_null_other_than_zero():
    at_mean = ma.bayes(THREE, mu_prior=(0.0, 0.5), null=0.3).log_bf_mu
    assert at_mean < 0 < ma.bayes(THREE, mu_prior=(0.0, 0.5)).log_bf_mu
    assert "for the null mean" in ma.bayes(THREE, mu_prior=(0.0, 0.5), null=0.3).summary()


def test_prior_object():
    assert (
        ma.bayes(THREE, mu_prior=NormalPrior(0.0, 0.5)).mu == ma.bayes(THREE, mu_prior=(0, 0.5)).mu
    )


def test_one_study_has_an_answer():
    one = ma.Effects.from_arrays([0.3], [0.02], measure="z")
    fit = ma.bayes(one)
    assert fit.estimate == pytest.approx(0.3, abs=1e-9)
    assert fit.log_bf_tau == pytest.approx(0.0, abs=1e-9)


def test_identical_effects():
    same = ma.Effects.from_arrays([0.3] * 5, [0.02] * 5, measure="z")
    fit = ma.bayes(same)
    assert fit.estimate == pytest.approx(0.3, abs=1e-9)
    assert fit.tau.low == 0.0
    assert fit.log_bf_tau < 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tau_prior": "half-student"}, "tau_prior='half-student'"),
        ({"scale": 0.0}, "scale of a prior"),
        ({"scale": -1.0}, "scale of a prior"),
        ({"mu_prior": (0.0, 0.0)}, "sd a positive"),
        ({"mu_prior": 0.5}, "mu_prior=0.5"),
        ({"null": math.nan}, "null=nan"),
        ({"level": 95}, "level=95"),
        ({"interval": "hdi"}, "interval='hdi'"),
    ],
)
def test_options(options, message):
    with pytest.raises(OptionError, match=message):
        ma.bayes(THREE, **options)


# Dependence ---------------------------------------------------------------------------------------

DEPENDENT = ma.Effects.from_arrays(YI, VI, study=list("AAB"), measure="z")


def test_dependent_effects_are_refused():
    with pytest.raises(EstimationError, match="Bayesian model takes one effect per study, but 1"):
        ma.bayes(DEPENDENT)


def test_dependent_effects_are_averaged_with_a_stated_rho():
    fit, by_hand = ma.bayes(DEPENDENT, rho=0.7), ma.bayes(ma.aggregate(DEPENDENT, 0.7))
    assert fit.mu == by_hand.mu
    assert [p.code for p in fit.notices] == ["MA623"]
    assert "rho = 0.7" in fit.summary()


def test_document():
    document = json.loads(json.dumps(ma.bayes(THREE, mu_prior=(0, 1)).to_dict(), allow_nan=False))
    assert document["settings"]["tau_prior"] == "half-normal"
    assert document["r"]["mean"]["median"] == math.tanh(document["posterior"]["mean"]["median"])
    assert [s["study"] for s in document["studies"]] == ["A", "B", "C"]
