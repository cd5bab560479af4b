"""Dependent effects in a forest plot: averages, the effects behind them, two intervals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from metaalliance import plots
from metaalliance.effects.aggregate import aggregate
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.models.pool import pool

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")


@pytest.fixture(scope="module")
def fit():
    rng = np.random.default_rng(3)
    study = np.repeat([f"Study {c}" for c in "ABCDEFGH"], [1, 3, 2, 4, 1, 2, 5, 3])
    vi = np.repeat(1 / (rng.integers(20, 120, 8) - 3), [1, 3, 2, 4, 1, 2, 5, 3])
    yi = 0.3 + rng.normal(0, 0.15, study.size) + rng.normal(0, 1, study.size) * np.sqrt(vi)
    measures = np.array(["WAI", "HAq"], dtype=object)[np.arange(study.size) % 2]
    return pool(
        Effects.from_arrays(
            yi, vi, study=study, measure="z", moderators={"alliance_measure": measures}
        )
    )


def artist(axes, label):
    (found,) = (a for a in axes.get_children() if a.get_label() == label)
    return found


def ends(collection):
    segments = np.array(collection.get_segments())
    return segments[:, 0, 0], segments[:, 1, 0]


def test_inner_interval_is_sampling_error_and_outer_adds_variance_within_studies(fit, panel):
    axes = panel(plots.forest(fit, limits=(-0.95, 0.97), effects="rows"))
    one = aggregate(fit.effects, rho=0.6)
    z = stats.norm.isf(0.025)
    inner, outer = artist(axes, "intervals"), artist(axes, "outer intervals")
    low, high = ends(inner)
    np.testing.assert_allclose(high - low, 2 * z * np.sqrt(one.vi))
    low, high = ends(outer)
    m = one.frame["n_effects"].to_numpy()
    variance = one.vi + fit.sigma2["effect"] / m
    assert fit.sigma2["effect"] > 0.001
    np.testing.assert_allclose(high - low, 2 * z * np.sqrt(variance))
    np.testing.assert_allclose((high + low) / 2, one.yi)
    assert inner.get_linewidths()[0] > outer.get_linewidths()[0]


def test_effects_stand_behind_the_average_of_several(fit, panel):
    axes = panel(plots.forest(fit))
    points = artist(axes, "behind").get_offsets()
    several = fit.effects.frame.groupby("study")["yi"].filter(lambda x: len(x) > 1)
    np.testing.assert_allclose(np.sort(points[:, 0]), np.sort(several))
    rows = artist(axes, "studies").get_offsets()
    frame = fit.effects.frame
    for (_, members), (x, y) in zip(frame.groupby("study", sort=False), rows, strict=True):
        here = np.sort(points[points[:, 1] == y, 0])
        if len(members) > 1:
            np.testing.assert_allclose(here, np.sort(members["yi"]))
            assert members["yi"].min() <= x <= members["yi"].max()


def test_effects_in_rows_of_their_own(fit, panel, texts, assert_clear):
    figure = plots.forest(fit, effects="rows")
    axes = panel(figure)
    squares = artist(axes, "effects").get_offsets()
    several = fit.effects.frame.groupby("study")["yi"].filter(lambda x: len(x) > 1)
    np.testing.assert_allclose(squares[:, 0], several)
    low, high = ends(artist(axes, "effect intervals"))
    vi = fit.effects.vi[several.index]
    inside = low > axes.get_xlim()[0]
    inside &= high < axes.get_xlim()[1]
    np.testing.assert_allclose(
        (high - low)[inside], 2 * stats.norm.isf(0.025) * np.sqrt(vi[inside])
    )
    shown = [t.get_text() for t in texts(figure)]
    rows = [text for text in shown if text.startswith(("WAI", "HAq"))]
    assert len(rows) == several.size
    for _, own in fit.effects.frame.loc[several.index].groupby("study", sort=False):
        told = [rows.pop(0) for _ in range(len(own))]
        assert len(set(told)) == len(told)  # effects that tie have a number
    assert_clear(figure)


def test_the_average_alone_has_one_interval(fit, panel):
    axes = panel(plots.forest(fit, effects="average"))
    labels = {a.get_label() for a in axes.get_children()}
    assert "outer intervals" not in labels
    assert "behind" not in labels


def test_the_foot_says_what_is_shown(fit, texts):
    def words(**options):
        figure = plots.forest(fit, style=plots.own_style({"notes": "full"}), **options)
        found = "".join("".join(t.get_text() for t in texts(figure)).split())
        assert "".join(figure.caption.split()) in found
        return found

    assert "averagesoftheeffectsofastudy(ρ=.60),whicharethedots" in words()
    assert "Thinlines:withthevarianceofeffectswithinstudies" not in words()
    assert "Thinlines:withthevarianceofeffectswithinstudies" in words(effects="rows")
    assert "hollowsquaresbelow" in words(effects="rows")
    assert "shownastheiraverage(ρ=.60)" in words(effects="average")


def test_without_dependence_there_is_one_interval_and_no_dot(make_fit, panel):
    axes = panel(plots.forest(make_fit(8)))
    labels = {a.get_label() for a in axes.get_children()}
    assert not labels & {"outer intervals", "behind", "effects"}


def test_rows_are_labelled_by_number_where_nothing_tells_them_apart(texts):
    effects = Effects.from_arrays(
        [0.1, 0.3, 0.2, 0.4], [0.02] * 4, study=["A", "A", "B", "C"], measure="z"
    )
    figure = plots.forest(pool(effects, model="three-level"), effects="rows")
    assert {"Effect 1", "Effect 2"} <= {t.get_text() for t in texts(figure)}


def test_pages_keep_every_row(fit, texts):
    pages = plots.forest_pages(fit, effects="rows", rows_per_page=8)
    shown = [t.get_text() for page in pages for t in texts(page)]
    assert sum(text.startswith(("WAI", "HAq")) for text in shown) == 19
    assert [shown.count(f"Study {c}") for c in "ABCDEFGH"] == [1] * 8


def test_unknown_choice(fit):
    with pytest.raises(OptionError, match="effects='each' is not one of 'average'"):
        plots.forest(fit, effects="each")
