"""Conversions to r against R, each against its inverse, and what every one of them must keep."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from golden_data import CLOSED, assert_close, golden
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from metaalliance.core.conversion import formulas as cv

modest = settings(derandomize=True, max_examples=50)

#: metafor's tetrachoric r comes from a general optimiser; golden/README.md.
OPTIM = 1e-4

CASES = golden("conversions")["cases"]
UNBIASED = [c for c in CASES if c["id"].startswith("r_UCOR_")]


def some(prefix: str) -> Any:
    """Parametrise with the cases whose id begins so."""
    found = [c for c in CASES if c["id"].startswith(prefix)]
    assert found
    return pytest.mark.parametrize("case", found, ids=lambda c: c["id"])


def some_with(prefix: str, output: str) -> Any:
    """Parametrise with the cases of a prefix that have an output."""
    found = [c for c in CASES if c["id"].startswith(prefix) and c["outputs"].get(output)]
    assert found
    return pytest.mark.parametrize("case", found, ids=lambda c: c["id"])


def test_grid_is_whole():
    kinds = Counter(c["id"].split("_")[0] for c in CASES)
    assert dict(kinds) == {
        "r": 40, "t": 5, "F": 3, "p": 8, "d": 16, "means": 3, "tab": 4, "chi2": 5, "or": 5,
        "partial": 5, "beta": 5, "spearman": 2, "kendall": 2, "ztor": 4, "disattenuate": 1,
        "composite": 1,
    }  # fmt: skip


# Against R ------------------------------------------------------------------------------------


@some("r_ZCOR")
def test_fisher_z_and_its_variance(case):
    x, out = case["inputs"], case["outputs"]
    ours = [math.atanh(x["ri"]), cv.z_variance(x["ni"] - 2)]
    assert_close(ours, [out["yi"], out["vi"]], CLOSED)


@some("r_COR")
def test_variance_of_r(case):
    x = case["inputs"]
    assert_close(cv.r_variance(x["ri"], x["ni"] - 2), case["outputs"]["vi"], CLOSED)


@pytest.mark.parametrize("case", UNBIASED, ids=lambda c: c["id"])
def test_unbiased_r(case):
    x = case["inputs"]
    assert_close(cv.unbiased_r(x["ri"], x["ni"] - 2), case["outputs"]["yi"], CLOSED)


@some("r_ci")
def test_interval_of_fisher_z_as_r(case):
    x, out = case["inputs"], case["outputs"]
    half = stats.norm.isf(0.025) * math.sqrt(cv.z_variance(x["ni"] - 2))
    z = math.atanh(x["ri"])
    ours = [cv.r_from_z(z - half), cv.r_from_z(z + half)]
    assert_close(ours, [out["low"], out["high"]], CLOSED)


@some("t_")
def test_r_from_t(case):
    x = case["inputs"]
    assert_close(cv.r_from_t(x["t"], x["df"]), case["outputs"]["r"], CLOSED)


@some("F_")
def test_r_from_f(case):
    x = case["inputs"]
    assert_close(x["sign"] * cv.r_from_f(x["F"], x["df2"]), case["outputs"]["r"], CLOSED)


@some("p_")
def test_r_from_p(case):
    x = case["inputs"]
    ours = x["sign"] * cv.r_from_p(x["p"], x["ni"] - 2, x["tails"])
    # R's quantile of p = 1e-12 and scipy's differ in the last digits
    assert_close(ours, case["outputs"]["r"], 1e-11)


@some("chi2_")
def test_r_from_chi2(case):
    chi2 = case["inputs"].get("chi2", case["outputs"].get("chi2"))
    ours = cv.r_from_chi2(chi2, case["inputs"]["ni"])
    assert_close(ours, case["outputs"]["phi_abs"], CLOSED)


@some_with("d_", "r")
def test_r_from_d_of_groups_taken_as_equal(case):
    assert_close(cv.r_from_d(case["inputs"]["d"]), case["outputs"]["r"], CLOSED)


@some_with("d_", "RPB")
def test_r_from_d_and_group_sizes(case):
    x = case["inputs"]
    ours = cv.r_from_d(x["d"], x["n1i"], x["n2i"])
    assert_close(ours, case["outputs"]["RPB"]["yi"], CLOSED)


@some_with("d_", "RBIS")
def test_biserial_r(case):
    x = case["inputs"]
    r = cv.r_from_d(x["d"], x["n1i"], x["n2i"])
    ours = cv.biserial_from_point_biserial(r, x["n1i"] / (x["n1i"] + x["n2i"]))
    assert_close(ours, case["outputs"]["RBIS"]["yi"], CLOSED)


def means(case: dict[str, Any]) -> tuple[float, ...]:
    x = case["inputs"]
    return tuple(x[k] for k in ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i"))


@some("means_")
def test_d_from_means(case):
    assert_close(cv.d_from_means(*means(case)), case["outputs"]["d"], CLOSED)


@some("means_")
def test_d_from_g(case):
    x, out = case["inputs"], case["outputs"]
    assert_close(cv.d_from_g(out["SMD"]["yi"], x["n1i"] + x["n2i"] - 2), out["d"], CLOSED)


@some("means_")
def test_r_from_means(case):
    x = case["inputs"]
    ours = cv.r_from_d(cv.d_from_means(*means(case)), x["n1i"], x["n2i"])
    assert_close(ours, case["outputs"]["RPB"]["yi"], CLOSED)


def cells(case: dict[str, Any]) -> tuple[float, ...]:
    return tuple(case["inputs"][k] for k in ("ai", "bi", "ci", "di"))


@some("tab_")
def test_phi(case):
    assert_close(cv.phi_from_counts(*cells(case)), case["outputs"]["PHI_ST"]["yi"], CLOSED)


@some_with("tab_", "RTET_exact")
def test_tetrachoric_r(case):
    ours = cv.tetrachoric_from_counts(*cells(case))
    # brentq on both sides, R's stops at 1e-15 of r
    assert_close(ours, case["outputs"]["RTET_exact"]["yi"], 1e-10)


@some_with("tab_", "RTET_exact")
def test_metafor_is_near_the_tetrachoric_r(case):
    ours = cv.tetrachoric_from_counts(*cells(case))
    assert_close(ours, case["outputs"]["RTET"]["yi"], OPTIM)


@some("or_")
def test_d_from_log_odds_ratio(case):
    out = case["outputs"]
    assert_close(cv.d_from_log_odds_ratio(out["lnor"]), out["d"], CLOSED)


@some("or_")
def test_r_from_log_odds_ratio(case):
    out = case["outputs"]
    assert_close(cv.r_from_d(cv.d_from_log_odds_ratio(out["lnor"])), out["r"], CLOSED)


@some("partial_t")
def test_partial_r_and_its_variances(case):
    x, out = case["inputs"], case["outputs"]
    df = x["ni"] - x["mi"] - 1
    r = cv.r_from_t(x["ti"], df)
    ours = [r, cv.r_variance(r, df), math.atanh(r), cv.z_variance(df)]
    theirs = [out[k][v] for k in ("PCOR", "ZPCOR") for v in ("yi", "vi")]
    assert_close(ours, theirs, CLOSED)


@some("partial_t")
def test_semipartial_variance(case):
    x, out = case["inputs"], case["outputs"]
    ours = cv.semipartial_z_variance(out["SPCOR"]["yi"], x["r2i"], x["ni"])
    assert_close(ours, out["ZSPCOR"]["vi"], CLOSED)


@some("beta_")
def test_r_from_beta(case):
    assert_close(cv.r_from_beta(case["inputs"]["beta"]), case["outputs"]["r"], CLOSED)


@some("spearman_")
def test_r_from_spearman(case):
    assert_close(cv.r_from_spearman(case["inputs"]["rs"]), case["outputs"]["r"], CLOSED)


@some("kendall_")
def test_r_from_kendall(case):
    assert_close(cv.r_from_kendall(case["inputs"]["tau"]), case["outputs"]["r"], CLOSED)


def slope(function: Any, at: float) -> float:
    """Derivative of atanh(r) by atanh(statistic): what the delta method multiplies by."""
    z, h = math.atanh(at), 1e-4
    ends = [math.atanh(function(math.tanh(z + c * h))) for c in (-2, -1, 1, 2)]
    return (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * h)


@some("spearman_")
def test_spearman_variance_is_carried_through_the_conversion(case):
    x = case["inputs"]
    theirs = case["outputs"]["var_bonett_wright"] * slope(cv.r_from_spearman, x["rs"]) ** 2
    # the slope is a numerical derivative
    assert_close(cv.spearman_z_variance(x["rs"], x["ni"]), theirs, 1e-9)


@pytest.mark.parametrize("sign", [1, -1])
def test_spearman_variance_gives_the_published_interval_and_its_mirror_image(sign):
    """The example of ci.spear in statpsych (dgbonett.github.io/statpsych): n 15, rho .8699639."""
    rs, published = sign * 0.8699639, sign * np.array([0.5840951, 0.9638297])
    variance = cv.spearman_z_variance(rs, 15) / slope(cv.r_from_spearman, rs) ** 2
    half = stats.norm.ppf(0.975) * math.sqrt(variance) * sign
    limits = np.tanh([math.atanh(rs) - half, math.atanh(rs) + half])
    assert_close(limits, published, 1e-6)


@some("kendall_")
def test_kendall_variance_is_carried_through_the_conversion(case):
    x = case["inputs"]
    theirs = case["outputs"]["var_fieller"] * slope(cv.r_from_kendall, x["tau"]) ** 2
    assert_close(cv.kendall_z_variance(x["tau"], x["ni"]), theirs, 1e-9)


# By hand, or on data --------------------------------------------------------------------------


def test_r_of_normal_statistic():
    assert_close(cv.r_from_normal(2.5, 100), 0.25, CLOSED)


def test_standardized_b():
    assert_close(cv.standardized_b(0.5, 2.0, 4.0), 0.25, CLOSED)


def test_hedges_factor_is_near_its_usual_approximation():
    assert cv.hedges_factor(20) == pytest.approx(1 - 3 / (4 * 20 - 1), abs=1e-4)


def test_hedges_factor_by_gamma_functions():
    # J(4) = Gamma(2) / (sqrt 2 Gamma(1.5)) = sqrt(2 / pi)
    assert_close(cv.hedges_factor(4), math.sqrt(2 / math.pi), CLOSED)


def test_d_of_two_samples_gives_the_pearson_correlation_with_the_group():
    rng = np.random.default_rng(2)
    one, two = rng.normal(0.6, 1, 14), rng.normal(0, 1.3, 25)
    ms = [f(g) for g in (one, two) for f in (np.mean, lambda x: np.std(x, ddof=1), len)]
    theirs = np.corrcoef(np.r_[one, two], np.r_[np.ones(14), np.zeros(25)])[0, 1]
    assert_close(cv.r_from_d(cv.d_from_means(*ms), 14, 25), theirs, CLOSED)


def test_phi_of_a_table_is_the_pearson_correlation_of_its_cases():
    a, b, c, d = 20, 10, 8, 22
    row = np.repeat([1, 1, 0, 0], [a, b, c, d])
    column = np.repeat([1, 0, 1, 0], [a, b, c, d])
    assert_close(cv.phi_from_counts(a, b, c, d), np.corrcoef(row, column)[0, 1], CLOSED)


def test_t_of_a_regression_is_that_of_the_correlation():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(2, 30))
    found = stats.linregress(x, y)
    assert_close(cv.r_from_t(found.slope / found.stderr, 28), found.rvalue, CLOSED)


def test_tetrachoric_r_has_the_observed_share_below_both_cuts():
    a, b, c, d = 20, 10, 8, 22
    r = cv.tetrachoric_from_counts(a, b, c, d)
    cuts = stats.norm.ppf([(a + b) / 60, (a + c) / 60])
    share = stats.multivariate_normal.cdf(cuts, cov=[[1, r], [r, 1]], abseps=1e-12, releps=1e-12)
    assert share == pytest.approx(20 / 60, abs=1e-7)


def test_tetrachoric_r_of_an_even_table_is_known():
    # cuts at zero: share below both is 1/4 + asin(r) / (2 pi) [Sheppard 1899]
    assert_close(cv.tetrachoric_from_counts(30, 20, 20, 30), math.sin(2 * math.pi * 0.05), 1e-10)


# Properties -----------------------------------------------------------------------------------

t_values = st.floats(-40, 40)
dfs = st.integers(2, 500)
#: Functions with a sign, of one number beside what is fixed here.
SIGNED = {
    "z": cv.r_from_z,
    "t": lambda x: cv.r_from_t(x, 38),
    "d": cv.r_from_d,
    "d with n": lambda x: cv.r_from_d(x, 15, 40),
    "g": lambda x: cv.r_from_d(cv.d_from_g(x, 53), 15, 40),
    "log odds ratio": lambda x: cv.r_from_d(cv.d_from_log_odds_ratio(x)),
}
RANKS = {"spearman": cv.r_from_spearman, "kendall": cv.r_from_kendall}
signed = pytest.mark.parametrize("function", SIGNED.values(), ids=SIGNED.keys())
ranks = pytest.mark.parametrize("function", RANKS.values(), ids=RANKS.keys())
unsigned = pytest.mark.parametrize(
    "function",
    [
        lambda x: cv.r_from_f(x, 40),
        lambda x: cv.r_from_chi2(x, 2000),
        lambda x: cv.r_from_p(math.exp(-x), 40),
    ],
    ids=["F", "chi2", "p"],
)


@signed
@modest
@given(x=st.floats(-8, 8))
def test_sign_symmetry(function, x):
    assert function(-x) == -function(x)


@signed
@modest
@given(x=st.floats(-8, 8))
def test_signed_r_is_inside_its_bounds(function, x):
    assert abs(function(x)) < 1


@signed
@modest
@given(x=st.floats(-8, 8), step=st.floats(0.01, 1))
def test_signed_r_is_monotone(function, x, step):
    assert function(x + step) > function(x)


@unsigned
@modest
@given(x=st.floats(0.01, 300), step=st.floats(0.01, 10))
def test_unsigned_r_is_monotone_and_inside_its_bounds(function, x, step):
    assert 0 <= function(x) < function(x + step) < 1


@ranks
@modest
@given(x=st.floats(-0.99, 0.99))
def test_rank_correlation_keeps_its_sign(function, x):
    assert function(-x) == -function(x)


@ranks
@modest
@given(x=st.floats(0.01, 0.99))
def test_rank_correlation_understates_r(function, x):
    assert x < function(x) < 1


@modest
@given(st.floats(-0.999, 0.999), dfs)
def test_r_to_t_and_back(r, df):
    t = r * math.sqrt(df / (1 - r * r))
    assert_close(cv.r_from_t(t, df), r, 1e-11, scale=1e-300)


@modest
@given(st.floats(0, 0.999), dfs)
def test_r_to_f_and_back(r, df):
    assert_close(cv.r_from_f(r * r * df / (1 - r * r), df), r, 1e-11, scale=1e-150)


@modest
@given(t_values, dfs)
def test_f_is_t_squared(t, df):
    assert_close(cv.r_from_f(t * t, df), abs(cv.r_from_t(t, df)), 1e-12, scale=1e-150)


@modest
@given(st.floats(0, 0.999), st.integers(4, 500))
def test_r_to_chi2_and_back(r, n):
    assert_close(cv.r_from_chi2(r * r * n, n), r, 1e-12, scale=1e-150)


@modest
@given(st.floats(-0.999, 0.999), st.integers(2, 200), st.integers(2, 200))
def test_r_to_d_and_back(r, n1, n2):
    h = (n1 + n2 - 2) * (1 / n1 + 1 / n2)
    assert_close(cv.r_from_d(r * math.sqrt(h / (1 - r * r)), n1, n2), r, 1e-11, scale=1e-150)


@modest
@given(st.floats(0.01, 0.9), st.integers(5, 60), st.sampled_from([1, 2]))
def test_r_to_p_and_back(r, df, tails):
    p = tails * stats.t.sf(r * math.sqrt(df / (1 - r * r)), df)
    assert_close(cv.r_from_p(float(p), df, tails), r, 1e-9)


@modest
@given(st.floats(-3, 3), st.integers(2, 2000))
def test_g_is_smaller_than_d(g, df):
    assert abs(cv.d_from_g(g, df)) >= abs(g)


@modest
@given(st.floats(-0.99, 0.99), st.integers(3, 5000))
def test_unbiased_r_is_larger_and_inside_its_bounds(r, df):
    assert abs(r) <= abs(cv.unbiased_r(r, df)) < 1


@modest
@given(st.tuples(*[st.integers(1, 60)] * 4))
def test_tetrachoric_r_has_the_sign_of_phi_and_is_larger(table):
    phi, r = cv.phi_from_counts(*table), cv.tetrachoric_from_counts(*table)
    assert abs(r) >= abs(phi) - 1e-9
    assert r * phi >= -1e-12


@modest
@given(st.tuples(*[st.integers(1, 60)] * 4))
def test_exchanged_columns_turn_the_sign(table):
    a, b, c, d = table
    assert cv.phi_from_counts(b, a, d, c) == pytest.approx(-cv.phi_from_counts(a, b, c, d))
    ours = cv.tetrachoric_from_counts(b, a, d, c)
    assert ours == pytest.approx(-cv.tetrachoric_from_counts(a, b, c, d), abs=1e-9)


@modest
@given(st.floats(-0.95, 0.95), st.integers(5, 1000))
def test_rank_variances_are_positive_and_fall_with_n(x, n):
    for variance in (cv.spearman_z_variance, cv.kendall_z_variance):
        assert 0 < variance(x, n + 1) < variance(x, n)


@modest
@given(st.floats(-0.95, 0.95), st.floats(0, 1), st.integers(5, 1000))
def test_semipartial_variance_is_not_negative(r, share, n):
    r2 = r * r + share * (1 - r * r)
    assert cv.semipartial_z_variance(r, r2, n) >= -1e-15


def test_semipartial_variance_without_other_predictors_is_that_of_r():
    # R² = r²: Rf² = 0, so (R⁴ - 2 R² + 1) / n = (1 - r²)² / n
    assert_close(cv.semipartial_z_variance(0.4, 0.16, 50), 1 / 50, CLOSED)


# Large samples --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("r", "df", "exact"),
    [  # mpmath, 30 digits
        (0.03, 1498, 0.0300100193738459775),
        (0.0, 200, 0.0),
        (0.3, 300, 0.3004581240032750115),
        (0.3, 100.5, 0.3013863797704424114),
        (0.9, 101, 0.9008500749663744994),
        (-0.5, 5000, -0.5000375126590974560),
    ],
)
def test_unbiased_r_of_large_samples(r, df, exact):
    assert cv.unbiased_r(r, df) == pytest.approx(exact, rel=1e-14)


@pytest.mark.parametrize("r", [-0.9, 0.1, 0.6])
def test_unbiased_r_has_no_step_where_its_series_begins(r):
    below, above = cv.unbiased_r(r, 100.0), cv.unbiased_r(r, math.nextafter(100.0, 101.0))
    assert below == pytest.approx(above, rel=1e-14)


def test_hedges_factor_of_large_samples():
    assert cv.hedges_factor(1e9) == pytest.approx(1 - 0.75e-9, abs=1e-16)


def test_hedges_factor_has_no_step_where_its_series_begins():
    below, above = cv.hedges_factor(100.0), cv.hedges_factor(math.nextafter(100.0, 101.0))
    assert below == pytest.approx(above, rel=1e-13)


@pytest.mark.parametrize("sign", [-1, 1])
def test_r_from_a_huge_t(sign):
    assert cv.r_from_t(sign * 1e200, 30) == sign


@pytest.mark.parametrize(("p", "tails"), [(0.0, 2), (-0.1, 2), (1.1, 2), (0.0, 1), (0.6, 1)])
def test_p_values_that_hold_no_size_are_refused(p, tails):
    with pytest.raises(ValueError, match=f"p = {p:g}: an effect size needs"):
        cv.r_from_p(p, 40, tails)


@pytest.mark.parametrize(("p", "tails"), [(1.0, 2), (0.5, 1)])
def test_largest_p_value_is_no_correlation(p, tails):
    assert cv.r_from_p(p, 40, tails) == pytest.approx(0, abs=1e-15)
