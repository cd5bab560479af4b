"""What the numbers of a row become: a correlation, with what its variance rests on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

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
        What was computed, for the ledger; blank where it is what the rule says.
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
    formula: str = ""
    variance_rule: str = ""
    approximate: bool = False
    assumptions: tuple[str, ...] = ()
    z: float | None = None


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
    """Degrees of freedom: coded, or n - 2."""
    return x["df"] if "df" in x else x["n"] - 2


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


def of_yi(x: Inputs) -> Converted:
    """An effect with the variance that was coded."""
    yi = x["yi"]
    return Converted(cv.r_from_z(yi), x["vi"], None, z=yi)


def of_t(x: Inputs) -> Converted:
    """A t statistic."""
    df = _df(x)
    rule = _BY_DF if "df" in x else _STANDARD
    return _standard(cv.r_from_t(x["t"], df), df, rule=rule)


def of_f(x: Inputs) -> Converted:
    """An F with one numerator degree of freedom."""
    df = x["df2"] if "df2" in x else _df(x)
    taken = () if "df1" in x else ("df1 was not coded; 1 was taken",)
    rule = _BY_DF if "df2" in x or "df" in x else _STANDARD
    return _standard(cv.r_from_f(x["F"], df), df, rule=rule, assumptions=taken)


def of_p(x: Inputs) -> Converted:
    """A p-value of a t test, without a sign."""
    df = _df(x)
    taken = () if "tails" in x else ("tails was not coded; 2 was taken",)
    r = cv.r_from_p(x["p"], df, int(x.get("tails", 2)))
    return _standard(r, df, rule=_STANDARD, assumptions=taken)


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
    df = (x["n1"] + x["n2"] if "n1" in x and "n2" in x else x["n"]) - 2
    found = of_d({**x, "d": cv.d_from_g(x["g"], df)})
    return _standard(
        found.r,
        df,
        f"d = g / J; {found.formula}",
        approximate=found.approximate,
        assumptions=found.assumptions,
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


def _log_odds(log_or: float, x: Inputs, limits: tuple[float, float] | None) -> Converted:
    r = cv.r_from_d(cv.d_from_log_odds_ratio(log_or))
    if limits is not None:
        variance = cv.log_odds_ratio_z_variance(log_or, *limits, r)
        return Converted(r, variance, None, variance_rule="delta method from the CI")
    taken = ("no confidence limits were coded; the variance is that of a correlation with this n",)
    return _standard(r, x["n"] - 2, rule=_STANDARD, assumptions=taken)


def of_odds_ratio(x: Inputs) -> Converted:
    """An odds ratio, with its confidence limits or n."""
    limits = (x["ci_low"], x["ci_high"]) if "ci_low" in x and "ci_high" in x else None
    return _log_odds(math.log(x["odds_ratio"]), x, limits)


def of_log_odds_ratio(x: Inputs) -> Converted:
    """A log odds ratio, with its confidence limits or n."""
    both = "ci_low" in x and "ci_high" in x
    limits = (math.exp(x["ci_low"]), math.exp(x["ci_high"])) if both else None
    return _log_odds(x["log_odds_ratio"], x, limits)


def of_partial(x: Inputs) -> Converted:
    """A partial correlation."""
    df = x["df"] if "df" in x else x["n"] - x["n_predictors"] - 1
    return _standard(x["partial_r"], df)


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
