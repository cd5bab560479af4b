"""Influence diagnostics: by hand, invariances, dependent effects, Baujat, outliers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from golden_data import assert_close, quiet_pool

import metaalliance as ma
from metaalliance.diagnostics.refits import Refits, point_of
from metaalliance.diagnostics.subject import examine

YI, VI = [0.2, 0.3, 0.25, 0.9], [0.01, 0.02, 0.01, 0.02]
STUDY = ["A", "A", "B", "B", "C", "D", "D", "D", "E"]
NESTED_YI = [0.1, 0.3, 0.25, 0.9, 0.2, 0.4, 0.35, 0.3, 0.15]
NESTED_VI = [0.02, 0.03, 0.01, 0.01, 0.04, 0.02, 0.02, 0.05, 0.01]


def dependent():
    return ma.Effects.from_arrays(NESTED_YI, NESTED_VI, study=STUDY)


def test_a_common_effect_by_hand():
    effects = ma.Effects.from_arrays(YI, VI)
    row = ma.influence(effects, model="common-effect").studies.iloc[3]
    # weights 100, 50, 100, 50: mean .35; without the last (20 + 15 + 25) / 250 = .24
    assert_close(row["rstudent"], 0.66 / np.sqrt(0.02 + 1 / 250), 1e-12)
    assert_close(row["cook"], 0.11**2 * 300, 1e-12)
    assert_close(row["dfbetas"], 0.11 * np.sqrt(300), 1e-12)
    assert_close(row["covratio"], 300 / 250, 1e-12)
    assert_close(row["hat"], 50 / 300, 1e-12)
    assert_close(row["weight"], 50 / 300, 1e-12)
    assert_close(row["QE_del"], 100 * 0.04**2 + 50 * 0.06**2 + 100 * 0.01**2, 1e-12)
    assert_close(row["dffits"], 0.11 / np.sqrt(0.02 * 50 / 300), 1e-12)
    assert row["tau2_del"] == 0


def test_independent_studies_and_effects_are_one():
    found = ma.influence(ma.Effects.from_arrays(YI, VI))
    for column in ("rstudent", "cook", "hat", "tau2_del"):
        assert found.studies[column].tolist() == found.effects[column].tolist()


def test_sums_over_the_effects_of_a_study():
    found = ma.influence(quiet_pool(dependent(), model="che"))
    assert_close(found.studies["weight"].sum(), 1.0, 1e-12)
    assert_close(found.studies["hat"].sum(), 1.0, 1e-12)
    summed = found.effects.groupby("study", sort=False)["hat"].sum()
    assert_close(found.studies["hat"], summed.to_numpy(), 1e-12)
    assert found.studies["k_omitted"].tolist() == [2, 2, 1, 3, 1]
    assert found.studies["X2_df"].tolist() == [2, 2, 1, 3, 1]


def test_a_study_of_one_effect_has_its_own_residual():
    found = ma.influence(quiet_pool(dependent(), model="che"))
    alone = found.studies[found.studies["study"] == "C"].iloc[0]
    effect = found.effects[found.effects["study"] == "C"].iloc[0]
    assert_close(alone["rstudent"], effect["rstudent"], 1e-10)
    assert_close(alone["X2"], alone["rstudent"] ** 2, 1e-10)
    assert_close(alone["cook"], effect["cook"], 1e-8)


def test_robust_tests_do_not_change_the_diagnostics():
    robust = ma.influence(quiet_pool(dependent(), model="che", test="cr2"))
    model = ma.influence(quiet_pool(dependent(), model="che", test="wald"))
    pd.testing.assert_frame_equal(robust.studies, model.studies)
    pd.testing.assert_frame_equal(robust.effects, model.effects)


def test_shifted_and_rescaled_effects_have_the_same_diagnostics():
    first = ma.influence(quiet_pool(dependent(), model="che")).studies
    yi, vi = 10 + 3 * np.array(NESTED_YI), 9 * np.array(NESTED_VI)
    moved = ma.Effects.from_arrays(yi, vi, study=STUDY)
    second = ma.influence(quiet_pool(moved, model="che")).studies
    for column in ("rstudent", "cook", "dffits", "covratio", "hat", "dfbetas", "X2"):
        assert_close(second[column], first[column], 1e-6, 1e-4)


def test_the_order_of_rows_is_kept():
    order = [8, 3, 0, 5, 1, 7, 2, 6, 4]
    shuffled = ma.Effects.from_arrays(
        np.array(NESTED_YI)[order], np.array(NESTED_VI)[order], study=np.array(STUDY)[order]
    )
    first = ma.influence(quiet_pool(dependent(), model="che")).effects
    second = ma.influence(quiet_pool(shuffled, model="che")).effects
    for column in ("rstandard", "rstudent", "cook", "hat", "weight"):
        assert_close(second[column], first[column].to_numpy()[order], 1e-8, 1e-6)


def test_deletions_that_fail_are_listed():
    effects = ma.Effects.from_arrays([0.1, 0.3, 0.4, 0.2], [0.01] * 4, study=["A", "A", "B", "C"])
    found = ma.influence(quiet_pool(effects, model="che"))
    assert found.studies["code"].tolist() == ["MA610", "", ""]
    assert found.effects["code"].tolist() == ["MA610", "MA610", "", ""]
    assert found.notices[0].code == "MA662"
    assert found.to_dict()["studies"][0]["cook"] is None


def test_a_regression_from_the_start_is_brought_to_the_coordinates_of_the_whole(regression_of):
    x = [3.0, 1.0, 2.0, 5.0, 4.0, 9.0, 8.0, 2.5, 1.5]
    subject = examine(regression_of(dependent(), x, model="che"))
    keep = subject.study != 3
    (moved,) = Refits(subject, keep[None, :], "wald")
    start = point_of(subject, subject.refit(keep, "wald"))
    assert np.abs(start.beta - subject.refit(keep).beta).max() > 1e-4  # other coordinates
    assert_close(start.beta, moved.point.beta, 1e-8)
    assert_close(start.bread, moved.point.bread, 1e-7)


def test_two_effects_leave_one_from_which_nothing_follows():
    found = ma.influence(quiet_pool(ma.Effects.from_arrays([0.1, 0.4], [0.01, 0.02])))
    assert found.studies["rstudent"].isna().all()
    assert found.studies["reason"].str.contains("One effect is left").all()


def test_one_effect_is_refused():
    with pytest.raises(ma.EstimationError, match="nothing can be left out"):
        ma.influence(ma.Effects.from_arrays([0.1], [0.01]))


def test_the_package_can_be_called_like_its_function():
    from metaalliance import influence as package
    from metaalliance.diagnostics.diagnostics import influence as function

    effects = ma.Effects.from_arrays(YI, VI)
    pd.testing.assert_frame_equal(package(effects).studies, function(effects).studies)


# Baujat ------------------------------------------------------------------------------------


def test_baujat_of_a_common_effect_adds_up_to_q():
    effects = ma.Effects.from_arrays(YI, VI)
    fit = quiet_pool(effects, model="common-effect")
    points = ma.baujat(fit)
    assert_close(points.frame["heterogeneity"].sum(), fit.Q, 1e-12)
    assert_close(points.frame["influence"][3], 0.11**2 * 250, 1e-12)
    assert points.summary().splitlines()[1].startswith("  4: ")


def test_baujat_of_whole_studies_adds_up_to_q():
    fit = quiet_pool(dependent(), model="che")
    zero = quiet_pool(dependent(), model="common-effect", test="cr2")
    points = ma.baujat(fit)
    assert len(points.frame) == 5
    assert_close(ma.baujat(zero).frame["heterogeneity"].sum(), zero.Q, 1e-10)
    assert len(ma.baujat(fit, "effect").frame) == 9


def test_baujat_takes_diagnostics_without_computing_them_again():
    found = ma.influence(quiet_pool(dependent(), model="che"))
    pd.testing.assert_frame_equal(ma.baujat(found).frame, ma.baujat(found.fit).frame)
    with pytest.raises(ma.OptionError, match="settings already"):
        ma.baujat(found, tau2="DL")


# Outliers ----------------------------------------------------------------------------------


def test_outliers_by_hand():
    effects = ma.Effects.from_arrays(YI, VI)
    found = ma.outliers(effects, model="common-effect")
    # the mean is .35 with limits .237 and .463; the last effect begins at .623
    assert found.frame["outside_interval"].tolist() == [False, False, False, True]
    rule = found.rules[0]
    assert rule.flagged == ("4",)
    assert_close(rule.fit.estimate, 0.24, 1e-12)
    assert found.rules[2].fit is None
    assert "no prediction interval" in found.rules[2].reason


def test_each_rule_is_pooled_without_its_outliers():
    rng = np.random.default_rng(3)
    yi = np.r_[rng.normal(0.3, 0.05, 20), 1.5, 0.3, 0.31]
    effects = ma.Effects.from_arrays(yi, [0.004] * 23, measure="z")
    found = ma.outliers(effects)
    for rule in found.rules:
        flags = found.frame[f"outside_{rule.name}"].to_numpy()
        assert len(rule.flagged) == flags.sum() > 0
        naive = quiet_pool(effects.subset(~flags))
        assert_close(rule.fit.estimate, naive.estimate, 1e-12)
    assert found.frame["outside_residual"].tolist().index(True) == 20
    text = found.summary()
    assert "|studentised residual| > 1.96: 1 (21)" in text


def test_no_outlier_leaves_the_result_as_it_is():
    effects = ma.Effects.from_arrays([0.2, 0.22, 0.18, 0.21], [0.01] * 4)
    found = ma.outliers(effects)
    assert all(rule.flagged == () and rule.fit is found.fit for rule in found.rules)


def test_outlying_studies():
    fit = quiet_pool(dependent(), model="che")
    found = ma.outliers(fit, "study", threshold=1.0)
    assert len(found.frame) == 5
    # study C has one effect; study A's mean by hand, errors correlated .6
    assert found.frame["estimate"][2] == 0.2
    cov = 0.6 * np.sqrt(0.02 * 0.03)
    w = np.linalg.solve([[0.02, cov], [cov, 0.03]], [1, 1])
    assert_close(found.frame["estimate"][0], w @ [0.1, 0.3] / w.sum(), 1e-12)
    assert_close(
        found.frame["ci_high"][0], w @ [0.1, 0.3] / w.sum() + 1.959963984540054 / np.sqrt(w.sum()),
        1e-12,
    )  # fmt: skip
    gone = found.frame["study"][found.frame["outside_residual"]]
    assert len(gone) > 0
    rest = fit.effects.subset(~fit.effects.frame["study"].isin(gone))
    assert_close(found.rules[1].fit.estimate, quiet_pool(rest, model="che").estimate, 1e-10)


def test_a_rule_that_leaves_nothing_to_fit_says_so():
    effects = ma.Effects.from_arrays([0.1, 1.3, 0.4, 0.2], [0.001] * 4, study=["A", "A", "B", "C"])
    found = ma.outliers(quiet_pool(effects, model="che"), threshold=0.01)
    assert found.rules[1].fit is None
    assert found.rules[1].reason
    assert found.to_dict()["rules"][1]["without"] is None


def test_wrong_options_are_refused(regression_of):
    effects = ma.Effects.from_arrays(YI, VI)
    with pytest.raises(ma.OptionError, match="positive"):
        ma.outliers(effects, threshold=0)
    with pytest.raises(ma.OptionError, match="for a mean"):
        ma.outliers(regression_of(effects, [0, 1, 0, 1], model="two-level"))
