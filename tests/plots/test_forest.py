"""What a forest plot draws: positions, sizes, labels, order, pages."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from scipy import stats

from metaalliance import plots
from metaalliance.effects.aggregate import aggregate
from metaalliance.effects.effects import Effects
from metaalliance.errors import MetaAllianceWarning, OptionError
from metaalliance.models.pool import pool
from metaalliance.moderation.categorical import moderators
from metaalliance.moderation.level_means import level_means
from metaalliance.plots.canvas.style import APA
from metaalliance.plots.forests.choice import choose
from metaalliance.plots.forests.lines import Heading, Pooled, paginate
from metaalliance.plots.forests.rows import StudyRow
from metaalliance.plots.forests.tables import forest_table

GROUPS = ("CBT", "humanistic")

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")


def artist(axes, label):
    (found,) = (a for a in axes.get_children() if a.get_label() == label)
    return found


def words(texts, figure):
    return [t.get_text() for t in texts(figure)]


def study_labels(texts, figure, fit):
    known = set(fit.effects.frame["study"])
    return [t for t in words(texts, figure) if t in known]


def test_squares_stand_at_the_effects(make_fit, panel):
    fit = make_fit(9)
    squares = artist(panel(plots.forest(fit)), "studies")
    np.testing.assert_allclose(squares.get_offsets()[:, 0], fit.effects.yi)
    assert (np.diff(squares.get_offsets()[:, 1]) > 0).all()


def test_area_of_squares_is_proportional_to_weight(make_fit, panel):
    fit = make_fit(9)
    areas = artist(panel(plots.forest(fit)), "studies").get_sizes()
    np.testing.assert_allclose(areas / areas.max(), fit.weights / fit.weights.max())
    assert math.sqrt(areas.max()) * 25.4 / 72 == pytest.approx(2.6)


def test_intervals_are_normal_intervals_of_the_level_of_the_fit(make_fit, panel):
    fit = make_fit(30, level=0.9)
    axes = panel(plots.forest(fit))
    segments = np.array(artist(axes, "intervals").get_segments())
    half = stats.norm.isf(0.05) * np.sqrt(fit.effects.vi)
    low, high = axes.get_xlim()
    np.testing.assert_allclose(segments[:, 0, 0], np.maximum(fit.effects.yi - half, low))
    np.testing.assert_allclose(segments[:, 1, 0], np.minimum(fit.effects.yi + half, high))


def test_an_arrow_marks_each_interval_that_leaves_the_axis(panel):
    effects = Effects.from_arrays([0.2, 0.3, 0.25], [0.01, 0.01, 1.0], measure="z")
    axes = panel(plots.forest(pool(effects, tau2="HS")))
    arrows = [a for a in axes.collections if a.get_label() == "arrows"]
    places = [tuple(a.get_offsets()[0]) for a in arrows]
    assert sorted(x for x, _ in places) == pytest.approx(axes.get_xlim())
    third = artist(axes, "studies").get_offsets()[2, 1]
    assert {y for _, y in places} == {third}


def test_diamonds_and_bar_span_their_intervals(make_fit, panel):
    fit = make_fit(20, groups=GROUPS)
    axes = panel(plots.forest(fit))
    corners = artist(axes, "overall").get_xy()[:, 0]
    assert (corners.min(), corners.max()) == (fit.ci_low, fit.ci_high)
    assert corners[1] == fit.estimate
    bar = artist(axes, "prediction")
    assert bar.get_x() == fit.pi_low
    assert bar.get_x() + bar.get_width() == pytest.approx(fit.pi_high)
    drawn = [p.get_xy()[1, 0] for p in axes.patches if p.get_label() == "subgroup"]
    joint = moderators(fit.effects, "modality", model=fit.specification.asked).levels
    assert drawn == list(joint.sort_values("level")["estimate"])


def test_ticks_are_labelled_in_r_at_positions_in_z(make_fit, panel):
    axes = panel(plots.forest(make_fit(12)))
    for place, label in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True):
        value = float(label.get_text().replace("−", "-"))
        assert place == pytest.approx(math.atanh(value))
    assert any(label.get_text().startswith(".") for label in axes.get_xticklabels())


def test_raw_r_and_other_metrics_have_ticks_where_they_stand(make_fit, panel):
    for measure in ("r", "generic"):
        axes = panel(plots.forest(make_fit(12, measure=measure)))
        labels = [float(t.get_text().replace("−", "-")) for t in axes.get_xticklabels()]
        np.testing.assert_allclose(axes.get_xticks(), labels, atol=1e-12)


def test_other_metrics_keep_leading_zeros(make_fit, texts):
    shown = words(texts, plots.forest(make_fit(6, measure="generic")))
    assert any(t.startswith(("0.", "−0.")) for t in shown)
    assert not any(t.startswith((".", "−.")) for t in shown)
    assert "Effect size" in shown


def test_numbers_are_apa(make_fit, texts):
    shown = words(texts, plots.forest(make_fit(40, seed=5)))
    assert not any("-" in t for t in shown if t.lstrip("[").startswith(("-", ".")))
    assert not any("−.00" in t for t in shown)
    assert not any(t.startswith("0.") for t in shown if "%" not in t)


def test_groups_are_drawn_by_default_where_there_are_two(make_fit, texts):
    assert "Humanistic" in words(texts, plots.forest(make_fit(9, groups=GROUPS)))
    assert "CBT" not in words(texts, plots.forest(make_fit(9, groups=("CBT",))))
    assert "CBT" not in words(texts, plots.forest(make_fit(9, groups=GROUPS), by="none"))


def test_weights_are_printed_in_percent(make_fit, texts):
    fit = make_fit(7)
    shown = words(texts, plots.forest(fit))
    assert [f"{100 * w:.1f}%" in shown for w in fit.weights] == [True] * 7
    assert "100.0%" in shown


@pytest.mark.parametrize(
    ("sort", "key"),
    [
        ("sheet", lambda fit: np.arange(fit.n_effects)),
        ("estimate", lambda fit: fit.effects.yi),
        ("year", lambda fit: fit.effects.frame["year"]),
        ("weight", lambda fit: -fit.weights),
        ("modality", lambda fit: fit.effects.frame["modality"]),
    ],
)
def test_order(sort, key, make_fit, texts):
    fit = make_fit(12, groups=("b", "a"))
    order = np.argsort(np.asarray(key(fit)), kind="stable")
    wanted = list(fit.effects.frame["study"].iloc[order])
    figure = plots.forest(fit, sort=sort, by="none")
    assert study_labels(texts, figure, fit) == wanted


def test_several_effects_are_averaged(make_fit, panel, texts):
    fit = make_fit(10, several=True)
    figure = plots.forest(fit)
    squares = artist(panel(figure), "studies")
    np.testing.assert_allclose(squares.get_offsets()[:, 0], aggregate(fit.effects, rho=0.6).yi)
    assert "Effects" in words(texts, figure)
    frame = fit.effects.frame.assign(weight=fit.weights)
    weights = frame.groupby("study", sort=False)["weight"].sum().to_numpy()
    areas = squares.get_sizes()
    np.testing.assert_allclose(areas / areas.max(), weights / weights.max())


def test_a_study_in_two_groups_has_a_row_in_each(texts):
    effects = Effects.from_arrays(
        [0.1, 0.3, 0.2, 0.4],
        [0.01] * 4,
        study=["A", "A", "B", "C"],
        moderators={"modality": ["CBT", "IPT", "CBT", "IPT"]},
        measure="z",
    )
    figure = plots.forest(pool(effects, model="common-effect", test="cr2"), columns=())
    assert sorted(t for t in words(texts, figure) if t in "ABC") == ["A", "A", "B", "C"]


def test_reference_line(make_fit, panel, texts):
    figure = plots.forest(make_fit(8), reference=(0.278, "Flückiger et al. (2018)"))
    assert artist(panel(figure), "reference").get_xdata()[0] == pytest.approx(math.atanh(0.278))
    assert "Flückiger et al. (2018): .278" in words(texts, figure)


def test_no_bar_without_a_prediction_interval(make_fit, panel, texts):
    figure = plots.forest(make_fit(6, model="common-effect"))
    assert not [p for p in panel(figure).patches if p.get_label() == "prediction"]
    assert "95% prediction interval" not in words(texts, figure)


def test_user_text_is_literal(make_fit, texts):
    fit = make_fit(3, names=("$\\alpha$ & *bold*",))
    found = [t for t in texts(plots.forest(fit)) if t.get_text().startswith("$\\alpha$ & *bold*")]
    assert len(found) == 3
    assert not any(t.get_parse_math() for t in found)


def test_long_names_keep_their_year(make_fit, texts):
    fit = make_fit(3, names=("Abdul-Rahman, Büchner, Castellanos & van der Westhuizen " * 3,))
    shown = words(texts, plots.forest(fit, width_mm=60))
    cut = [t for t in shown if "…" in t]
    assert [t[-7:] for t in cut] == [" (1980)", " (1981)", " (1982)"]


def test_the_figure_is_as_wide_as_asked(make_fit):
    assert plots.forest(make_fit(3), width_mm=174).get_figwidth() * 25.4 == pytest.approx(174)


def test_pages_repeat_the_head_and_end_in_the_diamond(make_fit, panel, texts):
    fit = make_fit(90, groups=GROUPS)
    pages = plots.forest_pages(fit, rows_per_page=40)
    shown = [words(texts, page) for page in pages]
    assert [f"Page {i} of 3" in page for i, page in enumerate(shown, 1)] == [True] * 3
    assert all("Study" in page for page in shown)
    assert ["Overall" in page for page in shown] == [False, False, True]
    assert any(t.endswith(" (continued)") for t in shown[1])
    assert len({panel(page).get_xlim() for page in pages}) == 1
    paged = [label for page in pages for label in study_labels(texts, page, fit)]
    assert paged == study_labels(texts, plots.forest(fit), fit)


def test_a_heading_never_ends_a_page_and_no_page_is_too_long(make_fit):
    fit = make_fit(60, groups=tuple(f"group {c}" for c in "abcdefghij"))
    choice = choose(fit, APA, columns=())
    lines = forest_table(fit, level_means(fit, "modality"), choice, APA).lines
    for rows in range(8, 40):
        pages = paginate(lines, lambda _: 1.0, rows, rows)
        assert max(len(page) for page in pages) <= rows
        assert not any(isinstance(page[-1], Heading) for page in pages)
        assert all(isinstance(page[0], Heading | Pooled) for page in pages)
        studies = [line for page in pages for line in page if isinstance(line, StudyRow)]
        assert studies == [line for line in lines if isinstance(line, StudyRow)]


def test_a_short_forest_is_one_page_without_a_number(make_fit, texts):
    (page,) = plots.forest_pages(make_fit(10))
    assert not any(t.startswith("Page") for t in words(texts, page))


def test_summary_has_a_diamond_per_level(make_fit, panel, texts):
    fit = make_fit(30, groups=("CBT", "IPT", "systemic"), several=True)
    figure = plots.summary_forest(fit, "modality")
    joint = moderators(fit.effects, "modality", model=fit.specification.asked).levels
    drawn = [p.get_xy() for p in panel(figure).patches if p.get_label() == "subgroup"]
    assert [xy[0, 0] for xy in drawn] == list(joint.sort_values("level")["ci_low"])
    shown = words(texts, figure)
    assert {"Studies", "Effects", "Participants", "Systemic"} <= set(shown)
    assert f"{fit.n_participants:,}" in shown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sort": "size"}, "sort='size' is not one of 'sheet', 'r'"),
        ({"by": "setting"}, "by='setting': the effects have no such column"),
        ({"columns": ("nope",)}, "columns='nope'"),
        ({"style": "bmi"}, "style='bmi' is not one of 'apa'.*Did you mean 'bmj'"),
        ({"width_mm": 20}, "width_mm=20 is not between 50 and 500"),
        ({"max_rows": 5}, "6 rows are more than max_rows=5"),
        ({"reference": 1.2}, "reference=1.2 is not a correlation"),
        ({"width_mm": 60, "columns": ("n", "year", "alliance_rater")}, "leave no space"),
    ],
)
def test_options_that_cannot_be(options, message, make_fit):
    with pytest.raises(OptionError, match=message):
        plots.forest(make_fit(6), **options)


def test_pages_and_summary_refuse_what_cannot_be(make_fit):
    with pytest.raises(OptionError, match="rows_per_page=3"):
        plots.forest_pages(make_fit(6), rows_per_page=3)
    with pytest.raises(OptionError, match="no such moderator"):
        plots.summary_forest(make_fit(6), "setting")


def test_counts_have_separators_and_years_have_not(texts):
    fit = pool(
        Effects.from_arrays(
            [0.1, 0.2], [0.01] * 2, moderators={"year": [1999.0, np.nan]}, n=[1203, 40]
        ),
        model="common-effect",
    )
    shown = words(texts, plots.forest(fit, columns=("year", "n")))
    assert {"1999", "–", "1,203", "1,243"} <= set(shown)


def test_a_single_column_may_be_a_string(make_fit, texts):
    assert "Year" in words(texts, plots.forest(make_fit(3), columns="year"))


def test_without_n_there_is_no_column_of_it(texts):
    fit = pool(Effects.from_arrays([0.1, 0.2, 0.3], [0.01] * 3, measure="z"), tau2="HS")
    assert "n" not in words(texts, plots.forest(fit))


def test_a_group_pooled_apart_by_another_model_says_so():
    effects = Effects.from_arrays(
        [0.3, 0.2, 0.1, 0.25, 0.4],
        [0.02] * 5,
        study=["A", "A", "B", "C", "D"],
        moderators={"modality": ["CBT", "CBT", "PDT", "PDT", "CBT"]},
        measure="z",
        n=[53] * 5,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MetaAllianceWarning)
        figure = plots.forest(pool(effects), pool="apart")
    shown = figure.caption.replace("\N{NO-BREAK SPACE}", " ")
    assert "PDT: Two-level random-effects model, Knapp–Hartung test with ad hoc" in shown
    assert "CBT: " not in shown
