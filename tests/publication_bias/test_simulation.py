"""Egger's test on simulated reviews: its size under dependence, and the selection model."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from bias_data import quiet

import metaalliance as ma
from metaalliance.errors import EstimationError

sys.path.append(str(Path(__file__).parents[2] / "scripts"))
import simulate_egger

pytestmark = pytest.mark.slow


def test_the_clustered_test_holds_its_size_where_the_naive_one_does_not():
    condition = simulate_egger.Condition(studies=40, most=6, seen=1.0)
    rates = simulate_egger.rejection_rates(condition, 300, seed=1)
    error = math.sqrt(0.05 * 0.95 / 300)
    assert rates["classical, naive"] > 0.15
    assert rates["two-level, naive"] > 0.15
    assert rates["clustered (CHE, CR2)"] < 0.05 + 4 * error


def test_the_clustered_test_has_power_against_selection():
    condition = simulate_egger.Condition(studies=60, most=6, seen=0.05)
    none = simulate_egger.Condition(studies=60, most=6, seen=1.0)
    biased = simulate_egger.rejection_rates(condition, 150, seed=2)
    fair = simulate_egger.rejection_rates(none, 150, seed=2)
    assert biased["clustered (CHE, CR2)"] > fair["clustered (CHE, CR2)"] + 0.15


def test_clustered_selection_models_cover_the_mean():
    # 50 studies, one to five effects, results without significance seen with probability .3
    rng = np.random.default_rng(20240608)
    covered, estimates = [], []
    for _ in range(150):
        yi, vi, study = [], [], []
        while len(set(study)) < 50:
            k, v = int(rng.integers(1, 6)), float(1 / rng.integers(20, 150))
            errors = math.sqrt(v) * (0.6**0.5 * rng.normal() + 0.4**0.5 * rng.normal(size=k))
            y = 0.25 + 0.12 * rng.normal() + 0.08 * rng.normal(size=k) + errors
            seen = (y / math.sqrt(v) > 1.96) | (rng.random(k) < 0.3)
            yi += y[seen].tolist()
            vi += [v] * int(seen.sum())
            study += [len(set(study))] * int(seen.sum())
        try:
            fit = quiet(ma.selection_model, ma.Effects.from_arrays(yi, vi, study=study))
        except EstimationError:
            continue
        covered.append(fit.ci_low[0] < 0.25 < fit.ci_high[0])
        estimates.append(fit.estimate)
    assert len(covered) > 140
    assert np.mean(covered) > 0.87
    assert abs(np.mean(estimates) - 0.25) < 0.02


def reviews(seed, replications, spread):
    """Reviews of 40 studies without bias: r, Fisher z and n."""
    rng = np.random.default_rng(seed)
    for _ in range(replications):
        n = np.exp(rng.normal(4.1, 0.6, 40)).astype(int) + 10
        z = 0.3 + rng.normal(0, spread, 40) + rng.normal(size=40) / np.sqrt(n - 3)
        yield np.tanh(z), z, n


def test_size_and_bias_on_the_scale_of_r_are_those_on_fisher_z():
    replications, found = 300, []
    for r, z, n in reviews(5, replications, 0.15):
        on_r = ma.Effects.from_arrays(r, (1 - r**2) ** 2 / (n - 1), measure="r", n=n)
        on_z = ma.Effects.from_arrays(z, 1 / (n - 3), measure="z", n=n)
        tests = [quiet(ma.egger, e).p_value < 0.05 for e in (on_r, on_z)]
        means = [quiet(ma.pet_peese, on_r).estimate, np.tanh(quiet(ma.pet_peese, on_z).estimate)]
        ranks = [quiet(ma.rank_test, e).p_value < 0.05 for e in (on_r, on_z)]
        found.append([*tests, *ranks, *means])
    table = np.array(found, dtype=float)
    rates, error = table[:, :4].mean(axis=0), math.sqrt(0.05 * 0.95 / replications)
    assert (np.abs(rates - 0.05) < 4 * error).all()
    # the mean of tanh(z) is .285; errors of a mean are about .05
    means = table[:, 4:].mean(axis=0)
    assert (np.abs(means - 0.28) < 0.015).all()
    assert abs(means[0] - means[1]) < 0.01


def test_the_test_of_tau2_of_p_uniform_holds_its_size():
    replications, rejected = 300, 0
    for _, z, n in reviews(1, replications, 0.0):
        try:
            rejected += (
                quiet(ma.p_uniform, ma.Effects.from_arrays(z, 1 / (n - 3))).tau2_p_value < 0.05
            )
        except EstimationError:
            continue
    assert abs(rejected / replications - 0.05) < 4 * math.sqrt(0.05 * 0.95 / replications)
