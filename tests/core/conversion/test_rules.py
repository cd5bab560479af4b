"""The table of rules: what each statistic becomes, from which columns."""

from __future__ import annotations

import math

import pytest
from golden_data import CLOSED, assert_close, golden

from metaalliance.core.conversion.conversions import Converted
from metaalliance.core.conversion.rules import COMPANIONS, RULES

CASES = {c["id"]: c for c in golden("conversions")["cases"]}

#: Inputs by column name, and r by hand with its Fisher z variance.
EXAMPLES = {
    "r": ({"r": 0.3, "n": 53}, 0.3, 1 / 50),
    "fisher_z": ({"fisher_z": 0.5, "n": 53}, math.tanh(0.5), 1 / 50),
    "yi": ({"yi": 0.5, "vi": 0.04}, math.tanh(0.5), 0.04),
    "spearman_rho": ({"spearman_rho": 0.0, "n": 53}, 0.0, (math.pi / 3) ** 2 / 50),
    "kendall_tau": ({"kendall_tau": 0.0, "n": 54}, 0.0, 0.437 * (math.pi / 2) ** 2 / 50),
    "t": ({"t": 3.0, "n": 18}, 0.6, 1 / 15),
    "F": ({"F": 9.0, "df2": 16.0}, 0.6, 1 / 15),
    "means": (
        {"mean1": 3.0, "sd1": 2.0, "n1": 9.0, "mean2": 1.0, "sd2": 2.0, "n2": 9.0},
        1 / math.sqrt(1 + 16 * 2 / 9),
        (1 - 1 / (1 + 16 * 2 / 9) / 2) / 18,
    ),
    "d": ({"d": 1.5, "n": 18}, 0.6, 0.82 / 18),
    "g": ({"g": 0.0, "n1": 9.0, "n2": 9.0}, 0.0, 1 / 18),
    "cells": (
        {"cell_a": 8.0, "cell_b": 2.0, "cell_c": 2.0, "cell_d": 8.0},
        0.6,
        1 / (20 * 0.64),
    ),
    "chi2": ({"chi2": 7.2, "n": 20}, 0.6, 1 / 17),
    "z_stat": ({"z_stat": 3.0, "n": 25}, 0.6, 1 / 22),
    "partial_r": ({"partial_r": 0.6, "n": 30, "n_predictors": 4}, 0.6, 1 / 24),
    "semipartial_r": ({"semipartial_r": 0.4, "r2_model": 0.16, "n": 50}, 0.4, 1 / 50),
    "r_squared": ({"r_squared": 0.36, "n": 18}, 0.6, 1 / 15),
    "eta_squared": ({"eta_squared": 0.36, "n": 18}, 0.6, 1 / 15),
    "odds_ratio": ({"odds_ratio": 1.0, "n": 53}, 0.0, 1 / 50),
    "log_odds_ratio": ({"log_odds_ratio": 0.0, "n": 53}, 0.0, 1 / 50),
    "risk_ratio": ({"risk_ratio": 1.0, "base_risk": 0.4, "n": 53}, 0.0, 1 / 50),
    "events": ({"events1": 8.0, "total1": 10.0, "events2": 2.0, "total2": 10.0}, 0.6, 1 / 12.8),
    "b": ({"b": 0.5, "sd_x": 2.0, "sd_y": 4.0, "n": 53}, 0.3, 1 / 50),
    "beta": ({"beta": 0.25, "n": 53}, 0.3, 1 / 50),
    "p": ({"p": 1.0, "n": 53}, 0.0, 1 / 50),
}
examples = pytest.mark.parametrize("statistic", EXAMPLES)


def convert(statistic: str, **changed: float) -> Converted:
    inputs = {**EXAMPLES[statistic][0], **changed}
    return RULES[statistic].convert({k: v for k, v in inputs.items() if v is not None})


def test_every_rule_has_an_example():
    assert set(EXAMPLES) == set(RULES)


@examples
def test_r(statistic):
    assert_close(convert(statistic).r, EXAMPLES[statistic][1], CLOSED)


@examples
def test_variance_of_fisher_z(statistic):
    assert_close(convert(statistic).z_variance, EXAMPLES[statistic][2], CLOSED)


@examples
def test_example_holds_what_the_rule_needs(statistic):
    inputs = EXAMPLES[statistic][0]
    assert all(any(name in inputs for name in one_of) for one_of in RULES[statistic].needs)


