"""Densities of z that models imply: areas, the share that is seen, simulated selection."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import ndtr, ndtri

from metaalliance.core.selection.implied import Before, Selected

VI = np.array([0.02, 0.01, 0.005, 0.03])
BEFORE = Before.of(0.2, 0.02, VI)
CRITICAL = np.column_stack([np.array([1.96, 1.97, 1.99, 2.05]), np.zeros(4)])


def area(values, z):
    return float((values[1:] + values[:-1]) @ np.diff(z)) / 2


def cases():
    steps = Selected.by_steps(BEFORE, np.array([1.0, 0.4, 0.1]), CRITICAL, two_sided=False)
    both = Selected.by_steps(BEFORE, np.array([1.0, 0.3]), CRITICAL[:, :1], two_sided=True)
    rising = Selected.by_steps(BEFORE, np.array([1.0, 2.0]), CRITICAL[:, :1], two_sided=False)
    smooth = Selected.smoothly(BEFORE, lambda z: 3 * np.clip(ndtr(-z), 0.025, 0.975) ** -0.5)
    return [steps, both, rising, smooth]


@pytest.mark.parametrize("which", range(4))
def test_what_is_seen_and_missing_adds_up(which):
    selected = cases()[which]
    z = np.linspace(-16, 24, 400_001)
    assert_allclose(area(selected.density(z), z), 1, atol=1e-4)
    assert_allclose(area(selected.expected(z), z), 1 + selected.missing(), atol=1e-4)
    assert (selected.weight(z) <= 1 + 1e-12).all()
    best = selected.weight(z) == 1
    some = best.all(axis=0)
    assert some.any()
    assert_allclose(selected.density(z)[some], selected.expected(z)[some], rtol=1e-12)


def test_no_selection_is_the_density_itself():
    none = Selected.by_steps(BEFORE, np.ones(3), CRITICAL, two_sided=False)
    z = np.linspace(-4, 6, 101)
    assert_allclose(none.density(z), BEFORE.densities(z).mean(axis=0), rtol=1e-12)
    assert none.missing() == pytest.approx(0, abs=1e-12)
    expected = BEFORE.beyond(CRITICAL[:, 0]).mean()
    assert_allclose(none.discovery_rate(CRITICAL[:, 0]), expected, rtol=1e-12)


def test_simulated_selection():
    rng = np.random.default_rng(20261201)
    selected, m = cases()[0], 400_000
    z = rng.normal(BEFORE.mean[0], BEFORE.sd[0], m)
    weight = np.where(z >= 1.96, 1.0, np.where(z >= 0, 0.4, 0.1))
    kept = z[rng.random(m) < weight]
    assert_allclose(kept.size / m, selected.seen[0], atol=0.003)
    one = Before(BEFORE.mean[:1], BEFORE.sd[:1])
    alone = Selected.by_steps(one, np.array([1.0, 0.4, 0.1]), CRITICAL[:1], two_sided=False)
    counts, edges = np.histogram(kept, np.arange(-2, 6, 0.49))
    middle = (edges[1:] + edges[:-1]) / 2
    clear = (np.abs(middle - 1.96) > 0.3) & (np.abs(middle) > 0.3)
    observed = counts / kept.size / 0.49
    assert_allclose(observed[clear], alone.density(middle)[clear], atol=0.01)


def test_beyond_is_a_two_sided_test():
    before = Before(np.zeros(1), np.ones(1))
    assert_allclose(before.beyond(np.array([-float(ndtri(0.025))])), 0.05, rtol=1e-12)
    assert_allclose(before.densities(np.zeros(1)), 1 / math.sqrt(2 * math.pi))
