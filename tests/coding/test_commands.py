"""`agree` and `reconcile` as their users run them, and the example of the documentation."""

from __future__ import annotations

import json
import re
from pathlib import Path

import openpyxl
import pytest

from metaalliance.cli.request import Request
from metaalliance.cli.sheets.agree import run_agree
from metaalliance.cli.sheets.reconcile import run_reconcile
from metaalliance.errors import EstimationError, OptionError, StudyDataError
from metaalliance.sheet.studies import read_studies

DOCUMENT = Path(__file__).parents[2] / "docs" / "sheets" / "double_coding.md"


def agree(*paths, key=None, level=None, every=False, **changes):
    request = Request(**changes)
    own = {"key": key, "level": level, "every": every}
    return run_agree(request, paths, **own)


def reconcile(path, output, **changes):
    return run_reconcile(Request(**changes), path, output)


def settled(path, choice="A", decision="keep"):
    book = openpyxl.load_workbook(path)
    for title, column, value in (("conflicts", "final", choice), ("rows", "decision", decision)):
        sheet = book[title]
        place = next(c.column for c in sheet[1] if c.value == column)
        for number in range(2, sheet.max_row + 1):
            sheet.cell(number, place).value = value
    book.save(path)


@pytest.fixture
def pair(write, change):
    other = change((0, {"r": 0.35}), (2, {"modality": "IPT"}), drop=[6])
    return write("coderA.xlsx", change()), write("coderB.xlsx", other)


def test_agree_prints_and_writes(pair, capsys, tmp_path):
    assert agree(*pair) == 0
    out, err = capsys.readouterr()
    assert "6 effects matched (6 by effect id)" in out
    assert "Eder 2010: no other coder has this study" in out
    assert "2 conflicts: 1 move the pooled r" in out
    assert "Pooled r of each coder" in out
    assert err.startswith(f"Wrote {tmp_path / 'agreement_conflicts.xlsx'}")
    assert (tmp_path / "agreement_conflicts.xlsx").exists()


def test_every_variable_on_request(pair, capsys):
    agree(*pair, every=True, quiet=True)
    out, err = capsys.readouterr()
    assert re.search(r"^alliance_rater +6 +100\.0", out, re.MULTILINE)
    assert err == ""


def test_json_is_one_document(pair, capsys, tmp_path):
    agree(*pair, json_output=True, output=tmp_path / "settle.xlsx")
    document = json.loads(capsys.readouterr().out)
    assert {"schema_version", "command", "coders", "matching", "variables", "pooled", "conflicts",
            "files"} <= set(document)  # fmt: skip
    assert (document["schema_version"], document["command"]) == (1, "agree")
    assert [c["coder"] for c in document["coders"]] == ["A", "B"]
    assert document["matching"]["matched"] == 6
    r = next(v for v in document["variables"] if v["name"] == "r")
    assert r["exact"] == pytest.approx(5 / 6)
    assert r["icc"]["name"] == "ICC(A,1)"
    rater = next(v for v in document["variables"] if v["name"] == "alliance_rater")
    assert rater["coefficients"][0]["ci_low"] is None
    assert document["conflicts"][0]["values"] == [0.3, 0.35]
    assert document["files"] == ["settle.xlsx"]


def test_key_and_level(pair, capsys, tmp_path):
    options = {"key": "study, alliance_rater,alliance_time", "level": 0.9}
    agree(*pair, json_output=True, output=tmp_path / "settle.xlsx", **options)
    document = json.loads(capsys.readouterr().out)
    assert document["matching"]["matched_by"] == {"key": 6}
    assert document["settings"]["level"] == 0.9
    with pytest.raises(OptionError, match="level"):
        agree(*pair, level=95, force=True)


def test_decisions_are_not_overwritten(pair, tmp_path):
    agree(*pair)
    with pytest.raises(OptionError, match="may hold decisions") as caught:
        agree(*pair)
    assert caught.value.code == "MA691"
    assert agree(*pair, force=True) == 0
    with pytest.raises(OptionError, match="one of the sheets"):
        agree(*pair, output=pair[0], force=True)
    with pytest.raises(OptionError, match=r"\.xlsx"):
        agree(*pair, output=tmp_path / "settle.csv")


