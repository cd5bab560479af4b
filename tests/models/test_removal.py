"""Outlying effects and influential studies: metafor, refits, limits."""

from __future__ import annotations

import numpy as np
import pytest
from golden_data import ITERATED, assert_close, effects, golden, quiet_pool

from metaalliance.effects.effects import Effects
from metaalliance.models import removal
from metaalliance.models.removal import influence_of_studies, outlying

TESTS = {"knha": "knapp-hartung", "z": "wald"}
CASES = [(n, t) for n in ("molloy2014", "mcdaniel1994", "bcg", "crede2010") for t in TESTS]
cases = pytest.mark.parametrize(("name", "test"), CASES)


def theirs(name, test):
    return golden("influential")["data_sets"][name][test]


@cases
@pytest.mark.parametrize(
    ("field", "key"),
    [("cook", "cook"), ("dffits", "dffits"), ("dfbetas", "dfbetas"), ("weight", "hat")],
)
def test_measures_as_metafor_has_them(name, test, field, key):
    found = influence_of_studies(quiet_pool(effects(name), test=TESTS[test]))
    assert_close(getattr(found, field), theirs(name, test)[key], ITERATED * 10, scale=0.1)


@cases
def test_influential_studies_as_metafor_has_them(name, test):
    found = influence_of_studies(quiet_pool(effects(name), test=TESTS[test]))
    assert found.influential.astype(int).tolist() == theirs(name, test)["influential"]


@cases
def test_outliers(name, test):
    found = outlying(quiet_pool(effects(name), test=TESTS[test]))
    assert found.astype(int).tolist() == theirs(name, test)["outlier"]


def without(chosen, study):
    return chosen.subset(chosen.frame["study"].to_numpy() != study)


@pytest.mark.parametrize(
    "options",
    [
        {"model": "che"},
        {"model": "three-level", "tau2": "ML"},
        {"model": "two-level", "test": "cr2"},
        {"model": "common-effect", "test": "cr2"},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["assink2016", "konstantopoulos2011"])
def test_means_without_each_study_are_those_of_refits(name, options):
    chosen = effects(name, dependent=True)
    fit = quiet_pool(chosen, **options)
    found = influence_of_studies(fit)
    labels = chosen.frame["study"].unique()
    refits = np.array([quiet_pool(without(chosen, s), **options).estimate for s in labels])
    assert_close(found.estimate, refits, 1e-7, scale=fit.se)
    bread = getattr(fit, "optimum", None)  # the model's variance, for dependent effects
    variance = fit.se**2 if bread is None else float(bread.bread[0, 0])
    assert_close(found.cook, (refits - fit.estimate) ** 2 / variance, 1e-5, scale=1e-3)
    assert not found.held


@pytest.mark.parametrize(("dependent", "share"), [(True, 0.5), (False, 0.05)])
def test_held_components_are_close(monkeypatch, dependent, share):
    """The 68 studies of crede2010 are few for this; with 1000 they are closer."""
    fit = quiet_pool(effects("crede2010", dependent=dependent))
    free = influence_of_studies(fit)
    monkeypatch.setattr(removal, "REFITTED_CELLS", 1)
    held = influence_of_studies(fit)
    assert held.held
    assert np.abs(held.estimate - free.estimate).max() < share * fit.se


def test_held_means_are_weighted_means(monkeypatch):
    monkeypatch.setattr(removal, "REFITTED_CELLS", 1)
    fit = quiet_pool(effects("bcg"), test="wald")
    found = influence_of_studies(fit)
    rest = fit.weights * (1 - np.eye(fit.n_effects))
    assert_close(found.estimate, rest @ fit.effects.yi / rest.sum(axis=1), 1e-12)
    assert_close(found.weight, fit.weights, 1e-14)


def test_deeper_levels_are_held():
    chosen = effects("konstantopoulos2011", dependent=True)
    half = np.arange(chosen.n_effects) % 2
    deeper = Effects.from_arrays(
        chosen.yi, chosen.vi, chosen.frame["study"], moderators={"arm": half}
    )
    fit = quiet_pool(deeper, model="three-level", within=("arm",))
    found = influence_of_studies(fit)
    assert found.held
    assert found.estimate.shape == (11,)
    assert (found.weight > 0).all()


def test_a_study_of_its_own_size_is_influential():
    yi, vi = np.r_[np.full(9, 0.2) + 0.01 * np.arange(9), 1.2], np.r_[np.full(9, 0.02), 0.001]
    found = influence_of_studies(quiet_pool(Effects.from_arrays(yi, vi)))
    assert found.influential[-1]


def test_two_studies_leave_nothing_to_compare():
    assert influence_of_studies(quiet_pool(Effects.from_arrays([0.1, 0.3], [0.02] * 2))) is None


def test_identical_effects_have_no_influential_study():
    fit = quiet_pool(Effects.from_arrays([0.3] * 5, [0.02] * 5))
    found = influence_of_studies(fit)
    assert not found.influential.any()
    assert_close(found.estimate, np.full(5, 0.3), 1e-12)


def test_order_of_effects():
    chosen = effects("assink2016", dependent=True)
    turned = np.random.default_rng(1).permutation(chosen.n_effects)
    study = chosen.frame["study"].to_numpy()
    other = Effects.from_arrays(chosen.yi[turned], chosen.vi[turned], study=study[turned])
    one, two = (influence_of_studies(quiet_pool(e)) for e in (chosen, other))
    assert_close(np.sort(two.cook), np.sort(one.cook), 1e-6, scale=1e-3)
    assert (
        np.bincount(two.study[two.influential[two.study]]).sum()
        == np.bincount(one.study[one.influential[one.study]]).sum()
    )
