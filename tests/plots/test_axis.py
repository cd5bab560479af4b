"""The effect axis."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaalliance.plots.canvas.axis import CLEARANCE, EffectAxis, axis_range
from metaalliance.plots.canvas.typeset import run_width, user


@settings(max_examples=60)
@given(
    low=st.floats(-4, 0),
    span=st.floats(1e-3, 6),
    width=st.floats(15, 200),
    measure=st.sampled_from(["z", "r", "generic"]),
)
def test_tick_labels_never_collide(low, span, width, measure):
    axis = EffectAxis(low=low, high=low + span, measure=measure)
    ticks = axis.ticks(width, 7.0)
    places = [(x - axis.low) / span * width for x, _ in ticks]
    half = [run_width(user(label)[0], 7.0) / 2 for _, label in ticks]
    for i in range(len(ticks) - 1):
        assert places[i + 1] - places[i] >= half[i] + half[i + 1] + CLEARANCE - 1e-9
    assert all(axis.low - 1e-9 <= x <= axis.high + 1e-9 for x, _ in ticks)


@settings(max_examples=60)
@given(exponent=st.integers(-6, 6), width=st.floats(25, 150))
def test_labels_say_where_they_stand(exponent, width):
    scale = 10.0**exponent
    axis = EffectAxis(low=-1.3 * scale, high=2.2 * scale, measure="generic")
    for place, label in axis.ticks(width, 7.0):
        assert float(label.replace("−", "-")) == pytest.approx(place, abs=1e-9 * scale)


def test_range_holds_zero_and_all_estimates():
    yi = np.array([0.2, 0.5, 0.9])
    axis = axis_range(yi, yi - 0.2, yi + 0.2, "z")
    assert axis.low < 0
    assert axis.high > 0.9


def test_range_leaves_out_a_zero_that_is_far_off():
    yi = np.array([100.0, 101.0])
    axis = axis_range(yi, yi - 1, yi + 1, "generic")
    assert axis.low > 90


def test_range_cuts_huge_intervals():
    yi, half = np.array([0.1, 0.2, 0.3]), np.array([0.1, 0.1, 50.0])
    axis = axis_range(yi, yi - half, yi + half, "z")
    assert axis.high < 1
    assert axis.low > -1


def test_z_axis_adds_ticks_near_one():
    labels = [label for _, label in EffectAxis(low=-1, high=3, measure="z").ticks(120, 7.0)]
    assert labels == ["−.6", "−.3", "0", ".3", ".6", ".8", ".9", ".95", ".98", ".99"]
