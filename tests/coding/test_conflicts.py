"""What a disagreement is worth: the same as when the other value stands in the sheet."""

from __future__ import annotations

import math
import warnings

import pytest

from metaalliance.coding.conflicts import conflicts
from metaalliance.coding.impact import MAKES_EFFECT
from metaalliance.coding.matching import match_rows
from metaalliance.effects.convert import effect_sizes
from metaalliance.models.pool import pool
from metaalliance.sheet.studies import load_studies

#: Two searches for one optimum, from two starts. Seen: 2e-16.
TOLERANCE = 1e-11

DISAGREEMENTS = [
    (0, {"r": 0.35}),
    (1, {"n": 52, "alliance_time": "mid"}),
    (2, {"outcome_direction": "higher_better"}),
    (3, {"include": "no", "exclusion_reason": "same sample"}),
    (4, {"alliance_rater": "observer"}),
    (6, {"r": None, "t": 0.45, "mean_age": 36.0}),
]


def pooled_r(studies):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return math.tanh(pool(effect_sizes(studies)).estimate)


def found_in(sheets, *coders, **options):
    return conflicts(match_rows(sheets(*coders, **options)))


def test_every_disagreement_is_one_conflict(sheets, change):
    found = found_in(sheets, change(), change(*DISAGREEMENTS))
    assert sorted(c.variable for c in found) == [
        "alliance_rater", "alliance_time", "include", "mean_age", "n", "outcome_direction", "r",
        "r", "t",
    ]  # fmt: skip
    assert [c.id for c in found] == [f"C00{i}" for i in range(1, 10)]
    (include,) = (c for c in found if c.variable == "include")
    assert include.values == (None, "no")
    assert include.cells == ("effects!J5", "effects!J5")
    assert include.matches == (4,)


def test_impact_is_that_of_a_changed_sheet(sheets, change, write):
    found = found_in(sheets, change(), change(*DISAGREEMENTS))
    base = pooled_r(load_studies(write("base.xlsx", change())))
    checked = 0
    for conflict in found:
        if conflict.variable not in MAKES_EFFECT or math.isnan(conflict.impact):
            continue
        position = conflict.matches[0] - 1
        rows = change((position, {conflict.variable: conflict.values[1]}))
        rows[position]["exclusion_reason"] = "x"
        moved = pooled_r(load_studies(write("moved.xlsx", rows)))
        assert conflict.impact == pytest.approx(moved - base, abs=TOLERANCE)
        checked += 1
    assert checked == 5  # r, n, direction, include, and t beside an r


def test_impact_of_the_row_is_that_of_all_its_values(sheets, change, write):
    found = found_in(sheets, change(), change(*DISAGREEMENTS))
    base = pooled_r(load_studies(write("base.xlsx", change())))
    (gone,) = (c for c in found if c.variable == "r" and c.matches == (7,))
    assert math.isnan(gone.impact)
    assert "the row has no statistic" in gone.reason
    moved = pooled_r(load_studies(write("moved.xlsx", change((6, {"r": None, "t": 0.45})))))
    assert gone.row_impact == pytest.approx(moved - base, abs=TOLERANCE)


def test_sorted_by_impact_with_moderators_last(sheets, change):
    found = found_in(sheets, change(), change(*DISAGREEMENTS))
    sizes = [abs(c.row_impact if math.isnan(c.impact) else c.impact) for c in found]
    assert sizes == sorted(sizes, reverse=True)
    assert found[0].variable == "outcome_direction"
    assert {c.variable for c in found if c.impact == 0} == {
        "t", "alliance_rater", "alliance_time", "mean_age",
    }  # fmt: skip


def test_a_row_that_the_first_coder_excludes(sheets, change, write):
    without = change((3, {"include": "no", "exclusion_reason": "n.a."}))
    (conflict,) = found_in(sheets, without, change())
    difference = pooled_r(load_studies(write("in.xlsx", change()))) - pooled_r(
        load_studies(write("out.xlsx", without))
    )
    assert conflict.impact == pytest.approx(difference, abs=TOLERANCE)


