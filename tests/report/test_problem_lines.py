"""Problems as text: grouped, counted, within the width, and never interpreted."""

from __future__ import annotations

import csv
import io
import json

import pytest
from typer.testing import CliRunner

from metaalliance.cli.app import app
from metaalliance.problems import Problem
from metaalliance.report.tables.problems import count_line, problem_lines
from metaalliance.report.tables.table import text_width


def problem(code="MA312", severity="error", **fields):
    known = {"sheet": "effects", "cell": "B2", "row": 2, "study": "Adler 1988", "column": "r",
             "seen": "1.07", "message": "a correlation lies between −1 and 1"}  # fmt: skip
    return Problem(code=code, severity=severity, **{**known, **fields})


def many(count, **fields):
    return [problem(cell=f"B{i}", row=i, seen=f"{i}.07", **fields) for i in range(2, count + 2)]


def test_place_is_written_as_a_spreadsheet_does():
    assert problem().place == "effects!B2"


@pytest.mark.parametrize(
    ("sheet", "cell", "place"), [("x", "", "x"), ("", "B2", "B2"), ("", "", "")]
)
def test_place_without_a_part(sheet, cell, place):
    assert problem(sheet=sheet, cell=cell).place == place


COUNTS = {
    (): "0 errors, 0 warnings, 0 notes",
    ("error",): "1 error, 0 warnings, 0 notes",
    ("error", "error", "note"): "2 errors, 0 warnings, 1 note",
    ("warning",) * 1200: "0 errors, 1,200 warnings, 0 notes",
}


@pytest.mark.parametrize("severities", COUNTS, ids=len)
def test_count_line(severities):
    assert count_line([problem(severity=s) for s in severities]) == COUNTS[severities]


def test_no_problems_are_no_lines():
    assert problem_lines([], 80) == []


def test_problem_says_where_what_and_why():
    (_, line) = problem_lines([problem()], 100)
    assert line == ("  effects!B2  Adler 1988, r = '1.07': a correlation lies between −1 and 1")


def test_group_has_its_title_and_count():
    assert problem_lines(many(3), 80)[0] == ("error MA312: a correlation lies between −1 and 1 (3)")


def test_errors_come_first():
    lines = problem_lines(
        [problem("MA311", "note"), problem("MA502", "warning"), problem("MA312", "error")], 80
    )
    heads = [line.split(":")[0] for line in lines if line[:1].strip()]
    assert heads == ["error MA312", "warning MA502", "note MA311"]


def test_only_the_first_of_a_group_are_printed():
    lines = problem_lines(many(25), 100, first=10)
    assert (len(lines), lines[-1]) == (12, "  (+15 more)")


def test_all_of_a_group_on_request():
    assert len(problem_lines(many(25), 100, first=26)) == 26


HOSTILE = ["[/red]", "[bold]", "\x1b[31m", "\u202e", "\x07", "{0}", "%s", "\\n", "日本" * 30,
           "x" * 500, '=HYPERLINK("http://x")', "\n\n"]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
@pytest.mark.parametrize("field", ["study", "seen", "column", "message", "hint"])
def test_foreign_text_leaves_no_control_characters(text, field):
    lines = problem_lines([problem(**{field: text})], 80)
    assert all(c.isprintable() for line in lines for c in line)


@pytest.mark.parametrize("width", [40, 50, 80, 120])
@pytest.mark.parametrize("text", [t for t in HOSTILE if not t.startswith("日")], ids=ascii)
def test_lines_keep_the_width(width, text):
    lines = problem_lines([problem(study=text, seen=text, message=text * 3)], width)
    assert max(map(text_width, lines)) <= width


def test_markup_is_printed_as_it_is():
    assert "[/CBT]" in "".join(problem_lines([problem(study="Smith [/CBT]")], 100))


def test_problem_without_a_place():
    found = Problem(code="MA621", severity="note", message="few studies")
    assert problem_lines([found], 80)[1] == "  few studies"


def test_record_has_the_documented_keys():
    assert list(problem().to_dict()) == [
        "code", "severity", "message", "hint", "sheet", "cell", "row", "study", "column", "seen",
    ]  # fmt: skip


# One cause in many cells -----------------------------------------------------------------


@pytest.fixture
def validated(tmp_path):
    """Return a function that validates 60 rows of two measures, all coded backwards."""
    rows = [
        f"S{i},.{i % 40 + 10},{40 + i},{('BDI', 'ORS')[i % 2]},"
        f"{('higher_better', 'lower_better')[i % 2]}\n"
        for i in range(60)
    ]
    path = tmp_path / "sheet.csv"
    path.write_text("study,r,n,outcome_measure,outcome_direction\n" + "".join(rows))

    def run(*words):
        done = CliRunner().invoke(app, ["validate", str(path), *words], catch_exceptions=False)
        assert done.exit_code == 0
        return done.stdout

    return run


EVERY_CELL = [f"E{row}" for row in range(2, 62)]


def test_one_cause_is_one_problem_that_counts_its_cells(validated):
    text = validated()
    assert "the direction contradicts the measure (1)" in text
    assert "60 rows (E2, E3, E4" in " ".join(text.split())
    assert "E61" not in text


def test_all_prints_each_cell_with_its_measure(validated):
    text = validated("--all")
    section = next(part for part in text.split("\n\n") if "MA514" in part)
    assert section.startswith("warning MA514: the direction contradicts the measure (60)")
    told = " ".join(section.split()).split("sheet.csv!")[1:]
    assert [one.split()[0] for one in told] == EVERY_CELL
    assert all(f"a higher {('BDI', 'ORS')[i % 2]} is" in one for i, one in enumerate(told))


def test_json_has_each_cell_of_a_problem(validated):
    document = json.loads(validated("--json"))
    assert [p["code"] for p in document["problems"]].count("MA514") == 1
    found = [one for one in document["cells"] if one["code"] == "MA514"]
    assert [one["cell"] for one in found] == EVERY_CELL
    assert "a higher ORS is better" in found[-1]["message"]
    assert found[-1]["study"] == "S59"


def test_csv_has_a_row_for_each_cell(validated):
    rows = list(csv.DictReader(io.StringIO(validated("--output-format", "csv"))))
    found = [row for row in rows if row["code"] == "MA514"]
    assert [row["cell"] for row in found] == EVERY_CELL
    assert {row["message"].split(",")[0] for row in found} == {
        "a higher BDI is worse", "a higher ORS is better",
    }  # fmt: skip


def test_lines_for_a_code_host_name_the_path_and_every_cell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data, 100%").mkdir()
    sheet = tmp_path / "data, 100%" / "s.csv"
    rows = ["A,.3,40,clint", "B,1.2,50,clint", "C,.1,60,client"]
    sheet.write_text("\n".join(["study,r,n,alliance_rater", *rows]) + "\n", encoding="utf-8")
    words = ["validate", "data, 100%/s.csv", "--output-format"]
    lines = CliRunner().invoke(app, [*words, "github"]).stdout.splitlines()
    assert all(" file=data%2C 100%25/s.csv,title=MA" in line for line in lines)
    single = csv.DictReader(io.StringIO(CliRunner().invoke(app, [*words, "csv"]).stdout))
    places = [(p["code"], f"{p['sheet']}!{p['cell']}") for p in single]
    told = [(line.split("title=")[1][:5], line.split("::")[2].split()[0]) for line in lines]
    assert told == places
    assert {("MA334", "s.csv!D2"), ("MA334", "s.csv!D3"), ("MA312", "s.csv!B3")} <= set(told)
