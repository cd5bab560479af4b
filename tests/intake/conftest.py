"""Sheets of other houses: written as text, taken from `init` to `pool`."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from openpyxl import Workbook
from typer.testing import CliRunner

import metaalliance as ma
from metaalliance.cli.app import app


@dataclass(frozen=True)
class Taken:
    """What came of a sheet.

    Attributes
    ----------
    r : float
        The pooled correlation.
    studies : Studies
        The sheet as it was read.
    said : str
        What `init` said.
    lines : str
        The configuration.
    touched : int
        Lines that a person changed.
    """

    r: float
    studies: ma.Studies
    said: str
    lines: str
    touched: int


def table(text: str) -> list[list[object]]:
    """Rows of a table whose cells are parted by |; numbers as numbers."""

    def typed(cell: str) -> object:
        cell = cell.strip()
        try:
            return int(cell) if cell.lstrip("-").isdigit() else float(cell)
        except ValueError:
            return cell or None

    lines = [line.strip() for line in text.strip().splitlines()]
    return [[typed(cell) for cell in line.split("|")] for line in lines]


def pooled(studies: ma.Studies) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ma.MetaAllianceWarning)  # few studies are meant
        return float(ma.pool(ma.effect_sizes(studies)).to_dict()["pooled"]["r"]["estimate"])


@pytest.fixture
def sheet(tmp_path: Path) -> Callable[..., Path]:
    """Write a table as .csv (`;` for decimal commas) or as .xlsx with several sheets."""

    def write(text: str, *, comma: bool = False) -> Path:
        stream = io.StringIO()
        writer = csv.writer(stream, delimiter=";" if comma else ",")
        for row in table(text):
            writer.writerow(str(c).replace(".", ",") if comma and isinstance(c, float) else c
                            for c in row)  # fmt: skip
        path = tmp_path / "own.csv"
        path.write_text(stream.getvalue(), encoding="utf-8")
        return path

    return write


@pytest.fixture
def workbook(tmp_path: Path) -> Callable[..., Path]:
    """Write a workbook from tables by sheet, and merge ranges of its first sheet."""

    def write(tables: dict[str, str], merge: Sequence[str] = ()) -> Path:
        book = Workbook()
        book.remove(book.active)
        for name, text in tables.items():
            page = book.create_sheet(name)
            for row in table(text):
                page.append(row)
        for area in merge:
            book.worksheets[0].merge_cells(area)
        path = tmp_path / "own.xlsx"
        book.save(path)
        return path

    return write


@pytest.fixture
def take() -> Callable[..., Taken]:
    """Run `init`, change the lines that a person has to, load and pool.

    A change is a pair of texts; an uncommented line counts as one.
    """

    def run(path: Path, changes: Sequence[tuple[str, str]] = ()) -> Taken:
        result = CliRunner().invoke(app, ["init", str(path)])
        assert result.exit_code == 0, result.output
        config = path.parent / "metaalliance.toml"
        text = config.read_text(encoding="utf-8")
        for before, after in changes:
            assert text.count(before) == 1, text
            text = text.replace(before, after)
        config.write_text(text, encoding="utf-8")
        studies = ma.read_studies(path, config=config)
        return Taken(pooled(studies), studies, result.stdout, text, len(changes))

    return run


@pytest.fixture
def truth(tmp_path: Path) -> Callable[[str], float]:
    """Pooled r of a table with the columns of the specification."""

    def of(text: str) -> float:
        path = tmp_path / "truth.csv"
        rows = table(text)
        path.write_text("\n".join(",".join(map(str, row)) for row in rows), encoding="utf-8")
        return pooled(ma.read_studies(path))

    return of


@pytest.fixture
def load(tmp_path):
    """Read text as .csv; settings are those of a configuration."""

    def read(text, **settings):
        path = tmp_path / "s.csv"
        path.write_text(text, encoding="utf-8")
        return ma.load_studies(path, config=ma.config.parse_config(settings))

    return read
