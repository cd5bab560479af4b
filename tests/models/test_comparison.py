"""The models that reviewers expect beside the main one."""

from __future__ import annotations

import json

import numpy as np
import pytest
from golden_data import assert_close, effects, quiet_pool

from metaalliance.effects.aggregate import aggregate
from metaalliance.effects.effects import Effects
from metaalliance.effects.selection import extreme_per_study
from metaalliance.errors import EstimationError
from metaalliance.models.comparison import NamedFit, Row, adjusted_fit, compare_models, refit

YI, VI = [0.1, 0.2, 0.4, 0.5, 0.3, 0.25], [0.01, 0.02, 0.01, 0.03, 0.02, 0.015]
DEPENDENT = Effects.from_arrays(YI, VI, study=list("AABBCD"))
#: Equally precise effects none of which stands out.
CALM = Effects.from_arrays(np.linspace(0.25, 0.35, 12), [0.01] * 12)
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
    assert [r.name for r in compared(CALM, model=model)[0]] == [f"{model} (main)", beside]


def test_level_is_that_of_the_main_model():
    assert {r.fit.level for r in compared(DEPENDENT, level=0.9)[0]} == {0.9}


def test_row_for_json_begins_with_its_name():
    row = compared(SINGLE)[0][1]
    assert next(iter(row.to_dict())) == "name"
    assert row.to_dict()["pooled"] == row.fit.to_dict()["pooled"]


@pytest.mark.parametrize(
    "options",
    [
        {"model": "common-effect", "test": "cr1"},
        {"model": "two-level", "test": "cr2", "tau2": "DL"},
        {"model": "three-level", "tau2": "ML", "test": "t", "prediction": "riley"},
        {"model": "che", "rho": 0.3, "level": 0.8},
    ],
    ids=str,
)
def test_refit_with_the_options_of_the_main_model(options):
    chosen = effects("crede2010", dependent=True)
    some = chosen.subset(np.arange(chosen.n_effects) % 5 > 0)
    main = quiet_pool(chosen, **options)
    one, other = refit(main, some), quiet_pool(some, **options)
    assert (one.pooled(), one.settings()) == (other.pooled(), other.settings())


def test_two_studies_have_no_such_rows():
    two = Effects.from_arrays([0.1, 0.9], [0.001, 0.001])
    rows, notes = compared(two)
    assert [r.name for r in rows] == ["two-level (main)", "common-effect"]
    assert notes == []


# Rows of other layers -----------------------------------------------------------------------------


def adjusted(main):
    return adjusted_fit(
        main, model="pet-peese", test="cr2",
        mean={"estimate": 0.2, "se": 0.05, "statistic": 4.0, "df": 10.0, "p_value": 0.01,
              "ci_low": 0.1, "ci_high": 0.3},
    )  # fmt: skip


def test_extra_rows_come_last():
    main = quiet_pool(DEPENDENT)
    rows, _ = compare_models(main, [Row("bias-adjusted", adjusted), Row("again", lambda m: m)])
    assert [r.name for r in rows[-2:]] == ["bias-adjusted", "again"]
    assert rows[-1].fit is main


def test_extra_row_that_is_impossible_is_a_note():
    def impossible(_):
        raise EstimationError("no effect is significant")

    _, notes = compare_models(quiet_pool(DEPENDENT), [Row("selection model", impossible)])
    assert notes[-1].message == "selection model: no effect is significant"


def test_adjusted_mean_has_the_shape_of_a_row():
    main = quiet_pool(DEPENDENT)
    document = json.loads(json.dumps(NamedFit("x", adjusted(main)).to_dict(), allow_nan=False))
    assert document["settings"]["model"] == "pet-peese"
    assert document["pooled"]["estimate"] == 0.2
    assert document["pooled"]["pi_low"] is None
    assert document["heterogeneity"]["Q"] is None
    assert document["counts"]["n_effects"] == 6
    assert_close(adjusted(main).to_frame()["ci_high"], [0.3], 1e-15)
