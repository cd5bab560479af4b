"""`init`: a team's own sheet needs only a look at what was proposed."""

from __future__ import annotations

import json
import tomllib

import pytest
from openpyxl import Workbook
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.cli.app import app
from metaalliance.config import Config

SHEET = (
    "id,num,iv_perspective,dv_perspective,dv_measure,effect (r),phase\n"
    "1,47,P,R,GRS,0.49,Tx\n"
    "1,47,T,S,GRS,0.20,FU\n"
    "2,60,R,P,BDI,0.31,Tx\n"
    "3,138,client,I,Symptoms,-0.12,Tx\n"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.csv").write_text(SHEET)
    return tmp_path


def run(*words):
    return CliRunner().invoke(app, [str(w) for w in words])


def test_the_proposal_is_enough_to_pool(folder):
    assert run("validate", "own.csv").exit_code == 3  # no study column
    assert run("init", "own.csv").exit_code == 0
    assert run("validate", "own.csv").exit_code == 0
    result = run("pool", "own.csv", "--no-figures")
    assert result.exit_code == 0
    assert "3 studies, 4 effects" in result.stdout


def test_what_is_proposed_has_its_reason_and_its_evidence(folder):
    shown = " ".join(run("init", "own.csv").stdout.split())
    assert 'study = "id"' in shown
    assert "an identifier, and no header names the study (3 values in 4 rows)" in shown
    assert "there is no outcome_direction" in shown


def test_an_existing_configuration_is_kept(folder):
    (folder / "metaalliance.toml").write_text("# mine\n")
    assert run("init", "own.csv").exit_code == 2
    assert (folder / "metaalliance.toml").read_text() == "# mine\n"


def test_a_sheet_in_order_needs_nothing(folder):
    (folder / "good.csv").write_text("study,r,n\nA,.3,40\nB,.2,50\n")
    shown = run("init", "good.csv").stdout
    assert "No configuration is needed" in shown
    assert "2 of 2 rows would be used (2 studies)" in shown
    assert "No line is needed" in (folder / "metaalliance.toml").read_text()
    assert tomllib.loads((folder / "metaalliance.toml").read_text()) == {}


def test_a_column_that_only_its_values_speak_for_is_a_comment(folder):
    (folder / "x.csv").write_text("id,strength,n\n1,.31,40\n2,-.22,50\n3,.05,60\n")
    shown = run("init", "x.csv", "-o", "x.toml").stdout
    text = (folder / "x.toml").read_text()
    assert "r" not in tomllib.loads(text)["columns"]
    assert "0 of 3 rows would be used" in shown
    (folder / "x.toml").write_text(text.replace("# r =", "r ="))
    studies = ma.load_studies(folder / "x.csv", config=folder / "x.toml")
    assert [row.get("r") for row in studies.rows] == [0.31, -0.22, 0.05]


@pytest.mark.parametrize(
    "header",
    ["se_r", "SE.r", "r_se", "vi", "var_z", "v_d", "variance", "r_lower", "LL", "lowCI", "g_LL",
     "upper", "pval", "p-value", "wt", "weight", "effectsizeID", "es_id", "Standardfehler",
     "Varianz", "Untergrenze", "erreur type", "Gewicht", "valeur p", "Std. Error", "CI.upper"],
)  # fmt: skip
def test_what_stands_beside_an_effect_is_never_one(folder, header):
    (folder / "x.csv").write_text(f"study,n,{header}\nA,40,.11\nB,50,.12\nC,60,.08\nD,70,.2\n")
    run("init", "x.csv")
    text = (folder / "metaalliance.toml").read_text()
    assert f'= "{header}"' not in text
    assert run("pool", "x.csv", "--no-figures").exit_code != 0


def test_a_team_wins_over_the_codebook_and_the_built_in_levels(folder):
    (folder / "t.csv").write_text("study,r,n,modality\nA,.3,40,ACT\n")
    (folder / "m.toml").write_text('[vocabulary.modality]\nCBT = ["ACT"]\n')
    studies = ma.load_studies(folder / "t.csv", config=folder / "m.toml")
    assert studies.rows[0].get("modality") == "CBT"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[colums]\nr = 'x'\n", "Did you mean 'columns'"),
        ("[columns]\nrr = 'x'\n", "does not exist"),
        ("[[ignore]]\ncode = 'MA502'\n", "needs a code and a reason"),
        ("[[ignore]]\ncode = 'MA312'\nreason = 'x'\n", "errors cannot be silenced"),
        ("[[ignore]]\ncode = 'MA999'\nreason = 'x'\n", "does not exist"),
        ("[pool]\nrhoo = 0.5\n", "Did you mean 'rho'"),
        ("[pool]\nlevel = 'high'\n", "has no value"),
        ("[vocabulary.study]\nA = ['b']\n", "has no vocabulary"),
        ("not toml", "is not valid TOML"),
    ],
)
def test_a_wrong_configuration_is_refused_with_a_hint(folder, text, message):
    (folder / "metaalliance.toml").write_text(text)
    result = run("validate", "own.csv")
    assert result.exit_code == 2
    assert message in result.stderr


def test_settings_of_the_file_are_used_and_the_command_line_wins(folder):
    (folder / "good.csv").write_text("study,r,n\nA,.3,40\nB,.2,50\nC,.4,45\n")
    (folder / "metaalliance.toml").write_text("[pool]\ntau2 = 'PM'\nlevel = 0.9\n")
    assert "PM" in run("pool", "good.csv", "--no-figures").stdout
    assert "DL" in run("pool", "good.csv", "--no-figures", "--tau2", "DL").stdout


