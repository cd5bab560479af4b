"""Effects that are too few, too equal or too different: a defined answer, or a reason."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from golden_data import CLOSED, assert_close, quiet_pool

from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, MetaAllianceError, MetaAllianceWarning
from metaalliance.models.checks import reading_notices
from metaalliance.models.pool import pool

ONE = Effects.from_arrays([0.3], [0.01])
SINGLE = Effects.from_arrays([0.1, 0.3, 0.5, 0.2], [0.01, 0.02, 0.03, 0.02])
ONE_STUDY = Effects.from_arrays([0.1, 0.2, 0.4], [0.01, 0.02, 0.01], study=["A"] * 3)
DEPENDENT = Effects.from_arrays(
    [0.1, 0.2, 0.4, 0.5, 0.3], [0.01, 0.02, 0.01, 0.03, 0.02], study=list("AABBC")
)
IDENTICAL = Effects.from_arrays([0.25] * 4, [0.01, 0.02, 0.04, 0.05])

nested_models = pytest.mark.parametrize("model", ["three-level", "che"])
flat_models = pytest.mark.parametrize("model", ["two-level", "common-effect"])
likelihoods = pytest.mark.parametrize("tau2", ["REML", "ML"])


def codes(fit) -> set[str]:
    return {found.code for found in fit.notices}


# One effect --------------------------------------------------------------------------------------


def test_one_effect_warns():
    with pytest.warns(MetaAllianceWarning, match="MA613 One effect"):
        pool(ONE)


def test_one_effect_says_which_test_was_replaced():
    with pytest.warns(MetaAllianceWarning, match=r"wald.* replaces knapp-hartung"):
        pool(ONE)


def test_one_effect_has_its_own_normal_interval():
    found = quiet_pool(ONE)
    half = 1.959963984540054 * 0.1
    assert_close([found.ci_low, found.ci_high], [0.3 - half, 0.3 + half], CLOSED)
    assert (found.test, found.df) == ("wald", math.inf)


@pytest.mark.parametrize("name", ["tau2", "tau", "I2", "H2", "pi_low", "pi_high"])
def test_one_effect_knows_nothing_of_heterogeneity(name):
    assert math.isnan(getattr(quiet_pool(ONE), name))


def test_one_effect_has_no_interval_of_tau2():
    assert np.isnan(quiet_pool(ONE).tau2_ci()).all()


def test_one_effect_has_no_probability_above():
    assert math.isnan(quiet_pool(ONE).probability_above(0.0))


def test_one_effect_under_the_common_effect_model():
    found = pool(ONE, model="common-effect")
    assert (found.estimate, found.se, found.tau2) == (0.3, pytest.approx(0.1), 0.0)


@nested_models
def test_one_effect_is_refused_by_models_of_levels(model):
    with pytest.raises(EstimationError) as caught:
        pool(ONE, model=model)
    assert caught.value.code == "MA611"


# Two effects -------------------------------------------------------------------------------------


@pytest.mark.parametrize("test", ["wald", "t", "knapp-hartung", "knapp-hartung-adhoc", "cr2"])
def test_two_effects_give_finite_numbers(test):
    found = quiet_pool(Effects.from_arrays([0.1, 0.5], [0.02, 0.03]), test=test)
    values = [found.estimate, found.se, found.p_value, found.ci_low, found.pi_low, found.tau2]
    assert np.isfinite(values).all()


@nested_models
def test_two_studies_give_finite_numbers(model):
    two = Effects.from_arrays([0.1, 0.2, 0.4], [0.01, 0.02, 0.01], study=["A", "A", "B"])
    found = quiet_pool(two, model=model)
    values = [found.estimate, found.se, found.p_value, found.ci_low, found.pi_low, found.tau2]
    assert np.isfinite(values).all()


# Levels that cannot be told apart ------------------------------------------------------------


@nested_models
def test_one_effect_per_study_is_refused(model):
    with pytest.raises(EstimationError, match="no study has more than one effect") as caught:
        pool(SINGLE, model=model)
    assert caught.value.code == "MA610"


@nested_models
def test_the_refusal_names_the_model_and_the_way_out(model):
    with pytest.raises(EstimationError, match=f"The {model} model .* Use model='two-level'"):
        pool(SINGLE, model=model)


@nested_models
def test_one_study_is_refused(model):
    with pytest.raises(EstimationError, match="All 3 effects come from one study") as caught:
        pool(ONE_STUDY, model=model)
    assert caught.value.code == "MA611"


def test_one_study_is_refused_by_default():
    with pytest.raises(EstimationError, match="Take their average"):
        pool(ONE_STUDY)


# Dependence that a model would ignore ----------------------------------------------------------


@flat_models
def test_dependent_effects_are_refused(model):
    with pytest.raises(EstimationError, match="2 studies have several") as caught:
        pool(DEPENDENT, model=model)
    assert caught.value.code == "MA612"


@flat_models
def test_the_refusal_counts_one_study_in_the_singular(model):
    one = Effects.from_arrays([0.1, 0.2, 0.4], [0.01] * 3, study=["A", "A", "B"])
    with pytest.raises(EstimationError, match="1 study has several"):
        pool(one, model=model)


@pytest.mark.parametrize("test", ["wald", "t", "knapp-hartung", "knapp-hartung-adhoc"])
def test_tests_of_independent_effects_are_refused(test):
    with pytest.raises(EstimationError, match="aggregate"):
        pool(DEPENDENT, model="two-level", test=test)


@flat_models
@pytest.mark.parametrize("test", ["cr0", "cr1", "cr2"])
def test_cluster_robust_tests_are_not(model, test):
    assert quiet_pool(DEPENDENT, model=model, test=test).test == test


def test_every_refusal_is_an_error_of_the_package():
    with pytest.raises(MetaAllianceError):
        pool(SINGLE, model="che")


# Notices -----------------------------------------------------------------------------------------


def test_few_degrees_of_freedom_warn():
    with pytest.warns(MetaAllianceWarning, match=r"MA620 Only 1\.\d degrees of freedom"):
        pool(DEPENDENT)


@pytest.mark.parametrize("df", ["satterthwaite", "contain"])
def test_few_degrees_of_freedom_of_components_warn(df):
    labels = {"scale": list("uvuvu")}
    effects = Effects.from_arrays(DEPENDENT.yi, DEPENDENT.vi, list("AABCD"), labels)
    with pytest.warns(MetaAllianceWarning, match=r"MA620 .*below 4 the p-value"):
        pool(effects, test="t", crossed="scale", df=df)


@pytest.mark.parametrize("test", ["t", "knapp-hartung", "wald"])
def test_degrees_of_freedom_that_are_exact_are_those_of_few_studies(test):
    assert {"MA620", "MA621"} & codes(quiet_pool(SINGLE, test=test)) == {"MA621"}


def test_a_small_negative_weight_is_a_note():
    said = next(n for n in quiet_pool(DEPENDENT, test="t").notices if n.code == "MA673")
    assert said.severity == "note"
    assert said.message.startswith("1 effect has a negative weight (−0.8% together)")


def many(n_studies: int) -> Effects:
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(n_studies), 2)
    return Effects.from_arrays(
        rng.normal(0.3, 0.2, labels.size), np.full(labels.size, 0.01), study=labels
    )


def test_enough_degrees_of_freedom_do_not_warn():
    assert codes(pool(many(12))) == set()


@pytest.mark.parametrize(("n_studies", "noted"), [(9, True), (10, False)])
def test_few_studies_are_noted(n_studies, noted):
    assert ("MA621" in codes(pool(many(n_studies)))) == noted


def test_a_note_is_not_a_warning():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert codes(pool(SINGLE)) == {"MA621"}
    assert caught == []


@pytest.mark.parametrize(("ratio", "warned"), [(0.9e7, False), (1.1e7, True)])
def test_extreme_variance_ratio(ratio, warned):
    chosen = Effects.from_arrays([0.1, 0.2, 0.3, 0.4], [0.1 / ratio, 0.1, 0.05, 0.1])
    assert ("MA622" in codes(quiet_pool(chosen))) == warned


def test_extreme_variance_ratio_warns():
    chosen = Effects.from_arrays([0.1, 0.2, 0.3], [1e-9, 0.1, 0.1])
    with pytest.warns(MetaAllianceWarning, match="MA622 The largest sampling variance"):
        pool(chosen)


@pytest.mark.parametrize("test", ["knapp-hartung", "knapp-hartung-adhoc"])
def test_identical_effects_warn(test):
    with pytest.warns(MetaAllianceWarning, match=f"MA614 .*{test} standard error would be zero"):
        pool(IDENTICAL, test=test)


@nested_models
def test_identical_dependent_effects_warn(model):
    same = Effects.from_arrays([0.25] * 5, [0.01] * 5, study=list("AABBC"))
    with pytest.warns(MetaAllianceWarning) as caught:
        pool(same, model=model)
    assert {str(w.message)[:5] for w in caught} == {"MA614", "MA620"}


def test_warnings_are_the_notices_that_warn():
    with pytest.warns(MetaAllianceWarning) as caught:
        fit = pool(DEPENDENT)
    expected = [f"{n.code} {n.message}" for n in fit.notices if n.severity == "warning"]
    assert [str(w.message) for w in caught] == expected


def test_warnings_point_to_the_caller():
    with pytest.warns(MetaAllianceWarning) as caught:
        pool(ONE)
    assert caught[0].filename == __file__


# Variances that are tiny or huge ----------------------------------------------------------------

EVERY = ("DL", "HE", "HS", "SJ", "EB", "PM", "ML", "REML")


@pytest.mark.parametrize("tau2", EVERY)
@pytest.mark.parametrize("vi", [1e-12, 1e-6, 1e6, 1e12])
def test_variances_far_from_the_effects(tau2, vi):
    fit = quiet_pool(Effects.from_arrays(SINGLE.yi, np.full(4, vi)), tau2=tau2)
    spread = float(np.var(SINGLE.yi, ddof=0 if tau2 in {"ML", "SJ"} else 1))
    assert_close(fit.estimate, SINGLE.yi.mean(), 1e-9)
    if vi < 1 and tau2 not in {"HS", "SJ"}:
        assert_close(fit.tau2, max(0.0, spread - vi), 1e-9)


@pytest.mark.parametrize("vi", [1e6, 1e12])
@pytest.mark.parametrize("tau2", [e for e in EVERY if e != "SJ"])
def test_huge_variances_leave_no_heterogeneity(tau2, vi):
    assert quiet_pool(Effects.from_arrays(SINGLE.yi, np.full(4, vi)), tau2=tau2).tau2 == 0


@nested_models
@pytest.mark.parametrize("vi", [1e-12, 1e12])
def test_dependent_effects_with_variances_far_from_them(model, vi):
    near = many(6)
    far = Effects.from_arrays(near.yi, np.full(12, vi), study=near.frame["study"])
    found = quiet_pool(far, model=model, test="wald")
    assert_close(found.estimate, far.yi.mean(), 1e-9)
    assert np.isfinite([found.se, found.tau2, *found.tau2_ci()]).all()


def test_an_effect_of_overwhelming_precision_is_the_mean():
    chosen = Effects.from_arrays([0.1, 0.11, 0.12], [1e-12, 0.1, 0.1])
    found = quiet_pool(chosen, test="wald")
    assert_close([found.estimate, found.se], [0.1, 1e-6], 1e-9)


# Heterogeneity of zero ---------------------------------------------------------------------------


@likelihoods
def test_interval_of_a_tau2_of_zero_begins_there(tau2):
    near = Effects.from_arrays([0.30, 0.31, 0.29, 0.30], [0.01] * 4)
    fit = quiet_pool(near, tau2=tau2)
    assert fit.tau2 == 0.0
    assert fit.tau2_ci().low == fit.tau2_profile_ci().low == 0.0
    assert fit.tau2_profile_ci().high > 0.0


def test_q_below_its_lower_quantile_leaves_an_interval_of_zero():
    # Viechtbauer 2007: the whole interval is below zero, and is set to it
    near = Effects.from_arrays([0.300, 0.301, 0.299], [0.01] * 3)
    assert tuple(quiet_pool(near).tau2_ci()) == (0.0, 0.0)


@likelihoods
@nested_models
def test_both_components_at_zero(tau2, model):
    near = Effects.from_arrays([0.30, 0.31, 0.29, 0.30, 0.30], [0.1] * 5, study=list("AABBC"))
    fit = quiet_pool(near, model=model, tau2=tau2)
    assert fit.sigma2 == fit.I2_levels == {"study": 0.0, "effect": 0.0}
    assert (fit.I2, fit.H2) == (0.0, 1.0)


@likelihoods
@nested_models
@pytest.mark.parametrize("component", ["study", "effect", "total"])
def test_interval_of_a_component_of_zero(tau2, model, component):
    near = Effects.from_arrays([0.30, 0.31, 0.29, 0.30, 0.30], [0.1] * 5, study=list("AABBC"))
    low, high = quiet_pool(near, model=model, tau2=tau2).sigma2_ci(component)
    assert low == 0.0
    assert 0.0 < high < math.inf


# One study under tests that compare studies ------------------------------------------------------


@flat_models
@pytest.mark.parametrize("test", ["cr0", "cr1", "cr2"])
def test_one_study_has_no_cluster_robust_test(model, test):
    with pytest.raises(EstimationError, match="All 3 effects come from one study") as caught:
        pool(ONE_STUDY, model=model, test=test)
    assert caught.value.code == "MA611"


@nested_models
def test_one_effect_is_not_all_effects(model):
    with pytest.raises(EstimationError, match="one effect has no variance"):
        pool(ONE, model=model)


@pytest.mark.parametrize("test", ["t", "cr0", "cr1", "cr2"])
def test_one_effect_under_the_common_effect_model_has_a_normal_test(test):
    with pytest.warns(MetaAllianceWarning, match=f"MA613 One effect: a normal .* replaces {test}"):
        found = pool(ONE, model="common-effect", test=test)
    assert (found.test, found.df) == ("wald", math.inf)


# Certainty that nobody has -----------------------------------------------------------------------


@flat_models
@pytest.mark.parametrize("test", ["cr0", "cr1", "cr2"])
def test_identical_effects_do_not_claim_certainty(model, test):
    same = Effects.from_arrays([0.25] * 5, [0.01, 0.02, 0.04, 0.05, 0.08])
    with pytest.warns(MetaAllianceWarning) as caught:
        fit = pool(same, model=model, test=test)
    assert "MA614" in {str(w.message)[:5] for w in caught}
    assert_close(fit.se, quiet_pool(same, model=model, test="wald").se, CLOSED)


def test_profile_interval_of_one_effect():
    assert np.isnan(quiet_pool(ONE).tau2_profile_ci()).all()


@pytest.mark.parametrize(
    ("df", "text"),
    [
        (1.24, "1.2"),
        (3.97, "3.97"),
        (3.9996, "3.9996"),
        (2.0, "2"),
        (3.9999999999999996, "just under 4"),
    ],
)
def test_few_degrees_of_freedom_are_shown_to_be_few(df, text):
    (found,) = (n for n in reading_notices(many(12), df, "cr2") if n.code == "MA620")
    assert found.message.startswith(f"Only {text} degrees")
