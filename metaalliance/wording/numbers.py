"""Numbers as text in APA style."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Context, Decimal

MINUS = "\N{MINUS SIGN}"
_EXACT = Context(prec=400, rounding=ROUND_HALF_UP)


def number(
    value: float, digits: int = 3, *, correlation: bool = False, grouped: bool = False
) -> str:
    """Return APA number text: real minus, no leading zero for correlations, no "−.00".

    With `grouped` a comma stands between thousands. Halves are rounded up, as spreadsheets show
    them; the number is what its shortest decimal text says: .285 is .29.

    Examples
    --------
    >>> number(0.2784, 3, correlation=True), number(-0.0001, 2), number(float("nan"))
    ('.278', '0.00', '–')
    >>> number(0.285, 2, correlation=True), number(32.5, 0), number(-0.125, 2)
    ('.29', '33', '−0.13')
    """
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    rounded = Decimal(repr(abs(float(value)))).quantize(Decimal(1).scaleb(-digits), context=_EXACT)
    text = f"{rounded:,f}" if grouped else f"{rounded:f}"
    negative = value < 0 and rounded != 0
    if correlation and text.startswith("0."):
        text = text[1:]
    return (MINUS if negative else "") + text


def percent(fraction: float, digits: int = 0) -> str:
    """Return a fraction as percent, without the sign.

    Examples
    --------
    >>> percent(13 / 40), percent(0.145), percent(0.7512, 1)
    ('33', '15', '75.1')
    """
    return number(float(f"{100 * fraction:.15g}"), digits)


def p_text(p: float) -> str:
    """Return "= .032", "< .001" or "> .999".

    Examples
    --------
    >>> p_text(0.0323), p_text(1e-9), p_text(0.9996), p_text(math.nan)
    ('= .032', '< .001', '> .999', '= –')
    """
    return " ".join(p_parts(p))


def p_parts(p: float, *, correlation: bool = True) -> tuple[str, str]:
    """Return sign and value of a p-value: neither none nor all is ever printed."""
    if p < 0.001:
        sign, shown = "<", 0.001
    elif p >= 0.9995:
        sign, shown = ">", 0.999
    else:
        sign, shown = "=", p
    return sign, number(shown, 3, correlation=correlation)


_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_POWER = re.compile(r"\b(\d(?:\.\d+)?)e([+-]\d+)\b")


def in_print(text: str) -> str:
    """Return a text for a terminal with powers and Greek letters as books print them.

    Examples
    --------
    >>> in_print("tau² differs by 2.1e-04, se by 1e-09")
    'τ² differs by 2.1 × 10⁻⁴, se by 10⁻⁹'
    """
    return _POWER.sub(_power, text).replace("tau²", "τ²")


def _power(found: re.Match[str]) -> str:
    ten = f"10{str(int(found[2])).translate(_SUPERSCRIPTS)}"
    return ten if found[1] == "1" else f"{found[1]} × {ten}"


def limits(low: float, high: float, digits: int = 3, *, correlation: bool = False) -> str:
    """Return "[.256, .299]"."""
    if math.isnan(low) or math.isnan(high):
        return "–"
    ends = (number(x, digits, correlation=correlation) for x in (low, high))
    return f"[{', '.join(ends)}]"
