"""Bootstrap interval of I²: reproducible, against brute force, limits."""

from __future__ import annotations

import json

import numpy as np
import pytest
from golden_data import assert_close, effects, quiet_pool

import metaalliance as ma
from metaalliance.core.variance.data_sets import Regressions
from metaalliance.core.variance.heterogeneity import q_test
from metaalliance.core.variance.tau2 import ESTIMATORS, estimate_tau2, many_tau2
from metaalliance.errors import EstimationError, OptionError
from metaalliance.models.further.bootstrap_i2 import _drawn, _of_drawn, _of_means

kinds = pytest.mark.parametrize("kind", ["parametric", "cluster"])


def fitted(name, **options):
    dependent = options.get("model") in {"three-level", "che"}
    return quiet_pool(effects(name, dependent=dependent), **options)


@pytest.mark.parametrize("method", ESTIMATORS)
def test_batch_is_the_estimator_one_by_one(method):
    rng = np.random.default_rng(3)
    yi, vi = rng.normal(0, 1.2, (20, 8)), rng.uniform(0.3, 3.0, (20, 8))
    batch = many_tau2(Regressions.of(yi, vi, np.ones((8, 1))), method)
    single = [estimate_tau2(y, v, np.ones((8, 1)), method) for y, v in zip(yi, vi, strict=True)]
    assert_close(batch, single, 1e-8, scale=1.0)


@kinds
@pytest.mark.parametrize("tau2", ["REML", "DL"])
def test_two_level(kind, tau2):
    fit = fitted("molloy2014", tau2=tau2)
    found = ma.bootstrap_i2(fit, kind=kind, replications=199)
    low, high = found.intervals["total"]
    assert 0 <= low < fit.I2 < high < 1
    assert found.estimates == {"total": fit.I2}
    assert found.failed == 0


@kinds
def test_levels_of_a_multilevel_model(kind):
    fit = fitted("assink2016", model="che")
    found = ma.bootstrap_i2(fit, kind=kind, replications=99)
    assert list(found.intervals) == ["total", "study", "effect"]
    kept = found.samples
    assert kept.shape == (99, 3)
    assert_close(kept[:, 0], kept[:, 1] + kept[:, 2], 1e-10, scale=1.0)
    assert ((kept >= 0) & (kept <= 1)).all()


@kinds
def test_seed(kind):
    fit = fitted("molloy2014")
    one, again, other = (
        ma.bootstrap_i2(fit, kind=kind, replications=99, seed=s).samples for s in (5, 5, 6)
    )
    assert (one == again).all()
    assert (one != other).any()


def test_higher_level_is_wider():
    fit = fitted("molloy2014")
    wide, narrow = (ma.bootstrap_i2(fit, level=p).intervals["total"] for p in (0.99, 0.8))
    assert wide.low <= narrow.low < narrow.high <= wide.high


def test_level_of_the_fit():
    found = ma.bootstrap_i2(fitted("molloy2014", level=0.9), replications=99)
    assert found.level == 0.9
    ends = np.quantile(found.samples[:, 0], [0.05, 0.95])
    assert_close(ends, found.intervals["total"], 1e-12)


def test_unit_of_the_effects():
    chosen = effects("molloy2014")
    large = ma.Effects.from_arrays(1e4 * chosen.yi, 1e8 * chosen.vi)
    one, other = (ma.bootstrap_i2(quiet_pool(e), replications=99) for e in (chosen, large))
    assert_close(other.samples, one.samples, 1e-7, scale=1.0)


def test_made_effects_have_the_covariance_of_the_model():
    fit = fitted("assink2016", model="che")
    rng = np.random.default_rng(8)
    data, (study, effect) = fit.data, fit.point.theta
    made = np.array([data.structure.draw(fit.point.theta, rng) for _ in range(4000)])
    first = slice(data.blocks.starts[0], data.blocks.starts[0] + data.blocks.sizes[0])
    v = data.vi[first]
    rho = data.structure.rho
    S = study + rho * np.sqrt(np.outer(v, v)) + np.diag((1 - rho) * v + effect)
    assert np.abs(np.cov(made[:, first].T) - S).max() < 0.08 * S.max()


