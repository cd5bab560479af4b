"""What an evidence map draws."""

from __future__ import annotations

import numpy as np
import pytest

from metaalliance import plots
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.models.pool import pool
from metaalliance.plots.charts.evidence.evidence_map import evidence_cells

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")


@pytest.fixture
def fit():
    cells = [("CBT", "client")] * 6 + [("CBT", "therapist")] * 3 + [("humanistic", "client")] * 3
    yi = np.r_[np.full(6, 0.1), [0.3, 0.3, 0.3], [0.5] * 3]
    moderators = {"modality": [a for a, _ in cells], "alliance_rater": [b for _, b in cells]}
    return pool(Effects.from_arrays(yi, [0.02] * 12, moderators=moderators, measure="z"), tau2="DL")


def test_cells_are_pooled_pairs(fit):
    found = evidence_cells(fit, "modality", "alliance_rater").cells.set_index(["row", "column"])
    assert found.loc[("CBT", "client"), "n_studies"] == 6
    assert found.loc[("humanistic", "client"), "estimate"] == pytest.approx(0.5)
    assert len(found) == 3


def bubbles(figure):
    axes = next(a for a in figure.axes if a.get_label() == "evidence-map")
    return [a for a in axes.get_children() if a.get_label() == "cell"]


def test_area_is_the_number_of_studies_and_shade_the_mean(fit):
    sizes, shades = {}, {}
    for drawn in bubbles(plots.evidence_map(fit)):
        place = tuple(int(v) for v in np.round(drawn.get_offsets()[0]))
        sizes[place] = float(drawn.get_sizes()[0])
        shades[place] = 1 - drawn.get_facecolor()[0][:3] @ (0.299, 0.587, 0.114)  # as grey
    assert sizes[(0, 0)] / sizes[(1, 0)] == pytest.approx(2.0)
    assert shades[(0, 1)] > shades[(1, 0)] > shades[(0, 0)]


def test_an_empty_pair_has_a_dash(fit, texts):
    words = [t.get_text() for t in texts(plots.evidence_map(fit))]
    assert words.count("–") >= 1


def test_an_unknown_moderator_is_refused(fit):
    with pytest.raises(OptionError, match="no such moderator"):
        plots.evidence_map(fit, by="dose")
