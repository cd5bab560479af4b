"""Three-level and CHE models against rma.mv at the polished optimum, and clubSandwich."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from golden_data import (
    CLOSED,
    ITERATED,
    assert_close,
    assert_same_tail,
    effects,
    fit,
    golden,
)

import metaalliance as ma
from metaalliance.core.inference.intervals import interval, two_sided_p
from metaalliance.core.inference.robust import robust_covariance
from metaalliance.core.variance.ascent import maximize, start_values
from metaalliance.core.variance.heterogeneity import q_test
from metaalliance.core.variance.multilevel import MultilevelData, evaluate, nested_data
from metaalliance.model import Model
from metaalliance.models.structure import working_data

DATA = (
    "assink2016", "bornmann2007", "craft2003", "crede2010", "knapp2017", "konstantopoulos2011",
)  # fmt: skip
EDGES = ("effect_variance_zero", "one_big_study", "study_variance_zero")
COMPONENTS = ("study", "effect")


def sorted_effects(found, rho) -> MultilevelData:
    model = Model(kind="che", rho=rho).resolved(dependent=True)
    return working_data(found, np.ones((found.n_effects, 1)), model)


def block(name: str) -> dict[str, Any]:
    """Return the dependent results of a data set or of an edge case."""
    return golden(name).get("dependent", golden(name))


class Case(NamedTuple):
    """One fit of rma.mv."""

    data: str
    model: str
    rho: float
    method: str

    @property
    def theirs(self) -> dict[str, Any]:
        if self.model == "three-level":
            return block(self.data)["three_level"][self.method]
        return block(self.data)["che"][f"rho{self.rho}"][self.method]

    def ours(self, test: str = "wald", prediction: str = "normal") -> Any:
        options = {"rho": self.rho} if self.model == "che" else {}
        return fit(
            self.data,
            dependent=True,
            model=self.model,
            tau2=self.method,
            test=test,
            prediction=prediction,
            **options,
        )


def cases(name: str) -> list[Case]:
    found = [Case(name, "three-level", 0.0, method) for method in block(name)["three_level"]]
    for label, methods in block(name)["che"].items():
        found += [Case(name, "che", float(label.removeprefix("rho")), m) for m in methods]
    return found


def label(case: Case) -> str:
    return "-".join(map(str, case))


#: Here rma.mv ends in the lower of two maxima; see the test of this case below.
LOWER = Case("one_big_study", "three-level", 0.0, "ML")
CASES = [case for name in DATA + EDGES for case in cases(name) if case != LOWER]
PROFILED = [case for case in CASES if "sigma2_ci" in case.theirs]

every_fit = pytest.mark.parametrize("case", CASES, ids=label)
every_correction = pytest.mark.parametrize("kind", ["CR0", "CR1", "CR2"])


def test_grid_is_whole():
    # REML and ML of both models and CHE with rho = .8; the edges without CHE by ML and rho = .8
    assert len(CASES) == 6 * 5 + 3 * 3 - 1
    assert len(PROFILED) == 6 * 2 + 3 * 2


def test_the_higher_of_two_maxima_is_found_where_r_ends_in_the_lower():
    ours, theirs = LOWER.ours(), LOWER.theirs
    assert ours.log_likelihood > theirs["logLik"] + 0.08
    at_theirs = evaluate(ours.data, np.array(list(theirs["sigma2"].values())), restricted=False)
    assert_close(at_theirs.log_likelihood, theirs["logLik"], 1e-10)  # the same likelihood
    grid = [np.array([s, e]) for s in np.linspace(0, 0.3, 31) for e in np.linspace(0, 0.3, 31)]
    best = max(evaluate(ours.data, t, restricted=False).log_likelihood for t in grid)
    assert ours.log_likelihood >= best


def test_the_higher_maximum_lies_between_two_lower_ones():
    # simulated; metafor 3.8, rma.mv with sigma2.init = .003 for both components: its likelihood
    # at (.00477, 0), where a climb from moment estimates ends, is lower by .19
    r = [0.17, 0.24, 0.24, 0.3, 0.25, 0.18, 0.35, 0.25, -0.004, 0.28, 0.4, 0.41]
    n = np.array([223, 1204, 1204, 81, 207, 207, 110, 117, 117, 78, 191, 191])
    effects = ma.Effects.from_arrays(np.arctanh(r), 1 / (n - 3), study=list("abbcddeffghh"))
    fit = ma.pool(effects)
    assert_close(fit.estimate, 0.2631844040299579, 1e-8)
    assert_close(fit.sigma2["study"], 0.0031642265364368, 1e-6)
    assert_close(fit.sigma2["effect"], 0.0029932422470328, 1e-6)


@every_fit
def test_estimate(case):
    assert_close(case.ours().estimate, case.theirs["estimate"], ITERATED, case.theirs["se"])


@every_fit
def test_standard_error(case):
    assert_close(case.ours().se, case.theirs["se"], ITERATED)


@every_fit
@pytest.mark.parametrize("component", COMPONENTS)
def test_variance_component(case, component):
    assert_close(case.ours().sigma2[component], case.theirs["sigma2"][component], ITERATED)


@every_fit
def test_tau2_is_the_sum_of_the_components(case):
    assert_close(case.ours().tau2, sum(case.theirs["sigma2"].values()), ITERATED)


@every_fit
def test_log_likelihood(case):
    assert_close(case.ours().log_likelihood, case.theirs["logLik"], CLOSED, scale=1.0)


@every_fit
def test_q(case):
    assert_close(case.ours().Q, case.theirs["Q"], CLOSED)


@every_fit
def test_q_degrees_of_freedom(case):
    assert case.ours().Q_df == case.theirs["Q_df"]


@every_fit
def test_q_p_value(case):
    assert_same_tail(case.ours().Q_p_value, case.theirs["Q_p"], CLOSED)


@every_fit
def test_i2_is_a_fraction(case):
    assert_close(case.ours().I2, case.theirs["I2"]["total"] / 100, ITERATED)


@every_fit
@pytest.mark.parametrize("component", COMPONENTS)
def test_i2_of_a_level(case, component):
    theirs = case.theirs["I2"][component] / 100
    assert_close(case.ours().I2_levels[component], theirs, ITERATED)


@every_fit
def test_h2(case):
    typical = case.theirs["I2"]["typical_variance"]
    theirs = 1 + sum(case.theirs["sigma2"].values()) / typical
    assert_close(case.ours().H2, theirs, ITERATED)


# Model-based inference ------------------------------------------------------------------------

model_test = pytest.mark.parametrize(
    ("r_test", "options"), [("z", ("wald", "normal")), ("t", ("t", "t"))], ids=["z", "t"]
)


@every_fit
@model_test
def test_statistic(case, r_test, options):
    assert_close(case.ours(*options).statistic, case.theirs[r_test]["statistic"], ITERATED)


@every_fit
@model_test
def test_p_value(case, r_test, options):
    # with k - 1 degrees of freedom, as rma.mv has them by default; ours are in test_degrees.py
    ours, theirs = case.ours(*options), case.theirs[r_test]
    df = np.inf if theirs["df"] is None else theirs["df"]
    assert_same_tail(two_sided_p(ours.statistic, df), theirs["p_value"], ITERATED)
    assert_same_tail(ours.p_value, two_sided_p(theirs["statistic"], ours.df), ITERATED)


@every_fit
@model_test
def test_limits(case, r_test, options):
    ours, theirs = case.ours(*options), case.theirs[r_test]
    df = np.inf if theirs["df"] is None else theirs["df"]
    spread = np.sqrt(ours.se**2 + ours.tau2)
    for kind, error in (("ci", ours.se), ("pi", spread)):
        expected = [theirs[f"{kind}_low"], theirs[f"{kind}_high"]]
        found = interval(ours.estimate, error, df, 0.95)
        assert_close(found, expected, ITERATED, case.theirs["se"])
        own = interval(ours.estimate, error, ours.df, 0.95)
        assert_close([getattr(ours, f"{kind}_low"), getattr(ours, f"{kind}_high")], own, CLOSED)


# Cluster-robust inference ---------------------------------------------------------------------


@every_fit
@every_correction
def test_robust_standard_error(case, kind):
    assert_close(case.ours(kind.lower()).se, case.theirs["robust"][kind]["se"], ITERATED)


@every_fit
@every_correction
def test_satterthwaite_degrees_of_freedom(case, kind):
    theirs = case.theirs["robust"][kind]["satterthwaite"]["df"]
    assert_close(case.ours(kind.lower()).df, theirs, ITERATED)


@every_fit
@every_correction
def test_robust_p_value(case, kind):
    theirs = case.theirs["robust"][kind]["satterthwaite"]["p_value"]
    assert_same_tail(case.ours(kind.lower()).p_value, theirs, ITERATED)


@every_fit
@every_correction
@pytest.mark.parametrize("limit", ["ci_low", "ci_high"])
def test_robust_limit(case, kind, limit):
    theirs = case.theirs["robust"][kind]
    ours = getattr(case.ours(kind.lower()), limit)
    assert_close(ours, theirs["satterthwaite"][limit], ITERATED, case.theirs["se"])


# Profile-likelihood intervals -----------------------------------------------------------------


@pytest.mark.parametrize("case", PROFILED, ids=label)
@pytest.mark.parametrize("component", COMPONENTS)
def test_profile_interval(case, component):
    theirs = case.theirs["sigma2_ci"][component]
    assert_close(case.ours().sigma2_ci(component), [theirs["low"], theirs["high"]], ITERATED)


# One cause at a time: R's components given, what follows is a closed form ---------------------


@every_fit
def test_given_components_the_mean_is_exact(case):
    data = sorted_effects(effects(case.data, dependent=True), case.rho)
    theta = np.array([case.theirs["sigma2"][c] for c in COMPONENTS])
    point = evaluate(data, theta, restricted=case.method == "REML")
    assert_close(point.beta[0], case.theirs["estimate"], CLOSED, case.theirs["se"])


@every_fit
@every_correction
def test_given_components_robust_covariance_is_exact(case, kind):
    data = sorted_effects(effects(case.data, dependent=True), case.rho)
    theta = np.array([case.theirs["sigma2"][c] for c in COMPONENTS])
    found = robust_covariance(data, evaluate(data, theta, restricted=True), kind.lower())
    theirs = case.theirs["robust"][kind]
    ours = [np.sqrt(found.covariance[0, 0]), found.df[0]]
    assert_close(ours, [theirs["se"], theirs["satterthwaite"]["df"]], CLOSED)


# Dependent effects around the independent working model ---------------------------------------


@pytest.mark.parametrize("name", DATA)
def test_working_model_estimate(name):
    ours = fit(name, dependent=True, model="two-level", test="cr2")
    assert_close(ours.estimate, block(name)["independent"]["estimate"], ITERATED)


@pytest.mark.parametrize("name", DATA)
def test_working_model_tau2(name):
    ours = fit(name, dependent=True, model="two-level", test="cr2")
    assert_close(ours.tau2, block(name)["independent"]["tau2"], ITERATED)


@pytest.mark.parametrize("name", DATA)
@every_correction
def test_working_model_robust_standard_error(name, kind):
    ours = fit(name, dependent=True, model="two-level", test=kind.lower())
    assert_close(ours.se, block(name)["independent"]["robust"][kind]["se"], ITERATED)


@pytest.mark.parametrize("name", DATA)
@every_correction
@pytest.mark.parametrize("value", ["df", "ci_low", "ci_high"])
def test_working_model_robust_inference(name, kind, value):
    ours = fit(name, dependent=True, model="two-level", test=kind.lower())
    theirs = block(name)["independent"]["robust"][kind]
    assert_close(getattr(ours, value), theirs["satterthwaite"][value], ITERATED, theirs["se"])


@pytest.mark.parametrize("name", DATA)
@every_correction
def test_working_model_robust_p_value(name, kind):
    ours = fit(name, dependent=True, model="two-level", test=kind.lower())
    theirs = block(name)["independent"]["robust"][kind]["satterthwaite"]["p_value"]
    assert_same_tail(ours.p_value, theirs, ITERATED)


# A moderator beside the intercept, through the core -------------------------------------------

REGRESSIONS = [
    (name, key)
    for name in DATA
    if "moderator" in block(name)
    for key in ("three_level", "che_rho0.6")
]
regression = pytest.mark.parametrize(("name", "key"), REGRESSIONS)


def meta_regression(name: str, key: str) -> tuple[MultilevelData, Any, dict[str, Any]]:
    """Climb to the optimum with a design of two columns; also return R's values."""
    mods = block(name)["moderator"]
    rho = 0.0 if key == "three_level" else 0.6
    mean = sorted_effects(effects(name, dependent=True), rho)
    X = np.column_stack([np.ones(mean.order.size), np.array(mods["x"], float)[mean.order]])
    data = nested_data(mean.yi, mean.vi, X, mean.blocks, rho)
    return data, maximize(data, start_values(data)[0], restricted=True), mods[key]


