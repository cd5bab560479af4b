"""Effects with their own standard error, interval or scale, against R (see golden/README.md)."""

from __future__ import annotations

import math

import pytest
from golden_data import CLOSED, assert_close, golden
from scipy import stats

from metaalliance.core.conversion.rules import RULES, YI, YI_SCALES
from metaalliance.core.conversion.spread import SPREADS, base_risk, odds_from_risks

GOLDEN = golden("reported")
PARTIAL = [c for c in golden("conversions")["cases"] if c["id"].startswith("partial_t")]


def cases(name):
    return pytest.mark.parametrize(
        "case", GOLDEN[name], ids=[f"{c['of']} {'+'.join(c['inputs'])}" for c in GOLDEN[name]]
    )


@cases("statistics")
def test_error_of_the_report_is_carried_to_fisher_z(case):
    found = RULES[case["of"]].convert(case["inputs"])
    assert_close([found.r, found.z_variance], [case["outputs"][k] for k in ("r", "vz")], CLOSED)
    assert found.df is None


@cases("scales")
def test_yi_on_its_scale(case):
    found = YI[case["of"]].convert(case["inputs"])
    assert_close([found.r, found.z_variance], [case["outputs"][k] for k in ("r", "vz")], CLOSED)


def test_every_statistic_with_a_spread_has_a_golden_value():
    assert {c["of"] for c in GOLDEN["statistics"]} == {*SPREADS}
    assert {c["of"] for c in GOLDEN["scales"]} == {*YI_SCALES} == {*YI}


@pytest.mark.parametrize("statistic", sorted({*SPREADS} - {"risk_ratio"}))
def test_slope_is_the_derivative_of_the_conversion(statistic):
    """By a central difference of the rule itself, so that neither can change alone."""
    x, step = 0.31, 1e-5
    z = [math.atanh(RULES[statistic].convert({statistic: v, "n": 1e9, "r2_model": 0.5}).r)
         for v in (x - step, x + step)]  # fmt: skip
    slope = SPREADS[statistic].slope({statistic: x})
    assert slope == pytest.approx((z[1] - z[0]) / (2 * step), rel=1e-6)


@pytest.mark.parametrize("statistic", ["r", "fisher_z", "d", "spearman_rho", "kendall_tau"])
def test_n_goes_before_the_error_of_the_report(statistic):
    with_it = RULES[statistic].convert({statistic: 0.3, "n": 60, "se": 0.4})
    assert with_it == RULES[statistic].convert({statistic: 0.3, "n": 60})


@pytest.mark.parametrize("statistic", ["odds_ratio", "log_odds_ratio"])
def test_the_interval_of_an_odds_ratio_goes_before_n(statistic):
    limits = {"ci_low": 1.3, "ci_high": 2.8}
    with_n = RULES[statistic].convert({statistic: 1.9, "n": 60, **limits})
    assert with_n == RULES[statistic].convert({statistic: 1.9, **limits})


def test_the_interval_goes_before_the_standard_error():
    limits = {"r": 0.3, "ci_low": 0.1, "ci_high": 0.48}
    assert RULES["r"].convert({**limits, "se": 0.5}) == RULES["r"].convert(limits)


def test_level_of_the_interval():
    narrow = RULES["r"].convert({"r": 0.3, "ci_low": 0.1, "ci_high": 0.48, "ci_level": 80})
    wide = RULES["r"].convert({"r": 0.3, "ci_low": 0.1, "ci_high": 0.48})
    ratio = stats.norm.isf(0.025) / stats.norm.isf(0.1)
    assert_close(narrow.z_variance / wide.z_variance, ratio**2, CLOSED)


@pytest.mark.parametrize("case", PARTIAL, ids=[c["id"] for c in PARTIAL])
def test_t_with_predictors_is_a_partial_correlation(case):
    x, out = case["inputs"], case["outputs"]["ZPCOR"]
    found = RULES["t"].convert({"t": x["ti"], "n": x["ni"], "n_predictors": x["mi"]})
    assert_close([math.atanh(found.r), found.z_variance], [out["yi"], out["vi"]], CLOSED)


@pytest.mark.parametrize("case", PARTIAL, ids=[c["id"] for c in PARTIAL])
def test_b_with_its_standard_error_is_that_t(case):
    x = {"n": case["inputs"]["ni"], "n_predictors": case["inputs"]["mi"]}
    t = case["inputs"]["ti"]
    as_t = RULES["t"].convert({"t": t, **x})
    for column in ("se_b", "se"):
        as_b = RULES["b"].convert({"b": 0.4, column: 0.4 / t, **x})
        assert_close([as_b.r, as_b.z_variance], [as_t.r, as_t.z_variance], CLOSED)
        assert not as_b.approximate


def test_f_and_p_with_predictors_agree_with_t():
    x = {"n": 60.0, "n_predictors": 19.0}
    t = RULES["t"].convert({"t": 2.5, **x})
    f = RULES["F"].convert({"F": 6.25, **x})
    p = RULES["p"].convert({"p": 2 * float(stats.t.sf(2.5, 40)), **x})
    for found in (f, p):
        assert_close([found.r, found.z_variance], [t.r, t.z_variance], 1e-11)
    assert_close([t.r, t.z_variance], [2.5 / math.sqrt(6.25 + 40), 1 / 39], CLOSED)


def test_events_are_the_counts():
    cells = RULES["cells"].convert({"cell_a": 20, "cell_b": 10, "cell_c": 8, "cell_d": 22})
    events = RULES["events"].convert({"events1": 20, "total1": 30, "events2": 8, "total2": 30})
    assert (events.r, events.z_variance, events.df) == (cells.r, cells.z_variance, cells.df)


def test_risk_ratio_at_its_base_risk_is_the_odds_ratio_of_the_risks():
    high, low = 0.6, 0.4
    odds = (high / (1 - high)) / (low / (1 - low))
    assert_close(odds_from_risks(high / low, low), odds, CLOSED)
    as_risk = RULES["risk_ratio"].convert({"risk_ratio": high / low, "base_risk": low, "n": 90})
    as_odds = RULES["odds_ratio"].convert({"odds_ratio": odds, "n": 90})
    assert_close([as_risk.r, as_risk.z_variance], [as_odds.r, as_odds.z_variance], CLOSED)
    assert base_risk({"events2": 12, "total2": 30}) == 0.4
