"""What has to hold for any effects: order, scale, sign, limits between models."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from golden_data import assert_close, quiet_pool
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from metaalliance.effects.aggregate import aggregate
from metaalliance.effects.effects import Effects
from metaalliance.models.pooled_fit import PooledFit

modest = settings(derandomize=True, max_examples=12)

#: The same optimum reached along two paths, in sums of another order.
PATHS = 1e-8

ESTIMATORS = ("DL", "HE", "HS", "SJ", "EB", "PM", "ML", "REML")
TESTS = ("wald", "t", "knapp-hartung", "knapp-hartung-adhoc", "cr2")
FACTORS = (1e-6, 1e-3, 7.0, 1e6)

estimators = pytest.mark.parametrize("tau2", ESTIMATORS)
nested_models = pytest.mark.parametrize("model", ["three-level", "che"])
factors = pytest.mark.parametrize("factor", FACTORS)


def drawn(draw: st.DrawFn, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Effects between -1 and 1 with standard errors between .03 and .5."""
    whole = st.lists(st.integers(1, 1000), min_size=k, max_size=k)
    yi = np.array(draw(whole)) / 500 - 1
    return yi, (0.03 + np.array(draw(whole)) * 0.00047) ** 2


@st.composite
def independent(draw: st.DrawFn) -> Effects:
    """Two to twelve effects, each its own study."""
    yi, vi = drawn(draw, draw(st.integers(2, 12)))
    assume(np.ptp(yi) > 0)
    return Effects.from_arrays(yi, vi)


@st.composite
def nested(draw: st.DrawFn) -> Effects:
    """Three to seven studies of one to four effects, the first with several."""
    sizes = [draw(st.integers(2, 4)), *draw(st.lists(st.integers(1, 4), min_size=2, max_size=6))]
    yi, vi = drawn(draw, sum(sizes))
    assume(np.ptp(yi) > 0)
    return Effects.from_arrays(yi, vi, study=np.repeat(np.arange(len(sizes)), sizes))


def numbers(fit: PooledFit, factor: float = 1.0) -> np.ndarray:
    """Estimates in the unit of the effects divided by `factor`, and what has no unit."""
    linear = [fit.estimate, fit.se, fit.ci_low, fit.ci_high, fit.pi_low, fit.pi_high]
    return np.array(
        [
            *(x / factor for x in linear),
            fit.tau2 / factor**2,
            fit.I2,
            0 if np.isinf(fit.df) else fit.df,
        ]
    )


def rows(chosen: Effects, index: Any) -> Effects:
    study = chosen.frame["study"].to_numpy()[index]
    return Effects.from_arrays(chosen.yi[index], chosen.vi[index], study=study)


def changed(chosen: Effects, yi: np.ndarray, factor: float = 1.0) -> Effects:
    return Effects.from_arrays(yi, chosen.vi * factor**2, study=chosen.frame["study"])


# Order and labels ------------------------------------------------------------------------------


@estimators
@modest
@given(chosen=independent(), random=st.randoms(use_true_random=False))
def test_order_of_effects(tau2, chosen, random):
    turned = random.sample(range(chosen.n_effects), chosen.n_effects)
    one, other = (quiet_pool(e, tau2=tau2) for e in (chosen, rows(chosen, turned)))
    assert_close(numbers(other), numbers(one), PATHS, scale=1.0)


@nested_models
@modest
@given(chosen=nested(), random=st.randoms(use_true_random=False))
def test_order_of_dependent_effects(model, chosen, random):
    turned = random.sample(range(chosen.n_effects), chosen.n_effects)
    one, other = (quiet_pool(e, model=model) for e in (chosen, rows(chosen, turned)))
    assert_close(numbers(other), numbers(one), PATHS, scale=1.0)


@nested_models
@modest
@given(chosen=nested(), random=st.randoms(use_true_random=False))
def test_weights_follow_their_rows(model, chosen, random):
    turned = random.sample(range(chosen.n_effects), chosen.n_effects)
    one, other = (quiet_pool(e, model=model) for e in (chosen, rows(chosen, turned)))
    assert_close(other.weights, one.weights[turned], PATHS, scale=1.0)


