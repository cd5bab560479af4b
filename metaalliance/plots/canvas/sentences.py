"""Sentences under charts and in their alternative texts; stars enclose italics."""

from __future__ import annotations

import math

from metaalliance.models.pooled_fit import PooledFit
from metaalliance.options import Measure
from metaalliance.plots.canvas.numbers import effect_text, interval_text
from metaalliance.plots.canvas.style import APA, Style
from metaalliance.wording.numbers import number
from metaalliance.wording.phrases import level_text


def symbol(measure: Measure) -> str:
    """Return the name of an effect, with stars around what is italic."""
    return "estimate" if measure == "generic" else "*r*"


def estimate_sentence(
    value: float, low: float, high: float, measure: Measure, level: float, style: Style = APA
) -> str:
    """Return "*r* = .28, 95% CI [.26, .30]".

    Examples
    --------
    >>> estimate_sentence(0.2877, 0.2, 0.37, "z", 0.95)
    '*r* = .28, 95% CI [.20, .35]'
    """
    text = f"{symbol(measure)} = {effect_text(value, measure, 2, style.words)}"
    if not (math.isfinite(low) and math.isfinite(high)):
        return text
    return f"{text}, {level_text(level)} CI {interval_text(low, high, measure, style.words)}"


def pooled_sentence(fit: PooledFit, style: Style = APA) -> str:
    """Return the mean of a fit with its intervals, as one sentence."""
    mean = estimate_sentence(fit.estimate, fit.ci_low, fit.ci_high, fit.measure, fit.level, style)
    text = f"Pooled {mean}"
    if math.isfinite(fit.pi_low):
        limits = interval_text(fit.pi_low, fit.pi_high, fit.measure, style.words)
        text += f"; {level_text(fit.level)} prediction interval {limits}"
    return text + "."


def decimal(value: float, style: Style, digits: int = 2) -> str:
    """Return a number between -1 and 1 with the leading zero that the style has."""
    return number(value, digits, correlation=not style.words.leading_zero)


def spoken(text: str) -> str:
    """Return text without the stars of italics, for alternative text."""
    return text.replace("*", "")


def listed(words: list[str], most: int = 12) -> str:
    """Return "a, b and c"; of many the first, and how many more.

    Examples
    --------
    >>> listed(["a", "b", "c"]), listed(["a"]), listed(list("abcd"), most=2)
    ('a, b and c', 'a', 'a, b and 2 more')
    """
    if len(words) > most:
        return f"{', '.join(words[:most])} and {len(words) - most} more"
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
