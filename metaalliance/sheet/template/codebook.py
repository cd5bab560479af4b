"""The sheets of the template that explain it: codebook and about."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from openpyxl.comments import Comment
from openpyxl.styles import PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.hyperlink import Hyperlink

from metaalliance.core.conversion.rules import RULES
from metaalliance.sheet.columns.specification import Column
from metaalliance.sheet.columns.vocabularies import Vocabulary
from metaalliance.sheet.template.archive import font
from metaalliance.sheet.template.entry_checks import values_text
from metaalliance.sheet.template.style import (
    GROUPS,
    fit_page,
    group_fill,
    set_widths,
    write_header_cell,
    write_title,
    write_wrapped,
)

#: Columns of the codebook with their widths.
_CODEBOOK = {"column": 22, "group": 20, "what to enter": 54, "values": 30, "other names": 58,
             "header": 18, "level": 18, "aliases": 30}  # fmt: skip
#: The last columns are blank: what a team enters there is read with the sheet. What the others
#: explain is not read, so that `metaalliance.toml` and later versions can still change it.
_OWN = {
    "header": "Your header of this column, where your sheet has another.",
    "level": "A level of your own for this column, in this row or a new one.",
    "aliases": "Other names of your level, separated by semicolons.",
}
_ABOUT_WIDTHS = (22, 96)
_HEADER_FILL = PatternFill("solid", fgColor="BFBFBF")
_OWN_FILL = PatternFill("solid", fgColor="FFE699")

_UNSIGNED = tuple(rule.statistic for rule in RULES.values() if not rule.signed)
_ABOUT = (
    ("What it is", "One row of the sheet effects holds one effect size: one association of an "
     "alliance score with an outcome. Delete the two example rows; they have include = no and are "
     "never pooled."),
    ("What is needed", "study, n, and one statistic: r, or t, F, d, p and the others with what the "
     "codebook asks for beside them. Everything else is optional, and makes checks and moderators "
     "possible."),
    ("Columns", "Delete or move columns as you like, but keep their names. A column of your own is "
     "kept as a possible moderator. Columns of the study may stand on a sheet studies instead, "
     "with one row a study."),
    ("Levels", "Enter a level of your own on the sheet codebook, under level, beside its column. "
     "The dropdowns are fed by the hidden sheet _lists."),
    ("Several effects", "A second measure, rater, time or outcome of a study is a row of its own, "
     "with the same study label, spelt the same. sample tells independent samples apart."),
    ("Signs", "Enter a statistic with the sign that the report prints. outcome_direction = "
     "lower_better (symptoms, dropout) turns it, so that positive means in the end: better "
     "alliance, better outcome."),
    ("No sign", f"{', '.join(_UNSIGNED[:-1])} and {_UNSIGNED[-1]} carry no sign. Enter + or - in "
     "sign: the direction of the association as reported, before outcome_direction turns it."),
    ("Not significant", "Where the report says only 'not significant', enter n.s. for the "
     "statistic, with n. What it is worth is chosen when the sheet is pooled, with "
     "--nonsignificant zero, drop, half-p (which needs a sign too) or censored; without a choice "
     "it is an error."),
    ("Not reported", "Leave the cell blank. NR and n/a are read as missing too, never as zero."),
    ("Leaving out", "Enter include = no and the reason in exclusion_reason; keep the row."),
    ("Checking", "Pasted values escape the checks of the spreadsheet. "
     "metaalliance validate studies.xlsx reports every problem with its cell; "
     "metaalliance explain MA312 says what a message means and what to do."),
)  # fmt: skip


def write_codebook(
    sheet: Any,
    columns: Iterable[Column],
    vocabularies: Mapping[str, Vocabulary],
    collapsed: Container[str] = (),
) -> None:
    """Write a row for each column, followed by its levels with their other names.

    The group of a column that is collapsed on the sheet of the effects says so.
    """
    set_widths(sheet, _CODEBOOK.values())
    sheet.freeze_panes = "B2"
    for index, text in enumerate(_CODEBOOK, start=1):
        write_header_cell(sheet.cell(1, index), text, _OWN_FILL if text in _OWN else _HEADER_FILL)
        if text in _OWN:
            sheet.cell(1, index).comment = Comment(_OWN[text], "metaalliance", width=280, height=60)
    row = 1
    for column in columns:
        vocabulary = vocabularies.get(column.name)
        row += 1
        _write_column(sheet, row, column, vocabulary, collapsed)
        for texts in _level_texts(vocabulary) if vocabulary is not None else ():
            row += 1
            _write_row(sheet, row, {"column": column.name, **texts})
            sheet.cell(row, 1).font = font(color="7F7F7F")
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(_CODEBOOK))}{row}"
    fit_page(sheet)


def _level_texts(vocabulary: Vocabulary) -> Iterator[dict[str, str]]:
    """Yield the rows of the levels, and of the names that are asked about."""
    for level in vocabulary.levels:
        side = vocabulary.higher.get(level)
        yield {
            "what to enter": f"A higher value is {side}." if side else "",
            "values": level,
            "other names": "; ".join(vocabulary.aliases.get(level, ())),
        }
    for name in vocabulary.questions:
        yield {"what to enter": f"Not {name} alone: {vocabulary.question(name)}."}


def _write_column(
    sheet: Any,
    row: int,
    column: Column,
    vocabulary: Vocabulary | None,
    collapsed: Container[str],
) -> None:
    """The row of a column."""
    values = values_text(column)
    if vocabulary is not None:
        values = "one of these, or another:" if vocabulary.open else "one of these:"
    texts = {
        "column": column.name,
        "group": GROUPS[column.group][0] + (", collapsed" if column.name in collapsed else ""),
        "what to enter": column.about,
        "values": values,
        "other names": "; ".join(column.aliases),
    }
    _write_row(sheet, row, texts)
    for index in (1, 2):
        sheet.cell(row, index).fill = group_fill(column.group)


def _write_row(sheet: Any, row: int, texts: Mapping[str, str]) -> None:
    write_wrapped(sheet, row, [texts.get(k, "") for k in _CODEBOOK], list(_CODEBOOK.values()))


def _hidden_columns(collapsed: Sequence[str]) -> tuple[str, str]:
    """Where the columns stand that are not seen."""
    if not collapsed:
        return "Short form", (
            "This sheet has the columns that most teams need. A statistic other than r is chosen "
            "in statistic and entered in value. Every other column may be added by its name; "
            "metaalliance template without --short has them all."
        )
    listed = f"{', '.join(collapsed[:-1])} and {collapsed[-1]}"
    return "Collapsed columns", (
        f"Statistics that few reports give stand in collapsed groups: the + above {listed} opens "
        "them. The sheet codebook says which they are. They are read like all other columns."
    )


def write_about(sheet: Any, collapsed: Sequence[str] = ()) -> None:
    """Write how the workbook is used, and what the colours mean.

    `collapsed` are the columns with a + above, behind which others stand.
    """
    set_widths(sheet, _ABOUT_WIDTHS)
    write_title(sheet["A1"], "Extraction workbook")
    row = 3
    for heading, text in (*_ABOUT, _hidden_columns(collapsed)):
        write_wrapped(sheet, row, (heading, text), _ABOUT_WIDTHS)
        row += 1
    link = "The sheet codebook says what to enter and lists the levels"
    write_wrapped(sheet, row, ("Every column", link), _ABOUT_WIDTHS)
    sheet.cell(row, 2).hyperlink = Hyperlink(ref=f"B{row}", location="'codebook'!A1")
    sheet.cell(row, 2).font = font(color="0563C1", underline="single")
    row += 2
    for index, (group, (title, _)) in enumerate(GROUPS.items()):
        heading = "" if index else "Colours of headers"
        write_wrapped(sheet, row + index, (heading, title), _ABOUT_WIDTHS)
        sheet.cell(row + index, 2).fill = group_fill(group)
    fit_page(sheet)
    sheet.page_setup.orientation = "portrait"
