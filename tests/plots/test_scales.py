"""Scales: ticks inside, apart, and labelled as journals write numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaalliance.plots.canvas.scales import Fixed, Numbers, Rows, effect_scale, number_scale
from metaalliance.plots.canvas.style import APA, BMJ
from metaalliance.plots.canvas.typeset import run_width, user

NUMBER = st.floats(-1e6, 1e6, allow_nan=False)


@given(NUMBER, st.floats(1e-6, 1e6), st.floats(10, 200))
def test_ticks_are_on_the_scale_and_apart(low, span, length):
    scale = Numbers(low=low, high=low + span)
    ticks = scale.ticks(length, 7.0)
    places = [p for p, _ in ticks]
    assert all(low - 1e-6 * span <= p <= low + span * (1 + 1e-6) for p in places)
    half = [run_width(user(t)[0], 7.0) / 2 for _, t in ticks]
    gaps = np.diff(places) * length / span
    assert all(g >= a + b for g, a, b in zip(gaps, half, half[1:], strict=False))


def test_labels_are_the_values_of_their_places():
    for place, text in Numbers(low=-0.4, high=1.3).ticks(80, 7.0):
        assert float(text.replace("−", "-")) == pytest.approx(place, abs=1e-9)


def test_bare_and_percent_and_whole_labels():
    bare = dict(Numbers(low=0.0, high=0.5, bare=True).ticks(60, 7.0))
    assert ".1" in {t.removesuffix("0") for t in bare.values()}
    percent = Numbers(low=0.0, high=1.0, percent=True).ticks(60, 7.0)
    assert percent[-1][1] == "100%"
    whole = Numbers(low=0.2, high=3.4, whole=True, least=1.0).ticks(60, 7.0)
    assert [t for _, t in whole] == ["1", "2", "3"]


def test_a_scale_that_runs_the_other_way_has_the_same_ticks():
    down = Numbers(low=0.3, high=0.0, upright=True).ticks(60, 7.0)
    assert down == Numbers(low=0.0, high=0.3, upright=True).ticks(60, 7.0)


def test_important_ticks_stay_when_there_is_no_room():
    scale = Fixed(low=0, high=1, marks=((0.05, ".05"), (1.0, "1"), (0.06, ".06")), upright=True)
    assert [t for _, t in scale.ticks(30, 7.0)] == [".05", "1"]


def test_rows_run_downwards_and_names_are_whole():
    long = "A name of a great many words, and more"
    rows = Rows(names=("first", long, ""))
    assert rows.low > rows.high
    assert [t for _, t in rows.ticks(50, 7.0)] == ["first", long, ""]
    across = Rows(names=("first", long, ""), across=True).ticks(60, 7.0)
    assert across[1][1].replace("\n", " ") == long
    assert "\n" in across[1][1]


def test_an_effect_scale_holds_its_points_and_writes_r_by_style():
    scale = effect_scale([0.1, 0.9, math.nan], "z", APA)
    assert scale.low < 0
    assert scale.high > 0.9
    for style, start in ((APA, "."), (BMJ, "0.")):
        found = effect_scale([0.1, 0.9], "z", style).ticks(80, 7.0)
        assert all(t.startswith(start) for p, t in found if p > 0.01)
        for place, text in found:
            assert math.tanh(place) == pytest.approx(float(text.replace("−", "-")), abs=1e-9)


@pytest.mark.parametrize("values", [[], [3.0], [0.0], [1e-9, 1e9]])
def test_any_values_make_a_scale(values):
    scale = number_scale(values)
    assert scale.low < scale.high
    assert scale.ticks(60, 7.0) or not values
