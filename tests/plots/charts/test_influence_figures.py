"""Leave-one-out, cumulative, Baujat, the influence panel and GOSH: what they draw."""

from __future__ import annotations

import numpy as np
import pytest

from metaalliance import plots
from metaalliance.diagnostics.baujat import baujat
from metaalliance.diagnostics.cumulative import cumulative
from metaalliance.diagnostics.diagnostics import influence
from metaalliance.diagnostics.gosh import gosh
from metaalliance.diagnostics.leave_one_out import leave_one_out
from metaalliance.errors import OptionError
from metaalliance.plots.charts.gosh import gosh_text

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")


def test_leave_one_out_draws_the_means_in_the_order_asked_for(make_fit, artist):
    fit = make_fit(10)
    found = leave_one_out(fit)
    expected = {
        "sheet": found.frame["estimate"],
        "estimate": found.frame["estimate"].sort_values(ascending=False),
        "change": found.most_influential()["estimate"],
    }
    for sort, values in expected.items():
        points = artist(plots.leave_one_out(found, sort=sort), "leave-one-out", "estimates")
        np.testing.assert_allclose(points.get_offsets()[:, 0], values)


def test_the_band_is_the_result_of_all_studies(make_fit, artist):
    fit = make_fit(10)
    figure = plots.leave_one_out(fit)
    band = artist(figure, "leave-one-out", "reference interval")
    assert (band.get_x(), band.get_x() + band.get_width()) == (
        pytest.approx((fit.ci_low, fit.ci_high))
    )
    assert artist(figure, "leave-one-out", "reference").get_xdata()[0] == fit.estimate


def test_of_many_studies_those_are_drawn_that_matter(make_fit, artist, texts):
    found = leave_one_out(make_fit(70))
    figure = plots.leave_one_out(found, rows=12)
    points = artist(figure, "leave-one-out", "estimates").get_offsets()
    np.testing.assert_allclose(points[:, 0], found.most_influential(12)["estimate"])
    rest = float(found.most_influential()["change"].abs().iloc[12])
    words = " ".join(t.get_text() for t in texts(figure))
    assert "other 58" in words.replace("\N{NO-BREAK SPACE}", " ")
    bound = float(words.split("less than ")[1].split()[0])
    assert rest < bound
    with pytest.raises(OptionError, match="rows=0"):
        plots.leave_one_out(found, rows=0)


def test_cumulative_draws_every_step(make_fit, artist):
    found = cumulative(make_fit(9), by="year")
    points = artist(plots.cumulative(found), "cumulative", "estimates").get_offsets()
    np.testing.assert_allclose(points[:, 0], found.frame["estimate"])
    np.testing.assert_array_equal(points[:, 1], np.arange(9))


def test_baujat_draws_its_coordinates_and_names_the_extreme(make_fit, artist, texts):
    found = baujat(make_fit(12))
    figure = plots.baujat(found)
    points = artist(figure, "baujat", "points").get_offsets()
    np.testing.assert_allclose(points, found.frame[["heterogeneity", "influence"]])
    share = found.frame["heterogeneity"] / found.frame["heterogeneity"].max()
    share += found.frame["influence"] / found.frame["influence"].max()
    named = " ".join(t.get_text() for t in texts(figure))
    assert str(found.frame.loc[share.idxmax(), "omitted"])[:8] in named


def test_the_panel_draws_every_diagnostic_with_its_limits(make_fit, artist):
    fit = make_fit(12)
    found = influence(fit)
    figure = plots.influence_panel(found)
    for column in ("rstudent", "dfbetas", "cook", "covratio", "tau2_del", "QE_del", "hat"):
        axes = next(a for a in figure.axes if a.get_label() == column)
        drawn = np.concatenate(
            [a.get_offsets() for a in axes.collections if a.get_label() in {"calm", "flagged"}]
        )
        np.testing.assert_allclose(np.sort(drawn[:, 1]), np.sort(found.studies[column]))
    assert artist(figure, "tau2_del", "reference").get_ydata()[0] == fit.tau2


def test_flagged_studies_are_named(make_fit, texts):
    fit = make_fit(12)
    frame = fit.effects.frame.copy()
    frame.loc[3, "yi"] = 3.0
    from metaalliance.effects.effects import Effects
    from metaalliance.models.pool import pool

    wild = pool(Effects(frame=frame, measure="z"), tau2="DL")
    found = influence(wild)
    assert found.studies["influential"].tolist().index(True) == 3
    words = " ".join(t.get_text() for t in texts(plots.influence_panel(found)))
    assert f"4 {frame.loc[3, 'study']}" in words


def test_gosh_counts_every_subset(make_fit, artist):
    found = gosh(make_fit(9), 511)
    figure = plots.gosh(found)
    cells = artist(figure, "gosh", "subsets").get_array()
    known = np.isfinite(found.frame[["estimate", "I2"]]).all(axis=1).sum()
    assert cells.sum() == known
    assert artist(figure, "gosh", "estimate").get_xdata()[0] == found.fit.estimate


def test_gosh_of_a_fit_is_computed_once_for_figure_and_text(make_fit):
    fit, told = make_fit(12), []
    options = {"seed": 3, "progress": lambda done, total: told.append((done, total))}
    plots.gosh(fit, **options)
    assert told[-1] == (4095, 4095)
    steps = len(told)
    assert "4,095 subsets" in gosh_text(fit, **options)
    assert len(told) == steps


def test_gosh_tells_subsets_with_a_study_apart(make_fit, artist, texts):
    found = gosh(make_fit(9), 511)
    label = found.labels[2]
    figure = plots.gosh(found, study=label)
    shares = artist(figure, "gosh", "subsets").get_array()
    assert 0 <= shares.min() <= shares.max() <= 1
    assert any(str(label)[:6] in t.get_text() for t in texts(figure))
    with pytest.raises(OptionError, match="no study"):
        plots.gosh(found, study="nobody")


def test_histograms_hold_the_subsets(make_fit):
    found = gosh(make_fit(9), 300)
    axes = next(a for a in plots.gosh(found).axes if a.get_label() == "gosh estimate")
    (bars,) = (p for p in axes.patches if p.get_label() == "histogram")
    values, edges, _ = bars.get_data()
    known = found.frame[np.isfinite(found.frame[["estimate", "I2"]]).all(axis=1)]
    counts = np.histogram(known["estimate"], edges)[0]
    np.testing.assert_allclose(values, counts / counts.max())


def test_few_subsets_are_points(make_fit, artist):
    found = gosh(make_fit(5), 31)
    points = artist(plots.gosh(found), "gosh", "subsets").get_offsets()
    known = found.frame[np.isfinite(found.frame[["estimate", "I2"]]).all(axis=1)]
    np.testing.assert_allclose(points, known[["estimate", "I2"]])
