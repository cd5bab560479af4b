"""No row is lost: what is read is used, excluded with a reason, or in error at a cell."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

import metaalliance as ma

DATA = Path(__file__).resolve().parents[2] / "data"
WORKBOOKS = [
    "simulated_alliance_studies.xlsx",
    "simulated_with_problems.xlsx",
    "primary_alliance_effects.xlsx",
]


def in_error(studies):
    return {p.row for p in studies.errors}


def numbers(rows):
    return [row.number for row in rows]


# The example workbooks ------------------------------------------------------------------


@pytest.fixture(scope="module", params=WORKBOOKS)
def example(request):
    return ma.load_studies(DATA / request.param)


def data_rows(name, header):
    """Rows under the header that hold something, as the file has them."""
    book = load_workbook(DATA / name, read_only=True)
    rows = list(book["effects"].iter_rows(min_row=header + 1, values_only=True))
    book.close()
    found = range(header + 1, header + 1 + len(rows))
    return [n for n, row in zip(found, rows, strict=True) if any(str(v or "").strip() for v in row)]


def test_every_row_of_the_file_is_read(example):
    header = int(next(p.cell[1:] for p in example.problems if p.code == "MA207"))
    assert numbers(example.rows) == data_rows(example.file, header)


def test_every_row_is_used_excluded_or_in_error(example):
    excluded = {row.number for row, _ in example.excluded}
    parts = [set(numbers(example.used)), excluded, in_error(example)]
    assert sum(map(len, parts)) == len(set().union(*parts)) == len(example.rows)


def test_every_problem_has_a_cell_of_its_row(example):
    assert all(p.cell.endswith(str(p.row)) for p in example.problems)


def test_every_problem_has_its_documented_severity(example):
    from metaalliance.messages import MESSAGES

    assert all(p.severity == MESSAGES[p.code].severity for p in example.problems)


@pytest.fixture(scope="module")
def simulated():
    return ma.load_studies(DATA / WORKBOOKS[0])


def test_example_has_no_error(simulated):
    assert simulated.errors == ()


def test_excluded_rows_of_the_example_have_their_reasons(simulated):
    assert len(simulated.excluded) == 8
    assert "no reason given" not in {reason for _, reason in simulated.excluded}


TRUTH = json.loads((DATA / "simulated_alliance_studies.truth.json").read_text(encoding="utf-8"))


def test_example_counts_are_the_simulated_ones(simulated):
    counts = TRUTH["counts"]
    found = len(simulated.rows), len(simulated.used), len({r.study for r in simulated.used})
    assert found == (counts["n_rows"], counts["n_effects"], counts["n_studies"])


NUMBER_DIRT = ["no leading zero, as text", "decimal comma", "minus sign U+2212",
               "footnote asterisk", "two asterisks and U+2212", "N= before the number"]  # fmt: skip


@pytest.mark.parametrize("kind", NUMBER_DIRT)
def test_dirty_number_is_noted_at_its_cell(kind, simulated, cells):
    assert set(TRUTH["dirt"][kind]) <= set(cells(simulated, "MA311"))


@pytest.mark.parametrize("kind", [k for k in TRUTH["dirt"] if k.startswith("alias")])
def test_alias_is_noted_at_its_cell(kind, simulated, cells):
    assert set(TRUTH["dirt"][kind]) <= set(cells(simulated, "MA332"))


def test_decomposed_label_is_noted_at_its_cell(simulated, cells):
    assert cells(simulated, "MA333") == TRUTH["dirt"]["decomposed accents (NFD)"]


# The workbook with faults ---------------------------------------------------------------

FAULTS = json.loads((DATA / "simulated_with_problems.faults.json").read_text(encoding="utf-8"))
CODES = {
    "no study label": "MA301",
    "r beyond 1": "MA312",
    "r as a percentage": "MA308",
    "n too small for Fisher z": "MA321",
    "F without sign": "MA402",
    "text instead of a number": "MA302",
    "formula without stored value": "MA304",
    "error value": "MA303",
    "date made of 1-2": "MA305",
    "r and t disagree": "MA404",
    "only n.s.": "MA315",
    "unknown modality": "MA334",
    "no statistic": "MA401",
    "inequality for p": "MA309",
    "row entered twice": "MA508",
    "n differs within a sample": "MA502",
    "row of means at the bottom": "MA410",
}
#: Faults that concern a whole row; the cell of the report is that of its statistic.
WHOLE_ROW = {"no statistic", "row entered twice"}


@pytest.fixture(scope="module")
def faulty():
    return ma.load_studies(DATA / "simulated_with_problems.xlsx")


@pytest.mark.parametrize("fault", FAULTS["faults"], ids=lambda f: f["fault"])
def test_planted_fault_is_found_at_its_place(faulty, fault):
    (found,) = [p for p in faulty.problems if p.code == CODES[fault["fault"]]]
    row = int("".join(filter(str.isdigit, fault["cell"])))
    whole = fault["fault"] in WHOLE_ROW
    assert (found.row, "" if whole else found.cell) == (row, "" if whole else fault["cell"])


def test_nothing_else_is_found(faulty):
    expected = Counter(CODES[f["fault"]] for f in FAULTS["faults"])
    assert Counter(p.code for p in faulty.problems if p.severity != "note") == expected


def test_rows_without_fault_are_usable(faulty):
    assert len(faulty.used) == len(faulty.rows) - len(in_error(faulty))


# Random changes to a sound sheet --------------------------------------------------------

COLUMNS = ["study", "year", "r", "n", "modality", "alliance_rater", "outcome_direction",
           "include", "exclusion_reason", "notes"]  # fmt: skip
SOUND = [
    [f"Study {chr(65 + i)}", 1990 + i, round(0.05 * (i + 1) * (-1) ** i, 2), 30 + 7 * i, "CBT",
     "client", "lower_better", None, None, None]
    for i in range(8)
]  # fmt: skip
#: What a coder may type, with the number that it is; None for what is no number.
TYPED: dict[str, float | None] = {
    "": None, " ": None, ".35": 0.35, "−.21": -0.21, "–0.21": -0.21, "0,35": 0.35, ".35*": 0.35,
    ".35ᵃ": 0.35, "0.40f": 0.40, "r = -.35": -0.35, "35%": None, "<.001": None, "n.s.": None,
    "NR": None, "n/a": None, "-": None, "?": None, "see text": None, "1.07": None, "-1": None,
    "1,234": None, "45 (38)": None, "#REF!": None, "=1+1": None, "\u200b": None, "1E-3": 0.001,
    "- .35": -0.35, "+.2": 0.2, "0": 0.0, "-0": 0.0, "p<.05": None, "TRUE": None, "é": None,
}  # fmt: skip
KNOWN_N = ["", "NR", "45", "N=45", "1 240", "3", "45.0"]
OTHERS = [*TYPED, "no", "yes", "CBT", "cbtt", "Mean", "Study A", "lower_better", "2001"]

change = st.one_of(
    st.tuples(st.integers(0, 7), st.just("r"), st.sampled_from(list(TYPED))),
    st.tuples(st.integers(0, 7), st.just("n"), st.sampled_from(KNOWN_N)),
    st.tuples(
        st.integers(0, 7),
        st.sampled_from([c for c in COLUMNS if c not in {"r", "n"}]),
        st.sampled_from(OTHERS),
    ),
)
changes = st.lists(change, max_size=6)


def changed(edits):
    rows = [list(row) for row in SOUND]
    for row, column, text in edits:
        rows[row][COLUMNS.index(column)] = text
    return rows


def as_csv(rows):
    buffer = io.StringIO()
    csv.writer(buffer).writerows([COLUMNS, *rows])
    return buffer.getvalue().encode()


def as_xlsx(rows):
    book = Workbook()
    for row in [COLUMNS, *rows]:
        book.active.append([v if v != "" else None for v in row])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def holds_something(row):
    return any(str(v if v is not None else "").strip(" \u200b") for v in row)


def check(folder, content, rows, touched):
    path = folder / "changed"
    path.write_bytes(content)
    studies = ma.load_studies(path)
    expected = [i + 2 for i, row in enumerate(rows) if holds_something(row)]
    assert numbers(studies.rows) == expected
    used, excluded = set(numbers(studies.used)), {r.number for r, _ in studies.excluded}
    assert used.isdisjoint(excluded | in_error(studies))
    assert used | excluded | in_error(studies) >= set(expected)
    for row in studies.rows:
        cell = rows[row.number - 2][COLUMNS.index("r")]
        if row.number - 2 not in touched:
            assert row.get("r") == cell
        elif isinstance(cell, str):
            assert row.get("r") == TYPED[cell]


@given(changes)
@settings(max_examples=60, derandomize=True)
def test_no_row_is_lost_from_text(tmp_path_factory, edits):
    rows = changed(edits)
    check(tmp_path_factory.getbasetemp(), as_csv(rows), rows, {row for row, _, _ in edits})


@given(changes)
@settings(max_examples=40, derandomize=True)
def test_no_row_is_lost_from_a_workbook(tmp_path_factory, edits):
    rows = changed(edits)
    check(tmp_path_factory.getbasetemp(), as_xlsx(rows), rows, {row for row, _, _ in edits})


@pytest.mark.slow
@given(changes)
@settings(max_examples=2000)
def test_no_row_is_lost_in_many_changes(tmp_path_factory, edits):
    rows = changed(edits)
    check(tmp_path_factory.getbasetemp(), as_csv(rows), rows, {row for row, _, _ in edits})


typed_cell = st.one_of(
    st.none(), st.booleans(), st.integers(-100, 100), st.floats(-3, 3, width=16),
    st.just(dt.datetime(2024, 2, 1)), st.just(dt.time(6)), st.sampled_from(list(TYPED)),
)  # fmt: skip


@given(st.lists(typed_cell, min_size=8, max_size=8))
@settings(max_examples=40, derandomize=True)
def test_any_kind_of_cell_leaves_the_row_in_place(tmp_path_factory, values):
    rows = [list(row) for row in SOUND]
    for row, value in zip(rows, values, strict=True):
        row[COLUMNS.index("r")] = value
    path = tmp_path_factory.getbasetemp() / "typed.xlsx"
    path.write_bytes(as_xlsx(rows))
    assert numbers(ma.load_studies(path).rows) == list(range(2, 10))


@given(st.binary(max_size=400))
@settings(max_examples=200, derandomize=True)
def test_random_bytes_are_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "random"
    path.write_bytes(content)
    with pytest.raises(ma.UnreadableFileError):
        ma.load_studies(path)
