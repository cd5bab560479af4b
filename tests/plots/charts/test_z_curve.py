"""What the z-curve plot draws."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.text import Text

import metaalliance as ma
from metaalliance import plots
from metaalliance.errors import OptionError
from metaalliance.plots.charts.z_curve import z_curve_text

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")


def labelled(figure, label):
    axes = next(a for a in figure.axes if a.get_label() == "z-curve")
    return [a for a in axes.get_children() if a.get_label() == label]


def curve(figure, label):
    (line,) = labelled(figure, label)
    return line.get_xydata().T


def test_bars_are_the_effects_by_their_standard_errors(make_fit):
    fit = make_fit(60)
    bars = labelled(plots.z_curve(fit), "bar")
    z = fit.effects.yi / np.sqrt(fit.effects.vi)
    inside = (np.abs(z) <= 10).sum() / z.size
    assert sum(b.get_width() * b.get_height() for b in bars) == pytest.approx(inside, abs=1e-9)
    for bar in bars:
        low, high = bar.get_x(), bar.get_x() + bar.get_width()
        share = ((z >= low) & (z < high)).mean()
        assert bar.get_height() * bar.get_width() == pytest.approx(share)
    edges = {round(b.get_x(), 6) for b in bars} | {
        round(b.get_x() + b.get_width(), 6) for b in bars
    }
    assert any(abs(e - 1.959964) < 1e-6 for e in edges)


def test_curves_jump_where_the_model_selects(make_fit):
    fit = make_fit(60)
    found = ma.selection_model(fit, steps=(0.025,))
    figure = plots.z_curve(found)
    z, seen = curve(figure, "selected")
    _, before = curve(figure, "before")
    _, plain = curve(figure, "unselected")
    high, low = z > 2.6, z < 1.9
    best = max(1.0, float(found.weights[1]))
    np.testing.assert_allclose(seen[high], before[high] / best, rtol=1e-6)
    np.testing.assert_allclose(seen[low], before[low] * found.weights[1] / best, rtol=1e-6)
    estimate, tau2 = found.estimate, found.tau2
    sd = np.sqrt(1 + tau2 / fit.effects.vi)
    mean = estimate / np.sqrt(fit.effects.vi)
    at = 3.0
    density = np.exp(-0.5 * ((at - mean) / sd) ** 2) / sd / math.sqrt(2 * math.pi)
    assert np.interp(at, z, seen) < before.max()
    ratio = np.interp(at, z, before) / density.mean()
    assert ratio >= 1 - 1e-9  # what is missing is added
    assert plain.max() > 0


def test_lines_stand_at_critical_values(make_fit):
    figure = plots.z_curve(ma.selection_model(make_fit(60), steps=(0.05, 0.5)))
    at = sorted(line.get_xdata()[0] for line in labelled(figure, "critical"))
    assert at == pytest.approx([-1.959964, 0, 1.644854, 1.959964], abs=1e-6)


def test_it_turns_around_with_the_effects(make_fit):
    fit = make_fit(60)
    effects = fit.effects
    turned = replace(effects, frame=effects.frame.assign(yi=-effects.yi, r=-effects.frame["r"]))
    ours = plots.z_curve(ma.selection_model(effects))
    theirs = plots.z_curve(ma.selection_model(turned))
    z, seen = curve(ours, "selected")
    other, mirrored = curve(theirs, "selected")
    inside = (z > -2.8) & (z < 2.8) & (np.abs(np.abs(z) - 1.96) > 0.1)
    back = np.interp(-z[inside], other, mirrored)
    np.testing.assert_allclose(seen[inside], back, atol=2e-3)


def test_the_beta_model_and_the_words(make_fit, texts):
    found = ma.beta_selection_model(make_fit(60))
    figure = plots.z_curve(found)
    _, seen = curve(figure, "selected")
    assert (np.abs(np.diff(seen)) < 0.02).all()  # no jump
    words = " ".join(t.get_text() for t in texts(figure))
    assert "expected before selection" in " ".join(words.split())
    reversed_ = found.weight(np.array([0.01]))[0] < found.weight(np.array([0.4]))[0]
    said = "no selection for significance" if reversed_ else "Missing by the selection model"
    assert said in z_curve_text(found)


@pytest.mark.parametrize("weight, said", [(0.3, "Missing"), (2.0, "less often than others")])
def test_what_is_missing_is_told_where_significance_is_favoured(make_fit, weight, said):
    found = ma.selection_model(make_fit(60), steps=(0.025,), weights=(weight,))
    assert said in z_curve_text(found)


def test_a_model_with_moderators_implies_no_one_density(make_fit):
    found = ma.selection_model(make_fit(60), moderators=("year",))
    with pytest.raises(OptionError, match="without moderators"):
        plots.z_curve(found)


def test_caption_and_text_name_the_model(make_fit):
    fit = make_fit(60)
    beta = ma.beta_selection_model(fit, penalty="weak", bootstrap="none")
    named = {
        "step-function model, step at one-sided p = .050.": ma.selection_model(
            fit, steps=(0.05,), bootstrap="none"
        ),
        "step-function model, steps at one-sided p = .025, .500.": fit,
        f"beta model, p truncated at {beta.smallest_p:g}, with a weak penalty.": beta,
    }
    for name, result in named.items():
        assert f"Selection model: {name}" in z_curve_text(result)
        caption = " ".join(t.get_text() for t in plots.z_curve(result).findobj(Text))
        assert name.split(",")[0] in " ".join(caption.split())
