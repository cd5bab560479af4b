"""Rules about one row: degrees of freedom, intervals and variances against the number of people."""

from __future__ import annotations

import math
from collections.abc import Iterator

from metaalliance.core.conversion.spread import Spread
from metaalliance.problems import Problem
from metaalliance.sheet.rows import Row
from metaalliance.sheet.rules.statistics import Choice

#: How far two variances of one effect may be apart before it is said.
FACTOR = 2.0
#: How much larger groups of unequal size may make the variance of a mean difference.
_UNEQUAL = {"d": 2.5, "g": 2.5}
#: People of one report that an interval without n may be worth.
_MOST_PEOPLE = 100_000
#: What rounding to two decimals may change in a standard error.
_ROUNDING = 0.0055
#: How far a value may lie off the middle of its interval, in half widths.
_OFF_MIDDLE = 0.25
#: Statistics beside which df is that of their t test.
_TESTED = frozenset({"r", "fisher_z", "d", "g", "means"})


def df_problems(row: Row, choice: Choice) -> list[Problem]:
    """Degrees of freedom must be fewer than people, and should be n − 2 less the covariates."""
    rule, x = choice.rule, choice.inputs
    column = rule.df if rule.df in x else "df"
    n, df = x.get("n"), x.get(column)
    if n is None or df is None or not (rule.df or rule.statistic in _TESTED):
        return []
    if df >= n:
        message = f"{column} = {df:g} is not below n = {n:g}"
        return [row.problem("MA420", message, column, "correct one of them")]
    if not rule.df or df == n - x.get("n_predictors", 1) - 1 or _explained(row, x, df, n):
        return []
    told = f" with {x['n_predictors']:g} predictors" if "n_predictors" in x else ""
    message = f"{column} = {df:g}, but n = {n:g}{told} leaves {n - x.get('n_predictors', 1) - 1:g}"
    hint = "" if told else "code n_predictors where the test has covariates"
    return [row.problem("MA421", message, column, hint)]


def _explained(row: Row, x: dict[str, float], df: float, n: float) -> bool:
    """Whether covariates of unknown number, or Welch's test, may have taken the rest."""
    if "n_predictors" in x or df >= n - 2:
        return False
    covariates = row.get("adjusted_for") not in {None, "none"} and df >= n / 2
    smallest = min(x.get("n1", n / 2), x.get("n2", n / 2))
    return covariates or (df != int(df) and df >= smallest - 1)


def spread_problems(row: Row, choice: Choice) -> list[Problem]:
    """Standard error and interval: the variance without n, compared with it where n is known."""
    spread = choice.rule.spread
    if spread is None or choice.statistic == "yi":
        return []
    found = list(_reported(choice, spread))
    if not found and not spread.takes_se and "se" in choice.inputs:
        message = f"se is not used: is it that of {spread.column} or of its logarithm?"
        hint = "enter the limits, or the logarithm with its se"
        return [row.problem("MA343", message, "se", hint)]
    if not found:
        return []
    n = choice.inputs.get("n")
    sized = not choice.rule.missing({k: v for k, v in choice.inputs.items() if k not in _OWN})
    problems = [] if sized and not spread.first else _off_middle(row, choice, spread)
    if n is None or not sized:
        problems.append(_without_n(row, choice))
        problems += _worth(row, choice, n, found[0])
        return problems + _apart(row, choice, found[0], found[1:], "the interval")
    if spread.first:
        return problems + _worth(row, choice, n, found[0])
    by_n = choice.rule.sized(choice.inputs).z_variance
    return problems + _apart(row, choice, (by_n, "n"), found, f"n = {n:g}")


_OWN = frozenset({"se", "vi", "sei", "ci_low", "ci_high"})


def _reported(choice: Choice, spread: Spread) -> Iterator[tuple[float, str]]:
    """Variances of Fisher z by the interval and the standard error, each with its column."""
    error = spread.error_column(choice.inputs) or "se"
    for ask, column in ((spread.of_limits, "ci_low"), (spread.of_se, error)):
        try:
            known = ask(choice.inputs)
        except (ArithmeticError, ValueError):  # a limit of 1.00 by rounding
            continue
        if known is not None:
            yield spread.to_z(choice.inputs, known[0]), column


def _without_n(row: Row, choice: Choice) -> Problem:
    """Say that the variance does not rest on n."""
    spread, found = choice.rule.spread, choice.convert()
    assert spread is not None
    limits = spread.of_limits(choice.inputs) is not None
    column = "ci_low" if limits else spread.error_column(choice.inputs) or "se"
    source = found.variance_rule.removesuffix(", delta method")
    message = f"n is not known; the variance of Fisher z is {found.z_variance:.3g} ({source})"
    return row.problem("MA426", message, column)


