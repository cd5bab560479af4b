"""What every result promises, the summary of all, and small or odd reviews."""

from __future__ import annotations

import dataclasses
import json
import math
import warnings

import numpy as np
import pandas as pd
import pytest
from bias_data import dependent, independent, quiet
from golden_data import assert_close

import metaalliance as ma
from metaalliance.errors import EstimationError, MetaAllianceWarning
from metaalliance.messages import MESSAGES

METHODS = {
    "egger": ma.egger,
    "pet_peese": ma.pet_peese,
    "rank_test": ma.rank_test,
    "trim_and_fill": ma.trim_and_fill,
    "selection_model": ma.selection_model,
    "beta_selection_model": ma.beta_selection_model,
    "fail_safe_n": ma.fail_safe_n,
    "excess_significance": ma.excess_significance,
    "p_uniform": ma.p_uniform,
    "limit_meta": ma.limit_meta,
    "robma": ma.robma,
}
every = pytest.mark.parametrize("name", METHODS)


def as_z(effects):
    """The same numbers as Fisher z, so that they have an r."""
    return ma.Effects(frame=effects.frame.assign(r=np.tanh(effects.yi)), measure="z")


@every
@pytest.mark.parametrize("nested", [False, True])
def test_contract(name, nested):
    effects = as_z(dependent("crede2010") if nested else independent("molloy2014"))
    found = quiet(METHODS[name], effects)
    assert found.method == name
    content = found.to_dict()
    assert json.loads(json.dumps(content, allow_nan=False))["method"] == name
    assert {"settings", "n_studies", "n_effects", "terms", "reading", "notices"} <= set(content)
    frame = found.to_frame()
    assert {"term", "estimate", "se", "statistic", "p_value", "ci_low", "ci_high"} <= set(frame)
    assert len(frame) == len(found.terms())
    text = found.summary()
    assert found.title in text and "nan" not in text
    assert "<table><caption>" in found._repr_html_()
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.level = 0.5


@every
def test_a_fit_stands_for_its_effects(name):
    effects = as_z(independent("molloy2014"))
    fit = ma.pool(effects)
    ours, theirs = quiet(METHODS[name], fit), quiet(METHODS[name], effects)
    pd.testing.assert_frame_equal(ours.to_frame(), theirs.to_frame())


@every
def test_back_transformation_takes_means_and_leaves_coefficients(name):
    found = quiet(METHODS[name], as_z(independent("molloy2014")))
    analysis, back = found.to_frame(), found.to_frame(scale="r")
    for term, ours, r in zip(found.terms(), analysis["estimate"], back["estimate"], strict=True):
        if math.isnan(ours):
            assert math.isnan(r)
        else:
            assert r == (math.tanh(ours) if term.kind == "effect" else ours)


@every
def test_order_of_the_effects_does_not_matter(name):
    effects = as_z(dependent("crede2010"))
    shuffled = np.random.default_rng(1).permutation(effects.n_effects)
    frame = effects.frame.iloc[shuffled].reset_index(drop=True)
    other = ma.Effects(frame=frame, measure=effects.measure)
    ours, theirs = quiet(METHODS[name], effects), quiet(METHODS[name], other)
    columns = ["estimate", "se", "p_value"]
    assert_close(
        ours.to_frame()[columns].fillna(9), theirs.to_frame()[columns].fillna(9), 1e-6, 1e-3
    )


@every
def test_few_studies_warn_that_they_are_few(name):
    effects = as_z(independent("molloy2014")).subset(np.arange(16) < 9)
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        METHODS[name](effects)
    few = [w for w in given if "MA650" in str(w.message)]
    assert all(w.category is MetaAllianceWarning for w in few)
    assert len(few) == (0 if name == "fail_safe_n" else 1)


def test_arrays_for_figures_are_there_and_locked():
    found = ma.trim_and_fill(independent("molloy2014"))
    assert found.filled_yi.shape == found.filled_vi.shape == (found.k0,)
    model = quiet(ma.selection_model, independent("molloy2014"), (0.025, 0.5))
    assert model.intervals() == ((0.0, 0.025), (0.025, 0.5), (0.5, 1.0))
    assert len(model.weights) == len(model.intervals())
    with pytest.raises(ValueError, match="read-only"):
        model.weights[0] = 2
    beta = ma.beta_selection_model(independent("molloy2014"))
    assert_close(beta.weight(np.array([0.5])), [1.0], 1e-12)


