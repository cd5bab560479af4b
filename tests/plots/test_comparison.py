"""Published results as a forest, with a result of one's own below them on the same axis."""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path

import numpy as np
import pytest

from metaalliance import plots
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.models.pool import pool
from metaalliance.plots.canvas.style import STYLES
from metaalliance.plots.forests.comparison import comparison_text
from metaalliance.plots.published import COUNTS_SYMPTOMS, FILE, TOPICS, published_results
from metaalliance.wording.numbers import number

ROOT = Path(__file__).resolve().parents[2]
FILED = list(csv.DictReader((ROOT / "data" / FILE).read_text(encoding="utf-8").splitlines()))
CORRELATIONS = [row for row in FILED if row["effect"] == "r"]
LIMITS = ("ci_low", "ci_high")

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")


@pytest.fixture
def fit(make_fit):
    return make_fit(14, tau2="REML")


def fit_of(values, measure):
    """Pool correlations of 30 participants each."""
    yi = np.arctanh(values) if measure == "z" else np.array(values)
    vi = np.full(len(values), 1 / 27) if measure == "z" else (1 - yi**2) ** 2 / 29
    return pool(Effects.from_arrays(yi, vi, measure=measure))


def marks(figure, artist):
    """Places of the squares, and both ends of each interval."""
    squares = np.asarray(artist(figure, "forest", "studies").get_offsets())[:, 0]
    segments = artist(figure, "forest", "intervals").get_segments()
    return sorted(squares), sorted(tuple(s[:, 0]) for s in segments)


def test_the_file_of_the_package_is_that_of_the_data():
    shipped = ROOT / "metaalliance" / "examples" / FILE
    assert shipped.read_bytes() == (ROOT / "data" / FILE).read_bytes()


def test_every_topic_of_the_file_has_its_group():
    assert {row["topic"] for row in FILED} == set(TOPICS)
    assert len(published_results()) == len(FILED)


def test_a_sign_is_turned_where_the_file_says_so_and_nowhere_else():
    said = {row["topic"] for row in FILED if "reverse the sign" in row["note"]}
    assert said == COUNTS_SYMPTOMS


def test_squares_and_intervals_are_those_of_the_file(fit, artist):
    sign = {row["topic"]: -1 if row["topic"] in COUNTS_SYMPTOMS else 1 for row in FILED}
    wanted = [math.atanh(sign[r["topic"]] * float(r["estimate"])) for r in CORRELATIONS]
    limits = [
        (math.atanh(float(r["ci_low"])), math.atanh(float(r["ci_high"])))
        for r in CORRELATIONS
        if r["ci_low"] and r["topic"] not in COUNTS_SYMPTOMS
    ]
    squares, intervals = marks(plots.comparison_forest(fit, limits=(-0.6, 0.8)), artist)
    assert squares == pytest.approx(sorted(wanted))
    assert np.array(intervals) == pytest.approx(np.array(sorted(limits)))
    assert len(limits) < len(wanted)  # some have no interval
    alone = plots.comparison_forest(limits=(-0.6, 0.8))
    assert marks(alone, artist)[0] == pytest.approx(squares)


def test_the_result_of_the_sheet_stands_below_them_with_both_intervals(fit, artist, panel):
    figure = plots.comparison_forest(fit, limits=(-0.6, 0.8))
    corners = artist(figure, "forest", "overall").get_xy()
    assert corners[:3, 0] == pytest.approx([fit.ci_low, fit.estimate, fit.ci_high])
    assert corners[0, 1] > artist(figure, "forest", "studies").get_offsets()[:, 1].max()
    bar = artist(figure, "forest", "prediction")
    assert (bar.get_x(), bar.get_x() + bar.get_width()) == pytest.approx((fit.pi_low, fit.pi_high))
    assert list(artist(figure, "forest", "mean").get_xdata()) == [fit.estimate] * 2
    drawn = {a.get_label() for a in panel(plots.comparison_forest()).get_children()}
    assert not drawn & {"overall", "prediction", "mean"}


def test_a_fit_on_the_scale_of_r_has_an_axis_of_r(make_fit, artist):
    squares, _ = marks(plots.comparison_forest(make_fit(9, measure="r")), artist)
    printed = [abs(float(r["estimate"])) for r in CORRELATIONS]
    assert squares == pytest.approx(sorted(printed))


