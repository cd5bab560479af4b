"""The conversion rules: what each statistic is, what it needs, its formula, variance and source.

All that is known of a statistic stands here and nowhere else: the columns of the workbook, the
template and its codebook, the checks of a row, the comparison of statistics that stand in one
row, the ledger, the report and the documentation follow.
"""

from __future__ import annotations

import math
from dataclasses import replace

from metaalliance.core.conversion import conversions as to
from metaalliance.core.conversion import formulas as cv
from metaalliance.core.conversion import quantities as q
from metaalliance.core.conversion import refusals as no
from metaalliance.core.conversion import sampling as of
from metaalliance.core.conversion.conversions import Converted
from metaalliance.core.conversion.quantities import correlation, number
from metaalliance.core.conversion.rule import Rule
from metaalliance.core.conversion.spread import Inputs

#: What rounding to two decimals explains, as a difference in r.
ROUNDING = 0.02


def _as_fisher_z(x: Inputs) -> Converted:
    """An effect that was computed already, where nobody names another scale."""
    return YI["z"].function(x)


_N_OR_DF = (("n", "df"),)
_DF_OR_N = (("df", "n"),)
_GROUPS = (("n1", "n"), ("n2", "n"))
_AS_GROUPS = "as d with `n1` and `n2` and no covariate; else "
_CELLS = tuple(
    q.count(f"cell_{key}", f"Count: {alliance} alliance, outcome {outcome}.", low=0)
    for key, alliance, outcome in (
        ("a", "high", "present"), ("b", "high", "absent"),
        ("c", "low", "present"), ("d", "low", "absent"),
    )
)  # fmt: skip
_TABLE = tuple(c.name for c in _CELLS)
_EVENTS = tuple(
    quantity
    for g, alliance in (("1", "high"), ("2", "low"))
    for quantity in (
        q.people(f"events{g}", f"People with the outcome among those of {alliance} alliance.",
                 f"events_{g}", low=0),
        q.people(f"total{g}", f"People of {alliance} alliance.", f"total_{g}"),
    )
)  # fmt: skip
_MEANS = (
    number("mean1", "Mean of group 1: the group with the higher alliance or, when groups are "
           "formed by outcome, the group that is higher in the outcome variable.", "m1", "mean_1"),
    q.positive("sd1", "Standard deviation of group 1.", "sd_1"), q.N1,
    number("mean2", "Mean of group 2.", "m2", "mean_2"),
    q.positive("sd2", "Standard deviation of group 2.", "sd_2"), q.N2,
)  # fmt: skip