def test_drawn_studies_are_whole():
    data = fitted("assink2016", model="che").data
    m = data.blocks.m
    drawn = _drawn(data, np.random.default_rng(2).integers(0, m, m))
    whole = {
        tuple(data.yi[a : a + n])
        for a, n in zip(data.blocks.starts, data.blocks.sizes, strict=True)
    }
    blocks = drawn.blocks
    assert blocks.m == data.blocks.m
    assert {
        tuple(drawn.yi[a : a + n]) for a, n in zip(blocks.starts, blocks.sizes, strict=True)
    } <= whole


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_drawn_studies_together_are_those_one_by_one(method):
    fit = fitted("assink2016", model="che", tau2=method)
    m = fit.data.blocks.m
    drawn = np.random.default_rng(4).integers(0, m, (12, m))
    for together, alone in zip(_of_means(fit, drawn), _of_drawn(fit, drawn), strict=True):
        assert_close(together, alone, 1e-7, 0.01)


def test_typical_variance_of_a_parametric_sample_is_that_of_the_fit():
    fit = fitted("assink2016", model="che")
    data = fit.data
    typical = q_test(data).typical_variance
    assert_close(fit.tau2 / (fit.tau2 + typical), fit.I2, 1e-12)


def test_samples_without_a_study_of_several_effects_are_counted():
    chosen = ma.Effects.from_arrays(
        [0.1, 0.5, 0.3, 0.6, 0.2, 0.4], [0.01] * 6, study=list("AABCDE")
    )
    found = ma.bootstrap_i2(quiet_pool(chosen), kind="cluster", replications=99)
    assert 0 < found.failed < 99
    assert [p.code for p in found.notices] == ["MA634"]
    assert found.samples.shape[0] == 99 - found.failed


def test_identical_effects():
    fit = quiet_pool(ma.Effects.from_arrays([0.3] * 8, [0.02] * 8))
    found = ma.bootstrap_i2(fit, replications=99)
    assert found.estimates["total"] == 0
    assert found.intervals["total"].low == 0
    assert ma.bootstrap_i2(fit, kind="cluster", replications=99).intervals["total"].high < 1e-12


@pytest.mark.parametrize("options", [{"model": "common-effect"}, {}])
def test_models_without_it(options):
    one = ma.Effects.from_arrays([0.3], [0.02])
    with pytest.raises(EstimationError, match="no I² to bootstrap"):
        ma.bootstrap_i2(quiet_pool(one, **options))


@pytest.mark.parametrize("options", [{"kind": "wild"}, {"replications": 5}, {"level": 95}])
def test_options(options):
    with pytest.raises(OptionError):
        ma.bootstrap_i2(fitted("molloy2014"), **options)


def test_documents():
    found = ma.bootstrap_i2(fitted("molloy2014"), replications=99)
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert document["settings"] == {
        "kind": "parametric", "level": 0.95, "replications": 99, "seed": 1,
    }  # fmt: skip
    assert found.to_frame()["component"].tolist() == ["total"]
    assert "total: 61.7%" in found.summary()


@pytest.mark.slow
def test_coverage_of_the_parametric_interval():
    """Percentile intervals of I² with 40 studies are a little too low; they hold roughly."""
    rng = np.random.default_rng(11)
    vi = rng.uniform(0.01, 0.04, 40)
    typical = 39 * (1 / vi).sum() / ((1 / vi).sum() ** 2 - np.sum(vi**-2.0))
    true, hits = 0.03 / (0.03 + typical), 0
    for seed in range(400):
        yi = rng.normal(0.3, np.sqrt(0.03 + vi))
        fit = quiet_pool(ma.Effects.from_arrays(yi, vi))
        low, high = ma.bootstrap_i2(fit, replications=299, seed=seed).intervals["total"]
        hits += low <= true <= high
    assert 0.88 < hits / 400 < 0.99
