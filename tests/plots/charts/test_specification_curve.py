"""What a specification curve draws."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from metaalliance import plots
from metaalliance.errors import OptionError
from metaalliance.plots.charts.specification_curve import specification_text


def specifications(models=("two-level", "che"), rhos=(0.3, 0.5, 0.8)):
    rows = list(itertools.product(models, rhos, ("REML", "DL")))
    frame = pd.DataFrame(rows, columns=["model", "rho", "tau2"])
    estimate = 0.3 - 0.01 * ((7 * np.arange(len(frame))) % len(frame))
    return frame.assign(
        estimate=estimate,
        ci_low=estimate - 0.21,
        ci_high=estimate + 0.21,
        p_value=np.where(estimate > 0.21, 0.01, 0.2),
        reference=np.arange(len(frame)) == 4,
    )


def test_estimates_stand_in_order_at_fisher_z(artist):
    frame = specifications()
    figure = plots.specification_curve(frame)
    axes = next(a for a in figure.axes if a.get_label() == "curve")
    drawn = np.concatenate(
        [a.get_offsets() for a in axes.collections if a.get_label() == "estimates"]
    )
    drawn = drawn[np.argsort(drawn[:, 0])]
    np.testing.assert_allclose(drawn[:, 1], np.arctanh(np.sort(frame["estimate"])))
    np.testing.assert_array_equal(drawn[:, 0], np.arange(1, len(frame) + 1))
    rank = 1 + int((frame["estimate"] < frame.loc[4, "estimate"]).sum())
    assert artist(figure, "curve", "reference").get_offsets()[0, 0] == rank


def test_each_specification_has_one_dot_per_decision():
    frame = specifications()
    axes = next(a for a in plots.specification_curve(frame).axes if a.get_label() == "choices")
    dots = np.concatenate([a.get_offsets() for a in axes.collections if a.get_label() == "choice"])
    names = [t.get_text() for t in axes.get_yticklabels()]
    assert names[0] == "Model: che"
    assert ".50" in names
    assert len(dots) == 3 * len(frame)
    ordered = frame.sort_values("estimate", kind="stable").reset_index(drop=True)
    che = {int(x) for x, y in dots if y == 0}
    assert che == set(np.flatnonzero(ordered["model"] == "che") + 1)


def test_many_specifications_are_ticks(assert_readable):
    frame = specifications(rhos=tuple(np.linspace(0.05, 0.95, 60)))
    frame["rho"] = np.where(frame["rho"] > 0.5, "high", "low")
    figure = plots.specification_curve(frame, decisions=["model", "rho", "tau2"])
    assert_readable(figure)
    axes = next(a for a in figure.axes if a.get_label() == "choices")
    ticks = sum(len(a.get_segments()) for a in axes.collections if a.get_label() == "choice")
    assert ticks == 3 * len(frame)


@pytest.mark.parametrize("style", ["apa", "bmj"])
def test_clear_texts_and_words(style, assert_readable, texts):
    figure = plots.specification_curve(specifications(), style=style)
    assert_readable(figure)
    words = "".join(t.get_text() for t in texts(figure)).replace("\N{NO-BREAK SPACE}", " ")
    assert "12 specifications" in words
    assert ("from .19" in words) == (style == "apa")


def test_what_cannot_be_drawn_is_refused():
    frame = specifications()
    with pytest.raises(OptionError, match="'dose'"):
        plots.specification_curve(frame, decisions=["dose"])
    with pytest.raises(OptionError, match="No specification"):
        plots.specification_curve(frame.assign(estimate=np.nan))


def test_alternative_text():
    text = specification_text(specifications())
    assert "12 analyses" in text
    assert "*" not in text
