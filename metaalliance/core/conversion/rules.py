"""The conversion rules: what each statistic needs, its formula, its variance, its source.

One table serves the conversion of rows, the cross-check of statistics that stand in one
row, the ledger and the documentation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from metaalliance.core.conversion import formulas as cv

Inputs = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Converted:
    """A correlation with what its variance rests on.

    Attributes
    ----------
    r : float
        The correlation; unsigned for a statistic without a sign.
    z_variance : float
        Sampling variance of Fisher z.
    df : float or None
        Degrees of freedom of r where the variance is the standard one, 1 / (df - 1).
    formula, variance_rule : str
        What was computed, for the ledger.
    approximate : bool
        Whether the conversion is an approximation.
    assumptions : tuple of str
        What was taken because a value was not coded.
    z : float or None
        Fisher z where it was coded as such, so that no digit is lost by tanh and atanh.
    """

    r: float
    z_variance: float
    df: float | None
    formula: str
    variance_rule: str
    approximate: bool = False
    assumptions: tuple[str, ...] = ()
    z: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How a statistic becomes a correlation.

    Attributes
    ----------
    statistic : str
        Its column.
    convert : callable
        From inputs by column name to `Converted`.
    needs : tuple of tuple of str
        Columns that have to be there: one of each tuple.
    inputs : tuple of str
        Columns that hold the statistic itself.
    signed : bool
        Whether the statistic carries a sign.
    source : str
        Reference of the formula.
    asymmetric : bool
        Whether the formula treats positive and negative values differently, so that the
        statistic has to be turned (better outcome, better alliance) before it is converted.
    """

    statistic: str
    convert: Callable[[Inputs], Converted] = field(repr=False)
    needs: tuple[tuple[str, ...], ...]
    inputs: tuple[str, ...]
    signed: bool = True
    source: str = ""
    asymmetric: bool = False


_STANDARD = "1 / (n − 3)"
_BY_DF = "1 / (df − 1)"


def _standard(
    r: float,
    df: float,
    formula: str,
    *,
    rule: str = _STANDARD,
    approximate: bool = False,
    assumptions: tuple[str, ...] = (),
) -> Converted:
    """Return r with the standard variance at `df`."""
    return Converted(r, cv.z_variance(df), df, formula, rule, approximate, assumptions)


def _df(x: Inputs) -> float:
    """Degrees of freedom: coded, or n - 2."""
    return x["df"] if "df" in x else x["n"] - 2


def _df_of_n(x: Inputs) -> float:
    """Degrees of freedom n - 2; from df only where n is missing."""
    return x["n"] - 2 if "n" in x else x["df"]


def _r(x: Inputs) -> Converted:
    return _standard(x["r"], _df_of_n(x), "r")


def _fisher_z(x: Inputs) -> Converted:
    z = x["fisher_z"]
    return replace(_standard(cv.r_from_z(z), _df_of_n(x), "tanh(z)"), z=z)


def _yi(x: Inputs) -> Converted:
    yi = x["yi"]
    return Converted(cv.r_from_z(yi), x["vi"], None, "tanh(yi)", "vi as coded", z=yi)


def _t(x: Inputs) -> Converted:
    df = _df(x)
    rule = _BY_DF if "df" in x else _STANDARD
    return _standard(cv.r_from_t(x["t"], df), df, "t / √(t² + df)", rule=rule)


def _f(x: Inputs) -> Converted:
    df = x["df2"] if "df2" in x else _df(x)
    taken = () if "df1" in x else ("df1 was not coded; 1 was taken",)
    rule = _BY_DF if "df2" in x or "df" in x else _STANDARD
    return _standard(cv.r_from_f(x["F"], df), df, "√(F / (F + df2))", rule=rule, assumptions=taken)


def _chi2(x: Inputs) -> Converted:
    return _standard(cv.r_from_chi2(x["chi2"], x["n"]), x["n"] - 2, "√(χ² / n)")


def _normal(x: Inputs) -> Converted:
    r = cv.r_from_normal(x["z_stat"], x["n"])
    return _standard(r, x["n"] - 2, "z / √n", approximate=True)


def _p(x: Inputs) -> Converted:
    df = _df(x)
    taken = () if "tails" in x else ("tails was not coded; 2 was taken",)
    r = cv.r_from_p(x["p"], df, int(x.get("tails", 2)))
    return _standard(r, df, "t of p, then t / √(t² + df)", assumptions=taken)


