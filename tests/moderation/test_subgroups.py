"""The pooled model within each level of a moderator."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from golden_data import quiet_pool

from metaalliance.effects.aggregate import aggregate
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.moderation.level_means import subgroup_fits

YI = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.2, 0.3, 0.35])
VI = np.array([0.01, 0.02, 0.01, 0.03, 0.02, 0.01, 0.02, 0.03, 0.01])
STUDY = list("AABBCDEFG")
GROUP = ["x", "x", "x", "x", "y", "y", "z", None, "x"]
DEPENDENT = Effects.from_arrays(YI, VI, study=STUDY, moderators={"group": GROUP}, measure="z")
SINGLE = Effects.from_arrays(YI, VI, moderators={"group": GROUP}, measure="z")


def dependent(**options):
    return subgroup_fits(quiet_pool(DEPENDENT, **options), "group")


def single(**options):
    return subgroup_fits(quiet_pool(SINGLE, **options), "group")


def level(effects: Effects, name: str) -> Effects:
    return effects.subset(effects.frame["group"] == name)


def test_levels_in_order_with_missing_last():
    assert list(single()) == ["x", "y", "z", "not reported"]


def test_levels_are_sorted_without_regard_to_case():
    mixed = Effects.from_arrays(YI[:4], VI[:4], moderators={"group": ["b", "A", "C", "d"]})
    assert list(subgroup_fits(quiet_pool(mixed), "group")) == ["A", "b", "C", "d"]


def test_without_missing_values_every_effect_is_in_a_level():
    whole = SINGLE.subset(SINGLE.frame["group"].notna())
    fits = subgroup_fits(quiet_pool(whole), "group")
    assert sum(f.n_effects for f in fits.values()) == whole.n_effects
    assert "not reported" not in fits


@pytest.mark.parametrize("name", ["x", "y"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"tau2": "DL", "test": "wald"},
        {"test": "knapp-hartung-adhoc", "level": 0.9},
        {"test": "cr2", "prediction": "riley"},
        {"model": "common-effect"},
    ],
    ids=str,
)
def test_independent_level_is_pooled_with_the_settings_of_the_whole(name, options):
    expected = quiet_pool(level(SINGLE, name), **options)
    assert single(**options)[name].to_dict() == expected.to_dict()


@pytest.mark.parametrize(
    "options",
    [{}, {"model": "three-level"}, {"test": "cr1", "rho": 0.3}, {"tau2": "ML", "test": "t"}],
    ids=str,
)
def test_dependent_level_is_pooled_with_the_settings_of_the_whole(options):
    expected = quiet_pool(level(DEPENDENT, "x"), **options)
    assert dependent(**options)["x"].to_dict() == expected.to_dict()


def test_a_level_without_dependence_falls_back_to_two_levels():
    fit = dependent()["y"]
    assert (fit.model, fit.n_studies, fit.n_effects) == ("two-level", 2, 2)


@pytest.mark.parametrize("test", ["wald", "t"])
def test_a_level_without_dependence_keeps_a_test_that_it_has(test):
    assert dependent(test=test)["y"].test == test


def test_a_level_of_one_effect_has_its_own_interval():
    fit = dependent()["z"]
    assert (fit.n_effects, fit.test, fit.estimate) == (1, "wald", 0.2)
    assert math.isnan(fit.tau2)


def test_effects_without_a_value_are_pooled_too():
    assert single()["not reported"].effects.yi.tolist() == [0.3]


def test_notices_of_a_level_stay_with_it():
    # as errors, warnings would stop this test
    assert "MA613" in {n.code for n in dependent()["z"].notices}


def test_unknown_moderator_is_answered_with_those_that_exist():
    with pytest.raises(OptionError, match="no such moderator; there are group"):
        subgroup_fits(quiet_pool(SINGLE), "modality")


@pytest.mark.parametrize(
    "values", [[1, 1, 2, 2], [True, True, False, False]], ids=["number", "truth"]
)
def test_levels_that_are_not_text(values):
    chosen = Effects.from_arrays([0.1, 0.2, 0.3, 0.4], [0.01] * 4, moderators={"group": values})
    fits = subgroup_fits(quiet_pool(chosen), "group")
    assert [f.n_effects for f in fits.values()] == [2, 2]


def test_levels_that_differ_in_case_have_one_order():
    # The order of a set of text differs between processes.
    code = (
        "from metaalliance import Effects, pool\n"
        "from metaalliance.moderation.level_means import subgroup_fits\n"
        "g = {'g': ['b', 'A', 'C', 'a']}\n"
        "e = Effects.from_arrays([.1, .2, .3, .4], [.01] * 4, moderators=g)\n"
        "print(list(subgroup_fits(pool(e), 'g')))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
        ).stdout
        for seed in range(4)
    }
    assert found == {"['A', 'a', 'b', 'C']\n"}


def test_a_level_called_not_reported_joins_the_missing_ones():
    group = ["x", "x", "not reported", None]
    chosen = Effects.from_arrays(YI[:4], VI[:4], moderators={"group": group})
    fits = subgroup_fits(quiet_pool(chosen), "group")
    assert {name: f.n_effects for name, f in fits.items()} == {"x": 2, "not reported": 2}


def test_the_answer_without_moderators_is_a_sentence():
    bare = Effects.from_arrays(YI, VI)
    with pytest.raises(OptionError, match="no such moderator; there is none"):
        subgroup_fits(quiet_pool(bare), "modality")


ONE_STUDY_LEVEL = Effects.from_arrays(
    [0.1, 0.3, 0.2, 0.4, 0.5],
    [0.01, 0.02, 0.02, 0.02, 0.03],
    study=list("AABBC"),
    moderators={"group": list("xxyyy")},
)


@pytest.mark.parametrize(
    ("options", "rho"),
    [
        ({}, 0.6),
        ({"rho": 0.2}, 0.2),
        ({"model": "three-level"}, 0.5),
        ({"model": "two-level", "test": "cr2"}, 0.5),
        ({"model": "common-effect", "test": "cr1"}, 0.5),
    ],
    ids=str,
)
def test_the_effects_of_a_level_of_one_study_are_aggregated(options, rho):
    fit = subgroup_fits(quiet_pool(ONE_STUDY_LEVEL, **options), "group")["x"]
    one = aggregate(level(ONE_STUDY_LEVEL, "x"), rho)
    assert (fit.estimate, fit.se**2) == pytest.approx((one.yi[0], one.vi[0]), rel=1e-12)
    assert (fit.test, fit.n_studies, fit.n_effects, fit.weights.tolist()) == (
        "wald", 1, 2, [0.5, 0.5],
    )  # fmt: skip
    assert math.isnan(fit.tau2_ci().low)
    assert [n.code for n in fit.notices] == ["MA613"]
    assert "aggregated with rho" in fit.summary()
    assert fit.to_dict()["pooled"]["df"] is None


def test_levels_of_a_deeper_model_keep_what_they_can():
    rng = np.random.default_rng(2)
    study = np.repeat(np.arange(12), 4)
    team = np.tile([0, 0, 1, 1], 12)
    group = np.where(study < 6, "x", np.where(study < 11, "y", "z"))
    team[group == "y"] = 0
    effects = Effects.from_arrays(
        rng.normal(0.3, 0.2, 48), np.full(48, 0.01), study, {"team": team, "group": group}
    )
    fits = subgroup_fits(quiet_pool(effects, within=("team",)), "group")
    assert [type(f).__name__ for f in fits.values()] == [
        "MultilevelFit",
        "MultilevelFit",
        "TwoLevelFit",
    ]
