"""Styles: what readers of each journal recognise, and styles of one's own."""

from __future__ import annotations

import tomllib
from dataclasses import FrozenInstanceError, fields, replace
from itertools import pairwise
from pathlib import Path

import matplotlib.colors
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from metaalliance import plots
from metaalliance.errors import OptionError
from metaalliance.plots.canvas.own_style import BOUNDS, ROW_PER_POINT, own_style
from metaalliance.plots.canvas.style import STYLES, Style, drawing, style_named
from metaalliance.plots.canvas.wording import Wording
from metaalliance.plots.charts.evidence.flow import flow_diagram
from metaalliance.plots.charts.evidence.risk_of_bias import risk_of_bias

GROUPS = ("CBT", "humanistic")

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")


@pytest.fixture
def lines(texts):
    """Every line of a figure: texts on one height in one stretch, from the left."""

    def of(figure):
        rows: dict[float, list[tuple[float, str]]] = {}
        for text in texts(figure):
            x, y = text.get_position()
            rows.setdefault(round(float(y), 2), []).append((float(x), text.get_text()))
        joined = [" ".join("".join(t for _, t in sorted(row)).split()) for row in rows.values()]
        return " | ".join(joined).replace("\N{NO-BREAK SPACE}", " ")

    return of


HEADS = {
    "apa": ("Study", "r [95% CI]", "Weight", "Subtotal", "Overall"),
    "revman": ("Study or Subgroup", "IV, Random, 95% CI", "Subtotal (95% CI)", "Total (95% CI)"),
    "jama": ("Source", "No. of", "participants", "Weight, %", "(95% CI)", "Better outcome"),
    "bmj": ("Weight", "(%)", "No of", "participants", "(95% CI)", "Overall", "Better outcome"),
}


@pytest.mark.parametrize("style", STYLES)
def test_heads_of_the_journal(style, make_fit, texts, lines):
    figure = plots.forest(make_fit(12, groups=GROUPS), style=style)
    shown = lines(figure) + " ".join(t.get_text() for t in texts(figure))
    shown = shown.replace("\N{NO-BREAK SPACE}", " ")
    assert [head for head in HEADS[style] if head not in shown] == []


SENTENCES = {
    "apa": ("Heterogeneity: Q(11) = ", "I² = ", "Test of group differences (common τ²): F(1, "),
    "revman": ("Heterogeneity: Tau² = 0.0", "; Chi² = ", ", df = 11 (P = 0", "Test for overall"),
    "jama": ("Heterogeneity: τ² = 0.0", "; Q = ", ", df = 11, P = .", "; I² = "),
    "bmj": ("Test for heterogeneity: τ²=0.0", ", χ²=", ", df=11, P=0", ", I²="),
}


@pytest.mark.parametrize("style", STYLES)
def test_sentences_of_the_journal(style, make_fit, lines):
    shown = lines(plots.forest(make_fit(12, groups=GROUPS, seed=11), style=style))
    shown = "".join(shown.replace("|", "").split())
    assert [part for part in SENTENCES[style] if "".join(part.split()) not in shown] == []


INTERVALS = {
    "apa": (".28", "[.17,", ".39]"),
    "revman": ("0.28", "[0.17,", "0.39]"),
    "jama": ("0.28", "(0.17 to", "0.39)"),
    "bmj": ("0.28", "(0.17 to", "0.39)"),
}


@pytest.mark.parametrize("style", STYLES)
def test_numbers_of_the_journal(style, texts):
    from metaalliance.effects.effects import Effects
    from metaalliance.models.pool import pool

    effects = Effects.from_arrays([0.28768], [0.003703], measure="z", n=[273])
    shown = [t.get_text() for t in texts(plots.forest(pool(effects), style=style))]
    assert set(INTERVALS[style]) <= set(shown)


def columns_left_of_the_plot(figure, panel):
    edge = panel(figure).get_position().x0 * figure.get_figwidth() * 25.4
    (layer,) = (a for a in figure.axes if a.get_label() == "text")
    return {t.get_text() for t in layer.texts if t.get_position()[0] < edge}


def test_revman_has_all_numbers_left_of_the_plot(make_fit, panel):
    fit = make_fit(8)
    left = columns_left_of_the_plot(plots.forest(fit, style="revman"), panel)
    assert {"Weight", "100.0%", "Total"} <= left
    left = columns_left_of_the_plot(plots.forest(fit, style="bmj"), panel)
    assert "100.0" not in left


