"""`metaalliance bias` in a process of its own: tables, document, workbook, refusals."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from typer.main import get_command
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.analysis.examinations import BiasOptions
from metaalliance.cli.app import app

RATERS = ("client", "therapist", "observer")


def sheet(path: Path, studies: int, most: int, n: int | None = None) -> Path:
    """Write a review of simulated correlations."""
    rng = np.random.default_rng(7)
    lines = ["study,r,n,outcome_direction,alliance_rater"]
    for i in range(studies):
        size = n or int(np.exp(rng.normal(4.2, 0.6)).clip(15, 500))
        for j in range(1 + i % most):
            r = float(np.tanh(0.25 + rng.normal(0, np.sqrt(0.02 + 1 / (size - 3)))))
            lines.append(f"Study {i + 1} ({1980 + i}),{r:.3f},{size},higher_better,{RATERS[j]}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def run(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "metaalliance.cli.main", "bias", *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)


@pytest.fixture(scope="module")
def nested(tmp_path_factory):
    """The command on a review with dependent effects: its folder and what it printed."""
    folder = tmp_path_factory.mktemp("nested")
    sheet(folder / "studies.csv", 24, 3)
    return folder, run(folder, "studies.csv", "--steps", ".025")


def test_tables_on_stdout(nested):
    _, done = nested
    assert done.returncode == 0, done.stderr
    for text in (
        "Means adjusted for publication bias, side by side",
        "Tests for publication bias and small-study effects",
        "Selection weights",
        "Fail-safe N",
        "Do not lean on fail-safe N",
        "Rule: PEESE if",
        "che model, cluster-robust CR2",
        "averaged within studies",
    ):
        assert text in " ".join(done.stdout.split()), text
    assert "Traceback" not in done.stderr


def test_the_document_holds_what_the_library_computes(nested):
    folder, _ = nested
    document = json.loads((folder / "studies_results" / "bias.json").read_text(encoding="utf-8"))
    assert {"schema_version", "command", "input", "problems", "settings", "counts", "unadjusted",
            "tests", "adjusted", "methods", "selection_models", "henmi_copas",
            "files"} <= set(document)  # fmt: skip
    assert document["command"] == "bias"
    assert document["settings"]["steps"] == [0.025]
    effects = ma.effect_sizes(ma.load_studies(folder / "studies.csv"))
    found = ma.egger(effects)
    shown = next(row for row in document["tests"] if row["name"] == "Egger")
    assert (shown["estimate"], shown["p_value"]) == (found.slope, found.p_value)
    adjusted = {row["name"]: row for row in document["adjusted"]}
    assert adjusted["PET-PEESE"]["estimate"] == ma.pet_peese(effects).estimate
    assert adjusted["PET-PEESE"]["r"]["estimate"] == math.tanh(ma.pet_peese(effects).estimate)
    assert (document["counts"]["n_studies"], document["counts"]["n_effects"]) == (24, 48)


def test_the_workbook_and_the_record(nested):
    folder, _ = nested
    book = openpyxl.load_workbook(folder / "studies_results" / "bias.xlsx")
    wanted = {
        "Selection models",
        "Adjusted",
        "Tests",
        "All results",
        "Weights",
        "Readings",
        "Problems",
        "Settings",
    }
    assert wanted <= set(book.sheetnames)
    assert [c.value for c in book["Adjusted"][1]][:2] == ["method", "estimate"]
    record = json.loads((folder / "studies_results" / "run_bias.json").read_text())
    assert record["command"] == "bias"
    figures = {
        "funnel_contours", "funnel_trim_fill", "funnel_egger", "funnel_pet_peese",
        "selection_weights", "selection_weights_beta",
    }  # fmt: skip
    ends = (".pdf", ".png", ".alt.txt", ".caption.txt")
    drawn = {f"{name}{end}" for name in figures for end in ends}
    assert set(record["files"]) == {"bias.json", "bias.xlsx", *drawn}


def test_json_prints_one_document_and_repeats(nested):
    folder, _ = nested
    done = run(folder, "studies.csv", "--json", "--quiet")
    assert done.returncode == 0 and done.stderr == ""
    document = json.loads(done.stdout, parse_constant=pytest.fail)
    assert document["files"][-3:] == ["bias.json", "bias.xlsx", "run_bias.json"]
    written = json.loads((folder / "studies_results" / "bias.json").read_text(encoding="utf-8"))
    assert written == document


def test_a_bootstrap_and_moderators_of_selection_are_printed(nested):
    folder, _ = nested
    words = ("--bootstrap", "two-stage", "--replications", "150", "--penalty", "weak")
    done = run(folder, "studies.csv", "--no-figures", *words, "--selection-by", "alliance_rater")
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    assert "a weak penalty; percentile limits of 150 two-stage bootstrap samples of studies" in text
    assert "Moderators in selection models" in text
    table = done.stdout.split("Moderators in selection models")[1]
    assert "log weight" in table and "observer" in table and "therapist" in table
    assert "log a: alliance_rater" in text and "log b: alliance_rater" in text
    assert "tau has its mode at 0.10" in text  # on Fisher z
    document = json.loads((folder / "studies_results" / "bias.json").read_text(encoding="utf-8"))
    found = document["methods"]["Selection (0.025)"]
    assert found["bootstrap"]["replications"] == 150
    ends = found["bootstrap"]["limits"][1]
    assert ends["name"] == "tau2" and 0 <= ends["ci_low"] < ends["ci_high"]


@pytest.fixture
def call(tmp_path, monkeypatch):
    """The command in this process."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, ["bias", *map(str, words)])


