"""Slow: formula and simulation agree within Monte-Carlo error."""

from __future__ import annotations

import math

import pytest

import metaalliance as ma

pytestmark = pytest.mark.slow

DRAWS = 1500
CASES = {
    # Exact: one effect per study and equal n.
    "knapp-hartung": lambda **o: ma.power_mean(0.12, k=10, n=50, tau=0.15, **o),
    "wald": lambda **o: ma.power_mean(0.12, k=6, n=50, tau=0.1, test="wald", **o),
    "two groups": lambda **o: ma.power_contrast([0.3, 0.15], k=[20, 15], n=60, tau=0.12, **o),
    # Approximate: Satterthwaite's degrees of freedom at the true variances.
    "che": lambda **o: ma.power_mean(0.1, k=20, n=50, tau=0.15, effects_per_study=3, **o),
    "che, unequal": lambda **o: ma.power_mean(
        0.08, k=30, n=[30, 60, 120, 240], tau=0.15, effects_per_study=[1, 2, 3, 6], **o
    ),
    "three groups": lambda **o: ma.power_contrast(
        [0.3, 0.2, 0.15], k=[20, 15, 12], n=60, tau=0.15, effects_per_study=2, **o
    ),
    "egger": lambda **o: ma.power_egger(0.2, k=40, n=[20, 40, 80, 160], tau=0.1, **o),
    "egger, che": lambda **o: ma.power_egger(
        0.2, k=40, n=[20, 40, 80, 160], tau=0.1, effects_per_study=2, **o
    ),
}
#: What an approximation may be off beside Monte-Carlo error; exact cases have none.
SLACK = {"che": 0.01, "che, unequal": 0.02, "three groups": 0.02, "egger": 0.01, "egger, che": 0.02}


@pytest.mark.parametrize("name", CASES)
def test_formula_and_simulation_agree(name):
    (row,) = CASES[name](simulate=DRAWS, seed=20).rows
    assert row.simulated.failures == 0
    bound = 3.5 * row.simulated.mc_se + SLACK.get(name, 0.0)
    assert abs(row.simulated.power - row.power) < bound


def test_the_half_width_that_precision_expects_is_the_simulated_one():
    found = ma.precision(0.06, r=None, n=60, tau=0.15)
    simulated = ma.power_mean(0.2, k=found.k, n=60, tau=0.15, simulate=2000).rows[0].simulated
    assert simulated.half_width == pytest.approx(found.expected, rel=0.03)


def test_simulation_does_not_depend_on_the_number_of_jobs():
    options = {"k": 8, "n": [30, 60], "tau": 0.15, "effects_per_study": [1, 2], "simulate": 120}
    one, two = (ma.power_mean(0.1, **options, seed=5, jobs=jobs) for jobs in (1, 2))
    assert one.rows[0].simulated == two.rows[0].simulated


def test_the_size_of_the_test_is_kept_under_the_null():
    (row,) = ma.power_mean(0.0, k=12, n=50, tau=0.15, effects_per_study=2, simulate=DRAWS).rows
    assert row.power == pytest.approx(0.05)
    assert abs(row.simulated.power - 0.05) < 3.5 * math.sqrt(0.05 * 0.95 / DRAWS) + 0.01
