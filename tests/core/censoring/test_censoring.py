"""The likelihood of effects known only as intervals: hand case, R, other routes, limits."""

from __future__ import annotations

import math
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
from golden_data import golden
from scipy.stats import multivariate_normal

from metaalliance.core.censoring.likelihood import CensoredData, log_likelihood
from metaalliance.core.censoring.maximum import (
    CensoredOptimum,
    coefficient_interval,
    component_interval,
    maximise,
    signed_root,
)
from metaalliance.core.censoring.nodes import trapezoid
from metaalliance.core.variance.ascent import highest_maximum
from metaalliance.core.variance.blocks import StudyBlocks
from metaalliance.core.variance.multilevel import MultilevelData
from metaalliance.core.variance.people import People
from metaalliance.core.variance.profile import variance_interval
from metaalliance.core.variance.structure import Nested


def data(low, high, v, study, rho, sample=None, X=None):
    """Effects sorted by study and sample."""
    low, high, v = (np.asarray(x, dtype=float) for x in (low, high, v))
    studies = StudyBlocks.from_sorted(np.asarray(study))
    samples = studies if sample is None else StudyBlocks.from_sorted(np.asarray(sample))
    return CensoredData(low, high, v, np.ones((v.size, 1)) if X is None else X, studies, samples,
                        rho)  # fmt: skip


def drawn(seed, m=10, rho=0.6, *, hide=0.5, same=False, samples=1):
    """Effects of m studies, one to four each, some of them hidden between limits."""
    rng = np.random.default_rng(seed)
    study = np.repeat(np.arange(m), rng.integers(1, 5, m))
    sample = study * samples + rng.integers(0, samples, study.size)
    order = np.lexsort((sample, study))
    study, sample = study[order], sample[order]
    n = rng.integers(20, 200, m)[study] - (0 if same else rng.integers(0, 10, study.size))
    v = 1 / (n - 3)
    y = 0.2 + 0.1 * rng.normal(size=m)[study] + 0.05 * rng.normal(size=v.size)
    y += np.sqrt(v) * rng.normal(size=v.size)
    limit = 1.96 * np.sqrt(v)
    hidden = (np.abs(y) < limit) & (rng.random(v.size) < hide)
    return data(np.where(hidden, -limit, y), np.where(hidden, limit, y), v, study, rho, sample)


def dense(found, mean, tau, omega):
    """The same log-likelihood by scipy, whose random points err by about 1e-7."""
    same = found.samples.study[:, None] == found.samples.study
    V = found.rho * same * np.sqrt(np.outer(found.vi, found.vi))
    V += tau**2 * (found.studies.study[:, None] == found.studies.study)
    V += np.diag((1 - found.rho) * found.vi + omega**2)
    total = 0.0
    for j in range(found.studies.m):
        rows = found.studies.study == j
        o, c = (np.flatnonzero(rows & known) for known in (found.observed, ~found.observed))
        centre, S = np.full(c.size, mean), V[np.ix_(c, c)]
        if o.size:
            Voo, Vco = V[np.ix_(o, o)], V[np.ix_(c, o)]
            total += multivariate_normal.logpdf(found.lower[o], np.full(o.size, mean), Voo)
            centre = centre + Vco @ np.linalg.solve(Voo, found.lower[o] - mean)
            S = S - Vco @ np.linalg.solve(Voo, Vco.T)
        if c.size:
            total += math.log(multivariate_normal.cdf(
                found.upper[c], centre, S, lower_limit=found.lower[c], abseps=1e-9, releps=1e-9,
                maxpts=400_000))  # fmt: skip
    return total


# Three studies; the first has a value and two intervals of one sample -----------------------

HAND = {"y": (0.31, 0.12, 0.45), "v": (0.02, 0.02, 0.02, 0.01, 0.015), "limit": (0.28, 0.26)}
RHO = 0.6


def hand_case():
    y, limit = HAND["y"], HAND["limit"]
    low = [y[0], -limit[0], -limit[1], y[1], y[2]]
    high = [y[0], limit[0], limit[1], y[1], y[2]]
    return data(low, high, HAND["v"], [0, 0, 0, 1, 2], RHO)


