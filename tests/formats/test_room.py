"""A small file that stands for a large sheet is refused while it is read."""

from __future__ import annotations

import io
import tracemalloc
from random import Random

import pytest
from openpyxl import Workbook

import metaalliance as ma
from metaalliance.sheet.read import delimited
from metaalliance.sheet.read.limits import MAX_CELLS, MAX_FORMULAS, MAX_SPREAD, MAX_TEXT

CELL = '<table:table-cell office:value-type="float" office:value="1" {}/>'


def refusal(path):
    tracemalloc.start()
    with pytest.raises(ma.UnreadableFileError, match=r"docs/sheets/limits\.md") as caught:
        ma.load_studies(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 150 * 2**20
    assert caught.value.code == "MA107"
    return str(caught.value)


def repeated(rows, columns, sheets=1):
    cell = CELL.format(f'table:number-columns-repeated="{columns}"')
    table = f'<table:table-row table:number-rows-repeated="{rows}">{cell}</table:table-row>'
    more = "".join(
        f'<table:table table:name="s{i}">{table}</table:table>' for i in range(sheets - 1)
    )
    return [table], more


@pytest.mark.parametrize(("rows", "sheets"), [(4_000, 1), (900, 3)], ids=["one sheet", "sheets"])
def test_repeated_cells_of_ods(open_document, write, rows, sheets):
    lines, more = repeated(rows, 500, sheets)
    message = refusal(write(open_document(lines, more=more), "t.ods"))
    assert f"more than {MAX_CELLS:,} cells" in message


def test_cells_within_the_room_are_read(open_document, write):
    lines, more = repeated(900, 500, 2)
    path = write(open_document([["study", "r"], ["A 2001", 0.2], *lines], more=more), "t.ods")
    assert len(ma.load_studies(path, sheet="effects").rows) == 901


def far(rows, column):
    """Sheets as wide as their last column, of which one cell in each row holds something."""
    return [[None] * (column - 1) + [1]] * rows


def test_far_cells_of_xlsb(binary_workbook, write):
    assert "cells" in refusal(write(binary_workbook(far(2_100, 500)), "t.xlsb"))


def test_far_cells_of_xlsx(write):
    book = Workbook(write_only=True)
    for i in range(3):
        sheet = book.create_sheet(f"s{i}")
        for _ in range(900):
            sheet.append(far(1, 500)[0])
    buffer = io.BytesIO()
    book.save(buffer)
    assert "cells" in refusal(write(buffer.getvalue(), "t.xlsx"))


def test_many_cells_of_text(write, monkeypatch):
    monkeypatch.setattr(delimited, "MAX_LONG_CELLS", MAX_CELLS)
    assert "cells" in refusal(write(b"study,r,n\n" + (b"1," * 500 + b"1\n") * 2_100, "t.csv"))


@pytest.mark.parametrize(("rows", "columns"), [(1_000_000, 8), (40_000, 500)])
def test_few_bytes_of_parquet_for_many_cells(tmp_path, rows, columns):
    arrow, parquet = (pytest.importorskip(n) for n in ("pyarrow", "pyarrow.parquet"))
    column = arrow.array(["x"] * rows).dictionary_encode()
    path = tmp_path / "t.parquet"
    parquet.write_table(arrow.table({f"v{i}": column for i in range(columns)}), path)
    size = path.stat().st_size
    assert size < 2**18
    assert f"more than {max(MAX_CELLS, MAX_SPREAD * size):,} cells" in refusal(path)


def test_many_cells_of_data_files(jamovi, write):
    random = Random(5)
    values = [[random.random() for _ in range(2_100)] for _ in range(500)]
    wide = {"study": ["A"] * 2_100, **{f"v{i}": drawn for i, drawn in enumerate(values)}}
    assert "cells" in refusal(write(jamovi(wide), "t.omv"))


def test_one_long_text_in_many_cells(open_document, write):
    times = MAX_TEXT // 30_000 // 2
    cell = (
        f'<table:table-cell table:number-columns-repeated="{times}" office:value-type="string">'
        f"<text:p>{'x' * 30_000}</text:p></table:table-cell>"
    )
    rows = [f'<table:table-row table:number-rows-repeated="3">{cell}</table:table-row>']
    message = refusal(write(open_document(rows), "t.ods"))
    assert f"more than {MAX_TEXT:,} characters" in message


def test_formulas_of_many_letters(write):
    book = Workbook()
    formula = "=" + "+".join(["A1"] * 2_000)
    for i in range(1, MAX_FORMULAS // len(formula) + 3):
        book.active.cell(i, 1, formula)
    buffer = io.BytesIO()
    book.save(buffer)
    assert "formulas of more than" in refusal(write(buffer.getvalue(), "t.xlsx"))
