"""Estimators, penalties and moderators of selection models, beside the package metaselection."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bias_data import dependent, quiet
from golden_data import assert_close, golden

import metaalliance as ma
from metaalliance.core.selection.estimating import equation_scores, equations
from metaalliance.core.selection.fit import maximise_selection
from metaalliance.core.selection.likelihood import SelectionProblem
from metaalliance.core.selection.penalty import Penalty
from metaalliance.core.selection.steps import StepWeights
from metaalliance.errors import EstimationError, OptionError

CASES = golden("selection")["cases"]


def review(measure="generic", unit=1.0):
    data = golden("selection")["data"]
    return ma.Effects.from_arrays(
        unit * np.array(data["yi"]),
        unit**2 * np.array(data["vi"]),
        study=data["study"],
        moderators={"precise": data["precise"]},
        measure=measure,
    )


def named(case):
    parts = [case["model"], case["estimator"], str(case["steps"]), case["moderated"]]
    return "-".join([*parts, "penalised" if case["penalised"] else ""])


def fitted(case, **options):
    """Fit a case; its parameters in the order of the package, and their errors."""
    options |= {"alternative": "greater", "penalty": "weak" if case["penalised"] else "none"}
    keys = {"X": "moderators", "U": "variance_moderators", "Z": "selection_moderators"}
    options |= {keys[letter]: ["precise"] for letter in case["moderated"]}
    if case["model"] == "beta":
        return quiet(ma.beta_selection_model, review(), **options)
    steps = np.atleast_1d(case["steps"])
    return quiet(ma.selection_model, review(), steps, estimator=case["estimator"], **options)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_estimates_and_errors_are_those_of_metaselection(case):
    found, p = fitted(case), 2 if "X" in case["moderated"] else 1
    terms = {term.name: term for term in found.moderated}
    variance = [t for name, t in terms.items() if name.startswith("log tau²")]
    weights = [t for name, t in terms.items() if name.startswith("log weight")]
    own = 0 if case["model"] == "beta" else 1
    delta, delta_se = found.weights[own:], found.weights_se[own:]
    theta, se = [*found.beta], [*found.se]
    theta += [t.estimate for t in variance] or [math.log(found.tau2)]
    se += [t.se for t in variance] or [found.tau2_se / found.tau2]
    theta += [t.estimate for t in weights] or list(np.log(delta))
    se += [t.se for t in weights] or list(delta_se / delta)
    assert len(found.beta) == p
    assert_close(theta, case["theta"], 1e-7, 1.0)
    m = review().n_studies  # theirs have no factor m / (m - 1)
    assert_close(np.array(se) * math.sqrt((m - 1) / m), case["se"], 1e-6)
    assert_close(found.log_likelihood, case["log_likelihood"], 1e-9)
    assert (found.estimator, found.errors) == (case["estimator"], "cluster-robust")


def test_moderated_weights_and_variances_are_those_at_the_mean_of_their_moderators():
    found = quiet(
        ma.selection_model,
        review(),
        alternative="greater",
        variance_moderators=["precise"],
        selection_moderators=["precise"],
    )
    share = np.mean(golden("selection")["data"]["precise"])
    variance, slope, weight, change = (t.estimate for t in found.moderated)
    assert_close(found.tau2, math.exp(variance + share * slope), 1e-10)
    assert_close(found.weights[1], math.exp(weight + share * change), 1e-10)
    assert found.test_df == 2


@pytest.mark.parametrize("method", [ma.selection_model, ma.beta_selection_model])
def test_moderators_far_from_zero_change_nothing_but_their_intercepts(method):
    data, rng = dependent("assink2016"), np.random.default_rng(4)
    year = rng.normal(0, 1, data.n_effects)
    options = {"moderators": ["year"], "variance_moderators": ["year"]}
    fits = []
    for values in (year, 2010 + 5 * year):
        effects = ma.Effects.from_arrays(
            data.yi, data.vi, study=data.frame["study"], moderators={"year": values}
        )
        fits.append(quiet(method, effects, alternative="greater", **options))
    near, far = fits
    assert_close(5 * far.beta[1], near.beta[1], 1e-6)
    assert_close(5 * far.se[1], near.se[1], 1e-6)
    assert_close(far.beta[0] + 2010 * far.beta[1], near.beta[0], 1e-6)
    assert_close([far.tau2, *far.weights], [near.tau2, *near.weights], 1e-6)


@pytest.mark.parametrize("measure", ["generic", "z"])
def test_a_penalty_has_the_unit_of_a_standardised_mean_difference(measure):
    # on Fisher z the unit is half of one: effects half as large have estimates half as large
    unit = 0.5 if measure == "z" else 1.0
    reference = quiet(ma.selection_model, review(), alternative="greater", penalty="weak")
    found = quiet(ma.selection_model, review(measure, unit), alternative="greater", penalty="weak")
    assert_close(found.beta, unit * reference.beta, 1e-8)
    assert_close(found.tau2, unit**2 * reference.tau2, 1e-8)
    assert_close(found.weights, reference.weights, 1e-8)
    (said,) = [p.message for p in found.notices if p.code == "MA639"]
    assert f"mode at {0.2 * unit:.2f}" in said
    assert found.log_likelihood > -np.inf and found.penalty == "weak"


def test_a_penalty_keeps_weights_finite_that_the_likelihood_lets_run_away():
    vi = np.full(12, 0.01)
    yi = np.array([0.22, 0.25, 0.3, 0.21, 0.27, 0.23, 0.35, 0.26, 0.24, 0.28, 0.2, 0.19])
    effects = ma.Effects.from_arrays(yi, vi)
    free = quiet(ma.selection_model, effects, alternative="greater", penalty="weak")
    assert 0 < free.weights[1] < 1 and np.isfinite(free.se).all()


@pytest.mark.parametrize("penalty", [None, Penalty()])
@pytest.mark.parametrize("moderated", ["", "XUZ"])
def test_derivatives_of_the_estimating_equations(moderated, penalty):
    data = golden("selection")["data"]
    yi, vi = np.array(data["yi"]), np.array(data["vi"])
    D = np.column_stack([np.ones(yi.size), data["precise"]])
    log_variance = penalty is not None or "U" in moderated
    chosen = SelectionProblem(
        yi=yi,
        vi=vi,
        X=D if "X" in moderated else D[:, :1],
        weights=StepWeights.build(yi, vi, np.array([0.025, 0.5]), "greater"),
        U=D if "U" in moderated else D[:, :1] if log_variance else None,
        Z=D if "Z" in moderated else None,
        penalty=penalty,
    )
    rng = np.random.default_rng(5)
    theta = 0.3 * rng.normal(size=(2, chosen.places[-1].stop))
    theta[:, chosen.places[1].start] = [-2, -3] if log_variance else [0.1, 0.2]
    counts = rng.integers(0, 3, (2, yi.size)).astype(float)
    F, J = equations(chosen, theta, counts)
    for j in range(theta.shape[1]):
        h = 1e-6 * np.eye(theta.shape[1])[j]
        ahead, behind = (equations(chosen, theta + s * h, counts)[0] for s in (1, -1))
        assert_close(J[:, :, j], (ahead - behind) / 2e-6, 1e-6, 1 + np.abs(J).max())
    if penalty is None:
        scores = equation_scores(chosen, theta)
        assert_close(np.einsum("bkq,bk->bq", scores, counts), F, 1e-10, 1.0)


def test_without_selection_both_estimators_have_the_same_equations():
    data = golden("selection")["data"]
    yi, vi = np.array(data["yi"]), np.array(data["vi"])
    known = lambda y, v: StepWeights.build(y, v, np.array([0.025]), "greater", np.ones(1))  # noqa: E731
    X = np.ones((yi.size, 1))
    likelihood, argl = (
        maximise_selection(yi, vi, X, known, estimator=name) for name in ("cml", "argl")
    )
    assert_close(argl.theta, likelihood.theta, 1e-9)


def test_what_cannot_be_is_refused():
    effects = review()
    with pytest.raises(OptionError, match="Known weights have no moderators"):
        ma.selection_model(effects, weights=(0.5,), selection_moderators=["precise"])
    for option in ("estimator", "penalty", "bootstrap", "interval"):
        with pytest.raises(OptionError, match=f"{option}='other'"):
            ma.selection_model(effects, **{option: "other"})
    rng = np.random.default_rng(1)
    vi = np.full(40, 0.02)
    level = np.repeat([0.0, 1.0], 20)
    yi = 0.25 + np.where(level == 1, 0.02, 0.4) * rng.normal(size=40)
    flat = ma.Effects.from_arrays(yi, vi, moderators={"level": level})
    with pytest.raises(EstimationError, match="with these moderators") as refused:
        quiet(ma.selection_model, flat, alternative="greater", variance_moderators=["level"])
    assert refused.value.code == "MA654"


def test_a_beta_weight_with_moderators_of_everything_is_a_fit_of_each_group():
    rng = np.random.default_rng(12)
    group = np.repeat(["a", "b"], 60)
    vi = 1 / rng.integers(20, 200, 120)
    yi = np.where(group == "a", 0.1, 0.25) + np.sqrt(0.02 + vi) * rng.normal(size=120)
    everything = ma.Effects.from_arrays(yi, vi, moderators={"group": group})
    names = ("group",)
    both = quiet(
        ma.beta_selection_model, everything, alternative="greater", moderators=names,
        variance_moderators=names, selection_moderators=names,
    )  # fmt: skip
    parts = [
        quiet(ma.beta_selection_model, everything.subset(group == g), alternative="greater")
        for g in "ab"
    ]
    total = sum(part.log_likelihood for part in parts)
    assert_close(both.log_likelihood, total, 1e-10)
    assert_close(both.beta.sum(), parts[1].estimate, 1e-7)
    logs = np.log([part.weights for part in parts])
    assert_close(np.log(both.weights), logs.mean(axis=0), 1e-7)  # at the mean of two equal groups
    moved = {term.name: term.estimate for term in both.moderated}
    assert_close(moved["log b: group: b"], logs[1, 1] - logs[0, 1], 1e-7)
    with pytest.raises(OptionError, match="smallest_p"):
        ma.beta_selection_model(everything, selection_moderators=names, smallest_p=0.001)
