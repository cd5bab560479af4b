"""Cells that no effect needs do not refuse a sheet."""

from __future__ import annotations

import pytest

import metaalliance as ma


@pytest.fixture
def read(tmp_path):
    """Read one line under `study,r,n` and one more column."""

    def load(column, cell, statistic="r", value=".3"):
        path = tmp_path / "studies.csv"
        path.write_text(f"study,{statistic},n,{column}\nA,{value},40,{cell}\nB,{value},50,\n")
        return ma.load_studies(path)

    return load


@pytest.mark.parametrize("cell", [".78-.91", "78", ".93 (total)", "good", "-.2"])
@pytest.mark.parametrize("column", ["alliance_reliability", "outcome_reliability"])
def test_a_reliability_that_is_no_number_is_missing(read, column, cell):
    studies = read(column, cell)
    assert studies.errors == ()
    assert studies.rows[0].get(column) is None
    (found,) = [p for p in studies.problems if p.code == "MA126"]
    assert (found.severity, found.cell) == ("warning", "D2")
    assert ("0.78" in found.hint) == (cell == "78")


def test_a_reliability_may_be_a_percentage(read):
    studies = read("alliance_reliability", "78%")
    assert studies.rows[0].get("alliance_reliability") == 0.78
    assert "MA311" in [p.code for p in studies.problems]


@pytest.mark.parametrize(("column", "cell"), [
    ("tails", "two"), ("tails", "3"), ("tails", "1.5"), ("p", "sig."), ("p", "see text"),
])  # fmt: skip
def test_p_and_its_tails_are_not_needed_beside_r(read, column, cell):
    studies = read(column, cell)
    assert studies.errors == ()
    assert [p.severity for p in studies.problems if p.cell == "D2"] in (["warning"], ["note"])
    assert len(studies.used) == 2


def test_tails_are_needed_where_p_is_converted(read):
    studies = read("tails,sign", "two,+", "p", ".03")
    assert [p.cell for p in studies.errors if p.code == "MA302"] == ["D2"]
