"""Options: every value that there is, and an answer to those that there are not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from golden_data import quiet_pool

from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.model import TESTS
from metaalliance.models.pool import pool
from metaalliance.options import (
    Kind,
    Prediction,
    Tau2Estimator,
    Test,
    check_level,
    check_option,
    check_rho,
    option_values,
)

SINGLE = Effects.from_arrays([0.1, 0.3, 0.5, 0.2], [0.01, 0.02, 0.03, 0.02])
NESTED = Effects.from_arrays([0.1, 0.3, 0.5, 0.2, 0.4], [0.01] * 5, study=list("AABBC"))


def fitting(model: str) -> Effects:
    return NESTED if model in {"three-level", "che"} else SINGLE


PAIRS = [(model, test) for model, tests in TESTS.items() for test in tests]


@pytest.mark.parametrize(("model", "test"), PAIRS)
def test_every_model_has_its_tests(model, test):
    found = quiet_pool(fitting(model), model=model, test=test)
    assert (found.model, found.test) == (model, test)


@pytest.mark.parametrize("tau2", option_values(Tau2Estimator))
def test_every_estimator(tau2):
    assert quiet_pool(SINGLE, tau2=tau2).tau2_method == tau2


@pytest.mark.parametrize("prediction", option_values(Prediction))
def test_every_prediction(prediction):
    assert quiet_pool(SINGLE, prediction=prediction).prediction == prediction


@pytest.mark.parametrize(
    ("effects", "model", "test"),
    [(SINGLE, "two-level", "knapp-hartung"), (NESTED, "che", "cr2")],
    ids=["independent", "dependent"],
)
def test_defaults(effects, model, test):
    found = quiet_pool(effects)
    assert (found.model, found.test, found.tau2_method) == (model, test, "REML")
    assert (found.level, found.prediction) == (0.95, "t")


@pytest.mark.parametrize(
    ("model", "test"),
    [
        ("common-effect", "wald"),
        ("two-level", "knapp-hartung"),
        ("three-level", "cr2"),
        ("che", "cr2"),
    ],
)
def test_default_test_of_a_model(model, test):
    assert quiet_pool(fitting(model), model=model).test == test


@pytest.mark.parametrize(
    ("options", "meant"),
    [
        ({"model": "twolevel"}, "two-level"),
        ({"model": "CHE"}, "che"),
        ({"model": "threelevel"}, "three-level"),
        ({"model": "3-level"}, "three-level"),
        ({"model": "3level"}, "three-level"),
        ({"model": "2_level"}, "two-level"),
        ({"tau2": "reml"}, "REML"),
        ({"tau2": "Reml"}, "REML"),
        ({"test": "knapphartung"}, "knapp-hartung"),
        ({"test": "CR2"}, "cr2"),
        ({"prediction": "Riley"}, "riley"),
    ],
)
def test_near_misses_are_guessed(options, meant):
    with pytest.raises(OptionError, match=f"Did you mean '{meant}'"):
        pool(SINGLE, **options)


@pytest.mark.parametrize(
    ("options", "literal"),
    [
        ({"model": "?"}, Kind),
        ({"tau2": "?"}, Tau2Estimator),
        ({"test": "?"}, Test),
        ({"prediction": "?"}, Prediction),
    ],
)
def test_unknown_values_are_answered_with_those_that_exist(options, literal):
    with pytest.raises(OptionError) as caught:
        pool(SINGLE, **options)
    assert all(repr(value) in str(caught.value) for value in option_values(literal))


@pytest.mark.parametrize(
    ("model", "test"),
    [
        (model, test)
        for model, tests in TESTS.items()
        for test in option_values(Test)
        if test not in {"auto", *tests}
    ],
)
def test_a_test_of_another_model_is_refused_with_the_list(model, test):
    with pytest.raises(OptionError, match=f"does not exist for model='{model}'") as caught:
        pool(fitting(model), model=model, test=test)
    assert all(repr(t) in str(caught.value) for t in TESTS[model])


@pytest.mark.parametrize("model", ["three-level", "che"])
@pytest.mark.parametrize("tau2", ["DL", "HE", "HS", "SJ", "EB", "PM"])
def test_components_have_likelihoods_only(model, tau2):
    with pytest.raises(OptionError, match="'REML' or 'ML'"):
        pool(NESTED, model=model, tau2=tau2)


@pytest.mark.parametrize("level", [0, 1, 95, -0.5, math.nan, math.inf, "0.95", None])
def test_level_is_a_proportion(level):
    with pytest.raises(OptionError, match=r"such as 0\.95 for 95%"):
        pool(SINGLE, level=level)


@pytest.mark.parametrize("level", [0.001, 0.5, 0.999])
def test_level_inside_its_range(level):
    assert check_level(level) == level


@pytest.mark.parametrize("model", ["three-level", "che"])
@pytest.mark.parametrize("rho", [1, 1.2, -0.1, math.nan, "", True])
def test_rho_is_a_correlation(model, rho):
    with pytest.raises(OptionError, match=r"correlation in \[0, 1\)"):
        pool(NESTED, model=model, rho=rho)


def test_rho_as_text_is_a_column():
    with pytest.raises(OptionError, match=r"There is no column '0\.6'"):
        pool(NESTED, rho="0.6")


@pytest.mark.parametrize("rho", [0, 0.0, 0.6, 0.999])
def test_rho_inside_its_range(rho):
    assert check_rho(rho) == rho


def test_option_error_is_a_value_error():
    with pytest.raises(ValueError, match="tau2="):
        check_option("tau2", "X", Tau2Estimator)


def test_option_error_has_a_code():
    with pytest.raises(OptionError) as caught:
        check_option("tau2", "X", Tau2Estimator)
    assert caught.value.code == "MA690"


@pytest.mark.parametrize("number", [np.float32(0.5), np.float64(0.5)])
def test_numbers_of_numpy_are_numbers(number):
    assert (check_level(number), check_rho(number)) == (0.5, 0.5)