def by_hand(beta, tau2, omega2):
    """Log-likelihood of the hand case by mpmath: what a sample shares is integrated."""
    y, (one, two), v = [mp.mpf(x) for x in HAND["y"]], HAND["limit"], mp.mpf("0.02")

    def phi(x, mean, variance):
        return mp.exp(-((x - mean) ** 2) / (2 * variance)) / mp.sqrt(2 * mp.pi * variance)

    shared, own = tau2 + RHO * v, omega2 + (1 - RHO) * v
    sd = mp.sqrt(own)

    def inside(s):
        f = phi(y[0], beta + s, own) * phi(s, 0, shared)
        for limit in (one, two):
            f *= mp.ncdf((limit - beta - s) / sd) - mp.ncdf((-limit - beta - s) / sd)
        return f

    first = mp.quad(inside, mp.linspace(-1.2, 1.2, 5))
    others = (phi(y[i], beta, tau2 + omega2 + w) for i, w in ((1, mp.mpf("0.01")),
                                                              (2, mp.mpf("0.015"))))  # fmt: skip
    return mp.log(first) + sum(mp.log(f) for f in others)


def test_hand_case_has_the_likelihood_of_mpmath():
    with mp.workdps(20):
        for tau, omega in ((0.12, 0.07), (0.4, 0.01), (1e-3, 0.2)):
            found = log_likelihood(hand_case(), np.array([0.15]), tau, omega)
            exact = by_hand(mp.mpf("0.15"), mp.mpf(tau) ** 2, mp.mpf(omega) ** 2)
            assert found.value == pytest.approx(float(exact), abs=2e-13)


def test_hand_case_has_its_maximum_where_mpmath_has():
    best = maximise(hand_case(), (True, True))
    x = [float(best.beta[0]), *map(float, best.theta)]
    assert max(x[1:]) > 0
    with mp.workdps(17):
        assert best.log_likelihood == pytest.approx(float(by_hand(*map(mp.mpf, x))), abs=1e-12)
        for i, own in enumerate(x):
            edge = i > 0 and own == 0

            def along(value, i=i):
                return by_hand(*(mp.mpf(value if j == i else other) for j, other in enumerate(x)))

            slope = float(mp.diff(along, own, direction=int(edge), h=mp.mpf("1e-7")))
            assert slope < 0 if edge else abs(slope) < 1e-5  # the information is above 1e2


# Other routes ------------------------------------------------------------------------------


@pytest.mark.parametrize("rho", [0.0, 0.6, 0.95])
@pytest.mark.parametrize("same", [False, True])
@pytest.mark.parametrize("samples", [1, 2])
def test_likelihood_is_that_of_the_multivariate_normal(rho, same, samples):
    for seed in range(3):
        found = drawn(seed, m=6, rho=rho, same=same, samples=samples)
        point = log_likelihood(found, np.array([0.15]), 0.12, 0.07)
        assert point.value == pytest.approx(dense(found, 0.15, 0.12, 0.07), abs=3e-6)


@pytest.mark.parametrize("omega", [0.0, 0.05])
def test_two_integrals_keep_their_digits_where_effects_say_much_of_both(omega):
    """A sample with several n: the common error widens the range of the study's effect."""
    v = [0.02, 0.03, 0.05]
    limit = 1.96 * np.sqrt(v)
    found = data(-limit, limit, v, [0, 0, 0], 0.9)
    point = log_likelihood(found, np.array([0.1]), 0.25, omega)
    assert point.value == pytest.approx(dense(found, 0.1, 0.25, omega), abs=3e-6)
    h = 1e-3
    ups = [
        log_likelihood(found, np.array([0.1 + i * h]), 0.25, omega).value for i in (-2, -1, 1, 2)
    ]
    slope = (ups[0] - 8 * ups[1] + 8 * ups[2] - ups[3]) / (12 * h)
    assert point.gradient[0] == pytest.approx(slope, abs=1e-8)


@pytest.mark.parametrize(("tau", "omega"), [(0.12, 0.07), (0.0, 0.1), (0.3, 0.0)])
@pytest.mark.parametrize("samples", [1, 2])
def test_derivatives_are_those_of_differences(tau, omega, samples):
    found, h = drawn(3, samples=samples), 1e-4

    def at(x):
        return log_likelihood(found, x[:1], float(x[1]), float(x[2]))

    x = np.array([0.15, tau, omega])
    point = at(x)
    for i, e in enumerate(np.eye(3) * h):
        pairs = [(8, at(x + e), at(x - e)), (-1, at(x + 2 * e), at(x - 2 * e))]
        slope = sum(w * (a.value - b.value) for w, a, b in pairs) / (12 * h)
        curve = sum(w * (a.gradient - b.gradient) for w, a, b in pairs) / (12 * h)
        assert point.gradient[i] == pytest.approx(slope, rel=1e-6, abs=1e-6)
        np.testing.assert_allclose(point.hessian[i], curve, rtol=1e-5, atol=1e-4)