#: In the order of the workbook.
RECORDS = (
    Rule(statistic="r", words=("Pearson correlation", "Pearson correlations"), rank=1, direct=True,
         columns=(correlation("r", "Pearson correlation.", "correlation", "pearson r", "cor",
                              "effect (r)", "pearson", "es r", "effect size r"),),
         beside=(q.SE, q.CI_LOW, q.CI_HIGH, q.CI_LEVEL), needs=_N_OR_DF, tolerance=ROUNDING,
         refusals=(no.LIMITS_OF_R,), function=to.of_r, formula="r", source="Fisher 1921"),
    Rule(statistic="t", words=("t statistic", "t statistics"), rank=4,
         columns=(number("t", "t statistic of the association.", "t value", "tval", "t_stat",
                         "t statistic"),),
         beside=(q.DF,), needs=_DF_OR_N, df="df", tolerance=ROUNDING,
         refusals=(no.FEWER_PREDICTORS,), function=to.of_t, formula="t / √(t² + df)",
         by_size=of.of_test, vi_of_effect=True,
         variance=_AS_GROUPS + "1 / (df − 1); df = n − m − 1 unless coded. With m > 1 it is a "
         "partial r", source="Rosenthal 1991"),
    Rule(statistic="F", words=("F statistic", "F statistics"), rank=4, signed=False,
         columns=(number("F", "F with one numerator degree of freedom; needs a sign.", "f value",
                         "f_stat", "f statistic", low=0),),
         beside=(q.DF1, q.DF2), needs=(("df2", "df", "n"),), df="df2", tolerance=ROUNDING,
         refusals=(no.ONE_DF1, no.RESIDUAL_DF, no.FEWER_PREDICTORS),
         function=to.of_f, formula="√(F / (F + df2))", by_size=of.of_test,
         vi_of_effect=True, variance=_AS_GROUPS + "1 / (df2 − 1)",
         source="Rosenthal 1991"),
    Rule(statistic="chi2", words=("chi-squared statistic", "chi-squared statistics"), rank=8,
         signed=False,
         columns=(number("chi2", "Chi-squared with one degree of freedom; needs a sign.", "chisq",
                         "chi squared", "chi-square", "χ2", "χ²", low=0),),
         tolerance=0.03, refusals=(no.ONE_DF,),
         test="normal", function=to.through(cv.r_from_chi2, "chi2", "n"), formula="√(χ² / n)",
         variance="1 / (n − 3): approximate, since the margins are not known",
         source="Rosenthal 1991"),
    Rule(statistic="z_stat", words=("z statistic", "z statistics"), rank=8,
         columns=(number("z_stat", "Standard normal test statistic.", "z statistic", "z value",
                         "zval", "z test"),),
         tolerance=0.05, test="normal", function=to.through(cv.r_from_normal, "z_stat", "n"),
         formula="z / √n", exact=False, source="Rosenthal 1991"),
    Rule(statistic="p", words=("p-value", "p-values"), rank=14, signed=False,
         columns=(number("p", "Exact p-value; needs a sign when it is the only statistic.",
                         "p value", "pval", "p-value", low=0, high=1),),
         beside=(q.TAILS,), needs=_DF_OR_N, df="df",
         refusals=(no.EXACT_P, no.OWN_TAIL, no.FEWER_PREDICTORS),
         function=to.of_p, formula="t of p, then t / √(t² + df)", variance="as t",
         by_size=of.of_test, vi_of_effect=True,
         source="Rosenthal 1991"),
    Rule(statistic="fisher_z", words=("Fisher z", "values of Fisher z"), rank=1, direct=True,
         columns=(number("fisher_z", "Fisher's z of a correlation.", "zr", "z_r", "fishers z",
                         "fisher's z"),),
         needs=_N_OR_DF, tolerance=ROUNDING, refusals=(no.extreme_z("fisher_z"),),
         function=to.of_fisher_z, formula="tanh(z)", source="Fisher 1921"),
    Rule(statistic="spearman_rho", words=("Spearman correlation", "Spearman correlations"), rank=3,
         columns=(correlation("spearman_rho", "Spearman's rank correlation.", "spearman", "rho",
                              "rs"),),
         refusals=(no.LIMITS_OF_R,), test="", function=to.of_spearman, formula="2 sin(π ρ / 6)",
         variance="(1 + ρ²/2) / (n − 3), delta method", exact=False, vi_of_effect=True,
         source="Bonett & Wright 2000"),
    Rule(statistic="kendall_tau", words=("Kendall’s tau", "values of Kendall’s tau"), rank=3,
         columns=(correlation("kendall_tau", "Kendall's tau.", "kendall", "tau b"),), least_n=4,
         refusals=(no.LIMITS_OF_R,), test="", function=to.of_kendall, formula="sin(π τ / 2)",
         variance=".437 / (n − 4), delta method", exact=False, vi_of_effect=True,
         source="Fieller et al. 1957"),
    Rule(statistic="d", words=("Cohen’s d", "values of Cohen’s d"), rank=6,
         columns=(number("d", "Cohen's d, positive when the group higher in alliance is higher in "
                         "the outcome variable.", "cohens d", "cohen's d", "smd"),),
         needs=_GROUPS, tolerance=ROUNDING, function=to.of_d,
         formula="d / √(d² + h), h = (n1 + n2 − 2)(1/n1 + 1/n2): the point-biserial r of the data; "
         "with `n` only h = 4, as for groups of equal size",
         exact="with `n1` and `n2`", by_size=of.of_groups, vi_of_effect=True,
         variance="(1 − 3 r² / 2 + n² r² / (4 n1 n2)) / n, delta method; with `n` only "
         "(1 − r² / 2) / n", source="Jacobs & Viechtbauer 2017"),
    Rule(statistic="g", words=("Hedges’s g", "values of Hedges’s g"), rank=6,
         columns=(number("g", "Hedges's g, signed like d.", "hedges g", "hedges' g"),),
         beside=(q.N1, q.N2), needs=_GROUPS, tolerance=ROUNDING, function=to.of_g,
         formula="d = g / J(df) with the exact J, then as d", variance="as d", exact="as d",
         by_size=of.of_groups, vi_of_effect=True,
         source="Hedges 1981; Jacobs & Viechtbauer 2017"),
    Rule(statistic="means", words=("pair of means and SDs", "pairs of means and SDs"), rank=5,
         columns=_MEANS, needs=tuple((c.name,) for c in _MEANS), names=("means and sds",),
         begun_by=("mean1", "mean2"), tolerance=ROUNDING,
         function=to.of_means, formula="d with the pooled SD, then as d", variance="as d",
         by_size=of.of_groups, vi_of_effect=True,
         source="Jacobs & Viechtbauer 2017"),
    Rule(statistic="odds_ratio", words=("odds ratio", "odds ratios"), rank=11,
         columns=(q.positive("odds_ratio", "Odds ratio.", "or", "odds ratio"),),
         refusals=(no.limits_within(0, 1e300),),
         test="", function=to.of_odds_ratio, formula="d = ln(OR) √3 / π; d / √(d² + 4)",
         counts=_TABLE, by_size=of.of_odds("odds_ratio"), vi_of_effect=True,
         variance="delta method from the confidence limits, else from the counts; without either "
         "1 / (n − 3), approximate", exact=False, source="Hasselblad & Hedges 1995"),
    Rule(statistic="log_odds_ratio", words=("log odds ratio", "log odds ratios"), rank=11,
         columns=(number("log_odds_ratio", "Natural logarithm of the odds ratio.", "log or", "lnor",
                         "ln_or", "logor"),),
         refusals=(no.limits_within(-500, 500),),
         test="", function=to.of_log_odds_ratio, formula="d = ln(OR) √3 / π; d / √(d² + 4)",
         counts=_TABLE, by_size=of.of_odds("log_odds_ratio"), vi_of_effect=True,
         variance="delta method from the confidence limits or se, else from the counts; without "
         "any 1 / (n − 3), approximate", exact=False, source="Hasselblad & Hedges 1995"),
    Rule(statistic="risk_ratio", words=("risk ratio", "risk ratios"), rank=11,
         columns=(q.positive("risk_ratio", "Risk ratio, group 1 (higher alliance) to group 2; "
                             "needs base_risk.", "relative risk", "rr"),),
         beside=(q.BASE_RISK,), needs=(("base_risk", "events2"), ("base_risk", "total2"), ("n",)),
         parts=("total1", "total2"), refusals=(no.RISKS, no.limits_within(0, 1e300)),
         test="", function=to.of_risk_ratio,
         formula="OR = RR (1 − p₂) / (1 − RR p₂) at the risk p₂ of group 2; then as odds_ratio",
         variance="delta method from the confidence limits, p₂ held; without them 1 / (n − 3), "
         "approximate", exact=False, vi_of_effect=True,
         source="Zhang & Yu 1998; Hasselblad & Hedges 1995"),
    Rule(statistic="cells", words=("fourfold table", "fourfold tables"), rank=7, columns=_CELLS,
         needs=tuple((c.name,) for c in _CELLS), names=("2x2", "counts"),
         parts=_TABLE, refusals=(no.MARGINS,), by_size=of.of_counts, vi_of_effect=True,
         test="normal", function=to.of_counts, formula="φ = (ad − bc) / √((a+b)(c+d)(a+c)(b+d))",
         variance="that of φ with multinomial counts, delta method", source="Yule 1912"),
    Rule(statistic="events", words=("pair of events and totals", "pairs of events and totals"),
         rank=7, columns=_EVENTS, needs=tuple((c.name,) for c in _EVENTS),
         names=("events and totals",), parts=("total1", "total2"),
         refusals=(*no.EVENTS, no.EVENT_MARGINS), test="normal", function=to.of_events,
         formula="φ of the table [[events1, total1 − events1], [events2, total2 − events2]]",
         by_size=of.of_events, vi_of_effect=True, variance="as cells", source="Yule 1912"),
    Rule(statistic="partial_r", words=("partial correlation", "partial correlations"), rank=9,
         adjusted=True,
         columns=(correlation("partial_r", "Partial correlation; needs n_predictors or df.",
                              "partial correlation", "pr", "pcor"),),
         needs=(("df", "n"), ("df", "n_predictors")), df="df",
         refusals=(no.FEWER_PREDICTORS, no.LIMITS_OF_R), function=to.of_partial,
         formula="partial r", variance="1 / (df − 1), df = n − m − 1",
         source="Fisher 1924"),
    Rule(statistic="semipartial_r", rank=9, adjusted=True,
         words=("semi-partial correlation", "semi-partial correlations"),
         columns=(correlation("semipartial_r", "Semi-partial correlation; needs r2_model.",
                              "part correlation", "sr", "semipartial correlation"),),
         needs=(("n",), ("r2_model",)), refusals=(no.WITHIN_MODEL, no.LIMITS_OF_R),
         test="", function=to.of_semipartial, formula="semi-partial r",
         variance="delta method", vi_of_effect=True, source="Aloe & Becker 2012"),
    Rule(statistic="beta", rank=13, adjusted=True, coefficient=True,
         words=("standardised regression coefficient", "standardised regression coefficients"),
         columns=(number("beta", "Standardised regression coefficient; converted approximately.",
                         "standardized beta", "standardised beta", "std_beta", "β"),),
         beside=(q.N_PREDICTORS, q.R2_MODEL), refusals=(no.large_beta("beta"),),
         function=to.of_coefficient("β"), formula="β; r = β + .05 λ", vi_of_effect=True,
         exact="with one predictor, r = β", source="Peterson & Brown 2005"),
    Rule(statistic="b", rank=12, adjusted=True, coefficient=True, df="df",
         words=("unstandardised regression coefficient", "unstandardised regression coefficients"),
         columns=(number("b", "Unstandardised or multilevel coefficient; needs se_b, its limits or "
                         "p with df or n, or sd_x and sd_y.", "unstandardized b",
                         "unstandardised b", "coef"),),
         beside=(q.SE_B, q.SD_X, q.SD_Y),
         needs=(("se_b", "se", "ci_low", "p", "sd_x"), ("se_b", "se", "ci_high", "p", "sd_y"),
                ("df", "n"), ("n", "se_b", "se", "ci_low", "p")),
         refusals=(no.TEST_OF_B, no.MIDDLE_OF_LIMITS, no.large_beta("b"), no.FEWER_PREDICTORS),
         function=to.of_b,
         formula="t = b / SE, t / √(t² + df), SE from the limits or t from p where it is not "
         "coded; else β = b SDx / SDy, r = β + .05 λ",
         variance="1 / (df − 1), df = n − m − 1 unless coded; with SDs 1 / (n − 3)",
         exact="with SE, limits or p; else as beta",
         source="Aloe & Thompson 2013; Peterson & Brown 2005"),
    Rule(statistic="r_squared", rank=10, signed=False,
         words=("share of explained variance (R²)", "shares of explained variance (R²)"),
         columns=(q.share("r_squared", "Variance explained by the alliance alone, as a proportion "
                          "or with %; needs a sign.", "r2", "r²", "variance explained",
                          "percent variance explained"),),
         needs=_N_OR_DF, tolerance=ROUNDING, refusals=(no.one_predictor("r_squared"),),
         function=to.of_explained("r_squared"), formula="√R²", source="one predictor: R² = r²"),
    Rule(statistic="eta_squared", words=("eta squared", "values of eta squared"), rank=10,
         signed=False,
         columns=(q.share("eta_squared", "Eta squared with one degree of freedom; needs a sign.",
                          "eta2", "η2", "η²"),),
         needs=_N_OR_DF, tolerance=ROUNDING, refusals=(no.one_predictor("eta_squared"),),
         function=to.of_explained("eta_squared"), formula="√η²", by_size=of.of_explained,
         vi_of_effect=True, variance="as d with `n1` and `n2`; else 1 / (n − 3)",
         source="one df: η² = r²"),
    Rule(statistic="yi", words=("effect with its variance", "effects with their variances"),
         rank=2, direct=True,
         columns=(number("yi", "Effect computed already, on the scale that yi_measure names."),),
         beside=(q.VI, q.SEI),
         needs=(("vi", "sei", "se", "ci_low"), ("vi", "sei", "se", "ci_high")), least_n=None,
         function=_as_fisher_z,
         formula="as its statistic: z fisher_z, r r, d d, g g, log_or log_odds_ratio",
         variance="vi or sei² as coded, by the delta method; vi of g stands for that of d",
         exact="as its statistic", source="as coded"),
)  # fmt: skip

