"""A moderator of many levels: what is computed, what is not unless asked for, and who says so."""

from __future__ import annotations

import json

import numpy as np
import pytest
from effort import calls

import metaalliance as ma
from metaalliance.analysis.moderators import ModeratorModels
from metaalliance.cli.drawing.further_figures import MOST_LEVELS, draw_all, moderator_drawings
from metaalliance.cli.settings import Look
from metaalliance.core.variance.heterogeneity import q_test
from metaalliance.models.structure import working_data
from metaalliance.moderation.categorical import MOST_CONTRASTS
from metaalliance.report.tables.moderators import combined_table, moderator_sheets

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")


def effects_of(levels: int, *, each: int = 2, crossing: bool = False) -> ma.Effects:
    """Return effects of three studies per level, of which some may have effects of two levels."""
    rng = np.random.default_rng(levels)
    study = np.repeat(np.arange(3 * levels), each)
    level = study // 3
    if crossing:
        level[:: 3 * each] = (level[:: 3 * each] + 1) % levels
    k = study.size
    yi = rng.normal(0.3, 0.1, 3 * levels)[study] + rng.normal(0, 0.1, k)
    n = rng.integers(20, 200, k).astype(float)
    return ma.Effects.from_arrays(
        yi, 1 / (n - 3), study=[f"study {i:04d}" for i in study], n=n, measure="z",
        moderators={"team": [f"team {i:04d}" for i in level]},
    )  # fmt: skip


def test_limit_is_the_differences_of_64_levels():
    assert MOST_CONTRASTS == 64 * 63 // 2
    assert len(ma.moderators(effects_of(64), "team").contrasts) == MOST_CONTRASTS


def test_differences_of_more_levels_are_computed_when_they_are_asked_for():
    effects = effects_of(66)
    found = ma.moderators(effects, "team")
    assert found.contrasts.empty
    assert list(found.contrasts.columns) == list(
        ma.moderators(effects, "team", compare="all").contrasts
    )
    every = ma.moderators(effects, "team", compare="all").contrasts
    assert len(every) == 66 * 65 // 2
    reference = ma.moderators(effects, "team", compare="reference").contrasts
    assert len(reference) == 65
    of_reference = every[every["level_b"] == found.reference].reset_index(drop=True)
    same = ["level_a", "level_b", "estimate", "se", "df", "p_value", "ci_low", "ci_high"]
    assert of_reference[same].equals(reference[same])


def test_text_json_and_table_say_that_they_were_not_computed_and_how_to_ask():
    effects = effects_of(66)
    found = ma.moderators(effects, "team")
    said = (
        "team: 66 levels have 2,145 differences; above 2,016 they are not computed, unless "
        "--contrasts all (compare='all') asks for them."
    )
    assert said in found.summary()
    notices = json.loads(json.dumps(found.to_dict()))["notices"]
    (note,) = [n for n in notices if n["code"] == "MA674"]
    assert note["message"] == said
    assert "compare='reference'" in note["hint"]
    table = ma.moderator_table(effects, ["team"])
    assert said in combined_table(table).notes
    assert "Contrasts" not in moderator_sheets(table)
    for compare in ("all", "reference"):
        asked = ma.moderators(effects, "team", compare=compare)
        assert "MA674" not in {n.code for n in asked.notices}


@pytest.mark.parametrize("crossing", [False, True])
def test_counts_and_heterogeneity_of_a_level_are_those_of_its_effects(crossing):
    effects = effects_of(9, crossing=crossing)
    found = ma.moderators(effects, "team")
    for row in found.levels.to_dict("records"):
        own = effects.subset(effects.frame["team"] == row["level"])
        counts = (own.n_studies, own.n_effects, own.n_participants)
        assert (row["n_studies"], row["n_effects"], row["n_participants"]) == counts
        alone = q_test(working_data(own, np.ones((own.n_effects, 1)), found.specification))
        assert row["Q"] == pytest.approx(alone.Q, rel=1e-10)
        assert row["I2"] == pytest.approx(alone.I2(row["tau2"]), rel=1e-10)


@pytest.mark.parametrize("settings", [{}, {"model": "two-level", "test": "cr2"}], ids=str)
def test_work_grows_no_faster_than_the_levels(settings):
    few, many = effects_of(70), effects_of(280)
    ma.moderators(few, "team", **settings)  # imports
    works = [calls(lambda e=e: ma.moderators(e, "team", **settings)) for e in (few, many)]
    assert works[1] < 5 * works[0]
    fits = [ma.moderators(e, "team", **settings).fit for e in (few, many)]
    assert calls(fits[1].equality) < 1.2 * calls(fits[0].equality)


def test_participants_are_unknown_where_an_n_is():
    effects = effects_of(4)
    effects.frame.loc[0, "n"] = np.nan
    levels = ma.moderators(effects, "team").levels.set_index("level")["n_participants"]
    assert levels.isna().to_dict() == {f"team {i:04d}": i == 0 for i in range(4)}


def test_figures_of_more_levels_than_a_page_are_drawn_when_they_are_asked_for():
    table = ma.moderator_table(effects_of(MOST_LEVELS + 1, each=1), ["team"])
    fit = ma.pool(effects_of(3))
    models = ModeratorModels(
        table=table, regression=None, predicted=None, parts=(), spread=None,
        spread_predicted=None, aggregation_rho=None, models=None,
    )  # fmt: skip
    notes = draw_all(moderator_drawings(models, fit), None, Look())  # nothing is written
    assert [n.code for n in notes] == ["MA684", "MA684"]
    assert "metaalliance plot summary-forest --by team" in notes[1].message
