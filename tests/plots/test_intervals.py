"""Effects known only as not significant: dashes in a forest, no point in a funnel."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest

import metaalliance as ma
from metaalliance import plots
from metaalliance.plots.forests.interactive import interactive_forest
from metaalliance.plots.kinds import KINDS, function_at

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")

NAN = math.nan
#: Of A one effect of three has a value, of B both, C has one without, D and E one with.
STUDY = ["A", "A", "A", "B", "B", "C", "D", "E", "F"]
YI = [0.31, NAN, NAN, 0.48, 0.21, NAN, 0.29, 0.55, NAN]
TOP = [NAN, 0.26, 0.25, NAN, NAN, 0.28, NAN, NAN, 1.4]
N = [60, 60, 60, 80, 80, 50, 120, 70, 12]


@pytest.fixture(scope="module")
def fit():
    effects = ma.Effects.from_arrays(
        YI, [1 / (n - 3) for n in N], STUDY,
        {"outcome_measure": list("abcababab"), "modality": list("xxxxxyyyy"),
         "year": [2000 + i for i in range(9)]},
        measure="z", n=N, lower=[-x for x in TOP], upper=TOP,
    )  # fmt: skip
    with ma_quiet():
        return ma.pool(effects)


def ma_quiet():
    from metaalliance.notices import quiet

    return quiet()


def labelled(figure, label):
    axes = next(a for a in figure.axes if a.get_label() != "text")
    return [a for a in axes.get_children() if a.get_label() == label]


def words(figure):
    return " ".join(t.get_text() for a in figure.axes for t in a.texts)


def test_a_forest_draws_limits_in_place_of_squares(fit, assert_clear):
    figure = plots.forest(fit)
    assert_clear(figure)
    ends = [line.get_segments()[0][:, 0] for line in labelled(figure, "not significant")]
    axes = next(a for a in figure.axes if a.get_label() != "text")
    low, high = axes.get_xlim()
    top = [t for t in TOP if not math.isnan(t)]
    for found, limit in zip(ends, top, strict=True):
        assert found == pytest.approx([max(-limit, low), min(limit, high)])
    (squares,) = labelled(figure, "studies")
    (hollow,) = labelled(figure, "effects")
    b = ma.aggregate(fit.effects.subset(np.array(STUDY) == "B"), 0.6).yi[0]
    assert np.sort(squares.get_offsets()[:, 0].filled()) == pytest.approx(sorted([b, 0.29, 0.55]))
    assert hollow.get_offsets()[:, 0].filled() == pytest.approx([0.31])
    assert len(set(squares.get_sizes())) == 1
    text = words(figure)
    assert text.count("n.s.") == 5  # four cells and the foot
    assert "known only as not significant" in text and "no weights" in figure.caption
    assert "Heterogeneity:" in text and "not estimable" not in text


def test_every_effect_of_the_sheet_has_its_row_in_every_order(fit):
    for sort in ("sheet", "r", "year", "modality"):
        for effects in ("behind", "rows", "average"):
            figure = plots.forest(fit, sort=sort, effects=effects)
            assert len(labelled(figure, "not significant")) == fit.effects.n_censored


@pytest.mark.parametrize("style", ["apa", "revman", "jama", "bmj"])
def test_no_style_has_a_column_of_weights(fit, style, assert_clear):
    figure = plots.forest(fit, style=style)
    assert_clear(figure)
    assert "eight" not in words(figure).replace("no weights", "")


def test_groups_are_shown_without_means_or_pooled_apart(fit):
    joint, apart = (plots.forest(fit, by="modality", pool=how) for how in ("joint", "apart"))
    assert not labelled(joint, "subgroup")
    assert "Groups were not pooled" in joint.caption
    assert len(labelled(apart, "subgroup")) == 2
    assert not labelled(plots.forest(fit), "subgroup")


def test_what_rests_on_weights_is_refused_by_name(fit):
    for options, named in (({"sort": "weight"}, "order"), ({"columns": "weight"}, "column")):
        with pytest.raises(ma.OptionError, match=f"The {named} weight of a forest plot"):
            plots.forest(fit, **options)
    with pytest.raises(ma.OptionError, match="A funnel of averages cannot obey"):
        plots.funnel(fit, points="studies")


def test_a_funnel_leaves_them_out_and_says_how_many(fit, assert_readable):
    for by in (None, "modality"):
        figure = plots.funnel(fit, by=by)
        assert_readable(figure)
        points = [p for p in next(a for a in figure.axes if a.get_label() != "text").collections
                  if str(p.get_label()).startswith("effects")]  # fmt: skip
        drawn = np.concatenate([p.get_offsets()[:, 0].filled() for p in points])
        assert np.sort(drawn) == pytest.approx(sorted(y for y in YI if not math.isnan(y)))
        assert "4 effects known only as not significant (n.s.) have no point." in " ".join(
            words(figure).split()
        )


def test_the_page_sorts_them_last_and_draws_dashes(fit):
    page = interactive_forest(fit)
    rows = json.loads(re.search(r'id="data">(.*?)</script>', page)[1])
    values = [r["sort"]["effect"] for r in rows if "sort" in r]
    assert values.count(None) == 5  # four effects, and the study that has no average
    assert page.count("stroke-dasharray") == 4 + 1  # and the line of the mean
    assert any("n.s." in " ".join(r.get("tip", [])) for r in rows)


def test_alternative_texts_say_it(fit):
    count = "4 effects known only as not significant (n.s.) have"
    assert f"{count} dashes between limits" in plots.alt_text(fit, "forest")
    assert f"{count} no point" in plots.alt_text(fit, "funnel")


def test_figures_that_take_intervals_are_those_of_the_register(fit):
    """A kind that says so draws them; the others do not draw them in silence."""
    for kind in KINDS.values():
        if kind.intervals:
            assert function_at(kind.path)(fit)
    assert {name for name, kind in KINDS.items() if kind.intervals} == {"forest", "funnel"}
