"""The conversion rules: what each statistic is, what it needs, its formula, variance and source.

All that is known of a statistic stands here and nowhere else: the columns of the workbook, the
template and its codebook, the checks of a row, the comparison of statistics that stand in one
row, the ledger, the report and the documentation follow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from metaalliance.core.conversion import conversions as to
from metaalliance.core.conversion import formulas as cv
from metaalliance.core.conversion import quantities as q
from metaalliance.core.conversion import refusals as no
from metaalliance.core.conversion.conversions import Converted, Inputs
from metaalliance.core.conversion.quantities import Quantity, correlation, number

#: What rounding to two decimals explains, as a difference in r.
ROUNDING = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a statistic is, and how it becomes a correlation.

    Attributes
    ----------
    statistic : str
        Its name.
    words : tuple of str
        One and several of them in a sentence.
    rank : int
        Its place in the order of choice, the first for what is nearest to a correlation of
        the data; equals in the order of the table.
    columns : tuple of Quantity
        Columns that hold the statistic itself, in the order of the formula.
    inputs : tuple of str
        Their names.
    beside : tuple of Quantity
        Columns of what stands beside it; they follow its own in the workbook.
    needs : tuple of tuple of str
        Columns that have to be there: one of each tuple.
    function : callable
        From inputs by column name to `Converted`.
    formula, variance : str
        What is computed, for the documentation, and for the ledger where `function` does not
        say which of several ways it took.
    exact : bool or str
        Whether the conversion is exact, or when.
    source : str
        Reference of the formula.
    names : tuple of str
        What it is called in the column `statistic` beside the names of its columns.
    begun_by : tuple of str
        Which of several columns show that the statistic was meant; none for all.
    parts : tuple of str
        Columns whose sum is n.
    df : str
        Column of the degrees of freedom that go before n, where they do.
    least_n : int or None
        n has to be larger; None where the variance does not rest on n.
    signed : bool
        Whether the statistic carries a sign.
    tolerance : float or None
        Largest difference in r that rounding explains, where the statistic is compared with
        others of its row.
    refusals : tuple of callable
        From inputs to the reason for which they are not converted, or None.
    direct : bool
        Whether it is a correlation as it stands, on some scale.
    adjusted : bool
        Whether other variables of its model are held constant.
    coefficient : bool
        Whether it is a regression coefficient, for which teams have a policy. Its formula
        treats positive and negative values differently, so that the statistic has to be
        turned (better outcome, better alliance) before it is converted.
    """

    statistic: str
    words: tuple[str, str]
    rank: int
    columns: tuple[Quantity, ...]
    inputs: tuple[str, ...] = field(init=False)
    beside: tuple[Quantity, ...] = ()
    needs: tuple[tuple[str, ...], ...] = (("n",),)
    function: Callable[[Inputs], Converted] = field(repr=False)
    formula: str
    variance: str = "1 / (n − 3)"
    exact: bool | str = True
    source: str
    names: tuple[str, ...] = ()
    begun_by: tuple[str, ...] = ()
    parts: tuple[str, ...] = ("n1", "n2")
    df: str = ""
    least_n: int | None = 3
    signed: bool = True
    tolerance: float | None = None
    refusals: tuple[no.Refuse, ...] = ()
    direct: bool = False
    adjusted: bool = False
    coefficient: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(c.name for c in self.columns))

    def convert(self, inputs: Inputs) -> Converted:
        """Convert numbers by column name to a correlation with its variance."""
        found = self.function(inputs)
        return replace(
            found,
            formula=found.formula or self.formula,
            variance_rule=found.variance_rule or self.variance,
            approximate=found.approximate or self.exact is False,
        )


