"""No row is lost."""

from __future__ import annotations

import math

import pytest
from attack_examples import errors

import metaalliance as ma


def test_unclosed_quote_swallows_rows(load):
    text = 'study,r,n,notes\nA,.3,40,"see p. 2\nB,.2,50,\nC,.1,60,"ok"\nD,.25,45,\n'
    try:
        studies = load(text)
    except ma.UnreadableFileError:
        return
    assert len(studies.rows) == 4 or studies.errors


def test_rows_above_a_second_larger_table_are_lost(xlsx):
    rows = [["study", "r", "n"], ["A", 0.3, 40], ["B", 0.2, 50], [],
            ["study", "r", "n", "modality"], ["C", 0.1, 60, "CBT"]]  # fmt: skip
    studies = xlsx({"effects": rows})
    assert "A" in [r.study for r in studies.rows] or studies.errors


@pytest.mark.parametrize("policy", ["zero", "drop"])
def test_ns_beside_a_reported_statistic_wins_over_it(load, policy):
    studies = load("study,r,n,t,df\nA,n.s.,40,1.2,38\nB,.3,40,,\n", nonsignificant=policy)
    assert ma.effect_sizes(studies).frame.r[0] == pytest.approx(1.2 / math.sqrt(1.44 + 38))


def test_ns_beside_the_named_statistic(load):
    assert errors(load("study,statistic,r,n,t,df\nA,t,n.s.,40,1.2,38\n")) == []


def test_exclusion_on_the_studies_sheet_is_ignored(xlsx):
    studies = xlsx(
        {
            "effects": [["study", "r", "n"], ["A", 0.3, 40], ["B", 0.2, 50]],
            "studies": [["study", "include", "exclusion_reason"], ["A", "no", "no RCT"]],
        }
    )
    said = any(p.column == "include" for p in studies.problems)
    assert [r.study for r in studies.used] == ["B"] or said


def test_values_without_a_header_are_silently_ignored(load):
    studies = load("study,r,n\nSmith,0,35,40\nB,0.2,50\n")  # 0,35 was meant
    assert [p for p in studies.problems if p.code != "MA504"]


def test_values_in_a_column_without_a_header_are_silently_ignored(xlsx):
    studies = xlsx({"effects": [["study", "r", "n", None], ["A", 0.3, 40, 0.9]]})
    assert [p for p in studies.problems if p.code != "MA504"]


LEDGER = {
    "excluded row without study": ("study,r,n,include\n,.2,40,no\nB,.2,40,\n", "error"),
    "dropped row with an error": (
        "study,r,n,alliance_rater\nA,n.s.,40,foo\nB,.2,40,client\n",
        "drop",
    ),
    "two dropped rows of one study": ("study,r,n\nA,n.s.,40\nA,n.s.,40\nB,.2,40\n", "drop"),
}


@pytest.mark.parametrize(("text", "policy"), LEDGER.values(), ids=LEDGER)
def test_rows_read_are_used_plus_excluded_plus_in_error(load, text, policy):
    studies = load(text, nonsignificant=policy)
    found = {p.row for p in studies.errors} & {r.number for r in studies.rows}
    assert len(studies.rows) == len(studies.used) + len(studies.excluded) + len(found)


def test_error_of_the_studies_sheet_marks_another_row(xlsx):
    effects = [["study", "r", "n"], ["A", 0.3, 40], ["B", 0.2, 50], ["C", 0.25, 45]]
    sheet = [["study", "modality"], ["C", "CBT"], ["B", "CBT"], ["A", "CBTT"]]
    studies = xlsx({"effects": effects, "studies": sheet})
    assert "C" in [r.study for r in studies.used]
