"""Meta-regressions under every structure, against R and against a dense likelihood."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from golden_data import ITERATED, assert_close, golden
from scipy import stats
from scipy.optimize import minimize

import metaalliance as ma
from metaalliance.core.arrays import Array
from metaalliance.core.inference.intervals import two_sided_p
from metaalliance.core.variance.ascent import maximize
from metaalliance.core.variance.multilevel import expected_information
from metaalliance.model import Model
from metaalliance.models.pool import fit_mean
from metaalliance.models.regression import fit_regression
from metaalliance.models.regression_fit import RegressionFit

CASES: dict[tuple[str, str], dict[str, Any]] = {
    ("assink2016", "within"): {"kind": "three-level", "within": ("deltype",)},
    ("assink2016", "within_che"): {"within": ("deltype",)},
    ("assink2016", "within_ml"): {"kind": "three-level", "within": ("deltype",), "tau2": "ML"},
    ("assink2016", "above"): {"above": ("team",)},
    ("assink2016", "crossed"): {"crossed": "deltype"},
    ("assink2016", "rho_by_study"): {"rho": "rho"},
    ("assink2016", "rho_same"): {"rho": 0.5, "rho_same": 0.8, "same": "deltype"},
    ("konstantopoulos2011", "crossed"): {"kind": "three-level", "crossed": "year"},
    ("konstantopoulos2011", "crossed_ml"): {
        "kind": "three-level", "crossed": "year", "tau2": "ML",
    },
}  # fmt: skip
cases = pytest.mark.parametrize("case", CASES, ids="-".join)


def effects_of(name: str) -> tuple[ma.Effects, Array, list[str]]:
    data = golden("structures")[name]["data"]
    names = [n for n in ("x", "pubstatus") if n in data]
    columns = {n: v for n, v in data.items() if n not in {"yi", "vi", "study"}}
    effects = ma.Effects.from_arrays(data["yi"], data["vi"], data["study"], columns)
    X = np.column_stack([np.ones(effects.n_effects), *(np.array(data[n], float) for n in names)])
    return effects, X, ["intercept", *names]


def fitted(case: tuple[str, str], **settings: Any) -> tuple[RegressionFit, dict[str, Any]]:
    found = fit_regression(*effects_of(case[0]), Model(**{**CASES[case], **settings}))
    return found, golden("structures")[case[0]][case[1]]


# R ---------------------------------------------------------------------------------------------


@cases
def test_coefficients_and_components_are_those_of_rma_mv(case):
    ours, theirs = fitted(case, test="t")
    assert set(ours.sigma2) == set(theirs["sigma2"])
    scale = sum(theirs["sigma2"].values())
    components = [theirs["sigma2"][name] for name in ours.sigma2]
    assert_close(list(ours.sigma2.values()), components, ITERATED, scale=scale)
    assert_close(ours.beta, theirs["beta"], ITERATED, scale=max(theirs["se"]))
    vcov = np.array(theirs["vcov"])
    assert_close(ours.covariance, vcov, ITERATED, scale=np.abs(vcov).max())
    assert_close(ours.log_likelihood, theirs["logLik"], ITERATED)


@cases
def test_model_based_tests_are_those_of_rma_mv(case):
    ours, theirs = fitted(case, test="t")
    # with k - p degrees of freedom, as rma.mv has them by default; ours are in test_degrees.py
    df = float(np.ravel(theirs["t"]["df"])[0])
    p_values = [two_sided_p(t, df) for t in ours.statistic]
    assert_close(p_values, theirs["t"]["p_value"], ITERATED, scale=1e-3)
    joint = ours.wald(np.eye(ours.beta.size)[1:])
    p_value = stats.f.sf(joint.statistic, joint.df1, df)
    assert_close([joint.statistic, p_value], [theirs["t"]["QM"], theirs["t"]["QMp"]], 1e-9)


@cases
def test_residual_heterogeneity_is_that_of_rma_mv(case):
    ours, theirs = fitted(case)
    assert_close([ours.QE, ours.QE_p_value], [theirs["Q"], theirs["Q_p"]], ITERATED, scale=1e-6)
    assert ours.QE_df == theirs["Q_df"]
    assert_close([ours.I2, sum(ours.I2_levels.values())], [theirs["I2_total"]] * 2, ITERATED)


@pytest.mark.parametrize("case", [c for c in CASES if "crossed" not in c[1]], ids="-".join)
def test_robust_inference_is_that_of_clubSandwich(case):
    ours, theirs = fitted(case, test="cr2")
    vcov = np.array(theirs["CR2"]["vcov"])
    assert_close(ours.covariance, vcov, ITERATED, scale=np.abs(vcov).max())
    assert_close(ours.df, theirs["CR2"]["df"], ITERATED)
    known = ~np.isnan(ours.p_value)  # one team alone determines two coefficients: ours are missing
    assert known[1]
    assert known.all() == (case[1] != "above")
    p_values = np.array(theirs["CR2"]["p_value"])
    assert_close(ours.p_value[known], p_values[known], ITERATED, scale=1e-3)
    if not known.all():
        assert "MA642" in {found.code for found in ours.notices}
        return
    joint, htz = ours.wald(np.eye(3)[1:]), theirs["CR2"]["htz"]
    assert_close(
        [joint.statistic, joint.df2, joint.p_value], [htz["F"], htz["df2"], htz["p_value"]], 1e-9
    )


# A dense likelihood ------------------------------------------------------------------------------


def dense(fit: RegressionFit) -> tuple[Array, list[Array]]:
    """Sampling covariance and the derivatives by each component, from the sheet."""
    frame, model = fit.effects.frame, fit.specification
    root, study = np.sqrt(fit.effects.vi), frame["study"].to_numpy()
    together = study[:, None] == study
    rho = model.rho if not isinstance(model.rho, str) else frame[model.rho].to_numpy(float)
    V = np.outer(root, root) * together * (0.0 if rho is None else rho)
    if model.same:
        alike = together & (frame[model.same].to_numpy()[:, None] == frame[model.same].to_numpy())
        V = np.where(alike, np.outer(root, root) * model.rho_same, V)
    np.fill_diagonal(V, fit.effects.vi)
    parts = []
    for name in fit.sigma2:
        codes = np.arange(root.size) if name == "effect" else frame[name].to_numpy()
        same = codes[:, None] == codes
        parts.append((same & together if name in model.within else same).astype(float))
    return V, parts


def dense_likelihood(fit: RegressionFit, theta: Array) -> float:
    V, parts = dense(fit)
    S = V + sum(t * A for t, A in zip(theta, parts, strict=True))
    X, y = fit.X, fit.effects.yi
    W = np.linalg.inv(S)
    M = X.T @ W @ X
    e = y - X @ np.linalg.solve(M, X.T @ W @ y)
    value = -0.5 * (y.size * math.log(2 * math.pi) + np.linalg.slogdet(S)[1] + e @ W @ e)
    if fit.tau2_method == "REML":
        gain = np.linalg.slogdet(X.T @ X)[1] - np.linalg.slogdet(M)[1]
        value += 0.5 * (X.shape[1] * math.log(2 * math.pi) + gain)
    return float(value)


@cases
def test_no_general_optimiser_finds_a_likelier_point(case):
    ours, _ = fitted(case)
    theta = np.array(list(ours.sigma2.values()))
    top = dense_likelihood(ours, theta)
    for start in (np.full(theta.size, 0.05), theta + 0.01):
        found = minimize(
            lambda at: -dense_likelihood(ours, at),
            start,
            method="L-BFGS-B",
            bounds=[(0, None)] * theta.size,
        )
        assert -found.fun <= top + 1e-7


@cases
@pytest.mark.parametrize("restricted", [True, False])
def test_expected_information_is_half_the_trace(case, restricted):
    ours, _ = fitted(case)
    V, parts = dense(ours)
    W = np.linalg.inv(V + sum(t * A for t, A in zip(ours.point.theta, parts, strict=True)))
    X = ours.X
    P = W - W @ X @ np.linalg.inv(X.T @ W @ X) @ X.T @ W if restricted else W
    theirs = np.array([[np.sum((P @ A) * (P @ B).T) / 2 for B in parts] for A in parts])
    found = expected_information(ours.data, ours.point, restricted=restricted)
    assert_close(found, theirs, 1e-9, scale=np.abs(theirs).max() * 1e-3)


# Intervals, wild bootstrap, studies left out ------------------------------------------------------

STRUCTURES = [
    {"within": ("deltype",)}, {"above": ("team",)}, {"crossed": "deltype"}, {"rho": "rho"},
    {"rho": 0.5, "rho_same": 0.8, "same": "deltype"},
]  # fmt: skip
structures = pytest.mark.parametrize("settings", STRUCTURES, ids=str)


def mean_of(settings: dict[str, Any]) -> Any:
    return fit_mean(effects_of("assink2016")[0], Model(**settings))


@structures
@pytest.mark.parametrize("which", ["first", "total"])
def test_bounds_of_a_profile_lie_where_the_likelihood_has_fallen_enough(settings, which):
    fit = mean_of(settings)
    name = "total" if which == "total" else next(iter(fit.sigma2))
    ci, c = fit.sigma2_ci(name), len(fit.sigma2)
    as_regression = fit_regression(
        fit.effects, np.ones((fit.n_effects, 1)), ["mean"], Model(**settings)
    )
    top = dense_likelihood(as_regression, fit.point.theta)
    for bound in (b for b in ci if b > 0):
        # the other components by a general optimiser, from where ours lie
        if which == "total":
            free, constraint = fit.point.theta / fit.tau2 * bound, lambda t, b=bound: t.sum() - b
        else:
            free, constraint = np.r_[bound, fit.point.theta[1:]], lambda t, b=bound: t[0] - b
        found = minimize(
            lambda t: -dense_likelihood(as_regression, np.maximum(t, 0)),
            free,
            method="SLSQP",
            bounds=[(0, None)] * c,
            constraints={"type": "eq", "fun": constraint},
            options={"ftol": 1e-13, "maxiter": 500},
        )
        assert abs(2 * (top + found.fun) - 3.841458820694124) < 2e-5


@cases
def test_profile_intervals_of_components_are_those_of_r(case):
    ours, theirs = fitted(case)
    found = {
        name: ma.core.variance.profile.variance_interval(
            ours.data, ours.point, name, 0.95, restricted=ours.tau2_method == "REML"
        )
        for name in ours.sigma2
    }
    for name, ci in found.items():
        expected = theirs["sigma2_ci"][name]
        assert_close([*ci], [expected["low"], expected["high"]], 1e-7, scale=expected["high"])


@structures
def test_a_subset_is_fitted_as_its_effects_are(settings):
    fit = mean_of(settings)
    keep = fit.effects.frame["study"].to_numpy() != 4
    data = fit.data.subset(keep[fit.data.order])
    again = fit_mean(fit.effects.subset(keep), fit.specification)
    np.testing.assert_array_equal(data.yi[np.argsort(data.order)], again.effects.yi)
    found = maximize(data, fit.point.theta, restricted=True)
    assert_close(found.beta[0], again.estimate, 1e-7, scale=fit.se)


def test_a_crossed_factor_has_no_wild_bootstrap():
    fit = mean_of({"crossed": "deltype"})
    with pytest.raises(ma.OptionError, match="leaves no independent clusters"):
        fit.wild_bootstrap()
    regression, _ = fitted(("assink2016", "crossed"))
    with pytest.raises(ma.OptionError, match="leaves no independent clusters"):
        regression.wald(np.eye(3)[1:], kind="htz")


@pytest.mark.parametrize("settings", [s for s in STRUCTURES if "crossed" not in s], ids=str)
def test_wild_bootstrap_statistic_is_the_robust_wald_statistic(settings):
    fit = fit_regression(*effects_of("assink2016"), Model(**settings, test="cr0"))
    found = fit.wild_bootstrap([0, 1, 0], replications=99)
    assert_close(found.statistic, fit.wald([0, 1, 0], kind="chi2").Q, ITERATED)
    assert 0 < found.p_value_corrected <= 1


@structures
def test_every_level_has_its_interval_and_is_told_relative_to_the_mean(settings):
    fit = mean_of(settings)
    found = fit.to_dict()["heterogeneity"]
    assert set(found["sigma2_ci"]) == set(found["sigma2"]) == set(found["relative"]) - {"total"}
    for name, value in found["sigma2"].items():
        low, high = found["sigma2_ci"][name]
        assert low <= value <= high
        assert f"{value:.4f} [{low:.4f}, {high:.4f}], I²" in fit.summary()
        relative = found["relative"][name]
        assert relative["M1_ci_low"] <= relative["M1"] <= relative["M1_ci_high"]
    regression, _ = fitted(("assink2016", "crossed"))
    assert set(regression.to_dict()["residual_heterogeneity"]["sigma2_ci"]) == set(
        regression.sigma2
    )


@structures
def test_share_of_true_effects_has_an_interval(settings):
    found = mean_of(settings).proportion_above(0.2)
    assert found.ci_low < found.estimate < found.ci_high


def test_a_design_that_fits_every_group_of_a_level_is_refused():
    effects, _, _ = effects_of("assink2016")
    kind = effects.frame["deltype"].to_numpy()
    X = np.column_stack([kind == name for name in np.unique(kind)]).astype(float)
    with pytest.raises(ma.EstimationError, match="each of the 3 groups of 'deltype'"):
        fit_regression(effects, X, list("abc"), Model(crossed="deltype"))
