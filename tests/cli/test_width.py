"""Narrow terminals: problems keep the width, tables become blocks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from example_files import book, rows

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


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize(
    ("words", "title", "kept"),
    [
        (("pool", "-q"), "Pooled results", ["Model", "Studies", "r", "95% CI", "p"]),
        (("moderators", "-q", "--by", "modality"), "Moderators",
         ["Moderator", "Studies", "r", "95% CI", "Test", "p"]),
        (("influence", "-q"), "Without each study",
         ["Left out", "r", "95% CI", "Change", "p"]),
        (("bias", "-q"), "Means adjusted", ["Method", "Studies", "Effects", "r", "95% CI", "p"]),
    ],
    ids=lambda x: x[0] if isinstance(x, tuple) else "",
)  # fmt: skip
def test_tables_keep_their_main_columns(monkeypatch, call, tmp_path, words, title, kept, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    sheet = book(tmp_path / "studies.xlsx", rows())
    text = call(words[0], sheet, "--no-figures", *words[1:]).stdout
    text = text[text.index(title) :]
    assert widest(text) <= columns
    head = text.splitlines()[2]
    places = [re.search(rf"(?<!\S){re.escape(name)}(?!\S)", head) for name in kept]
    assert all(places), head
    if (words[0], columns) == ("pool", 80):
        assert {"95% PI", "tau"} <= set(re.split(r" (?=\d|tau)|\s{2,}", head))


def test_a_long_name_breaks_at_its_underscores():
    from metaalliance.report.tables.table import Field, Table, render_text

    names = ("alliance_rater", "outcome_reliability_of_the_sheet", "a modality_of_treatment")
    fields = (Field(key="a", title="Moderator"), *(Field(key=k, title=k) for k in "bc"))
    rows = tuple({"a": name, "b": name, "c": name} for name in names)
    text = render_text(Table(title="", fields=fields, rows=rows), 40)
    parts = [words.split() for words in text.splitlines()]
    for whole in (["alliance_"] * 3, ["rater"] * 3, ["reliability_"] * 3, ["of_treatment"] * 3):
        assert whole in parts
    assert widest(text) <= 40