@nested_models
@modest
@given(chosen=nested(), random=st.randoms(use_true_random=False))
def test_labels_of_studies(model, chosen, random):
    names = random.sample(["Z 1990", "a", "Ärzte", "NA", "10", "9", "β"], 7)
    renamed = Effects.from_arrays(
        chosen.yi, chosen.vi, study=[names[i] for i in chosen.frame["study"]]
    )
    one, other = (quiet_pool(e, model=model) for e in (chosen, renamed))
    assert (numbers(other) == numbers(one)).all()


# Scale, sign and origin ------------------------------------------------------------------------


@estimators
@factors
@modest
@given(chosen=independent())
def test_unit_of_the_effects(tau2, factor, chosen):
    scaled = changed(chosen, chosen.yi * factor, factor)
    one, other = (quiet_pool(e, tau2=tau2) for e in (chosen, scaled))
    assert_close(numbers(other, factor), numbers(one), PATHS, scale=1.0)


@nested_models
@factors
@modest
@given(chosen=nested())
def test_unit_of_dependent_effects(model, factor, chosen):
    scaled = changed(chosen, chosen.yi * factor, factor)
    one, other = (quiet_pool(e, model=model) for e in (chosen, scaled))
    assert_close(numbers(other, factor), numbers(one), PATHS, scale=1.0)


@factors
@modest
@given(chosen=independent())
def test_unit_of_the_q_profile_interval(factor, chosen):
    one, other = (
        np.array(quiet_pool(e).tau2_ci())
        for e in (chosen, changed(chosen, chosen.yi * factor, factor))
    )
    assert_close(other / factor**2, one, PATHS, scale=1.0)


@estimators
@modest
@given(chosen=independent())
def test_sign_of_the_effects(tau2, chosen):
    one = quiet_pool(chosen, tau2=tau2)
    other = quiet_pool(changed(chosen, -chosen.yi), tau2=tau2)
    ours = [other.estimate, other.se, other.tau2, other.ci_low, other.ci_high]
    theirs = [-one.estimate, one.se, one.tau2, -one.ci_high, -one.ci_low]
    assert_close(ours, theirs, PATHS, scale=1.0)


@nested_models
@modest
@given(chosen=nested())
def test_origin_of_the_effects(model, chosen):
    one = quiet_pool(chosen, model=model)
    other = quiet_pool(changed(chosen, chosen.yi + 3), model=model)
    ours = [other.estimate - 3, other.se, other.tau2, other.df]
    assert_close(ours, [one.estimate, one.se, one.tau2, one.df], PATHS, scale=1.0)


# Without heterogeneity ---------------------------------------------------------------------------


#: Sidik and Jonkman's estimate is positive for any spread.
can_be_zero = pytest.mark.parametrize("tau2", [e for e in ESTIMATORS if e != "SJ"])


@can_be_zero
@modest
@given(chosen=independent())
def test_tau2_of_zero_is_the_common_effect(tau2, chosen):
    near = changed(chosen, 0.3 + 1e-3 * chosen.yi)
    fit, common = quiet_pool(near, tau2=tau2, test="wald"), quiet_pool(near, model="common-effect")
    ours = [fit.estimate, fit.se, fit.ci_low, fit.ci_high, fit.p_value]
    theirs = [common.estimate, common.se, common.ci_low, common.ci_high, common.p_value]
    assert ours == theirs


@can_be_zero
@modest
@given(chosen=independent())
def test_effects_that_hardly_differ_have_no_heterogeneity(tau2, chosen):
    assert quiet_pool(changed(chosen, 0.3 + 1e-3 * chosen.yi), tau2=tau2).tau2 == 0


@estimators
@modest
@given(chosen=independent(), value=st.floats(-1, 1))
def test_identical_effects(tau2, chosen, value):
    fit = quiet_pool(changed(chosen, np.full(chosen.n_effects, value)), tau2=tau2)
    assert fit.estimate == pytest.approx(value, abs=1e-14)
    assert fit.tau2 == pytest.approx(0, abs=1e-25)


