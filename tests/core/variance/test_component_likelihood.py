"""The likelihood of components: derivatives, edges and maxima."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.components.ascent import highest_of_form
from metaalliance.core.variance.components.forms import FORMS, Parameters
from metaalliance.core.variance.components.likelihood import ComponentData, evaluate_components


def made(seed: int, m: int = 12, p: int = 3, spread: float = 0.1) -> ComponentData:
    """Studies that lack some components, and have others twice."""
    rng = np.random.default_rng(seed)
    study, codes = [], []
    for i in range(m):
        own = rng.choice(p, size=rng.integers(1, p + 2))
        study += [i] * own.size
        codes += sorted(own)
    codes = np.array([*codes[: len(codes) - p], *range(p)])  # each component is there
    study = np.array(study)
    v = rng.uniform(0.01, 0.05, study.size)
    y = rng.normal(0.3, np.sqrt(v) + spread)

    def dense(rows):
        n = np.arange(rows.shape[1])
        R = np.full((n.size, n.size), 0.5) + 0.5 * np.eye(n.size)
        root = np.sqrt(v[rows])
        return R * root[:, :, None] * root[:, None, :]

    return ComponentData.build(
        y, np.eye(p)[codes], codes, p, StudyBlocks.from_sorted(study), np.arange(y.size), dense
    )


def by_hand(data: ComponentData, G, w, *, restricted: bool) -> float:
    """The likelihood from one matrix of all effects."""
    k, p = data.X.shape
    S = np.zeros((k, k))
    for batch in data.batches:
        for rows, V in zip(batch.rows, batch.V, strict=True):
            S[np.ix_(rows, rows)] = V + G[np.ix_(data.codes[rows], data.codes[rows])]
    S += np.diag(w[data.codes])
    W = np.linalg.inv(S)
    XWX = data.X.T @ W @ data.X
    e = data.yi - data.X @ np.linalg.solve(XWX, data.X.T @ W @ data.yi)
    value = -0.5 * (np.linalg.slogdet(S)[1] + e @ W @ e)
    value -= 0.5 * (k - p if restricted else k) * np.log(2 * np.pi)
    if restricted:
        value += 0.5 * (np.linalg.slogdet(data.X.T @ data.X)[1] - np.linalg.slogdet(XWX)[1])
    return float(value)


@pytest.mark.parametrize("restricted", [True, False])
def test_likelihood_is_that_of_one_large_matrix(restricted):
    data, rng = made(1), np.random.default_rng(0)
    A = rng.normal(0, 0.2, (3, 3))
    G, w = A @ A.T, rng.uniform(0, 0.02, 3)
    found = evaluate_components(data, G, w, restricted=restricted).log_likelihood
    assert found == pytest.approx(by_hand(data, G, w, restricted=restricted), rel=1e-12)


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("within", ["none", "equal", "own"])
@pytest.mark.parametrize("form", ["DIAG", "CS", "HCS", "UN"])
def test_derivatives_are_those_of_differences(form, within, restricted):
    data = made(2)
    shape = Parameters(FORMS[form](3), within)
    theta = np.random.default_rng(3).normal(0, 0.15, shape.q)

    def value(t):
        return by_hand(data, *shape.values(t), restricted=restricted)

    step = 1e-5
    gradient = np.array(
        [(value(theta + step * e) - value(theta - step * e)) / (2 * step) for e in np.eye(shape.q)]
    )

    def slope(t):
        point = evaluate_components(data, *shape.values(t), restricted=restricted)
        score, information = point.slope()
        J = shape.jacobian(t)
        bend = shape.bend(t, score[:9].reshape(3, 3), score[9:])
        return J.T @ score, bend - J.T @ information @ J

    score, hessian = slope(theta)
    columns = [(slope(theta + step * e)[0] - slope(theta - step * e)[0]) / (2 * step)
               for e in np.eye(shape.q)]  # fmt: skip
    np.testing.assert_allclose(score, gradient, rtol=2e-6, atol=1e-6 * np.abs(score).max())
    np.testing.assert_allclose(
        hessian, np.array(columns), rtol=2e-6, atol=1e-6 * np.abs(hessian).max()
    )


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000))
def test_no_matrix_near_the_maximum_is_higher_and_forms_are_nested(seed):
    """Also where G is singular: a positive semidefinite change raises nothing."""
    data, known = made(seed, spread=0.02), {}
    best = highest_of_form(data, "UN", restricted=True, known=known).point
    rng = np.random.default_rng(seed)
    for size in (1e-2, 1e-3, 1e-4):
        a = rng.normal(0, 1, 3)
        near = best.G + size * (0.05 * np.outer(a, a) - 0.5 * best.G)
        beside = evaluate_components(data, near, best.w, restricted=True)
        assert beside.log_likelihood <= best.log_likelihood + 1e-9
    heights = {name: known[name].point.log_likelihood for name in known}
    assert heights["DIAG"] <= heights["HCS"] + 1e-9 >= heights["CS"]
    assert heights["HCS"] <= heights["UN"] + 1e-9


def test_order_of_effects_and_of_components_does_not_matter():
    data = made(5)
    best = highest_of_form(data, "UN", restricted=True).point
    turn = np.array([2, 0, 1])
    codes = turn[data.codes]
    V = {tuple(b.rows[i]): b.V[i] for b in data.batches for i in range(len(b.rows))}
    turned = ComponentData.build(
        data.yi, np.eye(3)[codes], codes, 3, data.blocks, data.order,
        lambda rows: np.stack([V[tuple(r)] for r in rows]),
    )  # fmt: skip
    other = highest_of_form(turned, "UN", restricted=True).point
    assert other.log_likelihood == pytest.approx(best.log_likelihood, abs=1e-9)
    np.testing.assert_allclose(other.G[np.ix_(turn, turn)], best.G, atol=1e-6)


def test_identical_effects_have_no_variance():
    data = made(7)
    same = data.with_effects(np.full(data.yi.size, 0.25))
    best = highest_of_form(same, "UN", restricted=True).point
    np.testing.assert_allclose(best.G, 0, atol=1e-12)
    np.testing.assert_allclose(best.beta, 0.25)
