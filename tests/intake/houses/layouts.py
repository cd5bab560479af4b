"""Sheets with titles, several header rows, totals, several sheets, gaps and double coding.
Simulated.
"""

from __future__ import annotations

from pathlib import Path

from intake import truth
from intake.houses.r_packages import correlations
from intake.sheets import Touch, Written, drawn, house, text_file, with_stored_value, workbook
from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table


@house()
def title_rows_and_merged_title(folder: Path) -> Written:
    rows = drawn(401, 10)
    grid = [
        ["Table S2. Characteristics of the included studies"], ["Coded by two raters, March 2024"],
        [],
        ["Study", "Year", "N", "r", "Alliance rater", "Comments"],
        *[(r.author, r.year, r.n, r.r, r.rater, None) for r in rows],
        [], ["Note. N = participants with both measures. r = correlation of alliance and outcome."],
    ]  # fmt: skip

    def dress(book: Workbook) -> None:
        book.active.merge_cells("A1:F1")

    return workbook(folder / "Table S2.xlsx", {"Table S2": grid}, dress), correlations(rows)


@house()
def two_header_rows(folder: Path) -> Written:
    rows = drawn(402, 11)
    grid = [
        ["Study", None, "Sample", None, "Effect", "Process", None],
        ["Author", "Year", "N", "% female", "r", "Alliance measure", "Alliance rater"],
        *[(r.author, r.year, r.n, r.female, r.r, "WAI", r.rater) for r in rows],
    ]

    def dress(book: Workbook) -> None:
        for cells in ("A1:B1", "C1:D1", "F1:G1"):
            book.active.merge_cells(cells)

    return workbook(folder / "coding_v3.xlsx", {"coding": grid}, dress), correlations(rows)


@house()
def three_header_rows(folder: Path) -> Written:
    rows = drawn(403, 9)
    grid = [
        ["Meta-analysis of alliance and outcome", None, None, None, None, None],
        ["Study", None, "Statistics", None, "Treatment", None],
        ["Author", "Year", "N", "r", "Modality", "Country"],
        *[(r.author, r.year, r.n, r.r, r.modality, r.country) for r in rows],
    ]

    def dress(book: Workbook) -> None:
        for cells in ("A1:F1", "A2:B2", "C2:D2", "E2:F2"):
            book.active.merge_cells(cells)

    return workbook(folder / "three rows.xlsx", {"Sheet1": grid}, dress), correlations(rows)


@house()
def notes_and_colours(folder: Path) -> Written:
    rows = drawn(404, 10)
    head = ["Study", "Year", "Sample size", "Effect size r", "Notes", "To do", "Page"]
    notes = (
        "r = .45 for completers, see p. 12",
        "asked authors 12/3",
        None,
        "two samples? no: one",
    )
    grid = [
        (
            r.author,
            r.year,
            r.n,
            r.r,
            notes[r.number % 4],
            "x" if r.number % 5 == 0 else None,
            100 + r.number,
        )
        for r in rows
    ]

    def dress(book: Workbook) -> None:
        for row in (3, 6):
            for cell in book.active[row]:
                cell.fill = PatternFill("solid", fgColor="FFFF00")
        book.active["D4"].comment = Comment("computed from the table", "coder")

    return workbook(
        folder / "coding with colours.xlsx", {"Sheet1": [head, *grid]}, dress
    ), correlations(rows)


@house(warns="[Tt]otal|summary")
def totals_row_of_a_table(folder: Path) -> Written:
    rows = drawn(405, 8)
    head = ["Study", "Year", "n", "r"]
    grid = [(r.author, r.year, r.n, r.r) for r in rows]
    last = len(rows) + 1
    total = [
        "Ergebnis", None, f"=SUBTOTAL(109,C2:C{last})", round(sum(r.r for r in rows) / len(rows), 3)
    ]  # fmt: skip

    def dress(book: Workbook) -> None:
        table = Table(displayName="Studies", ref=f"A1:D{last + 1}", totalsRowCount=1)
        table._initialise_columns()
        for column, name in zip(table.tableColumns, head, strict=True):
            column.name = name
        table.tableColumns[0].totalsRowLabel = "Ergebnis"
        table.tableColumns[2].totalsRowFunction = "sum"
        book.active.add_table(table)

    path = workbook(folder / "table.xlsx", {"Studies": [head, *grid, total]}, dress)
    formula = f"SUBTOTAL(109,C2:C{last})"
    return with_stored_value(path, formula, sum(r.n for r in rows)), correlations(rows)


