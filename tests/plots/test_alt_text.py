"""Alternative texts say what a figure shows."""

from __future__ import annotations

import pytest

from metaalliance import plots
from metaalliance.errors import OptionError

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")


def test_forest_names_its_groups_and_results(make_fit):
    fit = make_fit(20, groups=("CBT", "humanistic"))
    text = plots.alt_text(fit, sort="year", reference=(0.278, "Flückiger et al. (2018)"))
    assert text.startswith("Forest plot of 20 studies, ")
    assert "sorted by year." in text
    assert "Grouped by modality: CBT (10 studies) r = ." in text
    assert "; Humanistic (10 studies) r = ." in text
    assert "95% prediction interval [" in text
    assert text.endswith("A line marks Flückiger et al. (2018): .278.")
    assert "*" not in text


def test_no_groups_where_none_are_drawn(make_fit):
    fit = make_fit(20, groups=("CBT", "humanistic"))
    assert "Grouped" not in plots.alt_text(fit, by="none")


def test_averages_are_named(make_fit):
    assert "the average of its effects" in plots.alt_text(make_fit(9, several=True))


def test_summary_names_every_level(make_fit):
    text = plots.alt_text(make_fit(9, groups=("CBT", "IPT")), "summary-forest", by="modality")
    assert text.startswith("Forest plot of the levels of modality, from 9 studies")
    assert "CBT (5 studies) r = ." in text


def test_another_metric_has_no_r(make_fit):
    text = plots.alt_text(make_fit(5, measure="generic"))
    assert "The pooled effect is 0." in text
    assert "r = " not in text


def test_unknown_kind(make_fit):
    with pytest.raises(OptionError, match="kind='pie' is not one of 'forest'"):
        plots.alt_text(make_fit(3), "pie")
