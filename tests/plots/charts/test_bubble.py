"""What a bubble plot draws."""

from __future__ import annotations

import re

import numpy as np
import pytest

from metaalliance import plots
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.models.pool import pool
from metaalliance.models.regression import regress
from metaalliance.moderation.slope import slope
from metaalliance.plots.charts.bubble import bubble_text

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")


def test_the_line_is_the_regression(make_fit, artist):
    fit = make_fit(20)
    line = artist(plots.bubble(fit, x="year"), "bubble", "line")
    year = fit.effects.frame["year"].to_numpy(dtype=float)
    found = regress(
        fit.effects, np.c_[np.ones(20), year], ["a", "b"], tau2="HS", test="knapp-hartung"
    )
    x, y = line.get_xydata().T
    np.testing.assert_allclose(y, found.beta[0] + found.beta[1] * x, rtol=1e-7)


def test_bubbles_stand_at_their_moderator_with_areas_by_weight(make_fit, artist):
    fit = make_fit(20)
    points = artist(plots.bubble(fit, x="year"), "bubble", "effects")
    year = fit.effects.frame["year"].to_numpy(dtype=float)
    np.testing.assert_allclose(points.get_offsets(), np.c_[year, fit.effects.yi])
    assert np.argmax(points.get_sizes()) == np.argmin(fit.effects.vi)


def test_missing_values_are_counted_in_the_note(make_fit, texts):
    fit = make_fit(20)
    frame = fit.effects.frame.assign(dose=np.r_[np.arange(17.0), [np.nan] * 3])
    some = pool(Effects(frame=frame, measure="z"), tau2="HS")
    words = " ".join(t.get_text() for t in texts(plots.bubble(some, x="dose")))
    assert "3 effects without a value left out" in words


@pytest.mark.parametrize(
    ("x", "message"), [("dose", "no such moderator"), ("alliance_rater", "fewer than two"),
                       ("vi", "no such moderator")],
)  # fmt: skip
def test_what_is_no_number_is_refused(x, message, make_fit):
    with pytest.raises(OptionError, match=message):
        plots.bubble(make_fit(9), x=x)


def test_a_slope_is_drawn_as_it_was_estimated(make_fit, artist):
    fit = make_fit(20)
    found = slope(fit.effects, "year", tau2="DL")
    x, y = artist(plots.bubble(found), "bubble", "line").get_xydata().T
    assert (y[-1] - y[0]) / (x[-1] - x[0]) == pytest.approx(found.fit.beta[1] / found.scale)


def test_text_of_a_slope_is_that_of_the_test(make_fit):
    fit = make_fit(20)
    found = slope(fit.effects, "year", scale=10)
    text = bubble_text(found)
    assert "Bubble plot of 20 effects against year" in text
    b = f"{abs(float(found.fit.beta[1])):.6f}"
    shown = re.search(r"b = −?(\.\d+)", text)
    assert shown is not None
    assert float(shown.group(1)) == pytest.approx(
        float(b), abs=0.5 * 10 ** -(len(shown.group(1)) - 1)
    )
