"""Nothing crashes or hangs."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from attack_examples import COMMAND, GOOD, errors
from openpyxl import Workbook

import metaalliance as ma
from metaalliance.sheet.read.numbers import parse_number

FAULTY = {
    "n with remark": ("MA302", "C2", "study,r,n\nA,.3,45 (38 completers)\n"),
    "n of 0": ("MA313", "C2", "study,r,n\nA,.3,0\n"),
    "n with fraction": ("MA314", "C2", "study,r,n\nA,.3,45.4\n"),
    "n as inequality": ("MA309", "C2", "study,r,n\nA,.3,>100\n"),
    "df in words": ("MA302", "C2", "study,t,df\nA,2.3,x\n"),
    "df2 in words": ("MA302", "C2", "study,F,df2,sign\nA,2.3,x,+\n"),
    "n1 in words": ("MA302", "C2", "study,d,n1,n2\nA,.3,x,20\n"),
    "R² of the model": ("MA313", "C2", "study,semipartial_r,r2_model,n\nA,.3,1.2,20\n"),
    "SD in words": ("MA302", "C2", "study,b,sd_x,sd_y,n\nA,.3,x,2,20\n"),
    "n of a beta": ("MA302", "C2", "study,beta,n\nA,.3,x\n"),
    "n of chi²": ("MA302", "C2", "study,chi2,n,sign\nA,.3,x,+\n"),
    "predictors": ("MA302", "D2", "study,partial_r,n,n_predictors\nA,.3,40,x\n"),
    "vi": ("MA302", "C2", "study,yi,vi\nA,.3,x\n"),
    "value in words": ("MA302", "C2", "study,statistic,value,n\nA,r,x,40\n"),
    "value in percent": ("MA308", "C2", "study,statistic,value,n\nA,r,35%,40\n"),
}


@pytest.mark.parametrize(("code", "cell", "text"), FAULTY.values(), ids=FAULTY)
def test_faulty_companion_of_a_statistic(load, code, cell, text):
    assert errors(load(text)) == [(code, cell)]


@pytest.mark.parametrize("text", ["*" * 40 + "!", "#" * 40 + " x", "²" * 40 + "?"], ids=len)
def test_row_of_asterisks_hangs(within, text):
    within(3)
    assert parse_number(text).value is None


LIMITS = {
    "limit of 0": "study,odds_ratio,n,ci_low,ci_high\nA,2,40,0,4\n",
    "negative limit": "study,odds_ratio,n,ci_low,ci_high\nA,2,40,-.2,1.4\n",
    "huge limit": "study,log_odds_ratio,n,ci_low,ci_high\nA,.5,40,-.2,1000\n",
}


@pytest.mark.parametrize("text", LIMITS.values(), ids=LIMITS)
def test_impossible_limits_of_an_odds_ratio(load, text):
    assert load(text).errors


def test_odds_ratio_outside_its_limits(load):
    assert [p.code for p in load("study,odds_ratio,n,ci_low,ci_high\nA,2,40,3,4\n").errors] == [
        "MA412"
    ]


@pytest.mark.parametrize("tau", ["0.999999999", "-0.999999999"])
def test_kendall_close_to_one(load, tau):
    assert load(f"study,kendall_tau,n\nA,{tau},30\n").errors


def test_f_with_its_numerator_df_in_df(load):
    studies = load("study,F,df,n,sign\nA,4,1,40,+\n")
    assert studies.errors or ma.effect_sizes(studies).frame.r[0] < 0.4


def test_huge_yi(load):
    studies = load("study,yi,vi\nA,20,.01\n")
    assert studies.errors or ma.effect_sizes(studies).yi[0] == 20


@pytest.fixture
def damaged(tmp_path):
    book = Workbook()
    for row in (["study", "r", "n"], ["A", 0.3, 40]):
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return bytearray(buffer.getvalue())


@pytest.mark.parametrize("position", [60, 242, 1500])
def test_damaged_archive_is_one_sentence(tmp_path, damaged, position):
    path = tmp_path / "t.xlsx"
    for byte in (0, 255):
        damaged[position] = byte
        path.write_bytes(bytes(damaged))
        with contextlib.suppress(ma.UnreadableFileError):
            ma.load_studies(path)


@pytest.mark.parametrize("header", ["weight_percent"])
def test_own_column_with_a_name_of_the_results(call, tmp_path, header):
    rows = f"study,r,n,{header}\nA,.3,40,5\nB,.2,50,6\nC,.1,60,7\n"
    (tmp_path / "t.csv").write_text(rows)
    assert call("pool", "t.csv", "--no-figures").exit_code == 0


def test_own_column_called_row_hides_the_row_number(load):
    effects = ma.effect_sizes(load("study,r,n,row\nA,.3,40,x\n"))
    assert effects.frame["row"].tolist() == [2]


@pytest.mark.parametrize(("name", "code"), [(".", 3), ("/", 3), ("", 2)])
def test_pool_of_a_folder_by_a_name_without_stem(call, name, code):
    assert call("pool", name, "--no-figures").exit_code == code


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes")
@pytest.mark.parametrize("command", ["pool"])
def test_file_name_that_is_no_unicode(tmp_path, command):
    name = os.fsencode(tmp_path) + b"/caf\xe9.csv"
    Path(os.fsdecode(name)).write_text(GOOD)
    done = subprocess.run(
        [*COMMAND, command, name, "--json"], capture_output=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0
    json.loads(done.stdout.decode("utf-8"))


@pytest.mark.parametrize("files", ["null", "5"])
def test_strange_record_of_the_last_run(call, good, tmp_path, files):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.json").write_text(f'{{"tool": "metaalliance", "files": {files}}}')
    assert call("pool", good, "--no-figures", "-o", "out").exit_code in {0, 2}


@pytest.mark.parametrize("line", ["ignore = 5", "ignore = true"])
def test_strange_configuration(call, good, tmp_path, line):
    (tmp_path / "metaalliance.toml").write_text(line + "\n")
    assert call("validate", good).exit_code == 2
