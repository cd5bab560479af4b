"""Labels and ids that differ between coders: matched, shown, decided, and worth what they are."""

from __future__ import annotations

import json
import math
from pathlib import Path

import openpyxl
import pytest

import metaalliance as ma
from metaalliance.cli.request import Request
from metaalliance.cli.sheets.agree import run_agree
from metaalliance.cli.sheets.reconcile import run_reconcile
from metaalliance.coding.conflicts import conflicts
from metaalliance.coding.matching import match_rows

HEAD = "study,n,r"
FIRST = ("Lee 2018,60,.30", "Lee 2018,60,.25", "Bo 2001,50,.2", "Cy 2002,70,.1")
SECOND = ('"Lee, 2018",60,.30', *FIRST[1:])


@pytest.fixture
def coders(tmp_path):
    """Write text sheets of two coders; return their paths."""

    def write(*sheets, head=HEAD):
        paths = []
        for letter, lines in zip("ab", sheets, strict=False):
            path = tmp_path / f"{letter}.csv"
            path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
            paths.append(path)
        return paths

    return write


def agreed(paths, capsys, **changes):
    """The document that `agree --json` prints."""
    request = Request(json_output=True, quiet=True, force=True, **changes)
    assert run_agree(request, paths) == 0
    return json.loads(capsys.readouterr().out)


def settled(folder: Path, choices: dict[str, str]) -> ma.Studies:
    """Decide conflicts by variable, and return the sheet of the team."""
    path = folder / "agreement_conflicts.xlsx"
    book = openpyxl.load_workbook(path)
    sheet = book["conflicts"]
    at = {c.value: c.column for c in sheet[1]}
    for number in range(2, sheet.max_row + 1):
        variable = sheet.cell(number, at["variable"]).value
        choice, _, value = choices[variable].partition("=")
        sheet.cell(number, at["final"]).value = choice
        sheet.cell(number, at["value"]).value = value or None
    book.save(path)
    assert run_reconcile(Request(quiet=True, force=True), path, folder / "studies.xlsx") == 0
    return ma.load_studies(folder / "studies.xlsx")


def test_a_label_that_differs_is_a_conflict_with_what_it_is_worth(coders, capsys, tmp_path):
    paths = coders(FIRST, SECOND)
    document = agreed(paths, capsys)
    assert document["matching"]["studies"] == [3, 4]
    (conflict,) = document["conflicts"]
    assert (conflict["variable"], conflict["values"]) == ("study", ["Lee 2018", "Lee, 2018"])
    assert conflict["cells"] == ["a.csv!A2", "b.csv!A2"]
    one, two = (p["r"] for p in document["pooled"] if p["rows"] == "all")
    assert conflict["impact"] == pytest.approx(two - one, abs=1e-12) != 0
    assert run_agree(Request(force=True), paths) == 0
    out = capsys.readouterr().out
    assert "A: a.csv, 4 rows, 3 studies\nB: b.csv, 4 rows, 4 studies\n" in out
    assert "study: Lee 2018 / Lee, 2018" in out


@pytest.mark.parametrize(
    ("choice", "labels"),
    [("A", ["Lee 2018"] * 2), ("B", ["Lee, 2018", "Lee 2018"]), ("other=NA", ["NA", "Lee 2018"])],
)
def test_the_label_that_was_decided_is_that_of_the_team(coders, capsys, tmp_path, choice, labels):
    agreed(coders(FIRST, SECOND), capsys)
    team = settled(tmp_path, {"study": choice})
    assert [row.study for row in team.rows[:2]] == labels
    assert len({row.study for row in team.rows}) == len(set(labels)) + 2


