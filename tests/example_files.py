"""The files that the examples of `metaalliance COMMAND --help` name, made small."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from imported_sheets import WIDE
from openpyxl import Workbook, load_workbook
from typer.testing import CliRunner

from metaalliance.cli.app import app

HEAD = ("study", "effect", "year", "r", "n", "outcome_direction", "alliance_rater", "modality",
        "alliance_reliability", "alliance_items")  # fmt: skip
#: Levels with letters that plain encodings lack are kept as they are.
MODALITIES = ("CBT", "psychodynamic", "humanistic")


def rows(drop: int = 0) -> list[tuple[object, ...]]:
    """Return effects of 18 studies, one or two of each, less some of the last studies."""
    random, others = np.random.default_rng(11), np.random.default_rng(13)
    found: list[tuple[object, ...]] = []
    for study in range(18):
        n = int(random.integers(35, 160))
        for effect in range(1 + study % 2):
            r = float(np.tanh(0.27 + 0.16 * random.standard_normal()))
            name = f"Dvořák {2000 + study}" if study == 7 else f"Author {chr(65 + study)}"
            found.append((name, effect + 1, 2000 + study, round(r, 3), n, "higher_better",
                          ("client", "therapist")[effect], MODALITIES[study % 3],
                          round(float(others.uniform(0.86, 0.95)), 2), 36))  # fmt: skip
    return [row for row in found if row[2] < 2018 - drop]


def book(path: Path, content: list[tuple[object, ...]]) -> Path:
    made = Workbook()
    sheet = made.active
    sheet.title = "effects"
    for row in (HEAD, *content):
        sheet.append(row)
    made.save(path)
    return path


def correlations(path: Path) -> Path:
    """Write correlations of three variables in 16 studies."""
    random = np.random.default_rng(12)
    made = Workbook()
    sheet = made.active
    sheet.append(("study", "year", "var1", "var2", "r", "n"))
    pairs = (("severity", "alliance", -0.2), ("alliance", "outcome", 0.3),
             ("severity", "outcome", -0.3))  # fmt: skip
    for study in range(16):
        n, name = int(random.integers(40, 160)), f"Author {chr(65 + study)}"
        for one, two, rho in pairs:
            r = float(np.tanh(np.arctanh(rho) + 0.15 * random.standard_normal()))
            sheet.append((name, 2000 + study, one, two, round(r, 3), n))
    made.save(path)
    return path


def settle(path: Path) -> None:
    """Take the coding of the first coder everywhere."""
    made = load_workbook(path)
    for title, column, value in (("conflicts", "final", "A"), ("rows", "decision", "keep")):
        sheet = made[title]
        place = next(c.column for c in sheet[1] if c.value == column)
        for number in range(2, sheet.max_row + 1):
            sheet.cell(number, place).value = value
    made.save(path)


def write_all(folder: Path) -> Path:
    """Write every file that an example reads, with what earlier commands leave."""
    first = book(folder / "studies.xlsx", rows())
    book(folder / "old.xlsx", rows(drop=2))
    other = [(*row[:3], row[3] + 0.05, *row[4:]) if row[2] == 2003 else row for row in rows()]
    coders = (book(folder / "coder_a.xlsx", rows()), book(folder / "coder_b.xlsx", other))
    correlations(folder / "correlations.xlsx")
    model = "outcome ~ b*alliance + severity\nalliance ~ a*severity\nindirect := a*b\n"
    (folder / "model.txt").write_text(model, encoding="utf-8")
    (folder / "wide.csv").write_text(WIDE, encoding="utf-8")
    for words in (("pool", first), ("bias", first)):
        done = CliRunner().invoke(app, [*map(str, words), "--no-figures", "-q"])
        assert done.exit_code == 0, done.output
    settled = folder / "settled.xlsx"
    done = CliRunner().invoke(app, ["agree", *map(str, coders), "-o", str(settled)])
    assert done.exit_code == 0, done.output
    settle(settled)
    return folder
