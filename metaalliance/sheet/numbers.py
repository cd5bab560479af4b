"""Read one cell as a number: the only place where text becomes a value."""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from metaalliance.sheet.grid import ErrorCell, FormulaCell, PercentCell, is_blank

#: Text that says "not reported"; never zero.
MISSING_TOKENS = frozenset(
    {"nr", "na", "n/a", "n.a.", "n.r.", "-", "–", "—", "−", "?", ".", "none", "null", "missing",
     "not reported", "not available", "#n/a n/a", "/"}
)  # fmt: skip

#: Text that reports a result without a value.
NONSIGNIFICANT = frozenset(
    {"ns", "n.s.", "n.s", "ns.", "n. s.", "not significant", "nonsignificant",
     "non-significant", "not sig.", "non significant"}
)  # fmt: skip

_MINUS = str.maketrans(
    {"−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "‒": "-", "﹣": "-", "－": "-"}
)
_SPACES = re.compile(r"[\s\u00a0\u2009\u202f\u200b\ufeff]+")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_FOOTNOTE = re.compile(r"(?:\*+|[†‡§¶#]+|\^?[a-zA-Z](?![a-zA-Z])|[ᵃᵇᶜᵈᵉᶠ⁰¹²³⁴⁵⁶⁷⁸⁹]+)+$")
_P_VALUE = re.compile(r"\s*[(\[]\s*p\s*[<>=≤≥]\s*[\d.,]+\s*[)\]]$", re.IGNORECASE)
_LABEL = re.compile(r"^(?:r|n|N|t|F|z|p|d|g|β|b|OR|χ2|chi2)\s*=\s*")
_COMMA_NUMBER = re.compile(r"[+-]?\d*,\d+$")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?: \d{3})+(?:\.\d+)?$")
_BOTH = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+,\d+$")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$")


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a cell says.

    Attributes
    ----------
    value : float or None
        The number; None when the cell is blank, missing or at fault.
    fault : str
        Code of the problem, or "".
    changes : tuple of str
        What was changed to read it.
    missing : bool
        Whether the cell holds a token for "not reported".
    nonsignificant : bool
        Whether it reports "n.s." without a value.
    """

    value: float | None = None
    fault: str = ""
    changes: tuple[str, ...] = ()
    missing: bool = False
    nonsignificant: bool = False


def parse_number(
    raw: Any, *, decimal_comma: bool = False, integer: bool = False, percent: float | None = None
) -> Parsed:
    """Read a cell as a number.

    Parameters
    ----------
    raw : object
        The value of the cell as the file holds it.
    decimal_comma : bool
        Whether a comma is the decimal mark of the file.
    integer : bool
        Whether the column holds counts, in which a comma before three digits groups
        thousands.
    percent : float, optional
        What "1%" is worth where a percentage is allowed: 1 in columns of percentages, .01 in
        columns of proportions of variance.

    Returns
    -------
    Parsed
        The number with what was changed to read it, or the code of its fault.

    Examples
    --------
    >>> parse_number("−.21").value
    -0.21
    >>> parse_number(".35*").changes
    ('leading zero added', 'footnote mark removed')
    >>> parse_number("n.s.").nonsignificant, parse_number("35%").fault, parse_number("NR").missing
    (True, 'MA308', True)
    """
    if is_blank(raw):
        return Parsed()
    if percent is not None and isinstance(raw, PercentCell):
        return Parsed(float(raw) * 100 * percent, changes=("percentage read",))
    fault = _typed_fault(raw)
    if fault:
        return Parsed(fault=fault)
    if isinstance(raw, int | float):
        return Parsed(float(raw)) if math.isfinite(raw) else Parsed(fault="MA302")
    text = str(raw)
    if percent is not None and text.rstrip().endswith("%"):
        found = _parse_text(text.rstrip()[:-1], decimal_comma=decimal_comma, integer=False)
        if found.value is None:
            return found
        return Parsed(found.value * percent, changes=(*found.changes, "percentage read"))
    return _parse_text(text, decimal_comma=decimal_comma, integer=integer)


def _typed_fault(raw: Any) -> str:
    """Fault of a value that is no plain number or text."""
    if isinstance(raw, ErrorCell):
        return "MA303"
    if isinstance(raw, FormulaCell):
        return "MA304"
    if isinstance(raw, bool):
        return "MA307"
    if isinstance(raw, PercentCell):
        return "MA308"
    if isinstance(raw, dt.datetime | dt.date):
        return "MA305"
    if isinstance(raw, dt.time | dt.timedelta):
        return "MA306"
    return "" if isinstance(raw, int | float | str) else "MA302"


def _parse_text(raw: str, *, decimal_comma: bool, integer: bool) -> Parsed:
    changes: list[str] = []
    text = _SPACES.sub(" ", unicodedata.normalize("NFC", raw)).strip()
    if text.lower() in MISSING_TOKENS:
        return Parsed(missing=True)
    if text.lower() in NONSIGNIFICANT:
        return Parsed(nonsignificant=True)
    if text.lstrip("pP =").startswith(("<", ">", "≤", "≥")):
        return Parsed(fault="MA309")
    if text.endswith("%"):
        return Parsed(fault="MA308")
    bare = _P_VALUE.sub("", text)
    if bare != text:
        text = bare
        changes.append("p-value in brackets removed")
    text = _simplify(text, changes)
    text = _decimal(text, changes, decimal_comma=decimal_comma, integer=integer)
    if not _NUMBER.fullmatch(text):
        without = _FOOTNOTE.sub("", text).rstrip()
        if without == text or not _NUMBER.fullmatch(without):
            return Parsed(fault="MA302")
        text = without
        changes.append("footnote mark removed")
    value = float(text)
    if re.match(r"[+-]?\.", text):
        changes.insert(0, "leading zero added")
    return Parsed(value, changes=tuple(changes)) if math.isfinite(value) else Parsed(fault="MA302")


def _simplify(text: str, changes: list[str]) -> str:
    """Unify minus signs, drop a label such as ``N =`` and blanks after a sign."""
    plain = text.translate(_MINUS)
    if plain != text:
        changes.append("minus sign unified")
    unlabelled = _LABEL.sub("", plain)
    if unlabelled != plain:
        changes.append("label removed")
    return re.sub(r"^([+-]) ", r"\1", unlabelled)


def _decimal(text: str, changes: list[str], *, decimal_comma: bool, integer: bool) -> str:
    """Resolve commas and grouping blanks where only one reading is possible."""
    bare = _FOOTNOTE.sub("", text)
    tail = text[len(bare) :]
    if _GROUPED.match(bare):
        changes.append("grouping blank removed")
        return bare.replace(" ", "") + tail
    if _BOTH.match(bare):
        changes.append("decimal comma read")
        return bare.replace(".", "").replace(",", ".") + tail
    if integer and _THOUSANDS.match(bare) and not decimal_comma:
        changes.append("thousands separator removed")
        return bare.replace(",", "") + tail
    if _COMMA_NUMBER.match(bare) and (decimal_comma or not _ambiguous_comma(bare)):
        if not decimal_comma:
            changes.append("decimal comma read")
        return bare.replace(",", ".") + tail
    return text


def _ambiguous_comma(text: str) -> bool:
    """Whether ``1,234`` could group thousands; a leading zero or blank cannot."""
    whole, _, decimals = text.lstrip("+-").partition(",")
    return len(decimals) == 3 and whole not in {"", "0"}
