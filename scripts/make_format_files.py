"""Writes tests/formats/files/marks.xls; needs xlwt, which nothing else does.

Usage: python scripts/make_format_files.py
"""

from pathlib import Path

import xlwt

FOLDER = Path(__file__).parents[1] / "tests/formats/files"


def main() -> None:
    """A sheet with an error cell, a percentage, a date, hidden parts and a merged range."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("effects")
    percent = xlwt.easyxf(num_format_str="0%")
    date = xlwt.easyxf(num_format_str="yyyy-mm-dd")
    for column, name in enumerate(("study", "r", "t", "n", "percent_female", "coded")):
        sheet.write(0, column, name)
    for row, (study, r, n) in enumerate(
        [("Ames 2001", 0.35, 40), ("Boll 2004", 0.2, 55), ("Crane 2010", None, 60)], start=1
    ):
        sheet.write(row, 0, study)
        if r is not None:
            sheet.write(row, 1, r)
        sheet.write(row, 3, n)
    sheet.row(3).set_cell_error(1, "#DIV/0!")
    sheet.write(3, 2, 2.1)
    sheet.write(1, 4, 0.65, percent)
    sheet.write(1, 5, 43861, date)
    sheet.row(2).hidden = True
    sheet.col(5).hidden = True
    sheet.write_merge(6, 7, 0, 0, "Dorn 2012")
    sheet.write(6, 1, 0.35, percent)
    sheet.write(6, 3, 80)
    book.save(str(FOLDER / "marks.xls"))


if __name__ == "__main__":
    main()