def _apart(
    row: Row,
    choice: Choice,
    known: tuple[float, str],
    others: list[tuple[float, str]],
    words: str,
) -> list[Problem]:
    """Report a variance that is far from the one that is known."""
    spread = choice.rule.spread
    assert spread is not None
    slope = math.sqrt(spread.to_z(choice.inputs, 1.0))
    for variance, column in others:
        one, two = math.sqrt(variance) / slope, math.sqrt(known[0]) / slope
        ratio = variance / known[0]
        if abs(one - two) > _ROUNDING and not 1 / FACTOR <= ratio <= FACTOR:
            what = "the interval gives" if column == "ci_low" else f"{column} gives"
            what += " a standard error of"
            message = f"{what} {one:.3g}, {words} gives {two:.3g}"
            return [row.problem("MA423", message, column)]
    return []


def _worth(row: Row, choice: Choice, n: float | None, found: tuple[float, str]) -> list[Problem]:
    """A variance that so few people cannot give: such as that of a ratio per unit of a scale."""
    people = 3 + 1 / found[0]
    if people <= (_MOST_PEOPLE if n is None else FACTOR * n):
        return []
    digits = 10 ** max(math.floor(math.log10(people)) - 1, 0)
    known = "not known" if n is None else f"{n:g}"
    worth = f"{round(people / digits) * digits:,.0f}"
    if choice.rule.spread is None or not choice.rule.spread.first:
        message = f"the variance is worth {worth} people, n is {known}"
        return [row.problem("MA348", message, found[1], "check the value, its scale and n")]
    message = f"the interval is worth {worth} people, n is {known}"
    hint = "a ratio per point of a scale is no ratio of two groups; enter r, or z_stat with n"
    return [row.problem("MA422", message, found[1], hint)]


def _off_middle(row: Row, choice: Choice, spread: Spread) -> list[Problem]:
    """An interval whose middle is elsewhere belongs to another scale, level or effect."""
    x, scale = choice.inputs, spread.scale
    if "ci_low" not in x or not x["ci_low"] <= x[spread.column] <= x.get("ci_high", -math.inf):
        return []
    low, high, value = (scale.to(x[c]) for c in ("ci_low", "ci_high", spread.column))
    rounding = 0.0075 * max(scale.slope(x[c]) for c in ("ci_low", "ci_high", spread.column))
    if abs(value - (low + high) / 2) <= _OFF_MIDDLE * (high - low) / 2 + rounding:
        return []
    message = (
        f"{spread.column} = {x[spread.column]:g} is not the middle of "
        f"[{x['ci_low']:g}, {x['ci_high']:g}]{scale.name}"
    )
    return [row.problem("MA429", message, "ci_low")]


def variance_problems(row: Row, choice: Choice) -> list[Problem]:
    """The variance of yi against n, on the scale that is stated."""
    if choice.statistic != "yi" or choice.scale is None:
        return []
    limits = "ci_low" if {"ci_low", "ci_high"} <= choice.inputs.keys() else ""
    column = next((c for c in ("vi", "sei", "se") if c in choice.inputs), limits)
    if not column:
        return [row.problem("MA349", "no variance is coded; that of n is taken: 1 / (n − 3)", "yi")]
    if "n" not in choice.inputs:
        return _worth(row, choice, None, (choice.convert().z_variance, column))
    given, least, exact = yi_variances(choice, choice.scale)
    ratio = given / least if least > 0 else 1.0
    most = FACTOR if exact else _UNEQUAL.get(choice.scale, math.inf)
    if 1 / FACTOR <= ratio <= most:
        return []
    words = "gives about" if exact or ratio > 1 else "gives at least"
    message = f"the variance of yi is {given:.3g}; n = {choice.inputs['n']:g} {words} {least:.3g}"
    return [row.problem("MA424", f"{message} on the scale {choice.scale}", column)]


def yi_variances(choice: Choice, scale: str) -> tuple[float, float, bool]:
    """Return the variance of yi as coded, that by n on a scale, and whether the latter is exact."""
    x = choice.inputs
    yi, n = x["yi"], x["n"]
    given = x["vi"] if "vi" in x else x.get("sei", x.get("se", math.nan)) ** 2
    if math.isnan(given):  # limits
        given = choice.convert().z_variance
        scale = "z"
    if scale == "z":
        return given, 1 / max(n - 3, 1), True
    if scale == "r":
        return given, (1 - yi * yi) ** 2 / max(n - 1, 1), True
    if scale == "log_or":
        return given, 16 / n, False
    both = "n1" in x and "n2" in x
    of_groups = 1 / x["n1"] + 1 / x["n2"] if both else 4 / n
    return given, of_groups + yi * yi / (2 * n), both
