"""Read one cell as a number: the only place where text becomes a value."""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from metaalliance.core.conversion.rules import RECORDS
from metaalliance.sheet.read.grid import ErrorCell, FormulaCell, PercentCell, is_blank
from metaalliance.sheet.read.missing import MISSING_TOKENS

#: Longer text is no number.
LONGEST = 60

#: Text that reports a result without a value.
NONSIGNIFICANT = frozenset(
    {"ns", "n.s.", "n.s", "ns.", "n. s.", "not significant", "nonsignificant",
     "non-significant", "not sig.", "non significant"}
)  # fmt: skip

MINUS = str.maketrans(
    {"−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "‒": "-", "﹣": "-", "－": "-"}
)
_WIDE = str.maketrans("０１２３４５６７８９．，", "0123456789.,")
_SPACES = re.compile(r"[\s\u00a0\u2009\u202f\u200b\ufeff]+")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
#: Marks of footnotes; letters that are units or exponents (k, m, e) are not among them.
_MARKS = "*†‡§¶#ᵃᵇᶜᵈᵉᶠᵍ ⁰¹⁴⁵⁶⁷⁸⁹"
_SQUARES = "²³"
_LETTER = re.compile(r"(?<=[0-9.])\s?\^?[a-df-jln-zA-DF-JLN-Z]$")
_N_BEHIND = "n behind the number not used"
#: What may stand behind a number without changing it, and the name of the change.
_REMARKS = {
    what: re.compile(rf"(?:\s?[(\[]\s?{form}\s?[)\]]|(?:\s?[,;]|(?<=[\d*])\s)\s?{form})$", re.I)
    for what, form in {
        "p-value removed": r"p\s?[<>=≤≥]\s?[\d.,]+",
        "n.s. removed": r"(?:n\.?\s?s\.?|not sig(?:nificant|\.)|non-?significant)",
        _N_BEHIND: r"n\s?=\s?\d+",
    }.items()
}
_LABEL = re.compile(r"^([^\W\d_][^=:<>≤≥]*?)\s*(?:[=:]\s*|(?=[<>≤≥]))")
#: A word or a Greek letter before a number and a blank.
_WORD = re.compile(r"^([^\W\d_][^\W\d_' ]+|[^\W\d_a-zA-Z])\s(?=[+-]?\.?\d)")
_DESIGN = re.compile(r"\s*\([^)]*\)$")
_COMMA_NUMBER = re.compile(r"[+-]?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]+)?$")
_GROUPED = re.compile(r"[+-]?[1-9][0-9]?(?: [0-9]{3})+(?:\.[0-9]+)?$")
_POINTS = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{3})+$")
_BOTH = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:\.[0-9]{3})+,[0-9]+$")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?$")
#: Labels before a number that any column accepts when it does not name its own.
ANY_LABEL = (
    "n",
    "z",
    *(name for rule in RECORDS for c in rule.columns for name in (c.name, *c.aliases)),
)


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
    raw: Any,
    *,
    decimal_comma: bool = False,
    integer: bool = False,
    percent: float | None = None,
    labels: tuple[str, ...] = ANY_LABEL,
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
    labels : tuple of str
        Labels that may stand before the number (``N = 45``): those of the column itself.

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
        value = Decimal(repr(float(raw))) * 100 * Decimal(repr(percent))
        return Parsed(float(value), changes=("percentage read",))
    fault = _typed_fault(raw)
    if fault:
        return Parsed(fault=fault)
    if isinstance(raw, int | float):
        return Parsed(float(raw)) if math.isfinite(raw) else Parsed(fault="MA302")
    text = str(raw)
    if percent is None or not text.rstrip().endswith("%"):
        return _parse_text(text, decimal_comma=decimal_comma, integer=integer, labels=labels)
    bare = text.rstrip()[:-1]
    found = _parse_text(bare, decimal_comma=decimal_comma, integer=False, labels=labels)
    if found.value is None:
        return found
    value = Decimal(repr(found.value)) * Decimal(repr(percent))
    return Parsed(float(value), changes=(*found.changes, "percentage read"))


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


