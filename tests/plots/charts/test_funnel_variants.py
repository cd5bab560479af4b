"""Funnel plots with analyses of asymmetry, groups, averages and power."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from metaalliance import plots
from metaalliance.effects.aggregate import aggregate
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.models.pool import pool
from metaalliance.plots.charts.power_funnel import EDGES, error_of_power, power
from metaalliance.publication_bias.egger import egger
from metaalliance.publication_bias.pet_peese import pet_peese
from metaalliance.publication_bias.trim_and_fill import trim_and_fill

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")


@pytest.fixture
def skewed():
    """Small studies with large effects only, as selection leaves them."""
    se = np.linspace(0.05, 0.3, 14)
    yi = 0.2 + 1.2 * se + 0.05 * np.cos(np.arange(14))
    return pool(Effects.from_arrays(yi, se**2, measure="z"), tau2="DL")


def test_imputed_effects_are_hollow_and_their_mean_is_dotted(skewed, artist):
    found = trim_and_fill(skewed)
    assert found.k0 > 0
    figure = plots.trim_fill_funnel(found)
    hollow = artist(figure, "funnel", "filled")
    np.testing.assert_allclose(
        hollow.get_offsets(), np.c_[found.filled_yi, np.sqrt(found.filled_vi)]
    )
    assert set(artist(figure, "funnel", "filled estimate").get_xdata()) == {found.estimate}
    assert tuple(hollow.get_facecolor()[0][:3]) == (1, 1, 1)


def test_the_note_says_that_trim_and_fill_is_a_sensitivity_analysis(skewed, texts):
    words = " ".join(t.get_text() for t in texts(plots.trim_fill_funnel(skewed)))
    assert "sensitivity" in words
    assert "imputed effects" in words


def test_the_line_of_egger_meets_zero_at_its_limit(skewed, artist):
    found = egger(skewed)
    line = artist(plots.egger_funnel(skewed, found), "funnel", "Egger regression")
    x, se = line.get_xydata().T
    assert x[0] == pytest.approx(found.limit)
    assert (x[-1] - x[0]) / se[-1] == pytest.approx(found.slope)


def test_pet_is_straight_and_peese_is_a_parabola(skewed, artist):
    found = pet_peese(skewed)
    figure = plots.pet_peese_funnel(skewed, found)
    x, se = artist(figure, "funnel", "PEESE").get_xydata().T
    np.testing.assert_allclose(x, found.peese.limit + found.peese.slope * se**2)
    x, se = artist(figure, "funnel", "PET").get_xydata().T
    np.testing.assert_allclose(np.diff(x, 2), 0, atol=1e-12)


def test_levels_have_shapes_and_colours_of_their_own(make_fit, artist):
    fit = make_fit(12, groups=("CBT", "humanistic"))
    figure = plots.funnel(fit, by="modality")
    marks = [artist(figure, "funnel", f"effects {level}") for level in ("CBT", "humanistic")]
    assert sum(len(m.get_offsets()) for m in marks) == 12
    assert len({m.get_paths()[0].vertices.tobytes() for m in marks}) == 2
    assert len({tuple(m.get_facecolor()[0]) for m in marks}) == 2


def test_too_many_levels_are_refused(make_fit):
    fit = make_fit(22, groups=tuple(f"therapy {i}" for i in range(11)))
    with pytest.raises(OptionError, match=r"11 levels.*at most 10"):
        plots.funnel(fit, by="modality")


def test_points_are_study_averages_on_request(make_fit, artist):
    fit = make_fit(9, several=True)
    points = artist(plots.study_funnel(fit), "funnel", "effects").get_offsets()
    one = aggregate(fit.effects, fit.rho)
    np.testing.assert_allclose(points, np.c_[one.yi, np.sqrt(one.vi)])


def test_no_contours_on_request(make_fit, texts):
    figure = plots.funnel(make_fit(8), contours=False)
    labels = [str(a.get_label()) for x in figure.axes for a in x.get_children()]
    assert not any(label.startswith("zone") for label in labels)
    assert "p" not in {t.get_text() for t in texts(figure)}


def test_power_is_that_of_the_two_sided_test():
    se, effect = np.array([0.05, 0.1, 0.3]), 0.25
    upper = stats.norm.sf(stats.norm.isf(0.025), loc=effect / se)
    lower = stats.norm.cdf(-stats.norm.isf(0.025), loc=effect / se)
    np.testing.assert_allclose(power(se, effect), upper + lower, rtol=1e-12)
    np.testing.assert_allclose(power(se, -effect), power(se, effect), rtol=1e-12)


@pytest.mark.parametrize("target", EDGES)
def test_bands_end_where_power_does(target):
    assert float(power(error_of_power(target, -0.3), -0.3)) == pytest.approx(target, abs=1e-9)


def test_bands_are_darker_with_less_power_and_meet(make_fit):
    figure = plots.power_funnel(make_fit(20))
    axes = next(a for a in figure.axes if a.get_label() == "power-funnel")
    bands = [a for a in axes.patches if a.get_label() == "power"]
    ends = [(b.get_y(), b.get_y() + b.get_height()) for b in bands]
    assert all(a[1] == pytest.approx(b[0]) for a, b in pairwise(ends))
    greys = [b.get_facecolor()[0] for b in bands]
    assert greys == sorted(greys, reverse=True)


def test_an_effect_of_zero_has_no_bands(make_fit, assert_readable):
    assert_readable(plots.power_funnel(make_fit(8), effect=0.0))
