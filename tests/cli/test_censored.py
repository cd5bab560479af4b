"""Results known only as not significant, from the sheet to every command, in real processes."""

from __future__ import annotations

import json

import pytest

SHEET = """study,r,n,df,tails,sign,outcome_direction,outcome_measure,modality
A,.30,60,,,,higher_better,a,CBT
A,n.s.,60,,,,higher_better,b,CBT
A,n.s.,60,,,,higher_better,c,CBT
B,.45,80,,,,higher_better,a,CBT
B,.21,80,,,,higher_better,b,CBT
C,n.s.,50,,,,higher_better,a,PDT
D,.28,120,,,,higher_better,a,PDT
E,n.s.,40,36,,,higher_better,a,PDT
F,.5,70,,,,higher_better,a,PDT
G,n.s.,45,,1,-,lower_better,a,PDT
H,.33,90,,,,higher_better,a,CBT
"""
CENSORED = ("--nonsignificant", "censored")


@pytest.fixture
def sheet(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text(SHEET, encoding="utf-8")
    return path


def test_pool_prints_saves_and_verifies(run, sheet, tmp_path):
    said = run("pool", sheet, *CENSORED, "-o", tmp_path / "out")
    assert said.returncode == 0, said.stderr
    assert "5 effects known only as not significant enter as intervals" in said.stdout
    assert "not significant as zero" in said.stdout and "not significant dropped" in said.stdout
    document = json.loads((tmp_path / "out/results.json").read_text(encoding="utf-8"))
    assert document["counts"]["n_censored"] == 5
    assert document["settings"]["nonsignificant"] == "censored"
    assert document["settings"]["tau2"] == "ML"
    assert document["heterogeneity"]["Q"] is None
    left_out = [p["message"] for p in document["problems"] if p["code"] == "MA630"]
    assert any("outliers removed" in text for text in left_out)
    assert sorted(p.name for p in (tmp_path / "out").glob("*.pdf")) == ["forest.pdf", "funnel.pdf"]
    alt = (tmp_path / "out/funnel.alt.txt").read_text(encoding="utf-8")
    assert "5 effects known only as not significant (n.s.) have no point" in alt
    again = run("verify", tmp_path / "out/run.json", sheet)
    assert again.returncode == 0, again.stdout
    assert "The result follows from this workbook." in again.stdout
    sheet.write_text(SHEET.replace("G,n.s.,45,,1,-", "G,n.s.,55,,1,-"), encoding="utf-8")
    assert run("verify", tmp_path / "out/run.json", sheet).returncode != 0


def test_configuration_and_json(run, sheet, tmp_path):
    text = '[pool]\nnonsignificant = "censored"\n'
    (tmp_path / "metaalliance.toml").write_text(text, encoding="utf-8")
    said = run("pool", sheet, "--json")
    assert said.returncode == 0
    assert json.loads(said.stdout)["counts"]["n_censored"] == 5


def test_convert_writes_limits_and_no_value(run, sheet):
    said = run("convert", sheet, *CENSORED, "-q")
    lines = said.stdout.splitlines()
    head = lines[0].split(",")
    row = dict(zip(head, lines[2].split(","), strict=False))
    assert row["yi"] == "" and row["r"] == ""
    assert float(row["lower"]) == -float(row["upper"]) == pytest.approx(-0.259902, abs=1e-6)


def test_python_script_reproduces(run, sheet, tmp_path):
    assert run("export-python", sheet, *CENSORED, "-o", tmp_path / "py").returncode == 0
    import subprocess
    import sys

    found = subprocess.run([sys.executable, str(tmp_path / "py/analysis.py"), str(sheet)],
                           capture_output=True, encoding="utf-8", check=False)  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert "The pooled result is the one that was exported." in found.stdout


@pytest.mark.parametrize("command", ["forest", "funnel"])
def test_figures_are_drawn_recorded_and_verified(run, sheet, tmp_path, command):
    said = run(command, sheet, *CENSORED, "-o", tmp_path / "figures")
    assert said.returncode == 0, said.stderr
    assert "5 effects known only as not significant (n.s.) have" in " ".join(said.stdout.split())
    again = run("verify", tmp_path / f"figures/run_{command}.json", sheet)
    assert again.returncode == 0, again.stdout
    assert "The figure follows from this workbook." in again.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("forest", "--summary"), "A figure (summary-forest) cannot obey --nonsignificant cen"),
        (("plot", "study-funnel"), "A figure (study-funnel) cannot obey --nonsignificant cens"),
        (("plot", "orchard"), "A figure (orchard) cannot obey"),
        (("influence",), "A diagnostic of influence cannot obey --nonsignificant censored"),
        (("bias",), "A method for publication bias cannot obey --nonsignificant censored"),
        (("moderators",), "A model of moderators cannot obey --nonsignificant censored"),
        (("multiverse",), "A multiverse cannot obey --nonsignificant censored"),
        (("report",), "A report cannot obey --nonsignificant censored"),
        (("export-r",), "A script of metafor cannot obey --nonsignificant censored"),
        (("pool", "--cross-check"), "--cross-check cannot obey --nonsignificant censored"),
        (
            ("pool", "--also", "wild-bootstrap", "--replications", "99"),
            "--also cannot obey --nonsignificant censored",
        ),
        (("pool", "--also", "bayes"), "--also cannot obey --nonsignificant censored"),
        (("pool", "--measure", "r"), "--nonsignificant censored cannot obey --measure r"),
        (("pool", "--test", "cr2"), "cannot obey --test cr2"),
        (("pool", "--model", "two-level"), "An average of the effects of a study cannot obey"),
    ],
)
def test_every_other_command_refuses_by_name(call, sheet, words, said):
    command, *rest = words
    kind = rest[:1] if command == "plot" else []
    result = call(command, *kind, sheet, *rest[len(kind) :], *CENSORED)
    assert result.exit_code == 2, result.output
    assert said in " ".join(result.stderr.split())


def test_two_sheets_are_refused_by_name(call, sheet, tmp_path):
    (tmp_path / "metaalliance.toml").write_text('[pool]\nnonsignificant = "censored"\n',
                                                encoding="utf-8")  # fmt: skip
    for command in ("compare", "agree"):
        result = call(command, sheet, sheet)
        assert result.exit_code == 2, result.output
        said = f"nonsignificant = 'censored' ([pool] of {tmp_path / 'metaalliance.toml'})"
        assert f"cannot obey {said}" in " ".join(result.stderr.split())


def test_validate_names_every_row(run, sheet):
    said = run("validate", sheet, *CENSORED)
    assert said.returncode == 0
    assert "|r| below its critical value (policy: censored)" in " ".join(said.stdout.split())
