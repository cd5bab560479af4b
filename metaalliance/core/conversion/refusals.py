"""Numbers of a row that cannot become a correlation, or not the right one."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from metaalliance.core.conversion.conversions import Inputs, standardized_beta

#: Largest size of a standardised coefficient to which Peterson and Brown's formula was fitted.
BETA_LIMIT = 0.5
#: Above this Fisher z the correlation is 1 to the last digit.
LARGEST_Z = 18.0


class Refusal(NamedTuple):
    """Why a row is not converted: code of the message, its text, the column, what to do."""

    code: str
    message: str
    column: str
    hint: str = ""


Refuse = Callable[[Inputs], Refusal | None]


def extreme_z(x: Inputs) -> Refusal | None:
    """A Fisher z that no correlation has."""
    if abs(x["yi"]) <= LARGEST_Z:
        return None
    return Refusal("MA312", f"|Fisher z| = {abs(x['yi']):g} is no correlation", "yi")


def several_df1(x: Inputs) -> Refusal | None:
    """An F of several contrasts."""
    if x.get("df1", 1) == 1:
        return None
    message = f"df1 = {x['df1']:g}, and only df1 = 1 holds one correlation"
    return Refusal("MA405", message, "df1", "use a contrast with one degree of freedom")


def numerator_as_df(x: Inputs) -> Refusal | None:
    """An F whose numerator stands where the residual degrees of freedom belong."""
    if "df2" in x or x.get("df", 99) > 3 or "n" not in x:
        return None
    message = f"df = {x['df']:g} looks like the numerator of F; enter df1 and df2"
    return Refusal("MA405", message, "df")


def several_df(x: Inputs) -> Refusal | None:
    """A chi-squared of a larger table."""
    if x.get("df", 1) == 1:
        return None
    return Refusal("MA405", f"chi2 has {x['df']:g} degrees of freedom; one is needed", "df")


def several_predictors(statistic: str) -> Refuse:
    """Return the check for variance that several predictors explain."""

    def refuse(x: Inputs) -> Refusal | None:
        m = x.get("n_predictors", 1)
        if m <= 1:
            return None
        return Refusal("MA406", f"{statistic} of {m:g} predictors", "n_predictors")

    return refuse


def large_beta(column: str) -> Refuse:
    """Return the check for a coefficient beyond the range of its formula."""

    def refuse(x: Inputs) -> Refusal | None:
        size = abs(standardized_beta(x))
        if size <= BETA_LIMIT or x.get("n_predictors") == 1:
            return None
        message = f"|beta| = {size:.2f}; the formula holds up to {BETA_LIMIT}"
        return Refusal("MA407", message, column, "enter t with its df instead")

    return refuse


def limits_within(lowest: float, highest: float) -> Refuse:
    """Return the check for confidence limits that the statistic cannot have."""

    def refuse(x: Inputs) -> Refusal | None:
        low, high = x.get("ci_low"), x.get("ci_high")
        if low is None or high is None or lowest < low < high < highest:
            return None
        return Refusal("MA313", f"[{low:g}, {high:g}] cannot be its limits", "ci_low")

    return refuse


def empty_margin(x: Inputs) -> Refusal | None:
    """A 2×2 table without a row or a column."""
    a, b, c, d = (x[f"cell_{k}"] for k in "abcd")
    if 0 not in {a + b, c + d, a + c, b + d}:
        return None
    return Refusal("MA313", "a margin of the 2×2 table is zero", "cell_a")


def more_than_model(x: Inputs) -> Refusal | None:
    """A semi-partial r that explains more than the whole model."""
    if x["semipartial_r"] ** 2 <= x["r2_model"]:
        return None
    return Refusal("MA313", "its square exceeds r2_model", "semipartial_r")


def too_many_predictors(x: Inputs) -> Refusal | None:
    """A partial r that leaves no degrees of freedom."""
    if "df" in x or not 3 < x["n"] <= x["n_predictors"] + 2:
        return None
    return Refusal("MA321", "n is too small for that many predictors", "n")


def zero_p(x: Inputs) -> Refusal | None:
    """A p-value of zero."""
    if x["p"] != 0:
        return None
    return Refusal("MA313", "p = 0 holds no value; enter the exact p or its bound", "p")


def other_tail(x: Inputs) -> Refusal | None:
    """A one-tailed p-value of the other tail."""
    if x.get("tails") != 1 or x["p"] <= 0.5:
        return None
    message = "a one-tailed p above .5 points the other way; enter its complement and the sign"
    return Refusal("MA313", message, "p")
