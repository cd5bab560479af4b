"""From two sheets to one: agree, decide, reconcile, pool."""

from __future__ import annotations

import math
import warnings

import openpyxl
import pytest

from metaalliance.coding.agreement import agreement
from metaalliance.coding.conflicts import conflicts
from metaalliance.coding.matching import match_rows
from metaalliance.coding.points import pooled_by_coder
from metaalliance.effects.convert import effect_sizes
from metaalliance.errors import StudyDataError, UnreadableFileError
from metaalliance.models.pool import pool
from metaalliance.report.workbooks.conflicts import conflicts_workbook
from metaalliance.report.workbooks.consensus import reconcile
from metaalliance.report.workbooks.decisions import read_decisions
from metaalliance.sheet.studies import load_studies, read_studies

FIRST_CODER = [(2, {"notes": "=2+2"})]
SECOND_CODER = [
    (0, {"r": 0.35}),
    (2, {"outcome_direction": "higher_better", "notes": "second"}),
    (3, {"n": 61}),
    (4, {"modality": "other"}),
    (5, {"modality": "other"}),
]


@pytest.fixture
def settle(sheets, tmp_path):
    """Write the conflicts workbook, let a function fill it in, and save it."""

    def make(*coders, fill=lambda book: None, codebook=None):
        matching = match_rows(sheets(*coders))
        content = conflicts_workbook(
            matching,
            conflicts(matching),
            agreement(matching),
            pooled_by_coder(matching),
            codebook=codebook,
        )
        path = tmp_path / "conflicts.xlsx"
        path.write_bytes(content)
        book = openpyxl.load_workbook(path)
        fill(book)
        book.save(path)
        return path

    return make


def places(sheet):
    return {cell.value: cell.column for cell in sheet[1]}


def decide(choices, rows=None):
    """Fill in decisions: `choices` by variable or "*", `rows` by id or "*"."""

    def fill(book):
        sheet = book["conflicts"]
        at = places(sheet)
        for number in range(2, sheet.max_row + 1):
            variable = sheet.cell(number, at["variable"]).value
            entry = choices.get(variable, choices.get("*", {}))
            for name, value in entry.items():
                sheet.cell(number, at[name]).value = value
        sheet = book["rows"]
        at = places(sheet)
        for number in range(2, sheet.max_row + 1):
            name = sheet.cell(number, at["id"]).value
            decision = (rows or {}).get(name, (rows or {}).get("*"))
            sheet.cell(number, at["decision"]).value = decision
            sheet.cell(number, at["reason"]).value = "not eligible" if decision == "drop" else None

    return fill


