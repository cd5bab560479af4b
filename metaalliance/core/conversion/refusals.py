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


def unless(
    fine: Callable[[Inputs], bool], code: str, message: str, column: str, hint: str = ""
) -> Refuse:
    """Return the check of a condition; the message is formatted with the inputs by name."""
    return lambda x: None if fine(x) else Refusal(code, message.format(**x), column, hint)


def limits_within(lowest: float, highest: float) -> Refuse:
    """Return the check for confidence limits that the statistic cannot have."""
    return unless(
        lambda x: not {"ci_low", "ci_high"} <= x.keys()
        or lowest < x["ci_low"] < x["ci_high"] < highest,
        "MA313", "[{ci_low:g}, {ci_high:g}] cannot be its limits", "ci_low",
    )  # fmt: skip


def one_predictor(statistic: str) -> Refuse:
    """Return the check for variance that several predictors explain."""
    return unless(lambda x: x.get("n_predictors", 1) <= 1, "MA406",
                  f"{statistic} of {{n_predictors:g}} predictors", "n_predictors")  # fmt: skip


def large_beta(column: str) -> Refuse:
    """Return the check for a coefficient beyond the range of its formula."""

    def refuse(x: Inputs) -> Refusal | None:
        size = abs(standardized_beta(x))
        if size <= BETA_LIMIT or x.get("n_predictors") == 1:
            return None
        message = f"|beta| = {size:.2f}; the formula holds up to {BETA_LIMIT}"
        return Refusal("MA407", message, column, "enter t with its df instead")

    return refuse


def extreme_z(x: Inputs) -> Refusal | None:
    """A Fisher z that no correlation has."""
    if abs(x["yi"]) <= LARGEST_Z:
        return None
    return Refusal("MA312", f"|Fisher z| = {abs(x['yi']):g} is no correlation", "yi")


def _has_margins(x: Inputs) -> bool:
    a, b, c, d = (x[f"cell_{k}"] for k in "abcd")
    return 0 not in {a + b, c + d, a + c, b + d}


MARGINS = unless(_has_margins, "MA313", "a margin of the 2×2 table is zero", "cell_a")
ONE_DF1 = unless(lambda x: x.get("df1", 1) == 1, "MA405",
                 "df1 = {df1:g}, and only df1 = 1 holds one correlation", "df1",
                 "use a contrast with one degree of freedom")  # fmt: skip
RESIDUAL_DF = unless(lambda x: "df2" in x or x.get("df", 99) > 3 or "n" not in x, "MA405",
                     "df = {df:g} looks like the numerator of F; enter df1 and df2",
                     "df")  # fmt: skip
ONE_DF = unless(lambda x: x.get("df", 1) == 1, "MA405",
                "chi2 has {df:g} degrees of freedom; one is needed", "df")  # fmt: skip
WITHIN_MODEL = unless(lambda x: x["semipartial_r"] ** 2 <= x["r2_model"], "MA313",
                      "its square exceeds r2_model", "semipartial_r")  # fmt: skip
FEWER_PREDICTORS = unless(lambda x: "df" in x or not 3 < x["n"] <= x["n_predictors"] + 2, "MA321",
                          "n is too small for that many predictors", "n")  # fmt: skip
EXACT_P = unless(lambda x: x["p"] != 0, "MA313",
                 "p = 0 holds no value; enter the exact p or its bound", "p")  # fmt: skip
OWN_TAIL = unless(lambda x: x.get("tails") != 1 or x["p"] <= 0.5, "MA313",
                  "a one-tailed p above .5 points the other way; enter its complement and the sign",
                  "p")  # fmt: skip
