"""Columns of the team headed like a statistic, and standard deviations of two words."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.cli.app import app

SHEET = """study,r,n,{}
Lee 2001,.31,40,{}
Ames 2002,.22,52,{}
Bo 2003,.15,61,{}
Cy 2004,-.05,70,{}
"""
OWN = {"F": (25, 30, 41, 38), "t": (12, 16, 8, 20), "d": (5, 3, 9, 4), "T": (12, 16, 8, 20)}


def load(tmp_path, header, values, text=SHEET):
    path = tmp_path / "own.csv"
    path.write_text(text.format(header, *values), encoding="utf-8")
    return ma.load_studies(path)


@pytest.mark.parametrize(("header", "values"), OWN.items())
def test_women_weeks_and_dropouts_are_columns_of_the_team(tmp_path, header, values):
    studies = load(tmp_path, header, values)
    assert not studies.errors
    (problem,) = [p for p in studies.problems if p.code == "MA221"]
    assert problem.severity == "warning"
    assert problem.cell == "D1"
    said = CliRunner().invoke(app, ["init", str(tmp_path / "own.csv")]).stdout
    assert f"'{header}' contradicts r in most rows" in " ".join(said.split())
    assert [row.get("r") for row in studies.used] == [0.31, 0.22, 0.15, -0.05]


REAL = {
    "all agree": ("d", (0.65, 0.45, 0.30, -0.10), 0),
    "one of four does not": ("d", (0.65, 0.45, 0.90, -0.10), 1),
    "a header that says value": ("t value", (5, 6, 9, 8), 3),
    "the signs are turned": ("d", (-0.65, -0.45, -0.30, 0.10), 3),
}


@pytest.mark.parametrize(("header", "values", "errors"), REAL.values(), ids=REAL)
def test_a_statistic_that_agrees_in_size_stays_one(tmp_path, header, values, errors):
    studies = load(tmp_path, header, values)
    assert "MA221" not in {p.code for p in studies.problems}
    assert sum(p.code == "MA404" for p in studies.errors) >= errors


def test_degrees_of_freedom_say_that_t_is_one(tmp_path):
    text = SHEET.replace(",{}\n", ",{},50\n").replace("{},50", "{},df", 1)
    studies = load(tmp_path, "t", (9, 8, 7, 6), text)
    assert "MA404" in {p.code for p in studies.errors}
    assert "MA221" not in {p.code for p in studies.problems}


@pytest.mark.parametrize(
    ("mean", "sd"),
    [("moyenne", "écart-type"), ("Moyenne ", "Écart type "), ("media", "desviación estándar "),
     ("media", "deviazione standard "), ("mean", "standard deviation "),
     ("gem", "standaardafwijking")],
)  # fmt: skip
def test_standard_deviations_of_two_words(tmp_path, mean, sd):
    headers = ",".join(f"{mean}{k},{sd}{k},n{k}" for k in "12")
    path = tmp_path / "own.csv"
    path.write_text(f"study,{headers}\nA,10.2,3.1,60,8.9,3.0,62\nB,11.5,2.8,45,10.6,2.9,44\n",
                    encoding="utf-8")  # fmt: skip
    studies = ma.load_studies(path)
    assert not studies.errors
    assert [row.get("sd2") for row in studies.used] == [3.0, 2.9]


SEVERAL = """Study,n,{},sign
Ames 2001,40,.20,.30,+
Boll 2004,50,.25,.35,+
Cray 2007,60,.15,.31,+
"""


@pytest.mark.parametrize("headers", ["r1,r2", "R1,R2", "r2,r3", "r_1,r_2"])
def test_a_numbered_r_is_no_share_of_variance(tmp_path, headers):
    path = tmp_path / "own.csv"
    path.write_text(SEVERAL.format(headers), encoding="utf-8")
    with pytest.raises(ma.UnreadableFileError, match="metaalliance import"):
        ma.load_studies(path)
    said = CliRunner().invoke(app, ["init", str(path)]).stdout
    assert "metaalliance import" in said
    out = tmp_path / "effects.xlsx"
    assert CliRunner().invoke(app, ["import", str(path), "-o", str(out)]).exit_code == 0
    found = [row.get("r") for row in ma.load_studies(out).rows]
    assert sorted(found) == [0.15, 0.20, 0.25, 0.30, 0.31, 0.35]


def test_a_numbered_r_beside_another_statistic_is_not_read(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text(SEVERAL.format("r1,r2").replace("sign", "t").replace("+", "1.3"), "utf-8")
    studies = ma.load_studies(path)
    assert {row.get("r_squared") for row in studies.rows} == {None}
    assert "MA219" in {p.code for p in studies.problems}


@pytest.mark.parametrize("headers", ["r2,sd", "R1,R²"])
def test_a_squared_r_stays_one(tmp_path, headers):
    path = tmp_path / "own.csv"
    path.write_text(SEVERAL.format(headers), encoding="utf-8")
    squared = [row.get("r_squared") for row in ma.load_studies(path).rows]
    assert squared == ([0.20, 0.25, 0.15] if headers.startswith("r2") else [0.30, 0.35, 0.31])


def test_a_second_r_beside_r_is_told_what_to_do(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("Study,r,r2,n\nAmes 2001,.2,.3,40\nBoll 2004,.25,.35,50\n", "utf-8")
    hints = [p.hint for p in ma.load_studies(path).errors if p.code == "MA404"]
    assert hints
    assert all("name them r1 and r2" in hint and "import" in hint for hint in hints)
