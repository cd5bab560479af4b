"""Numbers of a row that cannot become a correlation, or not the right one."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from metaalliance.core.conversion.conversions import has_test, standardized_beta
from metaalliance.core.conversion.spread import Inputs, base_risk

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


def _as_correlations(x: Inputs) -> bool:
    if not {"ci_low", "ci_high"} <= x.keys():
        return True
    low, high = x["ci_low"], x["ci_high"]
    sized = bool({"n", "df"} & x.keys())
    return low >= -1 and high <= 1 and (sized or (low > -1 and high < 1))


def one_predictor(statistic: str) -> Refuse:
    """Return the check for variance that several predictors explain."""
    return unless(lambda x: x.get("n_predictors", 1) <= 1, "MA406",
                  f"{statistic} of {{n_predictors:g}} predictors", "n_predictors")  # fmt: skip


def large_beta(column: str) -> Refuse:
    """Return the check for a coefficient beyond the range of its formula."""

    def refuse(x: Inputs) -> Refusal | None:
        if has_test(x) or x.get("n_predictors") == 1:
            return None
        size = abs(standardized_beta(x))
        if size <= BETA_LIMIT:
            return None
        message = f"|beta| = {size:.2f}; the formula holds up to {BETA_LIMIT}"
        return Refusal("MA407", message, column, "enter t with its df instead")

    return refuse


def extreme_z(column: str) -> Refuse:
    """Return the check for a Fisher z that no correlation has."""
    return unless(lambda x: abs(x[column]) <= LARGEST_Z, "MA312",
                  f"|Fisher z| = {{{column}:g}} is no correlation", column)  # fmt: skip


def _has_margins(x: Inputs) -> bool:
    a, b, c, d = (x[f"cell_{k}"] for k in "abcd")
    return 0 not in {a + b, c + d, a + c, b + d}


def _is_middle(x: Inputs) -> bool:
    """Whether b lies in the middle of its limits, as far as rounding and a tenth allow."""
    if {"se_b", "se"} & x.keys() or not {"ci_low", "ci_high"} <= x.keys():
        return True
    width = x["ci_high"] - x["ci_low"]
    return width < 0 or abs(x["ci_low"] + x["ci_high"] - 2 * x["b"]) <= max(0.1 * width, 0.02)


TEST_OF_B = unless(lambda x: has_test(x) or {"sd_x", "sd_y", "n"} <= x.keys(), "MA403",
                   "b needs se_b, both limits or an exact p, or sd_x, sd_y and n", "b")  # fmt: skip
MIDDLE_OF_LIMITS = unless(
    _is_middle, "MA313", "b = {b:g} is not in the middle of [{ci_low:g}, {ci_high:g}]", "ci_low",
    "enter the limits of b itself, or se_b",
)  # fmt: skip
#: A limit of 1.00 by rounding does no harm where n gives the variance.
LIMITS_OF_R = unless(_as_correlations, "MA313",
                     "[{ci_low:g}, {ci_high:g}] cannot be its limits", "ci_low")  # fmt: skip
MARGINS = unless(_has_margins, "MA313", "a margin of the 2×2 table is zero", "cell_a")
ONE_DF1 = unless(lambda x: x.get("df1", 1) == 1, "MA405",
                 "df1 = {df1:g}, and only df1 = 1 holds one correlation", "df1",
                 "use a contrast with one degree of freedom")  # fmt: skip
RESIDUAL_DF = unless(lambda x: "df2" in x or x.get("df", 99) > 3 or "n" not in x, "MA405",
                     "df = {df:g} looks like the numerator of F; enter df1 and df2",
                     "df")  # fmt: skip
ONE_DF = unless(lambda x: x.get("df", 1) == 1, "MA405",
                "chi2 has {df:g} degrees of freedom; one is needed", "df")  # fmt: skip
WITHIN_MODEL = unless(lambda x: x["semipartial_r"] ** 2 <= x.get("r2_model", 1), "MA313",
                      "its square exceeds r2_model", "semipartial_r")  # fmt: skip
FEWER_PREDICTORS = unless(
    lambda x: bool({"df", "df2"} & x.keys())
    or not 3 < x.get("n", 0) <= x.get("n_predictors", 1) + 2,
    "MA321", "n is too small for that many predictors", "n",
)  # fmt: skip
#: Of two groups, by number.
EVENTS = tuple(
    unless(lambda x, g=g: x[f"events{g}"] <= x[f"total{g}"], "MA313",  # type: ignore[misc]
           f"{{events{g}:g}} events among {{total{g}:g}} people", f"events{g}")
    for g in "12"
)  # fmt: skip
EVENT_MARGINS = unless(
    lambda x: 0 < x["events1"] + x["events2"] < x["total1"] + x["total2"], "MA313",
    "nobody, or everybody, has the event", "events1",
)  # fmt: skip
RISKS = unless(
    lambda x: 0 < base_risk(x) < 1 and x["risk_ratio"] * base_risk(x) < 1, "MA313",
    "a risk ratio of {risk_ratio:g} at that risk of group 2 gives group 1 no risk below 1",
    "risk_ratio",
)  # fmt: skip
EXACT_P = unless(lambda x: x["p"] != 0, "MA313",
                 "p = 0 holds no value; enter the exact p or its bound", "p")  # fmt: skip
OWN_TAIL = unless(lambda x: x.get("tails") != 1 or x["p"] <= 0.5, "MA313",
                  "a one-tailed p above .5 points the other way; enter its complement and the sign",
                  "p")  # fmt: skip
