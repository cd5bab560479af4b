"""`init`: a team's own sheet needs only a look at what was proposed."""

from __future__ import annotations

import tomllib

import pytest
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.cli.app import app

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
