"""Where the header and the sheet stand: several header rows, several sheets, wide sheets."""

from __future__ import annotations

import tomllib

import pytest
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.cli.app import app
from metaalliance.sheet.columns.wide import find_wide

R = """study|n|r
Ames 2001|120|.25
Boll 2004|90|.20
Crane 2010|140|.30"""
ROWS = R.split("\n", 1)[1]


def init(path):
    result = CliRunner().invoke(app, ["init", str(path), "--force"])
    assert result.exit_code == 0, result.output
    return result.stdout, (path.parent / "metaalliance.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("headers", "merge"),
    [
        ("Study|Sample|Effect\n||Correlation\n|N|r", ("A1:A3", "C1:C2")),
        ("Study|Results|\n|Sample|Association\n|N|r", ("A1:A3", "B1:C1")),
        ("Coding sheet of 2024||\nStudy|Results|\n|N|r", ("A2:A3", "B2:C2")),
    ],
)
def test_up_to_three_header_rows_are_one(workbook, take, truth, headers, merge):
    taken = take(workbook({"Coding": f"{headers}\n{ROWS}"}, merge))
    assert taken.r == pytest.approx(truth(R), abs=1e-12)
    assert not taken.lines.count("\n") > 1


def test_titles_tell_columns_of_one_name_apart(workbook, take, truth):
    text = """Study|Experimental|||Control||
|M|SD|N|M|SD|N
Ames|10.2|3.1|60|8.9|3.0|62
Boll|11.5|2.8|45|10.6|2.9|44
Crane|9.9|3.3|70|8.8|3.2|71"""
    right = text.split("\n", 2)[2]
    taken = take(workbook({"Coding": text}, ("A1:A2", "B1:D1", "E1:G1")))
    assert taken.r == pytest.approx(truth(f"study|mean1|sd1|n1|mean2|sd2|n2\n{right}"), abs=1e-12)


def test_the_sheet_with_rows_is_taken_and_not_named(workbook, take, truth):
    empty = "study|n|r\nAmes 2001||\nBoll 2004||\nCrane 2010||\nDorn 2012||"
    taken = take(workbook({"Sheet2": empty, "Data": R, "Codebook": "column|level\nr|study"}))
    assert taken.studies.sheet == "Data"
    assert "sheet" not in tomllib.loads(taken.lines)
    assert taken.r == pytest.approx(truth(R), abs=1e-12)


def test_a_codebook_of_many_rows_is_never_the_sheet(workbook, take):
    lookup = "study|n|r\n" + "\n".join(f"x{i}|5{i}|.1" for i in range(9))
    about = dict.fromkeys(("README", "Lookup", "Data dictionary", "Lists"), lookup)
    assert take(workbook({**about, "Data": R})).studies.sheet == "Data"


def test_of_several_sheets_with_effects_one_is_named(workbook, take):
    fewer = R.rsplit("\n", 1)[0]
    taken = take(workbook({"pilot": fewer, "main": R}))
    assert tomllib.loads(taken.lines) == {"sheet": "main"}
    assert taken.studies.sheet == "main"


def test_a_sheet_that_is_asked_for_is_named(workbook):
    path = workbook({"pilot": R.rsplit("\n", 1)[0], "main": R})
    result = CliRunner().invoke(app, ["init", str(path), "--sheet", "pilot"])
    assert "2 of 2 rows would be used" in result.stdout
    lines = (path.parent / "metaalliance.toml").read_text(encoding="utf-8")
    assert tomllib.loads(lines) == {"sheet": "pilot"}


def test_a_study_named_in_its_first_row_only_is_filled_down(workbook, take):
    rows = "study|n|r|outcome\nAmes|120|.25|BDI\n|120|.2|GAF\nBoll|90|.1|BDI\n|90|.15|GAF"
    taken = take(workbook({"Data": rows}))
    assert tomllib.loads(taken.lines) == {"fill_down": ["study"]}
    assert [row.study for row in taken.studies.rows] == ["Ames", "Ames", "Boll", "Boll"]


def test_a_short_group_size_is_no_sample_size(sheet):
    studies = ma.load_studies(sheet("study|d|n_i|n_c\nA|.4|40|42\nB|.2|50|48\nC|.3|60|61"))
    assert [row.get("n1") for row in studies.rows] == [40, 50, 60]
    assert not any("n" in row.cells for row in studies.rows)


