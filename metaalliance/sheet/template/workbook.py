"""The extraction workbook that a team begins with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.utils import get_column_letter

from metaalliance.core.conversion.rules import RULES
from metaalliance.sheet.columns.specification import COLUMNS, IN_WORKBOOK, Column
from metaalliance.sheet.columns.vocabularies import VOCABULARIES, Vocabulary
from metaalliance.sheet.template.archive import font, workbook_bytes, write_text
from metaalliance.sheet.template.codebook import write_about, write_codebook
from metaalliance.sheet.template.entry_checks import number_format, validation, values_text
from metaalliance.sheet.template.style import group_fill, set_widths, write_header_cell

#: Rows that have dropdowns and entry checks.
LAST_ROW = 5_000

_WIDTHS = {"study": 30, "outcome_measure": 20, "diagnosis": 18, "doi": 22, "page": 14, "quote": 34,
           "notes": 50, "exclusion_reason": 28, "statistic": 16, "country": 14}  # fmt: skip
_WIDEST = 24
_GREY = font(italic=True, color="7F7F7F")

_REASON = "example row: delete it"
_EXAMPLES: tuple[dict[str, Any], ...] = (
    {"study": "EXAMPLE 1 (delete)", "year": 2011, "effect": "1", "alliance_measure": "WAI-S",
     "alliance_subscale": "total", "alliance_rater": "client", "alliance_time": "early",
     "outcome_measure": "BDI", "outcome_domain": "symptom", "outcome_rater": "client",
     "outcome_time": "post", "outcome_direction": "lower_better", "n": 62, "r": -0.28,
     "modality": "CBT", "delivery": "face-to-face", "format": "individual", "design": "RCT",
     "diagnosis": "depression", "population": "adult", "setting": "outpatient",
     "source": "journal", "page": "142, Table 3",
     "notes": "r as printed; lower_better turns it into .28", "include": "no",
     "exclusion_reason": _REASON},
    {"study": "EXAMPLE 2 (delete)", "year": 1998, "effect": "1", "alliance_measure": "VTAS",
     "alliance_rater": "observer", "alliance_time": "averaged", "outcome_measure": "GAF",
     "outcome_domain": "functioning", "outcome_rater": "therapist", "outcome_time": "follow-up",
     "outcome_direction": "higher_better", "n": 45, "F": 5.12, "df1": 1, "df2": 43, "sign": "+",
     "modality": "psychodynamic", "format": "individual", "design": "other",
     "source": "dissertation", "page": "87",
     "notes": "F has no sign; the text says: higher alliance, higher GAF",
     "include": "no", "exclusion_reason": _REASON},
)  # fmt: skip


def template_workbook(vocabularies: Mapping[str, Vocabulary] = VOCABULARIES) -> bytes:
    """Return the empty extraction workbook as .xlsx.

    Its sheets are `effects` (a column for each of the specification, with prompts, dropdowns
    and two example rows that are never pooled), `codebook`, `about`, and the hidden `_lists`
    that feeds the dropdowns. Equal calls give equal bytes.

    Parameters
    ----------
    vocabularies : dict of str to Vocabulary
        Levels of the dropdowns; a team's own, or the built-in ones.

    Examples
    --------
    >>> template_workbook()[:2]
    b'PK'
    """
    return workbook_bytes(template_book(vocabularies), "Extraction workbook")


def template_book(
    vocabularies: Mapping[str, Vocabulary] = VOCABULARIES,
    *,
    examples: Sequence[Mapping[str, Any]] = _EXAMPLES,
) -> Workbook:
    """Return the workbook of `template_workbook`, to be filled in where there are no examples."""
    levels = _levels(vocabularies)
    book = Workbook()
    effects = book.active
    effects.title = "effects"
    codebook, about = book.create_sheet("codebook"), book.create_sheet("about")
    sources = _write_lists(book.create_sheet("_lists"), levels)
    _write_effects(effects, levels, sources, examples)
    write_codebook(codebook, IN_WORKBOOK, vocabularies)
    write_about(about)
    return book


def _levels(vocabularies: Mapping[str, Vocabulary]) -> dict[str, tuple[str, ...]]:
    """Entries of the dropdown of each column that has one."""
    found = {name: v.levels for name, v in vocabularies.items() if name in COLUMNS}
    return {**found, "statistic": tuple(RULES)}


def _write_lists(sheet: Any, levels: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Write the levels to the hidden sheet; return the range of each column."""
    sources = {}
    for index, (name, entries) in enumerate(levels.items(), start=1):
        write_text(sheet.cell(1, index), name)
        for row, entry in enumerate(entries, start=2):
            write_text(sheet.cell(row, index), entry)
        letter = get_column_letter(index)
        sources[name] = f"'{sheet.title}'!${letter}$2:${letter}${len(entries) + 1}"
    sheet.sheet_state = "hidden"
    return sources


def _write_effects(
    sheet: Any,
    levels: Mapping[str, tuple[str, ...]],
    sources: Mapping[str, str],
    examples: Sequence[Mapping[str, Any]],
) -> None:
    """Header, formats, entry checks and examples."""
    set_widths(sheet, (_width(c, levels.get(c.name, ())) for c in IN_WORKBOOK))
    sheet.row_dimensions[1].height = 34  # the filter buttons sit below the names
    for index, column in enumerate(IN_WORKBOOK, start=1):
        letter = get_column_letter(index)
        entries = levels.get(column.name, ())
        write_header_cell(sheet.cell(1, index), column.name, group_fill(column.group))
        sheet.cell(1, index).comment = _comment(column, entries)
        sheet.column_dimensions[letter].number_format = number_format(column)
        check = validation(column, entries, sources.get(column.name, ""))
        check.add(f"{letter}2:{letter}{LAST_ROW}")
        sheet.add_data_validation(check)
        for row, example in enumerate(examples, start=2):
            _write_example(sheet.cell(row, index), column, example.get(column.name))
    sheet.freeze_panes = "B2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(IN_WORKBOOK))}{LAST_ROW}"
    sheet.page_setup.orientation = "landscape"
    sheet.print_title_rows = "1:1"


def _width(column: Column, levels: tuple[str, ...]) -> float:
    """Room for the name in bold and for the longest level."""
    if column.name in _WIDTHS:
        return _WIDTHS[column.name]
    longest = max((len(level) for level in levels), default=5)
    return max(1.05 * len(column.name) + 1.5, min(longest + 4, _WIDEST), 7)


def _write_example(cell: Any, column: Column, value: Any) -> None:
    """One cell of an example row, blank or not."""
    if isinstance(value, str):
        write_text(cell, value)
    else:
        cell.value = value
    cell.number_format = number_format(column)
    cell.font = _GREY


def _comment(column: Column, levels: tuple[str, ...]) -> Comment:
    """What to enter, as the note that the header shows under the pointer."""
    lines = [column.about, f"Values: {values_text(column, levels)}."]
    if column.aliases:
        lines.append(f"Also read as: {', '.join(column.aliases)}.")
    text = "\n".join(lines)
    height = 20 + 16 * sum(1 + len(line) // 46 for line in lines)
    return Comment(text, "metaalliance", width=320, height=height)
