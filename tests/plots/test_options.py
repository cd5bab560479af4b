"""Options of forest plots: columns, prediction marks, limits, words, axes of the caller."""

from __future__ import annotations

import math

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy import stats

from metaalliance import plots
from metaalliance.errors import OptionError
from metaalliance.plots.canvas.style import STYLES

GROUPS = ("CBT", "humanistic")

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")


def artist(axes, label):
    (found,) = (a for a in axes.get_children() if a.get_label() == label)
    return found


def place_of(figure, word):
    (layer,) = (a for a in figure.axes if a.get_label() == "text")
    return min(t.get_position()[0] for t in layer.texts if t.get_text() == word)


def test_columns_on_either_side_in_their_order(make_fit, panel):
    figure = plots.forest(
        make_fit(8, groups=("CBT",)), columns="year, effect", right_columns=("modality", "n")
    )
    box = panel(figure).get_position()
    left, right = (x * figure.get_figwidth() * 25.4 for x in (box.x0, box.x1))
    places = [place_of(figure, w) for w in ("Year", "r", "Modality", "n", "Weight")]
    assert places == sorted(places)
    assert places[1] < left < right < places[2]


def test_effect_and_weight_move_to_where_they_are_named(make_fit, texts):
    figure = plots.forest(make_fit(8), columns=("weight", "n"), right_columns=("effect",))
    shown = [t.get_text() for t in texts(figure)]
    assert shown.count("Weight") == 1
    assert place_of(figure, "Weight") < place_of(figure, "n")


@pytest.mark.parametrize(
    ("columns", "right", "message"),
    [
        (("n",), ("n",), "'n' would be shown twice"),
        (("year", "year"), (), "'year' would be shown twice"),
        (("yeer",), (), "Did you mean 'year'"),
    ],
)
def test_columns_that_cannot_be(columns, right, message, make_fit):
    with pytest.raises(OptionError, match=message):
        plots.forest(make_fit(4), columns=columns, right_columns=right)


def test_an_empty_column_is_dashes(make_fit, texts):
    shown = [t.get_text() for t in texts(plots.forest(make_fit(4), columns=("blank",)))]
    assert shown.count("–") == 4


def test_prediction_bar_line_and_density(make_fit, panel):
    fit = make_fit(20)
    bar = artist(panel(plots.forest(fit, prediction="bar")), "prediction")
    assert (bar.get_x(), bar.get_x() + bar.get_width()) == pytest.approx((fit.pi_low, fit.pi_high))
    axes = panel(plots.forest(fit, prediction="line"))
    (segment,) = artist(axes, "prediction").get_segments()
    assert tuple(segment[:, 0]) == pytest.approx((fit.pi_low, fit.pi_high))
    caps = artist(axes, "caps").get_segments()
    assert [c[0, 0] for c in caps] == pytest.approx([fit.pi_low, fit.pi_high])


def test_density_is_the_predictive_distribution(make_fit, panel):
    fit = make_fit(20)
    axes = panel(plots.forest(fit, prediction="density", limits=(-0.9, 0.95)))
    (path,) = artist(axes, "density").get_paths()
    x, y = path.vertices[:, 0], path.vertices[:, 1]
    base = y.max()
    height = (base - y) / (base - y).max()
    scale = math.sqrt(fit.se**2 + fit.tau2)
    wanted = stats.t.pdf((x - fit.estimate) / scale, fit.df)
    top = height > 1e-9
    np.testing.assert_allclose(height[top], (wanted / wanted.max())[top], rtol=1e-6, atol=2e-3)
    inside = artist(axes, "prediction").get_paths()[0].vertices[:, 0]
    step = np.diff(np.unique(x)).max()
    assert inside.min() == pytest.approx(fit.pi_low, abs=step)
    assert inside.max() == pytest.approx(fit.pi_high, abs=step)


def test_no_prediction_interval_on_request(make_fit, texts):
    shown = [t.get_text() for t in texts(plots.forest(make_fit(9), prediction="none"))]
    assert "95% prediction interval" not in shown


def test_limits_of_the_axis_are_correlations(make_fit, panel):
    axes = panel(plots.forest(make_fit(9), limits=(-0.5, 0.9)))
    assert axes.get_xlim() == pytest.approx((math.atanh(-0.5), math.atanh(0.9)))


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ((-1.2, 0.5), "is no range"),
        ((0.5, 0.2), "is no range"),
        ((math.nan, 0.2), "is no range"),
        ((0.2, 0.25), "leave estimates out"),
    ],
)
def test_limits_that_cannot_be(limits, message, make_fit):
    with pytest.raises(OptionError, match=message):
        plots.forest(make_fit(9), limits=limits)


def test_words_about_both_sides(make_fit, texts):
    shown = [t.get_text() for t in texts(plots.forest(make_fit(9), directions=("less", "more")))]
    assert {"less", "more"} <= set(shown)


@pytest.mark.parametrize("style", STYLES)
def test_axes_of_the_caller(style, make_fit):
    figure = Figure(figsize=(7, 4))
    left, right = figure.subplots(1, 2)
    fit = make_fit(6, groups=GROUPS)
    assert plots.forest(fit, ax=left, style=style) is figure
    squares = artist(left, "studies").get_offsets()
    np.testing.assert_allclose(np.sort(squares[:, 0]), np.sort(fit.effects.yi))
    assert np.allclose(squares[:, 1] % 1, 0)
    labels = [t.get_text() for t in left.get_yticklabels()]
    assert {"CBT", "Humanistic", "Horvath & Symonds (1980)"} <= set(labels)
    assert len(labels) == len(left.get_yticks())
    assert left.get_xlabel().startswith("Correlation r")
    right.plot([0, 1], [0, 1])
    figure.draw_without_rendering()


def test_drawn_data_have_names_that_an_svg_keeps(make_fit, tmp_path):
    (path,) = plots.save(plots.forest(make_fit(12, groups=GROUPS)), tmp_path / "forest.svg")
    content = path.read_text(encoding="utf-8")
    for name in ("studies", "intervals", "overall", "prediction", "subgroup", "subgroup-2"):
        assert content.count(f'id="{name}"') == 1


def test_group_differences_are_the_test_of_moderators(make_fit, texts):
    from metaalliance.moderation.categorical import moderators
    from metaalliance.wording.numbers import number

    fit = make_fit(24, groups=("CBT", "IPT", "systemic"))
    found = moderators(fit.effects, "modality", tau2="HS", test=fit.test).omnibus
    shown = "".join(t.get_text() for t in texts(plots.forest(fit)))
    value = number(found["statistic"], 2)
    wanted = f"({found['df1']:g},{number(found['df2'], 1)})={value},p"
    assert wanted in "".join(shown.split())


def test_small_groups_are_said_to_be_left_out_of_the_test(make_fit, texts):
    fit = make_fit(13, groups=("CBT",) * 6 + ("IPT",) * 5 + ("systemic",))
    shown = "".join(t.get_text() for t in texts(plots.forest(fit)))
    assert "amonggroupsof3studiesormore" in "".join(shown.split())
