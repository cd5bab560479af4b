"""What a drapery plot draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from metaalliance import plots
from metaalliance.plots.charts.drapery import p_curve

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")


def test_the_curve_of_the_mean_crosses_a_level_at_its_interval(make_fit, artist):
    fit = make_fit(15)
    assert p_curve(np.array([fit.ci_low, fit.ci_high]), fit.estimate, fit.se, fit.df) == (
        pytest.approx([0.05, 0.05])
    )
    x, y = artist(plots.drapery(fit), "drapery", "mean").get_xydata().T
    assert np.interp(fit.ci_low, x, y) == pytest.approx(0.05, abs=2e-3)
    assert y.max() == pytest.approx(1.0)


def test_every_effect_has_a_curve_with_its_top_at_the_effect(make_fit):
    fit = make_fit(11)
    axes = next(a for a in plots.drapery(fit).axes if a.get_label() == "drapery")
    curves = [line for line in axes.lines if line.get_label() == "effect"]
    tops = [line.get_xdata()[np.argmax(line.get_ydata())] for line in curves]
    np.testing.assert_allclose(np.sort(tops), np.sort(fit.effects.yi))


def test_p_is_two_sided():
    assert p_curve(np.array([1.0]), 0.0, 0.5) == pytest.approx([2 * stats.norm.sf(2)])
    assert p_curve(np.array([1.0]), 0.0, 0.5, 7) == pytest.approx([2 * stats.t.sf(2, 7)])
