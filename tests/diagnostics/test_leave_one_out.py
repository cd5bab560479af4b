"""Leave-one-out: the same as fits from the start, refusals listed, verdicts that turn."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from golden_data import ITERATED, assert_close, quiet_pool
from hypothesis import given, settings
from hypothesis import strategies as st

import metaalliance as ma
from metaalliance.model import TESTS

COLUMNS = (
    "estimate", "se", "statistic", "df", "p_value", "ci_low", "ci_high", "pi_low", "pi_high",
    "tau2", "tau", "I2", "H2", "Q", "Q_df", "Q_p_value", "n_studies", "n_effects",
)  # fmt: skip
modest = settings(derandomize=True, max_examples=8)


def nested(m=9, seed=1, spread=0.2, varying=True):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 5, m)
    sizes[:2] = 3
    study = np.repeat(np.arange(m), sizes)
    vi = rng.uniform(0.01, 0.08, study.size if varying else m)
    vi = vi if varying else vi[study]
    yi = 0.3 + rng.normal(0, spread, m)[study] + rng.normal(0, np.sqrt(vi + spread**2 / 4))
    labels = [f"S{s}" for s in study]
    return ma.Effects.from_arrays(yi, vi, study=labels, moderators={"x": rng.normal(size=vi.size)})


def flat(k=12, seed=2, spread=0.2):
    rng = np.random.default_rng(seed)
    vi = rng.uniform(0.005, 0.1, k)
    return ma.Effects.from_arrays(rng.normal(0.3, np.sqrt(vi + spread**2)), vi, measure="z")


def finite(values):
    """Numbers with the infinite degrees of freedom of normal tests as -1."""
    return np.nan_to_num(np.asarray(values, float), nan=0.0, posinf=-1.0)


def assert_is_naive(fit, unit, rtol=1e-8):
    """Compare every row with a fit from the start to what is left."""
    left = ma.leave_one_out(fit, unit)
    effects, options = fit.effects, {k: v for k, v in fit.settings().items() if k != "measure"}
    for row in left.frame.itertuples():
        frame = effects.frame
        gone = frame["study"] == row.study
        if unit == "effect":
            gone &= frame["effect"] == row.effect
        naive = quiet_pool(effects.subset(~gone), **options)
        ours = [getattr(row, name) for name in COLUMNS]
        theirs = [getattr(naive, name) for name in COLUMNS]
        assert np.isnan(ours).tolist() == np.isnan(theirs).tolist()
        assert_close(finite(ours), finite(theirs), rtol, 1e-6)
        assert abs(row.change - (naive.estimate - fit.estimate)) < 1e-9


@pytest.mark.parametrize("unit", ["study", "effect"])
@pytest.mark.parametrize("varying", [True, False])
@pytest.mark.parametrize("test", TESTS["che"])
def test_multilevel_deletions_are_fits_from_the_start(test, varying, unit):
    assert_is_naive(quiet_pool(nested(varying=varying), model="che", test=test), unit)


@pytest.mark.parametrize("options", [{"tau2": "ML"}, {"rho": 0.3}, {"prediction": "riley"}])
def test_multilevel_options_are_kept(options):
    assert_is_naive(quiet_pool(nested(), model="che", **options), "study")


def test_a_three_level_model_at_the_boundary():
    fit = quiet_pool(nested(seed=2, spread=0.02), model="three-level")
    assert 0.0 in fit.sigma2.values()
    assert_is_naive(fit, "study")


@pytest.mark.parametrize("test", TESTS["two-level"])
def test_two_level_tests(test):
    assert_is_naive(quiet_pool(flat(), test=test), "study")


@pytest.mark.parametrize("tau2", ["REML", "ML", "DL", "HE", "HS", "SJ", "EB", "PM"])
def test_two_level_estimators(tau2):
    assert_is_naive(quiet_pool(flat(), tau2=tau2), "study")


@pytest.mark.parametrize("prediction", ["t", "normal", "riley"])
def test_predictions(prediction):
    assert_is_naive(quiet_pool(flat(), prediction=prediction), "study")


def test_common_effect():
    assert_is_naive(quiet_pool(flat(), model="common-effect"), "study")


def test_dependent_effects_in_a_two_level_model_with_a_robust_test():
    assert_is_naive(quiet_pool(nested(), model="two-level", test="cr2"), "study")


@pytest.mark.parametrize("k", [2, 3])
def test_very_few_effects(k):
    fit = quiet_pool(flat(k))
    assert_is_naive(fit, "study")


def test_identical_effects():
    fit = quiet_pool(ma.Effects.from_arrays([0.3] * 5, [0.02] * 5, measure="z"))
    assert_is_naive(fit, "study")
    assert (ma.leave_one_out(fit).frame["tau2"] == 0).all()


@modest
@given(st.integers(3, 12), st.integers(0, 10_000), st.sampled_from([0.0, 0.05, 0.5]))
def test_any_multilevel_deletion_is_the_fit_from_the_start(m, seed, spread):
    fit = quiet_pool(nested(m, seed, spread), model="che")
    left = ma.leave_one_out(fit).frame
    for row in left.itertuples():
        if row.reason:
            continue
        rest = fit.effects.subset(fit.effects.frame["study"] != row.study)
        naive = quiet_pool(rest, model="che")
        assert abs(row.estimate - naive.estimate) < 1e-8
        assert abs(row.tau2 - naive.tau2) < 1e-8
        assert abs(row.sigma2_study - naive.sigma2["study"]) < 1e-8


def test_a_deletion_that_ends_the_split_is_listed_with_its_reason():
    study = ["A", "A", "A", "B", "C", "D"]
    effects = ma.Effects.from_arrays([0.1, 0.3, 0.2, 0.4, 0.1, 0.5], [0.02] * 6, study=study)
    left = ma.leave_one_out(quiet_pool(effects, model="che"))
    assert left.failures["study"].tolist() == ["A"]
    assert left.failures["code"].tolist() == ["MA610"]
    assert "no study has more than one effect" in left.frame["reason"][0]
    assert left.frame["estimate"].isna().tolist() == [True, False, False, False]
    assert left.notices[0].code == "MA662"
    assert left.most_influential(1)["study"].tolist() == ["A"]
    assert left.to_dict()["omitted"][0]["estimate"] is None
    assert "not fitted" in left.summary()


def test_the_order_of_rows_does_not_matter():
    effects = nested()
    mixed = effects.frame.sample(frac=1, random_state=3)
    again = ma.Effects.from_arrays(mixed["yi"], mixed["vi"], study=list(mixed["study"]))
    ours = ma.leave_one_out(quiet_pool(effects)).frame.set_index("study")["estimate"]
    theirs = ma.leave_one_out(quiet_pool(again)).frame.set_index("study")["estimate"]
    assert_close(theirs.loc[ours.index], ours, ITERATED)


def test_a_verdict_that_turns_on_one_study_is_warned_of():
    effects = ma.Effects.from_arrays([0.05, 0.02, 0.9, 0.04], [0.01, 0.01, 0.01, 0.01])
    left = ma.leave_one_out(effects, model="common-effect")
    assert left.fit.ci_low > 0
    turned = [p for p in left.notices if p.code == "MA664"]
    assert len(turned) == 1
    assert "Without study 3 the 95% interval includes zero." in turned[0].message


def test_a_model_with_further_levels_is_fitted_again():
    effects = nested()
    sample = [f"{s}{i % 2}" for i, s in enumerate(effects.frame["study"])]
    deep = ma.Effects.from_arrays(
        effects.yi, effects.vi, study=list(effects.frame["study"]), sample=sample
    )
    fit = quiet_pool(deep, model="che", within=["sample"], test="t")
    left = ma.leave_one_out(fit).frame
    rest = deep.subset(deep.frame["study"] != "S0")
    naive = quiet_pool(rest, model="che", within=["sample"], test="t")
    assert_close(left["estimate"][0], naive.estimate, 1e-10)
    assert_close(left["sigma2_sample"][0], naive.sigma2["sample"], 1e-10, 1e-6)


def test_r_scale_changes_are_differences_of_correlations():
    fit = quiet_pool(flat())
    left = ma.leave_one_out(fit)
    back = left.to_frame("r")
    assert_close(back["estimate"], np.tanh(left.frame["estimate"]), 1e-14)
    assert_close(back["change"], back["estimate"] - np.tanh(fit.estimate), 1e-10, 1e-3)
    assert back["se"].isna().all()


@pytest.mark.parametrize("unit", ["study", "effect"])
def test_one_unit_cannot_be_left_out(unit):
    effects = ma.Effects.from_arrays([0.3], [0.01])
    with pytest.raises(ma.EstimationError, match="nothing can be left out") as error:
        ma.leave_one_out(effects, unit)
    assert error.value.code == "MA660"


def test_wrong_options_are_refused():
    fit = quiet_pool(flat())
    with pytest.raises(ma.OptionError, match="its own settings"):
        ma.leave_one_out(fit, tau2="DL")
    with pytest.raises(ma.OptionError, match="unit='row'"):
        ma.leave_one_out(fit, "row")
    with pytest.raises(ma.OptionError, match="cannot be examined"):
        ma.leave_one_out([0.1, 0.2])


# Meta-regression ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [{"model": "che"}, {"model": "che", "test": "t"}, {"model": "three-level", "test": "wald"}],
)
def test_a_multilevel_regression_is_fitted_from_the_start(regression_of, options):
    effects = nested()
    fit = regression_of(effects, effects.frame["x"], **options)
    left = ma.leave_one_out(fit)
    for row in left.frame.itertuples():
        rest = effects.subset(effects.frame["study"] != row.study)
        naive = regression_of(rest, rest.frame["x"], **options)
        ours = left.coefficients[left.coefficients["omitted"] == row.omitted]
        for name in ("estimate", "se", "df", "p_value", "ci_low"):
            theirs = naive.beta if name == "estimate" else getattr(naive, name)
            assert_close(finite(ours[name]), finite(theirs), 1e-8, 1e-6)
        test = naive.wald([[0, 1]])
        assert_close(row.omnibus_statistic, test.statistic, 1e-8)
        assert_close(row.omnibus_p_value, test.p_value, 1e-8)
        assert_close([row.tau2, row.QE, row.I2], [naive.tau2, naive.QE, naive.I2], 1e-8, 1e-6)


def test_a_level_that_is_lost_is_named(regression_of):
    effects = flat(6)
    only = (np.arange(6) == 2).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        left = ma.leave_one_out(regression_of(effects, only, model="two-level"))
    assert left.failures["study"].tolist() == [3]
    assert "x1" in left.failures["reason"][0]
    assert left.notices[0].code == "MA662"
    assert left.most_influential(1)["study"].tolist() == [3]
    assert left.to_dict()["omitted"][2]["coefficients"] == []


def test_the_test_of_a_moderator_compares_its_levels():
    rng = np.random.default_rng(4)
    level = np.repeat(["CBT", "PDT", "IPT"], 5)
    vi = rng.uniform(0.01, 0.05, 15)
    yi = rng.normal(0.3 + 0.2 * (level == "PDT"), np.sqrt(vi))
    effects = ma.Effects.from_arrays(yi, vi, moderators={"modality": level})
    found = ma.moderators(effects, "modality")
    left = ma.leave_one_out(found)
    for row in left.frame.itertuples():
        rest = effects.subset(effects.frame["study"] != row.study)
        naive = ma.moderators(rest, "modality").omnibus
        assert_close(row.omnibus_statistic, naive["statistic"], 1e-8)
        assert row.omnibus_df1 == naive["df1"] == 2
        assert_close(row.omnibus_p_value, naive["p_value"], 1e-8)
    assert "omnibus f" in left.summary()
