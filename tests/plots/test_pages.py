"""What a page holds: heights, whole names, one interval for each study, axes, words under it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from metaalliance import plots
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.models.pool import pool
from metaalliance.plots.canvas.style import HEIGHTS, STYLES
from metaalliance.plots.kinds import KINDS

sys.path.append(str(Path(__file__).parents[2] / "scripts"))
import check_figures

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")

#: Kinds that take long to compute.
SLOW = {"gosh", "profile", "selection-weights", "leave-one-out", "cumulative"}
LONG = ("Wandlebourne & Harkenstow", "Abdul-Rahman, Castellanos-Ferreira & Hesselquay", "Vinter")


def labelled(figure, name):
    (axes,) = (a for a in figure.axes if a.get_label() == "forest")
    return [a for a in axes.get_children() if a.get_label() == name]


def height(figure):
    return figure.get_figheight() * 25.4


@pytest.fixture(scope="module")
def twelve():
    ((_, fit),) = check_figures.samples([12])
    return fit


@pytest.mark.parametrize("kind", [name for name in KINDS if name not in SLOW])
def test_every_kind_is_clear_on_a_column(kind, twelve):
    pages, found = check_figures.checked(twelve, kind, "apa", 85.0)
    assert pages
    assert found == []


@pytest.mark.parametrize("style", STYLES)
def test_forests_of_every_style_are_clear_in_both_widths(style, twelve):
    for width in check_figures.WIDTHS:
        pages, found = check_figures.checked(twelve, "forest", style, width)
        assert pages
        assert found == []


@pytest.mark.slow
@pytest.mark.parametrize("size", check_figures.SIZES)
def test_every_kind_style_width_and_size(size):
    ((_, fit),) = check_figures.samples([size])
    wrong = []
    for kind in KINDS:
        for style in STYLES:
            for width in check_figures.WIDTHS:
                wrong += check_figures.checked(fit, kind, style, width)[1]
    assert wrong == []


def test_the_check_sees_what_is_wrong(make_fit):
    figure = plots.forest(make_fit(8))
    assert check_figures.faults(figure) == []
    assert check_figures.page_faults(figure, "apa") == []
    (axes,) = (a for a in figure.axes if a.get_label() == "text")
    first, second = axes.texts[:2]
    second.set_position(first.get_position())
    axes.texts[2].set_x(-5)
    axes.texts[3].set_text("Horv… (1980)")
    axes.texts[4].set_fontsize(4)
    found = check_figures.faults(figure) + check_figures.page_faults(figure, "apa")
    assert any("touches" in text for text in found)
    assert any("leaves the page" in text for text in found)
    assert any("is cut" in text for text in found)
    assert "type of 4 points" in found
    assert check_figures.lost_names([figure], ["Nobody (1999)"]) == ["'Nobody (1999)' is not there"]


@pytest.mark.parametrize("page", HEIGHTS)
@pytest.mark.parametrize("k", [42, 90])
def test_no_page_is_higher_than_it_may_be_and_all_are_about_as_long(page, k, make_fit):
    style = plots.own_style({"page": page, "notes": "full"})
    pages = plots.forest_pages(make_fit(k, groups=("CBT", "PDT", "IPT")), style=style)
    heights = [height(figure) for figure in pages]
    assert max(heights) <= HEIGHTS[page] + 0.01
    assert max(heights) - min(heights) < 25
    if k == 90:
        assert len(pages) > 1


def test_rows_are_lower_where_that_saves_a_page(make_fit):
    fit = make_fit(62)
    (figure,) = plots.forest_pages(fit, style=plots.own_style({"notes": "none"}))
    assert height(plots.forest(fit)) <= 230.01
    roomy = plots.own_style({"notes": "none", "row": 3.36})
    assert height(figure) <= height(plots.forest(make_fit(62), style=roomy)) + 0.01


def test_names_are_whole_and_told_apart_on_a_column(make_fit, panel, texts):
    fit = make_fit(9, names=LONG, several=True)
    for style in STYLES:
        figure = plots.forest(fit, style=style, width_mm=85)
        names = list(dict.fromkeys(fit.effects.frame["study"]))
        assert check_figures.lost_names([figure], names) == []
        assert panel(figure).get_position().width >= 0.5 - 1e-9


@pytest.mark.parametrize("width", [85, 100, 174])
def test_no_arrow_stands_alone(width, make_fit, texts):
    shown = [t.get_text().strip() for t in texts(plots.forest(make_fit(8), width_mm=width))]
    assert not {"←", "→"} & set(shown)
    assert any("→" in text for text in shown)


def test_each_study_has_one_interval_and_its_square_is_seen(make_fit):
    fit = make_fit(14, several=True)
    figure = plots.forest(fit)
    (lines,) = labelled(figure, "intervals")
    assert len(lines.get_segments()) == fit.n_studies
    assert not labelled(figure, "outer intervals")
    (squares,), (dots,) = labelled(figure, "studies"), labelled(figure, "behind")
    assert dots.get_zorder() < squares.get_zorder()
    assert dots.get_zorder() < lines.get_zorder()
    assert 0 < dots.get_alpha() < 1
    assert labelled(plots.forest(fit, effects="rows"), "outer intervals")


def test_no_groups_unasked_where_most_have_one_study(make_fit):
    groups = ("CBT", "PDT", "IPT", "DBT", "ACT")
    assert not labelled(plots.forest(make_fit(7, groups=groups)), "subgroup")
    assert labelled(plots.forest(make_fit(20, groups=groups)), "subgroup")
    asked = plots.forest(make_fit(7, groups=groups), by="modality", pool="apart")
    assert labelled(asked, "subgroup")


def test_groups_do_not_widen_the_axis_and_end_in_an_arrow():
    yi, vi = np.linspace(0.1, 0.5, 9), [0.004] * 9
    effects = Effects.from_arrays(
        yi, vi, moderators={"modality": list("baaaaaaab")}, measure="z", n=[253] * 9
    )
    fit = pool(effects, model="two-level")
    plain, grouped = (plots.forest(fit, by=by, pool="apart") for by in ("none", "modality"))
    limits = [next(a for a in f.axes if a.get_label() == "forest").get_xlim()
              for f in (plain, grouped)]  # fmt: skip
    assert limits[0] == limits[1]
    (wide,) = (p for p in labelled(grouped, "subgroup") if p.get_xy()[:, 0].max() > limits[0][1])
    tips = [x for a in labelled(grouped, "arrows") for x in np.asarray(a.get_offsets())[:, 0]]
    assert set(limits[0]) == set(tips)
    assert wide.get_clip_path() is not None or wide.get_clip_box() is not None


def test_words_under_a_figure(make_fit, texts):
    fit = make_fit(14, several=True, groups=("CBT", "PDT"))

    def words(draw, notes):
        figure = draw(fit, style=plots.own_style({"notes": notes}))
        return " ".join(t.get_text() for t in texts(figure)), figure.caption

    for draw in (plots.forest, plots.orchard, plots.funnel, plots.caterpillar):
        (full, caption), (short, same), (none, also) = (
            words(draw, notes) for notes in ("full", "short", "none")
        )
        assert caption == same == also
        assert len(none) < len(short) <= len(full)
        assert "".join(caption.split()) in "".join(full.split())
    assert "Model:" in words(plots.forest, "full")[0]
    assert "Model:" not in words(plots.forest, "short")[0]
    assert "Dots: effects of a study." in words(plots.forest, "short")[0]


LIMITED = [name for name, kind in KINDS.items() if "limits" in kind.options]


@pytest.mark.parametrize("kind", [name for name in LIMITED if name not in SLOW])
def test_limits_of_every_axis_of_effects(kind, twelve):
    low, high = -0.9, 0.98
    figure = check_figures.drawn(twelve, kind, "apa", 120.0, limits=(low, high))[0]
    wanted = (low, high) if kind == "coefficients" else (np.arctanh(low), np.arctanh(high))
    ends = [side for axes in figure.axes for side in (axes.get_xlim(), axes.get_ylim())]
    assert any(end == pytest.approx(wanted) for end in ends)
    if kind in {"funnel", "orchard", "bubble", "caterpillar", "forest"}:
        with pytest.raises(OptionError, match="leave"):
            check_figures.drawn(twelve, kind, "apa", 120.0, limits=(0.2, 0.3))
    with pytest.raises(OptionError, match="no range"):
        check_figures.drawn(twelve, kind, "apa", 120.0, limits=(0.8, 0.2))