def _d(x: Inputs) -> Converted:
    if "n1" in x and "n2" in x:
        formula = "d / √(d² + (n1 + n2 − 2)(1/n1 + 1/n2))"
        return _standard(cv.r_from_d(x["d"], x["n1"], x["n2"]), x["n1"] + x["n2"] - 2, formula)
    return _standard(
        cv.r_from_d(x["d"]),
        x["n"] - 2,
        "d / √(d² + 4)",
        approximate=True,
        assumptions=("n1 and n2 were not coded; groups of equal size were taken",),
    )


def _g(x: Inputs) -> Converted:
    df = (x["n1"] + x["n2"] if "n1" in x and "n2" in x else x["n"]) - 2
    found = _d({**x, "d": cv.d_from_g(x["g"], df)})
    return _standard(
        found.r,
        df,
        f"d = g / J; {found.formula}",
        approximate=found.approximate,
        assumptions=found.assumptions,
    )


def _means(x: Inputs) -> Converted:
    d = cv.d_from_means(*(x[k] for k in ("mean1", "sd1", "n1", "mean2", "sd2", "n2")))
    found = _d({"d": d, "n1": x["n1"], "n2": x["n2"]})
    return _standard(found.r, x["n1"] + x["n2"] - 2, f"d of means and SDs; {found.formula}")


def _counts(x: Inputs) -> Converted:
    cells = [x[f"cell_{k}"] for k in "abcd"]
    formula = "φ = (ad − bc) / √((a+b)(c+d)(a+c)(b+d))"
    return _standard(cv.phi_from_counts(*cells), sum(cells) - 2, formula)


def _log_odds(log_or: float, x: Inputs, limits: tuple[float, float] | None) -> Converted:
    r = cv.r_from_d(cv.d_from_log_odds_ratio(log_or))
    formula = "d = ln(OR) √3 / π; d / √(d² + 4)"
    if limits is not None:
        variance = cv.log_odds_ratio_z_variance(log_or, *limits, r)
        return Converted(r, variance, None, formula, "delta method from the CI", True)
    taken = ("no confidence limits were coded; the variance is that of a correlation with this n",)
    return _standard(r, x["n"] - 2, formula, approximate=True, assumptions=taken)


def _odds_ratio(x: Inputs) -> Converted:
    limits = (x["ci_low"], x["ci_high"]) if "ci_low" in x and "ci_high" in x else None
    return _log_odds(math.log(x["odds_ratio"]), x, limits)


def _log_odds_ratio(x: Inputs) -> Converted:
    both = "ci_low" in x and "ci_high" in x
    limits = (math.exp(x["ci_low"]), math.exp(x["ci_high"])) if both else None
    return _log_odds(x["log_odds_ratio"], x, limits)


def _partial(x: Inputs) -> Converted:
    df = x["df"] if "df" in x else x["n"] - x["n_predictors"] - 1
    return _standard(x["partial_r"], df, "partial r", rule="1 / (df − 1), df = n − m − 1")


def _semipartial(x: Inputs) -> Converted:
    r = x["semipartial_r"]
    variance = cv.semipartial_z_variance(r, x["r2_model"], x["n"])
    return Converted(r, variance, None, "semi-partial r", "Aloe & Becker 2012, delta method")


def _spearman(x: Inputs) -> Converted:
    rs = x["spearman_rho"]
    variance = cv.spearman_z_variance(rs, x["n"])
    return Converted(
        cv.r_from_spearman(rs),
        variance,
        None,
        "2 sin(π ρ / 6)",
        "(1 + ρ²/2) / (n − 3), delta method",
        approximate=True,
    )


def _kendall(x: Inputs) -> Converted:
    tau = x["kendall_tau"]
    variance = cv.kendall_z_variance(tau, x["n"])
    return Converted(
        cv.r_from_kendall(tau),
        variance,
        None,
        "sin(π τ / 2)",
        ".437 / (n − 4), delta method",
        approximate=True,
    )


def _beta_of(beta: float, x: Inputs, formula: str) -> Converted:
    if x.get("n_predictors") == 1:
        return _standard(beta, x["n"] - 2, f"{formula} = r (one predictor)")
    text = f"{formula}; r = β + .05 λ"
    return _standard(cv.r_from_beta(beta), x["n"] - 2, text, approximate=True)


def _beta(x: Inputs) -> Converted:
    return _beta_of(x["beta"], x, "β")


def _b(x: Inputs) -> Converted:
    return _beta_of(cv.standardized_b(x["b"], x["sd_x"], x["sd_y"]), x, "β = b SDx / SDy")