def test_one_conflict_for_a_study_that_is_spelt_differently_throughout(coders, capsys, tmp_path):
    other = tuple(line.replace("Lee 2018", "lee (2018)") for line in FIRST)
    (conflict,) = agreed(coders(FIRST, other), capsys)["conflicts"]
    assert conflict["matches"] == [1, 2]
    assert conflict["impact"] == 0  # the same rows belong together
    team = settled(tmp_path, {"study": "B"})
    assert [row.study for row in team.rows[:2]] == ["lee (2018)"] * 2


def test_rows_under_a_label_that_is_nearly_alike_are_matched(coders, capsys, tmp_path):
    other = [line.replace("Bo 2001", "Boe 2001") for line in FIRST]
    document = agreed(coders(FIRST, other), capsys)
    assert document["matching"]["unmatched"] == []
    assert document["matching"]["matched_by"]["label"] == 1
    (conflict,) = document["conflicts"]
    assert conflict["values"] == ["Bo 2001", "Boe 2001"]
    assert [row.study for row in settled(tmp_path, {"study": "B"}).rows][2] == "Boe 2001"
    run_agree(Request(force=True), coders(FIRST, other))
    assert "Bo 2001, study: Bo 2001 / Boe 2001; r stays" in capsys.readouterr().out


def test_of_three_coders_one_has_another_label(coders):
    other = [line.replace("Bo 2001", "Boe 2001") for line in FIRST]
    paths = coders(FIRST, other)
    sheets = [ma.load_studies(p) for p in (*paths, paths[0])]
    matching = match_rows(sheets)
    assert matching.unmatched == ()
    (bo,) = (m for m in matching.matched if m.how == "label")
    assert [row.number for row in bo.rows] == [4, 4, 4]
    (conflict,) = conflicts(matching)
    assert conflict.values == ("Bo 2001", "Boe 2001", "Bo 2001")


def test_no_row_is_lost(coders):
    """Every row of every coder is matched or listed, once."""
    other = ["Bo 2001,50,.2", "Boe 2001,50,.2", "Bo 2002,50,.2", "Lee 2018x,60,.25", *FIRST[1:]]
    for pair in ((FIRST, other), (other, FIRST), (other, other[::-1])):
        sheets = [ma.load_studies(p) for p in coders(*pair)]
        matching = match_rows(sheets)
        for coder, sheet in enumerate(sheets):
            seen = [m.rows[coder].number for m in matching.matched if m.rows[coder] is not None]
            seen += [u.row.number for u in matching.unmatched if u.coder == coder]
            assert sorted(seen) == [row.number for row in sheet.rows]


def test_a_label_that_is_nearly_alike_with_other_numbers_is_another_study(coders):
    other = [*FIRST[:2], "Boe 2001,51,.21", FIRST[3]]
    matching = match_rows([ma.load_studies(p) for p in coders(FIRST, other)])
    assert [u.row.study for u in matching.unmatched] == ["Bo 2001", "Boe 2001"]


@pytest.mark.parametrize(("column", "name"), [("sample", "sample"), ("effect", "effect")])
def test_ids_that_differ_are_conflicts(coders, capsys, column, name):
    head = f"study,{column},alliance_rater,n,r"
    first = ("A,1,client,40,.3", "A,2,client,50,.1", "B,1,client,60,.2", "C,1,client,70,.4")
    second = (first[0], first[1].replace("A,2", "A,two"), *first[2:])
    document = agreed(coders(first, second, head=head), capsys)
    assert document["matching"]["unmatched"] == []
    assert document["matching"]["matched_by"]["values"] == 1
    (conflict,) = document["conflicts"]
    assert (conflict["variable"], conflict["values"]) == (name, ["2", "two"])


