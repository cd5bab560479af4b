"""The script of metaSEM: model, data and expected results; metaSEM itself is not at hand."""

from __future__ import annotations

import shutil
import subprocess
from io import StringIO

import pandas as pd
import pytest
from fault_runs import CORRELATIONS

import metaalliance as ma
from metaalliance.errors import OptionError
from metaalliance.report.scripts.paths import path_files

MODEL = "outcome ~ b*alliance + severity; alliance ~ a*severity; ab := a*b"


def table():
    return pd.read_csv(StringIO(CORRELATIONS))


def test_script_holds_the_model_with_labels_and_the_data():
    files = path_files(ma.masem(table(), MODEL))
    script = files["analysis.R"]
    assert "metaSEM 1.5.5" in script
    assert (
        'model <- "outcome ~ b*alliance; outcome ~ p2*severity; alliance ~ a*severity; '
        'severity ~~ 1*severity"'
    ) in script
    assert "{{" not in script
    data = pd.read_csv(StringIO(files["correlations.csv"]))
    assert sorted(data["r"]) == sorted(table()["r"])
    expected = pd.read_csv(StringIO(files["expected.csv"])).set_index("name")["estimate"]
    fit = ma.masem(table(), MODEL)
    assert expected["b"] == fit.paths.set_index("label").loc["b", "estimate"]
    assert expected["minus2ll"] == fit.minus_two_log_likelihood


def test_moderators_have_a_column_and_a_number():
    frame = table().assign(year=[1, 1, 1, 4, 4, 4, 6, 6, 6, 9, 9, 9])
    files = path_files(ma.masem(frame, MODEL, moderators={"b": "year"}))
    assert 'moderators <- c("outcome~alliance" = "year")' in files["analysis.R"]
    assert "b_1" in files["expected.csv"]
    assert pd.read_csv(StringIO(files["correlations.csv"]))["year"].tolist() == [
        x - 5 for x in frame["year"]
    ]


def test_names_that_metasem_does_not_take_are_replaced():
    frame = table().replace({"alliance": 'al"liance.x'})
    files = path_files(ma.masem(frame, MODEL.replace("alliance", '`al"liance.x`')))
    assert "v3" in files["analysis.R"]
    assert "liance.x" not in files["analysis.R"] + files["correlations.csv"]


@pytest.mark.parametrize("change", ["several", "sizes"])
def test_what_metasem_lacks_is_refused(change):
    frame = table()
    if change == "several":
        frame = pd.concat([frame, frame.iloc[:1].assign(r=-0.3)])
    else:
        frame.loc[0, "n"] += 5
    with pytest.raises(OptionError, match="no script can repeat") as caught:
        path_files(ma.masem(frame, MODEL))
    assert caught.value.code == "MA683"


def test_command_writes_the_files(call, tmp_path):
    (tmp_path / "correlations.csv").write_text(CORRELATIONS, encoding="utf-8")
    (tmp_path / "model.txt").write_text(MODEL, encoding="utf-8")
    done = call("export-r", "correlations.csv", "--paths", "model.txt", "-o", "out")
    assert done.exit_code == 0, done.output
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "analysis.R", "correlations.csv", "expected.csv",
    }  # fmt: skip
    assert call("export-r", "correlations.csv", "--moderator", "x").exit_code == 2


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_script_is_R(tmp_path):
    path = tmp_path / "analysis.R"
    path.write_text(path_files(ma.masem(table(), MODEL))["analysis.R"], encoding="utf-8")
    words = ["Rscript", "-e", "invisible(parse(commandArgs(TRUE)))", str(path)]
    assert subprocess.run(words, check=False).returncode == 0
