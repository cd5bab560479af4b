"""Reports that stay apart, and cells that are missing, or are not."""

from __future__ import annotations

import pytest

import metaalliance as ma
from metaalliance.problems import Problem
from metaalliance.sheet.studies import Studies, load_studies


@pytest.fixture
def load(tmp_path):
    def read(text: str, **settings) -> Studies:
        path = tmp_path / "sheet.csv"
        path.write_text(text, encoding="utf-8")
        return load_studies(path, **settings)

    return read


def found(studies: Studies, code: str) -> list[Problem]:
    return [p for p in studies.problems if p.code == code]


def errors(studies: Studies) -> list[tuple[str, str | None]]:
    return [(p.code, p.cell) for p in studies.errors]


def values(studies: Studies, column: str) -> list[object]:
    return [row.get(column) for row in studies.rows]


# Columns that decide a sign, a number or a row -------------------------------------------------

DECIDES = ["outcome_direction", "alliance_direction", "include", "estimand"]


@pytest.mark.parametrize("column", DECIDES)
@pytest.mark.parametrize("mark", ["-", "–", "?", ".", "/", "none", "None"])
def test_mark_in_a_column_that_decides_is_refused(load, column, mark):
    studies = load(f"study,r,n,{column}\nA,.3,40,{mark}\nB,.2,40,\n")
    assert errors(studies) == [("MA331", "D2")]


@pytest.mark.parametrize("column", DECIDES)
@pytest.mark.parametrize("word", ["NA", "n/a", "NR", "k.A."])
def test_missing_word_in_a_column_that_decides_is_missing(load, column, word):
    studies = load(f"study,r,n,{column}\nA,.3,40,{word}\nB,.2,40,\n")
    assert not studies.errors
    assert [p.cell for p in found(studies, "MA310")] == ["D2"]


def test_mark_for_the_tails_or_the_scale_of_an_effect_is_refused(load):
    text = "study,p,n,sign,tails,yi,vi,yi_measure\nA,.03,40,+,-,,,\nB,,,,,.2,.02,-\n"
    assert errors(load(text)) == [("MA331", "E2"), ("MA331", "H3")]


def test_mark_for_what_the_effect_does_not_need_is_a_note(load):
    studies = load("study,r,n,p,tails,yi_measure\nA,.3,40,.06,-,\nB,.2,40,,2,-\n")
    assert not studies.errors
    assert [p.severity for p in found(studies, "MA331")] == ["note", "note"]
