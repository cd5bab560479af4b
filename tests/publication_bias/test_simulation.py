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