def of_golden(name):
    g = golden("censored")[name]
    y, v, limit, silent = (np.array(g[k]) for k in ("yi", "vi", "limit", "silent"))
    study = np.array(g.get("study", range(y.size)))
    order = np.argsort(study, kind="stable")
    low, high = np.where(silent, -limit, y), np.where(silent, limit, y)
    return g, data(low[order], high[order], v[order], study[order], 0.0)


def test_two_level_model_is_that_of_r():
    """optim() stops 1e-9 short where the likelihood is flat; the value and uniroot() do not."""
    g, found = of_golden("two_level")
    best = maximise(found, (True, False))
    assert best.log_likelihood == pytest.approx(g["log_likelihood"], abs=1e-12)
    assert best.beta[0] == pytest.approx(g["estimate"], abs=1e-8)
    assert best.theta[0] == pytest.approx(g["tau2"], abs=1e-8)
    np.testing.assert_allclose(coefficient_interval(best, 0, 0.95), g["ci"], rtol=1e-9)
    assert signed_root(best, 0) == pytest.approx(g["statistic"], rel=1e-9)
    interval = component_interval(best, "total", 0.95)
    assert interval.low == 0
    assert interval.high == pytest.approx(g["tau2_high"], rel=1e-8)


def test_three_level_model_is_that_of_r():
    g, found = of_golden("three_level")
    best = maximise(found, (True, True))
    assert best.log_likelihood == pytest.approx(g["log_likelihood"], abs=1e-10)
    assert best.beta[0] == pytest.approx(g["estimate"], abs=1e-8)
    np.testing.assert_allclose(best.theta, g["sigma2"], atol=1e-8)


def test_metansue_is_another_estimator():
    """Its mean is taken without heterogeneity and without the studies that oppose zero most."""
    _, found = of_golden("two_level")
    m = golden("censored")["metansue"]
    best = maximise(found, (True, False))
    assert m["version"] == "2.6"
    assert abs(m["estimate"] - best.beta[0]) < m["se"]


# Limits ------------------------------------------------------------------------------------


def without_intervals(found):
    y = found.lower
    structure = Nested(found.vi, found.studies, People.same(found.samples), found.rho)
    return MultilevelData(y, found.X, structure, np.arange(y.size))


@pytest.mark.parametrize("rho", [0.0, 0.6])
@pytest.mark.parametrize("samples", [1, 2])
def test_without_intervals_it_is_maximum_likelihood(rho, samples):
    found = drawn(1, m=14, rho=rho, hide=0.0, samples=samples)
    best = maximise(found, (True, True))
    other = highest_maximum(without_intervals(found), restricted=False)
    assert best.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-10)
    np.testing.assert_allclose(best.beta, other.beta, rtol=1e-8)
    np.testing.assert_allclose(best.theta, other.theta, atol=1e-8 * other.theta.sum())
    for component in ("study", "effect", "total"):
        mine = component_interval(best, component, 0.9)
        theirs = variance_interval(without_intervals(found), other, component, 0.9,
                                   restricted=False)  # fmt: skip
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-9)


def limited(found, factor):
    """The same with other limits; infinite ones know nothing."""
    hidden = ~found.observed
    low, high = (np.where(hidden, x * factor, x) for x in (found.lower, found.upper))
    return CensoredData(low, high, found.vi, found.X, found.studies, found.samples, found.rho)


def test_narrow_limits_are_zeros():
    found = drawn(2, m=12)
    narrow = maximise(limited(found, 1e-3), (True, True))
    zero = limited(found, 0.0)
    zeros = maximise(zero, (True, True))
    assert zero.observed.all()
    np.testing.assert_allclose(narrow.beta, zeros.beta, rtol=1e-5)
    np.testing.assert_allclose(narrow.theta, zeros.theta, rtol=1e-4, atol=1e-7)


def test_wide_limits_are_no_effects():
    found = drawn(2, m=12)
    wide = maximise(limited(found, math.inf), (True, True))
    keep = found.observed
    kept = data(found.lower[keep], found.upper[keep], found.vi[keep], found.studies.study[keep],
                found.rho, found.samples.study[keep])  # fmt: skip
    dropped = maximise(kept, (True, True))
    assert wide.log_likelihood == pytest.approx(dropped.log_likelihood, abs=1e-10)
    np.testing.assert_allclose(wide.beta, dropped.beta, rtol=1e-8)
    np.testing.assert_allclose(wide.theta, dropped.theta, atol=1e-9)