_N_OR_DF = (("n", "df"),)
_DF_OR_N = (("df", "n"),)
_GROUPS = (("n1", "n"), ("n2", "n"))
_CELLS = tuple(
    q.count(f"cell_{key}", f"Count: {alliance} alliance, outcome {outcome}.", low=0)
    for key, alliance, outcome in (
        ("a", "high", "present"), ("b", "high", "absent"),
        ("c", "low", "present"), ("d", "low", "absent"),
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
         beside=(q.CI_LOW, q.CI_HIGH), needs=_N_OR_DF, tolerance=ROUNDING,
         function=to.of_r, formula="r", source="Fisher 1921"),
    Rule(statistic="t", words=("t statistic", "t statistics"), rank=4,
         columns=(number("t", "t statistic of the association.", "t value", "tval", "t_stat",
                         "t statistic"),),
         beside=(q.DF,), needs=_DF_OR_N, df="df", tolerance=ROUNDING,
         function=to.of_t, formula="t / √(t² + df)",
         variance="1 / (df − 1); df = n − 2 unless coded. A smaller df makes it a partial r",
         source="Rosenthal 1991, eq. 2.16"),
    Rule(statistic="F", words=("F statistic", "F statistics"), rank=4, signed=False,
         columns=(number("F", "F with one numerator degree of freedom; needs a sign.", "f value",
                         "f_stat", "f statistic", low=0),),
         beside=(q.DF1, q.DF2), needs=(("df2", "df", "n"),), df="df2", tolerance=ROUNDING,
         refusals=(no.ONE_DF1, no.RESIDUAL_DF),
         function=to.of_f, formula="√(F / (F + df2))", variance="1 / (df2 − 1)",
         source="Rosenthal 1991, eq. 2.17"),
    Rule(statistic="chi2", words=("chi-squared statistic", "chi-squared statistics"), rank=8,
         signed=False,
         columns=(number("chi2", "Chi-squared with one degree of freedom; needs a sign.", "chisq",
                         "chi squared", "chi-square", "χ2", "χ²", low=0),),
         tolerance=0.03, refusals=(no.ONE_DF,),
         function=to.through(cv.r_from_chi2, "chi2", "n"), formula="√(χ² / n)",
         source="Rosenthal 1991, eq. 2.15"),
    Rule(statistic="z_stat", words=("z statistic", "z statistics"), rank=8,
         columns=(number("z_stat", "Standard normal test statistic.", "z statistic", "z value",
                         "zval", "z test"),),
         tolerance=0.05, function=to.through(cv.r_from_normal, "z_stat", "n"), formula="z / √n",
         exact=False, source="Rosenthal 1991, eq. 2.18"),
    Rule(statistic="p", words=("p-value", "p-values"), rank=14, signed=False,
         columns=(number("p", "Exact p-value; needs a sign when it is the only statistic.",
                         "p value", "pval", "p-value", low=0, high=1),),
         beside=(q.TAILS,), needs=_DF_OR_N, df="df", refusals=(no.EXACT_P, no.OWN_TAIL),
         function=to.of_p, formula="t of p, then t / √(t² + df)", variance="as t",
         source="Rosenthal 1991, eq. 2.16"),
    Rule(statistic="fisher_z", words=("Fisher z", "values of Fisher z"), rank=1, direct=True,
         columns=(number("fisher_z", "Fisher's z of a correlation.", "zr", "z_r", "fishers z",
                         "fisher's z"),),
         needs=_N_OR_DF, tolerance=ROUNDING,
         function=to.of_fisher_z, formula="tanh(z)", source="Fisher 1921"),
    Rule(statistic="spearman_rho", words=("Spearman correlation", "Spearman correlations"), rank=3,
         columns=(correlation("spearman_rho", "Spearman's rank correlation.", "spearman", "rho",
                              "rs"),),
         function=to.of_spearman, formula="2 sin(π ρ / 6)",
         variance="(1 + ρ²/2) / (n − 3), delta method", exact=False,
         source="Pearson 1907; Bonett & Wright 2000"),
    Rule(statistic="kendall_tau", words=("Kendall’s tau", "values of Kendall’s tau"), rank=3,
         columns=(correlation("kendall_tau", "Kendall's tau.", "kendall", "tau b"),), least_n=4,
         function=to.of_kendall, formula="sin(π τ / 2)",
         variance=".437 / (n − 4), delta method", exact=False,
         source="Greiner 1909; Fieller, Hartley & Pearson 1957"),
    Rule(statistic="d", words=("Cohen’s d", "values of Cohen’s d"), rank=6,
         columns=(number("d", "Cohen's d, positive when the group higher in alliance is higher in "
                         "the outcome variable.", "cohens d", "cohen's d", "smd"),),
         needs=_GROUPS, tolerance=ROUNDING, function=to.of_d,
         formula="d / √(d² + h), h = (n1 + n2 − 2)(1/n1 + 1/n2): the point-biserial r of the data; "
         "with `n` only h = 4, as for groups of equal size",
         exact="with `n1` and `n2`", source="Jacobs & Viechtbauer 2017"),
    Rule(statistic="g", words=("Hedges’s g", "values of Hedges’s g"), rank=6,
         columns=(number("g", "Hedges's g, signed like d.", "hedges g", "hedges' g"),),
         beside=(q.N1, q.N2), needs=_GROUPS, tolerance=ROUNDING, function=to.of_g,
         formula="d = g / J(df) with the exact J, then as d", variance="as d", exact="as d",
         source="Hedges 1981; Jacobs & Viechtbauer 2017"),
    Rule(statistic="means", words=("pair of means and SDs", "pairs of means and SDs"), rank=5,
         columns=_MEANS, needs=tuple((c.name,) for c in _MEANS), names=("means and sds",),
         begun_by=("mean1", "mean2"), tolerance=ROUNDING,
         function=to.of_means, formula="d with the pooled SD, then as d",
         source="Jacobs & Viechtbauer 2017"),
    Rule(statistic="odds_ratio", words=("odds ratio", "odds ratios"), rank=11,
         columns=(q.positive("odds_ratio", "Odds ratio.", "or", "odds ratio"),),
         refusals=(no.limits_within(0, 1e300),),
         function=to.of_odds_ratio, formula="d = ln(OR) √3 / π; d / √(d² + 4)",
         variance="delta method from the confidence limits; 1 / (n − 3) without them", exact=False,
         source="Hasselblad & Hedges 1995"),
    Rule(statistic="log_odds_ratio", words=("log odds ratio", "log odds ratios"), rank=11,
         columns=(number("log_odds_ratio", "Natural logarithm of the odds ratio.", "log or", "lnor",
                         "ln_or", "logor"),),
         refusals=(no.limits_within(-500, 500),),
         function=to.of_log_odds_ratio, formula="d = ln(OR) √3 / π; d / √(d² + 4)",
         variance="as odds_ratio", exact=False, source="Hasselblad & Hedges 1995"),
    Rule(statistic="cells", words=("fourfold table", "fourfold tables"), rank=7, columns=_CELLS,
         needs=tuple((c.name,) for c in _CELLS), names=("2x2", "counts"),
         parts=tuple(c.name for c in _CELLS), refusals=(no.MARGINS,),
         function=to.of_counts, formula="φ = (ad − bc) / √((a+b)(c+d)(a+c)(b+d))",
         source="Yule 1912"),
    Rule(statistic="partial_r", words=("partial correlation", "partial correlations"), rank=9,
         adjusted=True,
         columns=(correlation("partial_r", "Partial correlation; needs n_predictors or df.",
                              "partial correlation", "pr", "pcor"),),
         needs=(("df", "n"), ("df", "n_predictors")), df="df", refusals=(no.FEWER_PREDICTORS,),
         function=to.of_partial, formula="partial r", variance="1 / (df − 1), df = n − m − 1",
         source="Fisher 1924"),
    Rule(statistic="semipartial_r", rank=9, adjusted=True,
         words=("semi-partial correlation", "semi-partial correlations"),
         columns=(correlation("semipartial_r", "Semi-partial correlation; needs r2_model.",
                              "part correlation", "sr", "semipartial correlation"),),
         needs=(("n",), ("r2_model",)), refusals=(no.WITHIN_MODEL,),
         function=to.of_semipartial, formula="semi-partial r",
         variance="Aloe & Becker 2012, delta method", source="Aloe & Becker 2012"),
    Rule(statistic="beta", rank=13, adjusted=True, coefficient=True,
         words=("standardised regression coefficient", "standardised regression coefficients"),
         columns=(number("beta", "Standardised regression coefficient; converted approximately.",
                         "standardized beta", "standardised beta", "std_beta", "β"),),
         beside=(q.N_PREDICTORS, q.R2_MODEL), refusals=(no.large_beta("beta"),),
         function=to.of_coefficient("β"), formula="β; r = β + .05 λ",
         exact="with one predictor, r = β", source="Peterson & Brown 2005"),
    Rule(statistic="b", rank=12, adjusted=True, coefficient=True,
         words=("unstandardised regression coefficient", "unstandardised regression coefficients"),
         columns=(number("b", "Unstandardised coefficient; needs sd_x and sd_y.",
                         "unstandardized b", "unstandardised b", "coef"),),
         beside=(q.SD_X, q.SD_Y), needs=(("sd_x",), ("sd_y",), ("n",)),
         refusals=(no.large_beta("b"),),
         function=to.of_coefficient("β = b SDx / SDy"), formula="β = b SDx / SDy; r = β + .05 λ",
         exact="as beta", source="Peterson & Brown 2005"),
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
         function=to.of_explained("eta_squared"), formula="√η²", source="one df: η² = r²"),
    Rule(statistic="yi", words=("effect with its variance", "effects with their variances"),
         rank=2, direct=True,
         columns=(number("yi", "Effect computed already, on the scale of Fisher z."),),
         beside=(q.VI,), needs=(("vi",),), least_n=None, refusals=(no.extreme_z,),
         function=to.of_yi, formula="tanh(yi)", variance="vi as coded", source="as coded"),
)  # fmt: skip

#: Rules in the order of precedence.
RULES: dict[str, Rule] = {r.statistic: r for r in sorted(RECORDS, key=lambda r: r.rank)}

#: What stands beside statistics, in the order in which the ledger lists it.
COMPANIONS = {c.name: c for c in (*q.BESIDE, *(c for rule in RECORDS for c in rule.beside))}
