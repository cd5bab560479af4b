"""The conflicts workbook: every disagreement with a place for the decision."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from metaalliance.coding.conflicts import Conflict
from metaalliance.coding.consensus import DROP, KEEP, OTHER, Codings
from metaalliance.coding.matching import Matching, UnmatchedRow
from metaalliance.coding.points import CoderPooled
from metaalliance.coding.values import coded_value
from metaalliance.coding.variables import AgreementTable
from metaalliance.sheet.template.archive import font, workbook_bytes, write_text

VERSION = 1
CONFLICTS, ROWS, AGREEMENT, POOLED, HELP = "conflicts", "rows", "agreement", "pooled", "help"
#: Hidden sheets: what `reconcile` needs.
ABOUT, CODINGS, MATCHES, IDS, CODEBOOK = (
    "_about",
    "_codings_",
    "_matches",
    "_conflicts",
    "_codebook",
)
INPUTS = ("final", "value", "reason", "page")
ROW_INPUTS = ("decision", "reason")

_HEADER = PatternFill("solid", fgColor="FFD9E1EA")
_INPUT = PatternFill("solid", fgColor="FFFFF6D6")
_WIDEST = 44


def conflicts_workbook(
    matching: Matching,
    conflicts: Sequence[Conflict],
    table: AgreementTable,
    pooled: Sequence[CoderPooled],
    *,
    codebook: Sequence[Sequence[Any]] | None = None,
) -> bytes:
    """Return the workbook in which a team decides about its conflicts.

    Parameters
    ----------
    matching, conflicts, table, pooled
        What `match_rows`, `conflicts`, `agreement` and `pooled_by_coder` return.
    codebook : sequence of rows, optional
        The sheet ``codebook`` of the team, handed on to the sheet that `reconcile` makes.

    Returns
    -------
    bytes
        An .xlsx file: the conflicts with dropdowns, the rows of one coder only, agreement,
        pooled results, help; hidden sheets hold both codings in full and the hashes of their
        files. No text of the coders is live.
    """
    book = Workbook()
    book.remove(book.worksheets[0])
    codings = Codings.of(matching)
    letters = codings.coders
    _conflict_sheet(book, conflicts, letters)
    _row_sheet(book, matching)
    frame = table.to_frame()
    content = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
    fill_sheet(book.create_sheet(AGREEMENT), [list(frame.columns), *content])
    records = [asdict(p) for p in pooled]
    fill_sheet(book.create_sheet(POOLED), [list(records[0]), *(list(r.values()) for r in records)])
    _help_sheet(book, matching)
    for title, rows in _hidden(codings, conflicts, matching, codebook).items():
        sheet = book.create_sheet(title)
        fill_sheet(sheet, rows)
        sheet.sheet_state = "hidden"
    return workbook_bytes(book, "Conflicts between coders")


def fill_sheet(sheet: Any, rows: Iterable[Sequence[Any]]) -> None:
    """Write a header and rows; text is inert, missing values are blank cells."""
    widths: dict[int, int] = {}
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(row, start=1):
            if value is None or (isinstance(value, float) and not math.isfinite(value)):
                continue
            _write(sheet.cell(number, column), value)
            widths[column] = max(widths.get(column, 8), len(str(value)) + 2)
    for cell in sheet[1]:
        cell.font = font(bold=True)
        cell.fill = _HEADER
    for column, width in widths.items():
        sheet.column_dimensions[get_column_letter(column)].width = min(width, _WIDEST)
    sheet.freeze_panes = "A2"


def _write(cell: Any, value: Any) -> None:
    if isinstance(value, str):
        write_text(cell, value)
    else:
        cell.value = value


def _conflict_sheet(book: Workbook, conflicts: Sequence[Conflict], letters: Sequence[str]) -> None:
    """One row per conflict, and the columns for the decision."""
    sheet = book.create_sheet(CONFLICTS)
    named = [f"{what}_{c}" for what in ("cell", "value") for c in letters]
    labelled = ["label"] if any(c.label != c.study for c in conflicts) else []
    header = ["id", "study", *labelled, "variable", *named, "impact", "row_impact", "note", *INPUTS]
    rows = [
        [c.id, c.study, *(c.label for _ in labelled), c.variable, *_cells(c), *c.values, c.impact,
         c.row_impact, c.reason]
        for c in conflicts
    ]  # fmt: skip
    fill_sheet(sheet, [header, *rows])
    place = header.index("impact") + 1
    for column in (place, place + 1):
        for number in range(2, len(rows) + 2):
            sheet.cell(number, column).number_format = "+0.0000;-0.0000;0.0000"
    choices = [*letters, OTHER]
    _decide(sheet, header, INPUTS, {"final": choices}, len(rows))


def _cells(conflict: Conflict) -> list[str]:
    """Cells of the coders, with the number of further rows of the study."""
    more = len(conflict.matches) - 1
    words = f" (and {more} more row{'' if more == 1 else 's'})" if more else ""
    return [f"{cell}{words}" if cell else "(no such row)" for cell in conflict.cells]


def _row_sheet(book: Workbook, matching: Matching) -> None:
    """Rows that only one coder has, and the columns for the decision."""
    sheet = book.create_sheet(ROWS)
    labelled = ["label"] if any(u.row.label != u.row.study for u in matching.unmatched) else []
    header = ["id", "coder", "row", "study", *labelled, "effect", *matching.key, "problem",
              "suggestion", *ROW_INPUTS]  # fmt: skip
    rows = [
        [
            row_id(matching, u),
            matching.coders[u.coder],
            u.row.number,
            u.row.study,
            *(u.row.label for _ in labelled),
            *(coded_value(u.row, c) for c in ("effect", *matching.key)),
            "ambiguous" if u.ambiguous else f"only {matching.coders[u.coder]} has it",
            u.suggestion,
        ]
        for u in matching.unmatched
    ]
    fill_sheet(sheet, [header, *rows])
    _decide(sheet, header, ROW_INPUTS, {"decision": [KEEP, DROP]}, len(rows))


def row_id(matching: Matching, unmatched: UnmatchedRow) -> str:
    """Name of a row of one coder, such as ``B17``."""
    return f"{matching.coders[unmatched.coder]}{unmatched.row.number}"


def _decide(
    sheet: Any,
    header: Sequence[str],
    inputs: Sequence[str],
    choices: Mapping[str, Sequence[str]],
    count: int,
) -> None:
    """Colour the columns for the decision and give them their dropdowns."""
    for name in inputs:
        column = header.index(name) + 1
        letter = get_column_letter(column)
        sheet.column_dimensions[letter].width = 30 if name == "reason" else 14
        for number in range(2, count + 2):
            sheet.cell(number, column).fill = _INPUT
        if name in choices and count:
            listed = ",".join(choices[name])
            rule = DataValidation(type="list", formula1=f'"{listed}"', allow_blank=True)
            rule.errorTitle, rule.error = name, f"Choose one of: {', '.join(choices[name])}"
            rule.add(f"{letter}2:{letter}{count + 1}")
            sheet.add_data_validation(rule)
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(header))}{count + 1}"


def _help_sheet(book: Workbook, matching: Matching) -> None:
    """What to do with this workbook."""
    sheet = book.create_sheet(HELP)
    letters = matching.coders
    files = [f"{c} is {s.file}" for c, s in zip(letters, matching.sheets, strict=True)]
    lines = [
        "How to decide",
        "; ".join(files) + ".",
        f"Sheet {CONFLICTS}: choose in 'final' whose value is right ({', '.join(letters)}), or "
        f"{OTHER}, and then enter the value; {OTHER} with NR leaves the cell blank.",
        "'reason' and 'page' are for the record; they go into the audit sheet.",
        "'impact' is the change of the pooled r of A's sheet when the other coder's value is taken "
        "for this cell alone; 'row_impact' when all values of the row are taken. Where a cell "
        "alone makes the row unusable, 'note' says why.",
        f"Sheet {ROWS}: choose {KEEP} or {DROP} for each row that only one coder has. Where two "
        "rows are the same effect, keep one and drop the other.",
        "Rows may be sorted and filtered; do not delete them, and leave the hidden sheets alone.",
        "Then: metaalliance reconcile agreement_conflicts.xlsx -o studies.xlsx",
    ]
    for number, line in enumerate(lines, start=1):
        write_text(sheet.cell(number, 1), line)
        sheet.cell(number, 1).alignment = Alignment(wrap_text=True, vertical="top")
    sheet.cell(1, 1).font = font(bold=True)
    sheet.column_dimensions["A"].width = 100


def _hidden(
    codings: Codings,
    conflicts: Sequence[Conflict],
    matching: Matching,
    codebook: Sequence[Sequence[Any]] | None,
) -> dict[str, list[Sequence[Any]]]:
    """Everything that `reconcile` needs, by sheet."""
    letters = codings.coders
    sheets: dict[str, list[Sequence[Any]]] = {
        ABOUT: [
            ("metaalliance conflicts", VERSION),
            *zip(letters, codings.files, codings.sha256, strict=True),
        ],
        MATCHES: [("match", *letters), *((n, *rows) for n, rows in codings.matches.items())],
        IDS: [
            ("id", "matches", "study", "variable", *(f"cell_{c}" for c in letters),
             *(f"value_{c}" for c in letters), "impact"),
            *((c.id, ";".join(map(str, c.matches)), c.study, c.variable, *c.cells, *c.values,
               c.impact) for c in conflicts),
            *((row_id(matching, u), "", u.row.study, "(row)", str(u.coder), str(u.row.number))
              for u in matching.unmatched),
        ],
    }  # fmt: skip
    for letter, table in zip(letters, codings.tables, strict=True):
        columns = list(dict.fromkeys(c for row in table.values() for c in row))
        sheets[f"{CODINGS}{letter}"] = [
            ("(row)", *columns),
            *((number, *(row.get(c) for c in columns)) for number, row in table.items()),
        ]
    if codebook:
        sheets[CODEBOOK] = list(codebook)
    return sheets
