"""What makes an estimate doubtful: a second maximum, an interval beside it, rows of few studies."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize_scalar

import metaalliance as ma
from metaalliance.core.variance.maxima import second_of_tau2
from metaalliance.diagnostics.removal import removals
from metaalliance.models.comparison import compare_models

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.MetaAllianceWarning")

#: Made up: five studies that agree, one small one that does not.
R = np.array([0.213657, 0.370498, 0.199297, 0.187746, 0.226028, -0.293142])
N = np.array([389, 80, 1079, 526, 321, 49])
YI, VI = np.arctanh(R), 1 / (N - 3.0)


def effects() -> ma.Effects:
    return ma.Effects.from_arrays(YI, VI, measure="z", n=N)


def restricted(tau2: float) -> float:
    """The restricted likelihood as a density: that of the contrasts with the last effect."""
    C = np.hstack([np.eye(5), -np.ones((5, 1))])
    return float(stats.multivariate_normal(cov=C @ np.diag(VI + tau2) @ C.T).logpdf(C @ YI))


def test_second_maximum_is_that_of_the_density():
    found = second_of_tau2(YI, VI, np.ones((6, 1)), 0.0, restricted=True)
    assert found is not None
    there = minimize_scalar(lambda t: -restricted(t), bounds=(0.0095, 0.02), method="bounded",
                            options={"xatol": 1e-12})  # fmt: skip
    assert found.theta[0] == pytest.approx(there.x, rel=1e-6)
    assert found.lower == pytest.approx(restricted(0.0) - restricted(there.x), rel=1e-9)
    assert restricted(0.0095) < restricted(there.x) < restricted(0.0)


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_second_maximum_scales_with_the_effects(factor):
    one = second_of_tau2(YI, VI, np.ones((6, 1)), 0.0, restricted=True)
    other = second_of_tau2(
        YI * factor, VI * factor**2, np.ones((6, 1)), 0.0, restricted=True
    )  # fmt: skip
    assert one is not None
    assert other is not None
    assert other.theta[0] == pytest.approx(one.theta[0] * factor**2, rel=1e-9)
    assert other.lower == pytest.approx(one.lower, rel=1e-9)


def test_most_likelihoods_have_one_maximum():
    rng = np.random.default_rng(2)
    for _ in range(50):
        vi = rng.uniform(0.005, 0.1, 12)
        yi = 0.3 + rng.normal(size=12) * np.sqrt(vi + 0.03)
        tau2 = ma.pool(ma.Effects.from_arrays(yi, vi)).tau2
        assert second_of_tau2(yi, vi, np.ones((12, 1)), tau2, restricted=True) is None


def test_the_mean_names_the_second_maximum_and_the_interval_that_leaves_it_out():
    fit = ma.pool(effects())
    assert fit.tau2 == 0.0
    said = {n.code: n for n in fit.notices}
    assert "tau² = 0.0121, lower by 0.609 only" in said["MA670"].message
    assert "[0.0027, 0.3136] leaves out its estimate, 0.0000" in said["MA671"].message
    assert said["MA670"].severity == said["MA671"].severity == "note"
    ends = fit.tau2_ci()
    assert ends.low > fit.tau2


def test_an_estimator_without_likelihood_has_no_second_maximum():
    codes = {n.code for n in ma.pool(effects(), tau2="PM").notices}
    assert not codes & {"MA670", "MA671"}


@pytest.mark.parametrize("tau2", ["REML", "ML", "DL", "HE", "PM", "SJ"])
def test_the_interval_is_said_to_leave_out_the_estimate_where_it_does(tau2):
    rng = np.random.default_rng(7)
    said = 0
    for _ in range(60):
        vi = rng.uniform(0.002, 0.1, 5)
        yi = rng.normal(size=5) * np.sqrt(vi + 0.05)
        fit = ma.pool(ma.Effects.from_arrays(yi, vi), tau2=tau2, level=0.5)
        ends = fit.tau2_ci()
        outside = not ends.low <= fit.tau2 <= ends.high
        assert ("MA671" in {n.code for n in fit.notices}) == outside
        said += outside
    assert (said > 0) == (tau2 != "PM")


def test_a_row_that_keeps_fewer_than_half_of_the_studies_says_so():
    fit = ma.pool(effects())
    rows, notes = compare_models(fit, *removals(fit))
    kept = next(row.fit.n_studies for row in rows if row.name == "influential removed")
    said = [n.message for n in notes if n.code == "MA672"]
    assert kept == 2
    assert said == [
        "influential removed: 2 of 6 studies are left, fewer than half: this row is not the same "
        "review without a few studies."
    ]


def test_two_maxima_of_a_multilevel_model_are_named():
    """Heterogeneity between or within studies explains these effects nearly as well."""
    rng, study = np.random.default_rng(64), np.array([0, 0, 1, 1, 2, 3, 3, 4])
    vi = np.exp(rng.normal(-4, 1.5, 8))
    yi = rng.normal(size=8) * 0.25 + 0.2
    fit = ma.pool(ma.Effects.from_arrays(yi, vi, study), model="three-level")
    said = next(n for n in fit.notices if n.code == "MA670")
    assert "tau² (study) = 0.0000 and tau² (effect) = 0.0158, lower by 0.021 only" in said.message

    def density(between: float, within: float) -> float:
        S = np.diag(vi + within) + between * (study[:, None] == study)
        C = np.hstack([np.eye(7), -np.ones((7, 1))])
        return float(stats.multivariate_normal(cov=C @ S @ C.T).logpdf(C @ yi))

    there = minimize_scalar(lambda t: -density(0.0, t), bounds=(0.001, 0.05), method="bounded",
                            options={"xatol": 1e-12}).x  # fmt: skip
    assert round(there, 4) == 0.0158
    assert density(1e-4, there) < density(0.0, there) > density(1e-4, there - 1e-4)
    best = density(fit.sigma2["study"], fit.sigma2["effect"])
    assert best - density(0.0, there) == pytest.approx(0.021, abs=5e-4)
