"""What a coefficient plot draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from metaalliance import plots
from metaalliance.errors import OptionError
from metaalliance.moderation.meta_regression import meta_regression
from metaalliance.plots.charts.coefficients import moderator_coefficients

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")

FRAME = pd.DataFrame(
    {
        "term": ["intercept", "strong", "weak"],
        "estimate": [0.2, 0.1, 0.02],
        "ci_low": [0.1, 0.05, -0.1],
        "ci_high": [0.3, 0.15, 0.14],
    }
)


def test_filled_points_have_an_interval_without_zero(artist):
    figure = plots.coefficients(FRAME)
    for label, expected in (("estimates", 0.1), ("weak", 0.02)):
        ((x, _),) = artist(figure, "coefficients", label).get_offsets().tolist()
        assert x == pytest.approx(expected)


def test_terms_of_a_formula_have_names_for_readers(make_fit, texts):
    fit = make_fit(24, groups=("CBT", "humanistic"))
    found = meta_regression(fit.effects, "modality + year", tau2="DL")
    figure = plots.coefficients(found)
    words = [t.get_text() for t in texts(figure)]
    assert "Modality: humanistic" in words or "Modality: CBT" in words
    assert "Year (per decade)" in words
    assert "Reference levels: modality:" in " ".join(words)


def test_intervals_are_those_of_the_fit(make_fit, artist):
    fit = make_fit(24, groups=("CBT", "humanistic"))
    found = meta_regression(fit.effects, "modality + year", tau2="DL").fit
    figure = plots.coefficients(found, intercept=True)
    segments = artist(figure, "coefficients", "intervals").get_segments()
    drawn = np.array([(a[0], b[0]) for a, b in segments])
    np.testing.assert_allclose(drawn, np.c_[found.ci_low, found.ci_high])


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(OptionError, match="'ci_low'"):
        plots.coefficients(FRAME.drop(columns="ci_low"))
    with pytest.raises(OptionError, match="intercept=True"):
        plots.coefficients(FRAME.head(1))


def test_columns_with_commas_between(make_fit, texts):
    fit = make_fit(24, groups=("CBT", "humanistic"))
    for columns in ("modality, year", ["modality", "year"]):
        figure = moderator_coefficients(fit, by=columns)
        assert "Year (per decade)" in [t.get_text() for t in texts(figure)]
