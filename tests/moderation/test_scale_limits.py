"""Location-scale models with several maxima, and with a supremum at infinity."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from metaalliance.core.variance.scale.recession import falls, recession
from metaalliance.effects.effects import Effects
from metaalliance.moderation.location_scale import location_scale
from metaalliance.moderation.scale.result import LocationScale


def review(seed: int) -> Effects:
    """Thirty studies of one to four effects, whose heterogeneity depends on age."""
    rng = np.random.default_rng(seed)
    rows = []
    for j in range(30):
        count, n, x = int(rng.integers(1, 5)), int(rng.integers(30, 150)), rng.normal()
        u = rng.normal(0, np.exp(0.5 * (-4 + 0.5 * x)))
        for i in range(count):
            y = 0.3 + 0.1 * x + u + rng.normal(0, 0.08) + rng.normal() / np.sqrt(n - 3)
            rows.append((y, 1 / (n - 3), j, "ab"[i % 2], 40 + 5 * x, "pqr"[j % 3], 1990 + j))
    y, vi, study, sample, age, arm, year = map(np.array, zip(*rows, strict=True))
    return Effects.from_arrays(
        y, vi, study=study, sample=sample, measure="z",
        moderators={"age": age, "arm": arm, "year": year},
    )  # fmt: skip


def dense_maximum(found: LocationScale, starts: int) -> float:
    """The highest restricted likelihood that a general optimizer reaches, S by its definition."""
    data, structure = found.fit.data, found.fit.structure
    k, X, y = data.yi.size, data.X, data.yi
    plain = structure.base.at(np.zeros(len(structure.levels)))
    V = np.column_stack([plain.multiply(column) for column in np.eye(k)])
    Z = [groups.spread(np.eye(groups.m)) for groups in structure.levels]
    C = [np.ones((z.shape[1], 1)) if c is None else c
         for z, c in zip(Z, structure.designs, strict=True)]  # fmt: skip
    ends = np.cumsum([c.shape[1] for c in C])
    usual = float(np.log(np.median(data.vi)))

    def negative(a: np.ndarray) -> tuple[float, np.ndarray]:
        parts = np.split(a, ends[:-1])
        variances = [np.exp(np.clip(c @ b, -60, 12)) for c, b in zip(C, parts, strict=True)]
        S = V + sum((z * v) @ z.T for z, v in zip(Z, variances, strict=True))
        W = np.linalg.inv(S)
        WX = W @ X
        bread = np.linalg.inv(X.T @ WX)
        r = y - X @ (bread @ (WX.T @ y))
        u = W @ r
        value = (k - X.shape[1]) * np.log(2 * np.pi) + np.linalg.slogdet(S)[1] + r @ u
        value -= np.linalg.slogdet(bread)[1] + np.linalg.slogdet(X.T @ X)[1]
        P = W - WX @ bread @ WX.T
        slope = [c.T @ (v * (np.sum(z * (P @ z), axis=0) - (z.T @ u) ** 2))
                 for z, v, c in zip(Z, variances, C, strict=True)]  # fmt: skip
        return float(value / 2), np.concatenate(slope) / 2

    rng, best = np.random.default_rng(1), -np.inf
    for _ in range(starts):
        a = []
        for c in C:
            logs = usual + rng.uniform(-3, 2) + rng.normal(0, rng.choice([0.3, 1.5, 4]), len(c))
            a.append(np.linalg.lstsq(c, logs, rcond=None)[0])
        reached = minimize(negative, np.concatenate(a), jac=True, method="L-BFGS-B",
                           options={"maxiter": 600, "ftol": 1e-14, "gtol": 1e-8})  # fmt: skip
        best = max(best, -float(reached.fun))
    return best


@pytest.mark.parametrize(
    ("seed", "mean", "scale"),
    [
        (12, "age", "age * arm"),
        (11, "1", "age * arm"),
        (14, "age", "age + arm"),
        (19, "age", "age * arm"),
    ],
)
def test_interactions_reach_the_maximum_or_say_that_it_is_at_infinity(seed, mean, scale, quiet):
    found = quiet(location_scale, review(seed), mean, scale)
    assert found.log_likelihood >= dense_maximum(found, 8) - 1e-6
    table, said = found.scale, any(n.code == "MA636" for n in found.notices)
    assert said == (~np.isfinite(table["estimate"])).any()
    assert np.isfinite(table["lr"][1:]).all()
    inside = table[np.isfinite(table["estimate"])]
    assert (inside["profile_low"] <= inside["estimate"]).all()
    assert (inside["estimate"] <= inside["profile_high"]).all()
    tested = table[1:]  # the interval and the ratio agree on zero
    holds = (tested["profile_low"] <= 0) & (tested["profile_high"] >= 0)
    assert (holds == (tested["lr_p_value"] >= 0.05)).all()


def test_directions_to_infinity_leave_a_face_of_the_moderators():
    x = np.array([0.0, 1.0, 2.0, 5.0])
    C = np.column_stack([np.ones(4), x])
    late = recession(C, x == 5)
    assert (C @ late <= 1e-12).all()
    assert C[3] @ late == pytest.approx(0.0, abs=1e-12)
    assert recession(C, x == 1) is None  # inside: some variance would have to grow
    assert recession(C, x == 5, np.array([0.0, 1.0])) is not None
    assert recession(C, x == 5, np.array([0.0, -1.0])) is None
    assert (C @ recession(C, np.zeros(4, bool)) <= 1e-9).all()
    arm = np.array([0.0, 0.0, 1.0, 1.0])
    crossed = np.column_stack([np.ones(4), [0.0, 1.0, 0.0, 1.0], arm, [0.0, 0.0, 0.0, 1.0]])
    ways = [np.flatnonzero(crossed @ way < -1e-9).tolist() for way in falls(crossed)]
    assert sorted(ways) == [[0], [1], [2], [3]]


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["age * arm", "year + age", "arm; effect = age", "age"])
@pytest.mark.parametrize("seed", range(8, 22))
def test_many_reviews_reach_the_dense_maximum(seed, scale, quiet):
    """14 reviews by 4 models: no likelihood is below that of 20 starts of a general optimizer."""
    found = quiet(location_scale, review(seed), "1", scale)
    assert found.log_likelihood >= dense_maximum(found, 20) - 1e-6
