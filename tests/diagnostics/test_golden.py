"""Influence, leave-one-out, Baujat and cumulative results against R."""

from __future__ import annotations

import numpy as np
import pytest
from golden_data import ITERATED, assert_close, golden

import metaalliance as ma

#: What rests on the small difference of two iterated means. Seen: 5e-11.
DIFFERENCE = 1e-8
UNI = [(name, case) for name, cases in golden("influence")["uni"].items() for case in cases]
NESTED = [
    (name, case) for name, cases in golden("influence")["dependent"].items() for case in cases
]
MODELS = {"three_level": "three-level", "che": "che"}
DIAGNOSTICS = {
    "rstudent": "rstudent_own",
    "dffits": "dffits",
    "cook": "cook",
    "covratio": "covratio",
    "tau2_del": "tau2.del",
    "QE_del": "QE.del",
    "hat": "hat",
    "weight": "weight",
    "rstandard": "rstandard",
    "pearson2": "baujat_x",
    "shift2": "baujat_y",
}
LEFT_OUT = {
    "estimate": "estimate",
    "se": "se",
    "statistic": "zval",
    "p_value": "pval",
    "ci_low": "ci.lb",
    "ci_high": "ci.ub",
    "Q": "Q",
    "Q_p_value": "Qp",
    "tau2": "tau2",
    "H2": "H2",
}


def numbers(values):
    return np.array([np.nan if v is None else v for v in values], dtype=float)


def close(ours, theirs, rtol=DIFFERENCE, scale=1e-6):
    assert_close(np.asarray(ours, float), numbers(theirs), rtol, scale)


@pytest.mark.parametrize(("name", "case"), UNI)
def test_diagnostics_of_independent_effects_are_metafors(fit_of, name, case):
    theirs = golden("influence")["uni"][name][case]["influence"]
    ours = ma.influence(fit_of(name, case)).effects
    for column, key in DIAGNOSTICS.items():
        close(ours[column], theirs[key])
    close(ours["dfbetas"], theirs["dfbetas"]["intrcpt"])
    assert ours["influential"].tolist() == theirs["influential"]


@pytest.mark.parametrize(("name", "case"), UNI)
def test_residuals_are_metafors_but_for_the_factor_of_knapp_and_hartung(fit_of, name, case):
    theirs = golden("influence")["uni"][name][case]["influence"]
    same = np.allclose(numbers(theirs["rstudent"]), numbers(theirs["rstudent_own"]), rtol=1e-8)
    assert same == case.endswith("z")


@pytest.mark.parametrize(("name", "case"), UNI)
def test_leave_one_out_is_metafors(fit_of, name, case):
    theirs = golden("influence")["uni"][name][case]["leave1out"]
    ours = ma.leave_one_out(fit_of(name, case)).frame
    compared = [column for column, key in LEFT_OUT.items() if key in theirs]
    assert len(compared) >= 6
    for column in compared:
        close(ours[column], theirs[LEFT_OUT[column]])
    if "I2" in theirs:
        close(100 * ours["I2"], theirs["I2"])


@pytest.mark.parametrize(("name", "case"), [u for u in UNI if u[0] != "mcdaniel1994"])
def test_cumulative_by_year_is_metafors(fit_of, name, case):
    theirs = golden("influence")["uni"][name][case]["cumul"]
    ours = ma.cumulative(fit_of(name, case), ties="sheet").frame.iloc[1:]
    for column, key in LEFT_OUT.items():
        if key in theirs and column != "Q_p_value":
            close(ours[column], theirs[key][1:])


@pytest.mark.parametrize("case", ["REML.z", "REML.knha"])
def test_diagnostics_of_a_meta_regression_are_metafors(effects, regression_of, case):
    golden_case = golden("influence")["mods"]["bcg"][case]
    theirs, test = golden_case["influence"], {"z": "wald", "knha": "knapp-hartung"}
    fit = regression_of(
        effects("bcg"), golden_case["x"], model="two-level", test=test[case.split(".")[1]]
    )
    found = ma.influence(fit).effects
    for column, key in DIAGNOSTICS.items():
        close(found[column], theirs[key])
    close(found["dfbetas_intercept"], theirs["dfbetas"]["intrcpt"])
    close(found["dfbetas_x1"], theirs["dfbetas"]["x"])
    left, without = ma.leave_one_out(fit), golden_case["without"]
    slopes = left.coefficients[left.coefficients["term"] == "x1"]
    close(slopes["estimate"], without["slope"])
    close(slopes["se"], without["se_slope"])
    close(left.frame["omnibus_statistic"], without["QM"])
    close(left.frame["omnibus_p_value"], without["QMp"])
    for column in ("tau2", "QE"):
        close(left.frame[column], without[column])
    close(100 * left.frame["I2"], without["I2"])


@pytest.mark.parametrize(("name", "case"), NESTED)
def test_deletion_of_studies_is_rs_at_the_optimum(nested_fit, name, case):
    golden_case = golden("influence")["dependent"][name][case]
    theirs = golden_case["studies"]
    fit = nested_fit(name, MODELS[case], golden_case["rho"])
    left, found = ma.leave_one_out(fit).frame, ma.influence(fit).studies
    assert [str(s) for s in left["study"]] == [str(s) for s in theirs["study"]]
    for column in ("estimate", "sigma2_study", "sigma2_effect"):
        close(left[column], theirs[column], ITERATED)
    for column in ("se", "df", "p_value"):
        close(left[column], theirs[f"cr2_{'p' if column == 'p_value' else column}"], ITERATED)
    close(left["Q"], theirs["QE"], ITERATED)
    close(100 * left["I2"], theirs["I2"], ITERATED)
    for column in ("cook", "dfbetas", "covratio", "X2", "rstudent", "hat", "pearson2", "shift2"):
        close(found[column], theirs[column])
    close(found["QE_del"], theirs["QE"])


def test_deletion_of_single_dependent_effects_is_rs_at_the_optimum(nested_fit):
    theirs = golden("influence")["dependent"]["konstantopoulos2011"]["three_level"]["effects"]
    fit = nested_fit("konstantopoulos2011", "three-level")
    found, left = ma.influence(fit).effects, ma.leave_one_out(fit, "effect").frame
    for column in ("cook", "dfbetas", "covratio", "rstudent", "hat", "pearson2", "shift2"):
        close(found[column], theirs[column])
    for column in ("estimate", "sigma2_study", "sigma2_effect"):
        close(left[column], theirs[column], ITERATED)


@pytest.mark.parametrize(("name", "case"), NESTED)
def test_metafors_functions_agree_as_far_as_its_optimizer_goes(nested_fit, name, case):
    golden_case = golden("influence")["dependent"][name][case]
    theirs = golden_case["metafor"]
    found = ma.influence(nested_fit(name, MODELS[case], golden_case["rho"]))
    for column in ("cook", "dfbetas", "X2"):
        close(found.studies[column], theirs[column], 2e-5)
    close(found.effects["hat"], theirs["hat"], 1e-6)
