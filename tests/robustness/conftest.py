"""Sheets for multiverses and comparisons."""

from __future__ import annotations

from pathlib import Path

import pytest
from multiverse_sheets import sheet_text

import metaalliance as ma


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "studies.csv"
    path.write_text(sheet_text(), encoding="utf-8")
    return path


@pytest.fixture
def silent_sheet(tmp_path: Path) -> Path:
    path = tmp_path / "silent.csv"
    path.write_text(sheet_text(silent=True), encoding="utf-8")
    return path


@pytest.fixture
def studies(sheet: Path) -> ma.Studies:
    return ma.read_studies(sheet)