def test_revman_diamonds_are_black_and_its_squares_blue(make_fit, panel):
    axes = panel(plots.forest(make_fit(8, groups=GROUPS), style="revman"))
    faces = {p.get_facecolor() for p in axes.patches if p.get_label() in {"overall", "subgroup"}}
    assert faces == {(0.0, 0.0, 0.0, 1.0)}
    (squares,) = (c for c in axes.collections if c.get_label() == "studies")
    red, green, blue, _ = squares.get_facecolor()[0]
    assert blue > red and blue > green


def test_jama_shades_every_other_study(make_fit):
    figure = plots.forest(make_fit(9), style="jama")
    (layer,) = (a for a in figure.axes if a.get_label() == "text")
    assert sum(p.get_label() == "band" for p in layer.patches) == 4


def test_jama_words_about_both_sides_stand_over_the_plot(make_fit, panel, texts):
    figure = plots.forest(make_fit(9), style="jama")
    top = panel(figure).get_position().y1
    height = figure.get_figheight() * 25.4
    (layer,) = (a for a in figure.axes if a.get_label() == "text")
    words = [t for t in layer.texts if t.get_text().startswith(("Worse", "Better", "Alliance"))]
    assert len(words) == 2
    assert all(t.get_position()[1] < (1 - top) * height for t in words)


def luminance(color: str) -> float:
    red, green, blue = matplotlib.colors.to_rgb(color)
    return 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_marks_are_readable_in_grey(style):
    look = style.forest
    for color in (look.square, look.interval, look.diamond_edge, look.group_edge, style.ink):
        assert (1.0 + 0.05) / (luminance(color) + 0.05) > 4.5, color
    zones = [luminance(zone) for zone in style.zones]
    assert min(abs(a - b) for i, a in enumerate(zones) for b in zones[i + 1 :]) > 0.05


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_groups_and_all_studies_differ_without_colour(style):
    look = style.forest
    differs = look.diamond != look.group_diamond
    assert differs or look.bold_total


def test_a_style_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        STYLES["apa"].size = 20


def test_a_style_of_ones_own(make_fit, panel, texts):
    mine = own_style(
        {
            "base": "apa",
            "size": 10,
            "forest": {"study_head": "Trial", "right": ["weight", "effect"], "square": "#444444"},
            "words": {"leading_zero": True, "bracket": ["(", "; ", ")"]},
        },
        "mine",
    )
    figure = plots.forest(make_fit(6), style=mine, width_mm=210)
    shown = [t.get_text() for t in texts(figure)]
    assert "Trial" in shown
    assert any(t.startswith("(0.") and t.endswith(";") for t in shown)
    (squares,) = (c for c in panel(figure).collections if c.get_label() == "studies")
    assert tuple(squares.get_facecolor()[0]) == matplotlib.colors.to_rgba("#444444")
    assert {t.get_fontsize() for t in texts(figure)} == {10.0, 8.75}


def test_rows_grow_with_the_type(make_fit, assert_clear):
    mine = own_style({"size": 12})
    assert mine.row == pytest.approx(3.6 * 1.5)
    assert_clear(plots.forest(make_fit(9, groups=GROUPS), style=mine, width_mm=250))


def test_the_typeface_of_a_style(make_fit, texts):
    mine = own_style({"typeface": ["No Such Face", "DejaVu Serif"]})
    figure = plots.forest(make_fit(3), style=mine)
    assert {t.get_fontfamily()[0] for t in texts(figure)} == {"DejaVu Serif"}
    again = plots.forest(make_fit(3))
    assert {t.get_fontfamily()[0] for t in texts(again)} != {"DejaVu Serif"}