@examples
def test_what_a_rule_needs_has_a_column(statistic):
    rule = RULES[statistic]
    named = {name for one_of in rule.needs for name in one_of} | {*rule.parts}
    assert named <= {*COMPANIONS, *(c for other in RULES.values() for c in other.inputs)}


@examples
def test_ledger_has_formula_and_source(statistic):
    found = convert(statistic)
    assert found.formula
    assert found.variance_rule
    assert RULES[statistic].source


def test_approximate_rules_say_so():
    assert {s for s in EXAMPLES if convert(s).approximate} == {
        "spearman_rho", "kendall_tau", "d", "z_stat", "odds_ratio", "log_odds_ratio", "risk_ratio",
        "b", "beta",
    }  # fmt: skip


def test_statistics_without_a_sign():
    unsigned = {s for s, rule in RULES.items() if not rule.signed}
    assert unsigned == {"F", "chi2", "r_squared", "eta_squared", "p"}


# Degrees of freedom and what was taken because it was not coded -------------------------------


@pytest.mark.parametrize("statistic", ["t", "p"])
def test_df_is_taken_before_n(statistic):
    assert_close(convert(statistic, df=20.0).z_variance, 1 / 19, CLOSED)


@pytest.mark.parametrize("statistic", ["r", "fisher_z", "r_squared"])
def test_n_is_taken_before_df(statistic):
    assert convert(statistic, df=20.0).z_variance == convert(statistic).z_variance


@pytest.mark.parametrize("statistic", ["r", "fisher_z", "r_squared", "eta_squared"])
def test_df_serves_where_n_is_missing(statistic):
    assert_close(convert(statistic, n=None, df=20.0).z_variance, 1 / 19, CLOSED)


def test_f_takes_n_where_df2_is_missing():
    assert_close(convert("F", df2=None, n=18.0).r, 0.6, CLOSED)


def test_partial_r_takes_its_own_df():
    assert_close(convert("partial_r", df=41.0).z_variance, 1 / 40, CLOSED)


@pytest.mark.parametrize(
    ("statistic", "missing"),
    [("F", "df1"), ("p", "tails"), ("r_squared", "n_predictors"), ("d", "n1 and n2")],
)
def test_what_was_taken_is_recorded(statistic, missing):
    assert missing in " ".join(convert(statistic).assumptions)


@pytest.mark.parametrize(
    ("statistic", "coded"), [("F", "df1"), ("p", "tails"), ("r_squared", "n_predictors")]
)
def test_what_was_coded_is_not_taken(statistic, coded):
    statistic_of_p = {"p": 0.2} if statistic == "p" else {}  # one-tailed, at most .5
    assert convert(statistic, **statistic_of_p, **{coded: 1.0}).assumptions == ()


@pytest.mark.parametrize("statistic", ["beta", "b"])
def test_beta_of_one_predictor_is_r(statistic):
    found = convert(statistic, n_predictors=1.0)
    assert_close(found.r, 0.25, CLOSED)
    assert not found.approximate


def test_d_with_group_sizes_is_exact():
    found = convert("d", n1=15.0, n2=40.0)
    assert_close(found.r, 1.5 / math.sqrt(1.5**2 + 53 * (1 / 15 + 1 / 40)), CLOSED)
    assert not found.approximate


def test_one_tailed_p_is_half_of_a_two_tailed_one():
    one, two = convert("p", p=0.02, tails=1.0), convert("p", p=0.04, tails=2.0)
    assert_close(one.r, two.r, CLOSED)


@pytest.mark.parametrize("scale", ["odds_ratio", "log_odds_ratio"])
def test_variance_of_an_odds_ratio_comes_from_its_interval(scale):
    x, out = CASES["or_ci_2.3"]["inputs"], CASES["or_ci_2.3"]["outputs"]
    as_coded = float if scale == "odds_ratio" else math.log
    found = RULES[scale].convert(
        {scale: as_coded(x["or"]), "ci_low": as_coded(x["low"]), "ci_high": as_coded(x["high"])}
    )
    assert_close(found.z_variance, out["var_r"] / (1 - out["r"] ** 2) ** 2, CLOSED)


# Against R, through the columns of the sheet --------------------------------------------------


