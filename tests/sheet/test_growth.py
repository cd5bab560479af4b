"""Reading a sheet takes steps in proportion to its rows: counted, not timed."""

from __future__ import annotations

import pytest

import metaalliance as ma
from metaalliance.sheet.rows import Row

HEADER = "study,year,n,r,sample,outcome_direction,modality,coded by,sessions\n"


def steps(path, count, monkeypatch):
    """How often a cell is asked for while a sheet of `count` rows is read."""
    asked = 0
    get = Row.get

    def counted(row, column):
        nonlocal asked
        asked += 1
        return get(row, column)

    lines = (
        f"Study {i // 3} 2001,2001,{40 + i % 97},.{10 + i % 40},"
        f"s{i % 2},higher_better,CBT,AB,{i % 9}\n"
        for i in range(count)
    )
    path.write_text(HEADER + "".join(lines))
    with monkeypatch.context() as patch:
        patch.setattr(Row, "get", counted)
        assert not ma.load_studies(path).errors
    return asked


def test_steps_grow_with_the_rows(tmp_path, monkeypatch):
    few, many = (steps(tmp_path / "s.csv", k, monkeypatch) for k in (300, 1200))
    assert many / few == pytest.approx(4, rel=0.15)
