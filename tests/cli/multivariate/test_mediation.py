"""`metaalliance mediation`: tables of correlations, models, settings, records."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from fault_runs import CORRELATIONS

import metaalliance as ma

MODEL = "outcome ~ b*alliance + c*severity\nalliance ~ a*severity\nab := a*b\n"


@pytest.fixture
def sheet(tmp_path):
    (tmp_path / "correlations.csv").write_text(CORRELATIONS, encoding="utf-8")
    (tmp_path / "model.txt").write_text(MODEL, encoding="utf-8")
    return tmp_path / "correlations.csv"


def made(call, *words):
    done = call("mediation", "correlations.csv", *words, "--no-figures", "--force", "--json")
    return done.exit_code, json.loads(done.stdout)


def test_numbers_are_those_of_the_library(call, sheet):
    code, found = made(call, "--model", "model.txt")
    assert code == 0
    wanted = ma.masem(pd.read_csv(sheet), MODEL)
    for name in ("paths", "defined"):
        frame = getattr(wanted, name)
        assert [row["label"] for row in found[name]] == frame["label"].tolist()
        for key in ("estimate", "se", "ci_low", "ci_high", "p_value"):
            assert [row[key] for row in found[name]] == pytest.approx(frame[key], rel=1e-7)
    assert found["minus_two_log_likelihood"] == pytest.approx(
        wanted.minus_two_log_likelihood, abs=1e-9
    )
    assert found["fit"]["n_participants"] == 340


def test_a_mediator_makes_the_model(call, sheet):
    _, by_model = made(call, "--model", "model.txt")
    code, found = made(call, "--mediator", "alliance")
    assert code == 0
    assert found["settings"]["model"].startswith("outcome ~ b*alliance + c*severity")
    assert found["defined"][0]["estimate"] == by_model["defined"][0]["estimate"]
    _, turned = made(call, "--mediator", "severity", "--predictor", "alliance")
    assert turned["settings"]["model"].startswith("outcome ~ b*severity + c*alliance")


def test_a_coding_sheet_is_a_table_where_its_rows_name_both_variables(call, tmp_path):
    """Each row by its own statistic, with signs as the sheet says them."""
    rows = ["study,var1,var2,r,t,n,outcome_direction,alliance_time,outcome_time"]
    for i, n in enumerate((60, 90, 120, 70)):
        rows += [
            f"S{i},severity,alliance,,{-1.6 - 0.2 * i},{n},,early,",
            f"S{i},alliance,outcome,-0.3{i},,{n},lower_better,early,post",
            f"S{i},severity,outcome,0.2{i},,{n},lower_better,,post",
        ]
    (tmp_path / "correlations.csv").write_text("\n".join(rows), encoding="utf-8")
    code, found = made(call, "--mediator", "alliance")
    assert code == 0, found
    signs = {row["label"]: row["estimate"] > 0 for row in found["paths"]}
    assert signs == {"a": False, "b": True, "c": False}
    assert "alliance was measured: early in 4 studies." in found["timing"]
    t, n = -1.6, 60
    r = t / (t**2 + n - 2) ** 0.5
    coded = ma.Analysis.read(tmp_path / "correlations.csv").coded
    assert coded.frame["r"].iloc[0] == pytest.approx(r, abs=1e-12)
    again = ma.masem(coded, found["settings"]["model"])
    assert again.minus_two_log_likelihood == found["minus_two_log_likelihood"]


def test_rows_that_do_not_name_both_variables_are_refused(call, tmp_path):
    (tmp_path / "correlations.csv").write_text("study,r,n\nA,.3,50\nB,.2,60\n")
    code, found = made(call, "--mediator", "alliance")
    assert code == 1
    assert "no column var1 and var2" in found["error"]["message"]
    (tmp_path / "correlations.csv").write_text(CORRELATIONS.replace("severity,outcome", ",outcome"))
    code, found = made(call, "--mediator", "alliance")
    assert code == 1
    assert "var1 is blank in row 4" in found["error"]["message"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--model, or --mediator"),
        (("--model", "model.txt", "--mediator", "alliance"), "--model, or --mediator"),
        (("--model", "model.txt", "--outcome", "x"), "--model, or --mediator"),
        (("--mediator", "trust"), "trust is no variable"),
        (("--model", "correlations.csv"), "none of the operators"),
        (("--model", "model.txt", "--moderator", "b=age"), "no column 'age'"),
        (("--model", "model.txt", "--not-positive-definite", "mend"), "'mend' is not one of"),
    ],
)
def test_what_cannot_be_is_refused(call, sheet, words, said):
    code, found = made(call, *words)
    assert code == 2
    assert said in found["error"]["message"]


def test_a_missing_model_is_said(call, sheet):
    code, found = made(call, "--model", "other.txt")
    assert code == 3
    assert "other.txt cannot be read" in found["error"]["message"]


def test_contradictory_matrices_are_left_out_by_choice_only(call, sheet):
    more = "Eng 2006,severity,alliance,.9,80\nEng 2006,alliance,outcome,.9,80\n"
    sheet.write_text(f"{CORRELATIONS}{more}Eng 2006,severity,outcome,-.9,80\n", encoding="utf-8")
    code, found = made(call, "--mediator", "alliance")
    assert code == 4
    assert found["error"]["code"] == "MA723"
    assert "Eng 2006" in found["error"]["message"]
    code, found = made(call, "--mediator", "alliance", "--not-positive-definite", "exclude")
    assert code == 0
    assert found["excluded"] == ["Eng 2006"]
    assert "MA725" in {p["code"] for p in found["problems"]}


def test_settings_are_taken_refused_or_named(call, sheet, tmp_path):
    file = tmp_path / "metaalliance.toml"
    wide = {}
    for level in (0.5, 0.95):
        file.write_text(f'[pool]\nlevel = {level}\ntau2 = "ML"\nmodel = "two-level"\n')
        _, found = made(call, "--mediator", "alliance")
        row = found["paths"][0]
        wide[level] = row["ci_high"] - row["ci_low"]
        assert found["settings"]["level"] == level
        assert set(found["settings"]["not_taken"]) == {"tau2", "model"}
    assert wide[0.5] < wide[0.95] / 2
    file.write_text('[pool]\nattenuation = "individual"\nalliance_reliability = 0.9\n'
                    "outcome_reliability = 0.9\n")  # fmt: skip
    code, found = made(call, "--mediator", "alliance")
    assert code == 2
    assert "cannot obey attenuation" in found["error"]["message"]


def test_rows_of_one_estimand_are_taken(call, sheet):
    """A sheet with rows within patients too: the model is that of the rows that are asked for."""
    _, wanted = made(call, "--mediator", "alliance")
    lines = CORRELATIONS.strip().splitlines()
    mixed = [lines[0] + ",estimand", *(line + "," for line in lines[1:])]
    mixed += [line + ",within_patient" for line in lines[1:4]]
    sheet.write_text("\n".join(mixed), encoding="utf-8")
    code, found = made(call, "--mediator", "alliance")
    assert code == 1
    assert "MA509" in {p["code"] for p in found["problems"]}
    code, found = made(call, "--mediator", "alliance", "--estimand", "total")
    assert code == 0
    assert found["minus_two_log_likelihood"] == wanted["minus_two_log_likelihood"]
    assert found["settings"]["not_taken"] == []


def test_measures_moderators_and_intervals_reach_the_model(call, sheet):
    doubled = CORRELATIONS + "Adler 1988,alliance,outcome,.4,60\n"
    late = doubled.replace("\n", ",1\n").replace("n,1", "n,late", 1)
    late = late.replace("120,1", "120,0").replace("70,1", "70,0")
    sheet.write_text(late, encoding="utf-8")
    found = {
        words: made(call, "--mediator", "alliance", *words)[1]
        for words in ((), ("--measures-r", ".9"), ("--wald",), ("--moderator", "b=late"))
    }
    plain, measures, wald, moved = found.values()
    assert "MA724" in {p["code"] for p in plain["problems"]}
    assert measures["minus_two_log_likelihood"] != plain["minus_two_log_likelihood"]
    assert wald["paths"][0]["estimate"] == plain["paths"][0]["estimate"]
    assert wald["paths"][0]["ci_low"] != plain["paths"][0]["ci_low"]
    assert moved["moderation"]["df"] == 1
    assert "b_late" in {row["label"] for row in moved["paths"]}


def test_terminal_names_what_was_measured_when(call, sheet):
    done = call("mediation", sheet, "--mediator", "alliance", "--no-figures")
    assert done.exit_code == 0
    assert "taken as cross-sectional" in " ".join(done.stdout.split())
    assert "Indirect effects under the model" in done.stdout
    assert "mediates" not in done.stdout
    assert "MA504" not in done.stderr  # no row is about an outcome alone
    assert "MA517" not in done.stderr


def test_a_record_follows_until_a_cell_changes(call, sheet, tmp_path):
    assert made(call, "--model", "model.txt", "--moderator", "n_therapists")[0] != 0
    assert made(call, "--model", "model.txt")[0] == 0
    record = tmp_path / "correlations_results" / "run_mediation.json"
    assert call("verify", record, sheet, "--strict").exit_code == 0
    stored = json.loads(record.read_text("utf-8"))["request"]["options"]
    assert stored["model"] == MODEL
    sheet.write_text(sheet.read_text().replace("0.42", "0.41"), encoding="utf-8")
    done = call("verify", record, sheet)
    assert done.exit_code == 1
    assert "does not follow" in done.stdout


def test_a_direction_turns_only_rows_that_hold_the_outcome(call, tmp_path):
    """Severity with alliance keeps its sign, whatever stands beside it, and this is said."""
    rows = ["study,var1,var2,r,n,outcome_direction,outcome_measure"]
    for s in "ABC":
        rows += [
            f"{s},alliance,outcome,-.3,100,lower_better,BDI",
            f"{s},BDI,severity,.4,100,{'' if s == 'C' else 'lower_better'},BDI",
            f"{s},severity,alliance,-.2,100,lower_better,BDI",
        ]
    (tmp_path / "correlations.csv").write_text("\n".join(rows), encoding="utf-8")
    read = ma.Analysis.read(tmp_path / "correlations.csv")
    assert read.coded.frame["r"].tolist() == [0.3, -0.4, -0.2] * 2 + [0.3, 0.4, -0.2]
    said = {p.code: p.message for p in read.studies.problems}
    assert "not applied in 3 rows" in said["MA545"]
    assert "severity with alliance" in said["MA545"]
    assert "blank in 1 of 9 rows" in said["MA504"]


def test_a_direction_of_a_variable_that_no_row_names_is_an_error(tmp_path):
    """A sign is neither turned nor left by a guess at which of two variables is the outcome."""
    path = tmp_path / "correlations.csv"
    head = "study,var1,var2,r,n,outcome_direction,outcome_measure\n"
    path.write_text(f"{head}A,alliance,depression,-.3,50,lower_better,BDI\n", encoding="utf-8")
    with pytest.raises(ma.StudyDataError) as caught:
        ma.Analysis.read(path)
    assert "MA546" in [p.code for p in caught.value.problems]
    path.write_text(f"{head}A,alliance,BDI,-.3,50,lower_better,BDI\n", encoding="utf-8")
    assert ma.Analysis.read(path).coded.frame["r"].tolist() == [0.3]


def test_a_swapped_row_is_the_same_effect_again(call, tmp_path):
    text = "study,var1,var2,r,n\nA,alliance,outcome,.3,100\nA,outcome,alliance,.3,100\n"
    (tmp_path / "correlations.csv").write_text(f"{text}A,severity,outcome,.3,100\n")
    with pytest.raises(ma.StudyDataError) as caught:
        ma.Analysis.read(tmp_path / "correlations.csv")
    codes = [p.code for p in caught.value.problems]
    assert codes.count("MA501") == 1
    assert "MA205" not in codes
