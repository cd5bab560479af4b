"""What selection models do unasked: limits, bands of the weights, the declared set of models."""

from __future__ import annotations

import numpy as np
import pytest
from bias_data import dependent, independent, quiet

import metaalliance as ma
from metaalliance.core.inference.intervals import critical_value
from metaalliance.effects.effects import Effects
from metaalliance.errors import EstimationError, OptionError
from metaalliance.publication_bias.selection_asked import SelectionAsked
from metaalliance.report.tables.bias import adjusted_table, models_table, weights_table

MILD = (
    "With mild selection the unadjusted mean may be the better estimate (Pustejovsky et al., 2025)."
)


def test_dependent_effects_have_limits_of_two_stage_samples_and_independent_ones_of_errors():
    effects = dependent("crede2010")
    found = quiet(ma.selection_model, effects)
    asked = quiet(ma.selection_model, effects, bootstrap="two-stage", replications=99)
    assert found.bootstrap.bootstrap == "two-stage"
    np.testing.assert_array_equal(found.ci_low, asked.ci_low)
    assert "Estimated with no penalty; percentile limits of" in found.reading()
    plain = quiet(ma.selection_model, effects, bootstrap="none")
    half = critical_value(0.95, plain.df) * plain.se
    np.testing.assert_allclose(plain.ci_high - plain.beta, half)
    assert plain.estimate == found.estimate
    assert quiet(ma.selection_model, independent("molloy2014")).bootstrap is None
    wanted = quiet(ma.selection_model, independent("molloy2014"), replications=199)
    assert wanted.bootstrap.replications == 199  # asked for, so not ignored


def test_where_most_samples_are_lost_unasked_limits_are_those_of_the_errors():
    rng = np.random.default_rng(1)
    yi = np.concatenate([[0.1], 0.3 + 0.1 * rng.normal(size=22), [-0.05]])  # one in each interval
    effects = Effects.from_arrays(yi, np.full(24, 0.01), study=np.repeat(np.arange(12), 2))
    options = {"steps": (0.025, 0.5), "alternative": "greater"}
    with pytest.raises(EstimationError, match="no estimates in"):
        quiet(ma.selection_model, effects, bootstrap="two-stage", replications=99, **options)
    found = quiet(ma.selection_model, effects, **options)
    plain = quiet(ma.selection_model, effects, bootstrap="none", **options)
    assert found.bootstrap is None
    (said,) = (n.message for n in found.notices if n.code == "MA634")
    assert "Limits of the selection model are those of its standard errors" in said
    np.testing.assert_array_equal(found.ci_low, plain.ci_low)


@pytest.mark.parametrize("bootstrap", ["none", "two-stage"])
def test_the_band_of_a_beta_weight(bootstrap):
    effects = dependent("crede2010")
    found = quiet(ma.beta_selection_model, effects, bootstrap=bootstrap)
    p = np.array([0.001, 0.025, 0.2, 0.5, 0.9, 1.0])
    low, high = found.weight_limits(p)
    assert low[3] == high[3] == found.weight(p)[3] == 1
    assert low[0] == low[1]  # truncated
    a, b = found.weights
    if bootstrap == "none":
        V = found.covariance[-2:, -2:]
        at = np.array([np.log(2 * 0.2), np.log(2 * 0.8)])
        half = critical_value(0.95, found.df) * np.sqrt(at @ V @ at)
        middle = (a - 1) * at[0] + (b - 1) * at[1]
        np.testing.assert_allclose([low[2], high[2]], np.exp([middle - half, middle + half]))
    else:
        names, drawn = found.bootstrap.names, found.bootstrap.estimates
        pairs = drawn[:, [names.index("a"), names.index("b")]]
        every = (pairs[:, 0] - 1) * np.log(2 * 0.2) + (pairs[:, 1] - 1) * np.log(2 * 0.8)
        np.testing.assert_allclose([low[2], high[2]], np.exp(np.quantile(every, [0.025, 0.975])))
    rows = {row["p"]: row for row in found.to_dict()["relative_weights"]}
    assert rows[0.001]["ci_low"] == pytest.approx(low[0])


