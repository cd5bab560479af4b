"""A column that is read as a whole says in every cell what the cell says when it is read alone."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import metaalliance as ma
from metaalliance.config import parse_config
from metaalliance.sheet.cells import read_cell
from metaalliance.sheet.coded import CodedColumn
from metaalliance.sheet.columns.scheme import Scheme, scheme_of
from metaalliance.sheet.columns.specification import COLUMNS
from metaalliance.sheet.read.grid import (
    ErrorCell,
    ErrorText,
    FormulaCell,
    Grid,
    PercentCell,
    is_blank,
)
from metaalliance.sheet.read.missing import missing_marks
from metaalliance.sheet.texts import TextColumn
from metaalliance.sheet.whole import read_column

NUMBERS = ("r", "n", "year", "t", "df", "p", "tails", "percent_female", "r_squared", "mean_age",
           "alliance_reliability", "odds_ratio", "cell_a", "ci_low")  # fmt: skip
TEXTS = ("study", "modality", "outcome_direction", "sign", "country", "include", "notes", "site",
         "outcome_measure", "risk_of_bias")  # fmt: skip
TYPED = (
    st.floats()
    | st.integers()
    | st.booleans()
    | st.sampled_from([
        PercentCell(0.35), ErrorCell("#DIV/0!"), ErrorText("#N/A"), FormulaCell("=A1"),
        dt.datetime(2001, 2, 1), dt.date(1905, 6, 23), dt.time(1, 30),
    ])
)  # fmt: skip
PLAIN = (
    st.decimals(-2, 2, places=3).map(str)
    | st.integers(-5, 2100).map(str)
    | st.floats(allow_nan=False).map(repr)
)
DIRTY = st.sampled_from([
    ".35", "−.21", ".35*", "0,35", "35%", "<.001", "n.s.", "NR", "NA", "-", "?", "999", "-999",
    " 40 ", "N=45", "45 (38 completers)", "1,200", "1 200", "12.000", "1.0000001", "45.5", "60.25",
    "2001a", "in press", "-2001", "(2003)", "20011", "1e5", "1E400", "-0", "+.2", "٣", "½", "5.",
    "00012", "1_000", "TRUE", "nan", "inf", "CBT", "cbt ", "psychodynamc", "higher better",
    "lower_better", "+", "yes", "BDI-II", "Hamilton", "low", "none", "unknown", "Adler\u00a01988",
    "#N/A", "9" * 70,
])  # fmt: skip
CELLS = st.none() | PLAIN | DIRTY | TYPED | st.text(max_size=8)
SCHEMES = (
    Scheme(),
    scheme_of(parse_config({"missing": ["999", "x"]}), Scheme()),
    scheme_of(parse_config({"missing": {"n": ["40"]}}), Scheme()),
)


@pytest.mark.parametrize("name", [*NUMBERS, *TEXTS])
@given(
    cells=st.lists(CELLS, max_size=12) | st.lists(st.none() | PLAIN, max_size=12),
    scheme=st.sampled_from(SCHEMES),
    comma=st.booleans(),
)
@settings(max_examples=25)
def test_whole_columns_say_what_their_cells_say(name, cells, scheme, comma):
    raws = [None if is_blank(raw) else raw for raw in cells]
    grid = Grid(name="effects", rows=[], decimal_comma=comma)
    known = COLUMNS.get(name)
    reader = None
    if known is None or known.kind not in {"number", "count"}:
        texts = [raw for raw in raws if isinstance(raw, str)]
        reader = TextColumn(
            name, missing_marks(name, texts), scheme.missing, scheme.vocabulary_of(name)
        )
    column = CodedColumn(1, list(raws), [None] * len(raws))
    told = read_column(name, column, grid, scheme, reader, lambda at: f"A{at + 2}")
    alone = []
    for at, raw in enumerate(raws):
        if raw is None:
            assert not column.holds(at)
            continue
        found = []
        cell = read_cell(name, raw, f"A{at + 2}", grid, scheme, reader, found)
        alone += [(at, problem) for problem in found]
        assert repr(column.values[at]) == repr(cell.value)
        assert column.seen(at) == cell.seen
        assert column.says(at) == (cell.value is not None or cell.faulty or cell.nonsignificant)
        odd = column.odd.get(at)
        if odd is not None:
            assert repr(odd) == repr(cell)
        else:
            assert not (cell.changes or cell.faulty or cell.nonsignificant)
    assert told == alone


def test_a_long_sheet_is_read_whole(tmp_path):
    """Beyond the rows of a workbook, with the messages and cells of a short sheet."""
    rows = [
        f"Adler {i // 3},{1990 + i % 30},.{20 + i % 60},{30 + i % 200},CBT" for i in range(60_000)
    ]
    rows[51_234] = "Berg 2001,2001a,0.31*,N=44,C.B.T."
    path = tmp_path / "long.csv"
    path.write_text("study,year,r,n,modality\n" + "\n".join(rows) + "\n")
    studies = ma.load_studies(path)
    assert len(studies.rows) == len(studies.used) == 60_000
    row = studies.rows[51_234]
    assert (row.number, row.get("r"), row.get("n"), row.get("modality")) == (
        51_236,
        0.31,
        44.0,
        "CBT",
    )
    assert {(p.code, p.cell) for p in studies.problems if p.row == 51_236} == {
        ("MA338", "B51236"), ("MA311", "C51236"), ("MA311", "D51236"), ("MA332", "E51236"),
    }  # fmt: skip
    last = studies.choices[60_001]
    assert (last.statistic, last.inputs) == ("r", {"r": 0.79, "n": 229.0})
