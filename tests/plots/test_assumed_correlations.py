"""Averages of dependent effects in figures have the correlations that the model assumes."""

from __future__ import annotations

import numpy as np
import pytest

import metaalliance as ma
from metaalliance.effects.aggregate import aggregate
from metaalliance.model import Model
from metaalliance.models.structure import study_averages

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")

STUDY = ["A", "A", "A", "B", "B", "C", "C", "D"]
EFFECTS = ma.Effects.from_arrays(
    [0.1, 0.3, 0.2, 0.4, 0.2, 0.35, 0.5, 0.3],
    [0.02, 0.03, 0.02, 0.01, 0.01, 0.05, 0.02, 0.04],
    study=STUDY,
    measure="z",
    n=[53, 36, 53, 103, 103, 23, 53, 28],
    moderators={
        "own_rho": [0.3, 0.3, 0.3, 0.7, 0.7, 0.3, 0.3, 0.7],
        "outcome": ["x", "x", "y", "x", "y", "x", "x", "x"],
    },
)


def texts(figure):
    return " ".join(t.get_text() for a in figure.axes for t in a.texts)


def asked(**settings):
    return Model(kind="che", **settings).resolved(dependent=True)


def test_a_column_gives_each_study_its_own_correlation():
    found = study_averages(EFFECTS, asked(rho="own_rho"), 0.6)
    for rho, studies in ((0.3, ["A", "C"]), (0.7, ["B", "D"])):
        alone = aggregate(EFFECTS, rho)
        mine, theirs = (e.frame.set_index("study").loc[studies] for e in (found, alone))
        np.testing.assert_allclose(mine["vi"], theirs["vi"], rtol=1e-12)
        np.testing.assert_allclose(mine["yi"], theirs["yi"], rtol=1e-12)


def test_effects_that_share_a_column_have_the_other_correlation():
    found = study_averages(EFFECTS, asked(rho=0.1, rho_same=0.8, same="outcome"), 0.6)
    v = EFFECTS.vi[:3]
    R = np.array([[1, 0.8, 0.1], [0.8, 1, 0.1], [0.1, 0.1, 1]])
    assert found.vi[0] == pytest.approx((R * np.sqrt(np.outer(v, v))).sum() / 9, rel=1e-12)
    assert found.vi[3] == pytest.approx(0.04)


def test_without_a_correlation_the_other_is_taken():
    model = Model(kind="three-level").resolved(dependent=True)
    assert study_averages(EFFECTS, model, 0.5).vi == pytest.approx(aggregate(EFFECTS, 0.5).vi)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"rho": "own_rho"}, "ρ by own_rho"),
        ({"rho": 0.1, "rho_same": 0.8, "same": "outcome"}, "ρ = .10, .80 with the same outcome"),
    ],
    ids=["column", "same"],
)
def test_figures_say_what_was_assumed(settings, said):
    fit = ma.pool(EFFECTS, model="che", **settings)
    caterpillar = ma.plots.caterpillar(fit, points="studies")
    for figure in (ma.plots.forest(fit), ma.plots.funnel(fit, points="studies"), caterpillar):
        shown = figure.caption.replace("\xa0", " ")
        assert f"({said})" in shown
        assert "ρ = .60" not in shown
