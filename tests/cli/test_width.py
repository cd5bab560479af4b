"""Narrow terminals: problems keep the width, tables become blocks."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaalliance.report.tables.table import text_width

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture
def narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")


def widest(text):
    return max(map(text_width, text.splitlines()))


def test_problems_keep_the_width(narrow, call):
    result = call("validate", DATA / "simulated_with_problems.xlsx", "--all")
    assert result.exit_code == 1
    assert widest(result.stdout) <= 50


def test_explanation_keeps_the_width(narrow, call):
    assert widest(call("explain", "MA402").stdout) <= 50


def test_table_becomes_blocks(narrow, call, nested):
    table = call("pool", nested, "--no-figures", "-q").stdout.split("Pooled results")[1]
    assert widest(table) <= 50


def test_errors_of_pool_keep_the_width(narrow, call):
    message = call("pool", DATA / "simulated_with_problems.xlsx").stderr
    assert widest("\n".join(message.splitlines()[:-1])) <= 50


@pytest.mark.parametrize("columns", ["0", "-5", "1", "x", "100000"])
def test_strange_widths_do_no_harm(monkeypatch, call, bad, columns):
    monkeypatch.setenv("COLUMNS", columns)
    assert call("validate", bad).exit_code == 1