def test_sizes_that_do_not_add_up_to_n_are_left(sheet):
    studies = ma.load_studies(sheet("study|n|r|n_exp|n_ctrl\nA|40|.4|40|42\nB|50|.2|50|48"))
    assert not studies.errors
    assert not any("n1" in row.cells for row in studies.rows)


def test_subsets_of_rows_keep_their_names(sheet):
    studies = ma.load_studies(sheet("|study|n|r\n3|A|40|.4\n7|B|50|.2\n12|C|60|.1"))
    assert not studies.errors
    assert [p.code for p in studies.problems if p.cell == "A1"] == ["MA218"]


@pytest.mark.parametrize("name", ["", "X"])
@pytest.mark.parametrize("numbers", ["231", "120"])
def test_rows_that_were_sorted_keep_their_numbers(sheet, name, numbers):
    a, b, c = numbers
    studies = ma.load_studies(sheet(f"{name}|study|n|r\n{a}|A|40|.4\n{b}|B|50|.2\n{c}|C|60|.1"))
    assert not studies.errors
    assert [p.code for p in studies.problems if p.cell == "A1"] == ["MA218"]


def test_other_numbers_without_a_header_are_not_lost(sheet):
    studies = ma.load_studies(sheet("|study|n|r\n2|A|40|.4\n4|B|50|.2\n3|C|60|.1"))
    assert {p.code for p in studies.errors} == {"MA216"}


NAMED = '"",r,n\nAmes 2001,.25,120\nBoll 2004,.20,90\nCrane 2010,.30,140\n'


def test_names_of_rows_are_studies_and_numbers_are_not(tmp_path, take, truth):
    path = tmp_path / "named.csv"
    path.write_text(NAMED)
    taken = take(path)
    assert taken.lines.strip().startswith("#")
    assert taken.r == pytest.approx(truth(R), abs=1e-12)
    studies = ma.load_studies(path)
    assert [p.code for p in studies.problems if p.cell == "A1"] == ["MA206"]
    assert not any(p.code == "MA217" for p in studies.problems)
    path.write_text('"",r,n\n1,.25,120\n2,.20,90\n3,.30,140\n')
    with pytest.raises(ma.UnreadableFileError, match="no header row with 'study'"):
        ma.load_studies(path)


@pytest.mark.parametrize(
    "names",
    [("CBT", "CBT", "other"), ("Ames 2001", "", "Crane 2010"), ("Ames 2001", "2", "Crane 2010")],
)
def test_texts_that_name_no_row_are_no_studies(tmp_path, names):
    path = tmp_path / "own.csv"
    rows = "".join(f"{name},.{i}5,50\n" for i, name in enumerate(names, start=1))
    path.write_text(f'"",r,n\n{rows}')
    with pytest.raises(ma.UnreadableFileError):
        ma.load_studies(path)


def test_names_of_rows_beside_studies_are_left(tmp_path):
    path = tmp_path / "both.csv"
    path.write_text('"",study,r,n\na,Ames 2001,.25,120\nb,Boll 2004,.20,90\n')
    assert [row.study for row in ma.load_studies(path).rows] == ["Ames 2001", "Boll 2004"]


def test_a_name_that_r_has_counted_is_asked_about(tmp_path):
    path = tmp_path / "named.csv"
    path.write_text(NAMED + "Ames 2001.1,.2,120\n")
    (problem,) = [p for p in ma.load_studies(path).problems if p.code == "MA503"]
    assert "'Ames 2001.1' and 'Ames 2001'" in problem.message


@pytest.mark.parametrize("mark", ["\t", ";"])
def test_row_names_that_the_header_lacks_are_row_numbers(tmp_path, mark):
    rows = [["study", "n", "r"], ["1", "A", "40", ".4"], ["2", "B", "50", ".2"]]
    path = tmp_path / "table.txt"
    path.write_text("\n".join(mark.join(row) for row in rows))
    studies = ma.load_studies(path)
    assert not studies.errors
    assert [row.study for row in studies.rows] == ["A", "B"]


def test_a_number_without_header_is_still_an_error(sheet):
    studies = ma.load_studies(sheet("study|n|r|\nA|40|.4|1\nB|50|.2|2\nC|60|.1|3"))
    assert {p.code for p in studies.errors} == {"MA216"}


# Wide sheets ----------------------------------------------------------------------------------