def _parse_text(raw: str, *, decimal_comma: bool, integer: bool, labels: tuple[str, ...]) -> Parsed:
    changes: list[str] = []
    text = _SPACES.sub(" ", unicodedata.normalize("NFC", raw)).strip()
    if text.lower() in MISSING_TOKENS:
        return Parsed(missing=True)
    if text.lower() in NONSIGNIFICANT:
        return Parsed(nonsignificant=True)
    if len(text) > LONGEST:
        return Parsed(fault="MA302")
    if text.lstrip("pP =").startswith(("<", ">", "≤", "≥")):
        return Parsed(fault="MA309")
    if text.endswith("%"):
        return Parsed(fault="MA308")
    text = _simplify(text, changes, labels, integer=integer)
    if text.startswith(("<", ">", "≤", "≥")):
        return Parsed(fault="MA309")
    text = _without_footnote(text, changes)
    text = _decimal(text, changes, decimal_comma=decimal_comma, integer=integer)
    if not _NUMBER.fullmatch(text):
        return Parsed(fault="MA302")
    value = float(text)
    if re.match(r"[+-]?\.", text):
        changes.insert(0, "leading zero added")
    return Parsed(value, changes=tuple(changes)) if math.isfinite(value) else Parsed(fault="MA302")


def _simplify(text: str, changes: list[str], labels: tuple[str, ...], *, integer: bool) -> str:
    """Unify digits and minus signs, drop the column's own label and what stands behind a number."""

    def change(new: str, what: str) -> str:
        if new != text:
            changes.append(what)
        return new

    text = change(text.translate(_WIDE), "digits unified")
    for _ in _REMARKS:
        for what, remark in _REMARKS.items():
            if not (integer and remark is _REMARKS[_N_BEHIND]):  # 45 (n = 38) has two readings
                text = change(remark.sub("", text), what)
    text = change(text.translate(MINUS), "minus sign unified")
    names = {name.lower() for name in labels}
    for pattern in (_LABEL, _WORD):
        label = pattern.match(text)
        if label and _DESIGN.sub("", label[1]).replace("’", "'").lower() in names:
            text = change(text[label.end() :], "label removed")
            break
    return re.sub(r"^([+-]) ", r"\1", text)


def _without_footnote(text: str, changes: list[str]) -> str:
    """Drop footnote marks behind a number."""
    marks = _MARKS + (_SQUARES if "." in text or "," in text else "")
    bare = _LETTER.sub("", text.rstrip(marks)).rstrip(marks)
    if bare != text and bare[-1:].isdigit():
        changes.append("footnote mark removed")
        return bare
    return text


def _decimal(text: str, changes: list[str], *, decimal_comma: bool, integer: bool) -> str:
    """Resolve commas, points and grouping blanks where only one reading is possible."""
    if _GROUPED.match(text):
        changes.append("grouping blank removed")
        return text.replace(" ", "")
    if _BOTH.match(text):
        changes.append("decimal comma read")
        return text.replace(".", "").replace(",", ".")
    if decimal_comma and _POINTS.match(text):  # 12.000 groups thousands in such a file
        if not integer:
            return f"{text}?"
        changes.append("thousands separator removed")
        return text.replace(".", "")
    if integer and not decimal_comma and "," in text:
        if not _THOUSANDS.match(text):
            return text
        changes.append("thousands separator removed")
        return text.replace(",", "")
    if _COMMA_NUMBER.match(text) and (decimal_comma or not _ambiguous_comma(text)):
        if not decimal_comma:
            changes.append("decimal comma read")
        return text.replace(",", ".")
    return text


def _ambiguous_comma(text: str) -> bool:
    """Whether ``1,234`` could group thousands; a leading zero or blank cannot."""
    whole, _, decimals = text.lstrip("+-").partition(",")
    return len(decimals) == 3 and whole not in {"", "0"}
