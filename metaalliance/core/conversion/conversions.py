"""What the numbers of a row become: a correlation, with what its variance rests on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from scipy import special

from metaalliance.core.conversion import formulas as cv
from metaalliance.core.conversion import spread
from metaalliance.core.conversion.spread import Inputs


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
        What was computed, for the ledger; blank where it is what the rule says.
    approximate : bool
        Whether the conversion is an approximation.
    assumptions : tuple of str
        What was taken because a value was not coded.
    z : float or None
        Fisher z where it was coded as such, so that no digit is lost by tanh and atanh.
    steady : bool
        Whether a variance of its own is free of the effect, as the standard one is.
    """

    r: float
    z_variance: float
    df: float | None
    formula: str = ""
    variance_rule: str = ""
    approximate: bool = False
    assumptions: tuple[str, ...] = ()
    z: float | None = None
    steady: bool = False

    @property
    def of_effect(self) -> bool:
        """Whether the variance of Fisher z depends on the effect itself."""
        return self.df is None and not self.steady


_STANDARD = "1 / (n − 3)"
_BY_DF = "1 / (df − 1)"


def _standard(
    r: float,
    df: float,
    formula: str = "",
    *,
    rule: str = "",
    approximate: bool = False,
    assumptions: tuple[str, ...] = (),
) -> Converted:
    """Return r with the standard variance at `df`."""
    return Converted(r, cv.z_variance(df), df, formula, rule, approximate, assumptions)


def through(function: Callable[..., float], *columns: str) -> Callable[[Inputs], Converted]:
    """Return the conversion by a formula of some columns, with the standard variance at n - 2."""
    return lambda x: _standard(function(*(x[c] for c in columns)), x["n"] - 2)


def _df(x: Inputs) -> float:
    """Degrees of freedom: coded, or n - m - 1 with m predictors, one unless coded."""
    return x["df"] if "df" in x else x["n"] - x.get("n_predictors", 1) - 1


def _df_rule(x: Inputs) -> str:
    """The variance in the ledger: by n where the degrees of freedom are n - 2 of it."""
    return _BY_DF if {"df", "df2"} & x.keys() or x.get("n_predictors", 1) > 1 else _STANDARD


def _df_of_n(x: Inputs) -> float:
    """Degrees of freedom n - 2; from df only where n is missing."""
    return x["n"] - 2 if "n" in x else x["df"]


def of_r(x: Inputs) -> Converted:
    """Pearson's r."""
    return _standard(x["r"], _df_of_n(x))


def of_fisher_z(x: Inputs) -> Converted:
    """Fisher's z, kept as it was coded."""
    z = x["fisher_z"]
    return replace(_standard(cv.r_from_z(z), _df_of_n(x)), z=z)


def of_t(x: Inputs) -> Converted:
    """A t statistic; of a regression with several predictors a partial correlation."""
    df = _df(x)
    formula = "t / √(t² + df), partial r" if x.get("n_predictors", 1) > 1 else ""
    return _standard(cv.r_from_t(x["t"], df), df, formula, rule=_df_rule(x))


def of_f(x: Inputs) -> Converted:
    """An F with one numerator degree of freedom."""
    df = x["df2"] if "df2" in x else _df(x)
    taken = () if "df1" in x else ("df1 was not coded; 1 was taken",)
    return _standard(cv.r_from_f(x["F"], df), df, rule=_df_rule(x), assumptions=taken)


def of_p(x: Inputs) -> Converted:
    """A p-value of a t test, without a sign."""
    df = _df(x)
    taken = () if "tails" in x else ("tails was not coded; 2 was taken",)
    r = cv.r_from_p(x["p"], df, int(x.get("tails", 2)))
    return _standard(r, df, rule=_df_rule(x), assumptions=taken)


def of_d(x: Inputs) -> Converted:
    """Cohen's d, exactly with both group sizes."""
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


def of_g(x: Inputs) -> Converted:
    """Hedges's g."""
    df = spread.group_df(x)
    found = of_d({**x, "d": cv.d_from_g(x["g"], df)})
    unknown = () if math.isfinite(df) else ("n was not coded; g was taken as d",)
    return _standard(
        found.r,
        df,
        f"d = g / J; {found.formula}",
        approximate=found.approximate,
        assumptions=(*found.assumptions, *unknown),
    )


def of_means(x: Inputs) -> Converted:
    """Means and SDs of two groups."""
    d = cv.d_from_means(*(x[k] for k in ("mean1", "sd1", "n1", "mean2", "sd2", "n2")))
    found = of_d({"d": d, "n1": x["n1"], "n2": x["n2"]})
    return _standard(found.r, x["n1"] + x["n2"] - 2, f"d of means and SDs; {found.formula}")


def of_counts(x: Inputs) -> Converted:
    """The counts of a 2×2 table."""
    cells = [x[f"cell_{k}"] for k in "abcd"]
    return _standard(cv.phi_from_counts(*cells), sum(cells) - 2)


