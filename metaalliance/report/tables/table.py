"""The one table type: a number becomes text here, and is the same text everywhere."""

from __future__ import annotations

import math
import re
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any, Literal

from metaalliance.wording.numbers import limits, number, p_text, percent
from metaalliance.wording.untrusted import printable

Kind = Literal["text", "interval", "count", "r", "number", "p", "percent"]


_AT_UNDERSCORES = re.compile("[^_]*_+|[^_]+")
#: Columns of text are not folded below this width.
NARROWEST = 12
#: Before the first cell of a row that belongs to the one above.
INDENT = "\N{EM SPACE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A column of a table.

    Attributes
    ----------
    key, title : str
        Name in the data and in the header.
    kind : str
        How values are written: "r" has no leading zero, "p" is a p-value; "interval" is text
        that is set like a number.
    digits : int
        Decimals.
    optional : bool
        Whether a narrow terminal may leave the column out.
    """

    key: str
    title: str
    kind: Kind = "text"
    digits: int = 3
    optional: bool = False

    def text(self, value: Any) -> str:
        """Return the value as every renderer prints it."""
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return "–"
        if value == "":
            return ""
        if self.kind in {"text", "interval"}:
            return printable(value)
        if self.kind == "count":
            return number(value, 0, grouped=True)
        if self.kind == "p":
            return p_text(value).removeprefix("= ")
        if self.kind == "percent":
            return percent(value, self.digits)
        return number(value, self.digits, correlation=self.kind == "r")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of values with the fields that write them.

    Attributes
    ----------
    title : str
        Caption.
    fields : tuple of Field
        Columns.
    rows : tuple of dict
        Values by key, at full precision; "" is a blank cell, None one without a value. A row
        with `indented` set belongs to the one above it.
    notes : tuple of str
        What stands under the table.
    name : str
        What references and files call it; of lower-case letters, digits and hyphens.
    wide : bool
        Whether it has a page in landscape, and is sorted and filtered on a screen.
    """

    title: str
    fields: tuple[Field, ...]
    rows: tuple[dict[str, Any], ...] = field(repr=False)
    notes: tuple[str, ...] = ()
    name: str = ""
    wide: bool = False

    def cells(self) -> list[list[str]]:
        """Return header and rows as text."""
        body = [[f.text(row.get(f.key)) for f in self.fields] for row in self.rows]
        for row, texts in zip(self.rows, body, strict=True):
            if row.get("indented"):
                texts[0] = f"{INDENT}{texts[0]}"
        return [[f.title for f in self.fields], *body]