@pytest.mark.parametrize("case", [c for i, c in CASES.items() if i.startswith("r_ZCOR")])
def test_r_with_n(case):
    x, out = case["inputs"], case["outputs"]
    found = RULES["r"].convert({"r": x["ri"], "n": x["ni"]})
    assert_close([math.atanh(found.r), found.z_variance], [out["yi"], out["vi"]], CLOSED)


@pytest.mark.parametrize("case", [c for i, c in CASES.items() if i.startswith("t_")])
def test_t_with_n(case):
    x, out = case["inputs"], case["outputs"]["ZCOR"]
    found = RULES["t"].convert({"t": x["t"], "n": x["ni"]})
    assert_close([math.atanh(found.r), found.z_variance], [out["yi"], out["vi"]], CLOSED)


@pytest.mark.parametrize("case", [c for i, c in CASES.items() if i.startswith("F_")])
def test_f_with_df2(case):
    x, out = case["inputs"], case["outputs"]["ZCOR"]
    found = RULES["F"].convert({"F": x["F"], "df1": x["df1"], "df2": x["df2"]})
    ours = [x["sign"] * math.atanh(found.r), found.z_variance]
    assert_close(ours, [out["yi"], out["vi"]], CLOSED)


@pytest.mark.parametrize("case", [c for i, c in CASES.items() if i.startswith("partial_t")])
def test_partial_r_with_predictors(case):
    x, out = case["inputs"], case["outputs"]
    found = RULES["partial_r"].convert(
        {"partial_r": out["PCOR"]["yi"], "n": x["ni"], "n_predictors": x["mi"]}
    )
    assert_close(found.z_variance, out["ZPCOR"]["vi"], CLOSED)


@pytest.mark.parametrize("case", [c for i, c in CASES.items() if i.startswith("tab_")])
def test_counts(case):
    x = case["inputs"]
    found = RULES["cells"].convert({f"cell_{k}": x[f"{k}i"] for k in "abcd"})
    assert_close(found.r, case["outputs"]["PHI_ST"]["yi"], CLOSED)
    assert_close(found.z_variance, case["outputs"]["ZPHI_LS"]["vi"], CLOSED)


# --- what the variance rests on ---

#: What moves a statistic with every size held, where it is not its first column.
_MOVED = {"means": "mean1", "cells": "cell_a", "events": "events1"}
#: Counts cannot move without their sum; these move one person from a cell to another.
_WITH = {"cells": "cell_b"}


@examples
def test_the_attribute_says_whether_the_variance_moves_with_the_effect(statistic):
    inputs = dict(EXAMPLES[statistic][0])
    column = _MOVED.get(statistic, RULES[statistic].inputs[0])
    step = 1.0 if statistic in {"cells", "events"} else 0.01 * (1 + abs(inputs[column]))
    sign = -1.0 if statistic in {"cells", "events", "p"} else 1.0
    moved = {**inputs, column: inputs[column] + sign * step}
    if statistic in _WITH:
        moved[_WITH[statistic]] -= sign * step
    before, after = (RULES[statistic].convert(x) for x in (inputs, moved))
    assert before.r != after.r
    if statistic != "yi":  # as coded; its scale is Fisher z
        assert before.of_effect == after.of_effect
    if before.z_variance != after.z_variance:
        assert before.of_effect
    elif before.df is not None and before.standard:
        assert not before.of_effect


@pytest.mark.parametrize(
    ("statistic", "inputs", "expected"),
    [
        ("r", {"r": 0.3, "ci_low": 0.1, "ci_high": 0.5}, False),
        ("fisher_z", {"fisher_z": 0.3, "se": 0.1}, False),
        ("d", {"d": 0.5, "se": 0.2}, True),
        ("log_odds_ratio", {"log_odds_ratio": 0.5, "n": 90, "ci_low": 0.1, "ci_high": 0.9}, True),
        ("spearman_rho", {"spearman_rho": 0.3, "n": 60}, True),
        ("kendall_tau", {"kendall_tau": 0.3, "n": 60}, True),
        ("semipartial_r", {"semipartial_r": 0.4, "r2_model": 0.3, "n": 50}, True),
        ("partial_r", {"partial_r": 0.4, "df": 40}, False),
    ],
)
def test_variances_that_depend_on_the_effect(statistic, inputs, expected):
    assert RULES[statistic].convert(inputs).of_effect is expected