def _explained(column: str, symbol: str) -> Callable[[Inputs], Converted]:
    def convert(x: Inputs) -> Converted:
        taken = () if "n_predictors" in x else ("n_predictors was not coded; 1 was taken",)
        return _standard(math.sqrt(x[column]), _df_of_n(x), f"√{symbol}", assumptions=taken)

    return convert


_N_OR_DF = (("n", "df"),)
_N = (("n",),)
_CELLS = ("cell_a", "cell_b", "cell_c", "cell_d")
_MEANS = ("mean1", "sd1", "n1", "mean2", "sd2", "n2")

#: Rules in the order of precedence: what is nearest to a correlation of the data first.
RULES: dict[str, Rule] = {
    rule.statistic: rule
    for rule in (
        Rule(statistic="r", convert=_r, needs=_N_OR_DF, inputs=("r",), source="Fisher 1921"),
        Rule(statistic="fisher_z", convert=_fisher_z, needs=_N_OR_DF, inputs=("fisher_z",),
             source="Fisher 1921"),
        Rule(statistic="yi", convert=_yi, needs=(("vi",),), inputs=("yi",), source="as coded"),
        Rule(statistic="spearman_rho", convert=_spearman, needs=_N, inputs=("spearman_rho",),
             source="Pearson 1907; Bonett & Wright 2000"),
        Rule(statistic="kendall_tau", convert=_kendall, needs=_N, inputs=("kendall_tau",),
             source="Greiner 1909; Fieller, Hartley & Pearson 1957"),
        Rule(statistic="t", convert=_t, needs=(("df", "n"),), inputs=("t",),
             source="Rosenthal 1991, eq. 2.16"),
        Rule(statistic="F", convert=_f, needs=(("df2", "df", "n"),), inputs=("F",), signed=False,
             source="Rosenthal 1991, eq. 2.17"),
        Rule(statistic="means", convert=_means, needs=tuple((k,) for k in _MEANS), inputs=_MEANS,
             source="Jacobs & Viechtbauer 2017"),
        Rule(statistic="d", convert=_d, needs=(("n1", "n"), ("n2", "n")), inputs=("d",),
             source="Jacobs & Viechtbauer 2017"),
        Rule(statistic="g", convert=_g, needs=(("n1", "n"), ("n2", "n")), inputs=("g",),
             source="Hedges 1981; Jacobs & Viechtbauer 2017"),
        Rule(statistic="cells", convert=_counts, needs=tuple((k,) for k in _CELLS),
             inputs=_CELLS, source="Yule 1912"),
        Rule(statistic="chi2", convert=_chi2, needs=_N, inputs=("chi2",), signed=False,
             source="Rosenthal 1991, eq. 2.15"),
        Rule(statistic="z_stat", convert=_normal, needs=_N, inputs=("z_stat",),
             source="Rosenthal 1991, eq. 2.18"),
        Rule(statistic="partial_r", convert=_partial, needs=(("df", "n"), ("df", "n_predictors")),
             inputs=("partial_r",), source="Fisher 1924"),
        Rule(statistic="semipartial_r", convert=_semipartial, needs=(("n",), ("r2_model",)),
             inputs=("semipartial_r",), source="Aloe & Becker 2012"),
        Rule(statistic="r_squared", convert=_explained("r_squared", "R²"), needs=_N_OR_DF,
             inputs=("r_squared",), signed=False, source="one predictor: R² = r²"),
        Rule(statistic="eta_squared", convert=_explained("eta_squared", "η²"), needs=_N_OR_DF,
             inputs=("eta_squared",), signed=False, source="one df: η² = r²"),
        Rule(statistic="odds_ratio", convert=_odds_ratio, needs=_N, inputs=("odds_ratio",),
             source="Hasselblad & Hedges 1995"),
        Rule(statistic="log_odds_ratio", convert=_log_odds_ratio, needs=_N,
             inputs=("log_odds_ratio",), source="Hasselblad & Hedges 1995"),
        Rule(statistic="b", convert=_b, needs=(("sd_x",), ("sd_y",), ("n",)), inputs=("b",),
             source="Peterson & Brown 2005", asymmetric=True),
        Rule(statistic="beta", convert=_beta, needs=_N, inputs=("beta",),
             source="Peterson & Brown 2005", asymmetric=True),
        Rule(statistic="p", convert=_p, needs=(("df", "n"),), inputs=("p",), signed=False,
             source="Rosenthal 1991, eq. 2.16"),
    )
}  # fmt: skip