@house()
def several_sheets(folder: Path) -> Written:
    rows = drawn(406, 12, several=2)
    head = ["Study", "Year", "N", "r", "Alliance measure", "Outcome"]
    sheets = {
        "README": [["Coding of the review, version 4"], ["Contact", "the second author"]],
        "Code book": [
            ["Variable", "Meaning"],
            ["r", "correlation of alliance and outcome"],
            ["N", "participants"],
        ],
        "Extraction": [head, *[(r.study, r.year, r.n, r.r, "WAI", r.outcome) for r in rows]],
        "Excluded": [["Study", "Reason"], ["Someone 1999", "no outcome"]],
    }
    return workbook(folder / "review.xlsx", sheets), correlations(rows)


@house()
def effects_and_studies(folder: Path) -> Written:
    rows = drawn(407, 9, several=3)
    effects = [["study", "r", "n", "alliance_rater"], *[(r.study, r.r, r.n, r.rater) for r in rows]]
    once = {r.study: r for r in rows}
    studies = [
        ["study", "year", "modality", "country"],
        *[(s, r.year, r.modality, r.country) for s, r in once.items()],
    ]
    return workbook(folder / "two.xlsx", {"studies": studies, "effects": effects}), correlations(
        rows
    )


@house()
def id_beside_author_and_year(folder: Path) -> Written:
    rows = drawn(408, 9, several=2)
    head = ["study_id", "effect_id", "author", "year", "n", "r", "alliance_rater"]
    grid = [(r.number, r.effect, f"{r.author} et al.", r.year, r.n, r.r, r.rater) for r in rows]
    return text_file(folder / "ids.csv", [head, *grid]), correlations(rows)


@house(flow="import")
def wide_outcomes(folder: Path) -> Written:
    rows = drawn(409, 10)
    head = ["study", "n", "r_symptoms", "r_functioning", "r_satisfaction"]
    grid, effects = [], []
    for r in rows:
        values = (r.r, round(r.r - 0.07, 2), None if r.number % 3 else round(r.r + 0.05, 2))
        grid.append((r.study, r.n, *values))
        effects += [truth.from_r(v, r.n).of(r.study) for v in values if v is not None]
    return text_file(folder / "wide.csv", [head, *grid]), effects


@house()
def study_in_first_row_only(folder: Path) -> Written:
    rows = drawn(410, 7, several=3)
    head = ["Study", "Outcome measure", "N", "r"]
    grid, last = [], ""
    for r in rows:
        grid.append((None if r.study == last else r.study, r.outcome, r.n, r.r))
        last = r.study
    return workbook(folder / "filldown.xlsx", {"Sheet1": [head, *grid]}), correlations(rows)


@house()
def years_of_all_kinds(folder: Path) -> Written:
    rows = drawn(411, 8)
    head = ["Author", "Year", "N", "r", "Source"]
    years = ["in press", "2007/2008", "n.d.", "2010a", 2014, "in preparation", "2003", 1999]
    grid = [
        (r.author, y, r.n, r.r, ("journal", "dissertation")[r.number % 2])
        for r, y in zip(rows, years, strict=True)
    ]
    effects = [truth.from_r(r.r, r.n).of(r.author) for r in rows]
    return text_file(folder / "years.csv", [head, *grid]), effects


@house()
def missing_words(folder: Path) -> Written:
    rows = drawn(412, 10)
    head = [
        "Study",
        "N",
        "r",
        "include",
        "exclusion_reason",
        "mean_age",
        "diagnosis",
        "Manual used",
        "Sessions",
    ]
    grid = [
        (
            r.study, r.n, r.r, "yes", None, "NR" if r.number % 3 == 0 else r.age, ("depression",
            "NA", "anxiety")[r.number % 3],
            ("yes", "no", "not reported", "n/a")[r.number % 4], "NR" if r.number == 4 else 8 +
            r.number,
        )
        for r in rows
    ]  # fmt: skip
    grid.append(
        ("Unreported (2001)", 44, "NR", "no", "no correlation reported", "NR", "NA", "NR", "NR")
    )
    return workbook(folder / "missing.xlsx", {"data": [head, *grid]}), correlations(rows)


