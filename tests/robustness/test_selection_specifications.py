"""Selection models as specifications of a multiverse."""

from __future__ import annotations

import numpy as np
import pytest

import metaalliance as ma
from metaalliance.effects.effects import Effects
from metaalliance.notices import quiet

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")

GRID = {"selection": ["none", "step", "two-step", "beta"], "outliers": ["keep"], "tau2": ["REML"]}


def effects(shift=0.0):
    rng = np.random.default_rng(8)
    study = np.repeat(np.arange(20), 3)
    vi = (1 / rng.integers(20, 150, 20))[study]
    yi = 0.2 + shift + 0.15 * rng.normal(size=20)[study] + np.sqrt(vi) * rng.normal(size=60)
    return Effects.from_arrays(yi, vi, study=study, measure="z")


def test_a_specification_is_the_selection_model_itself():
    data = effects()
    found = ma.multiverse(data, grid=GRID).frame
    own = found[(found["selection"] != "none") & (found["aggregation"] == "none")]
    fits = {
        "step": ma.selection_model(data, bootstrap="none"),
        "two-step": ma.selection_model(data, (0.025, 0.5), bootstrap="none"),
        "beta": ma.beta_selection_model(data, bootstrap="none"),
    }
    assert own["selection"].tolist() == list(fits)  # once each, whatever model and test
    for row, fit in zip(own.itertuples(), fits.values(), strict=True):
        assert row.analysis_estimate == fit.estimate
        assert row.estimate == pytest.approx(np.tanh(fit.estimate))
        assert (row.p_value, row.n_studies) == (fit.p_value[0], 20)
        assert row.model is None or np.isnan(row.model)


def test_averaged_effects_are_selected_too_and_jobs_make_no_difference():
    data = effects()
    one, two = (ma.multiverse(data, grid=GRID, jobs=jobs).frame for jobs in (1, 2))
    assert one.equals(two)
    means = one[(one["selection"] == "step") & (one["aggregation"] == "mean")]
    assert set(means["n_effects"]) == {20}


def test_those_without_a_result_are_counted_with_their_reason():
    found = ma.multiverse(effects(shift=2), grid=GRID)  # every effect is significant
    lost = found.failures
    assert set(lost["selection"]) == {"step", "two-step", "beta"}
    assert lost["code"].isin(["MA653", "MA654"]).all()
    assert f"{len(lost)} specifications have no result, {len(lost)} of them" in found.summary()
    assert found.reference is not None


@pytest.mark.filterwarnings("error::metaalliance.errors.MetaAllianceWarning")
@pytest.mark.parametrize("measure", ["z", "r", "r-unbiased"])
def test_the_test_of_each_report_counts_on_every_scale(studies, measure):
    grid = {"selection": ["step"], "measure": [measure], "outliers": ["keep"], "tau2": ["REML"]}
    grid |= {"aggregation": ["none"], "include": ["all"], "conversions": ["all"]}
    whole = ma.multiverse(studies, policy=ma.Policy(measure=measure), grid=grid)
    found = whole.frame
    with quiet():
        fit = ma.selection_model(ma.effect_sizes(studies, measure=measure), bootstrap="none")
    assert (found["code"] == "").all()
    assert "MA659" in found["notices"][0]
    assert f"MA659 in {len(found)}" in whole.summary()
    assert found["analysis_estimate"].tolist() == pytest.approx([fit.estimate] * len(found))