def test_what_is_no_correlation_is_printed_and_has_no_mark(fit, texts):
    shown = {t.get_text() for t in texts(plots.comparison_forest(fit))}
    others = [r for r in FILED if r["effect"] != "r"]
    assert {r["effect"] for r in others} == {"d", "g"}
    for row in others:
        assert any(f"{row['effect']} = {float(row['estimate']):.2f}" in text for text in shown)
    assert "PTSD, sign turned" in shown


def test_another_level_is_said(make_fit, texts):
    shown = {t.get_text() for t in texts(plots.comparison_forest(make_fit(9, level=0.9)))}
    assert "This review (90% CI)" in shown
    assert "This review" in {t.get_text() for t in texts(plots.comparison_forest(make_fit(9)))}


def test_the_alternative_text_has_every_result_with_its_source(fit):
    text = comparison_text(fit)
    for row in FILED:
        assert f"({row['source']})" in text
        assert row["year"] in text
    assert "Howard et al. (2021), PTSD, r = .34 (r = −.34 in print)" in text
    assert "d = 0.55, not drawn" in text
    assert f"Below them the result of this review, from {fit.n_studies} studies" in text
    assert comparison_text() == text.split(" Below them")[0]


def least_width(fit, style):
    """The width in mm that the message of a narrow page asks for."""
    with pytest.raises(OptionError, match="choose fewer columns or a greater width") as refused:
        plots.comparison_forest(fit, style=style, width_mm=50)
    assert refused.value.code == "MA678"
    return int(re.search(r"these need (\d+) mm", str(refused.value))[1])


@pytest.mark.parametrize("style", STYLES)
def test_no_text_overlaps_or_is_cut_from_the_least_width_on(style, fit, assert_clear, texts):
    least = least_width(fit, style)
    with pytest.raises(OptionError, match="choose fewer columns or a greater width"):
        plots.comparison_forest(fit, style=style, width_mm=least - 1)
    wanted = {"PTSD, sign turned", "split alliance", "change of alliance", "dropout: d = 0.55"}
    for width in (least, 174):
        figure = plots.comparison_forest(fit, style=style, width_mm=width, title="The literature")
        assert figure.get_figwidth() * 25.4 == pytest.approx(width)
        assert_clear(figure)
        shown = [t.get_text() for t in texts(figure)]
        assert wanted <= set(shown)
        assert not [text for text in shown if "\N{HORIZONTAL ELLIPSIS}" in text]


def test_no_two_rows_read_alike():
    rows = [(r.group, r.label, r.about) for r in published_results()]
    assert len(set(rows)) == len(rows)


def test_printed_numbers_are_those_of_the_file_on_every_scale(make_fit, texts):
    for measure in ("z", "r"):
        shown = [t.get_text() for t in texts(plots.comparison_forest(make_fit(9, measure=measure)))]
        for row in CORRELATIONS:
            if row["topic"] in COUNTS_SYMPTOMS:
                continue
            assert number(float(row["estimate"]), 2, correlation=True) in shown
            if row["ci_low"]:
                low, high = (number(float(row[c]), 2, correlation=True) for c in LIMITS)
                assert f"[{low}," in shown and f"{high}]" in shown, row
        assert ".27]" in shown  # the upper limit .265 of Welmers-van de Poll et al.
        assert ".26]" not in shown
        assert "CI [.10, .27]" in comparison_text(make_fit(9, measure=measure))


def test_a_prediction_interval_beyond_a_correlation_is_said_to_be():
    wide = fit_of([-0.5, 0.9, 0.1, 0.2, 0.85, 0.3], "r")
    assert wide.pi_high > 1
    said = "passes the limits of a correlation"
    for draw in (plots.comparison_forest, plots.forest):
        assert said in draw(wide).caption
        inside = fit_of([-0.5, 0.9, 0.1, 0.2, 0.85, 0.3], "z")
        assert said not in draw(inside).caption


def test_other_effect_sizes_and_other_names_are_refused(make_fit, fit):
    generic = make_fit(9, measure="generic")
    for refuse in (plots.comparison_forest, comparison_text):
        with pytest.raises(OptionError, match="published results are correlations"):
            refuse(generic)
        with pytest.raises(OptionError, match="compare='book' is not one of 'published'"):
            refuse(fit, compare="book")
