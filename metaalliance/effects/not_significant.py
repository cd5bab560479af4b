"""Rows that say only "not significant": what each policy makes of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from metaalliance.core.conversion import formulas as cv
from metaalliance.core.conversion.conversions import Converted
from metaalliance.options import Nonsignificant
from metaalliance.problems import place_in
from metaalliance.sheet.rows import Row
from metaalliance.sheet.rules.row import nonsignificant_column
from metaalliance.sheet.rules.statistics import named_statistic, sample_size

#: Tests whose statistic is normal, or the square of a normal one.
_NORMAL = frozenset({"chi2", "z_stat"})


@dataclass(frozen=True, slots=True, kw_only=True)
class WithoutValue:
    """What a policy makes of a row.

    Attributes
    ----------
    found : Converted
        The correlation as reported, NaN where it is known only as an interval, and its variance.
    inputs : str
        What it was made of, with the cells.
    sign, sign_source : int, str
        Sign of the reported association, and where it came from.
    critical : float
        The correlation below which it lies; NaN under other policies.
    signed : bool
        Whether the sign of the interval is known.
    """

    found: Converted
    inputs: str
    sign: int
    sign_source: str
    critical: float = math.nan
    signed: bool = False

    def limits(self, flip: int) -> tuple[float, float]:
        """Return the limits of Fisher z; `flip` is -1 where the direction turns the sign."""
        top = math.atanh(self.critical)
        if not self.signed:
            return -top, top
        return (0.0, top) if self.sign * flip > 0 else (-top, 0.0)


def without_value(row: Row, policy: Nonsignificant) -> WithoutValue:
    """Return what `policy` makes of a row that reports "n.s."."""
    n = sample_size(row)
    assert n is not None  # a row without n is an error of the sheet
    stated = row.get("n") is not None
    where = place_in(row.sheet, row.cells["n"].cell) if stated else "computed"
    inputs = f"n.s.; n = {digits(n)} [{where}]"
    if policy == "censored":
        return _interval(row, n, inputs)
    variance = cv.z_variance(n - 2)
    if policy == "zero":
        found = Converted(0.0, variance, n - 2, "r = 0 (policy)", "1 / (n − 3)", True)
        return WithoutValue(found=found, inputs=inputs, sign=1, sign_source="none: zero")
    r = cv.r_from_p(0.5, n - 2)
    found = Converted(r, variance, n - 2, "p = .50, two-tailed (policy)", "1 / (n − 3)", True)
    return WithoutValue(found=found, inputs=inputs, sign=_sign(row), sign_source=_place(row))


def _interval(row: Row, n: float, inputs: str) -> WithoutValue:
    """The interval between the critical values of the row's own test, or half of it."""
    df, coded = _df(row, n)
    tails, signed = int(row.get("tails") or 2), row.get("sign") is not None
    normal = (named_statistic(row) or nonsignificant_column(row)) in _NORMAL
    critical = cv.critical_r_normal(n, tails) if normal else cv.critical_r(df, tails)
    sides = "one-tailed" if tails == 1 else "two-tailed"
    test = "z" if normal else f"t({digits(df)})"
    formula = (
        f"{'r of this sign' if signed else '|r|'} < {critical:.4f}: not significant, {test}, "
        f"{sides}, α = .05 (policy)"
    )
    rule = "1 / (df − 1)" if coded and not normal else "1 / (n − 3)"
    df = n - 2 if normal else df
    found = Converted(math.nan, cv.z_variance(df), df, formula, rule)
    return WithoutValue(
        found=found,
        inputs=inputs,
        sign=_sign(row),
        sign_source=_place(row) if signed else "none: both signs are possible",
        critical=critical,
        signed=signed,
    )


def _df(row: Row, n: float) -> tuple[float, bool]:
    """Degrees of freedom of the t test of a row, and whether they are coded or follow from n."""
    coded = row.get("df") if row.get("df2") is None else row.get("df2")
    if coded is not None:
        return float(coded), True
    predictors = row.get("n_predictors")
    return (n - 2, False) if predictors is None else (n - predictors - 1, predictors != 1)


def _sign(row: Row) -> int:
    return -1 if row.get("sign") == "-" else 1


def _place(row: Row) -> str:
    return f"sign column [{place_in(row.sheet, row.cells['sign'].cell)}]"


def digits(value: float) -> str:
    """Return a number with every digit that it has."""
    return repr(value).removesuffix(".0")
