"""The models that reviewers expect beside the main one."""

from __future__ import annotations

import pytest
from golden_data import quiet_pool

from metaalliance.effects.aggregate import aggregate
from metaalliance.effects.effects import Effects
from metaalliance.effects.selection import extreme_per_study
from metaalliance.models.comparison import compare_models

YI, VI = [0.1, 0.2, 0.4, 0.5, 0.3, 0.25], [0.01, 0.02, 0.01, 0.03, 0.02, 0.015]
DEPENDENT = Effects.from_arrays(YI, VI, study=list("AABBCD"))
SINGLE = Effects.from_arrays(YI, VI)
DEPENDENT_ROWS = {
    "aggregated": quiet_pool(aggregate(DEPENDENT, 0.5)),
    "lowest per study": quiet_pool(extreme_per_study(DEPENDENT, "lowest")),
    "highest per study": quiet_pool(extreme_per_study(DEPENDENT, "highest")),
    "three-level": quiet_pool(DEPENDENT, model="three-level"),
    "common-effect": quiet_pool(aggregate(DEPENDENT, 0.5), model="common-effect"),
}


def compared(chosen: Effects, **options):
    return compare_models(quiet_pool(chosen, **options))


def test_rows_of_dependent_effects():
    rows, notes = compared(DEPENDENT)
    assert [r.name for r in rows] == ["che (main)", *DEPENDENT_ROWS]
    assert notes == []


@pytest.mark.parametrize("name", DEPENDENT_ROWS)
def test_row_is_the_model_fitted_on_its_own(name):
    (row,) = (r for r in compared(DEPENDENT)[0] if r.name == name)
    assert row.fit.to_dict() == DEPENDENT_ROWS[name].to_dict()


def test_main_three_level_model_has_che_beside_it():
    names = [r.name for r in compared(DEPENDENT, model="three-level")[0]]
    assert names[0] == "three-level (main)"
    assert "che" in names
    assert "three-level" not in names


@pytest.mark.parametrize(
    ("model", "beside"), [("two-level", "common-effect"), ("common-effect", "two-level")]
)
def test_rows_of_independent_effects(model, beside):
    assert [r.name for r in compared(SINGLE, model=model)[0]] == [f"{model} (main)", beside]


def test_level_is_that_of_the_main_model():
    assert {r.fit.level for r in compared(DEPENDENT, level=0.9)[0]} == {0.9}


def test_row_for_json_begins_with_its_name():
    row = compared(SINGLE)[0][1]
    assert next(iter(row.to_dict())) == "name"
    assert row.to_dict()["pooled"] == row.fit.to_dict()["pooled"]
