"""What a caterpillar plot draws."""

from __future__ import annotations

import numpy as np
import pytest

from metaalliance import plots
from metaalliance.effects.aggregate import aggregate
from metaalliance.errors import OptionError

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")


def test_effects_stand_in_order_the_largest_on_top(make_fit, artist):
    fit = make_fit(15)
    figure = plots.caterpillar(fit)
    points = artist(figure, "caterpillar", "effects").get_offsets()
    np.testing.assert_allclose(points[:, 0], np.sort(fit.effects.yi)[::-1])
    axes = next(a for a in figure.axes if a.get_label() == "caterpillar")
    assert axes.yaxis_inverted()


def test_intervals_belong_to_their_effects(make_fit, artist):
    fit = make_fit(15)
    segments = artist(plots.caterpillar(fit), "caterpillar", "intervals").get_segments()
    order = np.argsort(-fit.effects.yi)
    half = 1.959963984540054 * np.sqrt(fit.effects.vi[order])
    whole = [s for s, y, h in zip(segments, fit.effects.yi[order], half, strict=True)
             if s[0, 0] == pytest.approx(y - h) and s[1, 0] == pytest.approx(y + h)]  # fmt: skip
    assert len(whole) >= 12  # the rest goes on beyond the axis


def test_names_up_to_sixty_rows(make_fit):
    for k, named in ((60, True), (61, False)):
        axes = plots.caterpillar(make_fit(k)).axes[1]
        assert any(t.get_text() for t in axes.get_yticklabels()) == named


def test_bands_are_the_intervals_of_the_mean(make_fit, artist):
    fit = make_fit(15)
    figure = plots.caterpillar(fit)
    for label, ends in (
        ("ci", (fit.ci_low, fit.ci_high)),
        ("prediction", (fit.pi_low, fit.pi_high)),
    ):
        band = artist(figure, "caterpillar", label)
        found = band.get_x(), band.get_x() + band.get_width()
        assert found == pytest.approx(ends)


def test_study_averages(make_fit, artist):
    fit = make_fit(9, several=True)
    figure = plots.caterpillar(fit, points="studies")
    points = artist(figure, "caterpillar", "effects").get_offsets()
    np.testing.assert_allclose(points[:, 0], np.sort(aggregate(fit.effects, fit.rho).yi)[::-1])
    with pytest.raises(OptionError, match="points='samples'"):
        plots.caterpillar(fit, points="samples")
