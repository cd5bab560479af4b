"""From coded rows to effects: values, directions, policies, and a ledger of every step."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from pytest import approx

import metaalliance as ma
from metaalliance.effects.ledger import LEDGER_COLUMNS

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
GOLDEN = json.loads((ROOT / "tests/golden/conversions.json").read_text(encoding="utf-8"))


def write_and_convert(folder, text, measure, options):
    path = folder / "studies.csv"
    path.write_text(text, encoding="utf-8")
    return ma.effect_sizes(ma.read_studies(path, **options), measure)


@pytest.fixture
def convert(tmp_path):
    """Convert a table that is written as comma-separated text."""
    return lambda text, measure="z", **options: write_and_convert(tmp_path, text, measure, options)


@pytest.fixture
def one(convert):
    """The single effect of a header line and a row."""

    def effect(header, *values, measure="z", **options):
        row = ",".join(map(str, values))
        return convert(f"study,{header}\nA,{row}\n", measure, **options).frame.iloc[0]

    return effect


@pytest.fixture
def ledger(convert):
    """The ledger of a header line and a row."""

    def line(header, *values, measure="z", **options):
        row = ",".join(map(str, values))
        return convert(f"study,{header}\nA,{row}\n", measure, **options).ledger.iloc[0]

    return line


# Values from R --------------------------------------------------------------------------


def golden(prefix, *without):
    """Inputs and outputs of the golden cases whose name begins so."""
    found = [
        pytest.param(case["inputs"], case["outputs"], id=case["id"])
        for case in GOLDEN["cases"]
        if case["id"].startswith(prefix) and not any(text in case["id"] for text in without)
    ]
    assert found
    return pytest.mark.parametrize(("x", "out"), found)


def plus_or_minus(x):
    return "-" if x["sign"] < 0 else "+"


@golden("r_ZCOR")
def test_r_to_z(one, x, out):
    found = one("r,n", x["ri"], x["ni"])
    assert (found.yi, found.vi) == (approx(out["yi"], rel=1e-14), approx(out["vi"], rel=1e-14))


@golden("r_COR")
def test_r_as_it_is(one, x, out):
    found = one("r,n", x["ri"], x["ni"], measure="r")
    assert (found.yi, found.vi) == (out["yi"], approx(out["vi"], rel=1e-13))


@golden("r_UCOR", "vtype", "n1500")
def test_unbiased_r(one, x, out):
    found = one("r,n", x["ri"], x["ni"], measure="r-unbiased")
    assert (found.yi, found.vi) == (approx(out["yi"], rel=1e-11), approx(out["vi"], rel=1e-9))


@golden("t_")
def test_t_with_df(one, x, out):
    found = one("t,df", x["t"], x["df"])
    assert found.r == approx(out["r"], rel=1e-14)
    assert (found.yi, found.vi) == (approx(out["ZCOR"]["yi"]), approx(out["ZCOR"]["vi"]))


@golden("t_")
def test_t_with_n(one, x, out):
    assert one("t,n", x["t"], x["ni"]).r == approx(out["r"], rel=1e-14)


@golden("F_")
def test_f_with_its_sign(one, x, out):
    found = one("F,df1,df2,sign", x["F"], 1, x["df2"], plus_or_minus(x))
    assert found.r == approx(out["r"], rel=1e-14)
    assert (found.yi, found.vi) == (approx(out["ZCOR"]["yi"]), approx(out["ZCOR"]["vi"]))


@golden("p_")
def test_p_with_its_sign(one, x, out):
    found = one("p,n,tails,sign", x["p"], x["ni"], x["tails"], plus_or_minus(x))
    assert found.r == approx(out["r"], rel=1e-9)
    assert found.vi == approx(out["ZCOR"]["vi"])


@golden("chi2_5.02")
def test_chi2_with_its_sign(one, x, out):
    assert one("chi2,n,sign", x["chi2"], x["ni"], "-").r == approx(-out["phi_abs"], rel=1e-14)


@golden("chi2_", "_n")
def test_chi2_of_a_table(one, x, out):
    found = one("chi2,n,sign", out["chi2"], x["ni"], "+")
    assert found.yi == approx(out["z_abs"], rel=1e-13)


@golden("d_", "_no_n")
def test_d_with_group_sizes(one, x, out):
    assert one("d,n1,n2", x["d"], x["n1i"], x["n2i"]).r == approx(out["r_exact"], rel=1e-14)


@golden("d_0.45_no_n")
def test_d_of_groups_taken_as_equal(one, x, out):
    assert one("d,n", x["d"], 60).r == approx(out["r"], rel=1e-14)


@golden("means_")
def test_means_and_sds(one, x, out):
    values = [x[k] for k in ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i")]
    assert one("mean1,sd1,n1,mean2,sd2,n2", *values).r == approx(out["RPB"]["yi"], rel=1e-13)


@golden("tab_")
def test_counts_give_phi(one, x, out):
    values = [x[k] for k in ("ai", "bi", "ci", "di")]
    found = one("cell_a,cell_b,cell_c,cell_d", *values)
    assert (found.r, found.n) == (approx(out["PHI_ST"]["yi"], rel=1e-13), sum(values))


@golden("or_", "ci")
def test_odds_ratio(one, x, out):
    assert one("odds_ratio,n", x["or"], 80).r == approx(out["r"], rel=1e-14)


@golden("or_", "ci")
def test_log_odds_ratio(one, x, out):
    assert one("log_odds_ratio,n", out["lnor"], 80).r == approx(out["r"], rel=1e-14)


@golden("or_ci")
def test_odds_ratio_with_limits(one, x, out):
    found = one("odds_ratio,n,ci_low,ci_high", x["or"], 80, x["low"], x["high"])
    expected = out["var_r"] / (1 - out["r"] ** 2) ** 2
    assert (found.r, found.vi) == (approx(out["r"], rel=1e-14), approx(expected, rel=1e-12))


@golden("partial_t")
def test_partial_r(one, x, out):
    found = one("partial_r,n,n_predictors", out["PCOR"]["yi"], x["ni"], x["mi"])
    assert (found.yi, found.vi) == (approx(out["ZPCOR"]["yi"]), approx(out["ZPCOR"]["vi"]))


@golden("partial_t")
def test_partial_r_with_df(one, x, out):
    found = one("partial_r,df", out["PCOR"]["yi"], x["ni"] - x["mi"] - 1)
    assert found.vi == approx(out["ZPCOR"]["vi"], rel=1e-14)


@golden("partial_t")
def test_semipartial_r(one, x, out):
    found = one("semipartial_r,n,r2_model", out["SPCOR"]["yi"], x["ni"], x["r2i"])
    assert (found.yi, found.vi) == (approx(out["ZSPCOR"]["yi"]), approx(out["ZSPCOR"]["vi"]))


@golden("beta_")
def test_beta(one, x, out):
    assert one("beta,n", x["beta"], 60).r == approx(out["r"], rel=1e-14)


@golden("spearman_")
def test_spearman(one, x, out):
    found = one("spearman_rho,n", x["rs"], x["ni"])
    r = out["r"]
    slope = math.pi / 3 * math.cos(math.pi * x["rs"] / 6) * (1 - x["rs"] ** 2) / (1 - r * r)
    assert found.r == approx(r, rel=1e-14)
    assert found.vi == approx(out["var_bonett_wright"] * slope**2, rel=1e-12)


@golden("kendall_")
def test_kendall(one, x, out):
    found = one("kendall_tau,n", x["tau"], x["ni"])
    r = out["r"]
    slope = math.pi / 2 * math.cos(math.pi * x["tau"] / 2) * (1 - x["tau"] ** 2) / (1 - r * r)
    assert found.r == approx(r, rel=1e-14)
    assert found.vi == approx(out["var_fieller"] * slope**2, rel=1e-12)


# Values by hand -------------------------------------------------------------------------

BY_HAND = {
    "r": ("r,n", (-0.21, 50), -0.21, 1 / 47),
    "r with df only": ("r,df", (0.3, 38), 0.3, 1 / 37),
    "Fisher z": ("fisher_z,n", (0.5, 43), math.tanh(0.5), 1 / 40),
    "t": ("t,df", (2, 36), 2 / math.sqrt(40), 1 / 35),
    "negative t": ("t,df", (-2, 36), -2 / math.sqrt(40), 1 / 35),
    "t with covariates": ("t,df,n", (2, 36, 45), 2 / math.sqrt(40), 1 / 35),
    "F": ("F,df1,df2,sign", (4, 1, 36, "+"), 2 / math.sqrt(40), 1 / 35),
    "F with n": ("F,n,sign", (4, 38, "-"), -2 / math.sqrt(40), 1 / 35),
    "chi²": ("chi2,n,sign", (4, 64, "-"), -0.25, 1 / 61),
    "z": ("z_stat,n", (-2, 64), -0.25, 1 / 61),
    "p of .05": ("p,n,tails,sign", (0.05, 12, 2, "+"), 0.576, 1 / 9),
    "R²": ("r_squared,n,sign", (0.25, 40, "-"), -0.5, 1 / 37),
    "R² in percent": ("r_squared,n,sign", ("25%", 40, "+"), 0.5, 1 / 37),
    "eta²": ("eta_squared,n,sign", (0.09, 40, "+"), 0.3, 1 / 37),
    "d without groups": ("d,n", (1.5, 40), 0.6, 0.82 / 40),
    "negative d": ("d,n", (-1.5, 40), -0.6, 0.82 / 40),
    "positive beta": ("beta,n", (0.2, 40), 0.25, 1 / 37),
    "negative beta": ("beta,n", (-0.2, 40), -0.2, 1 / 37),
    "beta of one predictor": ("beta,n,n_predictors", (0.2, 40, 1), 0.2, 1 / 37),
    "b with SDs": ("b,sd_x,sd_y,n", (0.4, 2, 4, 40), 0.25, 1 / 37),
    "b of one predictor": ("b,sd_x,sd_y,n,n_predictors", (0.4, 2, 4, 40, 1), 0.2, 1 / 37),
    "partial r": ("partial_r,n,n_predictors", (0.3, 40, 3), 0.3, 1 / 35),
    "counts": ("cell_a,cell_b,cell_c,cell_d", (20, 10, 10, 20), 1 / 3, 9 / 8 / 60),
    "yi with vi": ("yi,vi,yi_measure", (0.5, 0.02, "z"), math.tanh(0.5), 0.02),
    "negative yi": ("yi,vi,yi_measure", (-0.5, 0.02, "z"), math.tanh(-0.5), 0.02),
}


@pytest.mark.parametrize(("header", "values", "r", "vi"), BY_HAND.values(), ids=BY_HAND)
def test_correlation_by_hand(one, header, values, r, vi):
    assert one(header, *values).r == approx(r, abs=6e-4 if "p," in header else 1e-15)


@pytest.mark.parametrize(("header", "values", "r", "vi"), BY_HAND.values(), ids=BY_HAND)
def test_variance_by_hand(one, header, values, r, vi):
    assert one(header, *values).vi == approx(vi, rel=1e-14)


def test_hedges_g_is_corrected_back_to_d(one):
    d, df = 0.5, 38
    factor = math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)
    expected = one("d,n1,n2", d, 20, 20).r
    assert one("g,n1,n2", d * factor, 20, 20).r == approx(expected, rel=1e-12)


# Measures -------------------------------------------------------------------------------


def test_z_is_the_artanh_of_r(one):
    found = one("r,n", 0.6, 40)
    assert found.yi == approx(math.atanh(found.r), rel=1e-15)


def test_variance_of_raw_r(one):
    assert one("r,n", 0.6, 40, measure="r").vi == approx((1 - 0.36) ** 2 / 39, rel=1e-14)


def test_unbiased_r_is_larger(one):
    assert one("r,n", 0.3, 20, measure="r-unbiased").yi > 0.3


def test_unbiased_r_keeps_the_sign(one):
    found = one("r,n", -0.3, 20, measure="r-unbiased")
    assert found.yi == approx(-one("r,n", 0.3, 20, measure="r-unbiased").yi, rel=1e-15)


def test_correlation_is_kept_beside_the_unbiased_one(one):
    assert one("r,n", -0.3, 20, measure="r-unbiased").r == -0.3


def test_own_variance_on_the_scale_of_r(one):
    z, r = one("spearman_rho,n", 0.4, 40), one("spearman_rho,n", 0.4, 40, measure="r")
    assert r.vi == approx(z.vi * (1 - r.r**2) ** 2, rel=1e-14)


def test_measure_is_kept(convert):
    assert convert("study,r,n\nA,.3,40\n", "r").measure == "r"


@pytest.mark.parametrize("measure", ["generic", "Z", "", "d"])
def test_unknown_measure(convert, measure):
    with pytest.raises(ma.MetaAllianceError):
        convert("study,r,n\nA,.3,40\n", measure)


# Which statistic ------------------------------------------------------------------------

PRECEDENCE = {
    "r before t": ("r,t,n", (0.3, 1.94, 40), "r"),
    "r before p": ("r,p,n", (0.3, 0.06, 40), "r"),
    "t before p": ("t,p,n", (1.94, 0.06, 40), "t"),
    "F before p": ("F,p,n,sign", (3.76, 0.06, 40, "+"), "F"),
    "d before odds ratio": ("d,odds_ratio,n", (0.5, 2, 40), "d"),
    "missing r leaves t": ("r,t,n", ("NR", 1.94, 40), "t"),
    "blank r leaves t": ("r,t,n", ("", 1.94, 40), "t"),
    "named t": ("statistic,r,t,n", ("t", 0.3, 1.94, 40), "t"),
    "named by an alias": ("statistic,r,t,n", ("t value", 0.3, 1.94, 40), "t"),
    "named p": ("statistic,t,p,n,sign", ("p", 1.94, 0.06, 40, "+"), "p"),
    "value named r": ("statistic,value,n", ("r", 0.3, 40), "r"),
    "value named F": ("statistic,value,n,sign", ("F", 3.76, 40, "-"), "F"),
    "value named correlation": ("statistic,value,n", ("Correlation", 0.3, 40), "r"),
    "named means": (
        "statistic,mean1,sd1,n1,mean2,sd2,n2",
        ("means", 3, 1, 20, 2, 1, 20),
        "means",
    ),
    "counts by another name": (
        "statistic,cell_a,cell_b,cell_c,cell_d",
        ("2x2", 20, 10, 10, 20),
        "cells",
    ),
}


@pytest.mark.parametrize(("header", "values", "name"), PRECEDENCE.values(), ids=PRECEDENCE)
def test_statistic_that_is_taken(ledger, header, values, name):
    assert ledger(header, *values).statistic == name


def test_value_is_taken_as_its_statistic(one):
    assert one("statistic,value,df", "t", 2, 36).r == approx(2 / math.sqrt(40), rel=1e-14)


def test_value_and_column_may_say_the_same(one):
    assert one("statistic,value,r,n", "r", 0.3, 0.3, 40).r == 0.3


# Directions -----------------------------------------------------------------------------

DIRECTIONS = {
    ("", ""): 1,
    ("higher_better", ""): 1,
    ("lower_better", ""): -1,
    ("", "higher_better"): 1,
    ("", "lower_better"): -1,
    ("higher_better", "lower_better"): -1,
    ("lower_better", "higher_better"): -1,
    ("lower_better", "lower_better"): 1,
}
STATISTICS = {
    "r": ("r,n", (0.3, 40)),
    "negative r": ("r,n", (-0.3, 40)),
    "t": ("t,n", (-2, 40)),
    "d": ("d,n", (0.5, 40)),
    "F": ("F,n,sign", (4, 40, "-")),
    "chi²": ("chi2,n,sign", (4, 40, "+")),
    "p": ("p,n,sign", (0.04, 40, "-")),
    "R²": ("r_squared,n,sign", (0.04, 40, "-")),
    "odds ratio": ("odds_ratio,n", (0.5, 40)),
    "Fisher z": ("fisher_z,n", (-0.3, 40)),
    "yi": ("yi,vi,yi_measure", (0.3, 0.02, "z")),
    "Kendall": ("kendall_tau,n", (-0.3, 40)),
    "semi-partial": ("semipartial_r,n,r2_model", (0.3, 40, 0.2)),
    "counts": ("cell_a,cell_b,cell_c,cell_d", (20, 10, 10, 20)),
}


@pytest.mark.parametrize(("outcome", "alliance"), DIRECTIONS)
@pytest.mark.parametrize("measure", ["z", "r-unbiased"])
@pytest.mark.parametrize(("header", "values"), STATISTICS.values(), ids=STATISTICS)
def test_direction_turns_the_sign_and_nothing_else(one, header, values, measure, outcome, alliance):
    plain = one(header, *values, measure=measure)
    header = f"{header},outcome_direction,alliance_direction"
    found = one(header, *values, outcome, alliance, measure=measure)
    factor = DIRECTIONS[outcome, alliance]
    assert (found.yi, found.r, found.vi) == (factor * plain.yi, factor * plain.r, plain.vi)


BETA = {(0.2, ""): 0.25, (-0.2, ""): -0.2, (0.2, "lower_better"): -0.2,
        (-0.2, "lower_better"): 0.25}  # fmt: skip


@pytest.mark.parametrize(("beta", "outcome"), BETA)
def test_beta_does_not_depend_on_who_aligned_it(one, beta, outcome):
    assert one("beta,n,outcome_direction", beta, 40, outcome).r == approx(BETA[beta, outcome])


@pytest.mark.parametrize(("sign", "factor"), [("+", 1), ("-", -1), ("−", -1), ("negative", -1)])
@pytest.mark.parametrize("header", ["F,n", "chi2,n", "r_squared,n", "eta_squared,n", "p,n"])
def test_sign_column_gives_the_sign(one, header, sign, factor):
    size = abs(one(f"{header},sign", 0.1, 40, "+").r)
    assert one(f"{header},sign", 0.1, 40, sign).r == factor * size


def test_zero_has_no_minus(one):
    found = one("r,n,outcome_direction", 0, 40, "lower_better")
    assert math.copysign(1, found.yi) == 1


def test_direction_of_each_row_is_its_own(convert):
    text = "study,r,n,outcome_direction\nA,.3,40,lower_better\nB,.3,40,higher_better\nC,.3,40,\n"
    assert convert(text).frame["r"].tolist() == [-0.3, 0.3, 0.3]


# Non-significant results ----------------------------------------------------------------

SILENT = "study,r,n,sign\nA,n.s.,40,-\nB,.3,43,\n"


def test_policy_zero(convert):
    first = convert(SILENT, nonsignificant="zero").frame.iloc[0]
    assert (first.yi, first.vi) == (0, 1 / 37)


def test_policy_drop(convert):
    assert convert(SILENT, nonsignificant="drop").frame["study"].tolist() == ["B"]


def test_policy_half_p(convert):
    first = convert(SILENT, nonsignificant="half-p").frame.iloc[0]
    assert first.r == approx(-0.1098, abs=1e-4)  # t(38) = 0.681 at p = .50


def test_policy_half_p_turns_with_the_direction(convert):
    text = "study,r,n,sign,outcome_direction\nA,n.s.,40,-,lower_better\n"
    assert convert(text, nonsignificant="half-p").frame.r[0] > 0


@pytest.mark.parametrize("policy", ["zero", "half-p"])
def test_policy_is_in_the_ledger(convert, policy):
    line = convert(SILENT, nonsignificant=policy).ledger.iloc[0]
    assert (line.statistic, line.source) == ("n.s.", "policy of the team")


HEAD = "study,statistic,value,n,df,n_predictors,tails,sign,outcome_direction\n"
KNOWN = "B,r,.3,43,,,,,\n"


@pytest.mark.parametrize(
    ("row", "low", "high", "vi"),
    [  # r of t(n − 2) at .05 is t / sqrt(t² + df); published tables of r have .312 for df = 38
        ("A,r,n.s.,40,,,,,", -0.3120064, 0.3120064, 1 / 37),
        ("A,t,n.s.,40,35,,,,", -0.3245729, 0.3245729, 1 / 34),
        ("A,t,n.s.,40,,3,,,", -0.3202172, 0.3202172, 1 / 35),
        ("A,chi2,n.s.,40,1,,,,", -0.3098975, 0.3098975, 1 / 37),
        ("A,r,n.s.,40,,,1,+,", 0.0, 0.2638092, 1 / 37),
        ("A,r,n.s.,40,,,,-,", -0.3120064, 0.0, 1 / 37),
        ("A,r,n.s.,40,,,,-,lower_better", 0.0, 0.3120064, 1 / 37),
    ],
)
def test_policy_censored_has_the_limits_of_the_rows_own_test(convert, row, low, high, vi):
    found = convert(HEAD + row + "\n" + KNOWN, nonsignificant="censored")
    first = found.frame.iloc[0]
    assert math.isnan(first.yi) and math.isnan(first.r)
    assert (math.tanh(first.lower), math.tanh(first.upper)) == approx((low, high), abs=1e-7)
    assert first.vi == approx(vi)
    assert found.frame.lower.isna().tolist() == [False, True]
    assert (found.n_censored, found.censored.tolist()) == (1, [True, False])
    low, high = found.limits()
    assert low[1] == high[1] == found.frame.yi[1]
    assert "not significant" in found.ledger.formula[0]


def test_policy_censored_refuses_what_rests_on_values(convert):
    found = convert(SILENT, nonsignificant="censored")
    with pytest.raises(ma.OptionError, match="nonsignificant='censored': 1 effect is known only"):
        _ = found.yi
    with pytest.raises(ma.OptionError, match="cannot obey measure='r'"):
        convert(SILENT, "r", nonsignificant="censored")
    with pytest.raises(ma.OptionError, match="An average of the effects of a study cannot obey"):
        ma.aggregate(found)


def test_policy_censored_needs_some_value_and_the_sign_of_one_tail(convert):
    with pytest.raises(ma.EstimationError, match="No effect has a value"):
        convert("study,r,n\nA,n.s.,40\nB,n.s.,50\n", nonsignificant="censored")
    with pytest.raises(ma.StudyDataError, match="MA402"):
        convert("study,r,n,tails\nA,n.s.,40,1\nB,.3,43,\n", nonsignificant="censored")


def test_policy_censored_without_such_rows_is_no_policy(convert):
    found = convert("study,r,n\nA,.2,40\n", "r", nonsignificant="censored")
    assert found.n_censored == 0 and "lower" not in found.frame


def test_policy_counts_as_approximate(convert):
    assert convert(SILENT, nonsignificant="zero").ledger.approximate.tolist() == [True, False]


def test_policy_names_the_cell_of_n(convert):
    assert "studies.csv!C2" in convert(SILENT, nonsignificant="zero").ledger.inputs[0]


# Rows and columns -----------------------------------------------------------------------

SHEET = """study,effect,r,n,sample,include,exclusion_reason,modality,colour
A,e1,.3,40,x,,,CBT,red
A,e2,.2,60,y,,,CBT,blue
A,e3,.1,60,y,no,copy,CBT,
B,,.4,50,,yes,,PDT,red
"""


def test_excluded_rows_are_left_out(convert):
    assert convert(SHEET).frame["row"].tolist() == [2, 3, 5]


def test_effects_keep_the_order_of_the_sheet(convert):
    assert convert(SHEET).frame["r"].tolist() == [0.3, 0.2, 0.4]


def test_effect_without_a_name_is_counted(convert):
    assert convert(SHEET).frame["effect"].tolist() == ["e1", "e2", "3"]


def test_participants_of_samples_are_added(convert):
    assert convert(SHEET).n_participants == 40 + 60 + 50


def test_participants_of_one_sample_count_once(convert):
    assert convert("study,r,n\nA,.3,40\nA,.2,45\nB,.1,30\n").n_participants == 45 + 30


def test_participants_from_df(convert):
    assert convert("study,t,df\nA,2,38\n").frame.n[0] == 40


def test_participants_from_groups(convert):
    assert convert("study,d,n1,n2\nA,.4,20,25\n").frame.n[0] == 45


def test_unknown_participants_are_unknown(convert):
    assert convert("study,yi,vi,yi_measure\nA,.4,.02,z\n").n_participants is None


def test_moderators_are_the_coded_columns(convert):
    assert set(convert(SHEET).moderators) == {"modality", "colour"}


def test_moderator_levels_are_canonical(convert):
    assert convert(SHEET).frame["modality"].tolist() == ["CBT", "CBT", "psychodynamic"]


def test_sheet_with_errors_is_not_converted(tmp_path):
    path = tmp_path / "studies.csv"
    path.write_text("study,r,n\nA,1.2,40\nB,.3,50\n")
    with pytest.raises(ma.StudyDataError) as caught:
        ma.effect_sizes(ma.load_studies(path))
    assert [p.code for p in caught.value.problems if p.severity == "error"] == ["MA312"]


def test_exact_value_is_kept_to_the_last_digit(one):
    assert one("r,n", "0.12345678901234568", 40, measure="r").yi == 0.12345678901234568


# The ledger -----------------------------------------------------------------------------


def test_ledger_has_a_line_for_each_effect(convert):
    effects = convert(SHEET)
    assert effects.ledger["row"].tolist() == effects.frame["row"].tolist()


def test_ledger_has_its_columns(convert):
    assert tuple(convert(SHEET).ledger.columns) == LEDGER_COLUMNS


def test_ledger_repeats_the_effects(convert):
    effects = convert(SHEET)
    assert effects.ledger["yi"].tolist() == effects.frame["yi"].tolist()
    assert effects.ledger["vi"].tolist() == effects.frame["vi"].tolist()


LEDGER = {
    "inputs with their cells": (
        "r,n",
        (0.3, 40),
        "inputs",
        "r = 0.3 [studies.csv!B2]; n = 40 [studies.csv!C2]",
    ),
    "value column as input": (
        "statistic,value,n",
        ("r", 0.3, 40),
        "inputs",
        "n = 40 [studies.csv!D2]; r = 0.3 [studies.csv!C2]",
    ),
    "computed n": (
        "d,n1,n2",
        (0.4, 20, 25),
        "inputs",
        "d = 0.4 [studies.csv!B2]; n1 = 20 [studies.csv!C2]; n2 = 25 [studies.csv!D2]; "
        "n = 45 [computed]",
    ),
    "formula of t": ("t,n", (2, 38), "formula", "t / √(t² + df)"),
    "formula of beta": ("beta,n", (0.2, 40), "formula", "β; r = β + .05 λ"),
    "variance of r": ("r,n", (0.3, 40), "variance_rule", "1 / (n − 3)"),
    "variance of t with df": ("t,df", (2, 36), "variance_rule",
                               "1 / (df − 1); n1 and n2 are not coded"),
    "variance of yi": ("yi,vi,yi_measure", (0.3, 0.02, "z"), "variance_rule", "vi as coded"),
    "sign of r": ("r,n", (0.3, 40), "sign", "carried by r"),
    "sign of F": ("F,df1,n,sign", (4, 1, 40, "-"), "sign", "sign column [studies.csv!E2]"),
    "direction kept": (
        "r,n,outcome_direction",
        (0.3, 40, "higher_better"),
        "direction",
        "outcome higher_better; sign kept",
    ),
    "direction reversed": (
        "r,n,outcome_direction",
        (0.3, 40, "lower_better"),
        "direction",
        "outcome lower_better; sign reversed",
    ),
    "both directions": (
        "r,n,outcome_direction,alliance_direction",
        (0.3, 40, "lower_better", "lower_better"),
        "direction",
        "outcome lower_better; alliance lower_better; sign kept",
    ),
    "direction blank": (
        "r,n",
        (0.3, 40),
        "direction",
        "outcome direction blank: aligned by the coder; sign kept",
    ),
    "changes with their cells": (
        "r,n",
        ("−.30*", "N=40"),
        "changes",
        "B2: leading zero added; B2: minus sign unified; B2: footnote mark removed; "
        "C2: label removed",
    ),
    "alias with its cell": ("r,n,modality", (0.3, 40, "CT"), "changes", "D2: read as CBT"),
    "assumption": (
        "d,n",
        (0.4, 40),
        "assumptions",
        "n1 and n2 were not coded; groups of equal size were taken",
    ),
    "no assumption": ("r,n", (0.3, 40), "assumptions", ""),
}  # fmt: skip


@pytest.mark.parametrize(("header", "values", "column", "text"), LEDGER.values(), ids=LEDGER)
def test_ledger_says(ledger, header, values, column, text):
    assert ledger(header, *values)[column] == text


APPROXIMATE = {
    "r,n": ((0.3, 40), False),
    "t,n": ((2, 40), False),
    "F,df1,n,sign": ((4, 1, 40, "+"), False),
    "chi2,n,sign": ((4, 40, "+"), False),
    "d,n1,n2": ((0.4, 20, 20), False),
    "cell_a,cell_b,cell_c,cell_d": ((20, 10, 10, 20), False),
    "partial_r,df": ((0.3, 36), False),
    "beta,n,n_predictors": ((0.2, 40, 1), False),
    "d,n": ((0.4, 40), True),
    "odds_ratio,n": ((2, 40), True),
    "spearman_rho,n": ((0.3, 40), True),
    "kendall_tau,n": ((0.3, 40), True),
    "z_stat,n": ((2, 40), True),
    "beta,n": ((0.2, 40), True),
    "b,sd_x,sd_y,n": ((0.4, 2, 4, 40), True),
}


@pytest.mark.parametrize("header", APPROXIMATE)
def test_approximate_conversions_are_flagged(ledger, header):
    values, expected = APPROXIMATE[header]
    assert bool(ledger(header, *values).approximate) is expected


@pytest.mark.parametrize("header", APPROXIMATE)
def test_every_conversion_names_its_source(ledger, header):
    assert ledger(header, *APPROXIMATE[header][0]).source


def test_reported_r_keeps_the_reported_sign(ledger):
    line = ledger("r,n,outcome_direction", -0.3, 40, "lower_better")
    assert (line.r_reported, line.r) == (-0.3, 0.3)


# The simulated literature ---------------------------------------------------------------

TRUTH = json.loads((DATA / "simulated_alliance_studies.truth.json").read_text(encoding="utf-8"))
#: Half a unit of the last printed digit, as a difference in r.
ROUNDING = {"r": 0.005, "partial_r": 0.005, "beta": 0.005, "odds_ratio": 0.005, "d": 0.0025,
            "g": 0.0025}  # fmt: skip


@pytest.fixture(scope="module")
def simulated():
    effects = ma.effect_sizes(ma.read_studies(DATA / "simulated_alliance_studies.xlsx"))
    return effects.frame.set_index("row")


def test_every_simulated_effect_is_converted(simulated):
    assert simulated.index.tolist() == sorted(row for row, _, _ in TRUTH["effects"])


def by_kind():
    kinds = sorted({kind for _, kind, _ in TRUTH["effects"]})
    return pytest.mark.parametrize("kind", kinds)


@by_kind()
def test_simulated_r_is_recovered_to_rounding(simulated, kind):
    expected = {row: r for row, k, r in TRUTH["effects"] if k == kind}
    differences = (simulated.r[list(expected)] - list(expected.values())).abs()
    assert differences.max() <= ROUNDING.get(kind, 0.001)


@by_kind()
def test_no_simulated_sign_is_lost(simulated, kind):
    expected = {row: r for row, k, r in TRUTH["effects"] if k == kind and abs(r) > 0.005}
    assert ((simulated.r[list(expected)] > 0) == [r > 0 for r in expected.values()]).all()


def test_primary_workbook_and_text_agree():
    frames = [
        ma.effect_sizes(ma.read_studies(DATA / f"primary_alliance_effects.{kind}")).frame
        for kind in ("xlsx", "csv")
    ]
    assert frames[0].yi.tolist() == frames[1].yi.tolist()