def test_refused(pair, write, change):
    with pytest.raises(OptionError, match="two or more"):
        agree(pair[0])
    with pytest.raises(OptionError, match="standard input"):
        agree(pair[0], Path("-"))
    stranger = write("x.xlsx", [{**row, "study": f"{row['study']}9", "n": 99} for row in change()])
    with pytest.raises(EstimationError, match=r"No row of .* could be matched") as caught:
        agree(pair[0], stranger)
    assert caught.value.code == "MA640"
    assert "B has 'Adler 19889'" in str(caught.value)


def test_reconcile_after_decisions(pair, capsys, tmp_path):
    agree(*pair)
    conflicts, team = tmp_path / "agreement_conflicts.xlsx", tmp_path / "studies.xlsx"
    assert reconcile(conflicts, team) == 1
    _, err = capsys.readouterr()
    assert "conflicts!K2" in err
    assert "Nothing was written." in err
    assert not team.exists()
    with pytest.raises(StudyDataError):
        reconcile(conflicts, team, json_output=True)
    settled(conflicts)
    assert reconcile(conflicts, team) == 0
    assert "7 rows, audit sheet" in capsys.readouterr().err
    assert len(read_studies(team).rows) == 7
    with pytest.raises(OptionError, match="exists already"):
        reconcile(conflicts, team)
    assert reconcile(conflicts, team, force=True, json_output=True, quiet=True) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["result"]["rows_used"] == 7
    with pytest.raises(OptionError, match="conflicts workbook itself"):
        reconcile(conflicts, conflicts, force=True)


def test_the_codebook_of_the_first_coder_reaches_the_team(pair, tmp_path):
    book = openpyxl.load_workbook(pair[0])
    sheet = book.create_sheet("codebook")
    sheet.append(["column", "level", "aliases"])
    sheet.append(["modality", "bodywork", "dance"])
    book["effects"]["I2"], book["effects"]["I3"] = "dance", "dance"
    book.save(pair[0])
    agree(*pair)
    conflicts, team = tmp_path / "agreement_conflicts.xlsx", tmp_path / "studies.xlsx"
    settled(conflicts)
    assert reconcile(conflicts, team) == 0
    assert read_studies(team).rows[0].get("modality") == "bodywork"


def test_headers_of_the_team(write, change, tmp_path):
    (tmp_path / "metaalliance.toml").write_text(
        'moderators = ["School"]\n[columns]\nr = "Effect"\nstudy = "Paper"\n', encoding="utf-8"
    )
    rows = change((0, {"School": "x"}))
    named = [
        {{"r": "Effect", "study": "Paper"}.get(k, k): v for k, v in row.items() if k != "effect"}
        for row in rows
    ]
    header = list(dict.fromkeys(c for row in named for c in row))
    agree(write("coderA.xlsx", named, header), write("coderB.xlsx", named, header))
    team = tmp_path / "studies.xlsx"
    assert reconcile(tmp_path / "agreement_conflicts.xlsx", team) == 0
    studies = read_studies(team, config=tmp_path / "metaalliance.toml")
    assert len(studies.used) == 7
    assert studies.rows[0].get("School") == "x"
    assert openpyxl.load_workbook(team)["effects"]["A1"].value == "Paper"


def test_text_of_the_coders_cannot_reach_the_terminal(write, change, capsys):
    label = "Eder\x1b[31m 2010"
    a = change((6, {"study": "Eder\u202e 2010"}), (0, {"country": "x"}))
    b = change((6, {"study": "Falk 2012"}), (0, {"country": label.replace("\x1b", "")}))
    agree(write("a.xlsx", a), write("b.xlsx", b))
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_the_example_of_the_documentation(tmp_path, monkeypatch, capsys):
    text = DOCUMENT.read_text(encoding="utf-8")
    sheets = re.findall(r"`(coder\w\.csv)`:\n\n```csv\n(.*?)```", text, re.DOTALL)
    for name, content in sheets:
        (tmp_path / name).write_text(content, encoding="utf-8")
    shown = re.search(r"\$ metaalliance agree coderA\.csv coderB\.csv\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    agree(*(Path(name) for name, _ in sheets))
    assert capsys.readouterr().out == shown[1]
