"""Years of publication as people write them: 2001a, in press, 2007/2008, (2003)."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

_YEAR = re.compile(r"(?<![\d.,])(?:19|20)\d\d(?!\d|[.,]\d)")
_PLAIN = re.compile(r"(?:19|20)\d\d(?:\.0)?").fullmatch
#: What stands in place of a year that does not exist yet, or is not known.
_WITHOUT = re.compile(
    r"in ?(?:press|prep|preparation|print|revision|review)|(?:under|in) review|forthcoming|"
    r"submitted|to appear|advance online|early view|online first|accepted|unpublished|ongoing|"
    r"no date|n\. ?d\.?|nd|s\. ?d\.?|o\. ?j\.?|ohne jahr|im druck|im erscheinen|eingereicht|"
    r"in druk|ter perse|ingediend|sous presse|à paraître|soumis|en prensa|en preparación|enviado|"
    r"sin fecha|in stampa|in corso di stampa",
    re.IGNORECASE,
)
#: Years that a spreadsheet shows as dates: 2001 is June 23rd, 1905.
_SERIAL = range(1904, 1907)


def read_year(raw: Any) -> tuple[float | None, str, str] | None:
    """Read a year that is not a plain number.

    Returns
    -------
    tuple of float or None, str and str, or None
        The first year, the code of the problem and its message; None where the cell is to be
        read as any number.

    Examples
    --------
    >>> read_year("2007/2008"), read_year("in press")[0], read_year("2001")
    ((2007.0, 'MA338', 'read as 2007'), None, None)
    """
    if isinstance(raw, dt.datetime | dt.date):
        if raw.year in _SERIAL:
            return None
        return float(raw.year), "MA338", f"a date; read as {raw.year}"
    text = " ".join(raw.split()) if isinstance(raw, str) else ""
    if not text or _PLAIN(text) or not text.strip("-–—?./*"):
        return None
    found = _YEAR.findall(text)
    if found:
        return float(found[0]), "MA338", f"read as {found[0]}"
    if _WITHOUT.match(text.strip("()[] ")):
        return None, "MA338", f"{text!r} is no year; as a moderator it is missing"
    return None


def year_text(raw: Any) -> str:
    """Return a year as it stands behind the author: 2001, 2001a, in press.

    Examples
    --------
    >>> year_text(2001.0), year_text("(2001a)"), year_text("2001*"), year_text("NA")
    ('2001', '2001a', '2001', '')
    """
    if isinstance(raw, dt.datetime | dt.date):
        return str(raw.year)
    text = " ".join(str(raw).split()).strip("()[] ")
    text = text.removesuffix(".0").rstrip("*†‡§¶#")
    return text if _YEAR.search(text) or _WITHOUT.match(text) else ""
