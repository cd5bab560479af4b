"""Results as a notebook shows them: a title, sentences, and tables with numbers in APA style."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from html import escape
from inspect import signature
from numbers import Integral, Real
from typing import Any, ClassVar

from metaalliance.wording.numbers import number, p_text
from metaalliance.wording.untrusted import printable

#: Rows of a table that are shown; a sentence counts the others.
MOST_ROWS = 20
#: Columns of frames that hold correlations, where they are on the scale of r.
CORRELATIONS = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high", "r")


class InNotebook:
    """A result that a notebook shows by its summary and its frame."""

    __slots__ = ()
    #: What it is, where the first line of its summary does not say so.
    _title: ClassVar[str] = ""

    def _repr_html_(self) -> str:
        first, *lines = self.summary().splitlines()  # type: ignore[attr-defined]
        title = f"{self._title}: {first}" if self._title else first
        frame, correlations = self._shown()
        return card(title, lines, (frame_table("Numbers", frame, correlations),))

    def _shown(self) -> tuple[Any, Collection[str]]:
        """The frame, as correlations where it can be, and the columns that hold them."""
        made = self.to_frame  # type: ignore[attr-defined]
        if "scale" not in signature(made).parameters:
            return made(), ()
        return made(scale="r"), CORRELATIONS if _measure(self) != "generic" else ()


def _measure(result: Any) -> str:
    """The scale of the effects behind a result."""
    holders = (result, *(getattr(result, name, None) for name in ("effects", "fit", "main")))
    return next((h.measure for h in holders if hasattr(h, "measure")), "generic")


def card(title: str, lines: Iterable[str], tables: Iterable[str] = ()) -> str:
    """Return a title, lines and tables as HTML; every text is escaped, none is typeset as TeX.

    Parameters
    ----------
    title : str
        Heading.
    lines : iterable of str
        Sentences below it; a line that begins with blanks belongs to the one above it.
    tables : iterable of str
        HTML of `frame_table`.
    """
    parts = ['<div class="metaalliance tex2jax_ignore mathjax_ignore">']
    parts.append(f"<p><strong>{_safe(title)}</strong></p>")
    paragraph: list[str] = []
    for line in (*lines, ""):
        if line.strip():
            paragraph.append(_safe(line))
        elif paragraph:
            parts.append(f"<p>{'<br>'.join(paragraph)}</p>")
            paragraph = []
    return "\n".join([*parts, *tables, "</div>"])


def frame_table(caption: str, frame: Any, correlations: Collection[str] = ()) -> str:
    """Return a data frame as a table with a caption, and headers for its columns and rows.

    Parameters
    ----------
    caption : str
        What the table holds.
    frame : DataFrame
        Its first column names the rows; the first `MOST_ROWS` rows are shown.
    correlations : collection of str
        Columns that are written without a leading zero.
    """
    names = [str(c) for c in frame.columns]
    shown = frame.head(MOST_ROWS)
    rest = len(frame) - len(shown)
    told = f"{caption} ({rest:,} more rows are not shown)" if rest else caption
    head = "".join(f'<th scope="col">{_safe(name)}</th>' for name in names)
    lines = [f"<table><caption>{_safe(told)}</caption>"]
    lines.append(f"<thead><tr>{head}</tr></thead><tbody>")
    for row in shown.itertuples(index=False, name=None):
        lines.append(f"<tr>{''.join(_cells(row, names, correlations))}</tr>")
    return "\n".join([*lines, "</tbody></table>"])


def _cells(row: Sequence[Any], names: Sequence[str], correlations: Collection[str]) -> list[str]:
    texts = [
        _safe(_text(value, name, correlation=name in correlations))
        for value, name in zip(row, names, strict=True)
    ]
    return [f'<th scope="row">{texts[0]}</th>', *(f"<td>{text}</td>" for text in texts[1:])]


def _text(value: Any, name: str, *, correlation: bool) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)) or str(value) == "<NA>":
        return "–"
    if isinstance(value, bool) or not isinstance(value, Real):
        return str(value)
    if isinstance(value, Integral):
        return str(value) if name == "year" else f"{int(value):,}"
    real = float(value)
    if name.startswith("p_") or name.endswith("_p_value") or name == "p":
        return p_text(real).removeprefix("= ")
    degrees = name.startswith("df") or name.endswith("_df")
    if real.is_integer() and (degrees or name in {"year", "value", "n"}):
        return f"{real:.0f}"
    if degrees:
        return number(real, 1)
    fine = name.startswith(("tau2", "vi", "sigma2"))
    return number(real, 4 if fine else 3, correlation=correlation)


def _safe(text: str) -> str:
    return escape(printable(text))
