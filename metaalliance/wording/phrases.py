"""Short phrases around numbers, the same in terminals, figures and reports."""

from __future__ import annotations

from metaalliance.wording.numbers import number


def level_text(level: float) -> str:
    """Return a confidence level in percent.

    Examples
    --------
    >>> level_text(0.95), level_text(0.999)
    ('95%', '99.9%')
    """
    return f"{100 * level:.10g}%"


def percent_text(fraction: float, digits: int = 0) -> str:
    """Return a fraction in percent."""
    return f"{number(100 * fraction, digits)}%"


def count_text(count: float, noun: str, plural: str = "") -> str:
    """Return "1 study" or "1,204 studies".

    Examples
    --------
    >>> count_text(1, "study", "studies"), count_text(1204, "participant")
    ('1 study', '1,204 participants')
    """
    return f"{count:,.0f} {noun if count == 1 else plural or noun + 's'}"


def studies_text(count: float) -> str:
    """Return a number of studies."""
    return count_text(count, "study", "studies")


def df_text(df: float) -> str:
    """Return degrees of freedom: whole, or with one decimal."""
    return number(df, 0 if float(df).is_integer() else 1)


def capital(text: str) -> str:
    """Return the text with a capital first letter."""
    return text[:1].upper() + text[1:]


def components_text(components: str) -> str:
    """What a bootstrap or a permutation test did with the variance components.

    Examples
    --------
    >>> components_text("held")
    'variance components held at their estimates'
    """
    if components == "held":
        return "variance components held at their estimates"
    return "variance components estimated anew in each"
