"""What an orchard plot draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaalliance import plots
from metaalliance.moderation.categorical import moderators
from metaalliance.moderation.level_means import subgroup_fits
from metaalliance.plots.charts.orchard import CLOUD, orchard_text, swarm

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")
MODALITIES = ("CBT", "humanistic", "psychodynamic")


def axes_of(figure):
    return next(a for a in figure.axes if a.get_label() == "orchard")


def labelled(figure, label):
    return [a for a in axes_of(figure).get_children() if a.get_label() == label]


def test_each_row_holds_the_effects_and_the_mean_of_its_level(make_fit):
    fit = make_fit(24, groups=MODALITIES)
    figure = plots.orchard(fit, by="modality")
    joint = moderators(fit.effects, "modality", model=fit.specification.asked).levels
    clouds, means = labelled(figure, "effects"), labelled(figure, "mean")
    assert len(clouds) == len(means) == 3
    rows = joint.itertuples()
    for i, (found, cloud, mean) in enumerate(zip(rows, clouds, means, strict=True)):
        points = cloud.get_offsets()
        own = fit.effects.subset(fit.effects.frame["modality"] == found.level)
        np.testing.assert_allclose(points[:, 0], own.yi)
        assert np.abs(points[:, 1] - i).max() <= CLOUD
        assert tuple(mean.get_offsets()[0]) == pytest.approx((found.estimate, i))


def test_lines_are_intervals_of_levels_pooled_apart(make_fit):
    fit = make_fit(24, groups=MODALITIES)
    figure = plots.orchard(fit, by="modality", pool="apart")
    for found, line in zip(
        subgroup_fits(fit, "modality").values(), labelled(figure, "ci"), strict=True
    ):
        ((start, end),) = line.get_segments()
        assert (start[0], end[0]) == pytest.approx((found.ci_low, found.ci_high))


def test_area_grows_with_precision(make_fit):
    fit = make_fit(24, groups=MODALITIES[:1])
    (cloud,) = labelled(plots.orchard(fit, by="modality"), "effects")
    order = np.argsort(fit.effects.vi)
    assert np.all(np.diff(cloud.get_sizes()[order]) <= 1e-9)


def test_counts_are_printed(make_fit, texts):
    fit = make_fit(12, several=True, groups=MODALITIES[:2])
    shown = [t.get_text() for t in texts(plots.orchard(fit, by="modality"))]
    for found in subgroup_fits(fit, "modality").values():
        assert f"{found.n_effects} ({found.n_studies})" in shown


def test_data_stand_over_the_intervals_and_the_mean_over_both(make_fit):
    figure = plots.orchard(make_fit(24, groups=MODALITIES[:2]), by="modality")
    heights = {name: {a.get_zorder() for a in labelled(figure, name)}
               for name in ("prediction", "ci", "effects", "mean")}  # fmt: skip
    assert max(heights["prediction"] | heights["ci"]) < min(heights["effects"])
    assert max(heights["effects"]) < min(heights["mean"])


def test_levels_as_they_were_tested(make_fit):
    fit = make_fit(24, groups=MODALITIES)
    found = moderators(fit.effects, "modality", tau2="DL")
    means = labelled(plots.orchard(found), "mean")
    drawn = [float(m.get_offsets()[0, 0]) for m in means]
    np.testing.assert_allclose(drawn, found.levels["estimate"])


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=60))
def test_a_swarm_stays_in_its_row(values):
    offsets = swarm(np.array(values))
    assert offsets.shape == (len(values),)
    assert np.isfinite(offsets).all()
    assert np.abs(offsets).max() <= 1.0 + 1e-12


def test_text_of_tested_levels_has_their_means_not_those_of_levels_on_their_own(make_fit):
    fit = make_fit(24, groups=MODALITIES)
    found = moderators(fit.effects, "modality", tau2="DL")
    text = orchard_text(found)
    assert text.startswith("Orchard plot of 24 studies with 24 effects by modality")
    for row in found.levels.itertuples():
        mean = f"{math.tanh(row.estimate):.2f}".replace("0.", ".", 1)
        assert f"(k = {row.n_studies}, m = {row.n_effects}) r = {mean}".replace("-", "−") in text
