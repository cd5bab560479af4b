"""Steps inside a boundary, against a quadratic programme solved by enumeration."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from metaalliance.core.variance.ascent import bounded_step


def best_by_enumeration(theta: np.ndarray, score: np.ndarray, H: np.ndarray) -> float:
    """Largest value over every choice of components that move to zero."""
    values = []
    for kept in product([True, False], repeat=theta.size):
        free = np.array(kept)
        d = -theta.copy()
        if free.any():
            slope = score[free] - H[np.ix_(free, ~free)] @ d[~free]
            d[free] = np.linalg.solve(H[np.ix_(free, free)], slope)
        if (theta + d >= -1e-12).all():
            values.append(score @ d - d @ H @ d / 2)
    return max(values)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("c", [2, 3, 5])
def test_step_is_the_best_inside_the_boundary(c, seed):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(c, c + 2))
    scale = 10 ** rng.uniform(-3, 3, c)
    H = (root @ root.T) * np.outer(scale, scale)
    theta = rng.choice([0.0, 1.0], c) * rng.uniform(0, 1, c) / scale
    score = 3 * rng.normal(size=c) * scale
    d = bounded_step(theta, score, H)
    assert (theta + d >= 0).all()
    best = best_by_enumeration(theta, score, H)
    assert score @ d - d @ H @ d / 2 == pytest.approx(best, rel=1e-9, abs=1e-12)


def test_step_that_clipping_would_turn_downhill():
    # the free step (-0.28, 0.33): clipped to (0, 0.33) it falls short of the best, (0, 0.25)
    theta, score, H = np.array([0.0, 0.1]), np.array([0.5, 1.0]), np.array([[4.0, 5.0], [5.0, 8.0]])
    clipped = np.maximum(np.linalg.solve(H, score), -theta)
    d = bounded_step(theta, score, H)
    assert score @ d - d @ H @ d / 2 > score @ clipped - clipped @ H @ clipped / 2
    assert score @ d > 0


def test_no_step_where_every_slope_points_out():
    assert bounded_step(np.zeros(2), np.array([-1.0, -2.0]), np.eye(2)).tolist() == [0.0, 0.0]
