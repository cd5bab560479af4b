"""How a number stands in a sentence: the same digits as in the tables and figures of a report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from metaalliance.models.checks import FEW_DF
from metaalliance.models.scale import back_transform
from metaalliance.options import Measure
from metaalliance.report.manuscript.prose import Prose, prose
from metaalliance.wording.numbers import limits, number, p_text
from metaalliance.wording.phrases import capital, count_text, df_text, few_df_text, level_text

if TYPE_CHECKING:
    from metaalliance.models.pooled_fit import PooledFit

#: Decimals of correlations in a report, as in its figures.
DIGITS = 2
_SMALL = frozenset({"a", "an", "and", "at", "by", "in", "of", "on", "or", "the", "to"})
_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def effect(value: float, measure: Measure) -> str:
    """Return an effect of the analysis scale; Fisher z as r.

    Examples
    --------
    >>> effect(0.2877, "z"), effect(-0.5, "generic")
    ('.28', '−0.50')
    """
    shown = back_transform(value, measure)
    return number(shown, DIGITS, correlation=measure != "generic")


def interval(low: float, high: float, measure: Measure) -> str:
    """Return an interval of the analysis scale in brackets; Fisher z as r."""
    ends = back_transform(low, measure), back_transform(high, measure)
    return limits(*ends, DIGITS, correlation=measure != "generic")


def effects(value: int) -> str:
    """Return a number of effects."""
    return count_text(value, "effect")


def degrees_text(df: float, kind: str = "") -> str:
    """Return degrees of freedom that are too few for a test, with the noun.

    Examples
    --------
    >>> degrees_text(1.0), degrees_text(2.31, "denominator ")
    ('1 degree of freedom', '2.3 denominator degrees of freedom')
    """
    text = few_df_text(df, FEW_DF)
    return f"{text} {kind}{'degree' if text == '1' else 'degrees'} of freedom"


def in_words(value: int) -> str:
    """Return numbers below ten in words, as text does."""
    return _WORDS[value] if 0 <= value < len(_WORDS) else f"{value:,}"


def title_case(text: str) -> str:
    """Return a title with capitals but for its small words.

    Examples
    --------
    >>> title_case("rater of the alliance")
    'Rater of the Alliance'
    """
    words = text.split()
    return " ".join(
        word if index and word in _SMALL else capital(word) for index, word in enumerate(words)
    )


def p_phrase(p: float) -> Prose:
    """Return "p = .032", "p < .001" or "p > .999"."""
    return prose("*p* {p}", p=p_text(p))


def test_phrase(statistic: float, df: float, p: float) -> Prose:
    """Return "t(14.5) = 2.31, p = .036", or z with a normal test."""
    value = number(statistic, 2)
    if math.isinf(df):
        return prose("*z* = {value}, {p}", value=value, p=p_phrase(p))
    return prose("*t*({df}) = {value}, {p}", df=df_text(df), value=value, p=p_phrase(p))


def symbol(measure: Measure) -> Prose:
    """Return the name of an effect in a formula."""
    return prose("*r*") if measure != "generic" else prose("estimate")


def noun(measure: Measure) -> str:
    """Return what the effects are."""
    return "correlation" if measure != "generic" else "effect"


def mean_phrase(fit: PooledFit) -> Prose:
    """Return "r = .28, 95% CI [.26, .30]"."""
    return prose(
        "{symbol} = {mean}, {level} CI {ci}",
        symbol=symbol(fit.measure),
        mean=effect(fit.estimate, fit.measure),
        level=level_text(fit.level),
        ci=interval(fit.ci_low, fit.ci_high, fit.measure),
    )


def excludes_zero(fit: PooledFit) -> bool:
    """Whether the confidence interval lies on one side of zero."""
    return fit.ci_low > 0 or fit.ci_high < 0