def text_width(text: str) -> int:
    """Columns that a text takes in a terminal: wide characters take two, combining none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(c) in {"W", "F"} for c in text)
    return len(text) + wide - sum(bool(unicodedata.combining(c)) for c in text)


def pad(text: str, width: int, *, right: bool) -> str:
    """Fill a text with blanks to `width` columns."""
    blanks = " " * max(0, width - text_width(text))
    return blanks + text if right else text + blanks


def render_text(table: Table, width: int) -> str:
    """Return the table for a terminal of `width` columns.

    Where it is too wide, gaps shrink and headers fold, then optional columns are left out from
    the last on (and named below), then cells of text fold, then every row becomes a block of lines.
    """
    left_out: list[str] = []
    candidate = table
    while True:
        whole, folded = _widths(candidate), _widths(candidate, folded=True)
        fitting = ((whole, 2), (whole, 1), (folded, 1))
        found = next(((w, gap) for w, gap in fitting if _total(w, gap) <= width), None)
        dispensable = [f for f in candidate.fields if f.optional]
        if found is None and not dispensable:
            found = _squeezed(candidate, folded, width), 1
        if found is not None:
            break
        left_out.append(dispensable[-1].title)
        kept = tuple(f for f in candidate.fields if f is not dispensable[-1])
        candidate = replace(candidate, fields=kept)
    widths, gap = found
    if not widths:
        return _blocks(table, table.cells(), width)
    lines = [*wrapped(table.title, width), "", *_lines(candidate, widths, gap)]
    if left_out:
        lines += textwrap.wrap(f"(left out for width: {', '.join(reversed(left_out))})", width)
    return "\n".join([*lines, *_under(table, width)])


def _total(widths: Sequence[int], gap: int) -> int:
    return sum(widths) + gap * (len(widths) - 1)


def _widths(table: Table, *, folded: bool = False) -> list[int]:
    """Width of each column; with folded headers that of their longest word counts."""
    head, *body = table.cells()
    words = [max(h.split() or [""], key=text_width) if folded else h for h in head]
    return [max(text_width(row[i]) for row in (words, *body)) for i in range(len(words))]


def _squeezed(table: Table, widths: Sequence[int], width: int) -> list[int]:
    """Take from the widest columns of text until a table fits; nothing, where it cannot."""
    found = list(widths)
    while _total(found, 1) > width:
        texts = [i for i, f in enumerate(table.fields) if f.kind == "text" and found[i] > NARROWEST]
        if not texts:
            return []
        found[max(texts, key=lambda i: found[i])] -= 1
    return found


def _folded(text: str, width: int) -> list[str]:
    """Return a text in lines of a column."""
    if text_width(text) <= width:
        return [text]
    lines = _Wrapper(width).wrap(text)
    fits = all(text_width(line) <= width for line in lines)
    return lines if fits else textwrap.wrap(text, max(1, width // 2))


class _Wrapper(textwrap.TextWrapper):
    """Breaks a word that is too long behind an underscore, where it has one."""

    def _split(self, text: str) -> list[str]:
        return [
            part
            for word in super()._split(text)
            for part in ([word] if len(word) <= self.width else _AT_UNDERSCORES.findall(word))
        ]


def _lines(table: Table, widths: Sequence[int], gap: int) -> list[str]:
    """Header, rule and rows."""
    lines = []
    rights = [f.kind not in {"text", "interval"} for f in table.fields]
    for index, row in enumerate(table.cells()):
        columns = [_folded(text, w) for text, w in zip(row, widths, strict=True)]
        for parts in zip_longest(*columns, fillvalue=""):
            padded = [pad(t, w, right=r) for t, w, r in zip(parts, widths, rights, strict=True)]
            lines.append((" " * gap).join(padded).rstrip())
        if index == 0:
            lines.append("─" * _total(widths, gap))
    return lines


def _under(table: Table, width: int) -> list[str]:
    """Notes in lines of `width` columns."""
    return [line for note in table.notes for line in textwrap.wrap(note, width)]


def _blocks(table: Table, cells: Sequence[Sequence[str]], width: int) -> str:
    """The table as one block a row, for narrow terminals."""
    lines = wrapped(table.title, width)
    for row in cells[1:]:
        lines += ["", row[0]]
        lines += [f"  {title}: {text}" for title, text in zip(cells[0][1:], row[1:], strict=True)]
    return "\n".join([*lines, *_under(table, width)])


def wrapped(text: str, width: int, head: str = "") -> list[str]:
    """Return lines of at most `width` columns, the first after a head, the others below it."""
    indent = " " * min(text_width(head), width // 3)
    lines = textwrap.wrap(text, max(width, 30), initial_indent=head, subsequent_indent=indent)
    return lines or [head.rstrip()]


def effect_field(title: str = "Estimate", digits: int = 3, *, is_r: bool) -> Field:
    """Return the column of means, as r where they are."""
    kind: Kind = "r" if is_r else "number"
    return Field(key="estimate", title="r" if is_r else title, kind=kind, digits=digits)


def with_limits(
    row: Mapping[str, Any], digits: int = 3, *, correlation: bool = False
) -> dict[str, Any]:
    """Return a row with its intervals as text: "ci", and "pi" where it has one."""
    ends = {
        name: limits(row[f"{name}_low"], row[f"{name}_high"], digits, correlation=correlation)
        for name in ("ci", "pi")
        if f"{name}_low" in row
    }
    return {**row, **ends}
