"""Write the workbook of real alliance-outcome effects from its table of facts.

``data/primary_alliance_effects.csv`` is kept by hand: one row per reported statistic, with
its source. This script only lays it out as an extraction workbook, so that the figures stand
in one place. Run from anywhere: ``python scripts/make_primary_workbook.py``.
"""

from __future__ import annotations

import csv
from pathlib import Path

from make_simulated_workbook import DATA, fill_about, fill_sheet, save_reproducibly
from openpyxl import Workbook

SOURCE = DATA / "primary_alliance_effects.csv"
TITLE = "Alliance-outcome effects as printed in primary studies: a small convenience sample"
NUMBERS = {
    *("year", "r", "n", "t", "df", "F", "df1", "df2", "p", "d"),
    *("partial_r", "beta", "r_squared", "n_predictors", "n_therapists"),
}
ABOUT = [
    TITLE,
    "Facts and figures only; seen_at is the address where a row was read, page where on it.",
    "Not a systematic review: do not read the pooled value as an estimate for the field.",
    "include = no keeps the rows that cannot be turned into a correlation without guessing.",
    "Built by scripts/make_primary_workbook.py from primary_alliance_effects.csv.",
]
PROPERTIES = {
    "title": "Alliance-outcome effects of primary studies",
    "subject": "Real data, convenience sample",
    "description": "Made by scripts/make_primary_workbook.py",
    "keywords": "therapeutic alliance, meta-analysis, example",
}


def read_table(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Return the columns and rows of the table of facts."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        return list(reader.fieldnames or []), list(reader)


def cell_value(column: str, text: str) -> str | int | float | None:
    """Return a number for the numeric columns, None for a blank, the text otherwise."""
    if not text:
        return None
    if column not in NUMBERS:
        return text
    return int(text) if text.lstrip("-").isdigit() else float(text)


def main() -> None:
    """Write ``data/primary_alliance_effects.xlsx``."""
    columns, rows = read_table(SOURCE)
    workbook = Workbook()
    sheet = workbook.active
    sheet.title = "effects"
    values = [{c: cell_value(c, text) for c, text in row.items()} for row in rows]
    fill_sheet(sheet, [TITLE], columns, values)
    fill_about(workbook.create_sheet("about"), ABOUT)
    save_reproducibly(workbook, SOURCE.with_suffix(".xlsx"), PROPERTIES)


if __name__ == "__main__":
    main()
