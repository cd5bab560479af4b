"""Levels of figures: the same numbers in every figure and in `moderators`, or pooled apart."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from metaalliance import moderators, plots
from metaalliance.cli.app import app
from metaalliance.effects.effects import Effects
from metaalliance.errors import OptionError
from metaalliance.models.pool import pool
from metaalliance.moderation.level_means import level_means, subgroup_fits
from metaalliance.plots.canvas.alt_text import forest_text, summary_text
from metaalliance.plots.canvas.numbers import effect_text, interval_text
from metaalliance.plots.charts.evidence.evidence_map import evidence_cells
from metaalliance.plots.charts.orchard import orchard_text

pytestmark = pytest.mark.filterwarnings("ignore::metaalliance.errors.MetaAllianceWarning")

#: Studies of each modality of the simulated sheet: "group-specific" has too few.
STUDIES = {"CBT": 9, "psychodynamic": 7, "humanistic": 4, "group-specific": 2}


@pytest.fixture(scope="module")
def sheet() -> pd.DataFrame:
    """Simulated studies of several effects; those of the small level lie far apart."""
    rng = np.random.default_rng(12)
    rows = []
    for level, count in STUDIES.items():
        for i in range(count):
            n = int(rng.integers(25, 140))
            true = [0.15, 0.7][i] if level == "group-specific" else rng.normal(0.28, 0.13)
            for _ in range(2 if level == "group-specific" else int(rng.integers(1, 4))):
                r = float(np.clip(true + rng.normal(0, 0.06), -0.9, 0.9))
                name = f"{level.title()} {i + 1} (2001)"
                rows.append({"study": name, "r": round(r, 3), "n": n, "modality": level})
    rows.append({"study": "Bare (2002)", "r": 0.2, "n": 60, "modality": None})
    return pd.DataFrame(rows).assign(effect=[f"e{i}" for i in range(len(rows))])


@pytest.fixture(scope="module")
def fit(sheet):
    z, v = np.arctanh(sheet["r"]), 1 / (sheet["n"] - 3.0)
    modality = sheet["modality"].astype(object).where(sheet["modality"].notna(), None)
    return pool(
        Effects.from_arrays(
            z, v, study=list(sheet["study"]), n=sheet["n"], measure="z",
            moderators={"modality": list(modality)},
        )
    )  # fmt: skip


def shown(row, measure="z"):
    """A mean and its interval as figures print them."""
    mean = effect_text(row["estimate"], measure)
    return f"{mean} {interval_text(row['ci_low'], row['ci_high'], measure)}"


def test_every_figure_prints_the_numbers_of_the_joint_model(fit, texts):
    joint = moderators(fit.effects, "modality", model=fit.specification.asked)
    figures = {
        "forest": plots.forest(fit, by="modality"),
        "summary": plots.summary_forest(fit, "modality"),
        "orchard": plots.orchard(fit, by="modality"),
    }
    words = {
        "forest": forest_text(fit, by="modality"),
        "summary": summary_text(fit, by="modality"),
        "orchard": orchard_text(fit, by="modality").replace(", 95% CI", ""),
    }
    printed = {name: [t.get_text() for t in texts(f)] for name, f in figures.items()}
    tested = joint.levels[joint.levels["tested"]]
    assert set(tested["level"]) == set(STUDIES) - {"group-specific"}
    for row in tested.to_dict("records"):
        mean, _, interval = shown(row).partition(" ")
        low, high = interval.split(" ")
        for name in ("forest", "summary"):
            assert {mean, low, high} <= set(printed[name])
        assert f"{mean} {interval}" in printed["orchard"]
        assert all(f"r = {mean} {interval}" in text for text in words.values())


def test_the_command_line_prints_the_same_strings(sheet, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sheet.to_csv("s.csv", index=False)

    def run(*arguments):
        done = CliRunner().invoke(app, list(arguments))
        assert done.exit_code == 0, done.output
        return " ".join(done.stdout.split())

    document = json.loads(run("moderators", "s.csv", "--by", "modality", "--no-figures", "--json"))
    forest = run("forest", "s.csv", "--by", "modality", "-o", "f.svg")
    orchard = run("plot", "orchard", "s.csv", "--by", "modality", "-o", "o.svg")
    tested = [x for x in document["moderators"][0]["levels"] if x["tested"]]
    assert len(tested) == 3
    for level in tested:
        text = shown(level["r"], "r")
        assert f"r = {text}" in forest
        assert f"r = {text}" in orchard.replace(", 95% CI", "")
    apart = run("forest", "s.csv", "--by", "modality", "--pool", "apart", "-o", "f.svg")
    assert "Groups were pooled apart, each by a model of its own." in apart
    assert "come from one model" not in apart
    assert "pooled apart" in " ".join((tmp_path / "f.alt.txt").read_text("utf-8").split())


def test_a_level_below_the_minimum_has_counts_and_effects_and_no_mean(fit, texts):
    level = next(x for x in level_means(fit, "modality").levels if x.name == "group-specific")
    size = f"2 studies, {level.n_effects} effects"
    assert not level.pooled
    brief = "".join(t.get_text() for t in texts(plots.forest(fit, by="modality")))
    assert "Groups without a diamond: fewer than 3 studies, or no value reported." in brief
    assert "not pooled" not in brief
    full = plots.own_style({"notes": "full"})
    words = [t.get_text() for t in texts(plots.forest(fit, by="modality", style=full))]
    assert {f"{size}; fewer than 3 studies: not pooled", f"{size}: not pooled"} & set(words)
    assert "1 study: not pooled" in words  # the study without a modality
    assert "Not pooled: fewer than 3 studies, or no value reported." in " ".join(words)
    text = forest_text(fit, by="modality")
    assert f"Group-specific ({size}; fewer than 3 studies: not pooled)" in text


@pytest.mark.parametrize(("name", "label"), [("forest", "subgroup"), ("orchard", "ci")])
def test_a_level_below_the_minimum_has_no_mark_and_does_not_stretch_the_axis(name, label, fit):
    def drawn(pooling):
        figure = getattr(plots, name)(fit, by="modality", pool=pooling)
        axes = next(a for a in figure.axes if a.get_label() == name)
        return axes, [a for a in axes.get_children() if a.get_label() == label]

    joint, marks = drawn("joint")
    apart, more = drawn("apart")
    assert len(marks) == 3
    assert len(more) > 3
    widths = [np.ptp(np.tanh(axes.get_xlim())) for axes in (joint, apart)]
    assert widths[0] < widths[1] or name == "forest"  # whose groups never stretch it
    assert np.tanh(joint.get_xlim()[0]) > -0.7


def test_apart_is_each_level_pooled_on_its_own(fit):
    apart = level_means(fit, "modality", "apart")
    own = subgroup_fits(fit, "modality")
    assert [x.name for x in apart.levels] == list(own)
    assert [x.estimate for x in apart.levels] == [f.estimate for f in own.values()]
    joint = level_means(fit, "modality").levels
    assert joint[0].name == apart.levels[0].name == "CBT"
    assert joint[0].ci_low != apart.levels[0].ci_low


def test_the_test_of_differences_is_that_of_moderators(fit, texts):
    joint = moderators(fit.effects, "modality", model=fit.specification.asked)
    text = " ".join(t.get_text() for t in texts(plots.forest(fit, by="modality")))
    text = text.replace("\N{NO-BREAK SPACE}", " ")
    found = re.search(
        r"among groups of 3 studies or more:\s+F\s*\((\d), ([\d.]+)\) = ([\d.]+)", text
    )
    assert found, text
    assert float(found[3]) == pytest.approx(joint.omnibus["statistic"], abs=0.005)


def test_levels_are_computed_once_for_a_figure_and_its_words(fit):
    before = level_means.cache_info().hits
    assert level_means(fit, "modality") is level_means(fit, "modality")
    assert level_means.cache_info().hits > before


def test_settings_of_the_fit_move_the_levels(sheet, fit):
    wald = pool(fit.effects, test="t", rho=0.2)
    joint = moderators(fit.effects, "modality", test="t", rho=0.2).levels.set_index("level")
    for level in level_means(wald, "modality").levels:
        if level.pooled:
            assert level.ci_low == joint.loc[level.name, "ci_low"]
    assert (
        level_means(wald, "modality").levels[0].ci_low
        != level_means(fit, "modality").levels[0].ci_low
    )


def test_levels_that_no_model_can_hold_are_counted():
    effects = Effects.from_arrays(
        [0.1, 0.3, 0.2, 0.5], [0.02] * 4, moderators={"modality": ["a", "b", "c", "d"]}
    )
    fit = pool(effects, tau2="DL")
    means = level_means(fit, "modality")
    assert not any(level.pooled for level in means.levels)
    assert "Groups were not pooled: no level has" in plots.forest(fit, by="modality").caption


def test_numbers_are_levels_of_their_own(fit):
    effects = Effects.from_arrays(
        np.linspace(0.1, 0.5, 6), [0.02] * 6, moderators={"wave": [1, 1, 1, 2, 2, 2]}
    )
    means = level_means(pool(effects, tau2="DL"), "wave")
    assert [level.name for level in means.levels] == ["1", "2"]
    assert all(level.pooled for level in means.levels)


def test_pairs_of_an_evidence_map_come_from_one_model(fit):
    rater = np.resize(["client", "therapist"], fit.n_effects)
    frame = fit.effects.frame.assign(alliance_rater=rater)
    crossed = pool(Effects(frame=frame, measure="z"))
    found = evidence_cells(crossed, "modality", "alliance_rater").cells
    small = found[found["n_studies"] < 3]
    assert len(small)
    assert small["estimate"].isna().all()
    pair = frame["modality"].astype(object) + " " + frame["alliance_rater"]
    pair = pair.where(pair.notna(), None)
    joint = moderators(
        Effects(frame=frame.assign(pair=pair), measure="z"), "pair"
    ).levels.set_index("level")
    for cell in found[found["estimate"].notna()].itertuples():
        assert cell.estimate == pytest.approx(
            joint.loc[f"{cell.row} {cell.column}", "estimate"], rel=1e-9
        )


def test_another_way_of_pooling_is_refused(fit):
    with pytest.raises(OptionError, match="pool='both'"):
        plots.orchard(fit, by="modality", pool="both")
    with pytest.raises(OptionError, match="pool='both'"):
        plots.forest(fit, pool="both")


def test_a_summary_of_a_test_draws_its_levels_as_they_were_tested(fit):
    joint = moderators(fit.effects, "modality", min_studies=2, separate_tau2=True)
    assert joint.levels["tested"].all()
    figure = plots.summary_forest(fit, joint)
    axes = next(a for a in figure.axes if a.get_label() == "forest")
    drawn = [p.get_xy()[1, 0] for p in axes.patches if p.get_label() == "subgroup"]
    assert drawn == list(joint.levels["estimate"])
    assert "τ² of its own" in figure.caption
    assert f"r = {shown(joint.levels.iloc[-1])}" in summary_text(fit, by=joint)
