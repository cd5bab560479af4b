"""Scripts that do the analysis again: in R, where it is installed, and in Python."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from command_line import call

from metaalliance.report.scripts.r import r_string

ROOT = Path(__file__).parents[2]
R = shutil.which("Rscript")


def has_packages():
    if R is None:
        return False
    code = "q(status = !all(sapply(c('metafor','clubSandwich'), requireNamespace, quietly=TRUE)))"
    return subprocess.run([R, "-e", code], capture_output=True, check=False).returncode == 0


needs_r = pytest.mark.skipif(R is None, reason="needs R")


def run_in_r(folder):
    if not has_packages():
        pytest.skip("needs metafor and clubSandwich")
    return subprocess.run(
        [R, "analysis.R"], cwd=folder, capture_output=True, encoding="utf-8", check=False,
        timeout=300,
    )  # fmt: skip


@needs_r
@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--model", "three-level", "--test", "cr1"),
        ("--model", "che", "--rho", "0.8", "--tau2", "ML", "--test", "t"),
        ("--model", "three-level", "--test", "t", "--df", "contain"),
        ("--model", "che", "--test", "cr1s"),
        ("--model", "two-level"),
        ("--model", "two-level", "--tau2", "PM", "--test", "knapp-hartung-adhoc"),
        ("--model", "two-level", "--tau2", "SJ", "--test", "cr2"),
        ("--model", "two-level", "--tau2", "DL", "--test", "wald"),
        ("--model", "two-level", "--tau2", "ML", "--test", "t"),
        ("--model", "common-effect"),
        ("--measure", "r", "--level", "0.9"),
    ],
    ids=" ".join,
)
def test_r_reproduces_every_model_and_moderator(made, tmp_path, options):
    done = call("export-r", made.sheet, "-o", tmp_path / "R", *options, "--by", "modality",
                "--by", "year")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    ran = run_in_r(tmp_path / "R")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "R reproduces the results." in ran.stdout
    with (tmp_path / "R" / "expected.csv").open(encoding="utf-8-sig") as stream:
        expected = {(row["analysis"], row["term"]): row for row in csv.DictReader(stream)}
    with (tmp_path / "R" / "results_r.csv").open(encoding="utf-8") as stream:
        found = {(row["analysis"], row["term"]): row for row in csv.DictReader(stream)}
    assert set(expected) == set(found)
    for key, row in expected.items():
        if key[1] != "omnibus":
            for name in ("estimate", "se"):
                assert float(found[key][name]) == pytest.approx(float(row[name]), abs=1e-6), key


@needs_r
@pytest.mark.slow
def test_r_reproduces_the_real_data(tmp_path):
    sheet = ROOT / "data" / "primary_alliance_effects.xlsx"
    assert call("export-r", sheet, "-o", tmp_path / "R").exit_code == 0
    ran = run_in_r(tmp_path / "R")
    assert ran.returncode == 0, ran.stdout + ran.stderr


@needs_r
@pytest.mark.slow
def test_r_script_says_when_it_does_not_agree(made, tmp_path):
    call("export-r", made.sheet, "-o", tmp_path / "R", "--model", "common-effect")
    path = tmp_path / "R" / "expected.csv"
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    rows[1][2] = str(float(rows[1][2]) + 1e-4)
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    ran = run_in_r(tmp_path / "R")
    assert ran.returncode != 0
    assert "differ" in ran.stderr


def test_literals_of_r_cannot_be_left():
    assert r_string('a" ; q()') == '"a\\" ; q()"'
    assert r_string("Flückiger \\ \n") == '"Fl\\U{fc}ckiger \\\\"'


def test_script_is_plain_and_complete(made, tmp_path):
    call("export-r", made.sheet, "-o", tmp_path / "R")
    text = (tmp_path / "R" / "analysis.R").read_text(encoding="ascii")
    for name in ("che (main)", "aggregated", "three-level", "common-effect", "moderator modality"):
        assert name in text
    assert call("export-r", made.sheet, "-o", tmp_path / "R").exit_code == 2
    assert call("export-r", made.sheet, "-o", tmp_path / "R", "--force").exit_code == 0


def test_python_script_runs_and_checks_itself(made, tmp_path):
    done = call("export-python", made.sheet, "-o", tmp_path, "--by", "modality", "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["files"] == [str(tmp_path / "analysis.py")]
    command = [sys.executable, str(tmp_path / "analysis.py"), str(made.sheet)]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert "The pooled result is the one that was exported." in ran.stdout
    assert "modality: " in ran.stdout
    changed = made.sheet.with_name("other.csv")
    changed.write_text(made.sheet.read_text(encoding="utf-8").replace(",30,", ",90,"), "utf-8")
    ran = subprocess.run([*command[:2], str(changed)], capture_output=True, encoding="utf-8",
                         check=False, timeout=120)  # fmt: skip
    assert ran.returncode == 1
    assert "not the one that was analysed" in ran.stderr


#: Samples in studies in teams, instruments that studies share, a correlation by study.
def structured(folder):
    rng = np.random.default_rng(5)
    rows = ["study,r,n,outcome_direction,sample,team,alliance_measure,outcome_measure,own_rho"]
    for i in range(12):
        center = 0.28 + 0.12 * rng.normal()
        for s in range(1 + i % 3):
            for e in range(2):
                r = center + 0.08 * rng.normal()
                tool = ("WAI", "HAq", "CALPAS")[(i + e) % 3]
                rows.append(
                    f"St{i},{r:.3f},{40 + 5 * i + 3 * s},higher_better,s{s},T{i // 3},{tool},O{e},"
                    f"{0.3 + 0.05 * (i % 5):.2f}"
                )
    (folder / "metaalliance.toml").write_text('moderators = ["team", "own_rho"]\n')
    path = folder / "structured.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


STRUCTURES = {
    "within": ("--within", "sample"),
    "above": ("--above", "team"),
    "crossed": ("--crossed", "alliance_measure"),
    "rho by study": ("--rho", "own_rho"),
    "rho of what is shared": ("--rho", ".5", "--rho-same", ".8", "--same", "outcome_measure"),
    "all": ("--within", "sample", "--above", "team", "--test", "t", "--tau2", "ML"),
    "corrected": ("--attenuation", "individual", "--alliance-reliability", "WAI=.93,*=.9",
                  "--outcome-reliability", ".85"),
}  # fmt: skip


@needs_r
@pytest.mark.slow
@pytest.mark.parametrize("options", STRUCTURES.values(), ids=STRUCTURES)
def test_r_reproduces_every_structure(tmp_path, options):
    sheet = structured(tmp_path)
    done = call("export-r", sheet, "-o", tmp_path / "R", "--by", "none", *options)
    assert done.exit_code == 0, done.stderr
    ran = run_in_r(tmp_path / "R")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "R reproduces the results." in ran.stdout


#: Labels that R would merge, drop or take for a formula: 1.1 and 1.10, 1 and 01, NA, "+", "'a".
LABELS = ("+", "-", "NA", "01", "1", "=1+1", "'a", "@x")


def labelled(folder):
    rng = np.random.default_rng(12)
    rows = ["study,r,n,outcome_direction,mark"]
    for i in range(32):
        mark = LABELS[i % len(LABELS)]
        center = 0.2 + 0.03 * (i % len(LABELS))
        for _ in range(1 + i % 2):
            rows.append(f"1.{i}{'0' if i % 3 else ''},{center + 0.1 * rng.normal():.3f},{40 + i},"
                        f"higher_better,{mark}")  # fmt: skip
    (folder / "metaalliance.toml").write_text(
        'moderators = ["mark"]\nmissing = ["-9"]\n[vocabulary.mark]\n'
        + "".join(f'"{mark}" = []\n' for mark in LABELS)
    )
    path = folder / "labelled.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def test_labels_reach_the_script_of_r_as_they_are(tmp_path):
    sheet = labelled(tmp_path)
    done = call("export-r", sheet, "-o", tmp_path / "R", "--by", "mark")
    assert done.exit_code == 0, done.stderr
    script = (tmp_path / "R" / "analysis.R").read_text(encoding="ascii")
    assert '"mark"' not in script.split("missing")[0]  # not among the numbers
    with (tmp_path / "R" / "effects.csv").open(encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    stripped = {re.sub(r"^'(?=[-'=+@])", "", row["mark"]) for row in rows}
    assert stripped == set(LABELS)
    assert not any(row["mark"].startswith(("=", "+", "-", "@")) for row in rows)


@needs_r
@pytest.mark.slow
def test_r_takes_labels_as_text(tmp_path):
    sheet = labelled(tmp_path)
    call("export-r", sheet, "-o", tmp_path / "R", "--by", "mark")
    ran = run_in_r(tmp_path / "R")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Warning" not in ran.stderr
    with (tmp_path / "R" / "results_r.csv").open(encoding="utf-8") as stream:
        terms = [
            row["term"] for row in csv.DictReader(stream) if row["analysis"] == "moderator mark"
        ]
    assert terms == [*(m for m in LABELS), "omnibus"]


@needs_r
@pytest.mark.slow
@pytest.mark.parametrize("tau2", ["PM", "PMM"])
def test_r_solves_the_same_equation(made, tmp_path, tau2):
    call("export-r", made.sheet, "-o", tmp_path / "R", "--model", "two-level", "--tau2", tau2,
         "--test", "cr2", "--by", "none")  # fmt: skip
    ran = run_in_r(tmp_path / "R")
    assert ran.returncode == 0, ran.stdout + ran.stderr


@needs_r
@pytest.mark.slow
def test_r_holds_a_variance_at_zero(tmp_path):
    """Effects that agree within studies: the variance inside studies is 0."""
    rows = ["study,r,n,outcome_direction"]
    for i in range(12):
        rows += [f"St{i},{0.1 + 0.03 * i + d:.3f},{400 + 10 * i},higher_better" for d in (0, 0.001)]
    sheet = tmp_path / "agreeing.csv"
    sheet.write_text("\n".join(rows) + "\n")
    call("export-r", sheet, "-o", tmp_path / "R", "--model", "three-level", "--by", "none")
    script = (tmp_path / "R" / "analysis.R").read_text(encoding="ascii")
    assert re.search(r"start = c\([^)]*\b0\.0[,)]", script)
    ran = run_in_r(tmp_path / "R")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_script_of_r_names_every_structure(tmp_path):
    sheet = structured(tmp_path)
    options = (*STRUCTURES["all"], *STRUCTURES["rho of what is shared"])
    done = call("export-r", sheet, "-o", tmp_path / "R", "--by", "none", *options)
    assert done.exit_code == 0, done.stderr
    text = (tmp_path / "R" / "analysis.R").read_text(encoding="ascii")
    main = next(line for line in text.splitlines() if line.startswith('mean_of("che (main)"'))
    for part in (
        'levels = c("team", "study", "sample")',
        "rho = 0.5",
        'same = "outcome_measure", rho_same = 0.8',
        'tau2 = "ML"',
        'test = "t"',
    ):
        assert part in main
    aggregated = next(line for line in text.splitlines() if 'mean_of("aggregated"' in line)
    assert "averaged(dat, 0.5)" in aggregated
    assert "levels" not in aggregated


def test_python_script_runs_in_its_own_folder(tmp_path, monkeypatch):
    sheet = structured(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert call("export-python", sheet.name, "-o", "py", "--by", "none").exit_code == 0
    command = [sys.executable, "analysis.py"]
    ran = subprocess.run(
        command, cwd=tmp_path / "py", capture_output=True, check=False, timeout=120
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("options", STRUCTURES.values(), ids=STRUCTURES)
def test_python_script_takes_every_structure(tmp_path, options):
    sheet = structured(tmp_path)
    done = call("export-python", sheet, "-o", tmp_path / "py", "--by", "none", *options)
    assert done.exit_code == 0, done.stderr
    command = [sys.executable, str(tmp_path / "py" / "analysis.py")]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert "The pooled result is the one that was exported." in ran.stdout


EXAMPLES = {"simulated_alliance_studies.xlsx": [],
            "simulated_three_questions.xlsx": ["--three-questions"]}  # fmt: skip


@pytest.mark.parametrize(("name", "words"), EXAMPLES.items())
def test_example_is_the_workbook_of_the_data_folder(tmp_path, name, words):
    assert call("example", "-o", tmp_path, *words).exit_code == 0
    assert (tmp_path / name).read_bytes() == (ROOT / "data" / name).read_bytes()
    assert (files("metaalliance") / "examples" / name).is_file()


def test_example_replaces_nothing(tmp_path):
    assert call("example", "-o", tmp_path).exit_code == 0
    assert call("example", "-o", tmp_path).exit_code == 2
    assert call("example", "-o", tmp_path / "my.xlsx").exit_code == 0
    assert (tmp_path / "my.xlsx").exists()