#: Rules in the order of precedence.
RULES: dict[str, Rule] = {r.statistic: r for r in sorted(RECORDS, key=lambda r: r.rank)}

#: Statistic of each scale of yi.
YI_SCALES = {"z": "fisher_z", "r": "r", "d": "d", "g": "g", "log_or": "log_odds_ratio"}


def _on_scale(scale: str) -> Rule:
    """Return the rule of yi on a scale: that of its statistic, with the variance of yi."""
    like, column = RULES[YI_SCALES[scale]], YI_SCALES[scale]

    def convert(x: Inputs) -> Converted:
        named = {**{k: v for k, v in x.items() if k not in {"yi", "df"}}, column: x["yi"]}
        assert like.spread is not None
        own = (x["vi"], "vi as coded") if "vi" in x else None
        if own is None and "sei" in x:
            own = (x["sei"] ** 2, "sei² as coded")
        own = own or like.spread.reported(named)
        by_n = own is None and like.direct and "n" in x
        found = like.convert(named) if by_n else like.carry(named, *(own or (math.nan, "")))
        return replace(found, formula=f"yi as {column}: {found.formula}")

    needs = RULES["yi"].needs
    if like.direct:
        needs = tuple((*one_of, "n") for one_of in needs)
    return replace(
        RULES["yi"], function=convert, needs=needs, exact=like.exact, source=like.source,
        signed=True, direct=like.direct, vi_of_effect=like.vi_of_effect, test=like.test,
        refusals=(_few, *(_of_yi(refuse, column) for refuse in like.refusals)),
    )  # fmt: skip


def _few(x: Inputs) -> no.Refusal | None:
    """Without a variance of its own, yi takes that of n."""
    own = {"vi", "sei", "se"} & x.keys() or {"ci_low", "ci_high"} <= x.keys()
    if own or x.get("n", math.inf) > 3:
        return None
    return no.Refusal("MA321", "Fisher's z needs n > 3", "n")


def _of_yi(refuse: no.Refuse, column: str) -> no.Refuse:
    """Return the check of a statistic for yi, which reports at yi."""

    def check(x: Inputs) -> no.Refusal | None:
        found = refuse({**x, column: x["yi"]})
        return found and (found._replace(column="yi") if found.column == column else found)

    return check


#: The rule of yi by its scale.
YI: dict[str, Rule] = {scale: _on_scale(scale) for scale in YI_SCALES}

#: What stands beside statistics, in the order in which the ledger lists it.
COMPANIONS = {c.name: c for c in (*q.BESIDE, *(c for rule in RECORDS for c in rule.beside))}
