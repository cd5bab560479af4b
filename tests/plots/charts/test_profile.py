"""What a profile-likelihood figure draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from metaalliance import plots
from metaalliance.errors import EstimationError
from metaalliance.plots.charts.profile import profiles

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")
CRITICAL = float(chi2.isf(0.05, 1)) / 2


def test_the_profile_drops_by_half_the_quantile_at_its_limits(make_fit):
    fit = make_fit(20, tau2="REML")
    (found,) = profiles(fit).values()
    assert found.estimate == fit.tau2
    at = {float(v): float(d) for v, d in zip(found.values, found.drop, strict=True)}
    assert at[found.high] == pytest.approx(-CRITICAL, abs=1e-6)
    assert (found.low == 0.0) or at[found.low] == pytest.approx(-CRITICAL, abs=1e-6)
    assert at[found.estimate] == 0.0
    assert found.drop.max() == 0.0


def test_one_panel_for_each_variance(make_fit, assert_readable):
    fit = make_fit(12, several=True)
    found = profiles(fit)
    assert list(found) == ["study", "effect", "total"]
    for name, one in found.items():
        assert (one.low, one.high) == pytest.approx(tuple(fit.sigma2_ci(name)))
        at = {float(v): float(d) for v, d in zip(one.values, one.drop, strict=True)}
        assert at[one.high] == pytest.approx(-CRITICAL, abs=1e-5)
        rising = np.diff(one.drop[one.values <= one.estimate])
        assert (rising > -1e-7).all()


def test_figure_marks_estimate_and_limits(make_fit, artist, assert_readable):
    fit = make_fit(20, tau2="ML")
    figure = plots.profile(fit)
    assert_readable(figure)
    assert set(artist(figure, "profile tau2", "estimate").get_xdata()) == {fit.tau2}
    assert set(artist(figure, "profile tau2", "high").get_xdata()) == {fit.tau2_profile_ci().high}


def test_estimators_without_a_likelihood_are_refused(make_fit):
    with pytest.raises(EstimationError, match="maximises no likelihood"):
        plots.profile(make_fit(9, tau2="DL"))
    with pytest.raises(EstimationError, match="common-effect"):
        plots.profile(make_fit(9, model="common-effect"))
