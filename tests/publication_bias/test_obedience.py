"""Every method obeys a setting of the main model, or names it as not taken: no third way."""

from __future__ import annotations

import json

import numpy as np
import pytest
from bias_data import dependent, independent, quiet

import metaalliance as ma
from metaalliance.errors import OptionError
from metaalliance.publication_bias.comparison import compare_all_models
from metaalliance.publication_bias.methods import METHODS

DEPENDENT = [
    {"tau2": "ML"}, {"test": "wald"}, {"test": "cr1"}, {"rho": 0.2}, {"level": 0.9},
    {"model": "three-level"}, {"prediction": "riley"},
]  # fmt: skip
INDEPENDENT = [
    {"tau2": "DL"}, {"test": "wald"}, {"level": 0.9}, {"model": "common-effect"},
    {"prediction": "simple"},
]  # fmt: skip


def numbers(result):
    """Everything that a result prints, without its settings."""
    content = result.to_dict()
    return json.dumps([content["terms"], {k: v for k, v in content.items() if k == "tau2"}])


def check(plain, setting):
    """Compare each method with and without a setting."""
    (name,) = setting
    found = ma.bias_summary(ma.pool(plain.fit.effects, **setting))
    for method, result in found.results.items():
        moved = numbers(result) != numbers(plain.results[method])
        own = name == "model" and setting[name] in result.kinds
        assert moved != (name in result.not_taken) or (own and not result.not_taken), method
        if name in result.not_taken:
            assert result.reason()
            assert result.reason() in result.summary()
            assert name in result.to_dict()["not_taken"]
        elif name != "model":
            assert result.settings()[name if name != "rho" or "rho" in result.settings()
                                     else "aggregation_rho"] is not None  # fmt: skip
    assert not set(found.results) ^ set(plain.results)


@pytest.fixture(scope="module")
def plain_dependent():
    return ma.bias_summary(ma.pool(dependent("crede2010")))


@pytest.fixture(scope="module")
def plain_independent():
    return ma.bias_summary(ma.pool(independent("hackshaw1998")))


@pytest.mark.parametrize("setting", DEPENDENT, ids=str)
def test_dependent_effects(plain_dependent, setting):
    check(plain_dependent, setting)


@pytest.mark.parametrize("setting", INDEPENDENT, ids=str)
def test_independent_effects(plain_independent, setting):
    check(plain_independent, setting)


def test_regressions_take_estimator_and_test_of_the_main_model():
    effects = independent("molloy2014")
    fit = ma.pool(effects, model="two-level", tau2="DL", test="wald", level=0.9)
    for found, name in ((ma.egger(fit), "sei"), (ma.pet_peese(fit).peese, "vi")):
        alone = ma.egger(effects, name, "two-level", "wald", level=0.9, tau2="DL")
        assert found.to_dict() == alone.to_dict()
        assert (found.model, found.test, found.tau2_method) == ("two-level", "wald", "DL")


def test_what_is_stated_beside_a_fit_goes_over_it():
    fit = ma.pool(independent("molloy2014"), tau2="DL", test="wald")
    found = ma.egger(fit, tau2="PM")
    assert (found.tau2_method, found.test) == ("PM", "wald")
    assert ma.rank_test(fit).not_taken == ("tau2", "test")


def test_pet_peese_of_an_untouched_model_is_classical_and_says_what_it_does_not_take():
    fit = ma.pool(independent("molloy2014"))
    found = ma.pet_peese(fit)
    assert found.pet.model == "classical"
    assert found.not_taken == ("model", "tau2", "test")
    assert found.settings()["tau2"] == "none" and found.settings()["rho"] is None
    assert "dispersion factor" in found.summary()
    assert ma.pet_peese(fit.effects).not_taken == ()
    asked = ma.pet_peese(ma.pool(fit.effects, test="wald"))
    assert (asked.pet.model, asked.pet.test, asked.not_taken) == ("two-level", "wald", ())


def test_the_row_adjusted_for_bias_names_its_method_and_what_it_does_not_take():
    for options, taken in (({}, ["model", "tau2", "test"]), ({"tau2": "DL"}, [])):
        rows, _ = compare_all_models(ma.pool(independent("hackshaw1998"), **options))
        row = rows[-1].to_dict()
        found = ma.pet_peese(ma.pool(independent("hackshaw1998"), **options))
        assert row["name"] == "PET-PEESE adjusted"
        assert row["settings"]["model"] == f"PET-PEESE ({found.chosen})"
        assert row["settings"]["regression"] == found.pet.model
        assert row["pooled"]["estimate"] == found.estimate
        assert row["not_taken"] == taken


def test_averages_take_a_number_and_name_a_column():
    effects = dependent("crede2010")
    frame = effects.frame.assign(overlap=0.3)
    with_column = ma.Effects(frame=frame, measure=effects.measure)
    found = ma.rank_test(ma.pool(with_column, rho="overlap"))
    assert (found.aggregation_rho, found.not_taken) == (0.5, ("rho",))
    assert "averaged with one number, here 0.5" in found.summary()
    number = ma.rank_test(ma.pool(effects, rho=0.3))
    assert (number.aggregation_rho, number.not_taken) == (0.3, ())
    assert number.tau == ma.rank_test(ma.aggregate(effects, 0.3)).tau
    over = ma.bias_summary(ma.pool(effects, rho=0.3), aggregation_rho=0.7)
    assert over.aggregation_rho == 0.7
    assert over.results["Egger"].rho == 0.3


def test_further_levels_are_taken_or_refused_by_name():
    effects = dependent("crede2010")
    halves = (np.arange(effects.n_effects) % 2).astype(str)
    frame = effects.frame.assign(sample=effects.frame["study"].astype(str) + " " + halves)
    fit = quiet(ma.pool, ma.Effects(frame=frame, measure=effects.measure), within=("sample",))
    found = ma.bias_summary(fit)
    for name in ("Egger", "PET-PEESE"):
        if name in found.results:
            assert found.results[name].settings()["within"] == ["sample"]
        else:
            assert any(name in p.message for p in found.notices if p.code == "MA657")
    assert "within" in found.results["Rank correlation"].not_taken
    rows, notes = compare_all_models(fit)
    named = [r.name for r in rows] + [p.message.split(":")[0] for p in notes]
    assert "PET-PEESE adjusted" in named


def test_settings_print_only_what_was_used():
    fit = ma.pool(independent("hackshaw1998"), model="common-effect", tau2="DL")
    found = ma.bias_summary(fit).results
    assert found["Rank correlation"].settings()["level"] is None
    assert found["Egger"].settings()["tau2"] == "none"
    assert found["Excess significance"].settings()["tau2_method"] == "FE"
    assert "tau2" in found["Excess significance"].not_taken
    assert "tau2" in found["Trim and fill (L0)"].not_taken


def test_wrong_options_of_the_summary_are_refused_not_left_out():
    effects = independent("bcg")
    for options in ({"steps": (2.0,)}, {"alternative": "up"}, {"aggregation_rho": 3.0}):
        with pytest.raises(OptionError):
            ma.bias_summary(effects, **options)
    with pytest.raises(OptionError, match="no setting 'lambda'"):
        ma.rank_test(effects, **{"lambda": 1})


def test_every_method_has_a_reason_and_a_source():
    from metaalliance.report.manuscript.bibliography import BIBLIOGRAPHY

    for method in METHODS:
        assert method.references and set(method.references) <= set(BIBLIOGRAPHY)
        assert method.result.because and method.result.method and method.result.title
        assert method.sentence.rstrip(".") == method.sentence
