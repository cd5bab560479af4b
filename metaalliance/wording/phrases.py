"""Short phrases around numbers, the same in terminals, figures and reports."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from metaalliance.wording.numbers import number, percent


def level_text(level: float) -> str:
    """Return a confidence level in percent.

    Examples
    --------
    >>> level_text(0.95), level_text(0.999)
    ('95%', '99.9%')
    """
    return f"{100 * level:.10g}%"


def percent_text(fraction: float, digits: int = 0) -> str:
    """Return a fraction in percent, the sign of none where there is none."""
    text = percent(fraction, digits)
    return text if math.isnan(fraction) else f"{text}%"


def share_text(share: float) -> str:
    """Return a share of a distribution in percent, never as all or none of it.

    Examples
    --------
    >>> share_text(0.972), share_text(0.9999), share_text(0.001), share_text(math.nan)
    ('97%', 'more than 99%', 'less than 1%', '–')
    """
    if share > 0.99:
        return "more than 99%"
    return "less than 1%" if share < 0.01 else percent_text(share)


def share_with_ci(share: float, low: float, high: float, level: float) -> str:
    """Return a share with its interval, where it has one.

    Examples
    --------
    >>> share_with_ci(0.97, 0.81, 0.998, 0.95), share_with_ci(0.97, math.nan, math.nan, 0.95)
    ('97%, 95% CI [81%, more than 99%]', '97%')
    """
    if math.isnan(low):
        return share_text(share)
    ends = f"[{share_text(low)}, {share_text(high)}]"
    return f"{share_text(share)}, {level_text(level)} CI {ends}"


def agreeing(count: float, one: str, many: str = "") -> str:
    """Return the words for one, or those for none and for many; an s at the end, if not given.

    Examples
    --------
    >>> agreeing(1, "was", "were"), agreeing(0, "was", "were"), agreeing(2, "effect")
    ('was', 'were', 'effects')
    """
    return one if count == 1 else many or f"{one}s"


def count_text(count: float, one: str, many: str = "") -> str:
    """Return a number with the words that agree with it: "1 study" or "1,204 studies".

    Examples
    --------
    >>> count_text(1, "study", "studies"), count_text(1204, "participant")
    ('1 study', '1,204 participants')
    >>> count_text(0, "row was", "rows were"), count_text(1, "row was", "rows were")
    ('0 rows were', '1 row was')
    """
    return f"{count:,.0f} {agreeing(count, one, many)}"


def studies_text(count: float) -> str:
    """Return a number of studies."""
    return count_text(count, "study", "studies")


def effects_text(count: float) -> str:
    """Return a number of effects."""
    return count_text(count, "effect")


def run_text(first: int, last: int, one: str) -> str:
    """Return things with numbers in a row, from the first to the last.

    Examples
    --------
    >>> run_text(33, 33, "row"), run_text(33, 34, "row")
    ('row 33', 'rows 33 to 34')
    """
    return f"{one} {first}" if first == last else f"{one}s {first} to {last}"


def structure_text(settings: Mapping[str, Any]) -> str:
    """Return the further levels and the crossed factor of a model, or nothing.

    Examples
    --------
    >>> structure_text({"within": ("sample",), "above": (), "crossed": "alliance_measure"})
    'sample within study, alliance_measure crossed'
    """
    nested = ["study", *(settings.get("within") or ())]
    for column in settings.get("above") or ():
        nested.insert(0, column)
    parts = [" within ".join(reversed(nested))] if len(nested) > 1 else []
    if settings.get("crossed"):
        parts.append(f"{settings['crossed']} crossed")
    return ", ".join(parts)


def model_line(settings: Mapping[str, Any], *further: str) -> str:
    """Return the model of a result as a line for a terminal.

    Parameters
    ----------
    settings : mapping
        As results and documents hold them: model, rho, tau2, test and the structure.
    *further : str
        What else is special about this result.

    Examples
    --------
    >>> model_line({"model": "che", "rho": 0.6, "tau2": "REML", "test": "cr2"}, "separate tau²")
    'Model: che, rho .60, REML, cr2, separate tau²'
    """
    rho = assumed_text(settings) if settings["model"] == "che" else ""
    parts = (
        settings["model"],
        rho and f"rho {rho}",
        rho and settings.get("overlap") and f"overlap {settings['overlap']}",
        structure_text(settings),
        settings.get("tau2", ""),
        f"{settings['test']} ({settings['df']})" if "df" in settings else settings["test"],
        *further,
    )
    return f"Model: {', '.join(str(part) for part in parts if part)}"


def assumed_text(settings: Mapping[str, Any]) -> str:
    """Return the assumed correlation of sampling errors, and that of rows that share a level.

    Examples
    --------
    >>> assumed_text({"rho": 0.6}), assumed_text({"rho": 0.6, "rho_same": 0.8, "same": "rater"})
    ('.60', '.60 (.80 with the same rater)')
    """
    rho = settings.get("rho")
    if rho is None or isinstance(rho, str):
        return rho or ""
    text = number(rho, 2, correlation=True)
    if settings.get("rho_same") is None:
        return text
    same = number(settings["rho_same"], 2, correlation=True)
    return f"{text} ({same} with the same {settings['same']})"


def df_text(df: float) -> str:
    """Return degrees of freedom: whole, or with one decimal.

    Examples
    --------
    >>> df_text(12), df_text(2.0000000001), df_text(34.62), df_text(math.inf)
    ('12', '2', '34.6', '∞')
    """
    whole = math.isfinite(df) and abs(df - round(df)) < 1e-6
    return number(df, 0 if whole else 1)


def few_df_text(df: float, bound: float) -> str:
    """Return degrees of freedom below a bound, with the digits that show them to be.

    Examples
    --------
    >>> few_df_text(2.31, 4), few_df_text(3.97, 4), few_df_text(3.9999999999999996, 4)
    ('2.3', '3.97', 'just under 4')
    """
    texts = [df_text(df), *(number(df, digits) for digits in (2, 3, 4))]
    return next((text for text in texts if float(text) < bound), f"just under {bound:g}")


def capital(text: str) -> str:
    """Return the text with a capital first letter."""
    return text[:1].upper() + text[1:]


def typographic(text: str) -> str:
    r"""Return a text of ours with curly apostrophes and quotation marks.

    Examples
    --------
    >>> typographic("Kendall's tau of 'seen' results")
    'Kendall’s tau of ‘seen’ results'
    """
    text = re.sub(r'"([^"]*)"', "“\\1”", text)
    return re.sub(r"(?<!\w)'([^']*)'(?!\w)", "‘\\1’", text).replace("'", "’")


def uncapital(text: str) -> str:
    """Return the text with a small first letter, but for abbreviations.

    Examples
    --------
    >>> uncapital("Common effect"), uncapital("PET-PEESE adjusted")
    ('common effect', 'PET-PEESE adjusted')
    """
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


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