def test_codes_are_explained():
    assert {f"MA65{i}" for i in range(10)} <= set(MESSAGES)


# --- the summary ---


def test_the_summary_has_every_method():
    found = ma.bias_summary(independent("hackshaw1998"))
    assert list(found.results) == [
        "Egger", "PET-PEESE", "Selection (0.025)", "Selection (0.025, 0.5)", "Beta selection",
        "Rank correlation", "Trim and fill (L0)", "Trim and fill (R0)", "p-uniform*",
        "Limit meta-analysis", "Excess significance", "Fail-safe N", "Henmi-Copas",
    ]  # fmt: skip
    frame = found.to_frame()
    assert frame["method"].iloc[0] == "Not adjusted"
    assert frame["method"].iloc[-1] == "Henmi-Copas"
    by_name = frame.set_index("method")["estimate"]
    assert by_name["Selection (0.025)"] == found.results["Selection (0.025)"].estimate
    assert by_name["Not adjusted"] == ma.pool(independent("hackshaw1998")).estimate
    json.dumps(found.to_dict(), allow_nan=False)
    assert "Adjusted means side by side" in found.summary()


def test_the_summary_takes_model_and_rho_of_the_fit():
    fit = ma.pool(dependent("crede2010"), rho=0.8)
    found = ma.bias_summary(fit)
    egger = found.results["Egger"]
    assert (egger.model, egger.rho) == ("che", 0.8)
    assert_close(egger.slope, ma.egger(fit, rho=0.8).slope, 1e-9)
    three = ma.bias_summary(ma.pool(dependent("crede2010"), model="three-level"))
    assert three.results["Egger"].model == "three-level"


def test_methods_that_were_refused_are_named():
    effects = ma.Effects.from_arrays([0.3, 0.31, 0.29, 0.3, 0.305], [0.001] * 5)
    found = ma.bias_summary(effects)
    left_out = [p.message for p in found.notices if p.code == "MA657"]
    for name in ("Egger", "PET-PEESE", "Rank correlation", "Selection (0.025)", "Limit"):
        assert any(message.startswith(name) for message in left_out), name
    assert all(-0.1 < value < 0.7 for value in found.to_frame()["estimate"])


def test_each_notice_stands_once():
    found = ma.bias_summary(dependent("crede2010"))
    messages = [p.message for p in found.notices]
    assert len(messages) == len(set(messages))
    assert sum("averaged within studies" in message for message in messages) == 1


# --- small and odd reviews ---


REVIEWS = {
    "one study": ([0.3], [0.01]),
    "two studies": ([0.3, 0.1], [0.01, 0.02]),
    "identical effects": ([0.3] * 12, np.linspace(0.01, 0.05, 12)),
    "identical rows": ([0.3] * 12, [0.02] * 12),
    "effects of zero": ([0.0] * 12, np.linspace(0.01, 0.05, 12)),
    "one huge study": ([0.3, 0.1, 0.2, 0.25, 0.5], [1e-7, 0.01, 0.02, 0.03, 0.04]),
    "tiny effects": (1e-6 * np.linspace(-1, 3, 15), 1e-12 * np.linspace(1, 4, 15)),
    "all significant": (np.linspace(1, 2, 12), np.linspace(0.01, 0.02, 12)),
}


@pytest.mark.parametrize("review", REVIEWS)
def test_odd_reviews_have_an_answer_or_a_reason(review):
    yi, vi = (np.array(x, dtype=float) for x in REVIEWS[review])
    found = ma.bias_summary(ma.Effects.from_arrays(yi, vi))
    reach = max(float(np.ptp(yi)), 1e-9)
    for name, result in found.results.items():
        term = result.adjusted()
        if term is not None and "PEESE" not in name and "Limit" not in name:
            assert yi.min() - 2 * reach <= term.estimate <= yi.max() + 2 * reach, name
    json.dumps(found.to_dict(), allow_nan=False)
    assert "nan" not in found.summary()


def test_one_study_with_several_effects_is_refused_with_a_reason():
    effects = ma.Effects.from_arrays([0.1, 0.2, 0.4], [0.01, 0.02, 0.03], study=["A"] * 3)
    for name, method in METHODS.items():
        if name not in {"fail_safe_n", "excess_significance"}:
            with pytest.raises(EstimationError) as refused:
                quiet(method, effects)
            assert refused.value.code.startswith(("MA6", "MA7")), name