def test_every_model_stands_with_and_without_a_penalty():
    effects = dependent("crede2010")
    found = quiet(ma.bias_summary, effects)
    rows = [(m.name, m.penalty) for m in found.models]
    names = ("Selection (0.025)", "Selection (0.025, 0.5)", "Beta selection")
    assert rows == [(name, penalty) for name in names for penalty in ("none", "weak")]
    own = quiet(ma.selection_model, effects, penalty="weak", bootstrap="none")
    weak = found.models[1].to_dict()
    assert (weak["mean"]["estimate"], weak["limits"]) == (own.estimate, "standard errors")
    assert found.models[0].result is found.results["Selection (0.025)"]
    assert weak["weight_half"] == pytest.approx(own.weights[1])
    assert found.to_dict()["selection_models"][1] == weak
    first = models_table(found).rows[0]
    assert first["lost"] == f"{found.models[0].result.bootstrap.failed:,} of 99"
    rows = models_table(found).rows
    assert [r["limits"] for r in rows[:2]] == ["bootstrap", "robust errors"]
    assert {r["test"] for r in rows} == {"Wald"} and weak["test"] == "cluster-robust-wald"
    shown = [row["method"] for row in weights_table(found).rows]
    assert shown.count("Beta selection") == 8
    assert MILD in adjusted_table(found).notes
    assert MILD in found.summary()
    means = [name for name, *_ in found.adjusted()]
    assert means[1:3] == ["PET-PEESE", "Selection (0.025)"]


def test_what_is_asked_is_checked_once():
    with pytest.raises(OptionError, match="replications, seed: only a bootstrap has that"):
        SelectionAsked(bootstrap="none", replications=199, seed=2).checked()
    asked = SelectionAsked(interval="bca", penalty="weak", moderators=("year",))
    assert asked.options() == {"interval": "bca", "penalty": "weak", "moderators": ("year",)}


def test_a_penalised_fit_says_that_its_errors_are_cluster_robust():
    effects = independent("molloy2014")  # 16 studies
    plain, weak = (
        quiet(ma.selection_model, effects, penalty=p, bootstrap="none") for p in ("none", "weak")
    )
    assert "MA659" not in {n.code for n in plain.notices}
    (said,) = [n for n in weak.notices if n.code == "MA659"]
    assert (said.severity, weak.errors) == ("warning", "cluster-robust")
    assert "penalised" in said.message and "too optimistic" in said.message


def test_weights_of_a_beta_model_far_from_one_are_warned_of():
    rng = np.random.default_rng(1)
    vi = 1 / rng.integers(20, 120, 400)
    yi = 0.1 + np.sqrt(vi) * rng.normal(size=400)
    seen = yi / np.sqrt(vi) > 1.5 + 0.4 * rng.normal(size=400)
    effects = ma.Effects.from_arrays(yi[seen], vi[seen])
    found = quiet(ma.beta_selection_model, effects, bootstrap="none")
    weights = found.weight(np.array([0.01, 0.05, 0.975]))
    assert weights.max() > 100 or weights.min() < 1e-3
    assert "MA658" in {n.code for n in found.notices}


def test_the_table_of_models_says_why_one_was_refused_and_which_test_a_row_has():
    n = np.arange(30, 45)
    found = quiet(ma.bias_summary, Effects.from_arrays(0.9 + 0.01 * (n % 4), 1 / n))
    table = models_table(found)
    refused = [m for m in found.models if m.result is None]
    assert refused
    for model in refused:
        assert f"{model.name}, penalty {model.penalty}: {model.reason}" in table.notes
    plain = models_table(quiet(ma.bias_summary, independent("bcg"))).rows
    tests = {(r["penalty"], r["test"], r["limits"]) for r in plain if "test" in r}
    assert tests == {("none", "LR", "errors"), ("weak", "Wald", "robust errors")}