def test_a_silenced_rule_is_printed_with_its_reason(folder):
    (folder / "good.csv").write_text("study,r,n\nA,.3,40\nB,.2,50\n")
    (folder / "metaalliance.toml").write_text(
        "[[ignore]]\ncode = 'MA504'\nreason = 'aligned by both coders'\n"
    )
    result = run("validate", "good.csv")
    assert "MA504" not in result.stdout
    assert "silenced MA504 (1): aligned by both coders" in result.stderr


# A folder with several sheets ------------------------------------------------------------------


def test_a_configuration_that_exists_is_said_before_the_sheet_is_read(folder):
    (folder / "metaalliance.toml").write_text("# mine\n")
    (folder / "own.csv").write_bytes(b"")  # it would be refused
    done = run("init", "own.csv")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "metaalliance.toml exists already" in done.stderr
    assert "metaalliance init own.csv -o own.toml" in done.stderr
    assert "--config own.toml" in done.stderr


def test_what_is_offered_for_a_second_sheet_works(folder):
    assert run("init", "own.csv").exit_code == 0
    (folder / "second.csv").write_text("Autor,Jahr,Korr,N final\nA,2001,.3,40\nB,2002,.2,50\n")
    assert run("init", "second.csv").exit_code == 2
    assert run("init", "second.csv", "-o", "second.toml").exit_code == 0
    assert run("validate", "second.csv", "--config", "second.toml").exit_code == 0
    assert run("init", "second.csv", "-o", "second.toml").exit_code == 2
    assert run("init", "second.csv", "--force").exit_code == 0


FOREIGN = '[columns]\nstudy = "Autor"\nr = "Korrelation"\nn = "N final"\n'


@pytest.mark.parametrize("command", ["validate", "pool", "convert", "moderators"])
def test_a_configuration_of_another_sheet_is_one_problem(folder, command):
    (folder / "metaalliance.toml").write_text(FOREIGN)
    (folder / "b.csv").write_text("study,r,n\n" + "".join(f"S{i},.3,40\n" for i in range(200)))
    done = run(command, "b.csv", "--json") if command != "convert" else run(command, "b.csv")
    assert done.exit_code == 2
    assert "written for other headers" in done.output
    assert done.output.count("MA222") == 1
    assert "MA213" not in done.output
    assert "MA401" not in done.output
    assert "metaalliance init b.csv -o b.toml" in done.output
    assert run("init", "b.csv", "-o", "b.toml").exit_code == 0
    assert run("validate", "b.csv", "--config", "b.toml").exit_code == 0


def test_rows_that_lack_a_column_that_is_lost_have_no_problem_of_their_own(folder):
    (folder / "metaalliance.toml").write_text('[columns]\nr = "Korr"\nn = "N"\nyear = "yr"\n')
    rows = "".join(f"S{i},.3,40,2001,\n" for i in range(20))
    (folder / "b.csv").write_text("study,corr,N,yr,p\n" + rows)
    document = json.loads(run("validate", "b.csv", "--json").stdout)
    errors = [p for p in document["problems"] if p["severity"] == "error"]
    assert [p["code"] for p in errors] == ["MA213"]
    assert "'Korr'" in errors[0]["message"]
    studies = ma.load_studies(folder / "b.csv", config=folder / "metaalliance.toml")
    assert (len(studies.used), len(studies.in_error)) == (0, 20)


@pytest.mark.parametrize("header", ["Study|Sample|Effect\n||r\n|N|", "Study|Sample N|Effect r"])
def test_a_header_of_several_rows_is_found(tmp_path, header):
    book = Workbook()
    for line in [*header.split("\n"), "A|40|.3", "B|50|.2"]:
        book.active.append([c or None for c in line.split("|")])
    book.save(tmp_path / "own.xlsx")
    config = Config(columns={"study": "Study", "n": "Sample N", "r": "Effect r"})
    studies = ma.load_studies(tmp_path / "own.xlsx", config=config)
    assert "MA222" not in [p.code for p in studies.problems]


# --json ----------------------------------------------------------------------------------------


def test_the_proposal_is_one_document(folder):
    done = run("init", "own.csv", "--json")
    found = json.loads(done.stdout)
    assert done.exit_code == 0
    assert found["command"] == "init"
    assert (found["input"]["rows_read"], found["input"]["rows_used"]) == (4, 4)
    assert found["counts"] == {"n_studies": 3, "n_effects": 4}
    line = next(line for line in found["lines"] if line["key"] == "study")
    assert (line["section"], line["value"], line["active"]) == ("columns", '"id"', True)
    assert line["text"] == 'study = "id"'
    assert "an identifier" in line["why"]
    assert line["evidence"] == "3 values in 4 rows"
    assert found["known"]["n"] == "num"
    assert found["own_columns"] == ["phase"]
    assert any("outcome_direction" in text for text in found["to_decide"])
    assert found["files"] == ["metaalliance.toml"]
    active = {line["key"]: json.loads(line["value"]) for line in found["lines"] if line["active"]}
    assert active == tomllib.loads((folder / "metaalliance.toml").read_text())["columns"]


def test_a_failure_is_one_document_too(folder):
    (folder / "metaalliance.toml").write_text("# mine\n")
    found = json.loads(run("init", "own.csv", "--json").stdout)
    assert (found["command"], found["error"]["code"]) == ("init", "MA691")
    assert run("init", "none.csv", "--json", "-o", "x.toml").exit_code == 3