# The model beside the sheet -------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    ['model = "two-level"', 'model = "three-level"\ntau2 = "ML"', "rho = 0.2", 'measure = "r"',
     'model = "common-effect"\nlevel = 0.9'],
)  # fmt: skip
def test_the_model_and_the_impact_are_those_of_the_configuration(coders, capsys, tmp_path, lines):
    (tmp_path / "metaalliance.toml").write_text(f"[pool]\n{lines}\n", encoding="utf-8")
    other = [*FIRST[:3], "Cy 2002,70,.45"]
    paths = coders(FIRST, other)
    document = agreed(paths, capsys)
    found = [p for p in document["pooled"] if p["rows"] == "all"]
    for record, path in zip(found, paths, strict=True):
        analysis = ma.Analysis.read(path)
        fit = analysis.pool()
        on = math.tanh if analysis.policy.measure == "z" else float
        assert record["r"] == pytest.approx(on(fit.estimate), abs=1e-12)
        assert record["ci_low"] == pytest.approx(on(fit.ci_low), abs=1e-12)
        assert record["model"] == fit.model
    (conflict,) = document["conflicts"]
    assert conflict["impact"] == pytest.approx(found[1]["r"] - found[0]["r"], abs=1e-10)


def test_a_correction_for_unreliability_counts_in_the_impact(coders, capsys, tmp_path):
    toml = '[pool]\nattenuation = "alliance"\nalliance_reliability = "mean"\n'
    (tmp_path / "metaalliance.toml").write_text(toml, encoding="utf-8")
    head = "study,alliance_reliability,n,r"
    first = ("A,.9,40,.3", "B,.8,50,.1", "C,,60,.2", "D,.7,70,.4")
    second = ("A,.6,40,.3", *first[1:])
    document = agreed(coders(first, second, head=head), capsys)
    (conflict,) = document["conflicts"]
    one, two = (p["r"] for p in document["pooled"] if p["rows"] == "all")
    assert conflict["impact"] == pytest.approx(two - one, abs=1e-10) != 0


def test_a_level_that_moves_the_result_has_its_impact(coders):
    head = "study,team,n,r"
    first = ("A,x,40,.6", "A,x,40,.5", "B,x,50,.5", "C,y,60,0", "D,y,70,.05", "E,z,80,.3")
    second = (*first[:5], first[5].replace("z", "y"))
    sheets = [ma.load_studies(p) for p in coders(first, second, head=head)]
    model = ma.Model(above=("team",))
    (conflict,) = conflicts(match_rows(sheets), model)
    assert conflict.variable == "team"
    assert abs(conflict.impact) > 1e-3


LABELLED = ("1,Adler 1988,40,.30", "2,Berg 1991,50,.2", "3,Cohn 1999,60,.1")


def test_the_label_stands_beside_an_id(coders, capsys, tmp_path):
    other = ("1,Adler 1988,40,.35", LABELLED[1], "4,Dorn 2000,60,.1")
    first, second = coders(LABELLED, other, head="study,label,n,r")
    target = tmp_path / "conflicts.xlsx"
    request = Request(workbook=first, output=target)
    assert run_agree(request, (first, second)) == 0
    printed = capsys.readouterr().out
    assert "C001  Adler 1988 [1], r: 0.3 / 0.35" in printed
    assert "A, row 4, Cohn 1999 [3]: " in printed
    assert "B, row 4, Dorn 2000 [4]: " in printed
    book = openpyxl.load_workbook(target)
    for sheet, labels in (("conflicts", ["Adler 1988"]), ("rows", ["Cohn 1999", "Dorn 2000"])):
        header, *rows = list(book[sheet].values)
        assert header.index("label") == header.index("study") + 1
        assert [row[header.index("label")] for row in rows] == labels


def test_a_study_without_a_label_is_said_once(coders, capsys, tmp_path):
    paths = coders(FIRST, ("Lee 2018,60,.31", *FIRST[1:]))
    request = Request(workbook=paths[0], output=tmp_path / "conflicts.xlsx")
    assert run_agree(request, tuple(paths)) == 0
    assert "C001  Lee 2018, r: 0.3 / 0.31" in capsys.readouterr().out
    header = next(openpyxl.load_workbook(tmp_path / "conflicts.xlsx")["conflicts"].values)
    assert "label" not in header