def of_events(x: Inputs) -> Converted:
    """Events and totals of two groups."""
    (a, n1), (c, n2) = ((x[f"events{g}"], x[f"total{g}"]) for g in "12")
    return _standard(cv.phi_from_counts(a, n1 - a, c, n2 - c), n1 + n2 - 2)


def _log_odds(log_or: float, x: Inputs) -> Converted:
    taken = ("no confidence limits were coded; the variance is that of a correlation with this n",)
    r = cv.r_from_d(cv.d_from_log_odds_ratio(log_or))
    return _standard(r, x["n"] - 2, rule=_STANDARD, assumptions=taken)


def of_odds_ratio(x: Inputs) -> Converted:
    """An odds ratio."""
    return _log_odds(math.log(x["odds_ratio"]), x)


def of_log_odds_ratio(x: Inputs) -> Converted:
    """A log odds ratio."""
    return _log_odds(x["log_odds_ratio"], x)


def of_risk_ratio(x: Inputs) -> Converted:
    """A risk ratio through the odds ratio at the risk of group 2."""
    return _log_odds(math.log(spread.odds_from_risks(x["risk_ratio"], spread.base_risk(x))), x)


def of_partial(x: Inputs) -> Converted:
    """A partial correlation."""
    return _standard(x["partial_r"], _df(x))


def of_semipartial(x: Inputs) -> Converted:
    """A semi-partial correlation."""
    r = x["semipartial_r"]
    variance = cv.semipartial_z_variance(r, x["r2_model"], x["n"])
    return Converted(r, variance, None)


def _own(
    function: Callable[[float], float], variance: Callable[[float, float], float], column: str
) -> Callable[[Inputs], Converted]:
    """Return the conversion by a formula with a variance of its own."""
    return lambda x: Converted(function(x[column]), variance(x[column], x["n"]), None)


of_spearman = _own(cv.r_from_spearman, cv.spearman_z_variance, "spearman_rho")
of_kendall = _own(cv.r_from_kendall, cv.kendall_z_variance, "kendall_tau")


def has_test(x: Inputs) -> bool:
    """Whether a coefficient b has its standard error, or limits or p that give its t."""
    return "b" in x and _test_of_b(x) is not None


def _test_of_b(x: Inputs) -> tuple[str, Callable[[float], float]] | None:
    """What gives the t of b, as a formula and as a function of the degrees of freedom."""
    b, tails = x["b"], x.get("tails", 2)
    se = x.get("se_b", x.get("se"))
    if se is not None:
        return "t = b / SE", lambda _: b / se
    if not {"df", "n"} & x.keys():
        return None
    width = x.get("ci_high", -math.inf) - x.get("ci_low", math.inf)
    if width > 0:
        level = x.get("ci_level", 95.0)
        upper = 0.5 + (level if level < 1 else level / 100) / 2
        how = "SE = width of the limits / 2 t of their level, t = b / SE"
        return how, lambda df: 2 * b * float(special.stdtrit(df, upper)) / width
    if {"sd_x", "sd_y", "n"} <= x.keys() or not 0 < x.get("p", 0) / tails <= 1 / 2:
        return None
    sign = (b > 0) - (b < 0)
    return "t of p, signed like b", lambda df: -sign * float(special.stdtrit(df, x["p"] / tails))


def of_b(x: Inputs) -> Converted:
    """An unstandardised coefficient: through its t where its standard error is known."""
    test = _test_of_b(x)
    if test is None:
        return of_coefficient("β = b SDx / SDy")(x)
    df = _df(x)
    coded = {"df", "n_predictors"} & x.keys()
    taken = () if coded else ("neither df nor n_predictors was coded; 1 predictor was taken",)
    how, t = test
    if how.startswith("t of p") and "tails" not in x:
        taken = (*taken, "tails was not coded; 2 was taken")
    formula = f"{how}; t / √(t² + df), partial r"
    return _standard(cv.r_from_t(t(df), df), df, formula, rule=_BY_DF, assumptions=taken)


def standardized_beta(x: Inputs) -> float:
    """Return the standardised coefficient of a row, as coded or from b and both SDs."""
    return x["beta"] if "beta" in x else cv.standardized_b(x["b"], x["sd_x"], x["sd_y"])


def of_coefficient(symbol: str) -> Callable[[Inputs], Converted]:
    """Return the conversion of a regression coefficient."""

    def convert(x: Inputs) -> Converted:
        beta = standardized_beta(x)
        if x.get("n_predictors") == 1:
            return _standard(beta, x["n"] - 2, f"{symbol} = r (one predictor)")
        return _standard(cv.r_from_beta(beta), x["n"] - 2, approximate=True)

    return convert


def of_explained(column: str) -> Callable[[Inputs], Converted]:
    """Return the conversion of a share of explained variance."""

    def convert(x: Inputs) -> Converted:
        taken = () if "n_predictors" in x else ("n_predictors was not coded; 1 was taken",)
        return _standard(math.sqrt(x[column]), _df_of_n(x), assumptions=taken)

    return convert