@estimators
@pytest.mark.parametrize("test", ["knapp-hartung", "knapp-hartung-adhoc"])
@modest
@given(chosen=independent(), value=st.floats(-1, 1))
def test_identical_effects_have_the_wald_standard_error(tau2, test, chosen, value):
    same = changed(chosen, np.full(chosen.n_effects, value))
    fit = quiet_pool(same, tau2=tau2, test=test)
    assert_close(fit.se, 1 / math.sqrt(np.sum(1 / chosen.vi)), PATHS)


@nested_models
@modest
@given(chosen=nested(), value=st.floats(-1, 1))
def test_identical_dependent_effects(model, chosen, value):
    fit = quiet_pool(changed(chosen, np.full(chosen.n_effects, value)), model=model)
    assert fit.estimate == pytest.approx(value, abs=1e-13)
    assert fit.sigma2 == {"study": 0.0, "effect": 0.0}
    assert fit.se > 0


# Limits where one model is another ---------------------------------------------------------------


@modest
@given(chosen=nested())
def test_without_components_che_is_the_common_effect_of_merged_studies(chosen):
    near = changed(chosen, 0.3 + 1e-3 * chosen.yi)
    fit = quiet_pool(near, model="che", test="wald")
    merged = quiet_pool(aggregate(near, 0.6, weighted=True), model="common-effect")
    assert_close([fit.estimate, fit.se], [merged.estimate, merged.se], PATHS, scale=1.0)


@pytest.mark.parametrize("tau2", ["ML", "REML"])
@modest
@given(chosen=nested())
def test_without_study_variance_the_three_level_model_is_two_level(tau2, chosen):
    fit = quiet_pool(chosen, model="three-level", tau2=tau2, test="cr2")
    assume(fit.sigma2["study"] == 0)
    flat = quiet_pool(chosen, model="two-level", tau2=tau2, test="cr2")
    # the same likelihood on its edge
    assert_close(numbers(flat), numbers(fit), 1e-6, scale=1.0)


@modest
@given(chosen=independent(), test=st.sampled_from(["wald", "t"]))
def test_equal_variances_make_the_mean_the_plain_one(chosen, test):
    same = Effects.from_arrays(chosen.yi, np.full(chosen.n_effects, 0.02))
    assert_close(quiet_pool(same, test=test).estimate, chosen.yi.mean(), PATHS, scale=1.0)


@modest
@given(chosen=independent())
def test_knapp_hartung_of_equal_variances_is_a_t_test(chosen):
    same = Effects.from_arrays(chosen.yi, np.full(chosen.n_effects, 1e-5))
    fit = quiet_pool(same, test="knapp-hartung")
    k = chosen.n_effects
    assert_close(fit.se, np.std(chosen.yi, ddof=1) / math.sqrt(k), PATHS)


@modest
@given(chosen=independent())
def test_two_level_cr2_of_equal_variances_is_a_t_test(chosen):
    same = Effects.from_arrays(chosen.yi, np.full(chosen.n_effects, 1e-5))
    fit = quiet_pool(same, test="cr2")
    k = chosen.n_effects
    assert_close([fit.se, fit.df], [np.std(chosen.yi, ddof=1) / math.sqrt(k), k - 1], PATHS)


@nested_models
@modest
@given(chosen=nested())
def test_a_row_of_hardly_any_weight_changes_nothing(model, chosen):
    more = Effects.from_arrays(
        np.r_[chosen.yi, 0.0],
        np.r_[chosen.vi, 1e8],
        study=np.r_[chosen.frame["study"].to_numpy(), 99],
    )
    one, other = (quiet_pool(e, model=model, test="wald", tau2="ML") for e in (chosen, more))
    assert_close([other.estimate, other.se], [one.estimate, one.se], 1e-5, scale=1.0)


# Inequalities ------------------------------------------------------------------------------------