@house(
    Touch("nonsignificant", '"zero"', "pool"),
    asks="n\\.s\\.|nonsignificant",
)
def not_significant(folder: Path) -> Written:
    rows = drawn(413, 10)
    head = ["Study", "Year", "N", "r"]
    silent = {3, 7}
    grid = [(r.author, r.year, r.n, "n.s." if r.number in silent else r.r) for r in rows]
    effects = [truth.from_r(0.0 if r.number in silent else r.r, r.n).of(r.study) for r in rows]
    return workbook(folder / "ns.xlsx", {"Sheet1": [head, *grid]}), effects


@house()
def two_coders_in_one_sheet(folder: Path) -> Written:
    rows = drawn(414, 8)
    head = ["Study", "Year", "Coder", "N", "r", "include", "exclusion_reason"]
    grid = []
    for r in rows:
        final = r.number % 2
        for i, coder in enumerate(("AB", "CD")):
            shown = r.r if i == final else round(r.r + 0.03, 2)
            grid.append(
                (
                    r.author,
                    r.year,
                    coder,
                    r.n,
                    shown,
                    ("no", "yes")[i == final],
                    "not the agreed coding" if i != final else None,
                )
            )
    return workbook(folder / "double.xlsx", {"coding": [head, *grid]}), correlations(rows)


@house()
def dropdowns_and_hidden_column(folder: Path) -> Written:
    rows = drawn(415, 10, several=2)
    head = ["Study", "Year", "Working n", "N", "r", "Alliance rater"]
    grid = [(r.study, r.year, r.n + 20, r.n, r.r, r.rater) for r in rows]

    def dress(book: Workbook) -> None:
        sheet = book.active
        choice = DataValidation(type="list", formula1='"client,therapist,observer"')
        choice.add(f"F2:F{len(grid) + 1}")
        sheet.add_data_validation(choice)
        sheet.column_dimensions["C"].hidden = True
        sheet.freeze_panes = "B2"

    return workbook(folder / "dropdowns.xlsx", {"Sheet1": [head, *grid]}, dress), correlations(rows)


@house(either="twice|[Dd]uplicate|same|coder")
def two_coders_undecided(folder: Path) -> Written:
    """Nothing in the sheet says which coding counts: both are pooled, and warned of."""
    rows = drawn(416, 7)
    head = ["Study", "Year", "Coder", "N", "Alliance measure", "Outcome", "r"]
    grid, effects = [], []
    for r in rows:
        for coder, shown in (("AB", r.r), ("CD", round(r.r + 0.03 * (r.number % 3 == 0), 2))):
            grid.append((r.author, r.year, coder, r.n, "WAI", r.outcome, shown))
            effects.append(truth.from_r(shown, r.n).of(r.study))
    return workbook(folder / "coders.xlsx", {"coding": [head, *grid]}), effects


@house()
def older_copy_beside(folder: Path) -> Written:
    rows = drawn(417, 10)
    old = [["Study", "N", "r"], *[(r.study, r.n, round(r.r / 2, 2)) for r in rows[:4]]]
    head = ["Study", "Year", "N", "r", "Alliance rater", "Modality"]
    new = [head, *[(r.study, r.year, r.n, r.r, r.rater, r.modality) for r in rows]]
    return workbook(folder / "versions.xlsx", {"pilot": old, "coding": new}), correlations(rows)


TOTALS = {
    "english": "Total", "german": "Gesamt", "dutch": "Totaal", "french": "Moyenne", "spanish":
    "Media",
    "italian": "Totale",
}  # fmt: skip


def total_in_words(language: str, seed: int) -> None:
    def written(folder: Path) -> Written:
        rows = drawn(seed, 7)
        mean = round(sum(r.r for r in rows) / len(rows), 2)
        grid = [["Study", "Year", "n", "r"], *[(r.author, r.year, r.n, r.r) for r in rows]]
        grid.append([TOTALS[language], None, sum(r.n for r in rows), mean])
        return text_file(folder / "totals.csv", grid), correlations(rows)

    written.__name__ = f"totals_row_in_{language}"
    house(either="MA41|summary|[Tt]otal")(written)


for _seed, _language in enumerate(TOTALS, start=430):
    total_in_words(_language, _seed)
