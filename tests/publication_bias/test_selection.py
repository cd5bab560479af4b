"""Selection models: R, derivatives, clusters, refusals."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from bias_data import DEPENDENT, INDEPENDENT, dependent, independent, quiet, theirs
from golden_data import assert_close, golden
from scipy import integrate, stats

import metaalliance as ma
from metaalliance.core.selection.beta import BetaWeights
from metaalliance.core.selection.likelihood import SelectionProblem
from metaalliance.core.selection.penalty import Penalty
from metaalliance.core.selection.steps import StepWeights
from metaalliance.errors import EstimationError, MetaAllianceWarning, OptionError

CASES = [
    (name, case)
    for name in INDEPENDENT
    for case in ("one", "two", "three", "five", "both")
    if case in theirs(name)["selection"]
]


def steps_of(fit):
    return tuple(np.atleast_1d(fit["steps"]))


def fit_like(effects, golden_fit, **options):
    way = golden_fit["alternative"].replace(".", "-")
    return quiet(ma.selection_model, effects, steps_of(golden_fit), alternative=way, **options)


@pytest.mark.parametrize(("name", "case"), CASES)
def test_steps_agree_with_the_likelihood_in_r(name, case):
    golden_fit = theirs(name)["selection"][case]
    found = fit_like(independent(name), golden_fit)
    p = len(golden_fit["beta"])
    se = golden_fit["se"]
    assert_close(found.beta, golden_fit["beta"], 1e-6, se[0])
    assert_close(found.tau2, golden_fit["tau2"], 1e-6, se[p])
    assert_close(found.weights[1:], golden_fit["delta"], 1e-6)
    assert_close([*found.se, found.tau2_se, *found.weights_se[1:]], se, 1e-5)
    assert_close(found.log_likelihood, golden_fit["log_likelihood"], 1e-10, 1.0)
    assert_close(found.test_statistic, golden_fit["LRT"], 1e-7, 1.0)
    assert_close(found.test_p_value, stats.chi2.sf(golden_fit["LRT"], found.test_df), 1e-6)


@pytest.mark.parametrize(("name", "case"), CASES)
def test_steps_agree_with_selmodel(name, case):
    golden_fit = theirs(name)["selection"][case]
    found, metafor = fit_like(independent(name), golden_fit), golden_fit["metafor"]
    assert_close(found.beta, metafor["beta"], 1e-4, found.se[0])
    assert_close(found.test_statistic, metafor["LRT"], 1e-4, 1.0)
    assert_close(found.se, metafor["se"], 1e-3)


@pytest.mark.parametrize("name", ["molloy2014", "bcg", "crede2010_aggregated"])
def test_known_weights_agree_with_r(name):
    golden_fit = theirs(name)["selection"]["fixed"]
    fixed = golden_fit["fixed"]
    found = fit_like(independent(name), golden_fit, weights=fixed)
    assert_close(found.beta, golden_fit["beta"], 1e-6, found.se[0])
    assert_close(found.tau2, golden_fit["tau2"], 1e-6)
    assert_close([*found.se, found.tau2_se], golden_fit["se"], 1e-5)
    assert found.weights.tolist() == [1.0, *fixed]
    assert found.test == "none" and math.isnan(found.test_p_value)


@pytest.mark.parametrize("name", INDEPENDENT[:-1])
def test_beta_agrees_with_the_likelihood_in_r(name):
    golden_fit = theirs(name)["selection"]["beta"]
    found = quiet(ma.beta_selection_model, independent(name), smallest_p=1e-5)
    assert found.alternative == golden_fit["alternative"]
    se = golden_fit["se"]
    assert_close(found.beta, golden_fit["beta"], 1e-6, se[0])
    assert_close(found.tau2, golden_fit["tau2"], 1e-6, se[1] or 1e-9)
    assert_close(found.weights, golden_fit["delta"], 1e-6)
    assert_close([*found.se, *found.weights_se], [se[0], *se[2:]], 1e-5)
    if se[1] is None:
        assert found.tau2 == 0 and math.isnan(found.tau2_se)
    else:
        assert_close(found.tau2_se, se[1], 1e-5)
    assert_close(found.log_likelihood, golden_fit["log_likelihood"], 1e-10, 1.0)
    # metafor integrates with R's default tolerance
    if abs(golden_fit["metafor"]["LRT"] - golden_fit["LRT"]) < 0.01:  # it found the same maximum
        assert_close(found.beta, golden_fit["metafor"]["beta"], 1e-2, found.se[0])


def test_a_second_maximum_is_named():
    with pytest.warns(MetaAllianceWarning, match="two maxima"):
        found = ma.beta_selection_model(independent("bangertdrowns2004"), smallest_p=1e-5)
    assert_close(found.log_likelihood, -13.644152817445573, 1e-8)


@pytest.mark.parametrize("case", ["one", "two", "beta"])
@pytest.mark.parametrize("name", DEPENDENT)
def test_cluster_robust_errors_agree_with_the_sandwich_in_r(name, case):
    golden_fit = golden("bias")["dependent"][name]["selection"][case]
    effects = dependent(name)
    if case == "beta":
        found = quiet(ma.beta_selection_model, effects, alternative="greater", smallest_p=1e-5)
        weights, errors = found.weights, found.weights_se
    else:
        found = fit_like(effects, golden_fit)
        weights, errors = found.weights[1:], found.weights_se[1:]
    assert found.errors == "cluster-robust"
    assert found.df == effects.n_studies - 1
    assert_close(found.beta, golden_fit["beta"], 1e-5, found.se[0])
    assert_close(weights, golden_fit["delta"], 1e-5)
    assert_close([*found.se, found.tau2_se, *errors], golden_fit["robust_se"], 1e-4)
    assert_close(found.test_statistic, golden_fit["robust_F"], 1e-4)
    tail = stats.f.sf(golden_fit["robust_F"], found.test_df, found.df)
    assert_close(found.test_p_value, tail, 1e-3)


def test_moderators_agree_with_r():
    golden_fit = golden("bias")["dependent"]["crede2010"]["selection_moderator"]["one"]
    found = fit_like(dependent("crede2010"), golden_fit, moderators=("x",))
    assert found.names == ("intercept", "x")
    assert_close(found.beta, golden_fit["beta"], 1e-5, found.se.min())
    assert_close([*found.se, found.tau2_se, found.weights_se[1]], golden_fit["robust_se"], 1e-4)
    assert found.adjusted() is None


def test_text_moderators_are_indicators():
    rng = np.random.default_rng(3)
    vi = rng.uniform(0.01, 0.05, 60)
    group = np.repeat(["a", "b", "c"], 20)
    yi = 0.2 + 0.3 * (group == "b") + rng.normal(0, np.sqrt(vi + 0.01))
    effects = ma.Effects.from_arrays(yi, vi, moderators={"g": group, "copy": group})
    found = ma.selection_model(effects, moderators=("g",))
    assert found.names == ("intercept", "g: b", "g: c")
    with pytest.raises(EstimationError, match="cannot be told apart"):
        ma.selection_model(effects, moderators=("g", "copy"))
    with pytest.raises(OptionError, match="no moderator"):
        ma.selection_model(effects, moderators=("h",))


# --- derivatives and expectations ---


MODELS = {
    "one step": lambda y, v: StepWeights.build(y, v, np.array([0.025]), "greater"),
    "one-sided": lambda y, v: StepWeights.build(y, v, np.array([0.025, 0.5]), "greater"),
    "three steps": lambda y, v: StepWeights.build(y, v, np.array([0.01, 0.025, 0.5]), "greater"),
    "two-sided": lambda y, v: StepWeights.build(y, v, np.array([0.01, 0.3]), "two-sided"),
    "known": lambda y, v: StepWeights.build(y, v, np.array([0.05]), "greater", np.array([0.3])),
    "beta": BetaWeights.build,
}
#: Designs of the mean, of log tau² and of the selection parameters.
DESIGNS = {"constant": "", "mean": "X", "variance": "U", "selection": "Z", "all": "XUZ"}


def problem(kind, moderated="", penalty=None):
    effects = independent("molloy2014")
    D = np.column_stack([np.ones(16), np.linspace(-1, 1, 16) ** 3])
    weights = MODELS[kind](effects.yi, effects.vi)
    return SelectionProblem(
        yi=effects.yi,
        vi=effects.vi,
        X=D if "X" in moderated else D[:, :1],
        weights=weights,
        U=D if "U" in moderated else None,
        Z=D if "Z" in moderated else None,
        penalty=penalty,
    )


def points_of(chosen, draw):
    """Three points, where the variance is tau² or its logarithm."""
    theta = 0.4 * draw.normal(size=(3, chosen.places[-1].stop))
    place = chosen.places[1].start
    theta[:, place] = [-3, -5, -2] if chosen.log_variance else [0.04, 0.01, 0.2]
    return theta


@pytest.mark.parametrize("penalty", [None, Penalty(), Penalty(unit=0.5)])
@pytest.mark.parametrize("moderated", DESIGNS.values(), ids=list(DESIGNS))
@pytest.mark.parametrize("kind", MODELS)
def test_gradient_and_hessian_are_derivatives(kind, moderated, penalty):
    draw = np.random.default_rng(1)
    chosen = problem(kind, moderated, penalty)
    theta, counts = points_of(chosen, draw), draw.integers(0, 3, (3, 16)).astype(float)
    point = chosen.at(theta, counts)
    for j in range(theta.shape[1]):
        h = np.zeros(theta.shape[1])
        h[j] = 1e-5 * np.abs(theta[:, j]).min() + 1e-7
        ahead, behind = chosen.at(theta + h, counts), chosen.at(theta - h, counts)
        slope = (ahead.value - behind.value) / (2 * h[j])
        bend = (ahead.gradient - behind.gradient) / (2 * h[j])
        assert_close(point.gradient[:, j], slope, 1e-5, 1e-2 * (1 + np.abs(slope).max()))
        assert_close(point.hessian[:, j], bend, 1e-5, 1e-2 * (1 + np.abs(bend).max()))


@pytest.mark.parametrize("kind", MODELS)
def test_counts_are_copies_of_effects(kind):
    chosen, counts = problem(kind), np.array([0, 2, 1, 1] * 4, dtype=float)
    rows = np.repeat(np.arange(16), counts.astype(int))
    copied = SelectionProblem(
        yi=chosen.yi[rows],
        vi=chosen.vi[rows],
        X=chosen.X[rows],
        weights=MODELS[kind](chosen.yi[rows], chosen.vi[rows]),
    )
    theta = points_of(chosen, np.random.default_rng(2))
    found, expected = chosen.at(theta, np.tile(counts, (3, 1))), copied.at(theta)
    assert_close(found.value, expected.value, 1e-12)
    assert_close(found.gradient, expected.gradient, 1e-10, 1.0)
    assert_close(found.hessian, expected.hessian, 1e-10, 1.0)


@pytest.mark.parametrize("kind", MODELS)
def test_scores_add_up_to_the_gradient(kind):
    chosen = problem(kind, "XUZ")
    theta = points_of(chosen, np.random.default_rng(3))
    assert_close(chosen.scores(theta).sum(axis=1), chosen.at(theta).gradient, 1e-10, 1.0)


@pytest.mark.parametrize("delta", [(0.3, 2.0), (3.0, 30.0), (0.05, 1.0), (20.0, 0.1)])
@pytest.mark.parametrize("smallest", [1e-5, 0.025])
def test_expected_beta_weights_are_integrals(smallest, delta):
    yi, vi = np.array([0.3]), np.array([0.02])
    weights, eta = BetaWeights.build(yi, vi, smallest), np.log(delta)[:, None, None]
    found = weights(np.array([[0.1]]), np.sqrt([[0.05]]), eta)
    end = float(stats.norm.isf(smallest))

    def weight(z):
        z = np.clip(z, -end, end)
        a, b = delta
        return np.exp((a - 1) * stats.norm.logsf(z) + (b - 1) * stats.norm.logcdf(z))

    def integrand(y):
        return weight(y / math.sqrt(0.02)) * stats.norm.pdf(y, 0.1, math.sqrt(0.05))

    cuts = np.array([-20, -end, 0, end, 30]) * math.sqrt(0.02)
    pieces = [integrate.quad(integrand, a, b, epsabs=0, epsrel=1e-12, limit=200)[0]
              for a, b in pairwise(cuts)]  # fmt: skip
    assert_close(found.A[0, 0], sum(pieces), 1e-9)


@pytest.mark.parametrize("tail", ["greater", "two-sided"])
def test_equal_weights_are_no_selection(tail):
    effects = independent("molloy2014")
    weights = StepWeights.build(effects.yi, effects.vi, np.array([0.025, 0.5]), tail)
    found = weights(np.array([[0.3]]), np.sqrt(effects.vi + 0.02)[None], np.zeros((2, 1, 1)))
    assert_close(found.A, np.ones((1, 16)), 1e-14)


# --- what must hold ---


def test_flipping_effects_flips_the_model():
    effects = independent("molloy2014")
    other = ma.Effects.from_arrays(-effects.yi, effects.vi)
    found, flipped = ma.selection_model(effects), ma.selection_model(other)
    assert (found.alternative, flipped.alternative) == ("greater", "less")
    assert_close(flipped.beta, -found.beta, 1e-9)
    assert_close([flipped.ci_low, flipped.ci_high], [-found.ci_high, -found.ci_low], 1e-9)
    assert_close(flipped.weights, found.weights, 1e-9)
    assert any(p.code == "MA655" and "negative" in p.message for p in flipped.notices)


@pytest.mark.parametrize("unit", [1e-4, 100.0])
def test_rescaling_effects_rescales_the_model(unit):
    effects = independent("molloy2014")
    other = ma.Effects.from_arrays(unit * effects.yi, unit**2 * effects.vi)
    for method in (ma.selection_model, ma.beta_selection_model):
        found, scaled = method(effects), method(other)
        assert_close(scaled.beta, unit * found.beta, 1e-7)
        assert_close(scaled.tau2, unit**2 * found.tau2, 1e-7)
        assert_close(scaled.se, unit * found.se, 1e-7)
        assert_close(scaled.test_statistic, found.test_statistic, 1e-7)


def test_a_duplicated_review_has_the_same_estimates_and_smaller_errors():
    effects = independent("molloy2014")
    twice = ma.Effects.from_arrays(np.tile(effects.yi, 2), np.tile(effects.vi, 2))
    found, other = ma.selection_model(effects), ma.selection_model(twice)
    assert_close(other.beta, found.beta, 1e-8)
    assert_close(other.se, found.se / math.sqrt(2), 1e-7)


def test_the_same_effects_again_in_a_study_are_no_news():
    effects = independent("molloy2014")

    def errors(times):
        study = np.tile(np.arange(16), times)
        yi, vi = np.tile(effects.yi, times), np.tile(effects.vi, times)
        found = quiet(ma.selection_model, ma.Effects.from_arrays(yi, vi, study=study))
        return [*found.beta, *found.se, found.tau2_se, found.weights_se[1]]

    assert_close(errors(4), errors(2), 1e-7)


def test_the_maximum_is_not_beaten_from_random_starts():
    effects = independent("hackshaw1998")
    found = quiet(ma.selection_model, effects, (0.025, 0.5))
    weights = StepWeights.build(effects.yi, effects.vi, np.array([0.025, 0.5]), "greater")
    X, rng = np.ones((effects.n_effects, 1)), np.random.default_rng(1)
    chosen = SelectionProblem(yi=effects.yi, vi=effects.vi, X=X, weights=weights)
    from scipy.optimize import minimize

    def lose(u):
        return -chosen.log_likelihood(np.array([u[0], np.exp(u[1]), *u[2:]]))

    for _ in range(8):
        start = np.array([rng.normal(0, 0.3), rng.normal(-4, 1), *rng.normal(0, 1.5, 2)])
        best = -minimize(lose, start, method="Nelder-Mead", options={"maxiter": 2000}).fun
        assert best <= found.log_likelihood + 1e-6


def test_selection_is_undone():
    # 400 effects, of which results without significance are seen with probability .2
    rng = np.random.default_rng(11)
    vi = rng.uniform(0.005, 0.06, 1200)
    yi = 0.15 + rng.normal(0, np.sqrt(vi + 0.01))
    seen = (yi / np.sqrt(vi) > 1.96) | (rng.random(1200) < 0.2)
    effects = ma.Effects.from_arrays(yi[seen], vi[seen])
    naive, found = ma.pool(effects), ma.selection_model(effects)
    assert naive.estimate > 0.2
    assert abs(found.estimate - 0.15) < 3 * found.se[0]
    assert found.weights_low[1] < 0.2 < found.weights_high[1]
    assert found.test_p_value < 1e-6


# --- refusals ---


def test_an_empty_interval_is_refused_with_its_counts():
    effects = ma.Effects.from_arrays([0.3, 0.31, 0.29, 0.3, 0.305], [0.001] * 5)
    with pytest.raises(EstimationError, match=r"0.025 to 1.*0 to 0.025: 5") as refused:
        ma.selection_model(effects)
    assert refused.value.code == "MA653"
    assert quiet(ma.selection_model, effects, weights=(0.5,)).counts == (5, 0)


def test_effects_that_do_not_determine_a_mean_are_refused():
    effects = ma.Effects.from_arrays(
        [0.300, 0.301, 0.302, 0.299, 0.298, 0.06], [0.001, 0.001, 0.001, 0.001, 0.001, 0.0016]
    )
    try:
        found = quiet(ma.selection_model, effects)
    except EstimationError as refused:
        assert refused.code in {"MA654", "MA601"}
    else:
        reach = np.ptp(effects.yi)
        assert effects.yi.min() - reach <= found.estimate <= effects.yi.max() + reach


def test_few_effects_in_an_interval_warn():
    with pytest.warns(MetaAllianceWarning, match="MA656"):
        ma.selection_model(independent("molloy2014"), (0.025, 0.5))


@pytest.mark.parametrize("steps", [(), (0.5, 0.025), (0.0,), (1.0,), (0.1, 0.1), (math.nan,)])
def test_wrong_steps(steps):
    with pytest.raises(OptionError, match="steps"):
        ma.selection_model(independent("bcg"), steps)


@pytest.mark.parametrize("weights", [(0.5, 0.5), (0.0,), (-1.0,), (math.inf,)])
def test_wrong_weights(weights):
    with pytest.raises(OptionError, match="weights"):
        ma.selection_model(independent("bcg"), weights=weights)


def test_more_parameters_than_studies_are_refused():
    few = dependent("assink2016").subset(np.isin(dependent("assink2016").frame["study"], [1, 2]))
    with pytest.raises(EstimationError) as refused:
        quiet(ma.selection_model, few)
    assert refused.value.code in {"MA651", "MA653"}


def test_tau2_at_zero_has_no_error():
    vi = np.linspace(0.01, 0.06, 20)
    z = np.tile([2.4, 2.2, 1.2, 1.8, 2.6], 4)
    found = quiet(ma.selection_model, ma.Effects.from_arrays(z * np.sqrt(vi), vi))
    assert found.tau2 == 0 and math.isnan(found.tau2_se)
    assert np.isfinite(found.se).all() and np.isfinite(found.weights_se[1:]).all()


@pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")
@pytest.mark.parametrize("large", [2000, 20_000, 2_000_000])
def test_studies_without_error_among_small_ones_are_fitted(large):
    """With the weights of no selection the model is that of pool by maximum likelihood."""
    r, n = [0.2, 0.35, 0.15, 0.4, 0.1, 0.3], np.array([20, large, 55, 400, large, 80])
    effects = ma.Effects.from_arrays(np.arctanh(r), 1 / (n - 3), measure="z", n=n)
    plain = ma.pool(effects, model="two-level", tau2="ML", test="wald")
    same = ma.selection_model(effects, weights=[1.0], alternative="greater")
    assert [same.estimate, same.tau2] == pytest.approx([plain.estimate, plain.tau2], rel=1e-6)
    assert ma.selection_model(effects, alternative="greater").log_likelihood >= same.log_likelihood