def test_few_studies_of_one_size_are_answered_with_reasons(call, tmp_path):
    done = call(sheet(tmp_path / "studies.csv", 5, 1, n=60))
    assert done.exit_code == 0, done.stderr
    text = " ".join(done.stdout.split())
    assert "with fewer than 10" in text
    assert "Egger was left out" in text and "the same in all 5" in text


#: Every option of the command, with a value that moves some number, and which.
MOVES = {
    "steps": ("--steps", ".05,.5", "Selection (0.025)"),
    "alternative": ("--alternative", "less", "Selection (0.025)"),
    "aggregation_rho": ("--aggregation-rho", ".1", "Limit meta-analysis"),
    "smallest_p": ("--smallest-p", ".001", "Beta selection"),
    "estimator": ("--estimator", "argl", "Selection (0.025)"),
    "penalty": ("--penalty", "weak", "Beta selection"),
    "bootstrap": ("--bootstrap", "exponential", "Selection (0.025)"),
    "interval": ("--interval", "bca", "Selection (0.025)"),
    "replications": ("--replications", "120", "Selection (0.025)"),
    "seed": ("--seed", "2", "Selection (0.025)"),
    "mean_by": ("--mean-by", "alliance_rater", "Selection (0.025)"),
    "variance_by": ("--variance-by", "alliance_rater", "Selection (0.025)"),
    "selection_by": ("--selection-by", "alliance_rater", "Selection (0.025)"),
    "average": ("--average", "robma", "RoBMA"),
}
#: What some of them need beside them.
BOOTSTRAP = ("--bootstrap", "multinomial")
BESIDE = {
    "bootstrap": (),
    "interval": (*BOOTSTRAP, "--replications", "150"),
    "replications": BOOTSTRAP,
    "variance_by": ("--penalty", "weak"),
    "selection_by": ("--penalty", "weak"),
    "seed": (*BOOTSTRAP, "--replications", "150"),
}


def test_the_matrix_has_every_option():
    assert set(MOVES) == {f.name for f in fields(BiasOptions)}
    flags = {p.name: p.default for p in get_command(app).get_command(None, "bias").params}
    asked = BiasOptions(steps=flags["steps"], alternative=flags["alternative"])
    columns = {name for name, default in asdict(asked).items() if default == ()}
    assert {n: () if n in columns else flags[n] for n in MOVES} == asdict(asked)
    assert all(flags[name] is None for name in columns)


@pytest.mark.parametrize("name", MOVES)
def test_every_option_acts_and_is_recorded_and_verified(call, tmp_path, name):
    flag, value, method = MOVES[name]
    path = sheet(tmp_path / "studies.csv", 24, 3)
    words = (path, "--no-figures", "--json", "--quiet", *BESIDE.get(name, ()))
    plain, done = (json.loads(call(*words, *more).stdout) for more in ((), (flag, value)))
    assert done["methods"].get(method) != plain["methods"].get(method)
    assert done["settings"][name] != plain["settings"][name]
    record = tmp_path / "studies_results" / "run_bias.json"
    asked = json.loads(record.read_text(encoding="utf-8"))["request"]["options"][name]
    asked = asked[0] if isinstance(asked, list) else asked
    assert str(asked).removeprefix("0") == value.removeprefix("0")
    again = CliRunner().invoke(app, ["verify", str(record), str(path)])
    assert again.exit_code == 0, again.stdout
    assert "The result follows from this workbook." in again.stdout


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--steps", "a"), "rising one-sided"),
        (("--steps", ".5,.025"), "rising one-sided"),
        (("--alternative", "up"), "alternative"),
        (("--aggregation-rho", "2"), "correlation"),
        (("--smallest-p", ".5"), "--smallest-p=0.5 is not a p-value"),
        (("--model", "lmer"), "model"),
        (("--bootstrap", "wild"), "bootstrap='wild'"),
        (("--bootstrap", "two-stage", "--replications", "9"), "too few"),
        (("--bootstrap", "none", "--interval", "bca"), "only a bootstrap has that"),
        (("--estimator", "reml"), "estimator='reml'"),
        (("--penalty", "strong"), "penalty='strong'"),
        (("--average", "psma"), "--average='psma'"),
        (("--selection-by", "moon"), "no moderator 'moon'"),
    ],
)
def test_wrong_options_exit_with_two(call, tmp_path, words, reason):
    done = call(sheet(tmp_path / "studies.csv", 5, 1), *words)
    assert done.exit_code == 2
    assert reason in done.stderr
    assert done.stdout == ""


def test_a_sheet_with_errors_exits_with_one(call, tmp_path):
    (tmp_path / "bad.csv").write_text("study,r,n\nA,1.4,30\nB,0.2,40\n", encoding="utf-8")
    done = call("bad.csv")
    assert done.exit_code == 1
    assert "Nothing was computed" in done.stderr
    assert not (tmp_path / "bad_results").exists()


def test_the_two_level_model_runs_on_averaged_effects(call, tmp_path):
    path = sheet(tmp_path / "studies.csv", 24, 3)
    done = call(path, "--model", "two-level", "--json", "--quiet")
    document = json.loads(done.stdout)
    assert document["counts"]["n_effects"] == 24
    assert document["settings"]["aggregation_rho"] == 0.5