WIDE = {
    "outcomes": ("r_depression|r_anxiety", "r", "outcome_measure", ("depression", "anxiety")),
    "behind": ("depression_r|anxiety_r", "r", "outcome_measure", ("depression", "anxiety")),
    "in brackets": ("r (BDI)|r (GAF)", "r", "outcome_measure", ("BDI", "GAF")),
    "points": ("r.symptoms|n.symptoms|r.mood|n.mood", "r", "outcome_measure", ("symptoms", "mood")),
    "numbered": ("WAI_r1|WAI_r2", "r", "outcome_measure", ("WAI 1", "WAI 2")),
    "numbers": ("r1|r2|r3", "r", "effect", ("1", "2", "3")),
    "raters": ("r_client|r_therapist", "r", "alliance_rater", ("client", "therapist")),
    "subscales": ("bond_r|task_r|goal_r", "r", "alliance_subscale", ("bond", "task", "goal")),
    "g with errors": ("g_dep|se_g_dep|g_anx|se_g_anx", "g", "outcome_measure", ("dep", "anx")),
    "German": ("Korrelation BDI|Korrelation GAF", "r", "outcome_measure", ("BDI", "GAF")),
}


def found(headers):
    names = ["study", *headers.split("|")]
    return find_wide(names, [["A", "B"], *[[0.2, 0.3]] * (len(names) - 1)])


@pytest.mark.parametrize(("headers", "statistic", "column", "labels"), WIDE.values(), ids=WIDE)
def test_a_wide_sheet_is_recognised(headers, statistic, column, labels):
    wide = found(headers)
    assert (wide.statistic, wide.column, wide.labels) == (statistic, column, labels)


@pytest.mark.parametrize(
    "headers",
    ["r|r_se|r_lower|r_upper", "r|R2|n", "m1|sd1|n1|m2|sd2|n2", "r_raw|r_corrected", "r_xx|r_yy",
     "r_coder1|r_coder2|r_consensus", "r_Reviewer A|r_Reviewer B", "n_total|n_therapists",
     "mean_arm1|sd_arm1|n_arm1|mean_arm2|sd_arm2|n_arm2", "T1|T2|T3", "F1|F2", "a|b|c|d",
     "t_value|r_type|p_female"],
)  # fmt: skip
def test_what_is_not_wide_is_not(headers):
    assert found(headers) is None


def test_a_wide_sheet_is_said_to_be_wide_and_nothing_is_taken(sheet):
    path = sheet("study|n|r_symptoms|r_sleep\nA|40|.4|.3\nB|50|.2|.1\nC|60|.1|.2")
    said, lines = init(path)
    assert "wide" in said
    assert "metaalliance import" in " ".join(said.split())
    assert tomllib.loads(lines) == {}
    with pytest.raises(ma.UnreadableFileError, match=r"metaalliance import own\.csv"):
        ma.load_studies(path)


def test_effects_beside_the_one_that_is_read_are_warned_of(sheet):
    studies = ma.load_studies(sheet("study|n|r|r_bond|r_task\nA|40|.4|.3|.2\nB|50|.2|.1|.1"))
    (problem,) = [p for p in studies.problems if p.code == "MA219"]
    assert problem.cell == "D1"
    assert "'r_bond', 'r_task'" in problem.message


@pytest.mark.parametrize("headers", ["study|n|r_sleep", "study|n|corr with outcome"])
def test_one_effect_with_a_name_is_the_effect(sheet, take, headers):
    taken = take(sheet(f"{headers}\n{ROWS}"))
    assert [row.get("r") for row in taken.studies.rows] == [0.25, 0.2, 0.3]


def test_a_known_header_over_other_values_is_said_to_be(sheet):
    text = "study|year|r|n|cor|age\nA|-3.5|client|40|.4|old\nB|-1.5|client|50|.2|young\n"
    studies = ma.load_studies(sheet(f"{text}C|5.0|therapist|60|.1|old"))
    assert not studies.errors
    found = {p.cell: p.message for p in studies.problems if p.code == "MA220"}
    assert list(found) == ["B1", "C1", "F1"]
    assert "'r' holds no r" in found["C1"]
    assert [row.get("r") for row in studies.rows] == [0.4, 0.2, 0.1]


def test_limits_of_another_statistic_are_left(sheet):
    text = "study|n|r|OR|lower|upper\nA|40|.4|2.1|1.2|3.4\nB|50|.2|1.5|1.1|2.0"
    studies = ma.load_studies(sheet(text))
    assert not any("ci_low" in row.cells for row in studies.rows)


def test_odds_ratios_below_zero_are_none(sheet):
    path = sheet("study|or|yi|vi\nA|-.4|.4|.1\nB|.2|.2|.1\nC|.3|.1|.1")
    assert "# yi_measure" in init(path)[1]
