"""Egger's regression and PET-PEESE: R, the multilevel model, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bias_data import DEPENDENT, INDEPENDENT, dependent, independent, quiet, theirs
from golden_data import assert_close, assert_same_tail, golden

import metaalliance as ma
from metaalliance.errors import EstimationError, MetaAllianceWarning, OptionError

TESTS = {"FE_z": ("common-effect", "DL", "wald"), "DL_z": ("two-level", "DL", "wald"),
         "REML_z": ("two-level", "REML", "wald"),
         "REML_knha": ("two-level", "REML", "knapp-hartung")}  # fmt: skip
CASES = [
    (name, predictor)
    for name in INDEPENDENT
    for predictor in ("sei", "vi", "n", "1/n", "1/sqrt(n)")
    if not (name == "hackshaw1998" and "n" in predictor)
]


@pytest.mark.parametrize(("name", "predictor"), CASES)
def test_classical_agrees_with_lm(name, predictor):
    found = ma.egger(independent(name), predictor, "classical")
    golden_fit = theirs(name)["regression"][predictor]["classical"]
    compare(found, golden_fit, 1e-9)


@pytest.mark.parametrize("kind", TESTS)
@pytest.mark.parametrize(("name", "predictor"), CASES)
def test_mixed_effects_agree_with_metafor(name, predictor, kind):
    model, tau2, test = TESTS[kind]
    found = ma.egger(independent(name), predictor, model, test, tau2=tau2)
    golden_fit = theirs(name)["regression"][predictor][kind]
    compare(found, golden_fit, 1e-7)
    if tau2 != "FE" and model != "common-effect":
        assert_close(found.tau2, golden_fit["tau2"], 1e-7, 1e-6)


def compare(found, golden_fit, rtol):
    assert_close(found.slope, golden_fit["slope"], rtol, found.se)
    assert_close(found.se, golden_fit["se"], rtol)
    assert_close(found.statistic, golden_fit["statistic"], rtol, 1.0)
    assert_same_tail(found.p_value, golden_fit["p_value"], 10 * rtol)
    assert_close(found.ci_low, golden_fit["ci_low"], rtol, found.se)
    assert_close(found.ci_high, golden_fit["ci_high"], rtol, found.se)
    if "limit" in golden_fit:
        for key in ("limit", "limit_se", "limit_ci_low", "limit_ci_high"):
            assert_close(getattr(found, key), golden_fit[key], rtol, found.limit_se)
    else:
        assert math.isnan(found.limit)
        assert len(found.terms()) == 1


@pytest.mark.parametrize("predictor", ["sei", "vi"])
@pytest.mark.parametrize("model", ["three-level", "che"])
@pytest.mark.parametrize("name", DEPENDENT)
def test_clustered_agrees_with_rma_mv_and_clubsandwich(name, model, predictor):
    found = ma.egger(dependent(name), predictor, model)
    fit = golden("bias")["dependent"][name][predictor][model.replace("-", "_")]
    robust = fit["robust"]["CR2"]
    assert_close(found.limit, fit["beta"][0], 1e-8, found.limit_se)
    assert_close(found.slope, fit["beta"][1], 1e-8, found.se)
    assert_close([found.limit_se, found.se], robust["se"], 1e-8)
    assert_close([found.limit_df, found.df], robust["satterthwaite"]["df"], 1e-8)
    assert_close([found.limit_p_value, found.p_value], robust["satterthwaite"]["p_value"], 1e-7)
    assert_close([found.limit_ci_low, found.ci_low], robust["satterthwaite"]["ci_low"], 1e-7, 0.1)
    assert_close(found.tau2, sum(fit["sigma2"].values()), 1e-7)


def test_dependent_effects_take_the_clustered_model_by_default():
    found = ma.egger(dependent("crede2010"))
    assert (found.model, found.test) == ("che", "cr2")
    with pytest.raises(EstimationError, match="one effect per study") as refused:
        ma.egger(dependent("crede2010"), model="classical")
    assert refused.value.code == "MA612"


def test_flipping_effects_flips_slope_and_limit():
    effects = independent("molloy2014")
    other = ma.Effects.from_arrays(-effects.yi, effects.vi)
    found, flipped = ma.egger(effects), ma.egger(other)
    assert_close([flipped.slope, flipped.limit], [-found.slope, -found.limit], 1e-9)
    assert_close(flipped.p_value, found.p_value, 1e-9)


def test_constant_predictor_is_refused():
    effects = ma.Effects.from_arrays(np.linspace(0.1, 0.5, 12), [0.02] * 12, n=[53] * 12)
    for predictor in ("sei", "n"):
        with pytest.raises(EstimationError, match="the same in all 12") as refused:
            ma.egger(effects, predictor)
        assert refused.value.code == "MA652"


def test_missing_n_is_refused_and_few_studies_are_refused():
    with pytest.raises(EstimationError, match="missing for 37 of 37"):
        ma.egger(independent("hackshaw1998"), "n")
    with pytest.raises(EstimationError, match="needs 3 studies"):
        ma.egger(ma.Effects.from_arrays([0.1, 0.2], [0.1, 0.2]))


def test_fewer_than_ten_studies_warn():
    effects = ma.Effects.from_arrays([0.1, 0.3, 0.2, 0.5], [0.01, 0.02, 0.015, 0.05])
    with pytest.warns(MetaAllianceWarning, match="MA650"):
        ma.egger(effects)


@pytest.mark.parametrize(
    "options", [{"predictor": "se"}, {"model": "lm"}, {"model": "classical", "test": "wald"}]
)
def test_wrong_options(options):
    with pytest.raises(OptionError):
        ma.egger(independent("bcg"), **options)


def test_effects_without_residual_spread():
    # effects that are an exact line in their standard errors
    vi = np.linspace(0.01, 0.05, 12)
    found = quiet(ma.egger, ma.Effects.from_arrays(0.1 + 2 * np.sqrt(vi), vi))
    assert_close([found.slope, found.limit], [2.0, 0.1], 1e-9)


# --- PET-PEESE ---


@pytest.mark.parametrize("name", INDEPENDENT)
def test_pet_and_peese_are_the_limits_of_the_regressions(name):
    found = ma.pet_peese(independent(name))
    regression = theirs(name)["regression"]
    for fit, predictor in ((found.pet, "sei"), (found.peese, "vi")):
        compare(fit, regression[predictor]["classical"], 1e-9)
    one_sided = found.pet.limit_p_value / 2
    limit = found.pet.limit if found.alternative == "greater" else -found.pet.limit
    expected = one_sided if limit > 0 else 1 - one_sided
    assert_close(found.switch_p_value, expected, 1e-9)
    assert found.chosen == ("PEESE" if expected < 0.05 else "PET")
    assert found.estimate == found.adjusted().estimate


def test_the_rule_switches_at_its_level():
    effects = independent("molloy2014")
    p = ma.pet_peese(effects).switch_p_value
    assert ma.pet_peese(effects, switch_p=p + 1e-6).chosen == "PEESE"
    assert ma.pet_peese(effects, switch_p=p - 1e-6).chosen == "PET"
    with pytest.raises(OptionError, match="switch_p"):
        ma.pet_peese(effects, switch_p=0.7)


def test_pet_peese_of_dependent_effects_is_clustered_and_says_the_rule():
    found = ma.pet_peese(dependent("crede2010"))
    assert (found.pet.model, found.pet.test, found.chosen) == ("che", "cr2", "PEESE")
    text = found.summary()
    assert "Rule: PEESE if" in text and "che model" in text


def test_negative_reviews_switch_in_their_own_direction():
    effects = independent("crede2010_aggregated")
    flipped = ma.Effects.from_arrays(-effects.yi, effects.vi)
    found, other = ma.pet_peese(effects), ma.pet_peese(flipped)
    assert (found.alternative, other.alternative) == ("greater", "less")
    assert found.chosen == other.chosen
    assert_close(other.estimate, -found.estimate, 1e-9)