def pooled(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pool(effect_sizes(read_studies(path)))


def reconciled(path, tmp_path):
    out = tmp_path / "team.xlsx"
    out.write_bytes(reconcile(path))
    return out


def audit_of(path):
    sheet = openpyxl.load_workbook(path)["audit"]
    header = [c.value for c in sheet[1]]
    return [
        dict(zip(header, [c.value for c in row], strict=True)) for row in sheet.iter_rows(min_row=2)
    ]


@pytest.mark.parametrize("letter", ["A", "b"])
def test_taking_one_coder_throughout_gives_that_sheet(settle, change, write, tmp_path, letter):
    coders = {"A": change(*FIRST_CODER), "b": change(*SECOND_CODER)}
    path = settle(*coders.values(), fill=decide({"*": {"final": letter}}))
    team, own = pooled(reconciled(path, tmp_path)), pooled(write("own.xlsx", coders[letter]))
    assert team.estimate == own.estimate
    assert team.tau2 == own.tau2
    assert team.effects.frame["modality"].tolist() == own.effects.frame["modality"].tolist()


def test_decisions_value_by_value(settle, change, write, tmp_path):
    choices = {
        "r": {"final": "other", "value": 0.33, "reason": "misprint", "page": "p. 12"},
        "outcome_direction": {"final": "A"},
        "n": {"final": "B"},
        "modality": {"final": "other", "value": "humanistic"},
    }
    path = settle(change(*FIRST_CODER), change(*SECOND_CODER), fill=decide(choices))
    out = reconciled(path, tmp_path)
    expected = change(
        (0, {"r": 0.33}), (3, {"n": 61}), (4, {"modality": "humanistic"}),
        (5, {"modality": "humanistic"}),
    )  # fmt: skip
    assert pooled(out).estimate == pooled(write("expected.xlsx", expected)).estimate
    rows = read_studies(out).rows
    assert [r.get("modality") for r in rows[4:6]] == ["humanistic"] * 2
    assert rows[2].get("notes") == "=2+2"  # remarks of the first coder, and still text
    audit = {entry["variable"]: entry for entry in audit_of(out)}
    assert audit["r"]["cell_A"] == audit["r"]["cell_B"] == "effects!C2"
    assert (audit["r"]["value_A"], audit["r"]["value_B"]) == (0.3, 0.35)
    assert (audit["r"]["decision"], audit["r"]["final_value"]) == ("other", 0.33)
    assert (audit["r"]["reason"], audit["r"]["page"]) == ("misprint", "p. 12")
    assert audit["modality"]["rows"] == "6, 7"
    sources = openpyxl.load_workbook(out)["sources"]
    assert [len(row[2].value) for row in sources.iter_rows(min_row=2)] == [64, 64]


def test_not_reported_leaves_the_cell_blank(settle, change, tmp_path):
    other = change((0, {"mean_age": 30.0}), (1, {"mean_age": 30.0}))
    choices = {"mean_age": {"final": "other", "value": "NR"}}
    out = reconciled(settle(change(), other, fill=decide(choices)), tmp_path)
    assert read_studies(out).rows[0].get("mean_age") is None


def test_rows_of_one_coder(settle, change, write, tmp_path):
    extra = {**change()[6], "study": "Falk 2012", "r": 0.5}
    a, b = change(drop=[6]), [*change(drop=[3]), extra]
    path = settle(a, b, fill=decide({}, {"A5": "keep", "B8": "drop", "*": "keep"}))
    found = read_decisions(path)
    assert [(d.coder, d.row, d.keep) for d in found.rows] == [
        (0, 5, True),
        (1, 7, True),
        (1, 8, False),
    ]
    out = reconciled(path, tmp_path)
    assert [r.study for r in read_studies(out).rows] == [
        "Adler 1988", "Adler 1988", "Berg 1991", "Cohn 1999", "Dorn 2004", "Dorn 2004", "Eder 2010",
    ]  # fmt: skip
    assert pooled(out).estimate == pooled(write("all.xlsx", change())).estimate
    dropped = audit_of(out)[-1]
    assert (dropped["id"], dropped["decision"], dropped["reason"]) == ("B8", "drop", "not eligible")


def test_undecided_conflicts_are_refused_with_their_cells(settle, change):
    path = settle(change(), change(*SECOND_CODER, drop=[6]))
    with pytest.raises(StudyDataError, match="5 decisions are missing") as caught:
        reconcile(path)
    codes = [p.code for p in caught.value.problems]
    assert codes == ["MA530"] * 4 + ["MA535"]
    first, last = caught.value.problems[0], caught.value.problems[-1]
    sheet = openpyxl.load_workbook(path)["conflicts"]
    assert first.place == f"conflicts!{sheet.cell(2, places(sheet)['final']).coordinate}"
    assert first.study == "Berg 1991"
    assert last.place.startswith("rows!")
    assert first.hint == "choose A, B, other"


@pytest.mark.parametrize(
    ("entry", "code", "column"),
    [
        ({"final": "C"}, "MA531", "final"),
        ({"final": "other"}, "MA532", "value"),
        ({"final": "A", "value": 0.4}, "MA533", "value"),
        ({"final": "other", "value": "about .3"}, "MA534", "value"),
    ],
)
def test_decisions_that_cannot_be_used(settle, change, entry, code, column):
    path = settle(change(), change((0, {"r": 0.35})), fill=decide({"r": entry}))
    (problem,) = read_decisions(path).problems
    assert (problem.code, problem.column, problem.row) == (code, column, 2)


def test_numbers_are_read_as_in_a_sheet(settle, change, tmp_path):
    choices = {"r": {"final": "other", "value": "−.21"}}
    path = settle(change(), change((0, {"r": 0.35})), fill=decide(choices))
    assert read_studies(reconciled(path, tmp_path)).rows[0].get("r") == -0.21


def test_sorting_the_conflicts_changes_nothing(settle, change, tmp_path):
    def fill(book):
        decide({"*": {"final": "B"}})(book)
        sheet = book["conflicts"]
        rows = [[c.value for c in row] for row in sheet.iter_rows(min_row=2)]
        for number, row in enumerate(reversed(rows), start=2):
            for column, value in enumerate(row, start=1):
                sheet.cell(number, column).value = value

    a, b = change(), change(*SECOND_CODER)
    first = settle(a, b, fill=decide({"*": {"final": "B"}}))
    expected = audit_of(reconciled(first, tmp_path))
    assert audit_of(reconciled(settle(a, b, fill=fill), tmp_path)) == expected


def test_rows_that_were_deleted_or_copied(settle, change):
    def delete(book):
        decide({"*": {"final": "A"}})(book)
        book["conflicts"].delete_rows(2)

    def copy(book):
        decide({"*": {"final": "A"}})(book)
        sheet = book["conflicts"]
        sheet.append([c.value for c in sheet[2]])

    for fill, words in ((delete, "C001 is gone"), (copy, "C001 stands there 2 times")):
        (problem,) = read_decisions(settle(change(), change(*SECOND_CODER), fill=fill)).problems
        assert (problem.code, problem.message) == ("MA536", words)


def test_not_a_conflicts_workbook(write, change, settle, tmp_path):
    with pytest.raises(UnreadableFileError) as caught:
        read_decisions(write("sheet.xlsx", change()))
    assert caught.value.code == "MA120"
    text = tmp_path / "conflicts.csv"
    text.write_text("id,final\nC001,A\n", encoding="utf-8")
    with pytest.raises(UnreadableFileError):
        read_decisions(text)
    with pytest.raises(UnreadableFileError):
        read_decisions(settle(change(), change(), fill=lambda book: book.remove(book["_about"])))


@pytest.mark.parametrize(
    ("sheet", "cell", "value"),
    [
        ("_about", "B1", 2),
        ("_about", "A1", "something else"),
        ("_matches", "B2", 99),
        ("_matches", "B2", "x"),
        ("_matches", "C2", None),
        ("_conflicts", "B2", "77"),
        ("_conflicts", "B2", "x;y"),
        ("_conflicts", "F6", "99"),
        ("_codings_A", "A2", "x"),
    ],
)
def test_hidden_sheets_that_were_changed(settle, change, sheet, cell, value):
    def fill(book):
        book[sheet][cell].value = value

    path = settle(change(), change(*SECOND_CODER, drop=[6]), fill=fill)
    with pytest.raises(UnreadableFileError, match="hidden sheets"):
        read_decisions(path)


@pytest.mark.parametrize(
    "label", ['=HYPERLINK("http://x","y")', "+1+1", "@SUM(A1)", "#N/A", "<b>x</b>", "a\x0bb", "-1"]
)
def test_text_of_the_coders_stays_text(settle, change, tmp_path, label):
    given = {"country": label, "notes": label, "study": f"{label} 2001"}
    a, b = change((2, given)), change((2, {**given, "country": "Norway"}))
    for rows in (a, b):
        for row in rows:
            row |= {k: v.replace("\x0b", "") for k, v in row.items() if isinstance(v, str)}
    path = settle(a, b, fill=decide({"*": {"final": "A"}}))
    for file in (path, reconciled(path, tmp_path)):
        book = openpyxl.load_workbook(file)
        kinds = {c.data_type for s in book for row in s.iter_rows() for c in row if c.value}
        assert kinds <= {"s", "n"}
    row = next(r for r in read_studies(tmp_path / "team.xlsx").rows if "2001" in r.study)
    assert row.get("country") == label.replace("\x0b", "")


def test_the_workbook_guides_its_reader(settle, change):
    book = openpyxl.load_workbook(settle(change(), change(*SECOND_CODER, drop=[6])))
    assert [s.title for s in book if s.sheet_state == "visible"] == [
        "conflicts", "rows", "agreement", "pooled", "help",
    ]  # fmt: skip
    sheet = book["conflicts"]
    (rule,) = sheet.data_validations.dataValidation
    assert rule.formula1 == '"A,B,other"'
    letter = sheet.cell(2, places(sheet)["final"]).column_letter
    assert str(rule.sqref) == f"{letter}2:{letter}5"
    (rule,) = book["rows"].data_validations.dataValidation
    assert rule.formula1 == '"keep,drop"'
    impacts = [row[places(sheet)["impact"] - 1].value for row in sheet.iter_rows(min_row=2)]
    assert [abs(x) for x in impacts] == sorted((abs(x) for x in impacts), reverse=True)
    many = [row[places(sheet)["cell_A"] - 1].value for row in sheet.iter_rows(min_row=2)]
    assert "effects!I6 (and 1 more row)" in many


def test_equal_input_gives_equal_bytes(sheets, change):
    coders = sheets(change(), change(*SECOND_CODER))

    def content():
        matching = match_rows(coders)
        found = conflicts(matching)
        return conflicts_workbook(matching, found, agreement(matching), pooled_by_coder(matching))

    assert content() == content()


def test_three_coders(settle, change, write, tmp_path):
    c = change((0, {"r": 0.9}), drop=[3])
    path = settle(
        change(), change(*SECOND_CODER), c,
        fill=decide({"r": {"final": "C"}, "n": {"final": "B"}, "*": {"final": "A"}}),
    )  # fmt: skip
    team = pooled(reconciled(path, tmp_path))
    expected = change((0, {"r": 0.9}), (3, {"n": 61}))
    assert team.estimate == pooled(write("expected.xlsx", expected)).estimate
    path = settle(change(), change(*SECOND_CODER), c, fill=decide({"*": {"final": "C"}}))
    (problem,) = read_decisions(path).problems  # coder C has no row of Cohn 1999
    assert (problem.code, problem.hint) == ("MA531", "choose A, B, other")


def test_the_codebook_is_handed_on(settle, change, tmp_path):
    codebook = [["column", "level", "aliases"], ["modality", "body", "bodywork; dance"]]
    out = reconciled(settle(change(), change(), codebook=codebook), tmp_path)
    sheet = openpyxl.load_workbook(out)["codebook"]
    assert [[c.value for c in row] for row in sheet.iter_rows()] == codebook


def test_what_the_coders_entered_survives(settle, change, tmp_path):
    values = {"r": 0.123456789012345, "n": 12345, "country": "Österreich", "page": "12-14"}
    values["hours"] = 1e-7  # written with 16 digits, as every number in a workbook
    out = reconciled(settle(change((0, values)), change((0, values))), tmp_path)
    row = load_studies(out).rows[0]
    assert {name: row.get(name) for name in values} == values


def test_impact_is_blank_where_there_is_none(settle, change):
    path = settle(change(), change((0, {"r": None, "t": 2.0})))
    sheet = openpyxl.load_workbook(path)["conflicts"]
    at = places(sheet)
    rows = {row[at["variable"] - 1].value: row for row in sheet.iter_rows(min_row=2)}
    assert rows["r"][at["impact"] - 1].value is None
    assert "no statistic" in rows["r"][at["note"] - 1].value
    assert not math.isnan(rows["r"][at["row_impact"] - 1].value)