def test_independent_effects_and_their_last_pair(sheets, change, write):
    rows = change(drop=[1, 5])
    other = [{**row} for row in rows]
    other[0]["r"] = 0.1
    (conflict,) = found_in(sheets, rows, other)
    difference = pooled_r(load_studies(write("b.xlsx", other))) - pooled_r(
        load_studies(write("a.xlsx", rows))
    )
    assert conflict.impact == pytest.approx(difference, abs=TOLERANCE)


def test_a_variable_of_the_study_is_one_conflict_for_its_rows(sheets, change):
    other = change(*((i, {"modality": "humanistic", "year": 1988}) for i in (0, 1)))
    found = found_in(sheets, change(), other)
    assert [(c.variable, c.matches) for c in found] == [("modality", (1, 2)), ("year", (1, 2))]
    assert found[0].values == ("CBT", "humanistic")
    mixed = change((0, {"modality": "humanistic"}), (1, {"modality": "IPT"}))
    assert [c.matches for c in found_in(sheets, change(), mixed)] == [(1,), (2,)]


def test_cells_that_a_sheet_has_not(sheets, change):
    found = found_in(sheets, change(), change((0, {"country": "Norway"})))
    assert found[0].cells == ("effects, row 2", "effects!O2")
    assert found[0].values == (None, "Norway")


def test_the_first_sheet_with_errors_has_no_impact(sheets, change):
    found = found_in(sheets, change((0, {"r": 1.3})), change())
    assert found[0].values == ("1.3", 0.3)
    assert math.isnan(found[0].impact)
    assert found[0].reason == "coderA.xlsx has errors, so that nothing is pooled from it"
    assert found[0].to_dict()["impact"] is None


def test_a_value_that_needs_another(sheets, change):
    other = change((0, {"r": None, "F": 4.0, "df2": 38, "sign": "+"}))
    found = {c.variable: c for c in found_in(sheets, change(), other)}
    assert found["F"].impact == 0  # r comes before F
    assert "no statistic" in found["r"].reason
    assert not math.isnan(found["r"].row_impact)


def test_a_value_that_contradicts_the_row(sheets, change):
    other = change((0, {"r": None, "t": 4.5}))
    found = {c.variable: c for c in found_in(sheets, change(), other)}
    assert "but t gives r = 0.590" in found["t"].reason
    assert found["t"].row_impact == found["r"].row_impact > 0


def test_not_significant(sheets, change):
    other = change((0, {"r": "n.s."}))
    (conflict,) = found_in(sheets, change(), other)
    assert conflict.values == (0.3, "n.s.")
    assert "the team has to choose" in conflict.reason
    (conflict,) = found_in(sheets, change(), other, nonsignificant="zero")
    assert conflict.impact < 0
    (dropped,) = found_in(sheets, change(), other, nonsignificant="drop")
    assert dropped.impact != conflict.impact


def test_the_largest_of_several_coders(sheets, change):
    found = found_in(
        sheets, change(), change((0, {"r": 0.31})), change((0, {"r": 0.9}), (1, {"n": 41}))
    )
    (r,) = (c for c in found if c.variable == "r")
    assert r.values == (0.3, 0.31, 0.9)
    (only,) = found_in(sheets, change(), change((0, {"r": 0.9})))
    assert r.impact == pytest.approx(only.impact, abs=TOLERANCE)


def test_a_row_that_the_first_coder_has_not(sheets, change):
    found = found_in(sheets, change(drop=[0]), change(), change((0, {"r": 0.5})))
    assert found[0].values == (None, 0.3, 0.5)
    assert found[0].cells[0] == ""
    assert found[0].reason == "the first coder has no such row"


def test_agreement_has_no_conflicts(sheets, change):
    assert found_in(sheets, change(), change()) == []
