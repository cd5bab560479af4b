"""Outlying effects and influential studies as rows of the comparison: metafor, refits, limits."""

from __future__ import annotations

import numpy as np
import pytest
from golden_data import ITERATED, assert_close, effects, golden, quiet_pool

import metaalliance as ma
from metaalliance.diagnostics import removal
from metaalliance.diagnostics.diagnostics import deletions
from metaalliance.diagnostics.mean_subsets import removed_studies
from metaalliance.diagnostics.outliers import outlying
from metaalliance.diagnostics.removal import held_deletions, influential, removals
from metaalliance.diagnostics.subject import examine
from metaalliance.diagnostics.units import unit_masks
from metaalliance.effects.effects import Effects
from metaalliance.models.comparison import compare_models

TESTS = {"knha": "knapp-hartung", "z": "wald"}
CASES = [(n, t) for n in ("molloy2014", "mcdaniel1994", "bcg", "crede2010") for t in TESTS]
cases = pytest.mark.parametrize(("name", "test"), CASES)
#: Equally precise effects none of which stands out.
CALM = Effects.from_arrays(np.linspace(0.25, 0.35, 12), [0.01] * 12)


def theirs(name, test):
    return golden("influential")["data_sets"][name][test]


@cases
@pytest.mark.parametrize("field", ["cook", "dffits", "dfbetas", "hat"])
def test_measures_as_metafor_has_them(name, test, field):
    found = ma.influence(quiet_pool(effects(name), test=TESTS[test])).studies
    assert_close(found[field], theirs(name, test)[field], ITERATED * 10, scale=0.1)


@cases
def test_influential_studies_as_metafor_has_them(name, test):
    marks, held = influential(quiet_pool(effects(name), test=TESTS[test]))
    assert marks.astype(int).tolist() == theirs(name, test)["influential"]
    assert not held


@cases
def test_outliers(name, test):
    fit = quiet_pool(effects(name), test=TESTS[test])
    found = outlying(fit, fit.effects.yi, fit.effects.vi)
    assert found.astype(int).tolist() == theirs(name, test)["outlier"]


@pytest.mark.parametrize("options", [{"model": "che"}, {"model": "three-level", "tau2": "ML"}])
@pytest.mark.parametrize("name", ["assink2016", "konstantopoulos2011"])
def test_studies_that_are_removed_together_are_as_one_by_one(name, options):
    subject = examine(quiet_pool(effects(name, dependent=True), **options))
    found = removed_studies(subject, unit_masks(subject.effects, "study")[:, subject.order])
    alone = deletions(subject, "study")
    for column in found:
        assert_close(found[column], alone[column], 1e-9, scale=0.1)


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
def test_distances_of_studies_are_those_of_refits(name, options):
    chosen = effects(name, dependent=True)
    fit = quiet_pool(chosen, **options)
    found = ma.influence(fit).studies
    labels = chosen.frame["study"].unique()
    refits = np.array([quiet_pool(without(chosen, s), **options).estimate for s in labels])
    variance = float(examine(fit).point.bread[0, 0])  # the model's, whatever the test
    assert_close(found["cook"], (refits - fit.estimate) ** 2 / variance, 1e-5, scale=1e-3)


def row(chosen, name, **options):
    main = quiet_pool(chosen, **options)
    return next(r.fit for r in compare_models(main, *removals(main))[0] if r.name == name)


def test_outliers_are_removed_from_the_main_model():
    chosen = effects("crede2010", dependent=True)
    main = quiet_pool(chosen, rho=0.4, level=0.9)
    gone = outlying(main, chosen.yi, chosen.vi)
    assert 0 < gone.sum() < chosen.n_effects
    by_hand = quiet_pool(chosen.subset(~gone), model="che", rho=0.4, level=0.9)
    assert row(chosen, "outliers removed", rho=0.4, level=0.9).pooled() == by_hand.pooled()


def test_influential_studies_are_removed_as_metafor_marks_them():
    chosen = effects("mcdaniel1994")
    by_hand = quiet_pool(
        chosen.subset(~np.array(theirs("mcdaniel1994", "knha")["influential"], bool))
    )
    assert row(chosen, "influential removed").to_dict() == by_hand.to_dict()


def test_whole_studies_are_removed_that_the_diagnostics_mark():
    chosen = effects("crede2010", dependent=True)
    found = ma.influence(quiet_pool(chosen))
    gone = set(found.influential()["study"])
    kept = row(chosen, "influential removed").effects.frame["study"]
    assert gone
    assert set(kept) == set(chosen.frame["study"]) - gone


def test_nothing_to_remove_is_said():
    rows, notes = removals(quiet_pool(CALM))
    assert rows == []
    assert [(n.code, n.message) for n in notes] == [
        ("MA631", "outliers removed: no effect's interval lies outside the mean's."),
        ("MA631", "influential removed: no study is influential."),
    ]


def test_model_that_is_impossible_without_outliers_is_a_note():
    # only study A has two effects, and both are outliers
    chosen = Effects.from_arrays(
        [2.0, 2.1, 0.2, 0.25, 0.3, 0.2, 0.22, 0.28],
        [0.001] * 2 + [0.01] * 6,
        study=list("AABCDEFG"),
    )
    main = quiet_pool(chosen, test="t")
    rows, notes = compare_models(main, *removals(main))
    assert "outliers removed" not in [r.name for r in rows]
    assert any(n.code == "MA630" and n.message.startswith("outliers removed") for n in notes)