@pytest.mark.parametrize("typeface", [["DejaVu Serif"], ["DejaVu Sans Mono"]])
def test_nothing_overlaps_in_another_typeface(typeface, make_fit, assert_clear):
    mine = own_style({"typeface": typeface})
    assert_clear(plots.forest(make_fit(9, groups=GROUPS), style=mine))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"base": "nejm"}, "base = 'nejm' is not one of"),
        ({"accnt": "red"}, "there is no 'accnt'. Did you mean 'accent'?"),
        ({"accent": "blau"}, "accent = 'blau' is no colour such as"),
        ({"size": "8"}, "size = '8' is no number from 5 to 24"),
        ({"size": True}, "size = True is no number"),
        ({"size": float("nan")}, "size = nan is no number"),
        ({"size": 99}, "size = 99 is no number"),
        ({"row": 2.5}, "row = 2.5 mm is too low for type of 8 points: at least 3.36 mm"),
        ({"zones": ["#fff", "#eee"]}, "zones is a list of 4"),
        ({"typeface": "Times"}, "typeface is a list, not 'Times'"),
        ({"forest": 3}, "forest is a table, not 3"),
        ({"forest": {"mean_line": "wavy"}}, "mean_line = 'wavy' is not one of 'dotted'"),
        ({"forest": {"left": ["weights"]}}, "left may have 'columns', 'effect', 'weight'"),
        ({"forest": {"rules": ["side"]}}, "rules may have 'top', 'head', 'foot'"),
        ({"forest": {"bold_head": 1}}, "bold_head is true or false"),
        ({"forest": {"total": "Total {n}"}}, "total holds {n}; it may hold {level}"),
        ({"forest": {"total": "Total {"}}, "total = 'Total {'"),
        ({"forest": {"directions": [["a"]]}}, "directions is a list of 2"),
        ({"words": {"heterogeneity": ["Q = {q}"]}}, "heterogeneity holds {q}"),
        ({"words": {"separator": 1}}, "separator is a text in quotes"),
        ({"name": "x"}, "there is no 'name'"),
    ],
)
def test_styles_that_cannot_be(table, message):
    with pytest.raises(OptionError) as caught:
        own_style(table, "mine")
    assert message in str(caught.value)
    if "base" not in table:
        assert caught.value.code == "MA675"


def test_every_number_of_a_style_has_bounds():
    style = STYLES["apa"]
    found = {f.name for part in (style, style.words, style.forest) for f in fields(part)
             if isinstance(getattr(part, f.name), float)}  # fmt: skip
    assert found == set(BOUNDS)


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_our_styles_pass_their_own_check(style):
    for name, (low, high) in BOUNDS.items():
        part = style if hasattr(style, name) else style.forest
        assert low <= getattr(part, name) <= high
    assert style.row >= ROW_PER_POINT * style.size


def test_a_style_is_passed_as_it_is():
    mine = replace(STYLES["bmj"], name="mine", words=Wording())
    assert style_named(mine) is mine
    assert isinstance(mine, Style)


def test_a_forest_follows_the_ink_and_the_accent_of_its_style():
    look = own_style(
        {"ink": "#102030", "accent": "#D02060", "forest": {"square": "#111111"}}
    ).forest
    assert (look.interval, look.diamond, look.group_edge) == ("#102030", "#D02060", "#D02060")
    assert (look.square, look.group_diamond) == ("#111111", "#FFFFFF")
    look = own_style({"base": "revman", "ink": "#102030"}).forest
    assert (look.diamond, look.square) == ("#102030", STYLES["revman"].accent)


@pytest.mark.parametrize("size", [8, 14, 20])
def test_figures_of_a_report_grow_with_the_type(size, assert_clear, texts):
    style = own_style({"size": size, "typeface": ["DejaVu Serif"]})
    ratings = pd.DataFrame({"Selection": ["low", "high"], "Blinding": ["low", "unclear"]})
    assert_clear(risk_of_bias(ratings, style=style))
    flow = flow_diagram({"databases": 100, "screened": 90, "screened_out": 50}, style=style)
    with drawing():
        boxes = [t.get_window_extent(FigureCanvasAgg(flow).get_renderer()) for t in texts(flow)]
    lines = sorted({(round(b.x0), b.y0, b.y1) for b in boxes})
    assert len(boxes) > 5
    for (x, _, top), (other, bottom, _) in pairwise(lines):
        assert x != other or bottom > top - 3
    width, height = flow.bbox.width, flow.bbox.height
    assert all(b.x0 > 0 and b.y0 > 0 and b.x1 < width and b.y1 < height for b in boxes)


def test_the_documentation_names_every_key_of_a_style():
    page = (Path(__file__).resolve().parents[2] / "docs" / "results" / "figures.md").read_text(
        "utf-8"
    )
    style = STYLES["apa"]
    keys = {f.name for part in (style, style.words, style.forest) for f in fields(part)}
    assert {key for key in keys - {"name"} if f"`{key}`" not in page} == set()


def test_the_style_of_the_documentation_is_one(make_fit):
    page = (Path(__file__).resolve().parents[2] / "docs" / "results" / "figures.md").read_text(
        "utf-8"
    )
    text = page.split("```toml\n")[1].split("```")[0]
    found = own_style(tomllib.loads(text)["styles"]["lab"], "lab")
    assert (found.size, found.forest.study_head, found.words.leading_zero) == (9.0, "Report", False)
    plots.forest(make_fit(4), style=found)
