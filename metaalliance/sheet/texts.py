"""Cells of text: labels, levels and the team's own values, with what is missing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.columns.vocabularies import Vocabulary
from metaalliance.sheet.read.missing import (
    MISSING_MARKS,
    MISSING_WORDS,
    UNKNOWN_WORDS,
    MissingWords,
)
from metaalliance.sheet.read.numbers import NONSIGNIFICANT

#: Columns in which a word is a name: nothing is missing by its wording.
NAMES = frozenset({"study", "label", "sample", "effect", "country"})
#: What programs write into a blank cell.
_NO_ENTRY = frozenset({"na", "n/a", "#n/a n/a", "null"})
_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"'})

#: Enters a problem of a cell: code, message, hint.
Report = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Coded:
    """One cell as it was read.

    Attributes
    ----------
    value : float, str or None
        What it says.
    seen : str
        What stands there.
    cell : str
        Its name, such as ``F17``.
    changes : tuple of str
        What was changed to read it.
    nonsignificant : bool
        Whether it says "n.s." and no value.
    faulty : bool
        Whether it has a problem of its own.
    sheet : str
        Its sheet, where that is not the sheet of the row.
    note : str
        The comment on the cell.
    """

    value: Any
    seen: str
    cell: str
    changes: tuple[str, ...] = ()
    nonsignificant: bool = False
    faulty: bool = False
    sheet: str = ""
    note: str = ""


@lru_cache(maxsize=8192)  # labels and levels stand in many rows
def clean_text(raw: str) -> str:
    """Unify Unicode form, blanks and quotes, and drop invisible characters."""
    text = unicodedata.normalize("NFC", raw).translate(_QUOTES)
    text = "".join(c for c in text if c in "\t\n\r " or unicodedata.category(c) not in {"Cc", "Cf"})
    return re.sub(r"\s+", " ", text).strip()


@dataclass(frozen=True, slots=True)
class TextColumn:
    """What is missing in one column of text.

    Attributes
    ----------
    name : str
        The column, or the header of a column of the team.
    marks : frozenset of str
        Marks that are missing in it.
    declared : MissingWords
        The words of the team.
    vocabulary : Vocabulary or None
        Its levels.
    """

    name: str
    marks: frozenset[str]
    declared: MissingWords
    vocabulary: Vocabulary | None = None

    def is_missing(self, text: str) -> bool:
        """Whether a text stands for a value that is missing."""
        named = self.name in NAMES
        if self.declared.hold(self.name, text, identity=named):
            return True
        if self.name == "include":  # what is not reported is not in or out
            return text.casefold() in _NO_ENTRY
        if self.vocabulary is not None and self.vocabulary.find(text) is not None:
            return False
        word = text.casefold()
        if named:
            return self.name == "study" and text in MISSING_MARKS - {"?", "??"}
        if word in MISSING_WORDS:
            return True
        column = COLUMNS.get(self.name)
        silent = column is not None and column.kind == "choice" and word in NONSIGNIFICANT
        if self._decides:
            return silent and self.name == "sign"
        return text in self.marks or silent

    @property
    def _has_levels(self) -> bool:
        """Whether the column describes studies in words of the team."""
        column = COLUMNS.get(self.name)
        return column is not None and column.group == "study" and self.vocabulary is None

    @property
    def _decides(self) -> bool:
        """Whether the column decides a sign, a number or a row: a mark may mean something there."""
        return self.name in COLUMNS and self.vocabulary is not None and not self.vocabulary.open

    def read(self, text: str, seen: str, cell: str, report: Report) -> Coded:
        """Read a text that is not blank."""
        if self.is_missing(text):
            if self.name != "study":
                report("MA310", f"{text!r} is read as missing")
            return Coded(None, seen, cell)
        word = text.casefold()
        if self.name in NAMES and word in MISSING_WORDS | MISSING_MARKS | UNKNOWN_WORDS:
            report("MA515", f"{text!r} is kept as a name")
        elif word in UNKNOWN_WORDS and self._has_levels:
            report("MA527", f"{text!r} is kept as a level")
        if self.vocabulary is None:
            return Coded(text, seen, cell)
        return self._level(self.vocabulary, text, seen, cell, report)

    def _level(
        self, vocabulary: Vocabulary, text: str, seen: str, cell: str, report: Report
    ) -> Coded:
        """Look a level up in its vocabulary."""
        level = vocabulary.find(text)
        if level is not None:
            if level != text:
                report("MA332", f"read as {level!r}")
            return Coded(level, seen, cell, () if level == text else (f"read as {level}",))
        question = vocabulary.question(text)
        if question:
            report("MA355", f"{text!r} is kept as a level of its own", question)
            return Coded(text, seen, cell)
        if vocabulary.open:
            if not vocabulary.named:
                near = vocabulary.near(text)
                hint = f"did you mean {near!r} for {text!r}?" if near else ""
                report("MA334", f"{text!r} is kept as a level of its own", hint)
            return Coded(text, seen, cell)
        begun = (x for x in vocabulary.levels if len(text) > 2 and x.startswith(text.casefold()))
        near = vocabulary.near(text) or next(begun, None)
        hint = f"did you mean {near!r}?" if near else ""
        if text in MISSING_MARKS or text.casefold() == "none":
            hint = "leave the cell blank if it says nothing"
        report("MA331", f"{vocabulary.name} has {', '.join(vocabulary.levels)}", hint)
        return Coded(None, seen, cell, faulty=True)


def shown(raw: Any) -> str:
    """Return a value as a sheet shows it: whole numbers without decimals."""
    return str(int(raw)) if isinstance(raw, float) and raw == raw // 1 else str(raw)
