"""What a funnel plot draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy import stats

from metaalliance import plots

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")


def labelled(axes, label):
    return next(a for a in axes.get_children() if a.get_label() == label)


def test_points_are_effects_against_standard_errors(make_fit, panel):
    fit = make_fit(20, several=True)
    points = labelled(panel(plots.funnel(fit)), "effects").get_offsets()
    np.testing.assert_allclose(points, np.c_[fit.effects.yi, np.sqrt(fit.effects.vi)])


def test_precise_effects_are_on_top(make_fit, panel):
    bottom, top = panel(plots.funnel(make_fit(8))).get_ylim()
    assert top == 0 < bottom


@pytest.mark.parametrize(("level", "p"), [(0.9, 0.10), (0.95, 0.05), (0.99, 0.01)])
def test_zones_end_where_p_does(level, p, make_fit, panel):
    corners = labelled(panel(plots.funnel(make_fit(8))), f"zone {level:g}").get_xy()
    x, se = corners[2]
    assert 2 * stats.norm.sf(x / se) == pytest.approx(p)
    assert tuple(corners[1]) == (0, 0)


def test_funnel_and_line_stand_at_the_estimate(make_fit, panel):
    fit = make_fit(8)
    axes = panel(plots.funnel(fit))
    assert set(labelled(axes, "estimate").get_xdata()) == {fit.estimate}
    x, se = labelled(axes, "funnel").get_xydata()[2]
    assert (x - fit.estimate) / se == pytest.approx(1.959964)


def test_ticks_are_in_r(make_fit, panel):
    axes = panel(plots.funnel(make_fit(30)))
    for place, label in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True):
        assert place == pytest.approx(math.atanh(float(label.get_text().replace("−", "-"))))


def test_dependent_effects_are_transparent_and_noted(make_fit, panel, texts):
    several, single = (plots.funnel(make_fit(12, several=s)) for s in (True, False))
    assert labelled(panel(several), "effects").get_alpha() < 1
    assert labelled(panel(single), "effects").get_alpha() is None
    note = "effects of one study are not independent"
    assert note in " ".join(t.get_text() for t in texts(several))
    assert note not in " ".join(t.get_text() for t in texts(single))


def test_axes_of_the_caller(make_fit):
    figure = Figure()
    axes = figure.subplots()
    assert plots.funnel(make_fit(12), ax=axes) is figure
    assert axes.get_xlabel() == "Correlation r (Fisher z scale)"
    assert axes.yaxis_inverted()
    assert axes.get_legend().get_texts()[0].get_text() == "p > .10"
