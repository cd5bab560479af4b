"""Models of bias against a second quadrature, in other coordinates and by another rule."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from golden_data import golden
from numpy.testing import assert_allclose
from scipy.special import ndtr, stdtrit

from metaalliance.core.bayesian.ensemble import Ensemble
from metaalliance.core.bayesian.panel import Averaged, Panel, PanelDensity
from metaalliance.core.bayesian.posterior import NormalMixture
from metaalliance.core.bayesian.robust import BIASES, robust_ensemble
from metaalliance.core.bayesian.weights import averaged_weight, interval_weights

DATA = golden("robma")["data"]
R, N = np.array(DATA["r"]), np.array(DATA["n"], dtype=float)
YI, VI = np.arctanh(R), 1 / (N - 3)


def critical(p: tuple[float, ...]) -> np.ndarray:
    """Critical values of tests of r at one-sided p, in standard errors of Fisher z."""
    t = -stdtrit((N - 2)[:, None], np.array(p))
    return np.arctanh(t / np.sqrt(t**2 + N[:, None] - 2)) / np.sqrt(VI)[:, None]


ONE, TWO = critical((0.025, 0.05, 0.5)), critical((0.025, 0.05))


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    return robust_ensemble(YI, VI, ONE, TWO)


# A second quadrature: Cohen's d, log tau, the coefficient and uniform weights in order; panels ----

EDGES = {
    "d": [-7, -3, -1.5, -0.5, 0, 0.5, 1, 2, 5],
    "d, no heterogeneity": [-0.2, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7],
    "log tau": np.log([0.012, 0.04, 0.1, 0.2, 0.4, 0.8, 2, 20]),
    "PET": [0, 1, 3, 6, 12, 40],
    "PEESE": [0, 5, 15, 30, 60, 200],
    "weight": [0, 0.03, 0.15, 0.5, 1],
}


def panels(edges, order):
    x, w = np.polynomial.legendre.leggauss(order)
    pairs = list(itertools.pairwise(edges))
    nodes = np.concatenate([a + (b - a) / 2 * (1 + x) for a, b in pairs])
    return nodes, np.concatenate([(b - a) / 2 * w for a, b in pairs])


def second(effect: bool, heterogeneity: bool, kind: str, steps: tuple[float, ...]) -> float:
    """Log marginal likelihood, straight from the definition."""
    names = ["d" if heterogeneity else "d, no heterogeneity"] if effect else []
    names += ["log tau"] if heterogeneity else []
    names += [kind] if kind in {"PET", "PEESE"} else []
    names += ["weight"] * len(steps)
    order = {1: 90, 2: 40, 3: 12}[len(names)]
    rules = [panels(EDGES[name], order) for name in names]
    grids = [g.ravel() for g in np.meshgrid(*(x for x, _ in rules), indexing="ij")]
    log = sum(np.log(g.ravel()) for g in np.meshgrid(*(w for _, w in rules), indexing="ij"))
    rest = iter(grids)
    zero = np.zeros_like(grids[0])
    d = next(rest) if effect else zero
    tau = np.exp(next(rest)) if heterogeneity else zero
    slope = next(rest) if kind in {"PET", "PEESE"} else zero
    if effect:
        log = log - d**2 / 2 - math.log(2 * math.pi) / 2
    if heterogeneity:  # inverse gamma of tau, and d tau = tau d log tau
        log = log + math.log(0.15) - np.log(tau) - 0.15 / tau
    if kind in {"PET", "PEESE"}:
        scale = 1.0 if kind == "PET" else 5.0
        log = log + math.log(2 / math.pi / scale) - np.log1p((slope / scale) ** 2)
    weights = [np.ones_like(zero)]
    for j, share in enumerate(rest):
        log = log + math.log(len(steps) - j) + (np.log(weights[-1]) if j else 0)
        weights.append(weights[-1] * share)
    table = ONE if kind == "one-sided" else TWO
    every = (0.025, 0.05, 0.5) if kind == "one-sided" else (0.05, 0.1)
    for i, (y, v) in enumerate(zip(YI, VI, strict=True)):
        lift = {"PET": slope * math.sqrt(v), "PEESE": 2 * slope * v}.get(kind, zero)
        m, s = d / 2 + lift, np.sqrt(v + (tau / 2) ** 2)
        log = log - ((y - m) / s) ** 2 / 2 - np.log(s) - math.log(2 * math.pi) / 2
        if not steps:
            continue
        cuts = [table[i, every.index(p)] * math.sqrt(v) for p in steps]
        size = y if kind == "one-sided" else abs(y)
        log = log + np.log(weights[sum(size < c for c in cuts)])
        ends = [math.inf, *cuts, -math.inf if kind == "one-sided" else 0.0]
        seen = zero
        for w, (above, below) in zip(weights, itertools.pairwise(ends), strict=True):
            p = ndtr((above - m) / s) - ndtr((below - m) / s)
            if kind == "two-sided":
                p = p + ndtr((-below - m) / s) - ndtr((-above - m) / s)
            seen = seen + w * p
        log = log - np.log(seen)
    top = log.max()
    return float(top + np.log(np.exp(log - top).sum()))


CASES = [
    (False, False, 1), (False, False, 4), (False, False, 7), (False, False, 8),
    (False, True, 0), (False, True, 3), (False, True, 5), (False, True, 7), (False, True, 8),
    (True, False, 0), (True, False, 3), (True, False, 4), (True, True, 0), (True, True, 1),
    (True, True, 3), (True, True, 7), (True, True, 8),
]  # fmt: skip


@pytest.mark.parametrize("effect, heterogeneity, bias", CASES)
def test_up_to_three_unknowns(ensemble, effect, heterogeneity, bias):
    model = ensemble.models[18 * effect + 9 * heterogeneity + bias]
    assert (model.effect, model.heterogeneity) == (effect, heterogeneity)
    assert model.bias == BIASES[bias]
    expected = second(effect, heterogeneity, model.bias.kind, model.bias.steps)
    assert_allclose(model.log_marginal_likelihood, expected, rtol=0, atol=1e-6)


def test_three_weights(ensemble):
    model = ensemble.models[6]
    expected = second(False, False, model.bias.kind, model.bias.steps)
    assert_allclose(model.log_marginal_likelihood, expected, rtol=0, atol=1e-6)


def test_prior_probabilities_are_as_published(ensemble):
    priors = np.array([m.prior for m in ensemble.models])
    assert len(priors) == 36
    assert_allclose(priors.sum(), 1, rtol=1e-14)
    assert_allclose(priors[[0, 1, 7]], [1 / 8, 1 / 96, 1 / 32], rtol=1e-14)
    for has in ("effect", "heterogeneity"):
        assert_allclose(priors[[getattr(m, has) for m in ensemble.models]].sum(), 0.5)


def test_selection_of_results_beyond_doubt_changes_nothing():
    """Where every result is significant for certain, a weight function is no model of its own."""
    y, v = np.array([3.0, 3.1, 2.9]), np.full(3, 0.01)
    flat = np.tile([1.96, 1.64, 0.0], (3, 1)), np.tile([1.96, 1.64], (3, 1))
    plain, *others = robust_ensemble(y, v, *flat).models[18:27]
    for model in others[:6]:
        difference = model.log_marginal_likelihood - plain.log_marginal_likelihood
        assert_allclose(difference, 0, atol=1e-6)


def test_quantiles_of_a_mixture_with_an_atom():
    normal = NormalMixture(np.ones(1), np.array([1.0]), np.array([0.25]))
    mixed = Averaged([(0.6, normal)], 0.0, 0.4)
    below = 0.6 * float(ndtr(-2.0))
    for p in (0.001, below - 1e-6, below + 0.41, 0.7, 0.975):
        assert_allclose(mixed.cdf(mixed.quantile(p)), p, atol=1e-9)
    assert mixed.quantile(below + 0.2) == 0.0
    assert_allclose(mixed.mean(), 0.6)
    assert_allclose(mixed.mean(lambda x: x**2), 0.6 * 1.25)


@pytest.mark.parametrize("log", [False, True])
def test_a_density_on_a_panel(log):
    panel = Panel.between(-4.0, 6.0, centre=0.5, width=0.4)
    x, w = panel.rule(60)
    density = np.exp(-0.5 * ((x - 0.5) / 0.7) ** 2) / 0.7 / math.sqrt(2 * math.pi)
    found = PanelDensity(panel, w * density / (w @ density), log=log)
    for value in (-0.9, 0.5, 1.4, 2.0):
        at = math.exp(value) if log else value
        assert_allclose(found.cdf(at), ndtr((value - 0.5) / 0.7), atol=1e-8)
    mean = math.exp(0.5 + 0.7**2 / 2) if log else 0.5
    assert_allclose(found.mean(), mean, rtol=1e-6)
    assert found.cdf(-5.0) == 0.0 and found.cdf(1e9) == 1.0


def test_which_weight_an_interval_has():
    assert interval_weights((0.05,), two_sided=True) == [0, 1, 1, 1, 1, 0]
    assert interval_weights((0.05, 0.1), two_sided=True) == [0, 1, 2, 2, 1, 0]
    assert interval_weights((0.05,), two_sided=False) == [0, 0, 1, 1, 1, 1]
    assert interval_weights((0.025, 0.05, 0.5), two_sided=False) == [0, 1, 2, 3, 3, 3]


def test_a_weight_that_no_model_estimates_is_one():
    found = averaged_weight([], 1.0, 0.95)
    assert (found.mean, found.sd, found.median, found.low, found.high) == (1, 0, 1, 1, 1)
