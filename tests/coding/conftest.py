"""Workbooks of two coders, made in the test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from metaalliance.sheet.studies import Studies, load_studies

HEADER = ("study", "effect", "r", "n", "alliance_rater", "alliance_time", "outcome_measure",
          "outcome_direction", "modality", "include", "exclusion_reason", "risk_of_bias",
          "mean_age", "notes")  # fmt: skip
#: Seven effects of five studies.
CODED: tuple[dict[str, Any], ...] = (
    {"study": "Adler 1988", "effect": "1", "r": 0.30, "n": 40, "alliance_rater": "client",
     "alliance_time": "early", "outcome_measure": "GAF", "outcome_direction": "higher_better",
     "modality": "CBT", "risk_of_bias": "low", "mean_age": 30.5, "notes": "table 2"},
    {"study": "Adler 1988", "effect": "2", "r": 0.20, "n": 40, "alliance_rater": "therapist",
     "alliance_time": "early", "outcome_measure": "GAF", "outcome_direction": "higher_better",
     "modality": "CBT", "risk_of_bias": "low", "mean_age": 30.5},
    {"study": "Berg 1991", "effect": "1", "r": -0.25, "n": 55, "alliance_rater": "client",
     "alliance_time": "mid", "outcome_measure": "BDI", "outcome_direction": "lower_better",
     "modality": "psychodynamic", "risk_of_bias": "high", "mean_age": 41.0},
    {"study": "Cohn 1999", "effect": "1", "r": 0.12, "n": 60, "alliance_rater": "observer",
     "alliance_time": "late", "outcome_measure": "SCL-90", "outcome_direction": "higher_better",
     "modality": "IPT", "risk_of_bias": "some concerns", "mean_age": 38.2},
    {"study": "Dorn 2004", "effect": "1", "r": 0.41, "n": 33, "alliance_rater": "client",
     "alliance_time": "early", "outcome_measure": "GAF", "outcome_direction": "higher_better",
     "modality": "CBT", "risk_of_bias": "low", "mean_age": 29.0},
    {"study": "Dorn 2004", "effect": "2", "r": 0.36, "n": 33, "alliance_rater": "client",
     "alliance_time": "late", "outcome_measure": "GAF", "outcome_direction": "higher_better",
     "modality": "CBT", "risk_of_bias": "low", "mean_age": 29.0},
    {"study": "Eder 2010", "effect": "1", "r": 0.05, "n": 80, "alliance_rater": "client",
     "alliance_time": "averaged", "outcome_measure": "PHQ-9",
     "outcome_direction": "higher_better", "modality": "systemic",
     "risk_of_bias": "some concerns", "mean_age": 35.0},
)  # fmt: skip

Rows = Sequence[dict[str, Any]]


def changed(*changes: tuple[int, dict[str, Any]], drop: Sequence[int] = ()) -> list[dict[str, Any]]:
    """Return the coded rows with changes by position, without some."""
    rows = [dict(row) for row in CODED]
    for position, change in changes:
        rows[position] |= change
    return [row for i, row in enumerate(rows) if i not in drop]


@pytest.fixture
def change() -> Callable[..., list[dict[str, Any]]]:
    return changed


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write rows as a workbook."""

    def make(name: str, rows: Rows = CODED, header: Sequence[str] | None = None) -> Path:
        book = Workbook()
        sheet = book.active
        sheet.title = "effects"
        columns = header or list(dict.fromkeys([*HEADER, *(c for row in rows for c in row)]))
        sheet.append(list(columns))
        for row in rows:
            sheet.append([row.get(c) for c in columns])
            for cell in sheet[sheet.max_row]:
                if isinstance(cell.value, str):
                    cell.data_type = "s"
        path = tmp_path / name
        book.save(path)
        return path

    return make


@pytest.fixture
def sheets(write) -> Callable[..., list[Studies]]:
    """Read the sheets of coders, errors or not."""

    def make(*coders: Rows, **options: Any) -> list[Studies]:
        return [
            load_studies(write(f"coder{letter}.xlsx", rows), **options)
            for letter, rows in zip("ABCD", coders, strict=False)
        ]

    return make
