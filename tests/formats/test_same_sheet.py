"""The same sheet in every format: the same rows, numbers and levels."""

from __future__ import annotations

import pandas as pd
import pytest

import metaalliance as ma

FORMATS = (
    "sheet.csv", "sheet.xlsx", "sheet.ods", "sheet.xlsb", "sheet.sav", "sheet.zsav", "sheet.dta",
    "sheet.rds", "sheet.rda", "sheet.omv", "old.jasp", "new.jasp", "newest.jasp", "sheet.parquet",
)  # fmt: skip


@pytest.fixture
def made(sheet, files, write, saved, jamovi, old_jasp, new_jasp, open_document, binary_workbook,
         rows_of_columns, tmp_path):  # fmt: skip
    """Write the sheet in a format."""

    def make(name):
        if name == "sheet.rds":
            return files / name
        if name == "sheet.rda":
            return files / "both.rda"
        rows = rows_of_columns(sheet)
        if name.endswith((".csv", ".xlsx", ".parquet")):
            frame = pd.DataFrame(sheet)
            path = tmp_path / name
            if name.endswith(".csv"):
                frame.to_csv(path, index=False)
            elif name.endswith(".xlsx"):
                frame.to_excel(path, index=False, sheet_name="effects")
            else:
                pytest.importorskip("pyarrow")
                frame.to_parquet(path)
            return path
        if name.endswith(("sav", ".dta")):
            options = {"compress": True} if name == "sheet.zsav" else {}
            return saved(sheet, name, **options)
        content = {
            "sheet.ods": lambda: open_document(rows),
            "sheet.xlsb": lambda: binary_workbook(rows),
            "sheet.omv": lambda: jamovi(sheet),
            "old.jasp": lambda: old_jasp(sheet),
            "new.jasp": lambda: new_jasp(sheet),
            "newest.jasp": lambda: new_jasp(sheet, pointers=True),
        }[name]()
        return write(content, name)

    return make


@pytest.fixture(params=FORMATS)
def studies(request, made):
    return ma.load_studies(made(request.param))


def test_rows_and_statistics_are_the_same(studies, sheet):
    frame = studies.frame
    assert frame["study"].tolist() == sheet["study"]
    assert frame["n"].tolist() == sheet["n"]
    assert frame["r"].tolist()[:5] == sheet["r"][:5]
    assert frame["fisher_z"].tolist()[5] == 0.25
    assert not studies.errors


def test_levels_and_gaps_are_the_same(studies, sheet):
    for name in ("setting_kind", "dose"):
        values = [row.get(name) for row in studies.rows]
        assert values == sheet[name]


def test_pooled_numbers_are_the_same(studies, made):
    here = ma.effect_sizes(studies).frame
    there = ma.effect_sizes(ma.load_studies(made("sheet.csv"))).frame
    assert here["yi"].tolist() == pytest.approx(there["yi"].tolist(), rel=1e-12)
    assert here["vi"].tolist() == pytest.approx(there["vi"].tolist(), rel=1e-12)


@pytest.mark.parametrize("name", ["sheet.sav", "sheet.rds", "new.jasp"])
def test_a_place_is_a_row_and_a_variable(name, made):
    problem = next(p for p in ma.load_studies(made(name)).problems if p.code == "MA504")
    assert problem.cell == "row 1, study"
    assert problem.row == 1
    assert problem.place.endswith(": row 1, study")


def test_the_ledger_names_row_and_variable(made):
    ledger = ma.effect_sizes(ma.load_studies(made("sheet.omv"))).ledger
    assert "row 6, fisher_z" in str(ledger.iloc[5].to_dict())
