"""The likelihood of many subsets at once: each is what the single functions give."""

from __future__ import annotations

import numpy as np
import pytest
from golden_data import assert_close
from hypothesis import given, settings
from hypothesis import strategies as st

from metaalliance.core.variance.ascent import highest_maximum, maximize, start_values
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.heterogeneity import q_test
from metaalliance.core.variance.many import variant_ascent
from metaalliance.core.variance.many.nested_variants import NestedVariants
from metaalliance.core.variance.many.subset_likelihood import maximize_subsets, q_subsets
from metaalliance.core.variance.marginal import MarginalCovariance
from metaalliance.core.variance.multilevel import nested_data

modest = settings(derandomize=True, max_examples=30)


def problem(m=8, p=1, rho=0.6, seed=0, spread=0.15):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 5, m)
    sizes[:3] = 3
    study = np.repeat(np.arange(m), sizes)
    k = study.size
    vi = rng.uniform(0.01, 0.1, k)
    X = np.column_stack([np.ones(k), *rng.normal(size=(p - 1, k))])
    yi = 0.3 + rng.normal(0, spread, m)[study] + rng.normal(0, np.sqrt(vi + spread**2))
    return nested_data(yi, vi, X, StudyBlocks.from_sorted(study), rho)


def subsets(data, count=12, seed=1):
    """Subsets of rows in which the first two studies are whole."""
    rng = np.random.default_rng(seed)
    present = rng.random((count, data.yi.size)) < 0.8
    present[:, data.blocks.study < 2] = True
    return present


def part(data, keep):
    blocks = StudyBlocks.from_sorted(data.blocks.study[keep])
    return nested_data(data.yi[keep], data.vi[keep], data.X[keep], blocks, data.structure.rho)


def starts_of(data):
    start = start_values(data)[0]
    total = float(start.sum())
    return [start, np.array([total, 0.0]), np.array([0.0, total])]


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("p", [1, 3])
@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_optima_are_those_of_single_climbs(rho, p, restricted):
    data = problem(p=p, rho=rho)
    present = subsets(data)
    found = maximize_subsets(data, present, starts_of(data), restricted=restricted)
    for row, keep in enumerate(present):
        single = highest_maximum(part(data, keep), restricted=restricted)
        assert_close(found.theta[row], single.theta, 1e-8, 0.01)
        assert_close(found.beta[row], single.beta, 1e-8, 0.01)


@modest
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.05, 0.4]), st.sampled_from([0.0, 0.6]))
def test_no_single_climb_gets_higher(seed, spread, rho):
    data = problem(seed=seed, spread=spread, rho=rho)
    present = subsets(data, 4, seed)
    found = maximize_subsets(data, present, starts_of(data), restricted=True)
    for row, keep in enumerate(present):
        rest = part(data, keep)
        ours = maximize(rest, found.theta[row], restricted=True)
        assert_close(ours.theta, found.theta[row], 1e-7, 0.01)
        assert highest_maximum(rest, restricted=True).log_likelihood <= ours.log_likelihood + 1e-9


@pytest.mark.parametrize("cells", [30, 200, 10**6])
def test_batches_do_not_change_the_result(monkeypatch, cells):
    data = problem()
    present = subsets(data)
    whole = maximize_subsets(data, present, starts_of(data), restricted=True)
    monkeypatch.setattr(variant_ascent, "CELLS", cells)
    again = maximize_subsets(data, present, starts_of(data), restricted=True)
    assert_close(again.theta, whole.theta, 1e-10, 0.01)
    assert_close(q_subsets(data, present).Q, q_subsets(data, present[:]).Q, 1e-14)


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_heterogeneity_of_subsets(rho, p):
    data = problem(p=p, rho=rho)
    present = subsets(data)
    found = q_subsets(data, present)
    for row, keep in enumerate(present):
        rest = part(data, keep)
        q = q_test(rest)
        assert found.df[row] == q.df
        ours = [found.Q[row], found.typical_variance[row]]
        assert_close(ours, [q.Q, q.typical_variance], 1e-10)


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_the_covariance_of_a_subset(rho):
    data = problem(rho=rho)
    keep = subsets(data, 1)[0]
    theta = np.array([[0.03, 0.02]])
    ours = NestedVariants.build(data.structure, keep.astype(float)[:, None], theta)
    rest = part(data, keep)
    single = MarginalCovariance.build(rest.blocks, rest.vi, rho, 0.03, 0.02)
    assert_close(ours.log_determinant[0], single.log_determinant, 1e-12)
    traces = [single.diagonal(level).sum() for level in (0, 1)]
    products = single.products(rest.structure.slopes(np.array([0.03, 0.02])))
    for theirs, expected in zip(ours.traces(), (traces, products), strict=True):
        assert_close(theirs[0], expected, 1e-12)
    solved = ours.solve(data.yi[:, None])[:, 0]
    assert_close(solved[keep], single.solve(rest.yi), 1e-10, 1.0)
    assert (solved[~keep] == 0).all()


def test_no_subset_is_no_result():
    data = problem()
    none = np.zeros((0, data.yi.size), dtype=bool)
    assert maximize_subsets(data, none, starts_of(data), restricted=True).theta.shape == (0, 2)
    assert q_subsets(data, none).Q.shape == (0,)
