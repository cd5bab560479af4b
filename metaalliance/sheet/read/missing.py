"""Words and marks that stand for a value that is missing."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

#: Words for "not reported", in lower case; they are no level of any column.
MISSING_WORDS = frozenset(
    {"nr", "na", "n/a", "n.a.", "n.r.", "n. a.", "n. r.", "null", "missing", "not reported",
     "nan", "not available", "not applicable", "not stated", "not given", "#n/a n/a",
     # German, Dutch, French, Spanish, Italian
     "k.a.", "k. a.", "keine angabe", "keine angaben", "nicht berichtet", "nicht angegeben",
     "n.v.t.", "niet gerapporteerd", "niet vermeld", "non rapporté", "non rapportée",
     "non disponible", "non renseigné", "n.d.", "no informado", "no reportado", "no disponible",
     "sin datos", "non riportato", "non disponibile"}
)  # fmt: skip
#: Words that are missing among numbers, and may be a level among words.
UNKNOWN_WORDS = frozenset(
    {"unknown", "not known", "no data", "none reported", "nd", "n.b.", "n. b.", "nb",
     "unbekannt", "keine daten", "onbekend", "inconnu", "inconnue", "desconocido", "desconocida",
     "sconosciuto", "sconosciuta"}
)  # fmt: skip
#: Marks that are missing where they are no level.
MISSING_MARKS = frozenset({*"-–—−?./", "--", "---", "––", "..", "...", "??"})
#: Text that says "not reported" in place of a number; never zero.
MISSING_TOKENS = MISSING_WORDS | UNKNOWN_WORDS | MISSING_MARKS | {"none"}

_RATING = re.compile(r"[+±✓✔✗✘●○◐⊕⊖⊙?/.–—−-]+").fullmatch
_BIAS = re.compile(r"bias|\brob\b|\brob[_ .\d]", re.IGNORECASE).search


def missing_marks(column: str, texts: Iterable[str]) -> frozenset[str]:
    """Return the marks that are missing in a column of text: none where they are levels.

    Examples
    --------
    >>> sorted(missing_marks("manual", ["yes", "no", "-"]))[0]
    '-'
    >>> missing_marks("risk_of_bias", ["+", "-", "?"]), missing_marks("sign", ["-"])
    (frozenset(), frozenset())
    """
    found = set(texts)
    marks = {text for text in found if _RATING(text)}
    rated = marks - MISSING_MARKS or (len(marks) > 1 and marks == found)
    if column == "sign" or rated:
        return frozenset()
    return MISSING_MARKS - {"?"} if _BIAS(column) else MISSING_MARKS


@dataclass(frozen=True, slots=True)
class MissingWords:
    """Words that a team has declared to be missing.

    Attributes
    ----------
    everywhere : frozenset of str
        Folded words of every column but those of identity.
    by_column : dict of str to frozenset of str
        Folded words by column.
    """

    everywhere: frozenset[str] = frozenset()
    by_column: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def words(self, column: str) -> frozenset[str]:
        """Return the folded words of a column that is none of identity."""
        return self.by_column.get(column, frozenset()) | self.everywhere

    def hold(self, column: str, raw: Any, *, identity: bool = False) -> bool:
        """Whether a cell of a column holds one of them."""
        words = self.by_column.get(column, frozenset()) if identity else self.words(column)
        return bool(words) and folded_word(raw) in words


def folded_word(raw: Any) -> str:
    """Fold case and blanks of a word; a number is the same as text, too.

    Examples
    --------
    >>> folded_word(" K.A. "), folded_word(999.0), folded_word("-99")
    ('k.a.', '999', '-99')
    """
    text = " ".join(str(raw).split()).casefold()
    try:
        return f"{float(text):.15g}"
    except ValueError:
        return text


#: What programs for statistics and their users write for a value that is missing.
_CODES = frozenset({"-9", *(f"-{digit * times}" for digit in "789" for times in (2, 3, 4))})
_NINES = frozenset({"99", "999", "9999"})
#: How much larger than every other number a code of nines is, and how many others it needs.
_FAR, _OTHERS = 2, 2
#: A correlation that is no code is seldom larger.
_LARGE = 0.9


def missing_codes(values: Iterable[Any], *, high: float | None = None) -> list[str]:
    """Return the codes for missing values that stand in a column of numbers or levels.

    Parameters
    ----------
    values : iterable
        Its values.
    high : float, optional
        The largest number that the column can hold, such as 1 of a correlation.

    Examples
    --------
    >>> missing_codes([6, 8, -999, "low"]), missing_codes([0.2, -0.3, -99])
    (['-999'], [])
    >>> missing_codes([50, 62, 999]), missing_codes([50, 620, 999])
    (['999'], [])
    >>> missing_codes([0.2, -0.3, 0.99, 0.99], high=1)
    ['0.99']
    """
    texts = [code_text(v) for v in values]
    found = dict.fromkeys(t for t in texts if t in _CODES)
    negative = any(t.startswith("-") and t[1:2].isdigit() for t in texts if t not in _CODES)
    if negative or (found.keys() == {"-9"} and len(set(texts)) <= _OTHERS):
        found = {}
    return list(found) or _codes_of_nines(texts, high)


def _codes_of_nines(texts: list[str], high: float | None) -> list[str]:
    """Numbers of nines far above all others; .99 and -.99 where they repeat far from all others."""
    whole = _NINES - {f"{(high or 0) - 1:g}"}  # 99 percent is none
    repeated = {"0.99", "-0.99"} if high == 1 else frozenset()
    rest = (t for t in texts if t not in whole and t not in repeated)
    others = [abs(v) for t in rest if (v := _number(t)) is not None]
    if len(others) < _OTHERS:
        return []
    largest = max(others)
    found = [t for t in texts if t in whole and float(t) >= _FAR * largest]
    again = [t for t in texts if t in repeated and largest < _LARGE]
    return list(dict.fromkeys([*found, *(again if len(again) > 1 else [])]))


def code_text(value: Any) -> str:
    """A value as the text of a code: 999.0 and "999" are one."""
    return folded_word(str(value).replace("\u2212", "-"))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
