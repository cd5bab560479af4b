"""What components, estimands and path models refuse of a workbook: sheet, code, message."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest
from command_line import call

BOOK = Path(__file__).resolve().parents[3] / "data" / "simulated_three_questions.xlsx"
PARTS = ("components", "--only", "bond", "--only", "task", "--only", "goal", "--estimand", "total")
PATHS = ("mediation", "--sheet", "paths")
MEDIATOR = (*PATHS, "--mediator", "alliance")
MODEL = "outcome ~ b*alliance + c*severity\nalliance ~ a*severity\n"


def column(sheet, name):
    return next(cell.column for cell in sheet[3] if cell.value == name)


def put(sheet_name, name, value, rows=(4,), where=None):
    """A change of cells of a column: in rows, or where another column has a value."""

    def change(book):
        sheet = book[sheet_name]
        chosen = rows
        if where is not None:
            at, wanted = column(sheet, where[0]), where[1]
            chosen = [i for i in range(4, sheet.max_row + 1) if sheet.cell(i, at).value == wanted]
        for i in chosen:
            sheet.cell(i, column(sheet, name)).value = value

    return change


def contradict(book):
    """The first study with three correlations has impossible ones; returns its name."""
    sheet = book["paths"]
    r = column(sheet, "r")
    names = [sheet.cell(i, 1).value for i in range(4, sheet.max_row + 1)]
    first = next(i for i in range(len(names) - 2) if names[i] == names[i + 2]) + 4
    for i, value in zip(range(first, first + 3), (-0.9, 0.9, 0.9), strict=True):
        sheet.cell(i, r).value = value  # severity with the alliance, and symptoms with each
    return sheet.cell(first, 1).value


def no_pair(book):
    """No row says how severity goes with the alliance."""
    sheet = book["paths"]
    for i in range(sheet.max_row, 3, -1):
        if (sheet.cell(i, 2).value, sheet.cell(i, 3).value) == ("severity", "alliance"):
            sheet.delete_rows(i)


def of_model(text, *more):
    return (*PATHS, "--model", text, *more)


REFUSED = {
    # components
    "a total beside its parts": (
        ("components", "--estimand", "total"), None, 2, "MA694", "--only bond --only task"),
    "a component of one study": (
        ("components", "--estimand", "total", "--only", "bond", "--only", "repair"),
        put("effects", "alliance_subscale", "repair", rows=(6,)), 4, "MA695", "one study"),
    "one component": (
        ("components", "--estimand", "total", "--only", "bond"), None, 4, "MA695", "two"),
    "a component that is not there": (
        ("components", "--estimand", "total", "--only", "bonds"), None, 2, "MA690", "'bond'"),
    "a structure that is not there": ((*PARTS, "--structure", "AR"), None, 2, "MA690", "AR"),
    "a model of one mean": ((*PARTS, "--model", "two-level"), None, 2, "MA690", "two-level"),
    "scores that contradict each other": (
        PARTS, put("correlations", "r", -0.98), 4, "MA628", "contradict each other"),
    "no correlation": (PARTS, put("correlations", "r", 1.2), 1, "MA228", "D4"),
    "no column of the other variable": (
        (*PARTS, "--against", "outcomes"), None, 2, "MA690", "outcomes"),
    # estimands
    "a mean of several estimands": (("pool",), None, 1, "MA509", "total (75 rows)"),
    "components of several estimands": (PARTS[:-2], None, 1, "MA509", "within_patient (14 rows)"),
    "a path model of several estimands": (
        ("mediation", "--mediator", "alliance"), None, 1, "MA509", "--estimand total"),
    "a path model of each estimand": (
        ("mediation", "--mediator", "alliance", "--estimand", "each"), None, 4, "MA509",
        "different questions"),
    # path models
    "rows that name no variables": (
        ("mediation", "--mediator", "alliance", "--estimand", "total"), None, 1, "MA400",
        "var1 and var2"),
    "correlations that contradict each other": (MEDIATOR, contradict, 4, "MA723", "contradict"),
    "a latent variable": (of_model("bond =~ alliance"), None, 2, "MA720", "=~"),
    "an equality of paths": (of_model(f"{MODEL}a == b"), None, 2, "MA720", "=="),
    "a variable that is not there": (
        of_model("outcome ~ trust + severity"), None, 2, "MA721", "trust"),
    "a pair that nobody reports": (MEDIATOR, no_pair, 4, "MA721", "severity"),
    "a moderator with blanks": (
        (*MEDIATOR, "--moderator", "time1"), put("paths", "time1", None), 4, "MA726", "time1"),
    "a moderator of a path that is not there": (
        (*MEDIATOR, "--moderator", "d=n"), None, 2, "MA726", "d"),
    "more paths than pairs": (
        of_model(f"{MODEL}severity ~ d*outcome"), None, 4, "MA727", "path"),
    "corrections for attenuation": (
        (*MEDIATOR, "--attenuation", "alliance", "--alliance-reliability", "0.9"), None, 2,
        "MA690", "attenuation"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "change", "exit_code", "code", "said"), REFUSED.values(), ids=REFUSED
)
def test_refused_with_code_and_message(tmp_path, words, change, exit_code, code, said):
    path = tmp_path / "s.xlsx"
    if change is None:
        path.write_bytes(BOOK.read_bytes())
    else:
        changed = openpyxl.load_workbook(BOOK)
        study = change(changed)
        said = study or said
        changed.save(path)
    words = list(words)
    if "--model" in words and words[0] == "mediation":
        at = words.index("--model") + 1
        (tmp_path / "model.txt").write_text(words[at], encoding="utf-8")
        words[at] = str(tmp_path / "model.txt")
    done = call(words[0], path, *words[1:], "--no-figures", "--json", "-o", tmp_path / "out")
    found = json.loads(done.stdout)
    told = [found["error"], *found.get("problems", [])]
    assert done.exit_code == exit_code
    assert any(p["code"] == code and said in json.dumps(p, ensure_ascii=False) for p in told), told
    assert not list((tmp_path / "out").glob("*.xlsx"))
