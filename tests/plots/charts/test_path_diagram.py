"""Path diagrams: boxes, arrows and labels of every path, none on another."""

from __future__ import annotations

from io import StringIO

import pandas as pd
import pytest
from fault_runs import CORRELATIONS
from matplotlib.patches import FancyArrowPatch, Rectangle

import metaalliance as ma
from metaalliance.models.paths.syntax import parse
from metaalliance.plots.charts.path_diagram import levels, path_diagram_text

SIMPLE = "outcome ~ b*alliance + c*severity; alliance ~ a*severity; ab := a*b"


@pytest.fixture(scope="module")
def fit():
    return ma.masem(pd.read_csv(StringIO(CORRELATIONS)), SIMPLE)


def texts(figure):
    return [t for t in figure.findobj(lambda a: hasattr(a, "get_text")) if t.get_text().strip()]


@pytest.mark.parametrize("width", [90, 174])
def test_every_path_is_drawn(fit, width):
    figure = ma.plots.path_diagram(fit, width_mm=width)
    assert figure.get_size_inches()[0] * 25.4 == pytest.approx(width)
    assert len(figure.findobj(FancyArrowPatch)) == 3
    shown = " ".join(t.get_text() for t in texts(figure))
    for word in ("severity", "alliance", "outcome", "ab = a*b", "cross-sectional"):
        assert word in shown


def test_a_box_stands_off_the_way_between_two_others(fit):
    figure = ma.plots.path_diagram(fit)
    boxes = [r for r in figure.findobj(Rectangle) if r.get_linewidth() and r.get_width() < 100]
    centres = sorted((r.get_x() + r.get_width() / 2, r.get_y() + r.get_height() / 2)
                     for r in boxes if r.get_height() > 6)  # fmt: skip
    (_, left), (_, middle), (_, right) = centres
    assert left == pytest.approx(right)
    assert abs(middle - left) > 8


def test_variables_stand_behind_what_leads_to_them():
    found = levels(parse("y ~ m1 + m2 + x; m1 ~ x; m2 ~ m1 + z"))
    assert found == [["x", "z"], ["m1"], ["m2"], ["y"]]
    assert sum(map(len, levels(parse("a ~ b; b ~ a + x")))) == 3  # a circle has an end


def test_text_says_every_path(fit):
    said = path_diagram_text(fit)
    for row in fit.paths.to_dict("records"):
        assert f"{row['lhs']} from {row['rhs']}" in said
    assert "mediates" not in said