def test_two_studies_have_no_such_rows():
    assert removals(quiet_pool(Effects.from_arrays([0.1, 0.9], [0.001, 0.001]))) == ([], [])


def test_a_study_of_its_own_size_is_influential():
    yi, vi = np.r_[np.full(9, 0.2) + 0.01 * np.arange(9), 1.2], np.r_[np.full(9, 0.02), 0.001]
    assert influential(quiet_pool(Effects.from_arrays(yi, vi)))[0][-1]


def test_identical_effects_have_no_influential_study():
    fit = quiet_pool(Effects.from_arrays([0.3] * 5, [0.02] * 5))
    assert not influential(fit)[0].any()
    assert not held_deletions(examine(fit))["influential"].any()


def test_order_of_effects():
    chosen = effects("assink2016", dependent=True)
    turned = np.random.default_rng(1).permutation(chosen.n_effects)
    study = chosen.frame["study"].to_numpy()
    other = Effects.from_arrays(chosen.yi[turned], chosen.vi[turned], study=study[turned])
    assert (
        influential(quiet_pool(chosen))[0][turned].tolist()
        == influential(quiet_pool(other))[0].tolist()
    )


# Components held at those of all studies ----------------------------------------------------------


def structured():
    """Effects in samples in studies of teams, with instruments and correlations."""
    rng = np.random.default_rng(7)
    study = np.repeat(np.arange(12), 4)
    return Effects.from_arrays(
        0.3 + rng.normal(0, 0.25, 12)[study] + rng.normal(0, 0.2, 48),
        rng.uniform(0.01, 0.05, 48),
        [f"S{s}" for s in study],
        moderators={
            "arm": [f"{s}.{i // 2 % 2}" for i, s in enumerate(study)],
            "team": [f"T{s // 3}" for s in study],
            "scale": [f"I{v}" for v in rng.integers(0, 4, 48)],
            "errors": rng.uniform(0.1, 0.8, 12)[study],
        },
    )


STRUCTURES = [
    {"within": ("arm",)},
    {"above": ("team",)},
    {"crossed": "scale"},
    {"rho": "errors"},
    {"within": ("arm",), "above": ("team",), "crossed": "scale"},
]


@pytest.mark.parametrize("options", STRUCTURES, ids=str)
def test_held_structures_against_dense_matrices(options):
    fit = quiet_pool(structured(), model="che", **options)
    subject = examine(fit)
    S = np.linalg.inv(subject.data.structure.at(fit.point.theta).solve(np.eye(48)))
    found = held_deletions(subject)
    for j in range(12):
        rest = subject.study != j
        W = np.linalg.inv(S[np.ix_(rest, rest)])
        mean = W.sum(axis=0) @ subject.data.yi[rest] / W.sum()
        root = np.sqrt(fit.point.bread[0, 0])
        assert_close(found["dfbetas"][j], (fit.estimate - mean) / root, 1e-9, 1e-3)
    assert_close(found["hat"].sum(), 1.0, 1e-12)


@pytest.mark.parametrize("options", [STRUCTURES[0], STRUCTURES[2]], ids=str)
def test_few_studies_with_further_levels_are_marked_as_the_diagnostics_mark_them(options):
    fit = quiet_pool(structured().subset(np.arange(48) < 28), model="che", **options)
    found = ma.influence(fit).studies.set_index("study")["influential"]
    marks, held = influential(fit)
    assert not held
    assert marks.tolist() == found.loc[fit.effects.frame["study"]].tolist()


@pytest.mark.parametrize("test", ["wald", "knapp-hartung", "knapp-hartung-adhoc"])
def test_held_two_level_against_sums(test):
    fit = quiet_pool(effects("bcg"), test=test)
    found, w = held_deletions(examine(fit)), 1 / (fit.effects.vi + fit.tau2)
    for j in range(fit.n_effects):
        rest = np.arange(fit.n_effects) != j
        mean = w[rest] @ fit.effects.yi[rest] / w[rest].sum()
        spread = w[rest] @ (fit.effects.yi[rest] - mean) ** 2 / (fit.n_effects - 2)
        factor = {"wald": 1.0, "knapp-hartung": spread}.get(test, max(1.0, spread))
        assert_close(found["cook"][j], ((fit.estimate - mean) / fit.se) ** 2, 1e-9, 1e-6)
        assert_close(
            found["dffits"][j], (fit.estimate - mean) / np.sqrt(factor / w.sum()), 1e-9, 1e-3
        )


@pytest.mark.parametrize("dependent", [True, False])
def test_held_components_are_close_and_said(monkeypatch, dependent):
    fit = quiet_pool(effects("crede2010", dependent=dependent))
    free = ma.influence(fit).studies
    monkeypatch.setattr(removal, "REFITTED_CELLS", 1)
    held = held_deletions(examine(fit))
    assert np.abs(held["dfbetas"] - free["dfbetas"]).max() < 0.5
    assert_close(held["hat"], free["hat"], 1e-12)
    assert "MA632" in [n.code for n in removals(fit)[1]]


def test_a_common_effect_has_no_components_to_hold(monkeypatch):
    fit = quiet_pool(effects("crede2010"), model="common-effect")
    free = ma.influence(fit).studies
    monkeypatch.setattr(removal, "REFITTED_CELLS", 1)
    for column in ("cook", "dffits", "dfbetas", "hat"):
        assert_close(held_deletions(examine(fit))[column], free[column], 1e-10, 1e-3)
    assert not influential(fit)[1]
