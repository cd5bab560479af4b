"""Implied correlations and the likelihood: derivatives against differences, and what they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaalliance.core.paths.climb import climb
from metaalliance.core.paths.effects import indirect_effect, indirect_pairs
from metaalliance.core.paths.implied import PathModel
from metaalliance.core.paths.likelihood import Cells, Problem, cells_of
from metaalliance.core.paths.profile import likelihood_bounds
from metaalliance.models.paths.parameters import coordinate

PAIRS = np.array([(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)])
ONE = np.zeros(1, dtype=np.intp)


def chain() -> PathModel:
    """Two exogenous variables, x and z, a variable m that both lead to, and y that m and x do."""
    path_places, covariance_places = np.zeros((5, 4, 4)), np.zeros((5, 4, 4))
    path_places[0, 2, 0] = path_places[1, 2, 1] = path_places[2, 3, 2] = path_places[3, 3, 0] = 1
    covariance_places[4, 0, 1] = covariance_places[4, 1, 0] = 1
    return PathModel(
        A0=np.zeros((4, 4)),
        S0=np.zeros((4, 4)),
        path_places=path_places,
        covariance_places=covariance_places,
        pairs=PAIRS,
    )


def loop() -> PathModel:
    """A model in which two variables lead to each other."""
    path_places, covariance_places = np.zeros((4, 4, 4)), np.zeros((4, 4, 4))
    path_places[0, 2, 0] = path_places[1, 3, 1] = path_places[2, 3, 2] = path_places[3, 2, 3] = 1
    S0 = np.zeros((4, 4))
    S0[0, 1] = S0[1, 0] = 0.2
    return PathModel(
        A0=np.zeros((4, 4)),
        S0=S0,
        path_places=path_places,
        covariance_places=covariance_places,
        pairs=PAIRS,
    )


def cells(k: int = 9, seed: int = 4) -> Cells:
    """Correlations of studies of which some lack some."""
    rng = np.random.default_rng(seed)
    values, spreads, at = [], [], []
    for i in range(k):
        own = np.sort(rng.permutation(6)[: 6 - i % 3])
        L = rng.normal(size=(own.size, own.size)) / 15
        values.append(0.3 + 0.1 * rng.normal(size=own.size))
        spreads.append(L @ L.T + 0.005 * np.eye(own.size))
        at.append(own)
    return cells_of(values, spreads, at, 6)


def differences(f, x: np.ndarray, h: float = 1e-6) -> np.ndarray:
    steps = h * np.eye(x.size)
    return np.array([(f(x + s) - f(x - s)) / (2 * h) for s in steps])


@pytest.mark.parametrize("model", [chain(), loop()], ids=["chain", "loop"])
@given(seed=st.integers(0, 10_000))
def test_derivatives_of_implied_correlations(model, seed):
    theta = np.random.default_rng(seed).uniform(-0.45, 0.45, model.q)
    slopes = model.at(theta).slopes()
    numeric = differences(lambda t: model.at(t).rho, theta).T
    np.testing.assert_allclose(slopes.jacobian, numeric, atol=1e-8)
    weights = np.linspace(-1, 2, 6)
    bend = differences(lambda t: weights @ model.at(t).slopes().jacobian, theta)
    np.testing.assert_allclose(slopes.curvature(weights), bend, atol=1e-7)


def test_variances_stay_one():
    implied = chain().at(np.array([[0.4, -0.3, 0.5, 0.2, 0.1]]))
    np.testing.assert_allclose(np.diagonal(implied.sigma, axis1=-2, axis2=-1), 1, atol=1e-15)
    x_m, m_y = 0.4 - 0.3 * 0.1, 0.5 + 0.2 * (0.4 - 0.03)
    np.testing.assert_allclose(implied.rho[0, [1, 5]], [x_m, m_y], atol=1e-15)


@pytest.mark.parametrize("moderated", [False, True])
@given(seed=st.integers(0, 10_000))
def test_score_and_information(moderated, seed):
    rng, model = np.random.default_rng(seed), chain()
    design = None
    if moderated:
        design = np.zeros((9, 5, 7))
        design[:, :, :5] = np.eye(5)
        design[:, 2, 5], design[:, 0, 6] = rng.normal(size=(2, 9))
    problem = Problem(cells=cells(), model=model, design=design)
    x = np.r_[rng.uniform(-0.2, 0.4, problem.Q), rng.uniform(0.01, 0.05, 6)]
    score, observed, _ = problem.at(x[None], ONE).slope()
    numeric = differences(lambda t: problem.at(t[None], ONE).log_likelihood[0], x)
    np.testing.assert_allclose(score[0], numeric, rtol=1e-5, atol=1e-5)
    bend = differences(lambda t: -problem.at(t[None], ONE).slope()[0][0], x)
    np.testing.assert_allclose(observed[0], bend, rtol=1e-5, atol=1e-4 * np.abs(bend).max())


@given(seed=st.integers(0, 10_000))
def test_derivatives_of_indirect_effects(seed):
    x, model = np.random.default_rng(seed).uniform(-0.4, 0.4, 11), chain()
    assert indirect_pairs(model) == [(0, 3), (1, 3)]
    for source, product in ((0, x[0] * x[2]), (1, x[1] * x[2])):
        f = indirect_effect(model, source, 3)
        value, gradient, bend = f(x[None])
        slope = differences(lambda t, f=f: f(t[None])[0][0], x)
        curve = differences(lambda t, f=f: f(t[None])[1][0], x)
        assert value[0] == pytest.approx(product, abs=1e-14)
        np.testing.assert_allclose(gradient[0], slope, atol=1e-8)
        np.testing.assert_allclose(bend[0], curve, atol=1e-8)


def test_order_of_studies_changes_nothing():
    data = cells()
    turned = Cells(y=data.y[::-1], V=data.V[::-1], seen=data.seen[::-1], constant=data.constant)
    start = np.r_[np.full(5, 0.1), np.full(6, 0.02)][None]
    first, second = (climb(Problem(cells=c, model=chain()), start, ONE) for c in (data, turned))
    np.testing.assert_allclose(first.x, second.x, atol=1e-9)
    assert first.log_likelihood[0] == pytest.approx(second.log_likelihood[0], abs=1e-11)


def test_several_of_a_cell_are_the_model_with_one_random_effect():
    """The cells say what the whole covariance of all correlations says, constant included."""
    rng = np.random.default_rng(8)
    at = np.array([0, 0, 1, 3, 3, 3])
    L = rng.normal(size=(6, 6)) / 10
    V, r = L @ L.T + 0.01 * np.eye(6), rng.normal(0.3, 0.1, 6)
    problem = Problem(cells=cells_of([r], [V], [at], 6), model=chain())
    x = np.r_[0.3, -0.1, 0.2, 0.1, 0.2, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06]
    Z = (at[:, None] == np.arange(6)).astype(float)
    S, e = V + Z @ np.diag(x[5:]) @ Z.T, r - chain().at(x[:5]).rho[at]
    whole = -(np.linalg.slogdet(2 * np.pi * S)[1] + e @ np.linalg.solve(S, e)) / 2
    assert problem.at(x[None], ONE).log_likelihood[0] == pytest.approx(whole, abs=1e-11)


def test_many_climbs_at_once_are_each_alone():
    sets = [cells(seed=s) for s in range(5)]
    many = Problem(
        cells=Cells(
            y=np.stack([s.y for s in sets]),
            V=np.stack([s.V for s in sets]),
            seen=np.stack([s.seen for s in sets]),
            constant=sets[0].constant,
        ),
        model=chain(),
    )
    start = np.tile(np.r_[np.full(5, 0.1), np.full(6, 0.02)], (5, 1))
    together = climb(many, start, np.arange(5))
    assert together.converged.all()
    for i, one in enumerate(sets):
        alone = climb(Problem(cells=one, model=chain()), start[:1], ONE)
        np.testing.assert_allclose(together.x[i], alone.x[0], atol=1e-8)


def test_variances_of_many_data_sets_end_at_zero_or_where_nothing_is_gained():
    """Little heterogeneity: many variances end at zero, and some leave it again."""
    rng = np.random.default_rng(31)
    b, k, model = 300, 12, chain()
    V = np.broadcast_to(np.eye(6) * 0.012 + 0.004, (b, k, 6, 6))
    rho = model.at(np.array([0.2, 0.1, 0.3, 0.1, 0.2])).rho
    errors = rng.normal(size=(b, k, 6)) @ np.linalg.cholesky(V[0, 0]).T
    seen = rng.random((b, k, 6)) < 0.7
    y = (rho + errors + 0.03 * rng.normal(size=(b, k, 6))) * seen
    both = seen[..., :, None] & seen[..., None, :]
    data = Cells(y=y, V=np.where(both, V, np.eye(6)), seen=seen, constant=0.0)
    problem, rows = Problem(cells=data, model=model), np.arange(b)
    start = np.tile(np.r_[np.full(5, 0.1), np.full(6, 0.01)], (b, 1))
    found = climb(problem, start, rows)
    assert found.converged.all()
    score, observed, _ = problem.at(found.x, rows).slope()
    at_zero = found.x[:, 5:] == 0
    assert 0.2 < at_zero.mean() < 0.9
    assert (score[:, 5:][at_zero] <= 0).all()
    steps = score / np.maximum(np.diagonal(observed, axis1=1, axis2=2), 1.0)
    free = np.concatenate([np.ones((b, 5), dtype=bool), ~at_zero], axis=1)
    assert np.abs(steps[free]).max() < 1e-8


@pytest.mark.parametrize("k", [1, 2, 4, 25])
def test_bounds_are_where_the_likelihood_has_fallen(k):
    """Also where few studies let variances take in what a path gives up; from several starts."""
    problem = Problem(cells=cells(k, seed=k), model=chain())
    start = np.r_[np.full(5, 0.1), np.full(6, 0.02)][None]
    best = climb(problem, start, ONE)
    information = problem.at(best.x, ONE).slope()[1]
    still = np.r_[np.zeros(5, dtype=bool), best.x[0, 5:] <= 0]
    information[0, still] = information[0, :, still] = 0
    functions = [indirect_effect(chain(), 0, 3), *(coordinate(j) for j in range(5))]
    bounds = likelihood_bounds(problem, best.x, information, functions, 1.959963984540054)[0]
    assert np.isfinite(bounds).all() or k == 2  # which excludes no value on one side
    assert np.isfinite(bounds).sum() > 8
    starts = np.concatenate([best.x, *(start for _ in range(4))])
    starts[1:, 5:] = np.array([0.0, 0.002, 0.02, 0.1])[:, None]
    for function, ends in zip(functions, bounds, strict=True):
        value = function(best.x)[0][0]
        assert not ends[0] >= value
        assert not ends[1] <= value
        for bound in ends[np.isfinite(ends)]:
            held = climb(
                problem, starts, np.zeros(5, dtype=np.intp),
                held=lambda x, _, f=function: f(x), target=np.full(5, bound),
            )  # fmt: skip
            assert held.converged.any()
            reached = held.log_likelihood[held.converged].max()
            fall = 2 * (best.log_likelihood[0] - reached)
            assert fall == pytest.approx(3.841458820694124, abs=1e-6)


def test_a_climb_begins_far_from_what_is_held():
    """What the first steps give up of the likelihood is paid for by coming nearer."""
    problem = Problem(cells=cells(1, seed=1), model=chain())
    start = np.r_[np.full(5, 0.1), np.full(6, 0.0)][None]
    best = climb(problem, start, ONE)
    for target in (-0.9, -0.4, 0.8):
        held = climb(
            problem, best.x, ONE, held=lambda x, _: coordinate(0)(x), target=np.array([target])
        )
        assert held.converged[0]
        assert held.x[0, 0] == pytest.approx(target, abs=1e-9)
