"""Numbers as text in APA style."""

from __future__ import annotations

import math

MINUS = "\N{MINUS SIGN}"


def number(value: float, digits: int = 3, *, correlation: bool = False) -> str:
    """Return APA number text: real minus, no leading zero for correlations, no "−.00".

    Examples
    --------
    >>> number(0.2784, 3, correlation=True), number(-0.0001, 2), number(float("nan"))
    ('.278', '0.00', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    text = f"{abs(value):.{digits}f}"
    negative = value < 0 and float(text) != 0
    if correlation and text.startswith("0."):
        text = text[1:]
    return (MINUS if negative else "") + text


def p_text(p: float) -> str:
    """Return "= .032" or "< .001"."""
    if math.isnan(p):
        return "= –"
    return "< .001" if p < 0.001 else f"= {number(p, 3, correlation=True)}"


def limits(low: float, high: float, digits: int = 3, *, correlation: bool = False) -> str:
    """Return "[.256, .299]"."""
    if math.isnan(low) or math.isnan(high):
        return "–"
    ends = (number(x, digits, correlation=correlation) for x in (low, high))
    return f"[{', '.join(ends)}]"