def test_sign_and_scale_are_conventions():
    found = drawn(4)
    best = maximise(found, (True, True))
    turned = CensoredData(-3 * found.upper, -3 * found.lower, 9 * found.vi, found.X, found.studies,
                          found.samples, found.rho)  # fmt: skip
    other = maximise(turned, (True, True))
    np.testing.assert_allclose(other.beta, -3 * best.beta, rtol=1e-9)
    np.testing.assert_allclose(other.theta, 9 * best.theta, rtol=1e-7, atol=1e-10)
    low, high = coefficient_interval(best, 0, 0.95)
    np.testing.assert_allclose(coefficient_interval(other, 0, 0.95), [-3 * high, -3 * low],
                               rtol=1e-7)  # fmt: skip


def test_profile_falls_by_the_quantile_at_the_limits():
    best = maximise(drawn(5), (True, True))
    for limit in coefficient_interval(best, 0, 0.9):
        assert abs(signed_root(best, 0, limit)) == pytest.approx(1.6448536269514722, rel=1e-7)


def test_any_design():
    """A covariate that tells the halves of two samples apart gives each its own mean."""
    found = drawn(6, m=12, rho=0.0)
    half = (found.studies.study % 2).astype(float)
    X = np.column_stack([np.ones_like(half), half])
    both = CensoredData(found.lower, found.upper, found.vi, X, found.studies, found.samples, 0.0)
    best = maximise(both, (False, False))
    for side in (0, 1):
        keep = half == side
        alone = data(found.lower[keep], found.upper[keep], found.vi[keep],
                     found.studies.study[keep], 0.0)  # fmt: skip
        mean = maximise(alone, (False, False)).beta[0]
        assert best.beta[0] + side * best.beta[1] == pytest.approx(mean, rel=1e-8)
    assert isinstance(best, CensoredOptimum)


@pytest.mark.parametrize(("loading", "variance", "middle"), [(0.3, 0.01, 0.0), (2.0, 0.05, 1.5),
                                                             (0.1, 0.001, -0.8)])  # fmt: skip
def test_trapezoid_has_the_digits_of_a_closed_form(loading, variance, middle):
    """One interval has a closed form: its variances add up."""
    limits, mean = (np.array([-0.2]), np.array([0.2])), np.array([middle])
    found = trapezoid(
        np.array([loading / variance]), np.array([1 + loading**2 / variance]), mean, limits,
        np.array([math.hypot(loading, math.sqrt(variance))]), np.array([0]),
    )  # fmt: skip
    nodes = list(zip(found.nodes[0].tolist(), found.log_weights[0].tolist(), strict=True))
    sd, total = math.sqrt(variance), math.sqrt(variance + loading**2)
    with mp.workdps(30):
        exact = mp.ncdf((0.2 - middle) / total) - mp.ncdf((-0.2 - middle) / total)
        summed = mp.fsum(
            mp.exp(w - z * z / 2) / mp.sqrt(2 * mp.pi)
            * (mp.ncdf((0.2 - middle - loading * z) / sd)
               - mp.ncdf((-0.2 - middle - loading * z) / sd))
            for z, w in nodes
        )  # fmt: skip
        assert abs(summed / exact - 1) < 1e-11


@pytest.mark.slow
@pytest.mark.parametrize("effects", [1, 3])
def test_mean_is_not_drawn_where_zeros_draw_it(effects, monkeypatch):
    """A cell of the table of the page, small: the error of a mean is about .025 / sqrt(200)."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3] / "scripts"))
    import simulate_censored as simulated

    condition = simulated.Condition(40, 0.4, effects)
    rng, seen = np.random.default_rng(5), simulated.chance(condition)
    found = [simulated.estimate(rng, condition, seen, ("zero", "censored")) for _ in range(200)]
    error = {name: np.array([r[name][0] for r in found]) for name in ("zero", "censored")}
    assert abs(error["censored"].mean()) < 0.005 + 3 * error["censored"].std() / math.sqrt(200)
    assert error["zero"].mean() < -0.03
    assert 0.90 < np.mean([r["censored"][1] for r in found]) < 0.99