def test_regression_grid_is_whole():
    assert len(REGRESSIONS) == 5 * 2


@regression
def test_coefficients(name, key):
    _, point, theirs = meta_regression(name, key)
    assert_close(point.beta, theirs["beta"], ITERATED)


@regression
def test_covariance_of_coefficients(name, key):
    _, point, theirs = meta_regression(name, key)
    size = np.prod(theirs["se"])
    assert_close(point.bread, theirs["vcov"], ITERATED, scale=size)


@regression
@pytest.mark.parametrize("index", [0, 1], ids=COMPONENTS)
def test_residual_component(name, key, index):
    _, point, theirs = meta_regression(name, key)
    assert_close(point.theta[index], theirs["sigma2"][COMPONENTS[index]], ITERATED)


@regression
def test_restricted_log_likelihood(name, key):
    _, point, theirs = meta_regression(name, key)
    assert_close(point.log_likelihood, theirs["logLik"], CLOSED, scale=1.0)


@regression
def test_residual_q(name, key):
    data, _, theirs = meta_regression(name, key)
    found = q_test(data)
    assert_close(found.Q, theirs["Q"], CLOSED)
    assert found.df == theirs["Q_df"]


@regression
def test_regression_robust_standard_errors(name, key):
    data, point, theirs = meta_regression(name, key)
    found = robust_covariance(data, point, "cr2")
    assert_close(np.sqrt(np.diag(found.covariance)), theirs["robust"]["CR2"]["se"], ITERATED)


@regression
def test_regression_satterthwaite_degrees_of_freedom(name, key):
    data, point, theirs = meta_regression(name, key)
    found = robust_covariance(data, point, "cr2")
    assert_close(found.df, theirs["robust"]["CR2"]["satterthwaite"]["df"], ITERATED)


@regression
@pytest.mark.parametrize("j", [0, 1])
def test_regression_robust_interval_and_p(name, key, j):
    data, point, theirs = meta_regression(name, key)
    found = robust_covariance(data, point, "cr2")
    se, df = float(np.sqrt(found.covariance[j, j])), float(found.df[j])
    beta, theirs = float(point.beta[j]), theirs["robust"]["CR2"]["satterthwaite"]
    limits = [theirs["ci_low"][j], theirs["ci_high"][j]]
    assert_close(interval(beta, se, df, 0.95), limits, ITERATED, se)
    assert_same_tail(two_sided_p(beta / se, df), theirs["p_value"][j], ITERATED)
