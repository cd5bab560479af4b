"""What the figure of selection weights draws."""

from __future__ import annotations

import math

import numpy as np
import pytest

from metaalliance import plots
from metaalliance.publication_bias.beta_selection import beta_selection_model
from metaalliance.publication_bias.selection import selection_model

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")


def labelled(figure, label):
    axes = next(a for a in figure.axes if a.get_label() == "selection-weights")
    return [a for a in axes.get_children() if a.get_label() == label]


def test_steps_stand_at_their_weights_over_their_p_values(make_fit):
    found = selection_model(make_fit(60), steps=(0.025, 0.5))
    steps = labelled(plots.selection_weights(found), "weight")
    assert len(steps) == 3
    for step, (low, high), weight in zip(steps, found.intervals(), found.weights, strict=True):
        ((start, end),) = step.get_segments()
        assert tuple(start) == pytest.approx((math.sqrt(low), weight))
        assert tuple(end) == pytest.approx((math.sqrt(high), weight))


def test_boxes_are_intervals_and_cut_ones_are_told(make_fit, texts):
    found = selection_model(make_fit(60), steps=(0.025, 0.5))
    figure = plots.selection_weights(found)
    top = next(a for a in figure.axes if a.get_label() == "selection-weights").get_ylim()[1]
    for box, low, high in zip(
        labelled(figure, "ci"), found.weights_low[1:], found.weights_high[1:], strict=True
    ):
        assert box.get_y() == pytest.approx(low)
        assert box.get_y() + box.get_height() == pytest.approx(min(high, top))
    words = " ".join(t.get_text() for t in texts(figure))
    assert ("beyond the plot" in words) == bool((found.weights_high > top).any())


def test_the_beta_model_is_a_curve(make_fit):
    found = beta_selection_model(make_fit(60))
    (curve,) = labelled(plots.selection_weights(found), "weight")
    root, weight = curve.get_xydata().T
    np.testing.assert_allclose(weight, found.weight(root**2))