@estimators
@modest
@given(chosen=independent())
def test_guarded_test_is_never_narrower(tau2, chosen):
    guarded, wald, adjusted = (
        quiet_pool(chosen, tau2=tau2, test=t).se
        for t in ("knapp-hartung-adhoc", "wald", "knapp-hartung")
    )
    assert guarded >= max(wald, adjusted) * (1 - 1e-14)


@pytest.mark.parametrize("test", TESTS)
@modest
@given(chosen=independent())
def test_a_higher_level_is_wider(test, chosen):
    narrow, wide = (quiet_pool(chosen, test=test, level=level) for level in (0.8, 0.99))
    assert wide.ci_low < narrow.ci_low < narrow.ci_high < wide.ci_high
    assert wide.pi_low < narrow.pi_low < narrow.pi_high < wide.pi_high


@pytest.mark.parametrize("test", TESTS)
@modest
@given(chosen=independent())
def test_p_below_five_percent_is_an_interval_without_zero(test, chosen):
    fit = quiet_pool(chosen, test=test)
    assume(abs(fit.p_value - 0.05) > 1e-9)
    assert (fit.p_value < 0.05) == (fit.ci_low * fit.ci_high > 0)


@estimators
@modest
@given(chosen=independent())
def test_shares_are_shares(tau2, chosen):
    fit = quiet_pool(chosen, tau2=tau2)
    assert 0 <= fit.I2 < 1 <= fit.H2
    assert fit.weights.sum() == pytest.approx(1)
    assert (fit.weights > 0).all()


@modest
@given(chosen=independent())
def test_prediction_is_wider_than_the_mean(chosen):
    fit = quiet_pool(chosen)
    assert fit.pi_low <= fit.ci_low < fit.ci_high <= fit.pi_high


@modest
@given(chosen=independent())
def test_mean_lies_between_the_effects(chosen):
    assert chosen.yi.min() < quiet_pool(chosen).estimate < chosen.yi.max()


@modest
@given(chosen=independent())
def test_q_profile_interval_holds_paule_mandel(chosen):
    # both invert Q; its mean lies between its quantiles
    fit = quiet_pool(chosen, tau2="PM")
    low, high = fit.tau2_ci()
    assert low <= fit.tau2 <= high


@modest
@given(chosen=independent())
def test_ml_is_not_larger_than_reml(chosen):
    same = Effects.from_arrays(chosen.yi, np.full(chosen.n_effects, 0.02))
    ml, reml = (quiet_pool(same, tau2=t).tau2 for t in ("ML", "REML"))
    assert ml <= reml


@modest
@given(chosen=independent())
def test_mean_correlation_is_not_larger_than_the_median(chosen):
    fit = quiet_pool(Effects.from_arrays(chosen.yi, chosen.vi, measure="z"))
    assert abs(fit.mean_r()) <= abs(math.tanh(fit.estimate)) + 1e-12


@nested_models
@modest
@given(chosen=nested())
def test_components_are_not_negative_and_add_up(model, chosen):
    fit = quiet_pool(chosen, model=model)
    assert min(fit.sigma2.values()) >= 0
    assert fit.tau2 == pytest.approx(sum(fit.sigma2.values()), rel=1e-14)


@nested_models
@pytest.mark.parametrize(("test", "lost"), [("cr0", 1), ("cr2", 0)])
@modest
@given(chosen=nested())
def test_satterthwaite_df_lie_between_one_and_the_rank(model, test, lost, chosen):
    # weighted residuals of the studies add up to zero; those that CR2 adjusts need not
    fit = quiet_pool(chosen, model=model, test=test)
    assert 1 - 1e-9 <= fit.df <= chosen.n_studies - lost + 1e-9


@nested_models
@modest
@given(chosen=nested())
def test_cr1_is_wider_than_cr0(model, chosen):
    cr0, cr1 = (quiet_pool(chosen, model=model, test=t) for t in ("cr0", "cr1"))
    m = chosen.n_studies
    assert_close(cr1.se, cr0.se * math.sqrt(m / (m - 1)), PATHS)
